"""A signed webhook: the running product against the sandbox, over real sockets."""

from __future__ import annotations

from datetime import UTC, datetime, timedelta
from typing import Any

import pytest

from tests.systems.accounts import FIELDS, TYPED, form, kept, named, with_secrets
from tests.systems.running import Systems, Told, address, check

pytestmark = pytest.mark.thorough_on_postgresql  # what a receiver does is the same on each

FORMS = named(
    {
        "webhook": form("webhook"),
        "choices": form(
            "webhook", fields=FIELDS + "  - {name: rooms, label: Rooms, type: checkboxes, options: [Bath, Kitchen]}\n"
        ),
        "unsigned": form("webhook").replace("  secret: ${WEBHOOK_SECRET}\n", "").replace("/signed/", "/open/"),
        "unsigned-to-signed": form("webhook").replace("  secret: ${WEBHOOK_SECRET}\n", ""),
        "wrong-secret": with_secrets(form("webhook"), WEBHOOK_SECRET="WRONG"),
    }
)
ENVIRON = {"WRONG": "whsec_d3Jvbmc="}

SIGNATURE = ("Webhook-Id", "Webhook-Timestamp", "Webhook-Signature")


def test_a_lead_is_a_signed_event_with_every_answer_and_the_consent_as_it_was_seen(systems: Systems) -> None:
    email = address()
    check(
        systems, "webhook", email, Told("ok", "delivered", None, "200"), **TYPED, page_url="https://example.com/a?b=1"
    )
    (entry,) = systems.received("webhook", email)
    assert (entry["complaints"], entry["content_type"]) == ([], "application/json")
    (lead,) = systems.installation.leads("--email", email)
    event: dict[str, Any] = entry["fields"]
    received_at = datetime.fromisoformat(event.pop("timestamp"))
    assert abs(received_at - datetime.now(UTC)) < timedelta(seconds=30)
    assert event.pop("fields") == {**kept(*TYPED), "email": email, "page_url": "https://example.com/a?b=1"}
    assert event == {
        "type": "lead.received",
        "lead": lead["lead"],
        "form": "webhook",
        "version": lead["version"],
        "test": False,
        "consent": {
            "language": "en",
            "version": lead["version"],
            "page_url": "https://example.com/a?b=1",
            "items": [{"field": "smsok", "text": "You may text me.", "ticked": True}],
        },
    }
    assert all(name in entry["headers"] for name in SIGNATURE)
    assert entry["headers"]["Webhook-Id"] == f"{lead['lead']}-vendor"


def test_several_choices_are_a_list_and_expansions_keep_their_names(systems: Systems) -> None:
    email = address()
    systems.post("choices", email, rooms=["Kitchen", "Bath"], **{"Favorite Chocolate": "<i>dark</i>"})
    sent = systems.fields("webhook", email)["fields"]
    assert (sent["rooms"], sent["Favorite Chocolate"]) == (["Kitchen", "Bath"], "dark")


def test_every_repeat_has_the_same_id_and_body_and_a_signature_of_its_own_time(systems: Systems) -> None:
    email = address("flaky")
    check(systems, "webhook", email, Told("ok", "pending", "down", "503"))
    systems.resend("--email", email)
    systems.resend("--email", email)
    found = systems.delivery(email)
    assert (found["state"], found["attempts"]) == ("delivered", 3)
    tries = systems.received("webhook", email)
    assert [each["answer"]["status"] for each in tries] == [503, 503, 200]
    assert all(each["complaints"] == [] for each in tries)
    assert len({each["headers"]["Webhook-Id"] for each in tries}) == 1
    assert len({each["raw"] for each in tries}) == 1


def test_a_repeat_of_a_try_that_arrived_is_known_to_the_receiver(systems: Systems) -> None:
    email = address("reset+once")
    check(systems, "webhook", email, Told("ok", "pending", "reset"))
    systems.resend("--email", email)
    assert systems.delivery(email)["state"] == "delivered"
    assert systems.received("webhook", email)[1]["answer"]["body"] == '{"status": "already received"}'


def test_without_a_secret_there_is_an_id_and_no_signature(systems: Systems) -> None:
    email = address()
    check(systems, "unsigned", email, Told("ok", "delivered", None, "200"))
    headers = systems.received("webhook", email)[0]["headers"]
    assert "Webhook-Id" in headers
    assert "Webhook-Signature" not in headers


ANSWERS = {
    ("webhook", "dup"): Told("ct103", "rejected", "duplicate", "409", "duplicate"),
    ("webhook", "invalid"): Told("lf204", "rejected", "invalid", "422", "Invalid value"),
    ("webhook", "auth"): Told("ct101", "pending", "credentials", "401", "Unauthorized"),
    ("webhook", "gone"): Told("ok", "pending", "not_found", "410", "Gone"),
    ("wrong-secret", "jane"): Told("ct101", "pending", "credentials", "401", "webhook-signature does not fit"),
    ("unsigned-to-signed", "jane"): Told("ct101", "pending", "credentials", "401", "webhook-signature is missing"),
}


@pytest.mark.parametrize(("name", "behaviour"), ANSWERS)
def test_each_answer_is_told_and_written_down(systems: Systems, name: str, behaviour: str) -> None:
    check(systems, name, address(behaviour), ANSWERS[name, behaviour])
