"""Small pieces of HTML for the places of a sentence, so that a translator may move them: ``_("Run {command}.", …)``."""

from __future__ import annotations

from flask import Flask
from markupsafe import Markup

UNSEEN, END = Markup('<span class="unseen">'), Markup("</span>")
"""Around words that only a screen reader says."""

END_LINK = Markup("</a>")


def link_to(url: str) -> Markup:
    return Markup('<a href="{}">').format(url)


def code(text: str) -> Markup:
    return Markup("<code>{}</code>").format(text)


def mono(text: str) -> Markup:
    return Markup('<span class="mono">{}</span>').format(text)


def bold(text: str) -> Markup:
    return Markup("<b>{}</b>").format(text)


def offer_pieces(app: Flask) -> None:
    """Puts them before the templates."""
    app.jinja_env.globals.update(
        UNSEEN=UNSEEN, END=END, END_LINK=END_LINK, link_to=link_to, code=code, mono=mono, bold=bold
    )
