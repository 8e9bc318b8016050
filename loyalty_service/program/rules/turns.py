"""Versions that change when points end for members who have points already (R-26)."""

from collections.abc import Collection
from datetime import datetime

from loyalty_service.kit.frozen import frozen
from loyalty_service.program.rules.periods import expires_at
from loyalty_service.program.rules.program import Program
from loyalty_service.program.rules.wallets import Never


@frozen
class Turn:
    """A version that turns a wallet's expiry on or off, or makes it slide.

    Args:
        at: when the version came into force (UTC).
        wallet: the wallet's id.
        program: the program of that version.
    """

    version: int
    at: datetime
    wallet: str
    program: Program

    def end_from(self, begin: datetime) -> datetime | None:
        """The end of points whose whole period begins then, as the version says; None: never."""
        wallet = self.program.find_wallet(self.wallet)
        assert wallet is not None
        return expires_at(wallet.expiry, begin, self.program)


def list_endless(turned: Collection[str], program: Program) -> list[str]:
    """What a program gives for ever in wallets whose points were given an end together once.

    Points without an end of their own end with all others there, so none can be left out.

    Args:
        turned: wallets whose expiry a version has turned on.

    Returns:
        ids of rules and tiers.

    Rule: R-26.
    """
    levels = program.tiers.levels if program.tiers else ()
    given = [
        *((rule.id, rule.wallet, rule.expiry) for rule in program.earning.rules),
        *((one.id, one.gift.wallet, one.gift.expiry) for one in levels if one.gift is not None),
    ]
    endless = {wallet.id for wallet in program.wallets if isinstance(wallet.expiry, Never)}
    return [
        name
        for name, wallet, expiry in given
        if isinstance(expiry, Never) and wallet in turned and wallet not in endless
    ]


def list_turned(before: Program, after: Program) -> list[str]:
    """The wallets whose expiry a version turns on or off, or makes slide.

    Any other change of expiry touches only lots that are opened later.

    Rule: R-26.
    """
    turned = []
    for wallet in after.wallets:
        old = before.find_wallet(wallet.id)
        if old is None:
            continue
        ends, ended = not isinstance(wallet.expiry, Never), not isinstance(old.expiry, Never)
        if ends != ended or (wallet.slides and not old.slides):
            turned.append(wallet.id)
    return turned
