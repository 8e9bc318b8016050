"""A program in English."""

from datetime import datetime, time

from loyalty_service.program.rules.conditions import (
    Brand,
    Category,
    Channel,
    Condition,
    FirstOrder,
    InTier,
    MinimumAmount,
    MinimumQuantity,
    Sku,
    Tag,
    Weekday,
    Window,
)
from loyalty_service.program.rules.currencies import money_text
from loyalty_service.program.rules.earning import (
    ORDER,
    Cap,
    CapPer,
    CapPeriod,
    CapUnit,
    Earning,
    EarningRule,
    Fixed,
    Give,
    Multiplier,
    OverCap,
    PerUnit,
    Rate,
    Step,
)
from loyalty_service.program.rules.language import Language, decimal_text, selects_simply
from loyalty_service.program.rules.program import GiveBack, Overdrawn, Program, Redemption, Rounding
from loyalty_service.program.rules.spans import RoundTo
from loyalty_service.program.rules.wallets import (
    ActivateOn,
    Activation,
    After,
    Expiry,
    FixedDates,
    Name,
    Sliding,
    Wallet,
)

DAYS = ("Monday", "Tuesday", "Wednesday", "Thursday", "Friday", "Saturday", "Sunday")
MONTHS = (
    *("January", "February", "March", "April", "May", "June"),
    *("July", "August", "September", "October", "November", "December"),
)
WORKING_DAYS = frozenset({1, 2, 3, 4, 5})
WEEKEND = frozenset({6, 7})
EVENTS = {
    "sign_up": "for joining",
    "birthday": "on the birthday",
    "check_in": "for the daily check-in",
    "review": "for a review",
    "referral": "for a referral",
}
ROUNDINGS = {
    Rounding.FLOOR: "down",
    Rounding.CEILING: "up",
    Rounding.HALF_UP: "to the nearest, halves up",
    Rounding.HALF_EVEN: "to the nearest, halves to the even number",
}
OVER = {
    OverCap.CUT: "what exceeds it is cut",
    OverCap.REJECT: "what would exceed it gives nothing",
}


class English(Language):
    """English words."""

    and_ = " and "
    or_ = " or "
    at_once = "usable at once"

    def name(self, name: Name) -> str:
        return name.en

    def contrary(self, phrase: str) -> str:
        return f"not ({phrase})"

    def bracketed(self, phrase: str) -> str:
        return f"({phrase})"

    def choices(self, names: list[str], more: int) -> str:
        *others, last = [*names, f"{more} more"] if more else names
        return f"{', '.join(others)} or {last}" if others else last

    def moment(self, moment: datetime) -> str:
        day = f"{moment.day} {MONTHS[moment.month - 1]} {moment.year}"
        if moment.time() == time.min:
            return day
        return f"{day} {moment:%H:%M:%S}" if moment.second else f"{day} {moment:%H:%M}"

    def leaf(self, condition: Condition, program: Program, *, holds: bool) -> str:
        no = "" if holds else "not "
        match condition:
            case Category(names):
                return f"{no}in category {self.names(names)}"
            case Brand(names):
                return f"{no}of brand {self.names(names)}"
            case Sku(names):
                return f"{no}of article {self.names(names)}"
            case Channel(names):
                return f"{no}through {self.names(names)}"
            case Tag(names):
                return f"for members {no}tagged {self.names(names)}"
            case InTier(names):
                return f"for members {no}in tier {self.tiers(names, program)}"
            case Weekday() | Window():
                return no + self._when(condition, program)
            case _:
                return _measured(condition, program.currency, holds=holds)

    def _when(self, condition: Weekday | Window, program: Program) -> str:
        if isinstance(condition, Weekday):
            return _weekdays(condition.days)
        return self._window(condition, program)

    def _window(self, window: Window, program: Program) -> str:
        first, last, is_whole = self.bounds(window, program)
        through = f"{'through' if is_whole else 'until'} {last}" if last else ""
        return " ".join(part for part in (f"from {first}" if first else "", through) if part)

    def rule(self, rule: EarningRule, program: Program) -> str:
        given = _given(rule.give, program.currency)
        if rule.trigger != ORDER:
            given += f" {EVENTS.get(rule.trigger, f'for the event {rule.trigger}')}"
        given += self._on(rule, program)
        kinds = ["alone in its wallet"] if rule.exclusive else []
        kinds += ["never multiplied"] if rule.plain and rule.trigger == ORDER else []
        kinds += self.own_activation(rule)
        kinds += [self.expiry(rule.expiry)] if rule.expiry else []
        return ", ".join([given, *self.gates(rule.when, program)]) + _also(kinds)

    def multiplier(self, multiplier: Multiplier, program: Program) -> str:
        wallets = [wallet for wallet in program.wallets if wallet.id in multiplier.wallets]
        named = self.and_.join(self.name(wallet.name) for wallet in wallets)
        phrase = f"{decimal_text(multiplier.factor)} times {named}{self._on(multiplier, program)}"
        return ", ".join([phrase, *self.gates(multiplier.when, program)])

    def _on(self, rule: EarningRule | Multiplier, program: Program) -> str:
        """The lines it looks at."""
        if rule.lines is None:
            return ""
        phrase = self.condition(rule.lines, program)
        if not selects_simply(rule.lines):
            return f" on items {phrase}"
        prefix = " on " if not phrase.startswith("not ") else " except on "
        return prefix + phrase.removeprefix("not ").split(" ", 1)[1].removeprefix("category ")

    def cap(self, cap: Cap, earning: Earning) -> str:
        covered = [self.name(rule.name) for rule in earning.rules if rule.id in cap.covers]
        *others, last = covered
        listed = f"{', '.join(others)} and {last}" if others else last
        most = f"at most {_count(cap.limit, 'point' if cap.unit is CapUnit.POINTS else 'time')}"
        together = " together" if len(covered) > 1 else ""
        match cap.per:
            case CapPer.RULE:
                of = f"per order or event by {'each of ' if together else ''}{listed}"
            case CapPer.ORDER:
                of = f"per order by {listed}{together}"
            case _:
                ever = cap.period is CapPeriod.EVER or cap.period is None
                period = "ever" if ever else f"and {cap.period}"
                of = f"per member {period} by {listed}{together}"
        return f"{most} {of}; {OVER[cap.over]}"

    def activation(self, activation: Activation) -> str:
        moment = "fulfilment" if activation.on is ActivateOn.FULFILMENT else "payment"
        if activation.wait_days == 0:
            return f"usable from {moment} on"
        return f"usable {_count(activation.wait_days, 'day')} after {moment}"

    def expiry(self, expiry: Expiry) -> str:
        match expiry:
            case After(period, round_to):
                phrase = f"ends {_count(period.count, period.unit.removesuffix('s'))} later"
                is_rounded = round_to not in (None, RoundTo.DAY)
                return phrase + (f", at the end of that {round_to}" if is_rounded else "")
            case Sliding(period):
                length = _count(period.count, period.unit.removesuffix("s"))
                return f"all end together {length} after the last earning or spending"
            case FixedDates(dates):
                days = [f"{day} {MONTHS[month - 1]}" for month, day in dates]
                return f"ends with the next {self.choices(days, 0)}"
            case _:
                return "never ends"

    def wallet(self, wallet: Wallet) -> str:
        spent = "can be spent" if wallet.spendable else "cannot be spent"
        return f"{spent}, {self.activation(wallet.activation)}, {self.expiry(wallet.expiry)}"

    def general(self, program: Program) -> list[str]:
        earning = program.earning
        basis = [word for word, counts in _parts(earning) if counts]
        paid = ", paid with points too" if earning.earn_on_points_paid else ""
        lines = [f"Points are rounded {ROUNDINGS[program.rounding]}, once per rule"]
        lines.append(
            "Points are earned on goods" + "".join(f" and {word}" for word in basis) + paid
        )
        if program.redemption is not None:
            worth = program.redemption
            value = money_text(worth.block_value_minor, program.currency)
            share = decimal_text(worth.max_share * 100)
            also = "".join(f" and {word}" for word, counts in _parts(worth) if counts)
            lines.append(
                f"{_count(worth.block_points, 'point')} are worth {value}; spent from "
                f"{worth.minimum_points:,} in steps of {worth.step_points:,}, for at most "
                f"{share}% of the goods{also} of an order"
            )
            lines.append(self._held(program))
            lines += self._given_back(program)
        negative = program.returns.overdrawn is Overdrawn.NEGATIVE
        owed = "are owed" if negative else "are let go"
        lines.append(f"Points that a return cannot take back {owed}")
        return lines

    def _held(self, program: Program) -> str:
        times = program.reservations
        return (
            f"A reservation holds points for {_count(times.minutes, 'minute')}, renewed for "
            f"{_count(times.most_minutes, 'minute')} at most"
        )

    def _given_back(self, program: Program) -> list[str]:
        in_parts = program.returns.give_back is GiveBack.PRO_RATA
        when = "come back with each return" if in_parts else "come back once all is returned"
        grace = program.returns.grace
        ended = "expire at once"
        if grace is not None:
            ended = f"last another {_count(grace.count, grace.unit.value[:-1])}"
        return [f"Points spent on an order {when}; those that ended meanwhile {ended}"]


def _parts(earning: Earning | Redemption) -> tuple[tuple[str, bool], ...]:
    return ("shipping", earning.shipping), ("tax", earning.tax)


def _count(number: int, noun: str) -> str:
    return f"{number:,} {noun}" + ("" if number == 1 else "s")


def _also(kinds: list[str]) -> str:
    return f" ({'; '.join(kinds)})" if kinds else ""


def _weekdays(days: frozenset[int]) -> str:
    if days == WEEKEND:
        return "at weekends"
    if days == WORKING_DAYS:
        return "on working days"
    return "on " + ", ".join(f"{DAYS[day - 1]}s" for day in sorted(days))


def _measured(condition: Condition, currency: str, *, holds: bool) -> str:
    match condition:
        case MinimumAmount(amount):
            money = money_text(amount, currency)
            return f"for {money} or more" if holds else f"for less than {money}"
        case MinimumQuantity(units):
            return (
                f"for {_count(units, 'unit')} or more"
                if holds
                else f"for fewer than {_count(units, 'unit')}"
            )
        case FirstOrder():
            return "on the first order" if holds else "on any order but the first"
        case _:
            return "in the birthday month" if holds else "outside the birthday month"


def _given(give: Give, currency: str) -> str:
    match give:
        case Rate(points, per):
            noun = "point" if points == 1 else "points"
            return f"{decimal_text(points)} {noun} per {money_text(per, currency)}"
        case Step(points, per):
            return f"{_count(points, 'point')} for every full {money_text(per, currency)}"
        case Fixed(points):
            return _count(points, "point")
        case PerUnit(units):
            return f"{decimal_text(units)} {'point' if units == 1 else 'points'} per unit"
        case _:
            listed = ", ".join(f"{points:,}" for points in give.points)
            return f"{listed} points by day of the streak (the last for every further day)"
