"""The catch-up job as a process whose clock stands still: what it writes does not depend on when it
is run. `python -m tests.clocked_job URL INSTANT CHUNK`."""

import sys
from datetime import datetime

from loyalty_service.jobs.rules.schedules import JobName
from loyalty_service.jobs.service import Jobs, Watch
from loyalty_service.kit.clock import SettableClock
from loyalty_service.kit.db import Database
from loyalty_service.program.service import Programs
from loyalty_service.timekeeping.service import Timekeeping


def main() -> None:
    """Run the job to its end."""
    url, instant, chunk = sys.argv[1:]
    at = datetime.fromisoformat(instant)
    db = Database(url, clock=SettableClock(at), pool_size=1)
    Jobs(db, Programs(), Timekeeping(), size=int(chunk)).run(JobName.CATCH_UP, at, Watch())
    db.close()


if __name__ == "__main__":
    main()
