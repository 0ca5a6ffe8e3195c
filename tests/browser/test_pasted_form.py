"""A form that a customer pasted into their own site long ago: nothing of it was changed but its `action`."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from tests.browser.stage import PASTED_KEY, Stage, Tab, both_ways

pytestmark = pytest.mark.browser

# The shape of the example in ClientTether's document, its typographic quotes included.
# https://support.clienttether.com/api-document/posting-to-clienttether-2020/
PASTED = """<!doctype html><meta charset="utf-8"><title>Contact us</title>
<form action="{product}/submit" method="post">
  First name:<BR>
  <input type="text" name="firstName" value="">  <BR>
  Last name:<BR>
  <input type="text" name="lastName" value=""><BR>
  <input type="text" name="phone" value="">  <BR>
  <input type="text" name="email" value="">  <BR>
  Favorite Chocolate:<BR>
  <input type="text" name="Favorite Chocolate" value=""><BR>
  <textarea rows=”4” cols=”50” name="notes" value=""></textarea>  <BR><BR>
  <input type="hidden" name="web_key" value="{key}">
  <input type="hidden" name="OnSuccessURL" value="{host}/thanks?from=web#top">
  <input type="hidden" name="OnErrorURL" value="{host}/oops">
  <input type="submit" value="Submit">
</form>
"""


def send(stage: Stage, page: Page, typed: dict[str, str], key: str = PASTED_KEY) -> None:
    page.goto(stage.host.put("contact", PASTED.format(product=stage.product, host=stage.host.url, key=key)))
    for name, text in ({"firstName": "Jane", "lastName": "Doe"} | typed).items():
        page.locator(f'[name="{name}"]').fill(text)
    page.get_by_role("button", name="Submit").click()


@both_ways
def test_the_lead_is_with_the_vendor_and_its_visitor_on_the_success_page(stage: Stage, tab: Tab, scripts: bool) -> None:
    typed = {
        "phone": "(512) 789-1111",
        "email": f"pasted-{scripts}@example.com".lower(),
        "Favorite Chocolate": "70 % & <b>dark</b>",
        "notes": "Two windows,\none door ☎",
    }
    send(stage, tab.page, typed)
    expect(tab.page).to_have_url(f"{stage.host.url}/thanks?from=web#top")
    expect(tab.page.get_by_role("heading")).to_have_text("Thanks")
    cleaned = {"phone": "5127891111", "Favorite Chocolate": "70 % & dark"}
    expected = {"firstName": "Jane", "lastName": "Doe", **typed, **cleaned}
    received = stage.received(typed["email"])
    assert {name: received[name] for name in expected} == expected
    assert stage.lead(typed["email"])["state"] == "delivered"
    assert (tab.complaints, tab.cookies) == ([], [])


def test_a_visitor_whom_the_vendor_knows_already_is_on_the_error_page_which_is_told_why(
    stage: Stage, page: Page
) -> None:
    send(stage, page, {"email": "dup@example.com"})
    expect(page).to_have_url(f"{stage.host.url}/oops?error_code=ct103&msg=Duplicate+Client+creation+attempted")
    assert stage.lead("dup@example.com")["state"] == "rejected"


def test_a_phone_number_that_is_none_leads_to_the_error_page_and_nothing_is_kept(stage: Stage, page: Page) -> None:
    send(stage, page, {"email": "no-phone@example.com", "phone": "call me"})
    expect(page).to_have_url(f"{stage.host.url}/oops?error_code=lf201&msg=Invalid+Field")
    assert stage.installation.leads("--email", "no-phone@example.com") == []


def test_a_key_that_no_form_has_is_said_in_words(stage: Stage, page: Page) -> None:
    send(stage, page, {"email": "no-key@example.com"}, key="CT_unknown")
    expect(page.get_by_role("heading")).to_have_text("This form is not set up right")


def test_what_was_typed_is_still_there_when_the_visitor_goes_back(stage: Stage, page: Page) -> None:
    """The error page for a form without an OnErrorURL promises that."""
    send(stage, page, {"email": "back@example.com"}, key="CT_unknown")
    expect(page.get_by_text("Back")).to_be_visible()
    page.go_back()
    expect(page.locator("[name=email]")).to_have_value("back@example.com")
