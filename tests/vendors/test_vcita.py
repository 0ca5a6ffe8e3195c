from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from leadferry.vendors.base import Destination, LeadData, Outcome, Reason, Response, Secret, Template, fill
from leadferry.vendors.vcita import Vcita
from tests.vendors.contract import LEAD, VendorContract

SETTINGS = {
    "token": Template((Secret("VCITA_TOKEN"),)),
    "request_title": "Quote request",
    "business_id": "acme",
    "notifications": "email, sms",
    "tags": "leadferry, web",
    "source": "Website",
    "status": "Lead",
    "system_message": "From the quote page",
}


def destination(**settings: Any) -> Destination:
    fields = settings.pop("fields", {})
    return Destination("quote", "vendor", "vcita", {**SETTINGS, **settings}, fields, on_unknown="hold")


def lead(**values: Any) -> LeadData:
    return replace(LEAD, values=values, campaign={})


def body(of: LeadData, to: Destination | None = None) -> dict[str, Any]:
    sent: dict[str, Any] = Vcita().build_request(of, to or destination()).json
    return sent


def answer(status: int, text: str) -> Response:
    return Response(status, {"content-type": "application/json"}, text.encode())


CREATED = '{"conversation_uid":"pehfh46jy6c9mlba","status":"OK","uid":"jg7vmlf2uwx5m6fy"}'
WRONG_TOKEN = '{"success":false,"errors":[{"code":"unauthorized","message":"401 Unauthorized"}]}'
NO_BUSINESS = '{"status":"Error","error":"Mandatory parameter business_id is missing","error_code":"PARAMETER_MISSING"}'
NO_NAME = '{"status":"Error","error":"Mandatory parameter first_name is missing","error_code":"PARAMETER_MISSING"}'

CREDENTIALS = (Outcome.MISCONFIGURED, Reason.CREDENTIALS)
INVALID = (Outcome.REJECTED, Reason.INVALID)


class TestVcita(VendorContract):
    adapter = Vcita()
    destination = destination(on_behalf_of="acme")
    answers = (
        (answer(201, CREATED), Outcome.ACCEPTED, None),
        (answer(200, CREATED), Outcome.ACCEPTED, None),
        (answer(201, '{"uid":"jg7vmlf2uwx5m6fy"}'), Outcome.ACCEPTED, None),
        (answer(201, '{"status":"OK"}'), Outcome.ACCEPTED, None),
        (answer(202, "{}"), Outcome.UNKNOWN, Reason.NONSENSE),
        (answer(200, '{"status":"Error","error":"No","uid":"jg7vmlf2uwx5m6fy"}'), Outcome.UNKNOWN, Reason.NONSENSE),
        (answer(400, NO_NAME), Outcome.REJECTED, Reason.NAME_MISSING),
        (answer(400, NO_BUSINESS), Outcome.MISCONFIGURED, Reason.SETTING_MISSING),
        (answer(400, ""), *INVALID),
        (answer(401, WRONG_TOKEN), *CREDENTIALS),
        (answer(401, '{"message":"401 Unauthorized","status":"Failure"}'), *CREDENTIALS),
        (answer(401, '{"error":"Unauthorized"}'), *CREDENTIALS),
        (
            answer(403, '{"message":"403 Forbidden","status":"module_permission_missing"}'),
            Outcome.MISCONFIGURED,
            Reason.FORBIDDEN,
        ),
        (answer(404, ""), Outcome.MISCONFIGURED, Reason.NOT_FOUND),
        (answer(422, '{"status":"Error","error":"Email is invalid"}'), *INVALID),
        (answer(422, '{"status":"Error","error":"Unauthorized"}'), *CREDENTIALS),
        (answer(422, '["Mandatory parameter phone is missing"]'), *INVALID),
        (answer(429, '{"error":"Too many requests"}'), Outcome.FAILED, Reason.BUSY),
        (answer(500, ""), Outcome.UNKNOWN, Reason.NONSENSE),
        (answer(503, ""), Outcome.FAILED, Reason.DOWN),
    )


def test_the_call_carries_the_token_and_the_business_in_headers() -> None:
    request = Vcita().build_request(LEAD, destination(on_behalf_of="acme"))
    sent = {name: fill(text, {"VCITA_TOKEN": "t0k3n"}.__getitem__) for name, text in request.headers.items()}
    assert (request.method, request.url) == ("POST", "https://api.vcita.biz/platform/v1/leadgen")
    assert sent == {"Authorization": "Bearer t0k3n", "X-On-Behalf-Of": "acme", "Accept": "application/json"}


def test_the_body_has_the_documents_names_and_types() -> None:
    values = {**LEAD.values, "opt_in": "1", "external_id": "77"}
    assert body(replace(LEAD, values=values)) == {
        "address": "12 Oak Street",
        "business_id": "acme",
        "email": "ada@example.com",
        "first_name": "Ada",
        "identifier_type": "email",
        "last_name": "Lovelace",
        "message_data": {"notes": "Call after five.\nThe bell is broken.", "gclid": "Cj0K", "utm_source": "news"},
        "notifications": "email, sms",
        "opt_in": "true",
        "opt_in_transactional_sms": True,
        "phone": "5127891111",
        "request_data": {
            "city": "Austin",
            "state": "TX",
            "zip": "78701",
            "Favorite Chocolate": "dark",
            "rooms": "kitchen, bath",
        },
        "request_title": "Quote request",
        "source": "Website",
        "source_url": "https://www.example.com/quote?a=1",
        "status": "Lead",
        "system_message": "From the quote page",
        "tags": "leadferry,web,quote",
        "unique_id": "77",
    }


@pytest.mark.parametrize(
    ("setting", "values", "identifier_type", "unique_id"),
    [
        ("email", {"email": "ada@example.com"}, "email", None),
        ("email", {"email": "ada@example.com", "external_id": "77"}, "email", "77"),
        ("email", {}, "unique_id", LEAD.reference),
        ("email", {"external_id": "77"}, "unique_id", "77"),
        ("unique_id", {"email": "ada@example.com"}, "unique_id", LEAD.reference),
        ("unique_id", {"external_id": "77"}, "unique_id", "77"),
        (None, {"email": "ada@example.com"}, "email", None),
    ],
)
def test_a_client_is_looked_up_by_what_the_lead_has(
    setting: str | None, values: dict[str, str], identifier_type: str, unique_id: str | None
) -> None:
    sent = body(lead(firstName="Ada", **values), destination(identifier_type=setting))
    assert (sent["identifier_type"], sent.get("unique_id")) == (identifier_type, unique_id)


@pytest.mark.parametrize(("typed", "sent"), [("1", True), ("0", False)])
def test_the_permission_to_text_is_a_boolean(typed: str, sent: bool) -> None:
    assert body(lead(firstName="Ada", smsok=typed))["opt_in_transactional_sms"] is sent


def test_an_unclear_permission_to_text_is_shown_but_is_no_permission() -> None:
    sent = body(lead(firstName="Ada", smsok="perhaps"))
    assert "opt_in_transactional_sms" not in sent
    assert sent["request_data"] == {"opt_in_transactional_sms": "perhaps"}


@pytest.mark.parametrize(("typed", "sent"), [("1", "true"), ("0", "false"), ("perhaps", "perhaps")])
def test_the_permission_for_promotions_is_a_string(typed: str, sent: str) -> None:
    assert body(lead(firstName="Ada", opt_in=typed))["opt_in"] == sent


def test_a_visitor_cannot_fill_what_is_the_hosts() -> None:
    posted = {"business_id": "other", "notifications": "sms", "system_message": "Pay here", "request_title": "x"}
    sent = body(lead(firstName="Ada", **posted))
    assert sent["request_data"] == posted
    assert (sent["business_id"], sent["system_message"]) == ("acme", "From the quote page")


def test_a_whole_name_is_split() -> None:
    sent = body(lead(name="Mary Jo Smith", firstName="ignored"))
    assert (sent["first_name"], sent["last_name"]) == ("Mary Jo", "Smith")


def test_the_form_file_may_map_the_campaign_elsewhere() -> None:
    sent = body(LEAD, destination(fields={"gclid": "Google click", "page_url": "Page"}))
    assert sent["request_data"]["Google click"] == "Cj0K"
    assert sent["request_data"]["Page"] == "https://www.example.com/quote?a=1"
    assert "source_url" not in sent
    assert sent["message_data"].keys() == {"notes", "utm_source"}


def test_what_was_not_answered_is_left_out() -> None:
    few = Destination("quote", "vendor", "vcita", {"token": SETTINGS["token"], "request_title": "Hello"})
    assert body(lead(firstName="Ada", email="ada@example.com"), few) == {
        "email": "ada@example.com",
        "first_name": "Ada",
        "identifier_type": "email",
        "request_title": "Hello",
    }


def test_a_success_keeps_both_of_the_vendors_ids() -> None:
    result = Vcita().parse_response(answer(201, CREATED))
    assert (result.vendor_lead_id, result.words) == ("jg7vmlf2uwx5m6fy", "conversation pehfh46jy6c9mlba")


@pytest.mark.parametrize(
    ("response", "code", "words"),
    [
        (answer(401, WRONG_TOKEN), "unauthorized", "401 Unauthorized"),
        (answer(400, NO_NAME), "PARAMETER_MISSING", "Mandatory parameter first_name is missing"),
        (answer(422, '["One is missing","Two is missing"]'), "422", "One is missing; Two is missing"),
        (
            answer(403, '{"message":"403 Forbidden","status":"module_permission_missing"}'),
            "module_permission_missing",
            "403 Forbidden",
        ),
        (answer(500, "<h1>Sorry</h1>"), "500", "<h1>Sorry</h1>"),
    ],
)
def test_the_vendors_code_and_words_are_kept_whatever_their_shape(response: Response, code: str, words: str) -> None:
    result = Vcita().parse_response(response)
    assert (result.code, result.words) == (code, words)


def test_a_visitors_word_in_a_message_does_not_pause_the_vendor() -> None:
    said = '{"status":"Error","error":"Email Unauthorized is invalid"}'
    assert Vcita().parse_response(answer(422, said)).outcome is Outcome.REJECTED


def test_mistakes_in_the_vendor_block_are_named() -> None:
    wrong = destination(notifications="email,pigeon", fields={"greeting": "system_message"})
    assert [key for key, _ in Vcita().check(wrong)] == ["notifications", "fields"]
