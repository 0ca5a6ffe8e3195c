"""Writes a value as YAML: plain where every reader sees a text in it, in quotes otherwise."""

from __future__ import annotations

import re
from collections.abc import Mapping
from typing import Any

Plain = Any
"""A form file as plain data: texts, lists and tables."""

# Words that YAML, in one version or another, reads as something else than text.
_NOT_TEXT = frozenset({"y", "n", "yes", "no", "on", "off", "true", "false", "null", "none"})
_SAFE_START = re.compile(r"[^\W_]|<[a-zA-Z]|\$\{\w|/\w")
_NO_TEXT = re.compile(r"[\x00-\x08\x0b-\x1f\x7f-\x84\x86-\x9f\ud800-\udfff\ufeff\ufffd-\uffff]")
_JOINERS = "\u200c\u200d"


class Flag(str):
    """`true` or `false` where a yes or no is meant: it stands without quotes."""

    __slots__ = ()


def cleaned(text: str) -> str:
    """Without what no form file may hold; every line end as one."""
    return _NO_TEXT.sub("", re.sub(r"\r\n|\r", "\n", text))


def in_line(value: Plain, *, nested: bool = True) -> str:
    """A value on one line; ``nested`` within another list or table, where commas and brackets mean something."""
    if isinstance(value, Mapping):
        return "{" + ", ".join(f"{scalar(key)}: {in_line(each)}" for key, each in value.items()) + "}"
    if isinstance(value, list):
        return "[" + ", ".join(in_line(each) for each in value) + "]"
    return scalar(value, nested=nested)


def under_key(value: Plain, indent: int) -> str:
    """What stands behind `key:` with the space before it: a list of tables with one a line, a long text as a block."""
    inner = " " * (indent + 2)
    if is_list_of_tables(value):
        return "".join(f"\n{inner}- {in_line(each)}" for each in value)
    if isinstance(value, str) and is_fit_for_block(value):
        return " |-" + "".join(f"\n{inner}{line}" if line else "\n" for line in value.split("\n"))
    return f" {in_line(value, nested=False)}"


def is_list_of_tables(value: Plain) -> bool:
    return isinstance(value, list) and bool(value) and all(isinstance(each, Mapping) for each in value)


def is_fit_for_block(text: str) -> bool:
    """Several lines that a block keeps as they are."""
    lines = text.split("\n")
    is_clean = all(line == line.rstrip() and all(_is_shown(c) for c in line) for line in lines)
    return len(lines) > 1 and is_clean and bool(lines[-1]) and lines[0][:1].strip() != ""


def scalar(value: Plain, style: str | None = None, *, nested: bool = True) -> str:
    """``style`` is the kind of quotes that stood there before; they are kept where they can be."""
    text = str(value)
    if isinstance(value, Flag):
        return text
    if style == "'" and all(_is_shown(c) for c in text):
        return "'" + text.replace("'", "''") + "'"
    return text if style != '"' and is_plain(text, nested=nested) else double_quoted(text)


def is_plain(text: str, *, nested: bool = True) -> bool:
    """Whether it needs no quotes where it is to stand."""
    if not _SAFE_START.match(text) or text.lower() in _NOT_TEXT or text != text.strip():
        return False
    if not all(_is_shown(c) for c in text) or re.search(r": | #|:$", text):
        return False
    return not (nested and re.search(r"[\[\]{},]", text))


def double_quoted(text: str) -> str:
    return '"' + "".join(_escaped(c) for c in text) + '"'


def _escaped(c: str) -> str:
    if c in '"\\':
        return f"\\{c}"
    if c == "\n":
        return "\\n"
    if _is_shown(c):
        return c
    return f"\\u{ord(c):04x}" if ord(c) < 0x10000 else f"\\U{ord(c):08x}"


def _is_shown(c: str) -> bool:
    return c.isprintable() or c in _JOINERS
