"""A form file as the plain controls of an editor, and what is typed into them as changes of the file's text.

A control has a name such as `key:title`, `field:2:label`, `theme:accent`, `vendor:wait` or `step:0:title`; fields and
steps are counted from 0. Its value is text; an empty one removes the key.
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

from leadferry.fields import RESERVED
from leadferry.form_file import Problem
from leadferry.form_file.editing import CannotEdit, as_data, rewritten
from leadferry.form_file.form import THEME
from leadferry.vendors.base import Adapter, Setting

Data = dict[str, Any]

TEXT_KEYS = (
    "title",
    "intro",
    "submit",
    "language",
    "on_success_url",
    "on_error_url",
    "retention",
    "web_key",
    "framing",
    "campaign",
    "expansion",
)
FIELD_TEXTS = (
    "name",
    "label",
    "type",
    "help",
    "placeholder",
    "value",
    "max_length",
    "min",
    "max",
    "pattern",
    "send_as",
    "if_invalid",
)
_FORM_ORDER = (
    *("title", "intro", "submit", "language", "web_key", "fields", "steps", "vendor", "also"),
    *("on_success_url", "on_error_url", "origins", "framing", "expansion", "campaign", "theme", "retention"),
)
_FIELD_ORDER = (
    *("name", "label", "type", "required", "options", "show_if", "help", "placeholder", "value"),
    *("max_length", "min", "max", "pattern", "send_as", "if_invalid"),
)
_YES = frozenset({"true", "yes", "on", "1"})
_BETWEEN = " | "


# --- what the controls show ---


def shown(data: Mapping[str, Any], adapters: Mapping[str, Adapter]) -> dict[str, str]:
    """The value of every control. A credential that stands in the file shows as nothing."""
    found = {f"key:{key}": _text(data.get(key)) for key in TEXT_KEYS}
    found["key:origins"] = _lines(data.get("origins"))
    theme = _table(data.get("theme"))
    found |= {f"theme:{key}": _text(theme.get(key)) for key in THEME}
    for number, each in enumerate(fields_of(data)):
        found |= {f"field:{number}:{key}": value for key, value in _field(each, data)}
    found |= {f"step:{number}:title": _text(each.get("title")) for number, each in enumerate(steps_of(data))}
    found |= {f"vendor:{key}": value for key, value in _vendor(_table(data.get("vendor")), adapters)}
    return found


def fields_of(data: Mapping[str, Any]) -> list[Data]:
    return _tables(data.get("fields"))


def steps_of(data: Mapping[str, Any]) -> list[Data]:
    return _tables(data.get("steps"))


def _tables(value: Any) -> list[Data]:
    """All or none: among others the numbers would not be those of the file."""
    return value if isinstance(value, list) and all(isinstance(each, dict) for each in value) else []


def _table(value: Any) -> Data:
    return value if isinstance(value, dict) else {}


def _text(value: Any) -> str:
    return value.strip() if isinstance(value, str) else ""


def _lines(value: Any) -> str:
    return "\n".join(str(each) for each in value) if isinstance(value, list) else ""


def _field(each: Data, data: Mapping[str, Any]) -> Iterator[tuple[str, str]]:
    for key in FIELD_TEXTS:
        yield key, _text(each.get(key))
    yield "required", "yes" if _text(each.get("required")).lower() in _YES else ""
    yield "options", "\n".join(_option(option) for option in each.get("options") or [] if option)
    if is_simple_condition(each):
        conditions = list(_table(each.get("show_if")).items())
        name, answer = conditions[0] if conditions else ("", "")
        yield "show_field", name
        yield "show_answer", _BETWEEN.join(answer) if isinstance(answer, list) else str(answer)
    yield "step", _step_of(_text(each.get("name")), data)


def _option(option: Any) -> str:
    if not isinstance(option, dict):
        return str(option)
    value, label = _text(option.get("value")), _text(option.get("label"))
    return f"{value} = {label}" if label and label != value else value


def is_simple_condition(each: Mapping[str, Any]) -> bool:
    """Whether it hangs on one other field at most; more are for the file itself."""
    return len(_table(each.get("show_if"))) < 2


def _step_of(name: str, data: Mapping[str, Any]) -> str:
    steps = enumerate(steps_of(data))
    return next((str(number) for number, step in steps if name in (step.get("fields") or [])), "")


def _vendor(block: Data, adapters: Mapping[str, Adapter]) -> Iterator[tuple[str, str]]:
    yield "name", _text(block.get("name"))
    yield "wait", _text(block.get("wait"))
    yield (
        "url",
        _text(block.get("url")) if "${" in _text(block.get("url")) or not _is_secret_url(block, adapters) else "",
    )
    yield "fields", "\n".join(f"{ours} = {theirs}" for ours, theirs in _table(block.get("fields")).items())
    for setting in settings_of(block, adapters):
        value = _text(block.get(setting.name))
        yield setting.name, "" if setting.secret and "${" not in value else value


def _is_secret_url(block: Data, adapters: Mapping[str, Adapter]) -> bool:
    adapter = adapters.get(_text(block.get("name")))
    return any(setting.name == "url" and setting.secret for setting in (adapter.settings if adapter else ()))


def settings_of(block: Mapping[str, Any], adapters: Mapping[str, Adapter]) -> list[Setting]:
    """The vendor's own keys that a control can hold."""
    adapter = adapters.get(_text(block.get("name")))
    return [
        each for each in (adapter.settings if adapter else ()) if each.kind in {"text", "flag"} and each.name != "url"
    ]


def control_of(key: str) -> str:
    """The control that a problem's key belongs to; `steps`, `fields`, `also` and the like belong to none of them."""
    inside = re.fullmatch(r"(fields|steps)\[(\d+)\](?:\.([^.]+).*)?", key)
    if inside:
        kind, number, part = inside[1].removesuffix("s"), int(inside[2]) - 1, inside[3] or "name"
        part = {"show_if": "show_field", "fields": "title"}.get(part, part)
        return f"{kind}:{number}:{part}"
    first, _, rest = key.partition(".")
    if first in {"vendor", "theme"} and rest:
        return f"{first}:{rest.partition('.')[0]}"
    return "vendor:name" if first == "vendor" else f"key:{first}"


# --- what is typed into them ---


def applied(
    text: str,
    typed: Mapping[str, str],
    adapters: Mapping[str, Adapter],
    account: Callable[[str], Mapping[str, Any] | None] = lambda _vendor: None,
) -> str:
    """The text with every control's value that differs from what it shows.

    ``account`` finds the block of another form that sends to a vendor already.

    Raises:
        CannotEdit: the text cannot be read.
    """
    data = as_data(text)
    now = shown(data, adapters)
    changes = {name: _unix(value) for name, value in typed.items() if name in now and _unix(value) != now[name]}
    for name in sorted(changes, key=_late):
        kind, _, rest = name.partition(":")
        _SETTERS[kind](data, rest, changes[name], {**now, **typed}, adapters)
    if "vendor:name" in changes:
        name = changes["vendor:name"]
        _change_vendor(data, account(name) or blank_account(adapters.get(name), name))
    return rewritten(text, data)


def _unix(value: str) -> str:
    return re.sub(r"\r\n|\r", "\n", value).strip()


def _late(name: str) -> int:
    """Steps know fields by their names, so these change last."""
    return 1 if name.endswith(":step") else 2 if re.fullmatch(r"field:\d+:name", name) else 0


def _put(table: Data, key: str, value: Any, order: Sequence[str] = ()) -> None:
    """In its usual place among the others; nothing removes the key."""
    if value in ("", None, [], {}):
        table.pop(key, None)
        return
    if key in table or key not in order:
        table[key] = value
        return
    before = [each for each in table if each in order and order.index(each) < order.index(key)]
    items = list(table.items())
    items.insert(list(table).index(before[-1]) + 1 if before else 0, (key, value))
    table.clear()
    table.update(items)


def _set_key(data: Data, key: str, value: str, _typed: Mapping[str, str], _adapters: object) -> None:
    _put(data, key, _listed(value) if key == "origins" else value, _FORM_ORDER)


def _listed(value: str) -> list[str]:
    return [line.strip() for line in value.split("\n") if line.strip()]


def _set_theme(data: Data, key: str, value: str, _typed: Mapping[str, str], _adapters: object) -> None:
    theme = dict(_table(data.get("theme")))
    _put(theme, key, value, tuple(THEME))
    _put(data, "theme", theme, _FORM_ORDER)


def _set_field(data: Data, rest: str, value: str, typed: Mapping[str, str], _adapters: object) -> None:
    number, _, key = rest.partition(":")
    each = fields_of(data)[int(number)]
    if key == "required":
        _put(each, key, value == "yes", _FIELD_ORDER) if value else each.pop(key, None)
    elif key == "options":
        _put(each, key, [_as_option(line) for line in _listed(value)], _FIELD_ORDER)
    elif key in {"show_field", "show_answer"}:
        name = typed.get(f"field:{number}:show_field", "").strip()
        _put(each, "show_if", _condition(name, typed.get(f"field:{number}:show_answer", "")), _FIELD_ORDER)
    elif key == "step":
        _put_into_step(data, _text(each.get("name")), value)
    elif key == "name":
        _rename(data, each, value)
    else:
        _put(each, key, value, _FIELD_ORDER)


def _as_option(line: str) -> Any:
    value, equals, label = line.partition(" = ")
    return {"value": value.strip(), "label": label.strip()} if equals and label.strip() else line


def _condition(name: str, answer: str) -> dict[str, Any]:
    answers = [part.strip() for part in answer.split(_BETWEEN.strip()) if part.strip()]
    if not name:
        return {}
    return {name: answers[0] if len(answers) == 1 else answers or ""}


def _rename(data: Data, each: Data, new: str) -> None:
    """Steps, conditions and the vendor's mapping follow."""
    old = _text(each.get("name"))
    _put(each, "name", new, _FIELD_ORDER)
    if not (old and new):
        return
    for step in steps_of(data):
        step["fields"] = [new if name == old else name for name in step.get("fields") or []]
    for table in (*(field.get("show_if") for field in fields_of(data)), _table(data.get("vendor")).get("fields")):
        if isinstance(table, dict) and old in table:
            renamed = {new if name == old else name: value for name, value in table.items()}
            table.clear()
            table.update(renamed)


def _put_into_step(data: Data, name: str, number: str) -> None:
    order = [_text(each.get("name")) for each in fields_of(data)]
    for i, step in enumerate(steps_of(data)):
        names = [each for each in step.get("fields") or [] if each != name]
        if str(i) == number:
            names = sorted([*names, name], key=lambda each: order.index(each) if each in order else len(order))
        step["fields"] = names


def _set_step(data: Data, rest: str, value: str, _typed: Mapping[str, str], _adapters: object) -> None:
    number, _, key = rest.partition(":")
    _put(steps_of(data)[int(number)], key, value, ("title", "fields"))


def _set_vendor(data: Data, key: str, value: str, _typed: Mapping[str, str], adapters: Mapping[str, Adapter]) -> None:
    block = _table(data.get("vendor"))
    is_flag = any(each.name == key and each.kind == "flag" for each in settings_of(block, adapters))
    if key == "name":
        return
    if key == "fields":
        pairs = (line.partition("=") for line in _listed(value))
        _put(block, key, {ours.strip(): theirs.strip() for ours, _, theirs in pairs if ours.strip()})
    else:
        _put(block, key, True if is_flag and value in _YES else value)


def _change_vendor(data: Data, account: Mapping[str, Any]) -> None:
    old = _table(data.get("vendor"))
    block = {key: value for key, value in account.items() if key != "fields"}
    if "wait" in old:
        block["wait"] = old["wait"]
    _put(data, "vendor", block, _FORM_ORDER)


def blank_account(adapter: Adapter | None, name: str = "") -> dict[str, str]:
    """A vendor block that names the secrets which are to be set."""
    if adapter is None:
        return {"name": name}
    keys = [each.name for each in adapter.settings if each.required]
    keys += [key for key in (adapter.credentials or ((),))[0] if key not in keys]
    if adapter.default_url is None and "url" not in keys:
        keys.insert(0, "url")
    secret = {each.name for each in adapter.settings if each.secret} | {"url"}
    return {"name": adapter.name} | {key: f"${{{adapter.name}_{key}}}".upper() if key in secret else "" for key in keys}


_SETTERS = {"key": _set_key, "theme": _set_theme, "field": _set_field, "step": _set_step, "vendor": _set_vendor}


# --- buttons ---


def with_new_field(text: str, kind: str, label: str) -> tuple[str, int]:
    """One more question at the end, and its number. ``kind`` is a type of field, or a reserved name behind `name:`.

    Raises:
        CannotEdit: what stands under `fields` is no list of questions.
    """
    data = as_data(text)
    fields = fields_of(data)
    if data.get("fields") and not fields:
        raise CannotEdit([Problem("form", 1, "fields", "are not a list of questions; mend that first")])
    taken = {_text(each.get("name")) for each in fields}
    reserved = kind.removeprefix("name:") if kind.startswith("name:") else ""
    each: Data = {"name": _unused(reserved or _slug(label) or "question", taken)}
    if label:
        each["label"] = label
    if not reserved and kind != "text":
        each["type"] = kind
    if kind in {"select", "radio", "checkboxes"}:
        each["options"] = ["First answer", "Second answer"]
    steps = steps_of(data)
    _put(data, "fields", [*fields, each], _FORM_ORDER)
    if steps and kind != "hidden":
        steps[-1]["fields"] = [*(steps[-1].get("fields") or []), each["name"]]
    return rewritten(text, data), len(fields)


def _unused(stem: str, taken: set[str]) -> str:
    return next(name for name in (stem, *(f"{stem}_{number}" for number in range(2, 1000))) if name not in taken)


def _slug(label: str) -> str:
    plain = unicodedata.normalize("NFKD", label).encode("ascii", "ignore").decode().lower()
    slug = re.sub(r"[^a-z0-9]+", "_", plain).strip("_")[:40].strip("_")
    return slug if slug not in {name.lower() for name in RESERVED} else f"{slug}_answer"


def without_field(text: str, number: int) -> str:
    """Steps forget it too. A condition that names it stays, as a mistake to be seen."""
    data = as_data(text)
    gone = _text(fields_of(data).pop(number).get("name"))
    for step in steps_of(data):
        step["fields"] = [name for name in step.get("fields") or [] if name != gone]
    return rewritten(text, data)


def with_field_moved(text: str, number: int, by: int) -> tuple[str, int]:
    """Up or down one place; within a step, among the step's own. Its new number too."""
    data = as_data(text)
    fields = fields_of(data)
    place = min(max(number + by, 0), len(fields) - 1)
    fields.insert(place, fields.pop(number))
    order = [_text(each.get("name")) for each in fields]
    for step in steps_of(data):
        names = step.get("fields") or []
        step["fields"] = sorted(names, key=lambda name: order.index(name) if name in order else len(order))
    return rewritten(text, data), place


def with_new_step(text: str) -> str:
    """The first step takes all questions, each further one begins empty: questions are then put into it."""
    data = as_data(text)
    steps = steps_of(data)
    if steps:
        steps.append({"title": f"Step {len(steps) + 1}", "fields": []})
    else:
        names = [_text(each.get("name")) for each in fields_of(data) if each.get("type") != "hidden"]
        half = (len(names) + 1) // 2
        steps = [{"title": "First", "fields": names[:half]}, {"title": "Then", "fields": names[half:]}]
        _put(data, "steps", steps, _FORM_ORDER)
    return rewritten(text, data)


def without_step(text: str, number: int) -> str:
    """Its questions go to the one before it; the last step leaves one page."""
    data = as_data(text)
    steps = steps_of(data)
    gone = steps.pop(number)
    if len(steps) < 2:
        data.pop("steps")
    else:
        heir = steps[max(number - 1, 0)]
        heir["fields"] = [*(heir.get("fields") or []), *(gone.get("fields") or [])]
    return rewritten(text, data)
