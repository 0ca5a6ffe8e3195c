"""`flask vendors test`: whether an account works, without a lead, as far as the vendor lets it be told."""

from __future__ import annotations

import pytest

from leadferry.fields import CAMPAIGN
from tests.systems.accounts import FIELDS, VENDORS, also, form, named, with_secrets
from tests.systems.running import Systems, address

pytestmark = pytest.mark.thorough_on_postgresql  # what vendors do is the same on each

CUSTOM = """  custom_fields:
    rooms: dropdown1
    Favorite Chocolate: no_such_field
"""
EXTRA_FIELDS = """
  - {name: rooms, label: Rooms}
  - {name: Favorite Chocolate, label: Chocolate}
  - {name: service, label: Service}
  - {name: colour, label: Colour, send_as: text1}
  - {name: budget, label: Budget}
"""

FORMS = named(
    {
        **{vendor: form(vendor) for vendor in VENDORS},
        "fields": form("kartra", extra=CUSTOM, fields=FIELDS + EXTRA_FIELDS.lstrip("\n"), form_keys="campaign: keep\n"),
        "wrong-password": with_secrets(form("aicore"), AICORE_LOGIN_PASSWORD="WRONG"),
        "wrong-key": with_secrets(form("kartra"), KARTRA_API_KEY="WRONG"),
        "inactive": with_secrets(form("kartra"), KARTRA_APP_ID="INACTIVE_APP"),
        "gone": form("webhook").replace("${SANDBOX}/webhook/signed/leads", "${SANDBOX}/nowhere"),
        "refused": form("aicore").replace("${SANDBOX}", "http://127.0.0.1:1"),
        "not-aicore": form("aicore").replace("${SANDBOX}/aicore/service", "${SANDBOX}/webhook/any"),
        "several": form("aicore", form_keys=with_secrets(also("kartra"), KARTRA_API_KEY="WRONG")),
        "paused": form("kartra"),
    }
)
ENVIRON = {"WRONG": "wrong-one", "INACTIVE_APP": "demo-app-inactive"}

WORDS = {
    # form: the exit code, and what is said
    "clienttether": (0, "vendor (ClientTether): ClientTether has no call that checks an account"),
    "aicore": (0, "vendor (Apogee aiCore): works. ping successful"),
    "kartra": (0, "vendor (Kartra): works. Kartra took the credentials and made no lead."),
    "leadconduit": (0, "vendor (LeadConduit): LeadConduit has no call that checks an account"),
    "vcita": (0, "vendor (vcita): vcita has no call that checks an account"),
    "webhook": (0, "vendor (Webhook): works. The address answers."),
    "wrong-password": (1, "vendor (Apogee aiCore): misconfigured: Authentication failed"),
    "wrong-key": (1, "vendor (Kartra): misconfigured: API key not valid"),
    "inactive": (1, "vendor (Kartra): misconfigured: App Account inactive"),
    "gone": (1, "vendor (Webhook): misconfigured:"),
    "refused": (1, "vendor (Apogee aiCore): failed: The vendor's host took no connection."),
    "not-aicore": (0, "vendor (Apogee aiCore): unknown: The address answers, but not with a status"),
}


@pytest.mark.parametrize("name", WORDS)
def test_an_account_works_or_not_or_it_cannot_be_told(systems: Systems, name: str) -> None:
    code, words = WORDS[name]
    result = systems.installation.cli("vendors", "test", name)
    assert words in result.output
    assert result.exit_code == code


@pytest.mark.parametrize("vendor", VENDORS)
def test_no_lead_is_made(systems: Systems, vendor: str) -> None:
    before = [entry for entry in systems.sandbox.inbox(vendor=vendor) if entry["accepted"]]
    systems.installation.cli("vendors", "test", vendor)
    assert [entry for entry in systems.sandbox.inbox(vendor=vendor) if entry["accepted"]] == before
    assert systems.installation.leads("--vendor", vendor, "--form", vendor) == []


def test_every_destination_is_tested(systems: Systems) -> None:
    result = systems.installation.cli("vendors", "test", "several")
    assert result.exit_code == 1
    assert [line.partition(":")[0] for line in result.output.splitlines()] == [
        "vendor (Apogee aiCore)",
        "also-1 (Kartra)",
    ]


def missing(output: str) -> list[str]:
    (line,) = [line for line in output.splitlines() if "has no custom field for" in line]
    return line.removeprefix("  The account has no custom field for ").partition(":")[0].split(", ")


def test_the_fields_that_the_account_does_not_have_are_listed(systems: Systems) -> None:
    result = systems.installation.cli("vendors", "test", "fields")
    assert result.exit_code == 0
    assert missing(result.output) == ["notes", "smsok", "Favorite Chocolate", "budget"]


def test_the_campaigns_names_are_among_them_where_it_is_sent(systems: Systems) -> None:
    listed = missing(systems.installation.cli("vendors", "test", "kartra").output)
    has = {"page_url", "gclid", "utm_source", "utm_medium", "utm_campaign"}
    assert listed == ["notes", "smsok", *(name for name in CAMPAIGN if name not in has)]


def test_nothing_is_listed_where_the_account_does_not_work(systems: Systems) -> None:
    assert "custom field" not in systems.installation.cli("vendors", "test", "wrong-key").output


def test_an_account_that_works_again_goes_on_with_its_leads(systems: Systems) -> None:
    for behaviour in ("auth", "jane"):
        systems.post("paused", address(behaviour))
    result = systems.installation.cli("vendors", "test", "paused")
    assert "Its waiting leads go on." in result.output
    assert "go on" not in systems.installation.cli("vendors", "test", "paused").output


def test_a_form_that_is_not_there_is_named(systems: Systems) -> None:
    result = systems.installation.cli("vendors", "test", "nobody")
    assert result.exit_code == 1
    assert "nobody: there is no form of this name" in result.output
