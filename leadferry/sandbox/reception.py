"""The way of a request: read it, choose the behaviour, answer, record, send."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field, replace
from typing import Any

from flask import Request, Response, request

from leadferry.sandbox import faults
from leadferry.sandbox.behaviour import Behaviour, Behaviours
from leadferry.sandbox.exchange import Answer, Reading, Received, Vendor
from leadferry.sandbox.inbox import Inbox


@dataclass
class Reception:
    """Everything that a sandbox remembers."""

    vendors: Mapping[str, Vendor]
    config: Mapping[str, Any]
    inbox: Inbox = field(default_factory=Inbox)
    behaviours: Behaviours = field(default_factory=Behaviours)

    def handle(self, name: str, path: str = "") -> Response:
        vendor = self.vendors[name]
        reading = vendor.read(received(request, path))
        behaviour = self.behaviours.choose(name, reading.email)
        answer = _answer(vendor, reading, behaviour)
        self.inbox.record(name, reading, behaviour, answer)
        return faults.send(answer, behaviour, self.config)

    def clear(self) -> int:
        """Forgets every lead, and says how many requests the inbox held."""
        for vendor in self.vendors.values():
            vendor.reset()
        self.behaviours.clear()
        return self.inbox.clear()


def received(request: Request, path: str) -> Received:
    environ = request.environ
    return Received(
        method=request.method,
        path=path,
        query=request.query_string.decode("utf-8", "replace"),
        headers=dict(request.headers),
        content_type=environ.get("CONTENT_TYPE") or "",
        body=request.get_data(cache=False),
        has_length=bool(environ.get("CONTENT_LENGTH") or environ.get("HTTP_TRANSFER_ENCODING")),
    )


def _answer(vendor: Vendor, reading: Reading, behaviour: Behaviour) -> Answer:
    answer = reading.refusal or faults.intercept(vendor, behaviour) or vendor.answer(reading, behaviour)
    return replace(answer, complaints=_each_once((*reading.complaints, *answer.complaints)))


def _each_once(complaints: Iterable[str]) -> tuple[str, ...]:
    return tuple(dict.fromkeys(complaints))
