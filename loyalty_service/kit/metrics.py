"""Prometheus metrics that add up over all worker processes."""

from collections.abc import Sequence
from typing import Any

from prometheus_client import (
    REGISTRY,
    CollectorRegistry,
    Counter,
    Gauge,
    Histogram,
    generate_latest,
    values,
)
from prometheus_client.metrics_core import Metric
from prometheus_client.multiprocess import MultiProcessCollector, mark_process_dead
from prometheus_client.registry import Collector
from sqlalchemy import event
from sqlalchemy.engine import Engine

CONTENT_TYPE = "text/plain; version=0.0.4; charset=utf-8"
BUCKETS = (0.002, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1, 2.5, 5)

_REQUESTS = Counter("loyalty_http_requests", "Requests answered.", ("method", "route", "status"))
_SECONDS = Histogram(
    "loyalty_http_request_seconds", "Time to answer.", ("method", "route"), buckets=BUCKETS
)
_IN_FLIGHT = Gauge(
    "loyalty_http_requests_in_flight", "Requests being worked on.", multiprocess_mode="livesum"
)
_POOL_OPEN = Gauge(
    "loyalty_db_connections_open", "Connections that are open.", multiprocess_mode="livesum"
)
_POOL_SIZE = Gauge(
    "loyalty_db_connections_limit", "Connections that may be open.", multiprocess_mode="livesum"
)
_KNOWN_METHODS = frozenset(("GET", "HEAD", "PUT", "POST", "DELETE", "OPTIONS", "PATCH"))
_children: dict[tuple[str, str, int], tuple[Any, Any]] = {}


def begin_request() -> None:
    """Count a request as being worked on."""
    _IN_FLIGHT.inc()


def end_request(method: str, route: str, status: int, seconds: float) -> None:
    """Count a request as answered.

    Args:
        route: the template, never the path, so that there are as many series as routes.
    """
    _IN_FLIGHT.dec()
    key = (method, route, status)
    found = _children.get(key)
    if found is None:
        known = method if method in _KNOWN_METHODS else "other"
        found = (_REQUESTS.labels(known, route, str(status)), _SECONDS.labels(known, route))
        if known == method:
            _children[key] = found
    found[0].inc()
    found[1].observe(seconds)


def watch_pool(engine: Engine) -> None:
    """Count the connections that an engine's pool holds open."""
    _POOL_SIZE.inc(engine.pool.size())  # type: ignore[attr-defined]
    event.listen(engine, "connect", lambda *_: _POOL_OPEN.inc())
    event.listen(engine, "close", lambda *_: _POOL_OPEN.dec())


def metrics_text(looked_up: Sequence[Metric] = ()) -> bytes:
    """Everything counted, by this process or, where they share a directory, by all of them.

    Args:
        looked_up: what no process counts, read for this answer.
    """
    registry: CollectorRegistry = REGISTRY
    if values.ValueClass._multiprocess:
        registry = CollectorRegistry()
        MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    more = CollectorRegistry()
    more.register(_LookedUp(looked_up))
    return generate_latest(registry) + generate_latest(more)


class _LookedUp(Collector):
    """Metrics as they were read."""

    def __init__(self, metrics: Sequence[Metric]) -> None:
        self._metrics = metrics

    def collect(self) -> Sequence[Metric]:
        return self._metrics


def forget_process(pid: int) -> None:
    """Take what a dead worker held at its end out of the sums; gunicorn's ``child_exit`` calls."""
    mark_process_dead(pid)  # type: ignore[no-untyped-call]
