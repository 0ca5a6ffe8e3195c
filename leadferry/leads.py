"""Leads: found again, shown, mended, released. leadferry/accepting.py stores them."""

from __future__ import annotations

import secrets
import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from datetime import UTC, datetime
from functools import cached_property
from typing import Any

from sqlalchemy import Connection, Row, null, select, text, update

from leadferry import models, outbox, search
from leadferry.forms import Form
from leadferry.outbox import Claim
from leadferry.sealing import sealed_names, shown
from leadferry.store import Store
from leadferry.vendors.base import Destination, File, LeadData, Value

_ALPHABET = "23456789ABCDEFGHJKLMNPQRSTUVWXYZ"
"""No 0/O, 1/I: people read references to each other. 32 of them, so every byte chooses fairly."""


def new_reference() -> str:
    return "LF-" + "".join(_ALPHABET[each % len(_ALPHABET)] for each in secrets.token_bytes(10))


@dataclass(frozen=True)
class NewLead:
    """A valid submission, about to be stored.

    ``cleaned`` is a list of {field, reason, before, after}; ``consent`` and ``source`` are plain JSON tables.
    """

    form: Form
    values: Mapping[str, Value]
    campaign: Mapping[str, str] = field(default_factory=dict)
    files: Mapping[str, File] = field(default_factory=dict)
    cleaned: Sequence[Mapping[str, Any]] = ()
    consent: Mapping[str, Any] | None = None
    source: Mapping[str, Any] = field(default_factory=dict)
    quarantine: Sequence[str] = ()
    test: bool = False
    reference: str = field(default_factory=new_reference)
    received_at: float = field(default_factory=time.time)

    def data(self, destination: str) -> LeadData:
        """As an adapter sees it."""
        return LeadData(
            reference=self.reference,
            form=self.form.name,
            version=self.form.version,
            received_at=datetime.fromtimestamp(self.received_at, UTC),
            values=self.values,
            campaign=self.campaign if self.form.campaign == "send" else {},
            files=self.files,
            consent=self.consent,
            test=self.test,
            message_id=message_id(self.reference, destination),
            sensitive=self.sensitive,
        )

    @cached_property
    def sensitive(self) -> frozenset[str]:
        """The answers that are kept sealed."""
        return frozenset(name for name in self.values if self.form.is_sensitive(name))


@dataclass(frozen=True)
class Accepted:
    """What became of a submission: a stored lead. ``repeated`` means that it is an earlier one's repetition.

    ``claim`` is that of the `vendor` delivery, where the caller may try it now.
    """

    lead_id: int
    reference: str
    claim: Claim | None = None
    repeated: bool = False


def message_id(reference: str, destination: str) -> str:
    """The delivery's own id at the receiver: the same at every repeat."""
    return f"{reference}-{destination}"


def _is_primary_of(lead_id: Any) -> Any:
    return (models.delivery.c.lead_id == lead_id) & (models.delivery.c.destination == "vendor")


def answer(store: Store, lead_id: int) -> str | None:
    """What the visitor of a lead was told: "ok", an error_code, or None while nobody was told yet."""
    with store.read() as connection:
        return connection.execute(select(models.lead.c.answer).where(models.lead.c.id == lead_id)).scalar()


def set_answer(store: Store, lead_id: int, told: str) -> None:
    """Notes what the visitor was told, once."""
    store.transact(lambda connection: outbox.tell(connection, lead_id, told))


def edit(
    store: Store, lead_id: int, values: Mapping[str, Value], removed: Sequence[str], form: Form | None = None
) -> None:
    """Mends answers of a lead; what it sends is built anew. Its earlier tries keep what they sent.

    ``form`` says which answers are kept sealed; those that are sealed stay so without it.
    """
    columns = models.lead.c
    searchable = store.has_table("lead_search")
    wanted = select(columns.answers, columns.campaign).where(columns.id == lead_id).with_for_update()
    with store.write() as connection:
        found = connection.execute(wanted).one()
        sealed = {name for name in values if name in sealed_names(found.answers) or (form and form.is_sensitive(name))}
        mended = store.sealer.sealed(values, sealed) if sealed else values
        answers = {name: value for name, value in {**found.answers, **mended}.items() if name not in removed}
        if searchable:
            search.replace(connection, lead_id, search.terms(shown(answers), found.campaign))
        connection.execute(update(models.lead).where(columns.id == lead_id).values(answers=answers))
        connection.execute(
            update(models.delivery)
            .where(models.delivery.c.lead_id == lead_id, models.delivery.c.state != "sending")
            .values(payload=null(), unsure=False)
        )


def judge(store: Store, lead_id: int, form: Form, reason: str, instead: str | None) -> bool:
    """A reason for which a lead is held came out: it is taken off, or another takes its place.

    Where none is left the lead is delivered, as if it had never been held. Returns whether that is so.
    """
    columns = models.lead.c
    with store.write() as connection:
        held = (columns.id == lead_id) & columns.quarantine.is_not(None) & columns.erased_at.is_(None)
        found = connection.execute(select(columns.quarantine).where(held).with_for_update()).scalar()
        left = [instead if each == reason else each for each in found or () if each != reason or instead]
        if found is None:
            return False
        connection.execute(update(models.lead).where(held).values(quarantine=left or None))
        if not left:
            _insert_anew(store, connection, lead_id, form)
    return not left


def _insert_anew(store: Store, connection: Connection, lead_id: int, form: Form) -> None:
    """Deliveries whose requests are made when they are tried."""
    now = store.ask_now(connection)()
    outbox.add(connection, [outbox.new_row(lead_id, each, None, now) for each in form.destinations])


def release(store: Store, lead_id: int, form: Form) -> bool:
    """A person says that a quarantined lead is none of junk: from now on it is delivered as any other.

    ``form`` is the version that its visitor saw. Why it was held stays with it. Returns False where it is not held,
    or was erased meanwhile.
    """
    columns = models.lead.c
    with store.write() as connection:
        held = (columns.id == lead_id) & columns.quarantine.is_not(None) & columns.erased_at.is_(None)
        row = connection.execute(select(columns.source, columns.quarantine).where(held).with_for_update()).first()
        if row is None:
            return False
        source = {**row.source, "suspect": row.quarantine}
        connection.execute(update(models.lead).where(held).values(quarantine=null(), source=source))
        _insert_anew(store, connection, lead_id, form)
    return True


def is_first_try(store: Store, lead_id: int) -> bool:
    """Whether the `vendor` delivery is being tried for the first time just now."""
    query = select(models.delivery.c.id).where(
        _is_primary_of(lead_id), models.delivery.c.state == "sending", models.delivery.c.attempts == 0
    )
    with store.read() as connection:
        return connection.execute(query).first() is not None


def load_data(store: Store, lead_id: int, destination: Destination, *, send_campaign: bool) -> LeadData:
    """A stored lead as an adapter sees it.

    Raises:
        Unsealable: it has answers that were sealed with another key.
    """
    with store.read() as connection:
        row = connection.execute(select(models.lead).where(models.lead.c.id == lead_id)).one()
        files = connection.execute(select(models.lead_file).where(models.lead_file.c.lead_id == lead_id)).all()
    sealed = sealed_names(row.answers)
    return LeadData(
        reference=row.reference,
        form=row.form,
        version=row.version,
        received_at=datetime.fromtimestamp(row.received_at, UTC),
        values=store.sealer.opened(row.answers) if sealed else row.answers,
        campaign=row.campaign if send_campaign else {},
        files={each.field: File(each.filename, each.content) for each in files},
        consent=row.consent,
        test=row.test,
        message_id=message_id(row.reference, destination.name),
        sensitive=sealed,
    )


# --- the operator's view ---


@dataclass(frozen=True)
class Filter:
    """Which leads: every given condition holds. ``state`` is a lead's state, so also `quarantined`."""

    references: tuple[str, ...] = ()
    ids: tuple[int, ...] = ()
    form: str | None = None
    state: str | None = None
    vendor: str | None = None
    email: str | None = None
    since: float | None = None
    until: float | None = None
    test: bool | None = None


def _conditions(wanted: Filter) -> list[Any]:
    lead, delivery = models.lead.c, models.delivery.c
    possible = (
        (wanted.references, lead.reference.in_([reference.upper() for reference in wanted.references])),
        (wanted.ids, lead.id.in_(wanted.ids)),
        (wanted.form, lead.form == wanted.form),
        (wanted.state == "quarantined", lead.quarantine.is_not(None)),
        (wanted.state and wanted.state != "quarantined", delivery.state == wanted.state),
        (wanted.vendor, delivery.vendor == wanted.vendor),
        (wanted.email, lead.answers["email"].as_string() == wanted.email),
        (wanted.since is not None, lead.received_at >= (wanted.since or 0.0)),
        (wanted.until is not None, lead.received_at < (wanted.until or 0.0)),
        (wanted.test is not None, lead.test == wanted.test),
    )
    return [condition for given, condition in possible if given]


def find(store: Store, wanted: Filter, limit: int | None = 50, before: int | None = None) -> list[Row[Any]]:
    """Leads, newest first, each with the state of its `vendor` delivery where it has one; ``before`` is an id."""
    query = (
        select(models.lead, models.delivery.c.id.label("delivery_id"), models.delivery.c.state)
        .outerjoin(models.delivery, _is_primary_of(models.lead.c.id))
        .where(*_conditions(wanted), *([models.lead.c.id < before] if before is not None else []))
        .order_by(models.lead.c.id.desc())
        .limit(limit)
    )
    with store.read() as connection:
        return list(connection.execute(query))


def each(store: Store, wanted: Filter, page: int = 500) -> Iterator[Row[Any]]:
    """Leads as ``find`` finds them, however many, a page in memory at a time."""
    last: int | None = None
    while True:
        rows = find(store, wanted, page, before=last)
        yield from rows
        if len(rows) < page:
            return
        last = rows[-1].id


def exported(row: Row[Any]) -> dict[str, Any]:
    """One lead flat, for a spreadsheet or another program: where it stands, then its answers and its campaign."""
    return {
        "lead": row.reference,
        "form": row.form,
        "version": row.version,
        "received_at": iso(row.received_at),
        "state": "quarantined" if row.quarantine is not None else row.state,
        "values": {**shown(row.answers), **row.campaign},
    }


def summaries(store: Store, rows: Sequence[Row[Any]]) -> list[dict[str, Any]]:
    """Leads for `flask leads list --json`."""
    deliveries = outbox.of_leads(store, [row.id for row in rows])
    return [_summary(row, [_delivery(each) for each in deliveries.get(row.id, ())]) for row in rows]


def _summary(row: Row[Any], deliveries: Sequence[Mapping[str, Any]]) -> dict[str, Any]:
    return {
        "lead": row.reference,
        "form": row.form,
        "version": row.version,
        "received_at": iso(row.received_at),
        "state": "quarantined" if row.quarantine is not None else row.state,
        "deliveries": deliveries,
    }


def detail(store: Store, row: Row[Any]) -> dict[str, Any]:
    """One lead for `flask leads show --json`: everything but secrets."""
    deliveries = [
        {**_delivery(each), "history": [_attempt(tried) for tried in outbox.history(store, each.id)]}
        for each in outbox.of_lead(store, row.id)
    ]
    return {
        **_summary(row, deliveries),
        "values": {**shown(row.answers), **row.campaign},
        "cleaned": row.cleaned,
        "consent": row.consent,
        "source": row.source,
        "quarantine": row.quarantine,
        "test": row.test,
        "erased_at": iso(row.erased_at),
    }


def _delivery(row: Row[Any]) -> dict[str, Any]:
    return {
        "destination": row.destination,
        "vendor": row.vendor,
        "state": row.state,
        "attempts": row.attempts,
        "vendor_lead_id": row.vendor_lead_id,
        "reason": row.reason,
        "error_code": row.error_code,
        "next_at": iso(row.next_at) if row.state == "pending" else None,
    }


def _attempt(row: Row[Any]) -> dict[str, Any]:
    return {
        "number": row.number,
        "at": iso(row.at),
        "trigger": row.trigger,
        "outcome": row.outcome,
        "reason": row.reason,
        "code": row.code,
        "words": row.words,
        "milliseconds": row.milliseconds,
        "calls": row.calls,
    }


def iso(seconds: float | None) -> str | None:
    if seconds is None:
        return None
    return datetime.fromtimestamp(seconds, UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z")


def balance(store: Store) -> dict[str, Any]:
    """Received against where each lead stands now, counted in one snapshot. `balanced` is the proof."""
    with store.read() as connection:
        counted = connection.execute(text(_BALANCE)).one()
        also = {row.state: row.leads for row in connection.execute(text(_BALANCE_ALSO))}
    received, quarantined, *states = counted
    found = {
        "received": received,
        **dict(zip(outbox.STATES, states, strict=True)),
        "quarantined": quarantined,
    }
    found["balanced"] = received == sum(states) + quarantined
    found["also"] = {state: also.get(state, 0) for state in outbox.STATES}
    return found


_BALANCE = f"""
SELECT count(*),
       count(CASE WHEN lead.quarantine IS NOT NULL THEN 1 END),
       {", ".join(f"count(CASE WHEN quarantine IS NULL AND state = '{state}' THEN 1 END)" for state in outbox.STATES)}
FROM lead LEFT JOIN delivery ON delivery.lead_id = lead.id AND delivery.destination = 'vendor'
"""  # noqa: S608  # the states are constants
_BALANCE_ALSO = "SELECT state, count(*) AS leads FROM delivery WHERE destination <> 'vendor' GROUP BY state"
