"""LeadConduit by ActiveProspect, default integration: /flows/…/sources/…/submit, and /ping.

Sources: https://community.activeprospect.com/posts/4100752-generic-post-instructions-for-leadconduit and the behaviour
of the vendor's public integration, https://github.com/activeprospect/leadconduit-integration-default
"""

from __future__ import annotations

import json
import re
import secrets
import threading
from collections.abc import Mapping
from typing import Any
from urllib.parse import parse_qsl
from xml.sax.saxutils import escape

from leadferry.sandbox.behaviour import Behaviour
from leadferry.sandbox.credentials import LEADCONDUIT_DISABLED_SOURCE, LEADCONDUIT_FLOW, LEADCONDUIT_SOURCE
from leadferry.sandbox.encodings import FORM, decode_pairs
from leadferry.sandbox.exchange import JSON, Answer, Reading, Received, Vendor, error_page, not_found
from leadferry.sandbox.leadconduit_fields import Unreadable, read_body, trustedform_renamed
from leadferry.sandbox.shapes import is_url, quoted

PING_PRICE = 3
# The answer's types, in the order in which the vendor's code lists them: of two that fit as well, the later wins.
REPLY_TYPES = (FORM, JSON, "application/xml", "text/xml")
BODY_TYPES = (FORM, JSON, "application/xml", "text/xml")
BOOLEANS = frozenset({"mobile_opt_in", "is_test", "loan.has_financing"})
BOOLEAN_WORDS = frozenset("y yes true t 1 n no false f 0".split())

_ADDRESS = re.compile(r"flows/([0-9a-f]{24})/sources/([0-9a-f]{24})/(submit|ping)")
_DEFAULT_ADDRESS = f"flows/{LEADCONDUIT_FLOW}/sources/{LEADCONDUIT_SOURCE}/submit"
_PLAIN_TEXT = "text/plain"


class LeadConduit(Vendor):
    name = "leadconduit"
    label = "LeadConduit"
    lead_path = _DEFAULT_ADDRESS

    def __init__(self, config: Mapping[str, Any]) -> None:
        super().__init__(config)
        self._emails: set[str] = set()
        self._lock = threading.Lock()

    def reset(self) -> None:
        with self._lock:
            self._emails.clear()

    def too_many(self) -> Answer:
        return Answer(429, '{"message":"Too many requests"}')

    def unavailable(self, attempt: int) -> Answer:
        return error_page(502 if attempt % 2 else 504)

    def read(self, received: Received) -> Reading:
        address = _ADDRESS.fullmatch(received.path or _DEFAULT_ADDRESS)
        if not address:
            return Reading(received, refusal=not_found(received))
        if address[2] == LEADCONDUIT_DISABLED_SOURCE:
            return Reading(received, refusal=Answer(403, '{"message":"Source is disabled"}'))
        try:
            _check_envelope(received)
            body = read_body(received) if _has_body(received) else {}
        except Unreadable as problem:
            refusal = Answer(problem.status, str(problem), _PLAIN_TEXT, problem.headers, complaints=(str(problem),))
            return Reading(received, refusal=refusal)
        fields = _with_query(body, received)
        email = fields.get("email") if isinstance(fields, dict) else ""
        return Reading(
            received, fields, email if isinstance(email, str) else "", _remarks(received, body), parsed=address[3]
        )

    def answer(self, reading: Reading, behaviour: Behaviour) -> Answer:
        if behaviour.name == "auth":
            return Answer(403, '{"message":"Source is disabled"}')
        if reading.parsed == "ping":
            no_bid = behaviour.name == "nobid"
            result = (
                {"outcome": "failure", "reason": "no bid", "price": 0}
                if no_bid
                else {"outcome": "success", "price": PING_PRICE}
            )
            return _reply(200, result, reading)
        mistakes = _mistakes(reading.fields)
        outcome, reason = ("error", "; ".join(mistakes)) if mistakes else self._outcome(reading.email, behaviour)
        return _reply(201, _result(outcome, reason), reading, tuple(mistakes))

    def _outcome(self, email: str, behaviour: Behaviour) -> tuple[str, str]:
        if behaviour.name == "error":
            return "error", "An unexpected problem occurred"
        if behaviour.name == "invalid":
            return "failure", "email must be valid"
        if behaviour.name == "filter":
            return "failure", "lead.state must not be equal to FL"
        if not self._is_new(email, known=behaviour.name == "dup"):
            return "failure", "duplicate"
        return "success", ""

    def _is_new(self, email: str, known: bool) -> bool:
        key = email.lower()
        with self._lock:
            is_new = not known and key not in self._emails
            if key:
                self._emails.add(key)
        return is_new


def reply_type(accept: str) -> str:
    """The type of the answer for this Accept header; "" if there is none.

    The closest media range wins, then the higher q, then the later type of REPLY_TYPES.
    """
    if accept.strip() in {"", "*/*"}:
        return JSON
    ranges = [_media_range(part) for part in accept.split(",")]
    best, chosen = (0, 0.0), ""
    for kind in REPLY_TYPES:
        fit = max((_closeness(kind, wanted), quality) for wanted, quality in ranges)
        if fit[0] and fit[1] and fit >= best:
            best, chosen = fit, kind
    return chosen


def _media_range(part: str) -> tuple[str, float]:
    wanted, *parameters = [piece.strip().lower() for piece in part.split(";")]
    quality = next((parameter[2:] for parameter in parameters if parameter.startswith("q=")), "1")
    try:
        return wanted, min(1.0, max(0.0, float(quality)))
    except ValueError:
        return wanted, 0.0


def _closeness(kind: str, wanted: str) -> int:
    """3 for the very type, 2 for its family, 1 for anything, 0 for no fit."""
    return {kind: 3, f"{kind.partition('/')[0]}/*": 2, "*/*": 1}.get(wanted, 0)


def _check_envelope(received: Received) -> None:
    """The checks before the body is read, in the order of the vendor's code."""
    if received.method not in {"GET", "POST"}:
        raise Unreadable(405, f"The {received.method} method is not allowed", (("Allow", "GET, POST"),))
    if not reply_type(received.headers.get("Accept", "")):
        raise Unreadable(406, "Not capable of generating content according to the Accept header")
    given = _redirects(received)
    if given and not is_url(given[0]):
        raise Unreadable(400, "Invalid redir_url")
    if received.method == "POST" and received.has_length:
        _check_type(received)


def _check_type(received: Received) -> None:
    if not received.content_type:
        raise Unreadable(415, "Content-Type header is required")
    if received.media_type not in BODY_TYPES:
        types = ", ".join(BODY_TYPES)
        raise Unreadable(406, f"MIME type in Content-Type header is not supported. Use only {types}.")


def _has_body(received: Received) -> bool:
    return received.method == "POST" and received.has_length and bool(received.text.strip())


def _query(received: Received) -> list[tuple[str, str]]:
    return parse_qsl(received.query, keep_blank_values=True)


def _redirects(received: Received) -> list[str]:
    return [value for name, value in _query(received) if name == "redir_url"]


def _with_query(body: Any, received: Received) -> Any:
    """Body and query as one; the query wins, and its dotted names stay as they are."""
    if not isinstance(body, dict):
        return body
    query: dict[str, Any] = {}
    for name, value in _query(received):
        if name != "redir_url":
            query[name] = [*_listed(query[name]), value] if name in query else value
    return trustedform_renamed({**body, **query})


def _listed(value: Any) -> list[Any]:
    return value if isinstance(value, list) else [value]


def _remarks(received: Received, body: Any) -> tuple[str, ...]:
    """Mistakes that the vendor lets pass, though something is lost by them."""
    found = []
    if "Accept" not in received.headers:
        found.append("the header Accept: application/json is missing")
    names = [name for name, _ in _query(received)] if received.query else []
    if received.media_type == JSON and isinstance(body, dict):
        names += body
    found += [f"{quoted(name)} is not nested: dots count in a form body only" for name in names if "." in name]
    if received.media_type == FORM:
        found += decode_pairs(received.body).complaints
    return tuple(found)


def _mistakes(fields: Any) -> list[str]:
    """What this sandbox refuses though the vendor would not; values of other types are never an error."""
    if not isinstance(fields, dict):
        return ["the body is no object with fields"]
    if not fields:
        return ["the lead has no fields"]
    values = {name: _at(fields, name) for name in sorted(BOOLEANS)}
    return [
        f"{name} is not a valid boolean: {quoted(value)}"
        for name, value in values.items()
        if value not in (None, "", True, False) and str(value).lower() not in BOOLEAN_WORDS
    ]


def _at(fields: dict[str, Any], path: str) -> Any:
    node: Any = fields
    for name in path.split("."):
        node = node.get(name) if isinstance(node, dict) else None
    return node


def _result(outcome: str, reason: str) -> dict[str, Any]:
    """Outcome, reason, lead and price, in the vendor's order."""
    result: dict[str, Any] = {"outcome": outcome}
    if reason:
        result["reason"] = reason
    return {**result, "lead": {"id": secrets.token_hex(12)}, "price": 0}


def _reply(status: int, result: dict[str, Any], reading: Reading, complaints: tuple[str, ...] = ()) -> Answer:
    received = reading.received
    kind = reply_type(received.headers.get("Accept", ""))
    body = _xml(result) if kind.endswith("xml") else json.dumps(result, separators=(",", ":"))
    accepted = status == 201 and result["outcome"] == "success"
    redirects = _redirects(received)
    headers = (("Location", redirects[0]),) if redirects else ()
    return Answer(303 if redirects else status, body, kind, headers, accepted, complaints)


def _xml(result: dict[str, Any]) -> str:
    lines = ['<?xml version="1.0"?>', "<result>"]
    for name, value in result.items():
        if isinstance(value, dict):
            inner = [f"    <{key}>{escape(str(child))}</{key}>" for key, child in value.items()]
            lines += [f"  <{name}>", *inner, f"  </{name}>"]
        else:
            lines.append(f"  <{name}>{escape(str(value))}</{name}>")
    return "\n".join([*lines, "</result>"])
