"""A form for each vendor, pointed at the sandbox."""

from __future__ import annotations

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
  url: ${SANDBOX}/leadconduit/flows/5f1e0d2c3b4a596877869504/sources/5f1e0d2c3b4a596877869505/submit
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
    "CLIENTTETHER_WEB_KEY": "CT_DEMO2020",
    "AICORE_LOGIN_ID": "demo",
    "AICORE_LOGIN_PASSWORD": "demo-password",
    "KARTRA_APP_ID": "demo-app",
    "KARTRA_API_KEY": "demo-key",
    "KARTRA_API_PASSWORD": "demo-password",
    "VCITA_TOKEN": "demo-token",
    "WEBHOOK_SECRET": "whsec_bGVhZGZlcnJ5LWRlbW8td2ViaG9vay1zZWNyZXQ=",
}


def form(vendor: str, extra: str = "", fields: str = FIELDS, form_keys: str = "") -> str:
    """A form file for a vendor; ``extra`` are further keys of its vendor block, indented by two."""
    return f"title: {vendor}\nweb_key: LF_{vendor}\nfields:{fields}\nvendor:{VENDORS[vendor]}{extra}\n{form_keys}"
