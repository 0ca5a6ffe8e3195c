"""`python -m bench [--quick] [--rounds N] [--only WORD]`: measures, prints the table, writes docs/performance.md."""

from __future__ import annotations

import argparse
import os
import platform
import sys
import time
import traceback
from collections.abc import Callable, Iterator
from pathlib import Path
from statistics import median

from bench import cleaning, delivering, embedding, memory, pages, sizes, starting, storing
from bench.client import Kind
from bench.stage import end_in_order, folder, vendor, visit
from bench.table import Row, Size, skipped, table
from tests.installation import REPOSITORY

PAGE = REPOSITORY / "docs" / "performance.md"
REASONS = REPOSITORY / "bench" / "reasons.md"

ROWS: dict[str, Callable[[Size], Iterator[Row]]] = {
    "views": pages.views,
    "sqlite": storing.on_sqlite,
    "postgresql": storing.on_postgresql,
    "slow-disk": storing.on_a_slow_disk,
    "deliveries": delivering.by_a_worker,
    "views-beside-posts": pages.views_while_posts_wait,
    "waiting": pages.wait_of_a_visitor,
    "hanging": pages.while_a_vendor_hangs,
    "memory": memory.of_a_process,
    "sizes": sizes.of_each_operation,
    "cleaning": cleaning.of_a_value,
    "start": starting.first_answer,
    "embedding": embedding.bytes_and_shift,
}


def main() -> int:
    end_in_order()
    options = _options()
    size = (
        Size(rounds=1, seconds=1.0, quick=True)
        if options.quick
        else Size(rounds=options.rounds, seconds=4.0, quick=False)
    )
    began = time.time()
    found: list[Row] = []
    for name, measure in ROWS.items():
        if options.only in name:
            found += _measured(name, measure, size)
    minutes = (time.time() - began) / 60
    print(f"\n{table(found)}\n\n{minutes:.1f} minutes.")
    if not options.quick and not options.only:
        PAGE.write_text(document(found, minutes, size), "utf-8")
        print(f"Written to {PAGE.relative_to(REPOSITORY)}.")
    return 0


def _options() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="one short round of each; shows that it works, no more")
    parser.add_argument("--rounds", type=int, default=5, help="of each row and its floor in turn; default %(default)s")
    parser.add_argument("--only", default="", metavar="WORD", help=f"rows with this in their name: {', '.join(ROWS)}")
    return parser.parse_args()


def _measured(name: str, measure: Callable[[Size], Iterator[Row]], size: Size) -> Iterator[Row]:
    began = time.time()
    try:
        for row in measure(size):
            print(f"{row.mark:8} {row.what}: {row.ours}; floor {row.floor}; {row.found} (aim {row.aim})", flush=True)
            yield row
    except Exception:
        traceback.print_exc()
        yield skipped(name, "it could not be measured; see the output of the run")
    print(f"         ({name}: {time.time() - began:.0f} s)", flush=True)


# --- the page ---


def document(rows: list[Row], minutes: float, size: Size) -> str:
    notes = "\n".join(f"- {row.what}: {note}" for row in rows for note in row.notes)
    return f"""# Performance

Written by `make bench`; do not edit it by hand. What stands below the table comes from `bench/reasons.md`.

## The machine

{machine()}

Measured on {time.strftime("%Y-%m-%d")} in {minutes:.0f} minutes.

## How it is measured

Each row is measured beside its floor in the same run, on the same machine and disk: both in turn, {size.rounds} rounds,
the first of each round changing. *Found* is the median of the rounds' ratios, *spread* the least and the greatest of
them. The product runs as in production, `gunicorn app:app` with two processes of 128 threads; the floor has the same
server and settings. Visitors are simulated by `bench/client.py`, an event loop in a process of its own beside it.
{client_alone()} Everything stays on the loopback interface.

## The table

{table(rows)}

{notes}

{REASONS.read_text("utf-8").strip()}
"""


def machine() -> str:
    model = next(
        (
            line.partition(":")[2].strip()
            for line in Path("/proc/cpuinfo").read_text().splitlines()
            if "model name" in line
        ),
        platform.machine(),
    )
    memory = os.sysconf("SC_PAGE_SIZE") * os.sysconf("SC_PHYS_PAGES") / 2**30
    return (
        f"{len(os.sched_getaffinity(0))} cores ({model}), {memory:.0f} GB of memory, {platform.platform()}, "
        f"Python {platform.python_version()}. A sync of one written block takes {sync_microseconds():.0f} µs there."
    )


def sync_microseconds() -> float:
    waits = []
    with folder() as place, (place / "probe").open("wb", buffering=0) as file:
        for _ in range(200):
            file.write(b"x" * 4096)
            began = time.perf_counter()
            os.fdatasync(file.fileno())
            waits.append((time.perf_counter() - began) * 1e6)
    return median(waits)


def client_alone() -> str:
    """What the visitors could do if the server cost nothing."""
    with vendor() as url:
        rate = visit(url, Kind("page", "/", connections=32), seconds=2)["page"].rate
    return (
        f"Beside a server that only echoes one fixed answer it makes {rate:,.0f} requests a second, so it is no limit."
    )


if __name__ == "__main__":
    sys.exit(main())
