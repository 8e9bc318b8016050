"""Values in paths, and the cursors of lists."""

from base64 import urlsafe_b64decode, urlsafe_b64encode
from collections.abc import Callable, Iterable
from contextlib import suppress
from hashlib import blake2b
from typing import Any, TypeVar

import orjson
from marshmallow import ValidationError

from loyalty_service.kit.errors import Malformed
from loyalty_service.kit.fields import Code, MemberRef, Ref, Strict, Whole, about
from loyalty_service.kit.naming import PERSONAL_KINDS
from loyalty_service.kit.problems import RequestInvalid

Place = TypeVar("Place")

OWN_KIND = "shop"
_CHECK_BYTES = 8


class PersonalRefInPath(Malformed):
    """A phone number or mail address must not stand in a path, where logs would keep it."""

    code = "personal_ref_in_path"


class CursorInvalid(Malformed):
    """The cursor was not made by this list; begin again without one."""

    code = "cursor_invalid"


def path_field(name: str) -> Strict:
    """What a value of that name in a path must look like.

    Raises:
        ValueError: no such value is known.
    """
    if name == "member_ref":
        return MemberRef(**about("kind:value, or bare for the shop's own customer id"))
    if name.endswith("_ref"):
        return Ref(**about(f"the shop's own name of the {name.removesuffix('_ref')}"))
    if name in ("seq", "version"):
        return Whole(1, **about("its number, counted from 1"))
    if name in ("wallet", "code"):
        return Code(**about("its id in the program"))
    raise ValueError(f"no field for {{{name}}} in a path")


def read_path(fields: Iterable[tuple[str, Strict]], texts: Iterable[str]) -> dict[str, Any]:
    """The values of a path, in its order; a member's name as ``kind:value``.

    Raises:
        RequestInvalid: a value is not of its form.
        PersonalRefInPath: the member is named by something personal.
    """
    named: dict[str, Any] = {}
    for (name, field), text in zip(fields, texts, strict=True):
        try:
            named[name] = field.read(field.from_text(text))
        except ValidationError as fault:
            error = {"path": name, "message": str(fault.messages[0]), "value": text[:100]}
            raise RequestInvalid("The path breaks the contract.", [error]) from None
        if name == "member_ref":
            named[name] = _full_name(text)
    return named


def _full_name(member_ref: str) -> str:
    kind, colon, _ = member_ref.partition(":")
    if not colon:
        return f"{OWN_KIND}:{member_ref}"
    if kind in PERSONAL_KINDS:
        raise PersonalRefInPath("Name the member otherwise; look personal names up by POST.")
    return member_ref


def encode_cursor(name: str, place: list[Any]) -> str:
    """Say where a page ended, as text that means nothing to the client.

    Args:
        name: of the list; another list does not take the cursor.
        place: JSON-ready values of the last row.
    """
    text = orjson.dumps(place)
    return _armour(_check(name, text) + text)


def decode_cursor(name: str, cursor: str, read: Callable[[Any], Place]) -> Place:
    """Where the page before ended.

    Args:
        read: makes the list's own place of what ``encode_cursor`` was given. Anybody can make a
            cursor, so it raises ``ValueError`` or marshmallow's ``ValidationError`` for anything
            that the list would not have made.

    Raises:
        CursorInvalid: it was changed, or made by another list.
    """
    with suppress(ValueError, ValidationError):
        raw = urlsafe_b64decode(cursor.encode("ascii") + b"=" * (-len(cursor) % 4))
        text = raw[_CHECK_BYTES:]
        # The decoder skips what is no base64, so the way back is compared too.
        if raw[:_CHECK_BYTES] == _check(name, text) and _armour(raw) == cursor:
            return read(orjson.loads(text))
    raise CursorInvalid("This is no cursor of this list.", path="cursor")


def _armour(raw: bytes) -> str:
    return urlsafe_b64encode(raw).rstrip(b"=").decode()


def _check(name: str, text: bytes) -> bytes:
    # Catches mistakes and curiosity. It need not withstand forgery: a place is read as strictly
    # as anything a caller sends, and used inside a list that the caller may read anyway.
    return blake2b(text, digest_size=_CHECK_BYTES, key=name.encode()[:64]).digest()
