"""Fields made of other fields: money, bounded lists, objects named by codes."""

from typing import Any, NamedTuple

from marshmallow import Schema, ValidationError, fields, missing

from loyalty_service.kit.fields import (
    CODE_PATTERN,
    MOST_ERRORS,
    Code,
    Currency,
    MinorMoney,
    Strict,
    unknown_fields,
)

_MINOR = "minor units of the currency: 6400 in CNY is 64.00 yuan"


class MoneyValue(NamedTuple):
    """An amount in minor units and its currency, as read from the wire."""

    amount: int
    currency: str


class Money(Strict):
    """Money as ``{"amount": 1999, "currency": "CNY"}``, in minor units."""

    def __init__(self, minimum: int = 0, maximum: int = 10**12, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self._amount = MinorMoney(minimum, maximum, required=True)
        self._currency = Currency(required=True)

    def read(self, value: Any) -> MoneyValue:
        if type(value) is not dict:
            raise ValidationError("must be an object of amount and currency")
        try:
            if len(value) == 2:
                return MoneyValue(
                    self._amount.read(value["amount"]), self._currency.read(value["currency"])
                )
        except (KeyError, ValidationError):
            raise ValidationError(self._faults(value)) from None
        raise ValidationError(self._faults(value))

    def _faults(self, value: dict[str, Any]) -> dict[str, Any]:
        faults: dict[str, Any] = unknown_fields(value, MoneyValue._fields)
        _gather(faults, "amount", self._amount, value.get("amount", missing))
        _gather(faults, "currency", self._currency, value.get("currency", missing))
        return faults

    def json_schema(self) -> dict[str, Any]:
        return {
            "type": "object",
            "required": ["amount", "currency"],
            "additionalProperties": False,
            "properties": {
                "amount": {**self._amount.json_schema(), "description": _MINOR},
                "currency": self._currency.json_schema(),
            },
        }


class Items(fields.Nested):
    """A bounded list of objects of one shape."""

    default_error_messages = {"type": "must be a list", **Strict.default_error_messages}  # noqa: RUF012

    def __init__(
        self, schema: type[Schema], *, maximum: int, minimum: int = 0, **kwargs: Any
    ) -> None:
        super().__init__(schema, many=True, **kwargs)
        self.minimum = minimum
        self.maximum = maximum

    def _test_collection(self, value: Any) -> None:
        _require_list(value, self.minimum, self.maximum)

    def _load(self, value: list[Any], partial: Any = None) -> list[Any]:
        # Item by item, up to as many faults as are told: gathering all of a long list that is
        # wrong throughout takes seconds and hundreds of megabytes.
        loaded: list[Any] = []
        faults: dict[int, Any] = {}
        left = MOST_ERRORS
        for i, item in enumerate(value):
            try:
                loaded.append(self.schema.load(item, many=False, partial=partial))
            except ValidationError as fault:
                faults[i] = fault.normalized_messages()  # type: ignore[no-untyped-call]
                left -= _count(faults[i])
            if left <= 0:
                break
        if faults:
            raise ValidationError(faults)
        return loaded

    def json_schema(self) -> dict[str, Any]:
        """The bounds, beside what the shape itself says."""
        return {"minItems": self.minimum, "maxItems": self.maximum}


class ListOf(fields.List[Any]):
    """A bounded list of plain values."""

    default_error_messages = Strict.default_error_messages

    def __init__(self, inner: Strict, *, maximum: int, minimum: int = 0, **kwargs: Any) -> None:
        super().__init__(inner, **kwargs)
        self.minimum = minimum
        self.maximum = maximum

    def _deserialize(self, value: Any, *where: Any, **options: Any) -> list[Any]:
        _require_list(value, self.minimum, self.maximum)
        return super()._deserialize(value, *where, **options)

    def json_schema(self) -> dict[str, Any]:
        """The bounds, beside what the inner field itself says."""
        return {"minItems": self.minimum, "maxItems": self.maximum}


class ByCode(Strict):
    """An object named by codes of the program (wallets, rules), its values all alike."""

    def __init__(self, inner: Strict, *, maximum: int = 100, **kwargs: Any) -> None:
        super().__init__(**kwargs)
        self.inner = inner
        self.maximum = maximum

    def read(self, value: Any) -> dict[str, Any]:
        if type(value) is not dict:
            raise ValidationError("must be an object")
        if len(value) > self.maximum:
            raise ValidationError(f"must have at most {self.maximum} names")
        faults: dict[str, Any] = {}
        for name, inner in value.items():
            _gather(faults, name, _CODE, name)
            _gather(faults, name, self.inner, inner)
        if faults:
            raise ValidationError(faults)
        return {name: self.inner.read(inner) for name, inner in value.items()}

    def json_schema(self) -> dict[str, Any]:
        return {
            "type": "object",
            "maxProperties": self.maximum,
            "propertyNames": {"pattern": f"^{CODE_PATTERN}$"},
            "additionalProperties": self.inner.json_schema(),
        }


class JsonValue(Strict):
    """Any JSON value: what a rule asked for, or what it saw."""

    def read(self, value: Any) -> Any:
        return value

    def json_schema(self) -> dict[str, Any]:
        return {}


_CODE = Code()


def _gather(faults: dict[str, Any], name: str, field: Strict, value: Any) -> None:
    try:
        field.deserialize(value)
    except ValidationError as fault:
        faults[name] = fault.messages


def _count(messages: Any) -> int:
    if isinstance(messages, dict):
        return sum(map(_count, messages.values()))
    return len(messages) if isinstance(messages, list) else 1


def _require_list(value: Any, minimum: int, maximum: int) -> None:
    if type(value) is not list:
        raise ValidationError("must be a list")
    if not minimum <= len(value) <= maximum:
        raise ValidationError(f"must have {minimum} to {maximum} items")
