"""Edits of a form file's text: it says what was wanted, and what was not touched stays as it was."""

from __future__ import annotations

import copy
import re
from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from leadferry.form_file.editing import CannotEdit, as_data, rewritten, with_value

REPOSITORY = Path(__file__).resolve().parents[1]
DEMO = sorted((REPOSITORY / "forms").glob("*.yaml"))

TEXT = """\
# The head of the file

title: Get a quote   # said by Anna
intro: >-
  <p>Two lines
  of it.</p>

fields:
  # The first question
  - name: service
    label: 'What do you need?'
    type: select
    options: [Windows, Doors, {value: both, label: "Both"}]   # in the order of sales
    # nothing else is sold
  - {name: email, label: E-mail, required: true}  # asked by law

  # Never remove
  - {name: tag, type: hidden, value: "web,quote"}
vendor:
  name: webhook
  # the test's own
  url: https://example.com/lead
theme: {accent: "#0a7d5a"}
# The end
"""


def edited(text: str, change: Any) -> str:
    data = as_data(text)
    change(data)
    return rewritten(text, data)


def lines_of(text: str) -> set[str]:
    return set(text.split("\n"))


def test_a_changed_word_changes_one_line() -> None:
    found = with_value(TEXT, ("fields", 1, "label"), "Your e-mail")
    assert found == TEXT.replace("label: E-mail", "label: Your e-mail")
    assert with_value(TEXT, ("title",), "Now") == TEXT.replace("Get a quote   #", "Now   #")


@pytest.mark.parametrize(
    ("value", "written"),
    [
        ("a: b", '"a: b"'),
        ("no", '"no"'),
        ("# 1", '"# 1"'),
        ('say "x"', 'say "x"'),
        ("50% off", "50% off"),
        ("{a}", '"{a}"'),
        ("a, b", "a, b"),
        ("<b>x</b>", "<b>x</b>"),
        ("${KEY}", "${KEY}"),
        ("ends:", '"ends:"'),
        ("", '""'),
        ("👩‍👧 Zoë", '"👩‍👧 Zoë"'),
    ],
)
def test_a_text_gets_quotes_where_it_needs_them(value: str, written: str) -> None:
    found = with_value("title: x\n", ("title",), value)
    assert found == f"title: {written}\n"
    assert as_data(found) == {"title": value}


def test_a_text_keeps_the_quotes_it_had() -> None:
    assert "label: 'It''s that'" in with_value(TEXT, ("fields", 0, "label"), "It's that")
    assert 'label: "All"' in with_value(TEXT, ("fields", 0, "options", 2, "label"), "All")


def test_a_text_of_several_lines_becomes_a_block_and_a_comment_beside_it_stays_one() -> None:
    found = with_value(TEXT, ("title",), "One\nTwo")
    assert "title: |-  # said by Anna\n  One\n  Two\nintro" in found
    assert as_data(found)["title"] == "One\nTwo"
    assert as_data(with_value(TEXT, ("fields", 1, "label"), "One\nTwo"))["fields"][1]["label"] == "One\nTwo"


def test_a_removed_key_takes_only_itself() -> None:
    assert with_value(TEXT, ("fields", 1, "required"), None) == TEXT.replace(", required: true", "")
    assert with_value(TEXT, ("fields", 1, "name"), None) == TEXT.replace("name: email, ", "")
    assert with_value(TEXT, ("fields", 0, "type"), None) == TEXT.replace("    type: select\n", "")
    assert with_value(TEXT, ("fields", 0, "name"), None) == TEXT.replace("name: service\n    label", "label")
    assert with_value(TEXT, ("theme",), None) == TEXT.replace('theme: {accent: "#0a7d5a"}\n', "")


def test_a_removed_field_takes_the_comment_that_was_its_own() -> None:
    found = edited(TEXT, lambda data: data["fields"].pop(0))
    gone = {"  # The first question", "    # nothing else is sold"}
    assert {line for line in lines_of(TEXT) - lines_of(found) if "#" in line} >= gone
    assert "# asked by law" in found
    assert "# Never remove" in found


def test_the_last_field_leaves_an_empty_list_and_a_new_one_fills_it() -> None:
    empty = edited(TEXT, lambda data: data["fields"].clear())
    assert "\nfields: []" in empty
    full = edited(empty, lambda data: data["fields"].append({"name": "x", "required": True}))
    assert "\nfields:\n  - {name: x, required: true}\n" in full


def test_a_moved_field_takes_its_comments_along() -> None:
    found = edited(TEXT, lambda data: data["fields"].append(data["fields"].pop(0)))
    own = TEXT[TEXT.index("  # The first") : TEXT.index("  - {name: email")]
    assert own in found
    assert found.index(own) > found.index("name: tag")
    assert lines_of(found) == lines_of(TEXT)


def test_a_renamed_field_is_the_same_field() -> None:
    assert with_value(TEXT, ("fields", 0, "name"), "need") == TEXT.replace("name: service", "name: need")


def test_a_new_key_stands_where_it_is_wanted() -> None:
    def change(data: dict[str, Any]) -> None:
        field = data["fields"][0]
        data["fields"][0] = {"name": field.pop("name"), "required": True, **field, "help": "<p>x</p>"}
        data["language"] = "es"

    found = edited(TEXT, change)
    assert "  - name: service\n    required: true\n    label" in found
    assert "order of sales\n    help: <p>x</p>\n" in found
    assert '"#0a7d5a"}\nlanguage: es\n# The end' in found


def test_a_new_field_in_the_middle_comes_before_the_next_ones_comment() -> None:
    found = edited(TEXT, lambda data: data["fields"].insert(2, {"name": "new"}))
    assert "asked by law\n  - {name: new}\n\n  # Never remove\n" in found


def test_windows_line_ends_and_a_missing_last_one_become_unix_ones() -> None:
    found = with_value(TEXT.replace("\n", "\r\n").rstrip(), ("submit",), "Go")
    assert found == TEXT.replace("# The end", "submit: Go\n# The end")


def test_a_file_with_nothing_but_comments_begins_a_form() -> None:
    found = with_value("# mine\n", ("fields",), [{"name": "a"}])
    assert found == "# mine\nfields:\n  - {name: a}\n"


@pytest.mark.parametrize("text", ["title: [x", "a: 1\na: 2\n", "- a\n", "a: &x 1\n", "title: \ufffd", 'a: "\\x07"\n'])
def test_what_cannot_be_read_is_left_alone_with_a_problem(text: str) -> None:
    with pytest.raises(CannotEdit) as caught:
        with_value(text, ("title",), "new")
    assert caught.value.problems[0].line >= 1


@pytest.mark.parametrize("path", DEMO, ids=lambda path: path.stem)
def test_saying_the_same_changes_nothing(path: Path) -> None:
    text = path.read_text("utf-8")
    assert rewritten(text, as_data(text)) == text


# --- any edits in any order ---

WORDS = st.text(st.characters(exclude_categories=["Cs"]), max_size=12) | st.sampled_from(
    ["no", "a: b", "# x", "x #y", "[", "${A}", "'", '"', "one\ntwo", " lead", "tail ", "{", "-", "a, b", "é\u2028x"]
)
KEYS = st.sampled_from(["label", "help", "type", "value", "placeholder", "required"])
EDITS = st.lists(
    st.one_of(
        st.tuples(st.just("set"), st.integers(0, 30), KEYS, WORDS),
        st.tuples(st.just("drop"), st.integers(0, 30), KEYS),
        st.tuples(st.just("top"), st.sampled_from(["title", "intro", "submit", "language", "new"]), WORDS),
        st.tuples(st.just("untop"), st.sampled_from(["title", "intro", "submit", "retention", "origins"])),
        st.tuples(st.just("add"), st.integers(0, 30), WORDS),
        st.tuples(st.just("move"), st.integers(0, 30), st.integers(0, 30)),
        st.tuples(st.just("remove"), st.integers(0, 30)),
        st.tuples(st.just("options"), st.integers(0, 30), st.lists(WORDS, max_size=3)),
        st.tuples(st.just("vendor"), st.sampled_from(["url", "name", "wait"]), WORDS),
        st.tuples(st.just("show_if"), st.integers(0, 30), st.dictionaries(WORDS, WORDS, max_size=2)),
    ),
    max_size=6,
)
DOCUMENTS = [
    TEXT,
    *(path.read_text("utf-8") for path in DEMO),
    TEXT.replace("\n  -", "\n  -\n   ").replace(": >-", ": |"),
]


def apply(data: dict[str, Any], edit: tuple[Any, ...], number: int) -> None:
    what, *rest = edit
    fields = data["fields"]
    at = rest[0] % len(fields) if fields and isinstance(rest[0], int) else 0
    if what == "top":
        data[rest[0]] = rest[1]
    elif what == "untop":
        data.pop(rest[0], None)
    elif what == "vendor":
        data["vendor"][rest[0]] = rest[1]
    elif what == "add":
        fields.insert(at, {"name": f"new-{number}", "label": rest[1]})
    elif not fields:
        return
    elif what == "set":
        fields[at][rest[1]] = rest[2]
    elif what == "drop":
        fields[at].pop(rest[1], None)
    elif what == "move":
        fields.insert(rest[1] % len(fields), fields.pop(at))
    elif what == "remove":
        fields.pop(at)
    else:
        fields[at][what] = rest[1]


def as_read(value: Any) -> Any:
    """What YAML cannot hold is left out, and every line end is one."""
    if isinstance(value, dict):
        return {as_read(key): as_read(each) for key, each in value.items()}
    if isinstance(value, list):
        return [as_read(each) for each in value]
    text = re.sub(r"\r\n|\r", "\n", value)
    return re.sub("[\x00-\x08\x0b-\x1f\x7f-\x84\x86-\x9f\ufeff\ufffd-\uffff]", "", text)


def comments(text: str) -> set[str]:
    return set(re.findall(r"(?m)(?:^|\s)# .+$", text))


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.sampled_from(DOCUMENTS), EDITS)
def test_after_any_edits_the_text_says_what_was_wanted(text: str, edits: list[tuple[Any, ...]]) -> None:
    for number, edit in enumerate(edits):
        data = as_data(text)
        apply(data, edit, number)
        text = rewritten(text, copy.deepcopy(data))
        assert as_data(text) == as_read(data)


@settings(max_examples=40, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.sampled_from(DOCUMENTS), EDITS)
def test_after_any_edits_that_remove_nothing_every_comment_is_there(text: str, edits: list[tuple[Any, ...]]) -> None:
    before = {comment.strip() for comment in comments(text)}
    for number, edit in enumerate(edits):
        if edit[0] in {"set", "top", "add", "move", "vendor"}:
            data = as_data(text)
            apply(data, edit, number)
            text = rewritten(text, data)
    after = text.split("\n")
    assert [comment for comment in before if not any(comment in line for line in after)] == []
