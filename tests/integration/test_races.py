"""Many clients of the service as shipped, its processes and threads, held against one history."""

import os
import signal
import tempfile
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import suppress
from math import ceil
from pathlib import Path

import pytest

from loyalty_service.kit.auth import mint_token
from loyalty_service.kit.clock import SystemClock
from loyalty_service.kit.db import Database
from loyalty_service.kit.embedded import find_running
from loyalty_service.kit.keys import FileKeys, create_key_file
from tests.databases import connect
from tests.factories import Shop
from tests.integration.counter import PROGRAM
from tests.integration.history import check
from tests.integration.mix import SHARES, Mix
from tests.integration.traffic import Traffic
from tests.services import Service, command_of, wait_until

SCOPES = ("checkout", "members", "operator")
SHORT = 900
CROWD = 40
SERVICES_SESSIONS = """
SELECT pid FROM pg_stat_activity
 WHERE datname = current_database() AND application_name = 'loyalty'
"""


def made_service(open_folder: Path, **settings: str) -> Service:
    """`loyalty serve` with two workers of four threads, and keys of its own."""
    folder = Path(tempfile.mkdtemp(dir=open_folder))
    folder.chmod(0o711)
    create_key_file(folder / "keys.json")
    return Service(
        folder / "var",
        LOYALTY_JWT_KEYS=str(folder / "keys.json"),
        LOYALTY_WORKERS="2",
        LOYALTY_LOG_LEVEL="error",
        **settings,
    )


@pytest.fixture
def service(open_folder: Path, database_url: str, db: Database) -> Iterator[Service]:
    """A running service on a database with a program."""
    Shop(db, PROGRAM)
    service = made_service(open_folder, LOYALTY_DATABASE_URL=database_url)
    service.start().until_ready()
    yield service
    service.process.terminate()
    service.process.wait(60)


@pytest.fixture
def embedded(open_folder: Path) -> Iterator[Service]:
    """A running service with a PostgreSQL of its own that keeps what it says it keeps."""
    service = made_service(open_folder)
    service.start("--migrate").until_ready()
    db = Database(find_running(service.data_dir / "postgres"), clock=SystemClock())
    Shop(db, PROGRAM)
    db.close()
    yield service
    service.process.terminate()
    service.process.wait(60)


@pytest.mark.parametrize("members", [1, CROWD])
def test_what_is_acknowledged_is_there_once_and_nothing_else(
    service, database_url, record_property, members
):
    traffic = play(service, database_url, f"short-{members}", members, SHORT)

    record(traffic, record_property)


@pytest.mark.long
@pytest.mark.parametrize(("members", "intents"), [(1, 4_000), (CROWD, 20_000)])
def test_what_is_acknowledged_is_there_once_over_thousands_of_calls(
    service, database_url, record_property, long_scale, members, intents
):
    # The same calls every time where results must not depend on luck; new ones elsewhere.
    luck = "fixed" if os.environ.get("HYPOTHESIS_PROFILE") == "ci" else time.time_ns()
    size = ceil(intents * long_scale)

    traffic = play(service, database_url, f"{luck}-{members}", members, size)

    record(traffic, record_property)


def test_workers_that_are_killed_lose_nothing_and_do_nothing_twice(
    service, database_url, record_property
):
    def kill_workers(progress):
        for share in (0.2, 0.4, 0.6, 0.8):
            wait_until(lambda share=share: progress() >= share)
            os.kill(min(workers(service)), signal.SIGKILL)

    traffic = play(service, database_url, "killed", 8, SHORT, kill_workers)

    assert traffic.again["connection broken"] > 0
    record(traffic, record_property)


def test_database_sessions_that_are_ended_lose_nothing_and_do_nothing_twice(
    service, database_url, owner_connection, record_property
):
    def end_sessions(progress):
        for share in (0.1, 0.2, 0.3, 0.4, 0.5, 0.6, 0.7, 0.8, 0.9):
            wait_until(lambda share=share: progress() >= share)
            with owner_connection.cursor() as cursor:
                cursor.execute(f"SELECT pg_terminate_backend(pid) FROM ({SERVICES_SESSIONS}) s")

    traffic = play(service, database_url, "ended", 8, SHORT, end_sessions)

    assert traffic.again["database away"] > 0
    assert traffic.again["connection broken"] == 0
    record(traffic, record_property)


def test_a_database_that_crashes_loses_nothing_and_does_nothing_twice(embedded, record_property):
    url = str(find_running(embedded.data_dir / "postgres"))

    def crash(progress):
        for share in (0.3, 0.6):
            wait_until(lambda share=share: progress() >= share)
            connection = connect(url)
            with connection.cursor() as cursor:
                cursor.execute(SERVICES_SESSIONS)
                os.kill(cursor.fetchone()[0], signal.SIGKILL)
            connection.close()

    traffic = play(embedded, url, "crashed", 8, SHORT, crash)

    assert traffic.again["database away"] > 0
    assert traffic.again["connection broken"] == 0
    record(traffic, record_property)


def play(service, database_url, seed, members, intents, meanwhile=None):
    """Send a mix with many threads, and hold the history against the books."""
    traffic = Traffic(service.port, token_of(service), may_fail=meanwhile is not None)
    names = [f"m-{number}" for number in range(members)]
    mix = Mix(seed, names, traffic.given)

    traffic.run(mix.enrolments())
    traffic.run(mix.plan(intents), meanwhile or (lambda _: None))

    assert [a.data for a in traffic.history if a.status >= 500] == [], service.said()
    check(traffic, names, database_url)
    verified = service.run("ledger", "verify")
    assert verified.returncode == 0, verified.stdout
    acknowledged = {a.sending.intent.kind for a in traffic.history if a.status == 200}
    assert acknowledged == {*SHARES, "enrol"}
    return traffic


def token_of(service):
    key = FileKeys(Path(service.environment["LOYALTY_JWT_KEYS"])).find("dev")
    return mint_token(key, issuer="loyalty-dev", audience="loyalty", subject="shop", scopes=SCOPES)


def workers(service):
    """The processes of the web server that answer: those whose parent is one of it too."""
    web = {}
    for pid in service.processes():
        # One that was killed may be going just now.
        with suppress(OSError):
            if b"web_server" in command_of(pid):
                stat = Path(f"/proc/{pid}/stat").read_text()
                web[pid] = int(stat.rpartition(")")[2].split()[1])
    return [pid for pid, parent in web.items() if parent in web]


def record(traffic, record_property):
    """Count what was raced, by what was called and what was refused."""
    taken = Counter(a.sending.intent.kind for a in traffic.history if a.status == 200)
    record_property("raced calls acknowledged", dict(taken))
    record_property("raced calls refused", dict(Counter(a.code for a in traffic.history if a.code)))
    record_property("raced calls sent again", dict(traffic.again))
