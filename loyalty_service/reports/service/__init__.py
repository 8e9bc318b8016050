"""Sums the ledger up, and tells what it comes to."""

from loyalty_service.reports.service.summing import sum_up
from loyalty_service.reports.service.telling import (
    LiabilityReport,
    PointsReport,
    report_liability,
    report_points,
)

__all__ = ["LiabilityReport", "PointsReport", "report_liability", "report_points", "sum_up"]
