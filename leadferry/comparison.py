"""Two contents of one form, and in words what a person would want to know of their difference."""

from __future__ import annotations

import difflib
from collections.abc import Collection, Iterator, Mapping
from dataclasses import dataclass, field
from functools import reduce
from typing import Any, Literal

from leadferry.form_file.editing import CannotEdit, as_data
from leadferry.languages import Sentence, sentence
from leadferry.vendors.base import Adapter

MASK = "•••"
LONGEST_SHOWN = 120

_KEYS: Mapping[str, Sentence] = {
    "title": sentence("Title"),
    "intro": sentence("Text below the title"),
    "submit": sentence("Text of the button"),
    "language": sentence("Language"),
    "on_success_url": sentence("Where visitors go afterwards"),
    "on_error_url": sentence("Where refused visitors go"),
    "web_key": sentence("Web key"),
    "retention": sentence("How long answers are kept"),
    "origins": sentence("Sites that visitors may be sent to"),
    "framing": sentence("Who may frame the form"),
    "theme": sentence("Theme"),
    "vendor": sentence("Vendor"),
}
_FIELD_KEYS: Mapping[str, Sentence] = {
    "label": sentence("label"),
    "help": sentence("help"),
    "type": sentence("type"),
    "value": sentence("value from the start"),
    "placeholder": sentence("example in the empty field"),
    "send_as": sentence("name at the vendor"),
    "min": sentence("smallest value"),
    "max": sentence("greatest value"),
    "max_length": sentence("longest answer"),
    "if_invalid": sentence("what is done with a wrong answer"),
}
_NOW: Mapping[str, Sentence] = {
    "required": sentence("{what} is now required"),
    "sensitive": sentence("{what} is now sensitive"),
    "trustedform": sentence("{what} is now trustedform"),
}
_NO_LONGER: Mapping[str, Sentence] = {
    "required": sentence("{what} is no longer required"),
    "sensitive": sentence("{what} is no longer sensitive"),
    "trustedform": sentence("{what} is no longer trustedform"),
}


@dataclass(frozen=True)
class Line:
    """One line of the two texts laid side by side."""

    kind: Literal["same", "added", "removed", "gap"]
    text: str


@dataclass(frozen=True)
class Comparison:
    """``changes`` are sentences that can be told in other languages; ``lines`` the texts' difference."""

    changes: tuple[Sentence, ...]
    lines: tuple[Line, ...] = field(default=())

    @property
    def is_same(self) -> bool:
        return not self.lines


def compare(before: str, after: str, adapters: Mapping[str, Adapter]) -> Comparison:
    """Credentials that stand in the texts are masked. What cannot be read is compared by its lines alone."""
    hidden = credentials_in(before, adapters) | credentials_in(after, adapters)
    try:
        changes = list(_all_changes(as_data(before), as_data(after)))
    except CannotEdit:
        changes = [sentence("One of the two cannot be read as a form; their lines differ as shown.")]
    shown = tuple(change.with_texts(lambda text: _hide(text, hidden)) for change in dict.fromkeys(changes))
    return Comparison(shown, tuple(Line(line.kind, _hide(line.text, hidden)) for line in _lines(before, after)))


def credentials_in(text: str, adapters: Mapping[str, Adapter]) -> frozenset[str]:
    """What should stand in the environment and stands in the text."""
    try:
        data = as_data(text)
    except CannotEdit:
        return frozenset()
    blocks = [data.get("vendor"), *_entries(data.get("also"))]
    return frozenset(value for block in blocks if isinstance(block, dict) for value in _credentials(block, adapters))


def _credentials(block: Mapping[str, Any], adapters: Mapping[str, Adapter]) -> Iterator[str]:
    adapter = adapters.get(str(block.get("name")))
    for setting in adapter.settings if adapter else ():
        value = block.get(setting.name)
        if setting.secret and isinstance(value, str) and value and "${" not in value:
            yield value


def _hide(text: str, hidden: Collection[str]) -> str:
    for value in sorted(hidden, key=len, reverse=True):
        text = text.replace(value, MASK)
    return text


def _lines(before: str, after: str) -> Iterator[Line]:
    for line in list(difflib.unified_diff(before.splitlines(), after.splitlines(), lineterm="", n=2))[2:]:
        if line.startswith("@@"):
            yield Line("gap", "")
        else:
            yield Line("added" if line[0] == "+" else "removed" if line[0] == "-" else "same", line[1:])


def masked(text: str, adapters: Mapping[str, Adapter]) -> str:
    """A text to be edited, each credential in it as a mark of its own."""
    for mark, value in _marks(text, adapters):
        text = text.replace(value, mark)
    return text


def unmasked(text: str, original: str, adapters: Mapping[str, Adapter]) -> str:
    """The edited text with the credentials of the original where their marks still stand."""
    for mark, value in _marks(original, adapters):
        text = text.replace(mark, value)
    return text


def _marks(text: str, adapters: Mapping[str, Adapter]) -> list[tuple[str, str]]:
    hidden = sorted(credentials_in(text, adapters), key=lambda value: (-len(value), value))
    return [(f"{MASK}{number}{MASK}", value) for number, value in enumerate(hidden, start=1)]


# --- in words ---


def _all_changes(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[Sentence]:
    yield from _fields(_by_name(before.get("fields")), _by_name(after.get("fields")))
    for key in dict.fromkeys([*before, *after]):
        old, new = before.get(key), after.get(key)
        if key == "fields" or old == new:
            continue
        if key == "steps":
            yield from _steps(_entries(old), _entries(new))
        elif isinstance(old or new, dict):
            yield from _table(_KEYS.get(key, key), old or {}, new or {})
        else:
            yield _changed(_KEYS.get(key, key), key, old, new)


def _entries(value: Any) -> list[Any]:
    return value if isinstance(value, list) else []


def _by_name(fields: Any) -> dict[str, Mapping[str, Any]]:
    return {str(each.get("name", "")): each for each in _entries(fields) if isinstance(each, dict)}


def _fields(before: Mapping[str, Mapping[str, Any]], after: Mapping[str, Mapping[str, Any]]) -> Iterator[Sentence]:
    for name, each in after.items():
        if name not in before:
            new = sentence("New field: {field}, required") if _is_required(each) else sentence("New field: {field}")
            yield new.of(field=_named(each))
    for name, each in before.items():
        if name not in after:
            yield sentence("Field {field} was removed").of(field=_named(each))
    kept_before = [name for name in before if name in after]
    kept_after = [name for name in after if name in before]
    yield from _moves(kept_before, kept_after, after)
    for name in kept_after:
        yield from _field(before[name], after[name])


def _moves(before: list[str], after: list[str], fields: Mapping[str, Mapping[str, Any]]) -> Iterator[Sentence]:
    """The fewest fields whose going elsewhere explains the new order."""
    matcher = difflib.SequenceMatcher(None, before, after, autojunk=False)
    stayed = {before[i] for block in matcher.get_matching_blocks() for i in range(block.a, block.a + block.size)}
    for place, name in enumerate(after):
        if name not in stayed:
            yield _moved(_named(fields[name]), _named(fields[after[place - 1]]) if place else None)


def _moved(name: str, before: str | None) -> Sentence:
    if before is None:
        return sentence("Field {field} moved to the top").of(field=name)
    return sentence("Field {field} moved behind {other}").of(field=name, other=before)


def _is_required(each: Mapping[str, Any]) -> bool:
    return each.get("required") == "true"


def _named(each: Mapping[str, Any]) -> str:
    name, label = str(each.get("name", "")), each.get("label")
    return f"{_short(label)} ({name})" if isinstance(label, str) and label and label != name else name


def _field(before: Mapping[str, Any], after: Mapping[str, Any]) -> Iterator[Sentence]:
    subject = sentence("Field {field}").of(field=_named(after))
    for key in dict.fromkeys([*before, *after]):
        old, new = before.get(key), after.get(key)
        if old == new:
            continue
        if key == "options":
            yield from _options(subject, _entries(old), _entries(new))
        elif key == "show_if":
            yield _shown_if(subject, new)
        else:
            yield _changed(subject, key, old, new, _FIELD_KEYS.get(key, key))


def _changed(subject: str, key: str, old: Any, new: Any, words: str = "") -> Sentence:
    if key in _NOW:
        return (_NOW if _is_yes(new) else _NO_LONGER)[key].of(what=subject)
    what = sentence("{what}: {part}").of(what=subject, part=words) if words else subject
    if old in (None, ""):
        return sentence("{what} is now {value}").of(what=what, value=_shown(new))
    if new in (None, ""):
        return sentence("{what} was removed (it was {value})").of(what=what, value=_shown(old))
    return sentence("{what}: {before} → {after}").of(what=what, before=_shown(old), after=_shown(new))


def _is_yes(value: Any) -> bool:
    return str(value).lower() in {"true", "yes", "on", "1"}


def _shown_if(subject: str, value: Any) -> Sentence:
    if not isinstance(value, dict) or not value:
        return sentence("{what} is now shown always").of(what=subject)
    parts = [sentence("{field} is {answer}").of(field=name, answer=_any_of(answer)) for name, answer in value.items()]
    all_of = reduce(lambda one, other: sentence("{one} and {other}").of(one=one, other=other), parts)
    return sentence("{what} is now shown only if {conditions}").of(what=subject, conditions=all_of)


def _any_of(answer: Any) -> str:
    """One of several answers."""
    texts = [str(each) for each in answer] if isinstance(answer, list) else [str(answer)]
    return reduce(lambda one, other: sentence("{one} or {other}").of(one=one, other=other), texts) if texts else ""


def _options(subject: str, before: list[Any], after: list[Any]) -> Iterator[Sentence]:
    old, new = _offers(before), _offers(after)
    for value in new:
        if value not in old:
            yield sentence("{what}: new answer {answer}").of(what=subject, answer=_short(new[value]))
        elif old[value] != new[value]:
            yield sentence("{what}: answer {before} is now called {after}").of(
                what=subject, before=_short(old[value]), after=_short(new[value])
            )
    for value in old:
        if value not in new:
            yield sentence("{what}: answer {answer} was removed").of(what=subject, answer=_short(old[value]))
    if old == new or (old.keys() == new.keys() and list(old) != list(new)):
        yield sentence("{what}: the answers stand in another order").of(what=subject)


def _offers(options: list[Any]) -> dict[str, str]:
    pairs = [(each.get("value"), each.get("label")) if isinstance(each, dict) else (each, each) for each in options]
    return {str(value): str(label or value) for value, label in pairs}


def _steps(before: list[Any], after: list[Any]) -> Iterator[Sentence]:
    titles = [[str(each.get("title", "")) for each in steps if isinstance(each, dict)] for steps in (before, after)]
    if titles[0] != titles[1]:
        old, new = (", ".join(_short(title) for title in each) or sentence("one page") for each in titles)
        yield sentence("Steps: {before} → {after}").of(before=old, after=new)
    else:
        yield sentence("Steps: fields stand in other steps")


def _table(subject: str, before: Any, after: Any) -> Iterator[Sentence]:
    if not (isinstance(before, dict) and isinstance(after, dict)):
        yield sentence("{what}: {before} → {after}").of(what=subject, before=_shown(before), after=_shown(after))
        return
    for key in dict.fromkeys([*before, *after]):
        if before.get(key) != after.get(key):
            yield _changed(subject, key, before.get(key), after.get(key), key)


def _shown(value: Any) -> str:
    if isinstance(value, dict):
        return _short(", ".join(f"{key}: {_shown(each)}" for key, each in value.items()))
    if isinstance(value, list):
        return _short(", ".join(_shown(each) for each in value))
    return f"“{_short(value)}”"


def _short(value: Any) -> str:
    text = " ".join(str(value).split())
    return text if len(text) <= LONGEST_SHOWN else f"{text[: LONGEST_SHOWN - 1]}…"
