"""The language of the page that is being drawn, and the `_` of its template."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager

from flask import g
from markupsafe import escape

from leadferry.languages import SOURCE, translate


def page_language() -> str:
    """The language of the form whose page this is; English where the page belongs to no form."""
    form = g.get("framable")
    return g.get("language") or (form.language if form else SOURCE)


@contextmanager
def drawn_in(language: str) -> Iterator[None]:
    """For what is drawn in a language other than its page's."""
    g.language = language
    try:
        yield
    finally:
        del g.language


def spoken(text: str, **values: object) -> str:
    """A template's `_("Step {number}", number=3)`: the text in the page's language, with its values in place.

    Where a value is HTML, such as `mark|safe`, the whole is. Without values the placeholders stay, for a script.
    """
    found = translate(text, page_language())
    if any(hasattr(value, "__html__") for value in values.values()):
        found = escape(found)
    return found.format(**values) if values else found
