"""What makes a post look like junk, and what does not."""

from __future__ import annotations

from collections.abc import Sequence

import pytest

from leadferry.form_file import FormFileError, Surroundings, load
from leadferry.forms import Form
from leadferry.junk import LONG_TEXT, Evidence, long_texts, reasons
from leadferry.vendors import ADAPTERS
from tests.test_forms_readme import codes, keys_asked_for, section, tables

AROUND = Surroundings(ADAPTERS, lambda _: "secret")
PROSE = "We build cheap websites and rank them on page one of every search engine."


def form(spam: str = "", fields: str = "") -> Form:
    text = f"""
fields:
  - {{name: firstName, label: First name}}
  - {{name: message, type: textarea}}
  - {{name: service, type: select, options: [Windows, "{PROSE}"]}}
  - {{name: terms, type: hidden, value: "{PROSE}"}}
  - {{name: story, type: textarea, value: "{PROSE}"}}
{fields}
vendor: {{name: webhook, url: "https://crm.example/"}}
{f"spam: {spam}" if spam else ""}
"""
    return load("quote", text, "quote.yaml", AROUND)[0]


def judged(*pairs: tuple[str, str], spam: str = "", **seen: object) -> tuple[str, ...]:
    return reasons(form(spam), Evidence(pairs, user_agent="Mozilla/5.0", **seen))  # type: ignore[arg-type]


def problems(spam: str) -> list[str]:
    with pytest.raises(FormFileError) as error:
        form(spam)
    return [f"{each.key}: {each.message}" for each in error.value.problems]


def test_what_a_person_sends_looks_like_no_junk() -> None:
    pairs = (("firstName", "Jean-Luc O'Brien jr."), ("message", "Windows for 12 rooms, see www.example.com"))
    assert judged(*pairs, age=40.0, expects_token=True) == ()


@pytest.mark.parametrize("name", ["_gotcha", "fax"])
def test_a_filled_honeypot_is_a_reason_whichever_name_it_has(name: str) -> None:
    assert judged((name, "x"), spam="{honeypot: fax}") == ("honeypot",)
    assert judged((name, " "), spam="{honeypot: fax}") == ()


def test_a_name_is_a_trap_only_on_the_form_that_says_so() -> None:
    assert judged(("fax", "5127891111")) == ()


@pytest.mark.parametrize(("age", "found"), [(1.9, ("too_fast",)), (2.1, ()), (None, ()), (-5.0, ("too_fast",))])
def test_who_is_faster_than_a_person_is_suspected(age: float | None, found: tuple[str, ...]) -> None:
    assert judged(("firstName", "Jo"), age=age) == found


@pytest.mark.parametrize(
    "name",
    [
        "Jo https://spam.example",
        "www.spam.example",
        "BUY cheap-pills.ru now",
        "<a href=x>Jo</a>",
        "<script>",
        "[url=x]Jo[/url]",
        "casino.com",
    ],
)
def test_an_address_or_a_tag_is_no_name(name: str) -> None:
    assert judged(("firstName", name)) == ("url_in_name",)
    assert judged(("full_name", name)) == ("url_in_name",)
    assert judged(("message", name)) == ()


@pytest.mark.parametrize(
    "name",
    ["Dr. Jo Smith-Comey", "J.R.R. Tolkien", "Bo <bo@example.com>", "O'Net", "Anna & Bo", "3 < 5", "Al.Comstock"],
)
def test_a_name_with_points_and_marks_is_a_name(name: str) -> None:
    assert judged(("name", name)) == ()


@pytest.mark.parametrize(
    ("text", "found"),
    [
        ("Cheap VIAGRA now", True),
        ("cheap  seo  services", True),
        ("Essex", False),
        ("ｖｉａｇｒａ", True),
        ("viagras", False),
    ],
)
def test_blocked_words_are_whole_words_in_any_writing(text: str, found: bool) -> None:
    words = "{words: [viagra, SEO services, sex]}"
    assert judged(("message", text), spam=words) == (("blocked_word",) if found else ())
    assert judged(("colour", text), spam=words) == (("blocked_word",) if found else ())


def test_words_of_the_pages_own_address_block_nobody() -> None:
    assert judged(("utm_campaign", "viagra"), ("_lf_token", "viagra"), spam="{words: [viagra]}") == ()


@pytest.mark.parametrize(
    ("country", "found"), [("KP", ("blocked_country",)), ("kp", ("blocked_country",)), ("US", ()), ("", ())]
)
def test_blocked_countries(country: str, found: tuple[str, ...]) -> None:
    assert judged(("firstName", "Jo"), spam="{countries: [kp, XX]}", country=country) == found


def test_one_hint_says_nothing_and_two_do() -> None:
    links = ("message", "https://a.example and https://b.example")
    assert judged(("firstName", "Jo"), expects_token=True) == ()
    assert judged(links) == ()
    assert judged(links, expects_token=True) == ("no_token", "links")
    assert judged(links, age=100_000.0) == ("old_token", "links")
    nobody = Evidence((("firstName", "Jo"),), expects_token=True)
    assert reasons(form(), nobody) == ("no_token", "no_user_agent")


def test_every_layer_gives_its_own_reason() -> None:
    found = judged(("_gotcha", "x"), ("firstName", "<b>"), age=0.5, repeated=True, challenge="challenge_failed")
    assert found == ("honeypot", "too_fast", "url_in_name", "repeated_content", "challenge_failed")


def counted(*pairs: tuple[str, str]) -> Sequence[str]:
    return list(long_texts(form(), pairs))


def test_equal_long_texts_are_equal_whatever_their_blanks_and_case() -> None:
    assert counted(("message", PROSE)) == counted(("message", f"  {PROSE.upper()}\n")) == [PROSE.lower()]


def test_what_many_visitors_send_in_the_same_words_is_not_counted() -> None:
    assert counted(("message", "x y " * (LONG_TEXT // 4 - 1))) == []
    assert counted(("service", PROSE), ("terms", PROSE), ("story", PROSE), ("utm_content", PROSE)) == []
    assert counted(("message", "https://www.example.com/a-very-long-address-without-a-blank-in-it")) == []


def test_under_an_undeclared_name_only_a_text_with_a_link_is_counted() -> None:
    assert counted(("disclaimer", PROSE)) == []
    assert len(counted(("comment", f"{PROSE} https://spam.example"))) == 1


@pytest.mark.parametrize(
    ("spam", "problem"),
    [
        ("{honeypot: firstName}", "spam.honeypot: 'firstName' is a name that a visitor's answer has"),
        ("{honeypot: email}", "spam.honeypot: 'email' is a name that a visitor's answer has"),
        ("{honeypot: '<x>'}", "spam.honeypot: '<x>' is not a name"),
        ("{suspects: refuse}", "spam.suspects: 'refuse' is not known here"),
        ("{countries: [Korea]}", "spam.countries: 'Korea' is not a country's short name"),
        ("{keep: long}", "spam.keep: 'long' is not a number of days"),
        ("{challenge: turnstile, site_key: 0x4}", "spam.secret: is missing"),
        ("{challenge: altcha, site_key: 0x4}", "spam.site_key: means nothing"),
        ("{challenge: turnstile, site_key: 0x4, secret: '${SECRET_KEY}'}", "spam.secret: ${SECRET_KEY} is a secret"),
    ],
)
def test_mistakes_in_a_spam_block_are_named(spam: str, problem: str) -> None:
    assert any(each.replace('"', "'").startswith(problem) for each in problems(spam)), problems(spam)


def test_the_keys_of_a_spam_block_are_documented() -> None:
    documented = [codes(row[0])[0] for row in tables(section("Junk"))[0]]
    assert set(documented) == keys_asked_for("spam: {zzzzzz: 1}\n", "spam.zzzzzz")
