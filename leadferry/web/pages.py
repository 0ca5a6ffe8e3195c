"""The pages that show a form."""

from __future__ import annotations

from collections.abc import Sequence

from flask import render_template, request

from leadferry.fields import CAMPAIGN
from leadferry.form_class import draw
from leadferry.forms import Form
from leadferry.submission import FieldError, Pairs
from leadferry.web.site import current_site


def form_page(form: Form, pairs: Pairs = (), errors: Sequence[FieldError] = ()) -> str:
    """The form as a page: new, or again with what was typed and what is wrong."""
    typed: dict[str, list[str]] = {}
    for name, value in pairs:
        typed.setdefault(name, []).append(value)
    page = draw(form, current_site().tokens, typed or None, errors)
    ids = {field.name: field.id for field in page.answers()}
    return render_template(
        "form.html",
        form=form,
        fields=page,
        errors=[(error, ids.get(error.field or "")) for error in errors],
        campaign=_campaign(form, typed),
    )


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
