"""The rules of the house, kept by a machine: what reads well today still does after a year."""

import ast
import importlib
import pkgutil
import re
from collections import Counter
from dataclasses import fields
from functools import cache
from pathlib import Path

import pytest
import yaml

import loyalty_service
from loyalty_service.app import bare_app, openapi_text
from loyalty_service.config import Config
from loyalty_service.kit import errors

REPO = Path(__file__).resolve().parents[1]
PACKAGE = REPO / "loyalty_service"
SOURCES = sorted(PACKAGE.rglob("*.py"))

MOST_LINES_OF_A_FILE = 300
MOST_LINES_OF_A_FUNCTION = 40
DEEPEST_NESTING = 3
MOST_POSITIONAL_PARAMETERS = 5

SQL = re.compile(r"\s*(--[^\n]*\n\s*)*(SELECT|INSERT|UPDATE|DELETE|WITH|LOCK|CREATE|GRANT)\b")
WRITES = re.compile(
    r"\b(?:INSERT INTO|UPDATE|DELETE FROM|TRUNCATE(?: TABLE)?|LOCK TABLE)\s+(?:ONLY\s+)?(\w+)"
)
FUNCTIONS = (ast.FunctionDef, ast.AsyncFunctionDef)
NESTS = (ast.If, ast.For, ast.While, ast.With, ast.Try, ast.Match, ast.AsyncFor, ast.AsyncWith)

# Whose table is it: the feature, or the module of the kit, that alone writes it.
OWNERS = {
    "program": {"program_version"},
    "members": {"member", "member_ref", "member_total"},
    "ledger": {"account", "actor", "allocation", "entry", "explanation", "hold", "lot", "note"},
    "tiers": {"tier_change"},
    "checkout": {"order_head", "order_index", "order_line", "order_step"},
    "feed": {"feed_head"},
    "jobs": {"job_lease", "job_run", "reminded"},
    "reports": {"report_account", "report_day", "report_head", "report_open"},
    # Waiting and published events are moved by the outbox; `event` is both of them.
    "kit": {"event", "event_published", "event_waiting", "idempotency"},
}
OWNER = {table: owner for owner, tables in OWNERS.items() for table in tables}

# Mappings by an outside name, catalogues without a member, runs of the jobs, and Alembic's own:
# everything else belongs to a member and says so first in every key.
KEYED_OTHERWISE = {
    "member_ref",
    "order_index",
    "program_version",
    "actor",
    "job_lease",
    "job_run",
    "feed_head",
    "report_day",
    "report_head",
    "report_open",
    "alembic_version",
}

ENDS_TRANSACTIONS = {"kit/db.py", "kit/migrations.py"}
# Handed on whole to a child process, never read.
PASSES_ENVIRONMENT_ON = {"cli/serve.py", "kit/embedded/cluster.py"}


@cache
def parsed(path):
    return ast.parse(path.read_text(encoding="utf-8"))


def name(path):
    return path.relative_to(PACKAGE).as_posix()


def texts(tree):
    """Every piece of text in the code with its node, without the docstrings."""
    docstrings = {
        id(node.body[0].value)
        for node in ast.walk(tree)
        if isinstance(node, (ast.Module, ast.ClassDef, *FUNCTIONS)) and ast.get_docstring(node)
    }
    for node in ast.walk(tree):
        is_text = isinstance(node, ast.Constant) and isinstance(node.value, str)
        if is_text and id(node) not in docstrings:
            yield node


def functions():
    for path in SOURCES:
        for node in ast.walk(parsed(path)):
            if isinstance(node, FUNCTIONS):
                yield f"{name(path)}:{node.lineno} {node.name}", node


def calls(path, *names):
    for node in ast.walk(parsed(path)):
        if isinstance(node, ast.Call):
            written = ast.unparse(node.func)
            if any(written == each or written.endswith("." + each) for each in names):
                yield f"{name(path)}:{node.lineno} {written}"


def test_files_are_short():
    long = {}
    for path in SOURCES:
        lines = len(path.read_text(encoding="utf-8").splitlines())
        sql = sum(
            node.end_lineno - node.lineno + 1
            for node in texts(parsed(path))
            if node.end_lineno > node.lineno and SQL.match(node.value)
        )
        if lines - sql > MOST_LINES_OF_A_FILE:
            long[name(path)] = lines - sql

    assert long == {}


def test_functions_are_short():
    long = {}
    for where, node in functions():
        body = node.body[1:] if ast.get_docstring(node) else node.body
        if body and body[-1].end_lineno - body[0].lineno + 1 > MOST_LINES_OF_A_FUNCTION:
            long[where] = body[-1].end_lineno - body[0].lineno + 1

    assert long == {}


def test_functions_are_flat():
    def depth(node):
        inner = 0
        for child in ast.iter_child_nodes(node):
            if isinstance(child, (*FUNCTIONS, ast.Lambda)):
                continue
            # An elif is no step further in.
            chained = (
                isinstance(node, ast.If) and isinstance(child, ast.If) and node.orelse == [child]
            )
            inner = max(inner, depth(child) + (isinstance(child, NESTS) and not chained))
        return inner

    assert {w: depth(n) for w, n in functions() if depth(n) > DEEPEST_NESTING} == {}


def test_what_is_not_obvious_is_passed_by_name():
    many = {}
    for where, node in functions():
        positional = [
            arg.arg
            for arg in (*node.args.posonlyargs, *node.args.args)
            if arg.arg not in ("self", "cls")
        ]
        if len(positional) > MOST_POSITIONAL_PARAMETERS:
            many[where] = len(positional)

    assert many == {}


def test_only_the_database_module_ends_a_transaction():
    ends = []
    for path in SOURCES:
        if name(path) in ENDS_TRANSACTIONS:
            continue
        ends += calls(path, "commit", "rollback")
        ends += [
            f"{name(path)}:{node.lineno}"
            for node in texts(parsed(path))
            if re.match(r"\s*(BEGIN|COMMIT|ROLLBACK)\s*;?\s*$", node.value)
        ]

    assert ends == []


def test_a_feature_writes_its_own_tables_only():
    strays = []
    for path in SOURCES:
        feature = name(path).partition("/")[0]
        for node in texts(parsed(path)):
            strays += [
                f"{name(path)}:{node.lineno} {table}"
                for table in WRITES.findall(node.value)
                if SQL.match(node.value)
                and OWNER.get(table) != feature
                and table not in ("SET", "SKIP", "OF")
            ]

    assert strays == []


def test_every_table_has_an_owner(owner_connection):
    assert set(OWNER) == tables(owner_connection) - {"alembic_version"}


def test_rules_know_neither_the_time_nor_the_machine():
    strays = []
    for path in SOURCES:
        if "rules" in name(path).removesuffix(".py").split("/"):
            strays += calls(path, "now", "today", "utcnow", "time.time", "open", "random")
            strays += [
                f"{name(path)}: {alias.name}"
                for node in ast.walk(parsed(path))
                if isinstance(node, ast.Import)
                for alias in node.names
                if alias.name in ("os", "random", "socket", "time", "threading", "secrets")
            ]

    assert strays == []


def test_the_environment_is_read_in_one_place():
    strays = [
        f"{name(path)}:{node.lineno}"
        for path in SOURCES
        if name(path) != "config.py"
        for node in ast.walk(parsed(path))
        if isinstance(node, ast.Attribute)
        and ast.unparse(node) in ("os.environ", "os.getenv")
        and name(path) not in PASSES_ENVIRONMENT_ON
    ]

    assert strays == []


def test_every_knob_is_in_the_readme():
    readme = (REPO / "README.md").read_text(encoding="utf-8")

    missing = [
        knob.name for knob in fields(Config) if f"`LOYALTY_{knob.name.upper()}`" not in readme
    ]

    assert missing == []


def test_every_refusal_has_a_code_of_its_own_that_the_contract_names():
    contract = openapi_text()
    codes = Counter(refusal.code for refusal in refusals())

    assert [code for code, times in codes.items() if times > 1] == []
    assert [code for code in codes if not re.search(rf"\b{code}\b", contract)] == []
    assert [code for code in codes if not re.fullmatch(r"[a-z][a-z0-9_]{2,49}", code)] == []


def test_the_contract_in_the_repository_is_that_of_the_code():
    assert (REPO / "openapi.yaml").read_text(encoding="utf-8") == openapi_text()


def test_routes_and_contract_are_equal_both_ways():
    routes = {
        (re.sub(r"<(?:\w+:)?(\w+)>", r"{\1}", rule.rule), method.lower())
        for rule in bare_app().url_map.iter_rules()
        for method in rule.methods - {"HEAD", "OPTIONS"}
    }
    described = {
        (path, method)
        for path, methods in yaml.safe_load(openapi_text())["paths"].items()
        for method in methods
        if method in ("get", "put", "post", "delete", "patch")
    }

    assert routes == described


def test_every_key_of_what_a_member_owns_begins_with_the_member(owner_connection):
    with owner_connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT conrelid::regclass::text, contype::text, (
                SELECT attname FROM pg_attribute WHERE attrelid = conrelid AND attnum = conkey[1]
            ) FROM pg_constraint WHERE contype IN ('p', 'u', 'f')
              AND connamespace = 'public'::regnamespace
            UNION ALL
            SELECT indrelid::regclass::text, 'i', (
                SELECT attname FROM pg_attribute WHERE attrelid = indrelid AND attnum = indkey[0]
            ) FROM pg_index JOIN pg_class ON oid = indrelid
            WHERE indisunique AND relnamespace = 'public'::regnamespace
            """
        )
        otherwise = {
            (table, kind, column)
            for table, kind, column in cursor.fetchall()
            if table not in KEYED_OTHERWISE and column != "member_id"
        }

    assert otherwise == set()


def test_no_identity_column_orders_anything(owner_connection):
    with owner_connection.cursor() as cursor:
        cursor.execute(
            """
            SELECT table_name, column_name FROM information_schema.columns
            WHERE table_schema = 'public'
              AND (is_identity = 'YES' OR column_default LIKE 'nextval%')
            """
        )
        assert cursor.fetchall() == []


@pytest.mark.parametrize("word", ["TODO", "FIXME", "XXX", "HACK"])
def test_nothing_is_left_for_later(word):
    left = [name(path) for path in SOURCES if re.search(rf"\b{word}\b", path.read_text())]

    assert left == []


def tables(connection):
    with connection.cursor() as cursor:
        cursor.execute("SELECT tablename FROM pg_tables WHERE schemaname = 'public'")
        return {table for (table,) in cursor.fetchall()}


def refusals():
    """Every refusal that the code may raise; one that is the kind of others is no answer itself."""
    for module in pkgutil.walk_packages([str(PACKAGE)], "loyalty_service."):
        if not module.name.endswith(("wsgi", "__main__")):
            importlib.import_module(module.name)
    waiting = list(errors.Refusal.__subclasses__())
    while waiting:
        refusal = waiting.pop()
        kinds = refusal.__subclasses__()
        waiting += kinds
        if not kinds and refusal.__module__.startswith(loyalty_service.__name__):
            yield refusal
