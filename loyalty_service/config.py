"""Every knob of the service, read once from the environment, all faults in one message."""

import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

from environs import Env, EnvValidationError, validate

LOG_LEVELS = ("debug", "info", "warning", "error")
LOG_FORMATS = ("json", "console")
JSON = LOG_FORMATS[0]


class ConfigFault(Exception):
    """The environment asks for something impossible; the message names every fault."""


@dataclass(frozen=True, slots=True)
class Config:
    """How this process runs.

    Attributes:
        database_url: an SQLAlchemy address of PostgreSQL; None means the embedded one.
        data_dir: where the embedded database, development keys and scratch files lie.
        jwt_keys: path of a JWKS file, or the https address of one; None until set.
        lock_timeout_ms: how long a write waits for another one of the same member.
        log_format: one of ``LOG_FORMATS``; None is JSON, and the console form for a demo.
        ref_secret_file: what personal references are hashed with; None refuses such references.
        grace_seconds: how long running requests may finish after a stop was asked for.
    """

    database_url: str | None
    data_dir: Path
    host: str
    port: int
    workers: int
    threads: int
    jwt_keys: str | None
    jwt_issuer: str
    jwt_audience: str
    log_level: str
    log_format: str | None
    lock_timeout_ms: int
    grace_seconds: int
    ref_secret_file: Path | None


def read_config() -> Config:
    """Read all knobs from the environment.

    Raises:
        ConfigFault: one or more knobs are wrong; each is named with what it may be.
    """
    env = Env(prefix="LOYALTY_", eager=False, expand_vars=False)
    config = Config(
        database_url=_postgres_address(env.str("DATABASE_URL", "")),
        data_dir=Path(env.str("DATA_DIR", "var")).absolute(),
        host=env.str("HOST", "127.0.0.1", validate=validate.Length(min=1)),
        port=env.int("PORT", 8000, validate=validate.Range(1, 65535)),
        workers=env.int("WORKERS", _cores(), validate=validate.Range(1, 64)),
        threads=env.int("THREADS", 4, validate=validate.Range(1, 64)),
        jwt_keys=env.str("JWT_KEYS", "") or None,
        jwt_issuer=env.str("JWT_ISSUER", "loyalty-dev", validate=validate.Length(min=1)),
        jwt_audience=env.str("JWT_AUDIENCE", "loyalty", validate=validate.Length(min=1)),
        log_level=env.str("LOG_LEVEL", "info", validate=validate.OneOf(LOG_LEVELS)),
        log_format=env.str("LOG_FORMAT", None, validate=validate.OneOf(LOG_FORMATS)),
        lock_timeout_ms=env.int("LOCK_TIMEOUT_MS", 3000, validate=validate.Range(100, 60_000)),
        ref_secret_file=_optional_path(env.str("REF_SECRET_FILE", "")),
        grace_seconds=env.int("GRACE_SECONDS", 20, validate=validate.Range(0, 600)),
    )
    _complain(env, config)
    return config


def _complain(env: Env, config: Config) -> None:
    faults: list[str] = []
    try:
        env.seal()
    except EnvValidationError as error:
        by_name = error.error_messages
        assert isinstance(by_name, Mapping)
        # None of the settings that are refused here is a secret.
        faults += [
            f"{name}: {' '.join(messages)} It is set to {os.environ.get(name, '')[:40]!r}."
            for name, messages in by_name.items()
        ]
    if config.database_url and not config.database_url.startswith("postgresql+psycopg2://"):
        faults.append("LOYALTY_DATABASE_URL: must start with postgresql://")
    if config.jwt_keys and config.jwt_keys.startswith("http://"):
        faults.append("LOYALTY_JWT_KEYS: keys are fetched over https only")
    known = {f"LOYALTY_{knob.upper()}" for knob in Config.__slots__}
    strays = sorted(
        name
        for name in os.environ
        if name.startswith("LOYALTY_") and name not in known and not _for_tests(name)
    )
    faults += [f"{name}: no such setting" for name in strays]
    if faults:
        raise ConfigFault("The settings are wrong:\n  " + "\n  ".join(faults))


def _for_tests(name: str) -> bool:
    return name.startswith(("LOYALTY_TEST_", "LOYALTY_LONG_"))


def _postgres_address(url: str) -> str | None:
    # SQLAlchemy 2.1 reads a bare postgresql:// as another driver; hosting platforms write
    # postgres://.
    for scheme in ("postgres://", "postgresql://"):
        if url.startswith(scheme):
            return "postgresql+psycopg2://" + url.removeprefix(scheme)
    return url or None


def _optional_path(text: str) -> Path | None:
    return Path(text).absolute() if text else None


def _cores() -> int:
    if hasattr(os, "sched_getaffinity"):
        return min(64, len(os.sched_getaffinity(0)))
    return min(64, os.cpu_count() or 1)
