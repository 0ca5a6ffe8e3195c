from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs, urlsplit

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.sandbox.leads import CLIENTTETHER, Newest, Send

CodeOf = Callable[[dict[str, str]], Any]

URL = "/clienttether/v1/external-api/external-form-lead"
OK, NOT_OK = "https://example.com/thanks?a=1", "https://example.com/oops?b=2#c"


@pytest.fixture
def send(client: FlaskClient) -> Send:
    def send(**fields: str) -> TestResponse:
        return client.post(URL, data={**CLIENTTETHER, **fields})

    return send


@pytest.fixture
def code_of(client: FlaskClient) -> CodeOf:
    """The error code and message that the error URL carries; None for a success."""

    def code_of(fields: dict[str, str]) -> tuple[str, str] | None:
        answer = client.post(URL, data={**fields, "OnErrorURL": "https://example.com/oops"})
        if answer.get_data(as_text=True) == '{"Message":"Success"}':
            return None
        query = parse_qs(urlsplit(answer.get_json()["url"]).query)
        return query["error_Code"][0], query["msg"][0]

    return code_of


@pytest.mark.parametrize("path", [URL, "/clienttether", "/clienttether/"])
def test_a_lead_is_taken_at_the_vendors_path_and_at_the_base_path(client: FlaskClient, path: str) -> None:
    answer = client.post(path, data=CLIENTTETHER)
    assert (answer.status_code, answer.content_type) == (200, "application/json")
    assert answer.get_data(as_text=True) == '{"Message":"Success"}'


def test_the_success_url_comes_back_as_json(send: Send) -> None:
    assert send(OnSuccessURL=OK, OnErrorURL=NOT_OK).get_json() == {"url": OK}


def test_the_error_url_comes_back_as_json_with_code_and_message_in_its_query(send: Send) -> None:
    answer = send(web_key="CT_BAD1", OnSuccessURL=OK, OnErrorURL=NOT_OK)
    assert answer.get_json() == {"url": "https://example.com/oops?b=2&error_Code=ct101&msg=Invalid%20Web_Key#c"}


def test_with_form_submit_redirect_the_server_redirects(send: Send) -> None:
    good = send(OnSuccessURL=OK, OnErrorURL=NOT_OK, form_submit_redirect="1")
    bad = send(OnSuccessURL=OK, OnErrorURL=NOT_OK, form_submit_redirect="1", web_key="")
    assert (good.status_code, good.headers["Location"]) == (302, OK)
    assert bad.status_code == 302
    assert bad.headers["Location"].startswith("https://example.com/oops?b=2&error_Code=ct101&msg=Invalid")


def test_an_error_without_an_error_url_carries_no_code(send: Send) -> None:
    assert send(web_key="CT_BAD1", OnSuccessURL=OK).get_data(as_text=True) == '{"Message":"Error"}'


@pytest.mark.parametrize("key", ["", "CT_", "CT_BAD", "CT_BADKEY", "XY_1234", "ct_1234", "CT_a b"])
def test_a_bad_web_key_is_ct101(code_of: CodeOf, key: str) -> None:
    assert code_of({**CLIENTTETHER, "web_key": key}) == ("ct101", "Invalid Web_Key")


@pytest.mark.parametrize(
    "names", [{}, {"firstName": "Anna"}, {"lastName": "Bell"}, {"name": "  "}, {"Name": "Anna Bell"}]
)
def test_a_missing_name_is_ct102(code_of: CodeOf, names: dict[str, str]) -> None:
    assert code_of({"web_key": "CT_1", **names}) == ("ct102", "Name Not Received")


@pytest.mark.parametrize("names", [{"name": "Anna Bell"}, {"firstName": "Anna", "lastName": "Bell"}])
def test_either_form_of_the_name_will_do(code_of: CodeOf, names: dict[str, str]) -> None:
    assert code_of({"web_key": "CT_1", **names}) is None


def test_an_email_seen_before_is_ct103_in_any_case(code_of: CodeOf) -> None:
    assert code_of({**CLIENTTETHER, "email": "anna@example.com"}) is None
    assert code_of({**CLIENTTETHER, "email": "Anna@Example.com"}) == ("ct103", "Duplicate Client creation attempted")


def test_leads_without_an_email_are_never_duplicates(code_of: CodeOf) -> None:
    assert code_of({**CLIENTTETHER, "email": ""}) is None
    assert code_of({**CLIENTTETHER, "email": ""}) is None


def test_a_refused_lead_is_not_remembered_as_a_client(code_of: CodeOf) -> None:
    lead = {**CLIENTTETHER, "email": "anna@example.com"}
    assert code_of({**lead, "phone": "1"})[0] == "Ct104"
    assert code_of(lead) is None


@pytest.mark.parametrize(
    ("word", "code"),
    [("ct104", "Ct104"), ("ct105", "Ct105"), ("invalid", "Ct104"), ("auth", "ct101"), ("dup", "ct103")],
)
def test_an_email_can_ask_for_every_code(code_of: CodeOf, word: str, code: str) -> None:
    assert code_of({**CLIENTTETHER, "email": f"{word}@example.com"})[0] == code


GOOD = {
    "phone": ["5127891111", ""],
    "second_phone": ["5127891111"],
    "smsok": ["1", "0"],
    "email": ["a.b+c@example.co.uk", "jürgen@example.com"],
    "state": ["TX", "QC", "DC"],
    "zip": ["78751", "78751-1234", "78751-1234-12", "K1A 0B1"],
    "deal_size": ["12000"],
    "deal_closed": ["1"],
    "age": ["44"],
    "gender": ["M", "F"],
    "facebook": ["hall303"],
    "linkedin": ["itmanagementconsulting"],
    "clients_date_last": ["2025-12-31"],
    "clients_date_next": ["2024-02-29"],
    "new_lead_notification": ["0", "1", "2"],
    "contact_type": ["1", "5"],
    "external_id": ["123", "-5"],
    "tag": ["web,quote"],
    "notes": ["two\r\nlines, and <b>bold</b>"],
    "name": ["Cher", "Ludwig van Beethoven"],
    "Favorite Chocolate": ["dark", "5 < 6", "AT&T", "x" * 100, "\U0001f36b" * 100],
    "form_submit_redirect": ["1", ""],
}
BAD = {
    "phone": ["512789111", "15127891111", "(512) 789-1111", "512 789 1111", "٥١٢٧٨٩١١١١"],
    "second_phone": ["+15127891111"],
    "smsok": ["on", "true", "yes", "2"],
    "email": ["anna", "anna@", "@example.com", "a b@example.com", "anna@example", "a..b@example.com", "a@-x.com"],
    "state": ["Texas", "tx", "ZZ", "T"],
    "zip": ["7875", "787511234", "78751 1234", "K1A0B1", "12345-12", "12345-1234-1"],
    "deal_size": ["12,000", "12.5", "-1", "many"],
    "deal_closed": ["yes"],
    "age": ["1980-01-31", "44.5", "old"],
    "gender": ["Male", "m", "X"],
    "facebook": ["https://www.facebook.com/hall303", "a/b"],
    "linkedin": ["linkedin.com/in/x"],
    "clients_date_last": ["12/31/2025", "2025-13-01", "2025-02-30", "2025-1-1"],
    "clients_date_next": ["tomorrow"],
    "new_lead_notification": ["3", "yes"],
    "contact_type": ["0", "6", "Client"],
    "external_id": ["abc", "1.5"],
    "Favorite Chocolate": ["<b>dark</b>", "x" * 101, "a<br>b", "<!-- x -->", "a\x00b"],
    "OnSuccessURL": ["www.example.com", "ftp://example.com", "javascript:alert(1)", "https://exa mple.com"],
    "form_submit_redirect": ["0", "yes"],
}


@pytest.mark.parametrize(("name", "value"), [(name, value) for name, values in GOOD.items() for value in values])
def test_a_value_in_the_documents_shape_is_taken(code_of: CodeOf, name: str, value: Any) -> None:
    assert code_of({**CLIENTTETHER, name: value}) is None


@pytest.mark.parametrize(("name", "value"), [(name, value) for name, values in BAD.items() for value in values])
def test_a_value_in_another_shape_is_refused_and_named(code_of: CodeOf, newest: Newest, name: str, value: Any) -> None:
    code, message = code_of({**CLIENTTETHER, name: value})
    assert code == "Ct104"
    assert name in message
    assert any(name in complaint for complaint in newest()["complaints"])


def test_a_malformed_error_url_is_not_used(send: Send) -> None:
    assert send(OnErrorURL="javascript:alert(1)").get_data(as_text=True) == '{"Message":"Error"}'


def test_a_name_that_differs_in_case_makes_a_custom_field_and_a_complaint(client: FlaskClient, newest: Newest) -> None:
    assert client.post(URL, data={**CLIENTTETHER, "Phone": "call me"}).get_json() == {"Message": "Success"}
    assert newest()["complaints"] == ["'Phone' became a custom field: the reserved name is phone"]


@pytest.mark.parametrize(
    ("body", "content_type"),
    [
        (b"web_key=CT_1&name=A+B&name=C+D", "application/x-www-form-urlencoded"),
        (b"web_key=CT_1&name=A+B&x", "application/x-www-form-urlencoded"),
        (b"web_key=CT_1&name=%zz", "application/x-www-form-urlencoded"),
        (b"web_key=CT_1&name=%ff%fe", "application/x-www-form-urlencoded"),
        ("web_key=CT_1&name=Ä".encode(), "application/x-www-form-urlencoded"),
        (b"web_key=CT_1&name=A+B&=x", "application/x-www-form-urlencoded"),
        (b"web_key=CT_1&name=A+B", "application/x-www-form-urlencoded; charset=latin-1"),
        (b'{"web_key": "CT_1", "name": "A B"}', "application/json"),
        (b"web_key=CT_1&name=A+B", None),
    ],
)
def test_a_body_that_is_no_clean_form_is_refused(
    client: FlaskClient, newest: Newest, body: Any, content_type: Any
) -> None:
    answer = client.post(URL, data=body, content_type=content_type)
    assert answer.get_json() == {"Message": "Error"}
    assert newest()["complaints"]
    assert answer.headers["X-Sandbox-Complaint"]


def test_parameters_in_the_address_are_refused(client: FlaskClient) -> None:
    assert client.post(f"{URL}?x=1", data=CLIENTTETHER).get_json() == {"Message": "Error"}


def test_other_methods_and_other_paths_are_refused(client: FlaskClient) -> None:
    assert client.get(URL).status_code == 405
    assert client.post("/clienttether/v2/api/create_client", data=CLIENTTETHER).status_code == 404


def test_both_casings_and_the_unquoted_message_can_be_had(client: FlaskClient, app: Flask, send: Send) -> None:
    assert send(email="a+lower@example.com").get_data(as_text=True) == '{"message":"success"}'
    assert send(email="a+bare@example.com").get_data(as_text=True) == "{message: Success}"
    app.config["CLIENTTETHER_CASING"] = "lower"
    assert send().get_data(as_text=True) == '{"message":"success"}'


def test_the_spellings_of_the_error_query_can_be_had(app: Flask, send: Send) -> None:
    def query(email: str) -> str:
        return str(send(email=email, OnErrorURL="https://example.com").get_json()["url"]).partition("?")[2]

    assert query("auth+typo@example.com") == "error_Code=ct101&msg=Invalid%20Wed_Key"
    assert query("auth+raw@example.com") == "error_Code=ct101&msg=Invalid Web_Key"
    assert query("auth+lower@example.com") == "error_code=ct101&msg=Invalid%20Web_Key"
    app.config["CLIENTTETHER_ERROR_KEY"] = "error_code"
    assert query("auth@example.com") == "error_code=ct101&msg=Invalid%20Web_Key"
