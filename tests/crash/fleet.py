"""The product as real processes that can be killed and started again, the vendor beside it, and visitors who post."""

from __future__ import annotations

import itertools
import os
import signal
import subprocess
import sys
import threading
import time
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import requests

from tests.installation import REPOSITORY, Installation, answers, free_port, wait_until

FORM = """title: {name}
web_key: LF_{name}
fields:
  - {{name: firstName, required: true}}
  - {{name: email}}
vendor:
  name: webhook
  url: {url}
  wait: 2
  on_unknown: {on_unknown}
"""


def forms(vendor_url: str) -> dict[str, str]:
    """One form for a vendor that recognises a repeat, one for a vendor that does not."""
    return {
        "recognises": FORM.format(name="recognises", url=f"{vendor_url}/recognises", on_unknown="retry"),
        "forgets": FORM.format(name="forgets", url=f"{vendor_url}/forgets", on_unknown="hold"),
    }


@dataclass
class Process:
    """A command that can be started many times; all its children die with it."""

    command: list[str]
    folder: Path
    environ: dict[str, str]
    running: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        environ = {**os.environ, "PYTHONPATH": str(REPOSITORY), "PYTHONDONTWRITEBYTECODE": "1", **self.environ}
        with (self.folder / "process.log").open("ab") as log:
            self.running = subprocess.Popen(
                self.command, cwd=self.folder, env=environ, stdout=log, stderr=log, start_new_session=True
            )

    def kill(self) -> None:
        """SIGKILL to it and to all its children at once, as the loss of the machine would."""
        if self.running is not None:
            os.killpg(self.running.pid, signal.SIGKILL)
            self.running.wait()
            self.running = None

    def kill_a_child(self, which: float) -> bool:
        """SIGKILL to one of its children, as the kernel does when memory is short. False where it has none."""
        assert self.running is not None
        pid = self.running.pid
        children = Path(f"/proc/{pid}/task/{pid}/children").read_text().split()
        if children:
            os.kill(int(children[int(which * len(children))]), signal.SIGKILL)
        return bool(children)

    def stop(self) -> int:
        """SIGTERM, and the exit code once what was under way is finished."""
        assert self.running is not None
        self.running.terminate()
        code = self.running.wait(60)
        self.running = None
        return code


class Web(Process):
    """gunicorn, on a port that stays the same."""

    def __init__(self, installation: Installation, app: str = "tests.crash.hurried:app", workers: int = 2) -> None:
        self.url = f"http://127.0.0.1:{free_port()}"
        settings = ["-c", str(REPOSITORY / "gunicorn.conf.py"), "-b", self.url.removeprefix("http://")]
        command = [sys.executable, "-m", "gunicorn", *settings, "-w", str(workers), app]
        super().__init__(command, installation.root, installation.environ)

    def start(self) -> None:
        super().start()
        self.wait()

    def wait(self) -> None:
        wait_until(lambda: answers(f"{self.url}/healthz"), seconds=60)


class DeliveryWorker(Process):
    """`flask worker`."""

    def __init__(self, installation: Installation, app: str = "tests.crash.hurried:app") -> None:
        environ = {**installation.environ, "FLASK_APP": app}
        super().__init__([sys.executable, "-m", "flask", "worker"], installation.root, environ)


class Vendor(Process):
    """tests/crash/vendor.py."""

    def __init__(self, folder: Path, seed: str, address: str = "127.0.0.1") -> None:
        port = free_port()
        self.url = f"http://{address}:{port}"
        super().__init__([sys.executable, "-m", "tests.crash.vendor", address, str(port), seed], folder, {})

    def start(self) -> None:
        super().start()
        wait_until(lambda: answers(f"{self.url}/ledger"))

    def ledger(self) -> dict[str, dict[str, dict[str, Any]]]:
        found = requests.get(f"{self.url}/ledger", timeout=30).json()
        assert isinstance(found, dict)
        return found

    def mood(self, mood: str) -> None:
        requests.post(f"{self.url}/mood?{mood}", timeout=30)


@contextmanager
def running(*processes: Process) -> Iterator[None]:
    """Starts them in this order; whatever happens, none is left."""
    try:
        for each in processes:
            each.start()
        yield
    finally:
        for each in processes:
            each.kill()


@dataclass
class Visitors:
    """Threads that post leads, each of another person; who is not thanked tries again until it is so.

    ``thanked`` maps an e-mail address to the reference that its visitor was given.
    """

    url: str
    forms: tuple[str, ...] = ("recognises", "forgets")
    per_second: float = 50.0
    threads: int = 8
    thanked: dict[str, str] = field(default_factory=dict)
    answers: Counter[str] = field(default_factory=Counter)
    slowest: float = 0.0

    def __post_init__(self) -> None:
        self._numbers = itertools.count()
        self._lock = threading.Lock()
        self._enough = threading.Event()
        self._began = time.monotonic()
        self._people = [threading.Thread(target=self._keep_posting, daemon=True) for _ in range(self.threads)]

    def __enter__(self) -> Visitors:
        self._began = time.monotonic()
        for each in self._people:
            each.start()
        return self

    def __exit__(self, *_: object) -> None:
        """Nobody new comes; who is there stays until thanked."""
        self._enough.set()
        for each in self._people:
            each.join(60)
            assert not each.is_alive(), "a visitor was not thanked in a minute"

    def _keep_posting(self) -> None:
        while not self._enough.is_set():
            with self._lock:
                number = next(self._numbers)
            self._enough.wait(max(0.0, self._began + number / self.per_second - time.monotonic()))
            if not self._enough.is_set():
                self._post(number)

    def _post(self, number: int) -> None:
        form = self.forms[number % len(self.forms)]
        person = {"firstName": "Jane", "email": f"{form}-{number}@example.com"}
        while True:
            began = time.monotonic()
            try:
                answer = requests.post(f"{self.url}/f/{form}", json=person, timeout=60)
            except requests.RequestException as error:
                self._note(type(error).__name__, began)
                time.sleep(0.1)
                continue
            self._note(f"{answer.status_code} {answer.json().get('error_code', '')}".strip(), began)
            if answer.status_code == 200:
                self.thanked[person["email"]] = answer.json()["lead"]
                return
            time.sleep(0.2)

    def _note(self, what: str, began: float) -> None:
        with self._lock:
            self.answers[what] += 1
            self.slowest = max(self.slowest, time.monotonic() - began)
