"""vcita and inTandem: "Creates a lead", POST /platform/v1/leadgen.

Facts are from the page of that title in the vendor's API reference, from the swagger files and the notes on real
answers in its public repository github.com/vcita/developers-hub, and from developers.vcita.com/docs/lead-injection.
"""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import replace
from typing import Any, ClassVar

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
    Text,
    Value,
    as_text,
    by_status,
    join,
    nonsense,
    plain_words,
    read_json,
)

_NOTIFICATIONS = ("auto-reply", "email", "sms")

_HOSTS_OWN = frozenset({"business_id", "identifier_type", "notifications", "request_title", "system_message"})
"""Parameters that say whose account it is and what the owner gets to read and pay for: never a visitor's to fill."""

_TRUTH = {"1": True, "0": False}


class Vcita(Adapter):
    name = "vcita"
    label = "vcita"
    documentation = "https://github.com/vcita/developers-hub"
    checked = "2026-11-21"
    default_url = "https://api.vcita.biz/platform/v1/leadgen"
    settings = (
        Setting("token", required=True, secret=True),
        Setting("request_title", required=True),
        Setting("business_id"),
        Setting("on_behalf_of"),
        Setting("identifier_type", choices=("email", "unique_id"), default="email"),
        Setting("notifications"),
        Setting("status"),
        Setting("tags"),
        Setting("source"),
        Setting("system_message"),
    )
    credentials = (("token",),)
    names: ClassVar[Mapping[str, str]] = {
        "address": "text",
        "email": "email",
        "first_name": "text",
        "last_name": "text",
        "message_data": "textarea",
        "opt_in": "flag",
        "opt_in_transactional_sms": "flag",
        "phone": "phone",
        "source": "text",
        "source_url": "url",
        "status": "text",
        "tags": "text",
        "unique_id": "text",
    }
    required = (("name",), ("firstName",))
    on_unknown = "hold"  # a repeat finds the same client, but every call opens a new conversation with it

    def build_request(self, lead: LeadData, destination: Destination) -> Request:
        settings = destination.settings
        headers: dict[str, Text] = {
            "Authorization": join("Bearer ", settings.get("token", "")),
            "Accept": "application/json",
        }
        if settings.get("on_behalf_of"):
            headers["X-On-Behalf-Of"] = settings["on_behalf_of"]
        return Request(url=self.endpoint(destination), headers=headers, json=self._body(lead, destination))

    def place_of(self, name: str) -> str | None:
        return "source_url" if name == "page_url" else super().place_of(name)

    def _body(self, lead: LeadData, destination: Destination) -> dict[str, Any]:
        """The document's parameters; what was not answered is left out."""
        settings = destination.settings
        placed = self.place(lead, destination)
        own = {name: as_text(value) for name, value in placed.own.items()}
        identifier_type, unique_id = _identifier(own, lead, settings)
        opt_in_sms = own.get("opt_in_transactional_sms", "")
        body = {
            "address": own.get("address"),
            "business_id": settings.get("business_id"),
            "email": own.get("email"),
            "first_name": own.get("first_name"),
            "identifier_type": identifier_type,
            "last_name": own.get("last_name"),
            "message_data": _message_data(own, placed.custom, lead),
            "notifications": settings.get("notifications"),
            "opt_in": _lower_truth(own.get("opt_in", "")),
            "opt_in_transactional_sms": _TRUTH.get(opt_in_sms),
            "phone": own.get("phone"),
            "request_data": _request_data(placed.custom, lead, opt_in_sms),
            "request_title": settings.get("request_title"),
            "source": own.get("source") or settings.get("source"),
            "source_url": own.get("source_url"),
            "status": own.get("status") or settings.get("status"),
            "system_message": settings.get("system_message"),
            "tags": _tags(settings.get("tags") or "", placed.own.get("tags", "")),
            "unique_id": unique_id,
        }
        return {name: value for name, value in body.items() if value not in (None, "", {})}

    def check(self, destination: Destination) -> Iterator[tuple[str, str]]:
        for word in _comma_list(destination.settings.get("notifications") or ""):
            if word not in _NOTIFICATIONS:
                yield "notifications", f"vcita knows no notification {word!r}; use {', '.join(_NOTIFICATIONS)}"
        for name, wire in destination.fields.items():
            if wire in _HOSTS_OWN:
                yield "fields", f"{name!r} cannot go to {wire!r}, which only the vendor block sets; choose another name"

    def parse_response(self, response: Response) -> Result:
        answer = read_json(response)
        if 200 <= response.status < 300:
            return _read_success(answer, response)
        words = _words(answer) or plain_words(response)
        code = _code(answer) or str(response.status)
        if response.status in {400, 422}:
            outcome, reason = _why_invalid(words)
            return Result(outcome, reason, code=code, words=words)
        by_itself = by_status(response)
        return replace(by_itself or nonsense(response), code=code, words=words)


def _identifier(own: Mapping[str, str], lead: LeadData, settings: Mapping[str, Any]) -> tuple[str, str | None]:
    """What vcita looks an existing client up by: ``identifier_type`` and ``unique_id``.

    A lead without e-mail cannot be looked up by it, and the parameter is mandatory then, so it goes by ``unique_id``.
    Where the visitor brought none, that is the lead's own reference: never one value for all leads, for then vcita
    would make one client of them.
    """
    if settings.get("identifier_type") != "unique_id" and own.get("email"):
        return "email", own.get("unique_id")
    return "unique_id", own.get("unique_id") or lead.reference


def _message_data(own: Mapping[str, str], custom: Mapping[str, Value], lead: LeadData) -> dict[str, str]:
    """Shown in the message alone: the visitor's notes, and the campaign unless the form file maps it elsewhere."""
    campaign = {name: as_text(value) for name, value in custom.items() if name in lead.campaign}
    notes = {"notes": own["message_data"]} if own.get("message_data") else {}
    return {**notes, **campaign}


def _request_data(custom: Mapping[str, Value], lead: LeadData, opt_in_sms: str) -> dict[str, str]:
    """Kept in the client's fields of that name and shown in the message; text to text.

    A permission to text that is no clear yes or no has no place in a boolean, and is shown as it was typed.
    """
    unclear = {"opt_in_transactional_sms": opt_in_sms} if opt_in_sms and opt_in_sms not in _TRUTH else {}
    return {**{name: as_text(value) for name, value in custom.items() if name not in lead.campaign}, **unclear}


def _lower_truth(flag: str) -> str:
    """``opt_in`` is a string to vcita, unlike the other opt-in."""
    return str(_TRUTH[flag]).lower() if flag in _TRUTH else flag


def _tags(ours: str, given: Value) -> str:
    tags = [*_comma_list(ours), *_comma_list(given if isinstance(given, str) else ",".join(given))]
    return ",".join(dict.fromkeys(tags))


def _comma_list(text: str) -> list[str]:
    return [word.strip() for word in text.split(",") if word.strip()]


def _read_success(answer: Any, response: Response) -> Result:
    """201 (200 is seen too) with ``status: OK`` and the ``uid`` of the client, new or found."""
    if not isinstance(answer, dict):
        return nonsense(response)
    uid, status, conversation = (_said(answer.get(key)) for key in ("uid", "status", "conversation_uid"))
    if status.casefold() == "ok" or (uid and not status):
        words = f"conversation {conversation}" if conversation else ""
        return Result(Outcome.ACCEPTED, vendor_lead_id=uid or None, code=str(response.status), words=words)
    return nonsense(response)


_MISSING = re.compile(r"Mandatory parameter (\w+) is missing", re.I)
_UNAUTHORIZED = re.compile(r"(401 )?Unauthorized\.?", re.I)


def _why_invalid(words: str) -> tuple[Outcome, Reason]:
    """Only whole sentences of the vendor's count, so that nothing a visitor typed and vcita repeats can pause it."""
    if _UNAUTHORIZED.fullmatch(words):  # some calls of this API answer 422 to a wrong token
        return Outcome.MISCONFIGURED, Reason.CREDENTIALS
    missing = _MISSING.fullmatch(words)
    parameter = missing[1].lower() if missing else ""
    if parameter in _HOSTS_OWN:
        return Outcome.MISCONFIGURED, Reason.SETTING_MISSING
    return Outcome.REJECTED, Reason.NAME_MISSING if parameter == "first_name" else Reason.INVALID


def _words(answer: Any) -> str:
    """The vendor's message, in whichever of its shapes: a bare list, ``errors``, ``error`` or ``message``."""
    if isinstance(answer, list):
        return "; ".join(word for word in map(_said, answer) if word)
    if not isinstance(answer, dict):
        return ""
    found = (_said(answer.get("error")), _said(answer.get("message")), "; ".join(map(_said_of, _errors(answer))))
    return next((words for words in found if words), "")


def _code(answer: Any) -> str:
    if not isinstance(answer, dict):
        return ""
    codes = [answer.get("error_code"), *(each.get("code") for each in _errors(answer) if isinstance(each, dict))]
    status = _said(answer.get("status"))
    told = [] if status.casefold() in {"error", "failure"} else [status]  # module_permission_missing, for one
    return next((code for code in [*map(_said, codes), *told] if code), "")


def _errors(answer: Mapping[str, Any]) -> list[Any]:
    errors = answer.get("errors")
    return errors if isinstance(errors, list) else []


def _said_of(error: Any) -> str:
    return _said(error.get("message")) if isinstance(error, dict) else _said(error)


def _said(value: Any) -> str:
    return value.strip() if isinstance(value, str) else ""
