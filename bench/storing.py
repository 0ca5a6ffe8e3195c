"""Posts that are stored for good and answered at once, beside the database's own durable commits."""

from __future__ import annotations

import os
import shutil
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

from bench.stage import ONLY_STORING, folder, installation, posts, visit
from bench.table import Rounds, Row, Size, skipped
from bench.writers import postgresql_rate, sqlite_rate
from leadferry.store import Store, upgrade
from tests.installation import REPOSITORY, Installation
from tests.services.postgres import temporary_postgres

CLIENTS = 64
SYNC = "5000"
"""Microseconds that a sync of the slow disk takes."""

_NOTE = f"{CLIENTS} connections; delivery is off, so that nothing but storing is measured."


def on_sqlite(size: Size) -> Iterator[Row]:
    with installation(environ=ONLY_STORING) as ours, ours.gunicorn() as server:
        visit(server.url, posts(1), seconds=0.5)
        path = ours.root / "var" / "leadferry.db"

        def rate() -> float:
            return visit(server.url, posts(CLIENTS), seconds=size.seconds)["post"].rate

        floor_of_each = "Posts a second, SQLite; floor: a bare writer, one commit a post"
        floor_of_all = f"Posts a second, SQLite; floor: a bare writer, {CLIENTS} posts a commit"
        each = Rounds.of(size.rounds, rate, lambda: sqlite_rate(path, size.seconds, 1))
        together = Rounds.of(size.rounds, rate, lambda: sqlite_rate(path, size.seconds, CLIENTS))
    yield each.row(floor_of_each, "a second", at_least=1.5, notes=[_NOTE])
    yield together.row(floor_of_all, "a second", at_least=0.5)


def on_postgresql(size: Size) -> Iterator[Row]:
    with temporary_postgres() as postgres:
        store = Store(postgres.url)
        upgrade(store)
        store.engine.dispose()
        with installation(database_url=postgres.url, environ=ONLY_STORING) as ours, ours.gunicorn() as server:
            visit(server.url, posts(1), seconds=0.5)
            rounds = Rounds.of(
                size.rounds,
                lambda: visit(server.url, posts(CLIENTS), seconds=size.seconds)["post"].rate,
                lambda: postgresql_rate(postgres.url, CLIENTS, size.seconds),
            )
    what = f"Posts a second, PostgreSQL; floor: psycopg, {CLIENTS} connections"
    yield rounds.row(what, "a second", at_least=0.7)


def on_a_slow_disk(size: Size) -> Iterator[Row]:
    """Its floor is a bare writer that pays for each sync; ours has 64 clients to share one."""
    what = "Posts a second, a disk with 5 ms a sync; floor: one commit a post"
    if not shutil.which("gcc"):
        yield skipped(what, "there is no gcc to make the slow disk with")
        return
    with folder() as made:
        slow = {"LD_PRELOAD": str(_built(made)), "BENCH_SYNC_MICROSECONDS": SYNC}
        with installation(environ={**ONLY_STORING, **slow}) as ours, ours.gunicorn() as server:
            visit(server.url, posts(1), seconds=0.5)
            rounds = Rounds.of(
                size.rounds,
                lambda: visit(server.url, posts(CLIENTS), seconds=size.seconds)["post"].rate,
                lambda: _slow_floor(ours, slow, size.seconds),
            )
    yield rounds.row(what, "a second", at_least=8)


def _built(folder: Path) -> Path:
    library = folder / "slow_sync.so"
    source = Path(__file__).with_name("slow_sync.c")
    subprocess.run(["gcc", "-O2", "-shared", "-fPIC", "-o", library, source, "-ldl"], check=True)
    return library


def _slow_floor(ours: Installation, slow: dict[str, str], seconds: float) -> float:
    path = ours.root / "var" / "leadferry.db"
    code = f"from bench.writers import *; print(sqlite_rate(Path({str(path)!r}), {seconds}, 1))"
    environ = {**os.environ, **slow}
    done = subprocess.run(
        [sys.executable, "-c", code], cwd=REPOSITORY, env=environ, check=True, capture_output=True, text=True
    )
    return float(done.stdout)
