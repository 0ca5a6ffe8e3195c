"""Counts over the whole store: for alerts, metrics and the balance; and which process's turn it is to look."""

from __future__ import annotations

from collections.abc import Iterable
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Integer, and_, cast, func, select, update

from leadferry.models import alert, delivery, heartbeat, lead
from leadferry.outbox import STATES
from leadferry.store import Store


@dataclass(frozen=True)
class Stuck:
    """Deliveries of one account that wait for a person: how many, and when the last came to it."""

    account: str
    state: str
    leads: int
    last: float


def take_turn(store: Store, name: str, every: float) -> bool:
    """Whether the caller is the one process of all that does this now."""
    now = store.now()
    with store.write() as connection:
        connection.execute(store.insert_new(heartbeat).values(name=name, at=0.0))
        late = and_(heartbeat.c.name == name, heartbeat.c.at <= now - every) | and_(
            heartbeat.c.name == name,
            heartbeat.c.at > now,  # the clock was set back
        )
        taken = connection.execute(update(heartbeat).where(late).values(at=now).returning(heartbeat.c.name))
        return taken.first() is not None


def stuck(store: Store) -> list[Stuck]:
    query = (
        select(delivery.c.account, delivery.c.state, func.count(), func.max(delivery.c.settled_at))
        .where(delivery.c.state.in_(["held", "dead"]))
        .group_by(delivery.c.account, delivery.c.state)
    )
    with store.read() as connection:
        return [Stuck(account, state, count, last or 0.0) for account, state, count, last in connection.execute(query)]


def waiting_leads(store: Store, account: str) -> int:
    query = select(func.count()).where(delivery.c.account == account, delivery.c.state == "pending")
    with store.read() as connection:
        return int(connection.execute(query).scalar_one())


def oldest_waiting(store: Store) -> float | None:
    """When the oldest lead that still waits was received, also leads; seconds since 1970."""
    query = (
        select(func.min(lead.c.received_at))
        .join(delivery, delivery.c.lead_id == lead.c.id)
        .where(delivery.c.state.in_(["pending", "sending"]))
    )
    with store.read() as connection:
        found = connection.execute(query).scalar()
    return float(found) if found is not None else None


def leads_by_state(store: Store) -> dict[str, int]:
    """How many leads stand where, by their `vendor` delivery; quarantined ones apart."""
    states = select(delivery.c.state, func.count()).where(delivery.c.destination == "vendor").group_by(delivery.c.state)
    junk = select(func.count()).where(lead.c.quarantine.is_not(None))
    with store.read() as connection:
        found = {state: int(count) for state, count in connection.execute(states)}
        quarantined = int(connection.execute(junk).scalar_one())
    return {**{state: found.get(state, 0) for state in STATES}, "quarantined": quarantined}


def received_by_hour(store: Store, form: str, now: float, hours: int) -> list[int]:
    """Leads of a form in each of the last hours, oldest first; the last is the hour that ends now."""
    start = now - hours * 3600
    hour: Any = cast(func.floor((lead.c.received_at - start) / 3600), Integer)
    query = (
        select(hour, func.count())
        .where(lead.c.form == form, lead.c.received_at >= start, lead.c.received_at < now, lead.c.test.is_(False))
        .group_by(hour)
    )
    counts = [0] * hours
    with store.read() as connection:
        for index, leads in connection.execute(query):
            counts[min(max(index, 0), hours - 1)] += leads
    return counts


# --- what was reported ---


def alert_is_due(store: Store, cause: str, mark: str, *, quiet: float, reminder: float) -> bool:
    """A cause is reported when it is new or has changed, but not twice within ``quiet`` seconds; and once more after
    ``reminder`` seconds while it lasts.
    """
    with store.read() as connection:
        row = connection.execute(select(alert).where(alert.c.cause == cause)).first()
    if row is None:
        return True
    age = abs(store.now() - row.sent_at)
    return bool(age >= quiet and (row.mark != mark or age >= reminder))


def note_alerts(store: Store, sent: Iterable[tuple[str, str]]) -> None:
    now = store.now()
    with store.write() as connection:
        for cause, mark in sent:
            connection.execute(store.insert_new(alert).values(cause=cause, mark=mark, sent_at=now))
            connection.execute(update(alert).where(alert.c.cause == cause).values(mark=mark, sent_at=now))
