"""A form that a customer pasted into their own site long ago: nothing of it was changed but its `action`."""

from __future__ import annotations

from collections.abc import Callable

import pytest
from playwright.sync_api import Page, expect

from tests.browser.stage import PASTED_KEY, Stage, Tab

pytestmark = pytest.mark.browser

# The shape of the example in ClientTether's document, typographic quotes included.
# https://support.clienttether.com/api-document/posting-to-clienttether-2020/
PASTED = """
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


def paste(stage: Stage, key: str = PASTED_KEY) -> str:
    html = PASTED.format(product=stage.product, host=stage.host.url, key=key)
    return stage.host.put("contact", f"<!doctype html><meta charset=utf-8><title>Contact</title>{html}")


@pytest.fixture
def send(stage: Stage, page: Page) -> Callable[..., None]:
    def fill_and_send(**typed: str) -> None:
        page.goto(paste(stage))
        answers = {"firstName": "Jane", "lastName": "Doe", **typed}
        for name, text in answers.items():
            page.locator(f'[name="{name}"]').fill(text)
        page.get_by_role("button", name="Submit").click()

    return fill_and_send


def test_the_lead_is_with_the_vendor_and_its_visitor_on_the_success_page(
    stage: Stage, tab: Tab, send: Callable[..., None]
) -> None:
    send(phone="(512) 789-1111", email="pasted@example.com", notes="Two windows,\nplease ☎")
    tab.page.locator("[name='Favorite Chocolate']")
    expect(tab.page).to_have_url(f"{stage.host.url}/thanks?from=web#top")
    expect(tab.page.get_by_role("heading", name="Thanks")).to_be_visible()
    assert tab.complaints == []
