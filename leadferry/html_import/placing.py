"""Gives each control the text that stands around it: beside it, above it, in its table's cells, as its help."""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Iterator, Sequence
from itertools import groupby

from leadferry.html_import.page import TICKS, Control, Form, Help, Page, Text, Token
from leadferry.html_import.words import LABEL_LENGTH, joined, label_text

_REQUIRED_LEGEND = re.compile(
    r"\b(fields?|marked|indicates?|denotes?)\b.*\brequired|^\W*required\W*(fields?)?\W*$", re.IGNORECASE
)


def place(tokens: Sequence[Token], page: Page) -> None:
    _place_headings(tokens)
    _place_help(tokens, page)
    claimed = _claimed_labels(page)
    above: dict[bool, list[Text]] = {}
    for _, line in groupby(_loose(tokens, claimed), key=lambda token: token.line):
        above = _place_line(list(line), above)


def _claimed_labels(page: Page) -> set[int]:
    """Labels that are some control's own, by `for` or because they hold it and no other."""
    claimed = {label for label, controls in page.rivals.items() if controls == 1}
    for control in (control for form in page.forms for control in form.controls):
        claimed.update(id(label) for label in (page.label_by_id(control), page.label_by_name(control)) if label)
    return claimed


def _loose(tokens: Iterable[Token], claimed: Collection[int]) -> Iterator[Text | Control | Form]:
    for token in tokens:
        if isinstance(token, Text):
            if token.label is None or id(token.label) not in claimed:
                yield token
        elif isinstance(token, Form) or (isinstance(token, Control) and token.visible):
            yield token


def _place_line(tokens: Sequence[Text | Control | Form], above: dict[bool, list[Text]]) -> dict[bool, list[Text]]:
    """Shares one line's text out. ``above`` is the last line without a control, by whether it is concealed."""
    if any(isinstance(token, Form) for token in tokens):
        above = {}
    items = [token for token in tokens if isinstance(token, Text | Control)]
    controls = [item for item in items if isinstance(item, Control)]
    _fill_cells(items)
    if controls:
        _place_above(controls[0], above.get(controls[0].concealed, []))
        _place_beside(_parts(items))
        return {}
    texts = [item for item in items if isinstance(item, Text)]
    words = joined(text.text for text in texts)
    if words and not _REQUIRED_LEGEND.search(words):
        return {**above, texts[0].concealed: texts}
    return above


def _fill_cells(items: Sequence[Text | Control]) -> None:
    for item in items:
        if item.cell and isinstance(item, Text):
            item.cell.pieces.append(item.text)
        elif item.cell and isinstance(item, Control):
            item.cell.first = item.cell.first or item


def _place_above(control: Control, texts: Sequence[Text]) -> None:
    if not texts or texts[-1].cell is not control.cell:
        return
    words = joined(text.text for text in texts)
    if len(words) > LABEL_LENGTH:
        return
    if any(text.heading is not None and text.text.strip() for text in texts):
        control.heading = words
    else:
        control.above = words


def _parts(items: Sequence[Text | Control]) -> list[str | Control]:
    """A line as text and controls by turns; a bare asterisk marks its neighbour and goes."""
    parts: list[str | Control] = []
    marked = False
    for item in _merged(items):
        words, mark = label_text(item) if isinstance(item, str) else ("", False)
        if isinstance(item, Control):
            item.marked, marked = item.marked or marked, False
            parts.append(item)
        elif words:
            parts.append(item)
        elif parts and isinstance(parts[-1], Control):
            parts[-1].marked = parts[-1].marked or mark
        else:
            marked = mark
    return parts


def _merged(items: Sequence[Text | Control]) -> Iterator[str | Control]:
    for is_text, run in groupby(items, key=lambda item: isinstance(item, Text)):
        if is_text:
            words = joined(item.text for item in run if isinstance(item, Text))
            if words:
                yield words
        else:
            yield from (item for item in run if isinstance(item, Control))


def _place_beside(parts: Sequence[str | Control]) -> None:
    """Text comes before inputs unless the line begins with one and ends with text; boxes need only one of the two.

    What a box has taken is not the label of what follows it.
    """
    begins, ends = isinstance(parts[0], str), isinstance(parts[-1], str)
    taken: str | Control = ""
    for before, part, after in zip(["", *parts[:-1]], parts, [*parts[1:], ""], strict=True):
        if isinstance(part, str):
            continue
        box = part.kind in TICKS
        is_followed = (ends or not begins) if box else (ends and not begins)
        own = after if is_followed else "" if before is taken else before
        taken = after if box and is_followed else ""
        part.beside = own if isinstance(own, str) and (box or len(own) <= LABEL_LENGTH) else ""
        if box and ends and isinstance(before, str) and before is parts[0]:
            part.question = before


def _place_headings(tokens: Sequence[Token]) -> None:
    """A form's heading stands in it before its first input, or before the form with no other input between."""
    begun: set[Form] = set()
    pending: list[list[str]] = []
    for token in tokens:
        if isinstance(token, Text) and token.heading is not None:
            if not pending or pending[-1] is not token.heading:
                pending.append(token.heading)
        elif isinstance(token, Form):
            token.heading_before = joined(pending[-1]) if pending else ""
            pending = []
        elif isinstance(token, Control) and token.visible:
            if token.form not in begun:
                begun.add(token.form)
                token.form.heading = joined(pending[0]) if pending else ""
            pending = []


def _place_help(tokens: Sequence[Token], page: Page) -> None:
    """Help follows its input, unless another input's label stands between."""
    last: Control | None = None
    waiting: list[str] = []
    for token in tokens:
        if isinstance(token, Form):
            last, waiting = None, []
        elif isinstance(token, Control) and token.visible:
            _give_help(token, waiting)
            last, waiting = token, []
        elif isinstance(token, Text) and last and not _belongs(token, last, page):
            last = None
        elif isinstance(token, Help) and last:
            _give_help(last, [joined(token.pieces)])
        elif isinstance(token, Help):
            waiting.append(joined(token.pieces))


def _belongs(text: Text, control: Control, page: Page) -> bool:
    if not label_text(text.text)[0]:
        return True
    if text.label is not None:
        return text.label is control.label or text.label is page.label_by_id(control)
    return control.kind in TICKS and text.line == control.line


def _give_help(control: Control, texts: Sequence[str]) -> None:
    for text in texts:
        words, required = label_text(text)
        control.marked = control.marked or required
        control.help = f"{control.help} {text if words else ''}".strip()
