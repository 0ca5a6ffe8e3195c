import re
from dataclasses import replace
from pathlib import Path

from dotenv import dotenv_values

from leadferry import config
from leadferry.sandbox import credentials

EXAMPLE = Path(__file__).resolve().parents[2] / ".env.example"
SHOWN_DEFAULT = re.compile(r"^#([A-Z_]+)=(.*)$", re.MULTILINE)


def test_the_demo_keys_are_those_that_the_sandbox_accepts() -> None:
    given = dotenv_values(EXAMPLE)
    assert given["CLIENTTETHER_WEB_KEY"] == credentials.CLIENTTETHER_WEB_KEY
    assert (given["AICORE_LOGIN_ID"], given["AICORE_LOGIN_PASSWORD"]) == credentials.AICORE_LOGIN
    assert given["KARTRA_APP_ID"] == credentials.KARTRA_APP_ID
    assert given["KARTRA_API_KEY"] == credentials.KARTRA_API_KEY
    assert given["KARTRA_API_PASSWORD"] == credentials.KARTRA_API_PASSWORD
    assert given["LEADCONDUIT_FLOW_ID"] == credentials.LEADCONDUIT_FLOW
    assert given["LEADCONDUIT_SOURCE_ID"] == credentials.LEADCONDUIT_SOURCE
    assert given["VCITA_TOKEN"] == credentials.VCITA_TOKEN
    assert given["WEBHOOK_SECRET"] == credentials.WEBHOOK_SECRET


def test_the_defaults_shown_are_the_defaults_in_force(tmp_path: Path) -> None:
    shown = dict(SHOWN_DEFAULT.findall(EXAMPLE.read_text()))
    assert "DATABASE_URL" in shown
    as_shown = config.load(shown, tmp_path)
    without = config.load({}, tmp_path)
    assert as_shown == replace(without, environ=shown)
