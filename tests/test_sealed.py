"""A Social Security number is sealed at rest, shown to nobody, and gone as soon as the vendors have it."""

from __future__ import annotations

import json
from collections.abc import Callable
from pathlib import Path

import pytest
from sqlalchemy import select, text, update

from leadferry import accepting, leads, models
from leadferry.form_file import FormFileError, Surroundings, load
from leadferry.forms import Form
from leadferry.sealing import MASK, Sealer, Unsealable, is_sealed, shown
from leadferry.store import Store
from leadferry.vendors import ADAPTERS
from leadferry.vendors.base import Request
from tests.conftest import Install
from tests.installation import Installation, SandboxServer, wait_until
from tests.systems.accounts import FIELDS, SECRETS, also, form

SSN, BORN = "078-05-1120", "1985-12-31"
DIGITS = SSN.replace("-", "")
TELLING = (SSN, DIGITS, DIGITS[::-1], BORN, BORN.replace("-", "")[::-1])  # a search may keep a number from behind
PERSON = {"firstName": "Jane", "lastName": "Doe", "ssn": SSN, "dob": BORN}
SENSITIVE = f"{FIELDS}  - {{name: ssn, type: ssn}}\n  - {{name: dob, type: dob, sensitive: true}}\n"

Installed = Callable[..., Installation]


@pytest.fixture
def installed(install: Install, sandbox: SandboxServer) -> Installed:
    def make(vendor: str = "leadconduit", form_keys: str = "", **settings: str) -> Installation:
        file = form(vendor, fields=SENSITIVE, form_keys=form_keys)
        return install({"quote": file}, **SECRETS, SANDBOX=sandbox.url, ALLOW_PRIVATE_VENDORS="1", **settings)

    return make


def post(installation: Installation, email: str, **more: str) -> str:
    answer = installation.client.post("/f/quote", json={**PERSON, "email": email, **more})
    assert answer.status_code < 500, answer.text
    return str(installation.leads()[0]["lead"])


def stored(installation: Installation) -> str:
    """Every row as text and, of SQLite, every byte of its files."""
    tables = models.metadata.sorted_tables
    with installation.store.read() as connection:
        rows = [str(row) for table in tables for row in connection.execute(text(f'SELECT * FROM "{table.name}"'))]
    found = " ".join(rows)
    if installation.store.path:
        files = installation.store.path.parent.glob(f"{installation.store.path.name}*")
        found += "".join(file.read_bytes().decode("latin-1") for file in files)
    return found


def told(installation: Installation) -> str:
    """What the commands say."""
    references = [each["lead"] for each in installation.leads()]
    said = [installation.cli("leads", "list").output, installation.cli("leads", "export", "--json").output]
    said += [installation.cli("leads", "export").output]
    said += [installation.cli("leads", "show", each, *kind).output for each in references for kind in ((), ("--json",))]
    return "".join(said)


def hides(place: str) -> bool:
    return not any(each in place for each in TELLING)


def answers(installation: Installation) -> dict[str, object]:
    with installation.store.read() as connection:
        found = connection.execute(text("SELECT answers FROM lead ORDER BY id DESC")).scalar()
    return dict(json.loads(found) if isinstance(found, str) else found)  # type: ignore[arg-type]


def received(sandbox: SandboxServer) -> bool:
    """The inbox itself shows no number, so whether one came is asked of the date."""
    return BORN in json.dumps(sandbox.inbox(vendor="leadconduit", email="jane@example.com"))


# Sealing


def test_what_was_sealed_is_opened_with_the_same_key_only() -> None:
    sealed = Sealer("k" * 20).seal(SSN)
    assert Sealer("k" * 20).unseal(sealed) == SSN
    for other in (lambda: Sealer("x" * 20).unseal(sealed), lambda: Sealer("k" * 20).unseal({"sealed": "nonsense"})):
        with pytest.raises(Unsealable):
            other()
    assert SSN not in json.dumps(sealed)
    assert Sealer("k" * 20).seal(SSN) != sealed
    assert "k" * 20 not in repr(Sealer("k" * 20))


def test_a_request_comes_back_to_the_byte() -> None:
    request = Request("https://crm.example/", form=(("ssn", SSN), ("file", b"\x00\xff")), message_id="m")
    frozen = Sealer("k" * 20).frozen(request, {SSN})
    assert SSN not in json.dumps(frozen)
    assert Sealer("k" * 20).thawed(frozen) == (request, {SSN})


def test_a_fingerprint_needs_the_key() -> None:
    assert Sealer("k" * 20).fingerprint(SSN) == Sealer("k" * 20).fingerprint(SSN) != Sealer("x" * 20).fingerprint(SSN)


def test_what_is_sealed_is_shown_as_a_mask() -> None:
    assert shown({"ssn": {"sealed": "x"}, "dob": {"sealed": None}, "a": "b", "c": ["d"]}) == {
        "ssn": MASK, "dob": MASK, "a": "b", "c": ["d"],
    }  # fmt: skip


# Form files


def sensitive_form(fields: str, vendor: str = "webhook, url: 'https://crm.example/'") -> str:
    return f"fields: [{fields}]\nvendor: {{name: {vendor}}}\n"


@pytest.mark.parametrize(
    ("fields", "vendor", "name"),
    [
        ("{name: number, type: ssn}", "webhook, url: 'https://crm.example/'", "number"),
        ("{name: born, type: dob, sensitive: true}", "webhook, url: 'https://crm.example/'", "born"),
        ("{name: a}", "webhook, url: 'https://crm.example/'", "SSN"),
        ("{name: a}", "leadconduit, flow_id: '${F}', source_id: '${S}'", "ssn"),
        ("{name: social, send_as: ssn}", "leadconduit, flow_id: '${F}', source_id: '${S}'", "social"),
        ("{name: social, type: hidden, send_as: ssn}", "leadconduit, flow_id: '${F}', source_id: '${S}'", "social"),
    ],
)
def test_a_number_is_sensitive_however_it_comes(fields: str, vendor: str, name: str) -> None:
    file, _ = load("quote", sensitive_form(fields, vendor), "quote.yaml", Surroundings(ADAPTERS, lambda _: "x"))
    assert file.is_sensitive(name)
    assert not file.is_sensitive("a")
    assert not file.is_sensitive("dob")


@pytest.mark.parametrize(
    ("field", "warned"),
    [
        ("{name: ssn_last4}", True),
        ("{name: number, label: Social Security number}", True),
        ("{name: number, label: Social Security number, sensitive: true}", False),
        ("{name: number, label: Social Security number, type: ssn}", False),
        ("{name: lessnoise, label: Classname}", False),
    ],
)
def test_a_number_that_nobody_calls_one_is_warned_of(field: str, warned: bool) -> None:
    _, warnings = load("quote", sensitive_form(field), "q", Surroundings(ADAPTERS, lambda _: "x"))
    assert ["looks like a Social Security number" in each.message for each in warnings] == [True] * warned


def test_what_is_searched_cannot_be_sealed() -> None:
    with pytest.raises(FormFileError, match="sensitive: means nothing for this type"):
        load("quote", sensitive_form("{name: email, sensitive: true}"), "q", Surroundings(ADAPTERS, lambda _: "x"))


# The way of a lead


def test_a_waiting_lead_holds_nothing_that_can_be_read(installed: Installed) -> None:
    installation = installed()
    post(installation, "down@example.com")
    assert is_sealed(answers(installation)["ssn"])
    assert is_sealed(answers(installation)["dob"])
    assert installation.leads()[0]["state"] == "pending"
    assert hides(stored(installation))
    assert hides(told(installation))


def test_a_quarantined_lead_holds_nothing_that_can_be_read(installed: Installed) -> None:
    installation = installed()
    post(installation, "jane@example.com", _gotcha="x")
    assert installation.leads()[0]["state"] == "quarantined"
    assert hides(stored(installation))
    assert hides(told(installation))


def test_a_released_lead_is_opened_and_then_gone(installed: Installed, sandbox: SandboxServer) -> None:
    installation = installed()
    reference = post(installation, "jane@example.com", _gotcha="x")
    assert "1 delivered" in installation.cli("leads", "release", reference).output
    assert received(sandbox)
    assert answers(installation)["ssn"] == {"sealed": None}
    assert hides(stored(installation))


@pytest.mark.parametrize("vendor", ["clienttether", "aicore", "kartra", "leadconduit", "vcita", "webhook"])
def test_every_vendor_gets_it_and_then_it_is_gone(installed: Installed, sandbox: SandboxServer, vendor: str) -> None:
    installation = installed(vendor)
    post(installation, "jane@example.com")
    assert installation.leads()[0]["state"] == "delivered"
    assert BORN in json.dumps(sandbox.inbox(vendor=vendor))
    found = answers(installation)
    assert (found["ssn"], found["dob"], found["firstName"]) == ({"sealed": None}, {"sealed": None}, "Jane")
    assert hides(stored(installation))
    assert hides(told(installation))
    with installation.store.read() as connection:
        assert connection.execute(text("SELECT count(*) FROM delivery WHERE payload IS NOT NULL")).scalar() == 0


def test_the_record_of_a_try_shows_masks_in_their_place(installed: Installed) -> None:
    installation = installed("leadconduit")
    page = installation.cli("leads", "show", post(installation, "jane@example.com")).output
    assert f"ssn={MASK}" in page
    assert f"  ssn: {MASK}" in page


def test_the_frozen_request_is_opened_by_whoever_tries_next(installed: Installed, sandbox: SandboxServer) -> None:
    installation = installed("webhook")
    post(installation, "ratelimit@example.com")
    with installation.store.write() as connection:
        assert is_sealed(connection.execute(select(models.delivery.c.payload)).scalar())
        connection.execute(update(models.delivery).values(due_at=0))
    assert installation.site.worker.turn() == 1
    wait_until(lambda: installation.leads()[0]["state"] == "delivered")
    assert [BORN in json.dumps(each) for each in sandbox.inbox(vendor="webhook")] == [True, True]
    assert hides(stored(installation))


def test_the_sealed_answers_are_opened_where_the_request_is_made_anew(
    installed: Installed, sandbox: SandboxServer
) -> None:
    installation = installed("leadconduit")
    reference = post(installation, "down@example.com")
    assert "1 delivered" in installation.cli("leads", "resend", reference, "--set", "email=jane@example.com").output
    assert received(sandbox)
    assert hides(stored(installation))


def test_it_stays_until_the_last_destination_has_it(installed: Installed, sandbox: SandboxServer) -> None:
    installation = installed("leadconduit", form_keys=also("webhook"))
    post(installation, "jane@example.com")
    assert answers(installation)["ssn"] != {"sealed": None}
    assert hides(stored(installation))
    assert installation.site.worker.turn() >= 1
    wait_until(lambda: installation.leads()[0]["deliveries"][1]["state"] == "delivered")
    assert answers(installation)["ssn"] == {"sealed": None}
    assert len(sandbox.inbox(vendor="webhook")) == len(sandbox.inbox(vendor="leadconduit")) == 1


def test_a_refused_lead_keeps_it_sealed_so_that_it_can_be_mended(installed: Installed, sandbox: SandboxServer) -> None:
    installation = installed()
    reference = post(installation, "dup@example.com")
    assert installation.leads()[0]["state"] == "rejected"
    assert hides(stored(installation))
    installation.cli("leads", "resend", reference, "--set", "email=jane@example.com", "--set", "ssn=219-09-9999")
    assert installation.leads()[0]["state"] == "delivered"
    assert "219-09-9999" not in stored(installation)
    assert "219-09-9999" not in told(installation)
    assert received(sandbox)


def test_a_mended_number_is_sealed_although_none_was_there(installed: Installed) -> None:
    installation = installed()
    installation.client.post("/f/quote", json={"firstName": "Jane", "email": "down@example.com"})
    reference = installation.leads()[0]["lead"]
    installation.cli("leads", "resend", reference, "--set", f"ssn={SSN}")
    assert is_sealed(answers(installation)["ssn"])
    assert hides(stored(installation))


def test_the_same_post_is_one_lead_and_another_number_is_another(installed: Installed) -> None:
    installation = installed()
    first = post(installation, "down@example.com")
    assert post(installation, "down@example.com") == first
    assert post(installation, "down@example.com", ssn="219-09-9999") != first


def test_a_lost_key_holds_the_lead_and_says_so(installed: Installed, sandbox: SandboxServer) -> None:
    installation = installed(SENSITIVE_KEY="the first key of this installation")
    reference = post(installation, "down@example.com")
    object.__setattr__(installation.store, "sealer", Sealer("quite another key than that"))
    answer = installation.cli("leads", "resend", reference)
    assert (answer.exit_code, installation.leads()[0]["state"]) == (0, "held")
    tried = installation.lead(reference)["deliveries"][0]["history"][-1]
    assert (tried["outcome"], tried["reason"], tried["calls"]) == ("failed", "sealed", [])
    assert "SENSITIVE_KEY" in tried["words"]
    assert post(installation, "jane2@example.com") != reference
    assert installation.leads()[0]["state"] == "delivered", "new leads are none the worse for it"
    object.__setattr__(installation.store, "sealer", Sealer("the first key of this installation"))
    with installation.store.write() as connection:
        connection.execute(update(models.lead).values(answers=without_email(installation, reference)))
    assert installation.cli("leads", "resend", reference).exit_code == 0
    assert installation.lead(reference)["state"] == "delivered"


def without_email(installation: Installation, reference: str) -> dict[str, object]:
    [row] = leads.find(installation.store, leads.Filter(references=(reference,)), 1)
    return {**row.answers, "email": "jane@example.com"}


def test_what_equal_posts_are_known_by_cannot_be_tried_out(installed: Installed) -> None:
    """There are a thousand million numbers: without a key whoever has the database could try them all."""
    installation = installed()
    file = installation.site.office.catalog.get("quote")
    assert isinstance(file, Form)
    lead = leads.NewLead(form=file, values=dict(PERSON))
    keyed = [Store("sqlite:///x.db", lambda key=key: key) for key in ("k" * 20, "x" * 20)]
    assert len({accepting.content_hash(each, lead) for each in keyed}) == 2
    harmless = leads.NewLead(form=file, values={"firstName": "Jane"})
    assert len({accepting.content_hash(each, harmless) for each in keyed}) == 1


# The key


def test_the_key_is_made_when_it_is_first_needed_and_kept(installed: Installed) -> None:
    installation = installed("webhook")
    installation.client.post("/f/quote", json={"firstName": "Jo", "email": "jo@example.com"})
    path: Path = installation.root / "var" / "sensitive_key"
    assert not path.exists()
    post(installation, "down@example.com")
    assert path.stat().st_mode & 0o077 == 0
    assert len(path.read_text()) > 40


def test_a_number_that_cannot_be_sealed_is_not_taken(installed: Installed) -> None:
    installation = installed("webhook")
    (installation.root / "var" / "sensitive_key").parent.mkdir(exist_ok=True)
    (installation.root / "var" / "sensitive_key").write_text("short")
    answer = installation.client.post("/f/quote", json={**PERSON, "email": "jane@example.com"})
    assert (answer.status_code, answer.get_json()["error_code"]) == (503, "lf501")
    assert installation.leads() == []
