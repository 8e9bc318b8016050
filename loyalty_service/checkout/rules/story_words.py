"""What happened to an order, in sentences, worded from what was stored and from nothing else."""

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime

from loyalty_service.checkout.rules.steps import State, Step
from loyalty_service.checkout.rules.story_phrases import Speech, Told
from loyalty_service.program.rules.program import Program

Happened = tuple[str, str, str, Told]
"""A step: its kind, the shop's name of it, the instant it happened (UTC, as text), its receipt."""
Sentences = tuple[str, list[str]]
"""The instant that something happened, and what is said of it."""

MOST_NAMED = 20
"""Lines of one return that are named in a sentence: nobody reads on, and sentences have an end."""
_BEFORE_PAYMENT = (Step.RESERVATION, Step.RELEASE)
_UNPAID = (State.RESERVED, State.LAPSED)
_WHERE_TAKEN = ("expired", "deficit", "uncollected")


@dataclass(frozen=True, slots=True)
class Chapter:
    """An order from its placing on, as it is stored.

    Args:
        program: the version that decides; it names the wallets, and its zone tells the time.
        skus: what its lines sell, by line number.
        steps: what happened besides the payment, in the order it was recorded.
        payment: the receipt of the payment; None while it is not paid.
        lapses_at: the end of its reservation as text, or when it was let go before; None: paid.
        is_lapsed: whether the reservation is over by now, and neither paid nor cancelled.
        is_again: whether it was cancelled before and opened again.
    """

    program: Program
    skus: Mapping[int, str]
    steps: Sequence[Happened]
    payment: Told | None
    lapses_at: str | None
    is_lapsed: bool
    is_again: bool = False


def story_in_words(chapter: Chapter, lang: str) -> list[dict[str, str]]:
    """Say what happened to an order, in the order it was recorded.

    A lapse, which nobody records, stands before what was recorded after it.

    Args:
        lang: ``en`` or ``zh``.

    Returns:
        ``at``, when it happened (UTC), and ``text``, its sentences; JSON-ready.

    Rule: R-27, R-34.
    """
    speech = Speech(chapter.program, lang)
    teller = _Teller(chapter, speech)
    told = [(at, parts) for step in _in_order(chapter) for at, parts in teller.tell(step)]
    if chapter.is_lapsed:
        told += teller.lapse()
    if chapter.is_again and told:
        told[0][1].insert(0, speech.say("opened_again"))
    return [{"at": at, "text": speech.joined(parts)} for at, parts in told]


def _in_order(chapter: Chapter) -> list[Happened]:
    """The steps with the payment among them; without what earlier chapters were answered with.

    What is told before a payment says so itself, so that instants need not be compared.
    """
    carried = (Step.PAYMENT, Step.EARLIER_RETURN)
    happened = [step for step in chapter.steps if step[0] not in carried]
    paid = chapter.payment
    if paid is not None:
        happened.append((Step.PAYMENT, paid["payment_ref"], paid["paid_at"], paid))
    return sorted(happened, key=_rank)


def _rank(step: Happened) -> int:
    kind, _, _, receipt = step
    is_early = kind == Step.FULFILMENT and receipt["state"] in _UNPAID
    if is_early or kind in _BEFORE_PAYMENT:
        return 0
    return 1 if kind == Step.PAYMENT else 2


@dataclass(slots=True)
class _Teller:
    """Tells one step after the other, and remembers what of them the next ones mean.

    Args:
        standing: the reservation that was not yet followed by its end; None: there is none.
        was_reserved: whether there was any.
        has_arrived: whether the fulfilment has been told.
    """

    chapter: Chapter
    speech: Speech
    standing: Told | None = None
    was_reserved: bool = False
    has_arrived: bool = False

    def tell(self, step: Happened) -> Iterator[Sentences]:
        """A step, after the lapse that came before it."""
        kind, ref, at, receipt = step
        if self._lapsed_before(kind, at, receipt):
            yield from self.lapse()
        match kind:
            case Step.RESERVATION:
                yield at, self._reservation(receipt)
            case Step.RELEASE:
                yield at, self._release()
            case Step.PAYMENT:
                yield at, self._payment(ref, receipt)
                yield from self._arrived_with(receipt)
            case Step.FULFILMENT:
                yield at, self._fulfilment(receipt)
            case Step.RETURN:
                head = self.speech.say("return", ref=ref)
                yield at, self._return(head, receipt)
            case Step.CANCELLATION:
                yield at, self._cancellation(receipt)

    def lapse(self) -> Iterator[Sentences]:
        """The end of the reservation by the clock; nothing where none stands."""
        reserved, self.standing = self.standing, None
        if reserved is not None:
            yield reserved["lapses_at"], [self.speech.say("lapsed") + self._freed(reserved)]

    def _lapsed_before(self, kind: str, at: str, receipt: Told) -> bool:
        """Whether the clock ended the reservation before a step, as the step was stored with it.

        What lets a reservation go writes down its end, so an end that stands is the clock's.
        """
        if self.standing is None:
            return False
        end = str(self.standing["lapses_at"])
        match kind:
            case Step.RELEASE:
                return bool(receipt["released_at"] == end)
            case Step.CANCELLATION:
                return self.chapter.lapses_at == end
            case Step.RESERVATION | Step.PAYMENT:
                return datetime.fromisoformat(at) >= datetime.fromisoformat(end)
        return False

    def _reservation(self, receipt: Told) -> list[str]:
        before, self.standing = self.standing, receipt
        points, until = receipt["points"], self.speech.moment(receipt["lapses_at"])
        if before is not None and {**before, "lapses_at": receipt["lapses_at"]} == receipt:
            key = "renewed_points" if points["points"] else "renewed"
            return [self.speech.say(key, until=until)]
        how = "reserved_again" if self.was_reserved else "reserved"
        head = self.speech.say("replaced" if before is not None else how, until=until)
        self.was_reserved = True
        money = self.speech.money(receipt["payable"])
        if not points["points"]:
            return [head + self.speech.say("promise", money=money)]
        promise = self.speech.say(
            "promise_points",
            points["points"],
            price=self.speech.money(receipt["price"]),
            points=self._promised(receipt),
            worth=self.speech.money(points["worth"]),
            money=money,
        )
        return [head + promise]

    def _release(self) -> list[str]:
        reserved, self.standing = self.standing, None
        if reserved is None:
            return [self.speech.say("released_late")]
        return [self.speech.say("released") + self._freed(reserved)]

    def _payment(self, ref: str, receipt: Told) -> list[str]:
        parts = [self.speech.say("placed_anew")] if self._is_anew(receipt) else []
        self.standing = None
        money, spent = self.speech.money(receipt["paid"]), receipt["spent"]
        if spent is None:
            parts.append(self.speech.say("paid", ref=ref, money=money))
        else:
            paid = self.speech.say(
                "paid_points",
                ref=ref,
                price=self.speech.money(receipt["price"]),
                points=self.speech.moved(spent),
                worth=self.speech.money(spent["worth"]),
                money=money,
            )
            parts.append(paid)
        return parts + self._all_moved("earned", receipt["earned"])

    def _is_anew(self, receipt: Told) -> bool:
        """Whether what was paid is not what stood reserved; one never reserved is not anew."""
        promised = self.standing
        if promised is None:
            return self.was_reserved
        kept = promised["placed_at"], promised["price"], promised["payable"]
        return kept != (receipt["placed_at"], receipt["price"], receipt["paid"])

    def _all_moved(self, key: str, moved: Sequence[Told]) -> list[str]:
        """What moved in each wallet, in one sentence; none where nothing did."""
        listed = self.speech.listed([self.speech.moved(one) for one in moved])
        return [self.speech.say(key, all=listed)] if moved else []

    def _arrived_with(self, receipt: Told) -> Iterator[Sentences]:
        """The fulfilment where it came with the payment."""
        if receipt["fulfilled_at"] is not None and not self.has_arrived:
            yield receipt["fulfilled_at"], [self.speech.say("arrived_paid")]

    def _fulfilment(self, receipt: Told) -> list[str]:
        self.has_arrived = True
        if receipt["state"] in _UNPAID:
            return [self.speech.say("arrived_unpaid")]
        parts = [self.speech.say("arrived")]
        for activated in receipt["activated"]:
            by_begin: dict[str, int] = {}
            for lot in activated["lots"]:
                begin = lot["active_at"] or receipt["fulfilled_at"]
                by_begin[begin] = by_begin.get(begin, 0) + lot["points"]
            parts += [
                self._begin({**activated, "points": points}, begin, receipt["fulfilled_at"])
                for begin, points in by_begin.items()
                if points
            ]
        return parts

    def _begin(self, activated: Told, begin: str, arrived: str) -> str:
        key, points = "begins_now" if begin == arrived else "begins", activated["points"]
        return self.speech.say(
            key, points, points=self.speech.moved(activated), begin=self.speech.moment(begin)
        )

    def _cancellation(self, receipt: Told) -> list[str]:
        reserved, self.standing = self.standing, None
        if self.chapter.payment is not None:
            return self._return(self.speech.say("cancelled"), receipt)
        freed = "" if reserved is None else self._freed(reserved)
        return [self.speech.say("called_off") + freed]

    def _return(self, head: str, receipt: Told) -> list[str]:
        units = [(line["line"], line["units"]) for line in receipt["lines"] if line["units"]]
        what = [self._units(units)] if units else []
        if receipt["returned"]["amount"]:
            money = self.speech.money(receipt["returned"])
            what.append(self.speech.say("money_back", money=money))
        clauses = self.speech.say("clause").join(what)
        parts = [head + self.speech.say("colon", what=clauses) if what else head]
        for given in receipt["given_back"]:
            parts.append(self.speech.say("given_back", points=self.speech.moved(given)))
            if given["expired"]:
                parts.append(self._of_these("given_ended", given["expired"], given["wallet"]))
        parts += self._all_moved("taken", receipt["taken"])
        return parts + [
            self._of_these(f"taken_{where}", taken["from"][where], taken["wallet"])
            for taken in receipt["taken"]
            for where in _WHERE_TAKEN
            if taken["from"][where]
        ]

    def _units(self, units: Sequence[tuple[int, int]]) -> str:
        """How many came back of which lines, the first of them by name."""
        named = [
            self.speech.say(
                "units", count, n=f"{count:,}", line=line_no, sku=self.chapter.skus[line_no]
            )
            for line_no, count in units[:MOST_NAMED]
        ]
        if len(units) > MOST_NAMED:
            named.append(self.speech.say("more", count=len(units) - MOST_NAMED))
        return self.speech.listed(named)

    def _of_these(self, key: str, points: int, wallet: str) -> str:
        return self.speech.say(key, points, points=self.speech.points(points, wallet))

    def _freed(self, reserved: Told) -> str:
        """What is held no more; nothing where nothing was."""
        points = reserved["points"]["points"]
        return self.speech.say("freed", points, points=self._promised(reserved)) if points else ""

    def _promised(self, reserved: Told) -> str:
        return self.speech.points(reserved["points"]["points"], reserved["points"]["wallet"])
