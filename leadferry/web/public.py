"""What visitors reach: the form, the post, the thank-you page."""

from __future__ import annotations

import ipaddress
import math
import time
from collections.abc import Iterator
from dataclasses import replace
from typing import Any

from flask import Blueprint, Response, current_app, g, jsonify, make_response, render_template, request

from leadferry import accepting, leads
from leadferry.catalog import Broken
from leadferry.delivery import build
from leadferry.fields import CAMPAIGN
from leadferry.forms import Field, Form, is_shown
from leadferry.leads import Accepted, NewLead
from leadferry.messages import say
from leadferry.store import StoreError
from leadferry.submission import FieldError, Pairs, Submission, control, read
from leadferry.text import plain_text
from leadferry.vendors.base import Request
from leadferry.web.answers import Answers, Client, error_answer, error_json, wishes_of
from leadferry.web.body import MAX_BODY, MAX_BODY_WITH_FILE, Body, BodyError, drain, read_body
from leadferry.web.drafts import DRAFT_NAME, Drafts, errors_of
from leadferry.web.page_cache import BLANKS, Blanks
from leadferry.web.pages import form_page, this_visit
from leadferry.web.site import current_site
from leadferry.web.suspicion import ask_for_judgement, suspicions
from leadferry.web.tally import count_view

public = Blueprint("public", __name__)


@public.get("/f/<name>", provide_automatic_options=False)
def show(name: str) -> Response:
    form = found_form(name)
    if not isinstance(form, Form):
        return form
    response = make_response(_new_page(form))
    response.headers["Cache-Control"] = "no-cache"
    return response


def _new_page(form: Form) -> str:
    blanks: Blanks | None = request.environ.get(BLANKS)
    if blanks:
        return form_page(form, visit=blanks.visit, tokens=blanks.tokens)
    visit = this_visit(form)
    count_view(current_site(), form, request, visit)
    return form_page(form, visit=visit)


@public.get("/f/<name>/thanks")
def thanks(name: str) -> Response:
    form = found_form(name)
    if not isinstance(form, Form):
        return form
    return make_response(render_template("thanks.html", form=form, url=form.on_success_url))


@public.get("/f/<name>/challenge")
def challenge(name: str) -> Response:
    form = found_form(name)
    if not isinstance(form, Form):
        return form
    if form.spam.challenge != "altcha":
        return _not_found(Client.of(request))
    response = jsonify(current_site().puzzles.make(form.name))
    response.headers["Cache-Control"] = "no-store"
    return response


@public.post("/f/<name>", provide_automatic_options=False)
def post(name: str) -> Response:
    form = found_form(name)
    if not isinstance(form, Form):
        drain(request)
        return form
    try:
        body = read_body(request, MAX_BODY_WITH_FILE if form.has_file else MAX_BODY)
    except BodyError as error:
        return _body_failure(form, error)
    draft = control(body.pairs, DRAFT_NAME)
    if draft and len(body.pairs) == 1:
        return _show_again(form, draft)
    return _take(form, body, own_page=True)


def _show_again(form: Form, draft: str) -> Response:
    """The way back from an error page: no lead yet."""
    typed = Drafts(current_site().settings.secret_key).read(form, draft)
    response = make_response(form_page(form, typed, errors_of(form, typed)))
    response.headers["Cache-Control"] = "no-store"
    return response


@public.post("/submit", provide_automatic_options=False)
def submit() -> Response:
    client = Client.of(request)
    g.answers_a_pasted_form = True
    try:
        body = read_body(request, _largest_body())
    except BodyError as error:
        form = _form_of_key(error.kept)
        if isinstance(form, Form):
            return _body_failure(form, error)
        return error_answer(client, error.code, [error.told()])
    form = _form_of_key(body.pairs)
    if form is None:
        return error_answer(client, "ct101", [FieldError("web_key", "ct101", say("unknown_web_key"))])
    if isinstance(form, Broken):
        return _unavailable(client)
    g.framable = form
    if not form.has_file and body.size > MAX_BODY:
        return _body_failure(form, BodyError("lf203", "too_large_body"))
    return _take(form, body, own_page=False)


def _form_of_key(pairs: Pairs) -> Form | Broken | None:
    web_key = control(pairs, "web_key")
    return current_site().office.catalog.by_web_key(web_key) if web_key else None


@public.route("/f/<name>", methods=["OPTIONS"])
@public.route("/submit", methods=["OPTIONS"])
def preflight(name: str = "") -> Response:  # noqa: ARG001  # any form's, and none's
    """Any page may post by script: no cookie and no credential goes with it."""
    response = make_response("", 204)
    response.headers["Access-Control-Allow-Methods"] = "POST, GET, OPTIONS"
    response.headers["Access-Control-Allow-Headers"] = (
        request.headers.get("Access-Control-Request-Headers") or "Content-Type"
    )
    response.headers["Access-Control-Max-Age"] = "86400"
    return response


@public.after_request
def allow_any_origin(response: Response) -> Response:
    response.headers["Access-Control-Allow-Origin"] = "*"
    response.headers["Access-Control-Expose-Headers"] = "Retry-After"
    response.headers["Vary"] = "Accept, Sec-Fetch-Mode, Sec-Fetch-Dest"
    return response


def found_form(name: str) -> Form | Response:
    """The form, or the answer that says why there is none."""
    form = current_site().office.catalog.get(name)
    client = Client.of(request)
    if isinstance(form, Form):
        g.framable = form
        return form
    if form is None:
        return _not_found(client)
    return _unavailable(client)


def _not_found(client: Client) -> Response:
    g.framable = None
    if client.browser or request.method == "GET":
        return make_response(render_template("missing.html"), 404)
    answer = error_json("ct101", [FieldError(None, "ct101", say("unknown_form"))])
    answer.status_code = 404
    return answer


def _unavailable(client: Client) -> Response:
    """A form whose file has mistakes: said plainly, with the details kept for its owner."""
    if client.browser or request.method == "GET":
        return make_response(render_template("unavailable.html"), 503)
    return error_json("lf501")


def _largest_body() -> int:
    return MAX_BODY_WITH_FILE if current_site().office.catalog.takes_files() else MAX_BODY


def _body_failure(form: Form, error: BodyError) -> Response:
    wishes = wishes_of(form, error.kept)
    answers = Answers(Client.of(request), form, wishes, error.kept, own_page=request.path != "/submit")
    return answers.failure([error.told(form.language)], error.code)


# --- taking a lead ---


def _take(form: Form, body: Body, *, own_page: bool) -> Response:
    wishes = wishes_of(form, body.pairs)
    answers = Answers(Client.of(request), form, wishes, body.pairs, own_page)
    seconds = _too_many(form)
    if seconds:
        response = answers.failure([], "lf301")
        response.headers["Retry-After"] = str(math.floor(seconds) + 1)
        return response
    submission = read(form, body.pairs, body.files)
    if submission.error_code:
        return answers.failure(submission.errors, submission.error_code)
    lead = _new_lead(form, submission, body, wishes.ignored)
    try:
        accepted, answer = _accept_and_wait(lead)
    except StoreError:
        return answers.failure([], "lf501")
    if not accepted.repeated:
        ask_for_judgement(form, body, accepted.lead_id)
    if answer == "ok":
        return answers.success(accepted.reference)
    return answers.failure([], answer, vendor=True)


def _too_many(form: Form) -> float:
    limit = current_site().post_limit
    return limit.hit(f"{form.name} {request.remote_addr}") if limit else 0.0


def _new_lead(form: Form, submission: Submission, body: Body, ignored: tuple[str, ...]) -> NewLead:
    campaign = dict(submission.campaign)
    if "page_url" not in campaign and "page_url" not in form.by_name:
        campaign |= _page_from_referer()
    suspect = suspicions(form, body)
    is_held = form.spam.suspects == "hold"
    lead = NewLead(
        form=form,
        values=submission.values,
        campaign=campaign,
        files=submission.files,
        cleaned=submission.cleaned,
        consent=_consent(form, submission, campaign),
        source=_source(ignored, () if is_held else suspect),
        quarantine=suspect if is_held else (),
    )
    shortened = list(_shortened(lead))
    return replace(lead, cleaned=[*lead.cleaned, *shortened]) if shortened else lead


def _shortened(lead: NewLead) -> Iterator[dict[str, Any]]:
    """What a vendor takes only the beginning of is written down too, though the lead keeps it whole."""
    for each in lead.form.destinations:
        adapter = current_site().office.adapters[each.adapter]
        for name, before, after in adapter.shortened(lead.data(each.name), each):
            yield {"field": name, "reason": "cut_for_vendor", "before": before, "after": after}


def _page_from_referer() -> dict[str, str]:
    """The page that a pasted form stands on, if nothing better says so; in a frame the header names only the frame."""
    page = plain_text(request.headers.get("Referer", ""), CAMPAIGN["page_url"]).text
    return {"page_url": page} if page and not Client.of(request).framed else {}


def _consent(form: Form, submission: Submission, campaign: dict[str, str]) -> dict[str, Any] | None:
    """The promise as the visitor saw it, and whether they gave it."""
    if not form.consent_fields:
        return None
    return {
        "language": form.language,
        "version": form.version,
        "page_url": campaign.get("page_url"),
        "items": [
            _promise(each, ticked=submission.values.get(each.name) == "1")
            for each in form.consent_fields
            if is_shown(each, submission.values, form.by_name)
        ],
    }


def _promise(spec: Field, *, ticked: bool) -> dict[str, Any]:
    """In the words of the page, those below the box too."""
    found = {"field": spec.name, "text": spec.label, "ticked": ticked}
    return found | ({"help": plain_text(spec.help, None).text} if spec.help else {})


def _source(ignored: tuple[str, ...], suspect: tuple[str, ...]) -> dict[str, Any]:
    found: dict[str, Any] = {
        "ip": shortened(request.remote_addr or ""),
        "user_agent": request.headers.get("User-Agent", "")[:300],
        "path": request.path,
    }
    if ignored:
        found["ignored_redirects"] = list(ignored)
    if suspect:
        found["suspect"] = list(suspect)
    return found


def shortened(address: str) -> str:
    """A visitor's address without the part that tells persons apart: the first 24 bits of IPv4, 48 of IPv6."""
    try:
        found = ipaddress.ip_address(address)
    except ValueError:
        return ""
    bits = 24 if found.version == 4 else 48
    return str(ipaddress.ip_network(f"{found}/{bits}", strict=False).network_address)


def _accept_and_wait(lead: NewLead) -> tuple[Accepted, str]:
    """Stores the lead, then tries its vendor while the visitor waits, if one may wait."""
    site = current_site()
    waits = not lead.quarantine and _may_wait(lead.form)
    at_once = site.office.adapters[lead.form.vendor.adapter].concurrency
    try:
        accepted = accepting.accept(site.office.store, lead, _payloads(lead), take=waits, at_once=at_once)
    except BaseException:
        if waits:
            site.slots.give_back()
        raise
    if waits and accepted.claim is None:  # a repetition, or the vendor takes no more calls now
        site.slots.give_back()
    try:
        return accepted, _answer(lead, accepted)
    except Exception:  # the lead is in the store, and the worker goes on with it: no error for the visitor
        current_app.logger.exception("a try while the visitor waited broke off", extra={"lead": accepted.reference})
        return accepted, "ok"


def _answer(lead: NewLead, accepted: Accepted) -> str:
    if accepted.repeated:
        return _first_answer(lead, accepted)
    site = current_site()
    if accepted.claim is None:
        site.worker.nudge()
        return "ok"
    answer = site.slots.run(accepted.claim, lead.form.vendor.wait)
    if answer is None:  # the attempt goes on, but this visitor was told that all is well
        leads.set_answer(site.office.store, accepted.lead_id, "ok")
    return answer or "ok"


def _may_wait(form: Form) -> bool:
    """A slot is taken where this returns true."""
    return form.vendor.wait > 0 and current_site().slots.take()


def _payloads(lead: NewLead) -> dict[str, Request | None]:
    office = current_site().office
    return {each.name: build(office, lead.data(each.name), each) for each in lead.form.destinations}


def _first_answer(lead: NewLead, accepted: Accepted) -> str:
    """A repetition gets what the first one got, and waits for it as long as the first one would."""
    store = current_site().office.store
    until = time.monotonic() + lead.form.vendor.wait
    while True:
        under_way = leads.is_first_try(store, accepted.lead_id)  # asked first: whoever ends the try leaves an answer
        answer = leads.answer(store, accepted.lead_id)
        if answer or not under_way or time.monotonic() > until:
            return answer or "ok"
        time.sleep(0.05)
