"""The numbers that people act on, out of the store: visits, leads, how fast they arrived, what went wrong with them.

Every question is bounded by a time and by how many leads it looks at, so none gets slow as leads pile up.
"""

from __future__ import annotations

import math
from collections import defaultdict
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import Integer, case, cast, delete, func, literal, select
from sqlalchemy.dialects import postgresql, sqlite

from leadferry.models import delivery, lead, snippet_seen, visit_count
from leadferry.store import Store, StoreError

DAY = 86_400.0
KEPT_DAYS = 800
"""For so long the counts of visits stay, and the doctor remembers a page."""

MOST_LEADS = 100_000
"""Leads that the funnel counts; where there are more, it begins at a later day."""

MOST_TIMED = 5_000
LATEST_LEADS = 100
"""Of each form, for what cleaning did to them."""

MOST_SIGHTINGS = 2_000

CLICK_IDS: Mapping[str, str] = {
    "gclid": "Google Ads",
    "gbraid": "Google Ads",
    "wbraid": "Google Ads",
    "dclid": "Google Display",
    "fbclid": "Facebook or Instagram",
    "msclkid": "Microsoft Ads",
    "ttclid": "TikTok",
    "twclid": "X",
    "li_fat_id": "LinkedIn",
    "ScCid": "Snapchat",
}
"""Whose click an id is, where the page's address says nothing better of the campaign."""

Key = tuple[int, str, str, str, str]
"""Day since 1970, form, page, campaign, what."""


@dataclass(frozen=True)
class Sighting:
    """When a form noticed the same about a page for the first and the last time, and how often."""

    first: float
    last: float
    count: int


# --- writing ---


def is_ready(store: Store) -> bool:
    """Whether the schema has the tables: the version before has not."""
    try:
        with store.read() as connection:
            connection.execute(select(visit_count.c.day).limit(1))
    except StoreError:
        return False
    return True


def add(store: Store, counts: Mapping[Key, int], sightings: Mapping[tuple[str, str, str], Sighting]) -> None:
    """In an order that is the same in all processes, so that none waits for another in a circle."""
    rows = [dict(zip(visit_count.c.keys(), (*key, counts[key]), strict=True)) for key in sorted(counts)]
    seen = [
        {"form": form, "page": page, "facts": facts, "first_seen": each.first, "last_seen": each.last}
        | {"count": each.count}
        for (form, page, facts), each in sorted(sightings.items())
    ]
    insert = sqlite.insert if store.is_sqlite else postgresql.insert
    with store.write() as connection:
        if rows:
            counted = insert(visit_count)
            more = {"count": visit_count.c.count + counted.excluded.count}
            connection.execute(
                counted.on_conflict_do_update(index_elements=[*visit_count.primary_key], set_=more), rows
            )
        if seen:
            sighted = insert(snippet_seen)
            later = {"last_seen": sighted.excluded.last_seen, "count": snippet_seen.c.count + sighted.excluded.count}
            connection.execute(
                sighted.on_conflict_do_update(index_elements=[*snippet_seen.primary_key], set_=later), seen
            )


def forget_old(store: Store) -> None:
    now = store.now()
    with store.write() as connection:
        connection.execute(delete(visit_count).where(visit_count.c.day < int(now // DAY) - KEPT_DAYS))
        connection.execute(delete(snippet_seen).where(snippet_seen.c.last_seen < now - KEPT_DAYS * DAY))


# --- the funnel ---


@dataclass
class Funnel:
    """How far visitors came. ``started`` is None where the form does not measure it."""

    seen: int = 0
    tried: int = 0
    stored: int = 0
    delivered: int = 0
    quarantined: int = 0
    started: int | None = None

    @property
    def rate(self) -> float | None:
        """Leads for each view; None where views are not known, as of forms that are pasted as HTML."""
        return self.stored / self.seen if self.seen and self.stored <= self.seen else None

    def add_visits(self, what: str, count: int) -> None:
        if what == "seen":
            self.seen += count
        elif what == "tried":
            self.tried += count
        elif what == "started":
            self.started = (self.started or 0) + count

    def add_leads(self, state: str, leads: int) -> None:
        if state == "quarantined":
            self.quarantined += leads
            return
        self.stored += leads
        self.delivered += leads if state == "delivered" else 0


@dataclass(frozen=True)
class Period:
    """Whole days since 1970 in UTC, both included. ``is_short``: it begins later than asked, there are many leads."""

    first: int
    last: int
    is_short: bool = False

    @property
    def days(self) -> range:
        return range(self.first, self.last + 1)


@dataclass(frozen=True)
class Counted:
    """Leads that agree in all of this. ``address`` is without its query; ``click`` is the name of a click's id."""

    day: int
    form: str
    address: str
    utm: tuple[str, str, str]
    click: str
    state: str
    leads: int


def period(store: Store, days: int) -> Period:
    now = store.now()
    last = int(now // DAY)
    asked = last - days + 1
    query = (
        select(lead.c.received_at)
        .where(lead.c.received_at >= asked * DAY)
        .order_by(lead.c.received_at.desc())
        .offset(MOST_LEADS)
        .limit(1)
    )
    with store.read() as connection:
        earliest = connection.execute(query).scalar()
    if earliest is None:
        return Period(asked, last)
    return Period(min(last, int(earliest // DAY) + 1), last, is_short=True)


def visits(store: Store, when: Period, form: str | None = None) -> list[tuple[Key, int]]:
    query = select(visit_count).where(visit_count.c.day.between(when.first, when.last))
    if form is not None:
        query = query.where(visit_count.c.form == form)
    with store.read() as connection:
        return [((row.day, row.form, row.page, row.campaign, row.what), row[5]) for row in connection.execute(query)]


def received(store: Store, when: Period, form: str | None = None) -> list[Counted]:
    """Leads by day, form, page, campaign and where they stand; test leads are left out."""
    said = lead.c.campaign
    day: Any = cast(func.floor(lead.c.received_at / DAY), Integer)
    utm = [func.coalesce(said[name].as_string(), "") for name in ("utm_source", "utm_medium", "utm_campaign")]
    click = case(*((said[name].as_string().is_not(None), name) for name in CLICK_IDS), else_="")
    state = case((lead.c.quarantine.is_not(None), "quarantined"), else_=func.coalesce(delivery.c.state, ""))
    columns = [
        day,
        lead.c.form,
        _without_query(store, func.coalesce(said["page_url"].as_string(), "")),
        *utm,
        click,
        state,
    ]
    columns = [column.label(f"c{number}") for number, column in enumerate(columns)]
    query = (
        select(*columns, func.count())
        .outerjoin_from(lead, delivery, (delivery.c.lead_id == lead.c.id) & (delivery.c.destination == "vendor"))
        .where(lead.c.received_at >= when.first * DAY, lead.c.received_at < (when.last + 1) * DAY)
        .where(lead.c.test.is_(False))  # not by form, or SQLite reads all leads of the form instead of those days'
        .group_by(*columns)
    )
    with store.read() as connection:
        rows = connection.execute(query).all()
    found = [Counted(row[0], row[1], row[2], (row[3], row[4], row[5]), row[6], row[7], row[8]) for row in rows]
    return [each for each in found if form in {None, each.form}]


def _without_query(store: Store, address: Any) -> Any:
    position = func.instr if store.is_sqlite else func.strpos
    return func.substr(address, 1, position(address.op("||")(literal("?")), "?") - 1)


# --- speed ---


@dataclass(frozen=True)
class Timed:
    """A delivered lead, and the seconds from the visitor's post to the vendor's word."""

    reference: str
    form: str
    vendor: str
    received_at: float
    seconds: float


def timed(store: Store, since: float, form: str | None = None) -> list[Timed]:
    """The delivered ones of the newest leads since then, of which ``MOST_TIMED`` are looked at."""
    newest = (
        select(lead.c.id, lead.c.reference, lead.c.form, lead.c.received_at)
        .where(lead.c.received_at >= since, lead.c.test.is_(False))
        .where(*([lead.c.form == form] if form is not None else []))
        .order_by(lead.c.received_at.desc())
        .limit(MOST_TIMED)
        .subquery()
    )
    seconds: Any = delivery.c.settled_at - newest.c.received_at
    query = (
        select(newest.c.reference, newest.c.form, delivery.c.vendor, newest.c.received_at, seconds, delivery.c.state)
        .join_from(newest, delivery, (delivery.c.lead_id == newest.c.id) & (delivery.c.destination == "vendor"))
        .where(delivery.c.settled_at.is_not(None))
    )
    with store.read() as connection:
        rows = connection.execute(query).all()
    return [Timed(*row[:4], max(0.0, row[4])) for row in rows if row.state == "delivered"]


def percentile(sorted_values: Sequence[float], share: float) -> float:
    """The least value that at least so large a share does not exceed."""
    return sorted_values[max(0, math.ceil(share * len(sorted_values)) - 1)]


# --- what went wrong ---


@dataclass(frozen=True)
class Refused:
    """Leads of one form that came to no good end at its vendor for one reason."""

    form: str
    account: str
    vendor: str
    state: str
    reason: str | None
    leads: int
    last: float


def refused(store: Store, since: float, form: str | None = None) -> list[Refused]:
    """The most first."""
    count = func.count()
    columns = (lead.c.form, delivery.c.account, delivery.c.vendor, delivery.c.state, delivery.c.reason)
    query = (
        select(*columns, count, func.max(lead.c.received_at))
        .join_from(lead, delivery, delivery.c.lead_id == lead.c.id)
        .where(lead.c.received_at >= since, lead.c.test.is_(False), lead.c.erased_at.is_(None))
        .where(delivery.c.state.in_(["rejected", "held", "dead"]))
        .where(*([lead.c.form == form] if form is not None else []))
        .group_by(*columns)
        .order_by(count.desc())
    )
    with store.read() as connection:
        return [Refused(*row) for row in connection.execute(query)]


@dataclass(frozen=True)
class Damage:
    """A field that cleaning changed often: in ``hurt`` of the newest ``leads`` that had it."""

    form: str
    field: str
    reason: str
    hurt: int
    leads: int
    longest: int


LEAST_HURT = 3
SHARE_HURT = 0.2


def damaged(store: Store, form: str) -> list[Damage]:
    """Fields that were cut, stripped or dropped in a good part of a form's newest leads, the worst first."""
    query = (
        select(lead.c.answers, lead.c.campaign, lead.c.cleaned)
        .where(lead.c.form == form, lead.c.erased_at.is_(None))
        .order_by(lead.c.id.desc())
        .limit(LATEST_LEADS)
    )
    with store.read() as connection:
        return _damage(form, connection.execute(query).all())


def _damage(form: str, rows: Iterable[Any]) -> list[Damage]:
    had: dict[str, int] = defaultdict(int)
    hurt: dict[tuple[str, str], list[int]] = defaultdict(list)
    for row in rows:
        changes = {(each["field"], each["reason"]): each["before"] for each in row.cleaned}
        for name in {*row.answers, *row.campaign, *(field for field, _ in changes)}:
            had[name] += 1
        for change, before in changes.items():
            hurt[change].append(before)
    found = [Damage(form, *change, len(each), had[change[0]], max(each)) for change, each in hurt.items()]
    often = [each for each in found if each.hurt >= LEAST_HURT and each.hurt >= SHARE_HURT * each.leads]
    return sorted(often, key=lambda each: -each.hurt)


# --- at a glance ---


def by_hour(store: Store, hours: int) -> dict[str, list[int]]:
    """Leads of each form in each of the last hours, oldest first; the last is the hour that ends now."""
    now = store.now()
    start = now - hours * 3600
    hour: Any = cast(func.floor((lead.c.received_at - start) / 3600), Integer).label("hour")
    query = (
        select(lead.c.form, hour, func.count())
        .where(lead.c.received_at >= start, lead.c.received_at < now, lead.c.test.is_(False))
        .group_by(lead.c.form, hour)
    )
    found: dict[str, list[int]] = {}
    with store.read() as connection:
        for form, index, leads in connection.execute(query):
            found.setdefault(form, [0] * hours)[min(max(index, 0), hours - 1)] += leads
    return found


def sightings(store: Store, since: float) -> list[tuple[str, str, str, Sighting]]:
    """What forms noticed about pages since then, the latest first: form, page, facts, when and how often."""
    query = (
        select(snippet_seen)
        .where(snippet_seen.c.last_seen >= since)
        .order_by(snippet_seen.c.last_seen.desc())
        .limit(MOST_SIGHTINGS)
    )
    with store.read() as connection:
        return [
            (row.form, row.page, row.facts, Sighting(row.first_seen, row.last_seen, row[5]))
            for row in connection.execute(query)
        ]
