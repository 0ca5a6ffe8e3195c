"""Two hosts deliver from one PostgreSQL, and one is cut off while it sends: the other takes over, once."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from sqlalchemy import make_url

from leadferry import outbox
from leadferry.store import upgrade
from tests.crash.doorkeeper import Doorkeeper, doorkeeper
from tests.crash.fleet import FORM, DeliveryWorker, running
from tests.crash.hosts import SUBNET, THIS_HOST, Host, missing, two_hosts
from tests.installation import Installation, make, wait_until
from tests.services.postgres import Address, temporary_postgres

POLICIES = ("retry", "hold")


@pytest.fixture(scope="module")
def hosts() -> Iterator[tuple[Host, Host]]:
    reason = missing()
    if reason:
        pytest.skip(reason)
    with two_hosts() as found:
        yield found


@pytest.fixture
def vendor(hosts: tuple[Host, Host]) -> Iterator[Doorkeeper]:
    with doorkeeper(THIS_HOST) as found:
        yield found


@pytest.fixture
def installation(hosts: tuple[Host, Host], vendor: Doorkeeper, tmp_path: Path) -> Iterator[Installation]:
    with temporary_postgres(Address(THIS_HOST, SUBNET)) as server:
        url = make_url(server.url).set(host=THIS_HOST, query={}).render_as_string()
        found = _with_forms(tmp_path / "here", url, vendor)
        upgrade(found.store)
        yield found
        found.close()


def _with_forms(root: Path, database_url: str, vendor: Doorkeeper) -> Installation:
    found = make(root, database_url, {"ALLOW_PRIVATE_VENDORS": "1"})
    for policy in POLICIES:
        form = FORM.format(name=policy, url=vendor.url, on_unknown=policy)
        found.form(policy, form.replace("wait: 2", "wait: 0"))
    return found


def _worker(host: Host, root: Path, here: Installation, vendor: Doorkeeper) -> DeliveryWorker:
    found = DeliveryWorker(_with_forms(root, here.environ["DATABASE_URL"], vendor))
    found.command = host.command(found.command)
    return found


def test_a_host_that_is_cut_off_while_it_sends_is_replaced_once_and_changes_nothing_when_it_comes_back(
    hosts: tuple[Host, Host],
    installation: Installation,
    vendor: Doorkeeper,
    tmp_path: Path,
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    # All who share a database must have leases of one length: the hurried workers would take a longer one for a jump
    # of the clock, and the delivery from whoever holds it.
    monkeypatch.setattr(outbox, "LEASE", outbox.LEASE / 10)
    first, second = (
        _worker(host, tmp_path / name, installation, vendor) for host, name in zip(hosts, ("a", "b"), strict=True)
    )
    references = {policy: _post(installation, policy) for policy in POLICIES}
    with running(first):
        wait_until(lambda: len(vendor.calls) == 2, seconds=20)
        hosts[0].unplug()
        with running(second):
            wait_until(lambda: all(_rungs(installation, each) for each in references.values()), seconds=30)
            vendor.door.set()
            wait_until(lambda: _state(installation, references["retry"]) == "delivered")
            assert _state(installation, references["hold"]) == "held"
            assert vendor.calls == {_id(references["retry"]): 2, _id(references["hold"]): 1}
            assert installation.cli("leads", "resend", references["hold"]).exit_code == 0
            before = {each: _delivery(installation, each) for each in references.values()}
            assert {each["state"] for each in before.values()} == {"delivered"}

            hosts[0].plug_in()
            wait_until(lambda: all(len(_rungs(installation, each)) == 3 for each in references.values()), seconds=30)
            assert second.stop() == 0
        assert first.stop() == 0
    for reference, delivery in before.items():
        after = _delivery(installation, reference)
        assert (after["state"], after["reason"]) == ("delivered", delivery["reason"])
        assert sorted(rung["outcome"] for rung in after["history"]) == ["accepted", "unknown", "unknown"]
    assert vendor.calls == {_id(each): 2 for each in references.values()}
    assert _log(tmp_path / "a").count('"state": "the lease was lost"') == 2
    assert installation.cli("leads", "balance").exit_code == 0


def _post(installation: Installation, policy: str) -> str:
    answer = installation.client.post(f"/f/{policy}", json={"firstName": "Jane", "email": f"{policy}@example.com"})
    assert answer.status_code == 200
    assert answer.json
    return str(answer.json["lead"])


def _delivery(installation: Installation, reference: str) -> dict[str, Any]:
    (found,) = installation.lead(reference)["deliveries"]
    assert isinstance(found, dict)
    return found


def _state(installation: Installation, reference: str) -> str:
    return str(_delivery(installation, reference)["state"])


def _rungs(installation: Installation, reference: str) -> list[dict[str, Any]]:
    found = _delivery(installation, reference)["history"]
    assert isinstance(found, list)
    return found


def _id(reference: str) -> str:
    return f"{reference}-vendor"


def _log(root: Path) -> str:
    return (root / "process.log").read_text("utf-8")
