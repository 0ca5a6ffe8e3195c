"""What makes a post look like junk. Each layer gives a reason; none refuses a post, and none destroys one."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from dataclasses import dataclass
from functools import lru_cache

from leadferry.fields import CAMPAIGN, is_control
from leadferry.forms import Form
from leadferry.submission import Pairs, honeypots
from leadferry.tokens import MINIMUM_SECONDS

LONG_TEXT = 40
"""Characters from which on the same words from several visitors are more than a coincidence."""

REPEATS = (5, 600)
"""How often one long text may come to one form, in how many seconds, before it looks repeated."""

OLD_PAGE = 86_400.0
MANY_LINKS = 2
HINTS_THAT_COUNT = 2

NAMES = frozenset({"name", "firstName", "lastName", "first_name", "last_name", "full_name"})

_LINK = re.compile(r"https?://|\bwww\.|<a\s|\[url\b", re.IGNORECASE)
_NO_NAME = re.compile(
    r"https?:|://|\bwww\.|\[/?url\b|</?[a-z!]|\w\.(?:com|net|org|info|biz|ru|cn|xyz|top|site|online|shop|club|link)\b",
    re.IGNORECASE,
)

_ADDRESS = re.compile(r"<?[^\s<>@]+@[^\s<>@]+>?")


@dataclass(frozen=True)
class Evidence:
    """What is known about a post, beside its form.

    ``age`` is in seconds, since the page was made that it comes from; None where no token of ours says so.
    ``expects_token``: a browser posts to the form's own page, which carries one. ``repeated``: a long text of it came
    too often. ``challenge`` is what is wrong with the answer to the form's challenge, if anything.
    """

    pairs: Pairs
    age: float | None = None
    expects_token: bool = False
    user_agent: str = ""
    country: str = ""
    repeated: bool = False
    challenge: str | None = None


def reasons(form: Form, seen: Evidence) -> tuple[str, ...]:
    """Why a post looks like junk; empty for what looks like a person's."""
    rules = form.spam
    layers = (
        ("honeypot", any(name in honeypots(form) and value.strip() for name, value in seen.pairs)),
        ("too_fast", seen.age is not None and seen.age < MINIMUM_SECONDS),
        ("url_in_name", any(name in NAMES and _is_no_name(value) for name, value in seen.pairs)),
        ("repeated_content", seen.repeated),
        ("blocked_word", bool(rules.words) and any(_has_word(rules.words, text) for _, text in answers(seen.pairs))),
        ("blocked_country", seen.country.upper() in rules.countries),
    )
    found = [reason for reason, holds in layers if holds]
    hints = _hints(seen)
    weak = hints if len(hints) >= HINTS_THAT_COUNT else []
    return (*found, *weak, *([seen.challenge] if seen.challenge else []))


def _is_no_name(text: str) -> bool:
    """An e-mail address beside a name, as mail programs write the two, is neither a tag nor a link."""
    return _NO_NAME.search(_ADDRESS.sub("", text)) is not None


def _hints(seen: Evidence) -> list[str]:
    """What many honest posts have too, so that only two of them together say anything."""
    hints = (
        ("no_token", seen.expects_token and seen.age is None),
        ("old_token", seen.age is not None and seen.age > OLD_PAGE),
        ("links", any(len(_LINK.findall(text)) >= MANY_LINKS for _, text in answers(seen.pairs))),
        ("no_user_agent", not seen.user_agent.strip()),
    )
    return [hint for hint, holds in hints if holds]


def answers(pairs: Pairs) -> Iterator[tuple[str, str]]:
    """What a visitor may have typed, as it was posted."""
    return ((name, text) for name, text in pairs if not is_control(name) and name not in CAMPAIGN)


def long_texts(form: Form, pairs: Pairs) -> Iterator[str]:
    """What only one person writes in these words, in a form in which equal texts are equal.

    Under a name that the form does not declare, a text that all visitors send is as likely the page's own: there only
    one with a link in it counts.
    """
    for name, text in answers(pairs):
        plain = " ".join(text.casefold().split())
        if len(plain) >= LONG_TEXT and " " in plain and _is_typed(form, name, text):
            yield plain


def _is_typed(form: Form, name: str, text: str) -> bool:
    spec = form.by_name.get(name)
    if spec is None:
        return _LINK.search(text) is not None
    return spec.kind != "hidden" and not spec.is_choice and text.strip() != (spec.value or "").strip()


def _has_word(words: tuple[str, ...], text: str) -> bool:
    return _any_of(words).search(_folded(text)) is not None


@lru_cache(maxsize=512)
def _any_of(words: tuple[str, ...]) -> re.Pattern[str]:
    """Whole words: `sex` is none of Essex."""
    return re.compile(r"(?<!\w)(?:" + "|".join(re.escape(_folded(word)) for word in words) + r")(?!\w)")


def _folded(text: str) -> str:
    return " ".join(unicodedata.normalize("NFKC", text).casefold().split())
