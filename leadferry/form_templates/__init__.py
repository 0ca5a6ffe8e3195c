"""Where a new form begins: a template, a copy of another form, or the HTML of an existing page."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING, Any
from urllib.parse import urlsplit

from leadferry.controls import blank_account
from leadferry.fields import RESERVED
from leadferry.form_file.editing import as_data, rewritten
from leadferry.languages import Sentence
from leadferry.vendors.base import Adapter

if TYPE_CHECKING:
    from leadferry.html_import import ImportedForm, VendorHint

_ORDER = ("contact", "quote", "callback", "appointment", "newsletter", "steps")


@dataclass(frozen=True)
class Template:
    """``about`` is its first comment; ``asks`` the labels of its fields. They are told in the console's languages; the
    form that begins with the text is in English.
    """

    name: str
    title: Sentence
    about: Sentence
    asks: tuple[Sentence, ...]
    text: str

    @property
    def sentences(self) -> tuple[Sentence, ...]:
        return (self.title, self.about, *self.asks)


def templates() -> list[Template]:
    return [_template(Path(__file__).with_name(f"{name}.yaml")) for name in _ORDER]


def _template(path: Path) -> Template:
    text = path.read_text("utf-8")
    data = as_data(text)
    asks = tuple(Sentence(str(each["label"])) for each in data["fields"])
    return Template(path.stem, Sentence(str(data["title"])), Sentence(text.split("\n", 1)[0].lstrip("# ")), asks, text)


def with_account(text: str, account: Mapping[str, Any]) -> str:
    """A template whose leads go somewhere."""
    return rewritten(text, {**as_data(text), "vendor": dict(account)})


def copied(text: str) -> str:
    """Another form's text with a comment that says so, and without its web_key, which no two may have."""
    data = as_data(text)
    data.pop("web_key", None)
    return rewritten(text, data)


def from_html(html: str, adapters: Mapping[str, Adapter]) -> Sequence[ImportedForm]:
    """Raises ValueError: there is no form in it that takes leads; the message says why."""
    from leadferry.html_import import import_forms  # noqa: PLC0415  # a tenth of a second that no other page needs

    return import_forms(html, "pasted HTML", vendors=hints(adapters), known=tuple(RESERVED))


def hints(adapters: Mapping[str, Adapter]) -> list[VendorHint]:
    """How a page shows its vendor; one with an address of its own choice is the default, as it can be anybody's."""
    ordered = sorted(adapters.values(), key=lambda each: (each.default_url is not None, each.takes_files))
    return [_hint(each) for each in ordered]


def _hint(adapter: Adapter) -> VendorHint:
    from leadferry.html_import import VendorHint  # noqa: PLC0415  # as above

    account = blank_account(adapter)
    del account["name"]
    host = urlsplit(adapter.default_url or "").hostname
    return VendorHint(
        name=adapter.name,
        hosts=(host,) if host else (),
        control_names=("web_key",) if "web_key" in account else (),
        settings={key: value or f"${{{adapter.name}_{key}}}".upper() for key, value in account.items()},
        takes_files=adapter.takes_files,
    )
