"""What the page judges by itself and what the server does: the same answers, put to both."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.sync_api import Page, expect

from leadferry.forms import Form, is_shown
from leadferry.submission import read
from leadferry.vendors.base import Value
from tests.browser.stage import Stage

pytestmark = pytest.mark.browser

VENDOR = "\nvendor: {name: webhook, url: https://hooks.example.com/leads, wait: 0}\n"

TEXTS: dict[str, list[str]] = {
    "type: email": [
        "jane@example.com", "JANE+tag@sub.example.co.uk", "jane", "jane@", "@example.com", "jane@example", "a@b@c.de",
        "jane doe@example.com", "  jane@example.com ", "jane@müller.de", "jané@example.com", "jane@例え。jp",
        "a..b@x.de",
        "Jane <jane@example.com>", "jane&#64;example.com", "jane@exam\u200bple.com", "jane@example.com.",
        "jane@.com", "-@-.de",
    ],
    "type: phone": [
        "(512) 789-1111", "+1 512 789 1111", "1-512-789-1111", "5127891111",
        "512.789.1111 x12", "+44 20 7946 0958", "01 23 45 67 89",
        "call me", "12345", "123456", "512–789–1111", "(+1) 512 789 1111", "512/789/1111",
        "512 789 1111 ext. 7", "1" * 16, "+",
        "512-789-1111(h)", "٥١٢٧٨٩١١١١", "\u00a0512\u2009789\u00a01111",
    ],
    "type: number": [
        "12", "1,200", "$1,000", "€ 99.50", "-5", "+5", ".5", "1,2", "12,00", "ten", "5 rooms",
        "1e3", "", "0", "３", "- 5", "$-5",
        "1.5.2", "007", "1 000", "£.50",
    ],
    "type: number, min: 2, max: 40.5": ["1", "2", "1.99", "40.5", "40.51", "1,000", "$3", "-7", "x", "2e1", " 41 "],
    "type: text, required: true": [
        "", " ", "\u00a0", "\u200b", "\ufeff", "x", "<b></b>", "<b>x</b>", "&nbsp;", "0", "\u2028", "\u3000",
    ],
    "type: text, pattern: '[A-Z]{2}\\d+'": [
        "AB1", "AB", "ab1", "AB٣", " AB1 ", "A&#66;1", "<i>AB1</i>", "AB1\u200b", "AB1x",
    ],
    "type: text, pattern: '\\w+'": ["Müller", "a b", "x"],
    "type: text, pattern: 'a|b c'": ["a", "b c", "ab c", "b  c", "A"],
    "type: text, pattern: '(?i)abc'": ["ABC", "abd"],
    "type: text, pattern: '.{2,3}'": ["a", "ab", "abcd", "👍👍", "é\u0301e", "👨‍👩‍👧"],
    "type: text, pattern: '[^\\s]+@(x|y)++'": ["a@x", "a @x", "a@z"],
    "type: date, min: 2026-01-01, max: 2026-12-31": ["2026-06-01", "2025-12-31", "2027-01-01", "2026-01-01"],
    "type: dob, min: 1980-01-01": ["1979-12-31", "1980-01-01", "1850-01-01"],
    "type: textarea, required: true": ["", "two\nlines", "\n\n", "\t"],
    "type: email, if_invalid: pass": ["jane", "nobody at all"],
    "type: number, min: 5, if_invalid: drop": ["1", "x"],
    "type: email, required: true, if_invalid: pass": ["", "jane"],
}  # fmt: skip


def form_of(stage: Stage, name: str) -> Form:
    found = stage.installation.site.office.catalog.get(name)
    assert isinstance(found, Form)
    return found


@pytest.mark.parametrize("number", range(len(TEXTS)), ids=list(TEXTS))
def test_the_page_says_what_the_server_says_and_refuses_nothing_that_it_takes(
    stage: Stage, page: Page, number: int
) -> None:
    rule = list(TEXTS)[number]
    texts = dict(enumerate(TEXTS[rule]))
    fields = [f"  - {{name: q{i}, label: Question {i}, {rule}}}" for i in texts]
    sure = "  - {name: sure, label: Sure, type: email}"  # so that the page always has something to refuse
    name = f"judged-{number}"
    page.goto(stage.publish(name, "title: Judged\nfields:\n" + "\n".join([*fields, sure]) + VENDOR))
    for i, text in texts.items():
        page.locator(f"[name=q{i}]").evaluate("(input, text) => { input.value = text }", text)
    page.get_by_label("Sure").fill("nobody")
    page.get_by_role("button").click()
    expect(page.get_by_role("alert")).to_be_visible()
    sent = {i: page.locator(f"[name=q{i}]").input_value() for i in texts}
    submission = read(form_of(stage, name), [(f"q{i}", text) for i, text in sent.items()])
    by_server = {each.field: each.message for each in submission.errors}
    by_page = {
        f"q{i}": said
        for i in texts
        if (said := page.locator(f"#{name}-{i + 1}-error").all_inner_texts())
    }  # fmt: skip
    assert by_page == {name: [by_server.get(name)] for name in by_page}


CONDITIONS = """
title: Conditions
fields:
  - {name: pick, type: select, options: [One, Two, Three]}
  - {name: ring, type: radio, options: [A, B]}
  - {name: many, type: checkboxes, options: [X, Y, Z]}
  - {name: tick, type: checkbox}
  - {name: count, type: number}
  - {name: word}
  - {name: kept, type: hidden, value: secret}
  - {name: one, show_if: {pick: One}}
  - {name: either, show_if: {pick: [One, Two]}}
  - {name: both, show_if: {pick: One, ring: B}}
  - {name: member, show_if: {many: [Y, Z]}}
  - {name: ticked, show_if: {tick: true}}
  - {name: unticked, show_if: {tick: false}}
  - {name: counted, show_if: {count: "1000"}}
  - {name: worded, show_if: {word: yes please}}
  - {name: by_hidden, show_if: {kept: secret}}
  - {name: not_by_hidden, show_if: {kept: public}}
  - {name: chained, show_if: {one: go}}
  - {name: twice_chained, show_if: {chained: [go, on]}}
  - {name: box, type: checkbox, show_if: {pick: Two}}
  - {name: by_box, show_if: {box: false}}
"""

ANSWERS: list[dict[str, Value]] = [
    {},
    {"pick": "One"},
    {"pick": "Two"},
    {"pick": "Three", "ring": "B"},
    {"pick": "One", "ring": "B"},
    {"pick": "One", "ring": "A"},
    {"many": ["X"]},
    {"many": ["X", "Z"]},
    {"tick": "1"},
    {"count": "1000"},
    {"count": "1,000"},
    {"count": "$1,000"},
    {"count": "999"},
    {"word": "yes please"},
    {"word": " yes please "},
    {"word": "Yes please"},
    {"pick": "One", "one": "go"},
    {"pick": "Two", "one": "go"},
    {"pick": "One", "one": "go", "chained": "on"},
    {"pick": "Two", "one": "go", "chained": "on"},
    {"pick": "One", "one": "no", "chained": "on"},
    {"pick": "Two", "box": "1"},
    {"pick": "One", "box": "1"},
]

GIVE = """(form, given) => {
  for (const input of form.querySelectorAll("select, textarea, input:not([type=hidden])")) {
    const answers = [].concat(given[input.name] || []);
    if (["radio", "checkbox"].includes(input.type)) input.checked = answers.includes(input.value);
    else input.value = answers[0] || "";
  }
  form.dispatchEvent(new Event("input"));
  const asked = [...form.querySelectorAll(".field:not([hidden]) [name]:not(:disabled)")].map(({ name }) => name);
  return [...new Set(asked)];
}"""


def test_the_page_asks_what_the_server_would(stage: Stage, page: Page) -> None:
    page.goto(stage.publish("conditions", CONDITIONS + VENDOR))
    form = form_of(stage, "conditions")
    for given in ANSWERS:
        pairs = [
            (name, text)
            for name, answer in given.items()
            for text in (answer if isinstance(answer, list) else [answer])
        ]
        values = _before_hiding(form, pairs)
        expected = [each.name for each in form.fields if each.kind != "hidden" and is_shown(each, values, form.by_name)]
        assert page.locator("form").evaluate(GIVE, given) == expected, given


def _texts(answer: Value) -> list[str]:
    return answer if isinstance(answer, list) else [answer]


def _before_hiding(form: Form, pairs: list[tuple[str, str]]) -> dict[str, Any]:
    """The values by which the server decides: what was answered, hidden or not, in its own form."""
    found: dict[str, Any] = {"kept": "secret"}
    for name, text in pairs:
        alone = read(form, [(name, text)]).values.get(name)
        found[name] = text.strip() if alone is None else alone
    return found | {name: [text for other, text in pairs if other == name] for name, _ in pairs if name == "many"}
