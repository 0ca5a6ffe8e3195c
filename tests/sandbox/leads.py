"""A plain lead for each vendor, as the vendor's document has it."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from werkzeug.test import TestResponse

Send = Callable[..., TestResponse]
Inbox = Callable[..., list[dict[str, Any]]]
Newest = Callable[[], dict[str, Any]]

VENDORS = ("clienttether", "aicore", "kartra", "leadconduit", "vcita", "webhook")

CLIENTTETHER = {"web_key": "CT_DEMO2020", "firstName": "Anna", "lastName": "Bell"}
AICORE = {"ai_command": "lead_set", "ai_login_id": "demo", "ai_login_password": "demo-password", "mode": "insert"}
KARTRA = {"app_id": "demo-app", "api_key": "demo-key", "api_password": "demo-password"}
VCITA = {"first_name": "Anna", "identifier_type": "email", "request_title": "A quote"}
BEARER = {"Authorization": "Bearer demo-token"}
ACCEPT_JSON = {"Accept": "application/json"}
SUBMIT = "/leadconduit/flows/5462c7eb76fefd217d333552/sources/5462c7fb745fb567baf2e093/submit"


def request_for(vendor: str, email: str) -> dict[str, Any]:
    """The arguments of a test client's post."""
    return {
        "clienttether": {"path": "/clienttether", "data": {**CLIENTTETHER, "email": email}},
        "aicore": {"path": "/aicore/service", "data": {**AICORE, "email": email}},
        "kartra": {"path": "/kartra/api", "data": {**KARTRA, "lead[email]": email, "actions[0][cmd]": "create_lead"}},
        "leadconduit": {"path": SUBMIT, "data": {"email": email}, "headers": ACCEPT_JSON},
        "vcita": {"path": "/vcita/platform/v1/leadgen", "json": {**VCITA, "email": email}, "headers": BEARER},
        "webhook": {"path": "/webhook/leads", "json": {"fields": {"email": email}}},
    }[vendor]
