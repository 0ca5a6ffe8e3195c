"""What a visitor agreed to is kept in the words of that day, shown again in them, and handed on."""

from __future__ import annotations

import json
from pathlib import Path

import pytest
from bs4 import BeautifulSoup

from leadferry.form_file import Surroundings, load
from leadferry.forms import Form
from leadferry.vendors import ADAPTERS
from leadferry.vendors.base import Destination, LeadData
from leadferry.vendors.names import CERTIFICATES
from leadferry.web.security import policy
from tests.conftest import Install
from tests.installation import Installation, SandboxServer
from tests.systems.accounts import FIELDS, SECRETS, form
from tests.vendors.contract import LEAD

pytestmark = pytest.mark.thorough_on_postgresql  # what is sent along is the same on each

PROMISE = "You may text me about my quote & more, up to 4 times a month."
CONSENT = f"""
  - {{name: firstName, label: First name, required: true}}
  - {{name: email}}
  - {{name: way, type: radio, options: [Call, Text]}}
  - name: texts
    type: consent
    label: "{PROMISE}"
    help: <p>See our <a href="https://a.example/">terms</a>.</p>
    show_if: {{way: Text}}
  - {{name: calls, type: consent, label: You may call me.}}
"""
CERTIFICATE = "https://cert.trustedform.com/454a35b802f3e7b63ffabb4efedb7c6ebe67886c"
LONG = f"https://cert.trustedform.com/{'c0ffee' * 40}"


@pytest.fixture
def installation(install: Install, sandbox: SandboxServer) -> Installation:
    file = form("webhook", fields=CONSENT, form_keys="language: es\nintro: <p>Old intro</p>\n")
    return install({"quote": file}, **SECRETS, SANDBOX=sandbox.url, ALLOW_PRIVATE_VENDORS="1")


def post(installation: Installation, **answers: str) -> str:
    data = {"firstName": "Jane", "email": "jane@example.com", "page_url": "https://www.example.com/lp", **answers}
    answer = installation.client.post("/f/quote", json=data)
    assert answer.status_code == 200, answer.text
    return str(answer.get_json()["lead"])


def test_a_lead_keeps_the_sentence_language_version_page_and_time(installation: Installation) -> None:
    reference = post(installation, way="Text", texts="1")
    lead = installation.lead(reference)
    consent = lead["consent"]
    assert lead["received_at"].endswith("Z")
    assert consent == {
        "language": "es",
        "version": lead["version"],
        "page_url": "https://www.example.com/lp",
        "items": [
            {"field": "texts", "text": PROMISE, "ticked": True, "help": "See our terms."},
            {"field": "calls", "text": "You may call me.", "ticked": False},
        ],
    }


def test_what_was_not_shown_was_not_asked(installation: Installation) -> None:
    reference = post(installation, way="Call", texts="1", calls="1")
    items = installation.lead(reference)["consent"]["items"]
    assert items == [{"field": "calls", "text": "You may call me.", "ticked": True}]


def test_the_consent_goes_with_the_lead(installation: Installation, sandbox: SandboxServer) -> None:
    reference = post(installation, calls="1")
    [received] = sandbox.inbox(vendor="webhook")
    assert "You may call me." in json.dumps(received)
    assert installation.lead(reference)["state"] == "delivered"


def replayed(installation: Installation, reference: str, tmp_path: Path) -> BeautifulSoup:
    target = tmp_path / "seen.html"
    answer = installation.cli("leads", "consent", reference, "--html", str(target))
    assert answer.exit_code == 0, answer.output
    told = json.loads(answer.stdout)
    assert (told["lead"], told["received_at"]) == (reference, installation.lead(reference)["received_at"])
    return BeautifulSoup(target.read_text("utf-8"), "html.parser")


def test_an_old_form_is_shown_as_it_was_after_any_number_of_edits(installation: Installation, tmp_path: Path) -> None:
    reference = post(installation, way="Text", texts="1")
    for number in range(3):
        changed = CONSENT.replace(PROMISE, f"Something else, number {number}.")
        installation.form("quote", form("webhook", fields=changed, form_keys=f"intro: <p>New {number}</p>\n"))
        assert f"number {number}" in installation.client.get("/f/quote").text
    page = replayed(installation, reference, tmp_path)
    seen = page.select_one("div[inert]")
    assert seen is not None
    assert PROMISE in seen.text
    assert "Old intro" in seen.text
    assert "Something else" not in page.text
    assert [each["name"] for each in seen.select("input[type=checkbox][checked]")] == ["texts"]
    assert [each["value"] for each in seen.select("input[type=radio][checked]")] == ["Text"]
    assert page.html is not None
    assert page.html["lang"] == "es"


def test_a_replayed_page_is_whole_in_itself_and_does_nothing(installation: Installation, tmp_path: Path) -> None:
    page = replayed(installation, post(installation), tmp_path)
    assert not page.select("script, link, img, iframe")
    assert all(button.find_parent(attrs={"inert": True}) is not None for button in page.select("button, input, a"))
    assert len(installation.leads()) == 1


def test_what_a_visitor_typed_stays_text_in_the_replay(installation: Installation, tmp_path: Path) -> None:
    page = replayed(installation, post(installation, firstName='"><script>alert(1)</script>'), tmp_path)
    assert not page.select("script")


def test_a_form_is_replayed_although_its_secrets_are_gone(
    install: Install, installation: Installation, tmp_path: Path
) -> None:
    reference = post(installation)
    later = install(DATABASE_URL=installation.site.settings.database_url)
    assert "jane@example.com" in str(replayed(later, reference, tmp_path))


def test_a_sealed_answer_is_a_mask_in_the_replay(install: Install, tmp_path: Path) -> None:
    file = form("webhook", fields=f"{FIELDS}  - {{name: ssn, type: ssn}}\n").replace(
        "name: webhook", "name: webhook\n  wait: 0"
    )
    installation = install({"quote": file}, **SECRETS, SANDBOX="http://127.0.0.1:9")
    reference = post(installation, ssn="078-05-1120")
    page = str(replayed(installation, reference, tmp_path))
    assert "078-05" not in page
    assert 'value="***"' in page


def test_a_lead_that_is_not_there_is_said_so(installation: Installation) -> None:
    assert installation.cli("leads", "consent", "LF-NOTTHERE00").exit_code == 1


# Certificates


def read(text: str) -> Form:
    return load("quote", text, "quote.yaml", Surroundings(ADAPTERS, lambda _: "x"))[0]


@pytest.mark.parametrize("vendor", ["clienttether", "aicore", "kartra", "leadconduit", "vcita", "webhook"])
@pytest.mark.parametrize("name", sorted(CERTIFICATES))
def test_a_certificate_reaches_every_vendor_whole(
    install: Install, sandbox: SandboxServer, vendor: str, name: str
) -> None:
    file = form(vendor, form_keys="expansion: reject\n")
    installation = install({"quote": file}, **SECRETS, SANDBOX=sandbox.url, ALLOW_PRIVATE_VENDORS="1")
    reference = post(installation, lastName="Doe", **{name: LONG})
    assert installation.lead(reference)["values"][name] == LONG
    assert installation.lead(reference)["cleaned"] == []
    tried = installation.lead(reference)["deliveries"][0]["history"][0]
    assert LONG in json.dumps(tried["calls"][0]["request"])


def test_a_certificate_of_the_usual_length_goes_to_clienttether_under_its_own_name() -> None:
    adapter = ADAPTERS["clienttether"]
    lead = LeadData(**{**LEAD.__dict__, "values": {"name": "Jo", "xxTrustedFormCertUrl": CERTIFICATE}})
    request = adapter.build_request(lead, Destination("quote", "vendor", "clienttether", settings={"web_key": "x"}))
    assert ("xxTrustedFormCertUrl", CERTIFICATE) in (request.form or ())


# TrustedForm's script


PLAIN = "fields: [{name: a}]\nvendor: {name: webhook, url: 'https://crm.example/'}\n"
SCRIPT = "https://api.trustedform.com/trustedform.js?field=xxTrustedFormCertUrl"


def test_the_script_stands_behind_the_form_in_its_own_window(install: Install) -> None:
    client = install({"quote": PLAIN + "trustedform: true\n"}).client
    page = client.get("/f/quote").text
    assert page.index("</form>") < page.index(SCRIPT)
    assert "xxTrustedFormCertUrl" not in page.partition("</form>")[0], "its field is the script's to make"


def test_nothing_is_loaded_from_outside_where_the_form_does_not_ask(install: Install) -> None:
    answer = install({"quote": PLAIN}).client.get("/f/quote")
    assert "trustedform" not in answer.text
    assert "https:" not in answer.headers["Content-Security-Policy"]


def test_the_policy_is_wider_for_that_form_only() -> None:
    wide, strict = policy(read(PLAIN + "trustedform: true\n")), policy(read(PLAIN))
    hosts = "https://api.trustedform.com https://cdn.trustedform.com"
    for directive in ("script-src 'self'", "img-src 'self' data:", "connect-src 'self'"):
        assert f"{directive} {hosts};" in wide
        assert f"{directive};" in strict
    assert strict == wide.replace(f" {hosts}", "")
    assert "trustedform" not in policy(None)
