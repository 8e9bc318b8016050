"""Accounts written once more, plainly, from the rules alone (R-10 to R-15, R-32, R-41, R-42):
entries are a list of dicts; lots and holds are dicts that stay in their lists when they are empty
or have ended."""

from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

Node = dict[str, Any]
NEVER = datetime.max.replace(tzinfo=UTC)
ALWAYS = datetime(1970, 1, 1, tzinfo=UTC)


class Refused(Exception):
    """The model says no, with the code that the service must say."""

    def __init__(self, code: str) -> None:
        super().__init__(code)
        self.code = code


@dataclass
class Account:
    """One wallet of one member."""

    wallet: str
    entries: list[Node] = field(default_factory=list)
    lots: list[Node] = field(default_factory=list)
    holds: list[Node] = field(default_factory=list)
    deficit: int = 0
    common: datetime | None = None

    def copy(self) -> "Account":
        """What it is now; entries are never changed once they are written."""
        lots, holds = [dict(lot) for lot in self.lots], [dict(hold) for hold in self.holds]
        return Account(self.wallet, list(self.entries), lots, holds, self.deficit, self.common)

    def open_lots(self) -> list[Node]:
        return [lot for lot in self.lots if lot["left"]]

    def lot(self, no: int) -> Node:
        return next(lot for lot in self.lots if lot["no"] == no)

    def buckets(self, at: datetime) -> Node:
        """R-14, R-15."""
        sums = {"active": 0, "pending": 0, "due": 0, "held": 0}
        for lot in self.open_lots():
            sums[where(lot, at)] += self.left_of(lot, at)
            sums["held"] += lot["left"] - self.left_of(lot, at)
        return {**sums, "deficit": self.deficit}

    def standing_holds(self, at: datetime) -> list[Node]:
        """R-14: a hold counts up to, not including, its lapse."""
        return [hold for hold in self.holds if hold["ended"] is None and hold["lapses"] > at]

    def left_of(self, lot: Node, at: datetime) -> int:
        """What is left of a lot that nobody holds (R-32)."""
        held = [hold["points"] for hold in self.standing_holds(at) if hold["lot"] == lot["no"]]
        return int(lot["left"]) - sum(held)

    def available(self, at: datetime) -> int:
        """Points that can be used: active and not held."""
        return int(self.buckets(at)["active"])

    def held_for(self, order_no: int, at: datetime) -> int:
        """Points that would be active if an order let them go."""
        return sum(
            hold["points"]
            for hold in self.standing_holds(at)
            if hold["order"] == order_no and where(self.lot(hold["lot"]), at) == "active"
        )

    def write(
        self, kind: str, points: int, cause: Node, moved: dict[int, int], **more: Any
    ) -> Node:
        before = self.entries[-1]["balance"] if self.entries else 0
        entry = {
            "seq": len(self.entries) + 1,
            "kind": kind,
            "points": points,
            "balance": before + points,
            "lots": dict(moved),
            "reverses": None,
            **cause,
            **more,
        }
        self.entries.append(entry)
        return entry

    def credit(self, cause: Node, parts: list[Node]) -> tuple[Node, list[int | None]]:
        """Open a lot for every part, after a deficit is absorbed, soonest to end first.

        A part: points, active, ends, order, standing. Returns the entry and each part's lot.
        """
        points = sum(part["points"] for part in parts)
        left = {i: part["points"] for i, part in enumerate(parts)}
        for i in sorted(left, key=lambda i: (parts[i]["ends"] or NEVER, i)):
            absorbed = min(self.deficit, left[i])
            self.deficit -= absorbed
            left[i] -= absorbed
        numbers = [self.open(part, left[i]) if left[i] else None for i, part in enumerate(parts)]
        moved = {no: left[i] for i, no in enumerate(numbers) if no is not None}
        return self.write("credit", points, cause, moved), numbers

    def open(self, part: Node, points: int) -> int:
        if part["standing"]:
            lot = next((lot for lot in self.lots if lot["no"] == 0), None)
            if lot is None:
                lot = new_lot(0, {"order": None, "active": ALWAYS, "ends": self.common})
                self.lots.append(lot)
        else:
            ends = self.end_of(part["active"], part["ends"])
            number = 1 + max((lot["no"] for lot in self.lots), default=0)
            lot = new_lot(number, {**part, "ends": ends})
            self.lots.append(lot)
        lot["opened"] += points
        lot["left"] += points
        return int(lot["no"])

    def debit(self, cause: Node, points: int, at: datetime, allow_negative: bool) -> Node:
        """R-12: an operator's debit."""
        if not allow_negative and self.available(at) < points:
            raise Refused("insufficient_points")
        moved: dict[int, int] = {}
        missing = self.draw(self.free(at), points, moved, at)
        self.deficit += missing
        return self.write("debit", -points, cause, moved)

    def free(self, at: datetime) -> list[Node]:
        """Lots that are not wholly held: active ones, soonest to end first, then pending ones."""
        lots = [lot for lot in self.open_lots() if self.left_of(lot, at)]
        active = [lot for lot in lots if where(lot, at) == "active"]
        pending = [lot for lot in lots if where(lot, at) == "pending"]
        active.sort(key=drawn_first)
        return active + sorted(pending, key=lambda lot: lot["no"])

    def draw(self, lots: list[Node], points: int, moved: dict[int, int], at: datetime) -> int:
        """Take unheld points from lots in the order given; returns how many were missing."""
        for lot in lots:
            taken = min(points, self.left_of(lot, at))
            if taken:
                lot["left"] -= taken
                moved[lot["no"]] = -taken
                points -= taken
        return points

    def take_back(
        self, cause: Node, points: int, at: datetime, source: Node, *, negative: bool, **more: Any
    ) -> tuple[Node, Node | None]:
        """R-41. ``source`` says which lots are the own ones and how many points that expired
        from them were counted as taken before."""
        own = [lot for lot in self.free(at) if lot["no"] in source["lots"]]
        pending = [lot for lot in own if where(lot, at) == "pending"]
        active = [lot for lot in own if where(lot, at) == "active"]
        others = [lot for lot in self.free(at) if lot["no"] not in source["lots"]]
        gone = sum(lot["expired"] for lot in self.lots if lot["no"] in source["lots"])
        moved: dict[int, int] = {}
        missing = self.draw(pending, points, moved, at)
        expired = min(missing, gone - source["counted"])
        source["counted"] += expired
        missing = self.draw(active, missing - expired, moved, at)
        from_own = -sum(moved.values())
        missing = self.draw(others, missing, moved, at)
        taken = {
            "own": from_own,
            "expired": expired,
            "other": -sum(moved.values()) - from_own,
            "deficit": missing if negative else 0,
            "uncollected": 0 if negative else missing,
        }
        self.deficit += taken["deficit"]
        really = points - expired - taken["uncollected"]
        if not really and "reverses" not in more:
            return taken, None
        kind = "reverse" if "reverses" in more else "debit"
        return taken, self.write(kind, -really, cause, moved, **more)

    def give_back(self, cause: Node, debit: Node, rest: Node) -> Node:
        """Reverse a debit: absorb a deficit, then back to the lots, in the reverse order of
        drawing; what the debit had left as a deficit and others have covered opens a lot."""
        points = -debit["points"]
        absorbed = min(self.deficit, points)
        self.deficit -= absorbed
        left = points - absorbed
        moved: dict[int, int] = {}
        drawn = [self.lot(no) for no in debit["lots"]]
        for lot in sorted(drawn, key=drawn_first, reverse=True):
            back = min(left, -debit["lots"][lot["no"]])
            if back:
                lot["left"] += back
                moved[lot["no"]] = back
                left -= back
        if left:
            no = self.open(rest, left)
            moved[no] = moved.get(no, 0) + left
        return self.write("reverse", points, cause, moved, reverses=debit["seq"])

    def reschedule(
        self, cause: Node, instants: dict[int, tuple[datetime, datetime | None]]
    ) -> Node | None:
        """New instants for lots, also for empty ones, whose points may come back."""
        for no, (active, ends) in instants.items():
            self.lot(no).update(active=active, ends=self.end_of(active, ends))
        return self.write("reschedule", 0, cause, dict.fromkeys(instants, 0)) if instants else None

    # Ends ------------------------------------------------------------------------------------

    def end_of(self, active: datetime | None, ends: datetime | None) -> datetime | None:
        """A lot that has begun and has no end of its own ends with the others (R-12)."""
        return self.common if ends is None and active is not None else ends

    def turn(self, at: datetime, end_from: Any, cause: Node) -> None:
        """Expiry is turned on: what there is gets the whole new period from that day, what begins
        later from then; what has ended stays ended (R-26)."""
        begun = [lot for lot in self.lots if lot["active"] is not None]
        later = [lot for lot in begun if lot["active"] > at and lot["left"]]
        later = [
            lot for lot in later if lot["ends"] is None or lot["ends"] < end_from(lot["active"])
        ]
        if later:
            for lot in later:
                lot["ends"] = end_from(lot["active"])
            self.write("reschedule", 0, cause, {lot["no"]: 0 for lot in later})
        alive = [lot for lot in begun if lot["ends"] is None or lot["ends"] > at]
        joining = [lot for lot in alive if lot["ends"] and lot["ends"] <= end_from(at)]
        for lot in alive:
            if lot["ends"] is None or lot in joining:
                lot["ends"] = end_from(at)
        self.common = end_from(at)
        moved = [-1, *(lot["no"] for lot in joining if lot["left"])]
        self.write("reschedule", 0, cause, dict.fromkeys(moved, 0))

    # Spending --------------------------------------------------------------------------------

    def hold(self, order: tuple[int, int], points: int, at: datetime, lapses: datetime) -> None:
        """Keep points for an order (number, how often reserved), of the lots a debit would draw
        from; nothing is written (R-32)."""
        for lot in self.free(at):
            taken = min(points, self.left_of(lot, at))
            if taken:
                named = {"order": order[0], "no": order[1], "lot": lot["no"], "points": taken}
                self.holds.append({**named, "held": at, "lapses": lapses, "ended": None})
                points -= taken

    def renew(self, order_no: int, at: datetime, lapses: datetime) -> None:
        for hold in self.standing_holds(at):
            if hold["order"] == order_no:
                hold["lapses"] = lapses

    def let_go(self, order_no: int, at: datetime, causes: Any, recorded: datetime) -> int:
        """End an order's holds before their time: a deficit absorbs the points, and what of them
        has ended meanwhile expires (R-32, R-41)."""
        freed = [hold for hold in self.standing_holds(at) if hold["order"] == order_no]
        for hold in freed:
            hold["ended"] = min(recorded, hold["lapses"])
        self.settle(freed, at, causes)
        self.expire(at, causes)
        return sum(hold["points"] for hold in freed)

    def lapse(self, at: datetime, causes: Any) -> None:
        """What the clock brings at an instant: holds lapse, then points end (R-55)."""
        freed = [hold for hold in self.holds if hold["ended"] is None and hold["lapses"] <= at]
        for hold in freed:
            hold["ended"] = hold["lapses"]
        self.settle(freed, at, causes)
        self.expire(at, causes)

    def settle(self, freed: list[Node], at: datetime, causes: Any) -> None:
        """A deficit is paid by what is held no more, as far as it is alive (R-41)."""
        numbers = {hold["lot"] for hold in freed}
        lots = [lot for lot in self.free(at) if lot["no"] in numbers and where(lot, at) == "active"]
        moved: dict[int, int] = {}
        self.deficit = self.draw(lots, self.deficit, moved, at)
        if moved:
            self.write("settle", 0, causes("deficit_settled"), moved)

    def expire(self, at: datetime, causes: Any) -> None:
        """What nobody holds of lots past their end has expired."""
        lots = [lot for lot in self.open_lots() if where(lot, at) == "due"]
        moved = {lot["no"]: -self.left_of(lot, at) for lot in lots if self.left_of(lot, at)}
        for no, points in moved.items():
            self.lot(no)["expired"] -= points
            self.lot(no)["left"] += points
        if moved:
            self.write("expire", sum(moved.values()), causes("expired"), moved)

    def spend(
        self, cause: Node, order_no: int, points: int, at: datetime, *, is_held: bool
    ) -> tuple[Node, list[tuple[int, int]]]:
        """Pay with points: with exactly those that the order holds, or with free ones.

        Returns the entry, and what was drawn from which lot, in the order of drawing."""
        moved: dict[int, int] = {}
        if is_held:
            held = [hold for hold in self.standing_holds(at) if hold["order"] == order_no]
            for hold in sorted(held, key=lambda hold: drawn_first(self.lot(hold["lot"]))):
                hold["ended"] = min(cause["recorded"], hold["lapses"])
                self.lot(hold["lot"])["left"] -= hold["points"]
                moved[hold["lot"]] = -hold["points"]
        else:
            self.draw(self.free(at), points, moved, at)
        draws = [(no, -taken) for no, taken in moved.items()]
        return self.write("debit", -points, cause, moved), draws

    def give_spent_back(
        self, cause: Node, draws: list[tuple[int, int]], at: datetime, grace: Node | None
    ) -> tuple[Node, int]:
        """Points come back to the lots they were drawn from, after a deficit is absorbed (R-42).

        ``grace``: the lot that is opened for those whose own lot has ended; None: they go into
        it all the same and are due at once. Returns the entry and how many had ended."""
        points = sum(taken for _, taken in draws)
        absorbed = min(self.deficit, points)
        self.deficit -= absorbed
        left, late = points - absorbed, 0
        moved: dict[int, int] = {}
        for no, taken in draws:
            lot, back = self.lot(no), min(left, taken)
            left -= back
            ended = where(lot, at) == "due"
            late += back if ended else 0
            if back and not (ended and grace):
                lot["left"] += back
                moved[no] = back
        if late and grace:
            moved[self.open(grace, late)] = late
        return self.write("give_back", points, cause, moved), late


def new_lot(no: int, part: Node) -> Node:
    return {
        "no": no,
        "order": part["order"],
        "opened": 0,
        "left": 0,
        "expired": 0,
        "active": part["active"],
        "ends": part["ends"],
    }


def where(lot: Node, at: datetime) -> str:
    """Which bucket a lot's points are in."""
    if lot["ends"] is not None and lot["ends"] <= at:
        return "due"
    return "active" if lot["active"] is not None and lot["active"] <= at else "pending"


def drawn_first(lot: Node) -> tuple[datetime, int]:
    """R-12: soonest to end first, never-ending last, the older first on a tie."""
    return lot["ends"] or NEVER, lot["no"]
