"""The form as a page of ours, /f/<form>."""

from __future__ import annotations

import pytest
from playwright.sync_api import Page, expect

from leadferry.tokens import MINIMUM_SECONDS
from tests.browser.stage import Stage, Tab, both_ways
from tests.installation import wait_until
from tests.systems.accounts import VENDORS

pytestmark = pytest.mark.browser


def look_at(stage: Stage, page: Page, form: str = "quote", query: str = "") -> None:
    """A visitor opens the page and looks at it for a minute."""
    page.goto(f"{stage.product}/f/{form}{query}")
    stage.age(page, form, seconds=60)


def fill(page: Page, email: str) -> None:
    page.get_by_label("First name").fill("Jane")
    page.get_by_label("Last name").fill("Doe")
    page.get_by_label("E-mail").fill(email)


def submit(page: Page) -> None:
    page.get_by_role("button").click()


@both_ways
def test_a_visitor_mends_what_was_missing_and_the_lead_is_with_the_vendor(
    stage: Stage, tab: Tab, scripts: bool
) -> None:
    page, email = tab.page, f"hosted-{scripts}@example.com".lower()
    look_at(stage, page, query="?utm_source=spring")
    page.get_by_label("Last name").fill("Doe")
    page.get_by_label("Mobile").fill("512 789 1111")
    page.get_by_label("E-mail").fill(email)
    page.get_by_label("What do you need?").select_option(label="Doors")
    page.get_by_label("Favourite chocolate").fill("<i>dark</i>")
    page.get_by_label("You may text me about my quote.").check()
    assert tab.hosts == {stage.product.removeprefix("http://")}
    submit(page)
    if scripts:
        expect(page.get_by_role("alert", name="There is a problem")).to_be_focused()
    else:
        expect(page.get_by_label("First name")).to_be_focused()  # the browser insists
        page.locator("form").evaluate("form => { form.noValidate = true }")
        submit(page)
    assert page.url.endswith("/f/quote?utm_source=spring" if scripts else "/f/quote")
    problem = page.get_by_role("alert", name="There is a problem")
    expect(problem).to_be_focused()
    problem.get_by_role("link", name="First name").click()
    first_name = page.get_by_label("First name")
    expect(first_name).to_be_focused()
    expect(first_name).to_have_attribute("aria-invalid", "true")
    expect(page.get_by_label("Last name")).to_have_value("Doe")
    expect(page.get_by_label("Mobile")).to_have_value("512 789 1111")
    expect(page.get_by_label("What do you need?")).to_have_value("Doors")
    expect(page.get_by_label("Favourite chocolate")).to_have_value("<i>dark</i>")
    expect(page.get_by_label("You may text me about my quote.")).to_be_checked()
    assert stage.installation.leads("--email", email) == []

    first_name.fill("Jane")
    submit(page)
    expect(page).to_have_url(f"{stage.product}/f/quote/thanks")
    expect(page.get_by_role("heading", name="Thank you")).to_be_visible()
    expected = {
        "firstName": "Jane",
        "lastName": "Doe",
        "phone": "5127891111",
        "email": email,
        "service": "Doors",
        "Favorite Chocolate": "dark",
        "smsok": "1",
        "tag": "web,quote",
        "utm_source": "spring",
    }
    received = stage.received(email)
    assert {name: received[name] for name in expected} == expected
    assert stage.lead(email)["state"] == "delivered"
    assert (tab.complaints, tab.cookies) == ([], [])


@pytest.mark.parametrize("vendor", VENDORS)
def test_the_lead_is_with_each_vendor(stage: Stage, page: Page, vendor: str) -> None:
    email = f"jane@{vendor}.example.com"
    look_at(stage, page, vendor)
    fill(page, email)
    submit(page)
    expect(page).to_have_url(f"{stage.product}/f/{vendor}/thanks")
    assert email in str(stage.received(email))
    assert stage.lead(email)["state"] == "delivered"


@both_ways
@pytest.mark.parametrize(
    ("behaviour", "landing"),
    [("ok", "thanks"), ("dup", "oops?error_code=ct103&msg=Duplicate+Client+creation+attempted")],
    ids=["success", "error"],
)
def test_a_form_with_pages_of_its_own_sends_its_visitors_there(
    stage: Stage, tab: Tab, scripts: bool, behaviour: str, landing: str
) -> None:
    """Chrome stops a redirect to an address that the policy of the form's page does not name."""
    look_at(stage, tab.page, "moved")
    fill(tab.page, f"{behaviour}+{scripts}@moved.example.com")
    submit(tab.page)
    expect(tab.page).to_have_url(f"{stage.host.url}/{landing}")
    assert (tab.complaints, tab.cookies) == ([], [])


def test_the_theme_is_applied_under_the_strict_policy(stage: Stage, page: Page) -> None:
    page.goto(f"{stage.product}/f/quote")
    expect(page.get_by_role("button")).to_have_css("background-color", "rgb(18, 52, 86)")


def test_the_keyboard_is_enough(stage: Stage, tab: Tab) -> None:
    page, keys = tab.page, tab.page.keyboard
    page.goto(f"{stage.product}/f/quote")
    typed = {
        "First name": "Jane",
        "Last name": "Doe",
        "Mobile": "5127891111",
        "E-mail": "keys@example.com",
        "What do you need?": "Doors",
        "Favourite chocolate": "dark",
        "You may text me about my quote.": " ",
    }
    for label, text in typed.items():
        keys.press("Tab")
        expect(page.get_by_label(label)).to_be_focused()
        keys.type(text)
    keys.press("Tab")
    expect(page.get_by_role("button", name="Get my quote")).to_be_focused()
    token = page.locator("[name=_lf_token]").input_value()
    wait_until(lambda: (stage.tokens.age(token, "quote") or 0) > MINIMUM_SECONDS)
    keys.press("Enter")
    expect(page).to_have_url(f"{stage.product}/f/quote/thanks")
    received = stage.received("keys@example.com")
    assert (received["service"], received["smsok"]) == ("Doors", "1")


def test_what_is_sent_faster_than_a_person_can_is_thanked_for_and_held(stage: Stage, page: Page) -> None:
    page.goto(f"{stage.product}/f/quote")
    fill(page, "fast@example.com")
    stage.age(page, "quote", seconds=-10)  # however slowly this machine goes on
    submit(page)
    expect(page).to_have_url(f"{stage.product}/f/quote/thanks")
    assert stage.lead("fast@example.com")["state"] == "quarantined"
    assert stage.sandbox.inbox(email="fast@example.com") == []
