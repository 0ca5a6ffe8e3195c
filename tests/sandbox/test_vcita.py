from __future__ import annotations

from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from tests.sandbox.leads import BEARER, VCITA, Newest, Send

URL = "/vcita/platform/v1/leadgen"
LEAD = {**VCITA, "email": "anna@example.com"}
UNAUTHORIZED = {"success": False, "errors": [{"code": "unauthorized", "message": "401 Unauthorized"}]}


@pytest.fixture
def send(client: FlaskClient) -> Send:
    def send(body: Any, token: str = "demo-token", **headers: str) -> TestResponse:
        return client.post(URL, json=body, headers={"Authorization": f"Bearer {token}", **headers})

    return send


@pytest.mark.parametrize("path", ["/vcita", "/vcita/", URL])
def test_a_lead_is_201_with_both_uids(client: FlaskClient, path: str) -> None:
    answer = client.post(path, json=LEAD, headers=BEARER)
    assert (answer.status_code, answer.mimetype) == (201, "application/json")
    assert answer.get_json().keys() == {"conversation_uid", "status", "uid"}
    assert answer.get_json()["status"] == "OK"


def test_the_same_client_gets_a_new_conversation_with_each_call(send: Send) -> None:
    first, again = send(LEAD).get_json(), send({**LEAD, "email": "Anna@example.com"}).get_json()
    assert first["uid"] == again["uid"]
    assert first["conversation_uid"] != again["conversation_uid"]
    assert send({**LEAD, "email": "dup@example.com"}).status_code == 201


def test_clients_are_found_by_either_identifier_within_one_business(send: Send) -> None:
    by_id = {**LEAD, "identifier_type": "unique_id", "unique_id": "U1"}
    first = send(by_id).get_json()["uid"]
    assert send({**by_id, "email": "other@example.com"}).get_json()["uid"] == first
    assert send(LEAD).get_json()["uid"] == first
    assert send({**LEAD, "business_id": "another"}).get_json()["uid"] != first


def test_200_can_be_had_in_place_of_201(send: Send) -> None:
    assert send({**LEAD, "email": "ok200@example.com"}).status_code == 200


@pytest.mark.parametrize(
    "authorization", ["", "Bearer", "Bearer nope", "bearer demo-token", 'Token token="demo-token"', "Basic ZGVtbw=="]
)
def test_a_bad_token_is_401(client: FlaskClient, authorization: str) -> None:
    answer = client.post(URL, json=LEAD, headers={"Authorization": authorization} if authorization else {})
    assert (answer.status_code, answer.get_json()) == (401, UNAUTHORIZED)


def test_an_email_can_ask_for_401(send: Send) -> None:
    assert send({**LEAD, "email": "auth@example.com"}).get_json() == UNAUTHORIZED


def test_a_bad_jwt_is_401_in_another_shape(send: Send) -> None:
    answer = send(LEAD, token="eyJh.eyJz.c2ln")
    assert (answer.status_code, answer.get_json()) == (401, {"message": "401 Unauthorized", "status": "Failure"})


def test_a_directory_token_needs_the_business_that_it_acts_for(send: Send) -> None:
    answer = send(LEAD, token="demo-directory-token")
    assert (answer.status_code, answer.get_json()["errors"][0]["message"]) == (401, "Unauthorized")
    assert send(LEAD, token="demo-directory-token", **{"X-On-Behalf-Of": "mine"}).status_code == 201


def test_the_business_of_another_is_401(send: Send) -> None:
    answer = send(LEAD, **{"X-On-Behalf-Of": "other-business"})
    assert (answer.status_code, answer.get_json()) == (401, {"error": "Unauthorized"})
    assert send({**LEAD, "business_id": "other-business"}).status_code == 401


def test_an_app_token_needs_a_business(send: Send) -> None:
    answer = send(LEAD, token="demo-app-token")
    assert (answer.status_code, answer.get_json()["error_code"]) == (400, "PARAMETER_MISSING")
    assert send({**LEAD, "business_id": "mine"}, token="demo-app-token").status_code == 201
    assert send(LEAD, token="demo-app-token", **{"X-On-Behalf-Of": "mine"}).status_code == 201


def test_a_missing_module_is_403_and_a_token_without_a_user_500(send: Send) -> None:
    answer = send(LEAD, token="demo-token-no-module")
    assert (answer.status_code, answer.get_json()["status"]) == (403, "module_permission_missing")
    assert send(LEAD, token="demo-token-no-user").status_code == 500


@pytest.mark.parametrize("name", ["first_name", "identifier_type", "request_title", "email"])
@pytest.mark.parametrize("value", [None, ""])
def test_a_missing_mandatory_parameter_is_400(send: Send, name: str, value: Any) -> None:
    body = {key: text for key, text in {**LEAD, name: value}.items() if text is not None}
    answer = send(body)
    assert answer.status_code == 400
    assert answer.get_json() == {
        "status": "Error",
        "error": f"Mandatory parameter {name} is missing",
        "error_code": "PARAMETER_MISSING",
    }


def test_unique_id_is_mandatory_when_it_identifies(send: Send) -> None:
    assert send({**LEAD, "identifier_type": "unique_id"}).status_code == 400
    assert send({**VCITA, "identifier_type": "unique_id", "unique_id": "U1"}).status_code == 201


GOOD: dict[str, list[Any]] = {
    "opt_in": ["true", "false", ""],
    "opt_in_transactional_sms": [True, False],
    "notifications": ["email", "auto-reply,email,sms", ""],
    "tags": ["web,quote"],
    "message_data": [{}, {"Rooms": "3"}],
    "request_data": [{"Last visit": "2025-12-31"}],
    "source_url": ["https://example.com/quote?a=1"],
    "phone": ["anything"],
    "status": ["Lead"],
    "system_message": ["New <a href='https://example.com'>lead</a>"],
}
BAD: dict[str, list[Any]] = {
    "identifier_type": ["Email", "phone", ["email"], 1],
    "email": ["nonsense", 1, None],
    "first_name": [1, ["Anna"], "half a pair \ud800"],
    "opt_in": [True, "yes", "True"],
    "opt_in_transactional_sms": ["true", 1, None],
    "notifications": [["email"], "email, sms", "fax", "email,email"],
    "tags": [["web"], None],
    "message_data": ["x", [], {"Rooms": 3}, {"a": {"b": "c"}}, {"": "x"}],
    "request_data": [{"a": None}, {"a": True}],
    "source_url": ["example.com"],
    "phone": [5127891111],
    "last_name": [None],
    "surprise": ["x"],
    "First_Name": ["x"],
}


@pytest.mark.parametrize(("name", "value"), [(name, value) for name, values in GOOD.items() for value in values])
def test_a_value_of_the_documents_type_is_taken(send: Send, name: str, value: Any) -> None:
    assert send({**LEAD, name: value}).status_code == 201


@pytest.mark.parametrize(("name", "value"), [(name, value) for name, values in BAD.items() for value in values])
def test_a_value_of_another_type_is_refused_and_named(send: Send, newest: Newest, name: str, value: Any) -> None:
    answer = send({**LEAD, name: value})
    assert answer.status_code == (400 if name == "email" and value is None else 422)
    assert answer.get_json()["status"] == "Error"
    assert name in answer.get_json()["error"]
    assert newest()["complaints"]


def test_an_invalid_value_and_too_many_requests_have_their_shapes(send: Send) -> None:
    invalid, limited = send({**LEAD, "email": "invalid@example.com"}), send({**LEAD, "email": "ratelimit@example.com"})
    assert (invalid.status_code, invalid.get_json()["status"]) == (422, "Error")
    assert (limited.status_code, limited.get_json()) == (429, {"error": "Too many requests"})


@pytest.mark.parametrize("body", [b"{", b"[]", b'"x"', b"null", b"", b'{"email": NaN}', b'{"a": 1, "a": 2}', b"\xff"])
def test_a_body_that_is_no_json_object_is_400(client: FlaskClient, body: Any) -> None:
    answer = client.post(URL, data=body, content_type="application/json", headers=BEARER)
    assert (answer.status_code, answer.get_json()["status"]) == (400, "Error")


def test_other_types_methods_addresses_and_queries_are_refused(client: FlaskClient) -> None:
    assert client.post(URL, data=LEAD, headers=BEARER).status_code == 400
    assert client.post(URL + "?x=1", json=LEAD, headers=BEARER).status_code == 400
    assert client.get(URL, headers=BEARER).status_code == 405
    assert client.post("/vcita/v1/partners/leads", json=LEAD, headers=BEARER).status_code == 404
