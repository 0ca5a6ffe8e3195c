"""What strangers type becomes plain text, and what marketers write becomes safe HTML: the only user of bleach.

Plain text is a fixed point: cleaning it again changes nothing. It is Unicode NFC and holds no control character but
line feed and tab, no unpaired surrogate, no invisible mark, and no `<` that could open a tag. It is text and not HTML,
so a page still escapes it. Words are not lost with their brackets: an address in `<…>` stays, a `<` that nothing
closes gets a space behind it, and the body of a script or style element stays as the text it then is.
"""

from __future__ import annotations

import html
import re
import threading
import unicodedata
from dataclasses import dataclass
from functools import cache
from html.entities import html5
from itertools import groupby
from typing import Literal

import regex

Reason = Literal["control_characters", "html", "raw_cut", "cut"]

PARSER_LIMIT = 4096
"""Most code points that bleach is ever handed: its time grows with the square of some inputs."""

_PASSES = 6  # each takes off one layer of `&amp;lt;b&amp;gt;`, and the last one finds nothing left to do

_LINE_ENDS = re.compile("\r\n?|[\u2028\u2029]")
_UNWANTED = re.compile(
    "[\x00-\x08\x0b-\x1f\x7f-\x9f\ud800-\udfff\ufffe\uffff"  # controls, unpaired surrogates, what is no character
    "\u061c\u200b\u200e\u200f\u202a-\u202e\u2060-\u206f\ufeff\ufff9-\ufffb"  # zero width, direction, byte order
    "\U000e0000-\U000e007f]+"  # tags
)
# Joiners shape emoji, Persian and the scripts of India: they stay behind a mark, an emoji or a letter, but behind an
# ASCII letter only where another script follows.
_STRAY_JOINER = regex.compile(
    r"[\u200c\u200d]"
    r"(?:(?<![\p{L}\p{M}\p{Extended_Pictographic}\p{Emoji_Modifier}].)|(?<=[A-Za-z].)(?![^\P{L}A-Za-z]))"
)
_MANY_MARKS = regex.compile(r"(?<!\p{M})\p{M}{32,}+")
# \X alone counts back over all the flags before each flag.
_GRAPHEME = regex.compile(r"\p{RI}{2}[\p{GCB=EX}\p{GCB=ZWJ}\p{GCB=SM}]*+|\X")

_ENTITY = re.compile(r"&(#0*+[1-9][0-9]{0,6}|#[xX]0*+[1-9A-Fa-f][0-9A-Fa-f]{0,5}|[A-Za-z][A-Za-z0-9]{1,31});")
_OF_HTML = re.compile("[<>&]")
_OPENER = re.compile(r"<[A-Za-z/!?]")
# No part reads past the next `<` (a comment: the next `<!--`), and no repeat gives back what it took: linear.
_BRACKETED = re.compile(
    r"""<(?:
        (?P<comment> !--(?:[^<-]++|-(?!->)|<(?!!--))*+-->)
      | (?P<mark>[/!?]?) (?P<name>(?:[A-Za-z]|(?<=!)\[)[^\s<>/=]*+)
        (?P<tail>(?:[^<>=]++|=\s*+(?:"[^"<]*+"|'[^'<]*+')?+)*+)>
      | (?P<address>[^\s<>@]++@[^\s<>]++)>
      | (?=[A-Za-z/!?])
    )""",
    re.VERBOSE,
)
_QUOTED_ATTRIBUTE = re.compile(r"""\s[\w:-]++\s*+=\s*+["']""")

_MORE_TAGS = frozenset(  # retired, foreign (SVG, MathML) and Word's own
    "acronym applet basefont bgsound big blink center dir font frame frameset image isindex layer listing main "
    "marquee math multicol nobr noembed noframes o:p plaintext portal rb rtc search spacer strike svg tt xmp xml "
    "animate circle defs desc ellipse foreignobject g line mglyph mi mn mo ms mtext path polygon rect text use".split()
)
_SAFE_TAGS = frozenset("p br strong b em i u a ul ol li h2 h3 h4 small span hr blockquote".split())
_UNSEEN = re.compile(r"<(script|style)\b.*?(?:</\1\b[^>]*+>?|\Z)", re.IGNORECASE | re.DOTALL)
_OUTWARD_LINK = re.compile(r'<a (?=[^>]*\bhref="(?!#|mailto:|tel:))', re.IGNORECASE)


@dataclass(frozen=True, slots=True)
class Change:
    """One loss that cleaning caused; `before` and `after` are lengths in code points."""

    reason: Reason
    before: int
    after: int


@dataclass(frozen=True, slots=True)
class Cleaned:
    """A clean text and what was lost on the way. Line ends, NFC, outer space and decoded entities lose nothing."""

    text: str
    changes: tuple[Change, ...]


class _Cleaners(threading.local):
    """A bleach cleaner holds the state of its parser, so every thread has its own."""

    def __init__(self) -> None:
        from bleach.sanitizer import Cleaner  # noqa: PLC0415  # a tenth of the start, which no form without HTML needs

        self.plain = Cleaner(tags=(), strip=True)
        self.safe = Cleaner(
            tags=_SAFE_TAGS,
            attributes={"a": ["href", "title"]},
            protocols=("http", "https", "mailto", "tel"),
            strip=True,
        )


@cache
def _cleaners() -> _Cleaners:
    return _Cleaners()


@cache
def _block_tags() -> frozenset[str]:
    from bleach.html5lib_shim import HTML_TAGS_BLOCK_LEVEL  # noqa: PLC0415  # as above

    return frozenset(HTML_TAGS_BLOCK_LEVEL)


@cache
def _tags() -> frozenset[str]:
    from bleach.html5lib_shim import HTML_TAGS  # noqa: PLC0415  # as above

    return _block_tags() | HTML_TAGS | _MORE_TAGS


def plain_lines(raw: str) -> Cleaned:
    """A reserved value: its characters put in order, and whatever looks like HTML left to its type to judge."""
    return Cleaned(*_tidy(raw))


def plain_text(raw: str, limit: int | None) -> Cleaned:
    """Any other value: plain text of at most `limit` code points. Never raises; linear in the length of `raw`."""
    text, changes = _tidy(raw)
    if "<" in text or "&" in text:
        text, losses = _without_html(text, limit)
        changes += losses
    if limit is not None and len(text) > limit:
        kept = _tidy(cut(text, limit))[0]
        changes += (Change("cut", len(text), len(kept)),)
        text = kept
    return Cleaned(text, changes)


def cut(text: str, limit: int) -> str:
    """The longest beginning within `limit` code points that splits no grapheme, unless the first alone is longer."""
    if len(text) <= limit:
        return text
    seam = text[limit - 1 : limit + 1]
    if seam.isascii() and seam != "\r\n":
        return text[:limit]
    end = 0
    for grapheme in _GRAPHEME.finditer(text):
        if grapheme.end() > limit:
            break
        end = grapheme.end()
    return text[: end or limit]


def safe_html(raw: str) -> str:
    """A marketer's HTML reduced to text, headings, lists and links; ready to be marked as Markup.

    Scripts and styles go with their content. A link that leaves the page opens a tab of its own, because the page
    may stand in a frame and hold a half-filled form.
    """
    if raw.isprintable() and not _OF_HTML.search(raw):
        return raw
    encodable = raw.encode("utf-8", "ignore").decode()  # without unpaired surrogates
    clean = _cleaners().safe.clean(_UNSEEN.sub("", encodable))
    return _OUTWARD_LINK.sub('<a target="_blank" rel="noopener" ', clean)


def _tidy(raw: str) -> tuple[str, tuple[Change, ...]]:
    if raw.isprintable():  # then it has neither line ends nor anything unwanted
        return _compose(raw).strip(), ()
    lines = _LINE_ENDS.sub("\n", raw)
    text = _without_unwanted(lines)
    changes = (Change("control_characters", len(lines), len(text)),) if len(text) < len(lines) else ()
    text = _compose(text)
    while (again := _without_unwanted(text)) != text:  # what a mark made of `<` or `=` carries no joiner
        text = _compose(again)
    return text.strip(), changes


def _without_unwanted(text: str) -> str:
    text = _UNWANTED.sub("", text)
    return _STRAY_JOINER.sub("", text) if "\u200c" in text or "\u200d" in text else text


def _compose(text: str) -> str:
    """NFC. Python sorts marks by swapping neighbours, so in a long text a heap of them is handed over sorted."""
    if len(text) > 1024 and not text.isascii():
        text = _MANY_MARKS.sub(_sorted_marks, text)
    return unicodedata.normalize("NFC", text)


def _sorted_marks(found: regex.Match[str]) -> str:
    marks = (part for mark in found[0] for part in unicodedata.normalize("NFD", mark))
    runs = groupby(marks, key=lambda mark: unicodedata.combining(mark) > 0)
    return "".join("".join(sorted(run, key=unicodedata.combining)) for _, run in runs)


def _without_html(text: str, limit: int | None) -> tuple[str, tuple[Change, ...]]:
    changes: tuple[Change, ...] = ()
    if limit is not None and len(text) > (most := max(PARSER_LIMIT, 4 * limit)):
        kept = cut(text, most)
        changes += (Change("raw_cut", len(text), len(kept)),)
        text = kept
    settled, stripped = _settle(text)
    if stripped:
        changes += (Change("html", len(text), len(settled)),)
    return settled, changes


def _settle(text: str) -> tuple[str, bool]:
    """The fixed point of stripping and decoding, and whether any markup went."""
    stripped = False
    for _ in range(_PASSES):
        bare = _strip(text)
        stripped = stripped or bare.count("<") < text.count("<")
        plain = _tidy(_ENTITY.sub(_character, bare))[0]
        if plain == text and not _OPENER.search(plain):  # the promise does not rest on bleach alone
            return plain, stripped
        text = plain
    # Nested too deep to be anyone's words: without these two there is nothing left to open or to decode.
    return _tidy(text.replace("<", "").replace("&", ""))[0], True


def _strip(text: str) -> str:
    read = _BRACKETED.sub(_reread, text)
    if not _OPENER.search(read):
        return read
    escaped = read.replace("&", "&amp;")  # bleach is asked about tags alone
    if len(escaped) > PARSER_LIMIT:
        return _BRACKETED.sub("", read)
    return html.unescape(_cleaners().plain.clean(escaped))


def _reread(found: re.Match[str]) -> str:
    """What a `<` and the things behind it say: markup stays for bleach, a line break breaks, words lose brackets."""
    if found["address"]:
        return found["address"]
    if found["name"] is None:
        return found[0] if found["comment"] else "< "
    name = found["name"].lower()
    if not _is_markup(found["mark"], name, found["tail"]):
        return found[0][1:-1]
    return _line_break(found) if name == "br" or name in _block_tags() else found[0]


def _is_markup(mark: str, name: str, tail: str) -> bool:
    if mark == "!":
        return name.startswith(("doctype", "["))
    if mark == "?" or (mark == "/" and not tail.strip()):
        return True
    return name in _tags() or bool(_QUOTED_ATTRIBUTE.search(tail))


def _line_break(found: re.Match[str]) -> str:
    """Keeps words apart where a block begins or ends; once, where markup or a line end follows the end of a block."""
    follows = found.string[found.end() : found.end() + 1]
    return "" if found["mark"] == "/" and follows in ("", "<", "\n") else "\n"


def _character(found: re.Match[str]) -> str:
    """html.unescape alone would read `&notify;` as `¬ify;` and raise on a number of 5,000 digits."""
    name = found[1]
    return html.unescape(found[0]) if name[0] == "#" else html5.get(name + ";", found[0])
