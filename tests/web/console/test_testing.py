"""A test lead from the console: to the emulated vendors, and to the real one."""

from __future__ import annotations

import re

import pytest

from leadferry import leads, users
from tests.conftest import Install
from tests.installation import SandboxServer
from tests.systems import accounts
from tests.web.conftest import ScriptedVendor
from tests.web.console.visitor import Visitor, signed_in

pytestmark = pytest.mark.thorough_on_postgresql  # what a try is answered is the same on each

FIELDS = """
  - {name: firstName, label: First name, required: true}
  - {name: lastName, label: Last name}
  - {name: email, label: E-mail, required: true}
  - {name: phone, label: Mobile}
  - {name: service, label: What do you need?, type: select, options: [Windows, Doors]}
  - {name: rooms, label: Rooms, type: number, min: 2}
  - {name: smsok, type: consent, label: You may text me.}
  - {name: tag, type: hidden, value: "web"}
"""


def filled_in(visitor: Visitor, path: str) -> dict[str, str]:
    """What the page has filled in already."""
    page = visitor.get(path).text
    inputs = dict(re.findall(r'<input id="f-\d+" name="(a-[^"]+)" value="([^"]*)"', page))
    for name, options in re.findall(r'<select id="f-\d+" name="(a-[^"]+)">(.*?)</select>', page):
        inputs[name] = re.findall(r'value="([^"]*)"[^>]* selected', options)[0]
    return inputs


@pytest.mark.parametrize("vendor", list(accounts.VENDORS))
def test_a_test_to_the_sandbox_shows_request_and_answer_and_stores_nothing(install: Install, vendor: str) -> None:
    here = install(
        {"quote": accounts.form(vendor, fields=FIELDS)}, **accounts.SECRETS, SANDBOX="https://vendor.example"
    )
    editor = signed_in(here, "editor")
    values = filled_in(editor, "/console/forms/quote/test")
    assert (values["a-firstName"], values["a-email"], values["a-rooms"]) == ("Test", "test@example.com", "2")
    page = editor.post("/console/forms/quote/test", {**values, "to": "sandbox"})
    assert page.status_code == 200
    assert "Taken" in page.text
    assert "test@example.com" in page.text
    assert "vendor.example" not in page.text
    assert here.leads() == []
    for secret in accounts.SECRETS.values():
        assert secret not in page.text or secret == "demo"


def test_the_sandbox_has_its_moods(install: Install) -> None:
    here = install({"quote": accounts.form("leadconduit")}, **accounts.SECRETS, SANDBOX="https://vendor.example")
    values = {"a-firstName": "Bo", "a-email": "dup@example.com", "to": "sandbox"}
    page = signed_in(here, "editor").post("/console/forms/quote/test", values).text
    assert "Refused" in page
    assert "LeadConduit has this lead already." in page


def test_a_test_to_the_real_vendor_is_a_marked_lead_with_its_own_page(install: Install, sandbox: SandboxServer) -> None:
    here = install(
        {"quote": accounts.form("webhook")}, **accounts.SECRETS, SANDBOX=sandbox.url, ALLOW_PRIVATE_VENDORS="1"
    )
    operator = signed_in(here)
    values = {"a-firstName": "Bo", "a-email": "bo@example.com", "to": "vendor"}
    answer = operator.post("/console/forms/quote/test", values)
    reference = answer.headers["Location"].rpartition("/")[2]
    page = operator.get(answer.headers["Location"]).text
    assert "Test" in page
    assert "bo@example.com" in page
    assert here.lead(reference)["test"] is True
    assert [each["accepted"] for each in sandbox.inbox()] == [True]
    assert reference not in operator.get("/console/leads").text
    assert users.deeds(here.store)[0].details == {"lead": reference}
    assert leads.balance(here.store)["balanced"]


def test_an_editor_sends_no_test_to_the_real_vendor(install: Install, vendor: ScriptedVendor) -> None:
    here = install(
        {"quote": accounts.form("webhook")}, **accounts.SECRETS, SANDBOX=vendor.url, ALLOW_PRIVATE_VENDORS="1"
    )
    values = {"a-firstName": "Bo", "a-email": "bo@example.com", "to": "vendor"}
    assert signed_in(here, "editor").post("/console/forms/quote/test", values).status_code == 403
    assert (here.leads(), vendor.posts) == ([], [])


def test_what_is_wrong_is_said_at_its_field(install: Install) -> None:
    here = install({"quote": accounts.form("webhook", fields=FIELDS)}, **accounts.SECRETS, SANDBOX="https://v.example")
    page = signed_in(here, "editor").post("/console/forms/quote/test", {"a-email": "no address", "to": "sandbox"})
    assert page.status_code == 422
    assert "Enter an e-mail address" in page.text
    assert "Please fill in “First name”." in page.text


def test_a_form_that_is_none_has_no_test(install: Install) -> None:
    here = install({"broken": "title: x\n"})
    for name in ("broken", "none"):
        assert signed_in(here).get(f"/console/forms/{name}/test").status_code == 404


def test_the_key_alone_is_checked_without_a_lead(install: Install, sandbox: SandboxServer) -> None:
    secrets = {**accounts.SECRETS, "KARTRA_API_KEY": "wrong"}
    forms = {"good": accounts.form("vcita"), "bad": accounts.form("kartra"), "none": accounts.form("clienttether")}
    here = install(accounts.named(forms), **secrets, SANDBOX=sandbox.url, ALLOW_PRIVATE_VENDORS="1")
    operator = signed_in(here)
    said = {name: operator.post(f"/console/forms/{name}/check").text for name in forms}
    assert "misconfigured" in said["bad"]
    assert "has no call that checks an account" in said["none"]
    assert here.leads() == []
    assert not [each for each in sandbox.inbox() if each["accepted"]]
