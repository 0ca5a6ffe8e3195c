"""Finds what a page calls a control: by what is said of it first, then by what is shown around it, then by guessing."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable
from dataclasses import dataclass

from bs4 import Tag

from leadferry.html_import.page import MAX_FIELDS, TICKS, Cell, Control, Form, Page, attribute, inside, texts
from leadferry.html_import.words import LABEL_LENGTH, collapse, humanised, joined, label_text


@dataclass(frozen=True)
class Label:
    text: str
    required: bool
    guess: str = ""


class Labels:
    def __init__(self, page: Page, form: Form) -> None:
        self._page = page
        self._form = form
        self._namesakes = Counter(control.name for control in form.controls if control.visible)

    def of(self, control: Control) -> Label:
        """The label of one input, or of one choice among several."""
        if control.kind in TICKS:
            shown = [control.beside, _right(control), control.above, _left(control)]
        else:
            shown = [control.beside, control.above, _left(control), _header(control), _right(control)]
        return self._first([*self._said(control), *shown, attribute(control.tag, "title")], control)

    def of_choice(self, control: Control) -> str:
        """The label of one box in a group, or nothing: the group's name says nothing about it."""
        label = self.of(control)
        return "" if label.guess else label.text

    def of_group(self, first: Control) -> Label:
        """What a group of boxes asks."""
        named = [self._of_element(first.group)] if first.group else []
        by_name = self._text(self._page.label_by_name(first))
        shown = [by_name, first.question, first.above, _left(first), _header(first), first.heading]
        return self._first([self.legend(first), *named, *shown], first)

    def said(self, control: Control) -> str:
        """All that the page says about a control, for telling traps."""
        return " ".join([*self._said(control), control.beside, control.above, control.help])

    def help(self, control: Control) -> str:
        described = self._referred(control.tag, "aria-describedby")
        return described or control.help or collapse(attribute(control.tag, "title"))

    def _said(self, control: Control) -> list[str]:
        page, tag = self._page, control.tag
        wrapping = control.label if control.label and page.rivals[id(control.label)] == 1 else None
        labels = [page.label_by_id(control), wrapping]
        if control.kind not in TICKS or self._namesakes[control.name] == 1:
            labels.append(page.label_by_name(control))
        return [*(self._text(label) for label in labels), self._of_element(tag)]

    def _first(self, candidates: Iterable[str], control: Control) -> Label:
        required = False
        for candidate in candidates:
            words, mark = label_text(candidate)
            required = required or mark
            if words:
                return Label(words, required)
        return self._fallback(control, required)

    def _fallback(self, control: Control, required: bool) -> Label:
        heading, _ = label_text(control.heading)
        if heading and control.heading != self._form.heading:
            return Label(heading, required, "label guessed from a heading")
        words, marked = label_text(attribute(control.tag, "placeholder"))
        if words:
            return Label(words, required or marked, "label guessed from the placeholder")
        return Label(humanised(control.name), required, "label guessed from the name")

    def _text(self, label: Tag | None) -> str:
        return joined(self._page.labels.get(id(label), [])) if label else ""

    def legend(self, control: Control) -> str:
        """A legend over several questions is a section's title, not a question."""
        alone = self._page.asked.get(id(control.fieldset)) == {control.name}
        return self._legend_text(control) if alone else ""

    def section(self) -> str:
        """The first legend that is a section's title."""
        for control in self._form.controls[:MAX_FIELDS]:
            title = self._legend_text(control)
            if title and not self.legend(control):
                return title
        return ""

    def _legend_text(self, control: Control) -> str:
        return joined(self._page.legends.get(id(control.fieldset), []))

    def _of_element(self, tag: Tag) -> str:
        return self._referred(tag, "aria-labelledby") or attribute(tag, "aria-label")

    def _referred(self, tag: Tag, name: str) -> str:
        """The text of the elements whose ids an attribute lists."""
        return joined(f"{self._by_id(identity)} " for identity in attribute(tag, name).split()[:5])

    def _by_id(self, identity: str) -> str:
        tag = self._page.by_id.get(identity)
        return joined(texts(inside(tag, 300))) if tag else ""


def _left(control: Control) -> str:
    cell = control.own_cell
    return _nearest_words(cell.row.cells[max(cell.index - 20, 0) : cell.index][::-1]) if cell else ""


def _right(control: Control) -> str:
    cell = control.own_cell
    return _nearest_words(cell.row.cells[cell.index + 1 : cell.index + 20]) if cell else ""


def _nearest_words(cells: Iterable[Cell]) -> str:
    """The text of the first cell that holds any, if no input stands before it."""
    for cell in cells:
        if cell.first or cell.words:
            return cell.words if not cell.first and len(cell.words) <= LABEL_LENGTH else ""
    return ""


def _header(control: Control) -> str:
    """The text over a table cell. A row that has but one cell is a header only if it comes just before."""
    cell = control.own_cell
    if not cell:
        return ""
    alone = len(cell.row.cells) == 1
    rows = cell.row.table[max(cell.row.index - (1 if alone else 50), 0) : cell.row.index]
    for row in reversed(rows):
        over = next((other for other in row.cells[:50] if other.column == cell.column), None)
        if over and over.words and not any(other.first for other in row.cells[:50]):
            return over.words if len(over.words) <= LABEL_LENGTH else ""
    return ""
