"""What a host watches: alive, ready, counted, logged; and nothing personal in any of it."""

from __future__ import annotations

import json

import pytest
import requests

from leadferry.store import Store
from tests.conftest import Install
from tests.installation import Installation, SandboxServer, wait_until
from tests.systems.accounts import SECRETS, form

pytestmark = pytest.mark.thorough_on_postgresql  # what is logged and counted is the same on each

PERSON = "marker-person-0815"


@pytest.fixture
def installation(install: Install, sandbox: SandboxServer) -> Installation:
    forms = {"quote": form("clienttether"), "hook": form("webhook", "  wait: 0\n")}
    return install(forms, **SECRETS, SANDBOX=sandbox.url, ALLOW_PRIVATE_VENDORS="1")


def post(url: str, name: str, email: str) -> requests.Response:
    body = {"firstName": "Jane", "lastName": PERSON, "email": email}
    return requests.post(f"{url}/f/{name}", json=body, timeout=20)


def sample(page: str, start: str) -> float:
    """The value of the line that begins so; several are added up."""
    return sum(float(line.rsplit(" ", 1)[1]) for line in page.splitlines() if line.startswith(start))


def test_counts_are_right_over_two_processes(installation: Installation) -> None:
    with installation.gunicorn(workers=2) as server:
        for number in range(12):
            assert post(server.url, "quote", f"{PERSON}{number}@example.com").status_code == 200
        assert post(server.url, "quote", f"dup+{PERSON}@example.com").status_code == 409
        pages = [requests.get(f"{server.url}/metrics", timeout=10).text for _ in range(6)]
    for page in pages:
        assert sample(page, 'leadferry_leads{state="delivered"}') == 12
        assert sample(page, 'leadferry_leads{state="rejected"}') == 1
        assert sample(page, 'leadferry_attempts_total{outcome="accepted",vendor="clienttether"}') == 12
        assert sample(page, 'leadferry_posts_total{answer="ok",form="quote"}') == 12
        assert sample(page, 'leadferry_posts_total{answer="ct103",form="quote"}') == 1
        assert sample(page, 'leadferry_submit_to_accepted_seconds_count{vendor="clienttether"}') == 12
        assert PERSON not in page


def test_what_a_visitor_does_not_wait_for_is_delivered_beside_and_counted(installation: Installation) -> None:
    with installation.gunicorn() as server:
        post(server.url, "hook", "jane@example.com")
        wait_until(
            lambda: sample(requests.get(f"{server.url}/metrics", timeout=9).text, 'leadferry_leads{state="delivered"}')
        )


def test_an_account_that_waits_shows(installation: Installation) -> None:
    installation.client.post("/f/quote", json={"name": "J D", "firstName": "J", "email": "auth@example.com"})
    page = installation.client.get("/metrics").text
    assert sample(page, 'leadferry_account_waiting{account="quote/vendor",waiting="misconfigured"}') == 1
    assert sample(page, "leadferry_oldest_waiting_seconds") >= 0


def test_ready_only_while_a_lead_could_be_stored(installation: Installation, monkeypatch: pytest.MonkeyPatch) -> None:
    assert installation.client.get("/readyz").status_code == 200
    monkeypatch.setattr(Store, "can_write", lambda _self: False)
    assert installation.client.get("/readyz").status_code == 503
    assert installation.client.get("/healthz").status_code == 200


def test_log_lines_are_json_with_the_request_and_the_lead_and_nobody_in_them(installation: Installation) -> None:
    with installation.gunicorn() as server:
        answer = post(server.url, "quote", f"{PERSON}@example.com")
        post(server.url, "quote", f"garbage+{PERSON}@example.com")
        reference = answer.json()["lead"]
    log = (installation.root / "process.log").read_text()
    lines = [json.loads(line) for line in log.splitlines() if line.startswith("{")]
    [line] = [each for each in lines if each.get("lead") == reference]
    assert line["message"] == "attempt"
    assert (line["outcome"], line["vendor"], line["form"]) == ("accepted", "clienttether", "quote")
    assert line["request"] == answer.headers["X-Request-Id"]
    assert PERSON not in log
    assert SECRETS["CLIENTTETHER_WEB_KEY"] not in log
