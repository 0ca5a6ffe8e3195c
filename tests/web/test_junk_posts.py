"""Junk is held, never destroyed, and never told so; people are never held for their company."""

from __future__ import annotations

from pathlib import Path

import pytest
from werkzeug.test import TestResponse

from leadferry.config import SettingsError, load
from tests.conftest import Install
from tests.installation import Installation
from tests.web.conftest import ScriptedVendor
from tests.web.forms import BROWSER, SCRIPT, SETTINGS, VISITOR, quote, said

pytestmark = pytest.mark.thorough_on_postgresql  # what is suspected is the same on each

STORY = "  - {name: message, label: Message, type: textarea}"
PROSE = "We build cheap websites and rank them on page one of every search engine."


@pytest.fixture
def installation(install: Install, vendor: ScriptedVendor) -> Installation:
    return install({"quote": quote(vendor.url, fields=STORY)}, **SETTINGS)


def post(installation: Installation, headers: dict[str, str] | None = None, **answers: str) -> TestResponse:
    return installation.client.post("/f/quote", data={**VISITOR, **answers}, headers={**SCRIPT, **(headers or {})})


def reasons(installation: Installation, reference: str) -> list[str] | None:
    found = installation.lead(reference)["quarantine"]
    assert found is None or isinstance(found, list)
    return found


def states(installation: Installation) -> list[str]:
    """Oldest first."""
    return [each["state"] for each in reversed(installation.leads())]


def test_a_honeypot_by_the_forms_own_name_is_drawn_and_is_no_answer(install: Install, vendor: ScriptedVendor) -> None:
    installation = install({"quote": quote(vendor.url, more="spam: {honeypot: fax}\n")}, **SETTINGS)
    assert 'name="fax" tabindex="-1"' in installation.client.get("/f/quote").text
    assert 'name="fax"' in installation.client.get("/f/quote/snippet?kind=html").text
    reference = said(post(installation, fax="1"))["lead"]
    assert reasons(installation, reference) == ["honeypot"]
    assert "fax" not in installation.lead(reference)["values"]
    assert vendor.posts == []


def test_a_suspect_is_told_what_a_person_is_told(installation: Installation) -> None:
    held, fine = post(installation, firstName="Jo https://x.example"), post(installation)
    assert held.status_code == fine.status_code == 200
    assert said(held).keys() == said(fine).keys()
    assert states(installation) == ["quarantined", "delivered"]


def test_a_suspect_is_not_told_of_a_vendors_refusal(installation: Installation, vendor: ScriptedVendor) -> None:
    vendor.refuses("ct103")
    assert post(installation).status_code == 409
    assert post(installation, _gotcha="x", firstName="Bo").status_code == 200


def test_who_was_held_and_posts_again_without_suspicion_is_delivered(installation: Installation) -> None:
    held, fine, again = (post(installation, _gotcha=trap) for trap in ("x", "", "x"))
    assert said(held) != said(fine) == said(again)
    assert states(installation) == ["quarantined", "delivered"]


def test_the_same_long_text_from_many_is_held_from_the_sixth_on(installation: Installation) -> None:
    for number in range(7):
        assert post(installation, email=f"n{number}@example.com", message=PROSE).status_code == 200
    assert states(installation) == ["delivered"] * 5 + ["quarantined"] * 2
    assert reasons(installation, installation.leads()[0]["lead"]) == ["repeated_content"]


def test_a_surge_from_one_office_with_different_words_is_delivered(installation: Installation) -> None:
    for number in range(30):
        assert post(installation, email=f"n{number}@example.com", message=f"{number}: {PROSE}").status_code == 200
    assert states(installation) == ["delivered"] * 30


def test_one_who_sends_the_same_again_and_again_is_one_lead(installation: Installation) -> None:
    answers = [said(post(installation, message=PROSE)) for _ in range(9)]
    assert all(answer == answers[0] for answer in answers)
    assert states(installation) == ["delivered"]


def test_what_cannot_be_stored_is_not_counted(installation: Installation) -> None:
    for _ in range(9):
        assert post(installation, email="nonsense", message=PROSE).status_code == 422
    assert post(installation, message=PROSE).status_code == 200
    assert states(installation) == ["delivered"]


def test_a_blocked_word_holds(install: Install, vendor: ScriptedVendor) -> None:
    installation = install({"quote": quote(vendor.url, more="spam: {words: [casino]}\n")}, **SETTINGS)
    reference = said(post(installation, lastName="Casino"))["lead"]
    assert reasons(installation, reference) == ["blocked_word"]


def test_suspects_may_be_delivered_marked(install: Install, vendor: ScriptedVendor) -> None:
    installation = install({"quote": quote(vendor.url, more="spam: {suspects: deliver}\n")}, **SETTINGS)
    reference = said(post(installation, _gotcha="x"))["lead"]
    lead = installation.lead(reference)
    assert (lead["state"], lead["quarantine"], lead["source"]["suspect"]) == ("delivered", None, ["honeypot"])
    assert "_gotcha" not in vendor.posts[0]


def test_a_browser_without_our_pages_token_is_suspected_only_of_more(installation: Installation) -> None:
    """A page saved or built by hand posts without one: alone that is nothing."""
    links = "https://a.example https://b.example and so on"
    browser = {"headers": BROWSER}
    installation.client.post("/f/quote", data=VISITOR, **browser)  # type: ignore[arg-type]
    installation.client.post("/f/quote", data={**VISITOR, "message": links}, **browser)  # type: ignore[arg-type]
    post(installation, message=f"{links}.")
    assert states(installation) == ["delivered", "quarantined", "delivered"]
    assert reasons(installation, installation.leads()[1]["lead"]) == ["no_token", "links"]


# Countries


def behind(install: Install, vendor: ScriptedVendor, **settings: str) -> Installation:
    return install({"quote": quote(vendor.url, more="spam: {countries: [KP]}\n")}, **SETTINGS, **settings)


def test_a_blocked_country_is_read_from_the_proxys_header(install: Install, vendor: ScriptedVendor) -> None:
    installation = behind(install, vendor, COUNTRY_HEADER="CF-IPCountry", TRUSTED_PROXIES="1")
    post(installation, {"CF-IPCountry": "KP"})
    post(installation, {"CF-IPCountry": "US"}, firstName="Bo")
    assert states(installation) == ["quarantined", "delivered"]


@pytest.mark.parametrize(
    ("header", "proxies", "problem"),
    [("CF-IPCountry", "0", "only a proxy's word counts"), ("no name", "1", "not the name of a header")],
)
def test_a_country_by_nobodys_word_stops_the_start(tmp_path: Path, header: str, proxies: str, problem: str) -> None:
    with pytest.raises(SettingsError, match=f"COUNTRY_HEADER: .*{problem}"):
        load({"COUNTRY_HEADER": header, "TRUSTED_PROXIES": proxies}, tmp_path)


def test_nobody_can_say_of_himself_where_he_is(install: Install, vendor: ScriptedVendor) -> None:
    installation = behind(install, vendor)
    post(installation, {"CF-IPCountry": "KP"})
    assert states(installation) == ["delivered"]


# Release


def test_held_leads_are_listed_with_their_reasons(installation: Installation) -> None:
    reference = said(post(installation, _gotcha="x", firstName="<b>Jo</b>"))["lead"]
    [line] = installation.cli("leads", "list", "--state", "quarantined").stdout.splitlines()
    assert line.startswith(reference)
    assert line.endswith("honeypot url_in_name")


def test_a_released_lead_is_delivered_and_counted(installation: Installation, vendor: ScriptedVendor) -> None:
    reference = said(post(installation, _gotcha="x"))["lead"]
    answer = installation.cli("leads", "release", reference)
    assert answer.output.splitlines()[-1] == "1 released: 1 delivered"
    lead = installation.lead(reference)
    assert (lead["state"], lead["quarantine"], lead["source"]["suspect"]) == ("delivered", None, ["honeypot"])
    assert [each["firstName"] for each in vendor.posts] == ["Jane"]
    assert '"balanced": true' in installation.cli("leads", "balance", "--json").stdout


def test_a_lead_is_released_once(installation: Installation, vendor: ScriptedVendor) -> None:
    reference = said(post(installation, _gotcha="x"))["lead"]
    assert installation.cli("leads", "release", reference).exit_code == 0
    again = installation.cli("leads", "release", reference)
    assert (again.exit_code, "no held lead" in again.output) == (1, True)
    assert len(vendor.posts) == 1


def test_a_released_lead_outlives_whoever_released_it(installation: Installation, vendor: ScriptedVendor) -> None:
    """Its deliveries are stored with its release: a worker finds them."""
    from leadferry import leads

    reference = said(post(installation, _gotcha="x"))["lead"]
    [row] = leads.find(installation.store, leads.Filter(references=(reference,)), 1)
    version = installation.site.office.catalog.version(row.form, row.version)
    assert version is not None
    assert leads.release(installation.store, row.id, version)
    assert not leads.release(installation.store, row.id, version)
    assert vendor.posts == []
    installation.site.worker.start()
    assert vendor.called.wait(10)


def test_all_of_a_form_are_released_by_its_name(installation: Installation) -> None:
    for name in ("Ann", "Bo"):
        post(installation, firstName=name, _gotcha="x")
    assert "2 released: 2 delivered" in installation.cli("leads", "release", "--form", "quote").output
    assert installation.cli("leads", "release").exit_code == 1


def test_an_erased_lead_is_not_released(installation: Installation, vendor: ScriptedVendor) -> None:
    reference = said(post(installation, _gotcha="x"))["lead"]
    installation.cli("leads", "erase", "--email", VISITOR["email"], "--yes")
    assert "0 released" in installation.cli("leads", "release", reference).output
    assert vendor.posts == []
