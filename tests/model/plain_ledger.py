"""Accounts written once more, plainly, from the rules alone (R-10 to R-15, R-41): entries are a
list of dicts, lots are dicts that stay in the list when they are empty."""

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
    deficit: int = 0

    def open_lots(self) -> list[Node]:
        return [lot for lot in self.lots if lot["left"]]

    def lot(self, no: int) -> Node:
        return next(lot for lot in self.lots if lot["no"] == no)

    def buckets(self, at: datetime) -> Node:
        """R-14, R-15."""
        sums = {"active": 0, "pending": 0, "due": 0}
        for lot in self.open_lots():
            sums[where(lot, at)] += lot["left"]
        return {**sums, "deficit": self.deficit}

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
                lot = new_lot(0, {"order": None, "active": ALWAYS, "ends": None})
                self.lots.append(lot)
        else:
            lot = new_lot(1 + max((lot["no"] for lot in self.lots), default=0), part)
            self.lots.append(lot)
        lot["opened"] += points
        lot["left"] += points
        return int(lot["no"])

    def debit(self, cause: Node, points: int, at: datetime, allow_negative: bool) -> Node:
        """R-12: an operator's debit."""
        active = [lot for lot in self.free(at) if where(lot, at) == "active"]
        if not allow_negative and sum(lot["left"] for lot in active) < points:
            raise Refused("insufficient_points")
        moved: dict[int, int] = {}
        missing = draw(self.free(at) if allow_negative else active, points, moved)
        self.deficit += missing
        return self.write("debit", -points, cause, moved)

    def free(self, at: datetime) -> list[Node]:
        """Active lots, soonest to end first, then pending ones by number."""
        active = [lot for lot in self.open_lots() if where(lot, at) == "active"]
        pending = [lot for lot in self.open_lots() if where(lot, at) == "pending"]
        active.sort(key=lambda lot: (lot["ends"] or NEVER, lot["no"]))
        return active + sorted(pending, key=lambda lot: lot["no"])

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
        missing = draw(pending, points, moved)
        expired = min(missing, gone - source["counted"])
        source["counted"] += expired
        missing = draw(active, missing - expired, moved)
        from_own = -sum(moved.values())
        missing = draw(others, missing, moved)
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
        for lot in sorted(drawn, key=lambda lot: (lot["ends"] or NEVER, lot["no"]), reverse=True):
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
            self.lot(no).update(active=active, ends=ends)
        return self.write("reschedule", 0, cause, dict.fromkeys(instants, 0)) if instants else None

    def expire(self, cause: Node, ended: datetime) -> None:
        lots = [lot for lot in self.open_lots() if lot["ends"] == ended]
        moved = {lot["no"]: -lot["left"] for lot in lots}
        for lot in lots:
            lot["expired"] += lot["left"]
            lot["left"] = 0
        self.write("expire", sum(moved.values()), cause, moved)


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


def draw(lots: list[Node], points: int, moved: dict[int, int]) -> int:
    """Take points from lots in the order given; returns how many were missing."""
    for lot in lots:
        taken = min(points, lot["left"])
        if taken:
            lot["left"] -= taken
            moved[lot["no"]] = -taken
            points -= taken
    return points
