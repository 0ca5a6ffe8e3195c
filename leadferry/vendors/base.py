"""What a vendor's adapter is: declared facts and pure functions. No adapter opens a socket or reads a secret."""

from __future__ import annotations

import base64
import json
from abc import ABC, abstractmethod
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping
from dataclasses import dataclass, field
from datetime import UTC, datetime
from email.utils import parsedate_to_datetime
from enum import StrEnum
from typing import Any, ClassVar, Literal

from leadferry.vendors.names import PLACES, SPLIT

Value = str | list[str]
"""One answer of a lead: text, or a list for a field that takes several choices."""


class Outcome(StrEnum):
    """What one try came to. Only ``ACCEPTED`` is ever called delivered."""

    ACCEPTED = "accepted"  # the vendor said that it has the lead
    REJECTED = "rejected"  # the vendor said that it will not take it: final
    FAILED = "failed"  # certainly not processed: try again later
    UNKNOWN = "unknown"  # may have been processed, nobody can know
    MISCONFIGURED = "misconfigured"  # credentials, address: no lead will pass until a person mends it


class Reason(StrEnum):
    """Why, in a closed vocabulary; the vendor's own code and words stand beside it in an Attempt."""

    DUPLICATE = "duplicate"
    NAME_MISSING = "name_missing"
    INVALID = "invalid"
    REFUSED = "refused"
    PARTIAL = "partial"  # the lead was accepted, something that was to follow was not done
    CREDENTIALS = "credentials"
    SETTING_MISSING = "setting_missing"
    NOT_FOUND = "not_found"
    DISABLED = "disabled"
    FORBIDDEN = "forbidden"
    BLOCKED_ADDRESS = "blocked_address"
    DNS = "dns"
    CONNECT = "connect"
    TLS = "tls"
    BUSY = "busy"
    DOWN = "down"
    TIMEOUT = "timeout"
    RESET = "reset"
    TRUNCATED = "truncated"
    TOO_LARGE = "too_large"
    NONSENSE = "nonsense"
    ADAPTER = "adapter"  # a fault of ours: no request could be made
    SEALED = "sealed"  # what was sealed in it cannot be opened with our key
    INTERRUPTED = "interrupted"  # we died between sending and recording


@dataclass(frozen=True)
class Result:
    """An adapter's reading of an answer.

    ``code`` and ``words`` are the vendor's own. ``error_code`` is set only where the vendor itself speaks in the
    codes that visitors are shown. ``retry_after`` is in seconds.
    """

    outcome: Outcome
    reason: Reason | None = None
    vendor_lead_id: str | None = None
    code: str | None = None
    words: str = ""
    error_code: str | None = None
    retry_after: float | None = None

    def __post_init__(self) -> None:
        """A vendor may say anything; what is kept of it is short, and text that every database takes."""
        for name, limit in (("vendor_lead_id", 200), ("code", 100)):
            object.__setattr__(self, name, one_line(getattr(self, name) or "", limit) or None)
        object.__setattr__(self, "words", one_line(self.words))


@dataclass(frozen=True)
class Secret:
    """A setting by its name in the environment. Its value is filled in when the bytes are sent, nowhere else.

    ``literal`` is the value of a credential that stands in a form file itself; it is never shown or stored either.
    """

    name: str
    literal: str | None = field(default=None, repr=False, compare=False)

    def __str__(self) -> str:
        return f"${{{self.name}}}"


@dataclass(frozen=True)
class Template:
    """Text with secrets in it, such as ``Bearer ${VCITA_TOKEN}``. Shown, it names them; filled, it holds them."""

    parts: tuple[str | Secret, ...]

    def __str__(self) -> str:
        return "".join(str(part) for part in self.parts)

    def fill(self, secret: Callable[[str], str]) -> str:
        return "".join((part.literal or secret(part.name)) if isinstance(part, Secret) else part for part in self.parts)


Text = str | Template


def join(*parts: Text) -> Text:
    """Concatenates texts and templates."""
    flat: list[str | Secret] = []
    for part in parts:
        flat.extend(part.parts if isinstance(part, Template) else [part])
    if all(isinstance(part, str) for part in flat):
        return "".join(str(part) for part in flat)
    return Template(tuple(flat))


def fill(text: Text, secret: Callable[[str], str]) -> str:
    return text.fill(secret) if isinstance(text, Template) else text


Pair = tuple[str, Text | bytes]


@dataclass(frozen=True)
class Request:
    """One call to a vendor, whole but for the secrets, so that it can be stored and repeated to the byte.

    ``form`` is sent as application/x-www-form-urlencoded in this order, ``json`` as application/json. ``message_id``
    is the stable id that goes out as ``webhook-id``, ``sign`` the secret of a Standard Webhooks signature.
    """

    url: Text
    headers: Mapping[str, Text] = field(default_factory=dict)
    form: tuple[Pair, ...] | None = None
    json: Any = None
    sign: Text | None = None
    message_id: str = ""
    method: str = "POST"

    def to_json(self) -> dict[str, Any]:
        """A plain form for the store; secrets appear by name only."""
        plain: dict[str, Any] = {"method": self.method, "url": _dump(self.url)}
        plain["headers"] = {name: _dump(value) for name, value in self.headers.items()}
        if self.form is not None:
            plain["form"] = [[name, _dump(value)] for name, value in self.form]
        else:
            plain["json"] = self.json
        if self.sign is not None:
            plain["sign"] = _dump(self.sign)
        if self.message_id:
            plain["message_id"] = self.message_id
        return plain

    def literals(self) -> set[str]:
        """The credentials in it that stand in a form file itself."""
        texts = [self.url, *self.headers.values(), *(value for _, value in self.form or ()), self.sign]
        parts = [part for text in texts if isinstance(text, Template) for part in text.parts]
        return {part.literal for part in parts if isinstance(part, Secret) and part.literal}

    @classmethod
    def from_json(cls, plain: Mapping[str, Any]) -> Request:
        form = plain.get("form")
        sign = plain.get("sign")
        return cls(
            url=_load_text(plain["url"]),
            headers={name: _load_text(value) for name, value in plain["headers"].items()},
            form=None if form is None else tuple((name, _load(value)) for name, value in form),
            json=plain.get("json"),
            sign=None if sign is None else _load_text(sign),
            message_id=plain.get("message_id", ""),
            method=plain["method"],
        )


def _dump(value: Text | bytes) -> Any:
    """Secrets are marked by structure, never by characters that a visitor could type."""
    if isinstance(value, bytes):
        return {"base64": base64.b64encode(value).decode()}
    if isinstance(value, Template):
        return [{"secret": part.name} if isinstance(part, Secret) else part for part in value.parts]
    return value


def _load(plain: Any) -> Text | bytes:
    if isinstance(plain, dict):
        return base64.b64decode(plain["base64"])
    return _load_text(plain)


def _load_text(plain: Any) -> Text:
    if isinstance(plain, list):
        return Template(tuple(Secret(part["secret"]) if isinstance(part, dict) else part for part in plain))
    return str(plain)


@dataclass(frozen=True)
class Response:
    """A vendor's answer as it came. Header names are lower case; ``body`` is whole, within the size cap."""

    status: int
    headers: Mapping[str, str] = field(default_factory=dict)
    body: bytes = b""

    @property
    def text(self) -> str:
        return self.body.decode("utf-8", "replace")


@dataclass(frozen=True)
class File:
    """An uploaded file: base name without a path, and its bytes."""

    filename: str
    content: bytes


@dataclass(frozen=True)
class LeadData:
    """A lead as adapters see it: cleaned answers by our names, campaign names apart, nothing about storage.

    ``message_id`` is the delivery's own id, the same at every repeat. ``sensitive`` names the answers that are kept
    sealed.
    """

    reference: str
    form: str
    version: str
    received_at: datetime
    values: Mapping[str, Value]
    campaign: Mapping[str, str] = field(default_factory=dict)
    files: Mapping[str, File] = field(default_factory=dict)
    consent: Mapping[str, Any] | None = None
    test: bool = False
    message_id: str = ""
    sensitive: frozenset[str] = frozenset()

    def text(self, name: str) -> str:
        return as_text(self.values.get(name, ""))


def as_text(value: Value) -> str:
    return value if isinstance(value, str) else ", ".join(value)


def first_and_last(lead: LeadData) -> tuple[str, str]:
    """``name`` overrides the two; it is split at its last space, so that `Mary Jo Smith` keeps both first names."""
    name = lead.text("name")
    if not name:
        return lead.text("firstName"), lead.text("lastName")
    first, _, last = name.rpartition(" ")
    return (first, last) if first else (last, "")


@dataclass(frozen=True)
class Setting:
    """One key of a ``vendor:`` block."""

    name: str
    required: bool = False
    secret: bool = False
    kind: Literal["text", "flag", "map", "list"] = "text"
    choices: tuple[str, ...] = ()
    default: Any = None


@dataclass(frozen=True)
class Destination:
    """One vendor account that a form sends to.

    ``name`` is ``vendor``, or ``also-1`` and on. ``settings`` holds what the form file said, secrets as Templates.
    ``fields`` maps our names to the vendor's, from ``fields`` and ``send_as``. ``wait`` is in seconds.
    """

    form: str
    name: str
    adapter: str
    settings: Mapping[str, Any] = field(default_factory=dict)
    fields: Mapping[str, str] = field(default_factory=dict)
    url: Text | None = None
    wait: float = 8.0
    on_unknown: Literal["retry", "hold"] = "retry"


@dataclass(frozen=True)
class Placed:
    """Where a lead's answers go at one vendor: under a name of the vendor's own, or as custom fields."""

    own: Mapping[str, Value]
    custom: Mapping[str, Value]


class Adapter(ABC):
    """One vendor. Facts first, then the pure functions; a parser answers UNKNOWN until proven otherwise."""

    name: ClassVar[str]
    label: ClassVar[str]
    documentation: ClassVar[str]  # public address of the vendor's document
    checked: ClassVar[str]  # when the facts here were last held against it, YYYY-MM-DD
    default_url: ClassVar[str | None]
    settings: ClassVar[tuple[Setting, ...]]
    credentials: ClassVar[tuple[tuple[str, ...], ...]]  # alternatives, each a set of settings that suffices
    names: ClassVar[Mapping[str, str]] = {}  # the vendor's own field names -> a kind of leadferry.fields
    options: ClassVar[Mapping[str, tuple[str, ...]]] = {}  # the only values that a name may take
    elsewhere: ClassVar[frozenset[str]] = frozenset()  # of these, whose other values go as custom fields
    required: ClassVar[tuple[tuple[str, ...], ...]] = ()  # our names: one alternative must be answered
    formats: ClassVar[Mapping[str, str]] = {}  # reserved name -> a stricter kind than its usual one
    if_invalid: ClassVar[Literal["ask", "pass"]] = "ask"
    takes_files: ClassVar[bool] = False
    custom_limit: ClassVar[int | None] = None  # characters of a custom field
    on_unknown: ClassVar[Literal["retry", "hold"]]  # "retry" only where the vendor recognises a repeat
    calls_per_second: ClassVar[float | None] = None  # the vendor's documented limit, per account
    concurrency: ClassVar[int | None] = None

    @abstractmethod
    def build_request(self, lead: LeadData, destination: Destination) -> Request:
        """The same lead makes the same bytes."""

    @abstractmethod
    def parse_response(self, response: Response) -> Result:
        """Never raises, whatever the bytes."""

    def shortened(self, lead: LeadData, destination: Destination) -> Iterator[tuple[str, int, int]]:  # noqa: ARG002
        """Answers of which the vendor gets the beginning only: our name, how many characters before and after."""
        return iter(())

    def next_request(self, request: Request, response: Response, destination: Destination) -> Request | None:  # noqa: ARG002
        """A further call that the answer asks for, or None. The last answer is the one that counts."""
        return None

    def test_request(self, destination: Destination) -> Request | None:  # noqa: ARG002
        """A call that checks credentials and address without creating a lead, or None where the vendor has none."""
        return None

    def parse_test(self, response: Response) -> Result:
        return self.parse_response(response)

    def fields_request(self, destination: Destination) -> Request | None:  # noqa: ARG002
        """A call that lists the account's custom fields, or None where the vendor has no such call."""
        return None

    def fields_missing(
        self,
        response: Response,  # noqa: ARG002
        names: Iterable[str],  # noqa: ARG002
        destination: Destination,  # noqa: ARG002
    ) -> list[str] | None:
        """Those of our names for which the account has no custom field; None where the answer does not tell."""
        return None

    def on_unknown_default(self, settings: Mapping[str, Any]) -> Literal["retry", "hold"]:  # noqa: ARG002
        """What to do after an unknown outcome where the form file does not say."""
        return self.on_unknown

    def check(self, destination: Destination) -> Iterator[tuple[str, str]]:  # noqa: ARG002
        """Vendor-specific mistakes in a vendor block, each (key, what is wrong and how to mend it)."""
        yield from ()

    def place(self, lead: LeadData, destination: Destination) -> Placed:
        """Sorts the answers, the campaign's too, by where they go: a name of the vendor's own, or custom."""
        own: dict[str, Value] = {}
        custom: dict[str, Value] = {}
        for name, value in self._answers(lead, destination).items():
            wire = self.wire_name(name, destination)
            (own if wire in self.names else custom)[wire] = value
        return Placed(own, custom)

    def wire_name(self, name: str, destination: Destination) -> str:
        """The vendor's name for one of ours: as the form file says, else its place, else our own."""
        return destination.fields.get(name) or self.place_of(name) or name

    def choices(self, name: str, destination: Destination) -> Collection[str]:
        """The only values that one of our names may take at the vendor; empty where any goes."""
        return self.options.get(self.wire_name(name, destination), ())

    def place_of(self, name: str) -> str | None:
        """The vendor's own name for one of our reserved names."""
        return PLACES.get(name, {}).get(self.name)

    def _answers(self, lead: LeadData, destination: Destination) -> dict[str, Value]:
        """`name` overrides firstName and lastName, and is split where the vendor has no place for it whole."""
        answers: dict[str, Value] = {**lead.values, **lead.campaign}
        if not answers.get("name"):
            return answers
        kept = {k: v for k, v in answers.items() if k not in {"firstName", "lastName"} or k in destination.fields}
        if self.place_of("name") != SPLIT or "name" in destination.fields:
            return kept
        del kept["name"]
        first, last = first_and_last(lead)
        return {"firstName": first, "lastName": last, **kept}

    def endpoint(self, destination: Destination) -> Text:
        return destination.url or self.default_url or ""


def by_status(response: Response) -> Result | None:
    """What an HTTP status says by itself; None for 2xx and the others that are the adapter's to read."""
    words = plain_words(response)
    retry_after = read_retry_after(response.headers.get("retry-after"))
    outcome_reason = _STATUS.get(response.status)
    if outcome_reason is not None:
        outcome, reason = outcome_reason
        return Result(outcome, reason, code=str(response.status), words=words, retry_after=retry_after)
    if response.status >= 500 or 300 <= response.status < 400:
        return Result(Outcome.UNKNOWN, Reason.NONSENSE, code=str(response.status), words=words, retry_after=retry_after)
    return None


_STATUS: dict[int, tuple[Outcome, Reason]] = {
    307: (Outcome.MISCONFIGURED, Reason.NOT_FOUND),  # "send the same again, there": not processed here
    308: (Outcome.MISCONFIGURED, Reason.NOT_FOUND),
    401: (Outcome.MISCONFIGURED, Reason.CREDENTIALS),
    403: (Outcome.MISCONFIGURED, Reason.FORBIDDEN),
    404: (Outcome.MISCONFIGURED, Reason.NOT_FOUND),
    405: (Outcome.MISCONFIGURED, Reason.NOT_FOUND),
    407: (Outcome.MISCONFIGURED, Reason.FORBIDDEN),
    410: (Outcome.MISCONFIGURED, Reason.NOT_FOUND),
    425: (Outcome.FAILED, Reason.BUSY),
    429: (Outcome.FAILED, Reason.BUSY),
    503: (Outcome.FAILED, Reason.DOWN),
}


def plain_words(response: Response, limit: int = 300) -> str:
    """The start of the answer as one line, for people to read."""
    return one_line(response.text, limit)


def one_line(text: str, limit: int = 300) -> str:
    """Without what no database or terminal takes: NUL, escapes, the unpaired surrogates that JSON can carry."""
    words = " ".join(text[: limit * 4].split())
    return "".join(character for character in words if character.isprintable())[:limit]


def read_json(response: Response) -> Any:
    """The body as JSON, a byte order mark forgiven; None where it is none, or is nested past reading."""
    try:
        return json.loads(response.text.removeprefix("\ufeff"))
    except (ValueError, RecursionError):
        return None


def nonsense(response: Response) -> Result:
    """The answer of a parser that understood nothing."""
    return Result(Outcome.UNKNOWN, Reason.NONSENSE, code=str(response.status), words=plain_words(response))


def read_retry_after(header: str | None, now: datetime | None = None) -> float | None:
    """Seconds from either form of Retry-After (RFC 9110, 10.2.3); None where it is absent or unreadable."""
    if not header:
        return None
    text = header.strip()
    if text.isascii() and text.isdigit():
        return float(text[:9])
    try:
        when = parsedate_to_datetime(text)
    except (ValueError, TypeError, IndexError, OverflowError):
        return None
    if when.tzinfo is None:
        when = when.replace(tzinfo=UTC)
    return max(0.0, (when - (now or datetime.now(UTC))).total_seconds())
