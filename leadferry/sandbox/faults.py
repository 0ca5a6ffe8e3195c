"""Vendors in trouble: answers that come in place of the vendor's own, and ways to spoil an answer on its way.

A connection is broken off by ConnectionResetError from the body's iterator, which werkzeug and gunicorn both take for
a client that is gone. Werkzeug would then wait for the next request if nothing had been sent, so its socket, which it
hands over as `werkzeug.socket`, is shut first. Flask's test client raises the error to its caller.
"""

from __future__ import annotations

import errno
import socket
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import replace
from email.utils import formatdate
from typing import Any

from flask import Response, request, url_for

from leadferry.sandbox.behaviour import Behaviour
from leadferry.sandbox.exchange import HTML, JSON, TEXT, Answer, Vendor, error_page

SLOW_SECONDS = 3.0
DRIP_SECONDS = 0.2
HUGE_BYTES = 5_000_000

_LOGIN_PAGE = "<!DOCTYPE html>\n<html><head><title>Sign in</title></head><body><form>…</form></body></html>\n"


def intercept(vendor: Vendor, behaviour: Behaviour) -> Answer | None:
    """The answer of something that stands before the vendor, which then never sees the lead; else None."""
    make = _INTERCEPTIONS.get(behaviour.name)
    return make(vendor, behaviour) if make else None


def _rate_limited(vendor: Vendor, behaviour: Behaviour) -> Answer:
    # A date has whole seconds only: two ahead are never less than one.
    wait = formatdate(time.time() + 2, usegmt=True) if "date" in behaviour.options else "1"
    return replace(vendor.too_many(), headers=(("Retry-After", wait),))


def _garbage(_vendor: Vendor, behaviour: Behaviour) -> Answer:
    if "json" in behaviour.options:
        return Answer(200, '{"status": "OK", "lead": [1, 2', JSON)
    if "bytes" in behaviour.options:
        return Answer(200, bytes(range(256)), "application/octet-stream")
    return Answer(200, _LOGIN_PAGE, HTML)


def _redirect(_vendor: Vendor, _behaviour: Behaviour) -> Answer:
    return Answer(302, "", TEXT, (("Location", url_for("show_inbox")),))


_INTERCEPTIONS: Mapping[str, Callable[[Vendor, Behaviour], Answer]] = {
    "down": lambda _vendor, _behaviour: error_page(503),
    "broken": lambda _vendor, _behaviour: error_page(500),
    "flaky": lambda vendor, behaviour: vendor.unavailable(behaviour.attempt),
    "ratelimit": _rate_limited,
    "garbage": _garbage,
    "empty": lambda _vendor, _behaviour: Answer(200, "", TEXT),
    "redirect": _redirect,
}


def send(answer: Answer, behaviour: Behaviour, config: Mapping[str, Any]) -> Response:
    """The answer as it goes to the client, spoiled as the behaviour says."""
    body = answer.body.encode("utf-8", "replace") if isinstance(answer.body, str) else answer.body
    if behaviour.name == "slow":
        time.sleep(config.get("SLOW_SECONDS", SLOW_SECONDS) if behaviour.seconds is None else behaviour.seconds)
    response = Response(_content(body, behaviour, config), answer.status)
    response.headers["Content-Type"] = answer.content_type
    if behaviour.name in {"truncate", "drip"}:
        response.headers["Content-Length"] = str(len(body))
    for name, value in answer.headers:
        response.headers[name] = value
    if answer.complaints:
        response.headers["X-Sandbox-Complaint"] = _header_text("; ".join(answer.complaints))
    return response


def _content(body: bytes, behaviour: Behaviour, config: Mapping[str, Any]) -> bytes | Iterator[bytes]:
    match behaviour.name:
        case "reset":
            return _broken_off(b"", request.environ.get("werkzeug.socket"))
        case "truncate":
            return _broken_off(body[: len(body) // 2], None)
        case "drip":
            return _drops(body, config.get("DRIP_SECONDS", DRIP_SECONDS))
        case "huge":
            return body.ljust(HUGE_BYTES)
    return body


def _broken_off(sent: bytes, connection: socket.socket | None) -> Iterator[bytes]:
    if sent:
        yield sent
    if connection:
        connection.shutdown(socket.SHUT_RDWR)
    raise ConnectionResetError(errno.ECONNRESET, "broken off on purpose")


def _drops(body: bytes, seconds: float) -> Iterator[bytes]:
    yield b""  # makes the server send the headers at once
    for place in range(len(body)):
        time.sleep(seconds)
        yield body[place : place + 1]


def _header_text(text: str) -> str:
    return "".join(character if " " <= character <= "~" else "?" for character in text)[:1000]
