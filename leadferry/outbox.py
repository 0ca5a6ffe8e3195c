"""Every query about deliveries: who may try which when, and what became of it."""

from __future__ import annotations

import secrets
import sys
import time
from collections import defaultdict
from collections.abc import Callable, Collection, Mapping, Sequence
from dataclasses import asdict, dataclass, field
from functools import lru_cache
from typing import Any

from sqlalchemy import (
    Connection,
    Double,
    Integer,
    Row,
    Text,
    bindparam,
    case,
    func,
    insert,
    literal,
    not_,
    null,
    select,
    text,
    update,
)

from leadferry.models import account, attempt, delivery, lead, pace
from leadferry.sealing import forgotten
from leadferry.statements import Insert, Statement, read_json
from leadferry.store import Store
from leadferry.vendors.base import Destination, Request

STATES = ("delivered", "pending", "sending", "rejected", "held", "dead")

LEASE = 60.0
"""Seconds for which a claimed delivery is its holder's alone. All who share a database must have the same: to others a
longer one looks as if the clock had jumped. So nobody copies it."""


@dataclass(frozen=True)
class Claim:
    """A delivery that the holder of ``token`` may try now.

    ``attempts``: tries that failed or ended unknown, by which the schedule goes; those that found the account
    misconfigured say nothing about the lead. ``interrupted``: an earlier holder's lease ran out while sending, so
    nobody knows what became of that try. ``probe``: the one try that a waiting account is allowed. ``taken_at`` is
    this process's monotonic time, not later than the lease's start.
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
    probe: bool = False
    taken_at: float = field(default_factory=time.monotonic, compare=False)


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


def new_row(lead_id: int, destination: Destination, payload: Mapping[str, Any] | None, now: float) -> dict[str, Any]:
    """``payload`` is a frozen request."""
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
        "payload": payload,
    }


def add(connection: Connection, rows: Sequence[Mapping[str, Any]]) -> dict[int, int]:
    """New deliveries. Returns the ids of the `vendor` ones, by their lead's."""
    found = _INSERT.rows(connection, rows)
    return {lead_id: delivery_id for delivery_id, lead_id, destination in found if destination == "vendor"}


_INSERT = Insert(delivery, delivery.c.id, delivery.c.lead_id, delivery.c.destination)


# --- claiming ---


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
    """Takes deliveries whose holder was lost, and those that are due, of accounts that are not waiting.

    Those of vendors with limits come one vendor after the other, never more than its limit lets through in the whole
    installation. A lost one is only noted as such, with no call, so nothing limits it.
    """
    lines = _lines(turn)
    with store.read() as connection:  # a cheap look before a claim, which is a write
        waited_in = [line for line in lines if line.first(connection, now)]
    found: list[Claim] = []
    for line in waited_in:
        if len(found) < turn.limit:
            found += _claim(store, line, turn.limit - len(found), now)
    return found


def claim_one(store: Store, delivery_id: int, now: float) -> list[Claim]:
    """Takes this delivery, if it is pending or its lease ran out, whenever it would be due."""
    line = _Line(_THIS_ONE, {"this": delivery_id})
    with store.read() as connection:
        is_free = line.first(connection, now)
    return _claim(store, line, 1, now) if is_free else []


def claim_probe(store: Store, found: Waiting, limits: Mapping[str, int], now: float) -> list[Claim]:
    """Takes one due delivery of a waiting account, to find out whether it works again: one process of all does."""
    line = _Line(_OF_ACCOUNT, {"account": found.account})
    with store.read() as connection:
        first = line.first(connection, now)
    if first is None:
        return []
    _, vendor = first
    with store.write() as connection:
        taken = connection.execute(
            update(account)
            .where(account.c.account == found.account, account.c.probe_at == found.probe_at)
            .values(probe_at=now + LEASE)
            .returning(account.c.account)
        ).first()
        free = calls_left(store, connection, vendor, limits.get(vendor))
        return _take(store, connection, line, min(free, 1), now, probe=True) if taken else []


# The condition of the indices of what is open, word for word: without it neither database can know that they will do.
_OPEN: Any = text("delivery.state IN ('pending', 'sending')")

_NOW: Any = bindparam("now", type_=Double)
_IS_DUE: Any = _OPEN & (delivery.c.state == "pending") & (delivery.c.due_at <= _NOW)
_IS_WAITED_FOR: Any = delivery.c.account.in_(select(account.c.account).where(account.c.waiting.is_not(None)))

# Its lease ran out; or ends so late that the clock must have been set back since.
_HAS_A_LEASE: Any = delivery.c.due_at.between(_NOW, bindparam("latest", type_=Double))
_IS_LOST: Any = _OPEN & (delivery.c.state == "sending") & not_(_HAS_A_LEASE)


class _Condition:
    """Which deliveries may be taken, with its two questions put together once: for any, and for the oldest."""

    def __init__(self, condition: Any) -> None:
        self.any = Statement(select(delivery.c.id, delivery.c.vendor).where(condition).limit(1))
        oldest = select(delivery.c.id).where(condition).order_by(delivery.c.due_at)
        # FOR UPDATE SKIP LOCKED compiles to nothing on SQLite, which has one writer
        locked = oldest.limit(bindparam("most", type_=Integer)).with_for_update(skip_locked=True)
        self.oldest = Statement(locked)


_LOST = _Condition(_IS_LOST)
_THIS_ONE = _Condition((delivery.c.id == bindparam("this")) & ((delivery.c.state == "pending") | _IS_LOST))
_OF_ACCOUNT = _Condition(_IS_DUE & (delivery.c.account == bindparam("account")))


@lru_cache(maxsize=256)
def _free(busy: int, limits: int, *, of_vendor: bool = False) -> _Condition:
    """Due, of no waiting account, nor of so many ``busy`` ones; of one vendor, or of none with ``limits``."""
    condition = _IS_DUE & not_(_IS_WAITED_FOR)
    if busy:
        condition &= delivery.c.account.not_in(_places("busy", busy))
    if limits:
        condition &= delivery.c.vendor.not_in(_places("limited", limits))
    if of_vendor:
        condition &= delivery.c.vendor == bindparam("vendor")
    return _Condition(condition)


def _places(name: str, count: int) -> list[Any]:
    return [bindparam(f"{name}_{place}") for place in range(count)]


def _in_places(name: str, values: Collection[Any]) -> dict[str, Any]:
    return {f"{name}_{place}": value for place, value in enumerate(values)}


@dataclass(frozen=True)
class _Line:
    """Deliveries that wait to be taken. ``at_once``: how many calls their vendor takes, where that is limited."""

    condition: _Condition
    about: Mapping[str, Any] = field(default_factory=dict)
    at_once: int | None = None

    def first(self, connection: Connection, now: float) -> tuple[int, str] | None:
        """Any one that may be taken, and its vendor."""
        found = self.condition.any.first(connection, self._values(now))
        return (found[0], found[1]) if found else None

    def oldest(self, connection: Connection, limit: int, now: float) -> list[int]:
        """Locked, without those that another transaction has locked."""
        rows = self.condition.oldest.rows(connection, {**self._values(now), "most": limit})
        return [found for (found,) in rows]

    def _values(self, now: float) -> dict[str, Any]:
        return {**self.about, "now": now, "latest": now + 2 * LEASE}


def _lines(turn: Turn) -> list[_Line]:
    """In the order in which they are served."""
    busy, count = _in_places("busy", turn.busy), len(turn.busy)
    lost = [_Line(_LOST)] if turn.steal else []
    unlimited = _Line(_free(count, len(turn.limits)), {**busy, **_in_places("limited", turn.limits)})
    one_vendor = _free(count, 0, of_vendor=True)
    limited = [_Line(one_vendor, {**busy, "vendor": vendor}, most) for vendor, most in turn.limits.items()]
    return [*lost, unlimited, *limited]


def _claim(store: Store, line: _Line, limit: int, now: float) -> list[Claim]:
    def taken(connection: Connection) -> list[Claim]:
        left = calls_left(store, connection, line.about.get("vendor", ""), line.at_once)
        return _take(store, connection, line, min(limit, left), now)

    return store.transact(taken)


class Room:
    """Which accounts may be called at once, for all who want to know in one transaction; true until it ends.

    Whoever asks for several vendors does so in the order of their names: each is locked, where the number is limited.
    """

    def __init__(self, store: Store, connection: Connection) -> None:
        self._store = store
        self._connection = connection
        self._healthy: dict[str, bool] = {}
        self._left: dict[str, int] = {}

    def take(self, destination: Destination, at_once: int | None) -> bool:
        """Whether the vendor is not known to be down and takes one more call, which is counted as under way then."""
        name, vendor = account_of(destination), destination.adapter
        if name not in self._healthy:
            self._healthy[name] = _health(self._connection, name).waiting is None
        if not self._healthy[name]:
            return False
        if vendor not in self._left:
            self._left[vendor] = calls_left(self._store, self._connection, vendor, at_once)
        self._left[vendor] -= 1
        return self._left[vendor] >= 0


def calls_left(store: Store, connection: Connection, vendor: str, at_once: int | None) -> int:
    """How many more calls a vendor takes now, if it takes only ``at_once``; true until the transaction ends."""
    if at_once is None:
        return sys.maxsize
    store.one_at_a_time(connection, f"calls to {vendor}")
    return at_once - int(_CALLS.scalar(connection, {"vendor": vendor}))


_CALLS = Statement(
    select(func.count()).where(_OPEN, delivery.c.vendor == bindparam("vendor"), delivery.c.state == "sending")
)


def _take(
    store: Store, connection: Connection, line: _Line, limit: int, now: float, *, probe: bool = False
) -> list[Claim]:
    ids = line.oldest(connection, limit, now) if limit > 0 else []
    if not ids:
        return []
    these = _in_places("id", ids)
    taken_at, token = time.monotonic(), new_token()
    answer = store.ask_now(connection)
    rows = _with_lead(len(ids)).rows(connection, these)
    lease = {"state": "sending", "due_at": answer() + LEASE, "token": token}
    _lease(len(ids)).run(connection, {**these, **lease})
    return [_as_claim(row, token, taken_at, probe=probe) for row in rows]


_CLAIMED = (
    *(delivery.c[name] for name in ("id", "lead_id", "destination", "account", "vendor", "unsure", "payload", "state")),
    *(lead.c[name] for name in ("reference", "form", "version", "received_at")),
    select(func.count())
    .where(attempt.c.delivery_id == delivery.c.id, attempt.c.outcome.in_([literal("failed"), literal("unknown")]))
    .correlate(delivery)
    .scalar_subquery()
    .label("attempts"),
)


@lru_cache(maxsize=256)
def _with_lead(count: int) -> Statement:
    """What is to be known of so many deliveries, the oldest first."""
    these = delivery.c.id.in_(_places("id", count))
    return Statement(
        select(*_CLAIMED).join(lead, lead.c.id == delivery.c.lead_id).where(these).order_by(delivery.c.due_at)
    )


@lru_cache(maxsize=256)
def _lease(count: int) -> Statement:
    """Gives so many deliveries to a holder."""
    return Statement(update(delivery).where(delivery.c.id.in_(_places("id", count))))


def _as_claim(row: tuple[Any, ...], token: str, taken_at: float, *, probe: bool = False) -> Claim:
    found = dict(zip((column.name for column in _CLAIMED), row, strict=True))
    interrupted = found.pop("state") == "sending"
    found["payload"] = read_json(found["payload"])
    found["unsure"] = bool(found["unsure"])
    return Claim(**found, token=token, interrupted=interrupted, probe=probe, taken_at=taken_at)


def freeze(store: Store, claim: Claim, payload: Request, sensitive: Collection[str] = ()) -> bool:
    """Keeps the request before its first byte is sent; False where the lease was lost.

    ``sensitive`` are the texts for whose sake it is sealed.
    """
    frozen = store.sealer.frozen(payload, sensitive) if sensitive else payload.to_json()
    row = {"this": claim.id, "held_by": claim.token, "payload": frozen}
    return store.transact(lambda connection: _FREEZE.first(connection, row)) is not None


_FREEZE = Statement(
    update(delivery)
    .where(delivery.c.id == bindparam("this"), delivery.c.token == bindparam("held_by"))
    .values(payload=bindparam("payload"))
    .returning(delivery.c.id)
)


def after_clock_was_set_back(store: Store, now: float, seconds: float) -> None:
    """What was due before is due still."""
    with store.write() as connection:
        was_due = _OPEN & (delivery.c.state == "pending") & delivery.c.due_at.between(now, now + seconds)
        connection.execute(update(delivery).where(was_due).values(due_at=now))
        connection.execute(update(account).where(account.c.probe_at.between(now, now + seconds)).values(probe_at=now))


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


def record(
    store: Store,
    claim: Claim,
    tried: Tried,
    after: NextState,
    change: Callable[[Health], Health] = lambda health: health,
    *,
    now: float,
    answer: str | None = None,
    sealed: bool = False,
) -> bool:
    """Writes the try, the state that follows, and what the try says of the account, in one transaction.

    The try is history in any case; the state changes only while the lease is ours. ``answer`` is what the visitor
    will be told by it. ``sealed``: the lead has sealed answers, which are erased as soon as every destination has it.
    Returns whether the state was changed.
    """

    def work(connection: Connection) -> bool:
        changed = _record(connection, claim, tried, after, answer, sealed=sealed)
        _change_account(store, connection, claim.account, change, now)
        return changed

    return store.transact(work)


def _record(
    connection: Connection, claim: Claim, tried: Tried, after: NextState, answer: str | None, *, sealed: bool
) -> bool:
    columns = _columns(after, tried.at + tried.milliseconds / 1000)
    counted = _CHANGE_STATE.first(connection, {"this": claim.id, "held_by": claim.token, **columns})
    changed = counted is not None
    number = counted[0] if counted else _COUNT_TRY.scalar(connection, {"this": claim.id})
    _add_attempt(connection, claim, number, tried)
    if sealed and changed and after.state == "delivered":
        _forget_sealed(connection, claim.lead_id)
    if answer is not None:
        tell(connection, claim.lead_id, answer)
    return changed


def tell(connection: Connection, lead_id: int, answer: str) -> None:
    """Notes what the visitor was told, once."""
    _TELL.run(connection, {"this": lead_id, "answer": answer})


_ONE_MORE_TRY = update(delivery).where(delivery.c.id == bindparam("this")).values(attempts=delivery.c.attempts + 1)
_COUNT_TRY = Statement(_ONE_MORE_TRY.returning(delivery.c.attempts))
_CHANGE_STATE = Statement(
    _ONE_MORE_TRY.where(delivery.c.token == bindparam("held_by"))
    .values(vendor_lead_id=func.coalesce(bindparam("new_vendor_lead_id", type_=Text), delivery.c.vendor_lead_id))
    .returning(delivery.c.attempts)
)
_TELL = Statement(
    update(lead).where(lead.c.id == bindparam("this"), lead.c.answer.is_(None)).values(answer=bindparam("answer"))
)
_ERASED_AT = Statement(select(lead.c.erased_at).where(lead.c.id == bindparam("this")))
_INSERT_ATTEMPT = Statement(insert(attempt))


def _columns(after: NextState, ended_at: float) -> dict[str, Any]:
    columns: dict[str, Any] = {
        "state": after.state,
        "due_at": after.due_at,
        "token": None,
        "unsure": after.unsure,
        "reason": after.reason,
        "error_code": after.error_code,
        "new_vendor_lead_id": after.vendor_lead_id,
        "settled_at": None if after.state == "pending" else ended_at,
    }
    return columns if after.keep_payload else columns | {"payload": None}


def _forget_sealed(connection: Connection, lead_id: int) -> None:
    """Under the lead's lock: of two destinations that are delivered at once, the second sees the first."""
    answers = read_json(_ANSWERS_LOCKED.scalar(connection, {"this": lead_id}))
    if _UNDELIVERED.first(connection, {"this": lead_id}) is None:
        _KEEP_ANSWERS.run(connection, {"this": lead_id, "answers": forgotten(answers)})
        _FORGET_PAYLOADS.run(connection, {"this": lead_id})


_ANSWERS_LOCKED = Statement(select(lead.c.answers).where(lead.c.id == bindparam("this")).with_for_update())
_KEEP_ANSWERS = Statement(update(lead).where(lead.c.id == bindparam("this")))
_UNDELIVERED = Statement(
    select(delivery.c.id).where(delivery.c.lead_id == bindparam("this"), delivery.c.state != "delivered").limit(1)
)
_FORGET_PAYLOADS = Statement(update(delivery).where(delivery.c.lead_id == bindparam("this")).values(payload=null()))


def _add_attempt(connection: Connection, claim: Claim, number: int, tried: Tried) -> None:
    """What is personal in it is left out where the lead was erased while it was being sent."""
    erased = _ERASED_AT.scalar(connection, {"this": claim.lead_id}) is not None
    row = {
        "delivery_id": claim.id,
        "number": number,
        "at": tried.at,
        "trigger": tried.trigger,
        "outcome": tried.outcome,
        "reason": tried.reason,
        "code": None if erased else tried.code,
        "words": None if erased else tried.words,
        "milliseconds": tried.milliseconds,
        "calls": [] if erased else list(tried.calls),
    }
    _INSERT_ATTEMPT.run(connection, row)


# --- accounts ---


@dataclass(frozen=True)
class Health:
    """How an account at a vendor does. A healthy one has no row.

    ``failures``: tries in a row that failed. ``waiting``: `down` or `misconfigured` while its leads wait, then
    ``since`` when, why (``reason``, the vendor's ``words``), how many ``probes`` failed, and when the next is made.
    """

    failures: int = 0
    waiting: str | None = None
    reason: str | None = None
    words: str | None = None
    since: float | None = None
    probes: int = 0
    probe_at: float | None = None


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
    with store.read() as connection:
        return [Waiting(*row) for row in _WAITING.rows(connection, {})]


_WAITING = Statement(
    select(*(account.c[name] for name in Waiting.__dataclass_fields__)).where(account.c.waiting.is_not(None))
)


def health(store: Store, name: str) -> Health:
    with store.read() as connection:
        return _health(connection, name)


def change_account(store: Store, name: str, change: Callable[[Health], Health], now: float) -> bool:
    """Changes how an account stands; leads that waited for it are due now if they need not any more.

    Returns whether they had been waiting until now.
    """
    with store.write() as connection:
        return _change_account(store, connection, name, change, now)


def resume(store: Store, name: str, now: float) -> bool:
    """The account works: its waiting leads are due now. Returns whether it had been waiting."""
    return change_account(store, name, lambda _: Health(), now)


def _change_account(
    store: Store, connection: Connection, name: str, change: Callable[[Health], Health], now: float
) -> bool:
    before = _health(connection, name)
    if change(before) == before:
        return False
    store.inserting_new(account).run(connection, {"account": name, **asdict(Health())})
    before = _health(connection, name, lock=True)
    after = change(before)
    _CHANGE_HEALTH.run(connection, {"name": name, **asdict(after)})
    if before.waiting is None or after.waiting is not None:
        return False
    _ALL_DUE.run(connection, {"name": name, "now": now})
    return True


def _health(connection: Connection, name: str, *, lock: bool = False) -> Health:
    row = (_HEALTH_LOCKED if lock else _HEALTH).first(connection, {"name": name})
    return Health(*row) if row else Health()


_ONE_HEALTH = select(*(account.c[column] for column in Health.__dataclass_fields__)).where(
    account.c.account == bindparam("name")
)
_HEALTH = Statement(_ONE_HEALTH)
_HEALTH_LOCKED = Statement(_ONE_HEALTH.with_for_update())
_CHANGE_HEALTH = Statement(update(account).where(account.c.account == bindparam("name")))
_ALL_DUE = Statement(
    update(delivery)
    .where(delivery.c.account == bindparam("name"), delivery.c.state == "pending")
    .values(due_at=bindparam("now"))
)


# --- people ---

_ASKED_AT_ONCE = 500


def of_lead(store: Store, lead_id: int) -> list[Row[Any]]:
    """Its deliveries, each with ``next_at``: when it is tried next, the account's next probe where that waits."""
    return of_leads(store, [lead_id]).get(lead_id, [])


def of_leads(store: Store, lead_ids: Sequence[int]) -> dict[int, list[Row[Any]]]:
    """The same of many; a lead that has none is not in it."""
    next_at = case((account.c.waiting.is_not(None), account.c.probe_at), else_=delivery.c.due_at)
    wanted = select(delivery, next_at.label("next_at")).outerjoin(account, account.c.account == delivery.c.account)
    found: defaultdict[int, list[Row[Any]]] = defaultdict(list)
    with store.read() as connection:
        for start in range(0, len(lead_ids), _ASKED_AT_ONCE):
            some = delivery.c.lead_id.in_(lead_ids[start : start + _ASKED_AT_ONCE])
            for row in connection.execute(wanted.where(some).order_by(delivery.c.id)):
                found[row.lead_id].append(row)
    return dict(found)


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
