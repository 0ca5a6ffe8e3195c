"""The disk under the SQLite file is full: visitors are told so, nothing is lost, and it heals by itself."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest
import requests

from leadferry.store import sqlite_driver
from tests.conftest import Install
from tests.crash.doorkeeper import Doorkeeper, doorkeeper
from tests.crash.proof import hold_the_balance, wait_for_the_end
from tests.installation import Installation, wait_until

SIZE = 4 * 1024 * 1024
"""Less than SQLite's log grows to before it is emptied, so that a full disk stays full."""

ROOM_FOR_LEADS = 1024 * 1024
FORM = """
title: Quote
fields:
  - {{name: firstName, required: true}}
  - {{name: email}}
  - {{name: story, type: textarea}}
vendor: {{name: webhook, url: "{url}", wait: 0}}
"""


@dataclass(frozen=True)
class Disk:
    """A small file system of its own, with a ballast file that can be taken off it."""

    folder: Path

    @property
    def free(self) -> int:
        found = os.statvfs(self.folder)
        return found.f_bavail * found.f_frsize

    def load(self, leaving: int) -> None:
        with self._ballast.open("ab") as file:
            file.write(bytes(max(0, self.free - leaving)))

    def relieve(self) -> None:
        self._ballast.unlink()

    @property
    def _ballast(self) -> Path:
        return self.folder / "ballast"


@pytest.fixture
def disk(database: str, tmp_path: Path) -> Iterator[Disk]:
    if database == "postgresql":
        pytest.skip("about the disk under SQLite's file; PostgreSQL is a server with a disk of its own")
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = shutil.which("mount")
    if mount is None or subprocess.call([mount, "-t", "tmpfs", "-o", f"size={SIZE}", "tmpfs", folder], stderr=-3):
        pytest.skip("needs the right to mount a small file system")
    try:
        yield Disk(folder)
    finally:
        subprocess.run(["umount", "--lazy", folder], check=True)


@pytest.fixture
def vendor() -> Iterator[Doorkeeper]:
    with doorkeeper() as found:
        yield found


@dataclass(frozen=True)
class Visitor:
    url: str

    def post(self, number: int, accept: str = "application/json") -> requests.Response:
        person = {"firstName": "Jane", "email": f"n{number}@example.com", "story": f"{number} " * 2000}
        return requests.post(f"{self.url}/f/quote", data=person, headers={"Accept": accept}, timeout=30)

    def post_until_refused(self) -> dict[str, str]:
        """Who was thanked before, with the reference."""
        thanked: dict[str, str] = {}
        for number in range(500):
            answer = self.post(number)
            if answer.status_code != 200:
                return thanked
            thanked[f"n{number}@example.com"] = answer.json()["lead"]
        raise AssertionError("the disk was never full")

    def status(self, path: str) -> int:
        return requests.get(f"{self.url}{path}", timeout=30).status_code


def test_a_full_disk_refuses_new_leads_loses_none_and_heals_by_itself(
    install: Install, disk: Disk, vendor: Doorkeeper
) -> None:
    database = disk.folder / "leadferry.db"
    installation = install(
        {"quote": FORM.format(url=vendor.url)}, DATABASE_URL=f"sqlite:///{database}", ALLOW_PRIVATE_VENDORS="1"
    )
    with installation.gunicorn() as server:
        visitor = Visitor(server.url)
        disk.load(leaving=ROOM_FOR_LEADS)
        thanked = visitor.post_until_refused()
        assert len(thanked) > 5
        wait_until(lambda: vendor.calls)  # at least one try is under way, and will end while nothing can be recorded
        disk.load(leaving=0)
        wait_until(lambda: visitor.status("/readyz") == 503)

        _hold_while_it_is_full(visitor, database, thanked)
        vendor.door.set()
        wait_until(lambda: vendor.inside.total() == 0)
        assert visitor.status("/readyz") == 503, "what the vendor said must have come while nothing could be recorded"

        disk.relieve()
        wait_until(lambda: visitor.status("/readyz") == 200)
        answer = visitor.post(1000)
        assert answer.status_code == 200
        thanked["n1000@example.com"] = answer.json()["lead"]
        wait_for_the_end(installation.store, 30)
    _hold_after_all(installation, vendor, thanked)


def _hold_while_it_is_full(visitor: Visitor, database: Path, thanked: dict[str, str]) -> None:
    as_json, as_page = visitor.post(2000), visitor.post(2001, accept="text/html")
    assert (as_json.status_code, as_json.json()["error_code"]) == (503, "lf501")
    assert (as_page.status_code, as_page.headers["Content-Type"]) == (503, "text/html; charset=utf-8")
    assert "We could not save your answers" in as_page.text
    assert "n2001@example.com" in as_page.text, "what was typed is gone"
    assert [visitor.status(path) for path in ("/healthz", "/f/quote", "/readyz")] == [200, 200, 503]
    assert _rows(database, "PRAGMA integrity_check") == {"ok"}
    assert _rows(database, "SELECT reference FROM lead") == set(thanked.values())


def _rows(database: Path, query: str) -> set[Any]:
    with closing(sqlite_driver.connect(database)) as connection:
        return {row[0] for row in connection.execute(query)}


def _hold_after_all(installation: Installation, vendor: Doorkeeper, thanked: dict[str, str]) -> None:
    hold_the_balance(installation.store, thanked)
    assert installation.cli("leads", "balance").exit_code == 0
    assert {each["lead"]: each["state"] for each in installation.leads()} == dict.fromkeys(
        thanked.values(), "delivered"
    )
    assert vendor.emails == dict.fromkeys(thanked, 1)
    assert _rows(installation.store.path or Path(), "PRAGMA integrity_check") == {"ok"}
