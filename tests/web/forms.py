"""The form that the tests of the front door post to, and who posts."""

from __future__ import annotations

from typing import Any

from werkzeug.test import TestResponse

SCRIPT = {"Accept": "application/json"}
BROWSER = {"Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8", "Sec-Fetch-Mode": "navigate"}
OLD_BROWSER = {"Accept": "text/html, */*"}
FRAMED = {**BROWSER, "Sec-Fetch-Dest": "iframe"}

VISITOR = {"firstName": "Jane", "lastName": "Doe", "email": "jane@example.com"}

THANKS = "https://www.example.com/thanks"
OOPS = "https://www.example.com/oops"

NOWHERE = "http://127.0.0.1:9/"


def quote(vendor_url: str = NOWHERE, *, wait: float = 5, urls: bool = False, more: str = "", fields: str = "") -> str:
    """A form of ClientTether. ``urls``: it has pages of its own for success and error; ``more``: further keys."""
    own = f"on_success_url: {THANKS}\non_error_url: {OOPS}\n" if urls else ""
    return f"""
title: Get a free quote
web_key: LF_quote_1
origins: [https://www.example.com, "https://shop.example.com:8443"]
{own}{more}
fields:
  - {{name: firstName, label: First name, required: true}}
  - {{name: lastName, label: Last name, required: true}}
  - {{name: email, label: E-mail, required: true}}
  - {{name: phone, label: Mobile}}
  - {{name: service, label: What do you need?, type: select, options: [Windows, Doors]}}
{fields}
vendor: {{name: clienttether, web_key: "${{CT_KEY}}", url: "{vendor_url}", wait: {wait}}}
"""


def any_name(vendor_url: str = NOWHERE, *, wait: float = 0, more: str = "") -> str:
    """A form of a webhook that asks for nothing and takes every name."""
    return f"""
title: Tell us
web_key: LF_any
{more}
fields:
  - {{name: message, label: Message, type: textarea}}
vendor: {{name: webhook, url: "{vendor_url}", wait: {wait}}}
"""


def said(answer: TestResponse) -> dict[str, Any]:
    """The JSON object that a script gets."""
    found = answer.get_json()
    assert isinstance(found, dict)
    return found


SETTINGS: dict[str, str] = {"CT_KEY": "CT_TEST2020", "ALLOW_PRIVATE_VENDORS": "1"}
