"""A person is told what needs one: once, together, in plain words."""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from typing import Any

import pytest
from flask import Flask, request
from sqlalchemy import update

from leadferry import models, outbox
from leadferry.alerts import HISTORY_DAYS, Alerts, silent_hours
from leadferry.outbox import Health
from leadferry.store import Store
from leadferry.vendors.signing import sign_standard_webhook
from tests.conftest import Install
from tests.installation import Installation, SandboxServer, serve
from tests.systems.accounts import SECRETS, form

HOURS = HISTORY_DAYS * 24


@contextmanager
def receiver() -> Iterator[tuple[str, list[dict[str, Any]]]]:
    """A webhook that keeps what it gets."""
    app = Flask("receiver")
    got: list[dict[str, Any]] = []

    @app.post("/alerts")
    def take() -> str:
        got.append({"body": request.get_data(), "headers": dict(request.headers), "json": request.get_json()})
        return ""

    with serve(app) as url:
        yield f"{url}/alerts", got


def alerts_of(installation: Installation) -> Alerts:
    return Alerts(installation.site.settings, installation.site.office)


def post(installation: Installation, name: str, email: str) -> str:
    answer = installation.client.post(f"/f/{name}", json={"firstName": "Jane", "lastName": "Doe", "email": email})
    assert answer.status_code < 500
    return str(installation.leads()[0]["lead"])


def pause(store: Store, reason: str, words: str = "no") -> None:
    now = store.now()
    paused = Health(failures=1, waiting="misconfigured", reason=reason, words=words, since=now, probe_at=now)
    outbox.change_account(store, "quote/vendor", lambda _: paused, now)


def test_a_refused_key_is_reported_once_with_the_mend(install: Install, sandbox: SandboxServer) -> None:
    with receiver() as (url, got):
        installation = install(
            {"quote": form("kartra")},
            **{**SECRETS, "KARTRA_API_KEY": "wrong-key"},
            SANDBOX=sandbox.url,
            ALLOW_PRIVATE_VENDORS="1",
            ALERT_WEBHOOK_URL=url,
            ALERT_WEBHOOK_SECRET="whsec_c2VjcmV0LWZvci1hbGVydHM=",
        )
        post(installation, "quote", "jane@example.com")
        post(installation, "quote", "john@example.com")
        alerts = alerts_of(installation)
        alerts.report(alerts.find())
        alerts.report(alerts.find())
    [message] = got
    [alert] = message["json"]["alerts"]
    assert alert["cause"] == "paused quote/vendor"
    assert "Kartra refused the credentials" in alert["text"]
    assert "2 leads of this form wait" in alert["text"]
    assert "KARTRA_API_KEY" in alert["text"]
    assert "flask leads resend --form quote" in alert["text"]
    assert "wrong-key" not in json.dumps(message["json"])
    headers = message["headers"]
    signature = sign_standard_webhook(
        "whsec_c2VjcmV0LWZvci1hbGVydHM=",
        headers["Webhook-Id"],
        int(headers["Webhook-Timestamp"]),
        message["body"],
    )
    assert headers["Webhook-Signature"] == signature


def test_held_and_dead_leads_are_reported_together(install: Install, sandbox: SandboxServer) -> None:
    with receiver() as (url, got):
        installation = install(
            {"quote": form("clienttether"), "showroom": form("aicore")},
            **SECRETS,
            SANDBOX=sandbox.url,
            ALLOW_PRIVATE_VENDORS="1",
            ALERT_WEBHOOK_URL=url,
        )
        post(installation, "quote", "garbage@example.com")
        post(installation, "showroom", "jane@example.com")
        with installation.store.write() as connection:
            connection.execute(update(models.delivery).where(models.delivery.c.vendor == "aicore").values(state="dead"))
        alerts = alerts_of(installation)
        alerts.report(alerts.find())
    [message] = got
    causes = {alert["cause"]: alert["text"] for alert in message["json"]["alerts"]}
    assert causes.keys() == {"held quote/vendor", "dead showroom/vendor"}
    assert "1 lead held: nobody knows whether ClientTether has them" in causes["held quote/vendor"]
    assert "flask leads resend --form showroom --state dead" in causes["dead showroom/vendor"]


def test_an_old_queue_is_reported(install: Install) -> None:
    installation = install(
        {"quote": form("webhook", "  wait: 0\n")}, **SECRETS, SANDBOX="http://127.0.0.1:9", ALLOW_PRIVATE_VENDORS="1"
    )
    post(installation, "quote", "jane@example.com")
    alerts = alerts_of(installation)
    assert [alert.cause for alert in alerts.find()] == []
    with installation.store.write() as connection:
        connection.execute(update(models.lead).values(received_at=time.time() - 3600))
    [alert] = alerts.find()
    assert alert.cause == "queue"
    assert "60 minutes" in alert.text


def test_what_could_not_be_sent_is_sent_later(install: Install, sandbox: SandboxServer) -> None:
    installation = install(
        {"quote": form("clienttether")},
        **SECRETS,
        SANDBOX=sandbox.url,
        ALLOW_PRIVATE_VENDORS="1",
        ALERT_WEBHOOK_URL="http://127.0.0.1:9/alerts",
    )
    post(installation, "quote", "garbage@example.com")
    alerts = alerts_of(installation)
    assert alerts.report(alerts.find())
    assert alerts.report(alerts.find()), "nobody was told, so it is still due"


def test_one_cause_is_reported_once_an_hour_at_most(install: Install, monkeypatch: pytest.MonkeyPatch) -> None:
    installation = install({"quote": form("webhook")}, **SECRETS, SANDBOX="http://127.0.0.1:9")
    store = installation.store
    alerts = alerts_of(installation)
    now = time.time()
    monkeypatch.setattr(store, "ask_now", lambda _connection: lambda: now)
    pause(store, "credentials")
    assert len(alerts.report(alerts.find())) == 1
    outbox.resume(store, "quote/vendor", now)
    pause(store, "not_found")
    assert alerts.report(alerts.find()) == []
    now += 3601
    assert len(alerts.report(alerts.find())) == 1
    now += 3601
    assert alerts.report(alerts.find()) == [], "nothing new"
    now += 86_400
    assert len(alerts.report(alerts.find())) == 1, "a reminder, while it lasts"


def test_an_alert_goes_out_by_mail(install: Install) -> None:
    with mail_server() as (port, got):
        installation = install(
            {"quote": form("webhook")},
            **SECRETS,
            SANDBOX="http://127.0.0.1:9",
            ALERT_EMAIL="host@example.com",
            SMTP_URL=f"smtp://127.0.0.1:{port}",
        )
        words = "x\r\nBcc: evil@example.com"
        pause(installation.store, "disabled", words)
        alerts = alerts_of(installation)
        assert len(alerts.report(alerts.find())) == 1
    message = got[0]
    assert "To: host@example.com" in message
    assert "Subject: Leadferry: quote:" in message
    assert "\nBcc:" not in message


@contextmanager
def mail_server() -> Iterator[tuple[int, list[str]]]:
    """As much of SMTP as one message needs."""
    import socket

    listener = socket.create_server(("127.0.0.1", 0))
    got: list[str] = []

    def talk() -> None:
        connection, _ = listener.accept()
        with connection, connection.makefile("rw", newline="\r\n") as stream:
            stream.write("220 test\r\n")
            stream.flush()
            for line in stream:
                word = line[:4].upper()
                if word == "DATA":
                    stream.write("354 go on\r\n")
                    stream.flush()
                    lines: list[str] = []
                    for text in stream:
                        if text == ".\r\n":
                            break
                        lines.append(text.replace("\r\n", "\n"))
                    got.append("".join(lines))
                stream.write("221 bye\r\n" if word == "QUIT" else "250 fine\r\n")
                stream.flush()
                if word == "QUIT":
                    return

    thread = threading.Thread(target=talk)
    thread.start()
    try:
        yield listener.getsockname()[1], got
    finally:
        thread.join(5)
        listener.close()


def test_a_form_that_always_gets_leads_and_gets_none_is_silent() -> None:
    steady = [1] * HOURS
    assert silent_hours(steady) == 0
    assert silent_hours([*steady[:-12], *[0] * 12]) == 12


def test_a_quiet_night_is_no_silence() -> None:
    day = [0] * 8 + [3] * 12 + [0] * 4
    weeks = day * HISTORY_DAYS
    morning = weeks[:-16]  # the day ends at eight: the night just passed was as quiet as every night
    assert silent_hours([0] * 16 + morning) == 0


def test_a_form_with_few_leads_is_never_silent_by_chance() -> None:
    rare = [0] * HOURS
    rare[::200] = [1] * len(rare[::200])
    assert silent_hours(rare) == 0


def test_a_new_form_has_no_history_to_be_silent_against() -> None:
    assert silent_hours([0] * (HOURS - 30) + [5] * 10 + [0] * 20) == 0
