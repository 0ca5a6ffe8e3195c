"""What passes between a client and an emulated vendor."""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import Any

from leadferry.sandbox.behaviour import Behaviour

HTML = "text/html; charset=utf-8"
JSON = "application/json"
TEXT = "text/plain; charset=utf-8"


@dataclass(frozen=True)
class Received:
    """A request as it came. `path` is the part below the vendor's base path, without the slash before it."""

    method: str
    path: str
    query: str = ""
    headers: Mapping[str, str] = field(default_factory=dict)
    content_type: str = ""
    body: bytes = b""
    has_length: bool = True

    @cached_property
    def text(self) -> str:
        return self.body.decode("utf-8", "replace")

    @property
    def media_type(self) -> str:
        """The type named by Content-Type, in the sender's own case, without its parameters."""
        return self.content_type.partition(";")[0].strip()


@dataclass(frozen=True)
class Answer:
    """What the vendor says. `accepted`: a lead was stored. `complaints`: what is wrong with the request, in words."""

    status: int
    body: str | bytes
    content_type: str = JSON
    headers: tuple[tuple[str, str], ...] = ()
    accepted: bool = False
    complaints: tuple[str, ...] = ()
    ignored: tuple[str, ...] = ()


@dataclass(frozen=True)
class Reading:
    """A request as the vendor understands it.

    `fields` is what the inbox shows, `parsed` what the vendor's own code goes on with where that differs. `refusal` is
    set where the vendor answers before it looks at any field. `complaints` are mistakes of form, on which the vendor
    decides in its own order.
    """

    received: Received
    fields: Any = None
    email: str = ""
    complaints: tuple[str, ...] = ()
    refusal: Answer | None = None
    parsed: Any = None


class Vendor(ABC):
    """One emulated vendor, with its accounts and leads. Methods are called from several threads at a time."""

    name: str
    label: str
    lead_path: str

    def __init__(self, config: Mapping[str, Any]) -> None:
        self.config = config

    @abstractmethod
    def read(self, received: Received) -> Reading: ...

    @abstractmethod
    def answer(self, reading: Reading, behaviour: Behaviour) -> Answer: ...

    @abstractmethod
    def too_many(self) -> Answer:
        """The answer to a client that calls too often; Retry-After is added to it."""

    def unavailable(self, attempt: int) -> Answer:  # noqa: ARG002 - some vendors fail in more than one way
        """The transient failure that the vendor documents, else a 503."""
        return error_page(503)

    @abstractmethod
    def reset(self) -> None:
        """Forget every lead."""


REASONS = {
    404: "Not Found",
    500: "Internal Server Error",
    502: "Bad Gateway",
    503: "Service Unavailable",
    504: "Gateway Time-out",
}


def error_page(status: int) -> Answer:
    """The page of a server that stands before the vendor: no vendor documents the body of such an answer."""
    title = f"{status} {REASONS[status]}"
    return Answer(status, f"<html><head><title>{title}</title></head><body><h1>{title}</h1></body></html>\n", HTML)


def not_found(received: Received) -> Answer:
    return Answer(404, "Not Found", TEXT, complaints=(f"no such address: {received.path!r}",))
