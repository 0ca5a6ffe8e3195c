"""What can be judged only when the whole form is known."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from itertools import chain, product

from leadferry.fields import CAMPAIGN, KINDS, RESERVED, Invalid, is_control
from leadferry.form_file.block import Block
from leadferry.form_file.problems import choose, listed, quoted
from leadferry.form_file.vendor import VendorBlock
from leadferry.forms import Field, Form, Step
from leadferry.submission import HONEYPOT
from leadferry.vendors.base import Adapter, Destination

LONGEST_NAME = 200

_PLAIN = frozenset({"text", "textarea", "number", "hidden"})
_SOCIAL_SECURITY = re.compile(r"(?<![a-z])ssn(?![a-z])|social.?security", re.IGNORECASE)

ReadField = tuple[Field, Block]
ReadStep = tuple[Step, Block]


def check_page(block: Block, form: Form, fields: Sequence[ReadField], steps: Sequence[ReadStep]) -> None:
    """What has to fit together whichever vendor gets the leads."""
    _check_names(fields)
    _check_honeypot(block, form)
    for field, each in fields:
        _check_conditions(each, field, form)
        _warn_of_plain_number(each, field, form)
    if steps:
        _check_steps(block, form, steps)
    if not fields and not block.findings.problems:
        mend = "list what to ask for under `fields:`, unless only pasted forms post to it"
        block.problem("fields", "are missing, so the page asks nothing", mend, warning=True)


def _check_names(fields: Sequence[ReadField]) -> None:
    first: dict[str, int] = {}
    for field, block in fields:
        name, line = field.name, block.line("name")
        if name in first:
            what = f"{quoted(name)} is the name of two fields, here and in line {first[name]}"
            block.problem("name", what, "rename or remove one of the two")
        if is_control(name) or name == HONEYPOT:
            block.problem(
                "name", f"{quoted(name)} is a name that steers a post and is no answer", "choose another name"
            )
        if len(name) > LONGEST_NAME or not name.isprintable():
            mend = f"write at most {LONGEST_NAME} characters on one line"
            block.problem("name", "cannot be sent by a page", mend)
        if name in CAMPAIGN:
            what = f"{quoted(name)} comes along by itself, with every form"
            block.problem("name", what, "remove the field", warning=True)
        first.setdefault(name, line)


def _check_honeypot(block: Block, form: Form) -> None:
    """What a visitor, a browser or a pasted form may honestly fill in is no trap."""
    name = form.spam.honeypot
    taken = name in form.by_name or name in RESERVED or name in CAMPAIGN or is_control(name)
    spam = block.block("spam") if name and taken else None
    if spam:
        spam.problem("honeypot", f"{quoted(name)} is a name that a visitor's answer has", "choose another, such as fax")


def _warn_of_plain_number(block: Block, field: Field, form: Form) -> None:
    """A Social Security number that no key says is one would be kept and shown like any other answer."""
    looks_like_one = _SOCIAL_SECURITY.search(f"{field.name} {field.label}") is not None
    if looks_like_one and field.kind in _PLAIN and not form.is_sensitive(field.name):
        what = f"{quoted(field.name)} looks like a Social Security number, and would be kept for everybody to read"
        block.problem("type" if "type" in block else "name", what, "write type: ssn, or sensitive: true", warning=True)


def _check_steps(block: Block, form: Form, steps: Sequence[ReadStep]) -> None:
    placed: set[str] = set()
    for step, each in steps:
        for name in step.fields:
            if name not in form.by_name:
                each.wrong_word("fields", f"{quoted(name)} is not a field of this form", name, tuple(form.by_name))
            elif name in placed:
                each.problem("fields", f"{quoted(name)} stands in two steps", "leave it in one")
            placed.add(name)
    left_out = [quoted(each.name) for each in form.fields if each.kind != "hidden" and each.name not in placed]
    if left_out:
        block.problem("steps", f"leave out {listed(left_out[:5], 'and')}", "add each field to one step")


# --- show_if ---


def with_comparable_conditions(form: Form) -> tuple[Field, ...]:
    """The fields, their conditions written as the answers will be: `true` of a tick is 1, `1,000` is 1000."""
    return tuple(
        replace(
            field,
            show_if={name: _as_answered(form.by_name.get(name), answers) for name, answers in field.show_if.items()},
        )
        for field in form.fields
    )


def _as_answered(other: Field | None, answers: tuple[str, ...]) -> tuple[str, ...]:
    if other is None or other.is_choice:
        return answers
    found = tuple(_normal(other.kind, answer) or answer for answer in answers)
    return (*found, "") if other.is_tick and "0" in found else found  # a box that is not ticked sends nothing


def _normal(kind: str, answer: str) -> str | None:
    try:
        return KINDS[kind].normalise(answer)
    except Invalid:
        return None


def _check_conditions(block: Block, field: Field, form: Form) -> None:
    conditions = block.block("show_if")
    if conditions is None:
        return
    for name, answers in field.show_if.items():
        other = form.by_name.get(name)
        if other is None:
            conditions.wrong_word(name, "is not a field of this form", name, tuple(form.by_name))
        elif other.kind == "file":
            conditions.problem(name, "is a file, which no answer can be compared with", "name another field")
        else:
            for answer in answers:
                _check_answer(conditions, other, answer)
    if _depends_on_itself(field, form.by_name):
        what = "goes in a circle: the field would show only when it is shown"
        block.problem("show_if", what, "remove one of the conditions")


def _check_answer(conditions: Block, other: Field, answer: str) -> None:
    offered = tuple(option.value for option in other.options)
    if other.is_choice and answer not in offered:
        conditions.wrong_word(other.name, f"{quoted(answer)} is not an option of that field", answer, offered)
    elif not other.is_choice and other.if_invalid != "pass" and _normal(other.kind, answer) is None:
        what = f"{quoted(answer)} is an answer that {quoted(other.name)} never has"
        conditions.problem(other.name, what, "write true" if other.is_tick else "write one that fits its type")


def _depends_on_itself(field: Field, by_name: Mapping[str, Field]) -> bool:
    waiting, seen = list(field.show_if), set()
    while waiting:
        name = waiting.pop()
        if name == field.name:
            return True
        if name not in seen and name in by_name:
            seen.add(name)
            waiting.extend(by_name[name].show_if)
    return False


# --- the vendor ---


def check_vendor(vendor: VendorBlock, form: Form, fields: Sequence[ReadField]) -> None:
    """What the vendor cannot take, and what it would not get."""
    blocks = {field.name: block for field, block in fields}
    destination = form.vendor
    is_right = vendor.report(destination, {name: block for name, block in blocks.items() if "send_as" in block})
    for field, block in fields:
        if field.kind == "file" and not vendor.adapter.takes_files:
            mend = "remove the field or choose another vendor"
            block.problem("type", f"{vendor.adapter.label} takes no files", mend)
        if is_right:
            _check_offer(block, field, vendor.adapter, destination)
        _warn_of_cut(block, field, vendor.adapter, destination)
    _refuse_two_in_one_place(vendor, destination, blocks)
    _warn_of_mapping(vendor, form)
    _warn_of_mandatory(vendor, form, destination)


def check_further_vendor(vendor: VendorBlock, form: Form, destination: Destination) -> None:
    """As above for an entry of `also`, which takes the form as it is: what it cannot take, it does not get."""
    if form.has_file and not vendor.adapter.takes_files:
        what = f"{vendor.adapter.label} takes no files and gets the lead without"
        vendor.block.problem("name", what, "choose another vendor if it needs the file", warning=True)
    vendor.report(destination, {})
    _refuse_two_in_one_place(vendor, destination, dict.fromkeys(form.by_name, vendor.block))
    _warn_of_mapping(vendor, form)
    _warn_of_mandatory(vendor, form, destination)


def _check_offer(block: Block, field: Field, adapter: Adapter, destination: Destination) -> None:
    """The vendor's own list of values, or its format, holds for the answers that the form offers.

    A list that stands in the file itself, of option ids, may just be incomplete: that is a warning.
    """
    if "pass" in {adapter.if_invalid, field.if_invalid}:
        return
    wire = adapter.wire_name(field.name, destination)
    allowed, strict = tuple(adapter.choices(field.name, destination)), adapter.formats.get(wire)
    warning = wire not in adapter.options
    for option in field.options:
        what = f"{adapter.label} does not take {quoted(option.value)} here"
        normal = _normal(strict, option.value) if strict else option.value
        if allowed and option.value not in allowed:
            block.wrong_word("options", what, option.value, allowed, warning=warning)
        elif normal != option.value:
            mend = f"write {{value: {normal}, label: {quoted(option.label)}}}" if normal else "remove it"
            block.problem("options", what, mend)
    if allowed and not field.options:
        _check_single_offer(block, field, adapter, allowed)


def _check_single_offer(block: Block, field: Field, adapter: Adapter, allowed: tuple[str, ...]) -> None:
    if field.value and field.value not in allowed:
        what = f"{adapter.label} does not take {quoted(field.value)} here"
        block.wrong_word("value", what, field.value, allowed)
    elif field.kind != "hidden":
        mend = f"add type: select and, as its options, {choose('', allowed).removeprefix('write ')}"
        block.problem("type", f"{adapter.label} takes only certain answers here", mend, warning=True)


def _warn_of_cut(block: Block, field: Field, adapter: Adapter, destination: Destination) -> None:
    """Where the file asks for long answers that the vendor gets only the beginning of."""
    limit = adapter.custom_limit
    if not limit or adapter.wire_name(field.name, destination) in adapter.names or field.name in CAMPAIGN:
        return
    asks_for_long = "max_length" in block and field.max_length > limit
    if asks_for_long or (field.kind == "textarea" and field.max_length > limit):
        what = f"{adapter.label} gets the first {limit} characters of it; the lead here keeps all"
        key = "max_length" if "max_length" in block else "name"
        block.problem(key, what, f"write max_length: {limit}, or send_as one of the vendor's own names", warning=True)


def _refuse_two_in_one_place(vendor: VendorBlock, destination: Destination, blocks: Mapping[str, Block]) -> None:
    """Two fields of the page, or two names that the file sends to a place, must not meet in one."""
    told: set[frozenset[str]] = set()
    for names in (blocks, destination.fields):
        first: dict[str, str] = {}
        for name in names:
            wire = vendor.adapter.wire_name(name, destination)
            other = first.setdefault(wire, name)
            if other != name and frozenset((name, other)) not in told:
                told.add(frozenset((name, other)))
                block, key = _line_of_place(vendor, name, blocks)
                what = f"{quoted(name)} and {quoted(other)} both go to {quoted(wire)}, and one would replace the other"
                block.problem(key, what, "send one of the two under another name")


def _line_of_place(vendor: VendorBlock, name: str, blocks: Mapping[str, Block]) -> tuple[Block, str]:
    """The key that says where the answer goes."""
    if vendor.mapping and name in vendor.mapping:
        return vendor.mapping, name
    block = blocks.get(name, vendor.block)
    return block, "send_as" if "send_as" in block else "name"


def _warn_of_mapping(vendor: VendorBlock, form: Form) -> None:
    mapping = vendor.mapping
    known = {*form.by_name, *CAMPAIGN, *RESERVED, *vendor.adapter.names}
    for name in mapping.table.values if mapping else ():
        if mapping and name not in known and not mapping.findings.is_full(warning=True):
            what = f"is not a field of this form ({choose(name, tuple(form.by_name))})"
            mapping.problem(name, what, "leave it only if a pasted form sends it", warning=True)


def _warn_of_mandatory(vendor: VendorBlock, form: Form, destination: Destination) -> None:
    adapter = vendor.adapter
    ways = ways_in(adapter, destination)
    if ways and not any(set(way) <= set(form.by_name) for way in ways):
        needs = " or ".join(listed(way, "and") for way in adapter.required)
        what = f"{adapter.label} needs {needs}, which no visitor of this page can give"
        vendor.block.problem("name", what, "add the field", warning=True)


def ways_in(adapter: Adapter, destination: Destination) -> tuple[tuple[str, ...], ...]:
    """The vendor's mandatory answers by every name under which a post may bring them: one way must be complete."""
    ways = (product(*(_names_of_place(name, adapter, destination) for name in way)) for way in adapter.required)
    return tuple(dict.fromkeys(chain.from_iterable(ways)))


def _names_of_place(name: str, adapter: Adapter, destination: Destination) -> list[str]:
    """Our reserved name, the vendor's own, and what the file sends there."""
    wire = adapter.place_of(name) or name
    names = (name, wire, *destination.fields)
    found = dict.fromkeys(each for each in names if adapter.wire_name(each, destination) == wire)
    return list(found) or [name]
