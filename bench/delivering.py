"""Deliveries a second by `flask worker`, beside threads that do nothing but post with `requests`."""

from __future__ import annotations

import json
import subprocess
import sys
import threading
import time
from collections.abc import Iterator

import requests

from bench.stage import ONLY_STORING, installation, posts, vendor, visit
from bench.table import Rounds, Row, Size
from leadferry.store import Store
from tests.installation import REPOSITORY, Installation, wait_until

THREADS = 16


def by_a_worker(size: Size) -> Iterator[Row]:
    waiting = 600 if size.quick else 2_000
    with vendor() as receiver, installation(receiver, environ=ONLY_STORING) as ours:
        body = _stock(ours, waiting)
        rounds = Rounds.of(
            size.rounds, lambda: _worker_rate(ours, waiting), lambda: _bare_rate(receiver, body, size.seconds)
        )
    notes = [f"{THREADS} threads each. The claim, the try and the state are stored; the request was, with the lead."]
    yield rounds.row("Deliveries a second, one worker; floor: bare `requests`", "a second", at_least=0.5, notes=notes)


def _stock(ours: Installation, waiting: int) -> dict[str, object]:
    with ours.gunicorn() as server:
        while _count(ours) < waiting:
            visit(server.url, posts(16), seconds=1)
    return {
        "firstName": "Jane",
        "lastName": "Doe",
        "email": "jane@example.com",
        "phone": "5127891111",
        "more": "x" * 300,
    }


def _store(ours: Installation) -> Store:
    return Store(f"sqlite:///{ours.root / 'var' / 'leadferry.db'}")


def _count(ours: Installation, state: str = "pending") -> int:
    return int(_ask(ours, f"SELECT count(*) FROM delivery WHERE state = '{state}'"))


def _ask(ours: Installation, question: str) -> float:
    store = _store(ours)
    with store.read() as connection:
        found = connection.exec_driver_sql(question).scalar()
    store.engine.dispose()
    return float(found or 0)


def _worker_rate(ours: Installation, waiting: int) -> float:
    """From the first delivery to the last, so that the worker's start is not counted."""
    store = _store(ours)
    with store.write() as connection:
        connection.exec_driver_sql("DELETE FROM attempt")
        connection.exec_driver_sql(
            "UPDATE delivery SET state = 'pending', due_at = 0, attempts = 0, settled_at = NULL"
            f" WHERE id IN (SELECT id FROM delivery ORDER BY id LIMIT {waiting})"
        )
    store.engine.dispose()
    began = time.time()
    worker = ours.flask("worker", "--threads", str(THREADS))
    try:
        wait_until(lambda: _ask(ours, f"SELECT count(*) FROM delivery WHERE settled_at > {began}") >= waiting, 120)
    finally:
        worker.terminate()
        worker.wait(45)
    first, last = (
        _ask(ours, f"SELECT {which}(settled_at) FROM delivery WHERE settled_at > {began}") for which in ("min", "max")
    )
    return waiting / (last - first)


def _bare_rate(url: str, body: dict[str, object], seconds: float) -> float:
    code = f"from bench.delivering import bare; print(bare({url!r}, {json.dumps(body)!r}, {seconds}))"
    done = subprocess.run([sys.executable, "-c", code], cwd=REPOSITORY, check=True, capture_output=True, text=True)
    return float(done.stdout)


def bare(url: str, body: str, seconds: float) -> float:
    """In a process of its own, as the worker is."""
    counts = [0] * THREADS
    until = time.perf_counter() + seconds

    def post(place: int) -> None:
        with requests.Session() as session:
            while time.perf_counter() < until:
                answer = session.post(url, data=body, headers={"Content-Type": "application/json"}, timeout=30)
                assert answer.json()["ok"]
                counts[place] += 1

    threads = [threading.Thread(target=post, args=(place,)) for place in range(THREADS)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    return sum(counts) / seconds
