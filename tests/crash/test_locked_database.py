"""Another program holds SQLite's lock for ten seconds: visitors wait or are told to come again, and nothing is lost."""

from __future__ import annotations

import subprocess
import sys
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import pytest
import requests

from leadferry.store import sqlite_driver
from tests.attack.crowd import open_files
from tests.conftest import Install
from tests.crash.doorkeeper import doorkeeper
from tests.crash.proof import hold_the_balance, wait_for_the_end
from tests.installation import wait_until

HOLD = 10.0
"""Seconds; our own writers wait for 15."""

LOCKER = f"""
import sys, {sqlite_driver.__name__} as sqlite
connection = sqlite.connect(sys.argv[1], isolation_level=None, timeout=10)
connection.execute("BEGIN EXCLUSIVE")
print("held", flush=True)
sys.stdin.readline()
connection.rollback()
print("let go", flush=True)
sys.stdin.readline()
"""

FORM = """
title: Quote
fields:
  - {{name: firstName, required: true}}
  - {{name: email}}
vendor: {{name: webhook, url: "{url}", wait: {wait}}}
"""


@dataclass(frozen=True)
class Locker:
    """Another program at the database, such as a person's own SQLite shell."""

    process: subprocess.Popen[str]

    def let_go(self) -> None:
        self._say()
        assert self._heard() == "let go"

    def _say(self) -> None:
        assert self.process.stdin
        self.process.stdin.write("\n")
        self.process.stdin.flush()

    def _heard(self) -> str:
        assert self.process.stdout
        return self.process.stdout.readline().strip()


@contextmanager
def locked(database: Path) -> Iterator[Locker]:
    """Locked from the first line of the block until it is told to let go, or the block ends."""
    command = [sys.executable, "-c", LOCKER, str(database)]
    with subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True) as process:
        locker = Locker(process)
        try:
            assert locker._heard() == "held"
            yield locker
        finally:
            process.kill()


def post(url: str, number: int) -> tuple[str, requests.Response]:
    email = f"n{number}@example.com"
    person = {"firstName": "Jane", "email": email}
    return email, requests.post(f"{url}/f/quote{number % 2}", json=person, timeout=40)


def test_a_lock_of_ten_seconds_delays_visitors_and_loses_nothing(database: str, install: Install) -> None:
    if database == "postgresql":
        pytest.skip("about SQLite's one lock for the whole file; PostgreSQL has none")
    with doorkeeper() as vendor:
        vendor.door.set()
        forms = {f"quote{wait}": FORM.format(url=vendor.url, wait=wait) for wait in (0, 1)}
        installation = install(forms, ALLOW_PRIVATE_VENDORS="1")
        path = installation.store.path
        assert path
        with installation.gunicorn() as server:
            assert post(server.url, 0)[1].status_code == 200
            with ThreadPoolExecutor(8) as visitors, locked(path) as locker:
                began = time.monotonic()
                posts = [visitors.submit(post, server.url, number) for number in range(1, 9)]
                while time.monotonic() - began < HOLD:
                    for page in ("/healthz", "/f/quote0", "/f/quote0/thanks"):
                        answer = requests.get(f"{server.url}{page}", timeout=8)
                        assert answer.status_code == 200
                    assert not any(each.done() for each in posts), "nobody can have been stored yet"
                    time.sleep(0.2)
                locker.let_go()
                answers = [each.result() for each in posts]
            thanked = {email: answer.json()["lead"] for email, answer in answers if answer.status_code == 200}
            refused = [answer.json()["error_code"] for _, answer in answers if answer.status_code != 200]
            assert set(refused) <= {"lf501"}
            assert len(thanked) > 0, "the wait is longer than the lock was held"
            wait_until(lambda: post(server.url, 100)[1].status_code == 200)
            wait_for_the_end(installation.store, 20)
        hold_the_balance(installation.store, thanked)
        assert {each["state"] for each in installation.leads()} == {"delivered"}
        assert vendor.emails == dict.fromkeys(["n0@example.com", "n100@example.com", *thanked], 1)


THREADS = 8


def test_pages_are_shown_while_more_posts_wait_than_there_are_threads(database: str, install: Install) -> None:
    if database == "postgresql":
        pytest.skip("as above; who waits for PostgreSQL holds a thread in the same way")
    installation = install({"quote0": FORM.format(url="http://127.0.0.1:9/", wait=0)}, DELIVERY="off")
    path = installation.store.path
    assert path
    with installation.gunicorn("--threads", str(THREADS), workers=1) as server:
        assert post(server.url, 0)[1].status_code == 200
        before = open_files(server)
        with ThreadPoolExecutor(3 * THREADS) as visitors, locked(path) as locker:
            posts = [visitors.submit(post, server.url, 2 * number) for number in range(1, 3 * THREADS + 1)]
            wait_until(lambda: open_files(server) >= before + 3 * THREADS)
            for page in ("/healthz", "/f/quote0", "/f/quote0/thanks"):
                assert requests.get(f"{server.url}{page}", timeout=5).status_code == 200
            assert not any(each.done() for each in posts), "nobody can have been stored yet"
            locker.let_go()
            answers = [each.result()[1] for each in posts]
    assert {each.status_code for each in answers} == {200}
    assert {each.json()["lead"] for each in answers} <= {each["lead"] for each in installation.leads()}
