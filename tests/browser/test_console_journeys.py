"""The console in a real browser: the first user, a wrong key mended, an erasure, and a test lead."""

from __future__ import annotations

import re
from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from leadferry import users
from tests.browser.console_stage import PASSWORD, Office, desk, office, sign_in
from tests.browser.stage import Tab

pytestmark = pytest.mark.browser


@pytest.fixture(scope="module", name="office")
def the_office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    root = tmp_path_factory.mktemp("office")
    (root / "key").write_text("CT_BAD_KEY")
    with office(root, CLIENTTETHER_WEB_KEY="", CLIENTTETHER_WEB_KEY_FILE="key") as found:
        yield found


@pytest.fixture(name="desk")
def the_desk(browser: Browser) -> Iterator[Tab]:
    with desk(browser) as found:
        yield found
        assert found.complaints == []


def confirm(page: Page, button: str) -> None:
    page.get_by_role("dialog").get_by_role("button", name=button).click()


def test_the_first_user_is_made_by_the_link_and_comes_in_again(office: Office, desk: Tab) -> None:
    page = desk.page
    link = users.link(users.invite(office.here.store), None, office.url)
    page.goto(link)
    page.get_by_label("Your name").fill("Ada")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Go on").click()
    expect(page.get_by_role("navigation", name="Main")).to_be_visible()
    page.get_by_role("button", name="Sign out").click()
    expect(page).to_have_url(re.compile("/console/login"))
    page.goto(f"{office.url}/console/leads")
    page.get_by_label("Name").fill("ada")
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    expect(page).to_have_url(f"{office.url}/console/leads")


def test_a_wrong_key_is_found_mended_and_what_waited_is_sent(office: Office, desk: Tab) -> None:
    page = desk.page
    references = [office.post(email=f"waits{number}@example.com") for number in range(3)]
    sign_in(page, office)
    page.goto(f"{office.url}/console/leads?form=quote&state=pending")
    trouble = page.get_by_label("What went wrong")
    expect(trouble).to_contain_text("ClientTether refused the key, and 3 leads wait.")
    expect(trouble).to_contain_text("CLIENTTETHER_WEB_KEY")
    (office.here.root / "key").write_text("CT_RIGHT_KEY")
    trouble.get_by_role("button", name="Send the 3 that wait").click()
    expect(page.get_by_role("heading", name="3 leads sent again")).to_be_visible()
    expect(page.locator(".progress-words")).to_have_text("3 delivered")
    assert {office.state(each) for each in references} == {"delivered"}
    page.get_by_role("link", name="Bo Smith").first.click()
    expect(page.locator(".ladder")).to_contain_text("Taken")
    page.get_by_text("Request and answer").first.click()
    expect(page.locator(".ladder pre").first).to_contain_text("${CLIENTTETHER_WEB_KEY}")
    page.get_by_role("link", name="Audit").click()
    expect(page.get_by_role("row", name=re.compile("leads sent again"))).to_contain_text("leads: 3")


def test_a_person_is_erased_after_being_asked(office: Office, desk: Tab) -> None:
    page = desk.page
    reference = office.post("visit", email="forget@example.com")
    sign_in(page, office)
    page.get_by_role("link", name="Leads", exact=True).click()
    page.get_by_label("Find a lead").fill("forget@")
    page.get_by_role("button", name="Find").click()
    page.get_by_role("link", name="Bo Smith").click()
    page.get_by_role("button", name="Erase").click()
    confirm(page, "Cancel")
    expect(page.get_by_text("forget@example.com").first).to_be_visible()
    page.get_by_role("button", name="Erase").click()
    confirm(page, "Erase")
    expect(page.get_by_role("heading", name="Erased lead")).to_be_visible()
    assert "email" not in office.here.lead(reference)["values"]
    page.goto(f"{office.url}/console/leads?q=forget@example.com")
    expect(page.get_by_text("No lead matches")).to_be_visible()


def test_a_test_lead_shows_what_was_sent_and_stands_apart(office: Office, desk: Tab) -> None:
    page = desk.page
    sign_in(page, office)
    page.goto(f"{office.url}/console/forms/visit/test")
    page.get_by_role("button", name="Send the test").click()
    expect(page.get_by_role("status")).to_contain_text("LeadConduit, emulated Taken")
    expect(page.get_by_role("status").locator("pre").first).to_contain_text("test@example.com")
    page.get_by_label("The real account").check()
    page.get_by_role("button", name="Send the test").click()
    expect(page.get_by_role("heading", name="Test Lead")).to_be_visible()
    expect(page.locator(".ladder")).to_contain_text("Taken")
    page.goto(f"{office.url}/console/leads")
    expect(page.get_by_role("link", name="Test Lead", exact=True)).to_have_count(0)


def test_times_stand_in_the_readers_zone(office: Office, desk: Tab) -> None:
    page = desk.page
    office.post("visit", email="time@example.com")
    sign_in(page, office)
    page.goto(f"{office.url}/console/leads")
    shown = page.locator("td time").first
    in_tokyo = page.evaluate(
        """(iso) => new Intl.DateTimeFormat("en-GB", {hour: "2-digit", minute: "2-digit", timeZone: "Asia/Tokyo"})
        .format(new Date(iso))""",
        shown.get_attribute("datetime"),
    )
    expect(shown).to_contain_text(in_tokyo)


def test_it_works_without_scripts_too(office: Office, browser: Browser) -> None:
    context = browser.new_context(java_script_enabled=False)
    page = context.new_page()
    reference = office.post("visit", email="quiet@example.com")
    sign_in(page, office)
    page.goto(f"{office.url}/console/leads/{reference}")
    page.get_by_role("button", name="Erase").click()
    expect(page.get_by_role("heading", name="Erase Bo Smith?")).to_be_visible()
    page.get_by_role("button", name="Erase").click()
    expect(page.get_by_role("heading", name="Erased lead")).to_be_visible()
    context.close()
