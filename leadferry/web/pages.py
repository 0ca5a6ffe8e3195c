"""The pages that show a form."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from flask import render_template, request
from wtforms import Field as WtField
from wtforms import RadioField, SelectMultipleField

from leadferry.fields import CAMPAIGN
from leadferry.form_class import PageForm, draw
from leadferry.forms import Form
from leadferry.messages import code_message
from leadferry.submission import HONEYPOT, FieldError, Pairs
from leadferry.web.site import current_site


def form_page(form: Form, pairs: Pairs = (), errors: Sequence[FieldError] = ()) -> str:
    """The form as a page: new, or again with what was typed and what is wrong."""
    typed: dict[str, list[str]] = {}
    for name, value in pairs:
        typed.setdefault(name, []).append(value)
    page = draw(form, current_site().tokens, typed or None, errors)
    sections = _sections(form, page)
    ids = {field.name: _first_input(field) for _, fields in sections for field in fields}
    return render_template(
        "form.html",
        form=form,
        fields=page,
        sections=sections,
        refusal=_refusal(errors),
        errors=_in_page_order(errors, ids),
        campaign=_campaign(form, typed),
        honeypot=HONEYPOT,
    )


def _sections(form: Form, page: PageForm) -> list[tuple[str, list[WtField]]]:
    """What the page asks, under the titles of its steps; a form without steps is one section without a title."""
    asked = {field.name: field for field in page.answers() if form.by_name[field.name].kind != "hidden"}
    if not form.steps:
        return [("", list(asked.values()))]
    return [(step.title, [asked[name] for name in step.fields if name in asked]) for step in form.steps]


def _first_input(field: WtField) -> str:
    """The id that a link to the question leads to: in a group, that of its first answer."""
    return f"{field.id}-0" if isinstance(field, RadioField | SelectMultipleField) else field.id


def _in_page_order(errors: Sequence[FieldError], ids: Mapping[str, str]) -> list[tuple[FieldError, str | None]]:
    """Each error with the id of its question, if the page asks it; what is wrong with the whole comes last."""
    places = {name: place for place, name in enumerate(ids)}
    ordered = sorted(errors, key=lambda each: places.get(each.field or "", len(places)))
    return [(each, ids.get(each.field or "")) for each in ordered]


def _refusal(errors: Sequence[FieldError]) -> str | None:
    """The code of an error that says no more than its code does: the page puts it in words."""
    return next((each.code for each in errors if each.message == code_message(each.code)), None)


def _campaign(form: Form, typed: dict[str, list[str]]) -> dict[str, str]:
    """What this visit is known to come from, carried along as hidden fields."""
    found = {name: texts[0] for name, texts in typed.items() if name in CAMPAIGN and name not in form.by_name}
    if typed:
        return found
    found = {name: request.args[name] for name in CAMPAIGN if request.args.get(name) and name not in form.by_name}
    return _page_url() | found


def _page_url() -> dict[str, str]:
    """The page that the visitor looks at: this one, or the one that frames it, as far as the browser tells."""
    if request.headers.get("Sec-Fetch-Dest") in {"iframe", "frame"}:
        return {"page_url": request.referrer} if request.referrer else {}
    query = request.query_string.decode("ascii", "replace")
    return {"page_url": f"{current_site().public_url()}{request.path}{'?' if query else ''}{query}"}
