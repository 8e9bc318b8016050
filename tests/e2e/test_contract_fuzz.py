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
from schemathesis.config import PositiveDataAcceptanceConfig

from loyalty_service.app import bare_app, create_app
from loyalty_service.config import read_config
from loyalty_service.kit.auth import TokenVerifier, mint_token
from loyalty_service.kit.clock import SettableClock
from loyalty_service.kit.db import Database
from loyalty_service.kit.keys import FileKeys, create_key_file
from loyalty_service.web.docs import contract_text
from tests.conftest import START
from tests.databases import copy_database, on_server
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
    name = copy_database(server_url, template)
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

    refused = schema.config.checks.negative_data_rejection
    refused.expected_statuses = [*refused.expected_statuses, "413"]

    @schema.hook
    def map_body(_context, body):
        return with_whole_numbers(body)

    return schema


def with_whole_numbers(value):
    """The value with 5 for 5.0: to JSON Schema they are the same, the service takes 5 only."""
    if isinstance(value, dict):
        return {name: with_whole_numbers(inner) for name, inner in value.items()}
    if isinstance(value, list):
        return [with_whole_numbers(inner) for inner in value]
    return int(value) if isinstance(value, float) and value.is_integer() else value


OPERATIONS = sorted(
    (path, method.upper())
    for path, item in yaml.safe_load(contract_text(bare_app()))["paths"].items()
    for method in item
    if method in ("get", "put", "post", "delete")
)
RULES_SAY_MORE = ["422"]
"""What breaks a rule has the form of the contract all the same."""
FIELDS_SAY_MORE = {
    "/v1/members/{member_ref}/entries": "a cursor is what a page before gave",
    "/v1/members/{member_ref}/tier-changes": "a cursor is what a page before gave",
    "/v1/program/versions": "a cursor is what a page before gave",
    "/v1/members/{member_ref}/adjustments": "some fields go with one sign of points only",
    "/v1/members/{member_ref}/quotes": "a cart has one currency",
    "/v1/members/{member_ref}/orders/{order_ref}/payment": "a cart has one currency",
    "/v1/members/{member_ref}/orders/{order_ref}/reservation": "a cart has one currency",
    "/v1/orders/batch": "a cart has one currency",
}
"""Where JSON Schema cannot say all that is asked of a call's form, and why."""
MODES = (GenerationMode.POSITIVE, GenerationMode.NEGATIVE)


def call_often(contract, path, method, examples):
    acceptance = contract.config.checks.positive_data_acceptance
    more = [*RULES_SAY_MORE, *(["400"] if path in FIELDS_SAY_MORE else [])]
    acceptance.expected_statuses = [*PositiveDataAcceptanceConfig().expected_statuses, *more]
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
