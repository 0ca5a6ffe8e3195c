"""Reads one entry of `fields`."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Mapping
from math import prod
from typing import Literal

import regex

from leadferry.fields import AUTOCOMPLETE, CAMPAIGN, CHOICES, KINDS, RESERVED, TYPES, Invalid
from leadferry.form_file.block import Block
from leadferry.form_file.problems import quoted
from leadferry.form_file.tree import Items, Text, Tree
from leadferry.forms import Field, Option
from leadferry.messages import say
from leadferry.submission import check
from leadferry.text import plain_lines, plain_text, safe_html
from leadferry.vendors.base import Adapter

LONGEST_ANSWER = 65_536
LONGEST_OPTION = KINDS["select"].max_length
LONGEST_PATTERN = 500
MOST_REPEATS = 100_000
"""Of a pattern's repetitions, all multiplied: `((a{1000}){1000}){1000}` is written out when it is compiled."""

_AT_LEAST = re.compile(r"\{\s*([0-9]+)")

_LIMITED = frozenset({"number", "whole", "integer", "date", "dob"})
_SEALABLE = frozenset({"ssn", "dob", "date", "number", "text", "textarea"})
_TYPED = frozenset(name for name, kind in KINDS.items() if kind.widget in {"input", "textarea", "hidden"})

_ONLY_FOR: Mapping[str, tuple[frozenset[str], str]] = {
    # key: the kinds for which it means something, and the mend for all others
    "options": (CHOICES, "add type: select, radio or checkboxes, or remove the options"),
    "min": (_LIMITED, "only numbers and dates have limits: add type: number or date, or remove it"),
    "max": (_LIMITED, "only numbers and dates have limits: add type: number or date, or remove it"),
    "max_length": (_TYPED, "only what is typed has a length: remove it"),
    "pattern": (_TYPED, "only what is typed has a pattern: remove it"),
    "sensitive": (_SEALABLE, "an answer of this type is searched or compared: remove it"),
    "value": (frozenset(KINDS) - {"file"}, "a page cannot choose a visitor's file: remove it"),
}


def implied_kind(name: str, wire: str | None, adapter: Adapter | None) -> str | None:
    """What a reserved or vendor's name says of the answer. ``wire`` is the vendor's name where the file gives one."""
    strict, own = (adapter.formats, adapter.names) if adapter else ({}, {})
    if wire:
        return strict.get(wire) or own.get(wire) or RESERVED.get(name)
    return strict.get(name) or RESERVED.get(name) or own.get(name)


def as_posted(name: str, text: str) -> str:
    """An answer of the file's own as it comes back from a page, so that the two compare equal."""
    return (plain_lines(text) if name in RESERVED else plain_text(text, None)).text


class FieldBlock:
    """One field under reading. ``wires`` are the vendor's names by ours, as the vendor block gives them."""

    def __init__(self, block: Block, adapter: Adapter | None, wires: Mapping[str, str]) -> None:
        self.block = block
        self.adapter = adapter
        self.name = block.text("name")
        self.send_as = block.optional("send_as")
        self.wire = wires.get(self.name) or self.send_as

    def read(self) -> Field | None:
        if not self.name:
            self.block.problem("name", "is missing", "give the field a name, under which its answer is sent")
            return None
        field = self._field(self._kind())
        self._refuse_misplaced(field)
        self._check_limits(field)
        self._check_value(field)
        self.block.refuse_unknown("a field")
        return field

    def _field(self, kind: str) -> Field:
        block, name = self.block, self.name
        if_invalid = self._if_invalid()
        return Field(
            name=name,
            kind=kind,
            label=block.text("label") or _humanised(name),
            help=safe_html(block.text("help")),
            placeholder=block.text("placeholder"),
            required=block.flag("required"),
            value=self._value(kind, if_invalid),
            max_length=block.whole("max_length", CAMPAIGN.get(name, KINDS[kind].max_length), 1, LONGEST_ANSWER),
            options=self._options(kind),
            pattern=self._pattern(),
            minimum=self._limit("min", kind),
            maximum=self._limit("max", kind),
            show_if=self._show_if(),
            send_as=self.send_as,
            if_invalid=if_invalid,
            autocomplete=AUTOCOMPLETE.get(name) or KINDS[kind].autocomplete,
            sensitive=block.flag("sensitive"),
        )

    def _if_invalid(self) -> Literal["ask", "drop", "pass"]:
        return self.block.choice(
            "if_invalid", ("ask", "drop", "pass"), self.adapter.if_invalid if self.adapter else "ask"
        )

    # --- type ---

    def _kind(self) -> str:
        implied = implied_kind(self.name, self.wire, self.adapter) or "text"
        written = self.block.text("type")
        if not written:
            return implied
        if written not in TYPES:
            self.block.wrong_word("type", f"{quoted(written)} is not a type of field", written, TYPES)
            return implied
        return implied if self._is_stricter(implied, written) else written

    def _is_stricter(self, implied: str, written: str) -> bool:
        """`type: phone` asks no less of a phone than its vendor does."""
        strict = self.adapter.formats if self.adapter else {}
        if implied != strict.get(self.wire or self.name):
            return False
        return KINDS[implied].widget == KINDS[written].widget == "input"

    def _refuse_misplaced(self, field: Field) -> None:
        for key, (kinds, mend) in _ONLY_FOR.items():
            if key in self.block and field.kind not in kinds:
                self.block.problem(key, "means nothing for this type of field", mend)

    # --- options ---

    def _options(self, kind: str) -> tuple[Option, ...]:
        raw = self.block.value("options")
        if not isinstance(raw, Items) or not raw.values:
            if raw is not None:
                self.block.problem("options", "must be a list", "write [Windows, Doors, {value: both, label: Both}]")
            elif kind in CHOICES:
                self.block.problem("options", "are missing", "list the answers, such as [Windows, Doors]")
            return ()
        found = [option for option in (self._option(each) for each in raw.values) if option]
        for value, count in Counter(option.value for option in found).items():
            if count > 1:
                self.block.problem("options", f"{quoted(value)} stands twice", "give each answer a value of its own")
        return tuple(found)

    def _option(self, each: Tree) -> Option | None:
        value, label = self._value_and_label(each)
        value = as_posted(self.name, value)
        if value and len(value) <= LONGEST_OPTION:
            return Option(value, label or value)
        what = f"has an answer longer than {LONGEST_OPTION} characters" if value else "has an answer without a text"
        self.block.problem("options", what, "each answer is a text, or {value: both, label: Both}", line=each.line)
        return None

    def _value_and_label(self, each: Tree) -> tuple[str, str]:
        if isinstance(each, Text):
            return each.value.strip(), each.value.strip()
        if isinstance(each, Items):
            return "", ""
        inside = Block(each, self.block.dotted("options"), self.block.findings)
        found = inside.text("value"), inside.text("label")
        inside.refuse_unknown("an answer")
        return found

    # --- value, pattern, limits ---

    def _value(self, kind: str, if_invalid: str) -> str | None:
        text = as_posted(self.name, self.block.text("value"))
        if not text:
            return None
        # A hidden value is never typed, so it is brought into the form that its name implies here.
        implied = implied_kind(self.name, self.wire, self.adapter) if kind == "hidden" else kind
        try:
            return KINDS[implied or "text"].normalise(text)
        except Invalid as error:
            self._value_does_not_fit(text, if_invalid, error)
            return text

    def _check_value(self, field: Field) -> None:
        """The page's own answer must pass what a visitor's must."""
        if field.value is None:
            return
        if len(field.value) > field.max_length:
            what = f"is longer than {field.max_length} characters"
            self.block.problem("value", what, "shorten it, or set a greater max_length")
        try:
            check(field, [field.value])
        except Invalid as error:
            self._value_does_not_fit(field.value, field.if_invalid, error)

    def _value_does_not_fit(self, text: str, if_invalid: str, error: Invalid) -> None:
        if if_invalid != "pass":
            self.block.problem("value", f"{quoted(text)} does not fit the field", _mend(error))

    def _pattern(self) -> str | None:
        pattern = self.block.optional("pattern")
        if pattern is None:
            return None
        if len(pattern) > LONGEST_PATTERN:
            self.block.problem("pattern", f"is longer than {LONGEST_PATTERN} characters", "write a simpler one")
            return None
        if prod(max(1, int(number)) for number in _AT_LEAST.findall(pattern)) > MOST_REPEATS:
            self.block.problem("pattern", f"repeats something more than {MOST_REPEATS:,} times", "write a simpler one")
            return None
        try:
            regex.compile(pattern)
        except (regex.error, ValueError, OverflowError, RecursionError) as error:
            what = f"is not a pattern ({error})"
            self.block.problem("pattern", what, "try it in a tester for regular expressions")
            return None
        return pattern

    def _limit(self, key: str, kind: str) -> str | None:
        text = self.block.optional(key)
        if text is None or kind not in _LIMITED:
            return None
        try:
            return KINDS["date" if kind in {"date", "dob"} else "number"].normalise(text)
        except Invalid as error:
            self.block.problem(key, f"{quoted(text)} is not a limit for this field", _mend(error))
            return None

    def _check_limits(self, field: Field) -> None:
        low, high = field.minimum, field.maximum
        if low is None or high is None:
            return
        dates = field.kind in {"date", "dob"}
        if (low > high) if dates else (float(low) > float(high)):
            self.block.problem("max", f"{high} is less than min, {low}", "exchange the two")

    # --- show_if ---

    def _show_if(self) -> dict[str, tuple[str, ...]]:
        conditions = self.block.block("show_if")
        if conditions is None:
            return {}
        if not conditions.table.values:
            self.block.problem("show_if", "is empty", "write it as {service: both}, or remove it")
        return {name: self._answers(conditions, name) for name in conditions.table.values}

    def _answers(self, conditions: Block, name: str) -> tuple[str, ...]:
        if isinstance(conditions.value(name), Items):
            texts = [each.value for each in conditions.texts(name)]
        else:
            texts = [conditions.text(name)]
        answers = tuple(as_posted(name, text) for text in texts if text)
        if not answers:
            conditions.problem(name, "has no answer", "write the answer that shows this field, or a list of answers")
        return answers


def _mend(error: Invalid) -> str:
    """What a visitor would be told, as part of a sentence."""
    if error.message == "pattern":
        return "change it, or the pattern"
    sentence = say(error.message, **error.values)
    return sentence[0].lower() + sentence[1:].rstrip(".")


def _humanised(name: str) -> str:
    words = re.sub(r"(?<=[a-z])(?=[A-Z])|[_\-.]+", " ", name).strip().lower()
    return words[:1].upper() + words[1:]
