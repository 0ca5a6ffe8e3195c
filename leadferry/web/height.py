"""How tall a form will be in a frame, told from its fields alone: a page that reserves it does not move when it loads.

Where a script lets the frame follow its form, that is the form as it is first seen: its first step, without what only
some answers ask for. A frame that stays as it is must hold the tallest step with all its questions.

The numbers are those of static/leadferry.css at 16 px to the rem. An estimate may be a line too tall, never too short.
"""

from __future__ import annotations

import math
import re
from collections.abc import Sequence
from html import unescape

from leadferry.fields import KINDS
from leadferry.forms import Field, Form, is_shown
from leadferry.languages import translate

TWO_COLUMNS = 576
"""From this width on, short questions stand side by side (the stylesheet's 36rem)."""

HALF_WIDTH = frozenset({"given-name", "family-name", "address-level1", "postal-code"})
"""Questions that may share a row, by their autofill token."""

_LINE = 24.0
_BACK = 130.0  # the button's width, and the gap beside it
_SMALL_LINE = 22.5
_GAP = 22.0
_CONTROLS = {"textarea": 118.0, "file": 54.0, "date": 48.0}
_SAFETY = 10.0

# A text's width is that of its characters below, times this: of the usual fonts of screens the widest is taken, so that
# none needs more lines than were counted.
_REGULAR = 1.08
_BOLD = 1.22

_NARROW = frozenset("iljtfrI1.,:;'’!|()[] -")
_WIDE = frozenset("mwMWGOQD@%—…")


def framed_height(form: Form, width: float, *, at_first: bool = True) -> int:
    """Pixels of a form's page in a frame so many pixels wide: as it is first seen, or as tall as it can become."""
    edge = 8.0 if {"background", "text"}.isdisjoint(form.theme) else 20.0
    inner = min(width, _pixels(form.theme.get("max_width", ""), 672)) - 2 * edge
    steps = _steps(form, at_first)
    heights = [_step(form, place, step, width, inner) for place, step in enumerate(steps[:1] if at_first else steps)]
    return math.ceil(max(heights) + 2 * edge + _SAFETY)


def _steps(form: Form, at_first: bool) -> list[tuple[str, list[Field]]]:
    """Titles and questions of the steps that ask anything; all in one, without a title, where there are no steps."""
    answers = {each.name: each.value for each in form.fields if each.value}
    asked = {
        each.name: each
        for each in form.fields
        if each.kind != "hidden" and not (at_first and each.show_if and not is_shown(each, answers, form.by_name))
    }
    if not form.steps:
        return [("", list(asked.values()))]
    steps = [(step.title, [asked[name] for name in step.fields if name in asked]) for step in form.steps]
    return [step for step in steps if step[1]] or steps


def _step(form: Form, place: int, step: tuple[str, list[Field]], width: float, inner: float) -> float:
    title, questions = step
    gap = _pixels(form.theme.get("spacing", ""), _GAP)
    found = _head(form, width, inner, with_intro=place == 0) + _section(questions, width, inner, gap) + gap * 1.5
    if any(each.required for each in form.fields):
        note = translate("Questions marked {star} need an answer.", form.language)
        found += _lines(note.format(star="*"), inner, 15) * _SMALL_LINE + 20
    if title:
        found += _lines(title, inner, 19, _BOLD) * 24.7 + gap - 6
    if len(form.steps) > 1:
        found += _SMALL_LINE + 10 + gap
    return found + _button(form.submit, inner - (_BACK if place else 0))


def _head(form: Form, width: float, inner: float, *, with_intro: bool) -> float:
    size = min(max(26.0, 20.8 + 0.016 * width), 34.0)
    found = _lines(form.title, inner, size, _BOLD) * size * 1.2
    blocks = [text for text in re.split(r"</(?:p|li|h\d|div)>|<br\s*/?>", form.intro) if _plain(text)]
    if blocks and with_intro:
        found += 12 + sum(_lines(_plain(text), inner, 17) * 25.5 for text in blocks) + 16 * (len(blocks) - 1)
    return found + _GAP + 2


def _section(fields: Sequence[Field], width: float, inner: float, gap: float) -> float:
    rows = [max(_question(each, width, _share(row, inner)) for each in row) for row in _rows(fields, width)]
    return sum(rows) + gap * max(len(rows) - 1, 0)


def _rows(fields: Sequence[Field], width: float) -> list[list[Field]]:
    """Two short questions that follow each other share a row where there is room for two."""
    rows: list[list[Field]] = []
    for each in fields:
        before = rows[-1] if rows else []
        if width >= TWO_COLUMNS and len(before) == 1 and _is_half(before[0]) and _is_half(each):
            before.append(each)
        else:
            rows.append([each])
    return rows


def _is_half(each: Field) -> bool:
    return each.autocomplete in HALF_WIDTH


def _share(row: Sequence[Field], inner: float) -> float:
    return (inner - 16) / 2 if len(row) == 2 else inner


def _question(each: Field, width: float, inner: float) -> float:
    note = _lines(_plain(each.help), inner, 15) * _SMALL_LINE + 4 if each.help else 0.0
    label = each.label + " *" * each.required
    if each.is_tick:
        return note + _lines(label, inner - 36, 16) * _LINE
    return note + _lines(label, inner, 16, _BOLD) * _LINE + 6 + _control(each, width, inner)


def _control(each: Field, width: float, inner: float) -> float:
    if each.kind in {"radio", "checkboxes"}:
        return _options(each, width, inner)
    kind = KINDS[each.kind]
    return _CONTROLS.get(kind.input_type if kind.widget == "input" else kind.widget, 46.0)


def _options(each: Field, width: float, inner: float) -> float:
    columns = max(1, int((inner + 8) // 232)) if width >= TWO_COLUMNS else 1
    columns = min(columns, len(each.options))
    room = (inner - 8 * (columns - 1)) / columns - 66
    heights = [_lines(option.label, room, 16) * _LINE + 22 for option in each.options]
    rows = [max(heights[at : at + columns]) for at in range(0, len(heights), columns)]
    return sum(rows) + 8 * (len(rows) - 1)


def _button(label: str, inner: float) -> float:
    return _lines(label, inner - 58, 17, _BOLD) * 23.8 + 26


# --- text ---


def _lines(text: str, width: float, size: float, weight: float = _REGULAR) -> int:
    """Lines of a text of this size in pixels, broken between words as browsers do."""
    lines, used = 1, 0.0
    for word in text.split():
        needed = size * weight * sum(_share_of_size(char) for char in word)
        if used and used + needed > width:
            lines, used = lines + 1, 0.0
        lines += int(needed // max(width, 1))
        used += needed % max(width, 1) + size * weight * 0.28
    return lines


def _share_of_size(char: str) -> float:
    if char in _NARROW:
        return 0.33
    if char in _WIDE:
        return 0.86
    if ord(char) > 0x2E80:  # Chinese, Japanese and Korean letters fill a square
        return 1.0
    return 0.7 if char.isupper() else 0.57


def _plain(html: str) -> str:
    return " ".join(unescape(re.sub(r"<[^>]*>", " ", html)).split())


def _pixels(length: str, default: float) -> float:
    match = re.fullmatch(r"([0-9.]+)(px|rem|em)", length.strip())
    return float(match[1]) * (1 if match[2] == "px" else 16) if match else default
