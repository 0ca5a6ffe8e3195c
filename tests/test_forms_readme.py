"""forms/README.md is the reference of form files, and is held to the code here."""

from __future__ import annotations

import re

import pytest

from leadferry.fields import CAMPAIGN, RESERVED, TYPES
from leadferry.vendors import ADAPTERS
from tests.conftest import Install
from tests.installation import REPOSITORY

README = (REPOSITORY / "forms" / "README.md").read_text("utf-8")


def names_below(heading: str) -> list[str]:
    """What stands in code style in the first column of the tables of a section."""
    section = README.split(f"\n{heading}\n", 1)[1].split("\n## ", 1)[0]
    cells = re.findall(r"^\| ([^|]*) \|", section, re.MULTILINE)
    return [name for cell in cells for name in re.findall(r"`([^`]+)`", cell) if name != "type"]


def accepted_keys(install: Install, text: str) -> str:
    installation = install({"probe": text})
    return installation.cli("forms", "check").stdout


@pytest.mark.parametrize("key", names_below("## The form"))
def test_every_key_of_the_form_is_one_that_the_reader_knows(install: Install, key: str) -> None:
    assert f"{key}: is not a key" not in accepted_keys(
        install, f"{key}: x\nvendor: {{name: webhook, url: https://e.com}}\n"
    )


@pytest.mark.parametrize("key", [each for each in names_below("## A field") if each not in TYPES])
def test_every_key_of_a_field_is_one_that_the_reader_knows(install: Install, key: str) -> None:
    text = f"fields:\n  - {{name: a, {key}: x}}\nvendor: {{name: webhook, url: https://e.com}}\n"
    assert "is not a key" not in accepted_keys(install, text)


def test_the_types_are_all_of_them() -> None:
    assert [each for each in names_below("### Types") if each in TYPES] == list(TYPES)


def test_the_known_names_are_all_of_them() -> None:
    found = names_below("## Names that are known")
    assert found[: len(RESERVED)] == list(RESERVED)
    assert found[len(RESERVED) : len(RESERVED) + len(CAMPAIGN)] == list(CAMPAIGN)


@pytest.mark.parametrize("name", ADAPTERS)
def test_every_key_of_a_vendor_is_named(name: str) -> None:
    row = next(line for line in README.splitlines() if line.startswith(f"| `{name}` |"))
    for setting in ADAPTERS[name].settings:
        assert f"`{setting.name}`" in row
