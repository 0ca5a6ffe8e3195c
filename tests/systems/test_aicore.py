"""Apogee aiCore: the running product against the sandbox, over real sockets."""

from __future__ import annotations

import json
from io import BytesIO
from urllib.parse import unquote_to_bytes

import pytest

from tests.systems.accounts import FIELDS, KEPT, TYPED, form, kept, named, with_secrets
from tests.systems.running import Systems, Told, address, check

pytestmark = pytest.mark.thorough_on_postgresql  # what a vendor does is the same on each

LOGIN = {"ai_command": "lead_set", "ai_login_id": "demo", "ai_login_password": "***"}

FORMS = named(
    {
        "aicore": form("aicore"),
        "matching": form("aicore", extra="  match_update: true\n  match_name_and_phone: true\n"),
        "update": form("aicore", extra="  mode: update\n"),
        "by-token": form("aicore")
        .replace("login_id: ${AICORE_LOGIN_ID}", "sitecom_token: ${AICORE_TOKEN}")
        .replace("  login_password: ${AICORE_LOGIN_PASSWORD}\n", ""),
        "wrong-password": with_secrets(form("aicore"), AICORE_LOGIN_PASSWORD="WRONG"),
        "story": form("aicore", extra="  fields: {story: notes}\n"),
        "file": form("aicore", fields=FIELDS + "  - {name: plan, label: A plan, type: file}\n"),
        "source": form("aicore", fields=FIELDS + "  - {name: source, type: hidden, value: radio}\n"),
    }
)
ENVIRON = {"AICORE_TOKEN": "demo-token", "WRONG": "wrong-password"}

SENT = {
    "mode": "insert",
    "first_name": "José",
    "last_name": "O'Brien",
    "cell": "5127892222",
    "company": "Cats & Dogs <Ltd>",
    "ok_to_text": "Yes",
    "tags": "web,quote",
    "note": KEPT["notes"],
    "ownerID": "u-7",
    **kept("phone", "address", "city", "state", "zip", "external_id"),
    # the others go as custom fields, under their own names
    **kept("job_title", "deal_size", "deal_closed", "age", "gender", "facebook", "linkedin", "client_category"),
    **kept("clients_date_last", "clients_date_next", "new_lead_notification", "contact_type"),
}


def test_every_reserved_name_reaches_its_place(systems: Systems) -> None:
    email = address()
    found = check(
        systems, "aicore", email, Told("ok", "delivered", code="0", words="Lead Creation Successful"), **TYPED
    )
    assert systems.fields("aicore", email) == {**LOGIN, **SENT, "email": email}
    assert found["vendor_lead_id"].isdigit()


def test_name_goes_whole_for_the_vendor_to_separate(systems: Systems) -> None:
    email = address()
    systems.post("aicore", email, name="Mary Jo Smith")
    sent = systems.fields("aicore", email)
    assert sent["full_name"] == "Mary Jo Smith"
    assert not {"first_name", "last_name", "name"} & set(sent)


def test_the_vendors_own_names_expansions_and_the_campaign_are_sent(systems: Systems) -> None:
    email = address()
    answers = {
        "followup_date": "2027-01-02",
        "birth_date": "Dec 25, 1985",
        "lat": "30.2672",
        "Favorite Chocolate": "<b>dark</b>",
        "gclid": "G" * 300,
        "page_url": "https://www.example.com/quote?utm=1",
    }
    systems.post("aicore", email, **answers)
    sent = systems.fields("aicore", email)
    expected = {
        "followup_date": "2027-01-02 00:00:00",
        "birth_date": "1985-12-25",
        "lat": "30.2672",
        "Favorite Chocolate": "dark",
        "gclid": "G" * 300,
        "source": "www.example.com",
    }
    assert {name: sent.get(name) for name in expected} == expected
    assert "page_url" not in sent


def test_a_source_of_the_forms_own_leaves_the_page_its_name(systems: Systems) -> None:
    email = address()
    systems.post("source", email, page_url="https://www.example.com/quote")
    sent = systems.fields("aicore", email)
    assert (sent["source"], sent["page_url"]) == ("radio", "https://www.example.com/quote")


def test_no_answer_steers_the_call(systems: Systems) -> None:
    email = address()
    answers = {"mode": "update", "match_update": "1", "ai_command": "ping", "lead_id": "1", "upload_file_name": "x"}
    check(systems, "aicore", email, Told("ok", "delivered", code="0"), **answers)
    sent = systems.fields("aicore", email)
    assert (sent["mode"], sent["ai_command"]) == ("insert", "lead_set")
    assert not {"match_update", "lead_id", "upload_file_name"} & set(sent)
    assert set(sent["note"].splitlines()) == {f"{name}: {value}" for name, value in answers.items()}


@pytest.mark.parametrize(
    ("typed", "sent"),
    [
        ("Saw us on TV", [{"Status": "Message", "Notes": "Saw us on TV"}]),
        ('[{"Status":"Email","Notes":"Écrit"}]', [{"Status": "Email", "Notes": "Écrit"}]),
    ],
)
def test_notes_go_as_a_json_list(systems: Systems, typed: str, sent: object) -> None:
    email = address()
    check(systems, "story", email, Told("ok", "delivered", code="0"), story=typed)
    assert json.loads(systems.fields("aicore", email)["notes"]) == sent


def test_an_uploaded_file_arrives_byte_for_byte(systems: Systems) -> None:
    email, content = address(), bytes(range(256)) * 4 + b"\r\n%00&=+"
    answers = {"firstName": "Jane", "email": email, "plan": (BytesIO(content), "plans/my plan.pdf")}
    answer = systems.installation.client.post("/f/file", data=answers)
    assert answer.status_code == 200
    (entry,) = systems.received("aicore", email)
    assert (entry["accepted"], entry["complaints"]) == (True, [])
    assert entry["fields"]["upload_file_name"] == "my plan.pdf"
    sent = dict(pair.split("=", 1) for pair in entry["raw"].split("&"))
    assert unquote_to_bytes(sent["upload_file_contents"]) == content


def test_an_insert_makes_a_second_lead_of_a_duplicate(systems: Systems) -> None:
    email = address("dup")
    told = Told("ok", "delivered", code="0", words="Lead Creation Successful")
    first = check(systems, "aicore", email, told)
    systems.post("aicore", email, notes="again")
    assert systems.delivery(email)["vendor_lead_id"] != first["vendor_lead_id"]


def test_match_update_updates_the_lead_that_is_there(systems: Systems) -> None:
    check(systems, "matching", address("dup"), Told("ok", "delivered", code="0", words="Lead Update Successful"))
    email = address()
    first = check(systems, "matching", email, Told("ok", "delivered", code="0", words="Lead Creation Successful"))
    systems.post("matching", email, notes="again")
    second = systems.delivery(email)
    assert second["history"][0]["words"] == "Lead Update Successful"
    assert second["vendor_lead_id"] == first["vendor_lead_id"]
    sent = systems.received("aicore", email)[0]["fields"]
    assert (sent["mode"], sent["match_update"], sent["match_name_and_phone"]) == ("insert", "1", "1")


def test_a_lead_is_updated_by_its_number_and_by_its_external_id(systems: Systems) -> None:
    email = address()
    lead_id = check(systems, "aicore", email, Told("ok", "delivered", code="0"), external_id="EXT 77")["vendor_lead_id"]
    told = Told("ok", "delivered", code="0", words="Lead Update Successful")
    by_number = check(systems, "update", address(), told, lead_id=lead_id)
    by_ours = check(systems, "update", address(), told, external_id="EXT 77")
    assert (by_number["vendor_lead_id"], by_ours["vendor_lead_id"]) == (lead_id, lead_id)


def test_the_other_login_is_a_token_alone(systems: Systems) -> None:
    email = address()
    check(systems, "by-token", email, Told("ok", "delivered", code="0"))
    sent = systems.fields("aicore", email)
    assert sent["ai_sitecom_token"] == "***"
    assert not {"ai_login_id", "ai_login_password"} & set(sent)


ANSWERS = {
    "auth": Told("ct101", "pending", "credentials", "1", "Authentication failed"),
    "invalid": Told("lf204", "rejected", "refused", "3", "Invalid value: email; Lead not saved"),
    "nomessage": Told("lf204", "rejected", "refused", "1"),
    "nostatus": Told("ok", "held", "nonsense", "200", "status_message=Lead+not+saved"),
    "messages": Told("ok", "delivered", None, "0", "Lead Creation Successful; Matching done"),
    "prefix": Told("ok", "delivered", None, "0", "Lead Creation Successful"),
}


@pytest.mark.parametrize("behaviour", ANSWERS)
def test_each_documented_answer_is_told_and_written_down(systems: Systems, behaviour: str) -> None:
    check(systems, "aicore", address(behaviour), ANSWERS[behaviour])


REFUSED_VALUES = {
    "an update that names no lead": ("update", {}, "3", "mode update needs lead_id or external_id"),
    "an update of a lead that is not there": ("update", {"lead_id": "999999"}, "-1", "Lead not found"),
    "an unknown custom status": ("aicore", {"custom_status": "Nope"}, "3", "custom_status"),
}


@pytest.mark.parametrize("case", REFUSED_VALUES)
def test_a_refused_value_is_final(systems: Systems, case: str) -> None:
    name, answers, code, words = REFUSED_VALUES[case]
    check(systems, name, address(), Told("lf204", "rejected", "refused", code, words), **answers)


def test_a_wrong_password_pauses_the_account(systems: Systems) -> None:
    told = Told("ct101", "pending", "credentials", "1", "Authentication failed")
    check(systems, "wrong-password", address(), told)
