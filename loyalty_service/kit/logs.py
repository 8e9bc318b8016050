"""One JSON line per request and per thing that went wrong; no personal data, no outside names."""

import logging
import signal
import sys
import traceback
from datetime import UTC, datetime
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
    processors: list[Any] = [_json_line]
    if form != "json":
        processors = [
            structlog.processors.add_log_level,
            structlog.processors.TimeStamper(fmt="iso", utc=True, key="at"),
            structlog.dev.ConsoleRenderer(colors=False),
            _encode,
        ]
    structlog.configure(
        processors=processors,
        wrapper_class=structlog.make_filtering_bound_logger(LEVELS[level]),
        logger_factory=structlog.BytesLoggerFactory(stream or sys.stdout.buffer),
        cache_logger_on_first_use=stream is None,
    )


def frames_of(error: BaseException) -> list[str]:
    """Where an exception came from, without its message, which may quote what was sent."""
    frames = traceback.extract_tb(error.__traceback__)
    return [f"{frame.filename}:{frame.lineno} {frame.name}" for frame in frames[-20:]]


class PlainLines(logging.Handler):
    """Lines of a library in this log, without what they quote.

    The library's own words stay, with numbers and names of signals in them; anything else that
    it puts in may come from outside, and then the words stand without.
    """

    def __init__(self, event: str) -> None:
        super().__init__()
        self._event = event

    def emit(self, record: logging.LogRecord) -> None:
        """Write one line."""
        given = record.args if isinstance(record.args, tuple) else ()
        told = given and all(_is_ours(value) for value in given)
        line: dict[str, Any] = {"message": record.getMessage() if told else str(record.msg)}
        error = record.exc_info[1] if record.exc_info else None
        if error is not None:
            line |= {"error": type(error).__name__, "frames": frames_of(error)}
        log.log(record.levelno, self._event, **line)


def _is_ours(value: object) -> bool:
    is_signal = isinstance(value, str) and value in signal.Signals.__members__
    return isinstance(value, int) or is_signal


def _json_line(_logger: Any, method: str, line: dict[str, Any]) -> bytes:
    # One step for what structlog's own do in three: every request waits for it.
    line["level"] = method
    line["at"] = datetime.now(UTC)
    return orjson.dumps(line, default=str, option=orjson.OPT_UTC_Z)


def _encode(_logger: Any, _method: str, line: str) -> bytes:
    return line.encode()
