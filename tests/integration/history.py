"""What a recorded history must say: every acknowledged effect is there once, and nothing else.

The answers alone are added up here, by plain sums; then the service's books are read over HTTP and
held against them.
"""

from collections import Counter, defaultdict
from dataclasses import dataclass, field
from typing import Any

import orjson

from tests.databases import connect
from tests.integration.counter import REVIEW
from tests.integration.mix import Intent
from tests.integration.traffic import Answered, Traffic

Effect = tuple[Any, ...]
Place = tuple[str, str, int]
"""Member, wallet, number of the entry."""

PAGE = 200
WALLETS = ("points", "growth")

_KEYS = """
SELECT value, key, status, answer FROM idempotency
  LEFT JOIN (SELECT value, member_id FROM member_ref WHERE kind = 'shop') r USING (member_id)
"""
_HAPPENED = """
SELECT value, CASE WHEN kind IN ('order.part_returned', 'order.returned') THEN 'order.return'
                   ELSE kind END, count(*)
  FROM event JOIN (SELECT value, member_id FROM member_ref WHERE kind = 'shop') r USING (member_id)
 GROUP BY 1, 2
"""


@dataclass
class Told:
    """What answers claim: each effect with its receipt, and the entries each of them names.

    Args:
        receipts: what was answered to an effect, the same to everyone who was answered.
        asked: the body that an effect came from.
        moves: place -> (effect, points, balance after); None where an answer does not say.
        times: effect -> when it was first sent, and when it was answered at the earliest.
    """

    receipts: dict[Effect, Any] = field(default_factory=dict)
    asked: dict[Effect, Any] = field(default_factory=dict)
    moves: dict[Place, tuple[Effect, int | None, int | None]] = field(default_factory=dict)
    times: dict[Effect, tuple[float, float]] = field(default_factory=dict)

    def take(self, effect: Effect, answer: Answered, asked: Any, receipt: Any) -> None:
        """An acknowledged effect; told again it must be the same, of the same request."""
        began, ended = self.times.get(effect, (answer.began, answer.ended))
        self.times[effect] = (min(began, answer.began), min(ended, answer.ended))
        assert self.receipts.setdefault(effect, receipt) == receipt, effect
        assert self.asked.setdefault(effect, asked) == asked, effect

    def move(
        self, effect: Effect, member: str, told: Any, points: int | None, balance: int | None
    ) -> None:
        place = (member, told["wallet"], told["entry"])
        moved = (effect, points, balance)
        assert self.moves.setdefault(place, moved) == moved, f"{place} is claimed twice"


def read_answers(history: list[Answered]) -> Told:
    """Everything that the answers of a run acknowledge."""
    told = Told()
    for answer in history:
        if answer.status == 200:
            if answer.sending.intent.kind == "batch":
                _read_batch(told, answer)
            else:
                _read_one(told, answer)
    return told


def _read_batch(told: Told, answer: Answered) -> None:
    items, outcomes = answer.sending.intent.body["items"], answer.json["outcomes"]
    assert len(items) == len(outcomes)
    for item, outcome in zip(items, outcomes, strict=True):
        if outcome["status"] == 200:
            kind = "pay" if "order" in item else "return"
            asked = item.get("order") or item["return"]
            _read(told, answer, kind, item["member_ref"], asked, outcome["receipt"])


def _read_one(told: Told, answer: Answered) -> None:
    intent = answer.sending.intent
    asked = dict(intent.body)
    if intent.kind == "return":
        asked["return_ref"] = intent.path.rpartition("/")[2]
    _read(told, answer, intent.kind, str(intent.member), asked, answer.json)


def _read(told: Told, answer: Answered, kind: str, member: str, asked: Any, receipt: Any) -> None:
    key = answer.sending.key
    if kind == "pay":
        effect: Effect = ("pay", receipt["order_ref"], member)
        told.take(effect, answer, asked, receipt)
        _earned(told, effect, member, receipt)
    elif kind == "fulfil":
        _read_fulfilment(told, answer, member, receipt)
    elif kind in ("return", "cancel"):
        effect = (kind, receipt["order_ref"], member, receipt["return_ref"])
        told.take(effect, answer, asked, receipt)
        _taken(told, effect, member, receipt)
    elif kind == "event":
        effect = ("event", key, member)
        told.take(effect, answer, asked, receipt)
        _earned(told, effect, member, receipt)
    elif kind in ("adjust", "reverse"):
        effect = (kind, key, member)
        told.take(effect, answer, asked, receipt)
        told.move(effect, member, receipt, receipt["points"], receipt["balance_after"])


def _read_fulfilment(told: Told, answer: Answered, member: str, receipt: Any) -> None:
    """An order that was paid as fulfilled says so, with its present state, and has no step."""
    if receipt["activated"]:
        effect: Effect = ("fulfil", receipt["order_ref"], member)
        told.take(effect, answer, {}, receipt)
        for entry in receipt["activated"]:
            told.move(effect, member, entry, 0, None)


def _earned(told: Told, effect: Effect, member: str, receipt: Any) -> None:
    for entry in receipt["earned"]:
        told.move(effect, member, entry, entry["points"], entry["balance_after"])


def _taken(told: Told, effect: Effect, member: str, receipt: Any) -> None:
    for entry in receipt["taken"]:
        parts = entry["from"]
        left = parts["own"] + parts["other"] + parts["deficit"]
        assert left + parts["expired"] + parts["uncollected"] == entry["points"], effect
        if entry["entry"] is None:
            assert left == 0, effect
        else:
            told.move(effect, member, entry, -left, entry["balance_after"])


def check(traffic: Traffic, members: list[str], database_url: str) -> None:
    """Assert all that the history of a service must say that began with an empty database."""
    history = traffic.history
    assert [a.data for a in history if a.status >= 500] == []
    told = read_answers(history)
    _check_keys(history, database_url)
    _check_sums(told)
    for member in members:
        _check_member(traffic, told, member)
    _check_times(told)
    _check_orders(traffic, told)
    _check_events(told)
    _check_outbox(told, members, database_url)


def _stored_key(member: str | None, key: str) -> str:
    """A key of work that belongs to no member is its caller's own."""
    return f"operator shop\n{key}" if member is None else key


def _check_keys(history: list[Answered], database_url: str) -> None:
    """One request and one answer for each key, whoever asked and how often; the table says so."""
    answers: dict[tuple[str | None, str], set[tuple[bytes, int, bytes]]] = defaultdict(set)
    for answer in history:
        intent = answer.sending.intent
        kept = answer.status == 200 or answer.status in (409, 422)
        if intent.method == "POST" and kept and answer.code != "idempotency_key_reused":
            request = orjson.dumps([intent.path, intent.body])
            owner = (intent.member, _stored_key(intent.member, answer.sending.key))
            answers[owner].add((request, answer.status, answer.data))
    assert {owner: said for owner, said in answers.items() if len(said) > 1} == {}
    told = {(*owner, *said[1:]) for owner, (said,) in answers.items()}
    stored = {
        (owner, key, status, bytes(data)) for owner, key, status, data in _rows(database_url, _KEYS)
    }
    assert stored == told
    for answer in history:
        if answer.code == "idempotency_key_reused":
            intent = answer.sending.intent
            ((request, _, _),) = answers[
                intent.member, _stored_key(intent.member, answer.sending.key)
            ]
            assert request != orjson.dumps([intent.path, intent.body])


def _check_sums(told: Told) -> None:
    """What an answer says of points follows from what was asked, by the program's plain rule."""
    for effect, receipt in told.receipts.items():
        asked = told.asked[effect]
        if effect[0] == "pay":
            paid = sum(line["amount"]["amount"] for line in asked["lines"])
            assert receipt["paid"]["amount"] == paid, effect
            earned = {entry["wallet"]: entry["points"] for entry in receipt["earned"]}
            by_rule = dict.fromkeys(WALLETS, paid // 100) if paid >= 100 else {}
            assert earned == by_rule, effect
        elif effect[0] == "adjust":
            assert receipt["points"] == asked["points"], effect
            if asked["points"] < 0 and not asked.get("allow_negative"):
                assert receipt["balance_after"] >= 0, effect
        elif effect[0] == "reverse":
            assert receipt["reverses"] == asked["reverses"]["entry"], effect


def _check_member(traffic: Traffic, told: Told, member: str) -> None:
    """Every entry is one that an answer named, in a sequence without a gap, with its points."""
    entries = _read_entries(traffic, member)
    moves = {place[1:]: move for place, move in told.moves.items() if place[0] == member}
    assert entries.keys() == moves.keys(), entries.keys() ^ moves.keys()
    proof = traffic.get(f"/members/{member}/proof")
    assert proof["proved"], proof["faults"]
    proved = {account["wallet"]: account for account in proof["accounts"]}
    for balance in traffic.get(f"/members/{member}/balance")["wallets"]:
        wallet = balance["wallet"]
        numbers = sorted(number for name, number in moves if name == wallet)
        assert numbers == list(range(1, len(numbers) + 1)), (member, wallet)
        sum_so_far = 0
        for number in numbers:
            effect, points, after = moves[wallet, number]
            entry = entries[wallet, number]
            sum_so_far += points or 0
            assert entry["points"] == points, (effect, entry)
            assert entry["balance_after"] == sum_so_far, (effect, entry)
            assert after in (None, sum_so_far), (effect, entry)
        assert balance["balance"] == balance["active"] - balance["deficit"]
        held = balance["active"] + balance["pending"] + balance["due"] - balance["deficit"]
        assert held == sum_so_far, (member, wallet)
        if numbers:
            assert proved[wallet]["sum_of_entries"] == sum_so_far
            assert proved[wallet]["entries"] == len(numbers)


def _check_times(told: Told) -> None:
    """What was answered before another call was sent stands before it in the account."""
    accounts: dict[tuple[str, str], list[tuple[int, Effect]]] = defaultdict(list)
    for (member, wallet, number), (effect, _, _) in told.moves.items():
        accounts[member, wallet].append((number, effect))
    for account, numbered in accounts.items():
        latest = 0.0
        for number, effect in sorted(numbered):
            began, ended = told.times[effect]
            assert ended >= latest, f"entry {number} of {account} stands too late: {effect}"
            latest = max(latest, began)


def _check_orders(traffic: Traffic, told: Told) -> None:
    """Every order that was acknowledged is there as it was told, and no other one."""
    asked = {order for answer in traffic.history for order in _orders_named(answer.sending.intent)}
    paid = {effect[1]: effect for effect in told.receipts if effect[0] == "pay"}
    for order_ref in asked:
        story = traffic.get(f"/orders/{order_ref}")
        assert (story is None) == (order_ref not in paid), order_ref
        if story is None:
            continue
        effect = paid[order_ref]
        assert story["member_ref"].partition(":")[2] == effect[2], order_ref
        assert story["receipt"] == told.receipts[effect]
        _check_steps(told, order_ref, story)


def _orders_named(intent: Intent) -> set[str]:
    if intent.kind == "batch":
        return {item["order_ref"] for item in intent.body["items"]}
    return {intent.path.split("/")[4]} if "/orders/" in intent.path else set()


def _check_steps(told: Told, order_ref: str, story: Any) -> None:
    steps = {
        (effect[0], effect[3] if effect[0] == "return" else None): receipt
        for effect, receipt in told.receipts.items()
        if effect[0] in ("fulfil", "return", "cancel") and effect[1] == order_ref
    }
    names = {"fulfilment": "fulfil", "return": "return", "cancellation": "cancel"}
    stored = {}
    for step in story["steps"]:
        assert (names[step["step"]], step["ref"]) not in stored
        # An order that earned nothing has nothing to activate, and its answer does not show it.
        if step["step"] != "fulfilment" or step["receipt"]["activated"]:
            stored[names[step["step"]], step["ref"]] = step["receipt"]
    assert stored == steps, order_ref
    back = [receipt for (kind, _), receipt in steps.items() if kind != "fulfil"]
    returned = sum(receipt["returned"]["amount"] for receipt in back)
    assert story["returned"]["amount"] == returned <= story["paid"]["amount"], order_ref
    for earned in story["receipt"]["earned"]:
        taken = sum(
            entry["points"]
            for receipt in back
            for entry in receipt["taken"]
            if entry["wallet"] == earned["wallet"]
        )
        assert taken <= earned["points"], order_ref
        if story["state"] in ("returned", "cancelled"):
            assert taken == earned["points"], order_ref
    assert sum(kind == "cancel" for kind, _ in steps) <= 1


def _check_events(told: Told) -> None:
    """What counts once was acknowledged once, also where a cap says so."""
    once: Counter[Any] = Counter()
    reviews: Counter[str] = Counter()
    numbers: Counter[Any] = Counter()
    for effect, receipt in told.receipts.items():
        if effect[0] != "event":
            continue
        member = effect[2]
        numbers[member, receipt["event_no"]] += 1
        if receipt["event"] == "review":
            reviews[member] += sum(entry["points"] for entry in receipt["earned"])
        else:
            day = receipt["occurred_at"][:10] if receipt["event"] == "check_in" else ""
            once[member, receipt["event"], day] += 1
    assert [what for what, times in once.items() if times > 1] == []
    assert [what for what, times in numbers.items() if times > 1] == []
    assert [member for member, points in reviews.items() if points > REVIEW] == []


def _check_outbox(told: Told, members: list[str], database_url: str) -> None:
    """Exactly one event tells of each effect."""
    expected: Counter[tuple[str, str]] = Counter()
    kinds = {"pay": "order.paid", "return": "order.return", "cancel": "order.cancelled"}
    kinds |= {"adjust": "points.adjusted", "reverse": "points.adjusted"}
    for effect, receipt in told.receipts.items():
        if effect[0] != "fulfil":
            kind = kinds.get(effect[0]) or f"member.{receipt['event']}"
            expected[effect[2], kind] += 1
    for member in members:
        expected[member, "member.enrolled"] += 1
    # Amendments change nothing when they come again; fulfilments may have nothing to tell.
    left_out = ("member.amended", "order.fulfilled")
    stored = {
        (member, kind): count
        for member, kind, count in _rows(database_url, _HAPPENED)
        if kind not in left_out
    }
    assert stored == dict(expected)


def _read_entries(traffic: Traffic, member: str) -> dict[tuple[str, int], Any]:
    found: dict[tuple[str, int], Any] = {}
    cursor = ""
    while True:
        page = traffic.get(f"/members/{member}/entries?limit={PAGE}{cursor}")
        for entry in page["entries"]:
            place = (entry["wallet"], entry["entry"])
            assert place not in found
            found[place] = entry
        if "next" not in page:
            return found
        cursor = f"&cursor={page['next']}"


def _rows(database_url: str, sql: str) -> list[Any]:
    connection = connect(database_url)
    try:
        with connection.cursor() as cursor:
            cursor.execute(sql)
            return list(cursor.fetchall())
    finally:
        connection.close()
