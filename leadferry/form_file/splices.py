"""Single changes to the text of a form file, made where the thing stands; all else stays as it is to the letter.

Each takes the text and ruamel's nodes of it, and answers with the new text, whose nodes are others.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from ruamel.yaml.nodes import MappingNode, ScalarNode, SequenceNode

from leadferry.form_file.rendering import Plain, in_line, is_fit_for_block, is_list_of_tables, scalar, under_key


@dataclass(frozen=True)
class Span:
    """Places in a text, ``end`` not included."""

    start: int
    end: int


@dataclass(frozen=True)
class Place:
    """Where a node stands. ``indent`` is the column of the keys around it, ``nested`` whether within brackets."""

    text: str
    indent: int = 0
    nested: bool = False

    # --- what stands where ---

    def end(self, node: Any) -> int:
        """Behind the last character of a value, without the comments and empty lines that follow."""
        if isinstance(node, ScalarNode):
            at = int(node.end_mark.index)
            return len(self.text[:at].rstrip("\n")) if node.style in {"|", ">"} else at
        if node.flow_style:
            return int(node.end_mark.index)
        last = node.value[-1]
        return self.end(last[1] if isinstance(node, MappingNode) else last)

    def spans(self, node: Any) -> list[Span]:
        """The entries of a list or table, without their dashes."""
        entries = [each if isinstance(node, MappingNode) else (each, each) for each in node.value]
        return [Span(first.start_mark.index, self.end(last)) for first, last in entries]

    def line_start(self, at: int) -> int:
        return self.text.rfind("\n", 0, at) + 1

    def next_line(self, at: int) -> int:
        found = self.text.find("\n", at)
        return len(self.text) if found < 0 else found + 1

    def chunk(self, node: Any, index: int) -> Span:
        """Whole lines of an entry that is not in brackets: the comment right above it, and what is indented below."""
        column = node.start_mark.column
        spans = self.spans(node)
        start = self._first_line(node, spans[index], column)
        is_head = index == 0 and column == 0 and isinstance(node, MappingNode)  # what stands above is the file's
        floor = start if is_head else self.next_line(spans[index - 1].end) if index else 0
        while start > floor and re.match(rf" {{{column}}}#", self.text[self.line_start(start - 1) : start]):
            start = self.line_start(start - 1)
        end = self.next_line(spans[index].end)
        while re.match(rf" {{{column + 1},}}#", self.text[end : self.next_line(end)]):
            end = self.next_line(end)
        return Span(start, end)

    def _first_line(self, node: Any, span: Span, column: int) -> int:
        start = self.line_start(span.start)
        if isinstance(node, SequenceNode):  # an entry may begin below its dash
            while not re.match(rf" {{{column}}}-", self.text[start:]):
                start = self.line_start(start - 1)
        return start

    def shares_line(self, node: Any) -> bool:
        """Whether something else than space stands before the first entry in its line: a dash, for one."""
        start = int(node.start_mark.index)
        return self.text[self.line_start(start) : start].strip() != ""

    def opening(self, node: Any, index: int) -> int:
        """Where the value of an entry may begin: behind its colon, its dash, or where it stands in brackets."""
        if isinstance(node, MappingNode):
            key, value = node.value[index]
            gap = self.text[key.end_mark.index : value.start_mark.index]
            return int(key.end_mark.index) + gap.find(":") + 1
        if node.flow_style:
            return int(node.value[index].start_mark.index)
        column = int(node.start_mark.column)
        return self._first_line(node, self.spans(node)[index], column) + column + 1

    # --- replacing ---

    def replaced(self, node: Any, value: Plain, opening: int) -> str:
        """Another value in the place of one, whose entry has its ``opening`` there."""
        start, end = int(node.start_mark.index), self.end(node)
        is_block = not isinstance(node, ScalarNode) and not node.flow_style
        if not is_block and not self._needs_block(value):
            return self._put(start, end, self._in_line(node, value))
        behind = self.text[end : self.next_line(end) - 1]
        first, *lines = under_key(value, self.indent).split("\n")
        inside = self.text[opening:end].split("\n") if is_block else [""]
        comments = [inside[0].strip(), *([behind.strip()] if behind.lstrip().startswith("#") else [])]
        head = "  ".join([first, *filter(None, comments)])
        kept = [line for line in inside[1:] if line.lstrip().startswith("#")]
        return (
            self.text[:opening]
            + "\n".join([head, *lines, *kept])
            + self.text[end + len(behind) * (len(comments) > 1) :]
        )

    def _in_line(self, node: Any, value: Plain) -> str:
        if isinstance(value, list | dict) or not isinstance(node, ScalarNode):
            return in_line(value, nested=self.nested)
        return scalar(value, node.style if node.style in {"'", '"'} else None, nested=self.nested)

    def _needs_block(self, value: Plain) -> bool:
        return not self.nested and (is_list_of_tables(value) or (isinstance(value, str) and is_fit_for_block(value)))

    def _put(self, start: int, end: int, new: str) -> str:
        """With a space where the value would else touch the colon before it."""
        before, behind = self.text[:start], self.text[end:]
        if before[-1:].isalnum() or before.endswith(('"', "'")):
            before += ":"  # a key in brackets needs none as long as it has no value
        return before + " " * before.endswith((":", "-", ",")) + new + " " * behind.startswith("#") + behind

    # --- removing ---

    def without(self, node: Any, index: int) -> str:
        """Without one of several entries."""
        if node.flow_style:
            return self._without_in_brackets(node, index)
        spans = self.spans(node)
        if isinstance(node, MappingNode) and index == 0 and self.shares_line(node):
            return self._without_first_on_line(spans)
        chunk = self.chunk(node, index)
        return self.text[: chunk.start] + self.text[chunk.end :]

    def _without_first_on_line(self, spans: list[Span]) -> str:
        """`- name: x` keeps its dash, and the next key moves up to it."""
        gap = self.text[spans[0].end : spans[1].start]
        end = spans[1].start if "#" not in gap else self.next_line(spans[0].end) - 1
        return self.text[: spans[0].start].rstrip(" ") + " " * (end == spans[1].start) + self.text[end:]

    def _without_in_brackets(self, node: Any, index: int) -> str:
        spans = self.spans(node)
        if index + 1 < len(spans):
            return self.text[: spans[index].start] + self.text[self._after_comma(spans[index].end, spans[index + 1]) :]
        if index and "#" not in self.text[spans[index - 1].end : spans[index].start]:
            return self.text[: spans[index - 1].end] + self.text[spans[index].end :]
        return self.text[: spans[index].start] + self.text[spans[index].end :]

    def _after_comma(self, at: int, following: Span) -> int:
        gap = self.text[at : following.start]
        return following.start if "#" not in gap else at + gap.index(",") + 1

    # --- adding ---

    def with_entry(self, node: Any, index: int, value: Plain, key: str | None = None) -> str:
        """One more entry before that of the given number, or behind the last."""
        if node.flow_style:
            return self._with_entry_in_brackets(node, index, value, key)
        column = node.start_mark.column
        entry = "-" if key is None else f"{scalar(key, nested=False)}:"
        line = f"{entry}{under_key(value, column) if key is not None else ' ' + in_line(value)}"
        if index == 0:
            at = self.spans(node)[0].start if key is not None else self.chunk(node, 0).start
            indent = " " * column
            return (
                f"{self.text[:at]}{line}\n{indent}{self.text[at:]}"
                if key is not None
                else self._line(at, indent + line)
            )
        return self._line(self.chunk(node, index - 1).end, " " * column + line)

    def _line(self, at: int, line: str) -> str:
        return f"{self.text[:at]}{line}\n{self.text[at:]}"

    def _with_entry_in_brackets(self, node: Any, index: int, value: Plain, key: str | None) -> str:
        entry = in_line(value) if key is None else f"{scalar(key)}: {in_line(value)}"
        spans = self.spans(node)
        if not spans:
            at = node.start_mark.index + 1
            return f"{self.text[:at]}{entry}{self.text[at:]}"
        if index == 0:
            at = spans[0].start
            return f"{self.text[:at]}{entry}, {self.text[at:]}"
        at = spans[index - 1].end
        return f"{self.text[:at]}, {entry}{self.text[at:]}"

    # --- moving ---

    def moved(self, node: Any, old: int, new: int) -> str:
        """One entry of a list in another place, the others in their order."""
        order = list(range(len(node.value)))
        order.insert(new, order.pop(old))
        parts = self.spans(node) if node.flow_style else [self.chunk(node, i) for i in order]
        parts = sorted(parts, key=lambda part: part.start)
        texts = [self.text[part.start : part.end] for part in parts]
        found, at = "", 0
        for part, i in zip(parts, order, strict=True):
            found += self.text[at : part.start] + texts[i]
            at = part.end
        return found + self.text[at:]
