"""The plain controls over a form file: what they show is what the file says, and what is typed is all that changes."""

from __future__ import annotations

from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from leadferry.controls import (
    applied,
    control_of,
    shown,
    with_field_moved,
    with_new_field,
    with_new_step,
    without_field,
)
from leadferry.form_file.editing import CannotEdit, as_data
from leadferry.form_file.rendering import cleaned
from leadferry.vendors import ADAPTERS

REPOSITORY = Path(__file__).resolve().parents[1]
DEMO = {path.stem: path.read_text("utf-8") for path in sorted((REPOSITORY / "forms").glob("*.yaml"))}
PLAIN = ("title", "intro", "submit", "label", "help", "placeholder", "value", "accent", "font", "wait", "pattern")


def controls(text: str) -> dict[str, str]:
    return shown(as_data(text), ADAPTERS)


@pytest.mark.parametrize("text", DEMO.values(), ids=DEMO)
def test_a_page_that_is_posted_as_it_is_changes_nothing(text: str) -> None:
    assert applied(text, controls(text), ADAPTERS) == text
    windows = {name: value.replace("\n", "\r\n") for name, value in controls(text).items()}
    assert applied(text, windows, ADAPTERS) == text


@settings(max_examples=80, deadline=None, suppress_health_check=[HealthCheck.too_slow])
@given(st.sampled_from(list(DEMO.values())), st.data(), st.text(st.characters(exclude_categories=["Cs"]), max_size=20))
def test_what_is_typed_into_a_control_is_what_it_shows_and_no_other_changes(
    text: str, data: st.DataObject, typed: str
) -> None:
    before = controls(text)
    name = data.draw(st.sampled_from([name for name in before if name.rpartition(":")[2] in PLAIN]))
    after = controls(applied(text, {name: typed}, ADAPTERS))
    wanted = cleaned(typed).strip()
    if name != "vendor:url" or before["vendor:name"] != "leadconduit":
        assert after[name].split() == wanted.split()
    assert {other: value for other, value in after.items() if other != name and value != before.get(other)} == {}


def test_the_new_key_stands_where_such_keys_stand() -> None:
    text = "title: x\nfields:\n  - {name: a, show_if: {b: c}}\nvendor: {name: webhook}\n"
    found = applied(text, {"field:0:required": "yes", "key:language": "es", "field:0:label": "A"}, ADAPTERS)
    assert found == (
        "title: x\nlanguage: es\nfields:\n  - {name: a, label: A, required: true, show_if: {b: c}}\n"
        "vendor: {name: webhook}\n"
    )


def test_a_control_that_the_page_does_not_have_is_ignored() -> None:
    text = DEMO["quote"]
    posted = {"field:99:label": "x", "key:vendor": "x", "nonsense": "x", "vendor:password": "x", "theme:evil": "x"}
    assert applied(text, posted, ADAPTERS) == text


def test_several_conditions_are_left_to_the_file() -> None:
    text = "fields:\n  - {name: a}\n  - {name: b, show_if: {a: x, c: y}}\n  - {name: c}\n"
    assert "field:1:show_field" not in controls(text)
    assert applied(text, {"field:1:show_field": "", "field:1:show_answer": ""}, ADAPTERS) == text


@pytest.mark.parametrize(
    ("key", "control"),
    [
        ("title", "key:title"),
        ("fields[2].label", "field:1:label"),
        ("fields[2].options", "field:1:options"),
        ("fields[2].show_if.service", "field:1:show_field"),
        ("fields[12]", "field:11:name"),
        ("steps[1].fields", "step:0:title"),
        ("theme.accent", "theme:accent"),
        ("vendor", "vendor:name"),
        ("vendor.web_key", "vendor:web_key"),
        ("vendor.fields.phone", "vendor:fields"),
        ("also[1].url", "key:also[1]"),
    ],
)
def test_a_problem_belongs_to_the_control_of_its_key(key: str, control: str) -> None:
    assert control_of(key) == control


def test_questions_are_added_and_moved_within_their_steps() -> None:
    text = "fields:\n  - {name: a}\n  - {name: b}\n  - {name: c}\n"
    text = with_new_step(text)
    assert "[a, b]" in text
    text, place = with_new_field(text, "text", "Über alles?")
    assert (place, as_data(text)["fields"][3]["name"]) == (3, "uber_alles")
    assert as_data(text)["steps"][1]["fields"] == ["c", "uber_alles"]
    text, place = with_field_moved(text, 1, -1)
    assert (place, as_data(text)["steps"][0]["fields"]) == (0, ["b", "a"])
    assert as_data(without_field(text, 0))["steps"][0]["fields"] == ["a"]


def test_a_new_question_never_takes_a_name_that_is_there() -> None:
    text = "fields:\n  - {name: email}\n"
    text, _ = with_new_field(text, "name:email", "")
    text, _ = with_new_field(text, "text", "E-mail")
    text, _ = with_new_field(text, "text", "Email")
    assert [each["name"] for each in as_data(text)["fields"]] == ["email", "email_2", "e_mail", "email_answer"]


def test_what_is_no_list_of_questions_is_not_written_over() -> None:
    with pytest.raises(CannotEdit):
        with_new_field("fields: some\n", "text", "x")
