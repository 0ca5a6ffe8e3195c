"""A form on a customer's page: each way in, in each kind of frame, with scripts and without."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser, expect

from tests.browser import embedding
from tests.browser.embedding import FRAMES, WAYS, Way, fill_and_send, frame_of_form, frame_with_text, open_page, snippet
from tests.browser.stage import Stage, Tab, tab
from tests.installation import serve

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module", autouse=True)
def forms(stage: Stage) -> None:
    embedding.publish_forms(stage)


def cases() -> list[tuple[Way, str, bool]]:
    """All there are; a bare script where no script runs is the one that cannot work, which is why snippets are more."""
    found = [(way, frame, scripts) for way in WAYS for frame in FRAMES for scripts in (True, False)]
    return [each for each in found if each[0] != "bare" or each[2]]


def may_move_the_page(way: Way, frame: str, scripts: bool) -> bool:
    """A plain post moves the page that it stands on; else it takes a script, and a frame that lets it."""
    if frame == "the page itself":
        return scripts or way == "html"
    if frame == "a sandbox that lets a visitor's click move the page":
        return scripts and way != "html"  # the answer to a plain post is a new page, which has no click to show
    return scripts and frame == "a builder's frame"


@pytest.mark.parametrize(("way", "frame", "scripts"), cases())
def test_the_lead_is_stored_and_its_visitor_thanked(
    stage: Stage, tab: Tab, way: Way, frame: str, scripts: bool
) -> None:
    number = cases().index((way, frame, scripts))
    email, path, sandbox = f"embed-{number}@example.com", f"embed-{number}", FRAMES[frame]
    pasted = snippet(stage, "leading", way)
    page = embedding.document(pasted) if sandbox is None else embedding.framed_document(stage, path, pasted, sandbox)
    open_page(stage, tab, path, page, "?utm_source=spring")
    fill_and_send(stage, frame_of_form(tab.page), "leading", email)
    if may_move_the_page(way, frame, scripts):
        expect(tab.page).to_have_url(f"{stage.host.url}/thanks")
    else:
        thanked = frame_with_text(tab.page, "Thank you")
        link = thanked.get_by_role("link", name="Go on")
        expect(link).to_have_attribute("href", f"{stage.host.url}/thanks")
        expect(link).to_have_attribute("target", "_top")
        assert tab.page.url.endswith(f"/{path}?utm_source=spring")
    assert stage.lead(email)["state"] == "delivered"
    assert stage.received(email)["firstName"] == "Jane"
    assert tab.cookies == []
    assert tab.page.context.cookies() == []


def test_this_browser_keeps_no_cookie_of_a_framed_site(stage: Stage, browser: Browser) -> None:
    """Else the tests above would prove nothing about cookies."""
    from flask import Flask, Response  # noqa: PLC0415

    app = Flask("crumbs")
    app.add_url_rule("/", view_func=lambda: Response("", headers={"Set-Cookie": "a=1; SameSite=None; Secure"}))
    with serve(app) as url, tab(browser) as opened:
        opened.page.goto(stage.host.put("crumbs", f'<iframe src="{url.replace("127.0.0.1", "crumbs.localhost")}"></iframe>'))
        assert opened.cookies
        assert opened.page.context.cookies() == []
