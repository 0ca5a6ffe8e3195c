"""A form on a customer's page: each way in, in each kind of frame, with scripts and without."""

from __future__ import annotations

import pytest
from flask import Flask, Response
from playwright.sync_api import Browser, expect

from tests.browser import embedding
from tests.browser.embedding import CLICKABLE, FRAMES, WAYS, Way, asked, frame_that, frames_that, thanked
from tests.browser.stage import Stage, Tab, tab
from tests.installation import serve, wait_until

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module", autouse=True)
def forms(stage: Stage) -> None:
    embedding.publish_forms(stage)


# All there are, but for one that cannot work: the bare script where no script runs. The snippets are more for its sake.
CASES = [
    (way, frame, scripts)
    for way in WAYS
    for frame in FRAMES
    for scripts in (True, False)
    if scripts or way != "bare"
]  # fmt: skip


def moves_the_page(way: Way, frame: str, scripts: bool) -> bool:
    """A plain post moves the page that it stands on; else it takes a script, and a frame that lets it."""
    if frame == "the page itself":
        return scripts or way == "html"
    return scripts and frame in {"a builder's frame", CLICKABLE}


def may_or_may_not_move_it(way: Way, frame: str, scripts: bool) -> bool:
    """The answer to a plain post is a new page, and Chromium is of two minds whether the click counts for that too."""
    return scripts and way == "html" and frame == CLICKABLE


def is_first_tried(way: Way, frame: str, scripts: bool) -> bool:
    """Each way on a page, with and without scripts, and the usual way in each frame; the rest are combinations."""
    return frame == "the page itself" or (way == "script" and scripts)


@pytest.mark.parametrize(
    ("way", "frame", "scripts"),
    [pytest.param(*each, marks=() if is_first_tried(*each) else pytest.mark.thorough) for each in CASES],
)
def test_the_lead_is_stored_and_its_visitor_thanked(
    stage: Stage, tab: Tab, way: Way, frame: str, scripts: bool
) -> None:
    path = f"embed-{CASES.index((way, frame, scripts))}"
    email, sandbox, thanks = f"{path}@example.com", FRAMES[frame], f"{stage.host.url}/thanks"
    pasted = embedding.snippet(stage, "leading", way)
    page = embedding.document(pasted) if sandbox is None else embedding.framed_document(stage, path, pasted, sandbox)
    embedding.open_page(stage, tab, path, page, "?utm_source=spring")
    embedding.fill_and_send(stage, frame_that(tab.page, asked), "leading", email)
    if may_or_may_not_move_it(way, frame, scripts):
        wait_until(lambda: tab.page.url == thanks or frames_that(tab.page, thanked))
    elif moves_the_page(way, frame, scripts):
        expect(tab.page).to_have_url(thanks)
    else:
        link = frame_that(tab.page, thanked).get_by_role("link", name="Go on")
        expect(link).to_have_attribute("href", thanks)
        expect(link).to_have_attribute("target", "_top")
        assert tab.page.url.endswith(f"/{path}?utm_source=spring")
    assert stage.lead(email)["state"] == "delivered"
    received = stage.received(email)
    if sandbox is None and way != "html":
        assert received["utm_source"] == "spring"
        assert received["page_url"] == f"{stage.host.url}/{path}?utm_source=spring"
    assert tab.cookies == []
    assert tab.page.context.cookies() == []


def test_this_browser_keeps_no_cookie_of_a_framed_site(stage: Stage, browser: Browser) -> None:
    """Else the test above would prove nothing about cookies."""
    app = Flask("crumbs")
    app.add_url_rule("/", view_func=lambda: Response("", headers={"Set-Cookie": "a=1; SameSite=None; Secure"}))
    with serve(app) as url, tab(browser) as opened:
        crumbs = url.replace("127.0.0.1", "crumbs.localhost")
        opened.page.goto(stage.host.put("crumbs", f'<iframe src="{crumbs}"></iframe>'))
        assert opened.page.context.cookies() == []
        opened.page.goto(crumbs)
        assert [each["name"] for each in opened.page.context.cookies()] == ["a"]
