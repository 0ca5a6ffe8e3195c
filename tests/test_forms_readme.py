"""forms/README.md says what the reader of form files does: no key less, no key more."""

from __future__ import annotations

import re
from itertools import takewhile
from pathlib import Path

import pytest

from leadferry.config import KEPT_BACK
from leadferry.fields import CAMPAIGN, CONTROL_NAMES, KINDS, RESERVED, TYPES
from leadferry.form_file import FormFileError, Surroundings, load
from leadferry.vendors import ADAPTERS
from leadferry.web.theme import KEYS as THEME_KEYS

README = Path(__file__).parents[1] / "forms" / "README.md"
TEXT = README.read_text("utf-8")
AROUND = Surroundings(ADAPTERS, lambda _: "secret")

Row = list[str]


def section(title: str) -> str:
    """What stands below a heading."""
    return TEXT.partition(f"\n## {title}\n")[2].partition("\n## ")[0]


def tables(text: str) -> list[list[Row]]:
    """Each table as rows of cells, without its head."""
    found: list[list[Row]] = []
    for block in re.split(r"\n(?!\|)", text):
        rows = [[cell.strip() for cell in line.strip("|").split("|")] for line in block.splitlines() if line[:1] == "|"]
        if rows:
            found.append(rows[2:])
    return found


def codes(cell: str) -> list[str]:
    return re.findall(r"`([^`]+)`", cell)


def first_codes(rows: list[Row]) -> list[str]:
    return [code for row in rows for code in codes(row[0])]


def keys_asked_for(text: str, where: str) -> set[str]:
    """What the reader says that the keys are, when it meets one that is like none of them."""
    with pytest.raises(FormFileError) as error:
        load("quote", text, "quote.yaml", AROUND)
    [message] = [each.message for each in error.value.problems if each.key == where]
    return set(re.split(r", | and ", message.partition("the keys are ")[2]))


def test_the_keys_of_a_form_file_are_those_that_it_asks_for() -> None:
    documented = first_codes(tables(section("Keys of a form file"))[0])
    assert set(documented) == keys_asked_for("zzzzzz: 1\n", "zzzzzz")
    assert len(documented) == len(set(documented))


def test_the_keys_of_a_field_are_those_that_it_asks_for() -> None:
    documented = first_codes(tables(section("Keys of a field"))[0])
    assert set(documented) == keys_asked_for("fields: [{name: a, zzzzzz: 1}]\n", "fields[1].zzzzzz")


def test_the_keys_of_a_step_and_of_an_option_are_those_that_they_ask_for() -> None:
    assert "A step has the keys `title` and `fields`." in TEXT
    assert keys_asked_for("steps: [{zzzzzz: 1}]\n", "steps[1].zzzzzz") == {"title", "fields"}
    assert "`{value: both, label: Both}`" in section("Keys of a field")
    option = "fields: [{name: a, type: radio, options: [{value: x, zzzzzz: 1}]}]\n"
    assert keys_asked_for(option, "fields[1].options.zzzzzz") == {"value", "label"}


@pytest.mark.parametrize("adapter", ADAPTERS.values(), ids=ADAPTERS)
def test_the_keys_of_a_vendor_block_are_those_that_it_asks_for(adapter: object) -> None:
    common, own = tables(section("Keys of a vendor block"))
    name = adapter.name  # type: ignore[attr-defined]
    start = next(i for i, row in enumerate(own) if row[0].startswith(f"[{name}]"))
    rows = [own[start], *takewhile(lambda row: not row[0], own[start + 1 :])]
    documented = {code for row in rows for code in codes(row[1])}
    asked = keys_asked_for(f"vendor: {{name: {name}, zzzzzz: 1}}\n", "vendor.zzzzzz")
    assert documented | set(first_codes(common)) == asked
    settings = {setting.name: setting for setting in ADAPTERS[name].settings}
    assert documented == set(settings)
    for row in rows:
        for code in codes(row[1]):
            assert ("required" in row[2], "secret" in row[2]) == (settings[code].required, settings[code].secret), code
            if settings[code].choices and code in row[1] and len(codes(row[1])) == 1:
                assert set(codes(row[3])) == set(settings[code].choices)


def test_every_vendor_is_named_and_no_other() -> None:
    common, own = tables(section("Keys of a vendor block"))
    assert codes(common[0][2]) == list(ADAPTERS)
    linked = [re.match(r"\[(\w+)\]\((.+)\)", row[0]) for row in own if row[0]]
    assert [link[1] for link in linked if link] == list(ADAPTERS)
    assert all((README.parent / link[2]).exists() for link in linked if link)


def test_the_types_are_those_there_are() -> None:
    rows = tables(section("Field types"))[0]
    assert tuple(first_codes(rows)) == TYPES
    assert {codes(row[0])[0]: int(row[2]) for row in rows} == {name: KINDS[name].max_length for name in TYPES}


def test_what_is_said_of_values_is_so() -> None:
    rows = tables(section("Field types"))[0]
    shown = [(codes(row[0])[0], re.findall(r"`([^`]+)` becomes `([^`]+)`", row[1])) for row in rows]
    examples = [(kind, typed, kept) for kind, pairs in shown for typed, kept in pairs]
    assert len(examples) >= 8
    for kind, typed, kept in examples:
        assert KINDS[kind].normalise(typed) == kept


def test_the_reserved_names_are_those_there_are() -> None:
    rows = tables(section("Names that mean something"))[0]
    pairs = [(codes(name)[0], codes(kind)[0]) for row in rows for name, kind in ((row[0], row[1]), (row[3], row[4]))]
    assert dict(pairs) == dict(RESERVED)
    assert len(pairs) == len(RESERVED)


def test_the_campaign_names_and_their_lengths_are_those_there_are() -> None:
    rows = tables(section("Names that mean something"))[1]
    assert {name: int(row[1]) for row in rows for name in codes(row[0])} == dict(CAMPAIGN)


def test_the_control_names_are_those_there_are() -> None:
    said = section("Names that mean something").partition("**Control names**")[2]
    assert set(codes(said)) == CONTROL_NAMES | {"_lf_"}


def test_the_themes_keys_are_those_there_are_and_its_examples_are_taken() -> None:
    rows = tables(section("Keys of a form file"))[1]
    assert set(first_codes(rows)) == set(THEME_KEYS)
    for row in rows:
        for key in codes(row[0]):
            for example in codes(row[1]):
                text = f"theme: {{{key}: {example}}}\nfields: [{{name: a}}]\nvendor: {{name: webhook, url: 'https://x.example'}}\n"
                quoted = text.replace("Georgia, serif", '"Georgia, serif"')
                assert load("quote", quoted, "quote.yaml", AROUND)[0].theme == {key: example.strip('"')}


def test_the_secrets_that_are_kept_back_are_named() -> None:
    assert set(codes(section("Secrets").partition("own secrets")[2].partition("cannot")[0])) == KEPT_BACK


def test_the_examples_are_right() -> None:
    for text in re.findall(r"```yaml\n(.*?)```", TEXT, re.DOTALL):
        _, warnings = load("quote", text, "quote.yaml", AROUND)
        assert warnings == []


def test_its_links_lead_somewhere() -> None:
    for link in re.findall(r"\]\(([^)]+)\)", TEXT):
        assert (README.parent / link).exists(), link
