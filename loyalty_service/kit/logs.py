"""One JSON line per request and per thing that went wrong; no personal data, no outside names."""

import logging
import sys
from typing import Any, BinaryIO

import orjson
import structlog

LEVELS = {
    "debug": logging.DEBUG,
    "info": logging.INFO,
    "warning": logging.WARNING,
    "error": logging.ERROR,
}

log: Any = structlog.get_logger()


def configure_logs(level: str, form: str, stream: BinaryIO | None = None) -> None:
    """Set up the process's log; the first call of a process decides.

    Args:
        level: debug, info, warning or error; anything quieter is dropped before it costs time.
        form: ``json`` for machines, ``console`` for people.
        stream: where lines go, standard output by default; given only by tests, which may then
            configure again.
    """
    processors: list[Any] = [
        structlog.processors.add_log_level,
        structlog.processors.TimeStamper(fmt="iso", utc=True, key="at"),
    ]
    if form == "json":
        processors.append(structlog.processors.JSONRenderer(serializer=_dumps))
    else:
        processors += [structlog.dev.ConsoleRenderer(colors=False), _encode]
    structlog.configure(
        processors=processors,
        wrapper_class=structlog.make_filtering_bound_logger(LEVELS[level]),
        logger_factory=structlog.BytesLoggerFactory(stream or sys.stdout.buffer),
        cache_logger_on_first_use=stream is None,
    )


def _dumps(line: dict[str, Any], **_options: Any) -> bytes:
    return orjson.dumps(line, default=str)


def _encode(_logger: Any, _method: str, line: str) -> bytes:
    return line.encode()
