"""Models say what migrations made, to the last constraint; the schema can spread by member."""

import uuid

import pytest
from sqlalchemy import create_engine, text

from loyalty_service.checkout import models as checkout
from loyalty_service.feed import models as feed
from loyalty_service.jobs import models as jobs
from loyalty_service.kit import tables as kit
from loyalty_service.kit.db import metadata
from loyalty_service.ledger import models as ledger
from loyalty_service.members import models as members
from loyalty_service.program import models as program
from loyalty_service.reports import models as reports
from loyalty_service.tiers import models as tiers
from tests.databases import connect, on_server

FEATURES = (checkout, feed, jobs, kit, ledger, members, program, reports, tiers)

COLUMNS = """
SELECT c.relname, a.attname, format_type(a.atttypid, a.atttypmod), a.attnotnull,
       pg_get_expr(d.adbin, d.adrelid), a.attidentity::text
  FROM pg_class c
  JOIN pg_attribute a ON a.attrelid = c.oid AND a.attnum > 0 AND NOT a.attisdropped
  LEFT JOIN pg_attrdef d ON d.adrelid = c.oid AND d.adnum = a.attnum
 WHERE c.relkind = 'r' AND c.relnamespace = 'public'::regnamespace
 ORDER BY 1, 2
"""
CONSTRAINTS = """
SELECT conrelid::regclass::text, contype::text, pg_get_constraintdef(oid)
  FROM pg_constraint WHERE connamespace = 'public'::regnamespace AND contype <> 'n' ORDER BY 1, 2, 3
"""
INDEXES = """
SELECT tablename, regexp_replace(indexdef, 'INDEX \\S+ ON', 'INDEX ON') FROM pg_indexes
 WHERE schemaname = 'public' ORDER BY 1, 2
"""
STORAGE = """
SELECT relname, reloptions FROM pg_class
 WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace ORDER BY 1
"""
TRIGGERS = (
    "SELECT tgrelid::regclass::text, pg_get_triggerdef(oid) FROM pg_trigger WHERE NOT tgisinternal"
)
FUNCTIONS = "SELECT proname FROM pg_proc WHERE pronamespace = 'public'::regnamespace"

# Mappings by an outside name, catalogues without a member, and runs of the jobs.
OF_NOBODY = {"member_ref", "order_index", "program_version", "actor", "job_run", "job_lease"}
OF_NOBODY |= {"feed_head", "report_day", "report_head", "report_open"}


def ours(rows):
    return [row for row in rows if row[0] != "alembic_version"]


def read(url, sql):
    with connect(url).cursor() as cursor:
        cursor.execute(sql)
        return ours(cursor.fetchall())


@pytest.fixture
def modelled_url(server_url, database_url):
    """An empty database in which the models made their tables."""
    name = f"loyalty_models_{uuid.uuid4().hex[:12]}"
    on_server(server_url, f"CREATE DATABASE {name} TEMPLATE template0 ENCODING 'UTF8'")
    url = server_url.set(database=name)
    engine = create_engine(url)
    metadata.create_all(engine)
    engine.dispose()
    yield url
    on_server(server_url, f"DROP DATABASE {name} WITH (FORCE)")


@pytest.mark.parametrize(
    "sql",
    [COLUMNS, CONSTRAINTS, INDEXES, STORAGE],
    ids=["columns", "constraints", "indexes", "storage"],
)
def test_models_and_migrations_make_the_same_tables(database_url, modelled_url, sql):
    assert read(modelled_url, sql) == read(database_url, sql)


def test_every_table_has_a_model_in_its_feature(database_url):
    tables = {row[0] for row in read(database_url, STORAGE)}

    assert set(metadata.tables) == tables
    assert len(FEATURES) == 9


def test_what_a_member_owns_is_keyed_by_the_member_first(database_url):
    keyed = [row for row in read(database_url, CONSTRAINTS) if row[1] in "puf"]

    strays = [
        (table, key)
        for table, _, key in keyed
        if table not in OF_NOBODY and not key.partition("(")[2].startswith("member_id")
    ]

    assert strays == []


def test_no_catalogue_points_at_members_and_nothing_is_ordered_by_an_identity(database_url):
    keys = [row for row in read(database_url, CONSTRAINTS) if row[1] == "f"]
    columns = read(database_url, COLUMNS)

    assert [row for row in keys if row[0] in OF_NOBODY - {"member_ref"}] == []
    assert [row for row in columns if row[5] or "nextval" in (row[4] or "")] == []


def test_triggers_refuse_and_never_compute(database_url):
    triggers = read(database_url, TRIGGERS)

    refusing = {"entry", "allocation", "explanation", "program_version", "tier_change"}
    assert {row[0] for row in triggers} == refusing
    assert all("EXECUTE FUNCTION refuse_change()" in row[1] for row in triggers)
    assert read(database_url, FUNCTIONS) == [("refuse_change",)]


def test_a_model_that_says_more_is_found(database_url, modelled_url):
    engine = create_engine(modelled_url)
    with engine.begin() as connection:
        connection.execute(text("ALTER TABLE lot ADD CHECK (opened < 10)"))
    engine.dispose()

    assert read(modelled_url, CONSTRAINTS) != read(database_url, CONSTRAINTS)
