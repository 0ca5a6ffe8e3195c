"""One try at one delivery, and what follows from it: one function for the visitor's request and for the worker."""

from __future__ import annotations

import json
import logging
import random
import time
from collections.abc import Callable, Collection, Iterable, Mapping
from dataclasses import dataclass, field, replace
from functools import partial
from typing import Any, TypeVar
from urllib.parse import quote, quote_plus, urlsplit

from leadferry import leads, metrics, outbox
from leadferry.catalog import Catalog
from leadferry.languages import Sentence, sentence
from leadferry.outbox import Claim, Health, NextState, Tried
from leadferry.sealing import Unsealable, is_sealed, texts_of
from leadferry.store import Store, StoreError, StoreRefusal
from leadferry.transport import Transport, TransportError
from leadferry.vendors.base import (
    Adapter,
    Destination,
    LeadData,
    Outcome,
    Reason,
    Request,
    Response,
    Result,
)

log = logging.getLogger("leadferry.delivery")

DEADLINE = 30.0
"""Seconds from the claim in which all calls of a try must be over: half of the lease."""

PATIENCE = 300.0
"""Seconds for which a try waits for a store that is full or gone, to record what the vendor said."""

MAX_CALLS = 3
SHOWN_ANSWER = 4000
"""Characters of a vendor's answer that an Attempt keeps."""

MASK = "***"
LONG_ENOUGH_TO_TELL = 16
SHORTEST_SECRET = 4
"""What is shorter than this would be found, and masked, in every other word."""

SCHEDULE = (5, 20, 60, 300, 900, 1800, 3600, 7200, 14_400, 21_600, 36_000)
"""Seconds from one failed try to the next: a day in all. After the last the lead is dead."""

LONGEST_RETRY_AFTER = 21_600.0
FIRST_PROBE = 20.0
LONGEST_PROBE = 1800.0
FAILURES_UNTIL_DOWN = 5
"""Tries of one account in a row, of any leads, without an answer that shows the vendor at work."""

NO_REQUEST = sentence("No request could be made of this lead; see the log.")
SAYS_NOTHING_OF_THE_VENDOR = (Reason.INTERRUPTED, Reason.ADAPTER, Reason.SEALED)


@dataclass(frozen=True)
class Office:
    """What a try needs: the store, the forms, the vendors and the socket."""

    store: Store
    catalog: Catalog
    transport: Transport
    adapters: Mapping[str, Adapter]


def build(office: Office, lead: LeadData, destination: Destination) -> Request | None:
    """The request of a delivery, or None where the adapter fails at it: a lead is stored all the same."""
    try:
        return office.adapters[destination.adapter].build_request(lead, destination)
    except Exception:
        log.exception(
            "adapter failed to build a request", extra={"lead": lead.reference, "vendor": destination.adapter}
        )
        return None


class _LeaseLost(Exception):
    """Somebody else may try it now; nothing was sent."""


def attempt(office: Office, claim: Claim, trigger: str) -> Result:
    """Tries once, within ``DEADLINE`` seconds, and records what came of it. Never raises for what a vendor does.

    Raises:
        StoreError: the store was gone for longer than ``PATIENCE``; what the vendor said is lost then.
    """
    at, started = time.time(), time.monotonic()
    notes = _Notes()
    destination = _patiently(
        lambda: office.catalog.destination(claim.form, claim.version, claim.destination, claim.vendor)
    )
    try:
        result = _try(office, claim, destination, notes)
    except _LeaseLost:
        log.warning("the lease was lost before anything was sent", extra={"lead": claim.reference})
        return Result(Outcome.UNKNOWN, Reason.INTERRUPTED)
    tried = Tried(
        at=at,
        trigger=trigger,
        outcome=result.outcome,
        reason=result.reason,
        code=result.code,
        words=storable(result.words)[:500],
        milliseconds=round((time.monotonic() - started) * 1000),
        calls=notes.calls,
    )
    _settle(office, claim, result, _policy(office, claim, destination), tried, sealed=notes.sealed)
    return result


@dataclass
class _Notes:
    """What a try writes down as it goes on: its calls, and whether the lead has sealed answers."""

    calls: list[dict[str, Any]] = field(default_factory=list)
    sealed: bool = False


def _try(office: Office, claim: Claim, destination: Destination | None, notes: _Notes) -> Result:
    if claim.interrupted:
        return Result(Outcome.UNKNOWN, Reason.INTERRUPTED, words=sentence("We were stopped while sending."))
    if destination is None:
        words = sentence("The form file, or a setting that it names, is missing.")
        return Result(Outcome.MISCONFIGURED, Reason.SETTING_MISSING, words=words)
    try:
        request, sensitive = _patiently(lambda: _frozen(office, claim, destination))
    except Unsealable:
        words = sentence("SENSITIVE_KEY is not the key that the sealed answers of this lead were stored under.")
        return Result(Outcome.FAILED, Reason.SEALED, words=words)
    if request is None:
        return Result(Outcome.FAILED, Reason.ADAPTER, words=NO_REQUEST)
    notes.sealed = bool(sensitive)
    conversation = _Conversation(office, destination, notes.calls, claim.taken_at + DEADLINE, sensitive)
    try:
        return conversation.hold(request)
    except TransportError as error:
        return Result(error.outcome, error.reason, words=error.words)
    except Exception:
        log.exception("adapter failed at an answer", extra={"lead": claim.reference, "vendor": claim.vendor})
        return Result(Outcome.UNKNOWN, Reason.ADAPTER, words=sentence("The answer could not be read; see the log."))


def _frozen(office: Office, claim: Claim, destination: Destination) -> tuple[Request | None, frozenset[str]]:
    """The request as it was first made, and the sensitive texts in it; a repeat is the same to the byte."""
    if claim.payload is not None:
        sealed = is_sealed(claim.payload)
        return office.store.sealer.thawed(claim.payload) if sealed else (Request.from_json(claim.payload), frozenset())
    form = office.catalog.version(claim.form, claim.version)
    send_campaign = form is None or form.campaign == "send"
    lead = leads.load_data(office.store, claim.lead_id, destination, send_campaign=send_campaign)
    request, sensitive = build(office, lead, destination), texts_of(lead.values, lead.sensitive)
    if request is not None and not outbox.freeze(office.store, claim, request, sensitive):
        raise _LeaseLost
    return request, sensitive


class _Conversation:
    """The one to three calls of a try, under one deadline, written down with the secrets masked."""

    def __init__(
        self,
        office: Office,
        destination: Destination,
        calls: list[dict[str, Any]],
        deadline: float | None = None,
        sensitive: Collection[str] = (),
    ) -> None:
        self.office = office
        self.destination = destination
        self.adapter = office.adapters[destination.adapter]
        self.calls = calls
        self.deadline = time.monotonic() + DEADLINE if deadline is None else deadline
        self.sensitive = frozenset(sensitive)
        self.secrets: set[str] = set(sensitive)

    def hold(self, request: Request) -> Result:
        for _ in range(MAX_CALLS):
            response = self._call(request)
            following = self.adapter.next_request(request, response, self.destination)
            if following is None:
                break
            request = following
        return self._scrubbed(self.adapter.parse_response(response))

    def test(self, request: Request) -> Result:
        return self._scrubbed(self.adapter.parse_test(self._call(request)))

    def fields_missing(self, request: Request, names: Iterable[str]) -> list[str] | None:
        return self.adapter.fields_missing(self._call(request), names, self.destination)

    def _call(self, request: Request) -> Response:
        time.sleep(self._seconds_until_turn())
        left = self.deadline - time.monotonic()
        if left <= 0:
            raise self._not_sent("There was no time left to send it.")
        shown = without_texts(without_files(request.to_json()), self.sensitive)
        call: dict[str, Any] = {"request": shown, "status": None, "answer": None}
        self.calls.append(call)
        for literal in request.literals():
            self.secrets |= tellings(literal)
        response = self.office.transport.send(request, self._secret, left)
        call["status"] = response.status
        call["answer"] = storable(self._masked(response.text)[:SHOWN_ANSWER])
        return response

    def _seconds_until_turn(self) -> float:
        """What the vendor's limit makes us wait; all processes take turns."""
        if not self.adapter.calls_per_second:
            return 0.0
        store = self.office.store
        try:
            now = store.now()
            wait = outbox.next_turn(store, self.adapter.name, self.adapter.calls_per_second, now) - now
        except StoreError:
            raise self._not_sent("The store did not answer.") from None
        if wait > self.deadline - time.monotonic():
            raise self._not_sent("Too many others are to be sent to this vendor.")
        return max(0.0, wait)

    def _not_sent(self, words: str) -> TransportError:
        """The vendor knows nothing of this try, unless an earlier call of it was sent."""
        return TransportError(Outcome.UNKNOWN if self.calls else Outcome.FAILED, Reason.ADAPTER, words)

    def _secret(self, name: str) -> str:
        value = self.office.catalog.secret(name)
        if value is None:
            raise TransportError(Outcome.MISCONFIGURED, Reason.SETTING_MISSING, f"{name} is not set.")
        self.secrets |= tellings(value)
        return value

    def _masked(self, text: str) -> str:
        return masked(text, self.secrets)

    def _scrubbed(self, result: Result) -> Result:
        return Result(
            **{
                **result.__dict__,
                "words": self._masked(result.words),
                "code": result.code and self._masked(result.code),
            }
        )


def tellings(secret: str) -> set[str]:
    """What gives a secret away: itself; of an address that is one its path too, and what is long in that."""
    if not secret.lower().startswith(("http://", "https://")):
        return {secret}
    path = urlsplit(secret).path
    return {secret, path, *(part for part in path.split("/") if len(part) >= LONG_ENOUGH_TO_TELL)}


def masked(text: str, secrets: Collection[str]) -> str:
    """A vendor's words without our secrets, as they are or escaped, also where the text was cut in one's middle."""
    for value in secrets:
        if len(value) >= SHORTEST_SECRET:
            for form in {value, quote(value, safe=""), quote_plus(value), json.dumps(value)[1:-1]}:
                text = text.replace(form, MASK)
            for length in range(len(value) - 1, SHORTEST_SECRET - 1, -1):
                if text.endswith(value[:length]):
                    text = text[:-length] + MASK
    return text


def without_files(request: dict[str, Any]) -> dict[str, Any]:
    """A request for the record: of a file only how large it was, or every try would keep the whole of it."""
    if "form" not in request:
        return request
    pairs = [
        [name, {"bytes": len(value["base64"]) * 3 // 4} if isinstance(value, dict) else value]
        for name, value in request["form"]
    ]
    return {**request, "form": pairs}


def without_texts(plain: Any, texts: Collection[str]) -> Any:
    """Plain data for the record, with these texts masked wherever they stand in it."""
    if not texts:
        return plain
    if isinstance(plain, str):
        return masked(plain, texts)
    if isinstance(plain, Mapping):
        return {name: without_texts(value, texts) for name, value in plain.items()}
    return [without_texts(each, texts) for each in plain] if isinstance(plain, list | tuple) else plain


def storable(text: str) -> str:
    """PostgreSQL takes no NUL, UTF-8 no lone surrogates."""
    return text.replace("\x00", "").encode("utf-8", "replace").decode()


# --- what follows ---


def _settle(
    office: Office, claim: Claim, result: Result, on_unknown: str, tried: Tried, *, sealed: bool = False
) -> None:
    """Records a try with the state that follows from it, and what it says of the account."""
    now = _patiently(office.store.now)
    result = _after_own_unknown(claim, result)
    after = next_state(claim, result, on_unknown, now)
    change = partial(next_health, claim=claim, result=result, now=now)
    answer = visitors_answer(result) if tried.trigger == "visitor" else None
    kept = _patiently(
        lambda: outbox.record(office.store, claim, tried, after, change, now=now, answer=answer, sealed=sealed)
    )
    _measure(claim, result, tried)
    log.info(
        "attempt",
        extra={
            "lead": claim.reference,
            "form": claim.form,
            "destination": claim.destination,
            "vendor": claim.vendor,
            "outcome": result.outcome.value,
            "reason": result.reason and result.reason.value,
            "state": after.state if kept else "the lease was lost",
            "milliseconds": tried.milliseconds,
        },
    )


T = TypeVar("T")


def _patiently(ask: Callable[[], T]) -> T:
    """What a vendor said is known only here: a store that is full or gone must not make it unknown.

    While it is gone nobody else can take the delivery; once it is back, this holder is the first to know.

    Raises:
        StoreError: it was gone for ``PATIENCE`` seconds, or will never take this.
    """
    until = time.monotonic() + PATIENCE
    while True:
        try:
            return ask()
        except StoreRefusal:
            raise
        except StoreError:
            if time.monotonic() > until:
                raise
            time.sleep(0.25)


def _measure(claim: Claim, result: Result, tried: Tried) -> None:
    metrics.ATTEMPTS.labels(claim.vendor, result.outcome.value).inc()
    if result.outcome is Outcome.ACCEPTED:
        accepted_at = tried.at + tried.milliseconds / 1000
        metrics.SUBMIT_TO_ACCEPTED.labels(claim.vendor).observe(max(0.0, accepted_at - claim.received_at))


def _policy(office: Office, claim: Claim, destination: Destination | None) -> str:
    if destination is not None:
        return destination.on_unknown
    return office.adapters[claim.vendor].on_unknown if claim.vendor in office.adapters else "hold"


def _after_own_unknown(claim: Claim, result: Result) -> Result:
    """The vendor calls our repeat a duplicate: so the try that ended unknown had arrived."""
    if claim.unsure and result.outcome is Outcome.REJECTED and result.reason is Reason.DUPLICATE:
        return Result(**{**result.__dict__, "outcome": Outcome.ACCEPTED, "error_code": None})
    return result


def next_state(
    claim: Claim, result: Result, on_unknown: str, now: float, jitter: Callable[[], float] = random.random
) -> NextState:
    """The outcome → state table."""
    reason = result.reason.value if result.reason else None
    if result.outcome is Outcome.ACCEPTED:
        return NextState("delivered", reason=reason, vendor_lead_id=result.vendor_lead_id, unsure=claim.unsure)
    if result.outcome is Outcome.REJECTED:
        return NextState(
            "rejected",
            reason=reason,
            error_code=error_code(result),
            vendor_lead_id=result.vendor_lead_id,
            unsure=claim.unsure,
        )
    if result.outcome is Outcome.MISCONFIGURED:
        return NextState(
            "pending",
            due_at=now,  # the account waits, not the lead
            reason=reason,
            error_code=error_code(result),
            unsure=claim.unsure,
            keep_payload=claim.unsure,
        )
    unsure = claim.unsure or result.outcome is Outcome.UNKNOWN
    if result.reason is Reason.SEALED:  # until a person brings the key back
        return NextState("held", reason=reason, unsure=unsure)
    if result.outcome is Outcome.UNKNOWN and on_unknown == "hold":
        return NextState("held", reason=reason, unsure=True)
    if claim.attempts >= len(SCHEDULE):
        return NextState("dead", reason=reason, unsure=unsure)
    return NextState(
        "pending", due_at=now + delay(claim.attempts, result.retry_after, jitter), reason=reason, unsure=unsure
    )


def delay(attempts: int, retry_after: float | None, jitter: Callable[[], float]) -> float:
    """Seconds until the next try, a fifth up or down; never sooner than the vendor asked, up to six hours."""
    planned = SCHEDULE[attempts] * (0.8 + 0.4 * jitter())
    return max(planned, min(retry_after or 0.0, LONGEST_RETRY_AFTER))


def next_health(before: Health, claim: Claim, result: Result, now: float) -> Health:
    """The outcome → account table.

    Tries that were under way when the account began to wait come in after it: they do not put off the probe.
    """
    if result.outcome in {Outcome.ACCEPTED, Outcome.REJECTED}:
        return Health()
    if result.reason in SAYS_NOTHING_OF_THE_VENDOR:
        return before
    after = replace(before, failures=before.failures + 1)
    if result.outcome is Outcome.MISCONFIGURED:
        after = replace(after, waiting="misconfigured", reason=str(result.reason), words=storable(result.words)[:300])
    elif before.waiting is None:
        if after.failures < FAILURES_UNTIL_DOWN:
            return after
        after = replace(after, waiting="down", reason=str(result.reason), words=storable(result.words)[:300])
    return _with_next_probe(before, after, claim, result, now)


def _with_next_probe(before: Health, after: Health, claim: Claim, result: Result, now: float) -> Health:
    asked = now + min(result.retry_after or 0.0, LONGEST_RETRY_AFTER)
    if before.waiting is None:
        return replace(after, since=now, probe_at=max(now + probe_delay(0), asked))
    if claim.probe:
        return replace(after, probes=before.probes + 1, probe_at=max(now + probe_delay(before.probes + 1), asked))
    return replace(after, probe_at=max(before.probe_at or 0.0, asked))


def probe_delay(probes: int) -> float:
    """Seconds until a waiting account is tried again: within half a minute at first, half an hour at the end."""
    return float(min(FIRST_PROBE * 2 ** min(max(probes, 0), 10), LONGEST_PROBE))


# --- a check without a lead ---


def probe_account(office: Office, destination: Destination) -> tuple[bool | None, Sentence]:
    """Whether the vendor takes our credentials: yes, no, or None where that cannot be told without making a lead.

    What is said of it can be told in other languages. A yes resumes the account's waiting leads.
    """
    adapter = office.adapters[destination.adapter]
    request = adapter.test_request(destination)
    if request is None:
        return None, sentence(
            "{vendor} has no call that checks an account without creating a lead; nothing was sent."
        ).of(vendor=adapter.label)
    conversation = _Conversation(office, destination, [])
    try:
        result = conversation.test(request)
    except TransportError as error:
        result = Result(error.outcome, error.reason, words=error.words)
    words = Sentence(result.words or (result.reason or result.outcome).value)  # told where they are ours
    if result.outcome is Outcome.ACCEPTED:
        resumed = outbox.resume(office.store, outbox.account_of(destination), office.store.now())
        works = sentence("works. {words} Its waiting leads go on.") if resumed else sentence("works. {words}")
        return True, works.of(words=words)
    said = sentence("{outcome}: {words}").of(outcome=_OUTCOMES[result.outcome], words=words)
    return None if result.outcome is Outcome.UNKNOWN else False, said


_OUTCOMES: Mapping[Outcome, Sentence] = {
    Outcome.REJECTED: sentence("rejected"),
    Outcome.FAILED: sentence("failed"),
    Outcome.UNKNOWN: sentence("unknown"),
    Outcome.MISCONFIGURED: sentence("misconfigured"),
}


def missing_fields(office: Office, destination: Destination, names: Iterable[str]) -> list[str]:
    """Those of a form's names that the account has no field for, as far as the vendor tells."""
    request = office.adapters[destination.adapter].fields_request(destination)
    if request is None:
        return []
    try:
        return _Conversation(office, destination, []).fields_missing(request, names) or []
    except TransportError:
        return []


def try_out(office: Office, lead: LeadData, destination: Destination) -> tuple[Result, list[dict[str, Any]]]:
    """Sends a lead that is not stored, and records nothing. Returns what came of it, and the calls as an Attempt's."""
    calls: list[dict[str, Any]] = []
    request = build(office, lead, destination)
    if request is None:
        return Result(Outcome.FAILED, Reason.ADAPTER, words=NO_REQUEST), calls
    try:
        hidden = texts_of(lead.values, lead.sensitive)
        return _Conversation(office, destination, calls, sensitive=hidden).hold(request), calls
    except TransportError as error:
        return Result(error.outcome, error.reason, words=error.words), calls


# --- what the visitor is told ---

_CODES: Mapping[Reason, str] = {
    Reason.DUPLICATE: "ct103",
    Reason.NAME_MISSING: "ct102",
}


def error_code(result: Result) -> str | None:
    """The code of contractual meaning that a result has for the visitor; None where it is no error to them."""
    if result.error_code:
        return result.error_code
    if result.outcome is Outcome.REJECTED:
        return _CODES.get(result.reason, "lf204") if result.reason else "lf204"
    if result.outcome is Outcome.MISCONFIGURED and result.reason is Reason.CREDENTIALS:
        return "ct101"
    return None


def visitors_answer(result: Result) -> str:
    return error_code(result) or "ok"
