"""Kartra: the running product against the sandbox, over real sockets."""

from __future__ import annotations

import time
from typing import Any

import pytest

from tests.systems.accounts import FIELDS, TYPED, form, kept, named, with_secrets
from tests.systems.running import Systems, Told, address, check

pytestmark = pytest.mark.thorough_on_postgresql  # what a vendor does is the same on each

LOGIN = {"app_id": "demo-app", "api_key": "***", "api_password": "***"}
CHAIN = """  actions:
    - {cmd: subscribe_lead_to_list, list_name: Newsletter}
    - {cmd: give_points_to_lead, points: 5}
    - {cmd: subscribe_lead_to_sequence_at_step, sequence_name: Welcome, step: 1}
"""
CUSTOM = """  custom_fields:
    colour: {field: checkbox1, options: {Red: 620, Green: 621}}
    home: {field: radio1, options: {I own it: 615, I rent it: 616}}
    Favorite Chocolate: text1
"""
CHOICES = """
  - {name: firstName, label: First name}
  - {name: email, label: E-mail}
  - {name: colour, label: Colours, type: checkboxes, options: [Red, Green, Blue]}
  - {name: home, label: Your home, type: radio, options: [I own it, I rent it]}
  - {name: dropdown1, label: Service, type: select, options: [{value: 610, label: Windows}, {value: 611, label: Doors}]}
  - {name: textarea1, label: Story, type: textarea}
  - {name: Favorite Chocolate, label: Chocolate}
"""


def with_app(**secrets: str) -> str:
    return with_secrets(form("kartra"), **secrets)


FORMS = named(
    {
        "kartra": form("kartra"),
        "reject": form("kartra", extra="  on_duplicate: reject\n"),
        "chain": form("kartra", extra=CHAIN),
        "custom": form("kartra", extra=CUSTOM, fields=CHOICES),
        "points": form("kartra", extra="  on_unknown: retry\n  actions: [{cmd: give_points_to_lead, points: 5}]\n"),
        "later": form("kartra", extra="  wait: 0\n"),
        "wrong-key": with_app(KARTRA_API_KEY="WRONG"),
        "wrong-password": with_app(KARTRA_API_PASSWORD="WRONG"),
        "wrong-app": with_app(KARTRA_APP_ID="WRONG"),
        "no-https": with_app(KARTRA_APP_ID="INSECURE_APP"),
        "inactive-app": with_app(KARTRA_APP_ID="INACTIVE_APP"),
        "inactive-account": with_app(KARTRA_API_KEY="INACTIVE_KEY"),
        "elsewhere": with_app(KARTRA_APP_ID="APP_ELSEWHERE"),
        "limited": with_app(KARTRA_APP_ID="LIMITED_APP"),
        "test-mode": with_app(KARTRA_APP_ID="TEST_APP"),
        "own-names": form("kartra", fields=FIELDS + "  - {name: lead_preferred_time_zone, label: Time zone}\n"),
    }
)
ENVIRON = {
    "WRONG": "wrong-one",
    "INSECURE_APP": "demo-app-insecure",
    "INACTIVE_APP": "demo-app-inactive",
    "INACTIVE_KEY": "demo-key-inactive",
    "APP_ELSEWHERE": "demo-app-elsewhere",
    "LIMITED_APP": "demo-app-limited",
    "TEST_APP": "demo-app-test",
}


def custom_fields(sent: dict[str, Any]) -> dict[str, Any]:
    return {each["field_identifier"]: each["field_value"] for each in sent["lead"].get("custom_fields", [])}


def test_every_reserved_name_reaches_its_place(systems: Systems) -> None:
    email = address()
    found = check(systems, "kartra", email, Told("ok", "delivered"), **TYPED)
    (entry,) = systems.received("kartra", email)
    sent = entry["fields"]
    custom = sent["lead"].pop("custom_fields")
    lead = {
        "first_name": "José",
        "last_name": "O'Brien",
        "email": email,
        "company": "Cats & Dogs <Ltd>",
        **kept("phone", "address", "city", "state", "zip", "facebook", "linkedin"),
    }
    actions = [
        {"cmd": "create_lead"},
        {"cmd": "assign_tag", "tag_name": "web"},
        {"cmd": "assign_tag", "tag_name": "quote"},
    ]
    assert sent == {**LOGIN, "lead": lead, "actions": actions}
    without_a_place = kept(
        *("second_phone", "smsok", "notes", "external_id", "age", "gender", "assigned_user_id", "job_title"),
        *("deal_size", "deal_closed", "client_category", "clients_date_last", "clients_date_next"),
        *("new_lead_notification", "contact_type"),
    )
    assert {each["field_identifier"]: each["field_value"] for each in custom} == without_a_place
    assert set(entry["ignored"]) == set(without_a_place)
    assert entry["complaints"] == []
    assert found["vendor_lead_id"].isdigit()


@pytest.mark.parametrize(
    ("name", "first", "last"),
    [("Mary Jo Smith", "Mary Jo", "Smith"), ("Cher", "Cher", None), ("李 小龍", "李", "小龍")],
)
def test_name_is_split_at_its_last_space(systems: Systems, name: str, first: str, last: str | None) -> None:
    email = address()
    systems.post("kartra", email, name=name)
    lead = systems.fields("kartra", email)["lead"]
    assert (lead["first_name"], lead.get("last_name")) == (first, last)


def test_custom_fields_of_each_kind_take_text_or_the_ids_of_their_options(systems: Systems) -> None:
    email = address()
    answers = {
        "colour": ["Red", "Green"],
        "home": "I rent it",
        "dropdown1": "611",
        "textarea1": "Two\nlines",
        "Favorite Chocolate": "dark",
    }
    check(systems, "custom", email, Told("ok", "delivered"), lastName="", **answers)
    (entry,) = systems.received("kartra", email)
    assert (entry["complaints"], entry["ignored"]) == ([], [])
    assert custom_fields(entry["fields"]) == {
        "checkbox1": ["620", "621"],
        "radio1": "616",
        "dropdown1": "611",
        "textarea1": "Two\nlines",
        "text1": "dark",
    }


def test_an_option_without_an_id_is_refused_by_the_vendor_and_not_lost_unseen(systems: Systems) -> None:
    told = Told("lf204", "rejected", "invalid", "271", "Wrong custom field format")
    check(systems, "custom", address(), told, lastName="", colour=["Red", "Blue"])


def test_the_campaign_goes_as_custom_fields(systems: Systems) -> None:
    email = address()
    systems.post("kartra", email, gclid="G" * 300, utm_source="news", page_url="https://www.example.com/quote")
    sent = custom_fields(systems.fields("kartra", email))
    assert sent == {"gclid": "G" * 300, "utm_source": "news", "page_url": "https://www.example.com/quote"}


@pytest.mark.parametrize(
    ("zone", "in_lead"), [("America/New_York", True), ("Pacific/Tongatapu", True), ("Europe/Paris", False)]
)
def test_a_time_zone_is_the_leads_if_it_is_one_of_the_76(systems: Systems, zone: str, in_lead: bool) -> None:
    email = address()
    answer = systems.post("own-names", email, lead_preferred_time_zone=zone)
    assert answer.status_code == 200
    (entry,) = systems.received("kartra", email)
    assert entry["accepted"]
    lead = entry["fields"]["lead"]
    assert (lead.get("lead_preferred_time_zone") == zone) == in_lead
    assert (custom_fields(entry["fields"]).get("lead_preferred_time_zone") == zone) == (not in_lead)


# --- leads that the account has already ---


def test_a_lead_that_exists_is_edited_in_the_same_try(systems: Systems) -> None:
    email = address("dup")
    found = check(systems, "kartra", email, Told("ok", "delivered"))
    create, edit = systems.received("kartra", email)
    assert create["fields"]["actions"][0] == {"cmd": "create_lead"}
    assert edit["fields"] == {**create["fields"], "actions": [{"cmd": "edit_lead"}, *create["fields"]["actions"][1:]]}
    assert [call["request"]["form"][-1] for call in found["history"][0]["calls"]] == [
        ["actions[1][tag_name]", "web"],
        ["actions[1][tag_name]", "web"],
    ]
    assert found["vendor_lead_id"].isdigit()


def test_or_it_is_a_duplicate(systems: Systems) -> None:
    email = address("dup")
    check(systems, "reject", email, Told("ct103", "rejected", "duplicate", "244", "Lead already exists"))
    assert len(systems.received("kartra", email)) == 1


def test_a_second_lead_of_one_person_has_the_first_ones_number(systems: Systems) -> None:
    email = address()
    first = check(systems, "kartra", email, Told("ok", "delivered"))
    systems.post("kartra", email, notes="again")
    assert systems.delivery(email)["vendor_lead_id"] == first["vendor_lead_id"]


def test_a_deleted_lead_is_refused(systems: Systems) -> None:
    check(systems, "kartra", address("deleted"), Told("lf204", "rejected", "refused", "245", "Lead is deleted"))


def test_in_test_mode_another_domain_makes_a_duplicate(systems: Systems) -> None:
    email = address()
    check(systems, "test-mode", email, Told("ok", "delivered"))
    other = email.replace("example.com", "example.org")
    check(systems, "test-mode", other, Told("ok", "delivered"))
    assert len(systems.received("kartra", other)) == 2


def test_our_own_unknown_try_is_met_again_and_not_made_twice(systems: Systems) -> None:
    email = address("reset+once")
    check(systems, "reject", email, Told("ok", "pending", "reset"))
    systems.resend("--email", email)
    found = systems.delivery(email)
    assert (found["state"], found["reason"], found["error_code"]) == ("delivered", "duplicate", None)


# --- the chain ---


def test_a_chain_of_actions_follows_the_lead(systems: Systems) -> None:
    email = address()
    check(systems, "chain", email, Told("ok", "delivered"))
    assert systems.fields("kartra", email)["actions"] == [
        {"cmd": "create_lead"},
        {"cmd": "assign_tag", "tag_name": "web"},
        {"cmd": "subscribe_lead_to_list", "list_name": "Newsletter"},
        {"cmd": "give_points_to_lead", "points": "5"},
        {"cmd": "subscribe_lead_to_sequence_at_step", "sequence_name": "Welcome", "step": "1"},
    ]


@pytest.mark.parametrize("behaviour", ["partial", "partial+flat", "partial+lower"])
def test_a_chain_that_fails_in_part_is_delivered_and_says_what_was_not_done(systems: Systems, behaviour: str) -> None:
    told = Told("ok", "delivered", "partial", "212", "Tag does not exist (type 212)")
    found = check(systems, "chain", address(behaviour), told)
    assert "List does not exist (type 231)" in found["history"][0]["words"]
    assert found["vendor_lead_id"].isdigit()


def test_a_tag_that_the_account_does_not_have_does_not_cost_the_lead(systems: Systems) -> None:
    told = Told("ok", "delivered", "partial", "212", "actions[2] assign_tag: Tag does not exist (type 212)")
    check(systems, "kartra", address(), told, tag="web, nosuch")


def test_points_are_not_given_by_a_call_that_was_limited(systems: Systems) -> None:
    email = address("ratelimit")
    check(systems, "points", email, Told("ok", "pending", "busy", "429", "Too many requests"))
    systems.resend("--email", email)
    found = systems.delivery(email)
    assert (found["state"], found["attempts"]) == ("delivered", 2)
    first, second = systems.received("kartra", email)
    assert first["raw"] == second["raw"]


def test_a_burst_of_leads_keeps_to_twenty_calls_a_second(systems: Systems) -> None:
    systems.sandbox.app.config["RATE_LIMITS"] = True
    emails = [address() for _ in range(30)]
    for email in emails:
        systems.post("later", email)
    started = time.monotonic()
    systems.resend("--form", "later")
    assert time.monotonic() - started >= 29 / 20
    systems.sandbox.app.config["RATE_LIMITS"] = False
    assert [systems.received("kartra", email)[0]["answer"]["status"] for email in emails] == [200] * 30


# --- refusals ---

REFUSALS = {
    ("kartra", "auth"): Told("ct101", "pending", "credentials", "203", "API key not valid"),
    ("kartra", "invalid"): Told("lf204", "rejected", "invalid", "271", "Wrong custom field format"),
    ("kartra", "auth+lower"): Told("ct101", "pending", "credentials", "203", "API key not valid"),
    ("wrong-key", "jane"): Told("ct101", "pending", "credentials", "203", "API key not valid"),
    ("wrong-password", "jane"): Told("ct101", "pending", "credentials", "233", "API password not valid"),
    ("wrong-app", "jane"): Told("ct101", "pending", "credentials", "239", "App Id is not valid"),
    ("no-https", "jane"): Told("ok", "pending", "tls", "201", "Connection not secure"),
    ("inactive-account", "jane"): Told("ok", "pending", "disabled", "204", "API Account inactive"),
    ("inactive-app", "jane"): Told("ok", "pending", "disabled", "240", "App Account inactive"),
    ("elsewhere", "jane"): Told("ok", "pending", "forbidden", "242", "unauthorized IP"),
    ("limited", "jane"): Told("ok", "pending", "forbidden", "262", "App does not have permission"),
}


@pytest.mark.parametrize(("name", "behaviour"), REFUSALS)
def test_each_documented_refusal_is_told_and_written_down(systems: Systems, name: str, behaviour: str) -> None:
    check(systems, name, address(behaviour), REFUSALS[name, behaviour])


def test_an_address_that_the_vendor_cannot_do_without_is_asked_for_before_anything_is_sent(systems: Systems) -> None:
    answer = systems.post("kartra", "")
    assert answer.status_code == 422
    assert answer.json
    assert answer.json["error_code"] == "lf202"
    assert [each["field"] for each in answer.json["errors"]] == ["email"]
