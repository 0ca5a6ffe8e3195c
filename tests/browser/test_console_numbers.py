"""The numbers in a real browser: charts that are drawn, pages that all can use, and what the snippet doctor finds."""

from __future__ import annotations

import time
from collections.abc import Iterator
from urllib.parse import parse_qs

import pytest
import requests
from playwright.sync_api import Browser, Page, expect

from leadferry import accepting, numbers
from leadferry.doctor import Noticed, findings, read_facts
from leadferry.leads import NewLead
from leadferry.numbers import DAY, Sighting
from leadferry.web.snippets import reserved
from tests.browser import embedding
from tests.browser.console_stage import Office, desk, office, sign_in, violations
from tests.browser.embedding import asked, document, fill_and_send, frame_that, framed_document, snippet
from tests.browser.stage import Stage, Tab
from tests.installation import wait_until
from tests.systems import accounts

pytestmark = pytest.mark.browser

PAGES = ("overview", "numbers", "numbers?form=quote", "pages")


PUT_AWAY = """() => {
    Object.defineProperty(document, "hidden", { value: true, configurable: true });
    document.dispatchEvent(new Event("visibilitychange"));
}"""


@pytest.fixture(scope="module", name="office")
def the_office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    with office(tmp_path_factory.mktemp("office")) as found:
        fill(found)
        yield found


def fill(office: Office) -> None:
    """Some weeks of visits and leads, and pages with something to find."""
    store, now = office.here.store, time.time()
    form = office.here.site.office.catalog.get("quote")
    today = int(now // DAY)
    counts = {}
    for day in range(20):
        counts[today - day, "quote", "www.example.com/quote", "google / cpc / spring", "seen"] = 40 + day
        counts[today - day, "quote", "", "", "asked again:email"] = 2
        values = {"firstName": "Bo", "lastName": str(day), "landing_url": "x"}
        cut = [{"field": "landing_url", "reason": "cut", "before": 180, "after": 100}]
        lead = NewLead(form=form, values=values, cleaned=cut, received_at=now - day * DAY)  # type: ignore[arg-type]
        accepting.accept(store, lead, {"vendor": None})
    seen = Sighting(now - DAY, now, 12)
    facts = read_facts("depth=2 script=0 opaque=1 snippet=script-1-900 top=www.bakery.example", address="site").text
    numbers.add(store, counts, {("quote", "box.builder.example/html", facts): seen})


def page_of_the_console(found: Tab, office: Office, path: str) -> Page:
    page = found.page
    if not page.url.startswith(f"{office.url}/console"):
        sign_in(page, office, "viewer")
    page.goto(f"{office.url}/console/{path}")
    return page


@pytest.mark.parametrize(("scheme", "width"), [("light", 1280), pytest.param("dark", 390, marks=pytest.mark.thorough)])
def test_the_pages_of_numbers_are_for_everybody(browser: Browser, office: Office, scheme: str, width: int) -> None:
    with desk(browser, scheme, width) as found:
        for path in PAGES:
            page = page_of_the_console(found, office, path)
            assert violations(page) == [], path
            assert page.evaluate("document.documentElement.scrollWidth <= innerWidth"), path
        assert found.complaints == []


def test_a_chart_is_drawn_and_its_table_opens_by_keyboard(browser: Browser, office: Office) -> None:
    with desk(browser) as found:
        page = page_of_the_console(found, office, "numbers")
        chart = page.get_by_role("figure").filter(has_text="Leads and views by day")
        painted = "canvas => canvas.getContext('2d').getImageData(0, 0, canvas.width, canvas.height).data.some(Boolean)"
        assert chart.locator("canvas").evaluate(painted)
        table = chart.get_by_role("table", name="Leads and views by day")
        expect(table).to_be_hidden()
        chart.locator("summary").focus()
        page.keyboard.press("Enter")
        expect(table).to_be_visible()
        expect(table.get_by_role("row")).to_have_count(29)
        assert found.complaints == []


def test_without_scripts_the_tables_are_what_there_is(browser: Browser, office: Office) -> None:
    context = browser.new_context(java_script_enabled=False)
    found = Tab.of(context)
    page = page_of_the_console(found, office, "numbers")
    expect(page.get_by_role("table", name="Conversion by day")).to_be_visible()
    context.close()


# --- what a form notices about its page ---


@pytest.fixture(scope="module")
def forms(stage: Stage) -> None:
    embedding.publish_forms(stage)
    text = (
        f"title: Ask us\nsubmit: Send\nmeasure: progress\n{embedding.FIELDS}vendor:{accounts.VENDORS['clienttether']}"
    )
    stage.installation.form("measured", text)
    wait_until(lambda: requests.get(f"{stage.product}/f/measured", timeout=5).ok)


def found_on(stage: Stage, form: str, path: str) -> list[str]:
    """What is wrong with a page, once the counts of the process that took the post are in the store."""
    where = f"{stage.host.url.removeprefix('http://')}/{path}"
    noticed: list[Noticed] = []

    def is_noticed() -> bool:
        seen = numbers.sightings(stage.installation.store, 0)
        here = [(facts, each) for name, page, facts, each in seen if (name, page) == (form, where)]
        noticed[:] = [Noticed(read_facts(facts), each.count, each.last) for facts, each in here]
        return bool(noticed)

    wait_until(is_noticed)
    height = reserved(stage.installation.site.office.catalog.get(form)).tallest  # type: ignore[arg-type]
    return [each.kind.name for each in findings(noticed, {"script": height})]


@pytest.mark.usefixtures("forms")
def test_a_page_with_the_whole_snippet_has_nothing_to_mend(stage: Stage, tab: Tab) -> None:
    embedding.open_page(stage, tab, "healthy", document(snippet(stage, "embedded")))
    fill_and_send(stage, frame_that(tab.page, asked), "embedded", "healthy@example.com")
    assert found_on(stage, "embedded", "healthy") == []


@pytest.mark.usefixtures("forms")
def test_a_page_that_blocks_the_script_is_found_out(stage: Stage, tab: Tab) -> None:
    tab.page.route("**/embed.js", lambda route: route.abort())
    embedding.open_page(stage, tab, "blocking", document(snippet(stage, "embedded")))
    fill_and_send(stage, frame_that(tab.page, asked), "embedded", "blocked@example.com")
    assert found_on(stage, "embedded", "blocking") == ["script blocked"]


@pytest.mark.usefixtures("forms")
def test_a_snippet_of_before_is_found_out(stage: Stage, tab: Tab) -> None:
    old = snippet(stage, "embedded").replace('name="leadferry-', 'name="')
    embedding.open_page(stage, tab, "aged", document(old))
    fill_and_send(stage, frame_that(tab.page, asked), "embedded", "old@example.com")
    assert found_on(stage, "embedded", "aged") == ["old"]


@pytest.mark.usefixtures("forms")
def test_a_builders_sandbox_that_keeps_the_visitor_is_found_out(stage: Stage, tab: Tab) -> None:
    html = framed_document(stage, "shut-in", snippet(stage, "leading"), embedding.SHUT_IN)
    embedding.open_page(stage, tab, "shut-in", html)
    fill_and_send(stage, frame_that(tab.page, asked), "leading", "shut-in@example.com")
    expected = ["stuck", "query missing", "opaque", "nested"]
    wait_until(lambda: found_on(stage, "leading", "") == expected, 20)  # two processes tell of it


# --- how far visitors come ---


def begun(browser: Browser, stage: Stage) -> Page:
    """The page of a visitor who has begun to answer."""
    page = browser.new_context().new_page()
    page.goto(f"{stage.product}/f/measured")
    page.get_by_label("First name").fill("Jane")
    page.get_by_label("E-mail").fill("jane@example.com")
    return page


def counted(stage: Stage) -> dict[str, int]:
    when = numbers.period(stage.installation.store, 1)
    return {key[4]: count for key, count in numbers.visits(stage.installation.store, when, "measured")}


@pytest.mark.usefixtures("forms")
def test_a_visitor_who_leaves_is_counted_where_they_stopped(browser: Browser, stage: Stage) -> None:
    page = begun(browser, stage)
    page.goto(f"{stage.host.url}/thanks")
    wait_until(lambda: "started" in counted(stage))
    assert {"touched:firstName", "touched:email", "stopped:email"} <= counted(stage).keys()
    page.context.close()


@pytest.mark.usefixtures("forms")
def test_what_is_told_are_names_and_only_once_the_page_is_put_away(browser: Browser, stage: Stage) -> None:
    page = begun(browser, stage)
    told: list[str] = []
    page.on("request", lambda request: told.append(request.url))
    page.get_by_label("Mobile").fill("5127891111")
    assert told == []
    with page.expect_request("**/progress") as report:
        page.evaluate(PUT_AWAY)
    said = parse_qs(report.value.post_data or "")
    assert said.pop("page_url") == [f"{stage.product}/f/measured"]
    assert said == {"touched": ["firstName", "email", "phone"], "last": ["phone"], "sent": ["0"]}
    page.evaluate(PUT_AWAY)
    assert len(told) == 1
    page.context.close()
