"""One lead: what it says, where it came from, every try to deliver it, and what a person does with it."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any, cast

from flask import Response, abort, flash, jsonify, make_response, redirect, render_template, request, url_for

from leadferry import handling, outbox, privacy, search, troubles
from leadferry.forms import Field, Form
from leadferry.languages import Sentence, sentence
from leadferry.outbox import Waiting
from leadferry.sealing import shown
from leadferry.submission import FieldError
from leadferry.troubles import Trouble
from leadferry.vendors.base import Value
from leadferry.web.console.base import STATE_LABELS, console, note, requires
from leadferry.web.console.exchange import answer_text, request_text
from leadferry.web.console.language import _, ngettext, told
from leadferry.web.console.leads import label_of_vendor, state_of, who
from leadferry.web.site import current_site

SOON = 10.0
"""Seconds in which a lead that waits is worth waiting for."""

LONG = 80
"""Characters from which on a value is mended in a box of several lines."""

TRIGGERS: Mapping[str, Sentence] = {
    "visitor": sentence("while the visitor waited"),
    "worker": sentence("by itself"),
    "resend": sentence("by a person"),
    "test": sentence("as a test"),
}

OUTCOMES: Mapping[str, tuple[Sentence, str]] = {
    "accepted": (sentence("Taken"), "good"),
    "rejected": (sentence("Refused"), "bad"),
    "failed": (sentence("Did not arrive"), "warn"),
    "unknown": (sentence("Nobody knows"), "warn"),
    "misconfigured": (sentence("Not set up right"), "bad"),
}

CLEANING: Mapping[str, Sentence] = {
    "control_characters": sentence("characters that cannot be printed were taken out"),
    "html": sentence("HTML was taken out"),
    "raw_cut": sentence("was cut, as it was far too long"),
    "cut": sentence("was cut to what the field takes"),
    "cut_for_vendor": sentence("was sent cut to what the vendor takes; it is whole here"),
    "invalid": sentence("was left out, as it is not of the field's kind"),
}

SUSPICIONS: Mapping[str, Sentence] = {
    "honeypot": sentence("A field that no person sees was filled in."),
    "too_fast": sentence("It was sent within two seconds of seeing the form."),
    "url_in_name": sentence("There is a web address in the name."),
    "repeated_content": sentence("The same long text came again and again."),
    "blocked_word": sentence("It holds a word that the form blocks."),
    "blocked_country": sentence("It came from a country that the form blocks."),
    "no_token": sentence("It came without having seen the form."),
    "old_token": sentence("The form was opened more than a day before."),
    "links": sentence("It holds several links."),
    "no_user_agent": sentence("It named no browser."),
}


THE_CONSOLE = "the console, by "
"""Before a user's name, the browser that a test is sent with."""

SOURCES = (
    ("ip", sentence("Address, in part")),
    ("user_agent", sentence("Browser")),
    ("path", sentence("Posted to")),
    ("country", sentence("Country")),
)


@dataclass(frozen=True)
class Answer:
    """One answer: its label where the form's version is known, and what cleaning changed."""

    name: str
    label: str
    value: str
    cleaned: str


@dataclass(frozen=True)
class Rung:
    """One try."""

    number: int
    at: float
    trigger: str
    outcome: str
    verdict: str
    tone: str
    why: str
    code: str | None
    words: str | None
    milliseconds: int
    exchanges: Sequence[tuple[str, str]]


@dataclass(frozen=True)
class Way:
    """A delivery with its ladder of tries."""

    destination: str
    vendor: str
    state: str
    vendor_lead_id: str | None
    next_at: float | None
    rungs: Sequence[Rung]
    trouble: Trouble | None


@console.get("/leads/<reference>")
@requires("viewer")
def lead(reference: str) -> str:
    row = _row(reference)
    form = current_site().office.catalog.version(row.form, row.version)
    ways = list(_ways(row))
    return render_template(
        "console/lead.html",
        row=row,
        who=who(shown(row.answers)) or row.reference,
        state=state_of(row),
        answers=list(_answers(row, form)),
        ways=ways,
        under_way=_under_way(row),
        source=list(_source(row)),
        campaign=list(row.campaign.items()),
        suspicions=[SUSPICIONS.get(each, each) for each in row.quarantine or row.source.get("suspect") or ()],
        can_resend=row.erased_at is None and any(way.state not in handling.SETTLED for way in ways),
    )


def _row(reference: str) -> Any:
    row = search.one(current_site().office.store, reference)
    return row if row is not None else abort(404)


def _answers(row: Any, form: Form | None) -> Iterator[Answer]:
    changes: dict[str, list[str]] = {}
    for change in row.cleaned:
        changes.setdefault(change["field"], []).append(_cleaned(change))
    answers = shown(row.answers)
    for name in dict.fromkeys((*answers, *changes)):
        field = form.by_name.get(name) if form else None
        label = (field.label if field else "") or name
        yield Answer(name, label, _in_words(field, answers.get(name, "")), "; ".join(changes.get(name, ())))


def _cleaned(change: Mapping[str, Any]) -> str:
    words = told(CLEANING.get(change["reason"], change["reason"]))
    before, after = change["before"], change["after"]
    return ngettext(
        "{change} ({before} → {count} character)",
        "{change} ({before} → {count} characters)",
        after,
        change=words,
        before=f"{before:,}",
    )


def _in_words(field: Field | None, value: Value) -> str:
    """As the visitor chose it: a tick as yes or no, an option by its label."""
    labels = dict(_options(field)) if field else {}
    return ", ".join(labels.get(text, text) for text in _texts(value))


def _options(field: Field) -> list[tuple[str, str]]:
    if field.is_tick:
        return [("1", _("Yes")), ("0", _("No"))]
    return [(option.value, option.label) for option in field.options]


def _source(row: Any) -> Iterator[tuple[str, str]]:
    for name, label in SOURCES:
        if row.source.get(name):
            yield told(label), _sender(str(row.source[name]))
    if row.source.get("ignored_redirects"):
        yield _("Ignored, as it is none of the form's origins"), ", ".join(row.source["ignored_redirects"])


def _sender(text: str) -> str:
    if not text.startswith(THE_CONSOLE):
        return text
    return _("the console, by {name}", name=text.removeprefix(THE_CONSOLE))


def _ways(row: Any) -> Iterator[Way]:
    office = current_site().office
    waiting = {each.account: each for each in outbox.waiting(office.store)}
    for each in outbox.of_lead(office.store, row.id):
        rungs = [_rung(tried, each) for tried in outbox.history(office.store, each.id)]
        yield Way(
            destination=each.destination,
            vendor=label_of_vendor(each.vendor),
            state=each.state,
            vendor_lead_id=each.vendor_lead_id,
            next_at=each.due_at if each.state == "pending" and each.account not in waiting else None,
            rungs=rungs[::-1],
            trouble=_trouble(row, each, waiting.get(each.account), rungs[-1] if rungs else None),
        )


def _trouble(row: Any, delivery: Any, waiting: Waiting | None, last: Rung | None) -> Trouble | None:
    if delivery.state == "delivered" or row.erased_at is not None:
        return None
    reason = delivery.reason or (waiting.reason if waiting and delivery.state == "pending" else None)
    words = (last.words if last else None) or ""
    if not reason:
        return None
    return troubles.of_lead(current_site().office, row.form, delivery.account, delivery.state, reason, words)


def _rung(tried: Any, delivery: Any) -> Rung:
    verdict, tone = OUTCOMES.get(tried.outcome, (tried.outcome, "plain"))
    account = delivery.account
    why = troubles.of_lead(current_site().office, account.partition("/")[0], account, "", tried.reason).happened
    return Rung(
        number=tried.number,
        at=tried.at,
        trigger=TRIGGERS.get(tried.trigger, tried.trigger),
        outcome=tried.outcome,
        verdict=verdict,
        tone=tone,
        why=why if tried.reason else "",
        code=tried.code,
        words=tried.words,
        milliseconds=tried.milliseconds,
        exchanges=[(request_text(call["request"]), answer_text(call)) for call in tried.calls],
    )


# --- waiting for it ---


@console.get("/leads/<reference>/progress")
@requires("viewer")
def lead_progress(reference: str) -> Response:
    row = _row(reference)
    words = told(STATE_LABELS.get(state_of(row), ""))
    finished = not _under_way(row)
    there = url_for("console.lead", reference=row.reference)
    return jsonify({"done": int(finished), "total": 1, "words": words, "finished": finished, "then": there})


def _under_way(row: Any) -> bool:
    """Whether something is being done with it that one can wait for."""
    store = current_site().office.store
    now = store.now()
    paused = {each.account for each in outbox.waiting(store)}
    return any(
        each.state == "sending"
        or (each.state == "pending" and each.account not in paused and abs(each.due_at - now) < SOON)
        for each in outbox.of_lead(store, row.id)
    )


# --- what a person does with it ---


@console.post("/leads/<reference>/resend")
@requires("operator")
def lead_resend(reference: str) -> Response:
    row = _row(reference)
    _send_again(row)
    note(sentence("lead sent again"), row.reference)
    return _back(row)


def _send_again(row: Any) -> None:
    site = current_site()
    handling.resend(site.office.store, [row.id])
    site.worker.nudge()


@console.post("/leads/<reference>/release")
@requires("operator")
def lead_release(reference: str) -> Response:
    row, site = _row(reference), current_site()
    if not handling.release(site.office.store, site.office.catalog, row):
        flash(_("It is held no more, or the version of its form cannot be read."))
        return _back(row)
    site.worker.nudge()
    note(sentence("lead released"), row.reference)
    return _back(row)


@console.post("/leads/<reference>/erase")
@requires("operator")
def lead_erase(reference: str) -> Response:
    """Everything personal of this one lead; that there was one stays. Who was not asked by a script is asked here."""
    row = _row(reference)
    if request.form.get("sure") != "yes":
        name = who(shown(row.answers)) or row.reference
        return make_response(render_template("console/lead_erase.html", row=row, who=name))
    privacy.erase(current_site().office.store, [row.id])
    note(sentence("lead erased"), row.reference)
    flash(_("Everything personal of this lead is erased."))
    return _back(row)


@console.get("/leads/<reference>/edit")
@requires("operator")
def lead_edit(reference: str) -> Response:
    row = _row(reference)
    return _edit_page(row, shown(row.answers), ())


@console.post("/leads/<reference>/edit")
@requires("operator")
def lead_mend(reference: str) -> Response:
    """Only what was changed is held against the form: what the vendor took as it was stays as it is."""
    row, office = _row(reference), current_site().office
    answers = shown(row.answers)
    posted = {name: _posted(name, value) for name, value in answers.items() if f"a-{name}" in request.form}
    changed = {name: value for name, value in posted.items() if value != answers[name]}
    given = [(name, text) for name, value in changed.items() for text in _texts(value)]
    wrong = handling.mend(office.store, office.catalog, row, given) if given else []
    if wrong:
        return _edit_page(row, {**answers, **posted}, wrong)
    if given:
        note(sentence("lead mended"), row.reference, {"fields": sorted(changed)})
    if request.form.get("then") == "resend":
        _send_again(row)
        note(sentence("lead sent again"), row.reference)
    return _back(row)


def _texts(value: Value) -> list[str]:
    return value if isinstance(value, list) else [value]


def _posted(name: str, before: Value) -> Value:
    text = request.form[f"a-{name}"].replace("\r\n", "\n")
    if isinstance(before, list):
        return [line.strip() for line in text.split("\n") if line.strip()] or [""]
    return text


def _edit_page(row: Any, answers: Mapping[str, Value], wrong: Sequence[FieldError]) -> Response:
    form = current_site().office.catalog.version(row.form, row.version)
    by_field = {error.field: error.message for error in wrong}
    fields = [_question(form, name, value, by_field.get(name)) for name, value in answers.items()]
    page = render_template(
        "console/lead_edit.html",
        row=row,
        who=who(shown(row.answers)) or row.reference,
        fields=fields,
        error=by_field.get(None),
        delivered=row.state == "delivered",
    )
    return make_response(page, 422 if wrong else 200)


def _question(form: Form | None, name: str, value: Value, error: str | None) -> dict[str, Any]:
    field = form.by_name.get(name) if form else None
    text = "\n".join(value) if isinstance(value, list) else value
    options = _options(field) if field else []
    known = any(text == option for option, _ in options) and not isinstance(value, list)
    return {
        "name": f"a-{name}",
        "label": (field.label if field else "") or name,
        "value": text,
        "options": options if known else [],
        "lines": isinstance(value, list) or len(text) > LONG or "\n" in text,
        "list": isinstance(value, list),
        "error": error,
    }


def _back(row: Any) -> Response:
    return cast(Response, redirect(url_for("console.lead", reference=row.reference), 303))
