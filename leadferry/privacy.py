"""Erasing: one person on request, everybody after the time that their form says. Counts stay, persons go."""

from __future__ import annotations

import logging
import time
from collections.abc import Sequence
from typing import Any

from sqlalchemy import Connection, delete, null, select, update

from leadferry.catalog import Catalog
from leadferry.forms import Form
from leadferry.models import attempt, delivery, lead, lead_file
from leadferry.store import Store

log = logging.getLogger("leadferry.privacy")

DAY = 86_400.0
QUARANTINE_DAYS = 30
BATCH = 500


def leads_of_person(store: Store, email: str) -> list[int]:
    """The ids of all leads in which this address stands as an answer of any field, whatever its letters' case."""
    wanted = email.strip().lower()
    with store.read() as connection:
        rows = connection.execute(
            select(lead.c.id, lead.c.answers).where(lead.c.erased_at.is_(None)).order_by(lead.c.id)
        )
        return [row.id for row in rows.yield_per(BATCH) if _names(row.answers, wanted)]


def _names(answers: dict[str, Any], wanted: str) -> bool:
    texts = (text for value in answers.values() for text in (value if isinstance(value, list) else [value]))
    return any(str(text).strip().lower() == wanted for text in texts)


def erase(store: Store, lead_ids: Sequence[int], now: float | None = None) -> int:
    """Takes everything personal from these leads: answers, campaign, consent, source, files, requests and answers.

    What was not delivered can never be, and becomes `rejected` with the reason `erased`; form, time, state and
    counts stay. A try that is just under way may still reach the vendor. Returns how many were erased.
    """
    now = time.time() if now is None else now
    erased = 0
    for start in range(0, len(lead_ids), BATCH):
        with store.write() as connection:
            erased += _erase(connection, lead_ids[start : start + BATCH], now)
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
        """Delivered leads past their form's `retention`, and quarantined ones past their own time."""
        now = self._store.now()
        erased = self._erase_all(_is_junk(), now - QUARANTINE_DAYS * DAY, now)
        for name, form in self._catalog.all().items():
            if isinstance(form, Form):
                erased += self._erase_all((lead.c.form == name) & _is_settled(), now - form.retention * DAY, now)
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
