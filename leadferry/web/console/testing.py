"""A test lead: to the emulated vendors, where nothing is stored and nothing leaves this machine, or to the real one."""

from __future__ import annotations

import threading
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass, replace
from functools import reduce
from typing import Any, cast

from flask import Response, abort, make_response, redirect, render_template, request, url_for

from leadferry import accepting, outbox, troubles
from leadferry import delivery as deliveries
from leadferry.delivery import Office
from leadferry.forms import Field, Form
from leadferry.languages import Sentence, sentence
from leadferry.leads import NewLead
from leadferry.submission import FieldError, Submission, read
from leadferry.transport import Transport
from leadferry.vendors.base import Adapter, Destination, Secret, Template
from leadferry.web.console.base import console, may, note, refusal, requires, this_user
from leadferry.web.console.exchange import answer_text, request_text
from leadferry.web.console.language import _
from leadferry.web.console.lead import OUTCOMES, THE_CONSOLE
from leadferry.web.site import current_site

PATIENCE = 0.8
"""Seconds in which a real vendor's answer is waited for here; after that the lead's own page does."""

BY_NAME: Mapping[str, str] = {
    "name": "Test Lead",
    "firstName": "Test",
    "lastName": "Lead",
    "compName": "Test Company",
    "address": "12 Oak St",
    "city": "Austin",
    "zip": "78701",
    "state": "TX",
    "notes": "This is a test.",
}

BY_KIND: Mapping[str, str] = {
    "email": "test@example.com",
    "phone": "5125550123",
    "phone10": "5125550123",
    "number": "3",
    "range": "1-10",
    "date": "2030-01-15",
    "dob": "1985-12-31",
    "ssn": "078-05-1120",  # one that was printed on a sample card and is nobody's
    "gender": "F",
    "gender_mf": "F",
    "state": "TX",
    "state2": "TX",
    "postal_code": "78701",
    "zip_us_ca": "78701",
    "whole": "3",
    "integer": "3",
    "profile_id": "test",
    "country": "US",
    "url": "https://www.example.com",
    "text": "Test",
    "textarea": "This is a test.",
}


@dataclass(frozen=True)
class Tried:
    """What came of the test at one destination."""

    vendor: str
    verdict: Sentence
    tone: str
    why: str
    says: str
    exchanges: Sequence[tuple[str, str]]


@console.get("/forms/<name>/test")
@requires("editor")
def form_test(name: str) -> Response:
    form = _form(name)
    return _page(form, _samples(form))


@console.post("/forms/<name>/test")
@requires("editor")
def form_test_send(name: str) -> Response:
    form = _form(name)
    pairs = _posted(form)
    submission = read(form, pairs)
    if submission.errors:
        return _page(form, dict(pairs), errors=submission.errors)
    if request.form.get("to") == "vendor":
        return _send_really(form, submission) if may("operator") else refusal()
    note(sentence("test sent to the sandbox"), form.name)
    return _page(form, dict(pairs), tried=_try_emulated(form, submission))


def _form(name: str) -> Form:
    found = current_site().office.catalog.get(name)
    return found if isinstance(found, Form) else abort(404)


# --- the page ---


def _samples(form: Form) -> dict[str, str]:
    return {each.name: _sample(each) for each in form.fields if each.kind != "file"}


def _sample(field: Field) -> str:
    if field.value:
        return field.value
    if field.is_tick:
        return "1"
    if field.options:
        return next(option.value for option in field.options)
    return field.minimum or BY_NAME.get(field.name) or BY_KIND.get(field.kind, "Test")


def _posted(form: Form) -> list[tuple[str, str]]:
    """A tick that is not ticked is not posted, as a browser does it."""
    given = ((each.name, request.form.get(f"a-{each.name}", "")) for each in form.fields if each.kind != "file")
    return [(name, text) for name, text in given if text]


def _page(
    form: Form,
    values: Mapping[str, str],
    errors: Sequence[FieldError] = (),
    tried: Sequence[Tried] = (),
    checked: Sequence[tuple[str, bool | None, str]] = (),
) -> Response:
    by_field = {error.field: error.message for error in errors}
    names = {each.name for each in form.fields}
    page = render_template(
        "console/form_test.html",
        form=form,
        fields=[_question(each, values.get(each.name, ""), by_field.get(each.name)) for each in form.fields],
        errors=[error.message for error in errors if error.field not in names],
        tried=tried,
        checked=checked,
        vendors=_all_of([current_site().office.adapters[each.adapter].label for each in form.destinations]),
    )
    return make_response(page, 422 if errors else 200)


def _all_of(names: Sequence[str]) -> str:
    return reduce(lambda one, other: _("{one} and {other}", one=one, other=other), names)


def _question(field: Field, value: str, error: str | None) -> dict[str, Any]:
    options = (
        [("1", _("Yes")), ("", _("No"))] if field.is_tick else [(each.value, each.label) for each in field.options]
    )
    if options and not field.is_tick and not field.required:
        options.insert(0, ("", "–"))
    return {
        "name": f"a-{field.name}",
        "label": field.label or field.name,
        "value": value,
        "options": options,
        "lines": field.kind == "textarea",
        "hidden": field.kind == "hidden",
        "file": field.kind == "file",
        "error": error,
    }


# --- to the real vendor ---


def _send_really(form: Form, submission: Submission) -> Response:
    """Stored and marked, and sent as any lead is: its page shows the request and the answer."""
    site = current_site()
    new = _new_lead(form, submission)
    payloads = {each.name: deliveries.build(site.office, new.data(each.name), each) for each in form.destinations}
    waits = site.slots.take()
    accepted = accepting.accept(site.office.store, new, payloads, take=waits, repeats=False)
    note(sentence("test sent to the vendor"), form.name, {"lead": accepted.reference})
    if accepted.claim is not None:
        site.slots.run(accepted.claim, PATIENCE)
    elif waits:  # the vendor takes no call now
        site.slots.give_back()
    site.worker.nudge()
    return cast(Response, redirect(url_for("console.lead", reference=accepted.reference), 303))


def _new_lead(form: Form, submission: Submission) -> NewLead:
    return NewLead(
        form=form,
        values=submission.values,
        campaign=submission.campaign,
        cleaned=submission.cleaned,
        source={"path": request.path, "user_agent": f"{THE_CONSOLE}{this_user().name}"},
        test=True,
    )


@console.post("/forms/<name>/check")
@requires("operator")
def form_check(name: str) -> Response:
    """Whether the vendors take our credentials, found out without making a lead where they allow that."""
    form, office = _form(name), current_site().office
    found = [
        (office.adapters[each.adapter].label, *deliveries.probe_account(office, each)) for each in form.destinations
    ]
    note(sentence("account checked"), form.name)
    return _page(form, _samples(form), checked=found)


# --- to the emulated ones ---


def _try_emulated(form: Form, submission: Submission) -> list[Tried]:
    new = _new_lead(form, submission)
    office = replace(current_site().office, transport=Transport(allow_private=True))
    with emulated_vendors() as url:
        return [_try_one(office, new, _at_the_sandbox(each, office, url)) for each in form.destinations]


def _try_one(office: Office, new: NewLead, destination: Destination) -> Tried:
    result, calls = deliveries.try_out(office, new.data(destination.name), destination)
    verdict, tone = OUTCOMES[result.outcome]
    said = troubles.of_lead(office, new.form.name, outbox.account_of(destination), "", result.reason)
    return Tried(
        vendor=office.adapters[destination.adapter].label,
        verdict=verdict,
        tone=tone,
        why=said.happened if result.reason else "",
        says=" ".join(filter(None, (_(result.words), result.code))),
        exchanges=[(request_text(call["request"]), answer_text(call)) for call in calls],
    )


def _at_the_sandbox(destination: Destination, office: Office, url: str) -> Destination:
    """The same form and mapping, with the sandbox's own account in place of the real one."""
    from leadferry.sandbox.accounts import SETTINGS  # noqa: PLC0415  # the sandbox is loaded when it is asked for

    adapter = office.adapters[destination.adapter]
    own = {name: value for name, value in destination.settings.items() if name not in _secret_settings(adapter)}
    demo = {name: Template((Secret(f"DEMO_{name.upper()}", value),)) for name, value in SETTINGS[adapter.name].items()}
    return replace(destination, settings={**own, **demo}, url=f"{url}/{adapter.name}")


def _secret_settings(adapter: Adapter) -> frozenset[str]:
    return frozenset(setting.name for setting in adapter.settings if setting.secret)


@contextmanager
def emulated_vendors() -> Iterator[str]:
    """The sandbox on a port of its own, for as long as one test takes; it remembers nothing of an earlier one."""
    from leadferry.sandbox import make_sandbox_server  # noqa: PLC0415

    server = make_sandbox_server(0)
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.02}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()
