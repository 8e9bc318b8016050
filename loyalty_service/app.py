"""Where the parts meet, and the only place where they do."""

from functools import partial

from flask import Blueprint, Flask

from loyalty_service.checkout import api as checkout
from loyalty_service.config import JSON, Config
from loyalty_service.earning import api as earning
from loyalty_service.events import api as events
from loyalty_service.feed import api as feed
from loyalty_service.jobs import api as jobs
from loyalty_service.jobs.service.measuring import measure_jobs
from loyalty_service.kit.auth import TokenVerifier
from loyalty_service.kit.clock import Clock, SystemClock
from loyalty_service.kit.db import Database
from loyalty_service.kit.http import PARTS, Parts, list_routes
from loyalty_service.kit.keys import KeyFault, open_keys
from loyalty_service.kit.logs import configure_logs
from loyalty_service.kit.metrics import watch_pool
from loyalty_service.kit.observe import install_observation
from loyalty_service.kit.problems import install_problems
from loyalty_service.kit.straight import Roads, StraightApp
from loyalty_service.ledger import api as ledger
from loyalty_service.members import api as members
from loyalty_service.program import api as program
from loyalty_service.program.service import Programs
from loyalty_service.reports import api as reports
from loyalty_service.tiers import api as tiers
from loyalty_service.timekeeping.service import Timekeeping
from loyalty_service.web import docs, health
from loyalty_service.web.docs import contract_text

BLUEPRINTS: tuple[Blueprint, ...] = (
    members.blueprint,
    ledger.blueprint,
    earning.blueprint,
    tiers.blueprint,
    events.blueprint,
    checkout.blueprint,
    program.blueprint,
    jobs.blueprint,
    feed.blueprint,
    reports.blueprint,
    health.blueprint,
    docs.blueprint,
)


def create_app(
    config: Config,
    *,
    db: Database | None = None,
    clock: Clock | None = None,
    tokens: TokenVerifier | None = None,
) -> Flask:
    """Build the web application.

    Args:
        db, clock, tokens: made from ``config`` unless they are given.

    Raises:
        KeyFault: the keys that prove tokens are not set, or cannot be used.
        ValueError: no database is named.
    """
    configure_logs(config.log_level, config.log_format or JSON)
    clock = clock or SystemClock()
    db = db or _open_database(config, clock)
    watch_pool(db.engine)
    app = bare_app()
    programs = Programs()
    app.extensions[PARTS] = Parts(
        db=db,
        programs=programs,
        passing=Timekeeping(),
        clock=clock,
        config=config,
        tokens=tokens or _open_tokens(config),
        measures=partial(measure_jobs, programs=programs),
    )
    return app


def bare_app(extra: tuple[Blueprint, ...] = ()) -> Flask:
    """All routes and error handlers, without anything behind them.

    Raises:
        ValueError: a route does not say who may call it.
    """
    app = StraightApp("loyalty_service", static_folder=None, template_folder="web/templates")
    # A redirect would answer a mistyped path with a page instead of a problem.
    app.url_map.merge_slashes = False
    for blueprint in (*BLUEPRINTS, *extra):
        app.register_blueprint(blueprint)
    install_problems(app)
    install_observation(app)
    app.roads = Roads(route for route in list_routes(app) if route.path.startswith("/v1/"))
    return app


def openapi_text() -> str:
    """The contract of the whole service as YAML, as it stands in ``openapi.yaml``."""
    return contract_text(bare_app())


def _open_database(config: Config, clock: Clock) -> Database:
    if config.database_url is None:
        raise ValueError("no database is named: set LOYALTY_DATABASE_URL, or start with `serve`")
    return Database(
        config.database_url,
        clock=clock,
        pool_size=config.threads,
        lock_timeout_ms=config.lock_timeout_ms,
        by_thread=True,
    )


def _open_tokens(config: Config) -> TokenVerifier:
    if config.jwt_keys is None:
        raise KeyFault("no keys are named: set LOYALTY_JWT_KEYS")
    keys = open_keys(config.jwt_keys)
    return TokenVerifier(keys, issuer=config.jwt_issuer, audience=config.jwt_audience)
