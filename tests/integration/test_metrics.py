"""Metrics that add up over processes, whichever of them is asked."""

import os
import subprocess
import sys
from pathlib import Path

WORKER = """
from loyalty_service.kit.metrics import begin_request, end_request
begin_request()
end_request("GET", "/x", 200, 0.1)
begin_request()
import os
print(os.getpid())
"""
ASKED = """
import sys
from loyalty_service.kit.metrics import forget_process, metrics_text
for pid in sys.argv[1:]:
    forget_process(int(pid))
print(metrics_text().decode())
"""


def run(code: str, folder: Path, *args: str) -> str:
    done = subprocess.run(
        [sys.executable, "-c", code, *args],
        env={**os.environ, "PROMETHEUS_MULTIPROC_DIR": str(folder)},
        capture_output=True,
        text=True,
        check=True,
        timeout=30,
    )
    return done.stdout


def test_counts_of_all_workers_add_up_and_the_dead_hold_nothing(tmp_path: Path) -> None:
    first, second = run(WORKER, tmp_path), run(WORKER, tmp_path)

    both = run(ASKED, tmp_path)
    left = run(ASKED, tmp_path, first.strip(), second.strip())

    assert 'loyalty_http_requests_total{method="GET",route="/x",status="200"} 2.0' in both
    assert "loyalty_http_requests_in_flight 2.0" in both
    assert 'loyalty_http_requests_total{method="GET",route="/x",status="200"} 2.0' in left
    assert "in_flight 2.0" not in left
