"""What is read of a page: its forms, their controls and the text around them; and how a tag is looked at."""

from __future__ import annotations

import re
from collections import Counter
from collections.abc import Collection, Iterable, Iterator
from dataclasses import dataclass, field

from bs4 import Tag
from bs4.element import NavigableString, PageElement

from leadferry.html_import.words import joined, short

MAX_PAGE = 2_000_000
"""Characters of a page that are read at most."""

MAX_FORMS = 50
"""Forms of one page that are imported at most."""

MAX_FIELDS = 500
"""A post with more fields than this is refused, so no form file needs more."""

MAX_NAME = 200
"""Characters; a post with a longer field name is refused."""


TICKS = frozenset({"checkbox", "radio"})
BUTTONS = frozenset({"submit", "button", "image", "reset"})


@dataclass(eq=False)
class Row:
    table: list[Row]
    index: int
    cells: list[Cell] = field(default_factory=list)


@dataclass(eq=False)
class Cell:
    row: Row
    index: int
    column: int
    span: int
    pieces: list[str] = field(default_factory=list)
    first: Control | None = None

    @property
    def words(self) -> str:
        return joined(self.pieces)


@dataclass(eq=False)
class Text:
    """A piece of text. ``line`` tells which pieces stand side by side; ``label`` and ``heading`` what they are in."""

    text: str
    line: int
    label: Tag | None
    heading: list[str] | None
    cell: Cell | None
    concealed: bool


@dataclass(eq=False)
class Control:
    """An input, select or textarea, and what the page shows around it."""

    tag: Tag
    form: Form
    line: int
    label: Tag | None
    fieldset: Tag | None
    group: Tag | None
    cell: Cell | None
    concealed: bool
    trap: bool
    beside: str = ""  # text of its own on the same line
    question: str = ""  # text that opens a line of boxes, which asks what they answer
    above: str = ""  # the line before
    heading: str = ""  # the same, where that line is a heading
    marked: bool = False  # a bare asterisk stands beside it
    help: str = ""

    @property
    def name(self) -> str:
        return str(self.tag.get("name") or "")

    @property
    def kind(self) -> str:
        if self.tag.name != "input":
            return str(self.tag.name)
        return attribute(self.tag, "type").lower() or "text"

    @property
    def visible(self) -> bool:
        return self.kind != "hidden"

    @property
    def own_cell(self) -> Cell | None:
        """The table cell, if no other input stands in it before this one."""
        return self.cell if self.cell and self.cell.first is self else None


@dataclass(eq=False)
class Help:
    pieces: list[str] = field(default_factory=list)


@dataclass(eq=False)
class Form:
    tag: Tag
    index: int
    line: int = 0
    controls: list[Control] = field(default_factory=list)
    buttons: list[Tag] = field(default_factory=list)
    heading: str = ""
    heading_before: str = ""
    captcha: bool = False

    def described(self) -> str:
        name = attribute(self.tag, "id") or attribute(self.tag, "name") or self.heading
        return f"the form “{short(name)}”" if name else f"form {self.index + 1}"


Token = Text | Control | Help | Form


@dataclass(eq=False)
class Page:
    title: str = ""
    language: str = ""
    address: str = ""
    straightened: bool = False
    forms: list[Form] = field(default_factory=list)
    labels: dict[int, list[str]] = field(default_factory=dict)  # id() of a <label> -> its text
    legends: dict[int, list[str]] = field(default_factory=dict)  # id() of a <fieldset> -> its legend
    label_for: dict[str, Tag] = field(default_factory=dict)
    by_id: dict[str, Tag] = field(default_factory=dict)
    rivals: Counter[int] = field(default_factory=Counter)  # id() of a <label> -> controls in it
    asked: dict[int, set[str]] = field(default_factory=dict)  # id() of a <fieldset> -> names in it

    def label_by_id(self, control: Control) -> Tag | None:
        identity = attribute(control.tag, "id")
        return self.label_for.get(identity) if identity else None

    def label_by_name(self, control: Control) -> Tag | None:
        """A common slip: `for` says the input's name, and no element has that as its id."""
        return self.label_for.get(control.name) if control.name and control.name not in self.by_id else None


def attribute(tag: Tag, name: str) -> str:
    return str(tag.get(name) or "").strip()


def whole_number(tag: Tag, name: str) -> int | None:
    text = attribute(tag, name)
    return int(text) if re.fullmatch(r"[0-9]{1,6}", text) else None


def classes(tag: Tag) -> frozenset[str]:
    return frozenset(attribute(tag, "class").lower().split())


def inside(tag: Tag, limit: int) -> Iterator[PageElement]:
    """The first elements within a tag; Tag.descendants looks for the last one first, which deep nesting makes slow."""
    waiting = tag.contents[:limit][::-1]
    while waiting and limit > 0:
        node = waiting.pop()
        limit -= 1
        yield node
        if isinstance(node, Tag):
            waiting.extend(node.contents[:limit][::-1])


def tags_inside(tag: Tag, names: Collection[str], limit: int) -> Iterator[Tag]:
    return (node for node in inside(tag, limit) if isinstance(node, Tag) and node.name in names)


def texts(nodes: Iterable[PageElement]) -> Iterator[str]:
    """The text among the nodes: subclasses of NavigableString are comments, scripts and declarations."""
    return (str(node) for node in nodes if type(node) is NavigableString)
