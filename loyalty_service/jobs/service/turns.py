"""Steps of a run in their order: the next one is read while the one before it is decided."""

from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from dataclasses import dataclass, field
from threading import Event
from types import TracebackType
from typing import Protocol

from loyalty_service.jobs.queries import lock_run, try_lock_run
from loyalty_service.jobs.rules.counts import Counts
from loyalty_service.jobs.rules.runs import Run
from loyalty_service.kit.db import Database, Transaction
from loyalty_service.kit.frozen import frozen

STEPS_AT_ONCE = 2
"""Connections that a run may need."""


@frozen
class Chunk:
    """What one step did.

    Args:
        to: every member up to this number is done.
        scanned, members: how many were looked at, and for how many something was written; of
            reminders, how many members were told.
    """

    to: int
    scanned: int
    members: int
    counts: Counts


Known = Callable[[int], None]
"""Told up to which member a step will go, once it has locked those it needs: the next step may
find and lock the ones after it from then on. A step that is tried again tells it again."""


class Step(Protocol):
    """What a job does for the members that come after a number, of whom it takes so many."""

    def __call__(self, tx: Transaction, after: int, size: int, known: Known, /) -> Chunk | None:
        """Add the writes for the next members; None where no member is left."""


Note = Callable[[Transaction, Run, Chunk | None], Run]
"""Adds to the writes how far the run is after a step; returns the run as it is then."""


class Overtaken(Exception):
    """The run is not where a step that was decided ahead begins; it has to be decided again."""


@dataclass(slots=True, eq=False)
class Turn:
    """One step: decided at once, written when all before it are.

    Args:
        after: the member after whom it begins where it is decided ahead; None: where the run is.
        to: up to whom it goes; None: not known yet, or nobody is left.
    """

    run: Run
    step: Step
    note: Note
    width: int
    after: int | None
    to: int | None = None
    is_dropped: bool = False
    is_known: Event = field(default_factory=Event)
    may_write: Event = field(default_factory=Event)

    def __call__(self, tx: Transaction) -> Run:
        """Decide the step, and add to the writes what it does and how far the run is then.

        Raises:
            Overtaken: nothing is written.
        """
        if self.after is not None and not self.may_write.is_set():
            chunk = self._decide(tx, self.after)
            self.may_write.wait()
            return self.note(tx, self._take_run(tx), chunk)
        if self.is_dropped:
            raise Overtaken
        stored = lock_run(tx, self.run.job, self.run.at)
        if stored.is_done:
            return stored
        return self.note(tx, stored, self._decide(tx, stored.done_to))

    def _take_run(self, tx: Transaction) -> Run:
        """The run, locked. Members are already: whoever has it may want them, and is let go on."""
        found = None if self.is_dropped else try_lock_run(tx, self.run.job, self.run.at)
        if found is None or found.is_done or found.done_to != self.after:
            raise Overtaken
        return found

    def _decide(self, tx: Transaction, after: int) -> Chunk | None:
        chunk = self.step(tx, after, self.width, self._know)
        self._know(None if chunk is None else chunk.to)
        return chunk

    def _know(self, to: int | None) -> None:
        self.to = to
        self.is_known.set()


class Turns:
    """The steps of a run, one after another, for the time of a ``with`` block.

    While one step is decided and written, the next one is read and decided in another thread and
    transaction. It is written when its turn has come, or not at all: what is seen of a run, and
    what stands when it is killed, is what single steps would leave.

    Args:
        is_ahead: whether the next step may be decided before the last one is written. It must read
            nothing that steps before it write. Needs two connections.
    """

    def __init__(self, db: Database, step: Step, note: Note, *, is_ahead: bool) -> None:
        self._db, self._step, self._note, self._is_ahead = db, step, note, is_ahead
        self._threads = ThreadPoolExecutor(STEPS_AT_ONCE, "step")
        self._next: tuple[Turn, Future[Run]] | None = None

    def __enter__(self) -> "Turns":
        return self

    def __exit__(
        self,
        _kind: type[BaseException] | None,
        _error: BaseException | None,
        _: TracebackType | None,
    ) -> None:
        self._drop()
        self._threads.shutdown()

    def take(self, run: Run, width: int) -> Run:
        """Do the next step of a run; returns the run as it is then.

        Raises:
            Busy: members were not to be had in time. Nothing is written.
        """
        while True:
            turn, future = self._next or self._begin(run, width)
            self._next = None
            turn.may_write.set()
            turn.is_known.wait()
            if self._is_ahead and turn.to is not None:
                self._next = self._begin(run, width, turn.to)
            try:
                return future.result()
            except Overtaken:
                self._drop()
            except BaseException:
                self._drop()
                raise

    def _begin(self, run: Run, width: int, after: int | None = None) -> tuple[Turn, Future[Run]]:
        turn = Turn(run, self._step, self._note, width, after)
        future = self._threads.submit(self._db.run, turn)
        future.add_done_callback(lambda _: turn.is_known.set())
        return turn, future

    def _drop(self) -> None:
        """Give up what was decided ahead, and wait until its members are free."""
        if self._next is not None:
            (turn, future), self._next = self._next, None
            turn.is_dropped = True
            turn.may_write.set()
            future.exception()
