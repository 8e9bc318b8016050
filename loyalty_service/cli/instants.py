"""Instants and days on the command line."""

from datetime import UTC, date, datetime

import click

from loyalty_service.kit.fields import EARLIEST_YEAR, LATEST_YEAR

_ONE = "2026-03-31T16:00:00Z"
_YEARS = f"must lie from {EARLIEST_YEAR} to {LATEST_YEAR}"


class Instant(click.ParamType[datetime]):
    """An instant with its zone, as 2026-03-02T04:00:00Z; taken as UTC."""

    name = "instant"

    def convert(
        self, value: str, param: click.Parameter | None, ctx: click.Context | None
    ) -> datetime:
        try:
            instant = datetime.fromisoformat(value)
        except ValueError as error:
            self.fail(f"{value} is not an instant, as {_ONE}: {error}", param, ctx)
        if instant.tzinfo is None:
            self.fail(f"{value} names no zone; write Z or an offset at its end", param, ctx)
        try:
            instant = instant.astimezone(UTC)
        except OverflowError:
            self.fail(f"{value} {_YEARS}", param, ctx)
        if not EARLIEST_YEAR <= instant.year <= LATEST_YEAR:
            self.fail(f"{value} {_YEARS}", param, ctx)
        return instant


class Day(click.ParamType[date]):
    """A date of the calendar, as 2026-03-02."""

    name = "day"

    def convert(self, value: str, param: click.Parameter | None, ctx: click.Context | None) -> date:
        try:
            day = datetime.strptime(value, "%Y-%m-%d").date()  # noqa: DTZ007 (a day has no zone)
        except ValueError:
            self.fail(f"{value} is not a day of the calendar; one is 2026-03-31", param, ctx)
        if not EARLIEST_YEAR <= day.year <= LATEST_YEAR:
            self.fail(f"{value} {_YEARS}", param, ctx)
        return day
