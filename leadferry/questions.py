"""What a form's page knows of its questions: when each is asked, and what is wrong with an answer at first sight.

The server decides. A page refuses nothing that the server would take, and says what the server would say: so a slip is
told before the next step, though nothing is sent before the last.
"""

from __future__ import annotations

import re
from collections.abc import Mapping
from functools import lru_cache
from typing import Any

from leadferry.fields import KINDS, as_typed
from leadferry.forms import Field, Form
from leadferry.messages import say
from leadferry.submission import NAME_RULE, missing_code, missing_sentence

Known = Mapping[str, Mapping[str, Any]]

_MARKS = r"[\s().\-–\/]*"
_NATIONAL = rf"{_MARKS}(?:(?:\+{_MARKS})?1{_MARKS})?[1-9](?:{_MARKS}[0-9]){{9}}{_MARKS}"
_ANYWHERE = rf"\+?(?:{_MARKS}[0-9]){{6,15}}{_MARKS}(?:(?:x|ext\.?)\s*[0-9]{{1,7}}\s*)?\(?[hwmc]?\)?"
_INTEGRAL = r"(?:[0-9]{1,3}(?:,[0-9]{3})+|[0-9]+)"

_LIKE: Mapping[str, tuple[str, str]] = {
    # kind: what an answer looks like, whatever its letters' case, and the sentence of leadferry.messages if it does not
    "email": ("[^@]+@[^@]+[.。．｡][^@]+", "email"),
    "phone": (f"{_NATIONAL}|{_ANYWHERE}", "phone"),
    "phone10": (_NATIONAL, "phone10"),
    "number": (rf"[-+]?\s*[$€£]?\s*(?:{_INTEGRAL}(?:\.[0-9]+)?|\.[0-9]+)", "number"),
    "whole": (rf"\+?\s*[$€£]?\s*(?:{_INTEGRAL}(?:\.0+)?|\.0+)", "whole"),
}

NEVER_KEPT = frozenset({"consent", "ssn", "dob", "file"})
"""Kinds of questions whose answers are given anew, and are taken from nowhere but the visitor's hands."""


@lru_cache(maxsize=512)
def known(form: Form) -> Known:
    """By the field's name: ``if`` it is asked, the error where it is ``required``, what it is ``like``, its ``limits``,
    and whether the page's address may ``fill`` it. An error is its code and its sentence."""
    found = {each.name: _known(form, each) for each in form.fields}
    return {name: facts for name, facts in found.items() if facts}


def may_be_filled(form: Form, each: Field) -> bool:
    """Whether an address may answer it: no promise, no secret, nothing that the visitor does not see."""
    return each.kind not in {"hidden", *NEVER_KEPT} and each not in form.consent_fields


def _known(form: Form, each: Field) -> dict[str, Any]:
    found: dict[str, Any] = {"if": each.show_if} if each.show_if else {}
    if each.kind == "hidden":
        return found
    if each.required and not _may_be_answered_elsewhere(form, each):
        sentence = say(missing_sentence(each), form.language, label=each.label)
        found["required"] = [missing_code(form, each), sentence]
    if may_be_filled(form, each):
        found["fill"] = 1
    return found | (_checks(each, form.language) if each.if_invalid == "ask" else {})


def _may_be_answered_elsewhere(form: Form, each: Field) -> bool:
    """A whole name takes the place of first and last name, and they that of it."""
    return each.name in NAME_RULE and "name" in form.by_name and len(NAME_RULE & set(form.by_name)) > 1


def _checks(each: Field, language: str) -> dict[str, Any]:
    found: dict[str, Any] = {}
    if each.kind in _LIKE:
        pattern, sentence = _LIKE[each.kind]
        found["like"] = [pattern, "iu", say(sentence, language)]
    elif own := portable(each):
        found["like"] = [own, "u", say("pattern", language)]
    dates = KINDS[each.kind].input_type == "date"
    if dates:
        found["date"] = say("dob" if each.kind == "dob" else "date", language)
    limits = [(each.minimum, "earliest" if dates else "minimum"), (each.maximum, "latest" if dates else "maximum")]
    if each.kind != "dob" and any(limit for limit, _ in limits):  # a day in the future is told before its limits
        found["limits"] = [_limit(limit, sentence, dates, language) for limit, sentence in limits]
    return found


def _limit(limit: str | None, sentence: str, dates: bool, language: str) -> list[Any] | None:
    if limit is None:
        return None
    return [limit if dates else float(limit), say(sentence, language, limit=limit)]


def portable(each: Field) -> str | None:
    """The field's pattern for a browser, where browsers mean the same by it and the answer is not changed before.

    What one of them cannot read it leaves alone; what it reads otherwise than Python are the words and the digits.
    """
    if not each.pattern or KINDS[each.kind].normalise is not as_typed:
        return None
    found = re.sub(r"\\(.)", lambda escape: _ESCAPES.get(escape[1], escape[0]), each.pattern, flags=re.DOTALL)
    return None if "\0" in found else found


_ESCAPES = {"d": r"\p{Nd}", "D": r"\P{Nd}", **dict.fromkeys("wWbB", "\0")}
