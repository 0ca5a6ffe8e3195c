"""PHP's reading of `lead[custom_fields][0][field_value]` as nested arrays, with every oddity a complaint.

Source: https://www.php.net/manual/en/language.variables.external.php
"""

from __future__ import annotations

import re
from collections.abc import Iterable
from typing import Any

from leadferry.sandbox.encodings import MAX_DEPTH
from leadferry.sandbox.shapes import quoted

_NAME = re.compile(r"([A-Za-z_][A-Za-z0-9_]*)((?:\[[^\[\]]*\])*)")
_KEY = re.compile(r"\[([^\[\]]*)\]")


def nest(pairs: Iterable[tuple[str, str]]) -> tuple[dict[str, Any], list[str]]:
    """The nested arrays, each a dict by its keys in order, and what is wrong with the names."""
    root: dict[str, Any] = {}
    complaints = []
    for name, value in pairs:
        match = _NAME.fullmatch(name)
        keys = [match[1], *_KEY.findall(match[2])] if match else []
        if not keys or len(keys) > MAX_DEPTH:
            complaints.append(f"{quoted(name)} is not a name with brackets")
        elif not _put(root, keys, value):
            complaints.append(f"{quoted(name)} is given more than once, or as a text and as an array")
    return root, complaints


def as_list(array: Any) -> list[Any] | None:
    """The values of an array whose keys are 0, 1, 2, …; None for anything else."""
    if isinstance(array, dict) and list(array) == [str(place) for place in range(len(array))]:
        return list(array.values())
    return None


def as_json(value: Any) -> Any:
    """The arrays as lists and objects, to be shown."""
    if not isinstance(value, dict):
        return value
    values = as_list(value) if value else None
    if values is not None:
        return [as_json(child) for child in values]
    return {key: as_json(child) for key, child in value.items()}


def _put(root: dict[str, Any], keys: list[str], value: str) -> bool:
    node = root
    for key in keys[:-1]:
        child = node.setdefault(key or _next_key(node), {})
        if not isinstance(child, dict):
            return False
        node = child
    last = keys[-1] or _next_key(node)
    if last in node:
        return False
    node[last] = value
    return True


def _next_key(node: dict[str, Any]) -> str:
    numbers = [int(key) for key in node if key.isdecimal() and len(key) < 10]
    return str(max(numbers, default=-1) + 1)
