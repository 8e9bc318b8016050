"""The contract against made-up calls: schemathesis sends what openapi.yaml allows, and what not.

All of its checks are on: no server error, no status, header or body outside the contract, no bad
data taken, no good data refused for its form, no call answered without a token.
"""

from datetime import timedelta

import hypothesis
import pytest
import schemathesis
import yaml
from schemathesis import GenerationMode

from loyalty_service.app import bare_app, create_app
from loyalty_service.config import read_config
from loyalty_service.kit.auth import TokenVerifier, mint_token
from loyalty_service.kit.clock import SettableClock
from loyalty_service.kit.db import Database
from loyalty_service.kit.keys import FileKeys, create_key_file
from loyalty_service.web.docs import contract_text
from tests.conftest import START
from tests.databases import on_server
from tests.factories import Shop
from tests.integration.test_reservations import PROGRAM

SETTINGS = {
    "deadline": None,
    "derandomize": True,
    "database": None,
    "suppress_health_check": list(hypothesis.HealthCheck),
}


@pytest.fixture(scope="module")
def api(server_url, template, tmp_path_factory):
    name = f"loyalty_fuzz_{template[-12:]}"
    on_server(server_url, f"CREATE DATABASE {name} TEMPLATE {template}")
    url = server_url.set(database=name).render_as_string(hide_password=False)
    clock = SettableClock(START)
    db = Database(url, clock=clock)
    shop = Shop(db, PROGRAM)
    shop.enrol()
    shop.adjust(5_000)
    shop.pay("o-1", points=500)
    clock.advance(timedelta(days=1))
    keys = tmp_path_factory.mktemp("keys") / "keys.json"
    create_key_file(keys)
    tokens = TokenVerifier(FileKeys(keys), issuer="loyalty-dev", audience="loyalty")
    app = create_app(read_config(), db=db, clock=clock, tokens=tokens)
    app.config["TOKEN"] = mint_token(
        FileKeys(keys).find("dev"),
        issuer="loyalty-dev",
        audience="loyalty",
        subject="shop",
        scopes=["checkout", "members", "operator", "import"],
    )
    yield app
    db.close()
    on_server(server_url, f"DROP DATABASE {name} WITH (FORCE)")


@pytest.fixture(scope="module")
def contract(api):
    schema = schemathesis.openapi.from_wsgi("/openapi.yaml", api)

    @schema.auth()
    class Token:
        def get(self, _case, _context):
            return api.config["TOKEN"]

        def set(self, case, token, _context):
            case.headers["Authorization"] = f"Bearer {token}"

    # What fields say of each other (either of two, one currency), what a cursor is, and the rules
    # of the program are no matter of form: a sound form may be answered 400 or 422 too.
    taken = schema.config.checks.positive_data_acceptance
    taken.expected_statuses = [*taken.expected_statuses, "400", "422"]
    return schema


OPERATIONS = sorted(
    (path, method.upper())
    for path, item in yaml.safe_load(contract_text(bare_app()))["paths"].items()
    for method in item
    if method in ("get", "put", "post", "delete")
)
MODES = (GenerationMode.POSITIVE, GenerationMode.NEGATIVE)


def call_often(contract, path, method, examples):
    operation = contract[path][method]
    parts = (operation.path_parameters, operation.query, operation.body)
    for mode in MODES if any(map(len, parts)) else MODES[:1]:

        @hypothesis.settings(max_examples=examples, **SETTINGS)
        @hypothesis.given(case=operation.as_strategy(generation_mode=mode))
        def call(case):
            case.call_and_validate()

        call()


@pytest.mark.parametrize(("path", "method"), OPERATIONS)
def test_the_service_keeps_to_its_contract(contract, path, method):
    call_often(contract, path, method, 5)


@pytest.mark.long
@pytest.mark.parametrize(("path", "method"), OPERATIONS)
def test_the_service_keeps_to_its_contract_at_length(contract, path, method, long_scale):
    call_often(contract, path, method, int(500 * long_scale))
