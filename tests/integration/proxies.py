"""A way to the database that breaks: at a COMMIT, or anywhere in what the database says."""

import shutil
import socket
import tempfile
import threading
from contextlib import suppress
from enum import StrEnum

from sqlalchemy import URL, make_url

CHUNK = 65_536
COMMIT = b"COMMIT"
# ReadyForQuery outside of a transaction: all of the message is done.
DONE = b"Z\x00\x00\x00\x05I"


# What a server says to its sessions when it crashes; it is no error and answers nothing.
CRASHING = b"SWARNING\0C57P02\0Mterminating connection because of crash\0\0"
WARNING = b"N" + (len(CRASHING) + 4).to_bytes(4, "big") + CRASHING


class Cut(StrEnum):
    """When the connection breaks."""

    BEFORE = "before it arrives"
    AFTER = "after it is done"


class Proxy:
    """Passes everything on between the service and its database, until it is told to cut.

    Args:
        cut: what happens at the next COMMIT; None passes it on.
        left: how many bytes of answers still pass before it breaks; None passes all.
    """

    def __init__(self, url: str) -> None:
        self.real = make_url(url)
        self.cut: Cut | None = None
        self.left: int | None = None
        self.lines: list[_Line] = []
        self.folder = tempfile.mkdtemp(prefix="proxy-")
        self.listener = socket.socket(socket.AF_UNIX)
        self.listener.bind(f"{self.folder}/.s.PGSQL.5432")
        self.listener.listen()
        self.thread = threading.Thread(target=self._accept)
        self.thread.start()

    @property
    def url(self) -> URL:
        """The database by way of this proxy."""
        url = self.real.set(host=None, port=5432)
        return url.update_query_dict({"host": self.folder})

    def break_all(self, last_words: bytes = b"") -> None:
        """End every connection, whoever uses it, with something that the database still says."""
        while self.lines:
            line = self.lines.pop()
            if last_words:
                line.near.sendall(last_words)
            line.close()

    def close(self) -> None:
        # Closing alone does not wake who waits for a connection.
        self.listener.shutdown(socket.SHUT_RDWR)
        self.listener.close()
        self.thread.join()
        self.break_all()
        shutil.rmtree(self.folder)

    def _accept(self) -> None:
        while True:
            try:
                near, _ = self.listener.accept()
            except OSError:
                return
            self.lines.append(_Line(self, near, self._connect()))

    def _connect(self) -> socket.socket:
        host, port = self.real.query.get("host") or self.real.host, self.real.port or 5432
        if not str(host).startswith("/"):
            return socket.create_connection((str(host or "127.0.0.1"), port))
        far = socket.socket(socket.AF_UNIX)
        far.connect(f"{host}/.s.PGSQL.{port}")
        return far


class _Line:
    """One connection of the service, and the one it is passed on by."""

    def __init__(self, proxy: Proxy, near: socket.socket, far: socket.socket) -> None:
        self.proxy, self.near, self.far = proxy, near, far
        self.is_last = False
        self.threads = [threading.Thread(target=self._ask), threading.Thread(target=self._answer)]
        for thread in self.threads:
            thread.start()

    def close(self) -> None:
        self._end()
        for thread in self.threads:
            thread.join()
        self.near.close()
        self.far.close()

    def _ask(self) -> None:
        with suppress(OSError):
            while data := self.near.recv(CHUNK):
                if COMMIT in data and self.proxy.cut is not None:
                    cut, self.proxy.cut = self.proxy.cut, None
                    if cut is Cut.BEFORE:
                        break
                    self.is_last = True
                self.far.sendall(data)
        self._end()

    def _answer(self) -> None:
        kept = b""
        with suppress(OSError):
            while data := self.far.recv(CHUNK):
                if not self.is_last:
                    if self._pass_on(data):
                        continue
                    break
                kept += data
                if kept.endswith(DONE):
                    break
        self._end()

    def _pass_on(self, data: bytes) -> bool:
        """Pass on as much as may pass; False where that was not all."""
        left = self.proxy.left
        is_all = left is None or left >= len(data)
        # Before it is sent: who gets it may ask for the next cut at once.
        if left is not None:
            self.proxy.left = left - len(data) if is_all else None
        self.near.sendall(data[:left])
        return is_all

    def _end(self) -> None:
        for end in (self.near, self.far):
            with suppress(OSError):
                end.shutdown(socket.SHUT_RDWR)
