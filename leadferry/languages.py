"""Our own texts in the language of a form. The English text is the key; leadferry/translations/ has the others."""

from __future__ import annotations

import gettext
from functools import lru_cache
from pathlib import Path

CATALOGUES = Path(__file__).resolve().parent / "translations"

SOURCE = "en"


@lru_cache
def languages() -> tuple[str, ...]:
    """The short names of the languages that our texts are in, English first."""
    return (SOURCE, *sorted(path.parents[1].name for path in CATALOGUES.glob("*/LC_MESSAGES/messages.mo")))


def is_spoken(language: str) -> bool:
    """Whether our texts are in this language, whichever its region: those of `pt` serve `pt-BR`."""
    return _primary(language) in languages()


def translate(text: str, language: str) -> str:
    """The text in that language; as it is, in English, where there is no catalogue for the language."""
    return _catalogue(_primary(language)).gettext(text)


@lru_cache
def _catalogue(language: str) -> gettext.NullTranslations:
    return gettext.translation("messages", CATALOGUES, [language], fallback=True)


def _primary(language: str) -> str:
    return language.partition("-")[0].lower()
