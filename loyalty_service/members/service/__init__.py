"""Enrol, amend and lock members; the member row is the lock of everything a member owns."""

from loyalty_service.members.service.enrolling import (
    Details,
    Overdue,
    amend,
    enrol,
    enrol_or_amend,
    lock_redemption,
    read_secret,
)
from loyalty_service.members.service.locking import lock, lock_many
from loyalty_service.members.service.saving import (
    add_new,
    new_ids,
    new_member,
    replace_totals,
    save,
    save_totals,
)

__all__ = [
    "Details",
    "Overdue",
    "add_new",
    "amend",
    "enrol",
    "enrol_or_amend",
    "lock",
    "lock_many",
    "lock_redemption",
    "new_ids",
    "new_member",
    "read_secret",
    "replace_totals",
    "save",
    "save_totals",
]
