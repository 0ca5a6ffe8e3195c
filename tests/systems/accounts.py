"""A form for each vendor, pointed at the sandbox, and the accounts that it sends to."""

from __future__ import annotations

import re
from collections.abc import Mapping

FIELDS = """
  - {name: firstName, label: First name, required: true}
  - {name: lastName, label: Last name}
  - {name: phone, label: Mobile}
  - {name: email, label: E-mail}
  - {name: notes, label: Anything else}
  - {name: smsok, type: consent, label: You may text me.}
  - {name: tag, type: hidden, value: "web"}
"""

VENDORS = {
    "clienttether": """
  name: clienttether
  web_key: ${CLIENTTETHER_WEB_KEY}
  url: ${SANDBOX}/clienttether/v1/external-api/external-form-lead
""",
    "aicore": """
  name: aicore
  url: ${SANDBOX}/aicore/service
  login_id: ${AICORE_LOGIN_ID}
  login_password: ${AICORE_LOGIN_PASSWORD}
""",
    "kartra": """
  name: kartra
  url: ${SANDBOX}/kartra/api
  app_id: ${KARTRA_APP_ID}
  api_key: ${KARTRA_API_KEY}
  api_password: ${KARTRA_API_PASSWORD}
""",
    "leadconduit": """
  name: leadconduit
  url: ${SANDBOX}/leadconduit/flows/${LEADCONDUIT_FLOW_ID}/sources/${LEADCONDUIT_SOURCE_ID}/submit
""",
    "vcita": """
  name: vcita
  url: ${SANDBOX}/vcita/platform/v1/leadgen
  token: ${VCITA_TOKEN}
  request_title: A quote
""",
    "webhook": """
  name: webhook
  url: ${SANDBOX}/webhook/signed/leads
  secret: ${WEBHOOK_SECRET}
""",
}

SECRETS = {
    "CLIENTTETHER_WEB_KEY": "CT_5ecretOfTheAccount",
    "AICORE_LOGIN_ID": "demo",
    "AICORE_LOGIN_PASSWORD": "demo-password",
    "KARTRA_APP_ID": "demo-app",
    "KARTRA_API_KEY": "demo-key",
    "KARTRA_API_PASSWORD": "demo-password",
    "LEADCONDUIT_FLOW_ID": "5f1e0d2c3b4a596877869504",
    "LEADCONDUIT_SOURCE_ID": "5ec12e75ec12e75ec12e75ec",
    "VCITA_TOKEN": "demo-token",
    "WEBHOOK_SECRET": "whsec_bGVhZGZlcnJ5LWRlbW8td2ViaG9vay1zZWNyZXQ=",
}

HELD_WHEN_UNKNOWN = frozenset({"clienttether", "aicore", "leadconduit", "vcita"})
"""Those that may make a second lead of a repeat."""


def form(vendor: str, extra: str = "", fields: str = FIELDS, form_keys: str = "") -> str:
    """A form file for a vendor; ``extra`` are further keys of its vendor block, indented by two."""
    return f"title: {vendor}\nweb_key: LF_{vendor}\nfields:{fields}\nvendor:{VENDORS[vendor]}{extra}\n{form_keys}"


def also(*vendors: str) -> str:
    """Further destinations, each the account of a vendor."""
    blocks = (VENDORS[vendor].strip().replace("\n  ", "\n    ") for vendor in vendors)
    return "also:\n" + "".join(f"  - {block}\n" for block in blocks)


def with_secrets(text: str, **others: str) -> str:
    """A form file that names other secrets than the account's: ``with_secrets(…, VCITA_TOKEN="VCITA_APP_TOKEN")``."""
    for name, other in others.items():
        text = text.replace(f"${{{name}}}", f"${{{other}}}")
    return text


def named(forms: Mapping[str, str]) -> dict[str, str]:
    """Each form with a web_key of its own: two forms may not share one."""
    return {name: re.sub(r"^web_key: .*", f"web_key: LF_{name}", text, flags=re.M) for name, text in forms.items()}


TYPED = {
    # an answer to each reserved name but name and email, as people and pages send them
    "firstName": "José",
    "lastName": "O'Brien",
    "phone": "(512) 789-1111",
    "smsok": "on",
    "second_phone": "+1 512.789.2222",
    "address": "12 Oak St #4",
    "city": "Austin",
    "state": "Texas",
    "zip": "78701 1234",
    "compName": "Cats & Dogs <Ltd>",
    "tag": "web,quote",
    "job_title": "CEO",
    "deal_size": "$1,000",
    "deal_closed": "no",
    "age": "42",
    "gender": "female",
    "facebook": "https://www.facebook.com/hall303/",
    "linkedin": "ada-lovelace",
    "client_category": "weekly",
    "clients_date_last": "12/31/2025",
    "clients_date_next": "Jan 15, 2027",
    "new_lead_notification": "2",
    "contact_type": "1",
    "assigned_user_id": "u-7",
    "notes": "Two lines,\r\none with a % & a +. 👋",
    "external_id": "12345",
}
KEPT = TYPED | {
    # the same in the form in which every vendor gets them
    "phone": "5127891111",
    "smsok": "1",
    "second_phone": "5127892222",
    "state": "TX",
    "zip": "78701-1234",
    "deal_size": "1000",
    "deal_closed": "0",
    "gender": "F",
    "facebook": "hall303",
    "clients_date_last": "2025-12-31",
    "clients_date_next": "2027-01-15",
    "notes": "Two lines,\none with a % & a +. 👋",
}


def kept(*names: str) -> dict[str, str]:
    """These answers under their own names."""
    return {name: KEPT[name] for name in names}
