"""A process dies at any line of a commit that several leads share: no visitor was thanked for one that is lost."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import defaultdict
from collections.abc import Callable, Iterable
from functools import cache
from pathlib import Path

import pytest

from tests.crash.fleet import FORM
from tests.crash.kill_points import Point, points_of
from tests.crash.shared_kills import MANNERS, VISITORS, Outcome
from tests.installation import REPOSITORY, make

pytestmark = [pytest.mark.timeout(600), pytest.mark.thorough_on_postgresql]


Outcomes = Callable[[str], dict[str, list[Outcome]]]
IN_STORE, ELSEWHERE = ["gathered"], ["gathering", "in parts"]


@pytest.fixture(scope="module")
def outcomes(shared_database_url: str | None, tmp_path_factory: pytest.TempPathFactory) -> Outcomes:
    """What came of every point's visitors, by the manner of sharing; they are tried when it is first asked for."""
    root = tmp_path_factory.mktemp("installation")
    installation = make(root, shared_database_url, {"ALLOW_PRIVATE_VENDORS": "1"})
    text = FORM.format(name="later", url="http://127.0.0.1:9/", on_unknown="retry").replace("wait: 2", "wait: 0")
    installation.form("later", text)
    return cache(lambda manner: experiment(root, installation.environ, manner))


def experiment(root: Path, environ: dict[str, str], manner: str) -> dict[str, list[Outcome]]:
    command = [sys.executable, "-m", "tests.crash.shared_kills", manner]
    environ = {**os.environ, "PYTHONPATH": str(REPOSITORY), **environ}
    done = subprocess.run(command, cwd=root, env=environ, capture_output=True, text=True, timeout=500, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    found = defaultdict(list)
    for each in json.loads(done.stdout):
        found[each["point"]].append(Outcome(**each))
    return found


def points_in(manners: Iterable[str]) -> list[tuple[str, Point]]:
    return [(manner, point) for manner in manners for point in points_of(MANNERS[manner])]


@pytest.mark.parametrize(("manner", "point"), points_in(IN_STORE), ids=str)
def test_no_lead_of_those_that_share_a_commit_is_lost(outcomes: Outcomes, manner: str, point: Point) -> None:
    all_or_nothing_and_nobody_thanked_in_vain(outcomes(manner)[str(point)])


@pytest.mark.one_database  # gathering is the same on each, and parts are SQLite's own
@pytest.mark.parametrize(("manner", "point"), points_in(ELSEWHERE), ids=str)
def test_no_lead_of_those_that_come_together_is_lost(outcomes: Outcomes, manner: str, point: Point) -> None:
    all_or_nothing_and_nobody_thanked_in_vain(outcomes(manner)[str(point)])


def all_or_nothing_and_nobody_thanked_in_vain(outcomes: list[Outcome]) -> None:
    for found in outcomes:
        assert set(found.thanked) <= set(found.stored), "thanked and lost"
        assert len(found.stored) in {0, VISITORS}, "half of one commit is in the store"
        if not found.killed:
            assert len(found.thanked) == VISITORS, "nobody died, and not all were thanked"


@pytest.mark.parametrize("manner", IN_STORE)
def test_processes_died_before_and_after_the_commit(outcomes: Outcomes, manner: str) -> None:
    """Or the tests above would show nothing."""
    died_before_and_after_the_commit(outcomes(manner))


@pytest.mark.one_database
@pytest.mark.parametrize("manner", ELSEWHERE)
def test_processes_that_came_together_died_before_and_after_the_commit(outcomes: Outcomes, manner: str) -> None:
    died_before_and_after_the_commit(outcomes(manner))


def died_before_and_after_the_commit(outcomes: dict[str, list[Outcome]]) -> None:
    found = [each for several in outcomes.values() for each in several]
    killed = [each for each in found if each.killed]
    assert len(killed) > len(found) / 3
    assert {len(each.stored) for each in killed} == {0, VISITORS}
    assert any(not each.thanked and each.stored for each in killed), "none died between commit and thanks"
