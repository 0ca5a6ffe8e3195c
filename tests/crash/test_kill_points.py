"""A process dies at any line between the visitor's post, the claim, the send and the record: one test for each line."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import defaultdict
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import cache
from pathlib import Path
from typing import Any

import pytest

from tests.crash.fleet import FORM, Vendor, running
from tests.crash.kill_points import FLOWS, FORMS, IN_STORE, Outcome, Point, points
from tests.installation import REPOSITORY, make

pytestmark = [pytest.mark.timeout(1500), pytest.mark.thorough_on_postgresql]

SETTLED_BY_NOBODY = "unknown interrupted"


@dataclass(frozen=True)
class Laboratory:
    """What came of every point's leads, and what the vendor got of each person."""

    outcomes: dict[str, list[Outcome]]
    ledger: dict[str, list[dict[str, Any]]]


Laboratories = Callable[[str], Laboratory]


@pytest.fixture(scope="module")
def laboratory_of(shared_database_url: str | None, tmp_path_factory: pytest.TempPathFactory) -> Iterator[Laboratories]:
    """By the flow, whose points are all tried when it is first asked for; the flows share a database."""
    root = tmp_path_factory.mktemp("installation")
    vendor = Vendor(root, "kill points")
    installation = make(root, shared_database_url, {"ALLOW_PRIVATE_VENDORS": "1"})
    for name in {name for names in FORMS.values() for name in names}:
        kind = name.partition("-")[2]
        text = FORM.format(
            name=name, url=f"{vendor.url}/{kind}", on_unknown="retry" if kind == "recognises" else "hold"
        )
        installation.form(name, text.replace("wait: 2", "wait: 8" if name.startswith("waiting") else "wait: 0"))

    @cache
    def laboratory(flow: str) -> Laboratory:
        outcomes = experiment(root, installation.environ, flow)
        ledger = defaultdict(list)
        for leads in vendor.ledger().values():
            for lead in leads.values():
                ledger[lead["email"]].append(lead)
        return Laboratory(outcomes, ledger)

    with running(vendor):
        vendor.mood("fair")
        yield laboratory


def experiment(root: Path, environ: dict[str, str], flow: str) -> dict[str, list[Outcome]]:
    command = [sys.executable, "-m", "tests.crash.kill_points", flow]
    environ = {**os.environ, "PYTHONPATH": str(REPOSITORY), **environ}
    done = subprocess.run(command, cwd=root, env=environ, capture_output=True, text=True, timeout=450, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    found = defaultdict(list)
    for each in json.loads(done.stdout):
        found[each["point"]].append(Outcome(**each))
    return found


def points_in(flows: Iterable[str]) -> list[tuple[str, Point]]:
    return [(flow, point) for flow in flows for point in points(flow)]


ELSEWHERE = [flow for flow in FLOWS if flow not in IN_STORE]


@pytest.mark.parametrize(("flow", "point"), points_in(IN_STORE), ids=str)
def test_a_process_that_dies_there_loses_and_repeats_nothing(
    laboratory_of: Laboratories, flow: str, point: Point
) -> None:
    loses_and_repeats_nothing(laboratory_of(flow), point)


@pytest.mark.one_database
@pytest.mark.parametrize(("flow", "point"), points_in(ELSEWHERE), ids=str)
def test_a_process_that_dies_outside_the_store_loses_and_repeats_nothing(
    laboratory_of: Laboratories, flow: str, point: Point
) -> None:
    loses_and_repeats_nothing(laboratory_of(flow), point)


def loses_and_repeats_nothing(laboratory: Laboratory, point: Point) -> None:
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


STATES = {
    "accept": {None, "sending"},
    "answer": {None, "sending", "delivered"},
    "send": {"sending", "delivered"},
    "record": {"sending", "delivered"},
    "claim": {"pending", "sending"},
}


@pytest.mark.parametrize("flow", IN_STORE)
def test_most_lines_were_died_at_in_every_state(laboratory_of: Laboratories, flow: str) -> None:
    """Or the tests above would show nothing."""
    died_at_most_lines_in_every_state(laboratory_of(flow), flow)


@pytest.mark.one_database
@pytest.mark.parametrize("flow", ELSEWHERE)
def test_most_lines_outside_the_store_were_died_at_in_every_state(laboratory_of: Laboratories, flow: str) -> None:
    died_at_most_lines_in_every_state(laboratory_of(flow), flow)


def died_at_most_lines_in_every_state(laboratory: Laboratory, flow: str) -> None:
    found = [each for outcomes in laboratory.outcomes.values() for each in outcomes]
    assert sum(each.killed for each in found) > len(found) * 0.6
    assert {each.at_death for each in found if each.killed} == STATES[flow]
