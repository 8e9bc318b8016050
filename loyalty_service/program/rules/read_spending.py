"""The sections ``redemption``, ``reservations`` and ``returns``: points as money, and back."""

from fractions import Fraction

from loyalty_service.program.rules.program import (
    GiveBack,
    Overdrawn,
    Redemption,
    Reservations,
    Returns,
)
from loyalty_service.program.rules.read_conditions import Frame
from loyalty_service.program.rules.read_wallets import read_period
from loyalty_service.program.rules.reading import MAX_POINTS, Fields, Place
from loyalty_service.program.rules.showing import listed
from loyalty_service.program.rules.spans import Period
from loyalty_service.program.rules.wallets import Wallet

MAX_MINUTES = 7 * 24 * 60


def read_redemption(
    place: Place | None, frame: Frame, wallets: tuple[Wallet, ...]
) -> Redemption | None:
    """What points are worth as money (R-30); None where they buy nothing."""
    if place is None:
        return None
    fields = place.fields(
        "wallet",
        "block_points",
        "block_value",
        "minimum_points",
        "step_points",
        "max_share",
        "shipping",
        "tax",
    )
    block = fields.need("block_points").whole(1, MAX_POINTS)
    minimum, step = fields.find("minimum_points"), fields.find("step_points")
    share = fields.find("max_share")
    redemption = Redemption(
        block_points=block,
        block_value_minor=fields.need("block_value").money(frame.digits),
        minimum_points=block if minimum is None else minimum.whole(1, MAX_POINTS),
        step_points=block if step is None else step.whole(1, MAX_POINTS),
        max_share=Fraction(1) if share is None else share.exact(1, words="a share"),
        wallet=_read_wallet(fields, wallets),
        shipping=fields.flag("shipping", default=False),
        tax=fields.flag("tax", default=False),
    )
    _require_worth(fields, redemption)
    return redemption


def _require_worth(fields: Fields, redemption: Redemption) -> None:
    """Report where the fewest points that may be used would buy nothing (R-30)."""
    block, value = redemption.block_points, redemption.block_value_minor
    step = redemption.step_points
    if min(block, value, step) < 1:
        # What is wrong with these is told by itself.
        return
    fewest = -(-redemption.minimum_points // step) * step
    if not redemption.worth_minor(fewest):
        enough = -(-block // value)
        place = fields.find("minimum_points") or fields.place
        place.report(
            f"{fewest} point{'' if fewest == 1 else 's'} would buy nothing",
            f"at least {enough}, which buy the least",
        )


def _read_wallet(fields: Fields, wallets: tuple[Wallet, ...]) -> str:
    """The wallet that pays: the one named, or the only one that can be spent."""
    spendable = [wallet.id for wallet in wallets if wallet.spendable and wallet.id]
    if not any(wallet.spendable for wallet in wallets):
        fields.place.report("no wallet can be spent", "a wallet with spendable: true")
        return ""
    place = fields.find("wallet")
    if place is not None:
        return place.reference(spendable, "spendable wallet")
    # After a fault above nobody knows which wallets can be spent.
    if len(spendable) > 1 and not fields.place.faults:
        fields.need("wallet").report("missing", f"the wallet that pays: {listed(spendable)}")
    return "".join(spendable[:1])


def read_reservations(place: Place | None) -> Reservations:
    """How long points are held for an order (R-32)."""
    if place is None:
        return Reservations()
    fields, usual = place.fields("minutes", "most_minutes"), Reservations()
    first, most = fields.find("minutes"), fields.find("most_minutes")
    minutes = usual.minutes if first is None else first.whole(1, MAX_MINUTES)
    if most is None:
        return Reservations(minutes, max(minutes, usual.most_minutes))
    return Reservations(minutes, most.whole(minutes, MAX_MINUTES))


def read_returns(place: Place | None) -> Returns:
    """What returns do (R-41, R-42)."""
    if place is None:
        return Returns()
    fields = place.fields("overdrawn", "give_back", "expired_meanwhile")
    return Returns(
        overdrawn=fields.choice("overdrawn", Overdrawn.NEGATIVE),
        give_back=fields.choice("give_back", GiveBack.PRO_RATA),
        grace=_read_grace(fields.find("expired_meanwhile")),
    )


def _read_grace(place: Place | None) -> Period | None:
    """``expire``, or a grace of so many days, months or years."""
    if place is None:
        return Returns().grace
    if place.node.value:
        place.word(["expire"])
        return None
    return read_period(place.fields("grace").need("grace"))
