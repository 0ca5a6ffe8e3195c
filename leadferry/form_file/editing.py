"""Changes a form file's text: what is not to be changed keeps its comments, its order and its style.

The plain controls of the console and its YAML tab edit one text. A change is said as what the file should say; the
text is then brought there in single steps, each where the thing stands.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from ruamel.yaml.nodes import MappingNode

from leadferry.form_file.problems import Findings, Problem
from leadferry.form_file.rendering import Flag, Plain, cleaned, scalar, under_key
from leadferry.form_file.splices import Place
from leadferry.form_file.tree import Items, Table, Tree, read_nodes

Path = tuple[str | int, ...]

MOST_STEPS = 200


class CannotEdit(Exception):
    """The text is left as it is: it cannot be read as YAML. ``problems`` say where and why."""

    def __init__(self, problems: Sequence[Problem]) -> None:
        super().__init__("; ".join(str(problem) for problem in problems))
        self.problems = tuple(problems)


def as_data(text: str) -> dict[str, Plain]:
    """What a form file says, as plain texts, lists and tables.

    Raises:
        CannotEdit: it cannot be read, or a key stands twice.
    """
    return _read(_normal(text))[1]


def _read(text: str) -> tuple[Any, dict[str, Plain]]:
    if not any(line.strip() and not line.lstrip().startswith("#") for line in text.split("\n")):
        return None, {}
    findings = Findings("form")
    node, tree = read_nodes(text, findings)
    if tree is None or findings.problems:
        raise CannotEdit(findings.problems)
    return node, {key: _plain(value) for key, value in tree.values.items()}


def rewritten(text: str, wanted: Mapping[str, Plain]) -> str:
    """The text changed as little as need be, so that it says what is wanted. The order of a table's keys is kept.

    Raises:
        CannotEdit: the text cannot be read.
    """
    text = _normal(text)
    goal = _cleaned(wanted)
    for _ in range(MOST_STEPS):
        node, found = _read(text)
        if found == goal:
            return text
        text = _step(text, node, found, goal)
    raise CannotEdit([Problem("form", 1, "file", "cannot be changed here; change its text instead")])


def with_value(text: str, path: Path, value: Plain | None) -> str:
    """One key set, or removed where the value is None.

    Raises:
        CannotEdit: the text cannot be read.
    """
    data = as_data(text)
    *way, last = path
    inner: Any = data
    for part in way:
        inner = inner.setdefault(part, {}) if isinstance(inner, dict) else inner[_number(part)]
    if value is not None:
        inner[last] = value
    elif isinstance(inner, dict):
        inner.pop(last, None)
    else:
        del inner[_number(last)]
    return rewritten(text, data)


def _number(part: str | int) -> int:
    return int(part)


def _normal(text: str) -> str:
    text = cleaned(text)
    return text if text.endswith("\n") or not text else f"{text}\n"


def _plain(tree: Tree) -> Plain:
    if isinstance(tree, Table):
        return {key: _plain(value) for key, value in tree.values.items()}
    if isinstance(tree, Items):
        return [_plain(value) for value in tree.values]
    return tree.value


def _cleaned(value: Plain) -> Plain:
    """As it will be read again."""
    if isinstance(value, Mapping):
        return {cleaned(key): _cleaned(each) for key, each in value.items()}
    if isinstance(value, list | tuple):
        return [_cleaned(each) for each in value]
    return Flag("true" if value else "false") if isinstance(value, bool) else cleaned(str(value))


# --- one step nearer ---


def _step(text: str, node: Any, found: dict[str, Plain], goal: dict[str, Plain]) -> str:
    if node is None:
        key = next(iter(goal))
        return f"{text}{scalar(key, nested=False)}:{under_key(goal[key], 0)}\n"
    return _table_step(Place(text), node, found, goal)


def _table_step(place: Place, node: Any, found: dict[str, Plain], goal: dict[str, Plain]) -> str:
    keys = list(found)
    for i, key in enumerate(keys):
        if key not in goal:
            return place.without(node, i)
    before = 0
    for key, value in goal.items():
        if key not in found:
            return place.with_entry(node, before, value, key)
        before = keys.index(key) + 1
    key = next(key for key in keys if found[key] != goal[key])
    return _value_step(place, node, keys.index(key), found[key], goal[key])


def _value_step(place: Place, parent: Any, index: int, found: Plain, goal: Plain) -> str:
    """A step within the value, as far as any of it stays; else another value in its place."""
    node = parent.value[index][1] if isinstance(parent, MappingNode) else parent.value[index]
    inside = Place(place.text, parent.start_mark.column, place.nested or bool(parent.flow_style))
    if isinstance(goal, dict) and isinstance(found, dict) and goal.keys() & found.keys():
        return _table_step(inside, node, found, goal)
    if isinstance(goal, list) and isinstance(found, list) and _can_stay(inside, node):
        partners = _partners(found, goal)
        if any(old is not None for old in partners):
            return _list_step(inside, node, found, goal, partners)
    return inside.replaced(node, goal, place.opening(parent, index))


def _can_stay(place: Place, node: Any) -> bool:
    """A list whose first dash stands behind another dash is written anew."""
    return bool(node.flow_style) or not place.shares_line(node)


def _list_step(place: Place, node: Any, found: list[Plain], goal: list[Plain], partners: list[int | None]) -> str:
    kept = [old for old in partners if old is not None]
    for i in range(len(found)):
        if i not in kept:
            return place.without(node, i)
    for new, old in enumerate(kept):
        if old != new:
            return place.moved(node, old, new)
    for i, partner in enumerate(partners):
        if partner is None:
            return place.with_entry(node, i, goal[i])
    i = next(i for i in range(len(goal)) if found[i] != goal[i])
    return _value_step(place, node, i, found[i], goal[i])


def _partners(found: list[Plain], goal: list[Plain]) -> list[int | None]:
    """Of each wanted entry the one that becomes it: an equal one, one of its name, or what is left in order."""
    partners: list[int | None] = [i if i < len(found) and found[i] == wanted else None for i, wanted in enumerate(goal)]
    for mark in (_whole, _name):
        left = _left(found, partners)
        for i, wanted in enumerate(goal):
            same = next((old for old in left if partners[i] is None and _same(mark, found[old], wanted)), None)
            if same is not None:
                partners[i] = same
                left.remove(same)
    left = _left(found, partners)
    new = [i for i, old in enumerate(partners) if old is None]
    if len(left) == len(new):
        for i, old in zip(new, left, strict=True):
            partners[i] = old
    return partners


def _left(found: list[Plain], partners: list[int | None]) -> list[int]:
    return [i for i in range(len(found)) if i not in partners]


def _same(mark: Callable[[Plain], Plain], one: Plain, other: Plain) -> bool:
    return mark(one) is not None and mark(one) == mark(other)


def _whole(entry: Plain) -> Plain:
    return entry


def _name(entry: Plain) -> Plain:
    """What an entry goes by: a field its name, a step its title, an answer its value."""
    if not isinstance(entry, dict):
        return None
    return next((entry[key] for key in ("name", "title", "value") if key in entry), None)
