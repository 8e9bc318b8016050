"""One wallet of the oracle: what a return takes, and what a deficit absorbs."""

from datetime import UTC, datetime

import pytest

from tests.oracle.lots import NEVER, Wallet


def day(number: int) -> datetime:
    return datetime(2011, 1, number, tzinfo=UTC)


@pytest.fixture
def wallet() -> Wallet:
    """Order A: 10 ending on the 20th and 5 pending; B: 10 ending on the 12th; C: 10 pending."""
    wallet = Wallet()
    wallet.credit("A", [(day(1), day(20), 10), (day(15), NEVER, 5)])
    wallet.credit("B", [(day(1), day(12), 10)])
    wallet.credit("C", [(day(16), NEVER, 10)])
    return wallet


def remaining(wallet: Wallet) -> list[int]:
    return [lot.remaining for lot in wallet.lots]


@pytest.mark.parametrize(
    ("points", "left"),
    [
        (3, [10, 2, 10, 10]),
        (8, [7, 0, 10, 10]),
        (18, [0, 0, 7, 10]),
        (28, [0, 0, 0, 7]),
    ],
    ids=["own pending", "own active", "others' active", "others' pending"],
)
def test_a_return_takes_from_its_own_lots_first(
    wallet: Wallet, points: int, left: list[int]
) -> None:
    wallet.take_back("A", points, day(10))

    assert remaining(wallet) == left
    assert wallet.deficit == 0


def test_what_nobody_has_is_a_deficit_that_the_next_credit_absorbs(wallet: Wallet) -> None:
    wallet.take_back("A", 47, day(10))

    wallet.credit("D", [(day(11), NEVER, 6), (day(11), day(30), 9)])

    # 35 were there, so 12 are missing; the lot that ends first gives 9, the other 3
    assert remaining(wallet)[-2:] == [3, 0]
    assert (wallet.balance, wallet.deficit) == (3, 0)


def test_expired_points_count_as_taken_once(wallet: Wallet) -> None:
    wallet.expire(day(12))

    wallet.take_back("B", 4, day(13))
    wallet.take_back("B", 6, day(13))
    wallet.take_back("B", 2, day(13))

    # the first ten are what expired; the last two come from the only other active lot
    assert remaining(wallet) == [8, 5, 0, 10]
    assert (wallet.expired, wallet.taken_back, wallet.balance) == (10, 12, 23)


def test_a_lot_lives_up_to_its_end_and_not_at_it(wallet: Wallet) -> None:
    wallet.expire(datetime(2011, 1, 11, 23, 59, 59, tzinfo=UTC))
    before = wallet.balance

    wallet.expire(day(12))

    assert (before, wallet.balance) == (35, 25)
