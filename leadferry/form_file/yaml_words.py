"""ruamel's errors in the words of somebody who has never heard of a scalar."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Literal

from ruamel.yaml.error import MarkedYAMLError, StringMark

BAD_ESCAPE = r"has a `\` in double quotes that stands for no character; use single quotes, or write `\\`"

_CLOSE = "put a comma between the entries and `{}` at the end, and texts that have brackets in them in quotes"


@dataclass(frozen=True)
class _Meaning:
    """What an error means. ``where`` is the place to look at: where reading stopped, or where what is broken began."""

    said: str
    where: Literal["stopped", "began"]
    message: str


_MEANINGS = (
    # the first whose pattern is found in "context: problem"
    _Meaning(r"found character '\\t'", "stopped", "has a tab; put spaces in its place"),
    _Meaning("forbidden directive", "stopped", "has a line that begins with `%`; remove it, or put the text in quotes"),
    _Meaning("forbidden|found character", "stopped", "has a text that begins with `{mark}`; put the text in quotes"),
    _Meaning(
        "scanning a quoted scalar",
        "began",
        "has a quotation mark that is never closed; close it, or put the text in the other kind of quotes",
    ),
    _Meaning("scanning a double-quoted scalar", "stopped", BAD_ESCAPE),
    _Meaning(
        "scanning a simple key",
        "began",
        "is neither a key with a colon nor part of a text; write `key: value`, with a space behind the colon",
    ),
    _Meaning(
        "parsing a flow node",
        "stopped",
        "has a comma with nothing behind it, or a bracket that is never closed; remove the comma, or close the bracket",
    ),
    _Meaning(
        "parsing a flow sequence", "began", "has a `[` whose list is broken or never closed; " + _CLOSE.format("]")
    ),
    _Meaning(
        "parsing a flow mapping", "began", "has a `{` whose table is broken or never closed; " + _CLOSE.format("}")
    ),
    _Meaning(
        r"but found '(<scalar>|\[|\{|,|\]|\})",
        "stopped",
        "goes on where the value has ended; put the whole text in double quotes, or write the rest on its own line",
    ),
    _Meaning(
        "parsing a block|sequence entries are not allowed|mapping keys are not allowed",
        "stopped",
        "is not indented as the lines around it; begin the keys of one table in the same column, and the `- ` of one "
        "list too",
    ),
    _Meaning(
        "block scalar",
        "began",
        "has a `|` or `>` with something wrong behind or below it; write it last in its line and indent the text below "
        "it, or put the text in quotes",
    ),
    _Meaning(
        "<document start>",
        "stopped",
        "goes on where the form has ended; remove what follows, or indent it as the lines around it",
    ),
    _Meaning(
        "document",
        "stopped",
        "has a line of `---` or `...`, which ends a file, and goes on; a form file is one form, so remove the line",
    ),
    _Meaning(
        "maximum depth",
        "stopped",
        "has too many lists or tables inside one another; close those that stand before this line",
    ),
    _Meaning("", "stopped", "cannot be read from here on; look for a missing quotation mark, colon or bracket"),
)


def in_plain_words(error: MarkedYAMLError, text: str) -> tuple[int, str]:
    """The line, and what is wrong there and how to mend it."""
    lines = re.split(r"\r\n|\r|\n", text)
    said = f"{error.context or ''}: {error.problem or ''}"
    if "mapping values are not allowed" in said and error.problem_mark:
        return _stray_colon(lines, error.problem_mark.line)
    meaning = next(each for each in _MEANINGS if re.search(each.said, said))
    stopped, began = error.problem_mark, error.context_mark
    mark = (stopped or began) if meaning.where == "stopped" else (began or stopped)
    if mark is None:
        return 1, meaning.message
    return mark.line + 1, meaning.message.replace("{mark}", _character(lines, mark))


def _character(lines: list[str], mark: StringMark) -> str:
    return lines[mark.line][mark.column : mark.column + 1] if mark.line < len(lines) else ""


def _stray_colon(lines: list[str], index: int) -> tuple[int, str]:
    """A colon stands where no key can be: often it is the line above that has to be mended."""
    if len(re.findall(r":(?= |$)", lines[index])) > 1:
        return index + 1, "has a second `: `; put a text that has `: ` in it in quotes"
    above = next(
        (i for i in reversed(range(index)) if lines[i].strip() and not lines[i].lstrip().startswith("#")), index
    )
    if above == index or re.search(r":( |$)", lines[above]):
        return index + 1, "begins further to the right than the line above; begin the keys of one table in one column"
    if re.match(r"[\s-]*\w+:\S", lines[above]):
        return above + 1, "has no space behind its colon; write `key: value`"
    return above + 1, "is neither a key with a colon nor part of a text; write `key: value`"
