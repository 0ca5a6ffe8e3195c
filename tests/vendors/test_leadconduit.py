from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from leadferry.vendors.base import Destination, LeadData, Outcome, Reason, Response, Secret, Template, fill
from leadferry.vendors.leadconduit import LeadConduit
from tests.vendors.contract import LEAD, VendorContract

IDS = {"LEADCONDUIT_FLOW": "5462c7eb76fefd217d333552", "LEADCONDUIT_SOURCE": "5462c7fb745fb567baf2e093"}
DESTINATION = Destination(
    "quote",
    "vendor",
    "leadconduit",
    {
        "flow_id": Template((Secret("LEADCONDUIT_FLOW"),)),
        "source_id": Template((Secret("LEADCONDUIT_SOURCE"),)),
    },
)
ADAPTER = LeadConduit()
LEAD_ID = "5462cdc5869bdb81148ece10"


def says(body: Any, status: int = 201) -> Response:
    return Response(status, {"content-type": "application/json"}, json.dumps(body).encode())


def handled(outcome: str, **more: Any) -> Response:
    return says({"outcome": outcome, **more, "lead": {"id": LEAD_ID}, "price": 0})


def plain(status: int, text: str = "", **headers: str) -> Response:
    return Response(status, {"content-type": "text/plain", **headers}, text.encode())


def sent(lead: LeadData, **fields: str) -> dict[str, Any]:
    form = ADAPTER.build_request(lead, replace(DESTINATION, fields=fields)).form
    assert form is not None
    names = [name for name, _ in form]
    assert len(names) == len(set(names))
    return dict(form)


def answered(**values: str | list[str]) -> LeadData:
    return replace(LEAD, values=values, campaign={})


class TestLeadConduit(VendorContract):
    adapter = ADAPTER
    destination = DESTINATION
    secret_in_url = True
    duplicate_answer = handled("failure", reason="duplicate")
    answers = (
        (handled("success"), Outcome.ACCEPTED, None),
        (handled("failure", reason="lead.state must not be equal to FL"), Outcome.REJECTED, Reason.REFUSED),
        (handled("error", reason="Integration failed"), Outcome.REJECTED, Reason.INVALID),
        (says({"message": "Source is disabled"}, 403), Outcome.MISCONFIGURED, Reason.DISABLED),
        (plain(400, "Unable to parse body -- Cannot nest."), Outcome.REJECTED, Reason.INVALID),
        (plain(400, "Invalid redir_url"), Outcome.MISCONFIGURED, Reason.INVALID),
        (plain(401), Outcome.MISCONFIGURED, Reason.CREDENTIALS),
        (plain(404), Outcome.MISCONFIGURED, Reason.NOT_FOUND),
        (plain(405, "The PUT method is not allowed"), Outcome.MISCONFIGURED, Reason.NOT_FOUND),
        (plain(406, "Not capable of generating content"), Outcome.MISCONFIGURED, Reason.INVALID),
        (plain(415, "Content-Type header is required"), Outcome.MISCONFIGURED, Reason.INVALID),
        (plain(429), Outcome.FAILED, Reason.BUSY),
        (plain(502), Outcome.FAILED, Reason.DOWN),
        (plain(503), Outcome.FAILED, Reason.DOWN),
        (plain(504), Outcome.FAILED, Reason.DOWN),
        (plain(500), Outcome.UNKNOWN, Reason.NONSENSE),
    )


class TestTheRequest:
    def test_goes_to_the_address_of_flow_and_source(self) -> None:
        request = ADAPTER.build_request(LEAD, DESTINATION)
        assert request.method == "POST"
        assert fill(request.url, IDS.__getitem__) == (
            "https://app.leadconduit.com/flows/5462c7eb76fefd217d333552/sources/5462c7fb745fb567baf2e093/submit"
        )

    def test_goes_to_a_whole_address_where_the_form_has_one(self) -> None:
        destination = replace(
            DESTINATION, settings={}, url="https://app.leadconduit-staging.com/flows/1/sources/2/submit"
        )
        assert ADAPTER.build_request(LEAD, destination).url == destination.url

    def test_accepts_json_alone_so_that_the_answer_is_not_xml(self) -> None:
        request = ADAPTER.build_request(LEAD, DESTINATION)
        assert request.headers == {"Accept": "application/json"}
        assert request.json is None

    def test_carries_reserved_answers_under_the_standard_fields(self) -> None:
        assert sent(LEAD) == {
            "first_name": "Ada",
            "last_name": "Lovelace",
            "phone_1": "5127891111",
            "email": "ada@example.com",
            "address_1": "12 Oak Street",
            "city": "Austin",
            "state": "TX",
            "postal_code": "78701",
            "mobile_opt_in": "yes",
            "comments": "Call after five.\nThe bell is broken.",
            "tag": "web,quote",
            "Favorite Chocolate": "dark",
            "rooms": "kitchen, bath",
            "page_url": "https://www.example.com/quote?a=1",
            "gclid": "Cj0K",
            "utm_source": "news",
        }

    def test_splits_a_name_and_leaves_out_a_part_that_is_not_there(self) -> None:
        assert sent(answered(name="Mary Jo Smith")) == {"first_name": "Mary Jo", "last_name": "Smith"}
        assert sent(answered(name="Cher")) == {"first_name": "Cher"}

    def test_keeps_dotted_names_as_they_are(self) -> None:
        values = {"mortgage.loan.amount": "100000", "mortgage.property.use": "primary"}
        assert sent(answered(**values)) == values

    def test_writes_booleans_as_yes_and_no_and_anything_else_as_typed(self) -> None:
        flags = {"smsok": "0", "loan.has_financing": "1", "mortgage.application.is_military": "maybe"}
        assert sent(answered(**flags)) == {
            "mobile_opt_in": "no",
            "loan.has_financing": "yes",
            "mortgage.application.is_military": "maybe",
        }

    def test_sends_an_own_field_of_the_flow_as_it_is(self) -> None:
        assert sent(answered(agreed="1", colour="red"), colour="colour_acme") == {"agreed": "1", "colour_acme": "red"}

    def test_passes_on_the_fields_of_trustedform_and_leadid_under_their_own_names(self) -> None:
        values = {"xxTrustedFormCertUrl": "https://cert.trustedform.com/" + "a" * 100, "leadid_token": "7F3C"}
        assert sent(answered(**values)) == values

    def test_marks_a_test_lead(self) -> None:
        assert sent(replace(answered(email="a@b.example"), test=True)) == {"email": "a@b.example", "is_test": "yes"}
        assert "is_test" not in sent(LEAD)


@pytest.mark.parametrize(
    "address", ["https://app.leadconduit.com/flows/1/sources/2/ping", "https://a.example/ping/?x=1"]
)
def test_an_address_for_pings_is_a_mistake(address: str) -> None:
    ((key, message),) = ADAPTER.check(replace(DESTINATION, url=address))
    assert key == "url"
    assert "/submit" in message


def test_an_address_cannot_be_tried_without_making_an_event() -> None:
    assert ADAPTER.test_request(DESTINATION) is None


def test_the_lead_id_is_kept_whatever_became_of_the_lead() -> None:
    for outcome in ("success", "failure", "error"):
        assert ADAPTER.parse_response(handled(outcome, reason="x")).vendor_lead_id == LEAD_ID


def test_a_refusal_keeps_the_outcome_and_the_reason_in_the_vendors_words() -> None:
    result = ADAPTER.parse_response(handled("failure", reason="Daily cap reached"))
    assert (result.code, result.words, result.error_code) == ("failure", "Daily cap reached", None)


@pytest.mark.parametrize("reason", ["duplicate", "Duplicate lead", "phone_1 is a DUPLICATE", "lead was duplicated"])
def test_a_reason_that_says_duplicate_is_one(reason: str) -> None:
    assert ADAPTER.parse_response(handled("failure", reason=reason)).reason is Reason.DUPLICATE


def test_a_redirect_is_read_by_its_body_and_never_by_where_it_goes() -> None:
    location = {"location": "https://www.example.com/thanks"}
    failure = handled("failure", reason="duplicate")
    assert ADAPTER.parse_response(replace(failure, status=303, headers=location)).reason is Reason.DUPLICATE
    assert ADAPTER.parse_response(Response(303, location)).outcome is Outcome.UNKNOWN


@pytest.mark.parametrize(
    ("response", "outcome"),
    [
        (says({"outcome": "success", "lead": {"id": LEAD_ID}}, 200), Outcome.ACCEPTED),
        (says({"outcome": "success"}, 201), Outcome.ACCEPTED),
        (says({"outcome": "success", "price": 3}, 200), Outcome.UNKNOWN),
        (says({"outcome": "success", "price": 3}, 303), Outcome.UNKNOWN),
        (says({"outcome": "success", "lead": {"id": LEAD_ID}}, 500), Outcome.UNKNOWN),
        (says({"outcome": "success", "lead": {"id": LEAD_ID}}, 422), Outcome.UNKNOWN),
    ],
)
def test_a_success_counts_only_as_the_answer_to_a_submission(response: Response, outcome: Outcome) -> None:
    assert ADAPTER.parse_response(response).outcome is outcome


@pytest.mark.parametrize(
    "body",
    [
        '<?xml version="1.0"?>\n<result>\n  <outcome>success</outcome>\n  <lead><id>5462</id></lead>\n</result>',
        '{"outcome":"accepted"}',
        '{"outcome":["success"]}',
        '[{"outcome":"success"}]',
        '{"lead":{"id":"5462cdc5869bdb81148ece10"}}',
    ],
)
def test_an_answer_without_a_known_outcome_is_unknown(body: str) -> None:
    assert ADAPTER.parse_response(Response(201, {}, body.encode())).outcome is Outcome.UNKNOWN


def test_the_message_of_a_disabled_source_is_shown_without_its_wrapping() -> None:
    assert ADAPTER.parse_response(says({"message": "Source is disabled"}, 403)).words == "Source is disabled"


@pytest.mark.parametrize("status", [502, 504])
def test_overload_waits_as_long_as_the_answer_asks(status: int) -> None:
    assert ADAPTER.parse_response(plain(status, **{"retry-after": "5"})).retry_after == 5.0
