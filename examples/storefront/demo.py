"""`make demo-store`: the loyalty service with its demo data, and this shop beside it.

Not for copying: it starts the service as `make run` does, and stops both.
"""

import logging
import os
import re
import signal
import socket
import subprocess
import sys
import threading
from pathlib import Path
from typing import IO

import click
from werkzeug.serving import BaseWSGIServer, make_server

from loyalty_service.kit.processes import Stop, Stopped, die_with_parent, stop_process

from .client import Loyalty
from .shop import create_shop

HOST = "127.0.0.1"
LOYALTY = [sys.executable, "-m", "loyalty_service.cli"]
SCOPES = ["--scope", "checkout", "--scope", "members"]
GRACE_S = 40.0


def main() -> int:
    """Run both until told to stop; returns the exit code."""
    logging.getLogger("werkzeug").setLevel(logging.WARNING)
    stop = Stop()
    stop.listen()
    # A taken port is told before the service starts.
    door = _open_door(int(os.environ.get("SHOP_PORT", "8080")))
    service: subprocess.Popen[bytes] | None = None
    try:
        service = _start_service()
        stop.check()
        address = _await_ready(service)
        if address is not None:
            shop = _open_shop(address, door)
            click.echo(f"\nShop:     http://{HOST}:{shop.port}\nService:  {address}")
            click.echo(f"Guide:    {address}/docs\n\nCtrl-C stops both.")
            threading.Thread(target=shop.serve_forever, daemon=True).start()
        return service.wait()
    except Stopped:
        return 0
    finally:
        if service is not None:
            stop_process(service, [(signal.SIGTERM, GRACE_S)])


def _start_service() -> subprocess.Popen[bytes]:
    return subprocess.Popen(
        [*LOYALTY, "serve", "--migrate", "--demo"],
        env={"LOYALTY_LOG_LEVEL": "warning", **os.environ},
        stdin=subprocess.DEVNULL,
        stdout=subprocess.PIPE,
        # A Ctrl-C of the terminal reaches us only; it is stopped when the shop has stopped.
        start_new_session=True,
        preexec_fn=die_with_parent(signal.SIGTERM),  # noqa: PLW1509
    )


def _await_ready(service: subprocess.Popen[bytes]) -> str | None:
    """Where the service is when it is ready; None where it ended before."""
    assert service.stdout is not None
    for line in service.stdout:
        ready = re.match(rb"Ready: +(http\S+)", line)
        if ready:
            threading.Thread(target=_pass_log_on, args=[service.stdout], daemon=True).start()
            return ready[1].decode()
    return None


def _pass_log_on(said: IO[bytes]) -> None:
    """The log, but not what else `serve --demo` says to try: the shop is what to try here."""
    for line in said:
        if line.startswith(b"{"):
            sys.stderr.buffer.write(line)
            sys.stderr.flush()


def _open_door(port: int) -> socket.socket:
    try:
        return socket.create_server((HOST, port))
    except OSError as error:
        sys.exit(f"Cannot listen on {HOST}:{port}: {error.strerror}. Set SHOP_PORT to a free one.")


def _open_shop(address: str, door: socket.socket) -> BaseWSGIServer:
    signed = subprocess.run(
        [*LOYALTY, "token", *SCOPES, "--subject", "storefront", "--hours", "8784"],
        stdout=subprocess.PIPE,
        text=True,
        check=True,
    )
    token = signed.stdout.strip()
    folder = Path(os.environ.get("LOYALTY_DATA_DIR", "var")) / "shop"
    shop = create_shop(Loyalty(address, lambda: token), folder)
    host, port = door.getsockname()
    return make_server(host, port, shop, threaded=True, fd=door.fileno())


if __name__ == "__main__":
    sys.exit(main())
