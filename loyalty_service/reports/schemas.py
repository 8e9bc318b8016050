"""The shape of reports on the wire."""

from typing import Any, ClassVar

from marshmallow import ValidationError

from loyalty_service.kit.fields import (
    LARGEST,
    Body,
    Choice,
    Code,
    Day,
    Points,
    Query,
    Strict,
    Text,
    Whole,
    about,
)
from loyalty_service.kit.shapes import Items, Money
from loyalty_service.ledger.rules.entry import Reason
from loyalty_service.reports.rules.liability import Ends
from loyalty_service.reports.rules.points import By

FORMATS = ("json", "csv")
MOST_ROWS = 50_000
MOST_WALLETS = 100
MOST_MONTHS = 12_000


class Month(Strict):
    """A month of the calendar, as 2026-11."""

    def read(self, value: Any) -> str:
        if type(value) is not str or len(value) != 7 or value[4] != "-":
            raise ValidationError("must be a month as 2026-11")
        return value

    def json_schema(self) -> dict[str, Any]:
        return {"type": "string", "pattern": "^[0-9]{4}-[0-9]{2}$"}


class PointsQuery(Query):
    """Which days, and what the rows are."""

    class Meta(Query.Meta):
        # A word of Python's own.
        include: ClassVar = {
            "from": Day(**about("first day; left out: the first of the last day's month"))
        }

    by = Choice(By, **about("what the rows are, each told by wallet; left out: month"))
    until = Day(**about("last day, included; left out: today"))
    format = Choice(FORMATS, **about("csv: a table for spreadsheets; left out: json"))


class LiabilityQuery(Query):
    """Which day."""

    at = Day(**about("a day that is over, at its end; left out: today, by what is recorded so far"))
    format = Choice(FORMATS, **about("csv: a table for spreadsheets; left out: json"))


class PointsRowSchema(Body):
    """Points of one day, month or reason, in one wallet."""

    day = Day(**about("where rows are days"))
    month = Month(**about("where rows are months"))
    reason = Choice(Reason, **about("where rows are reasons: why the entries were written"))
    wallet = Code(required=True)
    given = Points(required=True, **about("sum of the entries above 0"))
    taken = Points(required=True, **about("sum of the entries below 0, as a positive number"))
    points = Points(-LARGEST, required=True, **about("given less taken"))
    entries = Whole(1, required=True, **about("how many entries"))


class PointsReportSchema(Body):
    """Points that entries gave and took, by the day they were recorded."""

    by = Choice(By, required=True)
    first_day = Day(required=True)
    last_day = Day(required=True, **about("included"))
    time_zone = Text(100, required=True, **about("whose days these are: the program's"))
    rows = Items(PointsRowSchema, maximum=MOST_ROWS, required=True)


class OwedSchema(Body):
    """Open points."""

    active = Points(required=True, **about("can be used"))
    pending = Points(required=True, **about("not alive yet"))
    held = Points(required=True, **about("kept for orders"))
    points = Points(required=True, **about("all of them"))
    worth = Money(
        maximum=LARGEST,
        required=True,
        allow_none=True,
        **about("what they pay; null: this wallet pays nothing"),
    )


class MonthOwedSchema(OwedSchema):
    """Open points that end in one month, or at no day that is known."""

    ends = Choice(
        Ends,
        required=True,
        **about(
            "in_month; never; or after_fulfilment: their end is known once an order is fulfilled"
        ),
    )
    month = Month(
        required=True,
        allow_none=True,
        **about("of the last day at whose end they are open; null where none is known"),
    )


class WalletOwedSchema(OwedSchema):
    """Open points of one wallet."""

    wallet = Code(required=True)
    months = Items(MonthOwedSchema, maximum=MOST_MONTHS, required=True)


class LiabilitySchema(Body):
    """Open points at the end of a day, by wallet and by the month in which they end."""

    at = Day(required=True, **about("the day at whose end"))
    time_zone = Text(100, required=True, **about("whose days these are: the program's"))
    program_version = Whole(1, required=True, **about("whose value of a point was taken"))
    wallets = Items(WalletOwedSchema, maximum=MOST_WALLETS, required=True)
