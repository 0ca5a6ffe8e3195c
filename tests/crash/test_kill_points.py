"""A process dies at any line between the visitor's post, the claim, the send and the record: one test for each line."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import defaultdict
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pytest

from tests.crash.fleet import FORM, Vendor, running
from tests.crash.kill_points import FLOWS, FORMS, Outcome, Point, points
from tests.installation import REPOSITORY, make

pytestmark = pytest.mark.timeout(1500)

SETTLED_BY_NOBODY = "unknown interrupted"


@dataclass(frozen=True)
class Laboratory:
    outcomes: dict[str, list[Outcome]]
    ledger: dict[str, list[dict[str, Any]]]


@pytest.fixture(scope="module")
def laboratories(shared_database_url: str | None, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Laboratory]:
    """What came of every point's leads, and what the vendor got of each person; the flows share a database."""
    root = tmp_path_factory.mktemp("installation")
    vendor = Vendor(root, "kill points")
    installation = make(root, shared_database_url, {"ALLOW_PRIVATE_VENDORS": "1"})
    for name in {name for names in FORMS.values() for name in names}:
        kind = name.partition("-")[2]
        text = FORM.format(
            name=name, url=f"{vendor.url}/{kind}", on_unknown="retry" if kind == "recognises" else "hold"
        )
        installation.form(name, text.replace("wait: 2", "wait: 8" if name.startswith("waiting") else "wait: 0"))
    with running(vendor):
        vendor.mood("fair")
        outcomes = {flow: experiment(root, installation.environ, flow) for flow in FLOWS}
        ledger = defaultdict(list)
        for leads in vendor.ledger().values():
            for lead in leads.values():
                ledger[lead["email"]].append(lead)
    return {flow: Laboratory(found, ledger) for flow, found in outcomes.items()}


def experiment(root: Path, environ: dict[str, str], flow: str) -> dict[str, list[Outcome]]:
    command = [sys.executable, "-m", "tests.crash.kill_points", flow]
    environ = {**os.environ, "PYTHONPATH": str(REPOSITORY), **environ}
    done = subprocess.run(command, cwd=root, env=environ, capture_output=True, text=True, timeout=450, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    found = defaultdict(list)
    for each in json.loads(done.stdout):
        found[each["point"]].append(Outcome(**each))
    return found


@pytest.mark.parametrize(("flow", "point"), [(flow, point) for flow in FLOWS for point in points(flow)], ids=str)
def test_a_process_that_dies_there_loses_and_repeats_nothing(
    laboratories: dict[str, Laboratory], flow: str, point: Point
) -> None:
    laboratory = laboratories[flow]
    for found in laboratory.outcomes[str(point)]:
        at_vendor = laboratory.ledger[found.email]
        taken = sum(lead["taken"] for lead in at_vendor)
        assert len(at_vendor) <= 1, "sent under two ids"
        assert taken <= 1, "twice at the vendor"
        assert found.at_last is not None or not found.thanked, "thanked and lost"
        assert found.at_last is not None or not at_vendor, "sent before it was stored"
        if found.form.endswith("recognises"):
            assert found.at_last in {None, "delivered"}
        else:
            assert found.at_last in {None, "delivered", "held"}
        assert (found.at_last == "delivered") <= (taken == 1)
        if found.at_death == "sending":
            assert SETTLED_BY_NOBODY in found.tries, "a lease that ran out was taken for a fresh start"


@pytest.mark.parametrize("flow", FLOWS)
def test_most_lines_were_died_at_in_every_state(laboratories: dict[str, Laboratory], flow: str) -> None:
    """Or the tests above would show nothing."""
    found = [each for outcomes in laboratories[flow].outcomes.values() for each in outcomes]
    assert sum(each.killed for each in found) > len(found) * 0.6
    states = {each.at_death for each in found if each.killed}
    assert (
        states
        == {
            "accept": {None, "sending", "delivered"},
            "try": {"sending", "delivered"},
            "claim": {"pending", "sending"},
        }[flow]
    )
