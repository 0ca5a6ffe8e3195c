"""The leads in the console: found, shown, sent again, released, mended, exported, erased."""

from __future__ import annotations

import csv
import io
import re
from typing import Any

import pytest

from leadferry import accepting, leads, users
from leadferry.leads import NewLead
from tests.conftest import Install
from tests.installation import Installation
from tests.web.conftest import ScriptedVendor
from tests.web.console.visitor import Visitor, signed_in

QUOTE = """
title: A quote
fields:
  - {name: firstName, label: First name}
  - {name: lastName, label: Last name}
  - {name: email, label: E-mail}
  - {name: service, label: What do you need?, type: select, options: [Windows, {value: both, label: Both of them}]}
  - {name: rooms, label: Rooms, type: number}
  - {name: smsok, type: consent, label: You may text me about my quote.}
vendor: {name: clienttether, web_key: "${CT_KEY}", url: "${CT}"}
"""


@pytest.fixture
def here(install: Install, vendor: ScriptedVendor) -> Installation:
    return install({"quote": QUOTE}, CT_KEY="CT_secret_of_the_account", CT=vendor.url, ALLOW_PRIVATE_VENDORS="1")


def post(here: Installation, **values: str) -> str:
    """A visitor's lead; its reference."""
    values = {"firstName": "Bo", "lastName": "Smith", "email": "bo@example.com", **values}
    here.client.post("/f/quote", data=values, headers={"Accept": "application/json"})
    return str(here.leads()[0]["lead"])


def store_lead(here: Installation, **more: Any) -> str:
    form = here.site.office.catalog.get("quote")
    values = {"firstName": "Bo", "lastName": "Smith", "email": "bo@example.com"} | more.pop("values", {})
    new = NewLead(form=form, values=values, **more)  # type: ignore[arg-type]
    accepting.accept(here.store, new, {}, repeats=False)
    return new.reference


def state(here: Installation, reference: str) -> str:
    return str(here.lead(reference)["state"])


def deliver(here: Installation) -> None:
    """What the worker of a running installation does."""
    from leadferry import outbox
    from leadferry.delivery import attempt

    for claim in outbox.claim_due(here.store, outbox.Turn(100), here.store.now()):
        attempt(here.site.office, claim, "worker")


def test_the_table_finds_and_filters_and_goes_on_page_by_page(here: Installation) -> None:
    viewer = signed_in(here, "viewer")
    references = [store_lead(here, values={"lastName": f"Number{n}", "email": f"n{n}@example.com"}) for n in range(53)]
    first = viewer.get("/console/leads").text
    assert references[-1] in first
    assert references[2] not in first
    older = re.search(r'href="([^"]+before=\d+)"', first)
    assert older
    assert references[2] in viewer.get(older[1].replace("&amp;", "&")).text
    assert re.findall(r"LF-\w{10}", viewer.get("/console/leads?q=n7@").text)[0] == references[7]
    assert "No lead matches" in viewer.get("/console/leads?q=nobody@example.com").text
    assert "No lead matches" in viewer.get("/console/leads?state=dead&form=quote").text


def test_test_leads_stand_apart(here: Installation) -> None:
    viewer = signed_in(here, "viewer")
    real, test = store_lead(here), store_lead(here, test=True)
    assert (real in (page := viewer.get("/console/leads").text), test in page) == (True, False)
    assert (real in (page := viewer.get("/console/leads?tests=1").text), test in page) == (False, True)


def test_a_day_is_one_of_the_readers_zone(here: Installation) -> None:
    viewer = signed_in(here, "viewer")
    late = store_lead(here, received_at=1_767_225_600.0 - 1800)  # half an hour before 2026 in Greenwich
    there = {"since": "2026-01-01", "until": "2026-01-01", "zone": "Asia/Tokyo"}
    assert late in viewer.get("/console/leads", query_string=there).text
    assert late not in viewer.get("/console/leads", query_string={**there, "zone": "UTC"}).text
    assert late not in viewer.get("/console/leads", query_string={**there, "zone": "../../etc/passwd"}).text


def test_one_leads_page_shows_all_of_it_and_no_secret(here: Installation, vendor: ScriptedVendor) -> None:
    vendor.refuses("ct103", "CT_secret_of_the_account is known")
    said = {"service": "both", "smsok": "1", "Favourite": "<b>x</b>"}
    reference = post(here, **said, utm_campaign="spring", page_url="https://a.example/p")
    page = signed_in(here, "viewer").get(f"/console/leads/{reference}").text
    for part in (
        "First name",
        "Both of them",
        "You may text me about my quote.",
        "Ticked",
        "HTML was taken out",
        "spring",
        "https://a.example/p",
        "ClientTether has this lead already.",
        "while the visitor waited",
        "firstName = Bo",
        "${CT_KEY}",
    ):
        assert part in page, part
    assert "CT_secret" not in page


def test_what_failed_is_sent_again_and_is_found_on_the_audit_list(here: Installation, vendor: ScriptedVendor) -> None:
    vendor.says(b"no", "503 Down")
    reference = post(here)
    vendor.start_over()
    operator = signed_in(here)
    assert operator.post(f"/console/leads/{reference}/resend").headers["Location"] == f"/console/leads/{reference}"
    deliver(here)
    assert state(here, reference) == "delivered"
    assert [(deed.action, deed.object) for deed in users.deeds(here.store)] == [("lead sent again", reference)]


def test_an_answer_is_mended_and_the_lead_sent_with_it(here: Installation, vendor: ScriptedVendor) -> None:
    vendor.refuses("ct104", "bad e-mail")
    reference = post(here, rooms="3")
    vendor.start_over()
    operator = signed_in(here)
    fields = {"a-email": "new@example.com", "a-firstName": "Bo", "a-rooms": "many", "then": "resend"}
    wrong = operator.post(f"/console/leads/{reference}/edit", fields)
    assert (wrong.status_code, "Enter a number" in wrong.text, 'value="many"' in wrong.text) == (422, True, True)
    assert here.lead(reference)["values"]["email"] == "bo@example.com"
    assert operator.post(f"/console/leads/{reference}/edit", {**fields, "a-rooms": ""}).status_code == 303
    deliver(here)
    found = here.lead(reference)
    assert (found["state"], found["values"]["email"], "rooms" in found["values"]) == (
        "delivered",
        "new@example.com",
        False,
    )
    assert vendor.posts[-1]["email"] == "new@example.com"
    noted = {deed.action: deed.details for deed in users.deeds(here.store)}
    assert noted == {"lead mended": {"fields": ["email", "rooms"]}, "lead sent again": {}}


def test_a_lead_is_erased(here: Installation) -> None:
    reference = post(here)
    operator = signed_in(here)
    asked = operator.post(f"/console/leads/{reference}/erase")
    assert (asked.status_code, "Erase Bo Smith?" in asked.text) == (200, True)
    assert here.lead(reference)["values"]["email"] == "bo@example.com"
    assert operator.post(f"/console/leads/{reference}/erase", {"sure": "yes"}).status_code == 303
    page = operator.get(f"/console/leads/{reference}").text
    assert "Everything personal was erased" in page
    for path in (f"/console/leads/{reference}", "/console/leads", "/console/audit"):
        assert "bo@example.com" not in operator.get(path).text
    assert reference not in operator.get("/console/leads?q=bo@example.com").text


def test_what_looked_like_junk_is_released(here: Installation, vendor: ScriptedVendor) -> None:
    held = store_lead(here, quarantine=["honeypot"])
    operator = signed_in(here)
    page = operator.get(f"/console/leads/{held}").text
    assert "A field that no person sees was filled in." in page
    assert operator.post(f"/console/leads/{held}/release").status_code == 303
    deliver(here)
    assert state(here, held) == "delivered"


def batch(operator: Visitor, path: str, data: dict[str, Any]) -> dict[str, Any]:
    answer = operator.post(path, data)
    assert "/console/leads/batches/" in answer.headers["Location"], answer.headers["Location"]
    assert operator.get(answer.headers["Location"]).status_code == 200
    found = operator.get(f"{answer.headers['Location']}/progress").json
    assert isinstance(found, dict)
    return found


def test_many_are_sent_again_at_once_with_progress(here: Installation, vendor: ScriptedVendor) -> None:
    vendor.says(b"no", "503 Down")
    references = [store_lead(here, values={"email": f"n{n}@example.com"}) for n in range(4)]
    deliver(here)
    vendor.start_over()
    operator = signed_in(here)
    ids = [row.id for row in leads.find(here.store, leads.Filter(references=tuple(references[:2])), None)]
    begun = batch(operator, "/console/leads/resend", {"lead": ids, "which": "ticked"})
    assert (begun["done"], begun["total"], begun["finished"]) == (0, 2, False)
    deliver(here)
    assert [state(here, each) for each in references] == ["delivered", "delivered", "pending", "pending"]
    everything = batch(operator, "/console/leads/resend", {"which": "all", "state": "pending", "form": "quote"})
    assert everything["total"] == 2
    deliver(here)
    assert operator.get("/console/leads/batches/2/progress").json == {
        "done": 2,
        "total": 2,
        "words": "2 delivered",
        "finished": True,
        "then": "/console/leads/batches/2",
    }


def test_many_are_released_at_once(here: Installation, vendor: ScriptedVendor) -> None:
    held = [store_lead(here, quarantine=["honeypot"]) for _ in range(3)]
    assert batch(signed_in(here), "/console/leads/release", {"which": "all", "state": "quarantined"})["total"] == 3
    deliver(here)
    assert {state(here, each) for each in held} == {"delivered"}


def test_what_was_chosen_in_vain_is_said(here: Installation) -> None:
    operator = signed_in(here)
    assert operator.post("/console/leads/resend", {"which": "ticked"}).headers["Location"] == "/console/leads"
    assert "No lead that was chosen needs that." in operator.get("/console/leads").text


def test_a_wrong_key_is_said_with_its_button_which_sends_all_that_wait(
    here: Installation, vendor: ScriptedVendor
) -> None:
    vendor.refuses("ct101", "Invalid Web_Key")
    references = [post(here, email=f"n{n}@example.com") for n in range(3)]
    operator = signed_in(here)
    page = operator.get("/console/leads?state=pending&form=quote").text
    assert "ClientTether refused the key, and 3 leads wait." in page
    assert "Put the right one in CT_KEY" in page
    assert "Send the 3 that wait" in page
    assert "Send the 3" not in signed_in(here, "viewer").get("/console/leads?state=pending").text
    vendor.start_over()
    batch(operator, "/console/leads/troubles", {"account": "quote/vendor", "state": "pending", "reason": ""})
    deliver(here)
    assert [state(here, each) for each in references] == ["delivered"] * 3
    assert "refused the key" not in operator.get("/console/leads?state=pending").text


def test_the_export_streams_every_lead_and_no_cell_is_a_formula(here: Installation) -> None:
    store_lead(here, values={"lastName": "=cmd|' /C calc'!A0", "email": "a@example.com"})
    store_lead(here, values={"more": "x, y"})
    store_lead(here, test=True)
    answer = signed_in(here).get("/console/leads.csv")
    assert answer.is_streamed
    assert "attachment" in answer.headers["Content-Disposition"]
    rows = list(csv.DictReader(io.StringIO(answer.text.removeprefix("\ufeff"))))
    assert [row["lastName"] for row in rows] == ["Smith", "'=cmd|' /C calc'!A0"]
    assert [row["more"] for row in rows] == ["x, y", ""]


def test_an_export_is_noted_without_what_was_looked_for(here: Installation) -> None:
    store_lead(here)
    operator = signed_in(here)
    operator.get("/console/leads.csv?q=bo@example.com&form=quote")
    (deed,) = users.deeds(here.store)
    assert (deed.action, deed.details) == ("leads exported", {"form": "quote"})


def test_an_unknown_lead_is_no_page(here: Installation) -> None:
    assert signed_in(here).get("/console/leads/LF-NOBODY").status_code == 404
