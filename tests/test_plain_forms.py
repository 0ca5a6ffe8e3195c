"""Two readers, one meaning: what libyaml reads is to the line what ruamel reads, or it is left to ruamel."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from leadferry.form_file.plain import plain_tree
from leadferry.form_file.problems import Findings
from leadferry.form_file.tree import MAX_CHARACTERS, read_tree
from tests.installation import REPOSITORY
from tests.test_form_file import mutations

FORMS = sorted((REPOSITORY / "forms").glob("*.yaml"))
LINES = (
    *("a: b", "  - c", "- d", "  e: ", "f:", "  ", "a: |", " x", " y: z", "a: >-", "# c", "'q", "q'", '"r', 'r"'),
    *("[1,", "2]", "{k: v,", "w: 'x'}", "? k", ": v", "---", "...", "a:b", "é: ü", "- - e", "~: null", "{a:b}"),
)


def same_or_left(text: str) -> None:
    read = plain_tree(text)
    if read is not None:
        findings = Findings("form.yaml")
        assert read == read_tree(text, findings)
        assert not findings.problems


@pytest.mark.parametrize("path", FORMS, ids=lambda path: path.stem)
def test_the_forms_that_come_along_are_read_the_fast_way(path: Path) -> None:
    text = path.read_text("utf-8")
    assert plain_tree(text) == read_tree(text, Findings("form.yaml"))


@settings(max_examples=100, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(mutations())
def test_a_form_with_something_changed_means_the_same(text: str) -> None:
    same_or_left(text)


@settings(max_examples=150, deadline=None)
@given(st.lists(st.sampled_from(LINES), max_size=8).map("\n".join))
def test_lines_thrown_together_mean_the_same(text: str) -> None:
    same_or_left(text)


@settings(max_examples=150, deadline=None)
@given(st.text("ab:- \n,[]{}#?|>'\"0~&*!%@`.\r\t\\", max_size=16))
def test_signs_thrown_together_mean_the_same(signs: str) -> None:
    same_or_left(f"a: b\n{signs}")
    same_or_left(f"a: {{{signs}}}\nb: [{signs}]\n")


@pytest.mark.parametrize(
    "text",
    [
        "a: 1\na: 2",
        "a: &x 1",
        "a: !!str 1",
        "a: *x",
        "%YAML 1.1\n---\na: 1",
        "a: 1\n---\nb: 2",
        'a: "\\x41"',
        "a:\t1",
        "a: x\u2028y",
        "a:\nb: 1",
        "? [a]\n: b",
        "- a",
        "",
        "a: [",
        "a: " + "[" * 25 + "]" * 25,
        "- " * 50_000 + "a",
        "[" * 100_000,
        "a: b\n" * MAX_CHARACTERS,
    ],
    ids=lambda text: repr(text[:12]),
)
def test_what_is_unusual_or_wrong_is_left_to_ruamel(text: str) -> None:
    assert plain_tree(text) is None
