"""What a form's page reports of itself: how far its visitor came, and that it may not move to the next page."""

from __future__ import annotations

from flask import Blueprint, Response, g, make_response, request
from werkzeug.exceptions import RequestEntityTooLarge

from leadferry.doctor import read_facts
from leadferry.forms import Form
from leadferry.web.public import found_form
from leadferry.web.site import current_site
from leadferry.web.tally import PAGE_FACTS, place_of

progress = Blueprint("progress", __name__)

LARGEST = 16_384
"""Bytes of a report: names of questions, and the page's address."""


@progress.post("/f/<name>/progress")
def report(name: str) -> Response:
    """Counts what the form's file wants measured; no answer of a visitor is among it, and none is kept."""
    form = found_form(name)
    if not isinstance(form, Form):
        return form
    g.framable = None  # what it answers is no page
    if (request.content_length or LARGEST + 1) > LARGEST:
        raise RequestEntityTooLarge
    limit = current_site().post_limit
    if limit and limit.hit(f"progress {form.name} {request.remote_addr}"):
        return make_response("", 429)
    pairs = list(request.form.items(multi=True))
    _note_stuck(form, pairs)
    _count_progress(form, pairs)
    return make_response("", 204)


def _note_stuck(form: Form, pairs: list[tuple[str, str]]) -> None:
    facts = read_facts(request.form.get(PAGE_FACTS, ""))
    if facts.stuck and facts.depth:
        current_site().visits.saw(form.name, place_of(pairs).page, facts.text)


def _count_progress(form: Form, pairs: list[tuple[str, str]]) -> None:
    """``touched``: each question that was; ``last``: the one after which the visitor left without sending."""
    touched = {value for name, value in pairs if name == "touched" and value in form.by_name}
    if form.measure != "progress" or not touched:
        return
    visits = current_site().visits
    visits.count(form.name, "started", place_of(pairs))
    for name in touched:
        visits.count(form.name, f"touched:{name}")
    last = request.form.get("last", "")
    if last in touched and request.form.get("sent") != "1":
        visits.count(form.name, f"stopped:{last}")
