"""A person is found and erased everywhere; a lead past its time loses the person; counts stay."""

from __future__ import annotations

import csv
import io
import json
import time

import pytest
from sqlalchemy import text, update

from leadferry import models, privacy
from tests.conftest import Install
from tests.installation import Installation, SandboxServer
from tests.systems.accounts import FIELDS, SECRETS, form

MARK = "marker-person-4711"


def installed(install: Install, sandbox: SandboxServer, **forms: str) -> Installation:
    return install(forms, **SECRETS, SANDBOX=sandbox.url, ALLOW_PRIVATE_VENDORS="1")


def post(installation: Installation, name: str, email: str, **more: str) -> str:
    body = {"firstName": "Jane", "lastName": MARK, "email": email, "utm_term": MARK, **more}
    assert installation.client.post(f"/f/{name}", json=body).status_code < 500
    return str(installation.leads()[0]["lead"])


def everything_stored(installation: Installation) -> str:
    """Every row of every table as text."""
    with installation.store.read() as connection:
        return json.dumps(
            [
                [str(row) for row in connection.execute(text(f"SELECT * FROM {table.name}"))]
                for table in models.metadata.sorted_tables
            ],
            default=str,
        )


def age(installation: Installation, days: float) -> None:
    with installation.store.write() as connection:
        connection.execute(update(models.lead).values(received_at=time.time() - days * 86_400))


def test_a_person_is_erased_everywhere_and_the_balance_holds(install: Install, sandbox: SandboxServer) -> None:
    installation = installed(install, sandbox, quote=form("clienttether"), hook=form("webhook"))
    delivered = post(installation, "quote", f"{MARK}@example.com")
    held = post(installation, "quote", f"garbage+{MARK}@example.com")
    waiting = post(installation, "hook", f"down+{MARK}@example.com")
    other = post(installation, "hook", "somebody.else@example.com", lastName="Other", utm_term="other")
    for email in (f"{MARK}@example.com", f"garbage+{MARK}@example.com", f"DOWN+{MARK}@example.com"):
        answer = installation.cli("leads", "erase", "--email", email, "--yes")
        assert answer.exit_code == 0, answer.output
        assert "1 lead" in answer.output
    assert MARK not in everything_stored(installation)
    states = {each["lead"]: each["state"] for each in installation.leads()}
    assert states == {delivered: "delivered", held: "rejected", waiting: "rejected", other: "delivered"}
    assert installation.lead(other)["values"]["lastName"] == "Other"
    balance = json.loads(installation.cli("leads", "balance", "--json").stdout)
    assert balance["balanced"]
    assert balance["received"] == 4


def test_erasing_says_what_it_will_erase_and_asks(install: Install, sandbox: SandboxServer) -> None:
    installation = installed(install, sandbox, quote=form("clienttether"))
    reference = post(installation, "quote", f"{MARK}@example.com")
    runner = installation.app.test_cli_runner()
    answer = runner.invoke(args=["leads", "erase", "--email", f"{MARK}@example.com"], input="n\n")
    assert reference in answer.output
    assert installation.lead(reference)["values"]["lastName"] == MARK


def test_a_person_who_is_not_there_is_said_so(install: Install) -> None:
    answer = install().cli("leads", "erase", "--email", "nobody@example.com", "--yes")
    assert answer.exit_code == 0
    assert "No lead" in answer.output


def test_an_access_request_is_answered_with_everything_of_the_person(install: Install, sandbox: SandboxServer) -> None:
    installation = installed(install, sandbox, quote=form("clienttether"))
    post(installation, "quote", f"{MARK}@example.com")
    post(installation, "quote", "other@example.com")
    answer = installation.cli("leads", "export", "--email", f"{MARK}@example.com", "--json")
    [found] = json.loads(answer.stdout)
    assert found["values"]["email"] == f"{MARK}@example.com"
    assert found["consent"]["items"] == [{"field": "smsok", "text": "You may text me.", "ticked": False}]
    assert found["source"]["path"] == "/f/quote"
    assert MARK in json.dumps(found["deliveries"][0]["history"])
    assert (
        len(
            list(csv.DictReader(io.StringIO(installation.cli("leads", "export", "--email", "nobody@x.example").stdout)))
        )
        == 0
    )


@pytest.mark.parametrize(
    "answers",
    [
        {"email": f"{MARK}@Example.com"},
        {"friend": f"Ask {MARK}@example.com, she knows."},
        {"page_url": f"https://www.example.com/?mail={MARK}%40example.com&a=1"},
        {"page_url": f"https://www.example.com/?mail={MARK}@example.com"},
        {"notes": f"Write to\n{MARK}@example.com\nplease"},
        {"page_url": "https://a.example/", "email": f'"{MARK}@example.com'},
    ],
)
def test_a_person_is_found_wherever_the_address_stands(install: Install, answers: dict[str, str]) -> None:
    installation = install(
        {"hook": form("webhook").replace("wait: 8", "wait: 0")}, **SECRETS, SANDBOX="http://127.0.0.1:9"
    )
    assert installation.client.post(
        "/f/hook", json={"firstName": "Jane", "email": "other@example.com", **answers}
    ).status_code in {200, 422}
    if not installation.leads():
        return
    assert len(privacy.leads_of_person(installation.store, f"{MARK}@example.com")) == 1


def test_an_earlier_address_is_found_in_what_was_sent(install: Install, sandbox: SandboxServer) -> None:
    installation = installed(install, sandbox, quote=form("clienttether"))
    reference = post(installation, "quote", f"dup+{MARK}@example.com")
    installation.cli("leads", "resend", reference, "--set", "email=new@example.com", "--set", "lastName=New")
    found = privacy.find_person(installation.store, f"dup+{MARK}@example.com")
    assert list(found.values()) == [("tries",)]
    answer = installation.cli("leads", "erase", "--email", f"dup+{MARK}@example.com", "--yes")
    assert f"{reference}" in answer.output
    assert "in tries" in answer.output
    assert "0 leads left" in answer.output
    assert privacy.find_person(installation.store, f"dup+{MARK}@example.com") == {}


def test_an_address_that_only_ends_like_it_is_somebody_elses(install: Install, sandbox: SandboxServer) -> None:
    installation = installed(install, sandbox, quote=form("webhook"))
    for email in ("mary.jane@example.com", "a+jane@example.com", "jane@example.com.mx", "jane@example.community"):
        post(installation, "quote", email)
    assert privacy.find_person(installation.store, "jane@example.com") == {}
    assert len(privacy.find_person(installation.store, "JANE@example.com.MX")) == 1


def test_nothing_of_an_erased_person_is_left_in_the_files(install: Install, sandbox: SandboxServer) -> None:
    installation = installed(install, sandbox, quote=form("clienttether"))
    path = installation.store.path
    if path is None:
        return
    for number in range(30):
        post(installation, "quote", f"{number}.{MARK}@example.com", notes=f"{MARK} " * 300)
        post(installation, "quote", f"other{number}@example.com", lastName="Other", utm_term="")
    for number in range(30):
        answer = installation.cli("leads", "erase", "--email", f"{number}.{MARK}@example.com", "--yes", "--json")
        assert json.loads(answer.stdout)["left"] == 0
    files = list(path.parent.glob(f"{path.name}*"))
    assert not [file.name for file in files if MARK.encode() in file.read_bytes()]


def test_delivered_leads_lose_the_person_after_the_forms_retention(install: Install, sandbox: SandboxServer) -> None:
    installation = installed(install, sandbox, quote=form("clienttether", form_keys="retention: 30d"))
    reference = post(installation, "quote", f"{MARK}@example.com")
    retention = privacy.Retention(installation.store, installation.site.office.catalog)
    age(installation, 29)
    assert retention.erase_old() == 0
    age(installation, 31)
    assert retention.erase_old() == 1
    assert MARK not in everything_stored(installation)
    assert installation.lead(reference)["state"] == "delivered"


def test_a_form_says_how_long_junk_is_kept(install: Install, sandbox: SandboxServer) -> None:
    installation = installed(install, sandbox, quote=form("clienttether", form_keys="spam: {keep: 3d}"))
    post(installation, "quote", f"{MARK}@example.com", _gotcha="bot")
    retention = privacy.Retention(installation.store, installation.site.office.catalog)
    age(installation, 2)
    assert retention.erase_old() == 0
    age(installation, 4)
    assert retention.erase_old() == 1
    assert MARK not in everything_stored(installation)


def test_junk_of_a_form_that_is_gone_goes_too(install: Install, sandbox: SandboxServer) -> None:
    installation = installed(install, sandbox, quote=form("clienttether"))
    post(installation, "quote", f"{MARK}@example.com", _gotcha="bot")
    age(installation, 31)
    nothing = install(**SECRETS, DATABASE_URL=installation.site.settings.database_url)
    assert privacy.Retention(nothing.store, nothing.site.office.catalog).erase_old() == 1


def test_undelivered_leads_are_never_erased_by_their_age(install: Install, sandbox: SandboxServer) -> None:
    installation = installed(install, sandbox, quote=form("clienttether", form_keys="retention: 30d"))
    post(installation, "quote", f"garbage+{MARK}@example.com")
    post(installation, "quote", f"down+{MARK}@example.com")
    age(installation, 3650)
    assert privacy.Retention(installation.store, installation.site.office.catalog).erase_old() == 0


def test_quarantined_leads_go_after_their_own_time(install: Install, sandbox: SandboxServer) -> None:
    installation = installed(install, sandbox, quote=form("clienttether", fields=FIELDS))
    post(installation, "quote", f"{MARK}@example.com", _gotcha="bot")
    retention = privacy.Retention(installation.store, installation.site.office.catalog)
    age(installation, 29)
    assert retention.erase_old() == 0
    age(installation, 31)
    assert retention.erase_old() == 1
    assert MARK not in everything_stored(installation)
    assert installation.leads()[0]["state"] == "quarantined"


def test_the_same_content_after_an_erasure_is_a_new_lead(install: Install, sandbox: SandboxServer) -> None:
    installation = installed(install, sandbox, quote=form("webhook"))
    first = post(installation, "quote", f"{MARK}@example.com")
    installation.cli("leads", "erase", "--email", f"{MARK}@example.com", "--yes")
    assert post(installation, "quote", f"{MARK}@example.com") != first
