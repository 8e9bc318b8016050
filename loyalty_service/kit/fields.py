"""Strict fields: what a client sends is taken as it is, or refused; nothing is guessed.

No ``"5"`` for 5, no 5.0, no number beyond what the database holds, no control characters, no text
without a bound. Each field also says what it takes as a piece of JSON Schema, so the contract in
``openapi.yaml`` is made from the very objects that validate.
"""

import re
from collections.abc import Container, Iterable
from datetime import UTC, date, datetime
from itertools import islice
from typing import Any, ClassVar

from marshmallow import RAISE, Schema, ValidationError, fields, missing

from loyalty_service.kit.naming import HIDDEN, MEMBER_REF_PATTERN, REF_PATTERN

LARGEST = 2**53 - 1
"""The largest whole number that every JSON reader keeps exact."""
MOST_ERRORS = 100
"""Faults of one request that are told."""
UNKNOWN = "unknown field"

CODE_PATTERN = r"[a-z][a-z0-9_]{0,39}"
CURRENCY_PATTERN = r"[A-Z]{3}"
DAY_PATTERN = r"(?:19|2[0-9])[0-9]{2}-[0-9]{2}-[0-9]{2}"
INSTANT_PATTERN = DAY_PATTERN + (
    r"[Tt][0-9]{2}:[0-9]{2}:[0-9]{2}"
    r"(?:\.[0-9]{1,6})?(?:[Zz]|[+-][0-9]{2}:[0-9]{2})"
)
WHOLE_TEXT = re.compile(r"0|-?[1-9][0-9]{0,15}")

_INSTANT = re.compile(INSTANT_PATTERN)
_DAY = re.compile(DAY_PATTERN)
# Control characters, halves of a surrogate pair and the two non-characters of the basic plane:
# PostgreSQL refuses some of them, terminals and logs are misled by the others.
_UNPRINTABLE = re.compile("[\x00-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff]")
TEXT_PATTERN = rf"^[^{HIDDEN}]*[^{HIDDEN}\s][^{HIDDEN}]*$"
EARLIEST_YEAR, LATEST_YEAR = 1900, 2999


def unknown_fields(found: Iterable[str], known: Container[str]) -> dict[str, list[str]]:
    """A fault for each name that is not known, as many as are told at the most."""
    strange = (name for name in found if name not in known)
    return {name: [UNKNOWN] for name in islice(strange, MOST_ERRORS)}


class Body(Schema):
    """The base of every schema on the wire: an unknown field is refused, never dropped."""

    class Meta:
        unknown = RAISE

    goes_together: ClassVar[dict[str, Any]] = {}
    """Which fields go together and which do not, as JSON Schema, where a body checks it."""

    error_messages = {  # noqa: RUF012
        "unknown": UNKNOWN,
        "type": "must be an object",
    }

    def load(self, data: Any, **options: Any) -> Any:
        """As marshmallow does, but of very many unknown fields only the first are told."""
        if type(data) is dict and len(data) > MOST_ERRORS:
            strange = unknown_fields(data, {f.data_key or n for n, f in self.load_fields.items()})
            if strange:
                raise ValidationError(strange)
        return super().load(data, **options)


class Query(Body):
    """The base of query strings: numbers and flags arrive as text and are read strictly."""


class Strict(fields.Field[Any]):
    """A field that says in JSON Schema what it takes."""

    default_error_messages = {  # noqa: RUF012
        "required": "is required",
        "null": "must not be null",
    }

    def json_schema(self) -> dict[str, Any]:
        """This field as a piece of JSON Schema (2020-12)."""
        raise NotImplementedError

    def read(self, value: Any) -> Any:
        """The value as the service uses it.

        Raises:
            ValidationError: it is not what this field takes.
        """
        raise NotImplementedError

    def deserialize(self, value: Any, *where: Any, **options: Any) -> Any:
        """Marshmallow's reading, without its detours where there is a value (half its time)."""
        if value is None or value is missing or self.validators:
            return super().deserialize(value, *where, **options)
        return self.read(value)

    def _deserialize(self, value: Any, *_where: Any, **_options: Any) -> Any:
        return self.read(value)

    def from_text(self, text: str) -> Any:
        """What ``text`` of a query string stands for; the text itself where it is no such thing."""
        return text


class Whole(Strict):
    """A whole number within bounds; never text, never 5.0, never a flag."""

    def __init__(self, minimum: int = 0, maximum: int = LARGEST, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.minimum = minimum
        self.maximum = maximum

    def read(self, value: Any) -> int:
        if type(value) is not int:
            raise ValidationError("must be a whole number")
        if not self.minimum <= value <= self.maximum:
            raise ValidationError(f"must be from {self.minimum} to {self.maximum}")
        return value

    def from_text(self, text: str) -> Any:
        return int(text) if WHOLE_TEXT.fullmatch(text) else text

    def json_schema(self) -> dict[str, Any]:
        return {"type": "integer", "minimum": self.minimum, "maximum": self.maximum}


class Points(Whole):
    """Whole points."""


class Count(Whole):
    """How many: units of a line, a page's length."""

    def __init__(self, minimum: int = 1, maximum: int = 1_000_000, **kwargs: Any) -> None:
        super().__init__(minimum, maximum, **kwargs)


class MinorMoney(Whole):
    """An amount of money as a bare number of minor units, where the currency is said elsewhere."""


class Flag(Strict):
    """``true`` or ``false``; never 0, 1 or text."""

    def read(self, value: Any) -> bool:
        if value is True or value is False:
            return bool(value)
        raise ValidationError("must be true or false")

    def from_text(self, text: str) -> Any:
        return {"true": True, "false": False}.get(text, text)

    def json_schema(self) -> dict[str, Any]:
        return {"type": "boolean"}


class Patterned(Strict):
    """Text of one fixed form."""

    pattern = REF_PATTERN
    message = "must be 1 to 64 of the characters A-Z a-z 0-9 . _ ~ -"

    def __init_subclass__(cls) -> None:
        cls._compiled = re.compile(cls.pattern)

    _compiled = re.compile(REF_PATTERN)

    def read(self, value: Any) -> str:
        if type(value) is str and self._compiled.fullmatch(value):
            return value
        raise ValidationError(self.message)

    def json_schema(self) -> dict[str, Any]:
        return {"type": "string", "pattern": f"^{self.pattern}$"}


class Ref(Patterned):
    """Another system's name for a thing: an order, a return, a charge."""


class MemberRef(Patterned):
    """An outside name of a member: ``kind:value``, or bare for the shop's own customer id."""

    pattern = MEMBER_REF_PATTERN
    message = "must be a member's name: kind:value, or the shop's own customer id"


class Code(Patterned):
    """A name from a vocabulary: a channel, a wallet, an event."""

    pattern = CODE_PATTERN
    message = "must be 1 to 40 of the characters a-z 0-9 _, beginning with a letter"


class Currency(Patterned):
    """An ISO 4217 currency code."""

    pattern = CURRENCY_PATTERN
    message = "must be an ISO 4217 currency code, as CNY"


class Cursor(Patterned):
    """Where a page ended, as the page before said it."""

    pattern = "[A-Za-z0-9_-]{1,400}"
    message = "must be a cursor as a list gave it"


class Text(Strict):
    """One line of text for people, bounded, without control characters, not blank."""

    def __init__(self, maximum: int, minimum: int = 1, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.minimum = minimum
        self.maximum = maximum

    def read(self, value: Any) -> str:
        if type(value) is not str:
            raise ValidationError("must be text")
        if not self.minimum <= len(value) <= self.maximum:
            raise ValidationError(f"must have {self.minimum} to {self.maximum} characters")
        # What Python may print holds none of them, and is told at once.
        if not value.isprintable() and _UNPRINTABLE.search(value):
            raise ValidationError("must have no control characters")
        if self.minimum and value.isspace():
            raise ValidationError("must not be blank")
        return value

    def json_schema(self) -> dict[str, Any]:
        pattern = TEXT_PATTERN if self.minimum else f"^[^{HIDDEN}]*$"
        bounds = {"minLength": self.minimum, "maxLength": self.maximum}
        return {"type": "string", **bounds, "pattern": pattern}


class Choice(Strict):
    """One word of a closed list."""

    def __init__(self, choices: Iterable[str], **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.choices = tuple(str(choice) for choice in choices)

    def read(self, value: Any) -> str:
        if type(value) is str and value in self.choices:
            return value
        raise ValidationError(f"must be one of {', '.join(self.choices)}")

    def json_schema(self) -> dict[str, Any]:
        return {"type": "string", "enum": list(self.choices)}


class Instant(Strict):
    """An instant in RFC 3339 with its offset, to the microsecond; read as UTC."""

    def read(self, value: Any) -> datetime:
        if type(value) is not str or not _INSTANT.fullmatch(value):
            raise ValidationError("must be an instant as 2026-11-11T08:00:00Z, from 1900 to 2999")
        try:
            instant = datetime.fromisoformat(value.upper()).astimezone(UTC)
        except (ValueError, OverflowError):
            raise ValidationError("is no instant of the calendar") from None
        if not EARLIEST_YEAR <= instant.year <= LATEST_YEAR:
            raise ValidationError(f"must lie from {EARLIEST_YEAR} to {LATEST_YEAR}")
        return instant

    def json_schema(self) -> dict[str, Any]:
        return {"type": "string", "format": "date-time", "pattern": f"^{INSTANT_PATTERN}$"}


class Day(Strict):
    """A date of the calendar, as 2026-11-11."""

    def read(self, value: Any) -> date:
        if type(value) is not str or not _DAY.fullmatch(value):
            raise ValidationError("must be a date as 2026-11-11, from 1900 to 2999")
        try:
            day = date.fromisoformat(value)
        except ValueError:
            raise ValidationError("is no date of the calendar") from None
        if not EARLIEST_YEAR <= day.year <= LATEST_YEAR:
            raise ValidationError(f"must lie from {EARLIEST_YEAR} to {LATEST_YEAR}")
        return day

    def json_schema(self) -> dict[str, Any]:
        return {"type": "string", "format": "date", "pattern": f"^{DAY_PATTERN}$"}


def about(text: str) -> dict[str, Any]:
    """What a field is for, as ``**about("...")`` among its arguments; the contract tells it."""
    return {"metadata": {"description": text}}
