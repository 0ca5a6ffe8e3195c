"""A person is found and erased everywhere; a lead past its time loses the person; counts stay."""

from __future__ import annotations

import json
import time

from sqlalchemy import text, update

from leadferry import models, privacy
from tests.conftest import Install
from tests.installation import Installation, SandboxServer
from tests.systems.accounts import FIELDS, SECRETS, form

MARK = "marker-person-4711"


def installed(install: Install, sandbox: SandboxServer, **forms: str) -> Installation:
    return install(forms, **SECRETS, SANDBOX=sandbox.url, ALLOW_PRIVATE_VENDORS="1")


def post(installation: Installation, name: str, email: str, **more: str) -> str:
    body = {"firstName": "Jane", "lastName": MARK, "email": email, "utm_source": MARK, **more}
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
    other = post(installation, "hook", "somebody.else@example.com", lastName="Other", utm_source="other")
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
