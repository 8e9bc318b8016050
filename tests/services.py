"""A `loyalty serve` for tests: a process tree of its own, as people and supervisors start it."""

import os
import re
import socket
import subprocess
import sys
import time
from pathlib import Path

import urllib3

REPO = Path(__file__).resolve().parents[1]
LOYALTY = [sys.executable, "-m", "loyalty_service.cli"]


class Service:
    """A `loyalty serve` in a folder and on a port of its own."""

    def __init__(self, data_dir, **settings):
        self.data_dir = data_dir
        self.port = free_port()
        kept = {k: v for k, v in os.environ.items() if not k.startswith("LOYALTY_")}
        self.environment = {
            **kept,
            "PYTHONPATH": str(REPO),
            "LOYALTY_DATA_DIR": str(data_dir),
            "LOYALTY_PORT": str(self.port),
            "LOYALTY_WORKERS": "1",
            **settings,
        }
        self.log = data_dir.parent / "log"
        self.process = None

    def start(self, *options):
        self.log.write_bytes(b"")
        with self.log.open("ab") as log:
            self.process = subprocess.Popen(
                [*LOYALTY, "serve", *options], env=self.environment, stdout=log, stderr=log
            )
        return self

    def run(self, *command, **options):
        return subprocess.run(
            [*LOYALTY, *command],
            env=self.environment,
            check=False,
            capture_output=True,
            text=True,
            timeout=60,
            **options,
        )

    def until_ready(self):
        wait_until(lambda: "Ready" in self.said() or self.process.poll() is not None, 60)
        assert self.process.poll() is None, self.said()
        return self

    def until_ended(self):
        return self.process.wait(60)

    def said(self):
        return self.log.read_text()

    def token(self, whose):
        return re.search(rf"{whose}=(\S+)", self.said()).group(1)

    def get(self, path, token=None):
        url = f"http://127.0.0.1:{self.port}{path}"
        headers = {"Authorization": f"Bearer {token}"} if token else {}
        return urllib3.request("GET", url, headers=headers, retries=False, timeout=5)

    def processes(self):
        """Every living process that belongs to this service, by what it was started with."""
        marks = [str(self.data_dir).encode(), f"LOYALTY_PORT={self.port}".encode()]
        found = []
        for entry in Path("/proc").glob("[0-9]*"):
            try:
                seen = (entry / "cmdline").read_bytes() + (entry / "environ").read_bytes()
            except OSError:
                continue
            if any(mark in seen for mark in marks):
                found.append(int(entry.name))
        return found


def command_of(pid):
    return Path(f"/proc/{pid}/cmdline").read_bytes()


def free_port():
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def wait_until(what, seconds=20.0):
    give_up_at = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < give_up_at, "waited in vain"
        time.sleep(0.02)
