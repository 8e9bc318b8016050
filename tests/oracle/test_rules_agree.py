"""The service's own rules against the oracle's slow arithmetic, on carts made up at random."""

import random
from datetime import UTC, datetime, timedelta
from pathlib import Path

import pytest

from loyalty_service.earning.rules.earn import earn_on_order
from loyalty_service.earning.rules.facts import Line, LineKind, OrderFacts, Who
from loyalty_service.program.rules.document import read_document
from loyalty_service.program.rules.periods import activation_at, expires_at
from loyalty_service.program.rules.program import Program
from tests.oracle import earning

ROOT = Path(__file__).parents[2]
PROGRAMS = [ROOT / "programs" / "import-bench.yaml", Path(__file__).with_name("short_ends.yaml")]
SKUS = ["85123A", "22423", "20725", "22720", "22383", "22469", "71053", "POST"]
CARTS = 400


def random_cart(chance: random.Random) -> earning.Cart:
    lines = [
        earning.Line(
            number,
            sku := chance.choice(SKUS),
            sku == "POST",
            chance.choice([1, 2, 3, 6, 12, 400]),
            chance.choice([0, 1, 99, 345, 1000, 1999, 5000, 30000, 123456]),
        )
        for number in range(1, chance.randint(1, 7) + 1)
    ]
    minutes = timedelta(minutes=chance.randrange(400 * 24 * 60))
    placed_at = datetime(2010, 12, 1, tzinfo=UTC) + minutes
    return earning.Cart(placed_at, chance.random() < 0.5, tuple(lines))


def as_facts(cart: earning.Cart) -> OrderFacts:
    lines = tuple(
        Line(
            line_no=line.line_no,
            kind=LineKind.SHIPPING if line.is_shipping else LineKind.GOODS,
            sku=line.sku,
            category=None,
            brand=None,
            quantity=line.quantity,
            paid_minor=line.paid_minor,
        )
        for line in cart.lines
    )
    return OrderFacts(cart.placed_at, None, lines, cart.is_first, Who(frozenset(), None))


def read_program(path: Path) -> Program:
    program = read_document(path.read_text(encoding="utf-8")).program
    assert program is not None
    return program


def something(shares: dict[int, int]) -> dict[int, int]:
    """The lines that have a share at all."""
    return {line_no: share for line_no, share in shares.items() if share}


@pytest.mark.parametrize("path", PROGRAMS, ids=lambda path: path.stem)
def test_every_rule_gives_the_same_points_to_the_same_lines(path: Path) -> None:
    document, program, chance = earning.Document(path), read_program(path), random.Random(1)
    for _ in range(CARTS):
        cart = random_cart(chance)
        used = {cap["id"]: chance.choice([0, 100, 1790]) for cap in document.caps}

        earned = earn_on_order(program, as_facts(cart), used)

        given = {one.rule.id: (one.points, something(dict(one.shares))) for one in earned.by_rule}
        assert given == {
            gave.rule["id"]: (gave.points, something(gave.shares()))
            for gave in earning.earn(document, cart, used)
        }


@pytest.mark.parametrize("path", PROGRAMS, ids=lambda path: path.stem)
def test_every_rule_starts_and_ends_at_the_same_instant(path: Path) -> None:
    document, program, chance = earning.Document(path), read_program(path), random.Random(2)
    rules = dict(zip((one["id"] for one in document.rules), document.rules, strict=True))
    for _ in range(CARTS):
        placed_at = random_cart(chance).placed_at

        for rule in program.earning.rules:
            wallet = program.find_wallet(rule.wallet)
            assert wallet is not None
            active_at = activation_at(rule.activation or wallet.activation, placed_at, program)
            ends_at = expires_at(rule.expiry or wallet.expiry, active_at, program)
            assert active_at == earning.activation_at(document, rules[rule.id], placed_at)
            assert ends_at == earning.expiry_at(document, rules[rule.id], active_at)
