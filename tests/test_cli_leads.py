"""The operator's commands: what is where, why, and sent again."""

from __future__ import annotations

import csv
import io
import json
import sqlite3
import subprocess
from contextlib import ExitStack
from pathlib import Path

import pytest
from sqlalchemy import select, update

from leadferry import leads, models
from tests.conftest import Install
from tests.installation import Installation, SandboxServer, make
from tests.services.postgres import find_programs
from tests.systems.accounts import SECRETS, form


@pytest.fixture
def installation(install: Install, sandbox: SandboxServer) -> Installation:
    return install(
        {"quote": form("clienttether"), "hook": form("webhook")},
        **SECRETS,
        SANDBOX=sandbox.url,
        ALLOW_PRIVATE_VENDORS="1",
    )


def post(installation: Installation, name: str, email: str, **more: str) -> str:
    body = {"firstName": "Jane", "lastName": "Doe", "email": email, **more}
    assert installation.client.post(f"/f/{name}", json=body).status_code < 500
    return str(installation.leads()[0]["lead"])


def test_list_shows_the_newest_first_with_state_and_reason(installation: Installation) -> None:
    first = post(installation, "quote", "jane@example.com")
    second = post(installation, "hook", "down@example.com")
    lines = installation.cli("leads", "list").stdout.splitlines()
    assert [line.split()[0] for line in lines] == [second, first]
    assert "pending" in lines[0]
    assert "down" in lines[0]
    assert "delivered" in lines[1]


def test_list_json_has_exactly_the_documented_keys(installation: Installation) -> None:
    post(installation, "quote", "jane@example.com")
    [lead] = installation.leads()
    assert set(lead) == {"lead", "form", "version", "received_at", "state", "deliveries"}
    assert set(lead["deliveries"][0]) == {
        "destination", "vendor", "state", "attempts", "vendor_lead_id", "reason", "error_code", "next_at",
    }  # fmt: skip
    assert lead["received_at"].endswith("Z")
    assert lead["deliveries"][0]["destination"] == "vendor"


def test_show_json_adds_values_cleaning_consent_source_and_history(installation: Installation) -> None:
    reference = post(installation, "quote", "jane@example.com", colour="<b>red</b>", smsok="1", utm_source="mail")
    lead = installation.lead(reference)
    assert lead["values"]["colour"] == "red"
    assert lead["values"]["utm_source"] == "mail"
    assert lead["cleaned"] == [{"field": "colour", "reason": "html", "before": 10, "after": 3}]
    assert lead["consent"]["items"] == [{"field": "smsok", "text": "You may text me.", "ticked": True}]
    assert lead["source"]["path"] == "/f/quote"
    [tried] = lead["deliveries"][0]["history"]
    assert tried["outcome"] == "accepted"
    assert tried["calls"][0]["status"] == 200


def test_show_prints_the_ladder_with_secrets_by_name(installation: Installation) -> None:
    reference = post(installation, "quote", "dup@example.com")
    page = installation.cli("leads", "show", reference).stdout
    assert "rejected duplicate ct103 Duplicate Client creation attempted" in page
    assert "web_key=${CLIENTTETHER_WEB_KEY}" in page
    assert "CT_DEMO2020" not in page


def test_show_of_an_unknown_reference_says_so(installation: Installation) -> None:
    answer = installation.cli("leads", "show", "LF-NOTTHERE00")
    assert answer.exit_code == 1
    assert "no lead of this reference" in answer.output


@pytest.mark.parametrize(
    ("options", "count"),
    [
        (["--form", "quote"], 2),
        (["--state", "rejected"], 1),
        (["--vendor", "webhook"], 1),
        (["--email", "dup@example.com"], 1),
        (["--since", "1h"], 3),
        (["--until", "2020-01-01"], 0),
        (["--form", "quote", "--state", "delivered"], 1),
    ],
)
def test_filters_narrow_the_list(installation: Installation, options: list[str], count: int) -> None:
    post(installation, "quote", "jane@example.com")
    post(installation, "quote", "dup@example.com")
    post(installation, "hook", "jane@example.com")
    assert len(installation.leads(*options)) == count


def test_resend_delivers_what_waited(installation: Installation) -> None:
    reference = post(installation, "hook", "ratelimit@example.com")
    assert installation.leads()[0]["state"] == "pending"
    answer = installation.cli("leads", "resend", reference)
    assert "1 delivered" in answer.stdout
    assert installation.lead(reference)["deliveries"][0]["attempts"] == 2


def test_resend_by_a_filter_says_what_became_of_each(installation: Installation) -> None:
    for number in range(3):
        post(installation, "hook", f"ratelimit+{number}@example.com")
    found = json.loads(installation.cli("leads", "resend", "--form", "hook", "--json").stdout)
    assert [lead["state"] for lead in found] == ["delivered"] * 3


def test_resend_leaves_what_is_delivered_alone(installation: Installation, sandbox: SandboxServer) -> None:
    reference = post(installation, "hook", "jane@example.com")
    installation.cli("leads", "resend", reference)
    assert len(sandbox.inbox(vendor="webhook")) == 1


def test_resend_says_how_what_is_held_as_junk_is_sent(installation: Installation) -> None:
    reference = post(installation, "quote", "jane@example.com", _gotcha="x")
    answer = installation.cli("leads", "resend", reference)
    assert answer.stdout == "0 sent: nothing was waiting\n"
    assert answer.stderr.splitlines()[-1] == f"1 held as junk; what is none is sent by: flask leads release {reference}"


def test_what_waits_for_a_paused_account_is_tried_with_its_next_probe(installation: Installation) -> None:
    for _ in range(2):
        post(installation, "quote", "auth@example.com")
    with installation.store.read() as connection:
        probe_at = connection.execute(select(models.account.c.probe_at)).scalar_one()
    assert {each["deliveries"][0]["next_at"] for each in installation.leads()} == {leads.iso(probe_at)}


def test_resend_without_a_name_or_a_filter_sends_nothing(installation: Installation) -> None:
    assert installation.cli("leads", "resend").exit_code == 1


def test_resend_after_mending_a_value_sends_the_new_one(installation: Installation, sandbox: SandboxServer) -> None:
    reference = post(installation, "quote", "dup@example.com")
    answer = installation.cli("leads", "resend", reference, "--set", "email=jane@example.com")
    assert "1 delivered" in answer.stdout, answer.output
    assert sandbox.inbox(vendor="clienttether", email="jane@example.com")


def test_a_mended_value_is_held_against_the_form(installation: Installation) -> None:
    reference = post(installation, "quote", "dup@example.com")
    answer = installation.cli("leads", "resend", reference, "--set", "phone=12")
    assert answer.exit_code == 1
    assert "phone: Enter a ten-digit phone number" in answer.output
    assert installation.lead(reference)["deliveries"][0]["attempts"] == 1


def test_balance_adds_up_and_exits_one_where_a_lead_is_missing(installation: Installation) -> None:
    post(installation, "quote", "jane@example.com")
    post(installation, "quote", "dup@example.com")
    post(installation, "quote", "jane2@example.com", _gotcha="x")
    found = json.loads(installation.cli("leads", "balance", "--json").stdout)
    assert found["balanced"] is True
    assert (found["received"], found["delivered"], found["rejected"], found["quarantined"]) == (3, 1, 1, 1)
    assert set(found["also"]) == {"delivered", "pending", "sending", "rejected", "held", "dead"}
    with installation.store.write() as connection:
        connection.execute(models.delivery.delete().where(models.delivery.c.state == "rejected"))
    answer = installation.cli("leads", "balance", "--json")
    assert answer.exit_code == 1
    assert json.loads(answer.stdout)["balanced"] is False


def test_export_as_csv_cannot_run_as_a_formula(installation: Installation) -> None:
    post(installation, "quote", "jane@example.com", colour='=HYPERLINK("http://evil.example")', note="+1, @x")
    post(installation, "hook", "down@example.com", shape="round")
    rows = list(csv.DictReader(io.StringIO(installation.cli("leads", "export").stdout)))
    assert [row["state"] for row in rows] == ["pending", "delivered"]
    assert rows[1]["colour"].startswith("'=HYPERLINK")
    assert rows[1]["note"] == "'+1, @x"
    assert rows[0]["shape"] == "round"
    assert rows[1]["shape"] == ""


def test_export_as_json_is_one_array_of_all(installation: Installation) -> None:
    assert json.loads(installation.cli("leads", "export", "--json").stdout) == []
    post(installation, "quote", "jane@example.com")
    post(installation, "hook", "john@example.com")
    found = json.loads(installation.cli("leads", "export", "--json").stdout)
    assert [each["values"]["email"] for each in found] == ["john@example.com", "jane@example.com"]


def test_a_backup_made_while_running_holds_every_lead(installation: Installation, tmp_path: Path) -> None:
    if not installation.store.is_sqlite:
        answer = installation.cli("db", "backup", str(tmp_path / "copy.db"))
        assert "pg_dump" in answer.output
        return
    post(installation, "quote", "jane@example.com")
    target = tmp_path / "copy.db"
    assert installation.cli("db", "backup", str(target)).exit_code == 0
    with sqlite3.connect(target) as connection:
        assert connection.execute("SELECT count(*) FROM lead").fetchone() == (1,)
    connection.close()
    assert installation.cli("db", "backup", str(target)).exit_code == 1, "a backup never replaces one"


def test_a_restored_backup_serves_its_leads(
    request: pytest.FixtureRequest, install: Install, installation: Installation, tmp_path: Path
) -> None:
    """As docs/operating.md says to do it on either database."""
    reference = post(installation, "quote", "jane@example.com")
    forms, environ = {"quote": form("clienttether")}, {**SECRETS, "SANDBOX": "http://127.0.0.1:9"}
    copy = tmp_path / "copy"
    with ExitStack() as stack:
        if installation.store.is_sqlite:
            installation.cli("db", "backup", str(copy))
            restored = install(forms, **environ)
            (restored.root / "var").mkdir(exist_ok=True)
            copy.rename(restored.root / "var" / "leadferry.db")
        else:
            url = stack.enter_context(request.getfixturevalue("postgres").new_database())
            dump_and_restore(installation.environ["DATABASE_URL"], url, copy)
            restored = make(tmp_path / "restored", url, environ)
            restored.form("quote", forms["quote"])
            stack.callback(restored.close)
        assert restored.lead(reference)["state"] == "delivered"
        assert json.loads(restored.cli("leads", "balance", "--json").stdout)["balanced"]


def dump_and_restore(from_url: str, to_url: str, file: Path) -> None:
    one, other = (url.replace("+psycopg", "") for url in (from_url, to_url))
    for command in (["pg_dump", "-Fc", "-f", file, one], ["pg_restore", "--no-owner", "-d", other, file]):
        subprocess.run([find_programs() / command[0], *command[1:]], check=True, timeout=60)


def test_held_leads_are_sent_again_only_by_a_person(installation: Installation) -> None:
    reference = post(installation, "quote", "garbage@example.com")
    assert installation.lead(reference)["state"] == "held"
    with installation.store.write() as connection:
        connection.execute(update(models.delivery).values(due_at=0))
    assert installation.site.worker.turn() == 0
    assert installation.cli("leads", "resend", reference).exit_code == 0
    assert installation.lead(reference)["deliveries"][0]["attempts"] == 2
