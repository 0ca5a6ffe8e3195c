"""Erasing: one person on request, everybody after the time that their form says. Counts stay, persons go."""

from __future__ import annotations

import json
import logging
import re
import time
from collections.abc import Iterator, Sequence
from typing import Any
from urllib.parse import quote, unquote

from sqlalchemy import Connection, Text, cast, delete, null, or_, select, update

from leadferry import search
from leadferry.catalog import Catalog
from leadferry.forms import Form
from leadferry.models import attempt, delivery, lead, lead_file
from leadferry.store import Store

log = logging.getLogger("leadferry.privacy")

DAY = 86_400.0
QUARANTINE_DAYS = 30
BATCH = 500


# --- finding a person ---

_PLACES: tuple[tuple[str, Any, Any], ...] = (
    # what it is called, the column, and how its row leads to the lead
    ("answers", lead.c.answers, lead),
    ("campaign", lead.c.campaign, lead),
    ("consent", lead.c.consent, lead),
    ("source", lead.c.source, lead),
    ("request", delivery.c.payload, lead.join(delivery)),
    ("tries", attempt.c.calls, lead.join(delivery).join(attempt)),
    ("tries", attempt.c.words, lead.join(delivery).join(attempt)),
)


def find_person(store: Store, email: str) -> dict[int, tuple[str, ...]]:
    """The ids of all leads that hold this address, whatever its letters' case, each with the places where it stands.

    The whole store is read: answers, the campaign's too, consent, source, frozen requests, and what was sent and said
    at each try. An address that another one ends or begins with is another one's.
    """
    pattern = _pattern(email.strip())
    found: dict[int, list[str]] = {}
    with store.read() as connection:
        for place, column, rows in _PLACES:
            maybe = or_(*(cast(column, Text).icontains(text, autoescape=True) for text in _spellings(email.strip())))
            query = select(lead.c.id, column).select_from(rows).where(maybe)
            for lead_id, content in connection.execute(query).yield_per(BATCH):
                if any(pattern.search(text) for text in _texts(content)):
                    found.setdefault(lead_id, []).append(place)
    return {lead_id: tuple(dict.fromkeys(found[lead_id])) for lead_id in sorted(found)}


def leads_of_person(store: Store, email: str) -> list[int]:
    """The ids of all leads that hold this address anywhere."""
    return list(find_person(store, email))


def _spellings(email: str) -> set[str]:
    """As the address may stand in JSON, and there in a web address."""
    return {email, json.dumps(email)[1:-1], quote(email, safe=""), quote(email, safe="@+")}


def _pattern(email: str) -> re.Pattern[str]:
    return re.compile(rf"(?<![\w.+%-]){re.escape(email)}(?![\w-]|\.\w)", re.IGNORECASE)


def _texts(content: Any) -> Iterator[str]:
    """Every text in a JSON column, also as it reads where it is escaped for a web address."""
    if isinstance(content, str):
        yield content
        if "%" in content:
            yield unquote(content)
    elif isinstance(content, dict):
        for name, value in content.items():
            yield from _texts(name)
            yield from _texts(value)
    elif isinstance(content, list):
        for value in content:
            yield from _texts(value)


# --- erasing ---


def erase(store: Store, lead_ids: Sequence[int], now: float | None = None) -> int:
    """Takes everything personal from these leads: answers, campaign, consent, source, files, requests and answers.

    What was not delivered can never be, and becomes `rejected` with the reason `erased`; form, time, state and
    counts stay. A try that is just under way may still reach the vendor. Nothing of it is left in SQLite's files
    either, but for what a reader that is at work holds on to for a moment. Returns how many were erased.
    """
    now = time.time() if now is None else now
    erased = 0
    searchable = store.has_table("lead_search")
    for start in range(0, len(lead_ids), BATCH):
        ids = lead_ids[start : start + BATCH]
        with store.write() as connection:
            if searchable:
                search.forget(connection, ids)
            erased += _erase(connection, ids, now)
    if erased:
        store.forget_log()
    return erased


def _erase(connection: Connection, ids: Sequence[int], now: float) -> int:
    deliveries = select(delivery.c.id).where(delivery.c.lead_id.in_(ids))
    connection.execute(
        update(attempt).where(attempt.c.delivery_id.in_(deliveries)).values(calls=[], words=None, code=null())
    )
    connection.execute(update(delivery).where(delivery.c.lead_id.in_(ids)).values(payload=null(), vendor_lead_id=None))
    connection.execute(
        update(delivery)
        .where(delivery.c.lead_id.in_(ids), delivery.c.state.in_(["pending", "sending", "held", "dead"]))
        .values(state="rejected", reason="erased", token=None, settled_at=now)
    )
    connection.execute(delete(lead_file).where(lead_file.c.lead_id.in_(ids)))
    done = connection.execute(
        update(lead)
        .where(lead.c.id.in_(ids), lead.c.erased_at.is_(None))
        .values(answers={}, campaign={}, cleaned=[], consent=null(), source={}, content_hash="", erased_at=now)
        .returning(lead.c.id)
    )
    return len(done.all())


class Retention:
    """Erases what is past its time; undelivered leads are never erased by their age alone."""

    def __init__(self, store: Store, catalog: Catalog) -> None:
        self._store = store
        self._catalog = catalog

    def erase_old(self) -> int:
        """Leads past their form's `retention` that every vendor took or refused, quarantined ones past `spam.keep`."""
        now = self._store.now()
        forms = {name: form for name, form in self._catalog.all().items() if isinstance(form, Form)}
        is_of_no_form = _is_junk() & lead.c.form.not_in(list(forms))
        erased = self._erase_all(is_of_no_form, now - QUARANTINE_DAYS * DAY, now)
        for name, form in forms.items():
            is_its = lead.c.form == name
            erased += self._erase_all(is_its & _is_junk(), now - form.spam.keep * DAY, now)
            erased += self._erase_all(is_its & _is_settled(), now - form.retention * DAY, now)
        if erased:
            log.info("erased what was past its time", extra={"leads": erased})
        return erased

    def _erase_all(self, condition: Any, before: float, now: float) -> int:
        query = (
            select(lead.c.id)
            .where(lead.c.erased_at.is_(None), lead.c.received_at < before, condition)
            .order_by(lead.c.received_at)
            .limit(BATCH)
        )
        erased = 0
        while True:
            with self._store.read() as connection:
                ids = list(connection.execute(query).scalars())
            if not ids:
                return erased
            erased += erase(self._store, ids, now)


def _is_junk() -> Any:
    return lead.c.quarantine.is_not(None)


def _is_settled() -> Any:
    """Every delivery of it has come to an end that needs nobody: delivered, or refused by the vendor."""
    open_ones = select(delivery.c.id).where(
        delivery.c.lead_id == lead.c.id, delivery.c.state.not_in(["delivered", "rejected"])
    )
    return lead.c.quarantine.is_(None) & ~open_ones.exists()
