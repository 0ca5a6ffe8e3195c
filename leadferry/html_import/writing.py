"""Writes what comes of a form: the text of its file, with a field a line, and the notes beside it."""

from __future__ import annotations

import io
import re
from collections.abc import Mapping, Sequence
from typing import Any

from ruamel.yaml import YAML
from ruamel.yaml.comments import CommentedMap, CommentedSeq
from ruamel.yaml.scalarstring import DoubleQuotedScalarString

from leadferry.html_import.page import MAX_FIELDS
from leadferry.html_import.words import one_line, printable, short

_SENTENCES = {
    "password": "Left out {}: passwords are never collected.",
    "captcha": "Left out {}: only the old form's server could check a captcha.",
    "trap": "Left out as traps for bots: {}. Take them out of the page's form too, if that stays.",
    "machinery": "Left out as the site's own machinery: {}. Take them out of the page's form too, if that stays.",
    "file": "Left out {}: this vendor takes no files.",
    "disabled": "Left out as disabled on the page: {}.",
    "name": "Left out {}: a field's name is printable text of at most 200 characters, without ${{ or spaces around it.",
    "unnamed": "Left out inputs without a name ({}): a browser never sends them.",
    "control": "Left out {}: such names steer the post and are no answers.",
    "many": f"Left out {{}}: a form has at most {MAX_FIELDS} fields.",
    "twin": "Names of more than one input: {}. The first that visitors see was taken; rename the others in the page.",
    "pattern": "Left out the pattern of {}: the field's type brings its own check, or the pattern cannot be read.",
    "minimum": "Left out the smallest length of {}: a form file has no such rule.",
    "concealed": "Hidden on the page, perhaps until another answer is given: {}. See whether show_if is needed.",
    "own trap": "Left out {}: Leadferry sets this trap for bots itself, and obeys the page's.",
    "campaign": "Left out {}: every form knows the names of campaigns and clicks.",
    "box": "Boxes that should send 1 when they are ticked, and send a text of their own on the page: {}.",
    "several": "More than one choice is ticked in advance; a form file has but one such value: {}.",
    "value": "Left out what already stands in {}: it does not fit the field's type.",
    "ticked": "Ticked in advance on the page, which is no consent, so not ticked here: {}.",
    "label": "Labels that are guesses: {}.",
    "scripted": "Choices that a script fills in, so taken as text: {}.",
}


class Notes:
    """Collects sentences; what befalls several fields for one reason is one sentence."""

    def __init__(self) -> None:
        self._names: dict[str, list[str]] = {}

    def add(self, reason: str, name: str) -> None:
        names = self._names.setdefault(reason, [])
        if name not in names[:20]:
            names.append(name)

    def sentences(self) -> list[str]:
        return [_SENTENCES[reason].format(_listed(names)) for reason, names in self._names.items()]


def _listed(names: Sequence[str]) -> str:
    shown = ", ".join(short(name) for name in names[:20])
    return shown if len(names) <= 20 else f"{shown} and {len(names) - 20} more"


_PLAIN = re.compile(r"[^\W\d_][\w .?!/'()&;@+-]*(?<! )|https?://[\w./?=&%~+:@-]*[\w/]|\$\{\w+\}")
# Words that YAML, in one version or another, reads as something else than text.
_NOT_TEXT = frozenset({"y", "n", "yes", "no", "on", "off", "true", "false", "null", "none"})


def filled(**keys: Any) -> dict[str, Any]:
    """The keys that say something: a form file leaves the others out."""
    return {key: value for key, value in keys.items() if value not in (None, "", [])}


def written(keys: Mapping[str, Any], remarks: Mapping[int, str], header: Sequence[str]) -> str:
    document = CommentedMap()
    for key, value in keys.items():
        document[key] = _block(key, value)
    for index, remark in remarks.items():
        document["fields"].yaml_add_eol_comment(remark, index, column=0)
    yaml = YAML()
    yaml.width = 1_000_000  # a field a line, however long
    yaml.indent(mapping=2, sequence=4, offset=2)
    out = io.StringIO()
    yaml.dump(document, out)
    return "".join(f"# {one_line(line)[:200]}\n" for line in header) + out.getvalue()


def _block(key: str, value: Any) -> Any:
    """`fields` and `vendor` spread over lines; all within them, and any other list, is on one."""
    if key == "fields":
        return CommentedSeq(_flow(item) for item in value)
    if key == "vendor":
        return CommentedMap((name, _scalar(setting)) for name, setting in value.items())
    return _flow(value)


def _flow(value: Any) -> Any:
    if isinstance(value, Mapping):
        mapping = CommentedMap((key, _flow(item)) for key, item in value.items())
        mapping.fa.set_flow_style()
        return mapping
    if isinstance(value, list):
        sequence = CommentedSeq(_flow(item) for item in value)
        sequence.fa.set_flow_style()
        return sequence
    return _scalar(printable(value).replace("${", "$ {")) if isinstance(value, str) else value


def _scalar(text: str) -> str:
    plain = _PLAIN.fullmatch(text) and text.lower() not in _NOT_TEXT
    return text if plain else DoubleQuotedScalarString(text)
