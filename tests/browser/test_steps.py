"""A form in steps, and questions that only some answers ask for, where scripts run and where they do not."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Locator, Page, Request, expect

from tests.browser.embedding import document, snippet
from tests.browser.stage import Stage, Tab
from tests.installation import wait_until
from tests.systems import accounts

pytestmark = pytest.mark.browser

FORM = f"""
title: Plan a move
intro: <p>Three short steps.</p>
submit: Send it off
fields:
  - {{name: Kind, label: What do you move?, type: radio, required: true, options: [Home, Office, Nothing]}}
  - {{name: Rooms, label: How many rooms?, type: number, required: true, min: 1, max: 40, show_if: {{Kind: Home}}}}
  - {{name: Piano, label: There is a piano, type: checkbox, show_if: {{Kind: Home}}}}
  - {{name: Floor, label: On which floor is it?, required: true, show_if: {{Piano: true}}}}
  - {{name: Desks, label: How many desks?, type: number, show_if: {{Kind: [Office]}}}}
  - name: Lift
    label: Is there a lift?
    type: checkboxes
    options: [Goods, Persons]
    show_if: {{Kind: [Office, Home]}}
  - {{name: firstName, label: First name, required: true}}
  - {{name: lastName, label: Last name, required: true}}
  - {{name: phone, label: Mobile}}
  - {{name: email, label: E-mail, required: true}}
steps:
  - {{title: What, fields: [Kind, Rooms, Piano, Floor]}}
  - {{title: Details, fields: [Desks, Lift]}}
  - {{title: You, fields: [firstName, lastName, phone, email]}}
vendor:{accounts.VENDORS["clienttether"]}"""


@pytest.fixture(scope="module", name="address")
def the_address(stage: Stage) -> str:
    return stage.publish("move", FORM)


def look_at(stage: Stage, page: Page, address: str) -> None:
    page.goto(address)
    stage.age(page, "move", seconds=60)


def heading(page: Page, title: str) -> Locator:
    return page.get_by_role("heading", name=title)


def go_on(page: Page) -> None:
    page.get_by_role("button", name="Next").click()


def reach_last_step(page: Page) -> None:
    page.get_by_label("Office").check()
    go_on(page)
    expect(heading(page, "Details")).to_be_focused()
    go_on(page)
    expect(heading(page, "You")).to_be_focused()


def fill_last_step(page: Page, email: str) -> None:
    for label, text in {"First name": "Jane", "Last name": "Doe", "E-mail": email}.items():
        page.get_by_label(label).fill(text)


def posts(page: Page) -> list[Request]:
    found: list[Request] = []
    page.on("request", lambda request: found.append(request) if request.method == "POST" else None)
    return found


# --- one step at a time ---


def test_a_visitor_goes_step_by_step_and_the_lead_is_with_the_vendor(stage: Stage, tab: Tab, address: str) -> None:
    page, sent = tab.page, posts(tab.page)
    look_at(stage, page, address)
    expect(page.get_by_role("button")).to_have_text(["Next"])
    expect(page.get_by_label("First name")).to_be_hidden()
    page.get_by_label("Office").check()
    expect(heading(page, "What")).to_have_accessible_name("Step 1 of 3 What")
    expect(page.get_by_role("progressbar", name="Step 1 of 3")).to_have_js_property("value", 1)
    go_on(page)
    expect(heading(page, "Details")).to_be_focused()
    expect(heading(page, "Details")).to_have_accessible_name("Step 2 of 3 Details")
    expect(page.get_by_label("Office")).to_be_hidden()
    page.get_by_label("How many desks?").fill("12")
    page.get_by_role("button", name="Back").click()
    expect(heading(page, "What")).to_be_focused()
    expect(page.get_by_label("Office")).to_be_checked()
    go_on(page)
    go_on(page)
    expect(heading(page, "You")).to_be_focused()
    expect(page.get_by_role("button")).to_have_text(["Back", "Send it off"])
    assert sent == []
    fill_last_step(page, "steps@example.com")
    page.get_by_role("button", name="Send it off").click()
    expect(page).to_have_url(f"{address}/thanks")
    received = stage.received("steps@example.com")
    assert {name: received.get(name) for name in ("Kind", "Desks", "Rooms")} == {
        "Kind": "Office", "Desks": "12", "Rooms": None,
    }  # fmt: skip
    assert (tab.complaints, tab.cookies) == ([], [])


def test_next_asks_for_what_is_missing_in_its_step_and_for_nothing_else(stage: Stage, page: Page, address: str) -> None:
    sent = posts(page)
    look_at(stage, page, address)
    go_on(page)
    problem = page.get_by_role("alert", name="There is a problem")
    expect(problem).to_be_focused()
    expect(problem.get_by_role("link")).to_have_text(["Please choose an answer for “What do you move?”."])
    group = page.get_by_role("radiogroup", name="What do you move?")
    expect(group).to_have_attribute("aria-invalid", "true")
    expect(page.get_by_label("Home")).to_have_accessible_description("Please choose an answer for “What do you move?”.")
    problem.get_by_role("link").click()
    expect(page.get_by_label("Home")).to_be_focused()
    page.get_by_label("Home").check()
    page.get_by_label("How many rooms?").fill("99")
    go_on(page)
    expect(problem.get_by_role("link")).to_have_text(["How many rooms? Enter 40 or less."])
    page.get_by_label("How many rooms?").fill("4")
    go_on(page)
    expect(problem).to_have_count(0)
    expect(heading(page, "Details")).to_be_focused()
    assert page.title() == "Plan a move"
    assert sent == []


def test_the_keyboard_is_enough_and_enter_goes_on(stage: Stage, page: Page, address: str) -> None:
    keys, sent = page.keyboard, posts(page)
    look_at(stage, page, address)
    keys.press("Tab")
    expect(page.get_by_label("Home")).to_be_focused()
    keys.press("Space")
    keys.press("Tab")
    expect(page.get_by_label("How many rooms?")).to_be_focused()
    keys.type("4")
    keys.press("Enter")
    expect(heading(page, "Details")).to_be_focused()
    keys.press("Tab")
    expect(page.get_by_label("Goods")).to_be_focused()
    keys.press("Enter")
    expect(heading(page, "You")).to_be_focused()
    for text in ("Jane", "Doe", "5127891111", "keyboard@example.com"):
        keys.press("Tab")
        keys.type(text)
    assert sent == []
    keys.press("Enter")
    expect(page).to_have_url(f"{address}/thanks")
    assert stage.lead("keyboard@example.com")["state"] == "delivered"


def test_the_browsers_own_back_and_forward_go_a_step(stage: Stage, page: Page, address: str) -> None:
    page.goto(f"{stage.product}/healthz")
    look_at(stage, page, address)
    reach_last_step(page)
    page.get_by_label("First name").fill("Jane")
    page.go_back()
    expect(heading(page, "Details")).to_be_focused()
    page.go_back()
    expect(heading(page, "What")).to_be_focused()
    page.go_forward()
    page.go_forward()
    expect(page.get_by_label("First name")).to_have_value("Jane")
    page.get_by_role("button", name="Back").click()
    expect(heading(page, "Details")).to_be_focused()
    page.get_by_role("button", name="Back").click()
    expect(heading(page, "What")).to_be_focused()
    page.go_back()
    expect(page).to_have_url(f"{stage.product}/healthz")


def test_in_a_frame_the_browsers_back_belongs_to_the_page_around_it(stage: Stage, page: Page, address: str) -> None:
    page.goto(stage.host.put("steps", document(snippet(stage, "move"))))
    frame = page.frame_locator("iframe")
    frame.get_by_label("Office").check()
    before = page.evaluate("history.length")
    frame.get_by_role("button", name="Next").click()
    expect(frame.get_by_role("heading", name="Details")).to_be_focused()
    frame.get_by_role("button", name="Back").click()
    expect(frame.get_by_role("heading", name="What")).to_be_focused()
    assert page.evaluate("history.length") == before


def test_what_the_server_refuses_leads_to_the_first_step_with_an_error(stage: Stage, page: Page, address: str) -> None:
    look_at(stage, page, address)
    reach_last_step(page)
    fill_last_step(page, "two..dots@example.com")
    page.evaluate("document.querySelector('[value=Office]').value = 'Palace'")  # as an old page might still offer it
    page.get_by_role("button", name="Send it off").click()
    problem = page.get_by_role("alert", name="There is a problem")
    expect(problem).to_be_focused()
    expect(heading(page, "What")).to_be_visible()
    expect(page.get_by_role("radiogroup")).to_have_attribute("aria-invalid", "true")
    problem.get_by_role("link", name="E-mail").click()
    expect(page.get_by_label("E-mail")).to_be_focused()
    expect(heading(page, "You")).to_be_visible()
    expect(page.get_by_label("E-mail")).to_have_accessible_description(
        "Enter an e-mail address, for example name@example.com."
    )


def test_a_step_in_which_nothing_is_asked_is_left_out(stage: Stage, page: Page, address: str) -> None:
    look_at(stage, page, address)
    page.get_by_label("Nothing").check()
    expect(heading(page, "What")).to_have_accessible_name("Step 1 of 2 What")
    go_on(page)
    expect(heading(page, "You")).to_be_focused()
    expect(heading(page, "You")).to_have_accessible_name("Step 2 of 2 You")
    expect(page.get_by_role("progressbar")).to_have_js_property("max", 2)
    page.get_by_role("button", name="Back").click()
    expect(heading(page, "What")).to_be_focused()


@pytest.mark.parametrize("scripts", [False])
def test_without_a_script_every_question_is_on_the_page_and_says_when_it_is_meant(
    stage: Stage, tab: Tab, scripts: bool, address: str
) -> None:
    page = tab.page
    look_at(stage, page, address)
    expect(page.get_by_role("button")).to_have_text(["Send it off"])
    expect(page.get_by_role("progressbar")).to_have_count(0)
    expect(page.get_by_role("heading", level=2)).to_have_count(3)
    said = {
        "How many rooms?": "Only if “What do you move?” is answered with: Home.",
        "On which floor is it?": "Only if you tick “There is a piano”.",
    }
    for label, words in said.items():
        expect(page.get_by_label(label)).to_have_accessible_description(words)
    page.get_by_label("Office").check()
    page.get_by_label("How many rooms?").fill("4")  # does not apply, so it is no answer
    fill_last_step(page, "plain-steps@example.com")
    page.get_by_role("button", name="Send it off").click()
    expect(page).to_have_url(f"{address}/thanks")
    assert "Rooms" not in stage.received("plain-steps@example.com")


def test_where_the_forms_script_does_not_come_every_question_is_on_the_page(
    stage: Stage, page: Page, address: str
) -> None:
    page.route("**/form.js", lambda route: route.abort())
    page.goto(address)
    expect(page.get_by_label("How many desks?")).to_be_visible()
    expect(page.get_by_role("button")).to_have_text(["Send it off"])


def test_nothing_that_the_script_hides_is_seen_first(stage: Stage, page: Page, address: str) -> None:
    """Chrome waits for a script that a page calls `blocking`, as for a style sheet."""
    page.add_init_script(
        "new PerformanceObserver((list) => { for (const each of list.getEntries()) window.shift = each.value })"
        ".observe({ type: 'layout-shift', buffered: true })"
    )
    page.goto(address)
    expect(page.get_by_label("Home")).to_be_visible()
    drawn = "new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))"
    assert page.evaluate(f"{drawn}.then(() => window.shift)") is None


# --- only where it applies ---


def test_what_does_not_apply_is_neither_seen_nor_sent_nor_asked_for(stage: Stage, page: Page, address: str) -> None:
    sent = posts(page)
    look_at(stage, page, address)
    expect(page.get_by_label("How many rooms?")).to_be_hidden()
    page.get_by_label("Home").check()
    page.get_by_label("How many rooms?").fill("4")
    page.get_by_label("There is a piano").check()
    page.get_by_label("On which floor is it?").fill("3rd")
    page.get_by_label("Nothing").check()
    for label in ("How many rooms?", "There is a piano", "On which floor is it?"):
        expect(page.get_by_label(label)).to_be_hidden()
        expect(page.get_by_label(label)).to_be_disabled()
    go_on(page)
    fill_last_step(page, "applies@example.com")
    page.get_by_role("button", name="Send it off").click()
    expect(page).to_have_url(f"{address}/thanks")
    (request,) = sent
    assert not [name for name in ("Rooms", "Piano", "Floor") if f'name="{name}"' in (request.post_data or "")]


def test_what_was_typed_comes_back_with_its_question(stage: Stage, page: Page, address: str) -> None:
    look_at(stage, page, address)
    page.get_by_label("Home").check()
    page.get_by_label("How many rooms?").fill("4")
    page.get_by_label("Office").check()
    page.get_by_label("Home").check()
    expect(page.get_by_label("How many rooms?")).to_have_value("4")


def test_a_question_that_the_server_asks_for_is_shown_whatever_the_page_thinks(
    stage: Stage, page: Page, address: str
) -> None:
    look_at(stage, page, address)
    page.get_by_label("Nothing").check()
    go_on(page)
    fill_last_step(page, "forced@example.com")
    refusal: dict[str, Any] = {"Message": "Error", "error_code": "lf202", "msg": "Required Field Missing"}
    refusal["errors"] = [{"field": "Rooms", "code": "lf202", "message": "Please fill in “How many rooms?”."}]
    page.route("**/f/move", lambda route: route.fulfill(status=422, json=refusal))
    page.get_by_role("button", name="Send it off").click()
    expect(page.get_by_role("alert")).to_be_focused()
    expect(page.get_by_label("How many rooms?")).to_be_editable()


# --- while it is being sent ---


def test_while_it_is_being_sent_the_page_says_so_and_takes_no_second_click(
    stage: Stage, page: Page, address: str
) -> None:
    waiting: list[Any] = []
    look_at(stage, page, address)
    reach_last_step(page)
    fill_last_step(page, "busy@example.com")
    page.route("**/f/move", lambda route: waiting.append(route))  # noqa: PLW0108  # a built-in it cannot mark
    button = page.get_by_role("button", name="Send it off")
    button.click()
    busy = page.get_by_role("button", name="Sending…")
    expect(busy).to_have_attribute("aria-disabled", "true")
    expect(page.get_by_role("status")).to_have_text("Sending…")
    busy.click(force=True)
    page.keyboard.press("Enter")
    wait_until(lambda: page.evaluate("true") and waiting)  # each look lets the browser say what it is about to send
    (route,) = waiting
    route.abort()
    expect(page.get_by_role("alert")).to_contain_text("Your answers could not be sent.")
    expect(button).to_have_attribute("aria-disabled", "false")
    expect(page.get_by_role("status")).to_have_text("")
    expect(page.get_by_label("E-mail")).to_have_value("busy@example.com")
