"""A receiver of webhooks signed by the Standard Webhooks scheme.

Source: https://github.com/standard-webhooks/standard-webhooks/blob/main/spec/standard-webhooks.md
"""

from __future__ import annotations

import hashlib
import hmac
import json
import threading
import time
from base64 import b64encode
from collections import deque
from collections.abc import Mapping
from typing import Any

from leadferry.sandbox.behaviour import Behaviour
from leadferry.sandbox.credentials import WEBHOOK_KEY
from leadferry.sandbox.encodings import FORM, read_form, read_json
from leadferry.sandbox.exchange import JSON, Answer, Reading, Received, Vendor
from leadferry.sandbox.shapes import is_whole_number

TOLERANCE_SECONDS = 300
SIGNATURE_HEADERS = ("Webhook-Id", "Webhook-Timestamp", "Webhook-Signature")


class Webhook(Vendor):
    """Any address below /webhook; a signature is asked for below /webhook/signed/ and checked wherever there is one."""

    name = "webhook"
    label = "webhook"
    lead_path = "signed/leads"

    def __init__(self, config: Mapping[str, Any]) -> None:
        super().__init__(config)
        self._ids: set[str] = set()
        self._lock = threading.Lock()

    def reset(self) -> None:
        with self._lock:
            self._ids.clear()

    def too_many(self) -> Answer:
        return _error(429, "Too many requests")

    def read(self, received: Received) -> Reading:
        if received.method != "POST":
            return Reading(received, refusal=_error(405, f"the method must be POST, not {received.method}"))
        fields, complaints = _body(received)
        return Reading(received, fields, _email(fields), (*complaints, *_signature_complaints(received)))

    def answer(self, reading: Reading, behaviour: Behaviour) -> Answer:
        if behaviour.name == "auth" or _signature_complaints(reading.received):
            return _error(401, "; ".join(reading.complaints) or "Unauthorized")
        if reading.complaints or behaviour.name == "invalid":
            return _error(422, "; ".join(reading.complaints) or "Invalid value")
        if behaviour.name == "dup":
            return _error(409, "duplicate")
        if behaviour.name == "gone":
            return _error(410, "Gone")
        is_new = self._is_new(reading.received.headers.get("Webhook-Id", ""))
        return Answer(200, json.dumps({"status": "received" if is_new else "already received"}), accepted=True)

    def _is_new(self, message_id: str) -> bool:
        """A repeated webhook-id is one message sent twice, which the scheme asks receivers to take once."""
        with self._lock:
            is_new = not message_id or message_id not in self._ids
            self._ids.add(message_id)
        return is_new


def sign(message_id: str, timestamp: str, body: bytes) -> str:
    """The webhook-signature header for a message to this sandbox."""
    signed = f"{message_id}.{timestamp}.".encode() + body
    return "v1," + b64encode(hmac.digest(WEBHOOK_KEY, signed, hashlib.sha256)).decode()


def _body(received: Received) -> tuple[Any, list[str]]:
    if received.media_type.lower() == FORM:
        form = read_form(received)
        fields, repeated = form.once()
        return fields, [*form.complaints, *repeated]
    if received.media_type.lower() == JSON:
        return read_json(received)
    return None, [f"Content-Type must be {JSON} or {FORM}"]


def _signature_complaints(received: Received) -> list[str]:
    given = [received.headers.get(name, "") for name in SIGNATURE_HEADERS]
    if not given[-1] and not received.path.startswith("signed/") and received.path != "signed":
        return []
    if not all(given):
        return [f"{name.lower()} is missing" for name, value in zip(SIGNATURE_HEADERS, given, strict=True) if not value]
    message_id, timestamp, signatures = given
    if not is_whole_number(timestamp) or abs(time.time() - int(timestamp)) > TOLERANCE_SECONDS:
        return [f"webhook-timestamp is not within {TOLERANCE_SECONDS} seconds of now"]
    wanted = sign(message_id, timestamp, received.body).encode()
    if not any(hmac.compare_digest(wanted, one.encode()) for one in signatures.split(" ")):
        return ["webhook-signature does not fit"]
    return []


def _email(fields: Any) -> str:
    """The first text under the name email, nearest to the top."""
    waiting = deque([fields])
    while waiting:
        node = waiting.popleft()
        if isinstance(node, dict):
            found = node.get("email")
            if isinstance(found, str):
                return found
            waiting.extend(node.values())
        elif isinstance(node, list):
            waiting.extend(node)
    return ""


def _error(status: int, text: str) -> Answer:
    return Answer(status, json.dumps({"error": text}))
