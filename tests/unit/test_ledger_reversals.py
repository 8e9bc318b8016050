"""What a reversed debit gives back, and to which lots."""

from datetime import UTC, datetime

from loyalty_service.ledger.rules.account import Account
from loyalty_service.ledger.rules.entry import Cause, Reason, Source
from loyalty_service.ledger.rules.lots import STANDING
from loyalty_service.ledger.rules.movements import Opening, credit, debit, give_back, reschedule

NOW = datetime(2026, 3, 2, 4, 0, tzinfo=UTC)
LATER = datetime(2026, 4, 2, 4, 0, tzinfo=UTC)
CAUSE = Cause(Reason.ADJUSTMENT, Source.OPERATOR, None, 1, 1, NOW, NOW)


def test_the_standing_lot_takes_its_points_and_what_a_covered_deficit_left_in_one_piece() -> None:
    account = Account(1, "growth")
    credit(account, CAUSE, [Opening(100, standing=True)])
    taken = debit(account, CAUSE, 150, NOW, allow_negative=True)
    credit(account, CAUSE, [Opening(60, standing=True)])
    drawn = [(account.lots[STANDING], 100)]

    entry = give_back(
        account, CAUSE, 150, drawn, reverses=taken.seq, rest=Opening(1, standing=True)
    )

    assert [(one.lot_seq, one.points) for one in entry.allocations] == [(STANDING, 150)]
    assert (account.lots[STANDING].remaining, account.deficit) == (160, 0)


def test_an_emptied_lot_learns_its_end_too_for_its_points_may_come_back() -> None:
    account = Account(1, "points")
    _, lots = credit(account, CAUSE, [Opening(100)])
    debit(account, CAUSE, 100, NOW, allow_negative=True)

    entry = reschedule(account, CAUSE, {lots[0]: (NOW, LATER)})

    assert entry is not None
    assert [(one.lot_seq, one.points, one.expires_at) for one in entry.allocations] == [
        (lots[0], 0, LATER)
    ]
    assert account.lots == {}
