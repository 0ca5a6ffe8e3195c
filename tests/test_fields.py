from __future__ import annotations

import time
from datetime import UTC, date, datetime, timedelta

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from leadferry.fields import (
    AUTOCOMPLETE,
    CAMPAIGN,
    CHOICES,
    KINDS,
    RESERVED,
    TICKS,
    TYPES,
    Invalid,
    in_limits,
    is_control,
)
from leadferry.messages import say

TODAY = datetime.now(UTC).date()

TAKEN = [
    # kind, what is typed, what is kept
    ("text", "as typed", "as typed"),
    ("textarea", "one\ntwo", "one\ntwo"),
    ("phone", "(512) 789-1111", "5127891111"),
    ("phone", "1-512-789-1111", "5127891111"),
    ("phone", "+1 512.789.1111", "5127891111"),
    ("phone", "512/789–1111", "5127891111"),
    ("phone", "512-789-1111 x1234", "512-789-1111 x1234"),
    ("phone", "512-789-1111 ext. 12", "512-789-1111 ext. 12"),
    ("phone", "512-789-1111 (h)", "512-789-1111 (h)"),
    ("phone", "5127891111w", "5127891111w"),
    ("phone", "+44 20 7946 0958", "+44 20 7946 0958"),
    ("phone", "+49\u00a030  901820", "+49 30 901820"),
    ("phone", "01 23 45 67 89", "01 23 45 67 89"),
    ("phone", "123456", "123456"),
    ("phone10", "(512) 789-1111", "5127891111"),
    ("phone10", "+15127891111", "5127891111"),
    ("email", "Bo@Example.COM", "Bo@example.com"),
    ("email", "bo.o'neill+x@mail.example.org", "bo.o'neill+x@mail.example.org"),
    ("email", "bo@exämple.de", "bo@exämple.de"),
    ("number", "$1,000", "1000"),
    ("number", "9,998.99", "9998.99"),
    ("number", "€ 5", "5"),
    ("number", "-5", "-5"),
    ("number", "+3", "3"),
    ("number", ".5", ".5"),
    ("whole", "1,000", "1000"),
    ("whole", "12.00", "12"),
    ("whole", "007", "7"),
    ("whole", "0", "0"),
    ("integer", "-12", "-12"),
    ("range", "1 to 10", "1-10"),
    ("range", "1-10", "1-10"),
    ("range", "1–10", "1-10"),
    ("range", "10+", "10+"),
    ("range", "10 +", "10+"),
    ("range", "10", "10"),
    ("range", "1,000 TO 2,000", "1000-2000"),
    ("date", "2025-12-31", "2025-12-31"),
    ("date", "12/31/2025", "2025-12-31"),
    ("date", "31/12/2025", "2025-12-31"),
    ("date", "2025/1/5", "2025-01-05"),
    ("date", "5/5/2026", "2026-05-05"),
    ("date", "31.12.2025", "2025-12-31"),
    ("date", "3.4.2026", "2026-04-03"),
    ("date", "12.31.2025", "2025-12-31"),
    ("date", "Dec 25, 1995", "1995-12-25"),
    ("date", "25 December 1995", "1995-12-25"),
    ("date", "December 25th, 1995", "1995-12-25"),
    ("date", "Sept 3 2025", "2025-09-03"),
    ("date", "2024-02-29", "2024-02-29"),
    ("dob", "12/31/1985", "1985-12-31"),
    ("dob", TODAY.isoformat(), TODAY.isoformat()),
    ("ssn", "123456789", "123-45-6789"),
    ("ssn", "123 45 6789", "123-45-6789"),
    ("gender", "male", "M"),
    ("gender", "F", "F"),
    ("gender", "Other", "O"),
    ("gender_mf", "female", "F"),
    ("state", "Texas", "TX"),
    ("state", "new  york", "NY"),
    ("state", "N.Y.", "NY"),
    ("state", "Washington, D.C.", "DC"),
    ("state", "québec", "QC"),
    ("state", "Bavaria", "Bavaria"),
    ("state2", "Texas", "TX"),
    ("state2", "tx", "TX"),
    ("state2", "Puerto Rico", "PR"),
    ("postal_code", "12345", "12345"),
    ("postal_code", "123451234", "12345-1234"),
    ("postal_code", "a1a1a1", "A1A 1A1"),
    ("postal_code", "sw1a 1aa", "SW1A 1AA"),
    ("postal_code", "1234 AB", "1234 AB"),
    ("zip_us_ca", "12345", "12345"),
    ("zip_us_ca", "12345-1234", "12345-1234"),
    ("zip_us_ca", "12345123412", "12345-1234-12"),
    ("zip_us_ca", "a1a-1a1", "A1A 1A1"),
    ("country", "Österreich", "Österreich"),
    ("url", "https://example.com/a?b=c#d", "https://example.com/a?b=c#d"),
    ("url", "example.com", "https://example.com"),
    ("url", "example.com:8080/x", "https://example.com:8080/x"),
    ("url", "https://münchen.de", "https://münchen.de"),
    ("checkbox", "on", "1"),
    ("consent", "Yes", "1"),
    ("consent", "0", "0"),
    ("flag", "true", "1"),
    ("flag", "NO", "0"),
    ("profile_id", "hall303", "hall303"),
    ("profile_id", "@hall303", "hall303"),
    ("profile_id", "https://www.facebook.com/hall303/", "hall303"),
    ("profile_id", "facebook.com/hall303?ref=1", "hall303"),
    ("profile_id", "https://www.facebook.com/profile.php?id=1000303", "1000303"),
    ("profile_id", "https://www.facebook.com/people/Bo-Hall/1000303", "1000303"),
    ("profile_id", "linkedin.com/in/bo-hall", "bo-hall"),
    ("profile_id", "https://www.linkedin.com/company/hall/", "hall"),
    ("select", "both", "both"),
    ("hidden", "web,quote", "web,quote"),
]

REFUSED = [
    # kind, what is typed, the sentence that the visitor reads
    ("phone", "call me", "phone"),
    ("phone", "12345", "phone"),
    ("phone", "1234567890123456", "phone"),
    ("phone", "1-800-FLOWERS", "phone"),
    ("phone", "٥١٢٧٨٩١١١١", "phone"),
    ("phone10", "512-789-1111 x1234", "phone10"),
    ("phone10", "+44 20 7946 0958", "phone10"),
    ("phone10", "01 23 45 67 89", "phone10"),
    ("phone10", "512789111", "phone10"),
    ("email", "bo", "email"),
    ("email", "bo@localhost", "email"),
    ("email", "bo@example..com", "email"),
    ("email", "Bo <bo@example.com>", "email"),
    ("email", "a@b.example, c@d.example", "email"),
    ("number", "ten", "number"),
    ("number", "1e3", "number"),
    ("number", "1.000,50", "number"),
    ("number", "1,00", "number"),
    ("number", "nan", "number"),
    ("number", "१२", "number"),
    ("whole", "1.5", "whole"),
    ("whole", "-1", "whole"),
    ("whole", "ten", "whole"),
    ("integer", "1.0", "whole"),
    ("integer", "9" * 19, "whole"),
    ("range", "many", "range"),
    ("range", "5-", "range"),
    ("range", "1,2", "range"),
    ("date", "03/04/2026", "date_unclear"),
    ("date", "3-4-2026", "date_unclear"),
    ("date", "12/31/25", "date"),
    ("date", "2025-02-30", "date"),
    ("date", "13/13/2025", "date"),
    ("date", "tomorrow", "date"),
    ("date", "12", "date"),
    ("date", "3 Brumaire 2025", "date"),
    ("dob", (TODAY + timedelta(days=2)).isoformat(), "dob"),
    ("dob", "1800-01-01", "dob"),
    ("dob", "03/04/1985", "date_unclear"),
    ("dob", "long ago", "dob"),
    ("ssn", "12345678", "ssn"),
    ("ssn", "123-45-678x", "ssn"),
    ("gender", "x", "gender"),
    ("gender_mf", "other", "gender_mf"),
    ("state2", "Bavaria", "state2"),
    ("postal_code", "!", "postal_code"),
    ("postal_code", "1" * 16, "postal_code"),
    ("zip_us_ca", "1234", "zip_us_ca"),
    ("zip_us_ca", "SW1A 1AA", "zip_us_ca"),
    ("url", "http://intranet", "url"),
    ("url", "mailto:bo@example.com", "url"),
    ("url", "javascript:alert(1)", "url"),
    ("url", "https://exa mple.com", "url"),
    ("url", "https://example.com:99999", "url"),
    ("url", "https://[::1", "url"),
    ("flag", "maybe", "flag"),
    ("consent", "2", "flag"),
    ("profile_id", "https://www.facebook.com/hall303/about", "profile_id"),
    ("profile_id", "https://www.facebook.com/", "profile_id"),
    ("profile_id", "Bo Hall", "profile_id"),
    ("profile_id", "//[", "profile_id"),
]


@pytest.mark.parametrize(("kind", "typed", "kept"), TAKEN)
def test_what_is_certain_is_brought_into_form(kind: str, typed: str, kept: str) -> None:
    assert KINDS[kind].normalise(typed) == kept


@pytest.mark.parametrize(("kind", "typed", "sentence"), REFUSED)
def test_what_is_not_certain_is_refused(kind: str, typed: str, sentence: str) -> None:
    with pytest.raises(Invalid) as refused:
        KINDS[kind].normalise(typed)
    assert refused.value.message == sentence
    assert say(sentence)


def test_every_kind_has_an_example_here() -> None:
    plain = {"radio", "checkboxes", "file"}  # as typed, too
    assert {kind for kind, *_ in TAKEN} == set(KINDS) - plain
    assert all(KINDS[kind].normalise("a b") == "a b" for kind in plain)


@pytest.mark.parametrize("name", list(KINDS))
def test_a_hostile_text_is_refused_in_no_time(name: str) -> None:
    began = time.process_time()
    for text in HOSTILE:
        try:
            KINDS[name].normalise(text)
        except Invalid:
            continue
    assert time.process_time() - began < 4.0  # some tenths for all; a quadratic pattern takes minutes


HOSTILE = [
    unit * (65_536 // len(unit)) + tail
    for unit in (
        "1", " ", "1 ", "\u00a0", "(", "a", "a@", "b.", "1,", ",111", "[", "/", "jan ", "1st ", "é", "1-", " 5", "A1",
        "%", "a:", "a:1", "&id=1", ".1", "1to", "x", "+", "-", "'", '"', "@",
    )
    for tail in ("", "!", "x1", "\n")
] + [
    "1" * 6 + " " * 65_000 + "!",
    "-" + " " * 65_000 + "!",
    "1" + " " * 65_000 + "to",
    "1 to" + " " * 65_000 + "!",
    "1" + ",111" * 16_000 + "!",
    "http://" + "[" * 65_000,
    "a@" + "b." * 32_000 + "c",
    '"' + "a" * 65_000 + '"@example.com',
    "https://a.example/profile.php?" + "id=1&" * 13_000,
]  # fmt: skip

LIKELY = st.text(
    alphabet="0123456789+-–()./ x,#$€@:?&=[]TtoOJanDec thndst\u00a0\u0660\u212aßŉİſé\u0301",
    max_size=24,
)


@settings(max_examples=500, deadline=None)
@given(
    st.sampled_from(sorted(KINDS)), st.one_of(LIKELY, st.text(max_size=40), st.sampled_from([t for _, t, _ in TAKEN]))
)
def test_bringing_into_form_is_done_once_and_for_all(kind: str, text: str) -> None:
    """And whatever is typed, nothing but Invalid is ever raised."""
    normalise = KINDS[kind].normalise
    try:
        kept = normalise(text)
    except Invalid:
        return
    assert normalise(kept) == kept


@settings(max_examples=200, deadline=None)
@given(st.dates(date(1000, 1, 1), date(9999, 12, 31)))
def test_a_date_written_out_is_that_date(day: date) -> None:
    months = "January February March April May June July August September October November December".split()
    month = months[day.month - 1]
    normalise = KINDS["date"].normalise
    assert normalise(f"{month} {day.day}, {day.year:04}") == day.isoformat()
    assert normalise(f"{day.day} {month[:3]} {day.year:04}") == day.isoformat()
    assert normalise(f"{day.day}.{day.month}.{day.year:04}") == day.isoformat()


# --- limits ---


@pytest.mark.parametrize(
    ("kind", "text", "low", "high", "message"),
    [
        ("number", "5", "1", "10", None),
        ("number", "1", "1", "1", None),
        ("number", "0.5", "1", None, "minimum"),
        ("number", "11", None, "10", "maximum"),
        ("number", "-2", "-1", None, "minimum"),
        ("number", "10", "9", None, None),  # as numbers, not as words
        ("whole", "9" * 20, None, "10", "maximum"),
        ("date", "2025-06-01", "2025-01-01", "2025-12-31", None),
        ("date", "2024-12-31", "2025-01-01", None, "earliest"),
        ("dob", "2026-01-01", None, "2025-12-31", "latest"),
        ("text", "five", "1", None, "number"),
        ("number", "9" * 400, "1", None, "number"),
    ],
)
def test_limits_hold_for_numbers_and_dates(
    kind: str, text: str, low: str | None, high: str | None, message: str | None
) -> None:
    if message is None:
        in_limits(kind, text, low, high)
        return
    with pytest.raises(Invalid) as refused:
        in_limits(kind, text, low, high)
    assert refused.value.message == message
    assert say(message, **refused.value.values)


# --- the tables ---


def test_types_are_the_contracts() -> None:
    assert TYPES == (
        "text", "textarea", "email", "phone", "number", "range", "date", "dob", "ssn", "gender", "state",
        "postal_code", "country", "url", "select", "radio", "checkboxes", "checkbox", "consent", "hidden", "file",
    )  # fmt: skip


def test_every_name_has_a_kind_there_is() -> None:
    assert set(RESERVED.values()) <= set(KINDS)
    assert set(KINDS) >= CHOICES | TICKS
    assert len(RESERVED) == 28


def test_campaign_names_keep_what_the_contract_says() -> None:
    assert {limit: sum(each == limit for each in CAMPAIGN.values()) for limit in set(CAMPAIGN.values())} == {
        2048: 2,
        512: 11,
        255: 6,
    }
    assert not set(CAMPAIGN) & set(RESERVED)


@pytest.mark.parametrize("name", ["web_key", "OnSuccessURL", "OnErrorURL", "form_submit_redirect", "_lf_token", "_lf_"])
def test_control_names_are_no_answers(name: str) -> None:
    assert is_control(name)


@pytest.mark.parametrize("name", ["Web_Key", "onsuccessurl", "lf_", "name", ""])
def test_names_are_case_sensitive(name: str) -> None:
    assert not is_control(name)


def test_autocomplete_tokens_are_those_of_html() -> None:
    known = {
        "name", "given-name", "family-name", "street-address", "address-line1", "address-line2", "address-level1",
        "address-level2", "postal-code", "country-name", "organization", "organization-title", "email", "tel", "url",
        "bday", "sex", "off",
    }  # fmt: skip
    used = set(AUTOCOMPLETE.values()) | {kind.autocomplete for kind in KINDS.values() if kind.autocomplete}
    assert used <= known
