"""A language in which every text of ours can be told from everything else: ⟦Each piece⟧ of it stands in brackets.

Values stand outside, so what is put into a sentence must be translated itself, or be data.
"""

from __future__ import annotations

import json
import re
import shutil
from collections.abc import Iterable, Iterator
from functools import lru_cache
from io import BytesIO
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog
from babel.messages.mofile import write_mo
from bs4 import BeautifulSoup
from bs4.element import NavigableString, PreformattedString, Tag

from leadferry import languages
from leadferry.languages import CONSOLE
from tools import translations

LANGUAGE = "ar"
"""Whose plurals have six forms, and which is written from right to left."""

_PLACE = re.compile(r"(\{[a-z_]+\})")
_OURS = re.compile("⟦[^⟦⟧]*⟧")
_LETTER = re.compile("[A-Za-z]")

NOT_READ = frozenset({"script", "style", "pre", "textarea"})
"""Elements whose content is no text of ours: requests, answers and files of forms as they are."""

FOR_MACHINES = frozenset(
    {
        *(
            "accept-charset action aria-current aria-describedby aria-hidden aria-invalid aria-labelledby aria-live"
        ).split(),
        *("autocapitalize autocomplete autofocus charset checked class colspan cx cy d datetime dir disabled").split(),
        *("download fill focusable for form formaction hidden height href http-equiv id inputmode lang").split(),
        *(
            "max maxlength method min minlength multiple name novalidate open points preserveaspectratio r readonly"
        ).split(),
        *("rel required reversed role rows rx ry sandbox scope selected spellcheck src stroke stroke-linecap").split(),
        *("stroke-linejoin stroke-width tabindex transform type value viewbox width wrap x y x1 x2 y1 y2").split(),
        *("data-all data-card data-chart data-chosen data-copy data-editor data-form data-line data-one").split(),
        *("data-progress data-rehearse data-reshape data-selection data-summary data-trouble data-zone defer").split(),
    }
)
"""Attributes that nobody reads, and `value`, which holds what was typed. Any other is read by somebody."""


def pseudo(text: str) -> str:
    pieces = (piece if _PLACE.fullmatch(piece) else f"⟦{piece}⟧" for piece in _PLACE.split(text) if piece)
    return "".join(pieces)


def speak_it(monkeypatch: pytest.MonkeyPatch, folder: Path) -> None:
    """Adds the whole catalogue of this language to the product's own."""
    path = folder / LANGUAGE / "LC_MESSAGES" / f"{CONSOLE}.mo"
    shutil.copytree(languages.CATALOGUES, folder)
    path.write_bytes(_compiled())
    monkeypatch.setattr(languages, "CATALOGUES", folder)
    for cached in (languages.languages, languages._catalogue):
        cached.cache_clear()


@lru_cache
def texts() -> Catalog:
    """Those of the console. To collect them takes seconds, so it is done once; nobody changes what is found."""
    return translations.console_texts()


@lru_cache
def _compiled() -> bytes:
    file = BytesIO()
    write_mo(file, _catalogue())
    return file.getvalue()


def _catalogue() -> Catalog:
    made = Catalog(locale=LANGUAGE, fuzzy=False)
    for message in texts():
        if isinstance(message.id, tuple):
            one, many = message.id
            forms = [pseudo(many)] * made.num_plurals
            forms[1] = pseudo(one)  # of exactly one, in Arabic
            made.add(message.id, tuple(forms))
        elif message.id:
            made.add(message.id, pseudo(message.id))
    return made


def strangers(html: str, data: Iterable[re.Pattern[str]]) -> list[str]:
    """What a reader of the page meets that is neither ours, in brackets, nor data."""
    found = BeautifulSoup(html, "html.parser")
    known = list(data)
    return [f"{where}: {text}" for where, text in read_by_people(found) if _LETTER.search(_without(text, known))]


def _without(text: str, data: Iterable[re.Pattern[str]]) -> str:
    left = _OURS.sub("\n", text)
    for each in data:
        left = each.sub("\n", left)
    return left


def read_by_people(page: BeautifulSoup) -> Iterator[tuple[str, str]]:
    """Every text and attribute, with the name of what it stands in."""
    for node in page.descendants:
        if isinstance(node, Tag):
            yield from _attributes(node)
        elif isinstance(node, NavigableString) and not isinstance(node, PreformattedString):
            parents = {parent.name for parent in node.parents}
            if node.strip() and not parents & NOT_READ and node.parent:
                yield node.parent.name, " ".join(node.split())


def _attributes(element: Tag) -> Iterator[tuple[str, str]]:
    for name, value in element.attrs.items():
        if name == "data-chart":
            yield from ((name, series["label"]) for series in json.loads(str(value))["series"])
        elif name == "data-counts":
            yield from ((name, each) for each in json.loads(str(value)))
        elif name not in FOR_MACHINES and not _is_setting_of_page(element, name):
            yield f"{element.name}[{name}]", str(value)


def _is_setting_of_page(element: Tag, name: str) -> bool:
    return element.name == "meta" and name == "content"
