"""From what was posted to what is stored: names sorted, values cleaned and checked, every loss written down."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any

import regex

from leadferry.fields import (
    CAMPAIGN,
    EXPANSION_LIMIT,
    IN_DIGITS,
    KINDS,
    RESERVED,
    Invalid,
    in_limits,
    in_western_digits,
    is_control,
)
from leadferry.forms import Field, Form, Option, is_shown
from leadferry.languages import SOURCE
from leadferry.messages import say
from leadferry.text import Change, Cleaned, cut, plain_lines, plain_text
from leadferry.vendors.base import File, Value

HONEYPOT = "_gotcha"
NAME_RULE = frozenset({"name", "firstName", "lastName"})
PATTERN_SECONDS = 0.05

Pairs = Sequence[tuple[str, str]]


def honeypots(form: Form) -> frozenset[str]:
    """Names that no visitor sees, and that only machines fill in."""
    return frozenset({HONEYPOT, form.spam.honeypot or HONEYPOT})


@dataclass(frozen=True)
class FieldError:
    """One error: the field's name, or None for the whole; a code; a sentence for the visitor."""

    field: str | None
    code: str
    message: str


@dataclass
class Submission:
    """What was made of a post. Without errors it can be stored. ``language`` is the form's: errors are told in it."""

    language: str = SOURCE
    values: dict[str, Value] = field(default_factory=dict)
    campaign: dict[str, str] = field(default_factory=dict)
    files: dict[str, File] = field(default_factory=dict)
    cleaned: list[dict[str, Any]] = field(default_factory=list)
    errors: list[FieldError] = field(default_factory=list)

    @property
    def error_code(self) -> str | None:
        """The code of the whole: the first in the order of the codes."""
        return min((error.code for error in self.errors), default=None)

    def note(self, name: str, cleaned: Cleaned) -> str:
        for change in cleaned.changes:
            self.cleaned.append(
                {"field": name, "reason": change.reason, "before": change.before, "after": change.after}
            )
        return cleaned.text

    def refuse(self, name: str | None, code: str, message: str, **values: str) -> None:
        self.errors.append(FieldError(name, code, say(message, self.language, **values)))


def control(pairs: Pairs, name: str) -> str | None:
    """The last value of a control name, or None where it was not sent or is empty."""
    found = [value.strip() for key, value in pairs if key == name]
    return found[-1] if found and found[-1] else None


def read(form: Form, pairs: Pairs, files: Mapping[str, File] | None = None) -> Submission:
    """Cleans and checks a post by the form's rules."""
    result = Submission(form.language)
    grouped = _grouped(pairs, honeypots(form))
    for name, texts in grouped.items():
        if name in CAMPAIGN and name not in form.by_name:
            _take_campaign(result, name, texts)
        elif name in form.by_name:
            _take_declared(result, _as_answered(form, form.by_name[name]), texts)
        elif form.knows(name):
            _take_declared(result, _implied(form, name), texts)
        elif form.expansion == "reject":
            result.refuse(name, "lf201", "not_expected")
        else:
            _take_expansion(result, name, texts)
    _take_files(result, form, files or {})
    _add_defaults(result, form)
    _forget_hidden(result, form)
    _ask_for_missing(result, form)
    if not (grouped or files or result.errors):
        result.refuse(None, "lf202", "nothing")
    return result


def _grouped(pairs: Pairs, traps: frozenset[str]) -> dict[str, list[str]]:
    """Texts by name in the order of first appearance, control names and honeypots left out."""
    found: dict[str, list[str]] = {}
    for name, value in pairs:
        if not is_control(name) and name not in traps:
            found.setdefault(name, []).append(value)
    return found


def _implied(form: Form, name: str) -> Field:
    """A name that the form does not declare but the vendor knows."""
    kind = form.formats[name]
    limit = KINDS[kind].max_length
    return _as_answered(form, Field(name, kind, name, max_length=limit, if_invalid=form.default_if_invalid))


def _as_answered(form: Form, spec: Field) -> Field:
    """What is hidden is asked of nobody, but a page may fill it in: it is of the kind that its name implies.

    Where the vendor takes only certain answers under a name, these are the ones on offer, whatever the page asked.
    """
    if spec.kind == "hidden" and spec.name in form.formats:
        spec = replace(spec, kind=form.formats[spec.name])
    if not spec.options and spec.name in form.offers:
        spec = replace(spec, options=tuple(Option(value, value) for value in form.offers[spec.name]))
    return spec


def _take_campaign(result: Submission, name: str, texts: list[str]) -> None:
    first = next((text for text in texts if text.strip()), "")
    text = result.note(name, plain_text(first, CAMPAIGN[name]))
    if text:
        result.campaign[name] = text


def _take_expansion(result: Submission, name: str, texts: list[str]) -> None:
    """Several values of one name, as an old page's group of boxes sends them, become one list in words."""
    unique = list(dict.fromkeys(text for text in texts if text.strip()))
    text = result.note(name, plain_text(", ".join(unique), EXPANSION_LIMIT))
    if text:
        result.values[name] = text


def _take_declared(result: Submission, spec: Field, texts: list[str]) -> None:
    cleaned = [result.note(spec.name, _clean(spec, text)) for text in texts]
    answers = list(dict.fromkeys(text for text in cleaned if text))
    if spec.is_tick:
        answers = answers[-1:]  # a hidden 0 before a box's 1 is how old pages say "not ticked"
    if not answers:
        return
    try:
        result.values[spec.name] = check(spec, answers)
    except Invalid as error:
        _handle_invalid(result, spec, answers, error)


def _clean(spec: Field, text: str) -> Cleaned:
    if spec.name not in RESERVED:
        return plain_text(text, spec.max_length)
    cleaned = plain_lines(text)
    if len(cleaned.text) <= spec.max_length:
        return cleaned
    text = plain_lines(cut(cleaned.text, spec.max_length)).text
    return Cleaned(text, (*cleaned.changes, Change("cut", len(cleaned.text), len(text))))


def check(spec: Field, answers: Sequence[str]) -> Value:
    """The value in the form of its kind.

    Raises:
        Invalid: it is not of the kind, not offered, or outside the limits.
    """
    if spec.takes_several:
        return [_offered(spec, answer) for answer in answers]
    if len(answers) > 1:
        raise Invalid("single")
    text = in_western_digits(answers[0]) if spec.kind in IN_DIGITS else answers[0]
    value = KINDS[spec.kind].normalise(text)
    if spec.options:
        _offered(spec, value)
    if spec.minimum is not None or spec.maximum is not None:
        in_limits(spec.kind, value, spec.minimum, spec.maximum)
    if spec.pattern and not matches(spec.pattern, value):
        raise Invalid("pattern")
    return value


def _offered(spec: Field, answer: str) -> str:
    if answer not in {option.value for option in spec.options}:
        raise Invalid("option")
    return answer


def matches(pattern: str, text: str) -> bool:
    """As the browser's `pattern`: the whole text. One that takes too long to tell is no reason to lose a lead."""
    try:
        return regex.fullmatch(pattern, text, timeout=PATTERN_SECONDS) is not None
    except TimeoutError:
        return True


def _handle_invalid(result: Submission, spec: Field, answers: list[str], error: Invalid) -> None:
    if spec.if_invalid == "pass":
        result.values[spec.name] = list(answers) if spec.takes_several else ", ".join(answers)
    elif spec.if_invalid == "drop":
        length = sum(len(answer) for answer in answers)
        result.cleaned.append({"field": spec.name, "reason": "invalid", "before": length, "after": 0})
    else:
        result.refuse(spec.name, "lf201", error.message, **error.values)


def _take_files(result: Submission, form: Form, files: Mapping[str, File]) -> None:
    for name, each in files.items():
        spec = form.by_name.get(name)
        if spec is not None and spec.kind == "file":
            result.files[name] = each
            result.values.pop(name, None)
        elif each.content:
            result.refuse(name, "lf201", "not_expected")
    for spec in form.fields:
        if spec.kind == "file" and spec.name in result.values:
            del result.values[spec.name]
            result.refuse(spec.name, "lf201", "file")


def _add_defaults(result: Submission, form: Form) -> None:
    """A hidden field's value is the form's, whether or not the page that was posted carried it."""
    refused = {error.field for error in result.errors}
    for spec in form.fields:
        if spec.kind == "hidden" and spec.value and spec.name not in result.values and spec.name not in refused:
            result.values[spec.name] = spec.value


def _forget_hidden(result: Submission, form: Form) -> None:
    """Answers to questions that were not shown are not answers."""
    hidden = {spec.name for spec in form.fields if spec.show_if and not is_shown(spec, result.values, form.by_name)}
    for name in hidden:
        result.values.pop(name, None)
        result.files.pop(name, None)
    result.errors = [error for error in result.errors if error.field not in hidden]


def _ask_for_missing(result: Submission, form: Form) -> None:
    refused = {error.field for error in result.errors}
    given = set(result.values) | set(result.files)
    for spec in form.fields:
        if spec.required and spec.name not in refused and not _answered(result, spec, given):
            if spec.show_if and not is_shown(spec, result.values, form.by_name):
                continue
            result.refuse(spec.name, missing_code(form, spec), missing_sentence(spec), label=spec.label)
    asked = {error.field for error in result.errors}
    if form.mandatory and not any(set(each) <= given | asked for each in form.mandatory):
        _ask_for_mandatory(result, form, given)


def _answered(result: Submission, spec: Field, given: Iterable[str]) -> bool:
    if spec.name in given:
        return not (spec.is_tick and spec.required and result.values.get(spec.name) == "0")
    if spec.name in {"firstName", "lastName"}:
        return "name" in given
    return spec.name == "name" and {"firstName", "lastName"} <= set(given)


def missing_code(form: Form, spec: Field) -> str:
    """The error_code where this answer is missing: the vendor's name rule has one of its own."""
    name_rule = any(NAME_RULE & set(each) for each in form.mandatory)
    return "ct102" if name_rule and spec.name in NAME_RULE else "lf202"


def missing_sentence(spec: Field) -> str:
    """What is said where this answer is missing: a name of leadferry.messages."""
    if spec.is_tick:
        return "required_tick"
    return "required_choice" if spec.is_choice else "required"


def _ask_for_mandatory(result: Submission, form: Form, given: set[str]) -> None:
    """The vendor's own rule, of the alternative that the form or the visitor came closest to."""
    closest = max(form.mandatory, key=lambda each: (len(set(each) & (given | set(form.by_name))), -len(each)))
    for name in closest:
        if name in given:
            continue
        if name in NAME_RULE:
            result.refuse(name, "ct102", "name_required")
        else:
            label = form.by_name[name].label if name in form.by_name else name
            result.refuse(name, "lf202", "required", label=label)
