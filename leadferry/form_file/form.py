"""Reads the file's own keys and puts the form together."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace

from leadferry.colours import contrast, page_colours
from leadferry.fields import CAMPAIGN, RESERVED
from leadferry.form_file import checks
from leadferry.form_file.block import Block
from leadferry.form_file.checks import ReadField, ReadStep
from leadferry.form_file.field import FieldBlock, implied_kind
from leadferry.form_file.placeholders import Surroundings
from leadferry.form_file.problems import listed, quoted
from leadferry.form_file.spam import read_spam
from leadferry.form_file.vendor import VendorBlock, find_adapter
from leadferry.forms import Form, Step
from leadferry.languages import SOURCE, is_spoken, languages
from leadferry.messages import say
from leadferry.redirects import origin, web_address
from leadferry.text import safe_html
from leadferry.vendors.base import Adapter, Destination
from leadferry.vendors.names import CERTIFICATES

DEFAULT_DAYS = 90

READABLE = 4.5
"""The least contrast of text with its background, WCAG 2.2, criterion 1.4.3."""

_COLOUR = r"#(?:[0-9a-fA-F]{3,4}|[0-9a-fA-F]{6}|[0-9a-fA-F]{8})|[a-z]{3,20}|(?:rgb|hsl)a?\([0-9.,%\s/a-z]{3,40}\)"
_LENGTH = r"[0-9]{1,4}(?:\.[0-9]{1,3})?(?:px|rem|em)"

THEME: Mapping[str, tuple[str, str]] = {
    # key: what CSS may safely be given there, and an example
    "accent": (_COLOUR, '"#0a7d5a"'),
    "background": (_COLOUR, '"#ffffff"'),
    "text": (_COLOUR, '"#16181d"'),
    "radius": (rf"{_LENGTH}|0", "8px"),
    "font": (r"[A-Za-z0-9 ,'\-]{2,120}", "Georgia, serif"),
    "spacing": (_LENGTH, "16px"),
    "max_width": (rf"{_LENGTH}|[0-9]{{1,4}}(?:ch|%)", "40rem"),
}


def read_form(name: str, version: str, block: Block, around: Surroundings) -> Form:
    """The form as far as it can be read; what is wrong with it is among the block's findings."""
    language = _language(block)
    vendor = _vendor(name, block, around)
    adapter = vendor.adapter if vendor else None
    destination = vendor.read(name, "vendor") if vendor else Destination(name, "vendor", "")
    fields = _fields(block, adapter, destination.fields)
    steps = _steps(block, language)
    sent_as = {field.name: field.send_as for field, _ in fields if field.send_as}
    destination = replace(destination, fields={**sent_as, **destination.fields})
    form = Form(
        name=name,
        version=version,
        title=block.text("title") or name,
        intro=safe_html(block.text("intro")),
        submit=block.text("submit", say("send", language)),
        language=language,
        web_key=block.optional("web_key"),
        fields=tuple(field for field, _ in fields),
        steps=tuple(step for step, _ in steps),
        vendor=destination,
        on_success_url=block.address("on_success_url"),
        on_error_url=block.address("on_error_url"),
        origins=_origins(block),
        framing=block.choice("framing", ("anywhere", "origins"), "anywhere"),
        expansion=block.choice("expansion", ("accept", "reject"), "accept"),
        campaign=block.choice("campaign", ("send", "keep"), "send"),
        theme=_theme(block),
        measure=block.choice("measure", ("posts", "progress"), "posts"),
        retention=block.days("retention", DEFAULT_DAYS),
        spam=read_spam(block, around, name),
        trustedform=block.flag("trustedform"),
        mandatory=checks.ways_in(adapter, destination) if adapter else (),
        formats=_formats(adapter, destination),
        offers=_offers(adapter, destination),
        default_if_invalid=adapter.if_invalid if adapter else "ask",
    )
    form = replace(form, fields=checks.with_comparable_conditions(form), also=_also(block, form, around))
    checks.check_page(block, form, fields, steps)
    if vendor:
        checks.check_vendor(vendor, form, fields)
    block.refuse_unknown("a form file")
    return form


def _vendor(name: str, block: Block, around: Surroundings) -> VendorBlock | None:
    found = block.block("vendor")
    if found is None:
        if "vendor" not in block:
            block.problem("vendor", "is missing", "say where leads go: `vendor:` and, indented below it, `name:`")
        return None
    adapter = find_adapter(found, around)
    return VendorBlock(found, adapter, around, f"{name}.vendor") if adapter else None


def _also(block: Block, form: Form, around: Surroundings) -> tuple[Destination, ...]:
    found = []
    for number, each in enumerate(block.blocks("also", "{name: …, url: …}"), start=1):
        adapter = find_adapter(each, around)
        if adapter is None:
            continue
        vendor = VendorBlock(each, adapter, around, f"{form.name}.also-{number}")
        found.append(vendor.read(form.name, f"also-{number}"))
        checks.check_further_vendor(vendor, form, found[-1])
    return tuple(found)


def _fields(block: Block, adapter: Adapter | None, wires: Mapping[str, str]) -> Sequence[ReadField]:
    read = (
        (FieldBlock(each, adapter, wires).read(), each)
        for each in block.blocks("fields", "{name: email, label: E-mail}")
    )
    return [(field, each) for field, each in read if field is not None]


def _formats(adapter: Adapter | None, destination: Destination) -> dict[str, str]:
    """The kind of each name that a form knows without declaring it."""
    known = {*RESERVED, *CERTIFICATES, *(adapter.names if adapter else ())}
    found = {name: implied_kind(name, destination.fields.get(name), adapter) for name in known}
    mapped = {
        name: implied_kind(name, wire, adapter) for name, wire in destination.fields.items() if name not in CAMPAIGN
    }
    return {name: kind or "text" for name, kind in {**found, **mapped}.items()}


def _offers(adapter: Adapter | None, destination: Destination) -> dict[str, tuple[str, ...]]:
    """The answers that the vendor's own document allows, by our name for them."""
    if adapter is None:
        return {}
    wires = {name: adapter.wire_name(name, destination) for name in {*adapter.options, *destination.fields}}
    held = adapter.options.keys() - adapter.elsewhere
    return {name: adapter.options[wire] for name, wire in wires.items() if wire in held}


def _language(block: Block) -> str:
    language = block.text("language", SOURCE)
    if re.fullmatch(r"[A-Za-z]{2,3}(-[A-Za-z0-9]{2,8}){0,3}", language):
        if not is_spoken(language):
            what = f"is {quoted(language)}, but what the page itself says, such as its errors, is then in English"
            block.problem("language", what, f"there are texts in {listed(languages(), 'and')}", warning=True)
        return language
    block.problem("language", f"{quoted(language)} is not a language", "write its short name, such as en, es or pt-BR")
    return SOURCE


def _origins(block: Block) -> tuple[str, ...]:
    found = []
    for text in block.texts("origins"):
        url = web_address(text.value)
        if url and re.sub(r"^https?://[^/?#]*", "", url, flags=re.IGNORECASE) in {"", "/"}:
            found.append(origin(url))
            continue
        mend = "write scheme and host only, such as https://www.example.com"
        block.problem("origins", f"{quoted(text.value)} is not a site", mend, line=text.line)
    return tuple(found)


def _theme(block: Block) -> dict[str, str]:
    theme = block.names("theme", '{accent: "#0a7d5a", radius: 8px}')
    for key, value in list(theme.items()):
        pattern, example = THEME.get(key, ("", ""))
        if not pattern:
            block.wrong_word(f"theme.{key}", "is not a part of a theme", key, tuple(THEME), line=value.line)
        elif not re.fullmatch(pattern, value.value):
            what = f"{quoted(value.value)} cannot stand here"
            block.problem(f"theme.{key}", what, f"write a value such as {example}", line=value.line)
            del theme[key]
    found = {key: value.value for key, value in theme.items()}
    ratio = contrast(*page_colours(found))
    if ratio and ratio < READABLE:
        key = "text" if "text" in theme else "background"
        what = f"lets the text stand out from the background by {ratio:.1f} to 1"
        mend = f"choose colours with {READABLE} to 1 or more"
        block.problem(f"theme.{key}", what, mend, line=theme[key].line, warning=True)
    return found


def _steps(block: Block, language: str) -> list[ReadStep]:
    steps = []
    for number, each in enumerate(block.blocks("steps", "{title: You, fields: [email]}"), start=1):
        if "fields" not in each:
            each.problem("fields", "are missing", "list the names of the fields that this step shows")
        names = tuple(text.value for text in each.texts("fields"))
        steps.append((Step(each.text("title") or say("step", language, number=str(number)), names), each))
        each.refuse_unknown("a step")
    return steps
