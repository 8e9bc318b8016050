"""One of several schedulers leads: it holds a lease that it renews, and loses when it is silent."""

import os
import socket
import uuid

from sqlalchemy.engine import URL

from loyalty_service.kit.clock import SystemClock
from loyalty_service.kit.db import Database, Transaction

LEASE_SECONDS = 10.0
"""How long a lease lasts that is not renewed: so long nobody leads after a leader has died."""

_NAME = "scheduler"
# A dead line is noticed before the lease has ended, so that the leader stops leading in time.
_SOON = {
    "connect_timeout": "5",
    "keepalives_idle": "3",
    "keepalives_interval": "2",
    "keepalives_count": "2",
    "tcp_user_timeout": "7000",
}
# By the clock of the database: those of the schedulers' machines may differ.
_TAKE = """
INSERT INTO job_lease (name, holder, lasts_until)
VALUES (%s, %s, now() + %s * interval '1 second')
ON CONFLICT (name) DO UPDATE SET holder = excluded.holder, lasts_until = excluded.lasts_until
 WHERE job_lease.holder = excluded.holder OR job_lease.lasts_until <= now()
RETURNING 1
"""
_LEADER = "SELECT holder FROM job_lease WHERE name = %s AND lasts_until > now()"
_LEAVE = "UPDATE job_lease SET lasts_until = now() WHERE name = %s AND holder = %s"


class Lease:
    """The right to start jobs, on a connection of its own.

    Whether a job runs twice does not rest on it: a run is a row, and who works at it locks it. The
    lease keeps several schedulers from doing the same work in turns.

    Args:
        url: the database.
        lasts: seconds.
    """

    def __init__(self, url: URL, *, lasts: float = LEASE_SECONDS) -> None:
        own = url.update_query_dict({k: v for k, v in _SOON.items() if k not in url.query})
        self._db = Database(own, clock=SystemClock(), pool_size=1)
        self._lasts = lasts
        self.holder = f"{socket.gethostname()}/{os.getpid()}/{uuid.uuid4().hex[:8]}"

    def take(self) -> bool:
        """Take the lease or renew it; whether it is ours now."""

        def work(tx: Transaction) -> bool:
            return bool(tx.fetch(_TAKE, (_NAME, self.holder, self._lasts)))

        return self._db.run(work)

    def find_leader(self) -> str | None:
        """Who has the lease; None for nobody."""
        rows = self._db.fetch(_LEADER, (_NAME,))
        return str(rows[0][0]) if rows else None

    def leave(self) -> None:
        """Let another scheduler have it at once, if it is ours."""
        self._db.run(lambda tx: tx.add(_LEAVE, (_NAME, self.holder)))

    def close(self) -> None:
        """Close the connection."""
        self._db.close()
