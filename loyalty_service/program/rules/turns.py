"""Versions that change when points end for members who have points already (R-26)."""

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
