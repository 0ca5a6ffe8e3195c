"""Finding leads among a million: the words that each can be found by, and the queries that stay quick.

A lead is found by its e-mail addresses, phone numbers, names, page and campaign. What it is found by is written with
it, in one transaction; what older versions of Leadferry have stored is filled in afterwards, batch by batch.
"""

from __future__ import annotations

import re
import time
import unicodedata
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Connection, Row, delete, select, update
from sqlalchemy.sql.expression import Select

from leadferry.models import chore_progress, delivery, lead, lead_search
from leadferry.sealing import shown
from leadferry.statements import Insert
from leadferry.store import Store
from leadferry.vendors.base import Value

NAMES = frozenset({"name", "firstName", "lastName", "compName"}) | frozenset(
    {"first_name", "last_name", "full_name", "company", "company_name"}
)
LONGEST_TERM = 300
MOST_WORDS = 8
PHONE_DIGITS = 9
"""So many digits at the end of a number tell it apart, however its country code is written."""

LEAST_WORD = 2
LEAST_DIGITS = 4
BATCH = 500
FILL_SECONDS = 1.0
_PAST_ALL = 2**62
UNDER_WAY = 120.0
"""Seconds after which no lead of an earlier number can appear any more: longer than any transaction."""

_EMAIL = re.compile(r"[^@\s]+@[^@\s]+")
_PHONE = re.compile(r"\+?[\d\s()./\-–]{7,30}")
_DATE = re.compile(r"\d{4}-\d\d-\d\d|\d{1,2}/\d{1,2}/\d{4}")
_REFERENCE = re.compile(r"LF-[2-9A-Z]{4,10}", re.IGNORECASE)


# --- the words of a lead ---


def terms(values: Mapping[str, Value], campaign: Mapping[str, Any]) -> set[str]:
    """What a lead is found by: each term is its kind, a colon, and the text as it is looked for."""
    found = {term for name, text in _texts(values) for term in _terms_of(name, text)}
    page = campaign.get("page_url") or values.get("page_url")
    if isinstance(page, str) and page:
        found.add(f"u:{page_key(page)}")
    if campaign.get("utm_campaign"):
        found.add(f"c:{_folded(str(campaign['utm_campaign']))}")
    return {term[:LONGEST_TERM] for term in found}


def _texts(values: Mapping[str, Value]) -> Iterator[tuple[str, str]]:
    for name, value in values.items():
        for text in value if isinstance(value, list) else [value]:
            yield name, str(text).strip()


def _terms_of(name: str, text: str) -> Iterator[str]:
    if _EMAIL.fullmatch(text):
        yield f"e:{text.lower()}"
    elif _PHONE.fullmatch(text) and not _DATE.fullmatch(text):
        yield f"p:{_digits(text)}"
    elif name in NAMES:
        yield from (f"n:{word}" for word in _words(text)[:MOST_WORDS])


def _digits(text: str) -> str:
    """The last digits from behind, so that whoever knows only the end of a number finds it."""
    return "".join(re.findall(r"\d", text))[-PHONE_DIGITS:][::-1]


def _words(text: str) -> list[str]:
    return [word for word in re.split(r"[^\w]+", _folded(text)) if word]


def _folded(text: str) -> str:
    """Without case and accents: José is found as jose."""
    decomposed = unicodedata.normalize("NFKD", text.casefold())
    return "".join(each for each in decomposed if not unicodedata.combining(each)).strip()


def page_key(address: str) -> str:
    """A page's address without what differs from visit to visit: host and path."""
    plain = re.split(r"[?#]", address.strip(), maxsplit=1)[0]
    host, slash, path = re.sub(r"^[a-z]+://", "", plain, flags=re.IGNORECASE).partition("/")
    return f"{host.lower()}{slash}{path}".rstrip("/")


def write(connection: Connection, found: Mapping[int, set[str]]) -> None:
    """Notes what new leads are found by: terms by the lead's id."""
    _INSERT.run(
        connection, [{"term": term, "lead_id": each} for each, terms in found.items() for term in sorted(terms)]
    )


_INSERT = Insert(lead_search)


def replace(connection: Connection, lead_id: int, found: set[str]) -> None:
    """The lead's answers were mended: it is found by what it says now."""
    forget(connection, [lead_id])
    write(connection, {lead_id: found})


def forget(connection: Connection, lead_ids: Sequence[int]) -> None:
    connection.execute(delete(lead_search).where(lead_search.c.lead_id.in_(lead_ids)))


# --- looking ---


@dataclass(frozen=True)
class Wanted:
    """Which leads: every given condition holds. ``state`` is a lead's state, so also `quarantined`.

    ``text`` is what a person typed: a reference, an e-mail address, a phone number, or names, each also in part from
    its beginning (a phone number from its end). Tests are found when they are asked for, and only they then.
    """

    text: str = ""
    form: str = ""
    state: str = ""
    vendor: str = ""
    page: str = ""
    campaign: str = ""
    since: float | None = None
    until: float | None = None
    tests: bool = False


_PRIMARY: Any = (delivery.c.lead_id == lead.c.id) & (delivery.c.destination == "vendor")
_OF_DELIVERY = ("state", "vendor", "account", "reason", "error_code")
_COLUMNS: tuple[Any, ...] = (lead, *(delivery.c[name] for name in _OF_DELIVERY))


def find(store: Store, wanted: Wanted, limit: int = 50, before: int | None = None) -> list[Row[Any]]:
    """Leads, newest first, each with its `vendor` delivery where it has one; ``before`` is an id."""
    with store.read() as connection:
        return list(connection.execute(_query(connection, wanted, before).limit(limit)))


def some(store: Store, ids: Sequence[int]) -> list[Row[Any]]:
    """These leads, as ``find`` finds them."""
    query = select(*_COLUMNS).join(delivery, _PRIMARY, isouter=True).where(lead.c.id.in_(ids))
    with store.read() as connection:
        return list(connection.execute(query.order_by(lead.c.id.desc())))


def one(store: Store, reference: str) -> Row[Any] | None:
    query = select(*_COLUMNS).join(delivery, _PRIMARY, isouter=True).where(lead.c.reference == reference.upper())
    with store.read() as connection:
        return connection.execute(query).first()


def each(store: Store, wanted: Wanted, page: int = 500) -> Iterator[Row[Any]]:
    """Leads as ``find`` finds them, however many, a page in memory at a time."""
    last: int | None = None
    while True:
        rows = find(store, wanted, page, last)
        yield from rows
        if len(rows) < page:
            return
        last = rows[-1].id


def _query(connection: Connection, wanted: Wanted, before: int | None) -> Select[Any]:
    """Driven by the most particular condition there is, along an index that is in the order of the ids."""
    of_delivery = [
        column == given
        for column, given in ((delivery.c.state, _state(wanted)), (delivery.c.vendor, wanted.vendor))
        if given
    ]
    exact = [f"u:{page_key(wanted.page)}"] if wanted.page else []
    exact += [f"c:{_folded(wanted.campaign)}"] if wanted.campaign else []
    query = select(*_COLUMNS)
    number: Any = lead.c.id
    if exact:
        driving = lead_search.alias()
        query = query.select_from(driving).join(lead, lead.c.id == driving.c.lead_id)
        query = query.where(driving.c.term == exact[0], *(_is_found_by(term) for term in exact[1:]))
        number = driving.c.lead_id
    elif of_delivery:
        query = query.select_from(delivery).join(lead, lead.c.id == delivery.c.lead_id)
        query = query.where(delivery.c.destination == "vendor")
        number = delivery.c.lead_id
    if exact or not of_delivery:
        query = query.join(delivery, _PRIMARY, isouter=not of_delivery)
    query = query.where(*of_delivery, *_of_lead(wanted), *_of_text(wanted.text), *_of_time(connection, wanted, number))
    if before is not None:
        query = query.where(number < before)
    return query.order_by(number.desc())


def _state(wanted: Wanted) -> str:
    return "" if wanted.state == "quarantined" else wanted.state


def _of_lead(wanted: Wanted) -> Iterator[Any]:
    yield lead.c.test.is_(wanted.tests)
    if wanted.form:
        yield lead.c.form == wanted.form
    if wanted.state == "quarantined":
        yield lead.c.quarantine.is_not(None)


def _of_time(connection: Connection, wanted: Wanted, number: Any) -> Iterator[Any]:
    """Times as bounds of ids too: they rise together but for what was stored at the same moment."""
    if wanted.since is not None:
        yield lead.c.received_at >= wanted.since
        yield number >= first_since(connection, wanted.since)
    if wanted.until is not None:
        yield lead.c.received_at < wanted.until
        last = _first_after(connection, wanted.until)
        if last is not None:
            yield number < last + BATCH


def first_since(connection: Connection, moment: float) -> int:
    """An id before which no lead was received since then: a bound along which every index of ids is quick."""
    first = _first_after(connection, moment)
    return max(0, first - BATCH) if first is not None else _PAST_ALL


def _first_after(connection: Connection, moment: float) -> int | None:
    query = select(lead.c.id).where(lead.c.received_at >= moment).order_by(lead.c.received_at).limit(1)
    return connection.execute(query).scalar()


def _of_text(text: str) -> Iterator[Any]:
    text = text.strip()
    if not text:
        return
    if _REFERENCE.fullmatch(text):
        upper = text.upper()
        yield (lead.c.reference >= upper) & (lead.c.reference < f"{upper}~")
    elif "@" in text:
        yield _has(_begins(f"e:{text.lower()}"))
    elif re.fullmatch(r"[+\d\s()./\-–]+", text) and len(_digits(text)) >= LEAST_DIGITS:
        yield _has(_begins(f"p:{_digits(text)}"))
    else:
        yield from _of_names(_words(text))


def _of_names(words: Sequence[str]) -> Iterator[Any]:
    long_enough = [word for word in words if len(word) >= LEAST_WORD]
    if not long_enough:
        yield lead.c.id < 0
    for word in long_enough:
        yield _has(_begins(f"n:{word}"))


def _begins(term: str) -> Any:
    return (lead_search.c.term >= term) & (lead_search.c.term < f"{term}\U0010ffff")


def _is_found_by(term: str) -> Any:
    """Asked lead by lead: half of all leads may be of one campaign."""
    return select(lead_search.c.term).where(lead_search.c.term == term, lead_search.c.lead_id == lead.c.id).exists()


def _has(condition: Any) -> Any:
    return lead.c.id.in_(select(lead_search.c.lead_id).where(condition))


# --- filling in what was stored without ---

_PROGRESS = "lead search"


def fill(store: Store, seconds: float = FILL_SECONDS) -> int:
    """Goes on where it stopped, for so long at most. Returns how many leads it went through."""
    if not store.has_table("lead_search"):
        return 0
    until, done = time.monotonic() + seconds, 0
    while time.monotonic() < until:
        count = _fill_batch(store)
        done += count
        if count < BATCH:
            break
    return done


def _fill_batch(store: Store) -> int:
    """Also leads that have their terms already: so none is left out, whichever version of Leadferry took it."""
    with store.read() as connection:
        position = connection.execute(
            select(chore_progress.c.position).where(chore_progress.c.name == _PROGRESS)
        ).scalar()
        rows = connection.execute(
            select(lead.c.id, lead.c.answers, lead.c.campaign)
            .where(lead.c.id > (position or 0), lead.c.received_at < time.time() - UNDER_WAY)
            .order_by(lead.c.id)
            .limit(BATCH)
        ).all()
    if not rows:
        return 0
    found = [{"term": term, "lead_id": row.id} for row in rows for term in terms(shown(row.answers), row.campaign)]
    with store.write() as connection:
        still_there = set(connection.execute(_not_erased(rows[0].id, rows[-1].id)).scalars())
        kept = [row for row in found if row["lead_id"] in still_there]
        if kept:
            connection.execute(store.insert_new(lead_search), kept)
        connection.execute(store.insert_new(chore_progress).values(name=_PROGRESS, position=0))
        here = chore_progress.c.name == _PROGRESS
        connection.execute(update(chore_progress).where(here).values(position=rows[-1].id))
    return len(rows)


def _not_erased(first: int, last: int) -> Select[Any]:
    """Asked in the transaction that writes: an erasure may have come between."""
    return select(lead.c.id).where(lead.c.id.between(first, last), lead.c.erased_at.is_(None))
