"""Cleaning: plain text that stays as it is, no tag in it, no word lost, and a cost that no enemy can raise."""

from __future__ import annotations

import html
import re
import sys
import threading
import unicodedata
from collections.abc import Callable
from types import FrameType

import nh3
import pytest
import regex
from bleach.sanitizer import Cleaner
from hypothesis import given, settings
from hypothesis import strategies as st

from leadferry.text import PARSER_LIMIT, Change, Cleaned, cut, plain_lines, plain_text, safe_html

FAMILY = "👨\u200d👩\u200d👧"
PERSIAN = "می\u200cخواهم"

PIECES = [
    *"<<>&;=/'\"!? \n\r\t@aZ13[é\u0301\u0338\u0323\u200d\u200c\u200b\ufeff\u202e\x00\x0b\x85\u2028\ud800\udfff",
    *"\U0001f1e6\U000e0061\u1100\u1161\u0600\u037e\u212a\u0344\u0f73\u0903",
    *("&lt;", "&gt;", "&amp;", "amp;", "lt;", "&#60;", "#x3c;", "&nvlt;", "&zwj;", "&#8205;", "&#0;", "&#xd800;"),
    *("<b>", "</b>", "<p>", "</p>", "<br>", "<script>", "</script>", "<img src=x onerror=a>", "<svg/onload=x>"),
    *("<x y", "b>", "<bo@x.example>", "<https://x.example/?a=1&b=2>", "<!--", "-->", "<!doctype>", "<![CDATA[", "]]>"),
    *(FAMILY, PERSIAN, "क्\u200dष", "👍🏽", "❤️", "<a href='javascript:a'>", "<a href=//x>", "<style>", "</style>"),
]
TEXTS = st.lists(st.one_of(st.sampled_from(PIECES), st.characters(), st.text(max_size=4)), max_size=40).map("".join)
LIMITS = st.one_of(st.none(), st.integers(0, 60))
OPENER = re.compile("<[A-Za-z/!?]")
UNWANTED = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\u061c\u200b\u200e\u200f\u202a-\u202e\u2066-\u2069\ufeff\U000e0000-\U000e007f]"
)


def text_of(raw: str) -> str:
    return plain_text(raw, 100).text


@pytest.mark.parametrize(
    "raw",
    [
        "AT&T",
        "Tom & Jerry",
        "5 < 6",
        "a < b",
        "<3",
        "6 > 5 <- <= << >>",
        "x?a=1&notify=2",
        "x?a=1&copy=2",
        "https://www.example.com/p?lt=1&amp=2&para=3#a&b",
        "&notify; &;  &#; &#x; &#0;",
        'O\'Neill "the" `x` 100%',
        "two\nlines\tand a tab",
        "Zoë Łukasz 李 Ἀθήνα",
        FAMILY,
        "❤️ 👍🏽 🇨🇦",
        PERSIAN,
        "क्\u200dष",
        "SMS\u200cها",
    ],
)
def test_honest_text_stays_as_typed_and_nothing_is_recorded(raw: str) -> None:
    assert plain_text(raw, 100) == Cleaned(raw, ())


@pytest.mark.parametrize(
    ("raw", "clean"),
    [
        ("<b>x</b>", "x"),
        ("&lt;b&gt;x", "x"),
        ("&amp;lt;b&amp;gt;x", "x"),
        ("&amp;amp;lt;b&amp;amp;gt;AT&amp;amp;amp;T", "AT&T"),
        ("<<b>script>alert(1)</script>", "alert(1)"),
        ("<script>alert(1)</script>", "alert(1)"),
        ("<img src=x onerror=alert(1)>hi", "hi"),
        ("<img/src=x>hi", "hi"),
        ("<svg onload=x>hi</svg>", "hi"),
        ("<a title='x > y' href=z>t</a>", "t"),
        ('<custom-card data-id="4">hi</custom-card>', "hi"),
        ("<!-- <b>hidden</b> -->shown", "shown"),
        ("<!DOCTYPE html><html><body>Hi</body></html>", "Hi"),
        ("<?xml version='1.0'?>Hi", "Hi"),
    ],
)
def test_html_is_stripped_in_every_layer_and_recorded(raw: str, clean: str) -> None:
    assert plain_text(raw, 100) == Cleaned(clean, (Change("html", len(raw), len(clean)),))


@pytest.mark.parametrize(
    ("raw", "clean"),
    [
        ("Bo <bo@example.com>", "Bo bo@example.com"),
        ("Bo <99bo@example.com>", "Bo 99bo@example.com"),
        ("see <https://x.example/?a=1&notify=2>", "see https://x.example/?a=1&notify=2"),
        ("<Your Name>", "Your Name"),
        ("<i'm sorry>", "i'm sorry"),
        ("in </etc/hosts>", "in /etc/hosts"),
        ("<!important>", "!important"),
    ],
)
def test_what_is_no_tag_loses_only_its_brackets(raw: str, clean: str) -> None:
    assert plain_text(raw, 100) == Cleaned(clean, (Change("html", len(raw), len(clean)),))


@pytest.mark.parametrize(
    ("raw", "clean"),
    [
        ("a <b and then c", "a < b and then c"),
        ("wow <!!! call me at 555-1234", "wow < !!! call me at 555-1234"),
        ("<!-- never closed, call me", "< !-- never closed, call me"),
        ("</3", "< /3"),
    ],
)
def test_a_bracket_that_nothing_closes_loses_no_word_and_opens_no_tag(raw: str, clean: str) -> None:
    assert plain_text(raw, 100) == Cleaned(clean, ())


@pytest.mark.parametrize(
    ("raw", "clean"),
    [
        ("AT&amp;T", "AT&T"),
        ("caf&eacute; &copy; &#8364;&#x20AC;&#0000065;", "café © €€A"),
        ("e\u0301", "é"),
        ("  x \n", "x"),
        ("a\r\nb\rc\u2028d", "a\nb\nc\nd"),
    ],
)
def test_another_spelling_of_the_same_text_is_no_loss(raw: str, clean: str) -> None:
    assert plain_text(raw, 100) == Cleaned(clean, ())


def test_line_breaks_and_blocks_keep_words_apart() -> None:
    assert text_of("one<br>two<BR/>three") == "one\ntwo\nthree"
    assert text_of("<p>a</p><p>b</p>") == "a\nb"
    assert text_of("<h2>Title</h2>text") == "Title\ntext"


def test_a_number_of_5000_digits_is_no_entity_and_no_error() -> None:
    assert plain_text("&#" + "9" * 5000 + ";", None).changes == ()


def test_a_heap_of_entities_leaves_neither_an_entity_nor_a_bracket() -> None:
    cleaned = plain_text("&" + "amp;" * 900 + "lt;b>x", 10_000)
    assert cleaned.text.endswith("amp;lt;b>x")
    assert "&" not in cleaned.text
    assert [change.reason for change in cleaned.changes] == ["html"]


@pytest.mark.parametrize("clean", [plain_lines, text_of])
def test_control_characters_surrogates_and_invisible_marks_go(clean: Callable[[str], Cleaned | str]) -> None:
    cleaned = clean("\ufeffA\x00n\x0bn\ud800 \u202e\u200b\x85B\U000e0041o\udc00\u200d\x7f")
    assert getattr(cleaned, "text", cleaned) == "Ann Bo"


@pytest.mark.parametrize(
    ("raw", "clean"),
    [
        ("ja\u200dv\u200ca", "java"),
        ("x \u200dy\u200c", "x y"),
        ("5\u200d6", "56"),
        (FAMILY + "\u200d\u200d!", FAMILY + "\u200d!"),
        ("<\u0338\u200d", "≮"),
    ],
)
def test_a_joiner_goes_where_it_joins_nothing(raw: str, clean: str) -> None:
    assert plain_lines(raw).text == clean


def test_removed_characters_are_recorded_with_the_lengths() -> None:
    assert plain_lines("a\x00b\r\nc") == Cleaned("ab\nc", (Change("control_characters", 5, 4),))


def test_a_reserved_value_keeps_its_brackets_and_its_length() -> None:
    assert plain_lines(" <b>&amp;\r\n" + "x" * 5000) == Cleaned("<b>&amp;\n" + "x" * 5000, ())


def test_each_step_is_recorded_in_its_order() -> None:
    raw = "\x00<b>" + "é" * 200 + "</b>" + "x" * 6000
    assert plain_text(raw, 100) == Cleaned(
        "é" * 100,
        (
            Change("control_characters", 6208, 6207),
            Change("raw_cut", 6207, 4096),
            Change("html", 4096, 4089),
            Change("cut", 4089, 100),
        ),
    )


def test_a_cut_ends_before_the_grapheme_that_does_not_fit() -> None:
    assert cut("ab" + FAMILY, 6) == "ab"
    assert cut("ab" + FAMILY, 7) == "ab" + FAMILY
    assert cut("🇨🇦🇺🇸", 3) == "🇨🇦"
    assert cut("a\r\nb", 2) == "a"
    assert cut("plain", 3) == "pla"
    assert cut("plain", 0) == ""


def test_what_a_cut_leaves_at_the_end_is_tidied() -> None:
    assert plain_text("ab cd", 3) == Cleaned("ab", (Change("cut", 5, 2),))
    assert plain_text("SMS\u200cها", 4) == Cleaned("SMS", (Change("cut", 6, 3),))


def test_a_grapheme_longer_than_the_limit_is_cut_hard() -> None:
    assert cut("a" + "\u0301" * 500, 100) == "a" + "\u0301" * 99
    assert len(text_of("a" + "\u0301" * 500)) == 100


def test_the_limit_counts_code_points_after_decoding() -> None:
    assert plain_text("&amp;" * 100, 100) == Cleaned("&" * 100, ())
    assert plain_text("&amp;" * 101, 100).changes == (Change("cut", 101, 100),)


@pytest.mark.parametrize("line", ["Größe & more <3 5 < 6\n", "plain words\n", PERSIAN + " "])
def test_honest_text_up_to_a_large_limit_is_kept_whole(line: str) -> None:
    raw = (line * 10_000)[:10_000].strip()
    assert plain_text(raw, 10_000) == Cleaned(raw, ())


def test_text_without_brackets_is_cut_once_however_long() -> None:
    assert plain_text("x" * 65_536, 100).changes == (Change("cut", 65_536, 100),)


@settings(deadline=None)
@given(TEXTS, LIMITS)
def test_any_text_becomes_a_fixed_point_without_tags_and_within_the_limit(raw: str, limit: int | None) -> None:
    clean = plain_text(raw, limit).text
    assert plain_text(clean, limit) == Cleaned(clean, ())
    assert plain_text(clean, None) == Cleaned(clean, ())
    assert plain_lines(clean) == Cleaned(clean, ())
    assert not OPENER.search(clean)
    assert not UNWANTED.search(clean)
    assert unicodedata.is_normalized("NFC", clean)
    assert limit is None or len(clean) <= limit


@settings(deadline=None)
@given(TEXTS, LIMITS)
def test_an_independent_sanitizer_finds_no_tag_in_the_result(raw: str, limit: int | None) -> None:
    clean = plain_text(raw, limit).text
    assert html.unescape(nh3.clean(clean.replace("&", "&amp;"), tags=set())) == clean


@settings(deadline=None)
@given(TEXTS)
def test_reserved_values_are_a_fixed_point_too(raw: str) -> None:
    clean = plain_lines(raw).text
    assert plain_lines(clean) == Cleaned(clean, ())
    assert unicodedata.is_normalized("NFC", clean)


@settings(deadline=None)
@given(TEXTS, LIMITS)
def test_every_recorded_step_takes_up_where_the_last_ended(raw: str, limit: int | None) -> None:
    for change in (changes := plain_text(raw, limit).changes):
        assert change.reason == "html" or change.before > change.after
    assert len({change.reason for change in changes}) == len(changes)


@settings(deadline=None)
@given(TEXTS, st.integers(0, 60))
def test_a_cut_is_the_longest_run_of_whole_graphemes(raw: str, limit: int) -> None:
    whole = ""
    for grapheme in regex.findall(r"\X", raw):
        if len(whole + grapheme) > limit:
            break
        whole += grapheme
    assert cut(raw, limit) == (whole or raw[:limit])


@settings(deadline=None)
@given(st.text("a<\u0301\u0323\u0344\u0338\u0903\u0f71\u0f72\u0f73\u20d0", min_size=40, max_size=80))
def test_a_heap_of_marks_in_a_long_text_is_composed_like_any_other(heap: str) -> None:
    assert plain_lines("é" * 1024 + heap).text == unicodedata.normalize("NFC", "é" * 1024 + heap)


HOSTILE = [
    "<a ",
    "<",
    "<b>",
    "<a b='",
    '<a " ="',
    "<!--",
    "<x<",
    "<a@",
    "&amp;",
    "&amp;lt;b&amp;gt;",
    "&&&&&&&&<b>",
    "<b a" + " a" * 100 + ">",
    "\u0301\u0323",
    "\u0f73",
    "\u0301" * 31 + "<b>",
    "\U0001f1e6",
    "\U0001f1e6&",
    "é\u200d\u200d",
    "<\u0338\u200d",
]


def lengths_handed_to_bleach(work: Callable[[], object]) -> list[int]:
    lengths: list[int] = []

    def watch(frame: FrameType, event: str, _: object) -> None:
        if event == "call" and frame.f_code is Cleaner.clean.__code__:
            lengths.append(len(frame.f_locals["text"]))

    before = sys.getprofile()
    sys.setprofile(watch)
    try:
        work()
    finally:
        sys.setprofile(before)
    return lengths


@pytest.mark.parametrize("unit", HOSTILE)
@pytest.mark.parametrize("limit", [100, 10_000, None])
def test_bleach_is_never_handed_more_than_its_bound(unit: str, limit: int | None) -> None:
    for size in (PARSER_LIMIT - 2, PARSER_LIMIT + 2, 65_536):
        raw = (unit * size)[:size]
        assert max(lengths_handed_to_bleach(lambda: plain_text(raw, limit)), default=0) <= PARSER_LIMIT  # noqa: B023


def test_bleach_parses_what_has_tags_and_nothing_else() -> None:
    assert lengths_handed_to_bleach(lambda: text_of("<b>x</b>")) == [8]
    assert lengths_handed_to_bleach(lambda: text_of("AT&T 5 < 6 &lt;3 Bo <bo@example.com>")) == []


@pytest.mark.timeout(30)
@pytest.mark.parametrize("unit", HOSTILE)
def test_a_quarter_megabyte_from_an_enemy_is_no_matter_of_minutes(unit: str) -> None:
    """Linear work takes a fraction of a second here; anything that grows with the square runs into the timeout."""
    raw = (unit * 262_144)[:262_144]
    plain_text(raw, 10_000)
    plain_text(raw, None)
    cut(raw, 200_000)


@pytest.mark.parametrize("unit", ["<b>x", "<p>x</p>\n", "<bo@example.com> ", "&lt;b&gt;x"])
def test_a_text_too_long_for_bleach_reads_like_a_short_one(unit: str) -> None:
    short = plain_text(unit * 20 + "end", None).text
    long = plain_text(unit * 2000 + "end", None).text
    assert long.replace(short.removesuffix("end"), "").removesuffix("end").strip() == ""


def test_threads_clean_at_the_same_time_without_mixing() -> None:
    wrong: list[str] = []

    def work(name: str) -> None:
        for _ in range(200):
            if (got := text_of(f"<b>{name}</b> <i>{name}</i>")) != f"{name} {name}":
                wrong.append(got)

    threads = [threading.Thread(target=work, args=(name,)) for name in ("Ann", "Bo", "Cy", "Di")]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert wrong == []


@pytest.mark.parametrize(
    ("raw", "safe"),
    [
        ("<p>Hi <b>you</b></p>", "<p>Hi <b>you</b></p>"),
        ("<p class=x onclick=y style=z>a</p>", "<p>a</p>"),
        ("AT&T 5 < 6", "AT&amp;T 5 &lt; 6"),
        ("<h1>a</h1><h2>b</h2><img src=x>", "a<h2>b</h2>"),
        ("a<script>alert(1)</script>b<STYLE media=x>p{}</STYLE >c", "abc"),
        ("a<script>never closed", "a"),
        ("a\ud800b", "ab"),
        ("<a href='javascript:alert(1)'>x</a>", "<a>x</a>"),
        ("<a href='&#106;avascript:alert(1)'>x</a>", "<a>x</a>"),
        ("<a href='data:text/html,x'>x</a>", "<a>x</a>"),
        ('<a href="#top" title="t">x</a>', '<a href="#top" title="t">x</a>'),
        ('<a href="tel:+15127891111">x</a>', '<a href="tel:+15127891111">x</a>'),
        ('<a href="mailto:bo@example.com">x</a>', '<a href="mailto:bo@example.com">x</a>'),
        ('<a href="/privacy">x</a>', '<a target="_blank" rel="noopener" href="/privacy">x</a>'),
        (
            '<a title="t" href="https://x.example" target="_top">x</a>',
            '<a target="_blank" rel="noopener" title="t" href="https://x.example">x</a>',
        ),
    ],
)
def test_marketers_html_is_reduced_to_the_safe_subset(raw: str, safe: str) -> None:
    assert safe_html(raw) == safe


SAFE_TAGS = set("p br strong b em i u a ul ol li h2 h3 h4 small span hr blockquote".split())
WEB = {"http", "https", "mailto", "tel"}


@settings(deadline=None)
@given(TEXTS)
def test_an_independent_sanitizer_finds_nothing_to_remove_from_safe_html(raw: str) -> None:
    safe = safe_html(raw)
    attributes = {"a": {"href", "title", "target"}}
    strict = nh3.clean(safe, tags=SAFE_TAGS, attributes=attributes, url_schemes=WEB, link_rel=None)
    lax = nh3.clean(
        safe,
        tags=SAFE_TAGS | {"script", "style", "img", "svg", "iframe", "math", "form", "object", "x"},
        clean_content_tags=set(),
        attributes=attributes | {"*": {"onclick", "onerror", "onload", "style", "src"}},
        url_schemes=WEB | {"javascript", "data", "vbscript"},
        link_rel=None,
    )
    assert strict == lax
