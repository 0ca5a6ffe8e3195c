"""The token of a form page: which form, made when, and nothing that could refuse a lead."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from leadferry.tokens import PageTokens

OURS = PageTokens("a key for the tests, long enough")
NOON = 1_800_000_000.25


def test_a_token_tells_its_age() -> None:
    token = OURS.make("quote", now=NOON)
    assert OURS.age(token, "quote", now=NOON) == 0
    assert OURS.age(token, "quote", now=NOON + 1.5) == 1.5
    assert OURS.age(token, "quote", now=NOON + 86_400) == 86_400


def test_a_token_is_read_by_every_machine_that_has_the_key() -> None:
    token = OURS.make("quote", now=NOON)
    assert PageTokens(OURS.secret_key).age(token, "quote", now=NOON + 1) == 1


def test_a_token_of_another_form_says_nothing() -> None:
    assert OURS.age(OURS.make("quote", now=NOON), "other", now=NOON) is None


def test_a_forged_token_says_nothing() -> None:
    token = OURS.make("quote", now=NOON)
    assert PageTokens("another key, just as long").age(token, "quote") is None
    for position in range(len(token)):
        other = "A" if token[position] != "A" else "B"
        forged = token[:position] + other + token[position + 1 :]
        assert OURS.age(forged, "quote", now=NOON) in {None, 0}  # the last character has bits to spare


@given(st.text())
def test_no_text_breaks_the_reading(text: str) -> None:
    assert OURS.age(text, "quote") is None


@pytest.mark.parametrize("text", ["", ".", "a.b", "\ud800", "é", "\x00", "a" * 100_000])
def test_rubbish_says_nothing(text: str) -> None:
    assert OURS.age(text, "quote") is None


def test_a_token_goes_into_a_page_as_it_is() -> None:
    token = OURS.make("quote")
    assert token.isascii()
    assert set(token) <= set("abcdefghijklmnopqrstuvwxyzABCDEFGHIJKLMNOPQRSTUVWXYZ0123456789-_.")
