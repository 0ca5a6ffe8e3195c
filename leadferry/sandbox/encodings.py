"""Bodies taken apart with no mistake forgiven: each mistake is a complaint, and what can be read is still read."""

from __future__ import annotations

import json
import math
import re
from dataclasses import dataclass
from typing import Any
from urllib.parse import parse_qsl

from leadferry.sandbox.exchange import Received
from leadferry.sandbox.shapes import has_control_characters, quoted

FORM = "application/x-www-form-urlencoded"
MAX_PAIRS = 1000
MAX_DEPTH = 64

_BROKEN_ESCAPE = re.compile(r"%(?![0-9A-Fa-f]{2})")
_CHARSET = re.compile(r"""charset\s*=\s*"?utf-?8"?""", re.IGNORECASE)


@dataclass(frozen=True)
class Form:
    pairs: tuple[tuple[str, str], ...]
    complaints: tuple[str, ...]

    def once(self) -> tuple[dict[str, str], list[str]]:
        """The pairs as a dict, the last of a name winning, and a complaint for each name given twice."""
        fields = dict(self.pairs)
        if len(fields) == len(self.pairs):
            return fields, []
        names = [name for name, _ in self.pairs]
        return fields, [f"{quoted(name)} is given more than once" for name in fields if names.count(name) > 1]


def read_form(received: Received, binary: str | None = None) -> Form:
    """The pairs of a urlencoded body; of a body of any other type, none. `binary`: a name whose value is any bytes."""
    complaints = _type_complaints(received, FORM)
    if received.media_type.lower() != FORM:
        return Form((), tuple(complaints))
    form = decode_pairs(received.body, binary)
    return Form(form.pairs, (*complaints, *form.complaints))


def decode_pairs(body: bytes, binary: str | None = None) -> Form:
    text = body.decode("ascii", "replace")
    complaints = []
    if "\ufffd" in text or _BROKEN_ESCAPE.search(text):
        complaints.append("the body is not percent-encoded: a raw byte above 127, or % without two hex digits")
    try:
        pairs = parse_qsl(text, True, True, "utf-8", "surrogateescape", MAX_PAIRS) if text else []
    except ValueError as problem:
        complaints.append(f"the body is not well-formed: {problem}")
        pairs = parse_qsl(text, True, False, "utf-8", "surrogateescape")[:MAX_PAIRS]
    complaints += [text for name, value in pairs if name != binary for text in _pair_complaints(name, value)]
    return Form(tuple(pairs), tuple(complaints))


def _pair_complaints(name: str, value: str) -> list[str]:
    found = []
    if not name:
        found.append("a value without a name")
    if has_control_characters(name + value):
        found.append(f"{quoted(name)}: control characters")
    if not (is_text(name) and is_text(value)):
        found.append(f"{quoted(name)} is not UTF-8")
    return found


def read_json(received: Received) -> tuple[Any, list[str]]:
    """The value of a JSON body, None where it cannot be read, and what is wrong with it."""
    complaints = _type_complaints(received, "application/json")
    try:
        return decode_json(received.body.decode("utf-8")), complaints
    except ValueError as problem:
        return None, [*complaints, f"the body is not JSON: {problem}"]


def decode_json(text: str) -> Any:
    """Strict JSON: no NaN, no name given twice, no more than 64 levels. ValueError says what is wrong."""
    try:
        value = json.loads(text, object_pairs_hook=_once, parse_constant=_no_constant, parse_float=_finite)
    except RecursionError:
        raise ValueError("too many levels") from None
    check_depth(value)
    return value


def check_depth(value: Any) -> None:
    """ValueError where lists and dicts are nested over MAX_DEPTH levels."""
    level = [value]
    for _ in range(MAX_DEPTH):
        level = [child for node in level for child in _children(node)]
        if not level:
            return
    raise ValueError("too many levels")


def is_text(value: str) -> bool:
    """Whether UTF-8 can carry it: what JSON or a broken escape brings may be half of a surrogate pair."""
    return value.isascii() or not any("\ud800" <= character <= "\udfff" for character in value)


def _children(node: Any) -> list[Any]:
    if isinstance(node, dict):
        return list(node.values())
    return node if isinstance(node, list) else []


def _once(pairs: list[tuple[str, Any]]) -> dict[str, Any]:
    fields = dict(pairs)
    if len(fields) != len(pairs):
        raise ValueError("a name is given more than once in one object")
    return fields


def _no_constant(name: str) -> Any:
    raise ValueError(f"{name} is not JSON")


def _finite(digits: str) -> float:
    number = float(digits)
    if math.isinf(number):
        raise ValueError("a number is too large")
    return number


def _type_complaints(received: Received, wanted: str) -> list[str]:
    if received.media_type.lower() != wanted:
        return [f"Content-Type must be {wanted}, not {quoted(received.content_type)}"]
    parameters = received.content_type.partition(";")[2].strip()
    if parameters and not _CHARSET.fullmatch(parameters):
        return [f"Content-Type: {quoted(parameters)} is not charset=utf-8"]
    return []
