"""vcita: the running product against the sandbox, over real sockets."""

from __future__ import annotations

import pytest

from tests.systems.accounts import FIELDS, KEPT, TYPED, form, kept, named, with_secrets
from tests.systems.running import Systems, Told, address, check

pytestmark = pytest.mark.thorough_on_postgresql  # what a vendor does is the same on each

OWN = """  business_id: demo-business
  on_behalf_of: demo-business
  notifications: auto-reply, email,sms
  status: Hot
  tags: ours, web
  source: Leadferry
  system_message: From the website
"""


def with_token(name: str, extra: str = "") -> str:
    return with_secrets(form("vcita", extra), VCITA_TOKEN=name)


FORMS = named(
    {
        "vcita": form("vcita"),
        "everything": form(
            "vcita", extra=OWN.replace("auto-reply, email,sms", '"auto-reply,email,sms"'), fields=FIELDS
        ),
        "by-unique-id": form("vcita", extra="  identifier_type: unique_id\n"),
        "wrong-token": with_token("WRONG"),
        "bad-jwt": with_token("BAD_JWT"),
        "app-token": with_token("APP_TOKEN"),
        "app-token-of-business": with_token("APP_TOKEN", "  business_id: demo-business\n"),
        "directory": with_token("DIRECTORY_TOKEN"),
        "directory-on-behalf": with_token("DIRECTORY_TOKEN", "  on_behalf_of: demo-business\n"),
        "others-business": with_token("DIRECTORY_TOKEN", "  on_behalf_of: other-business\n"),
        "no-module": with_token("TOKEN_WITHOUT_MODULE"),
        "no-user": with_token("TOKEN_WITHOUT_USER"),
    }
)
ENVIRON = {
    "WRONG": "wrong-token",
    "BAD_JWT": "eyJhbGciOi.eyJzdWIiOi.c2lnbmF0dXJl",
    "APP_TOKEN": "demo-app-token",
    "DIRECTORY_TOKEN": "demo-directory-token",
    "TOKEN_WITHOUT_MODULE": "demo-token-no-module",
    "TOKEN_WITHOUT_USER": "demo-token-no-user",
}
DONE = Told("ok", "delivered", None, "201", "conversation ")


def test_every_reserved_name_reaches_its_place(systems: Systems) -> None:
    email = address()
    found = check(systems, "vcita", email, DONE, **TYPED)
    assert systems.fields("vcita", email) == {
        "address": "12 Oak St #4",
        "email": email,
        "first_name": "José",
        "identifier_type": "email",
        "last_name": "O'Brien",
        "message_data": {"notes": KEPT["notes"]},
        "opt_in_transactional_sms": True,
        "phone": "5127891111",
        "request_data": {
            **kept("second_phone", "city", "state", "zip", "compName", "job_title", "deal_size", "deal_closed", "age"),
            **kept("gender", "facebook", "linkedin", "client_category", "clients_date_last", "clients_date_next"),
            **kept("new_lead_notification", "contact_type", "assigned_user_id"),
        },
        "request_title": "A quote",
        "tags": "web,quote",
        "unique_id": "12345",
    }
    assert found["vendor_lead_id"]


def test_all_nineteen_parameters_go_with_their_types(systems: Systems) -> None:
    email = address()
    answers = {
        "name": "Mary Jo Smith",
        "phone": "5127891111",
        "address": "12 Oak St",
        "notes": "Call me",
        "smsok": "0",
        "opt_in": "yes",
        "external_id": "77-a",
        "page_url": "https://www.example.com/quote?a=1",
        "gclid": "G" * 300,
        "tag": "web,quote",
        "Favorite Chocolate": "dark",
        "clients_date_last": "12/31/2025",
    }
    check(systems, "everything", email, DONE, **answers)
    (entry,) = systems.received("vcita", email)
    assert entry["complaints"] == []
    assert entry["fields"] == {
        "address": "12 Oak St",
        "business_id": "demo-business",
        "email": email,
        "first_name": "Mary Jo",
        "identifier_type": "email",
        "last_name": "Smith",
        "message_data": {"notes": "Call me", "gclid": "G" * 300},
        "notifications": "auto-reply,email,sms",
        "opt_in": "true",
        "opt_in_transactional_sms": False,
        "phone": "5127891111",
        "request_data": {"Favorite Chocolate": "dark", "clients_date_last": "2025-12-31"},
        "request_title": "A quote",
        "source": "Leadferry",
        "source_url": "https://www.example.com/quote?a=1",
        "status": "Hot",
        "system_message": "From the website",
        "tags": "ours,web,quote",
        "unique_id": "77-a",
    }
    assert len(entry["fields"]) == 19
    assert entry["headers"]["X-On-Behalf-Of"] == "demo-business"
    assert entry["headers"]["Authorization"] == "***"
    assert entry["content_type"] == "application/json"


def test_a_client_is_looked_up_by_a_unique_id_where_the_form_says_so(systems: Systems) -> None:
    email = address()
    check(systems, "by-unique-id", email, DONE, external_id="client-7")
    sent = systems.fields("vcita", email)
    assert (sent["identifier_type"], sent["unique_id"]) == ("unique_id", "client-7")


def test_a_lead_without_an_identifier_is_a_client_of_its_own(systems: Systems) -> None:
    """Never one value for all: vcita would make one client of them."""
    references = []
    for _ in range(2):
        answer = systems.post("by-unique-id", "", notes=address())
        assert answer.json
        references.append(answer.json["lead"])
    first, second = systems.sandbox.inbox(vendor="vcita")[1::-1]
    assert [first["fields"]["unique_id"], second["fields"]["unique_id"]] == references
    assert "email" not in first["fields"]


def test_a_known_client_gets_one_more_conversation(systems: Systems) -> None:
    email = address("dup")
    first = check(systems, "vcita", email, DONE)
    systems.post("vcita", email, notes="again")
    second = systems.delivery(email)
    assert (second["state"], second["vendor_lead_id"]) == ("delivered", first["vendor_lead_id"])
    assert second["history"][0]["words"] != first["history"][0]["words"]


ANSWERS = {
    ("vcita", "ok200"): Told("ok", "delivered", None, "200", "conversation "),
    ("vcita", "auth"): Told("ct101", "pending", "credentials", "unauthorized", "401 Unauthorized"),
    ("vcita", "invalid"): Told("lf204", "rejected", "invalid", "422", "email is invalid"),
    ("vcita", "ratelimit"): Told("ok", "pending", "busy", "429", "Too many requests"),
    ("wrong-token", "jane"): Told("ct101", "pending", "credentials", "unauthorized", "401 Unauthorized"),
    ("bad-jwt", "jane"): Told("ct101", "pending", "credentials", "401", "401 Unauthorized"),
    ("directory", "jane"): Told("ct101", "pending", "credentials", "unauthorized", "Unauthorized"),
    ("directory-on-behalf", "jane"): DONE,
    ("others-business", "jane"): Told("ct101", "pending", "credentials", "401", "Unauthorized"),
    ("no-module", "jane"): Told("ok", "pending", "forbidden", "module_permission_missing", "403 Forbidden"),
    ("no-user", "jane"): Told("ok", "held", "nonsense", "500", "Internal Server Error"),
    ("app-token", "jane"): Told("ok", "pending", "setting_missing", "PARAMETER_MISSING", "business_id is missing"),
    ("app-token-of-business", "jane"): DONE,
}


@pytest.mark.parametrize(("name", "behaviour"), ANSWERS)
def test_each_shape_of_answer_is_told_and_written_down(systems: Systems, name: str, behaviour: str) -> None:
    email = address(behaviour)
    check(systems, name, email, ANSWERS[name, behaviour])


def test_a_name_that_the_vendor_cannot_do_without_is_asked_for_before_anything_is_sent(systems: Systems) -> None:
    answer = systems.installation.client.post("/f/vcita", json={"email": address(), "lastName": "Doe"})
    assert answer.status_code == 422
    assert answer.json
    assert answer.json["error_code"] == "ct102"
