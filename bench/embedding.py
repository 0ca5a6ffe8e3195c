"""Bytes of the script and of a framed form, how soon it can be filled in, and whether the page around it moves."""

from __future__ import annotations

import gzip
import re
import subprocess
import sys
import time
from collections.abc import Iterator
from dataclasses import replace
from functools import partial

import requests
from flask import Flask
from playwright.sync_api import Browser

from bench.stage import installation
from bench.table import Rounds, Row, Size
from tests.installation import REPOSITORY, serve
from tests.services.browser import chromium


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
        yield _usable(server.url, size.rounds)
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


def _usable(product: str, rounds: int) -> Row:
    """From the start of a navigation, with nothing kept from before, until a visitor can type into the form."""
    host = Flask("host")

    @host.get("/<kind>")
    def page(kind: str) -> str:
        pasted = requests.get(f"{product}/f/quote/snippet", params={"kind": kind}, timeout=10).text
        return f'<!doctype html><html lang="en"><title>Our page</title><body><h1>Our page</h1>{pasted}</body></html>'

    with serve(host) as url, chromium() as browser:
        found = Rounds.of(
            rounds, partial(_milliseconds, browser, f"{url}/script"), partial(_milliseconds, browser, f"{url}/html")
        )
    row = found.row("From navigation to a usable form, the script against plain HTML in the page", "ms", at_most=1)
    return replace(row, aim="", met=None)


def _milliseconds(browser: Browser, url: str) -> float:
    context = browser.new_context()
    tab = context.new_page()
    began = time.perf_counter()
    tab.goto(url, wait_until="commit")
    place = tab.frame_locator("iframe") if url.endswith("/script") else tab.locator("body")
    place.locator("[name=email]").wait_for()
    taken = time.perf_counter() - began
    context.close()
    return taken * 1000
