"""The whole history of the demo shop, in the order in which it happened."""

from datetime import date, timedelta

from loyalty_service.cli.history.customers import ordinary_people
from loyalty_service.cli.history.life import Act, local
from loyalty_service.cli.history.people import MEI, known_people

__all__ = ["MEI", "plan_history"]

LAST_HOUR = 22.0


def plan_history(today: date) -> list[Act]:
    """Everything that happened up to yesterday evening; the same list for the same day.

    Args:
        today: a local day of the shop. Nothing is told of it, so that nothing lies in the future.
    """
    last = today - timedelta(days=1)
    known = list(known_people(last))
    lives = [*known, *ordinary_people(last, first_number=len(known) + 1)]
    end = local(last, LAST_HOUR)
    acts = [act for life in lives for act in life.acts if act.at <= end]
    return sorted(acts, key=lambda act: (act.at, act.key))
