"""Bytes of the script and of a framed form, and whether the page around it moves."""

from __future__ import annotations

import gzip
import re
import subprocess
import sys
from collections.abc import Iterator

import requests

from bench.stage import installation
from bench.table import Row, Size
from tests.installation import REPOSITORY


def bytes_and_shift(size: Size) -> Iterator[Row]:
    with installation() as ours, ours.gunicorn() as server:
        script = _packed(server.url, "/embed.js")
        page = requests.get(f"{server.url}/f/quote", headers={"Sec-Fetch-Dest": "iframe"}, timeout=10)
        files = re.findall(r'(?:href|src)="(/static/[^"]+)"', page.text)
        framed = len(gzip.compress(page.content)) + sum(_packed(server.url, each) for each in files)
    yield Row("`embed.js`, compressed", f"{script:,} bytes", "", "", "≤ 3,000 bytes", script <= 3_000)
    yield Row(
        "A framed form with its style and script", f"{framed:,} bytes", "", "", "≤ 15,000 bytes", framed <= 15_000
    )
    if not size.quick:
        yield _shift()


def _packed(url: str, path: str) -> int:
    return len(gzip.compress(requests.get(url + path, timeout=10).content))


def _shift() -> Row:
    """The browser tests measure it for every form of the demo at three widths, and fail above the aim."""
    test = "tests/browser/test_embed_cost.py::test_the_page_around_the_form_does_not_move"
    done = subprocess.run(
        [sys.executable, "-m", "pytest", "-q", test], cwd=REPOSITORY, capture_output=True, check=False
    )
    met = done.returncode == 0
    words = "≤ 0.01 everywhere" if met else "more than 0.01 somewhere"
    return Row("Layout shift of the page around a form", words, "", "", "≤ 0.01", met)
