"""What the last real leads would have become under a draft. Nothing is sent, and nothing is stored."""

from __future__ import annotations

import logging
from collections import Counter
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from functools import reduce
from typing import Any

from leadferry import leads
from leadferry.forms import Field, Form
from leadferry.languages import plural, sentence
from leadferry.leads import Filter
from leadferry.sealing import Unsealable, texts_of
from leadferry.store import Store
from leadferry.submission import Submission, read
from leadferry.vendors.base import Adapter, Destination, LeadData, Request, Value, as_text

log = logging.getLogger("leadferry.rehearsal")

MASK = "•••"
MOST_LEADS = 50
LOOKED_THROUGH = 400
"""Leads among which so many real ones are looked for: tests, junk and erased ones tell nothing."""


@dataclass(frozen=True)
class Difference:
    """One thing that one lead would meet. ``kind`` is `fails`, `lost`, `gained` or `sent`.

    ``place`` is a field, or the vendor's own name; ``before`` and ``after`` are what stands there, None for nothing.
    What is ours of them is a sentence; ``words`` of what fails are the visitor's, in the form's language.
    """

    lead: str
    kind: str
    place: str
    words: str
    before: str | None = None
    after: str | None = None


@dataclass(frozen=True)
class Finding:
    """The same difference at many leads, with some of them as examples."""

    kind: str
    place: str
    words: str
    count: int
    examples: tuple[Difference, ...]


@dataclass(frozen=True)
class Rehearsal:
    """``leads`` were tried; ``failing`` of them would now be refused, ``changed`` reach the vendor otherwise."""

    leads: int
    failing: int
    changed: int
    findings: tuple[Finding, ...] = field(default=())


def rehearse(
    store: Store,
    adapters: Mapping[str, Adapter],
    today: Form,
    draft: Form,
    progress: Callable[[int, int], None] = lambda _done, _all: None,
) -> Rehearsal:
    """Runs the last real leads of a form through both; ``progress`` is told how many of how many are done."""
    found = _last_leads(store, today.name)
    differences: list[Difference] = []
    for number, row in enumerate(found, start=1):
        differences += _differences(store, adapters, row, today, draft)
        progress(number, len(found))
    failing = {each.lead for each in differences if each.kind == "fails"}
    changed = {each.lead for each in differences} - failing
    return Rehearsal(len(found), len(failing), len(changed), tuple(_findings(differences)))


def _last_leads(store: Store, form: str) -> list[Any]:
    found = leads.find(store, Filter(form=form, test=False), limit=LOOKED_THROUGH)
    return [row for row in found if row.quarantine is None and row.erased_at is None][:MOST_LEADS]


def _findings(differences: Sequence[Difference]) -> Iterator[Finding]:
    order = {"fails": 0, "lost": 1, "gained": 2, "sent": 3}
    counted = Counter((each.kind, each.place, each.words) for each in differences)
    for kind, place, words in sorted(counted, key=lambda key: (order[key[0]], -counted[key], key[1])):
        same = [each for each in differences if (each.kind, each.place, each.words) == (kind, place, words)]
        yield Finding(kind, place, words, counted[kind, place, words], tuple(same[:3]))


# --- one lead ---


def _differences(
    store: Store, adapters: Mapping[str, Adapter], row: Any, today: Form, draft: Form
) -> Iterator[Difference]:
    try:
        data = leads.load_data(store, row.id, today.vendor, send_campaign=True)
    except Unsealable:
        return
    sealed = {name for name in data.values if today.is_sensitive(name) or draft.is_sensitive(name)}
    hidden = texts_of(data.values, sealed)
    for each in _open_differences(adapters, data, today, draft):
        if each.kind != "fails" or not (today.is_sensitive(each.place) or draft.is_sensitive(each.place)):
            yield replace(each, before=_masked(each.before, hidden), after=_masked(each.after, hidden))


def _masked(text: str | None, hidden: frozenset[str]) -> str | None:
    """A sensitive answer is shown to nobody."""
    return MASK if text and any(value in text for value in hidden) else text


def _open_differences(
    adapters: Mapping[str, Adapter], data: LeadData, today: Form, draft: Form
) -> Iterator[Difference]:
    now = read(today, list(_pairs({**data.values, **data.campaign})), _files(data, today))
    then = read(draft, list(_pairs(_as_asked(data, today, draft))), _files(data, draft))
    refused_today = {(error.field, error.code) for error in now.errors}
    errors = [error for error in then.errors if (error.field, error.code) not in refused_today]
    for error in errors:
        yield Difference(data.reference, "fails", error.field or "", error.message, _answer(now, error.field))
    if not errors:
        yield from _values(data.reference, now, then)
        yield from _sent(adapters, data, (now, today), (then, draft))


def _as_asked(data: LeadData, today: Form, draft: Form) -> dict[str, Value]:
    """What the draft's own page would post of a lead: nothing that it no longer asks, and its own hidden values."""
    return {
        name: value
        for name, value in {**data.values, **data.campaign}.items()
        if not _is_of_todays_page_alone(today.by_name.get(name), value, draft)
    }


def _is_of_todays_page_alone(asked: Field | None, value: Value, draft: Form) -> bool:
    if asked is None:
        return False
    is_gone = asked.name not in draft.by_name and not draft.knows(asked.name)
    return is_gone or (asked.kind == "hidden" and asked.value == value)


def _pairs(values: Mapping[str, Value]) -> Iterator[tuple[str, str]]:
    for name, value in values.items():
        for text in value if isinstance(value, list) else [value]:
            yield name, text


def _files(data: LeadData, form: Form) -> dict[str, Any]:
    return {name: each for name, each in data.files.items() if name in form.by_name}


def _answer(submission: Submission, name: str | None) -> str | None:
    value = submission.values.get(name or "")
    return as_text(value) if value else None


def _values(lead: str, now: Submission, then: Submission) -> Iterator[Difference]:
    before, after = ({**each.values, **each.campaign} for each in (now, then))
    for name in before:
        if name not in after:
            yield Difference(lead, "lost", name, sentence("is not kept any more"), as_text(before[name]))
    for name in after:
        if name not in before:
            yield Difference(lead, "gained", name, sentence("is new with each lead"), None, as_text(after[name]))


# --- what the vendor would get ---


def _sent(
    adapters: Mapping[str, Adapter], data: LeadData, before: tuple[Submission, Form], after: tuple[Submission, Form]
) -> Iterator[Difference]:
    old, new = ({each.name: each for each in form.destinations} for _, form in (before, after))
    for name in dict.fromkeys([*old, *new]):
        was = _body(adapters, data, before, old.get(name))
        will = _body(adapters, data, after, new.get(name))
        where = sentence("at {vendor}").of(vendor=adapters[(new.get(name) or old[name]).adapter].label)
        for place in dict.fromkeys([*was, *will]):
            if was.get(place) != will.get(place):
                yield Difference(data.reference, "sent", place, where, was.get(place), will.get(place))


def _body(
    adapters: Mapping[str, Adapter], data: LeadData, made: tuple[Submission, Form], destination: Destination | None
) -> dict[str, str]:
    """The request by its places; credentials stand there by their names."""
    if destination is None:
        return {}
    submission, form = made
    lead = LeadData(
        reference=data.reference,
        form=data.form,
        version=data.version,
        received_at=data.received_at,
        values=submission.values,
        campaign=submission.campaign if form.campaign == "send" else {},
        files=submission.files,
        consent=data.consent,
        test=data.test,
        message_id=leads.message_id(data.reference, destination.name),
        sensitive=data.sensitive,
    )
    try:
        return _flat(adapters[destination.adapter].build_request(lead, destination))
    except Exception:
        log.exception("adapter failed in a rehearsal", extra={"lead": data.reference})
        return {sentence("request"): sentence("cannot be made of this lead")}


def _flat(request: Request) -> dict[str, str]:
    found: dict[str, str] = {sentence("address"): str(request.url)}
    if request.form is None:
        return found | dict(_leaves(request.json, ""))
    several: dict[str, list[str]] = {}
    for name, value in request.form:
        several.setdefault(name, []).append(_text(value))
    return found | {name: reduce(_both, values) for name, values in several.items()}


def _both(one: str, other: str) -> str:
    return sentence("{one}, {other}").of(one=one, other=other)


def _text(value: Any) -> str:
    if isinstance(value, bytes):
        return plural("{count} byte", "{count} bytes").of(len(value))
    return str(value)


def _leaves(value: Any, path: str) -> Iterator[tuple[str, str]]:
    if isinstance(value, Mapping):
        for key, each in value.items():
            yield from _leaves(each, f"{path}.{key}" if path else str(key))
    elif isinstance(value, list | tuple):
        for number, each in enumerate(value, start=1):
            yield from _leaves(each, f"{path}[{number}]")
    elif value is not None:
        yield path, str(value)
