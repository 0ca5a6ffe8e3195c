"""Cloudflare's Turnstile: whether a visitor's token is good. Asked only for forms that say so."""

from __future__ import annotations

import logging
from collections.abc import Callable

from leadferry.forms import Form
from leadferry.transport import Transport, TransportError
from leadferry.vendors.base import Request, read_json

log = logging.getLogger("leadferry.turnstile")

ANSWER_NAME = "_lf_turnstile"
"""What the widget is told to call its answer, so that it is no visitor's."""

VERIFY_URL = "https://challenges.cloudflare.com/turnstile/v0/siteverify"
SECONDS = 5.0
LONGEST_TOKEN = 2048

_VISITORS_FAULT = frozenset({"missing-input-response", "invalid-input-response", "timeout-or-duplicate"})


def judgement(transport: Transport, secret: Callable[[str], str], form: Form, token: str) -> bool | None:
    """Whether Cloudflare takes the visitor for a person; None where it does not say. A token counts once."""
    if len(token) > LONGEST_TOKEN:
        return False
    pairs = (("secret", form.spam.secret), ("response", token))
    request = Request(VERIFY_URL, headers={"Accept": "application/json"}, form=pairs)
    try:
        said = read_json(transport.send(request, secret, SECONDS))
    except TransportError as error:
        log.warning("no judgement", extra={"form": form.name, "reason": error.reason.value})
        return None
    said = said if isinstance(said, dict) else {}
    if said.get("success") is True:
        return True
    codes = {code for code in said.get("error-codes") or () if isinstance(code, str)}
    if said.get("success") is False and codes and codes <= _VISITORS_FAULT:
        return False
    log.warning("no judgement", extra={"form": form.name, "reason": " ".join(sorted(codes)) or "nonsense"})
    return None
