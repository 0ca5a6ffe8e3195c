from __future__ import annotations

import re
from datetime import UTC, datetime, timedelta
from html import unescape

import pytest
from flask.testing import FlaskClient

from leadferry.sandbox import create_sandbox
from leadferry.sandbox.behaviour import OPTIONS, TRIGGERS
from leadferry.sandbox.credentials import CREDENTIALS, WEBHOOK_SECRET
from tests.sandbox.leads import AICORE, CLIENTTETHER, KARTRA, VENDORS, Inbox, Newest, Send, request_for

PAGE = {"Accept": "text/html,application/xhtml+xml,*/*;q=0.8"}
KEYS = [
    "vendor",
    "received_at",
    "method",
    "path",
    "content_type",
    "fields",
    "raw",
    "headers",
    "behaviour",
    "answer",
    "accepted",
    "complaints",
    "ignored",
]


def test_an_entry_says_what_came_and_what_was_answered(client: FlaskClient, newest: Newest) -> None:
    client.post("/clienttether", data={**CLIENTTETHER, "email": "a@example.com"}, headers={"X-Mine": "7"})
    entry = newest()
    assert list(entry) == KEYS
    assert (entry["vendor"], entry["method"], entry["path"]) == ("clienttether", "POST", "/clienttether")
    assert entry["content_type"] == "application/x-www-form-urlencoded"
    assert entry["fields"] == {"web_key": "***", "firstName": "Anna", "lastName": "Bell", "email": "a@example.com"}
    assert entry["raw"] == "web_key=***&firstName=Anna&lastName=Bell&email=a@example.com"
    assert entry["headers"]["X-Mine"] == "7"
    assert entry["answer"] == {"status": 200, "body": '{"Message":"Success"}'}
    age = datetime.now(UTC) - datetime.fromisoformat(entry["received_at"])
    assert timedelta(0) <= age < timedelta(seconds=5)


def test_the_newest_stands_first_and_filters_narrow(post: Send, inbox: Inbox) -> None:
    for vendor in VENDORS:
        post(vendor, "a@example.com")
    post("vcita", "b@example.com")
    assert [entry["vendor"] for entry in inbox()] == ["vcita", *reversed(VENDORS)]
    assert len(inbox(vendor="vcita")) == 2
    assert len(inbox(email="A@example.com")) == len(VENDORS)
    assert len(inbox(vendor="vcita", email="b@example.com")) == 1
    assert len(inbox(limit="3")) == 3
    assert inbox(vendor="nobody") == []


@pytest.mark.parametrize("limit", ["x", "-1", "1e3", "٣", "9" * 5000])
def test_a_limit_that_is_no_number_is_400(client: FlaskClient, limit: str) -> None:
    assert client.get("/inbox", query_string={"limit": limit}).status_code == 400


SECRET = "SECRET7"


@pytest.mark.parametrize("accept", ["application/json", "text/html"])
def test_no_secret_is_kept_anywhere(client: FlaskClient, accept: str) -> None:
    client.post("/clienttether", data={**CLIENTTETHER, "web_key": f"CT_{SECRET}"})
    client.post(f"/clienttether?web_key=CT_{SECRET}", data=CLIENTTETHER)
    client.post("/clienttether", json={"web_key": f"CT_{SECRET}"})
    client.post("/aicore", data={**AICORE, "ai_login_password": SECRET, "ai_sitecom_token": SECRET})
    client.post("/kartra", data={**KARTRA, "api_key": SECRET, "api_password": SECRET})
    client.post("/kartra", json={"api_key": SECRET, "nested": [{"api_password": SECRET}]})
    client.post("/vcita", json={}, headers={"Authorization": f"Bearer {SECRET}", "Cookie": f"a={SECRET}"})
    client.post("/leadconduit", data=f"<x><ssn>{SECRET}</ssn></x>", content_type="text/xml")
    client.post("/leadconduit", json={"ssn": SECRET, "spouse": {"ssn": f'a"{SECRET}'}})
    client.post("/leadconduit", data={"spouse.ssn": SECRET})
    client.get("/leadconduit", query_string={"ssn": SECRET})
    assert len(client.get("/inbox").get_json()) == 11
    assert SECRET not in client.get("/inbox", headers={"Accept": accept}).get_data(as_text=True)


def test_long_texts_are_cut_and_say_how_long_they_were(client: FlaskClient, newest: Newest) -> None:
    client.post("/clienttether", data={**CLIENTTETHER, "notes": "x" * 30_000})
    entry = newest()
    assert entry["fields"]["notes"] == "x" * 20_000 + "… (30000 characters in all)"
    assert len(entry["raw"]) < 20_100


@pytest.mark.parametrize(("method", "path"), [("DELETE", "/inbox"), ("POST", "/inbox/clear")])
def test_clearing_forgets_every_lead_and_every_try(
    client: FlaskClient, post: Send, inbox: Inbox, method: str, path: str
) -> None:
    def round_of_answers() -> list[tuple[str, int, bytes]]:
        found = []
        for vendor in VENDORS:
            for email in ("a@example.com", "flaky@example.com"):
                answer = post(vendor, email)
                body = re.sub(rb'"(id|uid|conversation_uid)": ?"[0-9a-f]{16,24}"', b"", answer.data)
                found.append((vendor, answer.status_code, body))
        return found

    first = round_of_answers()
    assert round_of_answers() != first
    assert client.open(path, method=method).get_json() == {"cleared": 4 * len(VENDORS)}
    assert inbox() == []
    assert round_of_answers() == first


def test_each_sandbox_has_its_own_memory(post: Send) -> None:
    post("clienttether", "a@example.com")
    other = create_sandbox().test_client()
    assert other.get("/inbox").get_json() == []
    assert other.post(**request_for("clienttether", "a@example.com")).get_json() == {"Message": "Success"}


@pytest.mark.parametrize(
    ("accept", "mimetype"),
    [
        ("text/html", "text/html"),
        (PAGE["Accept"], "text/html"),
        ("application/json", "application/json"),
        ("application/json, text/html", "application/json"),
        ("*/*", "application/json"),
        ("", "application/json"),
    ],
)
def test_a_browser_gets_a_page_and_everyone_else_json(client: FlaskClient, accept: str, mimetype: str) -> None:
    assert client.get("/inbox", headers={"Accept": accept}).mimetype == mimetype


def test_the_page_shows_each_field_and_escapes_everything(client: FlaskClient) -> None:
    evil = "<script>alert(1)</script>"
    client.post("/leadconduit", data={"mortgage.loan.purpose": evil, evil: "x", "email": f"{evil}@x.org"})
    client.post(f"/webhook/{evil}?{evil}", json={evil: [{"email": evil}]}, headers={"X-Evil": evil})
    client.post("/vcita", data=evil, content_type="text/html")
    answer = client.get("/inbox", headers=PAGE)
    page = answer.get_data(as_text=True)
    assert evil not in page
    assert "mortgage.loan.purpose" in page
    assert "&lt;script&gt;" in page
    assert "default-src 'none'" in answer.headers["Content-Security-Policy"]


def test_the_page_has_a_button_that_clears_and_comes_back(client: FlaskClient, post: Send, inbox: Inbox) -> None:
    post("vcita", "a@example.com")
    assert 'action="/inbox/clear"' in client.get("/inbox", headers=PAGE).get_data(as_text=True)
    answer = client.post("/inbox/clear", headers=PAGE)
    assert (answer.status_code, answer.headers["Location"]) == (303, "/inbox")
    assert inbox() == []


def test_the_index_shows_addresses_credentials_and_triggers(client: FlaskClient) -> None:
    page = unescape(client.get("/").get_data(as_text=True))
    expected = [f"/{vendor}" for vendor in VENDORS] + [f"{trigger.word}@" for trigger in TRIGGERS]
    expected += [f"+{option.word}" for option in OPTIONS] + [credential.value for credential in CREDENTIALS]
    assert [text for text in (*expected, WEBHOOK_SECRET, "/inbox") if text not in page] == []


def test_an_unknown_address_is_a_plain_404(client: FlaskClient) -> None:
    answer = client.get("/nowhere")
    assert (answer.status_code, answer.mimetype) == (404, "text/plain")
    assert client.open("/inbox", method="PUT").status_code == 405
