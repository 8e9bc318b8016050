"""Instants on the command line."""

from datetime import datetime

import click


class Instant(click.ParamType[datetime]):
    """An instant with its zone, as 2026-03-02T04:00:00Z."""

    name = "instant"

    def convert(
        self, value: str, param: click.Parameter | None, ctx: click.Context | None
    ) -> datetime:
        try:
            instant = datetime.fromisoformat(value)
        except ValueError as error:
            self.fail(f"{value} is not an instant: {error}", param, ctx)
        if instant.tzinfo is None:
            self.fail(f"{value} names no zone; write Z or an offset at its end", param, ctx)
        return instant
