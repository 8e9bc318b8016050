"""The nightly jobs: what they do, how a run is kept, and the scheduler that starts them."""

from loyalty_service.jobs.service.catching_up import CatchUp
from loyalty_service.jobs.service.jobs import Jobs, Listed, list_jobs
from loyalty_service.jobs.service.leading import Lease
from loyalty_service.jobs.service.running import Stuck, Watch, run_steps
from loyalty_service.jobs.service.scheduling import ERRANDS, Scheduler
from loyalty_service.jobs.service.turns import STEPS_AT_ONCE, Chunk

__all__ = [
    "ERRANDS",
    "STEPS_AT_ONCE",
    "CatchUp",
    "Chunk",
    "Jobs",
    "Lease",
    "Listed",
    "Scheduler",
    "Stuck",
    "Watch",
    "list_jobs",
    "run_steps",
]
