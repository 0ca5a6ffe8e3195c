"""What a person does with leads: sends them again, releases them, mends their answers; one, or many at once."""

from __future__ import annotations

import time
from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Row, func, insert, not_, select

from leadferry import leads, outbox
from leadferry.catalog import Catalog
from leadferry.languages import sentence
from leadferry.models import delivery, lead, lead_batch
from leadferry.store import Store
from leadferry.submission import FieldError, read

MOST_AT_ONCE = 10_000
_CHUNK = 1000

OPEN = ("pending", "rejected", "held", "dead")
SETTLED = ("delivered", "sending")
"""States of deliveries that sending again leaves as they are."""


def resend(store: Store, lead_ids: Sequence[int]) -> int:
    """All that is not delivered of these leads is due now, and accounts that made them wait go on. Returns how many."""
    opened = 0
    accounts: set[str] = set()
    for start in range(0, len(lead_ids), _CHUNK):
        open_ones = _open_deliveries(store, lead_ids[start : start + _CHUNK])
        opened += outbox.reopen(store, [each.id for each in open_ones], store.now())
        accounts |= {each.account for each in open_ones}
    for account in sorted(accounts):
        outbox.resume(store, account, store.now())
    return opened


def _open_deliveries(store: Store, lead_ids: Sequence[int]) -> list[Row[Any]]:
    query = select(delivery.c.id, delivery.c.account).where(
        delivery.c.lead_id.in_(lead_ids), not_(delivery.c.state.in_(SETTLED)), delivery.c.lead_id.not_in(_erased())
    )
    with store.read() as connection:
        return list(connection.execute(query))


def _erased() -> Any:
    """Their deliveries ended with them."""
    return select(lead.c.id).where(lead.c.id == delivery.c.lead_id, lead.c.erased_at.is_not(None))


def release(store: Store, catalog: Catalog, row: Row[Any]) -> bool:
    """Delivers a lead that was held as junk. False where it is held no more, or its form cannot be read."""
    form = catalog.version(row.form, row.version)
    return form is not None and leads.release(store, row.id, form)


def mend(store: Store, catalog: Catalog, row: Row[Any], given: Sequence[tuple[str, str]]) -> list[FieldError]:
    """Puts new values into a lead, held against its form as a visitor's are; an empty one takes the answer out.

    Returns what is wrong with them; nothing is changed then.
    """
    form = catalog.version(row.form, row.version)
    if form is None:
        return [
            FieldError(None, "lf201", sentence("The version of its form cannot be read, so nothing can be checked."))
        ]
    submission = read(form, given)
    names = {name for name, _ in given}
    wrong = [error for error in submission.errors if error.field in names]
    if not wrong:
        values = {name: submission.values[name] for name, value in given if value and name in submission.values}
        leads.edit(store, row.id, values, [name for name, value in given if not value], form)
    return wrong


# --- many at once ---


@dataclass(frozen=True)
class Batch:
    """Leads that somebody handled together, to see how they get on."""

    id: int
    at: float
    user: str
    action: str
    lead_ids: Sequence[int]


def note_batch(store: Store, user: str, action: str, lead_ids: Sequence[int]) -> int:
    row = {"at": time.time(), "user": user, "action": action, "lead_ids": list(lead_ids)}
    with store.write() as connection:
        return int(connection.execute(insert(lead_batch).values(row).returning(lead_batch.c.id)).scalar_one())


def find_batch(store: Store, batch_id: int) -> Batch | None:
    with store.read() as connection:
        row = connection.execute(select(lead_batch).where(lead_batch.c.id == batch_id)).first()
    return Batch(row.id, row.at, row.user, row.action, row.lead_ids) if row else None


def batch_states(store: Store, batch: Batch) -> dict[str, int]:
    """How many of its leads stand where, by their `vendor` delivery; held ones have none, and are `quarantined`."""
    states: dict[str, int] = {}
    with store.read() as connection:
        for start in range(0, len(batch.lead_ids), _CHUNK):
            query = (
                select(delivery.c.state, func.count())
                .where(
                    delivery.c.lead_id.in_(batch.lead_ids[start : start + _CHUNK]), delivery.c.destination == "vendor"
                )
                .group_by(delivery.c.state)
            )
            for state, count in connection.execute(query):
                states[state] = states.get(state, 0) + count
    rest = len(batch.lead_ids) - sum(states.values())
    return states | ({"quarantined": rest} if rest else {})
