"""From the start of the server to its first answer."""

from __future__ import annotations

import shutil
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from statistics import median

import requests

from bench.stage import QUOTE, installation
from bench.table import Row, Size, number
from tests.installation import Installation, free_port

AIMS = {10: 0.5, 1_000: 2.0}


def first_answer(size: Size) -> Iterator[Row]:
    for forms, aim in AIMS.items():
        with installation() as ours:
            _fill(ours, forms)
            waits, floor = [], []
            for _ in range(2 if size.quick else 5):
                shutil.rmtree(ours.root / "var", ignore_errors=True)  # each start is the first: every form is published
                waits.append(_until_answered(ours))
                floor.append(_until_bare_answers())
        extra = [mine - bare for mine, bare in zip(waits, floor, strict=True)]
        yield Row(
            f"Start to first answer, {forms:,} form files",
            f"{number(median(waits))} s",
            f"{number(median(floor))} s",
            f"+ {number(median(extra))} s",
            f"≤ + {aim:g} s",
            median(extra) <= aim,
            f"+ {number(min(extra))} to + {number(max(extra))}",
            ("An installation's very first start: the database is made, and every form is published.",),
        )


def _fill(ours: Installation, forms: int) -> None:
    for each in range(forms):
        text = QUOTE.format(url="http://127.0.0.1:9/", wait=0)
        ours.form(f"form{each}", text.replace("web_key: LF_quote", f"web_key: LF_{each}"))


def _until_answered(ours: Installation) -> float:
    port = free_port()
    command = [sys.executable, "-m", "gunicorn", "-b", f"127.0.0.1:{port}", "-w", "2", "app:app"]
    began = time.perf_counter()
    process = ours._spawn(command)
    with _ended(process):
        return _first_answer(f"http://127.0.0.1:{port}/f/form3") - began


def _until_bare_answers() -> float:
    port = free_port()
    command = [sys.executable, "-m", "gunicorn", "-b", f"127.0.0.1:{port}", "-w", "2", "-k", "gthread"]
    command += ["--threads", "128", "--no-control-socket", "--log-level", "error", "floor:app"]
    began = time.perf_counter()
    process = subprocess.Popen(command, cwd=Path(__file__).parent, start_new_session=True)
    with _ended(process):
        return _first_answer(f"http://127.0.0.1:{port}/f/form3") - began


@contextmanager
def _ended(process: subprocess.Popen[bytes]) -> Iterator[None]:
    try:
        yield
    finally:
        process.terminate()
        process.wait(45)


def _first_answer(url: str) -> float:
    while True:
        try:
            requests.get(url, timeout=60).raise_for_status()
            return time.perf_counter()
        except requests.ConnectionError:  # nobody listens yet
            time.sleep(0.005)
