"""PostgreSQL's own log: a conflict that is answered well leaves no outside name behind in it."""

import os
import re

import psycopg2
import pytest

from loyalty_service.kit.embedded import EmbeddedPostgres
from tests.databases import connect, on_server
from tests.services import REPO

# As a server comes from its makers.
USUAL = {"log_min_error_statement": "error", "log_error_verbosity": "default"}

pytestmark = pytest.mark.skipif(
    "LOYALTY_TEST_DATABASE_URL" in os.environ, reason="about the embedded server only"
)


def add_twice(url):
    """Break a unique key, with an outside name in the row and one in the statement."""
    connection = connect(url)
    with connection.cursor() as cursor:
        cursor.execute("CREATE TEMPORARY TABLE orders (order_ref text PRIMARY KEY)")
        cursor.execute("INSERT INTO orders VALUES ('ORDER-OF-MEI')")
        with pytest.raises(psycopg2.errors.UniqueViolation):
            cursor.execute("INSERT INTO orders VALUES ('ORDER-OF-MEI')")
    connection.close()


def administrators_sql():
    readme = (REPO / "README.md").read_text(encoding="utf-8")
    block = re.search(r"### The database\n.*?```sql\n(.*?)```", readme, flags=re.DOTALL).group(1)
    without_comments = re.sub(r"--[^\n]*", "", block)
    return [each for each in without_comments.split(";") if each.strip()]


def test_the_embedded_server_logs_a_conflict_without_names(root):
    with EmbeddedPostgres(root, settings={"fsync": "off"}) as postgres:
        add_twice(postgres.url)

        assert "duplicate key value" in postgres.log_tail()
        assert "ORDER-OF-MEI" not in postgres.log_tail()


def test_a_server_set_up_as_the_readme_says_logs_a_conflict_without_names(root):
    with EmbeddedPostgres(root, settings={"fsync": "off", **USUAL}) as postgres:
        add_twice(postgres.url)
        assert "ORDER-OF-MEI" in postgres.log_tail()
        administrator = postgres.url.set(database="postgres")
        on_server(administrator, "DROP DATABASE loyalty")
        # Here the embedded server's own account has the owner's name already.
        for statement in administrators_sql():
            if "CREATE ROLE loyalty LOGIN" not in statement:
                on_server(administrator, statement)
        before = len(postgres.log_tail(1_000_000))

        add_twice(postgres.url.set(username="loyalty_web", database="loyalty"))

        assert "duplicate key value" in postgres.log_tail(1_000_000)[before:]
        assert "ORDER-OF-MEI" not in postgres.log_tail(1_000_000)[before:]
