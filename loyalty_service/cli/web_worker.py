"""gunicorn's worker with threads, for clients that are slow, silent or not to be understood.

gunicorn gives a connection a thread before anything has come, waits for the rest of a request as
long as it takes, and lingers at a closed connection in its one loop. A handful of connections
that never finish a request would stop the service.
"""

import selectors
import socket
import struct
import time
from collections import deque
from contextlib import suppress
from functools import partial
from typing import Any

from gunicorn.http.body import LengthReader
from gunicorn.http.errors import NoMoreData, ParseException
from gunicorn.http.message import Request
from gunicorn.http.parser import RequestParser
from gunicorn.http.unreader import SocketUnreader
from gunicorn.workers.gthread import STOP_KEEPALIVE_LINGER, TConn, ThreadWorker
from werkzeug.exceptions import BadRequest

LINGER_SECONDS = 2.0
_MOST_AT_ONCE = 65_536
_GONE = (OSError, KeyError, ValueError)


class TooSlow(Exception):
    """A request did not arrive within its time."""


class Worker(ThreadWorker):  # type: ignore[misc]
    """Threads work on requests only; waiting for one to begin, or for a goodbye, takes none.

    Attributes:
        request_seconds: how long one request, header and body, may take to arrive.
        bytes_per_second: what has arrived at this rate or faster takes nothing from that time.
        answer_seconds: how long a client may take none of its answer.
    """

    request_seconds = 10.0
    bytes_per_second = 50_000
    answer_seconds = 30

    def __init__(self, *args: Any, **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._lingering: deque[tuple[float, socket.socket]] = deque()

    def accept(self, listener: Any) -> None:
        """Take a connection in and wait, without a thread, for its first byte."""
        try:
            client, address = listener.accept()
        except (BlockingIOError, ConnectionAbortedError):
            return
        # The kernel's own: a socket with Python's would be asked before every reading.
        client.setsockopt(
            socket.SOL_SOCKET, socket.SO_SNDTIMEO, struct.pack("ll", self.answer_seconds, 0)
        )
        conn = _Connection(self, client, address, listener.getsockname())
        self.nr_conns += 1
        conn.timeout = time.monotonic() + self.request_seconds
        self.pending_conns.append(conn)
        self.poller.register(
            client, selectors.EVENT_READ, partial(self.on_pending_socket_readable, conn)
        )

    def murder_pending(self) -> None:
        """Close connections that sent nothing in time, and those that have said goodbye."""
        now = time.monotonic()
        if not self.alive:
            for conn in self.pending_conns:
                conn.timeout = min(conn.timeout, now + STOP_KEEPALIVE_LINGER)
        super().murder_pending()
        while self._lingering and self._lingering[0][0] <= now:
            self._let_go(self._lingering.popleft()[1])

    def linger(self, client: socket.socket) -> None:
        """Say goodbye, and close when the client has closed too, or after a moment.

        Closed at once with something unread, the connection would be reset, and the answer might
        never be seen. The loop calls this, and gunicorn's own way of waiting would hold it up.
        """
        try:
            client.setblocking(False)
            client.shutdown(socket.SHUT_WR)
            self.poller.register(client, selectors.EVENT_READ, self._listen_out)
        except _GONE:
            client.close()
            return
        self.nr_conns += 1
        self._lingering.append((time.monotonic() + LINGER_SECONDS, client))

    def _listen_out(self, client: socket.socket) -> None:
        try:
            heard = client.recv(_MOST_AT_ONCE)
        except BlockingIOError:
            return
        except OSError:
            heard = b""
        if not heard:
            self._let_go(client)

    def _let_go(self, client: socket.socket) -> None:
        if client.fileno() == -1:
            return
        with suppress(*_GONE):
            self.poller.unregister(client)
        client.close()
        self.nr_conns -= 1

    def handle_request(self, request: Any, conn: Any) -> bool:
        """Work on a request; a client that takes nothing of its answer loses the connection."""
        try:
            return bool(super().handle_request(request, conn))
        except BlockingIOError:
            return False

    def handle_error(self, _request: Any, client: Any, _address: Any, error: Exception) -> None:
        """Answer what cannot be read, or failed past the application, without quoting any of it."""
        # Counts per process: not before the worker has been forked.
        from loyalty_service.cli.unreadable import answer_to

        answer = answer_to(error)
        with suppress(OSError):
            client.setblocking(False)
            client.sendall(answer)


class _Connection(TConn):  # type: ignore[misc]
    """A connection that is read with a deadline and closed without waiting."""

    def __init__(self, worker: Worker, client: socket.socket, address: Any, server: Any) -> None:
        super().__init__(worker.cfg, client, address, server)
        self._worker = worker
        self.parser: Any = _Parser(worker, client, address)

    def close(self, graceful: bool = False) -> None:
        if graceful:
            self._worker.linger(self.sock)
        else:
            super().close()


class _Request(Request):  # type: ignore[misc]
    """A request whose answer says that the connection ends where its body will not be taken in."""

    def set_body_reader(self) -> None:
        super().set_body_reader()
        self.body.reader = _BodyReader(self)

    def should_close(self) -> bool:
        return self.body.reader.leaves_much or bool(super().should_close())


class _Parser(RequestParser):  # type: ignore[misc]
    """The requests of a connection, each within its time."""

    mesg_class = _Request

    def __init__(self, worker: Worker, client: socket.socket, address: Any) -> None:
        super().__init__(worker.cfg, client, address)
        self.unreader = _Unreader(worker, client)

    def __next__(self) -> Any:
        self.unreader.begin()
        request = super().__next__()
        self.unreader.in_body = True
        return request

    def finish_body(self, **_limits: Any) -> bool:
        # The time of the request bounds this too. gunicorn's limit would be set on the socket,
        # where it begins anew with every byte.
        try:
            return bool(super().finish_body(max_bytes=_MOST_AT_ONCE))
        except BadRequest:
            return False


class _Unreader(SocketUnreader):  # type: ignore[misc]
    """What a client sends; each wait is as long as what is left of the request's time."""

    def __init__(self, worker: Worker, client: socket.socket) -> None:
        super().__init__(client)
        self._seconds = worker.request_seconds
        self._seconds_per_byte = 1 / worker.bytes_per_second
        self._deadline = 0.0
        self.in_body = False

    def begin(self) -> None:
        """The time of a request begins."""
        self._deadline = time.monotonic() + self._seconds
        self.in_body = False

    def chunk(self, size_hint: int | None = None) -> bytes:
        size = min(max(size_hint or 0, self.mxchunk), self.max_body_chunk)
        try:
            # What is there is read however late: then it was we who took our time.
            data: bytes = self.sock.recv(size, socket.MSG_DONTWAIT)
        except BlockingIOError:
            data = self._await(size)
        if not data and self.in_body:
            raise NoMoreData
        self._deadline += len(data) * self._seconds_per_byte
        return data

    def _await(self, size: int) -> bytes:
        seconds = self._deadline - time.monotonic()
        if seconds <= 0:
            raise TooSlow
        before = self.sock.gettimeout()
        self.sock.settimeout(seconds)
        try:
            data: bytes = self.sock.recv(size)
        except TimeoutError:
            raise TooSlow from None
        finally:
            self.sock.settimeout(before)
        return data


class _BodyReader:
    """A body that ends early, late or wrongly is a bad request to the application, no fault."""

    def __init__(self, request: Any) -> None:
        self._request = request
        self._reader = request.body.reader

    @property
    def leaves_much(self) -> bool:
        """Whether more of it is unread than ``finish_body`` takes in, or nobody knows how much."""
        if isinstance(self._reader, LengthReader):
            return int(self._reader.length) > _MOST_AT_ONCE
        return getattr(self._reader, "parser", None) is not None

    def read(self, size: int) -> bytes:
        try:
            data: bytes = self._reader.read(size)
        except (OSError, ParseException, TooSlow):
            self._request.force_close()
            raise BadRequest from None
        return data
