"""Drafts one form: which of its inputs become fields, and what the file and the notes say beside those."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any
from urllib.parse import urljoin, urlsplit

from bs4 import Tag

from leadferry.fields import is_control
from leadferry.html_import.fields import Field
from leadferry.html_import.labels import Labels
from leadferry.html_import.omissions import why_left_out
from leadferry.html_import.page import BUTTONS, MAX_FIELDS, MAX_NAME, Control, Form, Page, attribute, inside, texts
from leadferry.html_import.words import collapse, exact_line, humanised, joined, one_line, short, slug
from leadferry.html_import.writing import Notes, filled, written
from leadferry.redirects import origin, web_address

_REDIRECTS = {"OnSuccessURL": "on_success_url", "OnErrorURL": "on_error_url"}
_MACHINE_MADE = re.compile(r"\d|^(web|my|contact)?-?form$|^(aspnetform|commentform|comp-.*)$", re.IGNORECASE)


@dataclass(frozen=True)
class VendorHint:
    """How a page shows that it was made for a vendor, and what that vendor's block in a form file needs.

    ``hosts`` are hosts of form actions (their subdomains count too). ``control_names`` are input names that only
    that vendor's forms have. ``settings`` are the block's keys; secrets stand in them as ``${NAME}``.
    """

    name: str
    hosts: tuple[str, ...]
    control_names: tuple[str, ...]
    settings: Mapping[str, str]
    takes_files: bool = False


@dataclass(frozen=True)
class ImportedForm:
    """One form of the page. ``name`` is a stem for the file, unique within the page; ``notes`` are for the marketer."""

    name: str
    yaml: str
    notes: tuple[str, ...]


class Draft:
    """One form of the page on its way to a form file."""

    def __init__(
        self, form: Form, page: Page, source: str, vendors: Sequence[VendorHint], known: frozenset[str]
    ) -> None:
        self._form = form
        self._page = page
        self._source = source
        self._known = known
        self._labels = Labels(page, form)
        self._notes = Notes()
        self._steering: dict[str, str] = {}  # inputs that are no answers: the web key, the redirects
        self._credentials: dict[str, str] = {}
        self._fields: list[dict[str, Any]] = []
        self._remarks: dict[int, str] = {}
        self._host = _host(attribute(form.tag, "action"))
        self._vendor, self._vendor_reason = self._choose_vendor(vendors)

    def fill(self) -> str:
        """Drafts the fields, and answers why there is nothing to import, or an empty text."""
        for name, members in self._by_name().items():
            self._take(name, members)
        if self._form.captcha:
            self._notes.add("captcha", "the box of the captcha")
        shown = any(keys.get("type") != "hidden" for keys in self._fields)
        return "" if shown else "there is nothing in it for a visitor to fill in"

    def _choose_vendor(self, vendors: Sequence[VendorHint]) -> tuple[VendorHint, str]:
        names = {control.name for control in self._form.controls}
        for vendor in vendors:
            if any(self._host == host or self._host.endswith(f".{host}") for host in vendor.hosts):
                return vendor, f"the form posts to {self._host}"
        for vendor in vendors:
            found = next((name for name in vendor.control_names if name in names), None)
            if found:
                return vendor, f"the form has an input called {found}"
        return vendors[0], ""

    def _by_name(self) -> dict[str, list[Control]]:
        grouped: dict[str, list[Control]] = {}
        for control in self._form.controls:
            name = control.name
            if not name.strip():
                self._notes.add("unnamed", control.kind)
            elif len(name) > MAX_NAME or name != exact_line(name) or "${" in name:
                self._notes.add("name", name)
            else:
                grouped.setdefault(name, []).append(control)
        return grouped

    def _take(self, name: str, members: list[Control]) -> None:
        if is_control(name):
            self._take_steering(name, members[0])
            return
        enabled = [member for member in members if not member.tag.has_attr("disabled")]
        reason = self._why_left_out(enabled[0]) if enabled else "disabled"
        if reason:
            self._notes.add(reason, name)
        elif self._is_credential(name, enabled[0]):
            self._credentials[name] = attribute(enabled[0].tag, "value")
        else:
            self._add_field(enabled)

    def _take_steering(self, name: str, control: Control) -> None:
        self._steering[name] = attribute(control.tag, "value")
        if name != "web_key" and name not in _REDIRECTS:
            self._notes.add("control", name)

    def _why_left_out(self, control: Control) -> str:
        if len(self._fields) >= MAX_FIELDS:
            return "many"
        return why_left_out(control, self._labels, known=self._known, takes_files=self._vendor.takes_files)

    def _is_credential(self, name: str, control: Control) -> bool:
        return not control.visible and "${" in self._vendor.settings.get(name, "")

    def _add_field(self, namesakes: Sequence[Control]) -> None:
        field = Field(namesakes, self._labels, self._known, self._notes)
        if remark := field.remark():
            self._remarks[len(self._fields)] = remark
        self._fields.append(field.keys())

    def stem(self) -> str:
        """A name for the file. One that says something comes before an id that a site builder counted up."""
        tag = self._form.tag
        candidates = [
            attribute(tag, "id"),
            attribute(tag, "name"),
            attribute(tag, "title"),
            self._form.heading or self._form.heading_before,
            attribute(tag, "aria-label"),
            self._page.title,
        ]
        stems = [stem for stem in map(slug, candidates) if stem]
        telling = [stem for stem in stems if not _MACHINE_MADE.search(stem)]
        return [*telling, *stems, "form"][0]

    def finish(self, name: str, taken_keys: set[str], skipped: Sequence[str]) -> ImportedForm:
        """Writes the file and the notes. ``taken_keys`` are the web keys of the page's other forms, and grow."""
        key, about_key = self._web_key(taken_keys)
        redirects, origins, about_redirects = self._redirects()
        keys = {
            "title": self._title(),
            **filled(submit=self._submit(), language=_language(self._page.language), web_key=key),
            "fields": self._fields,
            "vendor": {"name": self._vendor.name, **self._vendor.settings},
            **redirects,
            **filled(origins=origins),
        }
        notes = [
            self._about_vendor(),
            *self._about_settings(),
            *about_key,
            self._next_step(name, key),
            *about_redirects,
            *self._notes.sentences(),
            *self._about_names(),
            *self._about_page(),
            *skipped,
        ]
        yaml = written(keys, self._remarks, self._header())
        return ImportedForm(name, yaml, tuple(one_line(note) for note in notes))

    def _title(self) -> str:
        form = self._form
        candidates = [
            form.heading,
            form.heading_before,
            self._labels.section(),
            attribute(form.tag, "title"),
            attribute(form.tag, "aria-label"),
            self._page.title,
        ]
        return next(filter(None, map(collapse, candidates)), humanised(self.stem()))

    def _submit(self) -> str:
        """The text of the button that sends. A plain button counts last: scripts may send by it."""
        kinds = ("submit", "image", "button")
        ordered = (button for kind in kinds for button in self._form.buttons if _button_kind(button) == kind)
        return next(filter(None, map(_button_text, ordered)), "")

    def _web_key(self, taken: set[str]) -> tuple[str, list[str]]:
        key = self._steering.get("web_key", "")
        if not key:
            return "", []
        if key in taken:
            return "", ["Another form of this page has the same web_key: give this one its own, here and in the page."]
        taken.add(key)
        sample = "The page's web_key is the placeholder of an example: put the real one in the page and here."
        return key, [sample] if re.search(r"_X{3,}$", key) else []

    def _redirects(self) -> tuple[dict[str, str], list[str], list[str]]:
        base = _url(self._page.address, self._source) or _url(self._source, "")
        found, notes = {}, []
        for name, key in _REDIRECTS.items():
            posted = self._steering.get(name, "")
            url = _url(posted, base)
            if url:
                found[key] = url
            elif posted:
                notes.append(f"Left out {name}: “{short(posted)}” is not an address that a visitor can be sent to.")
        page = _url(self._page.address, base)
        return found, list(dict.fromkeys(origin(url) for url in (*found.values(), page) if url)), notes

    def _about_vendor(self) -> str:
        if self._vendor_reason:
            return f"The vendor is {self._vendor.name}, because {self._vendor_reason}."
        return f"Nothing on the page says which vendor the form is for: {self._vendor.name} was taken."

    def _about_settings(self) -> Iterator[str]:
        shown = {**self._credentials, "web_key": self._steering.get("web_key", "")}
        for key, setting in self._vendor.settings.items():
            for variable in re.findall(r"\$\{(\w+)\}", setting):
                yield f"Set {variable} in the environment to {_pointed_at(key, shown.get(key, ''))}."
        for name in self._credentials:
            yield f"Take {short(name)} out of the page's form, where everybody can read it."

    def _next_step(self, name: str, key: str) -> str:
        get = attribute(self._form.tag, "method").lower() != "post"
        also = ' and set its method to "post"' if get else ""
        if key:
            return f"To keep the page's own form, change its action to /submit on your server{also}; nothing else."
        return f"To keep the page's own form, change its action to /f/{name} on your server{also}."

    def _about_names(self) -> Iterator[str]:
        if self._known.isdisjoint(keys["name"] for keys in self._fields):
            yield (
                "None of the names is one that Leadferry knows, such as email or phone:"
                " give the fields that the vendor has its own names for a send_as."
            )
        if "${" in str(self._fields):
            yield "“${” was written as “$ {”, so that no text of the page is read as the name of a secret."

    def _about_page(self) -> Iterator[str]:
        if self._page.straightened:
            yield "Typographic quotes around attributes were read as straight ones. Browsers do not: mend the page."

    def _header(self) -> list[str]:
        page = f" on {short(self._source)}" if self._source else ""
        host = f" It posted to {short(self._host)}." if self._host else ""
        return [
            f"Imported from {self._form.described()}{page}.{host}",
            "Labels, title and types were read off the page; what was guessed says so beside it.",
        ]


def _button_kind(tag: Tag) -> str:
    kind = attribute(tag, "type").lower()
    return kind if kind in BUTTONS else "submit"


def _button_text(tag: Tag) -> str:
    if tag.name == "button":
        return joined(texts(inside(tag, 50))) or attribute(tag, "aria-label")
    return collapse(attribute(tag, "alt" if _button_kind(tag) == "image" else "value"))


def _language(tag: str) -> str:
    tag = tag.replace("_", "-")
    return tag if re.fullmatch(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8})*", tag) else ""


def _pointed_at(key: str, value: str) -> str:
    """A key is shown by its end only, and not at all where that would be half of it."""
    if not value:
        return f"the vendor's {key}"
    ending = f", which ends in {short(value[-4:])}" if len(value) >= 8 else ""
    return f"the {key} that stands in the page{ending}"


def _url(text: str, base: str | None) -> str | None:
    """A web address in full, or None. A path alone needs the page's address; any other text is a host first."""
    if "${" in text:
        return None
    if text.startswith("//"):
        text = f"https:{text}"
    elif re.match(r"[/?#.]|[^/:]+\.(html?|php|aspx?|jsp)\b", text, re.IGNORECASE):
        text = _resolved(base, text)
    elif not re.match(r"[^/?#]*[.:]|localhost\b", text):
        return None
    return web_address(text)


def _resolved(base: str | None, path: str) -> str:
    try:
        return urljoin(base, path) if base else ""
    except ValueError:
        return ""


def _host(url: str) -> str:
    address = web_address(f"https:{url}" if url.startswith("//") else url) if "//" in url else None
    return (urlsplit(address).hostname or "") if address else ""
