"""How fast the whole ledger is proved, and in how much memory."""

import argparse
import os
import resource
import subprocess
import sys
import time

from common import stand, title
from generate import fill


def main() -> None:
    """Read the command line, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--entries", type=int, default=300_000, help="about so many")
    parser.add_argument("--members", type=int, default=3_000)
    given = parser.parse_args()
    title("Proving the ledger")
    with stand() as made:
        begin = time.perf_counter()
        # An order writes an entry in each of the sample program's two wallets.
        fill(made.url, given.members, max(1, given.entries // (2 * given.members)))
        with made.owner() as cursor:
            cursor.execute("VACUUM ANALYZE")
            cursor.execute("SELECT count(*) FROM entry")
            (entries,) = cursor.fetchone()
        print(f"{entries:,} entries written in {time.perf_counter() - begin:.0f} s")
        server, begin = made.server_cpu(), time.perf_counter()
        proved = subprocess.run(
            [sys.executable, "-m", "loyalty_service.cli", "ledger", "verify"],
            env={**os.environ, "LOYALTY_DATABASE_URL": made.url},
            capture_output=True,
            text=True,
            check=False,
        )
        seconds = time.perf_counter() - begin
        used = resource.getrusage(resource.RUSAGE_CHILDREN)
        server = made.server_cpu() - server
    print(proved.stdout.strip())
    if proved.returncode:
        raise RuntimeError(f"not proved ({proved.returncode}): {proved.stderr}")
    print(f"\n{entries / seconds:,.0f} entries/s, {seconds:.1f} s")
    print(f"server CPU {server:.1f} s, peak memory {used.ru_maxrss / 1024:.0f} MB")


if __name__ == "__main__":
    main()
