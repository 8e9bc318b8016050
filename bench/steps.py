"""How many steps of Python's bytecode does each checkout call take, and in which functions?

Counted, not timed: the same code comes to the same figures on every machine and beside any load, so
that a change of a hundredth is seen. What the database, the web server and functions written in C
do is not in it.
"""

import argparse
import os
import sys
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from types import FrameType
from typing import Any

import orjson
from common import SAMPLE, cart, enrol_members, stand, title
from flask import Flask
from recording import GIFT, Asked
from spending import ASKED
from werkzeug.test import create_environ

ROOT = str(SAMPLE.parent.parent)
MEMBERS = 20
WARM = 60
"""Calls of each kind before any is counted: what is made once has been made by then."""


def _paid(ref: str, order_ref: str) -> tuple[str, str, Any]:
    path = f"/v1/members/{ref}/orders/paid-{order_ref}/payment"
    return "POST", path, {**cart(), "payment_ref": f"pay-{order_ref}"}


CALLS: dict[str, Asked] = {**ASKED, "paid": _paid}


@dataclass(slots=True)
class Steps:
    """What some calls took.

    Args:
        own: by function, steps of its own.
        whole: the same with all that it called.
        calls: how often each was called.
    """

    own: Counter[str] = field(default_factory=Counter)
    whole: Counter[str] = field(default_factory=Counter)
    calls: Counter[str] = field(default_factory=Counter)
    _open: list[list[Any]] = field(default_factory=list)

    def count(self, work: Callable[[], Any]) -> None:
        """Do something and count what it takes."""
        sys.settrace(self._enter)
        try:
            work()
        finally:
            sys.settrace(None)

    def _enter(self, frame: FrameType, _event: str, _: Any) -> Any:
        frame.f_trace_opcodes, frame.f_trace_lines = True, False
        code = frame.f_code
        name = f"{code.co_filename.removeprefix(ROOT).lstrip('/')} {code.co_qualname}"
        self.calls[name] += 1
        self._open.append([name, 0])
        return self._follow

    def _follow(self, _frame: FrameType, event: str, _: Any) -> Any:
        if event == "opcode":
            self._open[-1][1] += 1
            self.own[self._open[-1][0]] += 1
        elif event == "return":
            name, steps = self._open.pop()
            # A function that calls itself is counted once.
            if all(name != other for other, _ in self._open):
                self.whole[name] += steps
            if self._open:
                self._open[-1][1] += steps
        return self._follow


@dataclass(slots=True)
class Client:
    """Calls the application as a web server does, without one."""

    app: Flask
    token: str

    def prepare(self, asked: tuple[str, str, Any], key: str) -> Callable[[], None]:
        """A call that is ready to be made; anything but a good answer stops the measurement."""
        method, path, body = asked
        environ = create_environ(
            path,
            method=method,
            data=orjson.dumps(body),
            content_type="application/json",
            headers={"Authorization": f"Bearer {self.token}", "Idempotency-Key": key},
            # As gunicorn says.
            environ_overrides={"wsgi.input_terminated": True},
        )
        said: list[str] = []

        def start(status: str, _headers: Any, _error: Any = None) -> Any:
            said.append(status)

        def call() -> None:
            answer = self.app.wsgi_app(environ, start)
            if not said[0].startswith("2"):
                raise RuntimeError(f"{method} {path}: {b''.join(answer).decode()}")

        return call


def main() -> None:
    """Read the command line, count, print."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n\n", maxsplit=1)[0])
    parser.add_argument("--calls", type=int, default=5, help="of each kind that are counted")
    parser.add_argument("--parts", type=int, default=25, help="functions named for each")
    given = parser.parse_args()
    title("Steps of bytecode: a cart of five lines")
    with stand() as made:
        db = made.database(pool_size=1, by_thread=True)
        enrol_members(db, [f"m-{i}" for i in range(MEMBERS)])
        found = _count(Client(made.app(db, "info"), made.token()), given.calls)
        db.close()
    for name, steps in found.items():
        _tell(name, steps, given.calls, given.parts)


def _count(client: Client, calls: int) -> dict[str, Steps]:
    found = {name: Steps() for name in CALLS}
    with _hushed():
        for i in range(MEMBERS):
            client.prepare(("POST", f"/v1/members/m-{i}/adjustments", GIFT), f"gift-{i}")()
        for i in range(WARM + calls):
            for name, asked in CALLS.items():
                call = client.prepare(asked(f"m-{i % MEMBERS}", f"o-{i}"), f"{name}-{i}")
                call() if i < WARM else found[name].count(call)
    return found


@contextmanager
def _hushed() -> Iterator[None]:
    """Lines of the log are made and written as ever, to nowhere."""
    sys.stdout.flush()
    kept, nowhere = os.dup(1), os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, 1)
    try:
        yield
    finally:
        os.dup2(kept, 1)
        os.close(kept)
        os.close(nowhere)


def _tell(name: str, steps: Steps, calls: int, parts: int) -> None:
    total = sum(steps.own.values()) / calls
    print(
        f"{name}: {total:,.0f} steps in {sum(steps.calls.values()) / calls:,.0f} calls "
        f"of {len(steps.calls)} functions"
    )
    print(f"{'in all':>9}{'its own':>9}{'calls':>7}")
    for part, whole in steps.whole.most_common(parts):
        own, times = steps.own[part] / calls, steps.calls[part] / calls
        print(f"{whole / calls:9,.0f}{own:9,.0f}{times:7.1f}  {part}")
    print()


if __name__ == "__main__":
    main()
