"""PostgreSQL restarts, in order and by a crash, while visitors post and leads are delivered."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest

from leadferry.store import upgrade
from tests.crash.fleet import FORM, DeliveryWorker, Vendor, Visitors, Web, running
from tests.crash.proof import hold_the_balance, hold_the_end, wait_for_the_end
from tests.installation import Installation, make, wait_until
from tests.services.postgres import Postgres, StopMode, temporary_postgres

CALM = {"200", "503 lf501"}
"""What a visitor may be answered, whatever happens to the database."""


@pytest.fixture(scope="module")
def server() -> Iterator[Postgres]:
    """One for these tests alone: a restart would disturb all others."""
    with temporary_postgres() as found:
        yield found


@pytest.fixture
def installation(server: Postgres, tmp_path: Path) -> Iterator[Installation]:
    with server.new_database() as url:
        found = make(tmp_path / "installation", url, {"ALLOW_PRIVATE_VENDORS": "1", "DELIVERY": "off"})
        upgrade(found.store)
        yield found
        found.close()


@pytest.mark.parametrize("mode", ["fast", "immediate"])
def test_a_restart_of_postgresql_loses_nothing_and_everything_connects_again_by_itself(
    server: Postgres, installation: Installation, mode: StopMode
) -> None:
    vendor = Vendor(installation.root, seed="restart")
    for name, text in _forms(f"{vendor.url}/recognises").items():
        installation.form(name, text)
    log = installation.root / "process.log"
    web, worker = Web(installation), DeliveryWorker(installation)
    with running(vendor, web, worker):
        vendor.mood("fair")
        wait_until(lambda: "Delivering, " in log.read_text("utf-8"), seconds=30)
        with Visitors(web.url, forms=("at-once", "later"), per_second=40, threads=4) as visitors:
            wait_until(lambda: len(visitors.thanked) >= 40)
            server.restart(mode)
            before = len(visitors.thanked)
            wait_until(lambda: len(visitors.thanked) >= before + 40, seconds=20)
        assert set(visitors.answers) <= CALM, visitors.answers
        hold_the_balance(installation.store, visitors.thanked)
        wait_for_the_end(installation.store, 30)
        assert (web.stop(), worker.stop()) == (0, 0)
        taken = vendor.ledger()["recognises"]
        found = hold_the_end(installation.store, visitors.thanked, {"at-once": taken, "later": taken})
    assert {each.state for each in found} == {"delivered"}
    assert installation.cli("leads", "balance").exit_code == 0


def _forms(url: str) -> dict[str, str]:
    """One that gunicorn sends while the visitor waits, one that only the worker sends."""
    at_once, later = (FORM.format(name=name, url=url, on_unknown="retry") for name in ("at-once", "later"))
    return {"at-once": at_once, "later": later.replace("wait: 2", "wait: 0")}
