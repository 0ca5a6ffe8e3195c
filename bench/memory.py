"""What one process holds: idle, and after many posts."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import requests

from bench.client import Kind
from bench.stage import ONLY_STORING, bare, installation, posts, visit
from bench.table import Row, Size, number

SETTLED = 0.1
"""By so much of itself a process may have grown, and count as flat."""


def of_a_process(size: Size) -> Iterator[Row]:
    wanted = 4_000 if size.quick else 100_000
    with bare("floor:app", workers=1) as url:
        visit(url, Kind("page", "/f/quote", connections=64), seconds=1)
        floor = _megabytes(_worker_of(url))
    with installation(environ=ONLY_STORING) as ours, ours.gunicorn(workers=1) as server:
        requests.get(f"{server.url}/f/quote", timeout=10)
        (worker,) = _children(server.process.pid)
        idle = _megabytes(worker)
        warm = _after(server.url, worker, wanted // 20)
        full = _after(server.url, worker, wanted)
    yield Row(
        "Memory of one process, idle",
        f"{number(idle)} MB",
        f"{number(floor)} MB",
        f"+ {number(idle - floor)} MB",
        "≤ + 40 MB",
        idle - floor <= 40,
        notes=("Resident memory. The floor has served pages over 64 connections, so it has its threads.",),
    )
    yield Row(
        f"Memory of one process after {wanted:,} posts",
        f"{number(full)} MB",
        f"{number(warm)} MB",
        f"{full / warm:.2f} ×",
        f"≤ {1 + SETTLED:g} ×",
        full <= warm * (1 + SETTLED),
        notes=(
            "The floor is the same process after a twentieth of them. "
            f"Beside the empty application it is + {full - floor:.0f} MB.",
        ),
    )


def _after(url: str, worker: int, wanted: int) -> float:
    done = 0
    while done < wanted:
        done += visit(url, posts(64), seconds=2)["post"].good
    return _megabytes(worker)


def _worker_of(url: str) -> int:
    """The process that listens there and has a parent that does too."""
    port = url.rpartition(":")[2]
    listed = subprocess.run(["pgrep", "-f", f"127.0.0.1:{port}"], capture_output=True, text=True, check=True).stdout
    pids = [int(each) for each in listed.split()]
    return next(child for pid in pids for child in _children(pid))


def _children(pid: int) -> list[int]:
    return [int(each) for each in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]


def _megabytes(pid: int) -> float:
    found = re.search(r"VmRSS:\s+(\d+) kB", Path(f"/proc/{pid}/status").read_text())
    assert found
    return int(found[1]) / 1024
