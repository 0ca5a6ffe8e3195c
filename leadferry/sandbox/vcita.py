"""vcita (inTandem), "Creates a lead": POST /platform/v1/leadgen, JSON both ways.

Source: https://developers.vcita.com/docs/lead-injection and https://github.com/vcita/developers-hub
"""

from __future__ import annotations

import json
import secrets
import threading
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from typing import Any

from leadferry.sandbox import credentials
from leadferry.sandbox.behaviour import Behaviour
from leadferry.sandbox.encodings import is_text, read_json
from leadferry.sandbox.exchange import Answer, Reading, Received, Vendor, not_found
from leadferry.sandbox.shapes import is_email, is_url, quoted

MANDATORY = ("identifier_type", "first_name", "request_title")
IDENTIFIERS = ("email", "unique_id")
NOTIFICATIONS = frozenset({"auto-reply", "email", "sms"})
STAFF_BUSINESS = "demo-business"

TOKENS = frozenset(
    {
        credentials.VCITA_TOKEN,
        credentials.VCITA_APP_TOKEN,
        credentials.VCITA_DIRECTORY_TOKEN,
        credentials.VCITA_TOKEN_WITHOUT_MODULE,
        credentials.VCITA_TOKEN_WITHOUT_USER,
    }
)


def _is_string(value: Any) -> bool:
    return isinstance(value, str) and is_text(value)


def _is_boolean(value: Any) -> bool:
    return isinstance(value, bool)


def _is_string_map(value: Any) -> bool:
    return isinstance(value, dict) and all(key and is_text(key) and _is_string(text) for key, text in value.items())


@dataclass(frozen=True)
class Key:
    """A key of the body: its JSON type, and what more is asked of a value that is not empty."""

    type: Callable[[Any], bool]
    type_name: str
    fits: Callable[[str], bool] = lambda _value: True
    shape: str = ""


def _string(fits: Callable[[str], bool] = lambda _value: True, shape: str = "") -> Key:
    return Key(_is_string, "a string", fits, shape)


def _are_notifications(value: str) -> bool:
    items = value.split(",")
    return NOTIFICATIONS.issuperset(items) and len(set(items)) == len(items)


STRING_MAP = Key(_is_string_map, "an object of strings")

BODY: Mapping[str, Key] = {
    **dict.fromkeys("address business_id first_name last_name phone request_title source".split(), _string()),
    **dict.fromkeys("status system_message unique_id".split(), _string()),
    "email": _string(is_email, "a well-formed e-mail address"),
    "identifier_type": _string(IDENTIFIERS.__contains__, "email or unique_id"),
    "message_data": STRING_MAP,
    "request_data": STRING_MAP,
    "notifications": _string(_are_notifications, "a comma list of auto-reply, email and sms"),
    "opt_in": _string(("true", "false").__contains__, 'the string "true" or "false"'),
    "opt_in_transactional_sms": Key(_is_boolean, "a boolean"),
    "source_url": _string(is_url, "the address of a page"),
    "tags": _string(),
}


class Vcita(Vendor):
    name = "vcita"
    label = "vcita"
    lead_path = "platform/v1/leadgen"

    def __init__(self, config: Mapping[str, Any]) -> None:
        super().__init__(config)
        self._uids: dict[tuple[str, str, str], str] = {}
        self._lock = threading.Lock()

    def reset(self) -> None:
        with self._lock:
            self._uids.clear()

    def too_many(self) -> Answer:
        return Answer(429, '{"error":"Too many requests"}')

    def read(self, received: Received) -> Reading:
        if received.path not in {"", self.lead_path}:
            return Reading(received, refusal=not_found(received))
        if received.method != "POST":
            return Reading(received, refusal=_refused(405, f"the method must be POST, not {received.method}"))
        refusal = _refused_token(received)
        body, complaints = read_json(received)
        if refusal:
            return Reading(received, body, complaints=tuple(complaints), refusal=refusal)
        email = body.get("email") if isinstance(body, dict) else None
        if received.query:
            complaints.append("parameters belong in the body, not in the address")
        return Reading(received, body, email if isinstance(email, str) else "", tuple(complaints))

    def answer(self, reading: Reading, behaviour: Behaviour) -> Answer:
        if behaviour.name == "auth":
            return _unauthorized("401 Unauthorized")
        body = reading.fields
        if reading.complaints:
            return _error(400, "; ".join(reading.complaints))
        if not isinstance(body, dict):
            return _refused(400, "the body must be a JSON object")
        refusal = _refused_business(reading.received, body) or _refused_body(body)
        if refusal:
            return refusal
        if behaviour.name == "invalid":
            return _error(422, "email is invalid")
        return self._upsert(reading.received, body, behaviour)

    def _upsert(self, received: Received, body: dict[str, Any], behaviour: Behaviour) -> Answer:
        """A client once for each e-mail and unique id of a business, and a new conversation for each call.

        Nothing of a known client is changed: its e-mail, unique id, phone and names are immutable through this call.
        """
        business = _business(received, body)
        chosen = body["identifier_type"]
        keys = [(business, kind, body[kind].lower()) for kind in (chosen, *IDENTIFIERS) if body.get(kind)]
        with self._lock:
            uid = next((self._uids[key] for key in keys if key in self._uids), None) or secrets.token_hex(8)
            for key in keys:
                self._uids.setdefault(key, uid)
        result = {"conversation_uid": secrets.token_hex(8), "status": "OK", "uid": uid}
        return Answer(200 if behaviour.name == "ok200" else 201, json.dumps(result), accepted=True)


def _business(received: Received, body: dict[str, Any]) -> str:
    return received.headers.get("X-On-Behalf-Of", "") or body.get("business_id", "") or STAFF_BUSINESS


def _refused_token(received: Received) -> Answer | None:
    """What is wrong with the credentials, before the body counts."""
    scheme, _, token = received.headers.get("Authorization", "").partition(" ")
    if scheme != "Bearer" or token not in TOKENS:
        if scheme == "Bearer" and token.count(".") == 2:
            return Answer(401, '{"message":"401 Unauthorized","status":"Failure"}', complaints=("a bad JWT",))
        return _unauthorized("401 Unauthorized")
    if token == credentials.VCITA_TOKEN_WITHOUT_MODULE:
        return Answer(403, '{"message":"403 Forbidden","status":"module_permission_missing"}')
    if token == credentials.VCITA_TOKEN_WITHOUT_USER:
        return Answer(500, '{"status":"Error","error":"Internal Server Error"}')
    behalf = received.headers.get("X-On-Behalf-Of", "")
    if behalf.startswith(credentials.VCITA_OTHER_PREFIX):
        return Answer(401, '{"error":"Unauthorized"}')
    if token == credentials.VCITA_DIRECTORY_TOKEN and not behalf:
        return _unauthorized("Unauthorized")
    return None


def _refused_business(received: Received, body: dict[str, Any]) -> Answer | None:
    business = body.get("business_id", "")
    if isinstance(business, str) and business.startswith(credentials.VCITA_OTHER_PREFIX):
        return _unauthorized("Unauthorized")
    token = received.headers["Authorization"].partition(" ")[2]
    if token == credentials.VCITA_APP_TOKEN and not business and not received.headers.get("X-On-Behalf-Of"):
        return _missing("business_id")
    return None


def _refused_body(body: dict[str, Any]) -> Answer | None:
    complaints = _complaints(body)
    identifiers = [kind for kind in IDENTIFIERS if body.get("identifier_type") == kind]
    absent = [name for name in (*MANDATORY, *identifiers) if body.get(name) in ("", None)]
    if absent:
        return _missing(absent[0], *complaints)
    return _refused(422, *complaints) if complaints else None


def _complaints(body: dict[str, Any]) -> list[str]:
    found = [f"{quoted(name)} is no parameter" for name in body if name not in BODY]
    for name, key in BODY.items():
        if name not in body:
            continue
        value = body[name]
        if not key.type(value):
            found.append(f"{name} must be {key.type_name}")
        elif isinstance(value, str) and value and not key.fits(value):
            found.append(f"{name} must be {key.shape}, not {quoted(value)}")
    return found


def _missing(name: str, *complaints: str) -> Answer:
    error = f"Mandatory parameter {name} is missing"
    result = {"status": "Error", "error": error, "error_code": "PARAMETER_MISSING"}
    return Answer(400, json.dumps(result), complaints=(error, *complaints))


def _refused(status: int, *complaints: str) -> Answer:
    return Answer(status, _error(status, "; ".join(complaints)).body, complaints=complaints)


def _error(status: int, text: str) -> Answer:
    return Answer(status, json.dumps({"status": "Error", "error": text}))


def _unauthorized(message: str) -> Answer:
    result = {"success": False, "errors": [{"code": "unauthorized", "message": message}]}
    return Answer(401, json.dumps(result))
