"""Gathers from a request what tells junk from leads."""

from __future__ import annotations

import hashlib

from flask import request

from leadferry.form_class import TOKEN_NAME
from leadferry.forms import Form
from leadferry.junk import Evidence, long_texts, reasons
from leadferry.submission import control
from leadferry.web.answers import Client
from leadferry.web.body import Body
from leadferry.web.site import current_site


def suspicions(form: Form, body: Body) -> tuple[str, ...]:
    """Why a post looks like junk. What it says is counted, so this is asked once, of a post that could be stored."""
    site = current_site()
    header = site.settings.country_header
    seen = Evidence(
        pairs=body.pairs,
        age=site.tokens.age(control(body.pairs, TOKEN_NAME) or "", form.name),
        expects_token=request.path != "/submit" and Client.of(request).browser,
        user_agent=request.headers.get("User-Agent", ""),
        country=request.headers.get(header, "").strip() if header else "",
        repeated=_is_repeated(form, body),
    )
    return reasons(form, seen)


def _is_repeated(form: Form, body: Body) -> bool:
    """Every text is counted, also where one of them came too often already."""
    repeats = current_site().repeats
    digests = {hashlib.sha256(text.encode("utf-8", "replace")).hexdigest() for text in long_texts(form, body.pairs)}
    waits = [repeats.hit(f"{form.name} {digest}") for digest in sorted(digests)]
    return any(wait > 0 for wait in waits)
