"""Everything of an installation is on one disk, and that is full: its log, its counters, its files in memory."""

from __future__ import annotations

import os
import shutil
import signal
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from tests.crash.proof import hold_the_balance
from tests.installation import Server, make, wait_until

FORM = """title: Quote
fields:
  - {name: firstName, required: true}
  - {name: story, type: textarea}
vendor: {name: webhook, url: "http://127.0.0.1:9/", wait: 0}
"""


@pytest.fixture
def small_disk(tmp_path: Path) -> Iterator[Path]:
    folder = tmp_path / "disk"
    folder.mkdir()
    mount = shutil.which("mount")
    if mount is None or subprocess.call([mount, "-t", "tmpfs", "-o", "size=8m", "tmpfs", folder], stderr=-3):
        pytest.skip("needs the right to mount a small file system")
    try:
        yield folder
    finally:
        subprocess.run(["umount", "--lazy", folder], check=True)


def fill(path: Path) -> None:
    with path.open("wb", buffering=0) as file:
        try:
            while file.write(bytes(4096)):
                pass
        except OSError:
            return


def post(server: Server, number: int) -> requests.Response:
    """From another address each, so that each is counted in another place."""
    headers = {"Accept": "application/json", "X-Forwarded-For": f"192.0.{number // 200}.{number % 200}"}
    person = {"firstName": "Jane", "story": f"{number} " * 700}
    return requests.post(f"{server.url}/f/quote", data=person, headers=headers, timeout=30)


def processes(server: Server) -> list[str]:
    master = server.process.pid
    return Path(f"/proc/{master}/task/{master}/children").read_text().split()


def test_no_process_dies_of_a_full_disk_and_one_that_starts_on_it_serves(small_disk: Path) -> None:
    """Files that are mapped into memory must have all their room before: SIGBUS is the end of a process."""
    installation = make(small_disk, None, {"ALLOW_PRIVATE_VENDORS": "1", "TRUSTED_PROXIES": "1", "POST_LIMIT": "9/day"})
    installation.form("quote", FORM)
    with installation.gunicorn() as server:
        thanked = {"first": post(server, 0).json()["lead"]}
        wait_until(lambda: len(processes(server)) == 2)
        fill(small_disk / "ballast")
        before = processes(server)
        answers = [post(server, number) for number in range(1, 40)]
        assert {(answer.status_code, answer.json()["error_code"]) for answer in answers} == {(503, "lf501")}
        assert requests.get(f"{server.url}/readyz", timeout=30).status_code == 503
        assert processes(server) == before

        for process in before:
            os.kill(int(process), signal.SIGKILL)
        wait_until(lambda: len(set(processes(server)) - set(before)) == 2, seconds=30)
        answers = [post(server, number) for number in range(40, 60)]
        assert {answer.status_code for answer in answers} == {503}
        assert requests.get(f"{server.url}/metrics", timeout=30).status_code == 200

        (small_disk / "ballast").unlink()
        thanked["last"] = post(server, 100).json()["lead"]
        hold_the_balance(installation.store, thanked)
    installation.close()
