"""The order in which lots pay (R-12)."""

from datetime import UTC, datetime, timedelta

from loyalty_service.ledger.rules.lots import Draw, Lot, draw_from_lots

NOW = datetime(2026, 3, 2, 4, tzinfo=UTC)
DAY = timedelta(days=1)


def lot(lot_seq, expires_at):
    return Lot(lot_seq, None, 100, 100, NOW - DAY, expires_at)


def test_the_soonest_end_pays_first_of_equal_ends_the_older_lot_and_the_endless_one_last():
    lots = [lot(1, None), lot(4, NOW + 2 * DAY), lot(3, NOW + 2 * DAY), lot(5, NOW + DAY)]

    assert draw_from_lots(lots, 350, NOW) == [Draw(5, 100), Draw(3, 100), Draw(4, 100), Draw(1, 50)]
