"""`loyalty serve` as people and supervisors meet it: started, stopped, killed, bereaved."""

import os
import signal
import socket
import subprocess
import sys
import tempfile
import uuid
from pathlib import Path

import pytest

from loyalty_service.cli.exits import Exit
from loyalty_service.kit.embedded import EmbeddedPostgres
from tests.databases import on_server
from tests.services import REPO, Service, command_of, wait_until


def new_folder(open_folder):
    folder = Path(tempfile.mkdtemp(dir=open_folder))
    folder.chmod(0o711)
    return folder


def ended(service):
    if service.process is not None:
        service.process.terminate()
        try:
            service.process.wait(60)
        finally:
            # One that does not stop fails the test, and must not outlive it.
            service.process.kill()


@pytest.fixture
def service(open_folder):
    service = Service(new_folder(open_folder) / "var")
    yield service
    ended(service)


@pytest.fixture(scope="module")
def made(open_folder):
    """What a first start has made, and the service has left; whoever starts it takes a copy."""
    service = Service(new_folder(open_folder) / "var")
    service.start("--migrate", "--demo").until_ready()
    ended(service)
    return service.data_dir


@pytest.fixture
def later(open_folder, made):
    """A service that was started before."""
    service = Service(new_folder(open_folder) / "var")
    subprocess.run(["cp", "-a", str(made), str(service.data_dir)], check=True)
    yield service
    ended(service)


def test_the_first_start_makes_everything_and_says_what_to_try(service):
    service.start("--migrate", "--demo").until_ready()

    assert service.get("/readyz").status == 200
    assert service.get("/docs").status == 200
    assert service.get("/v1/program", service.token("OPERATOR")).status == 200
    balance = service.get("/v1/members/mei/balance", service.token("MEMBER")).json()
    assert all(wallet["balance"] > 0 for wallet in balance["wallets"])
    assert (service.data_dir / "dev-keys.json").stat().st_mode & 0o777 == 0o600


def test_a_stop_leaves_no_process_and_says_that_it_was_asked_for(later):
    later.start("--migrate", "--demo").until_ready()
    assert len(later.processes()) > 3

    later.process.send_signal(signal.SIGINT)

    assert later.until_ended() == Exit.DONE
    assert later.processes() == []


def test_a_stop_while_starting_leaves_no_process(service):
    service.start("--migrate", "--demo")
    wait_until((service.data_dir / "postgres").exists)

    service.process.terminate()

    assert service.until_ended() == Exit.DONE
    assert service.processes() == []


# What is raised in such a hook is dropped by Python.
HOOK = """
import os, signal, sys

def stop_once():
    if not asked:
        asked.append(True)
        os.kill(os.getpid(), signal.SIGTERM)

asked = []
if "serve" in sys.orig_argv:
    os.register_at_fork(after_in_parent=stop_once)
"""


def test_a_stop_that_comes_while_a_child_is_started_is_not_lost(later):
    (later.data_dir.parent / "sitecustomize.py").write_text(HOOK)
    later.environment["PYTHONPATH"] = f"{later.data_dir.parent}{os.pathsep}{REPO}"

    later.start("--demo")

    assert later.until_ended() == Exit.DONE
    assert "Exception ignored" in later.said()
    assert later.processes() == []


def test_when_the_database_dies_the_rest_stops_and_the_code_says_why(later):
    later.start("--migrate", "--demo").until_ready()
    postmaster = later.data_dir / "postgres" / "data" / "postmaster.pid"

    os.kill(int(postmaster.read_text().split()[0]), signal.SIGKILL)

    assert later.until_ended() == Exit.DATABASE_DIED
    assert "PostgreSQL died" in later.said()
    wait_until(lambda: later.processes() == [])


def test_when_the_web_server_dies_the_rest_stops_and_the_code_says_why(later):
    later.start("--migrate", "--demo").until_ready()
    web = next(pid for pid in later.processes() if b"web_server" in command_of(pid))

    os.kill(web, signal.SIGKILL)

    assert later.until_ended() == Exit.WEB_DIED
    wait_until(lambda: later.processes() == [])


@pytest.mark.skipif(sys.platform != "linux", reason="the kernel tells children on Linux only")
def test_nothing_outlives_a_killed_service_and_the_next_start_finds_its_data(later):
    later.start("--migrate", "--demo").until_ready()
    before = later.get("/v1/members/mei/entries", later.token("MEMBER")).json()

    later.process.kill()
    later.until_ended()

    wait_until(lambda: later.processes() == [])
    later.start("--demo").until_ready()
    again = later.get("/v1/members/mei/entries", later.token("MEMBER")).json()
    assert again == before


def test_a_second_service_on_the_same_folder_is_told_so(later):
    later.start("--migrate", "--demo").until_ready()

    second = Service(later.data_dir).run("serve", "--demo")

    assert second.returncode == Exit.ALREADY_RUNNING
    assert str(later.process.pid) in second.stderr
    assert later.get("/healthz").status == 200


def test_a_second_service_on_the_same_folder_and_port_is_told_of_the_first(later):
    later.start("--migrate", "--demo").until_ready()
    told = Service(later.data_dir, LOYALTY_PORT=str(later.port)).run("serve", "--demo")

    assert told.returncode == Exit.ALREADY_RUNNING
    assert "LOYALTY_DATA_DIR and LOYALTY_PORT" in told.stderr


def test_a_taken_port_is_told_with_the_setting_to_change(service):
    with socket.socket() as other:
        other.bind(("127.0.0.1", service.port))
        other.listen()

        ended = service.run("serve", "--demo")

    assert ended.returncode == Exit.WEB_DIED
    assert "LOYALTY_PORT" in ended.stderr


def test_commands_beside_a_running_service_use_its_database(later):
    later.start("--migrate", "--demo").until_ready()

    applied = later.run("program", "apply", str(REPO / "programs" / "sample.yaml"))

    assert applied.returncode == Exit.DONE, applied.stderr
    assert "version 1 is in force" in applied.stdout


def test_a_service_without_keys_does_not_start(service):
    ended = service.run("serve")

    assert ended.returncode == Exit.SETTINGS
    assert "LOYALTY_JWT_KEYS" in ended.stderr
    assert not service.data_dir.exists()


def test_an_unmigrated_database_is_not_served(service):
    service.data_dir.mkdir()
    with EmbeddedPostgres(service.data_dir / "postgres"):
        pass

    ended = service.run("serve", "--demo")

    assert ended.returncode == Exit.NO_DATABASE
    assert "--migrate" in ended.stderr


@pytest.mark.parametrize(
    "command",
    [
        ["jobs", "list"],
        ["jobs", "run", "catch-up"],
        ["report", "points"],
        ["program", "show"],
        ["ledger", "verify"],
        ["scheduler"],
    ],
)
@pytest.mark.parametrize("other", ["template", "server_url"])
def test_commands_say_that_a_database_is_not_migrated(request, service, server_url, command, other):
    # Where another database of the server is migrated, the service's role is there already.
    request.getfixturevalue(other)
    name = f"loyalty_empty_{uuid.uuid4().hex[:12]}"
    on_server(server_url, f"CREATE DATABASE {name} TEMPLATE template0")
    url = server_url.set(database=name, drivername="postgresql")
    service.environment["LOYALTY_DATABASE_URL"] = url.render_as_string(hide_password=False)

    ended = service.run(*command)

    on_server(server_url, f"DROP DATABASE {name} WITH (FORCE)")
    assert ended.returncode == Exit.NO_DATABASE
    assert "\nThe database is not at the newest revision: run `loy" in f"\n{ended.stderr}"
    assert "Traceback" not in ended.stderr


def test_an_absent_database_server_is_told_without_the_password(service):
    service.environment["LOYALTY_DATABASE_URL"] = "postgresql://shop:secret@127.0.0.1:1/loyalty"

    ended = service.run("migrate")

    assert ended.returncode == Exit.NO_DATABASE
    assert "cannot be reached" in ended.stderr
    assert "secret" not in ended.stderr


def schedulers(service):
    return [pid for pid in service.processes() if b"\0scheduler" in command_of(pid)]


def test_the_scheduler_is_started_with_the_rest_and_again_when_it_dies(later):
    later.start("--migrate", "--demo").until_ready()
    wait_until(lambda: "scheduler_leads" in later.said())
    (first,) = schedulers(later)

    os.kill(first, signal.SIGKILL)

    wait_until(lambda: schedulers(later) not in ([], [first]), 30)
    assert "is started again" in later.said()
    assert later.get("/readyz").status == 200
    later.process.send_signal(signal.SIGTERM)
    assert later.until_ended() == Exit.DONE
    assert later.processes() == []


def test_the_scheduler_may_be_left_to_another_process(later):
    later.start("--migrate", "--demo", "--no-scheduler").until_ready()

    assert schedulers(later) == []
    assert later.get("/v1/jobs", later.token("OPERATOR")).status == 200
