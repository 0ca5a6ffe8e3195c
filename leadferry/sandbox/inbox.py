"""What each vendor received: kept in memory, secrets masked, newest first."""

from __future__ import annotations

import re
import threading
from collections import deque
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from typing import Any

from leadferry.sandbox.behaviour import Behaviour
from leadferry.sandbox.exchange import Answer, Reading

INBOX_SIZE = 5000
MAX_TEXT = 20_000
MASK = "***"

SECRETS = ("web_key", "ai_login_password", "ai_sitecom_token", "ai_token", "api_key", "api_password", "ssn")
SECRET_HEADERS = frozenset({"Authorization", "Cookie", "Proxy-Authorization", "X-Access-Token", "X-Web-Key"})

_NAMES = "|".join(SECRETS)
_IN_FORM = re.compile(rf"((?:^|[&?.])(?:{_NAMES})=)[^&]*", re.IGNORECASE)
_IN_JSON = re.compile(rf'("(?:{_NAMES})"\s*:\s*)("(?:[^"\\]|\\.)*"|[^,}}\]\s]+)', re.IGNORECASE)
_IN_XML = re.compile(rf"(<({_NAMES})>)[^<]*", re.IGNORECASE)


@dataclass(frozen=True)
class Entry:
    """One request and its answer. `email` is how the inbox is searched, not part of what it shows."""

    vendor: str
    email: str
    received_at: str
    method: str
    path: str
    content_type: str
    fields: Any
    raw: str
    headers: Mapping[str, str]
    behaviour: str
    status: int
    body: str
    accepted: bool
    complaints: tuple[str, ...]
    ignored: tuple[str, ...]

    def as_json(self) -> dict[str, Any]:
        return {
            "vendor": self.vendor,
            "received_at": self.received_at,
            "method": self.method,
            "path": self.path,
            "content_type": self.content_type,
            "fields": self.fields,
            "raw": self.raw,
            "headers": dict(self.headers),
            "behaviour": self.behaviour,
            "answer": {"status": self.status, "body": self.body},
            "accepted": self.accepted,
            "complaints": list(self.complaints),
            "ignored": list(self.ignored),
        }

    def rows(self) -> list[tuple[str, str]]:
        """The fields as a table, nested ones by their path."""
        return list(_rows("", self.fields))


@dataclass
class Inbox:
    """The newest `INBOX_SIZE` entries."""

    _entries: deque[Entry] = field(default_factory=lambda: deque(maxlen=INBOX_SIZE))
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def record(self, vendor: str, reading: Reading, behaviour: Behaviour, answer: Answer) -> None:
        entry = make_entry(vendor, reading, behaviour, answer)
        with self._lock:
            self._entries.appendleft(entry)

    def entries(self, vendor: str = "", email: str = "", limit: int | None = None) -> list[Entry]:
        with self._lock:
            entries = list(self._entries)
        if vendor:
            entries = [entry for entry in entries if entry.vendor == vendor]
        if email:
            entries = [entry for entry in entries if entry.email.lower() == email.lower()]
        return entries[:limit]

    def clear(self) -> int:
        """Forgets all, and says how many there were."""
        with self._lock:
            count = len(self._entries)
            self._entries.clear()
        return count


def make_entry(vendor: str, reading: Reading, behaviour: Behaviour, answer: Answer) -> Entry:
    received = reading.received
    body = answer.body if isinstance(answer.body, str) else answer.body.decode("utf-8", "replace")
    path = f"/{vendor}/{received.path}" if received.path else f"/{vendor}"
    return Entry(
        vendor=vendor,
        email=_printable(reading.email),
        received_at=datetime.now(UTC).isoformat(timespec="milliseconds").replace("+00:00", "Z"),
        method=received.method,
        path=_printable(mask_text(f"{path}?{received.query}" if received.query else path)),
        content_type=_printable(received.content_type),
        fields=masked(reading.fields),
        raw=_cut(mask_text(received.text)),
        headers={name: MASK if name in SECRET_HEADERS else value for name, value in received.headers.items()},
        behaviour=behaviour.name,
        status=answer.status,
        body=_cut(body),
        accepted=answer.accepted,
        complaints=answer.complaints,
        ignored=answer.ignored,
    )


def mask_text(text: str) -> str:
    """The text of a query, a form, a JSON or an XML body without the values of secrets."""
    text = _IN_FORM.sub(rf"\1{MASK}", text)
    if "{" in text:
        text = _IN_JSON.sub(rf'\1"{MASK}"', text)
    return _IN_XML.sub(rf"\1{MASK}", text) if "<" in text else text


def masked(value: Any, name: str = "") -> Any:
    """A copy without the values of secrets, each text printable and cut."""
    if name.rpartition(".")[2].lower() in SECRETS and value not in ("", None):
        return MASK
    if isinstance(value, Mapping):
        return {_cut(str(key)): masked(child, str(key)) for key, child in value.items()}
    if isinstance(value, list):
        return [masked(child) for child in value]
    return _cut(value) if isinstance(value, str) else value


def _cut(text: str) -> str:
    text = _printable(text)
    return text if len(text) <= MAX_TEXT else f"{text[:MAX_TEXT]}… ({len(text)} characters in all)"


def _printable(text: str) -> str:
    """The text without halves of surrogate pairs, which could not be sent to anyone."""
    return text if text.isascii() else text.encode("utf-8", "replace").decode()


def _rows(path: str, value: Any) -> Iterator[tuple[str, str]]:
    if isinstance(value, Mapping):
        for name, child in value.items():
            yield from _rows(f"{path}.{name}" if path else str(name), child)
    elif isinstance(value, list):
        for place, child in enumerate(value):
            yield from _rows(f"{path}[{place}]", child)
    elif value is not None:
        yield path, value if isinstance(value, str) else repr(value)
