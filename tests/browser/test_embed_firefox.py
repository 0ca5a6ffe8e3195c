"""The same in Firefox: the usual ones, and, where all is tried, each way in and each kind of frame at least once.

Skipped where there is none.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import cache

import pytest

from tests.browser import embedding
from tests.browser.embedding import CLICKABLE, FRAMES, Way
from tests.browser.stage import Stage
from tests.installation import wait_until
from tests.services.firefox import Firefox, FirefoxError, firefox, installed

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(installed() is None, reason="there is no Firefox on this machine"),
]

MOVED, THANKED = "the page moved on", "thanked in place"

CASES: list[tuple[bool, Way, str, str]] = [
    (True, "script", "the page itself", MOVED),
    (True, "script", "a builder's frame", MOVED),
    (True, "script", "a sandbox", THANKED),
    (True, "script", "a sandbox without same-origin", THANKED),
    (True, "script", CLICKABLE, MOVED),
    (True, "bare", "the page itself", MOVED),
    (True, "iframe", "the page itself", MOVED),
    (True, "iframe", "a sandbox without same-origin", THANKED),
    (True, "html", "the page itself", MOVED),
    (True, "html", "a builder's frame", THANKED),
    (False, "script", "the page itself", THANKED),
    (False, "script", "a sandbox without same-origin", THANKED),
    (False, "html", "the page itself", MOVED),
    (False, "html", "a sandbox without same-origin", THANKED),
]


@pytest.fixture(scope="module")
def foxes(stage: Stage) -> Iterator[Callable[[bool], Firefox]]:
    """One Firefox for all tests with scripts, and one for those without: each is started when it is first asked for."""
    embedding.publish_forms(stage)
    with ExitStack() as stack:
        yield cache(lambda scripts: stack.enter_context(firefox(installed() or "", scripts=scripts)))


@pytest.fixture
def driven(foxes: Callable[[bool], Firefox], scripts: bool) -> Firefox:
    return foxes(scripts)


def enter_form(driven: Firefox, depth: int) -> None:
    driven.leave_frames()
    for _ in range(depth):
        driven.enter_frame()


def is_asked(driven: Firefox, depth: int) -> bool:
    try:
        enter_form(driven, depth)
        return driven.has("[name=email]")
    except FirefoxError:  # a frame that is not there yet
        return False


def outcome(driven: Firefox, depth: int, thanks: str) -> str:
    try:
        driven.leave_frames()
        if driven.url == thanks:
            return MOVED
        enter_form(driven, depth)
        return THANKED if "Thank you" in driven.text() else ""
    except FirefoxError:  # a page or a frame that is being left
        return ""


def is_first_tried(way: Way, frame: str) -> bool:
    return (way, frame) in {("script", "the page itself"), ("script", "a sandbox"), ("html", "the page itself")}


@pytest.mark.parametrize(
    ("scripts", "way", "frame", "expected"),
    [
        pytest.param(*case, marks=() if case[0] and is_first_tried(*case[1:3]) else pytest.mark.thorough)
        for case in CASES
    ],
)
def test_the_lead_is_stored_and_its_visitor_thanked(
    stage: Stage, driven: Firefox, scripts: bool, way: Way, frame: str, expected: str
) -> None:
    path = f"firefox-{CASES.index((scripts, way, frame, expected))}"
    email, sandbox, thanks = f"{path}@example.com", FRAMES[frame], f"{stage.host.url}/thanks"
    pasted = embedding.snippet(stage, "leading", way)
    page = embedding.document(pasted) if sandbox is None else embedding.framed_document(stage, path, pasted, sandbox)
    depth = (way != "html") + (sandbox is not None)
    driven.open(stage.host.put(path, page) + "?utm_source=spring")
    wait_until(lambda: is_asked(driven, depth))
    if way != "html":
        driven.set_value("[name=_lf_token]", stage.tokens.make("leading", now=time.time() - 30))
    for name, text in {"firstName": "Jane", "lastName": "Doe", "email": email}.items():
        driven.type(f"[name={name}]", text)
    driven.click("button")
    wait_until(lambda: outcome(driven, depth, thanks) == expected)
    assert stage.lead(email)["state"] == "delivered"
    if scripts and way in {"script", "bare"} and sandbox is None:
        assert stage.received(email)["utm_source"] == "spring"
