"""The other members of the demo shop: ordinary lives, different each, the same on every telling."""

from collections.abc import Iterator
from datetime import date, timedelta
from random import Random

from loyalty_service.checkout.rules.cart import CartLine
from loyalty_service.cli.history.goods import PARCEL, SHELF
from loyalty_service.cli.history.life import Life
from loyalty_service.members.rules import Ref
from loyalty_service.members.service import Details

NAMES = (
    "an",
    "bai",
    "dan",
    "fang",
    "gang",
    "hong",
    "jia",
    "kai",
    "lan",
    "ming",
    "na",
    "ping",
    "qing",
    "rui",
    "shan",
    "ting",
    "wei",
    "xia",
    "yan",
    "ze",
    "zhen",
)
CHANNELS = ("app", "app", "app", "mini_program", "web", "store")
DAY = timedelta(days=1)
MOST_DAYS = 480
SINGLES_DAY = (11, 11)


def ordinary_people(last: date, *, first_number: int) -> Iterator[Life]:
    """The lives of the members nobody tells stories about, up to and with ``last``."""
    for number, name in enumerate(NAMES, start=first_number):
        # The same name lives the same life; nothing secret hangs on it.
        yield _live(name, number, last, Random(name))  # noqa: S311


def _live(name: str, number: int, last: date, dice: Random) -> Life:
    joined_on = last - dice.randrange(30, MOST_DAYS) * DAY
    birthday = (dice.randint(1, 12), dice.randint(1, 28))
    details = Details(
        refs=(Ref("card", f"8860-{number:04}"),),
        birthday=birthday if dice.random() < 0.8 else None,
        tags=("demo", "newsletter") if dice.random() < 0.5 else ("demo",),
    )
    life = Life(name, number, joined_on, details)
    _check_in(life, last, dice)
    for on in _shopping_days(joined_on, last, dice):
        _shop(life, on, dice)
    return life


def _shopping_days(joined_on: date, last: date, dice: Random) -> list[date]:
    """Every few weeks, and on Singles' Day."""
    days, on = set(), joined_on
    while on <= last:
        days.add(on)
        on += dice.randrange(9, 50) * DAY
    days |= {
        date(year, *SINGLES_DAY)
        for year in (last.year - 2, last.year - 1, last.year)
        if joined_on <= date(year, *SINGLES_DAY) <= last
    }
    return sorted(days)


def _shop(life: Life, on: date, dice: Random) -> None:
    chosen = dice.sample(SHELF, dice.randint(1, 4))
    lines: list[CartLine] = [article.line(dice.choice((1, 1, 1, 2, 3))) for article in chosen]
    channel = dice.choice(CHANNELS)
    waits = 0 if channel == "store" else dice.choice((1, 2, 2, 3, 4, 9))
    if waits and dice.random() < 0.4:
        lines.append(PARCEL.line())
    fate = dice.random()
    order_ref = life.buy(
        on,
        *lines,
        hour=dice.randrange(40, 84) / 4,
        channel=channel,
        arrives_after=None if fate < 0.06 else waits,
        discount_minor=dice.choice((0, 0, 0, 500, 1_000)),
    )
    after = on + (waits + dice.randint(2, 6)) * DAY
    if fate < 0.06:
        life.call_off(on + DAY, order_ref)
    elif fate < 0.18:
        life.send_back(after, order_ref, line=1)
    elif fate < 0.22:
        life.take_money_back(after, order_ref, 1_000)
    elif fate < 0.45:
        life.tell(after, "review", hour=19.0, channel=dice.choice(CHANNELS))


def _check_in(life: Life, last: date, dice: Random) -> None:
    """Two or three streaks of some days in a row."""
    days = set()
    for _ in range(dice.randint(0, 3)):
        first = life.joined_on + dice.randrange(1, (last - life.joined_on).days) * DAY
        days |= {first + n * DAY for n in range(dice.randint(2, 9))}
    for on in sorted(days):
        life.tell(on, "check_in", hour=6.5)
