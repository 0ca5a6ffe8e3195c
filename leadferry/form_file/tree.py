"""The one reader of YAML: a form file as tables, lists and texts that know their lines."""

from __future__ import annotations

import re
from collections.abc import Iterator
from dataclasses import dataclass
from typing import Any

from ruamel.yaml.composer import Composer
from ruamel.yaml.error import MarkedYAMLError
from ruamel.yaml.nodes import MappingNode, ScalarNode, SequenceNode
from ruamel.yaml.parser import Parser
from ruamel.yaml.reader import Reader, ReaderError
from ruamel.yaml.scanner import Scanner
from ruamel.yaml.tag import Tag

from leadferry.form_file.problems import Findings, quoted
from leadferry.form_file.yaml_words import BAD_ESCAPE, in_plain_words

MAX_CHARACTERS = 128 * 1024
MAX_DEPTH = 20

_UNWANTED = re.compile("[\x00-\x08\x0b-\x1f\x7f\ud800-\udfff]")


@dataclass(frozen=True)
class Text:
    line: int
    value: str


@dataclass(frozen=True)
class Items:
    line: int
    values: tuple[Tree, ...]


@dataclass(frozen=True)
class Table:
    """``lines`` are those of the keys."""

    line: int
    values: dict[str, Tree]
    lines: dict[str, int]


Tree = Text | Items | Table


def read_tree(text: str, findings: Findings) -> Table | None:
    """The file's table, or None where there is none to be had; what is wrong is in ``findings``."""
    return read_nodes(text, findings)[1]


def read_nodes(text: str, findings: Findings) -> tuple[Any, Table | None]:
    """ruamel's nodes too, which know where in the text they stand."""
    if len(text) > MAX_CHARACTERS:
        findings.add(1, "file", "is larger than 128 KiB; a form file is a page of text, so split it into several forms")
        return None, None
    if "\ufffd" in text:
        line = _line_of(text, text.index("\ufffd"))
        findings.add(line, "file", "cannot be read as UTF-8 text; save it again as UTF-8, where the server may read it")
        return None, None
    node = _compose(text, findings)
    root = _Planter(findings).plant(node, "") if node is not None else None
    if isinstance(root, Table):
        return node, root
    if not findings.problems:
        findings.add(
            1, "file", "is not a form; begin with `title:`, `fields:` and `vendor:`, each on a line of its own"
        )
    return None, None


def _line_of(text: str, position: int) -> int:
    return len(re.findall(r"\r\n|\r|\n", text[:position])) + 1


def _last_line(text: str) -> int:
    return _line_of(text, len(text.rstrip()))


class _Loader(Reader, Scanner, Parser, Composer):
    """ruamel's parts without the types: every plain scalar is text, `no` and `007` as well as `1.50`.

    Put together as ruamel's own loaders are, but without the parts that keep comments or build Python objects, and
    each part is an attribute, not looked up at each step: two fifths of the time of a round-trip load.
    """

    reader: Any = None
    scanner: Any = None
    parser: Any = None
    resolver: Any = None
    comment_handling = None
    max_depth = MAX_DEPTH
    processing_version = (1, 2)
    untagged = Tag(suffix="untagged")

    def __init__(self, text: str) -> None:
        self.reader = self.scanner = self.parser = self.resolver = self
        Reader.__init__(self, text, loader=self)
        Scanner.__init__(self, loader=self)
        Parser.__init__(self, loader=self)
        Composer.__init__(self, loader=self)
        self.warn_double_anchors = False

    def resolve(self, *_: Any) -> Tag:
        return self.untagged

    def descend_resolver(self, *_: Any) -> None:
        """Nothing depends on where a scalar stands."""

    def ascend_resolver(self) -> None:
        """As above."""

    # What YAML has and a form file does not need: an alias can make a page of a word, a tag an object.

    def fetch_anchor(self) -> None:
        self._refuse("anchor")

    def fetch_alias(self) -> None:
        self._refuse("alias")

    def fetch_tag(self) -> None:
        self._refuse("tag")

    def fetch_directive(self) -> None:
        self._refuse("directive")

    def _refuse(self, what: str) -> None:
        raise MarkedYAMLError(problem=f"found a forbidden {what}", problem_mark=self.get_mark())


def _compose(text: str, findings: Findings) -> Any:
    loader = None
    try:
        loader = _Loader(text)
        return loader.get_single_node()
    except ReaderError as error:
        line = _line_of(text, error.position)
        message = f"has a character that no editor shows (U+{error.character:04X}); type this line anew"
        findings.add(line, "file", message)
    except MarkedYAMLError as error:
        line, message = in_plain_words(error, text)
        findings.add(min(line, _last_line(text)), "file", message)
    except (ValueError, OverflowError):  # an escape in double quotes that names no character
        line = min(loader.line + 1 if loader else 1, _last_line(text))
        findings.add(line, "file", BAD_ESCAPE)
    return None


class _Planter:
    """Turns ruamel's nodes into a tree."""

    def __init__(self, findings: Findings) -> None:
        self._findings = findings

    def plant(self, node: Any, where: str) -> Tree:
        line = node.start_mark.line + 1
        if isinstance(node, MappingNode):
            return self._table(node, line, where)
        if isinstance(node, SequenceNode):
            return Items(line, tuple(self.plant(each, f"{where}[{i}]") for i, each in enumerate(node.value, start=1)))
        return self._text(node, line, where)

    def _table(self, node: Any, line: int, where: str) -> Table:
        table = Table(line, {}, {})
        for key, key_line, value in self._entries(node, where):
            inside = f"{where}.{key}" if where else key
            if key not in table.values:
                table.lines[key] = key_line
                table.values[key] = self.plant(value, inside)
                continue
            message = f"stands twice, here and in line {table.lines[key]}; remove or rename one of the two"
            self._findings.add(key_line, inside, message)
        return table

    def _entries(self, node: Any, where: str) -> Iterator[tuple[str, int, Any]]:
        for key, value in node.value:
            line = key.start_mark.line + 1
            if isinstance(key, ScalarNode):
                yield self._text(key, line, where).value, line, value
                continue
            message = "has a list or table in the place of a key; write a word before the colon"
            self._findings.add(line, where, message)

    def _text(self, node: Any, line: int, where: str) -> Text:
        """`~` and `null` without quotes are how YAML says "nothing"."""
        value = str(node.value)
        if not node.style and value in {"~", "null"}:
            value = ""
        if _UNWANTED.search(value):
            message = f"{quoted(value)} has a character that cannot be shown; remove the `\\` and the code behind it"
            self._findings.add(line, where, message)
            value = _UNWANTED.sub("", value)
        return Text(line, value)
