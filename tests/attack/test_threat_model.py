"""SECURITY.md names a test for each line of its threat model; here each is held to be there."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

from tests.installation import REPOSITORY

TESTS = REPOSITORY / "tests"
LINES = [
    line
    for line in (REPOSITORY / "SECURITY.md").read_text("utf-8").splitlines()
    if line.startswith("| ") and not line.startswith("| who |")
]


def named(line: str) -> list[tuple[Path, str]]:
    """The file and the test of each name in the last cell; `…::name` is in the file before."""
    found: list[tuple[Path, str]] = []
    for name in re.findall(r"`([^`]+)`", line.rsplit(" | ", 1)[1]):
        file, _, test = name.partition("::")
        found.append((found[-1][0] if file == "…" else TESTS / file, test))
    return found


@pytest.mark.parametrize("line", LINES, ids=lambda line: line[2:50])
def test_every_line_of_the_threat_model_names_tests_that_there_are(line: str) -> None:
    tests = named(line)
    assert tests
    for path, test in tests:
        assert re.search(rf"^def {test.removesuffix('…') or 'test_'}", path.read_text("utf-8"), re.MULTILINE), test


def test_the_threat_model_is_read() -> None:
    assert len(LINES) > 20
