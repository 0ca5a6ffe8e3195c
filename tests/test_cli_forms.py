"""`flask forms check` and `flask forms import`, as the person who types them sees them."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from dotenv import dotenv_values

from tests.conftest import Install

pytestmark = pytest.mark.thorough_on_postgresql  # drafts and versions are few rows

REPOSITORY = Path(__file__).parents[1]
PAGES = sorted((REPOSITORY / "tests" / "pages").glob("*.html"))

LINE = re.compile(r"^(?P<file>[^:]+):(?P<line>[1-9][0-9]*): (?P<key>[^:]+): (?P<what>.+); (?P<mend>.+)$")

GOOD = """\
title: Quote
web_key: LF_quote
fields:
  - {name: firstName}
  - {name: lastName}
vendor: {name: clienttether, web_key: "${KEY}"}
"""


def test_a_folder_without_mistakes_is_fine(install: Install) -> None:
    result = install({"quote": GOOD, "two": GOOD.replace("LF_quote", "LF_two")}, KEY="k").cli("forms", "check")
    assert (result.exit_code, result.stdout) == (0, "")
    assert result.stderr == "2 form files checked, no mistakes.\n"


def test_each_mistake_is_a_line_and_the_command_ends_with_1(install: Install) -> None:
    wrong = GOOD.replace("title:", "titel:").replace("LF_quote", "LF_bad").replace("lastName", "lastName, type: txt")
    result = install({"bad": wrong, "quote": GOOD}, KEY="k").cli("forms", "check")
    assert result.exit_code == 1
    lines = [LINE.match(line) for line in result.stdout.splitlines()]
    assert [(line["file"], line["line"], line["key"]) for line in lines if line] == [
        ("forms/bad.yaml", "1", "titel"),
        ("forms/bad.yaml", "5", "fields[2].type"),
    ]
    assert "no mistakes" not in result.output


def test_warnings_are_shown_and_are_no_mistakes(install: Install) -> None:
    literal = GOOD.replace('"${KEY}"', "CT_secret")
    result = install({"quote": literal}).cli("forms", "check")
    assert result.exit_code == 0
    assert result.stdout.startswith("forms/quote.yaml:6: vendor.web_key: warning: ")
    assert "CT_secret" not in result.output


def test_warnings_are_shown_beside_mistakes(install: Install) -> None:
    result = install({"quote": GOOD.replace('"${KEY}"', "CT_secret") + "retention: never\n"}).cli("forms", "check")
    assert [line.split(":")[1] for line in result.stdout.splitlines()] == ["6", "7"]
    assert result.exit_code == 1


def test_one_file_can_be_checked(install: Install) -> None:
    installation = install({"quote": GOOD, "bad": "nothing"}, KEY="k")
    assert installation.cli("forms", "check", str(installation.root / "forms" / "quote.yaml")).exit_code == 0
    result = installation.cli("forms", "check", str(installation.root / "forms" / "bad.yaml"))
    assert (result.exit_code, result.stdout.partition(": ")[0]) == (1, "forms/bad.yaml:1")


def test_another_folder_can_be_checked(install: Install, tmp_path: Path) -> None:
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    (elsewhere / "bad.yaml").write_text("nothing")
    result = install({"quote": GOOD}, KEY="k").cli("forms", "check", str(elsewhere))
    assert result.exit_code == 1
    assert result.stdout.startswith(f"{elsewhere}/bad.yaml:1: file: ")


def test_what_is_not_there_is_said(install: Install) -> None:
    result = install().cli("forms", "check", "nowhere")
    assert (result.exit_code, result.stderr) == (1, "nowhere: there is no such file or folder\n")


def test_an_empty_folder_has_no_mistakes(install: Install) -> None:
    result = install().cli("forms", "check")
    assert (result.exit_code, result.stderr) == (0, "0 form files checked, no mistakes.\n")


def test_two_forms_with_one_web_key_are_both_told(install: Install) -> None:
    result = install({"quote": GOOD, "a-copy": f"# copied\n{GOOD}", "other": GOOD + "zz: 1\n"}, KEY="k").cli(
        "forms", "check"
    )
    assert result.exit_code == 1
    keys = [line for line in result.stdout.splitlines() if ": web_key: " in line]
    assert keys == [
        "forms/a-copy.yaml:3: web_key: is the web_key of other too; give each form one of its own",
        "forms/other.yaml:2: web_key: is the web_key of a-copy too; give each form one of its own",
        "forms/quote.yaml:2: web_key: is the web_key of a-copy too; give each form one of its own",
    ]


def test_a_missing_secret_is_a_mistake(install: Install) -> None:
    result = install({"quote": GOOD}).cli("forms", "check")
    assert result.exit_code == 1
    assert result.stdout == (
        "forms/quote.yaml:6: vendor.web_key: ${KEY} is not set; put KEY=… in .env or in the environment\n"
    )


@pytest.mark.parametrize(
    ("name", "right"), [("Quote", "quote"), ("my form", "my-form"), ("-quote", "quote"), ("größe", "gr-e")]
)
def test_a_file_name_that_is_no_address_is_a_mistake(install: Install, name: str, right: str) -> None:
    result = install({name: GOOD}, KEY="k").cli("forms", "check")
    assert result.exit_code == 1
    assert result.stdout.startswith(f"forms/{name}.yaml:1: file: cannot be served at /f/{name}; ")
    assert result.stdout.endswith(f"{right}.yaml\n")


@pytest.mark.parametrize("suffix", [".yml", ".YAML"])
def test_a_file_that_is_not_read_is_warned_of(install: Install, suffix: str) -> None:
    installation = install({"quote": GOOD}, KEY="k")
    (installation.root / "forms" / f"other{suffix}").write_text("title: Other\n" + GOOD.replace("LF_quote", "LF_o"))
    result = installation.cli("forms", "check", str(installation.root / "forms"))
    assert f"forms/other{suffix}:1: file: warning: is not read, because only .yaml files are" in result.stdout
    assert "rename it to other.yaml" in result.stdout


def test_other_files_are_left_alone(install: Install) -> None:
    installation = install({"quote": GOOD}, KEY="k")
    for name in ("README.md", ".quote.yaml", ".#quote.yaml", "quote.yaml~", "#quote.yaml#"):
        (installation.root / "forms" / name).write_text("nothing")
    (installation.root / "forms" / "old.yaml").mkdir()
    assert installation.cli("forms", "check").exit_code == 0


def test_a_file_that_is_no_text_is_a_mistake(install: Install) -> None:
    installation = install(KEY="k")
    (installation.root / "forms" / "quote.yaml").write_bytes(GOOD.replace("Quote", "Caf\xe9").encode("latin-1"))
    result = installation.cli("forms", "check")
    assert result.exit_code == 1
    assert result.stdout.startswith("forms/quote.yaml:1: file: cannot be read as UTF-8 text; ")


def test_the_demo_has_neither_mistakes_nor_warnings(install: Install) -> None:
    given = {name: value for name, value in dotenv_values(REPOSITORY / ".env.example").items() if value}
    result = install(**given).cli("forms", "check", str(REPOSITORY / "forms"))
    assert (result.exit_code, result.stdout) == (0, "")
    assert result.stderr == "6 form files checked, no mistakes.\n"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.stem)
def test_an_imported_form_needs_only_its_secrets(install: Install, page: Path) -> None:
    installation = install()
    imported = installation.cli("forms", "import", str(page))
    if imported.exit_code:
        assert "no form that takes leads was found" in imported.stderr
        return
    mistakes = [line for line in installation.cli("forms", "check").stdout.splitlines() if ": warning: " not in line]
    assert mistakes
    assert all(re.search(r"\$\{[A-Z_]+\} is not set", line) for line in mistakes), mistakes
    named = re.findall(r"\$\{([A-Z_]+)\} is not set", "\n".join(mistakes))
    complete = install(**dict.fromkeys(named, "https://hook.example/leads"))
    complete.cli("forms", "import", str(page))
    checked = complete.cli("forms", "check")
    assert checked.exit_code == 0, checked.stdout
