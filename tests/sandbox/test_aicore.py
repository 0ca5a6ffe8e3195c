from __future__ import annotations

from collections.abc import Callable
from typing import Any
from urllib.parse import parse_qs

import pytest
from flask.testing import FlaskClient

from tests.sandbox.leads import AICORE, Newest

Send = Callable[..., dict[str, list[str]]]

URL = "/aicore/service"


@pytest.fixture
def send(client: FlaskClient) -> Send:
    """The answer's pairs, each value a list."""

    def send(without: tuple[str, ...] = (), **fields: str) -> dict[str, list[str]]:
        data = {name: value for name, value in {**AICORE, **fields}.items() if name not in without}
        return parse_qs(client.post(URL, data=data).get_data(as_text=True), strict_parsing=True)

    return send


def test_a_new_lead_gets_a_number(send: Send) -> None:
    assert send(email="a@example.com") == {
        "status": ["0"],
        "status_message": ["Lead Creation Successful"],
        "lead_id": ["1001"],
    }
    assert send(email="b@example.com")["lead_id"] == ["1002"]


@pytest.mark.parametrize(
    "path", ["/aicore", "/aicore/", URL, "/aicore/aicore/backbone/service", "/aicore/~account/service"]
)
def test_a_lead_is_taken_at_every_documented_path(client: FlaskClient, path: str) -> None:
    assert client.post(path, data=AICORE).data.startswith(b"status=0&")


def test_the_answer_is_not_labelled_as_json(client: FlaskClient) -> None:
    answer = client.post(URL, data=AICORE)
    assert (answer.status_code, answer.mimetype) == (200, "text/html")


def test_a_sitecom_token_stands_in_place_of_login_and_password(send: Send) -> None:
    login = ("ai_login_id", "ai_login_password")
    assert send(without=login, ai_sitecom_token="demo-token")["status"] == ["0"]
    assert send(without=login, ai_sitecom_token="other")["status"] == ["1"]
    assert send(ai_sitecom_token="demo-token")["status"] == ["3"]


@pytest.mark.parametrize("fields", [{"ai_login_id": "other"}, {"ai_login_password": ""}, {"email": "auth@example.com"}])
def test_bad_credentials_are_an_error(send: Send, fields: Any) -> None:
    answer = send(**fields)
    assert answer["status"] == ["1"]
    assert "lead_id" not in answer


def test_an_unknown_command_is_an_error(send: Send) -> None:
    assert send(ai_command="lead_get")["status"] == ["2"]
    assert send(without=("ai_command",))["status"] == ["2"]


@pytest.mark.parametrize("command", ["ping", "validate_user"])
def test_credentials_can_be_tried_without_a_lead(send: Send, newest: Newest, command: str) -> None:
    assert send(ai_command=command)["status"] == ["0"]
    assert not newest()["accepted"]
    assert send(ai_command=command, ai_login_password="x")["status"] == ["1"]


def test_without_match_update_the_same_lead_is_stored_twice(send: Send) -> None:
    assert send(email="a@example.com")["lead_id"] != send(email="a@example.com")["lead_id"]
    assert send(email="dup@example.com")["status_message"] == ["Lead Creation Successful"]


def test_match_update_updates_the_lead_with_the_same_email(send: Send) -> None:
    first = send(email="a@example.com")
    again = send(email="A@example.com", match_update="1")
    assert again == {"status": ["0"], "status_message": ["Lead Update Successful"], "lead_id": first["lead_id"]}
    assert send(email="new@example.com", match_update="1")["status_message"] == ["Lead Creation Successful"]
    assert send(email="dup@example.com", match_update="1")["status_message"] == ["Lead Update Successful"]


def test_leads_are_matched_by_name_and_phone_or_name_and_address_only_when_asked(send: Send) -> None:
    anna = {"first_name": "Anna", "last_name": "Bell"}
    first = send(**anna, phone="512-789-1111", address="1 Oak St")
    by_phone = send(full_name="anna bell", cell="(512) 789 1111", match_update="1", match_name_and_phone="1")
    by_address = send(**anna, address="1 OAK ST", match_update="1", match_name_and_address="1")
    assert by_phone["lead_id"] == by_address["lead_id"] == first["lead_id"]
    assert send(**anna, phone="512-789-1111", match_update="1")["lead_id"] != first["lead_id"]
    assert (
        send(full_name="Other", phone="512-789-1111", match_update="1", match_name_and_phone="1")["lead_id"]
        != first["lead_id"]
    )


def test_an_update_needs_a_lead_that_exists(send: Send) -> None:
    first = send(email="a@example.com", external_id="X1")["lead_id"]
    assert send(mode="update", lead_id=first[0])["lead_id"] == first
    assert send(mode="update", external_id="X1")["lead_id"] == first
    assert send(mode="update", lead_id="9999")["status"] == ["-1"]
    assert send(mode="update", external_id="X2")["status_message"] == ["Lead not found"]


def test_an_update_moves_the_lead_to_its_new_email(send: Send) -> None:
    first = send(email="old@example.com")["lead_id"]
    send(mode="update", lead_id=first[0], email="new@example.com")
    assert send(email="new@example.com", match_update="1")["lead_id"] == first
    assert send(email="old@example.com", match_update="1")["lead_id"] != first


GOOD = {
    "zip": ["97303", "97303-1234", "K1A 0B1"],
    "ok_to_text": ["Yes", "No"],
    "ip": ["123.123.123.123", "2001:db8::1"],
    "lat": ["30.25"],
    "lng": ["-97.75"],
    "followup_date": ["2010-01-01 12:00:00"],
    "status": ["1"],
    "custom_status": ["0", "New"],
    "gmt_offset": ["-1000"],
    "govt_id": ["100-10-1000"],
    "birth_date": ["1980-01-31", "02-29"],
    "notes": ['[{"Status":"Message","Notes":"test"},{"Status":"Email","Notes":"e@example.com"}]'],
    "tags": ["tag1,tag2"],
    "ownerID": ["12"],
    "match_update": ["1", "0"],
    "phone": ["132-123-1234", "anything"],
    "a custom field": ["<b>x</b>"],
}
BAD = {
    "mode": ["Insert", "upsert", ""],
    "zip": ["!", "97303 Salem Oregon"],
    "ok_to_text": ["yes", "1", "Y"],
    "ip": ["123.123.123", "localhost"],
    "lat": ["north"],
    "followup_date": ["2010-01-01", "2010-01-01T12:00:00", "2010-13-01 12:00:00"],
    "status": ["New"],
    "custom_status": ["No such status"],
    "gmt_offset": ["-10:00"],
    "email": ["example"],
    "birth_date": ["31.01.1980", "13-40"],
    "notes": [
        "test",
        "[]",
        '{"Status":"a","Notes":"b"}',
        '[{"status":"a","Notes":"b"}]',
        '[{"Status":"a"}]',
        '[{"Status":"a","Notes":"b","By":"c"}]',
        '[{"Status":"a","Notes":1}]',
    ],
    "match_update": ["yes"],
    "upload_file_contents": ["no name with it"],
    "upload_file_name": ["no contents with it"],
}


@pytest.mark.parametrize(("name", "value"), [(name, value) for name, values in GOOD.items() for value in values])
def test_a_value_in_the_documents_shape_is_taken(send: Send, name: str, value: Any) -> None:
    assert send(**{name: value})["status"] == ["0"]


@pytest.mark.parametrize(("name", "value"), [(name, value) for name, values in BAD.items() for value in values])
def test_a_value_in_another_shape_is_refused_and_named(send: Send, newest: Newest, name: str, value: Any) -> None:
    answer = send(**{name: value})
    assert answer["status"] == ["3"]
    assert name in answer["status_message"][0]
    assert newest()["complaints"]


@pytest.mark.parametrize(
    "fields", [{"without": ("mode",)}, {"mode": "update"}, {"mode": "update", "lead_id": "1", "match_update": "1"}]
)
def test_mode_is_required_and_decides_what_goes_with_it(send: Send, fields: Any) -> None:
    assert send(**fields)["status"] == ["3"]


def test_an_uploaded_file_may_hold_any_bytes_under_a_base_name(client: FlaskClient, send: Send) -> None:
    body = "&".join(f"{name}={value}" for name, value in AICORE.items())
    body += "&upload_file_name=a.pdf&upload_file_contents=%25PDF%00%ff"
    answer = client.post(URL, data=body, content_type="application/x-www-form-urlencoded")
    assert answer.data.startswith(b"status=0&")
    assert send(upload_file_name="../a.pdf", upload_file_contents="x")["status"] == ["3"]


def test_several_messages_are_numbered(send: Send) -> None:
    answer = send(mode="x", ok_to_text="y")
    assert {"status_message[0]", "status_message[1]"} <= answer.keys()
    accepted = send(email="messages@example.com")
    assert (accepted["status"], accepted["status_message[0]"]) == (["0"], ["Lead Creation Successful"])


def test_other_oddities_of_the_answer_can_be_had(client: FlaskClient, send: Send) -> None:
    assert send(email="nomessage@example.com") == {"status": ["1"]}
    assert "status" not in send(email="nostatus@example.com")
    assert send(email="invalid@example.com")["status"] == ["3"]
    answer = client.post(URL, data={**AICORE, "email": "prefix@example.com"}).get_data(as_text=True)
    assert answer == "https://yourwebsitedomain.com?status=0&status_message=Lead Creation Successful&lead_id=1001"


def test_a_name_that_differs_in_case_is_a_custom_field_and_a_complaint(send: Send, newest: Newest) -> None:
    assert send(ownerid="12")["status"] == ["0"]
    assert newest()["complaints"] == ["'ownerid' was taken for a custom field: the document's name is ownerID"]


def test_mistakes_of_form_are_refused(client: FlaskClient) -> None:
    body = "&".join(f"{name}={value}" for name, value in AICORE.items())
    form = "application/x-www-form-urlencoded"
    assert b"status=3" in client.post(URL, data=body + "&email=a&email=b", content_type=form).data
    assert b"status=3" in client.post(URL + "?x=1", data=AICORE).data
    assert b"status=3" in client.post(URL, data=AICORE, headers={"Authorization": "AI demo:x"}).data
    assert b"status=1" in client.post(URL, json=AICORE).data
    assert b"status=1" in client.get(URL, query_string=AICORE).data
    assert client.post("/aicore/other", data=AICORE).status_code == 404
