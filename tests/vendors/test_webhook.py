from __future__ import annotations

import json
from dataclasses import replace
from datetime import datetime, timedelta, timezone

import pytest

from leadferry.vendors.base import Destination, Outcome, Reason, Request, Response, Secret, Template
from leadferry.vendors.webhook import Webhook
from tests.vendors.contract import LEAD, VendorContract

ADDRESS = "https://hooks.example.com/leads"
SECRET = Template((Secret("HOOK_SECRET"),))
SIGNED = Destination("quote", "vendor", "webhook", {"secret": SECRET}, url=ADDRESS)
UNSIGNED = Destination("quote", "vendor", "webhook", url=ADDRESS)

NOT_FOUND = (Outcome.MISCONFIGURED, Reason.NOT_FOUND)


class TestWebhook(VendorContract):
    adapter = Webhook()
    destination = SIGNED
    any_2xx_accepts = True
    duplicate_answer = Response(409, {}, b"seen before")
    answers = (
        (Response(200, {}, b'{"id":"abc"}'), Outcome.ACCEPTED, None),
        (Response(202, {}, b"queued"), Outcome.ACCEPTED, None),
        (Response(204), Outcome.ACCEPTED, None),
        (Response(301), Outcome.UNKNOWN, Reason.NONSENSE),
        (Response(308), *NOT_FOUND),
        (Response(400, {}, b"bad"), Outcome.REJECTED, Reason.INVALID),
        (Response(401), Outcome.MISCONFIGURED, Reason.CREDENTIALS),
        (Response(403), Outcome.MISCONFIGURED, Reason.FORBIDDEN),
        (Response(404), *NOT_FOUND),
        (Response(405), *NOT_FOUND),
        (Response(408), Outcome.FAILED, Reason.TIMEOUT),
        (Response(410), *NOT_FOUND),
        (Response(413), Outcome.REJECTED, Reason.INVALID),
        (Response(415), *NOT_FOUND),
        (Response(418), Outcome.UNKNOWN, Reason.NONSENSE),
        (Response(422, {}, b"bad"), Outcome.REJECTED, Reason.INVALID),
        (Response(425), Outcome.FAILED, Reason.BUSY),
        (Response(429), Outcome.FAILED, Reason.BUSY),
        (Response(500), Outcome.UNKNOWN, Reason.NONSENSE),
        (Response(502), Outcome.UNKNOWN, Reason.NONSENSE),
        (Response(503), Outcome.FAILED, Reason.DOWN),
        (Response(504), Outcome.UNKNOWN, Reason.NONSENSE),
    )


def test_the_event_carries_the_whole_lead() -> None:
    consent = {"smsok": {"text": "You may text me.", "given": True}}
    request = Webhook().build_request(replace(LEAD, consent=consent, test=True), SIGNED)
    assert request.json == {
        "type": "lead.received",
        "timestamp": "2026-11-20T09:30:15.250000Z",
        "lead": LEAD.reference,
        "form": "quote",
        "version": "3f9a2c",
        "test": True,
        "fields": {**LEAD.values, **LEAD.campaign},
        "consent": consent,
    }


def test_times_are_sent_in_utc() -> None:
    there = datetime(2026, 11, 20, 10, 30, tzinfo=timezone(timedelta(hours=1)))
    assert Webhook().build_request(replace(LEAD, received_at=there), SIGNED).json["timestamp"] == "2026-11-20T09:30:00Z"


def test_fields_take_the_receivers_names_where_the_form_file_gives_them() -> None:
    mapped = replace(SIGNED, fields={"firstName": "given_name", "gclid": "google_click"})
    fields = Webhook().build_request(LEAD, mapped).json["fields"]
    assert (fields["given_name"], fields["google_click"]) == ("Ada", "Cj0K")
    assert not {"firstName", "gclid"} & fields.keys()


def test_a_secret_has_the_request_signed() -> None:
    request = Webhook().build_request(LEAD, SIGNED)
    assert (request.method, request.url, request.sign, request.message_id) == ("POST", ADDRESS, SECRET, LEAD.message_id)


def test_without_a_secret_a_repeat_is_still_recognisable() -> None:
    request = Webhook().build_request(LEAD, UNSIGNED)
    assert (request.sign, request.message_id) == (None, LEAD.message_id)
    assert Request.from_json(request.to_json()) == request


@pytest.mark.parametrize(
    ("answer", "lead_id"),
    [
        ({"lead_id": "L-1", "id": "event"}, "L-1"),
        ({"id": "abc"}, "abc"),
        ({"id": 1001}, "1001"),
        ({"id": True}, None),
        ({"id": ""}, None),
        ({"id": {"a": 1}}, None),
        (["abc"], None),
    ],
)
def test_the_receivers_own_id_is_kept(answer: object, lead_id: str | None) -> None:
    assert Webhook().parse_response(Response(200, {}, json.dumps(answer).encode())).vendor_lead_id == lead_id


def test_the_words_of_a_refusal_are_kept() -> None:
    assert Webhook().parse_response(Response(422, {}, b"no such\n branch")).words == "no such branch"


def test_the_test_call_can_make_no_lead() -> None:
    request = Webhook().test_request(SIGNED)
    assert (request.method, request.url, request.json, request.form) == ("HEAD", ADDRESS, None, None)


@pytest.mark.parametrize(
    ("status", "outcome"),
    [
        (200, Outcome.ACCEPTED),
        (401, Outcome.ACCEPTED),
        (405, Outcome.ACCEPTED),
        (404, Outcome.MISCONFIGURED),
        (410, Outcome.MISCONFIGURED),
        (308, Outcome.MISCONFIGURED),
        (503, Outcome.FAILED),
    ],
)
def test_the_test_call_finds_whether_the_address_is_there(status: int, outcome: Outcome) -> None:
    result = Webhook().parse_test(Response(status))
    assert result.outcome is outcome
    assert ("secret, were not checked" in result.words) == (outcome is Outcome.ACCEPTED)
