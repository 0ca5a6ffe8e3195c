from __future__ import annotations

import json
import time
from base64 import b64decode, b64encode
from hashlib import sha256
from hmac import new as hmac

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from leadferry.sandbox.credentials import WEBHOOK_SECRET
from tests.sandbox.leads import Newest, Send

BODY = json.dumps({"fields": {"email": "anna@example.com"}}).encode()


def signed(
    body: bytes = BODY, at: float | None = None, secret: str = WEBHOOK_SECRET, prefix: str = ""
) -> dict[str, str]:
    """The three headers, made from the scheme's own text."""
    timestamp, message_id = str(int(time.time() if at is None else at)), "msg_1"
    key = b64decode(secret.removeprefix("whsec_"))
    signature = b64encode(hmac(key, f"{message_id}.{timestamp}.".encode() + body, sha256).digest()).decode()
    return {"webhook-id": message_id, "webhook-timestamp": timestamp, "webhook-signature": f"{prefix}v1,{signature}"}


@pytest.fixture
def send(client: FlaskClient) -> Send:
    def send(
        headers: dict[str, str],
        path: str = "/webhook/signed/leads",
        body: bytes = BODY,
        content_type: str = "application/json",
    ) -> TestResponse:
        return client.post(path, data=body, content_type=content_type, headers=headers)

    return send


def test_a_signed_message_is_taken(send: Send, newest: Newest) -> None:
    assert send(signed()).get_json() == {"status": "received"}
    assert newest()["fields"] == {"fields": {"email": "anna@example.com"}}


def test_one_of_several_signatures_is_enough(send: Send) -> None:
    assert send(signed(prefix="v1,b3RoZXI= v1a,eA== ")).status_code == 200


def test_a_repeated_id_is_taken_once_more_without_harm(send: Send) -> None:
    assert send(signed()).get_json() == {"status": "received"}
    assert send(signed()).get_json() == {"status": "already received"}


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"webhook-id": "msg_1"},
        signed(secret="whsec_" + b64encode(b"another key").decode()),
        signed(body=b"{}"),
        signed(at=time.time() - 3600),
        signed(at=time.time() + 3600),
        signed() | {"webhook-timestamp": "now"},
        signed() | {"webhook-id": "msg_2"},
        {**signed(), "webhook-signature": "nonsense"},
    ],
)
@pytest.mark.parametrize("path", ["/webhook/signed/leads", "/webhook/leads"])
def test_a_bad_signature_is_401_and_a_missing_one_where_it_is_asked_for(
    send: Send, path: str, headers: dict[str, str]
) -> None:
    expected = 200 if "webhook-signature" not in headers and path == "/webhook/leads" else 401
    assert send(headers, path).status_code == expected


@pytest.mark.parametrize("path", ["/webhook", "/webhook/", "/webhook/anything/at/all"])
def test_an_unsigned_message_is_taken_elsewhere(send: Send, path: str) -> None:
    assert send({}, path).status_code == 200


def test_a_form_is_taken_too_and_nothing_else(send: Send) -> None:
    assert send({}, "/webhook", b"email=a@example.com", "application/x-www-form-urlencoded").status_code == 200
    assert send({}, "/webhook", b"email=a&email=b", "application/x-www-form-urlencoded").status_code == 422
    assert send({}, "/webhook", b"hello", "text/plain").status_code == 422
    assert send({}, "/webhook", b"{").status_code == 422


@pytest.mark.parametrize(("word", "status"), [("auth", 401), ("invalid", 422), ("dup", 409), ("gone", 410)])
@pytest.mark.parametrize("shape", ['{{"email": "{}"}}', '{{"lead": [{{"values": {{"email": "{}"}}}}]}}'])
def test_the_email_is_found_wherever_it_stands(send: Send, word: str, status: int, shape: str) -> None:
    body = shape.format(f"{word}@example.com").encode()
    assert send(signed(body), body=body).status_code == status


def test_other_methods_are_405(client: FlaskClient) -> None:
    assert client.get("/webhook").status_code == 405
    assert client.put("/webhook/x", json={}).status_code == 405
