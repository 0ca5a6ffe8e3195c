"""Our own texts in other languages. The English text is the key; leadferry/translations/ has the others.

There are two domains: `messages`, what visitors read in the language of a form, and `console`, what the console says to
who looks after the forms, in the language that their browser asks for.
"""

from __future__ import annotations

import gettext
from collections.abc import Callable, Mapping
from functools import lru_cache
from pathlib import Path
from typing import Any, Literal

CATALOGUES = Path(__file__).resolve().parent / "translations"

SOURCE = "en"
VISITORS, CONSOLE = "messages", "console"
RIGHT_TO_LEFT = frozenset({"ar", "dv", "fa", "he", "ku", "ps", "sd", "ug", "ur", "yi"})


@lru_cache
def languages(domain: str = VISITORS) -> tuple[str, ...]:
    """The short names of the languages that our texts are in, English first."""
    return (SOURCE, *sorted(path.parents[1].name for path in CATALOGUES.glob(f"*/LC_MESSAGES/{domain}.mo")))


def is_spoken(language: str) -> bool:
    """Whether our texts are in this language, whichever its region: those of `pt` serve `pt-BR`."""
    return _primary(language) in languages()


def direction_of(language: str) -> Literal["ltr", "rtl"]:
    return "rtl" if _primary(language) in RIGHT_TO_LEFT else "ltr"


def translate(text: str, language: str, domain: str = VISITORS) -> str:
    """The text in that language; as it is, in English, where there is no catalogue for the language."""
    return _catalogue(_primary(language), domain).gettext(text) if text else ""  # of nothing, the header is returned


def translate_count(one: str, many: str, count: int, language: str, domain: str = VISITORS) -> str:
    """The form that the language uses for so many; its place for the count stays."""
    return _catalogue(_primary(language), domain).ngettext(one, many, count)


@lru_cache
def _catalogue(language: str, domain: str) -> gettext.NullTranslations:
    return gettext.translation(domain, CATALOGUES, [language], fallback=True)


def _primary(language: str) -> str:
    return language.partition("-")[0].lower()


class Sentence(str):
    """What the console says, worded where it is found out: in English as a text, and told in any language.

    The command line and the mails use it as the English text that it is. ``told`` translates it, and each value that is
    a sentence too. What is made of it by string methods is English alone.
    """

    __slots__ = ("many", "number", "one", "values")

    one: str
    many: str
    number: int
    values: Mapping[str, Any]

    def __new__(cls, one: str, many: str = "", number: int = 1, values: Mapping[str, Any] | None = None) -> Sentence:
        found = dict(values or {})
        text = many if many and number != 1 else one
        made = super().__new__(cls, _filled(text, found))
        made.one, made.many, made.number, made.values = one, many, number, found
        return made

    def of(self, count: int | None = None, **values: object) -> Sentence:
        """With values in its places; ``count`` chooses the form of a plural, and stands at its ``{count}``."""
        if count is None:
            return Sentence(self.one, self.many, self.number, {**self.values, **values})
        return Sentence(self.one, self.many, count, {**self.values, "count": f"{count:,}", **values})

    def with_texts(self, change: Callable[[str], str]) -> Sentence:
        """The same with each value changed."""
        values = {
            name: value.with_texts(change) if isinstance(value, Sentence) else change(str(value))
            for name, value in self.values.items()
        }
        return Sentence(self.one, self.many, self.number, values)

    def told(self, language: str) -> str:
        if self.many:
            text = translate_count(self.one, self.many, self.number, language, CONSOLE)
        else:
            text = translate(self.one, language, CONSOLE)
        values = {name: told(value, language) for name, value in self.values.items()}
        return _filled(text, values)


class _Values(dict[str, Any]):
    def __missing__(self, name: str) -> str:
        return f"{{{name}}}"


def _filled(text: str, values: Mapping[str, Any]) -> str:
    """A place without a value yet stays one; a text that has no values at all may hold braces of other sorts."""
    return text.format_map(_Values(values)) if values else text


def told(value: Any, language: str) -> Any:
    """A sentence in that language; anything else as it is."""
    return value.told(language) if isinstance(value, Sentence) else value


def sentence(text: str) -> Sentence:
    """Marks a text for the console's catalogue, and makes it one that can be told."""
    return Sentence(text)


def plural(one: str, many: str) -> Sentence:
    """The same of a text that depends on a number; ``of(count=…)`` says which."""
    return Sentence(one, many)
