"""Drafts one field of a form file from the inputs that share its name."""

from __future__ import annotations

import html as entities
import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from typing import Any

import regex
from bs4 import Tag

from leadferry.fields import KINDS, RESERVED, Invalid
from leadferry.html_import.labels import Label, Labels
from leadferry.html_import.page import TICKS, Control, attribute, classes, tags_inside, texts, whole_number
from leadferry.html_import.words import collapse, exact_line, joined, label_text
from leadferry.html_import.writing import Notes, filled

_INPUT_TYPES = {
    "email": "email",
    "tel": "phone",
    "number": "number",
    "range": "number",
    "date": "date",
    "url": "url",
    "file": "file",
    "hidden": "hidden",
    "textarea": "textarea",
}
_AUTOCOMPLETE_TYPES = {"email": "email", "tel": "phone", "tel-national": "phone", "url": "url"}
_TEXTUAL = frozenset({None, "textarea", "email", "phone", "url"})
_IMPLIED = _TEXTUAL | {"number", "date", "checkbox"}  # types that need not be said of a name that implies one
_REQUIRED_CLASSES = frozenset({"required", "wpcf7-validates-as-required"})
_CONSENT = re.compile(
    r"\b(agree|consent|accept|opt[- ]?in|terms|privacy|gdpr|permission|text me|(may|can) (contact|call|e-?mail) me)\b",
    re.IGNORECASE,
)
_PLACEHOLDER = re.compile(
    r"^\W*(please\s+)?(select|choose|pick)(\s+(an?|one|your|the|from)\b|\W*$)|^\W*$", re.IGNORECASE
)


@dataclass(frozen=True)
class _Choice:
    value: str
    label: str
    chosen: bool


class Field:
    """One field of a form file, made of the inputs that share a name."""

    def __init__(self, namesakes: Sequence[Control], labels: Labels, known: Collection[str], notes: Notes) -> None:
        self._members = _one_field(namesakes)
        self._first = self._members[0]
        self._twins = _clash(self._members, namesakes)
        self._labels = labels
        self._notes = notes
        self._implied = RESERVED.get(self._first.name, "text") if self._first.name in known else None
        self._choices = self._read_choices()
        self._label = self._read_label()
        self._type, self._remark = self._read_type()
        self._kind = self._implied if self._implied and self._is_implied() else self._type or "text"

    def keys(self) -> dict[str, Any]:
        name = self._first.name
        if self._type == "hidden":
            return {"name": name, "type": "hidden", **filled(value=attribute(self._first.tag, "value"))}
        return {
            "name": name,
            "label": self._label.text,
            **filled(type=None if self._is_implied() else self._type),
            **self._required(),
            **self._answers(),
            **self._words(),
            **self._limits(),
            **filled(if_invalid=self._if_invalid()),
        }

    def _is_implied(self) -> bool:
        """Whether the name says the type. One that means a text does not stand for a box, nor for a bounded number."""
        if self._type == "checkbox":
            return self._is_flag()
        return self._implied is not None and self._type in _IMPLIED and not self._bounds()

    def _bounds(self) -> dict[str, str]:
        """``min`` and ``max`` of a number or a date, as they stand on the page."""
        if self._type not in {"number", "date"}:
            return {}
        limits = {key: attribute(self._first.tag, key) for key in ("min", "max")}
        return {key: limit for key, limit in limits.items() if limit and _normalised(self._type, limit) == limit}

    def _is_flag(self) -> bool:
        return self._implied is not None and KINDS[self._implied].widget == "checkbox"

    def remark(self) -> str:
        """What was guessed about the field."""
        if self._type == "hidden":
            return ""
        if self._first.concealed:
            self._note("concealed")
        if self._label.guess:
            self._note("label")
        return "; ".join(text for text in (self._label.guess, self._remark) if text)

    def _note(self, reason: str) -> None:
        self._notes.add(reason, self._first.name)

    def _read_choices(self) -> list[_Choice]:
        if self._first.kind == "select":
            return [choice for choice in _options(self._first.tag) if choice.value]
        if self._first.kind in TICKS:
            return _distinct(choice for choice in map(self._box, self._members) if choice.value)
        return []

    def _box(self, control: Control) -> _Choice:
        value = exact_line(str(control.tag.get("value", "on")))
        return _Choice(value, self._labels.of_choice(control) or value, control.tag.has_attr("checked"))

    def _read_label(self) -> Label:
        own = self._labels.of(self._first)
        several = _is_group(self._members) and not _is_consent(self._members, own)
        return self._labels.of_group(self._first) if several else own

    def _read_type(self) -> tuple[str | None, str]:
        """The field's type, None for plain text, and what was guessed about it."""
        match self._first.kind:
            case "checkbox":
                return self._box_type()
            case "radio" if self._choices:
                return "radio", ""
            case "select" if self._choices:
                return ("checkboxes" if self._first.tag.has_attr("multiple") else "select"), ""
            case "select":
                self._note("scripted")
                return None, "its choices come from a script"
            case kind if kind in _INPUT_TYPES:
                return _INPUT_TYPES[kind], ""
        guess = _AUTOCOMPLETE_TYPES.get(attribute(self._first.tag, "autocomplete").lower())
        return guess, "type guessed from autocomplete" if guess and not self._implied else ""

    def _box_type(self) -> tuple[str, str]:
        """A box that sends a text of its own is a group of one: a checkbox sends 1."""
        if _is_consent(self._members, self._label):
            return "consent", "its label reads like consent"
        several = _is_group(self._members) or (self._is_odd_box() and not self._is_flag())
        return ("checkboxes" if several and self._choices else "checkbox"), ""

    def _is_odd_box(self) -> bool:
        return not self._choices or _normalised("checkbox", self._choices[0].value) != "1"

    def _if_invalid(self) -> str:
        """What keeps a lead from the page's own form from being refused."""
        if self._type in {"consent", "checkbox"} and self._is_odd_box():
            self._note("box")
            return "pass"
        if self._twins:
            self._note("twin")
            return "pass"
        return "drop" if self._first.kind == "select" and _sends_placeholder(self._first.tag) else ""

    def _required(self) -> dict[str, bool]:
        required = self._label.required or any(_is_required(member) for member in self._members)
        return {"required": required} if required or self._type == "consent" else {}

    def _answers(self) -> dict[str, Any]:
        """``options`` and ``value``."""
        chosen = [choice.value for choice in self._choices if choice.chosen]
        if chosen and self._type == "consent":
            self._note("ticked")
        if self._type in {"consent", "file"}:
            return {}
        if self._type == "checkbox":
            return {"value": "1"} if chosen else {}
        if self._type in {"select", "radio", "checkboxes"}:
            if len(chosen) > 1 and self._type == "checkboxes":
                self._note("several")
            return {"options": _listing(self._choices), **filled(value=next(iter(chosen), None))}
        return self._typed()

    def _typed(self) -> dict[str, Any]:
        text = "" if self._first.kind in {"select", "radio"} else _standing_text(self._first.tag)
        if text and _normalised(self._kind, text) is None:
            self._note("value")
            return {}
        return filled(value=text)

    def _words(self) -> dict[str, Any]:
        placeholder = collapse(attribute(self._first.tag, "placeholder"))
        if self._type == "select":
            placeholder = next((choice.label for choice in _options(self._first.tag) if not choice.value), "")
        if label_text(placeholder)[0] in {"", self._label.text}:
            placeholder = ""
        text = self._labels.help(self._first)
        said = label_text(text)[0] == self._label.text
        return filled(placeholder=placeholder, help="" if said else entities.escape(text, quote=False))

    def _limits(self) -> dict[str, Any]:
        return {**self._lengths(), **filled(pattern=self._pattern()), **self._bounds()}

    def _lengths(self) -> dict[str, int]:
        if self._type not in _TEXTUAL:
            return {}
        if whole_number(self._first.tag, "minlength"):
            self._note("minimum")
        length = whole_number(self._first.tag, "maxlength") or 0
        return {"max_length": length} if 0 < length <= 65_536 else {}

    def _pattern(self) -> str:
        pattern = attribute(self._first.tag, "pattern")
        if pattern and (self._kind != "text" or not _is_pattern(pattern)):
            self._note("pattern")
            return ""
        return pattern


def _one_field(members: Sequence[Control]) -> list[Control]:
    """The inputs that make up the field: all boxes of a group, else the first that visitors see."""
    shown = [member for member in members if member.visible] or list(members)
    first = shown[0]
    return [member for member in shown if member.kind == first.kind] if first.kind in TICKS else [first]


def _clash(group: Sequence[Control], namesakes: Sequence[Control]) -> bool:
    """Whether a post may hold two answers. A hidden 0 before a box only says that it was not ticked."""
    taken = set(group)
    others = [control for control in namesakes if control not in taken]
    if len(group) == 1 and group[0].kind == "checkbox":
        return any(other.visible or _normalised("checkbox", attribute(other.tag, "value")) != "0" for other in others)
    return bool(others)


def _is_group(members: Sequence[Control]) -> bool:
    """``name[]`` promises several answers, even from one box."""
    first = members[0]
    return first.kind == "radio" or (first.kind == "checkbox" and (len(members) > 1 or first.name.endswith("[]")))


def _is_consent(members: Sequence[Control], label: Label) -> bool:
    return len(members) == 1 and members[0].kind == "checkbox" and bool(_CONSENT.search(label.text))


def _is_required(control: Control) -> bool:
    tag = control.tag
    said = tag.has_attr("required") or attribute(tag, "aria-required").lower() == "true"
    return said or control.marked or bool(classes(tag) & _REQUIRED_CLASSES)


def _is_pattern(pattern: str) -> bool:
    """What browsers and the regex module do not read alike is mostly what the latter cannot read."""
    try:
        regex.compile(pattern)
    except (regex.error, OverflowError, RecursionError):
        return False
    return len(pattern) <= 200


def _normalised(kind: str, text: str) -> str | None:
    """The text in the form of its kind, or None where it does not fit."""
    try:
        return KINDS[kind].normalise(text)
    except Invalid:
        return None


def _options(select: Tag) -> list[_Choice]:
    """The choices; the first has no value where it only says `please choose`."""
    choices: list[_Choice] = []
    for tag in tags_inside(select, {"option"}, 10_000):
        if not choices or not tag.has_attr("disabled"):
            value, label = _option(tag)
            if not choices and _is_placeholder(tag):
                value, label = "", label if re.search(r"\w", label) else ""
            choices.append(_Choice(value, label or value, tag.has_attr("selected")))
    return _distinct(choices)


def _option(tag: Tag) -> tuple[str, str]:
    label = joined(texts(tag.children)) or attribute(tag, "label")
    return exact_line(str(tag.get("value", label))), exact_line(label)


def _is_placeholder(first: Tag) -> bool:
    value, label = _option(first)
    return not value or first.has_attr("disabled") or (value == label and bool(_PLACEHOLDER.search(label)))


def _sends_placeholder(select: Tag) -> bool:
    """Whether a visitor who chooses nothing sends the words `please choose`."""
    first = next(tags_inside(select, {"option"}, 20), None)
    return first is not None and _is_placeholder(first) and bool(_option(first)[0]) and not first.has_attr("disabled")


def _distinct(choices: Iterable[_Choice]) -> list[_Choice]:
    first: dict[str, _Choice] = {}
    for choice in choices:
        first.setdefault(choice.value, choice)
    return list(first.values())


def _listing(choices: Iterable[_Choice]) -> list[Any]:
    return [
        choice.value if choice.value == choice.label else {"value": choice.value, "label": choice.label}
        for choice in choices
    ]


def _standing_text(tag: Tag) -> str:
    """What already stands in a text field."""
    if tag.name != "textarea":
        return attribute(tag, "value")
    return "".join(texts(tag.children)).replace("\r\n", "\n").strip()
