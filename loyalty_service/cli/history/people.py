"""The members whom the demo shop remembers by name: each shows one thing about the ledger."""

from collections.abc import Iterator
from datetime import date, timedelta

from loyalty_service.cli.history.goods import (
    BOOTS,
    COAT,
    CUP,
    PARCEL,
    SCARF,
    SHIRT,
    SHOES,
    TEA,
    WHITE_TEA,
)
from loyalty_service.cli.history.life import Life
from loyalty_service.members.rules import Ref
from loyalty_service.members.service import Details

MEI = "mei"
SU = "su"
DAY = timedelta(days=1)


def known_people(last: date) -> Iterator[Life]:
    """The lives of the members known by name, up to and with ``last`` (a local day)."""
    yield _mei(last)
    yield _owes_points(last)
    yield _was_put_right(last)
    yield _let_points_end(last)
    yield _forgot_to_look(last)
    yield _sent_everything_back(last)
    yield _works_here(last)
    yield _bought_little_since(last)


def _mei(last: date) -> Life:
    """Some of everything: points alive, waiting, and about to end."""
    born_on = last - 19 * DAY
    details = Details(
        refs=(Ref("card", "8860-0001"),), birthday=(born_on.month, born_on.day), tags=("demo",)
    )
    life = Life(MEI, 1, last - 330 * DAY, details)
    life.buy(last - 325 * DAY, SHOES.line(), TEA.line(3), arrives_after=4)
    coat = life.buy(last - 250 * DAY, COAT.line(), SHIRT.line(2), PARCEL.line(), channel="web")
    life.tell(last - 243 * DAY, "review")
    life.send_back(last - 240 * DAY, coat, line=2)
    life.buy(last - 140 * DAY, BOOTS.line(), SCARF.line(2), discount_minor=10_000)
    life.tell(last - 60 * DAY, "questionnaire")
    life.buy(last - 12 * DAY, SHIRT.line(2), TEA.line(4), channel="mini_program", arrives_after=2)
    for days in (3, 2, 1):
        life.tell(last - days * DAY, "check_in", hour=7.5)
    # Delivered, but still within the days in which it may be sent back.
    life.buy(last - 6 * DAY, WHITE_TEA.line(5), CUP.line(2), arrives_after=2)
    # Paid and not delivered; the last thing that happens in the whole story.
    life.buy(last, SHOES.line(), TEA.line(3), PARCEL.line(), hour=21.5, arrives_after=None)
    return life


def _owes_points(last: date) -> Life:
    """Took the points of an order out by hand and then sent the order back."""
    life = Life("chen", 2, last - 120 * DAY, Details(tags=("demo",)))
    coat = life.buy(last - 118 * DAY, COAT.line(), channel="web")
    life.adjust(last - 90 * DAY, -800, "A teapot from the counter, for 800 points")
    life.send_back(last - 80 * DAY, coat, line=1)
    return life


def _was_put_right(last: date) -> Life:
    """Was given 5,000 points by mistake, which was answered by a reversal."""
    life = Life("lin", 3, last - 200 * DAY, Details(birthday=(2, 29), tags=("demo",)))
    life.buy(last - 190 * DAY, SHIRT.line(), CUP.line(4))
    life.adjust(last - 100 * DAY, 5_000, "Complaint 4711: parcel arrived late")
    life.undo(last - 99 * DAY, "Meant 500 points, not 5,000")
    life.adjust(last - 99 * DAY, 500, "Complaint 4711: parcel arrived late", hour=15.5)
    return life


def _let_points_end(last: date) -> Life:
    """The points of a first order ended after their 90 days, and the ledger says so."""
    life = Life("hua", 4, last - 260 * DAY, Details(tags=("demo",)))
    life.buy(last - 258 * DAY, TEA.line(3), arrives_after=1)
    life.buy(last - 100 * DAY, WHITE_TEA.line(3), arrives_after=1)
    return life


def _forgot_to_look(last: date) -> Life:
    """Has points past their end whose entry is not written yet."""
    life = Life("tao", 5, last - 110 * DAY, Details(tags=("demo", "sleeping")))
    life.buy(last - 108 * DAY, SCARF.line(), arrives_after=2)
    return life


def _sent_everything_back(last: date) -> Life:
    """Part by part, until nothing of the order was left."""
    life = Life("bo", 6, last - 75 * DAY, Details(tags=("demo",)))
    order = life.buy(last - 70 * DAY, SHIRT.line(3), BOOTS.line(), channel="mini_program")
    life.send_back(last - 60 * DAY, order, line=1)
    life.send_back(last - 55 * DAY, order, line=2)
    life.take_money_back(last - 50 * DAY, order, 39_800)
    return life


def _works_here(last: date) -> Life:
    """Buys at staff prices, and earns by the staff rule alone."""
    life = Life("qiang", 7, last - 300 * DAY, Details(tags=("demo", "staff")))
    for days in (280, 170, 60):
        life.buy(last - days * DAY, SHOES.line(), TEA.line(2), channel="store", arrives_after=0)
    return life


def _bought_little_since(last: date) -> Life:
    """Rose to gold by one large order, and was demoted when a year had brought hardly another."""
    life = Life(SU, 8, last - 495 * DAY, Details(tags=("demo",)))
    life.buy(last - 488 * DAY, COAT.line(2), BOOTS.line(2), channel="web")
    life.buy(last - 300 * DAY, TEA.line())
    # After the term, which may last 13 months, and the grace: what the review did is written.
    life.buy(last - 30 * DAY, CUP.line(2))
    return life
