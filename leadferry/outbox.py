"""Every query about deliveries: who may try which when, and what became of it."""

from __future__ import annotations

import secrets
import time
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from sqlalchemy import Connection, Row, and_, case, func, insert, not_, null, select, update

from leadferry.models import account, attempt, delivery, lead, pace
from leadferry.store import Store
from leadferry.vendors.base import Destination, Request

STATES = ("delivered", "pending", "sending", "rejected", "held", "dead")

LEASE = 60.0
"""Seconds for which a claimed delivery is its holder's alone."""


@dataclass(frozen=True)
class Claim:
    """A delivery that the holder of ``token`` may try now.

    ``interrupted``: an earlier holder's lease ran out while sending, so nobody knows what became of that try.
    """

    id: int
    lead_id: int
    reference: str
    form: str
    version: str
    received_at: float
    destination: str
    account: str
    vendor: str
    token: str
    attempts: int
    unsure: bool
    payload: Mapping[str, Any] | None
    interrupted: bool = False


@dataclass(frozen=True)
class Tried:
    """One try, as it is recorded. ``calls`` holds {request, status, answer}, with secrets masked."""

    at: float
    trigger: str
    outcome: str
    reason: str | None
    code: str | None
    words: str
    milliseconds: int
    calls: Sequence[Mapping[str, Any]] = ()


@dataclass(frozen=True)
class NextState:
    """Where a delivery stands after a try. ``due_at`` matters for `pending` only."""

    state: str
    due_at: float = 0.0
    unsure: bool = False
    reason: str | None = None
    error_code: str | None = None
    vendor_lead_id: str | None = None
    keep_payload: bool = True


def new_token() -> str:
    return secrets.token_hex(8)


def account_of(destination: Destination) -> str:
    """What pauses as one: a form's account at a vendor."""
    return f"{destination.form}/{destination.name}"


def new_row(lead_id: int, destination: Destination, payload: Request | None, now: float) -> dict[str, Any]:
    return {
        "lead_id": lead_id,
        "destination": destination.name,
        "account": account_of(destination),
        "vendor": destination.adapter,
        "state": "pending",
        "due_at": now,
        "token": None,
        "attempts": 0,
        "unsure": False,
        "payload": payload.to_json() if payload else None,
    }


# --- claiming ---


def anything_due(store: Store, now: float) -> bool:
    """A cheap look before a claim, which is a write."""
    with store.read() as connection:
        return connection.execute(select(delivery.c.id).where(_is_due(now)).limit(1)).first() is not None


@dataclass(frozen=True)
class Turn:
    """What may be claimed now.

    ``busy`` are accounts that have their share of this process already; ``limits`` are the vendors that take only so
    many calls at once. Without ``steal``, deliveries whose lease ran out are left: the clock may have jumped.
    """

    limit: int
    busy: Collection[str] = ()
    limits: Mapping[str, int] = field(default_factory=dict)
    steal: bool = True


def claim_due(store: Store, turn: Turn, now: float) -> list[Claim]:
    """Takes deliveries that are due, of accounts that are not waiting; those of vendors with limits come one vendor
    after the other, never more than its limit lets through in the whole installation.
    """
    free = _is_due(now) & delivery.c.account.not_in(_waiting_accounts()) & delivery.c.account.not_in(list(turn.busy))
    if not turn.steal:
        free &= delivery.c.state == "pending"
    found = _claim(store, turn.limit, now, free & delivery.c.vendor.not_in(list(turn.limits)))
    for vendor, most in turn.limits.items():
        if len(found) < turn.limit:
            condition = free & (delivery.c.vendor == vendor)
            found += _claim(store, turn.limit - len(found), now, condition, at_once=(vendor, most))
    return found


def claim_probe(store: Store, name: str, now: float) -> list[Claim]:
    """Takes one due delivery of a waiting account, to find out whether it works again."""
    return _claim(store, 1, now, _is_due(now) & (delivery.c.account == name))


def claim_one(store: Store, delivery_id: int, now: float) -> list[Claim]:
    """Takes this delivery, if it is pending or its lease ran out, whenever it would be due."""
    free = (delivery.c.state == "pending") | (delivery.c.due_at <= now)
    return _claim(store, 1, now, (delivery.c.id == delivery_id) & _is_open() & free)


def _is_open() -> Any:
    return delivery.c.state.in_(["pending", "sending"])


def _is_due(now: float) -> Any:
    return _is_open() & (delivery.c.due_at <= now)


def _waiting_accounts() -> Any:
    return select(account.c.account).where(account.c.waiting.is_not(None))


def sending(store: Store, vendor: str) -> int:
    """How many calls to a vendor are under way in the whole installation."""
    with store.read() as connection:
        return _sending(connection, vendor)


def _sending(connection: Connection, vendor: str) -> int:
    query = select(func.count()).where(delivery.c.vendor == vendor, delivery.c.state == "sending")
    return int(connection.execute(query).scalar_one())


def _claim(store: Store, limit: int, now: float, condition: Any, at_once: tuple[str, int] | None = None) -> list[Claim]:
    token = new_token()
    with store.write() as connection:
        if at_once:
            store.one_at_a_time(connection, f"claim {at_once[0]}")
            limit = min(limit, at_once[1] - _sending(connection, at_once[0]))
        if limit <= 0:
            return []
        # FOR UPDATE SKIP LOCKED compiles to nothing on SQLite, which has one writer
        chosen = select(delivery.c.id).where(condition).order_by(delivery.c.due_at).limit(limit)
        ids = _locked_ids(connection, chosen.with_for_update(skip_locked=True))
        if not ids:
            return []
        rows = connection.execute(
            select(delivery, lead.c.reference, lead.c.form, lead.c.version, lead.c.received_at)
            .join(lead, lead.c.id == delivery.c.lead_id)
            .where(delivery.c.id.in_(ids))
            .order_by(delivery.c.due_at)
        ).all()
        connection.execute(
            update(delivery).where(delivery.c.id.in_(ids)).values(state="sending", due_at=now + LEASE, token=token)
        )
    return [_as_claim(row, token) for row in rows]


def _locked_ids(connection: Connection, chosen: Any) -> list[int]:
    return list(connection.execute(chosen).scalars())


def _as_claim(row: Row[Any], token: str) -> Claim:
    return Claim(
        id=row.id,
        lead_id=row.lead_id,
        reference=row.reference,
        form=row.form,
        version=row.version,
        received_at=row.received_at,
        destination=row.destination,
        account=row.account,
        vendor=row.vendor,
        token=token,
        attempts=row.attempts,
        unsure=row.unsure,
        payload=row.payload,
        interrupted=row.state == "sending",
    )


def claim_held_by(store: Store, delivery_id: int, token: str) -> Claim:
    """The claim that ``leads.accept`` took in the same transaction as it stored the lead."""
    query = (
        select(delivery, lead.c.reference, lead.c.form, lead.c.version, lead.c.received_at)
        .join(lead, lead.c.id == delivery.c.lead_id)
        .where(delivery.c.id == delivery_id, delivery.c.token == token)
    )
    with store.read() as connection:
        row = connection.execute(query).one()
    return Claim(**{**_as_claim(row, token).__dict__, "interrupted": False})


def freeze(store: Store, claim: Claim, payload: Request) -> bool:
    """Keeps the request before its first byte is sent; False where the lease was lost."""
    with store.write() as connection:
        done = connection.execute(
            update(delivery)
            .where(delivery.c.id == claim.id, delivery.c.token == claim.token)
            .values(payload=payload.to_json())
            .returning(delivery.c.id)
        )
        return done.first() is not None


def shorten_leases(store: Store, now: float) -> None:
    """After the clock was set back: no lease can end later than a whole one from now."""
    with store.write() as connection:
        connection.execute(
            update(delivery)
            .where(delivery.c.state == "sending", delivery.c.due_at > now + LEASE)
            .values(due_at=now + LEASE)
        )


def next_turn(store: Store, vendor: str, calls_per_second: float, now: float) -> float:
    """When the next call to a vendor may be made, so that all processes together keep to its limit."""
    step = 1 / calls_per_second
    with store.write() as connection:
        connection.execute(store.insert_new(pace).values(vendor=vendor, next_at=now))
        at = connection.execute(select(pace.c.next_at).where(pace.c.vendor == vendor).with_for_update()).scalar_one()
        turn = min(max(float(at), now), now + LEASE)  # after the clock was set back, no later than a minute from now
        connection.execute(update(pace).where(pace.c.vendor == vendor).values(next_at=turn + step))
    return turn


# --- recording ---


def record(store: Store, claim: Claim, tried: Tried, after: NextState, answer: str | None = None) -> bool:
    """Writes the try and the state that follows, in one transaction.

    The try is history in any case; the state changes only while the lease is ours. ``answer`` is what the visitor
    will be told by it. Returns whether the state was changed.
    """
    with store.write() as connection:
        values: dict[str, Any] = {
            "state": after.state,
            "due_at": after.due_at,
            "token": None,
            "attempts": delivery.c.attempts + 1,
            "unsure": after.unsure,
            "reason": after.reason,
            "error_code": after.error_code,
            "vendor_lead_id": func.coalesce(after.vendor_lead_id, delivery.c.vendor_lead_id),
            "settled_at": None if after.state == "pending" else tried.at + tried.milliseconds / 1000,
        }
        if not after.keep_payload:
            values["payload"] = None
        changed = connection.execute(
            update(delivery)
            .where(delivery.c.id == claim.id, delivery.c.token == claim.token)
            .values(values)
            .returning(delivery.c.id)
        ).first()
        _add_attempt(connection, claim, tried)
        if answer is not None:
            connection.execute(
                update(lead).where(lead.c.id == claim.lead_id, lead.c.answer.is_(None)).values(answer=answer)
            )
    return changed is not None


def _add_attempt(connection: Connection, claim: Claim, tried: Tried) -> None:
    connection.execute(
        insert(attempt).values(
            delivery_id=claim.id,
            number=claim.attempts + 1,
            at=tried.at,
            trigger=tried.trigger,
            outcome=tried.outcome,
            reason=tried.reason,
            code=tried.code,
            words=tried.words,
            milliseconds=tried.milliseconds,
            calls=list(tried.calls),
        )
    )


# --- accounts that wait ---


@dataclass(frozen=True)
class Waiting:
    """An account whose leads wait. ``waiting`` is `down` or `misconfigured`; ``probe_at`` when it is tried again."""

    account: str
    waiting: str
    reason: str | None
    words: str | None
    since: float
    probes: int
    probe_at: float


def waiting(store: Store) -> list[Waiting]:
    query = select(
        account.c.account,
        account.c.waiting,
        account.c.reason,
        account.c.words,
        account.c.since,
        account.c.probes,
        account.c.probe_at,
    ).where(account.c.waiting.is_not(None))
    with store.read() as connection:
        return [Waiting(*row) for row in connection.execute(query)]


def take_probe(store: Store, found: Waiting, now: float) -> bool:
    """Whether the caller is the one who may probe this account now."""
    with store.write() as connection:
        taken = connection.execute(
            update(account)
            .where(account.c.account == found.account, account.c.probe_at == found.probe_at)
            .values(probe_at=now + LEASE)
            .returning(account.c.account)
        )
        return taken.first() is not None


def note_failure(store: Store, name: str, *, threshold: int, probe_at: float, reason: str, words: str) -> None:
    """Counts a failed try of an account; from ``threshold`` in a row on its leads wait for a probe."""
    _note(store, name, "down", threshold, probe_at, reason, words)


def pause(store: Store, name: str, *, probe_at: float, reason: str, words: str) -> None:
    """The account is misconfigured: its leads wait from now on."""
    _note(store, name, "misconfigured", 1, probe_at, reason, words)


def _note(store: Store, name: str, waiting_for: str, threshold: int, probe_at: float, reason: str, words: str) -> None:
    now = time.time()
    over = account.c.failures + 1 >= threshold
    with store.write() as connection:
        connection.execute(store.insert_new(account).values(account=name, failures=0, probes=0))
        connection.execute(
            update(account)
            .where(account.c.account == name)
            .values(
                failures=account.c.failures + 1,
                waiting=case((over, waiting_for), else_=account.c.waiting),
                since=case((and_(over, account.c.waiting.is_(None)), now), else_=account.c.since),
                probe_at=case((over, probe_at), else_=account.c.probe_at),
                probes=case((over, account.c.probes + 1), else_=account.c.probes),
                reason=reason,
                words=words,
            )
        )


def resume(store: Store, name: str, now: float) -> bool:
    """The account works: its waiting leads are due now. Returns whether it had been waiting."""
    with store.write() as connection:
        row = connection.execute(select(account.c.waiting, account.c.failures).where(account.c.account == name)).first()
        if row is None or (row.waiting is None and not row.failures):
            return False
        connection.execute(
            update(account)
            .where(account.c.account == name)
            .values(waiting=None, failures=0, probes=0, probe_at=None, since=None, reason=None, words=None)
        )
        if row.waiting is None:
            return False
        connection.execute(
            update(delivery).where(delivery.c.account == name, delivery.c.state == "pending").values(due_at=now)
        )
    return True


def is_troubled(store: Store, name: str) -> tuple[str | None, int]:
    """Whether an account waits, and for what, and how many tries in a row failed."""
    with store.read() as connection:
        row = connection.execute(select(account.c.waiting, account.c.failures).where(account.c.account == name)).first()
    return (row.waiting, row.failures) if row else (None, 0)


# --- people ---


def of_lead(store: Store, lead_id: int) -> list[Row[Any]]:
    with store.read() as connection:
        return list(connection.execute(select(delivery).where(delivery.c.lead_id == lead_id).order_by(delivery.c.id)))


def history(store: Store, delivery_id: int) -> list[Row[Any]]:
    with store.read() as connection:
        rows = connection.execute(select(attempt).where(attempt.c.delivery_id == delivery_id).order_by(attempt.c.id))
        return list(rows)


def reopen(store: Store, delivery_ids: Sequence[int], now: float) -> int:
    """A person sends these again: due now. Delivered ones stay delivered, and what is being sent is left alone.

    The request is built anew, with the form's present mapping, unless a try may have reached the vendor: then its
    very repetition is what the vendor can recognise.
    """
    with store.write() as connection:
        changed = connection.execute(
            update(delivery)
            .where(
                delivery.c.id.in_(delivery_ids),
                not_(delivery.c.state.in_(["delivered", "sending"])),
            )
            .values(
                state="pending",
                due_at=now,
                token=None,
                settled_at=None,
                payload=case((delivery.c.unsure, delivery.c.payload), else_=null()),
            )
            .returning(delivery.c.id)
        )
        return len(changed.all())
