"""A load generator: keep-alive clients in one process of their own, cheap enough to stand aside.

Requests are whole bytes made beforehand, so that the clock runs over sending, waiting and reading
only; its own CPU time is reported, because on few cores it is taken from the server.
"""

import multiprocessing
import resource
import select
import socket
import time
from collections import Counter, deque
from collections.abc import Sequence
from dataclasses import dataclass, field
from typing import Any

CLIENTS = 8
TIMEOUT_SECONDS = 60.0


@dataclass(frozen=True, slots=True)
class Load:
    """What came of a round: times in seconds."""

    seconds: float
    client_cpu: float
    latencies: list[float]
    statuses: Counter[int]
    first_error: bytes = b""

    @property
    def rate(self) -> float:
        """Answers a second."""
        return len(self.latencies) / self.seconds

    @property
    def errors(self) -> int:
        """Answers that were not 2xx."""
        return sum(n for status, n in self.statuses.items() if not 200 <= status < 300)

    def percentile_ms(self, share: float) -> float:
        """The latency that this share of the answers did not exceed, in milliseconds."""
        ordered = sorted(self.latencies)
        return ordered[min(len(ordered) - 1, int(share * len(ordered)))] * 1000


def request(
    method: str, path: str, body: bytes = b"", headers: dict[str, str] | None = None
) -> bytes:
    """One HTTP/1.1 request as it is sent."""
    lines = [f"{method} {path} HTTP/1.1", "Host: bench"]
    if body:
        lines += ["Content-Type: application/json", f"Content-Length: {len(body)}"]
    lines += [f"{name}: {value}" for name, value in (headers or {}).items()]
    return "\r\n".join([*lines, "", ""]).encode() + body


def run_load(
    port: int, requests: Sequence[bytes], clients: int = CLIENTS, rate: float | None = None
) -> Load:
    """Send all requests by ``clients`` keep-alive connections, from another process.

    Args:
        rate: requests a second at the most, evenly; None is as many as are answered. With a rate
            the time of an answer counts from when its request was meant to be sent.
    """
    context = multiprocessing.get_context("fork")
    ours, theirs = context.Pipe(duplex=False)
    child = context.Process(target=_run, args=(theirs, port, requests, clients, rate), daemon=True)
    child.start()
    theirs.close()
    try:
        outcome = ours.recv()
    except EOFError:
        raise RuntimeError("the load generator died") from None
    finally:
        child.join()
    return Load(*outcome)


@dataclass(slots=True)
class _Client:
    connection: socket.socket
    sent_at: float = 0.0
    got: bytearray = field(default_factory=bytearray)
    needed: int = 0


def _run(pipe: Any, port: int, requests: Sequence[bytes], clients: int, rate: float | None) -> None:
    poll, by_fd = select.epoll(), {}
    for _ in range(min(clients, len(requests))):
        connection = socket.create_connection(("127.0.0.1", port), TIMEOUT_SECONDS)
        connection.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        by_fd[connection.fileno()] = _Client(connection)
        poll.register(connection, select.EPOLLIN)
    answers, sent = _Answers(), 0
    idle = deque(by_fd.values())
    cpu, begin = _cpu(), time.perf_counter()
    while len(answers.latencies) < len(requests):
        wait = TIMEOUT_SECONDS
        while idle and sent < len(requests):
            now = time.perf_counter()
            due = now if rate is None else begin + sent / rate
            wait = due - now
            if wait > 0:
                break
            _send(idle.popleft(), requests[sent], due)
            sent, wait = sent + 1, TIMEOUT_SECONDS
        ready = poll.poll(wait)
        if not ready and wait == TIMEOUT_SECONDS:
            raise TimeoutError("no answer")
        for fd, _ in ready:
            if _receive(by_fd[fd]):
                answers.add(by_fd[fd])
                idle.append(by_fd[fd])
    seconds, cpu = time.perf_counter() - begin, _cpu() - cpu
    pipe.send((seconds, cpu, answers.latencies, answers.statuses, answers.first_error))


@dataclass(slots=True)
class _Answers:
    latencies: list[float] = field(default_factory=list)
    statuses: Counter[int] = field(default_factory=Counter)
    first_error: bytes = b""

    def add(self, client: _Client) -> None:
        """Note a whole answer."""
        self.latencies.append(time.perf_counter() - client.sent_at)
        status = int(client.got[9:12])
        self.statuses[status] += 1
        if status >= 300 and not self.first_error:
            self.first_error = bytes(client.got)


def _send(client: _Client, message: bytes, due: float) -> None:
    client.got.clear()
    client.needed = 0
    client.sent_at = due
    client.connection.sendall(message)


def _receive(client: _Client) -> bool:
    """Read what is there; True once the answer is whole."""
    part = client.connection.recv(262_144)
    if not part:
        raise ConnectionError("the server closed the connection")
    client.got += part
    if not client.needed:
        end = client.got.find(b"\r\n\r\n")
        if end < 0:
            return False
        head = bytes(client.got[:end]).lower()
        length = head.split(b"content-length:")[1].split(b"\r\n")[0]
        client.needed = end + 4 + int(length)
    return len(client.got) >= client.needed


def _cpu() -> float:
    used = resource.getrusage(resource.RUSAGE_SELF)
    return used.ru_utime + used.ru_stime
