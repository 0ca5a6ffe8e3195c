"""From posted pairs to what is stored: which name is what, how values are cleaned and checked, what is written down."""

from __future__ import annotations

from typing import Any

import pytest

from leadferry.fields import CAMPAIGN
from leadferry.form_file import Surroundings, load
from leadferry.forms import Form
from leadferry.submission import Submission, control, read
from leadferry.vendors import ADAPTERS
from leadferry.vendors.base import File

VENDORS = {
    "clienttether": "{name: clienttether, web_key: '${KEY}'}",
    "aicore": "{name: aicore, url: 'https://crm.example.com/service', sitecom_token: '${KEY}'}",
    "leadconduit": "{name: leadconduit, flow_id: '" + "5" * 24 + "', source_id: '" + "6" * 24 + "'}",
    "webhook": "{name: webhook, url: 'https://hook.example.com/'}",
}

Pairs = list[tuple[str, str]]


def form(*fields: str, vendor: str = "webhook", more: str = "") -> Form:
    listed = "".join(f"  - {{{field}}}\n" for field in fields)
    text = f"title: Quote\nfields:\n{listed or '  []'}\nvendor: {VENDORS[vendor]}\n{more}\n"
    found, _ = load("quote", text, "quote.yaml", Surroundings(ADAPTERS, lambda _name: "secret"))
    return found


def post(to: Form, *pairs: tuple[str, str], **values: str) -> Submission:
    return read(to, [*pairs, *values.items()])


def stored(to: Form, *pairs: tuple[str, str], **values: str) -> dict[str, Any]:
    submission = post(to, *pairs, **values)
    assert not submission.errors
    return submission.values


def refused(to: Form, *pairs: tuple[str, str], **values: str) -> list[tuple[str | None, str]]:
    return [(error.field, error.code) for error in post(to, *pairs, **values).errors]


def cleaned(to: Form, *pairs: tuple[str, str], **values: str) -> list[tuple[Any, ...]]:
    return [tuple(each.values()) for each in post(to, *pairs, **values).cleaned]


CLIENTTETHER = form(vendor="clienttether")
ANY = form()
NAMED = {"name": "Jane Doe"}


# --- which name is what ---


def test_control_names_are_never_answers() -> None:
    controls = ["web_key", "OnSuccessURL", "OnErrorURL", "form_submit_redirect", "_lf_token", "_lf_anything", "_gotcha"]
    assert stored(ANY, ("hobby", "chess"), *((name, "x") for name in controls)) == {"hobby": "chess"}


def test_names_are_case_sensitive() -> None:
    declared = form("name: firstName", "name: phone", vendor="clienttether")
    values = stored(declared, firstName="Jane", FirstName="Bo", Phone="(512) 789-1111", lastName="Doe", Web_Key="x")
    assert values == {
        "firstName": "Jane",
        "FirstName": "Bo",
        "Phone": "(512) 789-1111",
        "lastName": "Doe",
        "Web_Key": "x",
    }


def test_an_undeclared_vendor_name_is_known_and_checked() -> None:
    assert stored(CLIENTTETHER, **NAMED, phone="(512) 789-1111", age="42") == {
        "name": "Jane Doe",
        "phone": "5127891111",
        "age": "42",
    }
    assert refused(CLIENTTETHER, **NAMED, age="forty") == [("age", "lf201")]


def test_other_names_are_expansion_names_spaces_and_all() -> None:
    assert stored(ANY, ("Favorite Chocolate", "Dark"), ("日本", "東京")) == {
        "Favorite Chocolate": "Dark",
        "日本": "東京",
    }


def test_expansion_reject_takes_known_and_campaign_names_only() -> None:
    strict = form("name: hobby", vendor="clienttether", more="expansion: reject")
    allowed = stored(strict, **NAMED, hobby="chess", notes="Ring first", utm_source="ad", _lf_x="1", web_key="k")
    assert allowed == {"name": "Jane Doe", "hobby": "chess", "notes": "Ring first"}
    assert refused(strict, **NAMED, Hobby="chess") == [("Hobby", "lf201")]


def test_an_empty_answer_is_no_answer() -> None:
    assert stored(form("name: hobby"), hobby="  ", sport="\t\n", colour="blue") == {"colour": "blue"}


def test_a_post_without_a_single_answer_is_refused() -> None:
    assert refused(ANY) == [(None, "lf202")]
    assert refused(ANY, web_key="LF_1", _lf_token="x") == [(None, "lf202")]
    assert refused(form("name: hobby"), hobby="") == []


# --- the name rule ---


@pytest.mark.parametrize(
    "given",
    [
        {"name": "Jane Doe"},
        {"firstName": "Jane", "lastName": "Doe"},
        {"name": "Jane Doe", "firstName": "J"},
        {"name": "Cher"},
    ],
)
def test_the_name_rule_is_met(given: dict[str, str]) -> None:
    assert stored(CLIENTTETHER, **given) == given


@pytest.mark.parametrize(
    ("given", "missing"),
    [
        ({}, {"name"}),
        ({"firstName": "Jane"}, {"lastName"}),
        ({"lastName": "Doe"}, {"firstName"}),
        ({"firstName": "Jane", "lastName": "  "}, {"lastName"}),
        ({"firstName": "\u200b\x00", "lastName": "Doe"}, {"firstName"}),
    ],
)
def test_the_name_rule_is_not_met(given: dict[str, str], missing: set[str]) -> None:
    found = refused(CLIENTTETHER, email="jane@example.com", **given)
    assert {code for _, code in found} == {"ct102"}
    assert {field for field, _ in found} == missing


def test_name_satisfies_a_form_that_requires_first_and_last() -> None:
    for vendor in ("clienttether", "webhook"):
        strict = form("name: firstName, required: true", "name: lastName, required: true", vendor=vendor)
        assert stored(strict, name="Jane Doe") == {"name": "Jane Doe"}


def test_only_the_vendors_rule_is_ct102() -> None:
    strict = form("name: firstName, required: true", "name: lastName, required: true")
    assert refused(strict, firstName="Jane") == [("lastName", "lf202")]


def test_other_missing_answers_are_lf202() -> None:
    strict = form("name: email, required: true", "name: hobby, required: true", vendor="clienttether")
    assert refused(strict, **NAMED, hobby=" ") == [("email", "lf202"), ("hobby", "lf202")]


def test_a_consent_that_must_be_given_is_not_given_by_0() -> None:
    strict = form("name: terms, type: consent, required: true")
    assert refused(strict, terms="0") == [("terms", "lf202")]
    assert refused(strict, other="x") == [("terms", "lf202")]
    assert stored(strict, terms="on") == {"terms": "1"}


# --- campaign names ---


@pytest.mark.parametrize(
    ("names", "most"),
    [
        ("page_url referrer", 2048),
        ("gclid gbraid wbraid gclsrc dclid fbclid msclkid ttclid twclid li_fat_id ScCid", 512),
        ("utm_source utm_medium utm_campaign utm_term utm_content utm_id", 255),
    ],
)
def test_campaign_names_are_known_everywhere_up_to_their_limit(names: str, most: int) -> None:
    strict = form("name: hobby", more="expansion: reject")
    for name in names.split():
        submission = post(strict, hobby="chess", **{name: "c" * (most + 5)})
        assert submission.errors == []
        assert submission.campaign == {name: "c" * most}
        assert submission.values == {"hobby": "chess"}
        assert submission.cleaned == [{"field": name, "reason": "cut", "before": most + 5, "after": most}]


def test_there_are_19_campaign_names() -> None:
    assert len(CAMPAIGN) == 19


def test_a_campaign_address_keeps_its_query() -> None:
    url = "https://www.example.com/p?a=1&copy=2&lt=3&utm_source=x#top"
    assert post(ANY, page_url=url).campaign == {"page_url": url}


def test_of_repeated_campaign_names_the_first_that_says_something_counts() -> None:
    assert post(ANY, ("gclid", " "), ("gclid", "one"), ("gclid", "two")).campaign == {"gclid": "one"}


def test_a_campaign_name_that_is_declared_is_an_answer() -> None:
    declared = form("name: utm_source, label: Where did you hear of us?, max_length: 300")
    submission = post(declared, utm_source="u" * 400)
    assert submission.values == {"utm_source": "u" * 300}
    assert submission.campaign == {}


# --- cleaning ---


@pytest.mark.parametrize(
    ("name", "typed", "kept"),
    [
        ("phone", "(512) 789-1111", "5127891111"),
        ("phone", "+1 512.789.1111", "5127891111"),
        ("state", "Texas", "TX"),
        ("state", "tx", "TX"),
        ("zip", "a1a1a1", "A1A 1A1"),
        ("zip", "78751-1234", "78751-1234"),
        ("clients_date_next", "12/31/2025", "2025-12-31"),
        ("gender", "female", "F"),
        ("smsok", "on", "1"),
        ("smsok", "false", "0"),
        ("email", " Jane@Example.COM ", "Jane@example.com"),
        ("deal_size", "$1,200", "1200"),
        ("notes", "one\r\ntwo\rthree", "one\ntwo\nthree"),
        ("name", "Zoe\u0308", "Zoë"),
        ("name", "Ja\x00ne\ud800 Doe", "Jane Doe"),
    ],
)
def test_reserved_values_are_brought_into_form(name: str, typed: str, kept: str) -> None:
    assert stored(CLIENTTETHER, **{"name": "Jane Doe", name: typed})[name] == kept


@pytest.mark.parametrize(
    ("typed", "kept"),
    [
        ("AT&T", "AT&T"),
        ("5 < 6", "5 < 6"),
        ("&lt;b&gt;x", "x"),
        ("<b>x</b>", "x"),
        ("Bo <bo@example.com>", "Bo bo@example.com"),
        ("&amp;lt;i&amp;gt;y", "y"),
        ("a\r\nb", "a\nb"),
        ("e\u0301", "é"),
        ("a\x00\x07b\udc00", "ab"),
    ],
)
def test_other_values_are_plain_text_and_a_fixed_point(typed: str, kept: str) -> None:
    declared = form("name: hobby")
    assert stored(declared, hobby=typed, sport=typed) == {"hobby": kept, "sport": kept}
    assert stored(declared, hobby=kept, sport=kept) == {"hobby": kept, "sport": kept}


def test_a_reserved_value_keeps_what_looks_like_html() -> None:
    assert stored(ANY, name="<b>Jane</b>", notes="5 <b 6") == {"name": "<b>Jane</b>", "notes": "5 <b 6"}


def test_expansion_values_are_capped_at_100_and_declared_ones_at_their_own_limit() -> None:
    declared = form("name: hobby, max_length: 120")
    assert stored(declared, hobby="h" * 130, sport="s" * 130) == {"hobby": "h" * 120, "sport": "s" * 100}


def test_a_reserved_value_is_capped_too() -> None:
    declared = form("name: notes, max_length: 5")
    assert stored(declared, notes="Ring <me> first") == {"notes": "Ring"}
    assert cleaned(declared, notes="Ring <me> first") == [("notes", "cut", 15, 4)]


def test_a_cap_counts_code_points_and_splits_no_grapheme() -> None:
    family = "👨\u200d👩\u200d👧"
    assert stored(ANY, who="x" * 97 + family) == {"who": "x" * 97}
    assert stored(ANY, who="x" * 95 + family) == {"who": "x" * 95 + family}


def test_every_strip_and_cut_is_written_down() -> None:
    found = cleaned(ANY, hobby="<i>chess</i>", sport="s" * 130, name="Ja\x00ne", colour="blue")
    assert found == [
        ("hobby", "html", 12, 5),
        ("sport", "cut", 130, 100),
        ("name", "control_characters", 5, 4),
    ]


# --- what does not fit ---


def test_if_invalid_asks_drops_or_passes_on() -> None:
    several = form(
        "name: email, if_invalid: ask", "name: phone, if_invalid: drop", "name: zip, if_invalid: pass", vendor="webhook"
    )
    submission = post(several, email="jane@", phone="12", zip="?!")
    assert [(error.field, error.code) for error in submission.errors] == [("email", "lf201")]
    assert submission.values == {"zip": "?!"}
    assert submission.cleaned == [{"field": "phone", "reason": "invalid", "before": 2, "after": 0}]


def test_the_default_is_to_ask_and_at_leadconduit_to_pass_on() -> None:
    assert refused(form("name: email"), email="jane@") == [("email", "lf201")]
    assert stored(form("name: email", vendor="leadconduit"), email="jane@") == {"email": "jane@"}
    assert stored(form(vendor="leadconduit"), phone_1="twelve") == {"phone_1": "twelve"}


def test_an_uncertain_date_is_asked_about_not_guessed() -> None:
    assert refused(CLIENTTETHER, **NAMED, clients_date_next="03/04/2026") == [("clients_date_next", "lf201")]


@pytest.mark.parametrize(
    ("field", "good", "wrong"),
    [
        ("type: number, min: 1, max: 10", ["1", "10", "3.5"], ["0", "11", "-3", "ten"]),
        ("type: date, min: 2026-01-01", ["2026-01-01"], ["2025-12-31"]),
        ("pattern: '[A-Z]{2}[0-9]+'", ["AB1"], ["AB", "xAB1", "AB1x", "ab1"]),
        ("type: select, options: [Red, {value: b, label: Blue}]", ["Red", "b"], ["Blue", "red", "Red,b"]),
        ("type: radio, options: [Red]", ["Red"], ["Blue"]),
        ("type: checkboxes, options: [Red, Blue]", ["Red"], ["Green"]),
    ],
)
def test_min_max_pattern_and_options(field: str, good: list[str], wrong: list[str]) -> None:
    limited = form(f"name: answer, {field}")
    for value in good:
        assert refused(limited, answer=value) == []
    for value in wrong:
        assert refused(limited, answer=value) == [("answer", "lf201")]


# --- repeats ---


def test_two_different_values_of_one_answer_are_refused() -> None:
    declared = form("name: hobby")
    assert refused(declared, ("hobby", "chess"), ("hobby", "go")) == [("hobby", "lf201")]
    assert refused(CLIENTTETHER, ("name", "Jane"), ("name", "Bo")) == [("name", "lf201")]


def test_the_same_value_twice_is_one_and_an_empty_one_is_none() -> None:
    declared = form("name: hobby")
    assert stored(declared, ("hobby", "chess"), ("hobby", ""), ("hobby", " chess")) == {"hobby": "chess"}


def test_a_tick_takes_the_last_one() -> None:
    declared = form("name: terms, type: checkbox")
    assert stored(declared, ("terms", "0"), ("terms", "1")) == {"terms": "1"}
    assert stored(declared, ("terms", "1"), ("terms", "0")) == {"terms": "0"}


def test_checkboxes_take_several() -> None:
    declared = form("name: rooms, type: checkboxes, options: [Hall, Bath]")
    assert stored(declared, ("rooms", "Bath"), ("rooms", "Hall"), ("rooms", "Bath")) == {"rooms": ["Bath", "Hall"]}


def test_repeated_expansion_names_become_one_list_in_words() -> None:
    assert stored(ANY, ("rooms", "Hall"), ("rooms", ""), ("rooms", "Bath"), ("rooms", "Hall")) == {
        "rooms": "Hall, Bath"
    }
    assert cleaned(ANY, *(("rooms", f"room {n:03}") for n in range(12))) == [("rooms", "cut", 118, 99)]


# --- what the form adds and leaves out ---


def test_what_a_page_fills_into_a_hidden_field_is_brought_into_the_form_of_its_name() -> None:
    declared = form("name: phone, type: hidden", "name: state, type: hidden", vendor="clienttether")
    assert stored(declared, **NAMED, phone="(512) 789-1111", state="Texas") == {
        **NAMED,
        "phone": "5127891111",
        "state": "TX",
    }
    assert refused(declared, **NAMED, phone="none") == [("phone", "lf201")]


@pytest.mark.parametrize("fields", [[], ["name: contact_type"], ["name: contact_type, type: hidden"]])
def test_a_vendors_own_list_of_answers_holds_whether_declared_or_not(fields: list[str]) -> None:
    taken = form(*fields, vendor="clienttether")
    assert stored(taken, **NAMED, contact_type="2")["contact_type"] == "2"
    assert refused(taken, **NAMED, contact_type="Client") == [("contact_type", "lf201")]


def test_a_vendors_list_of_answers_follows_the_name_that_the_file_gives_it() -> None:
    mapped = form("name: kind, send_as: contact_type", vendor="clienttether")
    assert refused(mapped, **NAMED, kind="Client") == [("kind", "lf201")]
    assert stored(mapped, **NAMED, kind="3")["kind"] == "3"


def test_a_hidden_value_is_the_forms_whether_posted_or_not() -> None:
    declared = form("name: tag, type: hidden, value: 'web,quote'")
    assert stored(declared, hobby="chess") == {"hobby": "chess", "tag": "web,quote"}
    assert stored(declared, hobby="chess", tag="paper") == {"hobby": "chess", "tag": "paper"}


def test_answers_to_questions_that_were_not_shown_are_none() -> None:
    declared = form(
        "name: service, type: select, options: [doors, windows]",
        "name: panes, type: number, required: true, show_if: {service: windows}",
    )
    assert stored(declared, service="doors", panes="many") == {"service": "doors"}
    assert refused(declared, service="windows") == [("panes", "lf202")]
    assert refused(declared, service="windows", panes="many") == [("panes", "lf201")]
    assert stored(declared, service="windows", panes="4") == {"service": "windows", "panes": "4"}


def test_a_file_goes_where_a_file_is_asked_for() -> None:
    declared = form("name: plan, type: file, required: true", vendor="aicore")
    plan = File("plan.pdf", b"%PDF")
    assert read(declared, [], {"plan": plan}).files == {"plan": plan}
    assert [error.code for error in read(declared, [("plan", "plan.pdf")]).errors] == ["lf201"]
    assert [error.code for error in read(declared, [("email", "a@example.com")]).errors] == ["lf202"]
    assert [error.code for error in read(declared, [], {"plan": plan, "other": plan}).errors] == ["lf201"]


def test_a_control_names_last_value_counts() -> None:
    pairs: Pairs = [("web_key", "one"), ("web_key", " two "), ("hobby", "chess")]
    assert control(pairs, "web_key") == "two"
    assert control([("web_key", "  ")], "web_key") is None
    assert control(pairs, "OnErrorURL") is None
