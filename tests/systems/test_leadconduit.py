"""LeadConduit: the running product against the sandbox, over real sockets."""

from __future__ import annotations

import re

import pytest

from tests.systems.accounts import FIELDS, KEPT, TYPED, form, kept, named, with_secrets
from tests.systems.running import Systems, Told, address, check

pytestmark = pytest.mark.thorough_on_postgresql  # what a vendor does is the same on each

MORTGAGE = """
  - {name: first_name, label: First name, required: true}
  - {name: email, label: E-mail}
  - {name: phone_1, label: Phone}
  - {name: mortgage.property.postal_code, label: ZIP of the property}
  - {name: mortgage.loan.amount, label: Amount}
  - {name: loan.has_financing, label: I have financing, type: checkbox}
  - {name: credit_score, label: Credit score, type: range}
  - {name: dob, label: Date of birth}
  - {name: ssn, label: Social Security number}
  - {name: colours, label: Colours, type: checkboxes, options: [Red, Green, Blue]}
"""

FORMS = named(
    {
        "leadconduit": form("leadconduit"),
        "mortgage": form("leadconduit", fields=MORTGAGE),
        "asking": form(
            "leadconduit",
            fields=FIELDS.replace("name: phone, label: Mobile", "name: phone, label: Mobile, if_invalid: ask"),
        ),
        "disabled": with_secrets(form("leadconduit"), LEADCONDUIT_SOURCE_ID="DISABLED_SOURCE"),
        "redirecting": form("leadconduit").replace(
            "/submit", "/submit?redir_url=https%3A%2F%2Fwww.example.com%2Fthanks"
        ),
    }
)
ENVIRON = {"DISABLED_SOURCE": "d" * 24}


def test_every_reserved_name_reaches_its_place(systems: Systems) -> None:
    email = address()
    found = check(systems, "leadconduit", email, Told("ok", "delivered"), **TYPED)
    assert systems.fields("leadconduit", email) == {
        "first_name": "José",
        "last_name": "O'Brien",
        "email": email,
        "phone_1": "5127891111",
        "phone_2": "5127892222",
        "address_1": "12 Oak St #4",
        "postal_code": "78701-1234",
        "company": "Cats & Dogs <Ltd>",
        "mobile_opt_in": "yes",
        "comments": KEPT["notes"],
        "reference": "12345",
        **kept("city", "state", "age", "gender"),
        # the others go under the name itself
        **kept("tag", "job_title", "deal_size", "deal_closed", "facebook", "linkedin", "client_category"),
        **kept("clients_date_last", "clients_date_next", "new_lead_notification", "contact_type", "assigned_user_id"),
    }
    assert re.fullmatch("[0-9a-f]{24}", found["vendor_lead_id"])


def test_the_post_is_an_urlencoded_form_that_asks_for_json_alone(systems: Systems) -> None:
    email = address()
    systems.post("leadconduit", email, name="Mary Jo Smith", **{"Favorite Chocolate": "dark", "gclid": "G" * 300})
    (entry,) = systems.received("leadconduit", email)
    assert entry["content_type"] == "application/x-www-form-urlencoded"
    assert entry["headers"]["Accept"] == "application/json"
    sent = entry["fields"]
    assert (sent["first_name"], sent["last_name"]) == ("Mary Jo", "Smith")
    assert (sent["Favorite Chocolate"], sent["gclid"]) == ("dark", "G" * 300)


def test_dotted_names_arrive_nested_and_each_type_in_its_recommended_form(systems: Systems) -> None:
    email = address()
    body = {
        "first_name": "Jane",
        "email": email.replace("jane", "Jane"),
        "phone_1": "1-512-789-1111",
        "mortgage.property.postal_code": "q2e4u7",
        "mortgage.loan.amount": "$250,000",
        "mortgage.loan.term": "30",
        "loan.has_financing": "on",
        "credit_score": "700 to 750",
        "dob": "Dec 25, 1985",
        "ssn": "123 45 6789",
        "colours": ["Red", "Blue"],
    }
    answer = systems.installation.client.post("/f/mortgage", json=body)
    assert answer.status_code == 200
    (entry,) = systems.received("leadconduit", email)
    assert (entry["accepted"], entry["complaints"]) == (True, [])
    assert entry["fields"] == {
        "first_name": "Jane",
        "email": email.replace("jane", "Jane"),
        "phone_1": "5127891111",
        "mortgage": {"property": {"postal_code": "Q2E 4U7"}, "loan": {"amount": "250000", "term": "30"}},
        "loan": {"has_financing": "yes"},
        "credit_score": "700-750",
        "dob": "1985-12-25",
        "ssn": "***",
        "colours": "Red, Blue",
    }


WRONG = {"phone": "call me", "age": "old", "zip": "?", "gender": "x", "state": "Nowhere", "external_id": "e-1"}


def test_no_value_is_refused_for_its_type(systems: Systems) -> None:
    email = address()
    check(systems, "leadconduit", email, Told("ok", "delivered"), **WRONG, mobile_opt_in="yes")
    sent = systems.fields("leadconduit", email)
    expected = {"phone_1": "call me", "age": "old", "postal_code": "?", "gender": "x", "state": "Nowhere"}
    assert {name: sent.get(name) for name in expected} == expected


def test_unless_the_form_says_that_the_visitor_is_asked(systems: Systems) -> None:
    email = address()
    answer = systems.post("asking", email, **WRONG)
    assert answer.status_code == 422
    assert answer.json
    assert answer.json["error_code"] == "lf201"
    assert [each["field"] for each in answer.json["errors"]] == ["phone"]
    assert systems.received("leadconduit", email) == []


ANSWERS = {
    "dup": Told("ct103", "rejected", "duplicate", "failure", "duplicate"),
    "filter": Told("lf204", "rejected", "refused", "failure", "lead.state must not be equal to FL"),
    "invalid": Told("lf204", "rejected", "refused", "failure", "email must be valid"),
    "error": Told("lf204", "rejected", "invalid", "error", "An unexpected problem occurred"),
    "auth": Told("ok", "pending", "disabled", "403", "Source is disabled"),
}


@pytest.mark.parametrize("behaviour", ANSWERS)
def test_each_documented_answer_is_told_and_written_down(systems: Systems, behaviour: str) -> None:
    found = check(systems, "leadconduit", address(behaviour), ANSWERS[behaviour])
    assert (found["vendor_lead_id"] is not None) == (found["state"] == "rejected")


def test_a_disabled_source_pauses_the_account_and_its_visitors_are_not_told(systems: Systems) -> None:
    check(systems, "disabled", address(), Told("ok", "pending", "disabled", "403", "Source is disabled"))
    email = address()
    assert systems.post("disabled", email).status_code == 200
    assert (systems.delivery(email)["state"], systems.delivery(email)["attempts"]) == ("pending", 0)


def test_names_that_cannot_be_nested_are_refused_for_good(systems: Systems) -> None:
    told = Told("lf204", "rejected", "invalid", "400", "Unable to parse body")
    check(systems, "leadconduit", address(), told, **{"a..b": "x"})


def test_each_status_of_overload_is_tried_again(systems: Systems) -> None:
    email = address("flaky")
    check(systems, "leadconduit", email, Told("ok", "pending", "down", "502", "502 Bad Gateway"))
    systems.resend("--email", email)
    second = systems.delivery(email)
    assert (second["state"], second["history"][1]["code"]) == ("pending", "504")
    systems.resend("--email", email)
    assert systems.delivery(email)["state"] == "delivered"
    check(systems, "leadconduit", address("down"), Told("ok", "pending", "down", "503", "503 Service Unavailable"))


@pytest.mark.parametrize(("behaviour", "told"), [("jane", Told("ok", "delivered")), ("dup", ANSWERS["dup"])])
def test_a_redirecting_address_is_read_and_not_followed(systems: Systems, behaviour: str, told: Told) -> None:
    found = check(systems, "redirecting", address(behaviour), told)
    assert found["history"][0]["calls"][0]["status"] == 303
