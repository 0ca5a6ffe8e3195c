from __future__ import annotations

import re
from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from leadferry.sandbox.leadconduit import reply_type
from tests.sandbox.leads import ACCEPT_JSON, SUBMIT, Newest, Send

PING = SUBMIT.replace("submit", "ping")
FORM = "application/x-www-form-urlencoded"


@pytest.fixture
def send(client: FlaskClient) -> Send:
    def send(
        body: str, path: str = SUBMIT, content_type: str = FORM, accept: str = "application/json", **more: Any
    ) -> TestResponse:
        return client.post(path, data=body, content_type=content_type, headers={"Accept": accept}, **more)

    return send


def test_a_success_is_201_with_outcome_lead_and_price_in_this_order(send: Send) -> None:
    answer = send("first_name=John&email=jdoe%40test.com")
    assert (answer.status_code, answer.content_type) == (201, "application/json")
    assert re.fullmatch(
        r'\{"outcome":"success","lead":\{"id":"[0-9a-f]{24}"\},"price":0\}', answer.get_data(as_text=True)
    )


@pytest.mark.parametrize("path", ["/leadconduit", "/leadconduit/"])
def test_the_base_path_has_a_flow_and_a_source_of_its_own(send: Send, path: str) -> None:
    assert send("first_name=John", path=path).status_code == 201


def test_an_email_taken_before_is_a_failure_for_the_reason_duplicate(send: Send) -> None:
    send("email=a@example.com")
    answer = send("email=A@example.com")
    assert answer.status_code == 201
    assert list(answer.get_json()) == ["outcome", "reason", "lead", "price"]
    assert (answer.get_json()["outcome"], answer.get_json()["reason"]) == ("failure", "duplicate")


@pytest.mark.parametrize(
    ("word", "outcome", "reason"),
    [
        ("dup", "failure", "duplicate"),
        ("invalid", "failure", "email must be valid"),
        ("filter", "failure", "lead.state must not be equal to FL"),
        ("error", "error", "An unexpected problem occurred"),
    ],
)
def test_every_outcome_is_201_with_a_lead_id(send: Send, word: str, outcome: str, reason: str) -> None:
    answer = send(f"email={word}@example.com")
    result = answer.get_json()
    assert (answer.status_code, result["outcome"], result["reason"]) == (201, outcome, reason)
    assert len(result["lead"]["id"]) == 24


def test_overload_is_502_and_504_and_503(send: Send) -> None:
    assert [send("email=flaky@example.com").status_code for _ in range(3)] == [502, 504, 201]
    assert send("email=down@example.com").status_code == 503


def test_a_disabled_source_is_403(client: FlaskClient, send: Send) -> None:
    path = SUBMIT.replace("5462c7fb745fb567baf2e093", "d" * 24)
    for answer in (send("email=a@example.com", path=path), send("email=auth@example.com")):
        assert (answer.status_code, answer.get_json()) == (403, {"message": "Source is disabled"})


@pytest.mark.parametrize(
    "path",
    [
        "/leadconduit/flows/123/sources/5462c7fb745fb567baf2e093/submit",
        SUBMIT.replace("5462c7eb", "5462C7EB"),
        SUBMIT.replace("5462c7eb", "zzzzzzzz"),
        SUBMIT + "/",
        SUBMIT.replace("submit", "submits"),
    ],
)
def test_any_other_address_is_404(send: Send, path: str) -> None:
    assert send("a=1", path=path).status_code == 404


@pytest.mark.parametrize("method", ["PUT", "DELETE", "PATCH", "OPTIONS"])
def test_other_methods_are_405(client: FlaskClient, method: str) -> None:
    answer = client.open(SUBMIT, method=method)
    assert (answer.status_code, answer.headers["Allow"]) == (405, "GET, POST")
    assert answer.get_data(as_text=True) == f"The {method} method is not allowed"


@pytest.mark.parametrize(
    ("accept", "kind"),
    [
        ("", "application/json"),
        ("*/*", "application/json"),
        ("application/json", "application/json"),
        ("application/json, text/plain, */*", "application/json"),
        ("text/html, application/json", "application/json"),
        ("text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", "application/xml"),
        ("application/json,application/xml", "application/xml"),
        ("application/xml,application/json", "application/xml"),
        ("application/*", "application/xml"),
        ("application/json,text/xml", "text/xml"),
        ("text/*", "text/xml"),
        ("text/html,*/*", "text/xml"),
        ("*/*;q=0.1", "text/xml"),
        (FORM, FORM),
        ("application/json;q=0, */*", "text/xml"),
        ("application/xml;q=0.5, application/json;q=0.6", "application/json"),
        ("text/html", ""),
        ("text/plain", ""),
        ("image/png", ""),
        ("application/vnd.x+json", ""),
        ("application/json;q=nonsense", ""),
    ],
)
def test_accept_chooses_the_type_of_the_answer(accept: str, kind: Any) -> None:
    assert reply_type(accept) == kind


def test_the_answer_can_be_xml_and_json_can_be_labelled_as_a_form(send: Send) -> None:
    xml = send("email=dup@example.com", accept="application/xml")
    text = xml.get_data(as_text=True)
    assert xml.content_type == "application/xml"
    assert re.fullmatch(
        r'<\?xml version="1.0"\?>\n<result>\n  <outcome>failure</outcome>\n  <reason>duplicate</reason>\n'
        r"  <lead>\n    <id>[0-9a-f]{24}</id>\n  </lead>\n  <price>0</price>\n</result>",
        text,
    )
    form = send("a=1", accept=FORM)
    assert (form.content_type, form.get_data(as_text=True)[:10]) == (FORM, '{"outcome"')


PLAIN = [
    ({"accept": "text/html"}, 406, "Not capable of generating content according to the Accept header"),
    ({"query_string": "redir_url="}, 400, "Invalid redir_url"),
    ({"query_string": "redir_url=/thanks"}, 400, "Invalid redir_url"),
    ({"query_string": "redir_url=ftp://example.com"}, 400, "Invalid redir_url"),
    ({"content_type": ""}, 415, "Content-Type header is required"),
    (
        {"content_type": "multipart/form-data; boundary=x"},
        406,
        "MIME type in Content-Type header is not supported. Use only ",
    ),
    ({"content_type": "text/plain"}, 406, "MIME type in Content-Type header is not supported. Use only "),
    ({"content_type": "text/json"}, 406, "MIME type in Content-Type header is not supported. Use only "),
    ({"content_type": "Application/JSON"}, 406, "MIME type in Content-Type header is not supported. Use only "),
    ({"content_type": "application/json", "body": "{"}, 400, "Unable to parse JSON -- "),
    ({"content_type": "application/json", "body": "[" * 100_000}, 400, "Unable to parse JSON -- "),
    ({"content_type": "application/xml", "body": "a=1"}, 400, "Body does not contain XML or XML is unparseable -- "),
    (
        {"content_type": "text/xml", "body": "<!DOCTYPE x []><x/>"},
        400,
        "Body does not contain XML or XML is unparseable -- ",
    ),
    ({"body": "a..b=1"}, 400, "Unable to parse body -- "),
]


@pytest.mark.parametrize(("how", "status", "text"), PLAIN)
def test_a_request_that_cannot_be_read_gets_a_line_of_text(
    send: Send, newest: Newest, how: dict[str, Any], status: int, text: str
) -> None:
    answer = send(**{"body": "a=1", **how})
    assert (answer.status_code, answer.mimetype) == (status, "text/plain")
    assert answer.get_data(as_text=True).startswith(text)
    assert not newest()["accepted"]


def test_the_unsupported_type_names_the_supported_ones(send: Send) -> None:
    assert (
        send("a=1", content_type="text/csv")
        .get_data(as_text=True)
        .endswith("application/x-www-form-urlencoded, application/json, application/xml, text/xml.")
    )


def test_an_empty_post_without_a_type_is_415_since_it_has_a_length(client: FlaskClient) -> None:
    assert client.post(SUBMIT, headers=ACCEPT_JSON, environ_overrides={"CONTENT_LENGTH": "0"}).status_code == 415


def test_a_charset_is_fine(send: Send) -> None:
    assert send("a=1", content_type=f"{FORM}; charset=utf-8").status_code == 201


FIELDS = [
    ("a.b.c=1&a.b.d=2&e=3", {"a": {"b": {"c": "1", "d": "2"}}, "e": "3"}),
    ("a.0=x&a.1=y", {"a": ["x", "y"]}),
    ("a=1&a.b=2", {"a": "1"}),
    ("a=1&a=2&a=3", {"a": ["1", "2", "3"]}),
    ("__proto__.x=1&a.constructor=2&b=3", {"b": "3"}),
    ("xxTrustedFormCertUrl=u", {"trustedform_cert_url": "u"}),
    ("XXTRUSTEDFORMCERTURL=u&trustedform_cert_url=v", {"trustedform_cert_url": ["u", "v"]}),
    ("xxTrustedFormPingUrl=u&a=1", {"a": "1"}),
    ("xxTrustedFormToken=t&redir_url=https://x.example", {"xxTrustedFormToken": "t", "redir_url": "https://x.example"}),
    ("a=%3Cb%3Ebold%3C/b%3E", {"a": "<b>bold</b>"}),
]


@pytest.mark.parametrize(("body", "fields"), FIELDS)
def test_a_form_is_taken_apart_as_the_vendor_does_it(send: Send, newest: Newest, body: Any, fields: Any) -> None:
    assert send(body).status_code == 201
    assert newest()["fields"] == fields


def test_json_and_xml_are_taken_too(send: Send, newest: Newest) -> None:
    send('{"a": {"b": 1},\n"c": "two\nlines"}', content_type="application/json")
    assert newest()["fields"] == {"a": {"b": 1}, "c": "twolines"}
    send('<lead id="7"><a><b>1</b></a><c>x</c><c>y</c></lead>', content_type="application/xml")
    assert newest()["fields"] == {"id": "7", "a": {"b": "1"}, "c": ["x", "y"]}


def test_a_get_carries_everything_in_the_query(client: FlaskClient, newest: Newest) -> None:
    answer = client.get(SUBMIT, query_string="first_name=John&mortgage.state=TX", headers=ACCEPT_JSON)
    assert answer.status_code == 201
    assert newest()["fields"] == {"first_name": "John", "mortgage.state": "TX"}
    assert newest()["complaints"] == ["'mortgage.state' is not nested: dots count in a form body only"]


def test_the_query_wins_over_the_body(send: Send, newest: Newest) -> None:
    send("a=body&b=body", query_string="a=query")
    assert newest()["fields"] == {"a": "query", "b": "body"}


def test_dotted_names_in_json_stay_as_they_are_and_are_complained_of(send: Send, newest: Newest) -> None:
    assert send('{"a.b": 1}', content_type="application/json").get_json()["outcome"] == "success"
    assert newest()["fields"] == {"a.b": 1}
    assert newest()["complaints"]


def test_redir_url_makes_a_303_for_every_outcome_and_keeps_the_body(send: Send) -> None:
    for email, outcome in (("a@example.com", "success"), ("error@example.com", "error")):
        answer = send(
            f"email={email}", query_string="redir_url=https%3A%2F%2Fexample.com%2Fok&redir_url=https://other.example"
        )
        assert (answer.status_code, answer.headers["Location"]) == (303, "https://example.com/ok")
        assert answer.get_json()["outcome"] == outcome


def test_a_ping_makes_no_lead(send: Send, newest: Newest) -> None:
    answer = send("email=a@example.com", path=PING)
    assert (answer.status_code, answer.get_json()) == (200, {"outcome": "success", "price": 3})
    assert not newest()["accepted"]
    assert send("email=nobid@example.com", path=PING).get_json() == {
        "outcome": "failure",
        "reason": "no bid",
        "price": 0,
    }
    assert send("email=a@example.com").get_json()["outcome"] == "success"
    assert send("a=1", path=PING, query_string="redir_url=https://example.com").status_code == 303


@pytest.mark.parametrize("value", ["yes", "no", "Y", "TRUE", "0", "f"])
def test_a_boolean_is_yes_or_no(send: Send, value: Any) -> None:
    assert send(f"mobile_opt_in={value}&loan.has_financing={value}").get_json()["outcome"] == "success"


@pytest.mark.parametrize("body", ["mobile_opt_in=on", "is_test=x", "loan.has_financing=maybe"])
def test_another_boolean_is_an_outcome_of_error_with_the_reason(send: Send, newest: Newest, body: Any) -> None:
    result = send(body).get_json()
    assert result["outcome"] == "error"
    assert body.partition("=")[0] in result["reason"]
    assert newest()["complaints"] == [result["reason"]]


def test_values_of_other_types_are_never_an_error(send: Send, newest: Newest) -> None:
    body = "phone_1=abc&dob=yesterday&state=ZZ&postal_code=x&gender=other&price=free&email=nonsense"
    assert send(body).get_json()["outcome"] == "success"
    assert newest()["complaints"] == []


@pytest.mark.parametrize(
    ("body", "kind"),
    [("", FORM), ("[1]", "application/json"), ('"x"', "application/json"), ("null", "application/json")],
)
def test_a_lead_without_fields_is_an_error(send: Send, body: Any, kind: Any) -> None:
    assert send(body, content_type=kind).get_json()["outcome"] == "error"


def test_a_social_security_number_is_not_kept(send: Send, newest: Newest) -> None:
    send("ssn=123-45-6789&spouse.ssn=987654321")
    assert "6789" not in str(newest())
    assert "987654321" not in str(newest())
