"""The attacks at full size: `python -m tests.attack.full` prints figures, and fails where one is bad."""

from __future__ import annotations

import argparse
import tempfile
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import UTC, datetime
from pathlib import Path

import requests

from tests.attack import crowd
from tests.attack.crowd import Crowd, Visits, burst, memory, open_files, visit
from tests.attack.fuzzing import faults, furnish, fuzz
from tests.installation import Installation, Server, make, wait_until
from tests.web.forms import SETTINGS, any_name

POSTS = 10_000
CROWDS = {
    "1,000 connections that send nothing": (1000, crowd.SILENT),
    "1,000 that send half a head, a byte a second": (1000, crowd.HALF_A_HEAD),
    "200 that send half a body, a byte a second": (200, crowd.HALF_A_BODY),
    "1,000 that send half a body, a byte a second": (1000, crowd.HALF_A_BODY),
    "1,000 that send half a chunk, a byte a second": (1000, crowd.HALF_A_CHUNK),
    "300 that announce 99 MB, a byte a second": (300, crowd.TOO_LARGE),
    "1,000 that never hang up": (1000, crowd.ANSWERED),
}


def say(words: str) -> None:
    print(f"{datetime.now(UTC):%H:%M:%S} {words}", flush=True)  # noqa: T201


@contextmanager
def served(**settings: str) -> Iterator[tuple[Installation, Server]]:
    """As it is run: two processes."""
    with tempfile.TemporaryDirectory() as folder:
        installation = make(Path(folder), environ={**SETTINGS, "DELIVERY": "off", **settings})
        furnish(installation)
        installation.form("any", any_name())
        try:
            with installation.gunicorn() as server:
                visit(server.url, 20)
                yield installation, server
            assert faults(installation) == [], faults(installation)[:5]
        finally:
            installation.close()


def fuzz_all(requests: int) -> None:
    with served() as (installation, server):
        fuzz(server.url, range(requests // 4))
        before = memory(server), open_files(server)
        began = time.monotonic()
        answers = fuzz(server.url, range(requests // 4, requests))
        after = memory(server), open_files(server)
        say(f"fuzz: {requests:,} connections, the last {answers:,} answers in {time.monotonic() - began:.0f} s, all")
        say(f"  by the contract; memory {before[0]} -> {after[0]} MiB, file handles {before[1]} -> {after[1]}")
        assert after[0] - before[0] < 40
        assert_balanced(installation)


def crowds() -> None:
    with served() as (installation, server):
        told(visit(server.url, 20), "no attack")
        before = memory(server), open_files(server)
        for name, (size, opening) in CROWDS.items():
            with Crowd(server.url, size, opening) as found:
                wait_until(lambda found=found, size=size: found.opened >= size, 60)  # type: ignore[misc]
                told(visit(server.url, 20), name)
        wait_until(lambda: open_files(server) < before[1] + 60, 90)
        say(f"  memory {before[0]} -> {memory(server)} MiB, file handles {before[1]} -> {open_files(server)}")
        assert_balanced(installation)


def told(visits: Visits, name: str) -> None:
    say(f"{name}: {len(visits.leads)} of 20 visitors served, median {visits.median:.3f} s, worst {visits.worst:.3f} s")
    assert not visits.failed, visits.failed
    assert visits.worst < 3


def bursts() -> None:
    with served(TRUSTED_PROXIES="1", POST_LIMIT="60/minute") as (installation, server):
        for name, address_of in {
            "one address": lambda _: "203.0.113.9",
            "many addresses": lambda number: f"203.{number // 62_500}.{number // 250 % 250}.{number % 250}",
        }.items():
            before = memory(server), open_files(server)
            visits: list[Visits] = []
            visitor = threading.Thread(target=lambda visits=visits: visits.append(visit(server.url, 20)))  # type: ignore[misc]
            visitor.start()
            began = time.monotonic()
            found = burst(server.url, POSTS, address_of)
            seconds = time.monotonic() - began
            visitor.join()
            say(f"{POSTS:,} posts from {name} in {seconds:.1f} s: {dict(found.statuses)}, lost: {len(found.faults)}")
            told(visits[0], "  meanwhile")
            kept = {each["lead"] for each in installation.leads()}
            assert {*found.leads, *visits[0].leads} <= kept, "a lead that was promised is not there"
            say(f"  memory {before[0]} -> {memory(server)} MiB, file handles {before[1]} -> {open_files(server)}")
        assert_balanced(installation)


def soak(minutes: float, rate: float) -> None:
    """Posts and pages at a steady rate; memory and file handles every half minute."""
    with served() as (installation, server), requests.Session() as session:
        promised, failed, began, looked = 0, 0, time.monotonic(), 0.0
        seen: list[tuple[int, int]] = []
        while (now := time.monotonic() - began) < minutes * 60:
            number = promised + failed
            time.sleep(max(0.0, number / rate - now))
            session.get(f"{server.url}/f/any", timeout=10)
            answer = session.post(f"{server.url}/f/any", data={"message": f"soak {number}"}, timeout=10)
            promised, failed = promised + answer.ok, failed + (not answer.ok)
            if now - looked >= 30:
                looked = now
                seen.append((memory(server), open_files(server)))
        say(f"soak: {minutes:g} minutes, {promised:,} leads promised, {failed} refused; MiB and file handles by time:")
        say("  " + ", ".join(f"{mib}/{files}" for mib, files in seen[:: max(1, len(seen) // 20)]))
        quarter = seen[len(seen) // 4]
        assert failed == 0
        assert len(installation.leads()) == promised + 20
        assert seen[-1][0] - quarter[0] < 15, "memory grows"
        assert seen[-1][1] - quarter[1] < 30, "file handles grow"
        assert_balanced(installation)


def assert_balanced(installation: Installation) -> None:
    assert installation.cli("leads", "balance").exit_code == 0


def main() -> None:
    read = argparse.ArgumentParser(description=__doc__)
    read.add_argument("--requests", type=int, default=20_000, help="connections of the fuzz run; 0 leaves it out")
    read.add_argument("--soak-minutes", type=float, default=0)
    read.add_argument("--soak-rate", type=float, default=20, help="leads a second")
    read.add_argument("--soak-only", action="store_true")
    wanted = read.parse_args()
    if not wanted.soak_only:
        crowds()
        bursts()
        if wanted.requests:
            fuzz_all(wanted.requests)
    if wanted.soak_minutes:
        soak(wanted.soak_minutes, wanted.soak_rate)
    say("all is well")


if __name__ == "__main__":
    main()
