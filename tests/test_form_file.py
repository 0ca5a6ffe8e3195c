from __future__ import annotations

import time
from collections.abc import Mapping
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from leadferry.fields import CAMPAIGN, KINDS, TYPES
from leadferry.form_file import FormFileError, Problem, Surroundings, load, version_of
from leadferry.forms import Field, Form, is_shown
from leadferry.vendors import ADAPTERS
from leadferry.vendors.base import Secret, Template

DEMO = sorted((Path(__file__).parents[1] / "forms").glob("*.yaml"))

ENVIRON = {"KEY": "the-secret-value", "SITE": "https://site.example", "NOT_A_SITE": "no site"}

HOOK = "vendor: {name: webhook, url: 'https://hook.example/leads'}\n"
TETHER = "vendor: {name: clienttether, web_key: '${KEY}'}\n"
KARTRA = "vendor: {name: kartra, app_id: '${KEY}', api_key: '${KEY}', api_password: '${KEY}'%s}\n"
NAMES = "fields:\n  - {name: firstName}\n  - {name: lastName}\n"

EXAMPLE = """\
title: Get a free quote
intro: <p>Tell us about your home.</p><script>alert(1)</script>
submit: Get my quote
language: en
web_key: LF_quote_1                        # what a pasted HTML form sends
fields:
  - {name: firstName, label: First name, required: true}
  - {name: lastName,  label: Last name,  required: true}
  - {name: phone, label: Mobile}
  - {name: email, label: E-mail}
  - {name: service, label: What do you need?, type: select, options: [Windows, Doors, {value: both, label: Both}]}
  - {name: rooms, label: How many rooms?, type: number, show_if: {service: both}}
  - {name: Favorite Chocolate, label: Favourite chocolate}
  - {name: smsok, type: consent, label: You may text me about my quote., required: false}
  - {name: tag, type: hidden, value: "web,quote"}
steps: []
vendor:
  name: clienttether
  web_key: ${KEY}
  wait: 8
also: []
on_success_url: https://www.example.com/thanks
on_error_url: https://www.example.com/oops
origins: [https://www.example.com]
framing: anywhere
expansion: accept
theme: {accent: "#0a7d5a", radius: 8px, font: inherit}
campaign: send
retention: 90d
"""


def around(environ: Mapping[str, str] = ENVIRON) -> Surroundings:
    return Surroundings(ADAPTERS, environ.get)


def read(text: str) -> Form:
    return load("quote", text, "forms/quote.yaml", around())[0]


def first_field(entry: str, vendor: str = HOOK) -> Field:
    return read(f"fields:\n  - {entry}\n{vendor}").fields[0]


def found(text: str, environ: Mapping[str, str] = ENVIRON) -> list[Problem]:
    """Every mistake and warning."""
    try:
        return load("quote", text, "forms/quote.yaml", around(environ))[1]
    except FormFileError as error:
        return [*(error.problems or pytest.fail("refused for no reason")), *error.warnings]


def mistakes(text: str) -> list[str]:
    """As `line: key: message`."""
    with pytest.raises(FormFileError) as error:
        read(text)
    return [str(problem).removeprefix("forms/quote.yaml:") for problem in error.value.problems]


def warnings(text: str) -> list[str]:
    return [str(problem).removeprefix("forms/quote.yaml:") for problem in found(text) if problem.warning]


# --- what is read ---


def test_the_example_is_read() -> None:
    form = read(EXAMPLE)
    assert [field.name for field in form.fields] == [
        "firstName", "lastName", "phone", "email", "service", "rooms", "Favorite Chocolate", "smsok", "tag",
    ]  # fmt: skip
    assert (form.title, form.submit, form.web_key) == ("Get a free quote", "Get my quote", "LF_quote_1")
    assert form.intro == "<p>Tell us about your home.</p>"
    assert form.by_name["service"].options[2].label == "Both"
    assert form.by_name["rooms"].show_if == {"service": ("both",)}
    assert form.by_name["tag"].value == "web,quote"
    assert (form.vendor.name, form.vendor.adapter, form.vendor.wait) == ("vendor", "clienttether", 8.0)
    assert form.origins == ("https://www.example.com",)
    assert form.theme == {"accent": "#0a7d5a", "radius": "8px", "font": "inherit"}
    assert form.retention == 90
    assert found(EXAMPLE) == []


def test_almost_everything_may_be_left_out() -> None:
    form = read(NAMES + HOOK)
    assert (form.title, form.submit, form.language, form.direction) == ("quote", "Send", "en", "ltr")
    assert (form.web_key, form.steps, form.also, form.origins) == (None, (), (), ())
    assert (form.framing, form.expansion, form.campaign, form.retention) == ("anywhere", "accept", "send", 90)
    assert (form.on_success_url, form.on_error_url, form.theme) == (None, None, {})
    field = form.fields[0]
    assert (field.label, field.required, field.value, field.if_invalid) == ("First name", False, None, "ask")


@pytest.mark.parametrize("written", ["no", "007", "1.50", "2026-01-02", "0x1F", "1_000", "on", ".inf", "12:30:45"])
def test_a_plain_value_is_the_text_that_was_written(written: str) -> None:
    assert first_field(f"{{name: a, label: {written}}}").label == written


@pytest.mark.parametrize("nothing", ["", "~", "null", '""'])
def test_an_empty_value_is_as_good_as_none(nothing: str) -> None:
    form = read(f"title: {nothing}\nalso: {nothing}\nsteps: {nothing}\ntheme: {nothing}\n{NAMES}{HOOK}")
    assert (form.title, form.also, form.steps, form.theme) == ("quote", (), (), {})


def test_lines_may_end_as_they_do_on_windows() -> None:
    windows = EXAMPLE.replace("\n", "\r\n")
    assert read("\ufeff" + windows).title == "Get a free quote"
    assert version_of(windows) == version_of(EXAMPLE)


def test_a_version_is_a_name_for_a_content() -> None:
    assert len(version_of(EXAMPLE)) == 12
    assert version_of(EXAMPLE) != version_of(EXAMPLE.replace("free", "good"))
    assert read(EXAMPLE).version == version_of(EXAMPLE)


@pytest.mark.parametrize(
    ("language", "direction"), [("en", "ltr"), ("pt-BR", "ltr"), ("ar", "rtl"), ("he-IL", "rtl"), ("fa", "rtl")]
)
def test_the_language_sets_the_direction(language: str, direction: str) -> None:
    assert read(f"language: {language}\n{NAMES}{HOOK}").direction == direction


# --- fields ---


@pytest.mark.parametrize("kind", TYPES)
def test_every_type_can_be_written(kind: str) -> None:
    options = ", options: [one, two]" if kind in {"select", "radio", "checkboxes"} else ""
    vendor = "vendor: {name: aicore, url: 'https://x.example/service', sitecom_token: '${KEY}'}\n"
    field = first_field(f"{{name: anything, type: {kind}{options}}}", vendor)
    assert (field.kind, field.max_length) == (kind, KINDS[kind].max_length)


@pytest.mark.parametrize(
    ("entry", "vendor", "kind"),
    [
        ("{name: phone}", HOOK, "phone"),
        ("{name: phone}", TETHER, "phone10"),
        ("{name: phone, type: phone}", TETHER, "phone10"),
        ("{name: phone, type: hidden}", TETHER, "hidden"),
        ("{name: mobile, send_as: phone}", TETHER, "phone10"),
        ("{name: phone, send_as: Mobile}", TETHER, "phone"),
        ("{name: Mobile}", TETHER, "text"),
        ("{name: state}", HOOK, "state"),
        ("{name: state}", TETHER, "state2"),
        ("{name: zip}", TETHER, "zip_us_ca"),
        ("{name: gender, type: select, options: [M, F]}", TETHER, "select"),
        ("{name: notes}", HOOK, "textarea"),
        ("{name: smsok}", HOOK, "flag"),
        ("{name: lead_picture}", KARTRA % "", "url"),
        ("{name: lead_picture}", HOOK, "text"),
        ("{name: lead_picture, type: textarea}", KARTRA % "", "textarea"),
    ],
)
def test_a_name_implies_its_type(entry: str, vendor: str, kind: str) -> None:
    assert first_field(entry, vendor).kind == kind


def test_the_vendor_blocks_names_imply_a_type_too() -> None:
    vendor = "vendor: {name: clienttether, web_key: '${KEY}', fields: {mobile: phone, cell: second_phone}}\n"
    form = read(NAMES + "  - {name: mobile}\n" + vendor)
    assert form.by_name["mobile"].kind == "phone10"
    assert form.formats["cell"] == "phone10"  # no field of the page, but a pasted form may send it
    assert form.knows("cell")


def test_a_name_implies_autocomplete() -> None:
    assert first_field("{name: firstName}").autocomplete == "given-name"
    assert first_field("{name: reply, type: email}").autocomplete == "email"


def test_a_campaign_name_keeps_its_length() -> None:
    assert first_field("{name: page_url, type: hidden}").max_length == CAMPAIGN["page_url"]


def test_a_hidden_value_is_brought_into_the_form_that_its_name_implies() -> None:
    fields = NAMES + "  - {name: smsok, type: hidden, value: yes}\n  - {name: state, type: hidden, value: Texas}\n"
    form = read(fields + TETHER)
    assert (form.by_name["smsok"].value, form.by_name["state"].value) == ("1", "TX")


def test_limits_are_brought_into_the_form_of_answers() -> None:
    field = first_field('{name: a, type: number, min: "1,000", max: $2,500.50}'.replace("$2,500.50", '"$2,500.50"'))
    assert (field.minimum, field.maximum) == ("1000", "2500.50")
    field = first_field("{name: a, type: date, min: 12/31/2025}")
    assert field.minimum == "2025-12-31"


def test_an_option_is_what_comes_back_from_a_page() -> None:
    field = first_field('{name: a, type: select, options: ["AT&amp;T", "  both  ", {value: "e\\u0301", label: E}]}')
    assert [option.value for option in field.options] == ["AT&T", "both", "é"]


def test_help_and_intro_are_cleaned_and_labels_stay_text() -> None:
    field = first_field('{name: a, label: "a <b>c</b>", help: "<b onclick=x()>d</b><script>e</script>"}')
    assert (field.label, field.help) == ("a <b>c</b>", "<b>d</b>")


def test_a_condition_is_written_as_the_answers_are() -> None:
    form = read(
        "fields:\n"
        "  - {name: ok, type: consent}\n"
        "  - {name: rooms, type: number}\n"
        "  - {name: a, show_if: {ok: true}}\n"
        '  - {name: b, show_if: {rooms: ["1,000", 2]}}\n'
        "  - {name: c, show_if: {ok: false}}\n" + HOOK
    )
    assert form.by_name["a"].show_if == {"ok": ("1",)}
    assert form.by_name["b"].show_if == {"rooms": ("1000", "2")}
    not_ticked = form.by_name["c"]
    assert is_shown(not_ticked, {}, form.by_name)  # a box that is not ticked sends nothing
    assert is_shown(not_ticked, {"ok": "0"}, form.by_name)
    assert not is_shown(not_ticked, {"ok": "1"}, form.by_name)


# --- vendors ---


def test_a_secret_stays_a_name() -> None:
    form = read(NAMES + TETHER)
    assert form.vendor.settings["web_key"] == Template((Secret("KEY"),))
    assert "the-secret-value" not in repr(form)


def test_a_text_may_hold_several_names() -> None:
    form = read(NAMES + "vendor: {name: webhook, url: '${SITE}/in?k=${KEY}'}\n")
    assert form.vendor.url == Template((Secret("SITE"), "/in?k=", Secret("KEY")))


def test_what_is_no_secret_gets_its_value_at_once() -> None:
    vendor = "vendor: {name: vcita, token: '${KEY}', request_title: 'From ${SITE}'}\n"
    assert read(NAMES + vendor).vendor.settings["request_title"] == "From https://site.example"


@pytest.mark.parametrize(
    ("vendor", "secret"),
    [
        ("{name: clienttether, web_key: CT_literal}", "CT_literal"),
        ("{name: leadconduit, url: 'https://app.leadconduit.com/flows/f1/sources/s1/submit'}", "flows/f1"),
        ("{name: leadconduit, flow_id: f1f1f1, source_id: '${KEY}'}", "f1f1f1"),
    ],
)
def test_a_credential_in_the_file_is_masked_and_warned_of(vendor: str, secret: str) -> None:
    text = f"{NAMES}vendor: {vendor}\n"
    form = read(text)
    assert secret not in repr(form)
    assert secret not in str(form.vendor)
    [warning] = warnings(text)
    assert "is a credential" in warning
    assert secret not in warning


def test_no_problem_shows_a_credential() -> None:
    url = "https://app.leadconduit.com/flows/f1f1f1/sources/s1s1s1/ping?x= y"
    text = f"{NAMES}vendor: {{name: leadconduit, url: '{url}', flow_id: f1f1f1, wait: never}}\n"
    for problem in found(text):
        assert "f1f1f1" not in str(problem)
    assert mistakes(text)


def test_further_vendors_are_numbered_and_have_their_own_names() -> None:
    text = NAMES + HOOK + "also:\n  - {name: webhook, url: 'https://a.example', fields: {firstName: n}}\n"
    form = read(text.replace("{name: firstName}", "{name: firstName, send_as: vorname}"))
    assert [each.name for each in form.destinations] == ["vendor", "also-1"]
    assert (form.vendor.fields, form.also[0].fields) == ({"firstName": "vorname"}, {"firstName": "n"})


def test_the_vendor_blocks_fields_go_before_send_as() -> None:
    vendor = "vendor: {name: webhook, url: 'https://a.example', fields: {a: c}}\n"
    assert read("fields: [{name: a, send_as: b}]\n" + vendor).vendor.fields == {"a": "c"}


@pytest.mark.parametrize(("written", "seconds"), [("0", 0.0), ("0.5", 0.5), ("8", 8.0), ("60", 25.0)])
def test_a_visitor_waits_as_long_as_the_file_says_within_reason(written: str, seconds: float) -> None:
    vendor = f"vendor: {{name: webhook, url: 'https://a.example', wait: {written}}}\n"
    assert read(NAMES + vendor).vendor.wait == seconds


def test_on_unknown_is_the_vendors_unless_the_file_says_otherwise() -> None:
    assert read(NAMES + TETHER).vendor.on_unknown == "hold"
    assert read(NAMES + TETHER.replace("}'", "}', on_unknown: retry")).vendor.on_unknown == "retry"
    assert read(NAMES + HOOK).vendor.on_unknown == "retry"


def test_settings_of_every_kind_are_read() -> None:
    vendor = KARTRA % (
        ", on_duplicate: reject, actions: [{cmd: assign_tag, tag_name: web}],"
        " custom_fields: {colour: {field: c1, options: {Red: 620}}}"
    )
    settings_ = read("fields: [{name: email}]\n" + vendor).vendor.settings
    assert settings_["on_duplicate"] == "reject"
    assert settings_["actions"] == [{"cmd": "assign_tag", "tag_name": "web"}]
    assert settings_["custom_fields"] == {"colour": {"field": "c1", "options": {"Red": "620"}}}
    vendor = "vendor: {name: aicore, url: 'https://x.example/s', sitecom_token: '${KEY}', match_update: yes}\n"
    assert read(NAMES + vendor).vendor.settings["match_update"] is True


def test_a_vendors_mandatory_answer_may_come_under_any_name_that_goes_there() -> None:
    vcita = "vendor: {name: vcita, token: '${KEY}', request_title: Hello%s}\n"
    assert ("first_name",) in read("fields: [{name: first_name}]\n" + vcita % "").mandatory
    mapped = read("fields: [{name: vorname}]\n" + vcita % ", fields: {vorname: first_name}")
    assert ("vorname",) in mapped.mandatory
    assert mapped.default_if_invalid == "ask"
    moved = read("fields: [{name: firstName}]\n" + vcita % ", fields: {firstName: nickname}")
    assert ("firstName",) not in moved.mandatory


# --- mistakes ---

MISTAKES = {
    # name: (file, line, key, part of the message)
    "unknown key": (NAMES + HOOK + "feilds: []\n", 5, "feilds", "is not a key of a form file; did you mean fields?"),
    "unknown key far off": (NAMES + HOOK + "zzz: 1\n", 5, "zzz", "the keys are "),
    "unknown key of a field": ("fields:\n  - name: a\n    lable: B\n" + HOOK, 3, "fields[1].lable", "mean label?"),
    "unknown key of the vendor": (NAMES + TETHER.replace("}\n", ", wait_: 1}\n"), 4, "vendor.wait_", "mean wait?"),
    "another vendor's key": (NAMES + HOOK.replace("}", ", app_id: x}"), 4, "vendor.app_id", "not a key of a Webhook"),
    "unknown key of a step": (NAMES + "steps: [{titel: x, fields: [firstName, lastName]}]\n" + HOOK, 4,
                              "steps[1].titel", "did you mean title?"),
    "a key twice": ("title: a\nsubmit: b\ntitle: c\n" + NAMES + HOOK, 3, "title", "here and in line 1"),
    "a key of a field twice": ("fields:\n  - name: a\n    label: b\n    label: c\n" + HOOK, 4, "fields[1].label",
                               "here and in line 3"),
    "a name twice": ("fields:\n  - name: a\n  - name: b\n  - name: a\n" + HOOK, 4, "fields[3].name", "two fields"),
    "no name": ("fields:\n  - {label: a}\n" + HOOK, 2, "fields[1].name", "is missing"),
    "a text for a field": ("fields:\n  - email\n" + HOOK, 2, "fields[1]", "must have keys of its own"),
    "a text for fields": ("fields: email\n" + HOOK, 1, "fields", "must be a list"),
    "a table for fields": ("fields: {name: a}\n" + HOOK, 1, "fields", "must be a list"),
    "a list for a text": ("title: [a]\n" + NAMES + HOOK, 1, "title", "must be a text, but is a list"),
    "a table for a text": ("title: {a: b}\n" + NAMES + HOOK, 1, "title", "must be a text, but is a table"),
    "a control name": ("fields: [{name: OnErrorURL}]\n" + HOOK, 1, "fields[1].name", "steers a post"),
    "our own name": ("fields: [{name: _lf_x}]\n" + HOOK, 1, "fields[1].name", "choose another name"),
    "the trap's name": ("fields: [{name: _gotcha}]\n" + HOOK, 1, "fields[1].name", "choose another name"),
    "a long name": (f"fields: [{{name: {'x' * 201}}}]\n" + HOOK, 1, "fields[1].name", "at most 200 characters"),
    "no such type": ("fields: [{name: a, type: txt}]\n" + HOOK, 1, "fields[1].type", "did you mean text?"),
    "a type of ours": ("fields: [{name: a, type: phone10}]\n" + HOOK, 1, "fields[1].type", "did you mean phone?"),
    "a file where none is taken": (NAMES + "  - {name: a, type: file}\n" + TETHER, 4, "fields[3].type",
                                   "ClientTether takes no files"),
    "no options": ("fields: [{name: a, type: radio}]\n" + HOOK, 1, "fields[1].options", "are missing"),
    "options that are no list": ("fields: [{name: a, type: radio, options: x}]\n" + HOOK, 1, "fields[1].options",
                                 "must be a list"),
    "an option twice": ("fields: [{name: a, type: radio, options: [x, y, x]}]\n" + HOOK, 1, "fields[1].options",
                        '"x" stands twice'),
    "an option without a value": ("fields: [{name: a, type: radio, options: [{label: x}]}]\n" + HOOK, 1,
                                  "fields[1].options", "without a text"),
    "options of a text": ("fields: [{name: a, options: [x]}]\n" + HOOK, 1, "fields[1].options", "add type: select"),
    "an option that the vendor does not take": (
        NAMES + "  - {name: contact_type, type: select, options: ['1', Client]}\n" + TETHER, 4, "fields[3].options",
        'ClientTether does not take "Client" here'),
    "an option not in the vendor's format": (
        NAMES + "  - {name: gender, type: select, options: [M, Female]}\n" + TETHER, 4, "fields[3].options",
        "write {value: F, label: \"Female\"}"),
    "a hidden value that the vendor does not take": (
        NAMES + "  - {name: contact_type, type: hidden, value: 9}\n" + TETHER, 4, "fields[3].value", "does not take"),
    "a value not of its type": ("fields: [{name: a, type: number, value: ten}]\n" + HOOK, 1, "fields[1].value",
                                "enter a number"),
    "a hidden value not of its name": ("fields: [{name: smsok, type: hidden, value: maybe}]\n" + HOOK, 1,
                                       "fields[1].value", "answer yes or no"),
    "a value out of its limits": ("fields: [{name: a, type: number, max: 3, value: 5}]\n" + HOOK, 1,
                                  "fields[1].value", "enter 3 or less"),
    "a value that is no option": ("fields: [{name: a, type: select, options: [x], value: y}]\n" + HOOK, 1,
                                  "fields[1].value", "choose one of the answers offered"),
    "a value unlike its pattern": ("fields: [{name: a, pattern: '[a-z]', value: A}]\n" + HOOK, 1, "fields[1].value",
                                   "change it, or the pattern"),
    "a value too long": ("fields: [{name: a, max_length: 2, value: abc}]\n" + HOOK, 1, "fields[1].value", "longer"),
    "a broken pattern": ("fields: [{name: a, pattern: '['}]\n" + HOOK, 1, "fields[1].pattern", "is not a pattern"),
    "a pattern for a box": ("fields: [{name: a, type: consent, pattern: x}]\n" + HOOK, 1, "fields[1].pattern",
                            "only what is typed"),
    "limits of a text": ("fields: [{name: a, min: 1}]\n" + HOOK, 1, "fields[1].min", "add type: number or date"),
    "a limit that is no number": ("fields: [{name: a, type: number, max: lots}]\n" + HOOK, 1, "fields[1].max",
                                  '"lots" is not a limit'),
    "limits the wrong way round": ("fields: [{name: a, type: number, min: 10, max: 9}]\n" + HOOK, 1,
                                   "fields[1].max", "9 is less than min, 10"),
    "dates the wrong way round": ("fields: [{name: a, type: date, min: 2026-01-01, max: 2025-01-01}]\n" + HOOK, 1,
                                  "fields[1].max", "exchange the two"),
    "no length at all": ("fields: [{name: a, max_length: 0}]\n" + HOOK, 1, "fields[1].max_length", "from 1 to 65536"),
    "a length in words": ("fields: [{name: a, max_length: ten}]\n" + HOOK, 1, "fields[1].max_length", "whole number"),
    "a length beyond all": (f"fields: [{{name: a, max_length: {'9' * 400}}}]\n" + HOOK, 1, "fields[1].max_length",
                            "whole number"),
    "neither yes nor no": ("fields: [{name: a, required: maybe}]\n" + HOOK, 1, "fields[1].required", "true or false"),
    "nothing where yes or no must be": ("fields: [{name: a, required}]\n" + HOOK, 1, "fields[1].required",
                                        "write true or false"),
    "if_invalid": ("fields: [{name: a, if_invalid: refuse}]\n" + HOOK, 1, "fields[1].if_invalid", "ask, drop or pass"),
    "show_if on nothing": ("fields: [{name: room}, {name: b, show_if: {rooms: 1}}]\n" + HOOK, 1,
                           "fields[2].show_if.rooms", "did you mean room?"),
    "show_if on no option": ("fields: [{name: a, type: radio, options: [x]}, {name: b, show_if: {a: [x, z]}}]\n" + HOOK,
                             1, "fields[2].show_if.a", '"z" is not an option'),
    "show_if on what no answer is": ("fields: [{name: a, type: number}, {name: b, show_if: {a: x}}]\n" + HOOK, 1,
                                     "fields[2].show_if.a", "never has"),
    "show_if on a file": (
        "fields: [{name: a, type: file}, {name: b, show_if: {a: x}}]\n"
        "vendor: {name: aicore, url: 'https://x.example', sitecom_token: '${KEY}'}\n", 1, "fields[2].show_if.a",
        "is a file"),
    "show_if without an answer": ("fields: [{name: a}, {name: b, show_if: {a: }}]\n" + HOOK, 1, "fields[2].show_if.a",
                                  "has no answer"),
    "show_if without a name": ("fields: [{name: a}, {name: b, show_if: {}}]\n" + HOOK, 1, "fields[2].show_if",
                               "is empty"),
    "show_if on itself": ("fields: [{name: a, show_if: {a: x}}]\n" + HOOK, 1, "fields[1].show_if", "in a circle"),
    "show_if round in a circle": (
        "fields:\n  - {name: a, show_if: {b: x}}\n  - {name: b, show_if: {c: x}}\n  - {name: c, show_if: {a: x}}\n"
        + HOOK, 3, "fields[2].show_if", "in a circle"),
    "a step without fields": (NAMES + "steps: [{title: a}]\n" + HOOK, 4, "steps[1].fields", "are missing"),
    "a step with an unknown field": (NAMES + "steps: [{fields: [firstName, lastNam]}]\n" + HOOK, 4, "steps[1].fields",
                                     "did you mean lastName?"),
    "a field in two steps": (NAMES + "steps: [{fields: [firstName, lastName]}, {fields: [lastName]}]\n" + HOOK, 4,
                             "steps[2].fields", "stands in two steps"),
    "a field in no step": (NAMES + "steps: [{fields: [firstName]}]\n" + HOOK, 4, "steps", 'leave out "lastName"'),
    "no vendor": (NAMES, 1, "vendor", "is missing"),
    "a vendor's name alone": (NAMES + "vendor: webhook\n", 4, "vendor", "must have keys of its own"),
    "no vendor's name": (NAMES + "vendor: {url: x}\n", 4, "vendor.name", "is missing"),
    "an unknown vendor": (NAMES + "vendor: {name: client-tether}\n", 4, "vendor.name", "did you mean clienttether?"),
    "an unknown further vendor": (NAMES + HOOK + "also:\n  - {name: nobody}\n", 6, "also[1].name", "not a vendor"),
    "a credential missing": (NAMES + "vendor: {name: clienttether}\n", 4, "vendor.web_key", "ClientTether needs it"),
    "half a login": (NAMES + "vendor: {name: aicore, url: 'https://x.example', login_id: '${KEY}'}\n", 4,
                     "vendor.login_password", "needs login_id and login_password, or sitecom_token"),
    "no way to log in": (NAMES + "vendor: {name: leadconduit}\n", 4, "vendor.flow_id",
                         "needs flow_id and source_id, or url"),
    "no address": (NAMES + "vendor: {name: webhook}\n", 4, "vendor.url", "is missing"),
    "no address at all": (NAMES + "vendor: {name: webhook, url: here}\n", 4, "vendor.url", "is not a web address"),
    "an address from elsewhere that is none": (NAMES + "vendor: {name: webhook, url: '${NOT_A_SITE}'}\n", 4,
                                               "vendor.url", "is not a web address"),
    "a name that is not set": (NAMES + "vendor:\n  name: clienttether\n  web_key: ${NOPE}\n", 6, "vendor.web_key",
                               "${NOPE} is not set; put NOPE=… in .env or in the environment"),
    "no name between the brackets": (NAMES + "vendor: {name: clienttether, web_key: '${NO-PE}'}\n", 4,
                                     "vendor.web_key", "has a `${` that begins no name"),
    "brackets that stay open": (NAMES + "vendor: {name: clienttether, web_key: '${KEY'}\n", 4, "vendor.web_key",
                                "has a `${` that begins no name"),
    "the server's own secret": (NAMES + "vendor: {name: webhook, url: 'https://x.example/${SECRET_KEY}'}\n", 4,
                                "vendor.url", "goes to no vendor"),
    "a wait in words": (NAMES + HOOK.replace("}", ", wait: long}"), 4, "vendor.wait", "is not a number of seconds"),
    "on_unknown": (NAMES + HOOK.replace("}", ", on_unknown: ask}"), 4, "vendor.on_unknown", "write retry or hold"),
    "a setting with few choices": ("fields: [{name: email}]\n" + KARTRA % ", on_duplicate: merge", 2,
                                   "vendor.on_duplicate", "write edit or reject"),
    "a setting that is a list": ("fields: [{name: email}]\n" + KARTRA % ", actions: tag", 2, "vendor.actions",
                                 "write a list of pairs"),
    "a setting that is a list of lists": ("fields: [{name: email}]\n" + KARTRA % ", actions: [{cmd: [x]}]", 2,
                                          "vendor.actions", "write a list of pairs"),
    "a setting that is a table": ("fields: [{name: email}]\n" + KARTRA % ", custom_fields: [x]", 2,
                                  "vendor.custom_fields", "write pairs"),
    "a setting that only the adapter understands": ("fields: [{name: email}]\n" + KARTRA % ", actions: [{cmd: ''}]", 2,
                                                    "vendor.actions", "has no cmd"),
    "a flag": (NAMES + "vendor: {name: aicore, url: 'https://x.example', sitecom_token: '${KEY}', match_update: x}\n",
               4, "vendor.match_update", "write true or false"),
    "fields that are no pairs": (NAMES + HOOK.replace("}", ", fields: [a]}"), 4, "vendor.fields", "must be pairs"),
    "a field that goes nowhere": (NAMES + HOOK.replace("}", ", fields: {lastName: }}"), 4, "vendor.fields.lastName",
                                  "has no value"),
    "two fields in one place": (NAMES + "  - {name: phone}\n  - {name: mobile, send_as: phone}\n" + TETHER, 5,
                                "fields[4].send_as", '"mobile" and "phone" both go to "phone"'),
    "two mapped names in one place": (NAMES + HOOK.replace("}", ", fields: {firstName: n, lastName: n}}"), 4,
                                      "vendor.fields.lastName", 'both go to "n"'),
    "our name and the vendor's own": (
        "fields: [{name: phone}, {name: phone_1}]\n"
        "vendor: {name: leadconduit, flow_id: '${KEY}', source_id: '${KEY}'}\n", 1, "fields[2].name",
        'both go to "phone_1"'),
    "two in one place of a further vendor": (
        NAMES + HOOK + "also:\n  - name: webhook\n    url: https://x.example\n"
        "    fields: {firstName: n, lastName: n}\n", 8, "also[1].fields.lastName", 'both go to "n"'),
    "send_as a name that steers": (NAMES + "  - name: a\n    send_as: web_key\n" + TETHER, 5, "fields[3].send_as",
                                   "cannot be sent as web_key"),
    "fields to a name that steers": (NAMES + TETHER.replace("}'", "}', fields: {firstName: web_key}"), 4,
                                     "vendor.fields", "cannot be sent as web_key"),
    "an address for visitors": (NAMES + HOOK + "on_success_url: javascript:alert(1)\n", 5, "on_success_url",
                                "is not a web address"),
    "an address with a user": (NAMES + HOOK + "on_error_url: https://a:b@x.example\n", 5, "on_error_url", "not a web"),
    "an origin with a path": (NAMES + HOOK + "origins:\n  - https://a.example\n  - https://a.example/b\n", 7,
                              "origins", "write scheme and host only"),
    "an origin with a query": (NAMES + HOOK + "origins: ['https://a.example?b']\n", 5, "origins", "is not a site"),
    "any origin": (NAMES + HOOK + "origins: ['*']\n", 5, "origins", "is not a site"),
    "one origin without a list": (NAMES + HOOK + "origins: https://a.example\n", 5, "origins", "must be a list"),
    "framing": (NAMES + HOOK + "framing: nowhere\n", 5, "framing", "did you mean anywhere?"),
    "expansion": (NAMES + HOOK + "expansion: allow\n", 5, "expansion", "write accept or reject"),
    "campaign": (NAMES + HOOK + "campaign: drop\n", 5, "campaign", "write send or keep"),
    "language": (NAMES + HOOK + "language: plain English\n", 5, "language", "such as en, es or pt-BR"),
    "retention": (NAMES + HOOK + "retention: forever\n", 5, "retention", "write it as 90d"),
    "retention of nothing": (NAMES + HOOK + "retention: 0d\n", 5, "retention", "is not a number of days"),
    "a theme's key": (NAMES + HOOK + "theme:\n  accents: red\n", 6, "theme.accents", "did you mean accent?"),
    "a theme that breaks out": (NAMES + HOOK + "theme: {accent: 'red;}'}\n", 5, "theme.accent", "cannot stand here"),
    "a theme with an address": (NAMES + HOOK + "theme: {font: 'url(//x)'}\n", 5, "theme.font", "cannot stand here"),
    "a length without a unit": (NAMES + HOOK + "theme: {radius: 8}\n", 5, "theme.radius", "such as 8px"),
    "a colour taken for a comment": (NAMES + HOOK + "theme:\n  accent: #fff\n", 6, "theme.accent",
                                     "in quotes if it begins with #"),
    "a theme's name": (NAMES + HOOK + "theme: dark\n", 5, "theme", "must be pairs"),
}  # fmt: skip


@pytest.mark.parametrize(("text", "line", "key", "message"), MISTAKES.values(), ids=MISTAKES)
def test_a_mistake_is_told_with_its_line_its_key_and_the_mend(text: str, line: int, key: str, message: str) -> None:
    told = mistakes(text)
    assert any(each.startswith(f"{line}: {key}: ") and message in each for each in told), told


def test_all_mistakes_are_told_at_once_in_the_order_of_lines() -> None:
    text = "titel: x\nfields:\n  - {name: a, type: txt}\n  - {name: a}\nretention: never\nvendor: {name: webhook}\n"
    assert [each.partition(":")[0] for each in mistakes(text)] == ["1", "3", "4", "5", "6"]


def test_a_hundred_mistakes_are_enough() -> None:
    text = NAMES + HOOK + "".join(f"k{number}: x\n" for number in range(500))
    assert len(mistakes(text)) == 100


def test_warnings_do_not_crowd_out_a_mistake() -> None:
    mapping = ", ".join(f"name{number}: wire{number}" for number in range(150))
    text = NAMES + HOOK.replace("}", f", fields: {{{mapping}}}}}") + "retention: never\n"
    assert len(warnings(text)) == 100
    assert len(mistakes(text)) == 1


def test_what_a_file_wants_from_the_environment_is_named() -> None:
    text = NAMES + "vendor: {name: webhook, url: '${SITE}/${NOPE}', secret: '${NEITHER}'}\n"
    with pytest.raises(FormFileError) as error:
        read("web_key: LF_1\n" + text)
    assert (error.value.missing, error.value.web_key) == ({"NOPE", "NEITHER"}, "LF_1")


# --- warnings ---

WARNINGS = {
    "a credential": (NAMES + "vendor: {name: clienttether, web_key: CT_1}\n", "4: vendor.web_key: warning: ",
                     "write ${CLIENTTETHER_WEB_KEY} here, and CLIENTTETHER_WEB_KEY=… in .env"),
    "more than a custom field holds": (NAMES + "  - {name: a, max_length: 101}\n" + TETHER,
                                       "4: fields[3].max_length: warning: ", "the first 100 characters"),
    "a long text for a custom field": (NAMES + "  - {name: a, type: textarea}\n" + TETHER,
                                       "4: fields[3].name: warning: ", "the first 100 characters"),
    "a mandatory answer that nobody is asked for": ("fields: [{name: email}]\n" + TETHER, "2: vendor.name: warning: ",
                                                    "ClientTether needs name or firstName and lastName"),
    "the same at a further vendor": (NAMES + HOOK + "also:\n  - " + KARTRA.removeprefix("vendor: ") % "",
                                     "6: also[1].name: warning: ", "Kartra needs email"),
    "a file that a further vendor does not take": (
        NAMES + "  - {name: a, type: file}\nvendor: {name: aicore, url: 'https://x.example', sitecom_token: '${KEY}'}\n"
        "also:\n  - {name: webhook, url: 'https://x.example'}\n", "7: also[1].name: warning: ", "takes no files"),
    "a campaign name": (NAMES + "  - {name: gclid, type: hidden}\n" + HOOK, "4: fields[3].name: warning: ",
                        "comes along by itself"),
    "a mapped name that is no field": (NAMES + HOOK.replace("}", ", fields: {frstName: x}}"),
                                       "4: vendor.fields.frstName: warning: ", "did you mean firstName?"),
    "an answer that the vendor takes only some of": (
        NAMES + "  - {name: contact_type}\n" + TETHER, "4: fields[3].type: warning: ", "options, 1, 2, 3, 4 or 5"),
    "an option without an id": (
        "fields: [{name: email}, {name: c, type: radio, options: [Red, Blue]}]\n"
        + KARTRA % ", custom_fields: {c: {field: x, options: {Red: 1}}}",
        "1: fields[2].options: warning: ", 'does not take "Blue"'),
    "a long wait": (NAMES + HOOK.replace("}", ", wait: 60}"), "4: vendor.wait: warning: ", "25 seconds at most"),
    "a page that asks nothing": (HOOK, "1: fields: warning: ", "the page asks nothing"),
}  # fmt: skip


@pytest.mark.parametrize(("text", "where", "message"), WARNINGS.values(), ids=WARNINGS)
def test_a_warning_does_not_keep_a_form_from_being_served(text: str, where: str, message: str) -> None:
    assert read(text)
    told = warnings(text)
    assert any(each.startswith(where) and message in each for each in told), told


@pytest.mark.parametrize(
    "fields",
    [
        "  - {name: a}\n",  # holds 1,000 characters by itself, which no visitor types
        "  - {name: a, max_length: 100}\n",
        "  - {name: notes, type: textarea, max_length: 5000}\n",
        "  - {name: a, type: textarea, send_as: notes}\n",
    ],
)
def test_nothing_is_said_of_lengths_that_are_fine(fields: str) -> None:
    assert warnings(NAMES + fields + TETHER) == []


def test_a_form_that_is_right_but_for_its_vendors_values_passes_where_they_are_passed_on() -> None:
    fields = NAMES + "  - {name: gender, type: select, options: [Male], if_invalid: pass}\n"
    assert found(fields + TETHER) == []


# --- broken YAML ---

BROKEN = {
    # name: (file, line, part of the message)
    "a tab": ("title: a\nvendor:\n\tname: b\n", 3, "has a tab"),
    "an open list": ("title: a\norigins: [a, b\nvendor:\n  name: c\n", 2, "a `[` whose list is broken or never closed"),
    "an open table": ("fields:\n  - {name: a, label: b\n  - {name: c}\n", 2, "a `{` whose table is broken"),
    "an open quote": ('title: "a\nsubmit: b\n', 1, "a quotation mark that is never closed"),
    "a quote inside": ("title: 'don't'\n", 1, "put the whole text in double quotes"),
    "a text behind a quote": ('title: "Yes" please\n', 1, "put the whole text in double quotes"),
    "a text that begins with a bracket": ("title: [optional] Name\n", 1, "put the whole text in double quotes"),
    "a second colon": ("title: Quote: free\n", 1, "has a second `: `"),
    "no space behind a colon": ("title:a\nsubmit: b\n", 1, "has no space behind its colon"),
    "no colon": ("# a form\ntitle a\nsubmit: b\n", 2, "neither a key with a colon nor part of a text"),
    "a key without a colon": ("title: a\nsubmit\nlanguage: en\n", 2, "neither a key with a colon"),
    "too far to the right": ("title: a\n  submit: b\n", 2, "further to the right"),
    "too far to the left": ("vendor:\n    name: a\n  url: b\n", 3, "is not indented as the lines around it"),
    "a list out of line": ("fields:\n  - name: a\n   - name: b\n", 3, "is not indented"),
    "an at sign": ("title: @me\n", 1, "begins with `@`; put the text in quotes"),
    "a per cent sign": ("title: %a\n", 1, "begins with `%`"),
    "an alias": ("title: *Required\n", 1, "begins with `*`; put the text in quotes"),
    "an anchor": ("title: &Co\n", 1, "begins with `&`"),
    "a tag": ("title: !Important\n", 1, "begins with `!`"),
    "a tag that makes an object": ("title: !!python/object/apply:os.system [ls]\n", 1, "begins with `!`"),
    "a tag of one character": ("title: ! a\n", 1, "begins with `!`"),
    "a directive": ("%YAML 1.1\n---\ntitle: no\n", 1, "begins with `%`"),
    "two documents": ("title: a\n---\ntitle: b\n", 2, "a form file is one form"),
    "something behind the end": ("title: a\n...\ntitle: b\n", 3, "a form file is one form"),
    "an escape": ('title: "\\d+"\n', 1, "use single quotes"),
    "an escape beyond all characters": ('title: a\nsubmit: "\\UFFFFFFFF"\n', 2, "stands for no character"),
    "half a character": ('title: "a\\ud800"\n', 1, "a character that cannot be shown"),
    "a control character": ('title: "a\\x07"\n', 1, "a character that cannot be shown"),
    "NUL": ("title: a\nsubmit: b\0c\n", 2, "a character that no editor shows (U+0000)"),
    "not UTF-8": ("title: a\nsubmit: caf\ufffd\n", 2, "save it again as UTF-8"),
    "a comma too many": ("origins: [a,,b]\n", 1, "remove the comma"),
    "a list for a key": ("? [a, b]\n: c\n", 1, "a list or table in the place of a key"),
    "a block out of place": ("title: |x\n  y\n", 1, "a `|` or `>` with something wrong"),
    "nothing": ("", 1, "is not a form"),
    "a comment": ("# nothing yet\n", 1, "is not a form"),
    "a list": ("- a\n- b\n", 1, "is not a form"),
    "a word": ("hello\n", 1, "is not a form"),
}  # fmt: skip


@pytest.mark.parametrize(("text", "line", "message"), BROKEN.values(), ids=BROKEN)
def test_broken_yaml_is_told_in_plain_words(text: str, line: int, message: str) -> None:
    told = mistakes(text)[0]
    assert told.startswith(f"{line}: "), told
    assert message in told


@pytest.mark.parametrize(
    "text",
    [
        "title: a: b",
        "k" * 2000 + ": v\n" + "x" * 300_000,
        "a: &a [x, x, x, x, x, x, x, x]\n" + "".join(f"k{n}: &k{n} [*a, *a, *a, *a, *a]\n" for n in range(20)),
        "a: " + "[" * 100_000,
        "a: " + "{" * 100_000,
        "- " * 60_000,
        "".join(" " * depth + "a:\n" for depth in range(300)),
        "title: a\n" * 12_000,
        "".join(f"key{number}: x\n" for number in range(8_000)),
        "fields:\n" + "  - {name: a}\n" * 8_000 + HOOK,
        "fields:\n" + "".join(f"  - {{name: f{n}, show_if: {{f{n + 1}: x}}}}\n" for n in range(480)) + HOOK,
        NAMES + "steps: [{fields: [" + ",".join(f"nam{n}" for n in range(12_000)) + "]}]\n" + HOOK,
        NAMES + HOOK.replace("}", ", fields: {" + ",".join(f"nam{n}: x" for n in range(8_000)) + "}}"),
        "fields: [{name: a, type: select, options: [" + "x," * 40_000 + "]}]\n" + HOOK,
        "x" * 1_000_000,
    ],
    ids=lambda text: f"{text[:12]!r}, {len(text)}",
)
def test_no_file_takes_long_to_refuse(text: str) -> None:
    began = time.process_time()
    problems = found(text)
    assert 1 <= len(problems) <= 200
    assert time.process_time() - began < 8  # a page of text takes some milliseconds


def test_a_file_of_a_megabyte_is_refused_unread() -> None:
    began = time.process_time()
    assert mistakes(EXAMPLE * 1000) == [
        "1: file: is larger than 128 KiB; a form file is a page of text, so split it into several forms"
    ]
    assert time.process_time() - began < 0.5


# --- whatever is written ---

PIECES = (
    "[", "]", "{", "}", ": ", "- ", "\n", "  ", "\t", "#", "'", '"', "|", ">", "&a ", "*a", "!x ", "%", "@", "`", "~",
    "? ", "---\n", "\0", "\ufffd", "\ud800", "${", "${X}", ",", "-1", "9" * 50, "\\", "é", "<<: ", '"\\ud800"', "\r",
    "\u2028", "name", "show_if: {", "options: [", "vendor", "also: [", "steps: [", "actions: [", "custom_fields: {",
)  # fmt: skip
SHAPES = ("[]", "{}", "[a, b]", "{a: b}", "[[x]]", "''", "", "x" * 300, "1", "{a: {b: [c]}}", "[{a: b}]", "[{a: [b]}]")

GOOD = [EXAMPLE, *(path.read_text("utf-8") for path in DEMO)]


@st.composite
def mutations(draw: st.DrawFn) -> str:
    text = draw(st.sampled_from(GOOD))
    for _ in range(draw(st.integers(1, 4))):
        start = draw(st.integers(0, len(text)))
        end = min(len(text), start + draw(st.integers(0, 30)))
        match draw(st.integers(0, 3)):
            case 0:
                text = text[:start] + draw(st.sampled_from(PIECES)) + text[start:]
            case 1:
                text = text[:start] + draw(st.sampled_from(["", *PIECES])) + text[end:]
            case 2:
                text = _with_value(text, start, draw(st.sampled_from(SHAPES)))
            case _:
                lines = text.split("\n")
                line = lines[draw(st.integers(0, len(lines) - 1))]
                lines.insert(draw(st.integers(0, len(lines))), draw(st.sampled_from([line, "  " + line, line.strip()])))
                text = "\n".join(lines)
    return text


def _with_value(text: str, start: int, value: str) -> str:
    """Replaces the value behind the next colon."""
    colon = text.find(": ", start)
    end = min((at for at in (text.find(mark, colon + 2) for mark in ",}]\n") if at > 0), default=len(text))
    return text if colon < 0 else f"{text[: colon + 2]}{value}{text[end:]}"


@settings(max_examples=200, deadline=None, suppress_health_check=list(HealthCheck))
@given(mutations())
def test_whatever_is_written_is_a_form_or_a_list_of_problems(text: str) -> None:
    environ = dict.fromkeys(
        ("KEY", "CLIENTTETHER_WEB_KEY", "KARTRA_APP_ID", "KARTRA_API_KEY", "KARTRA_API_PASSWORD", "VCITA_TOKEN"), "k"
    )
    lines = max(1, len(text.splitlines()))
    for problem in found(text, {**environ, "SANDBOX_URL": "http://127.0.0.1:1"}):
        assert 1 <= problem.line <= lines
        assert problem.key
        assert problem.message
        assert str(problem).isprintable()


@settings(max_examples=200, deadline=None)
@given(st.text(max_size=200))
def test_any_text_at_all_is_refused_and_nothing_worse(text: str) -> None:
    assert found(text)


@pytest.mark.parametrize("text", [text for text, *_ in (*MISTAKES.values(), *WARNINGS.values(), *BROKEN.values())])
def test_every_problem_says_what_is_wrong_and_how_to_mend_it(text: str) -> None:
    for problem in found(text):
        what, _, mend = problem.message.partition("; ")
        assert what
        assert mend or "needs" in what or "has no cmd" in what, problem.message  # an adapter's own words
