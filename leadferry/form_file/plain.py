"""Form files that nothing is unusual about, read by libyaml: thirty times as fast, and the same tree.

A thousand forms are read in a tenth of a second then, and not in four. What libyaml and ruamel might read differently,
and everything that is wrong, is left to ruamel in leadferry.form_file.tree, which has the words for it.
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

import yaml  # type: ignore[import-untyped]  # ships no types

from leadferry.form_file.tree import MAX_CHARACTERS, MAX_DEPTH, Items, Table, Text, Tree

_UNUSUAL = re.compile(
    # an escape; a tab; a break of line that only YAML 1.1 knows; what YAML forbids
    r"[^\n\r -\[\]-~\u00a0-\u2027\u202a-\ud7ff\ue000-\ufdcf\ufdf0-\ufefe\uff00-\uffef\U00010000-\U0010ffff]"
    # half a break of line; a value that touches its colon; a comment that touches what it stands behind
    r"|\r(?!\n)|['\"]:(?![ \r\n])|[|>][-+0-9]*#"
)


class _Unusual(Exception):
    pass


def plain_tree(text: str) -> Table | None:
    """The file's table; None where that is better left to ruamel."""
    if len(text) > MAX_CHARACTERS or _UNUSUAL.search(text):
        return None
    try:
        return _Gardener().grow(yaml.parse(text, Loader=yaml.CBaseLoader))
    except (yaml.YAMLError, _Unusual):
        return None


class _Branch:
    """A list or a table that is being read; ``key`` is a table's, until its value comes."""

    def __init__(self, line: int, *, is_table: bool) -> None:
        self.line = line
        self.is_table = is_table
        self.items: list[Tree] = []
        self.values: dict[str, Tree] = {}
        self.lines: dict[str, int] = {}
        self.key: str | None = None

    def add(self, tree: Tree) -> None:
        if not self.is_table:
            self.items.append(tree)
        elif self.key is not None:
            self.values[self.key] = tree
            self.key = None
        elif isinstance(tree, Text) and tree.value not in self.values:
            self.key = tree.value
            self.lines[tree.value] = tree.line
        else:
            raise _Unusual

    def whole(self) -> Tree:
        return Table(self.line, self.values, self.lines) if self.is_table else Items(self.line, tuple(self.items))


class _Gardener:
    """Grows a tree from events and not from nodes: however deep a file is, this does not go down with it."""

    def __init__(self) -> None:
        self._open: list[_Branch] = []
        self._root: Tree | None = None

    def grow(self, events: Iterable[Any]) -> Table:
        for event in events:
            self._take(event)
        if not isinstance(self._root, Table):
            raise _Unusual
        return self._root

    def _take(self, event: Any) -> None:
        if isinstance(event, yaml.NodeEvent) and (isinstance(event, yaml.AliasEvent) or event.anchor or event.tag):
            raise _Unusual
        if isinstance(event, yaml.ScalarEvent):
            self._add(_text(event))
        elif isinstance(event, yaml.CollectionStartEvent):
            if len(self._open) >= MAX_DEPTH:
                raise _Unusual
            self._open.append(_Branch(event.start_mark.line + 1, is_table=isinstance(event, yaml.MappingStartEvent)))
        elif isinstance(event, yaml.CollectionEndEvent):
            self._add(self._open.pop().whole())
        elif isinstance(event, yaml.DocumentStartEvent | yaml.DocumentEndEvent) and event.explicit:
            raise _Unusual

    def _add(self, tree: Tree) -> None:
        if self._open:
            self._open[-1].add(tree)
        else:
            self._root = tree


def _text(event: Any) -> Text:
    if not event.style and not event.value:
        raise _Unusual  # a value that is not there: the two do not say the same line
    is_nothing = not event.style and event.value in {"~", "null"}
    return Text(event.start_mark.line + 1, "" if is_nothing else event.value)
