"""A process dies at any line of a commit that several leads share: no visitor was thanked for one that is lost."""

from __future__ import annotations

import json
import os
import subprocess
import sys
from collections import defaultdict
from pathlib import Path

import pytest

from tests.crash.fleet import FORM
from tests.crash.kill_points import Point, points_of
from tests.crash.shared_kills import SHARED, VISITORS, Outcome
from tests.installation import REPOSITORY, make

pytestmark = pytest.mark.timeout(600)


@pytest.fixture(scope="module")
def outcomes(tmp_path_factory: pytest.TempPathFactory) -> dict[str, list[Outcome]]:
    """What came of every point's visitors. SQLite's: on PostgreSQL each connection commits by itself."""
    installation = make(tmp_path_factory.mktemp("installation"), None, {"ALLOW_PRIVATE_VENDORS": "1"})
    text = FORM.format(name="later", url="http://127.0.0.1:9/", on_unknown="retry").replace("wait: 2", "wait: 0")
    installation.form("later", text)
    return experiment(installation.root, installation.environ)


def experiment(root: Path, environ: dict[str, str]) -> dict[str, list[Outcome]]:
    command = [sys.executable, "-m", "tests.crash.shared_kills"]
    environ = {**os.environ, "PYTHONPATH": str(REPOSITORY), **environ}
    done = subprocess.run(command, cwd=root, env=environ, capture_output=True, text=True, timeout=500, check=False)
    assert done.returncode == 0, done.stderr[-3000:]
    found = defaultdict(list)
    for each in json.loads(done.stdout):
        found[each["point"]].append(Outcome(**each))
    return found


@pytest.mark.parametrize("point", points_of(SHARED), ids=str)
def test_no_thanked_lead_is_lost(outcomes: dict[str, list[Outcome]], point: Point) -> None:
    for found in outcomes[str(point)]:
        assert set(found.thanked) <= set(found.stored), "thanked and lost"
        assert len(found.stored) in {0, VISITORS}, "half of one commit is in the store"
        if not found.killed:
            assert len(found.thanked) == VISITORS, "nobody died, and not all were thanked"


def test_processes_died_before_and_after_the_commit(outcomes: dict[str, list[Outcome]]) -> None:
    """Or the tests above would show nothing."""
    found = [each for several in outcomes.values() for each in several]
    killed = [each for each in found if each.killed]
    assert len(killed) > len(found) / 2
    assert {len(each.stored) for each in killed} == {0, VISITORS}
    assert any(not each.thanked and each.stored for each in killed), "none died between commit and thanks"
