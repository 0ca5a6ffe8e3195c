"""Reads a form file and finds every mistake in it, each with its line, its key and the mend."""

from __future__ import annotations

import difflib
import hashlib
import re
from collections.abc import Callable, Collection, Iterator, Mapping
from dataclasses import dataclass, replace
from typing import Any

import regex
from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq
from ruamel.yaml.error import MarkedYAMLError, YAMLError
from ruamel.yaml.nodes import ScalarNode
from ruamel.yaml.resolver import VersionedResolver
from ruamel.yaml.tag import Tag

from leadferry.fields import (
    AUTOCOMPLETE,
    CAMPAIGN,
    CONTROL_NAMES,
    KINDS,
    OWN_PREFIX,
    RESERVED,
    TYPES,
    Invalid,
)
from leadferry.forms import Field, Form, Option, Step
from leadferry.messages import say
from leadferry.redirects import origin, web_address
from leadferry.text import safe_html
from leadferry.vendors.base import Adapter, Destination, Secret, Setting, Template, Text

MAX_FILE = 256 * 1024


@dataclass(frozen=True, order=True)
class Problem:
    """One mistake, or one warning: where, which key, what is wrong and how to mend it."""

    path: str
    line: int
    key: str
    message: str
    warning: bool = False

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.key}: {'warning: ' if self.warning else ''}{self.message}"


class FormFileError(Exception):
    """A form file that cannot be served; ``problems`` holds every mistake found."""

    def __init__(self, problems: list[Problem]) -> None:
        super().__init__("; ".join(str(problem) for problem in problems))
        self.problems = problems


@dataclass(frozen=True)
class Surroundings:
    """What a form file is held against: the vendors there are, and the secrets that the environment has."""

    adapters: Mapping[str, Adapter]
    secret: Callable[[str], str | None]


def version_of(text: str) -> str:
    """The name of a content: twelve hex digits of its SHA-256, whatever the line ends."""
    return hashlib.sha256(text.replace("\r\n", "\n").encode("utf-8", "surrogatepass")).hexdigest()[:12]


def load(name: str, text: str, path: str, around: Surroundings) -> tuple[Form, list[Problem]]:
    """The form of a file's text, and warnings.

    Raises:
        FormFileError: the file has mistakes.
    """
    problems: list[Problem] = []
    root = _parse(text, path, problems)
    form = None
    if root is not None:
        form = _read_form(name, version_of(text), Block(root, "", path, problems), around)
    mistakes = sorted(each for each in problems if not each.warning)
    if form is None or mistakes:
        raise FormFileError(mistakes)
    return form, sorted(problems)


class _TextResolver(VersionedResolver):
    """Every plain scalar is text: `no`, `007` and `1.50` stay what the marketer wrote."""

    def resolve(self, kind: Any, value: Any, implicit: Any) -> Any:
        if kind is ScalarNode and implicit[0]:
            return Tag(suffix="tag:yaml.org,2002:str")
        return super().resolve(kind, value, implicit)


def _parse(text: str, path: str, problems: list[Problem]) -> CommentedMap | None:
    if len(text) > MAX_FILE:
        problems.append(Problem(path, 1, "file", "larger than 256 KiB; a form file is a page of text"))
        return None
    yaml = YAML(typ="rt")
    yaml.Resolver = _TextResolver
    try:
        root = yaml.load(text)
    except MarkedYAMLError as error:
        problems.append(_yaml_problem(error, path))
        return None
    except (YAMLError, RecursionError, ValueError) as error:
        problems.append(
            Problem(path, 1, "file", f"not readable as YAML ({type(error).__name__}); save it as UTF-8 text")
        )
        return None
    if not isinstance(root, CommentedMap):
        problems.append(Problem(path, 1, "file", "not a form; begin with `title:` and `fields:`"))
        return None
    return root


def _yaml_problem(error: MarkedYAMLError, path: str) -> Problem:
    mark = error.problem_mark or error.context_mark
    line = mark.line + 1 if mark else 1
    what = (error.problem or "not readable as YAML").split("(original")[0].strip()
    if "duplicate key" in what:
        key = re.search(r'duplicate key "([^"]*)"', what)
        return Problem(path, line, key[1] if key else "file", "stands twice; remove one of the two")
    mend = "indent with spaces, and put texts with `: ` or `#` in quotes"
    return Problem(path, line, "file", f"YAML cannot be read here: {what}; {mend}")


class Block:
    """One mapping of a form file, read key by key; what was never asked for is an unknown key."""

    def __init__(self, node: CommentedMap, where: str, path: str, problems: list[Problem]) -> None:
        self.node = node
        self.where = where
        self.path = path
        self.problems = problems
        self.asked: set[str] = set()

    def __contains__(self, key: str) -> bool:
        return key in self.node

    def line(self, key: str | None = None) -> int:
        try:
            return int(self.node.lc.key(key)[0]) + 1
        except (KeyError, TypeError, AttributeError):
            return int(self.node.lc.line or 0) + 1

    def dotted(self, key: str) -> str:
        return f"{self.where}.{key}" if self.where and key else self.where or key

    def problem(self, key: str, message: str, *, warning: bool = False) -> None:
        self.problems.append(Problem(self.path, self.line(key), self.dotted(key), message, warning))

    def raw(self, key: str) -> Any:
        self.asked.add(key)
        return self.node.get(key)

    def text(self, key: str, default: str = "") -> str:
        value = self.raw(key)
        if value is None:
            return default
        if not isinstance(value, str):
            self.problem(key, "must be a text; put it in quotes")
            return default
        return str(value).strip()

    def optional(self, key: str) -> str | None:
        return self.text(key) or None

    def flag(self, key: str, default: bool = False) -> bool:
        value = self.text(key)
        if value.lower() in {"true", "yes", "on", "1"}:
            return True
        if value.lower() in {"false", "no", "off", "0"}:
            return False
        if value:
            self.problem(key, f"{value!r} is neither true nor false")
        return default

    def choice(self, key: str, choices: Collection[str], default: str) -> str:
        value = self.text(key, default)
        if value in choices:
            return value
        self.problem(key, f"{value!r} is not one of {_or(choices)}{_meant(value, choices)}")
        return default

    def number(self, key: str, default: float) -> float:
        value = self.text(key)
        if not value:
            return default
        if not re.fullmatch(r"[0-9]+(\.[0-9]+)?", value, re.ASCII):
            self.problem(key, f"{value!r} is not a number; write {default:g}")
            return default
        return float(value)

    def url(self, key: str) -> str | None:
        value = self.optional(key)
        if value is None:
            return None
        found = web_address(value)
        if found is None:
            self.problem(key, f"{value!r} is not a web address; write it whole, such as https://www.example.com/thanks")
        return found

    def texts(self, key: str) -> list[str]:
        value = self.raw(key)
        if value is None or value == "":
            return []
        if not isinstance(value, CommentedSeq) or not all(isinstance(each, str) for each in value):
            self.problem(key, "must be a list of texts, such as [one, two]")
            return []
        return [str(each).strip() for each in value]

    def mapping(self, key: str) -> dict[str, str]:
        value = self.raw(key)
        if value is None or value == "":
            return {}
        if not isinstance(value, CommentedMap) or not all(isinstance(each, str) for each in value.values()):
            self.problem(key, "must be a table of names and texts, such as {our name: their name}")
            return {}
        return {str(name): str(each).strip() for name, each in value.items()}

    def block(self, key: str) -> Block | None:
        value = self.raw(key)
        if value is None:
            return None
        if not isinstance(value, CommentedMap):
            self.problem(key, "must be a table of keys and values")
            return None
        return Block(value, self.dotted(key), self.path, self.problems)

    def blocks(self, key: str) -> list[Block]:
        value = self.raw(key)
        if value is None or value == "":
            return []
        if not isinstance(value, CommentedSeq):
            self.problem(key, "must be a list; begin each entry with `- `")
            return []
        found = []
        for index, each in enumerate(value):
            if isinstance(each, CommentedMap):
                found.append(Block(each, f"{self.dotted(key)}[{index}]", self.path, self.problems))
            else:
                line = int(value.lc.item(index)[0]) + 1
                message = "must be a table of keys, such as {name: email}"
                self.problems.append(Problem(self.path, line, f"{self.dotted(key)}[{index}]", message))
        return found

    def refuse_unknown(self) -> None:
        for key in self.node:
            if key not in self.asked:
                self.problem(
                    str(key), f"is not a key that is known here{_meant(str(key), self.asked)}; remove or rename it"
                )


def _or(choices: Collection[str]) -> str:
    return ", ".join(choices)


def _meant(word: str, choices: Collection[str]) -> str:
    close = difflib.get_close_matches(word, list(choices), n=1, cutoff=0.6)
    return f"; did you mean {close[0]!r}?" if close else ""


# --- the form ---------------------------------------------------------------------------------------------------


def _read_form(name: str, version: str, block: Block, around: Surroundings) -> Form | None:
    vendor_block = block.block("vendor")
    if vendor_block is None:
        if "vendor" not in block:
            block.problem("vendor", "is missing; say where leads go, such as vendor: {name: webhook, url: https://…}")
        return None
    adapter = _adapter(vendor_block, around)
    reader = _FieldReader(adapter)
    fields = tuple(each for each in (reader.read(each) for each in block.blocks("fields")) if each)
    also_blocks = block.blocks("also")
    form = Form(
        name=name,
        version=version,
        title=block.text("title") or name,
        intro=safe_html(block.text("intro")),
        submit=block.text("submit", "Send"),
        language=_language(block),
        web_key=block.optional("web_key"),
        fields=fields,
        steps=_steps(block, fields),
        vendor=_destination(name, "vendor", vendor_block, around),
        also=tuple(_destination(name, f"also-{i}", each, around) for i, each in enumerate(also_blocks, start=1)),
        on_success_url=block.url("on_success_url"),
        on_error_url=block.url("on_error_url"),
        origins=_origins(block),
        framing=_literal(block.choice("framing", ("anywhere", "origins"), "anywhere")),
        expansion=_literal(block.choice("expansion", ("accept", "reject"), "accept")),
        campaign=_literal(block.choice("campaign", ("send", "keep"), "send")),
        theme=_theme(block),
        retention=_days(block),
        mandatory=adapter.required if adapter else (),
        formats=_formats(adapter),
        default_if_invalid=adapter.if_invalid if adapter else "ask",
    )
    _check_names(block, fields)
    _check_conditions(block, fields)
    if adapter:
        _check_vendor_fields(block, form, adapter)
    block.refuse_unknown()
    return _with_field_names(_with_conditions(form))


def _literal(value: str) -> Any:
    return value


def _language(block: Block) -> str:
    language = block.text("language", "en")
    if not re.fullmatch(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*", language):
        block.problem("language", f"{language!r} is not a language tag; write en, es, pt-BR or the like")
        return "en"
    return language


def _origins(block: Block) -> tuple[str, ...]:
    found = []
    for text in block.texts("origins"):
        url = web_address(text)
        if url is None or re.sub(r"^https?://[^/]*", "", url) not in {"", "/"}:
            block.problem("origins", f"{text!r} is not an origin; write scheme and host only: https://www.example.com")
        else:
            found.append(origin(url))
    return tuple(found)


_THEME = {
    "accent": r"#[0-9a-fA-F]{3,8}|[a-z]{3,20}|(?:rgb|hsl)a?\([0-9.,%\s/a-z]{3,40}\)",
    "background": r"#[0-9a-fA-F]{3,8}|[a-z]{3,20}|(?:rgb|hsl)a?\([0-9.,%\s/a-z]{3,40}\)",
    "text": r"#[0-9a-fA-F]{3,8}|[a-z]{3,20}|(?:rgb|hsl)a?\([0-9.,%\s/a-z]{3,40}\)",
    "radius": r"[0-9]{1,3}(?:\.[0-9]+)?(?:px|rem|em)|0",
    "font": r"[A-Za-z0-9 ,'\-]{2,120}",
    "spacing": r"[0-9]{1,3}(?:\.[0-9]+)?(?:px|rem|em)",
    "max_width": r"[0-9]{1,4}(?:px|rem|em|ch|%)",
}


def _theme(block: Block) -> dict[str, str]:
    theme = block.mapping("theme")
    for key, value in list(theme.items()):
        if key not in _THEME:
            block.problem("theme", f"{key!r} is not one of {_or(_THEME)}{_meant(key, _THEME)}")
        elif not re.fullmatch(_THEME[key], value):
            block.problem("theme", f"{key}: {value!r} is not a value that CSS can safely take here")
            del theme[key]
    return theme


def _days(block: Block) -> int:
    text = block.text("retention", "90d")
    match = re.fullmatch(r"([1-9][0-9]{0,4})\s*d(?:ays?)?", text)
    if not match:
        block.problem("retention", f"{text!r} is not a number of days; write 90d")
        return 90
    return int(match[1])


def _steps(block: Block, fields: tuple[Field, ...]) -> tuple[Step, ...]:
    steps: list[Step] = []
    placed: set[str] = set()
    names = {each.name for each in fields}
    for each in block.blocks("steps"):
        wanted = each.texts("fields")
        for name in wanted:
            if name not in names:
                each.problem("fields", f"{name!r} is not a field of this form{_meant(name, names)}")
            elif name in placed:
                each.problem("fields", f"{name!r} stands in two steps; leave it in one")
            placed.add(name)
        steps.append(Step(each.text("title") or f"Step {len(steps) + 1}", tuple(wanted)))
        each.refuse_unknown()
    left_out = [each.name for each in fields if each.kind != "hidden" and each.name not in placed]
    if steps and left_out:
        block.problem("steps", f"{_or(left_out)} stand in no step; add each to one")
    return tuple(steps)


# --- destinations -----------------------------------------------------------------------------------------------


def _adapter(block: Block, around: Surroundings) -> Adapter | None:
    name = block.text("name")
    if name in around.adapters:
        return around.adapters[name]
    if "name" not in block:
        block.problem("name", f"is missing; write one of {_or(around.adapters)}")
    else:
        block.problem("name", f"{name!r} is not one of {_or(around.adapters)}{_meant(name, around.adapters)}")
    return None


def _destination(form: str, name: str, block: Block, around: Surroundings) -> Destination:
    adapter = _adapter(block, around) if name != "vendor" else around.adapters.get(block.text("name"))
    secrets = _SecretReader(block, around, f"{form}.{name}")
    settings = _settings(block, adapter, secrets)
    default_unknown = adapter.on_unknown_default(settings) if adapter else "hold"
    destination = Destination(
        form=form,
        name=name,
        adapter=block.text("name"),
        settings=settings,
        fields=block.mapping("fields"),
        url=_vendor_url(block, secrets),
        wait=min(block.number("wait", 8.0), 25.0),
        on_unknown=_literal(block.choice("on_unknown", ("retry", "hold"), default_unknown)),
    )
    if adapter:
        _check_credentials(block, adapter)
        for key, message in adapter.check(destination):
            block.problem(key, message)
        block.refuse_unknown()
    return destination


class _SecretReader:
    """Replaces ``${NAME}`` in the settings of one destination."""

    def __init__(self, block: Block, around: Surroundings, where: str) -> None:
        self.block = block
        self.around = around
        self.where = where

    def template(self, key: str, text: str) -> Text:
        """Names stay names until the bytes are sent."""
        parts: list[str | Secret] = []
        for literal, name in _split_names(text):
            if literal:
                parts.append(literal)
            if name:
                self._known(key, name)
                parts.append(Secret(name))
        return Template(tuple(parts)) if any(isinstance(part, Secret) for part in parts) else text

    def secret(self, key: str, text: str) -> Text:
        """As ``template``; a credential that stands in the file itself is taken, masked, and warned of."""
        found = self.template(key, text)
        if isinstance(found, str) and found:
            name = re.sub(r"[^A-Z0-9]+", "_", f"{self.where} {key}".upper())
            self.block.problem(
                key, f"a credential stands in the file; write ${{{name}}} and set it there", warning=True
            )
            return Template((Secret(f"{self.where}.{key}", found),))
        return found

    def plain(self, key: str, text: str) -> str:
        """For keys that are no secrets: the value itself."""
        return "".join(literal + (self._known(key, name) if name else "") for literal, name in _split_names(text))

    def _known(self, key: str, name: str) -> str:
        value = self.around.secret(name)
        if value is None:
            self.block.problem(key, f"${{{name}}} is not set; put {name}=… in the environment or in .env")
        return value or ""


def _split_names(text: str) -> Iterator[tuple[str, str | None]]:
    position = 0
    for match in re.finditer(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}", text):
        yield text[position : match.start()], match[1]
        position = match.end()
    yield text[position:], None


def _settings(block: Block, adapter: Adapter | None, secrets: _SecretReader) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for setting in adapter.settings if adapter else ():
        if setting.name == "url":
            continue
        value = _setting(block, setting, secrets)
        if value not in (None, "", {}, []):
            found[setting.name] = value
    return found


def _setting(block: Block, setting: Setting, secrets: _SecretReader) -> Any:
    if setting.kind == "flag":
        return block.flag(setting.name, bool(setting.default))
    if setting.kind in {"map", "list"}:
        return _plain_data(block, setting, secrets)
    text = block.text(setting.name, setting.default or "")
    if setting.secret:
        return secrets.secret(setting.name, text)
    if setting.choices and text and text not in setting.choices:
        block.problem(setting.name, f"{text!r} is not one of {_or(setting.choices)}{_meant(text, setting.choices)}")
    return secrets.plain(setting.name, text)


def _plain_data(block: Block, setting: Setting, secrets: _SecretReader) -> Any:
    value = block.raw(setting.name)
    if value is None or value == "":
        return None
    wanted = CommentedMap if setting.kind == "map" else CommentedSeq
    if not isinstance(value, wanted):
        block.problem(setting.name, f"must be a {'table' if setting.kind == 'map' else 'list'}")
        return None
    return _unwrapped(value, lambda text: secrets.plain(setting.name, text))


def _unwrapped(value: Any, text: Callable[[str], str]) -> Any:
    if isinstance(value, CommentedMap):
        return {str(key): _unwrapped(each, text) for key, each in value.items()}
    if isinstance(value, CommentedSeq):
        return [_unwrapped(each, text) for each in value]
    return text(str(value))


def _vendor_url(block: Block, secrets: _SecretReader) -> Text | None:
    text = block.text("url")
    if not text:
        return None
    if web_address(secrets.plain("url", text) or "https://unset.invalid") is None:
        block.problem("url", f"{text!r} is not a web address; write it whole, such as https://api.example.com/leads")
    mistakes = len(block.problems)
    found = secrets.template("url", text)
    del block.problems[mistakes:]  # a name that is not set was reported just above
    return found


def _check_credentials(block: Block, adapter: Adapter) -> None:
    missing = [setting.name for setting in adapter.settings if setting.required and not block.raw(setting.name)]
    if adapter.default_url is None and not block.raw("url") and "url" not in missing:
        missing.append("url")
    for key in missing:
        block.problem(key, f"is missing; {adapter.label} needs it")
    alternatives = adapter.credentials
    if alternatives and not any(all(block.raw(key) for key in each) for each in alternatives):
        ways = " or ".join(" and ".join(each) for each in alternatives)
        if not set(missing) & {key for each in alternatives for key in each}:
            block.problem("name", f"{adapter.label} needs {ways}")


# --- fields -----------------------------------------------------------------------------------------------------


def _formats(adapter: Adapter | None) -> dict[str, str]:
    """The kind that a name implies where the form does not declare one."""
    names = dict(adapter.names) if adapter else {}
    return {**names, **RESERVED, **(adapter.formats if adapter else {})}


class _FieldReader:
    def __init__(self, adapter: Adapter | None) -> None:
        self.adapter = adapter
        self.formats = _formats(adapter)

    def read(self, block: Block) -> Field | None:
        name = block.text("name")
        if not name:
            block.problem("name", "is missing; every field needs one")
            return None
        kind = self._kind(block, name)
        options = self._options(block, kind)
        field = Field(
            name=name,
            kind=kind,
            label=block.text("label") or _humanised(name),
            help=safe_html(block.text("help")),
            placeholder=block.text("placeholder"),
            required=block.flag("required"),
            value=self._value(block, kind, options),
            max_length=int(block.number("max_length", KINDS[kind].max_length)),
            options=options,
            pattern=self._pattern(block),
            minimum=block.optional("min"),
            maximum=block.optional("max"),
            show_if=self._show_if(block),
            send_as=block.optional("send_as"),
            if_invalid=_literal(block.choice("if_invalid", ("ask", "drop", "pass"), self._if_invalid())),
            autocomplete=AUTOCOMPLETE.get(name) or KINDS[kind].autocomplete,
        )
        self._check_limits(block, field)
        block.refuse_unknown()
        return field

    def _if_invalid(self) -> str:
        return self.adapter.if_invalid if self.adapter else "ask"

    def _kind(self, block: Block, name: str) -> str:
        implied = self.formats.get(name)
        written = block.text("type")
        if written and written not in TYPES:
            block.problem("type", f"{written!r} is not one of {_or(TYPES)}{_meant(written, TYPES)}")
            written = ""
        if not written:
            return implied or "text"
        strict = (self.adapter.formats if self.adapter else {}).get(name)
        if strict and KINDS[strict].widget == KINDS[written].widget == "input":
            return strict  # `type: phone` asks no less of a phone than its vendor does
        return written

    def _options(self, block: Block, kind: str) -> tuple[Option, ...]:
        raw = block.raw("options")
        if raw is None or raw == "":
            if kind in {"select", "radio", "checkboxes"}:
                block.problem("options", "is missing; list the answers, such as [Windows, Doors]")
            return ()
        if not isinstance(raw, CommentedSeq):
            block.problem("options", "must be a list, such as [Windows, {value: both, label: Both}]")
            return ()
        found = [option for option in (self._option(block, each) for each in raw) if option]
        values = [option.value for option in found]
        for value in sorted({value for value in values if values.count(value) > 1}):
            block.problem("options", f"{value!r} stands twice; give each answer its own value")
        return tuple(found)

    def _option(self, block: Block, each: Any) -> Option | None:
        if isinstance(each, str) and each.strip():
            return Option(each.strip(), each.strip())
        if isinstance(each, CommentedMap) and isinstance(each.get("value"), str) and set(each) <= {"value", "label"}:
            return Option(each["value"].strip(), str(each.get("label") or each["value"]).strip())
        block.problem("options", "each answer is a text, or {value: both, label: Both}")
        return None

    def _value(self, block: Block, kind: str, options: tuple[Option, ...]) -> str | None:
        text = block.optional("value")
        if text is None:
            return None
        if options and text not in {option.value for option in options}:
            block.problem("value", f"{text!r} is not one of the options")
        try:
            return KINDS[kind].normalise(text)
        except Invalid as error:
            block.problem("value", f"{text!r} does not fit the field: {say(error.message, **error.values)}")
            return None

    def _pattern(self, block: Block) -> str | None:
        pattern = block.optional("pattern")
        if pattern is None:
            return None
        try:
            regex.compile(pattern)
        except (regex.error, RecursionError, OverflowError) as error:
            block.problem("pattern", f"is not a regular expression ({error}); test it in a regex tester")
            return None
        return pattern

    def _show_if(self, block: Block) -> dict[str, tuple[str, ...]]:
        raw = block.block("show_if")
        if raw is None:
            return {}
        found = {}
        for name in raw.node:
            value = raw.raw(name)
            answers = [value] if isinstance(value, str) else raw.texts(name)
            found[str(name)] = tuple(str(answer).strip() for answer in answers)
        return found

    def _check_limits(self, block: Block, field: Field) -> None:
        for key, value in (("min", field.minimum), ("max", field.maximum)):
            if value is None:
                continue
            if field.kind not in {"number", "whole", "integer", "date", "dob"}:
                block.problem(key, f"has no meaning for a field of type {field.kind}; remove it, or use type: number")
                continue
            kind = "date" if field.kind in {"date", "dob"} else "number"
            try:
                KINDS[kind].normalise(value)
            except Invalid:
                block.problem(key, f"{value!r} is not a {kind}")
        if field.max_length < 1 or field.max_length > 65_536:
            block.problem("max_length", "must lie between 1 and 65536")
        offered = self.adapter.options.get(field.name) if self.adapter else None
        for option in field.options if offered else ():
            if offered and option.value not in offered:
                label = self.adapter.label if self.adapter else ""
                block.problem("options", f"{label} does not take {option.value!r} as {field.name}")


def _humanised(name: str) -> str:
    words = re.sub(r"(?<=[a-z])(?=[A-Z])|[_\-.]+", " ", name).strip().lower()
    return words[:1].upper() + words[1:]


def _check_names(block: Block, fields: tuple[Field, ...]) -> None:
    seen: set[str] = set()
    for each, raw in zip(fields, _named(block), strict=False):
        if each.name in seen:
            raw.problem("name", f"{each.name!r} is the name of two fields; rename or remove one")
        if each.name in CONTROL_NAMES or each.name.startswith(OWN_PREFIX):
            raw.problem("name", f"{each.name!r} is a control name, never an answer; choose another")
        if len(each.name) > 200 or re.search(r"[\x00-\x1f\x7f]", each.name):
            raw.problem("name", "is longer than 200 characters or has control characters")
        seen.add(each.name)


def _named(block: Block) -> list[Block]:
    return [each for each in block.blocks("fields") if each.text("name")]


def _check_conditions(block: Block, fields: tuple[Field, ...]) -> None:
    by_name = {each.name: each for each in fields}
    for each, raw in zip(fields, _named(block), strict=False):
        for name, answers in each.show_if.items():
            other = by_name.get(name)
            if other is None:
                raw.problem("show_if", f"{name!r} is not a field of this form{_meant(name, by_name)}")
            elif other.is_choice:
                offered = {option.value for option in other.options}
                for answer in answers:
                    if answer not in offered:
                        raw.problem("show_if", f"{answer!r} is not an option of {name}{_meant(answer, offered)}")
        if _depends_on_itself(each, by_name):
            raw.problem("show_if", "goes in a circle: the field would show only if it is shown")


def _depends_on_itself(field: Field, by_name: Mapping[str, Field]) -> bool:
    waiting, seen = list(field.show_if), set()
    while waiting:
        name = waiting.pop()
        if name == field.name:
            return True
        if name not in seen and name in by_name:
            seen.add(name)
            waiting.extend(by_name[name].show_if)
    return False


def _check_vendor_fields(block: Block, form: Form, adapter: Adapter) -> None:
    for each, raw in zip(form.fields, _named(block), strict=False):
        if each.kind == "file" and not adapter.takes_files:
            raw.problem("type", f"{adapter.label} takes no files; remove the field or choose another vendor")
        limit = adapter.custom_limit
        wire = each.send_as or form.vendor.fields.get(each.name) or each.name
        is_custom = wire not in adapter.names and not adapter.place_of(each.name) and each.name not in CAMPAIGN
        if limit and is_custom and each.max_length > limit and "max_length" in raw and each.kind != "file":
            raw.problem(
                "max_length", f"{adapter.label} gets the first {limit} characters; the lead keeps all", warning=True
            )
    if adapter.required and not any(set(each) <= set(form.by_name) for each in adapter.required):
        ways = " or ".join(" and ".join(each) for each in adapter.required)
        block.problem("fields", f"{adapter.label} needs {ways}: no visitor of this page could give it", warning=True)


def _with_conditions(form: Form) -> Form:
    """Brings the answers of ``show_if`` into the form in which they are compared: `true` of a tick is 1."""

    def wanted(name: str, answers: tuple[str, ...]) -> tuple[str, ...]:
        other = form.by_name.get(name)
        if other is None or not other.is_tick:
            return answers
        return tuple(_or_typed(KINDS["flag"].normalise, answer) for answer in answers)

    fields = tuple(
        replace(each, show_if={name: wanted(name, answers) for name, answers in each.show_if.items()})
        for each in form.fields
    )
    return replace(form, fields=fields)


def _or_typed(normalise: Callable[[str], str], text: str) -> str:
    try:
        return normalise(text)
    except Invalid:
        return text


def _with_field_names(form: Form) -> Form:
    """`send_as` is the vendor's name of a field; `fields` of the vendor block overrides it."""
    sent = {each.name: each.send_as for each in form.fields if each.send_as}
    return replace(form, vendor=replace(form.vendor, fields={**sent, **form.vendor.fields}))
