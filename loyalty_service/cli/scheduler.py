"""`loyalty scheduler`: starts the nightly jobs when they are due."""

import logging
import signal
from typing import Any

import click

from loyalty_service.cli.databases import open_database
from loyalty_service.cli.serve import prepare_schema
from loyalty_service.config import JSON, read_config
from loyalty_service.jobs.rules.schedules import JobName
from loyalty_service.jobs.service import ERRANDS, STEPS_AT_ONCE, Jobs, Lease, Scheduler
from loyalty_service.kit.heap import settled
from loyalty_service.kit.logs import PlainLines, configure_logs, log
from loyalty_service.kit.patience import LOCK_MS
from loyalty_service.program.service import Programs
from loyalty_service.timekeeping.service import Timekeeping


@click.command()
def scheduler() -> None:
    """Start the nightly jobs when they are due, until told to stop (Ctrl-C or SIGTERM).

    `loyalty serve` starts one by itself. Run as many as you like against one database: one of them
    leads, and another takes over within seconds when it dies. What was missed while none ran is
    done once, at the start. `loyalty jobs list` says when each job is due.
    """
    config = read_config()
    configure_logs(config.log_level, config.log_format or JSON)
    _quiet()
    with open_database(
        config, pool_size=len(JobName) + ERRANDS + STEPS_AT_ONCE, most_lock_ms=LOCK_MS
    ) as db:
        prepare_schema(db.url, migrate=False)
        lease = Lease(db.url)
        of_db = Scheduler(Jobs(db, Programs(), Timekeeping()), lease)

        def stop(_number: int, _frame: Any) -> None:
            of_db.stop()

        for number in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
            signal.signal(number, stop)
        log.info("scheduler_started", holder=lease.holder)
        try:
            with settled():
                of_db.run()
        finally:
            lease.close()
    log.info("scheduler_stopped")


def _quiet() -> None:
    """Of the library only what is wrong: a look while a run is under way is no warning."""
    library = logging.getLogger("apscheduler")
    library.setLevel(logging.ERROR)
    library.handlers = [PlainLines("scheduler")]
    library.propagate = False
