"""Sums the ledger up, tells what it comes to, and foresees what a program would do."""

from loyalty_service.reports.service.foreseeing import Foresight, Watch, foresee_moves, names_of
from loyalty_service.reports.service.summing import sum_up
from loyalty_service.reports.service.telling import (
    LiabilityReport,
    PointsReport,
    report_liability,
    report_points,
)

__all__ = [
    "Foresight",
    "LiabilityReport",
    "PointsReport",
    "Watch",
    "foresee_moves",
    "names_of",
    "report_liability",
    "report_points",
    "sum_up",
]
