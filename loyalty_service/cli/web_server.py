"""The web server, a process of its own: gunicorn run from Python, started by `loyalty serve`."""

from typing import Any

from gunicorn.app.base import BaseApplication
from gunicorn.glogging import Logger

from loyalty_service.cli.web_worker import Worker
from loyalty_service.config import JSON, Config, read_config
from loyalty_service.kit.heap import BETWEEN_CALLS, settle
from loyalty_service.kit.logs import PlainLines, configure_logs

# A worker is replaced now and then, so that nothing a library leaks can add up for ever.
REQUESTS_PER_WORKER = 200_000

# What a worker keeps open, with room below the usual 1024 files of a process: out of files it dies.
CONNECTIONS_PER_WORKER = 800


class ServerLog(Logger):  # type: ignore[misc]
    """What gunicorn has to say, as lines of the service's log."""

    def setup(self, cfg: Any) -> None:
        super().setup(cfg)
        self.error_log.handlers = [PlainLines("web_server")]


class WebServer(BaseApplication):  # type: ignore[misc]
    """gunicorn with threads; every worker builds the application for itself."""

    worker = Worker

    def __init__(self, config: Config) -> None:
        self._config = config
        configure_logs(config.log_level, config.log_format or JSON)
        super().__init__()

    def load_config(self) -> None:
        config = self._config
        settings = {
            "bind": f"[{config.host}]:{config.port}"
            if ":" in config.host
            else f"{config.host}:{config.port}",
            "workers": config.workers,
            "threads": config.threads,
            "worker_class": self.worker,
            "graceful_timeout": config.grace_seconds,
            "timeout": 60,
            "keepalive": 30,
            "worker_connections": CONNECTIONS_PER_WORKER,
            "max_requests": REQUESTS_PER_WORKER,
            "max_requests_jitter": REQUESTS_PER_WORKER // 10,
            "loglevel": "warning",
            "logger_class": ServerLog,
            # Nobody is trusted to say under which path or scheme the service was asked.
            "forwarded_allow_ips": "",
            "forwarder_headers": "",
            "secure_scheme_headers": {},
            "proc_name": "loyalty",
            # One path for every instance of the user otherwise, and a folder in the home.
            "control_socket_disable": True,
            "post_worker_init": _collect_less,
            "child_exit": _forget_worker,
        }
        for name, value in settings.items():
            self.cfg.set(name, value)

    def load(self) -> Any:
        from loyalty_service.app import create_app

        return create_app(self._config)


def _collect_less(_worker: Any) -> None:
    settle(BETWEEN_CALLS)


def _forget_worker(_server: Any, worker: Any) -> None:
    from loyalty_service.kit.metrics import forget_process

    forget_process(worker.pid)


if __name__ == "__main__":
    WebServer(read_config()).run()
