"""The installations, servers and visitors that rows are measured with."""

from __future__ import annotations

import itertools
import json
import os
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

from bench.client import Kind
from tests.installation import REPOSITORY, Installation, Server, answers, free_port, make, wait_until

QUOTE = """
title: Get a free quote
web_key: LF_quote
intro: <p>Tell us about your home, and we call back within one working day.</p>
fields:
  - {{name: firstName, label: First name, required: true}}
  - {{name: lastName, label: Last name, required: true}}
  - {{name: email, label: E-mail, required: true}}
  - {{name: phone, label: Mobile}}
  - {{name: service, label: What do you need?, type: select, options: [Windows, Doors]}}
  - {{name: Favorite Chocolate, label: Favourite chocolate}}
vendor: {{name: webhook, url: "{url}", wait: {wait}, on_unknown: retry}}
"""
NOWHERE = "http://127.0.0.1:9/"

POST = (
    "firstName=Jane&lastName=Doe&email=jane.{n}@example.com&phone=5127891111&service=Doors&Favorite+Chocolate=Dark"
    "&utm_source=google&utm_campaign=spring&gclid=g{n}"
)
PAGE = Kind("page", "/f/quote")

_numbers = itertools.count(1, 10_000_000)


@dataclass(frozen=True)
class Visit:
    """What came of one kind of visitor."""

    asked: int
    lost: int
    statuses: dict[str, int]
    milliseconds: Sequence[float]
    references: Sequence[str]
    seconds: float
    own_share: float

    @property
    def good(self) -> int:
        return sum(count for status, count in self.statuses.items() if status[0] in "23")

    @property
    def rate(self) -> float:
        return self.good / self.seconds

    def quantile(self, share: float) -> float:
        """Milliseconds; a request that was lost took for ever."""
        waits = sorted(self.milliseconds) + [30_000.0] * self.lost
        return waits[min(len(waits) - 1, int(len(waits) * share))] if waits else 30_000.0


class Crowd:
    """Visitors under way, in a process of their own."""

    def __init__(self, url: str, kinds: Sequence[Kind], seconds: float, *, keep: bool = False) -> None:
        task = {
            "url": url,
            "kinds": [asdict(kind) for kind in kinds],
            "seconds": seconds,
            "first_number": next(_numbers),
            "keep": keep,
        }
        self.process = subprocess.Popen(
            [sys.executable, "-m", "bench.client"],
            cwd=REPOSITORY,
            stdin=subprocess.PIPE,
            stdout=subprocess.PIPE,
            text=True,
        )
        assert self.process.stdin
        self.process.stdin.write(json.dumps(task))
        self.process.stdin.close()

    def result(self) -> dict[str, Visit]:
        assert self.process.stdout
        with self.process:
            said = json.loads(self.process.stdout.read())
        return {
            name: Visit(**each, seconds=said["seconds"], own_share=said["own_share"])
            for name, each in said["results"].items()
        }


def end_in_order() -> None:
    """Ctrl-C and SIGTERM alike end what was started on the way out."""
    signal.signal(signal.SIGTERM, lambda *_: sys.exit(143))


def visit(url: str, *kinds: Kind, seconds: float) -> dict[str, Visit]:
    return Crowd(url, kinds, seconds).result()


ONLY_STORING = {"DELIVERY": "off"}


def posts(connections: int = 0, rate: float = 0.0, **more: Any) -> Kind:
    return Kind("post", "/f/quote", body=POST, connections=connections, rate=rate, **more)


# --- installations ---


@contextmanager
def folder() -> Iterator[Path]:
    """Below the repository's own disk where that can be written, so that a commit is one."""
    base = os.environ.get("BENCH_DIR") or str(REPOSITORY / "var")
    Path(base).mkdir(exist_ok=True)
    found = Path(tempfile.mkdtemp(prefix="bench-", dir=base))
    try:
        yield found
    finally:
        shutil.rmtree(found, ignore_errors=True)


@contextmanager
def installation(
    vendor: str = NOWHERE, wait: float = 0, database_url: str | None = None, environ: Mapping[str, str] | None = None
) -> Iterator[Installation]:
    with folder() as root:
        found = make(root, database_url, {"ALLOW_PRIVATE_VENDORS": "1", **(environ or {})})
        found.form("quote", QUOTE.format(url=vendor, wait=wait))
        yield found


@contextmanager
def bare(module: str, workers: int = 2, **environ: str) -> Iterator[str]:
    """A bare WSGI application under the same gunicorn with the same settings for threads; yields its address."""
    port = free_port()
    command = [
        *(sys.executable, "-m", "gunicorn", "-b", f"127.0.0.1:{port}", "-w", str(workers)),
        *("-k", "gthread", "--threads", "128", "--keep-alive", "5", "--no-control-socket", "--log-level", "warning"),
        module,
    ]
    environ = {**os.environ, "PYTHONPATH": str(REPOSITORY), **environ}
    here = Path(__file__).parent  # where no gunicorn.conf.py is
    process = subprocess.Popen(command, cwd=here, env=environ, start_new_session=True)
    server = Server(f"http://127.0.0.1:{port}", process)
    try:
        wait_until(lambda: answers(f"{server.url}/healthz"), 20)
        yield server.url
    finally:
        server.stop()


@contextmanager
def vendor(seconds: float = 0.0) -> Iterator[str]:
    """A receiver that takes every lead, after so long; one thread, and no limit of its own that would show."""
    port = free_port()
    process = subprocess.Popen([sys.executable, "-m", "bench.vendor", str(port), str(seconds)], cwd=REPOSITORY)
    try:
        wait_until(lambda: answers(f"http://127.0.0.1:{port}/"), 20)
        yield f"http://127.0.0.1:{port}/"
    finally:
        process.terminate()
        process.wait()
