"""Of many lots those are read that pay, in the order of drawing; of the others only their sum."""

from datetime import timedelta

import pytest

from loyalty_service.ledger.queries.accounts import read_for_spending
from loyalty_service.members.queries import get_member
from tests.factories import PLAIN, Shop

REDEEMED = PLAIN.replace(
    "returns:", "redemption: {block_points: 50, block_value: '0.50', max_share: '0.5'}\nreturns:"
)


@pytest.fixture
def shop(db, clock):
    """Lots of 100 points that end in the order of 3, 1, 4, 2; 50 of lot 3 are held."""
    shop = Shop(db, REDEEMED)
    shop.enrol()
    for days in (20, 40, 10, 30):
        shop.adjust(100, expires_at=clock.now() + timedelta(days=days))
    shop.reserve("o-1", points=50)
    return shop


@pytest.mark.parametrize(
    ("points", "lots", "unread"),
    [
        (1, [3], 300),
        (50, [3], 300),
        (51, [3, 1], 200),
        (150, [3, 1], 200),
        (151, [3, 1, 4], 100),
        (350, [3, 1, 4, 2], 0),
        (9_999, [3, 1, 4, 2], 0),
    ],
)
def test_lots_are_read_until_there_are_enough(shop, points, lots, unread):
    with shop.db.reading() as tx:
        member = get_member(tx, shop.ref())
        found = read_for_spending(tx, member, tx.now(), "points", points, sliding=[])

    account = found[member.member_id]["points"]
    assert sorted(account.lots) == sorted(lots)
    assert account.unread == unread
    assert account.available(tx.now()) == 350
