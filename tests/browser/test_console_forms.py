"""The marketer's journey in a real browser, and what axe says of every page on the way."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest
from playwright.sync_api import Browser, Page, expect

from leadferry import drafting, users
from leadferry.sandbox import create_sandbox
from leadferry.tokens import PageTokens
from tests.browser.axe import broken_rules
from tests.browser.stage import Host, Tab, host_site, tab
from tests.installation import Installation, Server, make, serve, wait_until
from tests.systems import accounts

pytestmark = pytest.mark.browser

PASSWORD = "three words together"
HTML = """
<form action="https://old.example/lead" method="post">
  <label>First name <input name="firstName" required></label>
  <label>Last name <input name="lastName" required></label>
  <label>E-mail <input type="email" name="email"></label>
  <label>Old code <input name="old_code"></label>
  <button>Send</button>
</form>
"""


@dataclass
class Place:
    installation: Installation
    server: Server
    host: Host

    def go(self, page: Page, path: str) -> None:
        page.goto(f"{self.server.url}/console{path}")


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Place]:
    with host_site() as host, serve(create_sandbox()) as sandbox:
        here = make(
            tmp_path_factory.mktemp("console"),
            None,
            {**accounts.SECRETS, "SANDBOX": sandbox, "ALLOW_PRIVATE_VENDORS": "1"},
        )
        here.form("first", accounts.form("clienttether"))
        users.add(here.store, "Anna", "editor", PASSWORD)
        with here.gunicorn() as server:
            yield Place(here, server, host)
        here.close()


@pytest.fixture
def anna(browser: Browser, place: Place, scripts: bool) -> Iterator[Tab]:
    with tab(browser, scripts=scripts) as found:
        place.go(found.page, "/login")
        found.page.get_by_label("Name").fill("Anna")
        found.page.get_by_label("Password").fill(PASSWORD)
        found.page.get_by_role("button", name="Sign in").click()
        found.page.wait_for_url("**/console/**")
        yield found


def violations(page: Page) -> list[str]:
    found = broken_rules(page, {"resultTypes": ["violations"]})
    return [f"{each['id']}: {[node['html'][:150] for node in each['nodes']]}" for each in found]


def saved(place: Place, name: str, words: str) -> None:
    """The draft says so: what was typed is saved by itself."""

    def says() -> bool:
        found = drafting.find(place.installation.store, name)
        return found is not None and words in found.content

    wait_until(says)


def publish(page: Page) -> None:
    page.get_by_role("link", name="Review and publish").first.click()
    page.get_by_role("button", name="Publish", exact=True).click()
    expect(page.get_by_text("Published. Every machine")).to_be_visible()


def fill_in(page: Page, place: Place, address: str, email: str) -> None:
    """A visitor of another site meets the form there and takes a minute for it."""
    page.goto(address)
    frame = page.frame_locator("iframe")
    frame.get_by_label("Given name").fill("Jane")
    frame.get_by_label("Last name").fill("Doe")
    frame.get_by_label("E-mail").fill(email)
    token = PageTokens(place.installation.environ["SECRET_KEY"]).make("spring", now=1.0)
    frame.locator("[name=_lf_token]").evaluate("(field, token) => { field.value = token }", token)
    frame.get_by_role("button", name="Get my price").click()
    wait_until(lambda: place.installation.leads("--email", email))


def test_a_form_from_pasted_html_is_changed_rehearsed_published_filled_and_a_bad_edit_rolled_back(
    place: Place, anna: Tab, browser: Browser
) -> None:
    page, here = anna.page, place.installation
    place.go(page, "/forms/new")
    assert violations(page) == []
    page.get_by_label("Name", exact=True).fill("spring")
    page.get_by_label("The HTML of a form that you have").check()
    page.get_by_label("HTML", exact=True).fill(HTML)
    page.get_by_role("button", name="Make the draft").click()

    # changed in the controls, and seen beside them at once
    expect(page).to_have_url(re.compile(r"/forms/spring/change$"))
    page.get_by_label("Vendor", exact=True).select_option(label="ClientTether")
    expect(page.get_by_label("Web key", exact=True)).to_have_value("${CLIENTTETHER_WEB_KEY}")
    page.locator("[data-card=firstName] > summary").click()
    page.locator("#c-field-0-label").fill("Given name")
    preview = page.frame_locator("#preview")
    expect(preview.get_by_label("Given name")).to_be_visible()
    page.get_by_label("Text of the button").fill("Get my price")
    expect(preview.get_by_role("button", name="Get my price")).to_be_visible()
    page.get_by_role("button", name="Move Old code up").click()
    expect(page.locator("[data-card]").nth(2)).to_have_attribute("data-card", "old_code")
    expect(page.get_by_role("button", name="Move Old code up")).to_be_focused()
    page.get_by_role("button", name="Remove Old code").click()
    expect(page.locator("[data-card=old_code]")).to_have_count(0)
    expect(page.locator("[data-card=firstName]")).to_have_attribute("open", "")
    page.get_by_label("Where visitors go", exact=True).fill("no address")
    expect(page.locator("#trouble-key-on_success_url")).to_contain_text("is not a web address")
    expect(page.get_by_label("Where visitors go", exact=True)).to_have_attribute("aria-invalid", "true")
    assert violations(page) == []
    page.get_by_label("Where visitors go", exact=True).fill("")
    expect(page.locator("#mistakes")).to_have_count(0)
    expect(preview.get_by_label("Given name")).to_be_visible()

    # what is sent in the preview goes nowhere
    preview.get_by_label("Given name").fill("Test")
    preview.get_by_label("Last name").fill("Test")
    preview.get_by_role("button", name="Get my price").click()
    expect(preview.get_by_text("This is a preview: nothing was sent")).to_be_visible()
    assert here.leads() == []

    # published at once: what was typed a moment before is in it
    page.get_by_label("Title", exact=True).fill("Spring offer")
    publish(page)
    expect(page.get_by_role("heading", name="Spring offer", level=1)).to_be_visible()
    assert violations(page) == []
    host = place.host.put("landing", f'<iframe src="{place.server.url}/f/spring" width="600" height="700"></iframe>')
    with tab(browser) as visitor:
        fill_in(visitor.page, place, host, "jane@example.com")
    wait_until(lambda: here.leads("--email", "jane@example.com")[0]["state"] == "delivered")

    # a bad edit: the rehearsal says so beforehand, and one click takes it back
    place.go(page, "/forms/spring/yaml")
    text = page.get_by_label("The form’s file")
    text.fill(text.input_value().replace("name: email", "name: email, pattern: x+"))
    saved(place, "spring", "pattern: x+")
    expect(page.locator("#saved")).to_contain_text("Saved")
    assert violations(page) == []
    page.get_by_role("link", name="Review and publish").first.click()
    expect(page.get_by_text("1 of the last 1 lead would now be refused.")).to_be_visible()
    expect(page.get_by_text("pattern of the whole answer")).to_have_count(0)
    assert violations(page) == []
    page.get_by_role("button", name="Publish", exact=True).click()
    page.get_by_role("link", name="Versions", exact=True).click()
    assert violations(page) == []
    page.get_by_role("button", name="Go back to this").click()
    page.get_by_role("dialog").get_by_role("button", name="Go back to this").click()
    expect(page.get_by_text("Published. Every machine")).to_be_visible()
    assert "pattern" not in Path(here.root / "forms/spring.yaml").read_text()
    with tab(browser) as visitor:
        fill_in(visitor.page, place, host, "bo@example.com")
    place.go(page, "/forms")
    assert violations(page) == []
    assert anna.complaints == []


@pytest.mark.parametrize("scripts", [False], ids=["without scripts"])
def test_without_scripts_each_button_is_a_post_and_all_of_it_works(place: Place, anna: Tab) -> None:
    page = anna.page
    place.go(page, "/forms/first/change")
    page.get_by_label("Title", exact=True).fill("Plain")
    page.get_by_role("button", name="Save the draft").click()
    expect(page.get_by_role("heading", name="Plain", level=1)).to_be_visible()
    page.get_by_label("Kind").select_option("radio")
    page.get_by_label("What do you ask?").fill("How soon?")
    page.get_by_role("button", name="Add", exact=True).click()
    expect(page.locator("[data-card=how_soon]")).to_have_attribute("open", "")
    expect(page.frame_locator("#preview").get_by_text("How soon?")).to_be_visible()
    page.get_by_role("button", name="Move How soon? up").click()
    page.get_by_role("link", name="Review and publish").first.click()
    page.get_by_role("link", name="Rehearse").click()
    expect(page.get_by_text("The form has no real leads yet")).to_be_visible()
    page.get_by_role("button", name="Publish", exact=True).click()
    expect(page.get_by_text("Published. Every machine")).to_be_visible()
    assert "how_soon" in Path(place.installation.root / "forms/first.yaml").read_text()


def test_the_second_of_two_keeps_what_they_typed(place: Place, anna: Tab) -> None:
    page = anna.page
    place.go(page, "/forms/first/change")
    found = drafting.current(place.installation.store, place.installation.site.office.catalog, "first")
    assert found is not None
    drafting.save(place.installation.store, found, "Bo")
    page.get_by_label("Text of the button").fill("Mine")
    expect(page.get_by_text("Bo saved this draft")).to_be_visible()
    expect(page.get_by_label("Your text")).to_have_value(re.compile("submit: Mine"))
    assert violations(page) == []
