"""The only writer of points."""

from loyalty_service.ledger.service.adjusting import adjust, chosen_wallets, reverse
from loyalty_service.ledger.service.books import Acting, Books, told
from loyalty_service.ledger.service.ending import (
    end_brought,
    end_by_hand,
    instants_in_time,
    openings_by_time,
    openings_foreseen,
    openings_in_time,
    slide,
    tell_end,
    turns_ahead,
)
from loyalty_service.ledger.service.posting import CLOCK_ACTOR, get_actor_id, post
from loyalty_service.ledger.service.proving import prove
from loyalty_service.ledger.service.showing import balances
from loyalty_service.ledger.service.transferring import send

__all__ = [
    "CLOCK_ACTOR",
    "Acting",
    "Books",
    "adjust",
    "balances",
    "chosen_wallets",
    "end_brought",
    "end_by_hand",
    "get_actor_id",
    "instants_in_time",
    "openings_by_time",
    "openings_foreseen",
    "openings_in_time",
    "post",
    "prove",
    "reverse",
    "send",
    "slide",
    "tell_end",
    "told",
    "turns_ahead",
]
