from __future__ import annotations

from dataclasses import replace
from typing import Any

import pytest

from leadferry.vendors.base import Destination, LeadData, Outcome, Reason, Response, Result, Secret, Template
from leadferry.vendors.clienttether import NO_REASON, ON_ERROR, ON_SUCCESS, ClientTether
from tests.vendors.contract import LEAD, VendorContract

WEB_KEY = Template((Secret("CLIENTTETHER_WEB_KEY"),))
DESTINATION = Destination("quote", "vendor", "clienttether", {"web_key": WEB_KEY})
ADAPTER = ClientTether()


def says(body: str, status: int = 200) -> Response:
    return Response(status, {"content-type": "application/json"}, body.encode())


def refuses(query: str) -> Response:
    return says(f'{{ "url": "{ON_ERROR}?{query}"}}')


def redirects(location: str) -> Response:
    return Response(302, {"location": location})


def sent(lead: LeadData, **fields: str) -> dict[str, Any]:
    form = ADAPTER.build_request(lead, replace(DESTINATION, fields=fields)).form
    assert form is not None
    names = [name for name, _ in form]
    assert len(names) == len(set(names))
    return dict(form)


def campaign(**values: str) -> LeadData:
    return replace(LEAD, campaign=values)


class TestClientTether(VendorContract):
    adapter = ADAPTER
    destination = DESTINATION
    duplicate_answer = refuses("error_code=ct103&msg=Duplicate Client creation attempted")
    answers = (
        (says('{"Message":"Success"}'), Outcome.ACCEPTED, None),
        (says("{message: Success}"), Outcome.ACCEPTED, None),
        (says(f'{{ "url": "{ON_SUCCESS}"}}'), Outcome.ACCEPTED, None),
        (redirects(ON_SUCCESS), Outcome.ACCEPTED, None),
        (says('{"Message":"Error"}'), Outcome.REJECTED, Reason.REFUSED),
        (refuses("error_Code=ct101&msg=Invalid Wed_Key"), Outcome.MISCONFIGURED, Reason.CREDENTIALS),
        (refuses("error_code=ct102&msg=Name Not Received"), Outcome.REJECTED, Reason.NAME_MISSING),
        (refuses("error_code=Ct104&msg=TBD"), Outcome.REJECTED, Reason.REFUSED),
        (refuses("error_code=Ct105&msg=TBD"), Outcome.REJECTED, Reason.REFUSED),
        (says('{ "url": ""}'), Outcome.UNKNOWN, Reason.NONSENSE),
    )


class TestTheRequest:
    def test_goes_to_the_documented_address_as_a_form_post(self) -> None:
        request = ADAPTER.build_request(LEAD, DESTINATION)
        assert request.method == "POST"
        assert request.url == "https://api.clienttether.com/v1/external-api/external-form-lead"
        assert request.json is None

    def test_carries_the_web_key_and_the_answers_under_their_own_names(self) -> None:
        form = sent(LEAD)
        assert form["web_key"] == WEB_KEY
        assert {**LEAD.values, "rooms": "kitchen, bath"}.items() <= form.items()

    def test_asks_for_the_error_code_and_for_no_redirect(self) -> None:
        form = sent(LEAD)
        assert (form["OnSuccessURL"], form["OnErrorURL"]) == (ON_SUCCESS, ON_ERROR)
        assert "form_submit_redirect" not in form

    def test_sends_name_in_place_of_first_and_last_name(self) -> None:
        form = sent(replace(LEAD, values={**LEAD.values, "name": "Ada King Lovelace"}))
        assert form["name"] == "Ada King Lovelace"
        assert not {"firstName", "lastName"} & form.keys()

    def test_cuts_a_custom_field_at_100_characters_and_never_inside_one_that_is_seen(self) -> None:
        family = "👩‍👩‍👧‍👦"
        values = {"firstName": "A" * 150, "Favorite Chocolate": "x" * 99 + family, "Why": "y" * 150}
        form = sent(replace(LEAD, values=values))
        assert form["firstName"] == "A" * 150
        assert form["Favorite Chocolate"] == "x" * 99
        assert form["Why"] == "y" * 100

    def test_says_what_it_sends_the_beginning_of_only(self) -> None:
        values = {"firstName": "A" * 150, "Why": "y" * 150, "Short": "z", "How": "h" * 120}
        lead = replace(LEAD, values=values | {"xxTrustedFormCertUrl": "https://cert.example/" + "c" * 100})
        renamed = replace(DESTINATION, fields={"How": "Way"})
        assert list(ADAPTER.shortened(lead, renamed)) == [("Why", 150, 100), ("How", 120, 100)]

    def test_sends_a_field_under_the_name_that_the_owner_gave_it(self) -> None:
        values = {"home": "Own", "job": "Plumber"}
        form = sent(replace(LEAD, values=values), home="home_ownership", job="job_title")
        assert form["home_ownership"] == "Own"
        assert form["job_title"] == "Plumber"
        assert not values.keys() & form.keys()

    def test_separates_several_tags_by_a_comma_alone(self) -> None:
        assert sent(replace(LEAD, values={"tag": ["web", "quote"]}))["tag"] == "web,quote"

    def test_sends_campaign_names_as_custom_fields(self) -> None:
        assert sent(campaign(gclid="Cj0K", utm_source="z" * 100))["utm_source"] == "z" * 100

    def test_puts_a_campaign_value_over_100_characters_whole_into_notes_after_the_visitors_own(self) -> None:
        page = "https://www.example.com/" + "p" * 200
        form = sent(campaign(page_url=page, gclid="Cj0K", fbclid="f" * 101))
        assert form["notes"] == f"Call after five.\nThe bell is broken.\npage_url: {page}\nfbclid: {'f' * 101}"
        assert not {"page_url", "fbclid"} & form.keys()
        assert form["gclid"] == "Cj0K"

    def test_makes_a_note_of_a_long_campaign_value_where_the_visitor_left_none(self) -> None:
        lead = replace(LEAD, values={"name": "Ada Lovelace"}, campaign={"gclid": "g" * 101})
        assert sent(lead)["notes"] == f"gclid: {'g' * 101}"

    def test_keeps_a_long_campaign_value_where_the_owner_sent_it_to_a_name_of_the_vendor(self) -> None:
        form = sent(campaign(gclid="g" * 150), gclid="client_category")
        assert form["client_category"] == "g" * 150
        assert "g" * 150 not in form["notes"]

    def test_names_a_renamed_long_campaign_value_in_notes_as_the_owner_did(self) -> None:
        form = sent(campaign(gclid="g" * 150), gclid="Google Click")
        assert form["notes"].endswith(f"Google Click: {'g' * 150}")
        assert "Google Click" not in form


@pytest.mark.parametrize("wire", ["web_key", "OnSuccessURL", "OnErrorURL", "form_submit_redirect"])
def test_a_field_cannot_be_sent_under_a_name_that_steers_the_post(wire: str) -> None:
    ((key, message),) = ADAPTER.check(replace(DESTINATION, fields={"colour": wire}))
    assert key == "fields"
    assert "colour" in message
    assert wire in message


def test_a_credential_cannot_be_tried_without_making_a_lead() -> None:
    assert ADAPTER.test_request(DESTINATION) is None


@pytest.mark.parametrize(
    "body",
    [
        '{"message":"success"}',
        '{"MESSAGE": "SUCCESS"}',
        '\ufeff\r\n {"Message":"Success"} \n',
        "{“Message”: “Success”}",
        '{"nothing": 1, "Message": "Success"}',
        '{"url":"https:\\/\\/leadferry.invalid\\/ok"}',
        "{“url”: “https://leadferry.invalid/ok/”}",
        '{"url":"https://leadferry.invalid/ok?client=1"}',
    ],
)
def test_success_is_known_however_it_is_written(body: str) -> None:
    assert ADAPTER.parse_response(says(body)).outcome is Outcome.ACCEPTED


@pytest.mark.parametrize(
    ("response", "code", "words"),
    [
        (refuses("error_Code=ct101&msg=Invalid Wed_Key"), "ct101", "Invalid Wed_Key"),
        (
            refuses("error_code=CT103&msg=Duplicate+Client+creation+attempted"),
            "ct103",
            "Duplicate Client creation attempted",
        ),
        (refuses("msg=Name%20Not%20Received&ERROR_CODE=ct102"), "ct102", "Name Not Received"),
        (says('{"url":"?error_Code=ct101&msg=Invalid Web_Key"}'), "ct101", "Invalid Web_Key"),
        (says(f"{{“url”: “{ON_ERROR}?error_code=Ct105&msg=TBD”}}"), "ct105", "TBD"),
        (redirects(f"{ON_ERROR}?error_code=Ct104&msg=TBD"), "ct104", "TBD"),
        (says('{"Message":"Error","error_code":"ct103","msg":"Twice"}', 409), "ct103", "Twice"),
        (says('{"Message":"Error","error_code":"ct101","msg":"Invalid Web_Key"}', 403), "ct101", "Invalid Web_Key"),
    ],
)
def test_the_vendors_code_is_read_and_passed_on_however_it_is_written(
    response: Response, code: str, words: str
) -> None:
    result = ADAPTER.parse_response(response)
    assert (result.code, result.error_code, result.words) == (code, code, words)


def test_a_code_that_the_document_does_not_have_is_kept_but_not_shown_to_visitors() -> None:
    result = ADAPTER.parse_response(refuses("error_code=Ct999&msg=New"))
    assert result == Result(Outcome.REJECTED, Reason.REFUSED, code="ct999", words="New")


@pytest.mark.parametrize("response", [says("{“Message”: “Error”}"), refuses(""), redirects(ON_ERROR)])
def test_a_refusal_without_a_code_says_that_there_was_no_reason(response: Response) -> None:
    result = ADAPTER.parse_response(response)
    assert result == Result(Outcome.REJECTED, Reason.REFUSED, words=NO_REASON)


@pytest.mark.parametrize(
    ("response", "outcome"),
    [
        (says('{"Message":"Success"}', 400), Outcome.UNKNOWN),
        (says('{"Message":"Success"}', 500), Outcome.UNKNOWN),
        (says('{"Message":"Error"}', 503), Outcome.FAILED),
        (says('{"Message":"Error"}', 500), Outcome.UNKNOWN),
        (says('{"Message":"Error"}', 404), Outcome.MISCONFIGURED),
        (says('{"error_code":"rate_limited","msg":"Slow down"}', 429), Outcome.FAILED),
        (says('{"url":"https://elsewhere.example/?error_code=ct103"}'), Outcome.UNKNOWN),
        (says('{"Message":"Successful"}'), Outcome.UNKNOWN),
        (says('{"Message":true}'), Outcome.UNKNOWN),
        (says('{"data":{"Message":"Success"}}'), Outcome.UNKNOWN),
    ],
)
def test_half_a_word_proves_nothing(response: Response, outcome: Outcome) -> None:
    assert ADAPTER.parse_response(response).outcome is outcome


def test_a_refusal_outweighs_a_success_in_the_same_answer() -> None:
    answer = says(f'{{"Message":"Success","url":"{ON_ERROR}?error_code=ct103&msg=Twice"}}')
    assert ADAPTER.parse_response(answer).reason is Reason.DUPLICATE
