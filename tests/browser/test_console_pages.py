"""Every page of the console in a real browser: nothing that strangers wrote runs, and everybody can use it."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import Literal

import pytest
from playwright.sync_api import Browser, Page

from leadferry import accepting, handling, users
from leadferry.leads import NewLead
from leadferry.outbox import NextState, Tried, Turn, claim_due, record
from leadferry.web.console.base import ANYBODY, required_role
from tests.browser.console_stage import Office, desk, office, sign_in, violations
from tests.browser.stage import Tab

pytestmark = pytest.mark.browser

SCRIPT = "\"'><script>window.ran = 1</script><img src=x onerror='window.ran = 2'>{{ 7 * 7 }}"
"""What somebody who means harm writes wherever the product takes a text."""


@pytest.fixture(scope="module", name="office")
def the_office(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Office]:
    with office(tmp_path_factory.mktemp("pages")) as found:
        found.here.site.worker.stop()
        found.post("visit", email="dup@example.com")
        found.post("quote", email="held+1@example.com")
        found.post("quote", email="junk@example.com", _lf_website="x")
        _store_hostile(found)
        handling.note_batch(found.here.store, SCRIPT, SCRIPT, [1, 2])
        users.audit(found.here.store, SCRIPT, SCRIPT, SCRIPT, {SCRIPT: SCRIPT})
        yield found


def _store_hostile(office: Office) -> None:
    """A lead with the script in every text of it and of its vendor, and a form that holds it too."""
    here = office.here
    here.form("hostile", _hostile_form())
    assert here.site.office.catalog.get("hostile"), "published at once, and not only when the console happens to look"
    form = here.site.office.catalog.get("quote")
    lead = NewLead(
        form=form,  # type: ignore[arg-type]
        values=dict.fromkeys(("firstName", "lastName", "email", "phone", "notes", SCRIPT), SCRIPT),
        campaign={"page_url": f"https://example.com/{SCRIPT}", "referrer": SCRIPT, "utm_campaign": SCRIPT},
        cleaned=[{"field": SCRIPT, "reason": SCRIPT, "before": 1, "after": 0}],
        consent={
            "language": SCRIPT,
            "version": SCRIPT,
            "page_url": SCRIPT,
            "items": [{"field": SCRIPT, "text": SCRIPT, "ticked": True}],
        },
        source={"ip": SCRIPT, "user_agent": SCRIPT, "path": SCRIPT, "ignored_redirects": [SCRIPT], "suspect": [SCRIPT]},
        reference="LF-HHHHHHHHHH",
    )
    accepted = accepting.accept(here.store, lead, {})
    (claim,) = [each for each in claim_due(here.store, Turn(50), here.store.now()) if each.lead_id == accepted.lead_id]
    call = {"request": {"method": "POST", "url": SCRIPT, "headers": {SCRIPT: SCRIPT}, "form": [[SCRIPT, SCRIPT]]}}
    tried = Tried(1.0, SCRIPT, "rejected", "refused", SCRIPT, SCRIPT, 5, [{**call, "status": 200, "answer": SCRIPT}])
    after = NextState("rejected", reason=SCRIPT, error_code=SCRIPT, vendor_lead_id=SCRIPT)
    record(here.store, claim, tried, after, now=here.store.now())


def _hostile_form() -> str:
    quoted = "'" + SCRIPT.replace("'", "''") + "'"
    return f"""
title: {quoted}
intro: {quoted}
submit: {quoted}
fields:
  - {{name: email, label: {quoted}, help: {quoted}, placeholder: {quoted}}}
  - {{name: pick, label: {quoted}, type: select, options: [{quoted}]}}
vendor: {{name: webhook, url: https://vendor.example/x}}
"""


ELSEWHERE = {"console.leads_export", "console.home", "console.form_compare"} | {
    "console.form_rehearsal",
    "console.lead_progress",
    "console.leads_batch_progress",
}
"""A file, a redirect, one that is asked with two versions, as below, and what scripts put into other pages."""

KNOWN = {"name": "hostile", "form": "hostile", "reference": "LF-HHHHHHHHHH", "number": 1, "token": "x"}


def pages(office: Office) -> list[str]:
    """Every address of the console that shows something, on what is most hostile."""
    app = office.here.app
    found = []
    for rule in app.url_map.iter_rules():
        if not rule.endpoint.startswith("console.") or "GET" not in (rule.methods or ()):
            continue
        if rule.endpoint in ELSEWHERE or required_role(app, rule.endpoint) == ANYBODY:
            continue
        if set(rule.arguments) <= KNOWN.keys():
            with app.test_request_context():
                values = {name: KNOWN[name] for name in rule.arguments}
                found.append(str(app.url_map.bind("localhost").build(rule.endpoint, values)))
    searches = ("q=LF-HHHH", "state=rejected", "state=quarantined", f"campaign={SCRIPT}", "tests=1", "q=nobody@x.y")
    (version,) = [each.version for each in office.here.store.newest_versions() if each.form == "hostile"]
    compared = f"/console/forms/hostile/compare?from={version}&to=draft"
    return [*found, compared, *(f"/console/leads?{each}" for each in searches)]


@dataclass
class Seen:
    """What was found of one page, in a browser that opened it once. ``wrong`` is what axe says, by colour scheme."""

    status: int
    ran: object
    strange: int
    title: str
    complaints: list[str]
    wrong: dict[str, list[str]]
    width_on_a_phone: int


DESK, PHONE = {"width": 1280, "height": 900}, {"width": 390, "height": 900}

WIDTH_ONCE_DRAWN = """new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() =>
  done(document.documentElement.scrollWidth))))"""
"""Charts are drawn anew for the new width."""


@pytest.fixture(scope="module")
def seen(office: Office, browser: Browser) -> dict[str, Seen]:
    with desk(browser) as tab:
        found = {path: look_at(tab, office, path) for path in ("/console/login", "/console/welcome/none")}
        tab.complaints.clear()  # of a link that is none, its status
        sign_in(tab.page, office)
        return found | {path: look_at(tab, office, path) for path in pages(office)}


def look_at(tab: Tab, office: Office, path: str) -> Seen:
    page = tab.page
    page.set_viewport_size(DESK)
    answer = page.goto(f"{office.url}{path}")
    assert answer is not None
    page.wait_for_load_state("load")
    complaints = list(tab.complaints)
    tab.complaints.clear()
    ran, strange = page.evaluate("window.ran"), page.locator("script:not([src]), img[src='x']").count()
    is_page = page.locator("main").count()
    wrong = {scheme: violations_in(page, scheme) for scheme in ("light", "dark")} if is_page else {}
    page.set_viewport_size(PHONE)
    width = int(page.evaluate(WIDTH_ONCE_DRAWN))
    return Seen(answer.status, ran, strange, page.title(), complaints, wrong, width)


def violations_in(page: Page, scheme: Literal["light", "dark"]) -> list[str]:
    page.emulate_media(color_scheme=scheme)
    return violations(page)


def test_nothing_that_a_stranger_wrote_runs_anywhere(office: Office, seen: dict[str, Seen]) -> None:
    for path in pages(office):
        found = seen[path]
        assert found.status == 200, path
        assert found.ran is None, path
        assert found.strange == 0, path
        assert "49" not in found.title, path
        assert found.complaints == [], path


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_axe_finds_nothing_wrong_with_any_page(seen: dict[str, Seen], scheme: str) -> None:
    looked_through = {path: found.wrong[scheme] for path, found in seen.items() if found.wrong}
    assert len(looked_through) > 20
    assert {path: wrong for path, wrong in looked_through.items() if wrong} == {}


def test_no_page_is_wider_than_a_phone(seen: dict[str, Seen]) -> None:
    assert {path: found.width_on_a_phone for path, found in seen.items() if found.width_on_a_phone > 390} == {}


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_a_fault_would_be_seen(office: Office, browser: Browser, scheme: Literal["light", "dark"]) -> None:
    """Else the tests above would prove nothing: a text that only one scheme makes hard to read, and a wide one."""
    rule = f"@media (prefers-color-scheme: {scheme}) {{ h1 {{ color: #777; background: #888 }} }}"
    with desk(browser) as tab:
        tab.page.goto(f"{office.url}/console/login")
        tab.page.evaluate("(rule) => document.styleSheets[0].insertRule(rule)", rule)
        for each in ("light", "dark"):
            found = [wrong for wrong in violations_in(tab.page, each) if wrong.startswith("color-contrast")]
            assert bool(found) == (each == scheme)
        tab.page.evaluate("document.querySelector('h1').style.width = '500px'")
        tab.page.set_viewport_size(PHONE)
        assert tab.page.evaluate("document.documentElement.scrollWidth") > 390
