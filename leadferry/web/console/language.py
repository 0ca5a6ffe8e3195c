"""The console in its reader's language: the `_` and `ngettext` of its code and templates.

In code and templates a text stands in English and as a literal, so that `make translations` finds it:
``_("Edit {who}", who=name)``, ``ngettext("{count} lead", "{count} leads", number)``. What the core has worded is a
``Sentence``, and ``told`` (in a template ``|told``) says it.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import reduce
from typing import Any

from flask import Flask, g, has_request_context, request
from jinja2 import pass_context
from jinja2.runtime import Context
from markupsafe import escape

from leadferry import languages
from leadferry.languages import CONSOLE, SOURCE, direction_of, translate, translate_count
from leadferry.web.page_language import spoken

FOLDER = "console/"
"""Of the templates whose `_` is the console's; that of all others is the visitors'."""


def reader_language() -> str:
    """The one of the console's languages that whoever reads it likes best, by what their browser says."""
    if not has_request_context():
        return SOURCE
    if "reader_language" not in g:
        g.reader_language = _best_liked()
    return str(g.reader_language)


def _best_liked() -> str:
    """Whichever region of it the browser names."""
    liked = (name.partition("-")[0].lower() for name, quality in request.accept_languages if quality > 0)
    return next((each for each in liked if each in languages.languages(CONSOLE)), SOURCE)


def reader_direction() -> str:
    return direction_of(reader_language())


def _(text: str | None, /, **values: object) -> str:
    """The text in the reader's language. Where a value is HTML, the whole is, and all the rest is escaped."""
    return _filled(translate(text or "", reader_language(), CONSOLE), values)


def ngettext(one: str, many: str, number: int, /, **values: object) -> str:
    """The form for so many; ``{count}`` is the number, unless a value of that name is given."""
    found = translate_count(one, many, number, reader_language(), CONSOLE)
    return _filled(found, {"count": f"{number:,}", **values})


def _filled(text: str, values: dict[str, object]) -> str:
    said = {name: told(value) for name, value in values.items()}
    if any(hasattr(value, "__html__") for value in said.values()):
        text = escape(text)
    return text.format(**said) if said else text


def told(value: Any) -> Any:
    """A sentence in the reader's language; anything else as it is."""
    return languages.told(value, reader_language())


def listed(parts: Iterable[str]) -> str:
    """One after the other, as the language sets them apart."""
    found = [str(told(each)) for each in parts]
    return reduce(lambda one, other: _("{one}, {other}", one=one, other=other), found) if found else ""


@pass_context
def _of_template(context: Context, text: str | None, /, **values: object) -> str:
    return _(text, **values) if (context.name or "").startswith(FOLDER) else spoken(text or "", **values)


def speak(app: Flask) -> None:
    """Gives the templates their words."""
    app.jinja_env.globals.update(
        _=_of_template, ngettext=ngettext, reader_language=reader_language, reader_direction=reader_direction
    )
    app.jinja_env.filters["told"] = told
