"""The settings of a form's vendor block with which each emulated vendor lets a lead in."""

from __future__ import annotations

from collections.abc import Mapping

from leadferry.sandbox import credentials

SETTINGS: Mapping[str, Mapping[str, str]] = {
    "clienttether": {"web_key": credentials.CLIENTTETHER_WEB_KEY},
    "aicore": {"login_id": credentials.AICORE_LOGIN[0], "login_password": credentials.AICORE_LOGIN[1]},
    "kartra": {
        "app_id": credentials.KARTRA_APP_ID,
        "api_key": credentials.KARTRA_API_KEY,
        "api_password": credentials.KARTRA_API_PASSWORD,
    },
    "leadconduit": {"flow_id": credentials.LEADCONDUIT_FLOW, "source_id": credentials.LEADCONDUIT_SOURCE},
    "vcita": {"token": credentials.VCITA_TOKEN},
    "webhook": {"secret": credentials.WEBHOOK_SECRET},
}
