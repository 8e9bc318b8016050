"""Every state of an order times every command, as docs/order-states.md says."""

import re
from datetime import timedelta
from pathlib import Path

import pytest

from loyalty_service.checkout.service.proving import find_order_faults
from loyalty_service.kit.errors import Refusal
from loyalty_service.ledger.service.proving import prove
from loyalty_service.members.queries import get_member
from loyalty_service.members.rules import parse_ref
from tests.factories import Shop, line
from tests.integration.test_reservations import PROGRAM

MINUTE = timedelta(minutes=1)
TABLE = Path(__file__).parents[2] / "docs" / "order-states.md"
CART = (line(10_000, quantity=2), line(5_000))
OTHER = (line(12_000, quantity=2), line(5_000))
POINTS = 500


class Stage:
    """One order on its way into a state."""

    def __init__(self, shop, clock):
        self.shop, self.clock = shop, clock
        self.first = None

    def reserve(self, cart=CART):
        return self.shop.reserve("o-1", *cart, points=POINTS)

    def pay(self, cart=None, ref="pay-1"):
        if cart is None:
            return self.shop.pay_reserved("o-1", payment_ref=ref)
        more = {"points": POINTS, "fulfilled": None, "payment_ref": ref}
        return self.shop.pay("o-1", *cart, **more)

    def back(self, ref="r-1", units=1):
        return self.shop.give_back("o-1", ref, units=[(1, units)])

    def none(self):
        pass

    def reserved(self):
        self.reserve()

    def lapsed(self):
        self.reserve()
        self.clock.advance(30 * MINUTE)

    def paid(self):
        self.reserve()
        self.first = self.pay()

    def fulfilled(self):
        self.paid()
        self.shop.fulfil("o-1")

    def part_returned(self):
        self.paid()
        self.back("r-0")

    def returned(self):
        self.paid()
        self.shop.give_back("o-1", "r-0", units=[(1, 2), (2, 1)])

    def cancelled(self):
        self.paid()
        self.shop.cancel("o-1")


COMMANDS = {
    "reserve, same cart": Stage.reserve,
    "reserve, other cart": lambda stage: stage.reserve(OTHER),
    "release": lambda stage: stage.shop.release("o-1"),
    "pay, no cart": lambda stage: stage.pay(ref="pay-2"),
    "pay, same cart": lambda stage: stage.pay(CART, ref="pay-2"),
    "pay, other cart": lambda stage: stage.pay(OTHER, ref="pay-2"),
    "pay, the same again": Stage.pay,
    "pay, the same otherwise": lambda stage: stage.pay(CART),
    "fulfil": lambda stage: stage.shop.fulfil("o-1"),
    "return a unit": Stage.back,
    "cancel": lambda stage: stage.shop.cancel("o-1"),
}


def cells():
    rows = [
        [cell.strip() for cell in row.strip("|").split("|")]
        for row in TABLE.read_text(encoding="utf-8").splitlines()
        if row.startswith("|")
    ]
    head = next(row for row in rows if row[0] == "" and "none" in row)
    for command, *told in rows[rows.index(head) + 2 :]:
        yield from (
            (command, state, cell) for state, cell in zip(head[1:], told, strict=True) if cell
        )


CELLS = list(cells())


@pytest.mark.parametrize(("command", "state", "told"), CELLS, ids=["-".join(c[:2]) for c in CELLS])
def test_a_cell_of_the_table(db, clock, command, state, told):
    shop = Shop(db, PROGRAM)
    shop.enrol()
    shop.adjust(5_000)
    stage = Stage(shop, clock)
    getattr(stage, state)()
    before = shop.balance()

    answer, refusal = None, None
    try:
        answer = COMMANDS[command](stage)
    except Refusal as refused:
        refusal = refused

    code = re.fullmatch(r"`(\w+)`", told)
    if code:
        assert refusal is not None
        assert refusal.code == code[1]
        assert shop.balance() == before
    else:
        assert refusal is None, refusal
        _check_answer(shop, stage, command, state, told.split(" (")[0], answer)
    _check_once(stage, command, answer, shop)
    with db.reading() as tx:
        member = get_member(tx, parse_ref("m-1"))
        assert prove(tx, member, None, shop.programs)["faults"] == []
        assert find_order_faults(tx, member.member_id) == []


def _check_answer(shop, stage, command, state, told, answer):
    if told == "same answer":
        assert shop.story()["state"] == state
        if command == "pay, the same again":
            assert answer == stage.first
        return
    assert answer["state"] == told
    assert shop.story()["state"] == told


def _check_once(stage, command, answer, shop):
    """The same once more: the same answer, no second effect."""
    if answer is None or command.startswith("reserve"):
        return
    after = shop.balance()

    again = COMMANDS[command](stage)

    assert again == answer
    assert shop.balance() == after


def test_every_command_and_every_state_stands_in_the_table():
    assert {command for command, _, _ in CELLS} == set(COMMANDS)
    assert len(CELLS) == 11 * 8 - 6


def test_an_order_that_was_cancelled_unpaid_has_nothing_to_return(db):
    shop = Shop(db, PROGRAM)
    shop.enrol()
    shop.reserve("o-1")
    shop.cancel("o-1")

    with pytest.raises(Refusal) as refused:
        shop.give_back("o-1", units=[(1, 1)])

    assert refused.value.code == "order_not_paid"
