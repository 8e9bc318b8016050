"""Clients of a running service, many at once, that write down what they sent and what came back."""

import http.client
import re
import socket
import struct
import threading
import time
from collections import Counter, defaultdict, deque
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from typing import Any

import orjson

from tests.integration.mix import Manner, Sending
from tests.services import wait_until

THREADS = 32
PATIENCE_SECONDS = 60.0
PAUSE_SECONDS = 0.02
GOES_AT_ONCE = struct.pack("ii", 1, 0)

Meanwhile = Callable[[Callable[[], float]], None]


@dataclass(frozen=True, slots=True, eq=False)
class Answered:
    """A request that was sent until it was answered.

    Args:
        began, ended: when it was first sent and finally answered, on this machine's clock.
        was_lost: an earlier try got no answer.
    """

    sending: Sending
    began: float
    ended: float
    status: int
    data: bytes
    retry_after: str | None
    was_lost: bool

    @property
    def json(self) -> Any:
        return orjson.loads(self.data)

    @property
    def code(self) -> str:
        return str(self.json["code"]) if self.status >= 400 else ""


@dataclass
class Traffic:
    """Many clients of one service.

    Args:
        port: of the service on this machine.
        token: with every scope that is needed.
        may_fail: whether the service is being hurt, so that connections break and 503 is fair.
        history: every answer, as they came.
        written: member -> entries that operators were told they wrote.
        again: why something was sent once more.
    """

    port: int
    token: str
    may_fail: bool = False
    history: list[Answered] = field(default_factory=list)
    written: dict[str, list[tuple[str, int]]] = field(default_factory=lambda: defaultdict(list))
    faults: list[BaseException] = field(default_factory=list)
    again: Counter[str] = field(default_factory=Counter)

    def run(self, plan: Iterable[Sending], meanwhile: Meanwhile = lambda _: None) -> None:
        """Send a plan with many threads, until all of it is answered for good.

        Args:
            meanwhile: runs beside them; may ask which part of the plan is answered.
        """
        before = len(self.history)
        self._send([(sending, None) for sending in plan], meanwhile)
        # What was told "no such order" may be done after all by a lost try that arrived late.
        wait_until(lambda: self._in_flight() == 0)
        unclear = [a for a in self.history[before:] if a.was_lost and a.status == 404]
        self._send([(answer.sending, answer.began) for answer in unclear])

    def _send(
        self,
        plan: list[tuple[Sending, float | None]],
        meanwhile: Meanwhile = lambda _: None,
    ) -> None:
        waiting, most = deque(plan), max(1, len(plan))
        threads = [threading.Thread(target=self._work, args=(waiting,)) for _ in range(THREADS)]
        for thread in threads:
            thread.start()
        try:
            meanwhile(lambda: 1 - len(waiting) / most)
        finally:
            for thread in threads:
                thread.join()
        if self.faults:
            raise self.faults[0]

    def given(self, member: str) -> list[tuple[str, int]]:
        """The entries that operators have been told they wrote for a member."""
        return list(self.written[member])

    def get(self, path: str) -> Any:
        """Read something; anything but 200 is answered with None."""
        data = self._read(f"/v1{path}")
        return None if data is None else orjson.loads(data)

    def _in_flight(self) -> int:
        text = (self._read("/metrics") or b"").decode()
        return (
            round(float(re.findall(r"^loyalty_http_requests_in_flight (\S+)", text, re.M)[0])) - 1
        )

    def _read(self, path: str) -> bytes | None:
        client = _Client(self.port, self.token)
        try:
            client.send("GET", path, None, None)
            status, data, _ = client.read()
            return data if status == 200 else None
        finally:
            client.close()

    def _work(self, waiting: deque[tuple[Sending, float | None]]) -> None:
        client = _Client(self.port, self.token)
        try:
            while True:
                try:
                    sending, began = waiting.popleft()
                except IndexError:
                    return
                self._note(self._settle(client, sending, began or time.monotonic()))
        except BaseException as fault:  # noqa: BLE001
            self.faults.append(fault)
            waiting.clear()
        finally:
            client.close()

    def _note(self, answer: Answered) -> None:
        self.history.append(answer)
        intent = answer.sending.intent
        if intent.kind == "adjust" and answer.status == 200:
            entry = answer.json
            self.written[str(intent.member)].append((entry["wallet"], entry["entry"]))

    def _settle(self, client: "_Client", sending: Sending, began: float) -> Answered:
        """Send until there is an answer, as the README asks of a shop."""
        give_up_at, manner, was_lost = time.monotonic() + PATIENCE_SECONDS, sending.manner, False
        while True:
            assert time.monotonic() < give_up_at, f"no answer to {sending}"
            try:
                answer = self._try(client, sending, manner)
            except (OSError, http.client.HTTPException):
                client.close()
                if not self.may_fail:
                    raise
                self.again["connection broken"] += 1
                was_lost = True
                time.sleep(PAUSE_SECONDS)
                continue
            manner = Manner.READ
            if answer is None:
                self.again["answer lost"] += 1
                was_lost = True
                continue
            done = Answered(sending, began, time.monotonic(), *answer, was_lost)
            if not self._passes(done):
                return done
            was_lost |= done.status == 503

    def _try(
        self, client: "_Client", sending: Sending, manner: Manner
    ) -> tuple[int, bytes, str | None] | None:
        intent = sending.intent
        key = sending.key if intent.method == "POST" else None
        client.send(intent.method, f"/v1{intent.path}", intent.body, key)
        if manner is Manner.READ:
            return client.read()
        if manner is Manner.LOST:
            client.await_answer()
        client.cut()
        return None

    def _passes(self, answer: Answered) -> bool:
        """Whether it passes by waiting, as the answer must say."""
        if answer.status == 503 and self.may_fail:
            self.again["database away"] += 1
        elif answer.status == 409 and answer.code == "busy":
            self.again["busy"] += 1
        else:
            return False
        assert answer.retry_after is not None, f"{answer.status} says not how long to wait"
        time.sleep(PAUSE_SECONDS)
        return True


class _Client:
    """One connection that can be cut."""

    def __init__(self, port: int, token: str) -> None:
        self.http = http.client.HTTPConnection("127.0.0.1", port, timeout=PATIENCE_SECONDS)
        self.headers = {"Authorization": f"Bearer {token}", "Content-Type": "application/json"}

    def send(self, method: str, path: str, body: Any, key: str | None) -> None:
        headers = self.headers if key is None else {**self.headers, "Idempotency-Key": key}
        data = None if body is None else orjson.dumps(body)
        self.http.request(method, path, data, headers)

    def read(self) -> tuple[int, bytes, str | None]:
        answer = self.http.getresponse()
        return answer.status, answer.read(), answer.getheader("Retry-After")

    def await_answer(self) -> None:
        """Wait until the first byte of the answer is here, and leave it there."""
        if not self.http.sock.recv(1, socket.MSG_PEEK):
            raise http.client.RemoteDisconnected("ended without an answer")

    def cut(self) -> None:
        """End the connection for good: what is still under way meets a closed door."""
        self.http.sock.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, GOES_AT_ONCE)
        self.close()

    def close(self) -> None:
        self.http.close()
