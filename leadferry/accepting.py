"""Accepting leads: each is stored once, with its deliveries. Those that come at the same time share a transaction."""

from __future__ import annotations

import hashlib
import json
import time
from collections import defaultdict
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from sqlalchemy import Connection, bindparam, select

from leadferry import models, outbox, search
from leadferry.leads import Accepted, NewLead
from leadferry.outbox import Claim
from leadferry.sealing import shown, texts_of
from leadferry.statements import Insert, Statement
from leadferry.store import Store
from leadferry.vendors.base import Request

REPEAT_WINDOW = 600
"""Seconds in which the same content posted to the same form is the same lead."""


def accept(
    store: Store,
    lead: NewLead,
    payloads: Mapping[str, Request | None],
    *,
    take: bool = False,
    at_once: int | None = None,
    repeats: bool = True,
) -> Accepted:
    """Stores a lead and its deliveries in one transaction; they are durable when this returns.

    ``take`` gives the caller a lease of the `vendor` delivery, to attempt it at once, unless the vendor is known to be
    down or has ``at_once`` calls under way already. A repetition within ten minutes stores nothing and returns the
    first one, unless ``repeats`` is off.

    Raises:
        StoreError: nothing was stored, as far as is known; a lead that was stored all the same is delivered.
    """
    take = take and not lead.quarantine
    return store.transact_together(_stored, _made_ready(store, lead, payloads, take, at_once, repeats))


@dataclass(frozen=True)
class _Ready:
    """A lead, and what of it is worked out before its turn to be written comes, as others wait for theirs."""

    lead: NewLead
    digest: str
    answers: Mapping[str, Any]
    found_by: set[str]
    frozen: Mapping[str, dict[str, Any] | None]
    take: bool
    at_once: int | None
    repeats: bool

    @property
    def reference(self) -> str:
        return self.lead.reference


def _made_ready(
    store: Store,
    lead: NewLead,
    payloads: Mapping[str, Request | None],
    take: bool,
    at_once: int | None,
    repeats: bool,
) -> _Ready:
    answers = store.sealer.sealed(lead.values, lead.sensitive) if lead.sensitive else dict(lead.values)
    return _Ready(
        lead=lead,
        digest=content_hash(store, lead),
        answers=answers,
        found_by=search.terms(shown(answers), lead.campaign) if store.has_table("lead_search") else set(),
        frozen={name: _frozen(store, lead, request) for name, request in payloads.items()},
        take=take,
        at_once=at_once,
        repeats=repeats,
    )


def content_hash(store: Store, lead: NewLead) -> str:
    """Of what is sealed only a keyed hash is hashed: there are few enough numbers to try them all."""
    values = {name: store.sealer.fingerprint(lead.values[name]) for name in lead.sensitive}
    files = {name: hashlib.sha256(each.content).hexdigest() for name, each in lead.files.items()}
    content = json.dumps([{**lead.values, **values}, lead.campaign, files], sort_keys=True, ensure_ascii=True)
    return hashlib.sha256(content.encode()).hexdigest()


def _frozen(store: Store, lead: NewLead, request: Request | None) -> dict[str, Any] | None:
    if request is None:
        return None
    sensitive = texts_of(lead.values, lead.sensitive)
    return store.sealer.frozen(request, sensitive) if sensitive else request.to_json()


def _stored(store: Store, connection: Connection, several: Sequence[_Ready], alone: bool) -> list[Accepted | None]:
    """None for one whose like is just being stored, here or by another process: alone, it waits for that."""
    compared = [each for each in several if each.repeats]
    held_off = _hold_off_others(store, connection, compared, alone)
    repeated = _repetitions(connection, compared)
    found: dict[str, Accepted | None] = {**dict.fromkeys(held_off()), **repeated}
    found |= _stored_anew(store, connection, [each for each in several if each.reference not in found])
    return [found[each.reference] for each in several]


# --- repetitions ---


def _hold_off_others(
    store: Store, connection: Connection, several: Sequence[_Ready], alone: bool
) -> Callable[[], list[str]]:
    """Of those with the same content one is stored at a time, or both could find nothing like them.

    Gives the references of those that are not the one, when what is returned is called. Who is alone waits for it.
    """
    if alone:
        for each in several:
            store.one_at_a_time(connection, each.digest)
        return list
    first: dict[str, str] = {}
    for each in several:
        first.setdefault(each.digest, each.reference)
    elsewhere = store.try_alone(connection, list(first))

    def answer() -> list[str]:
        held = elsewhere()
        return [each.reference for each in several if each.digest in held or first[each.digest] != each.reference]

    return answer


def _repetitions(connection: Connection, several: Sequence[_Ready]) -> dict[str, Accepted]:
    """By reference."""
    of_forms: defaultdict[str, list[_Ready]] = defaultdict(list)
    for each in several:
        of_forms[each.lead.form.name].append(each)
    answers = [(its, _ask_for_alike(connection, form, its)) for form, its in of_forms.items()]
    found: dict[str, Accepted] = {}
    for its, answer in answers:
        alike = sorted((_Alike(*row) for row in answer()), key=lambda each: each.lead_id)
        found |= {
            new.reference: Accepted(old.lead_id, old.reference, repeated=True)
            for new in its
            for old in alike
            if old.is_repeated_by(new)
        }
    return found


@dataclass(frozen=True)
class _Alike:
    """A stored lead whose content a new one may have."""

    lead_id: int
    reference: str
    digest: str
    received_at: float
    test: bool
    is_held: bool

    def is_repeated_by(self, new: _Ready) -> bool:
        """What is above suspicion is no repetition of what is held as junk: it is delivered."""
        return (
            self.digest == new.digest
            and self.received_at > new.lead.received_at - REPEAT_WINDOW
            and bool(self.test) == new.lead.test
            and (not self.is_held or bool(new.lead.quarantine))
        )


def _ask_for_alike(connection: Connection, form: str, several: Sequence[_Ready]) -> Callable[[], list[Any]]:
    count = 1 << (len(several) - 1).bit_length()  # so that a few texts serve any number
    digests = {f"digest_{place}": several[min(place, len(several) - 1)].digest for place in range(count)}
    since = min(each.lead.received_at for each in several) - REPEAT_WINDOW
    return _alike(count).ask(connection, {"form": form, "since": since, **digests})


@lru_cache
def _alike(count: int) -> Statement:
    columns = models.lead.c
    wanted = (columns.id, columns.reference, columns.content_hash, columns.received_at, columns.test)
    return Statement(
        select(*wanted, columns.quarantine.is_not(None)).where(
            columns.form == bindparam("form"),
            columns.content_hash.in_([bindparam(f"digest_{place}") for place in range(count)]),
            columns.received_at > bindparam("since"),
        )
    )


# --- new ones ---


def _stored_anew(store: Store, connection: Connection, several: Sequence[_Ready]) -> dict[str, Accepted]:
    """By reference."""
    if not several:
        return {}
    answer = store.ask_now(connection)
    ids = _insert_leads(connection, several)
    now = answer()
    search.write(connection, {ids[each.reference]: each.found_by for each in several})
    taken_at, tokens = time.monotonic(), _take(store, connection, several)
    rows = {each.reference: _deliveries(each, ids[each.reference], now, tokens) for each in several}
    numbers = outbox.add(connection, [row for its in rows.values() for row in its])
    found = {}
    for each in several:
        lead_id = ids[each.reference]
        is_taken = each.reference in tokens
        claim = _claim(each.lead, rows[each.reference][0], numbers[lead_id], taken_at) if is_taken else None
        found[each.reference] = Accepted(lead_id, each.reference, claim)
    return found


def _insert_leads(connection: Connection, several: Sequence[_Ready]) -> dict[str, int]:
    """Their ids, by reference."""
    ids = {
        reference: lead_id for lead_id, reference in _INSERT_LEADS.rows(connection, [_row(each) for each in several])
    }
    for lead in (each.lead for each in several):
        for name, each in lead.files.items():
            row = {"lead_id": ids[lead.reference], "field": name, "filename": each.filename, "content": each.content}
            _INSERT_FILES.run(connection, [row])
    return ids


_INSERT_LEADS = Insert(models.lead, models.lead.c.id, models.lead.c.reference)
_INSERT_FILES = Insert(models.lead_file)


def _row(each: _Ready) -> dict[str, Any]:
    lead = each.lead
    return {
        "reference": lead.reference,
        "form": lead.form.name,
        "version": lead.form.version,
        "received_at": lead.received_at,
        "answers": each.answers,
        "campaign": dict(lead.campaign),
        "cleaned": list(lead.cleaned),
        "consent": lead.consent,
        "source": dict(lead.source),
        "content_hash": each.digest,
        "quarantine": list(lead.quarantine) or None,
        "test": lead.test,
    }


def _take(store: Store, connection: Connection, several: Sequence[_Ready]) -> dict[str, str]:
    """The tokens of those that their callers may try at once, by reference."""
    room = outbox.Room(store, connection)
    wanted = sorted((each for each in several if each.take), key=lambda each: each.lead.form.vendor.adapter)
    return {each.reference: outbox.new_token() for each in wanted if room.take(each.lead.form.vendor, each.at_once)}


def _deliveries(each: _Ready, lead_id: int, now: float, tokens: Mapping[str, str]) -> list[dict[str, Any]]:
    """The `vendor` delivery comes first. What is held as junk has none."""
    if each.lead.quarantine:
        return []
    rows = [outbox.new_row(lead_id, one, each.frozen.get(one.name), now) for one in each.lead.form.destinations]
    if each.reference in tokens:
        rows[0] |= {"state": "sending", "due_at": now + outbox.LEASE, "token": tokens[each.reference]}
    return rows


def _claim(lead: NewLead, row: Mapping[str, Any], delivery_id: int, taken_at: float) -> Claim:
    return Claim(
        id=delivery_id,
        lead_id=row["lead_id"],
        reference=lead.reference,
        form=lead.form.name,
        version=lead.form.version,
        received_at=lead.received_at,
        destination=row["destination"],
        account=row["account"],
        vendor=row["vendor"],
        token=row["token"],
        attempts=0,
        unsure=False,
        payload=row["payload"],
        taken_at=taken_at,
    )
