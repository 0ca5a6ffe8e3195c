"""The form in a frame of another site, as website builders show it: plainly, or shut in as far as they can."""

from __future__ import annotations

from html import escape

import pytest
from playwright.sync_api import FrameLocator, Page, expect

from tests.browser.stage import PASTED_KEY, Stage, Tab

pytestmark = pytest.mark.browser

OPAQUE = "allow-forms allow-scripts"
SANDBOXES = [OPAQUE, f"{OPAQUE} allow-same-origin"]


def frame(stage: Stage, page: Page, attributes: str, sandbox: str | None) -> FrameLocator:
    """Opens a page of the customer's site with one frame in it."""
    shut_in = "" if sandbox is None else f'sandbox="{sandbox}"'
    html = f'<!doctype html><title>Our site</title><iframe title="A form" height="900" {attributes} {shut_in}></iframe>'
    page.goto(stage.host.put("framed", html))
    return page.frame_locator("iframe")


def send(stage: Stage, framed: FrameLocator, form: str, email: str) -> None:
    stage.age(framed, form, seconds=60)
    framed.get_by_label("First name").fill("Jane")
    framed.get_by_label("Last name").fill("Doe")
    framed.get_by_label("E-mail").fill(email)
    framed.get_by_role("button").click()


def address(prefix: str, sandbox: str | None) -> str:
    return f"{prefix}+{len(sandbox or '')}@example.com"


@pytest.mark.parametrize("sandbox", [None, *SANDBOXES])
def test_the_thank_you_page_is_shown_in_the_frame(stage: Stage, tab: Tab, sandbox: str | None) -> None:
    email = address("framed", sandbox)
    framed = frame(stage, tab.page, f'src="{stage.product}/f/quote"', sandbox)
    send(stage, framed, "quote", email)
    expect(framed.get_by_role("heading", name="Thank you")).to_be_visible()
    assert stage.lead(email)["state"] == "delivered"
    assert stage.received(email)["page_url"] == f"{stage.host.url}/"  # as much as browsers tell another site
    assert (tab.complaints, tab.cookies) == ([], [])


@pytest.mark.parametrize("sandbox", [None, OPAQUE])
def test_an_answer_is_mended_in_the_frame(stage: Stage, page: Page, sandbox: str | None) -> None:
    email = address("mended", sandbox)
    framed = frame(stage, page, f'src="{stage.product}/f/quote"', sandbox)
    framed.get_by_label("Mobile").fill("call me")
    send(stage, framed, "quote", email)
    expect(framed.get_by_role("alert", name="There is a problem")).to_contain_text("Mobile")
    framed.get_by_label("Mobile").fill("")
    framed.get_by_role("button").click()
    expect(framed.get_by_role("heading", name="Thank you")).to_be_visible()
    assert stage.lead(email)["state"] == "delivered"


def test_a_plain_frame_moves_the_top_page(stage: Stage, tab: Tab) -> None:
    framed = frame(stage, tab.page, f'src="{stage.product}/f/moved"', None)
    send(stage, framed, "moved", "top@example.com")
    expect(tab.page).to_have_url(f"{stage.host.url}/thanks")
    assert stage.lead("top@example.com")["state"] == "delivered"
    assert (tab.complaints, tab.cookies) == ([], [])


@pytest.mark.parametrize("sandbox", SANDBOXES)
def test_a_frame_that_may_not_move_the_top_page_shows_the_link(stage: Stage, page: Page, sandbox: str) -> None:
    email = address("shut-in", sandbox)
    framed = frame(stage, page, f'src="{stage.product}/f/moved"', sandbox)
    send(stage, framed, "moved", email)
    link = framed.get_by_role("link", name="Go on")
    expect(link).to_have_attribute("href", f"{stage.host.url}/thanks")
    expect(link).to_have_attribute("target", "_top")
    assert stage.lead(email)["state"] == "delivered"
    assert page.url.endswith("/framed")


@pytest.mark.parametrize("scripts", [False])
def test_without_scripts_the_link_moves_the_top_page(stage: Stage, page: Page, scripts: bool) -> None:
    framed = frame(stage, page, f'src="{stage.product}/f/moved"', None)
    send(stage, framed, "moved", "link@example.com")
    framed.get_by_role("link", name="Go on").click()
    expect(page).to_have_url(f"{stage.host.url}/thanks")
    assert stage.lead("link@example.com")["state"] == "delivered"


@pytest.mark.parametrize("sandbox", SANDBOXES)
def test_a_form_pasted_into_a_builders_frame_is_a_lead_too(stage: Stage, page: Page, sandbox: str) -> None:
    email = address("builder", sandbox)
    framed = frame(stage, page, f'srcdoc="{escape(pasted(stage, email))}"', sandbox)
    framed.get_by_role("button").click()
    expect(framed.get_by_role("heading", name="Thank you")).to_be_visible()
    expect(framed.get_by_role("link", name="Go on")).to_have_attribute("href", f"{stage.host.url}/thanks")
    assert stage.lead(email)["state"] == "delivered"


def test_a_pasted_form_in_a_plain_frame_moves_the_top_page(stage: Stage, page: Page) -> None:
    framed = frame(stage, page, f'srcdoc="{escape(pasted(stage, "srcdoc@example.com"))}"', None)
    framed.get_by_role("button").click()
    expect(page).to_have_url(f"{stage.host.url}/thanks")
    assert stage.lead("srcdoc@example.com")["state"] == "delivered"


def pasted(stage: Stage, email: str) -> str:
    """A small form as a customer pastes it, filled already."""
    fields = {"firstName": "Jane", "lastName": "Doe", "email": email, "web_key": PASTED_KEY}
    fields["OnSuccessURL"] = f"{stage.host.url}/thanks"
    inputs = "".join(f'<input name="{name}" value="{value}">' for name, value in fields.items())
    return f'<form action="{stage.product}/submit" method="post">{inputs}<button>Send</button></form>'


def test_a_form_that_only_its_own_sites_may_frame_stays_out_of_others(stage: Stage, page: Page) -> None:
    with page.expect_console_message(lambda message: "frame-ancestors 'self'" in message.text):
        framed = frame(stage, page, f'src="{stage.product}/f/closed"', None)
    expect(framed.get_by_role("button")).to_have_count(0)
