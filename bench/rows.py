"""What a paid order of five lines touches and leaves: rows, HOT updates, bytes, log."""

import argparse
from typing import Any

from common import Stand, enrol_members, stand, title
from recording import call_service

from loyalty_service.program.service import Programs

_ROWS = """
SELECT relname, n_tup_ins, n_tup_upd, n_tup_hot_upd, n_tup_del
  FROM pg_stat_user_tables WHERE n_tup_ins + n_tup_upd + n_tup_del > 0 ORDER BY relname
"""
_BYTES = "SELECT relname, pg_total_relation_size(relid) FROM pg_stat_user_tables"


def _figures(made: Stand) -> tuple[dict[str, tuple[int, ...]], dict[str, int], int]:
    with made.owner() as cursor:
        cursor.execute("CHECKPOINT")
        cursor.execute(_ROWS)
        rows = {name: tuple(counts) for name, *counts in cursor.fetchall()}
        cursor.execute(_BYTES)
        sizes: dict[str, int] = dict(cursor.fetchall())
        cursor.execute("SELECT pg_current_wal_insert_lsn() - '0/0'")
        return rows, sizes, int(cursor.fetchone()[0])


def _pay(made: Stand, orders: range, members: int) -> None:
    """Pay in a connection of its own: a backend tells its counts when it ends."""
    db, programs = made.database(pool_size=1), Programs()
    for i in orders:
        call_service(db, programs, f"m-{i % members}", f"o-{i}")
    db.close()


def _tell(before: Any, after: Any, orders: int) -> None:
    nothing = (0, 0, 0, 0)
    heads = ("inserted", "updated", "of it HOT", "deleted", "bytes")
    print(f"{'an order, by table':<20}" + "".join(f"{head:>11}" for head in heads))
    total = 0.0
    for name, counts in after[0].items():
        gone = [a - b for a, b in zip(counts, before[0].get(name, nothing), strict=True)]
        if not any(gone):
            continue
        inserted, updated, hot, deleted = (count / orders for count in gone)
        size = (after[1][name] - before[1].get(name, 0)) / orders
        total += size
        share = f"{hot / updated:.1%}" if updated else "-"
        print(f"{name:<20}{inserted:11.2f}{updated:11.2f}{share:>11}{deleted:11.2f}{size:11.0f}")
    print(f"\nbytes on disk, an order, with indexes: {total:,.0f}")
    print(f"bytes of log, an order:                {(after[2] - before[2]) / orders:,.0f}")
    print("HOT share of updates: aim at least 95 % on member and account")


def main() -> None:
    """Read the command line, measure, print."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--members", type=int, default=2_000)
    parser.add_argument("--orders", type=int, default=10_000)
    given = parser.parse_args()
    title("Rows and bytes of a paid order")
    with stand() as made:
        db = made.database(pool_size=1)
        enrol_members(db, [f"m-{i}" for i in range(given.members)])
        db.close()
        # Accounts are there, and no order is anybody's first.
        _pay(made, range(given.members), given.members)
        before = _figures(made)
        _pay(made, range(given.members, given.members + given.orders), given.members)
        _tell(before, _figures(made), given.orders)


if __name__ == "__main__":
    main()
