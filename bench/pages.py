"""Views of a form's page, and what a slow vendor does to them."""

from __future__ import annotations

from collections.abc import Iterator
from statistics import median

import requests

from bench.client import Kind
from bench.stage import Crowd, bare, installation, posts, vendor, visit
from bench.table import Rounds, Row, Size, number
from tests.installation import wait_until

BROWSER = {"Accept": "text/html"}
SLOW = 0.3
HANGS = 5.0


def views(size: Size) -> Iterator[Row]:
    with installation() as ours, ours.gunicorn() as server:
        content = ours.root / "page.html"
        content.write_bytes(requests.get(f"{server.url}/f/quote", headers=BROWSER, timeout=10).content)
        with bare("bench.floor:app", BENCH_PAGE=str(content)) as floor:
            asked = Kind("page", "/f/quote", connections=32)
            shares = []

            def rate(url: str) -> float:
                found = visit(url, asked, seconds=size.seconds)["page"]
                shares.append(found.own_share)
                return found.rate

            rounds = Rounds.of(size.rounds, lambda: rate(server.url), lambda: rate(floor))
    note = f"32 connections; the client took {median(shares):.0%} of one core."
    yield rounds.row("Form page views a second", "a second", at_least=0.9, notes=[note])


def views_while_posts_wait(size: Size) -> Iterator[Row]:
    """Pages at a fixed rate, alone and while 200 visitors wait for a vendor."""
    paced = Kind("page", "/f/quote", rate=100)
    with vendor(SLOW) as slow, installation(slow, wait=8) as ours, ours.gunicorn() as server:

        def alone() -> float:
            return visit(server.url, paced, seconds=size.seconds)["page"].quantile(0.99)

        def beside() -> float:
            waiting = Crowd(server.url, [posts(200)], size.seconds + 2)
            found = visit(server.url, paced, seconds=size.seconds)["page"].quantile(0.99)
            waiting.result()
            return found

        rounds = Rounds.of(size.rounds, beside, alone)
    what = "Page views, p99, while 200 posts wait for a vendor of 300 ms"
    note = "100 pages a second; 200 connections post again as soon as they are answered, so both cores are full."
    yield rounds.row(what, "ms", at_most=2, notes=[note])


def wait_of_a_visitor(size: Size) -> Iterator[Row]:
    """200 post at the same moment; whoever finds no free slot is answered at once."""
    with vendor(SLOW) as slow, installation(slow, wait=8) as ours, ours.gunicorn() as server:
        found = []
        for _ in range(size.rounds):
            found.append(visit(server.url, posts(200, once=True), seconds=1)["post"].quantile(0.99))
    p99 = median(found)
    yield Row(
        "A visitor's wait, p99, vendor at 300 ms, 200 at once",
        f"{number(p99)} ms",
        "300 ms",
        f"{p99 / 300:.2f} ×",
        "≤ 1.3 ×",
        p99 <= 390,
        f"{min(found) / 300:.2f} to {max(found) / 300:.2f}",
        ("200 connections are opened and posted on in the same moment, and two cores have to take them in turn.",),
    )


def while_a_vendor_hangs(size: Size) -> Iterator[Row]:
    seconds = 6.0 if size.quick else 20.0
    pages, sent = Kind("page", "/f/quote", rate=100), posts(rate=90)
    with vendor(HANGS) as hanging, installation(hanging, wait=3) as ours, ours.gunicorn() as server:
        alone = median(visit(server.url, pages, seconds=size.seconds)["page"].quantile(0.99) for _ in range(3))
        found = visit(server.url, pages, sent, seconds=seconds)
        wait_until(lambda: requests.get(f"{server.url}/healthz", timeout=5).ok)
    shares = {kind: found[kind].good / found[kind].asked for kind in ("page", "post")}
    p99 = found["page"].quantile(0.99)
    yield Row(
        "While a vendor hangs for 5 s: 100 pages and 90 posts a second offered",
        f"{shares['page']:.1%} of pages, {shares['post']:.1%} of posts",
        "what was offered",
        f"{min(shares.values()):.3f}",
        "≥ 0.95",
        min(shares.values()) >= 0.95,
    )
    yield Row(
        "The same, pages' p99",
        f"{number(p99)} ms",
        f"{number(alone)} ms",
        f"{p99 / alone:.2f} ×",
        "≤ 2 ×",
        p99 <= 2 * alone,
        notes=("The floor is the same pages a second without the posts.",),
    )
