"""What a page knows of its questions. That it is the same that the server knows is held in a browser."""

from __future__ import annotations

import pytest

from leadferry.form_file import Surroundings, load
from leadferry.forms import Form
from leadferry.messages import say
from leadferry.questions import known, portable
from leadferry.vendors import ADAPTERS

WEBHOOK = "{name: webhook, url: https://hooks.example.com/}"


def form(fields: str, *, vendor: str = WEBHOOK, language: str = "en") -> Form:
    text = f"language: {language}\nfields:\n{fields}\nvendor: {vendor}\n"
    found, _ = load("ask", text, "ask.yaml", Surroundings(ADAPTERS, lambda _: "secret"))
    return found


def test_what_needs_no_telling_is_not_told() -> None:
    assert known(form("  - {name: tag, type: hidden, value: web}\n  - {name: sure, type: consent}")) == {}


def test_a_sentence_is_the_servers_in_the_forms_language() -> None:
    told = known(form("  - {name: n, label: N, type: number, required: true, min: 2}", language="es"))["n"]
    assert told["required"] == ["lf202", say("required", "es", label="N")]
    assert told["required"] != ["lf202", say("required", label="N")]
    assert told["limits"][0][0] == 2.0
    assert told["limits"][1] is None


def test_a_name_that_the_vendor_must_have_is_missed_by_its_own_code() -> None:
    fields = "  - {name: firstName, required: true}\n  - {name: lastName, required: true}"
    told = known(form(fields, vendor="{name: clienttether, web_key: key}"))
    assert told["firstName"]["required"][0] == "ct102"


def test_where_one_name_stands_for_the_others_none_is_insisted_on() -> None:
    fields = "  - {name: name, required: true}\n  - {name: firstName, required: true}\n  - {name: lastName}"
    assert [name for name, told in known(form(fields)).items() if "required" in told] == []


@pytest.mark.parametrize("if_invalid", ["drop", "pass"])
def test_what_the_server_takes_as_it_is_the_page_does_not_judge(if_invalid: str) -> None:
    told = known(form(f"  - {{name: n, type: number, min: 2, if_invalid: {if_invalid}}}"))["n"]
    assert told == {"fill": 1}


@pytest.mark.parametrize(
    ("pattern", "in_a_browser"),
    [
        ("[A-Z]{3}", "[A-Z]{3}"),
        (r"\d+\.\d", r"\p{Nd}+\.\p{Nd}"),
        (r"\\d", r"\\d"),
        (r"\w+", None),
        (r"a\b", None),
        (r"\s\S", r"\s\S"),
    ],
)
def test_a_pattern_is_a_browsers_where_both_mean_the_same(pattern: str, in_a_browser: str | None) -> None:
    (each,) = form(f"  - {{name: a, pattern: '{pattern}'}}").fields
    assert portable(each) == in_a_browser


def test_the_pattern_of_what_is_put_in_order_first_is_the_servers_alone() -> None:
    (each,) = form("  - {name: a, type: phone, pattern: '5.*'}").fields
    assert portable(each) is None
