"""The schema: one way to the newest revision, from anywhere, any number of times."""

from concurrent.futures import ThreadPoolExecutor

from sqlalchemy import make_url

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
