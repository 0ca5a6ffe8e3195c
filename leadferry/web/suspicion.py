"""Gathers from a request what tells junk from leads."""

from __future__ import annotations

import hashlib
import logging
from collections.abc import Callable

from flask import request

from leadferry import leads, puzzles, turnstile
from leadferry.form_class import TOKEN_NAME
from leadferry.forms import Form
from leadferry.junk import Evidence, long_texts, reasons
from leadferry.submission import control
from leadferry.web.answers import Client
from leadferry.web.body import Body
from leadferry.web.site import Site, current_site

log = logging.getLogger("leadferry.junk")


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
        challenge=_challenge(form, body),
    )
    return reasons(form, seen)


def _challenge(form: Form, body: Body) -> str | None:
    if form.spam.challenge == "altcha":
        return current_site().puzzles.fault(form.name, control(body.pairs, puzzles.ANSWER_NAME))
    if form.spam.challenge == "turnstile":
        return "challenge_unknown" if control(body.pairs, turnstile.ANSWER_NAME) else "challenge_missing"
    return None


def ask_for_judgement(form: Form, body: Body, lead_id: int) -> None:
    """Asks Cloudflare about a held lead, when its visitor need not wait for it any more."""
    token = control(body.pairs, turnstile.ANSWER_NAME)
    if form.spam.challenge == "turnstile" and token:
        current_site().judgements.submit(judge, current_site(), form, token, lead_id)


def judge(site: Site, form: Form, token: str, lead_id: int) -> None:
    """What nobody answers stays held; so does what we could not note, because we were stopped."""
    try:
        passed = turnstile.judgement(site.office.transport, _secret(site), form, token)
        if passed is not None:
            instead = None if passed else "challenge_failed"
            leads.judge(site.office.store, lead_id, form, "challenge_unknown", instead)
            site.worker.nudge()
    except Exception:
        log.exception("a judgement was lost; the lead stays held", extra={"form": form.name})


def _secret(site: Site) -> Callable[[str], str]:
    return lambda name: site.office.catalog.secret(name) or ""


def _is_repeated(form: Form, body: Body) -> bool:
    """Every text is counted, also where one of them came too often already."""
    repeats = current_site().repeats
    digests = {hashlib.sha256(text.encode("utf-8", "replace")).hexdigest() for text in long_texts(form, body.pairs)}
    waits = [repeats.hit(f"{form.name} {digest}") for digest in sorted(digests)]
    return any(wait > 0 for wait in waits)
