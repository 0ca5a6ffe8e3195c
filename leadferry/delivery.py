"""One try at one delivery, and what follows from it: one function for the visitor's request and for the worker."""

from __future__ import annotations

import logging
import random
import time
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from typing import Any

from leadferry import leads, metrics, outbox
from leadferry.catalog import Catalog
from leadferry.outbox import Claim, NextState, Tried
from leadferry.store import Store, StoreError
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
"""Seconds for all calls of one try; well within a lease."""

MAX_CALLS = 3
SHOWN_ANSWER = 4000
"""Characters of a vendor's answer that an Attempt keeps."""

SCHEDULE = (5, 20, 60, 300, 900, 1800, 3600, 7200, 14_400, 21_600, 28_800)
"""Seconds from one failed try to the next: a day and some hours in all. After the last the lead is dead."""

LONGEST_RETRY_AFTER = 21_600.0
FIRST_PROBE = 20.0
LONGEST_PROBE = 1800.0
FAILURES_UNTIL_DOWN = 3


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


def attempt(office: Office, claim: Claim, trigger: str) -> Result:
    """Tries once, within ``DEADLINE`` seconds, and records what came of it. Never raises for what a vendor does."""
    at, started = time.time(), time.monotonic()
    calls: list[dict[str, Any]] = []
    if claim.interrupted:
        result = Result(Outcome.UNKNOWN, Reason.INTERRUPTED, words="We were stopped while sending.")
    else:
        result = _try(office, claim, calls)
    settle(
        office,
        claim,
        result,
        Tried(
            at=at,
            trigger=trigger,
            outcome=result.outcome,
            reason=result.reason,
            code=result.code,
            words=storable(result.words)[:500],
            milliseconds=round((time.monotonic() - started) * 1000),
            calls=calls,
        ),
    )
    return result


def _try(office: Office, claim: Claim, calls: list[dict[str, Any]]) -> Result:
    destination = office.catalog.destination(claim.form, claim.version, claim.destination, claim.vendor)
    if destination is None:
        words = "The form file, or a setting that it names, is missing."
        return Result(Outcome.MISCONFIGURED, Reason.SETTING_MISSING, words=words)
    request = _frozen(office, claim, destination)
    if request is None:
        return Result(Outcome.FAILED, Reason.ADAPTER, words="No request could be made of this lead; see the log.")
    conversation = _Conversation(office, destination, calls)
    try:
        return conversation.hold(request)
    except TransportError as error:
        return Result(error.outcome, error.reason, words=error.words)
    except Exception:
        log.exception("adapter failed at an answer", extra={"lead": claim.reference, "vendor": claim.vendor})
        return Result(Outcome.UNKNOWN, Reason.ADAPTER, words="The answer could not be read; see the log.")


def _frozen(office: Office, claim: Claim, destination: Destination) -> Request | None:
    """The request as it was first made; a repeat is the same to the byte."""
    if claim.payload is not None:
        return Request.from_json(claim.payload)
    form = office.catalog.version(claim.form, claim.version)
    send_campaign = form is None or form.campaign == "send"
    request = build(
        office, leads.load_data(office.store, claim.lead_id, destination, send_campaign=send_campaign), destination
    )
    if request is not None and not outbox.freeze(office.store, claim, request):
        return None  # the lease was lost: somebody else tries it
    return request


class _Conversation:
    """The one to three calls of a try, under one deadline, written down with the secrets masked."""

    def __init__(self, office: Office, destination: Destination, calls: list[dict[str, Any]]) -> None:
        self.office = office
        self.destination = destination
        self.adapter = office.adapters[destination.adapter]
        self.calls = calls
        self.deadline = time.monotonic() + DEADLINE
        self.secrets: set[str] = set()

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
        self._keep_pace()
        call: dict[str, Any] = {"request": request.to_json(), "status": None, "answer": None}
        self.calls.append(call)
        response = self.office.transport.send(request, self._secret, self.deadline - time.monotonic())
        call["status"] = response.status
        call["answer"] = storable(self._masked(response.text[:SHOWN_ANSWER]))
        return response

    def _keep_pace(self) -> None:
        if self.adapter.calls_per_second:
            store = self.office.store
            now = store.now()
            time.sleep(max(0.0, outbox.next_turn(store, self.adapter.name, self.adapter.calls_per_second, now) - now))

    def _secret(self, name: str) -> str:
        value = self.office.catalog.secret(name)
        if value is None:
            raise TransportError(Outcome.MISCONFIGURED, Reason.SETTING_MISSING, f"{name} is not set.")
        self.secrets.add(value)
        return value

    def _masked(self, text: str) -> str:
        for value in self.secrets:
            if len(value) >= 4:
                text = text.replace(value, "***")
        return text

    def _scrubbed(self, result: Result) -> Result:
        return Result(
            **{
                **result.__dict__,
                "words": self._masked(result.words),
                "code": result.code and self._masked(result.code),
            }
        )


def storable(text: str) -> str:
    """PostgreSQL takes no NUL, UTF-8 no lone surrogates."""
    return text.replace("\x00", "").encode("utf-8", "replace").decode()


# --- what follows ---


def settle(office: Office, claim: Claim, result: Result, tried: Tried) -> None:
    """Records a try with the state that follows from it, and what it says of the account."""
    now = time.time()
    result = _after_own_unknown(claim, result)
    policy = _policy(office, claim)
    after = next_state(claim, result, policy, now)
    answer = visitors_answer(result) if tried.trigger == "visitor" else None
    _patiently(lambda: outbox.record(office.store, claim, tried, after, answer))
    _patiently(lambda: _note_account(office.store, claim, result, now))
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
            "state": after.state,
            "milliseconds": tried.milliseconds,
        },
    )


def _patiently(write: Callable[[], object]) -> None:
    """What a vendor said is known only here: a store that is full or gone for a moment must not make it unknown.

    Raises:
        StoreError: it is gone for longer than the lease lasts.
    """
    until = time.monotonic() + outbox.LEASE - DEADLINE - 5
    while True:
        try:
            write()
        except StoreError:
            if time.monotonic() > until:
                raise
            time.sleep(0.25)
        else:
            return


def _measure(claim: Claim, result: Result, tried: Tried) -> None:
    metrics.ATTEMPTS.labels(claim.vendor, result.outcome.value).inc()
    if result.outcome is Outcome.ACCEPTED:
        accepted_at = tried.at + tried.milliseconds / 1000
        metrics.SUBMIT_TO_ACCEPTED.labels(claim.vendor).observe(max(0.0, accepted_at - claim.received_at))


def _policy(office: Office, claim: Claim) -> str:
    destination = office.catalog.destination(claim.form, claim.version, claim.destination, claim.vendor)
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


def _note_account(store: Store, claim: Claim, result: Result, now: float) -> None:
    if result.outcome is Outcome.MISCONFIGURED:
        _, failures = outbox.is_troubled(store, claim.account)
        probe_at = now + probe_delay(failures)
        outbox.pause(
            store, claim.account, probe_at=probe_at, reason=str(result.reason), words=storable(result.words)[:300]
        )
    elif result.outcome is Outcome.FAILED:
        _, failures = outbox.is_troubled(store, claim.account)
        wait = max(probe_delay(failures - FAILURES_UNTIL_DOWN + 1), min(result.retry_after or 0.0, LONGEST_RETRY_AFTER))
        outbox.note_failure(
            store,
            claim.account,
            threshold=FAILURES_UNTIL_DOWN,
            probe_at=now + wait,
            reason=str(result.reason),
            words=storable(result.words)[:300],
        )
    elif result.outcome in {Outcome.ACCEPTED, Outcome.REJECTED}:
        outbox.resume(store, claim.account, now)


def probe_delay(probes: int) -> float:
    """Seconds until a waiting account is tried again: within half a minute at first, half an hour at the end."""
    return float(min(FIRST_PROBE * 2 ** min(max(probes, 0), 10), LONGEST_PROBE))


# --- a check without a lead ---


def probe_account(office: Office, destination: Destination) -> tuple[bool | None, str]:
    """Whether the vendor takes our credentials: yes, no, or None where that cannot be told without making a lead.

    A yes resumes the account's waiting leads.
    """
    adapter = office.adapters[destination.adapter]
    request = adapter.test_request(destination)
    if request is None:
        return None, f"{adapter.label} has no call that checks an account without creating a lead; nothing was sent."
    conversation = _Conversation(office, destination, [])
    try:
        result = conversation.test(request)
    except TransportError as error:
        result = Result(error.outcome, error.reason, words=error.words)
    words = result.words or (result.reason or result.outcome).value
    if result.outcome is Outcome.ACCEPTED:
        resumed = outbox.resume(office.store, outbox.account_of(destination), time.time())
        return True, f"works. {words}{' Its waiting leads go on.' if resumed else ''}".strip()
    return None if result.outcome is Outcome.UNKNOWN else False, f"{result.outcome.value}: {words}"


def missing_fields(office: Office, destination: Destination, names: Iterable[str]) -> list[str]:
    """Those of a form's names that the account has no field for, as far as the vendor tells."""
    request = office.adapters[destination.adapter].fields_request(destination)
    if request is None:
        return []
    try:
        return _Conversation(office, destination, []).fields_missing(request, names) or []
    except TransportError:
        return []


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
