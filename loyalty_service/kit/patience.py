"""Long work that meets a locked member: it waits and tries again instead of giving up."""

import time
from collections.abc import Callable
from contextlib import suppress
from typing import TypeVar

from loyalty_service.kit.db import Busy

T = TypeVar("T")

PATIENCE = 120
PAUSE_SECONDS = 0.25
LOCK_MS = 500
"""Long work waits no longer for a lock at a time: meanwhile others would wait for those it has."""


def insist(work: Callable[[], T], patience: int = PATIENCE) -> T:
    """Do something, and do it again after a pause as long as its locks are not to be had.

    Args:
        patience: how often it is tried again.

    Raises:
        Busy: they were never to be had.
    """
    for _ in range(patience):
        with suppress(Busy):
            return work()
        time.sleep(PAUSE_SECONDS)
    return work()
