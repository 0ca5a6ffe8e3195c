"""The forms in forms/, which a stranger tries first and copies from, against the emulated vendors."""

from __future__ import annotations

import io
import json
from typing import Any

import pytest
from dotenv import dotenv_values

from leadferry.catalog import check_folder
from leadferry.form_file import Surroundings
from leadferry.vendors import ADAPTERS
from tests.conftest import Install
from tests.installation import REPOSITORY, SandboxServer

pytestmark = pytest.mark.one_database  # what stands on a page

SETTINGS = {name: value for name, value in dotenv_values(REPOSITORY / ".env.example").items() if value is not None}
PERSON = {"firstName": "Jo", "lastName": "Müller", "phone": "(512) 789-1111", "email": "jo@example.com"}

ANSWERS: dict[str, dict[str, Any]] = {
    "quote": {**PERSON, "service": "both", "rooms": "7", "Favorite Chocolate": "dark", "smsok": "1"},
    "showroom": {
        **PERSON,
        "vehicle": "Swift City",
        "besttime": "Evening",
        "trade_in": "yes",
        "notes": "With a tow bar?",
        "smsok": "1",
    },
    "webinar": {
        **PERSON,
        "lead_preferred_time_zone": "Europe/London",
        "business": "own",
        "topics": ["Hourly rates", "Raising prices"],
    },
    "mortgage": {
        "mortgage.property.type": "Condominium",
        "state": "Texas",
        "postal_code": "78751",
        "mortgage.loan.purpose": "Purchase",
        "mortgage.property.price": "$350,000",
        "mortgage.loan.down_payment": "70,000",
        "credit_score": "680 to 720",
        "loan.timeframe_days": "31-90",
        "first_name": "Jo",
        "last_name": "Müller",
        "email": "jo@example.com",
        "phone_1": "(512) 789-1111",
        "mobile_opt_in": "1",
    },
    "booking": {
        **PERSON,
        "Appointment": "First visit",
        "Preferred day": "2026-12-01",
        "Time of day": ["Early", "After work"],
        "notes": "My knee",
        "smsok": "1",
    },
    "newsletter": {"firstName": "Jo", "email": "jo@example.com"},
}


def texts() -> dict[str, str]:
    return {path.stem: path.read_text("utf-8") for path in sorted((REPOSITORY / "forms").glob("*.yaml"))}


def test_every_vendor_has_a_form_and_no_form_has_a_mistake_or_a_warning() -> None:
    assert check_folder(REPOSITORY / "forms", Surroundings(ADAPTERS, SETTINGS.get)) == []
    assert texts().keys() == ANSWERS.keys()
    for adapter in ADAPTERS:
        assert any(f"name: {adapter}\n" in text for text in texts().values()), adapter


@pytest.mark.parametrize("name", ANSWERS)
def test_a_lead_of_a_demo_form_is_taken_without_a_complaint(
    install: Install, sandbox: SandboxServer, name: str
) -> None:
    site = install(texts(), **SETTINGS | {"SANDBOX_URL": sandbox.url, "POST_LIMIT": "0"})
    answers = dict(ANSWERS[name])
    if name == "showroom":
        answers["trade_in_photo"] = (io.BytesIO(b"\xff\xd8 a picture"), "car.jpg")
    answer = site.client.post(f"/f/{name}", data=answers)
    assert answer.status_code == 200, answer.text
    received = sandbox.inbox()
    assert [entry["accepted"] for entry in received] == [True], received
    assert (received[0]["complaints"], received[0]["ignored"]) == ([], [])
    assert "Jo" in json.dumps(received[0]["fields"])
    assert site.leads()[0]["state"] == "delivered"
