"""The overview, the numbers and the pages: what they say of visits and leads, and to whom."""

from __future__ import annotations

import threading
import time
from typing import Any

import pytest
from bs4 import BeautifulSoup
from sqlalchemy import text

from leadferry import accepting, leads, numbers
from leadferry.doctor import SNIPPET, VIEWS_WITHOUT_TRY, read_facts
from leadferry.leads import NewLead
from leadferry.numbers import DAY, Sighting
from leadferry.web.console import charts, counting
from leadferry.web.snippets import reserved
from tests.conftest import Install
from tests.installation import Installation, wait_until
from tests.web.console.visitor import Visitor, signed_in, stranger

pytestmark = pytest.mark.thorough_on_postgresql  # counts are tested where they are made

FORM = """
title: Get a <b>free</b> quote
fields: [{name: firstName, label: First name, required: true}, {name: email, label: E-mail}]
vendor: {name: webhook, url: "https://hooks.example.com/x", wait: 0}
"""
CHROME = {"User-Agent": "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/147.0.0.0 Safari/537.36"}
PAGES = ("overview", "numbers", "pages")
SCRIPT = "<script>alert(1)</script>"


@pytest.fixture
def installation(install: Install, monkeypatch: pytest.MonkeyPatch) -> Installation:
    monkeypatch.setattr(counting, "FRESH_SECONDS", 0.0)
    return install({"quote": FORM, "measured": FORM + "measure: progress\n"})


@pytest.fixture
def viewer(installation: Installation) -> Visitor:
    return signed_in(installation, "viewer")


def shown(visitor: Visitor, page: str) -> BeautifulSoup:
    answer = visitor.get(f"/console/{page}")
    assert answer.status_code == 200
    return BeautifulSoup(answer.text, "html.parser")


def words(page: BeautifulSoup) -> str:
    return " ".join(page.get_text(" ").split())


def rows(page: BeautifulSoup, caption: str) -> list[list[str]]:
    """The body of a table, cell by cell."""
    tables = page.find_all("table")
    [table] = [each for each in tables if each.caption and words(each.caption) == caption]
    return [[words(cell) for cell in row.find_all(["th", "td"])] for row in table.tbody.find_all("tr")]


def accept(installation: Installation, state: str = "delivered", after: float = 1.0, **more: Any) -> str:
    form = installation.site.office.catalog.get("quote")
    reason = more.pop("reason", None)
    values = more.pop("values", {"firstName": str(time.monotonic())})
    accepted = accepting.accept(installation.store, NewLead(form=form, values=values, **more), {"vendor": None})  # type: ignore[arg-type]
    statement = (
        "UPDATE delivery SET state = :state, reason = :reason, settled_at = "
        "(SELECT received_at FROM lead WHERE id = :lead) + :after WHERE lead_id = :lead"
    )
    with installation.store.write() as connection:
        connection.execute(
            text(statement), {"state": state, "reason": reason, "after": after, "lead": accepted.lead_id}
        )
    return accepted.reference


def count(installation: Installation, *counts: tuple[str, str, str, str, int]) -> None:
    """Of today: form, page, campaign, what, how often."""
    day = int(time.time() // DAY)
    numbers.add(installation.store, {(day, *each[:4]): each[4] for each in counts}, {})


def sighted(installation: Installation, page: str, facts: str, posts: int = 10, form: str = "quote") -> None:
    seen = Sighting(time.time() - DAY, time.time(), posts)
    numbers.add(installation.store, {}, {(form, page, read_facts(facts).text): seen})


# --- who may ---


@pytest.mark.parametrize("page", PAGES)
def test_a_viewer_sees_the_numbers_and_a_stranger_sees_the_login(installation: Installation, page: str) -> None:
    assert stranger(installation).get(f"/console/{page}").status_code == 303
    for role in ("viewer", "editor", "operator"):
        assert signed_in(installation, role).get(f"/console/{page}").status_code == 200


def test_a_click_on_the_name_of_the_console_leads_to_the_overview(viewer: Visitor) -> None:
    assert viewer.get("/console/").location == "/console/overview"


@pytest.mark.parametrize("page", PAGES)
def test_an_installation_without_forms_says_what_to_do_first(install: Install, page: str) -> None:
    found = shown(signed_in(install(), "viewer"), page)
    assert found.select_one(".empty h2") is not None


def test_an_installation_without_leads_says_how_to_get_the_first(viewer: Visitor) -> None:
    for page in PAGES:
        action = shown(viewer, page).select_one(".empty a")
        assert action is not None
        assert action["href"] == "/f/measured/snippet"


@pytest.mark.parametrize("page", PAGES)
def test_nothing_that_a_visitor_or_a_vendor_sends_runs_as_script(
    installation: Installation, viewer: Visitor, page: str
) -> None:
    campaign = {"page_url": f"https://example.com/{SCRIPT}", "utm_source": SCRIPT}
    cleaned = [{"field": SCRIPT, "reason": SCRIPT, "before": 9, "after": 3}] * 5
    for _ in range(5):
        accept(installation, "rejected", campaign=campaign, cleaned=cleaned, values={SCRIPT: SCRIPT}, reason=SCRIPT)
    with installation.store.write() as connection:
        connection.execute(
            text(
                "INSERT INTO account (account, waiting, reason, words, since, failures, probes, probe_at) "
                "VALUES ('quote/vendor', 'misconfigured', 'credentials', :words, 1, 1, 1, 1)"
            ),
            {"words": SCRIPT},
        )
    count(
        installation, ("quote", f"example.com/{SCRIPT}", SCRIPT, "seen", 9), ("quote", "", "", f"refused:{SCRIPT}", 2)
    )
    numbers.add(installation.store, {}, {("quote", SCRIPT, SCRIPT): Sighting(time.time(), time.time(), 1)})
    answer = viewer.get(f"/console/{page}")
    assert SCRIPT not in answer.text
    assert "alert(1)" in answer.text


# --- the overview ---


def test_the_light_is_green_where_every_lead_is_accounted_for(installation: Installation, viewer: Visitor) -> None:
    accept(installation)
    accept(installation, "rejected", reason="duplicate")
    found = shown(viewer, "overview")
    light = found.select_one(".balance")
    assert light is not None
    assert "balance-good" in light["class"]
    assert words(light) == "Every lead is accounted for 2 received = , of these 1 delivered + 1 refused"
    assert "All clear" in words(found), "a duplicate needs nobody"


def test_a_page_does_not_wait_for_a_count_that_takes_long(
    installation: Installation, viewer: Visitor, monkeypatch: pytest.MonkeyPatch
) -> None:
    accept(installation)
    go_on = threading.Event()
    balance = leads.balance
    monkeypatch.setattr(leads, "balance", lambda store: go_on.wait(20) and balance(store))
    monkeypatch.setattr(counting.counted, "__defaults__", (0.05,))
    assert "Counting every lead" in words(shown(viewer, "overview"))
    go_on.set()
    wait_until(lambda: "Every lead is accounted for" in words(shown(viewer, "overview")))


def test_the_light_is_red_where_a_lead_is_missing(installation: Installation, viewer: Visitor) -> None:
    accept(installation)
    with installation.store.write() as connection:
        connection.execute(text("DELETE FROM delivery"))
    found = shown(viewer, "overview")
    assert found.select_one(".balance-bad") is not None
    assert "Leads are missing from the balance" in words(found)


def test_what_needs_a_person_is_listed_with_the_way_to_it(install: Install) -> None:
    installation = install({"quote": FORM, "broken": "title: Broken\nvendor: {name: nobody}\n"})
    for _ in range(3):
        accept(installation, "dead", reason="down")
    accept(installation, "held", reason="timeout")
    found = shown(signed_in(installation, "viewer"), "overview")
    needs = {words(each.select_one(".need-title")): each for each in found.select(".need")}  # type: ignore[arg-type]
    assert [title for title in needs if "broken" in title]
    [dead] = [each for title, each in needs.items() if "3 leads" in title]
    link = dead.select_one("a")
    assert link is not None
    assert link["href"] == "/console/leads?form=quote&state=dead"
    assert "All clear" not in words(found)


def test_a_form_gone_silent_is_named(installation: Installation, viewer: Visitor) -> None:
    now = time.time()
    for week in range(1, 4):
        for number in range(30):
            accept(installation, received_at=now - week * 7 * DAY + number * 300 - 9000)
    found = shown(viewer, "overview")
    assert "quote: no lead for" in words(found)
    assert "Silent" in words(found)


def test_each_form_shows_this_week_and_the_one_before(installation: Installation, viewer: Visitor) -> None:
    now = time.time()
    for days in (0.5, 1, 2, 8, 9):
        accept(installation, received_at=now - days * DAY)
    count(installation, ("quote", "", "", "seen", 12))
    found = shown(viewer, "overview")
    assert [row[2:4] for row in rows(found, "Leads of each form") if row[0].endswith("quote")] == [["3", "2"]]
    figures = {words(each.dt): words(each.select_one(".figure")) for each in found.select(".figures > div")}  # type: ignore[arg-type]
    assert figures == {"Leads": "3", "Views": "12", "Conversion": "25 %", "Seconds to the CRM": "1.0 s"}


def test_a_sparkline_is_as_wide_as_its_days_and_touches_the_top() -> None:
    assert charts.sparkline([0, 5, 10], 100, 24) == "0.0,22.0 50.0,12.0 100.0,2.0"
    assert charts.sparkline([0, 0], 100, 24) == "0.0,22.0 100.0,22.0"


@pytest.mark.parametrize(
    ("seconds", "said"),
    [(0.04, "0.0 s"), (9.94, "9.9 s"), (12, "12 s"), (100, "2 min"), (7200, "2 h"), (300_000, "3 days")],
)
def test_durations_are_short(seconds: float, said: str) -> None:
    assert charts.duration(seconds) == said


# --- the numbers ---


def test_the_funnel_goes_from_views_to_delivered(installation: Installation, viewer: Visitor) -> None:
    place = ("www.example.com/a", "google / cpc / spring")
    count(installation, ("quote", *place, "seen", 20), ("quote", *place, "tried", 6))
    campaign = {
        "page_url": "https://www.example.com/a?x=1",
        "utm_source": "google",
        "utm_medium": "cpc",
        "utm_campaign": "spring",
    }
    for state in ("delivered", "delivered", "pending", "rejected"):
        accept(installation, state, campaign=campaign)
    found = shown(viewer, "numbers?form=quote")
    steps = [words(each) for each in found.select(".funnel .figure")]
    assert steps == ["20", "–", "6", "4", "2"]
    expected = ["20", "–", "6", "4", "2", "20 %"]
    assert rows(found, "By page") == [["www.example.com/a", *expected]]
    assert rows(found, "By campaign") == [["google / cpc / spring", *expected]]
    assert "measure: progress" in words(found)
    assert rows(shown(viewer, "numbers"), "By form")[0] == ["quote", *expected]


def test_a_measured_form_shows_where_people_stop(installation: Installation, viewer: Visitor) -> None:
    count(
        installation,
        ("measured", "p.example.com/", "", "seen", 10),
        ("measured", "p.example.com/", "", "started", 7),
        ("measured", "", "", "touched:email", 5),
        ("measured", "", "", "stopped:email", 2),
        ("measured", "", "", "asked again:firstName", 3),
    )
    found = shown(viewer, "numbers?form=measured")
    assert rows(found, "Where people stop") == [
        ["First name firstName", "0", "0", "3"],
        ["E-mail email", "5", "2", "0"],
    ]
    assert [words(each) for each in found.select(".funnel .figure")][:2] == ["10", "7"]
    assert "measure: progress" not in words(found)


def test_each_chart_has_a_table_of_the_same_numbers(installation: Installation, viewer: Visitor) -> None:
    count(installation, ("quote", "", "", "seen", 8))
    accept(installation)
    accept(installation)
    found = shown(viewer, "numbers?days=7")
    today = time.strftime("%a %-d %b", time.gmtime())
    charts_ = found.select("[data-chart]")
    assert len(charts_) == 2
    for chart in charts_:
        assert len(chart.select("tbody tr")) == 7
        assert chart.details is not None
        assert chart.details.has_attr("open"), "without scripts the table is what there is"
    assert rows(found, "Leads and views by day")[0] == [today, "2", "8"]
    assert rows(found, "Conversion by day")[0] == [today, "25 %"]


def test_refusals_are_told_in_plain_words(installation: Installation, viewer: Visitor) -> None:
    for _ in range(12):
        accept(installation, "rejected", reason="duplicate")
    count(installation, ("quote", "", "", "refused:lf202", 5))
    found = shown(viewer, "numbers?form=quote")
    assert rows(found, "Why posts were not taken") == [["A required question was left empty.", "lf202", "5"]]
    [row] = rows(found, "Why leads did not arrive")
    assert row[0].startswith("Webhook refused 12 leads as duplicates. Nothing to do")
    assert row[1:3] == ["quote", "Refused"]


def test_the_seconds_to_the_crm_and_the_slowest_leads_are_told(installation: Installation, viewer: Visitor) -> None:
    for seconds in (1.0, 1.0, 2.0):
        accept(installation, after=seconds)
    slowest = accept(installation, after=600.0)
    found = shown(viewer, "numbers")
    assert rows(found, "From Submit to the CRM") == [["Webhook", "4", "1.0 s", "10 min"]]
    first = found.select_one(".plain-list li")
    assert first is not None
    assert slowest in words(first)


def test_a_field_that_is_cut_says_that_it_should_be_declared(installation: Installation, viewer: Visitor) -> None:
    cut = [{"field": "landing_url", "reason": "cut", "before": 240, "after": 100}]
    for number in range(40):
        accept(installation, values={"firstName": str(number), "landing_url": "x"}, cleaned=cut if number < 38 else [])
    [row] = rows(shown(viewer, "numbers"), "What was cut or stripped often, in the newest leads")
    assert row[0] == "landing_url was cut, the longest from 240 characters, in 38 of 40 leads"
    assert row[1].startswith("Declare it")


def test_an_address_with_nonsense_shows_the_usual(installation: Installation, viewer: Visitor) -> None:
    accept(installation)
    found = shown(viewer, "numbers?form=nobody&days=99999999")
    assert words(found.h1) == "Numbers"  # type: ignore[arg-type]
    assert "28 days" in words(found.select_one("select[name=days] option[selected]"))  # type: ignore[arg-type]


# --- the snippet doctor ---


def good(installation: Installation) -> str:
    height = reserved(installation.site.office.catalog.get("quote")).tallest  # type: ignore[arg-type]
    return f"depth=1 script=1 opaque=0 snippet=script-{SNIPPET}-{height}"


def test_a_page_where_all_is_well_says_so(installation: Installation, viewer: Visitor) -> None:
    sighted(installation, "www.example.com/quote", good(installation))
    count(
        installation,
        ("quote", "www.example.com/quote", "", "seen", 30),
        ("quote", "www.example.com/quote", "", "tried", 10),
    )
    [page] = shown(viewer, "pages").select(".page-card")
    assert words(page).startswith("www.example.com/quote Works Form quote · Frame and script · 30 views · 10 tries")
    assert not page.select(".need")


def test_what_was_found_on_a_page_is_told_with_how_to_mend_it(installation: Installation, viewer: Visitor) -> None:
    sighted(installation, "a.example.com/x", good(installation))
    sighted(installation, "b.example.com/y", good(installation).replace("script=1", "script=0"), 9)
    sighted(installation, "b.example.com/y", good(installation), 1)
    sighted(
        installation, "c.example.com/z", f"{good(installation)} top=www.bakery.example".replace("depth=1", "depth=2")
    )
    pages = {words(each.h2): each for each in shown(viewer, "pages").select(".page-card")}  # type: ignore[arg-type]
    assert next(iter(pages)) == "b.example.com/y", "the worst first"
    assert "The snippet’s script does not run at 9 of 10 posts" in words(pages["b.example.com/y"])
    assert "How to mend it." in words(pages["b.example.com/y"])
    assert "Inside a page of www.bakery.example" in words(pages["c.example.com/z"])
    assert not pages["a.example.com/x"].select(".need")


def test_a_page_that_is_seen_and_never_sent_is_found_out(installation: Installation, viewer: Visitor) -> None:
    count(
        installation,
        ("quote", "a.example.com/x", "", "seen", VIEWS_WITHOUT_TRY),
        ("quote", "b.example.com/y", "", "seen", VIEWS_WITHOUT_TRY - 1),
    )
    first, second = shown(viewer, "pages").select(".page-card")
    assert "Seen, but nobody sends it" in words(first)
    assert not second.select(".need")
    assert "1 page needs mending. a.example.com/x" in words(shown(viewer, "overview"))


def test_the_forms_own_pages_are_no_pages_of_the_doctor(installation: Installation, viewer: Visitor) -> None:
    installation.client.get("/f/quote", headers=CHROME)
    installation.site.visits.flush()
    found = shown(viewer, "pages")
    assert not found.select(".page-card")
    assert found.select_one(".empty") is not None
