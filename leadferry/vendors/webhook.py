"""Any address that takes a JSON POST, signed as Standard Webhooks describe where a secret is set.

https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
"""

from __future__ import annotations

from datetime import UTC, datetime
from typing import Any

from leadferry.vendors.base import (
    Adapter,
    Destination,
    LeadData,
    Outcome,
    Reason,
    Request,
    Response,
    Result,
    Setting,
    by_status,
    nonsense,
    plain_words,
    read_json,
)


class Webhook(Adapter):
    name = "webhook"
    label = "Webhook"
    documentation = "https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md"
    checked = "2026-11-21"
    default_url = None
    settings = (Setting("secret", secret=True),)
    credentials = ()
    on_unknown = "retry"  # the specification makes webhook-id the receiver's key against repeats

    def build_request(self, lead: LeadData, destination: Destination) -> Request:
        return Request(
            url=self.endpoint(destination),
            headers={"Accept": "application/json"},
            json=self._event(lead, destination),
            sign=destination.settings.get("secret"),
            message_id=lead.message_id,
        )

    def _event(self, lead: LeadData, destination: Destination) -> dict[str, Any]:
        placed = self.place(lead, destination)
        return {
            "type": "lead.received",
            "timestamp": _utc(lead.received_at),
            "lead": lead.reference,
            "form": lead.form,
            "version": lead.version,
            "test": lead.test,
            "fields": dict(placed.custom),  # a receiver has no names of its own that we know
            "consent": None if lead.consent is None else dict(lead.consent),
        }

    def parse_response(self, response: Response) -> Result:
        """The specification: any 2xx is success, 410 means that nothing more is wanted there."""
        if 200 <= response.status < 300:
            return Result(Outcome.ACCEPTED, vendor_lead_id=_receivers_id(response), code=str(response.status))
        meaning = _REFUSALS.get(response.status)
        if meaning is not None:
            outcome, reason = meaning
            return Result(outcome, reason, code=str(response.status), words=plain_words(response))
        return by_status(response) or nonsense(response)

    def test_request(self, destination: Destination) -> Request:
        """HEAD: a signed POST of any content could be taken for a lead."""
        return Request(url=self.endpoint(destination), headers={"Accept": "application/json"}, method="HEAD")

    def parse_test(self, response: Response) -> Result:
        """A receiver may refuse HEAD as it likes: whatever it answers but "gone" or "broken", it is there."""
        if response.status in {404, 410} or response.status >= 500 or 300 <= response.status < 400:
            return self.parse_response(response)
        words = "The address answers. Whether it takes leads, and the secret, were not checked."
        return Result(Outcome.ACCEPTED, code=str(response.status), words=words)


_REFUSALS = {
    400: (Outcome.REJECTED, Reason.INVALID),
    406: (Outcome.MISCONFIGURED, Reason.NOT_FOUND),  # no place for a POST of JSON, as a 405 says too
    408: (Outcome.FAILED, Reason.TIMEOUT),  # it never got the whole request (RFC 9110, 15.5.9)
    409: (Outcome.REJECTED, Reason.DUPLICATE),
    413: (Outcome.REJECTED, Reason.INVALID),
    415: (Outcome.MISCONFIGURED, Reason.NOT_FOUND),
    422: (Outcome.REJECTED, Reason.INVALID),
}


def _utc(moment: datetime) -> str:
    return moment.astimezone(UTC).isoformat().replace("+00:00", "Z")


def _receivers_id(response: Response) -> str | None:
    """What a receiver calls the lead, where its answer is a JSON object that says so."""
    answer = read_json(response)
    if not isinstance(answer, dict):
        return None
    for key in ("lead_id", "id"):
        found = answer.get(key)
        if isinstance(found, str) and found:
            return found
        if isinstance(found, int) and not isinstance(found, bool):
            return str(found)
    return None
