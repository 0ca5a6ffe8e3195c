"""Nothing typed is lost on the way back from an error page: ours, or the form owner's."""

from __future__ import annotations

import pytest
from playwright.sync_api import Browser, Frame, Page, expect

from tests.browser import embedding
from tests.browser.embedding import document, frame_that, snippet
from tests.browser.stage import PASTED_KEY, Stage, Tab, both_ways, tab
from tests.installation import wait_until
from tests.systems import accounts

pytestmark = pytest.mark.browser

FIELDS = """
fields:
  - {name: firstName, label: First name, required: true}
  - {name: lastName, label: Last name, required: true}
  - {name: second_phone, label: Another phone}
  - {name: email, label: E-mail}
  - {name: service, type: radio, label: What do you need?, options: [Windows, Doors]}
  - {name: colour, label: Which colour?, show_if: {service: Doors}}
  - {name: smsok, type: consent, label: You may text me.}
"""

PASTED = """<!doctype html><title>Contact us</title>
<form action="{product}/submit" method="post">
  <input name="firstName"><input name="lastName"><input name="email"><input name="Favorite Chocolate">
  <input type="hidden" name="web_key" value="{key}">{more}
  <button>Send</button>
</form>"""


@pytest.fixture(scope="module", autouse=True)
def forms(stage: Stage) -> None:
    vendor = f"vendor:{accounts.VENDORS['clienttether']}"
    own = f"on_error_url: {stage.host.url}/oops\n"
    stage.publish("back", f"title: Back\nsubmit: Send\nweb_key: LF_back\n{FIELDS}{vendor}")
    stage.publish("back-led", f"title: Back\nsubmit: Send\n{own}{FIELDS}{vendor}")


def fill(frame: Frame | Page, email: str) -> None:
    typed = {"First name": "Jane", "Last name": "Doe", "Another phone": "512 789 1111", "E-mail": email}
    for label, text in typed.items():
        frame.get_by_label(label).fill(text)
    frame.get_by_label("Doors").check()
    frame.get_by_label("Which colour?").fill("red")


def filled(frame: Frame | Page, email: str) -> None:
    for label, text in {"First name": "Jane", "Last name": "Doe", "E-mail": email, "Which colour?": "red"}.items():
        expect(frame.get_by_label(label)).to_have_value(text)
    expect(frame.get_by_label("Doors")).to_be_checked()


@both_ways
def test_from_our_error_page_into_the_form_and_to_the_vendor(stage: Stage, tab: Tab, scripts: bool) -> None:
    page, email = tab.page, f"draft-{scripts}@example.com".lower()
    page.goto(stage.host.put("pasted-back", PASTED.format(product=stage.product, key="LF_back", more="")))
    page.locator("[name=firstName]").fill("Jane")
    page.locator("[name=email]").fill(email)
    page.locator("[name='Favorite Chocolate']").fill("dark")
    page.get_by_role("button").click()
    expect(page.get_by_text("Please fill in “Last name”.")).to_be_visible()
    page.get_by_role("button", name="Correct your answers").click()
    expect(page).to_have_url(f"{stage.product}/f/back")
    expect(page.get_by_label("First name")).to_have_value("Jane")
    expect(page.get_by_label("Last name")).to_have_attribute("aria-invalid", "true")
    page.get_by_label("Last name").fill("Doe")
    stage.age(page, "back", seconds=60)
    page.get_by_role("button", name="Send").click()
    expect(page.get_by_role("heading", name="Thank you")).to_be_visible()
    assert stage.received(email)["Favorite Chocolate"] == "dark"
    assert (tab.complaints, tab.cookies) == ([], [])


@both_ways
def test_from_a_customers_error_page_to_their_own_form(stage: Stage, tab: Tab, scripts: bool) -> None:
    page = tab.page
    more = f'<input type="hidden" name="OnErrorURL" value="{stage.host.url}/oops">'
    page.goto(stage.host.put("pasted-oops", PASTED.format(product=stage.product, key=PASTED_KEY, more=more)))
    page.locator("[name=firstName]").fill("Jane")
    page.locator("[name='Favorite Chocolate']").fill("dark")
    page.get_by_role("button").click()
    expect(page).to_have_url(f"{stage.host.url}/oops?error_code=ct102&msg=Name+Not+Received")
    page.go_back()
    expect(page.locator("[name=firstName]")).to_have_value("Jane")
    expect(page.locator("[name='Favorite Chocolate']")).to_have_value("dark")


@both_ways
def test_from_the_forms_error_page_to_our_page(stage: Stage, tab: Tab, scripts: bool) -> None:
    page, email = tab.page, f"dup+{scripts}@back.example.com"
    page.goto(f"{stage.product}/f/back-led")
    fill(page, email)
    stage.age(page, "back-led", seconds=60)
    page.get_by_role("button", name="Send").click()
    expect(page).to_have_url(f"{stage.host.url}/oops?error_code=ct103&msg=Duplicate+Client+creation+attempted")
    page.go_back()
    filled(page, email)
    if scripts:  # Chrome brings back by itself what may be filled in by itself
        expect(page.get_by_label("Another phone")).to_have_value("512 789 1111")


@pytest.mark.parametrize("way", ["script", "iframe"])
def test_from_the_forms_error_page_into_the_frame(stage: Stage, tab: Tab, way: embedding.Way) -> None:
    page, email = tab.page, f"dup+{way}@back.example.com"
    page.goto(stage.host.put(f"back-{way}", document(snippet(stage, "back-led", way))))
    frame = frame_that(page, lambda each: each.locator("form"))
    fill(frame, email)
    stage.age(frame, "back-led", seconds=60)
    frame.get_by_role("button", name="Send").click()
    expect(page).to_have_url(f"{stage.host.url}/oops?error_code=ct103&msg=Duplicate+Client+creation+attempted")
    page.go_back()
    frame = frame_that(page, lambda each: each.locator("form"))
    filled(frame, email)
    expect(frame.get_by_label("Another phone")).to_have_value("512 789 1111")


def test_what_is_kept_for_the_way_back_is_no_promise_and_not_for_ever(stage: Stage, browser: Browser) -> None:
    with tab(browser) as opened:
        page = opened.page
        page.goto(f"{stage.product}/f/back-led")
        fill(page, "dup+kept@back.example.com")
        page.get_by_label("You may text me.").check()
        stage.age(page, "back-led", seconds=60)
        page.route(f"{stage.host.url}/**", lambda route: route.fulfill(status=204))
        page.get_by_role("button", name="Send").click()
        wait_until(lambda: page.evaluate("history.state && history.state.answers"))
        state = page.evaluate("history.state")
        assert "smsok" not in dict(state["answers"])
        assert dict(state["answers"])["firstName"] == ["Jane"]
        assert 0 < state["until"] - page.evaluate("Date.now()") <= 1_800_000
        assert page.evaluate("[localStorage.length, sessionStorage.length, document.cookie]") == [0, 0, ""]
        page.evaluate("history.replaceState({ ...history.state, until: Date.now() - 1 }, '')")
        page.goto(f"{stage.product}/healthz")
        page.go_back()
        expect(page.get_by_label("Another phone")).to_have_value("")
