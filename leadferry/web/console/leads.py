"""The leads: the table of all, what is done with many, and one lead's page."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Mapping, Sequence
from dataclasses import dataclass, replace
from datetime import UTC, datetime, timedelta, tzinfo
from itertools import chain, islice
from typing import Any, cast
from zoneinfo import ZoneInfo, ZoneInfoNotFoundError

from flask import Response, abort, flash, jsonify, redirect, render_template, request, url_for
from werkzeug.datastructures import MultiDict

from leadferry import handling, outbox, search, troubles
from leadferry.forms import Form
from leadferry.handling import MOST_AT_ONCE, Batch
from leadferry.languages import Sentence, plural, sentence
from leadferry.leads import exported
from leadferry.outbox import STATES
from leadferry.sealing import shown
from leadferry.search import Wanted
from leadferry.spreadsheet import csv_lines, names_of
from leadferry.troubles import Trouble
from leadferry.vendors.base import as_text
from leadferry.web.console.base import STATE_COUNTS, STATE_LABELS, console, note, requires, this_user
from leadferry.web.console.language import _, listed, ngettext, told
from leadferry.web.site import current_site

PER_PAGE = 50
PATIENCE = 0.5
"""Seconds in which what is done with some leads is mostly over, so that the next page shows the outcome."""

WHO = ("name", "full_name", "compName", "company")


# --- the table ---


@console.get("/leads")
@requires("viewer")
def leads() -> str:
    office = current_site().office
    wanted = wanted_of(request.args)
    before = request.args.get("before", type=int)
    rows = search.find(office.store, wanted, PER_PAGE + 1, before)
    shown = rows[:PER_PAGE]
    return render_template(
        "console/leads.html",
        rows=[_line(row) for row in shown],
        chosen_words=_chosen_words(len(shown)),
        wanted=wanted,
        given=_given(),
        filtered=wanted != Wanted(tests=wanted.tests),
        troubles=_troubles(wanted),
        forms=sorted(office.catalog.all()),
        testable=[name for name, form in sorted(office.catalog.all().items()) if isinstance(form, Form)],
        vendors=[(name, adapter.label) for name, adapter in sorted(office.adapters.items())],
        states=[(state, told(STATE_LABELS[state])) for state in (*STATES, "quarantined")],
        newest=url_for("console.leads", **_given()) if before else None,
        older=url_for("console.leads", **{**_given(), "before": shown[-1].id}) if len(rows) > PER_PAGE else None,
    )


def _chosen_words(most: int) -> list[str]:
    """What the page says when one, two … leads are ticked: its script knows no plurals."""
    return [ngettext("{count} chosen", "{count} chosen", count) for count in range(1, most + 1)]


def _troubles(wanted: Wanted) -> list[Trouble]:
    """What went wrong with leads that stand so: said once for all of them, with what there is to press."""
    if wanted.tests or wanted.state in {"", "delivered", "sending"}:
        return []
    found = troubles.find(current_site().office)
    return [each for each in found if each.state == wanted.state and wanted.form in {"", each.form}]


@dataclass(frozen=True)
class Line:
    """A lead in the table."""

    reference: str
    who: str
    contact: str
    form: str
    received_at: float
    state: str
    vendor: str
    why: str
    erased: bool
    test: bool
    id: int


def _line(row: Any) -> Line:
    answers = shown(row.answers)
    return Line(
        reference=row.reference,
        who=who(answers) or (_("Erased") if row.erased_at else "–"),
        contact=" · ".join(as_text(answers[name]) for name in ("email", "phone") if answers.get(name)),
        form=row.form,
        received_at=row.received_at,
        state=state_of(row),
        vendor=label_of_vendor(row.vendor),
        why=_why(row),
        erased=row.erased_at is not None,
        test=row.test,
        id=row.id,
    )


def _why(row: Any) -> str:
    """What happened, where there is more to say than the state."""
    if row.reason in {None, "erased"} or row.state == "delivered":
        return ""
    return troubles.of_lead(current_site().office, row.form, row.account, row.state, row.reason).happened


def who(answers: Mapping[str, Any]) -> str:
    """The name to call a lead by."""
    first_and_last = " ".join(as_text(answers.get(name, "")) for name in ("firstName", "lastName")).strip()
    names = [first_and_last, *(as_text(answers.get(name, "")) for name in (*WHO, "email", "phone"))]
    return next((name for name in names if name), "")


def state_of(row: Any) -> str:
    return "quarantined" if row.quarantine is not None else (row.state or "")


def label_of_vendor(vendor: str | None) -> str:
    adapter = current_site().office.adapters.get(vendor or "")
    return adapter.label if adapter else (vendor or "")


# --- which leads ---


def wanted_of(args: MultiDict[str, str]) -> Wanted:
    """The filter that an address, or a form with the same names, asks for. Days are those of the reader's zone."""
    zone = _zone(args.get("zone", ""))
    until = _day(args.get("until"), zone)
    return Wanted(
        text=args.get("q", "").strip()[:200],
        form=args.get("form", ""),
        state=args.get("state", "") if args.get("state") in STATE_LABELS else "",
        vendor=args.get("vendor", ""),
        page=args.get("page", "").strip(),
        campaign=args.get("campaign", "").strip(),
        since=_stamp(_day(args.get("since"), zone)),
        until=_stamp(until + timedelta(days=1) if until else None),
        tests=args.get("tests") == "1",
    )


def _zone(name: str) -> tzinfo:
    try:
        return ZoneInfo(name) if name else UTC
    except (ZoneInfoNotFoundError, ValueError, OSError):
        return UTC


def _day(text: str | None, zone: tzinfo) -> datetime | None:
    try:
        return datetime.strptime(text or "", "%Y-%m-%d").replace(tzinfo=zone)
    except ValueError:
        return None


def _stamp(at: datetime | None) -> float | None:
    return at.timestamp() if at else None


FILTERS = ("q", "form", "state", "vendor", "page", "campaign", "since", "until", "zone", "tests")


def _given() -> dict[str, Any]:
    """The filter of this address, for another with the same."""
    return {name: request.values[name] for name in FILTERS if request.values.get(name)}


@console.get("/leads.csv")
@requires("operator")
def leads_export() -> Response:
    store, wanted = current_site().office.store, wanted_of(request.args)
    note(
        sentence("leads exported"),
        "",
        {name: str(value) for name, value in _given().items() if name not in {"q", "zone"}},
    )
    names = names_of(exported(row) for row in search.each(store, wanted))
    lines = csv_lines((exported(row) for row in search.each(store, wanted)), names)
    response = Response(_in_chunks(lines), content_type="text/csv; charset=utf-8")
    response.headers["Content-Disposition"] = f'attachment; filename="leads-{datetime.now(UTC):%Y-%m-%d}.csv"'
    return response


def _in_chunks(lines: Iterator[str]) -> Iterator[str]:
    """A mark first by which a spreadsheet knows UTF-8; then some hundred lines at a time."""
    chunk = ["\ufeff"]
    for line in lines:
        chunk.append(line)
        if len(chunk) > 200:
            yield "".join(chunk)
            chunk = []
    yield "".join(chunk)


# --- many at once ---


@dataclass(frozen=True)
class Handling:
    """What is done with many leads: its name where batches are kept, and in words."""

    name: str
    noted: Sentence
    title: Sentence
    done: Sentence


SENT_AGAIN = Handling(
    name="sent again",
    noted=sentence("leads sent again"),
    title=sentence("Leads sent again"),
    done=plural("{count} lead sent again", "{count} leads sent again"),
)
RELEASED = Handling(
    name="released",
    noted=sentence("leads released"),
    title=sentence("Leads released"),
    done=plural("{count} lead released", "{count} leads released"),
)
HANDLINGS: Mapping[str, Handling] = {each.name: each for each in (SENT_AGAIN, RELEASED)}
BATCH = "batch "
"""Before its number, the name of a batch on the audit list."""


@console.post("/leads/resend")
@requires("operator")
def leads_resend() -> Response:
    store = current_site().office.store
    chosen = _chosen(handling.OPEN)
    ids = [row.id for row in chosen if row.state in handling.OPEN and row.erased_at is None]
    return _begin(SENT_AGAIN, ids, lambda: handling.resend(store, ids))


@console.post("/leads/release")
@requires("operator")
def leads_release() -> Response:
    office = current_site().office
    held = [row for row in _chosen(("quarantined",)) if row.quarantine is not None]
    ids = [row.id for row in held]
    return _begin(RELEASED, ids, lambda: [handling.release(office.store, office.catalog, row) for row in held])


@console.post("/leads/troubles")
@requires("operator")
def leads_trouble() -> Response:
    """Sends again what waits for one cause: the button beside it."""
    store = current_site().office.store
    account, state, reason = (request.form.get(name, "") for name in ("account", "state", "reason"))
    if state not in handling.OPEN:
        abort(400)
    ids = troubles.resendable(store, account, (state,), reason or None)[:MOST_AT_ONCE]
    outbox.resume(store, account, store.now())
    return _begin(SENT_AGAIN, ids, lambda: handling.resend(store, ids))


def _chosen(states: Sequence[str]) -> list[Any]:
    """The ticked leads, or all in one of these states that the filter finds, up to what may be handled at once."""
    store = current_site().office.store
    if request.form.get("which") != "all":
        ids = [int(each) for each in request.form.getlist("lead") if each.isdecimal()][:PER_PAGE]
        return search.some(store, ids)
    wanted = wanted_of(request.form)
    found = (replace(wanted, state=state) for state in states if wanted.state in {"", state})
    return list(islice(chain.from_iterable(search.each(store, each) for each in found), MOST_AT_ONCE))


def _begin(what: Handling, ids: Sequence[int], work: Callable[[], object]) -> Response:
    """Many leads take their time: it goes on in the background, and the page that follows shows how far it is."""
    if not ids:
        flash(_("No lead that was chosen needs that."))
        return cast(Response, redirect(url_for("console.leads", **_given()), 303))
    site = current_site()
    number = handling.note_batch(site.office.store, this_user().name, what.name, ids)
    note(what.noted, f"{BATCH}{number}", {"leads": len(ids)})

    def do() -> None:
        work()
        site.worker.nudge()

    thread = threading.Thread(target=do, name="batch")
    thread.start()
    thread.join(PATIENCE)
    return cast(Response, redirect(url_for("console.leads_batch", number=number), 303))


@console.get("/leads/batches/<int:number>")
@requires("viewer")
def leads_batch(number: int) -> str:
    store, batch = current_site().office.store, _batch(number)
    rows = search.some(store, batch.lead_ids[:PER_PAGE])
    return render_template(
        "console/batch.html",
        batch=batch,
        title=told(_handling(batch).title),
        done=told(_handling(batch).done.of(len(batch.lead_ids))),
        progress=_progress(batch),
        states=handling.batch_states(store, batch),
        rows=[_line(row) for row in rows],
    )


@console.get("/leads/batches/<int:number>/progress")
@requires("viewer")
def leads_batch_progress(number: int) -> Response:
    return jsonify(_progress(_batch(number)))


def _handling(batch: Batch) -> Handling:
    """What another version of Leadferry did is said in its own word."""
    found = HANDLINGS.get(batch.action)
    if found:
        return found
    title, done = sentence("Leads {action}"), plural("{count} lead {action}", "{count} leads {action}")
    return Handling(batch.action, title, title.of(action=batch.action), done.of(action=batch.action))


def _batch(number: int) -> Batch:
    return handling.find_batch(current_site().office.store, number) or abort(404)


def _progress(batch: Batch) -> dict[str, Any]:
    """How far it is. Leads that were tried and wait for their next try are no reason to keep somebody waiting."""
    store = current_site().office.store
    states = handling.batch_states(store, batch)
    under_way = sum(states.get(state, 0) for state in ("pending", "sending", "quarantined"))
    total = len(batch.lead_ids)
    finished = not under_way or (store.now() - batch.at > 60 and not states.get("sending"))
    words = listed(STATE_COUNTS[state].of(count) for state, count in states.items())
    here = url_for("console.leads_batch", number=batch.id)
    return {"done": total - under_way, "total": total, "words": words, "finished": finished, "then": here}
