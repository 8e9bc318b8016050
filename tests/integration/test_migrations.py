"""The schema: one way to the newest revision, from anywhere, any number of times."""

from concurrent.futures import ThreadPoolExecutor

import pytest
from sqlalchemy import make_url

from loyalty_service.cli import main
from loyalty_service.cli.exits import Exit
from loyalty_service.kit.migrations import migrate, newest_revision
from tests.databases import connect


def test_migrating_twice_changes_nothing(database_url):
    found, newest = migrate(database_url)

    assert found == newest == newest_revision()


def test_two_migrations_at_once_take_turns(server_url, owner_connection):
    name = "loyalty_empty_" + owner_connection.info.dbname[-12:]
    url = make_url(server_url).set(database=name)
    with owner_connection.cursor() as cursor:
        cursor.execute(f"CREATE DATABASE {name} TEMPLATE template0")

    with ThreadPoolExecutor(2) as pool:
        found = sorted(str(before) for before, _ in pool.map(migrate, [url, url]))

    assert found == sorted(["None", newest_revision()])
    with owner_connection.cursor() as cursor:
        cursor.execute(f"DROP DATABASE {name} WITH (FORCE)")


def test_the_service_may_not_change_what_happened(db, database_url):
    with connect(database_url).cursor() as cursor:
        cursor.execute(
            "SELECT has_table_privilege('loyalty_app', 'entry', 'UPDATE'),"
            " has_table_privilege('loyalty_app', 'entry', 'DELETE'),"
            " has_table_privilege('loyalty_app', 'entry', 'TRUNCATE')"
        )
        assert cursor.fetchone() == (False, False, False)
    assert db.fetch("SELECT current_user") == [("loyalty_app",)]


def test_an_account_that_may_not_change_the_schema_is_told_who_may(
    server_url, owner_connection, monkeypatch, capsys
):
    name = "loyalty_empty_" + owner_connection.info.dbname[-12:]
    role = f"web_{owner_connection.info.dbname[-12:]}"
    with owner_connection.cursor() as cursor:
        cursor.execute(f"CREATE DATABASE {name} TEMPLATE template0")
        cursor.execute(f"CREATE ROLE {role} LOGIN PASSWORD 'secret'")
    url = make_url(server_url).set(database=name, username=role, password="secret")
    monkeypatch.setenv("LOYALTY_DATABASE_URL", url.render_as_string(hide_password=False))
    try:
        with pytest.raises(SystemExit) as ended:
            main(["migrate"])
    finally:
        with owner_connection.cursor() as cursor:
            cursor.execute(f"DROP DATABASE {name} WITH (FORCE)")
            cursor.execute(f"DROP ROLE {role}")

    assert ended.value.code == Exit.NO_DATABASE
    said = capsys.readouterr().err
    assert said.startswith("The schema is brought to the newest revision by the owner")
    assert "Traceback" not in said
