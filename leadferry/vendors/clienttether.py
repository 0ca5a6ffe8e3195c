"""ClientTether, "Form POST 2020": one urlencoded post, answered in JSON or by a redirect."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import ClassVar
from urllib.parse import parse_qsl

from leadferry.text import cut
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
    Value,
    as_text,
    by_status,
    nonsense,
    read_json,
)
from leadferry.vendors.names import CERTIFICATES

# Without an OnErrorURL a refusal is `{"Message":"Error"}` and carries no code. With both addresses, and without
# form_submit_redirect, the answer is `{"url": …}` with the code in its query. They are compared, never fetched:
# .invalid is reserved (RFC 2606), so nobody else's server can ever stand behind them.
ON_SUCCESS = "https://leadferry.invalid/ok"
ON_ERROR = "https://leadferry.invalid/error"

CONTROL_NAMES = frozenset({"web_key", "OnSuccessURL", "OnErrorURL", "form_submit_redirect"})

CODES: Mapping[str, tuple[Outcome, Reason]] = {
    "ct101": (Outcome.MISCONFIGURED, Reason.CREDENTIALS),  # Invalid Web_Key
    "ct102": (Outcome.REJECTED, Reason.NAME_MISSING),  # Name Not Received
    "ct103": (Outcome.REJECTED, Reason.DUPLICATE),  # Duplicate Client creation attempted
    "ct104": (Outcome.REJECTED, Reason.REFUSED),  # "TBD" in the document
    "ct105": (Outcome.REJECTED, Reason.REFUSED),  # "TBD" in the document
}

NO_REASON = "ClientTether refused the lead and gave no reason"

CUSTOM_LIMIT = 100  # "There is a current Limit of 100 characters for this string length"

_CODE = re.compile(r"ct[0-9]{3,6}")

# The document prints its answers with curly quotes, and once with none: {message: Success}.
_AS_PRINTED = re.compile(r"""\{\s*+["“”]?(message|url)["“”]?\s*+:\s*+["“”]?([^"“”{}]*+)["“”]?\s*+\}""", re.IGNORECASE)


class ClientTether(Adapter):
    name = "clienttether"
    label = "ClientTether"
    documentation = "https://support.clienttether.com/api-document/posting-to-clienttether-2020/"
    checked = "2026-11-21"
    default_url = "https://api.clienttether.com/v1/external-api/external-form-lead"
    settings = (Setting("web_key", required=True, secret=True),)
    credentials = (("web_key",),)
    # The document's table. It lists six more after `gender`, but the public copies have lost their names; an owner
    # who knows one writes it under `fields`, and it goes as any other name does.
    names: ClassVar[Mapping[str, str]] = {
        "name": "text",
        "firstName": "text",
        "lastName": "text",
        "phone": "phone",
        "smsok": "flag",
        "second_phone": "phone",
        "email": "email",
        "address": "text",
        "city": "text",
        "state": "state",
        "zip": "postal_code",
        "compName": "text",
        "tag": "text",
        "job_title": "text",
        "deal_size": "whole",
        "deal_closed": "flag",
        "age": "whole",
        "gender": "gender",
        "facebook": "text",
        "linkedin": "text",
        "client_category": "text",
        "clients_date_last": "date",
        "clients_date_next": "date",
        "new_lead_notification": "text",
        "contact_type": "text",
        "assigned_user_id": "text",
        "notes": "textarea",
        "external_id": "text",
    }
    options: ClassVar[Mapping[str, tuple[str, ...]]] = {
        "new_lead_notification": ("0", "1", "2"),
        "contact_type": ("1", "2", "3", "4", "5"),
    }
    required = (("name",), ("firstName", "lastName"))
    formats: ClassVar[Mapping[str, str]] = {
        "phone": "phone10",
        "second_phone": "phone10",
        "state": "state2",
        "zip": "zip_us_ca",
        "gender": "gender_mf",
        "facebook": "profile_id",
        "linkedin": "profile_id",
        "age": "whole",
        "deal_size": "whole",
        "external_id": "integer",
    }
    custom_limit = CUSTOM_LIMIT
    # "Email address of the lead must be unique for each client. Otherwise a Duplicate Record Notification will be
    # triggered" names a notification, not a refusal, and says nothing of leads without an e-mail address: a repeat
    # may be ct103 or a second client.
    on_unknown = "hold"

    def build_request(self, lead: LeadData, destination: Destination) -> Request:
        placed = self.place(lead, destination)
        long = _uncuttable(lead, destination, placed.custom)
        custom = {wire: cut(as_text(value), CUSTOM_LIMIT) for wire, value in placed.custom.items() if wire not in long}
        notes = [as_text(placed.own.get("notes", "")), *(f"{wire}: {value}" for wire, value in long.items())]
        answers = {**placed.own, **custom, "notes": "\n".join(filter(None, notes))}
        pairs = ((wire, _as_sent(wire, value)) for wire, value in answers.items())
        return Request(
            self.endpoint(destination),
            form=(
                ("web_key", destination.settings["web_key"]),
                *(pair for pair in pairs if pair[1]),
                ("OnSuccessURL", ON_SUCCESS),
                ("OnErrorURL", ON_ERROR),
            ),
        )

    def shortened(self, lead: LeadData, destination: Destination) -> Iterator[tuple[str, int, int]]:
        """The document caps an expansion parameter at 100 characters; the lead keeps the rest."""
        if all(len(as_text(value)) <= CUSTOM_LIMIT for value in lead.values.values()):
            return
        custom = self.place(lead, destination).custom
        kept_whole = _uncuttable(lead, destination, custom)
        for name, value in lead.values.items():
            wire, text = self.wire_name(name, destination), as_text(value)
            if wire in custom and wire not in kept_whole and len(text) > CUSTOM_LIMIT:
                yield name, len(text), len(cut(text, CUSTOM_LIMIT))

    def parse_response(self, response: Response) -> Result:
        said = _read(response)
        if _CODE.fullmatch(said.code):
            return _refusal(said)
        by_itself = None if said.by_redirect else by_status(response)
        if by_itself is not None:
            return by_itself
        if said.outcome == "error":
            return _refusal(said)
        if said.outcome == "success" and response.status < 400:
            return Result(Outcome.ACCEPTED)
        return nonsense(response)

    def check(self, destination: Destination) -> Iterator[tuple[str, str]]:
        for name, wire in destination.fields.items():
            if wire in CONTROL_NAMES:
                yield "fields", f"{name} cannot be sent as {wire}, which steers the post; choose another name"


def _uncuttable(lead: LeadData, destination: Destination, custom: Mapping[str, Value]) -> dict[str, str]:
    """A cut click id, address or certificate is worth nothing: what a custom field cannot hold goes into a note."""
    certificates = {name: as_text(value) for name, value in lead.values.items() if name in CERTIFICATES}
    whole = {**lead.campaign, **certificates}
    sent = ((destination.fields.get(name) or name, value) for name, value in whole.items())
    return {wire: value for wire, value in sent if wire in custom and len(value) > CUSTOM_LIMIT}


def _as_sent(wire: str, value: Value) -> str:
    """Tags are a comma separated list; whether a blank behind the comma would become part of a tag is not said."""
    return ",".join(value) if wire == "tag" and not isinstance(value, str) else as_text(value)


@dataclass(frozen=True)
class _Said:
    """What an answer says. ``outcome`` is "success", "error" or, where it says neither, empty."""

    outcome: str
    code: str
    words: str
    by_redirect: bool


def _read(response: Response) -> _Said:
    fields = _fields(response)
    redirect = 300 <= response.status < 400
    url = response.headers.get("location", "") if redirect else fields.get("url", "")
    address, _, query = url.strip().partition("?")
    address = address.rstrip("/")
    if address in {"", ON_ERROR}:  # the document shows the query by itself: "?error_Code=ct101&msg=Invalid Wed_Key"
        fields |= {name.lower(): value for name, value in parse_qsl(query)}
    told = {ON_SUCCESS: "success", ON_ERROR: "error"}.get(address, "")
    message = fields.get("message", "").strip().lower()
    return _Said(
        outcome=told or (message if message in {"success", "error"} else ""),
        code=fields.get("error_code", "").strip().lower(),
        words=fields.get("msg", ""),
        by_redirect=redirect and bool(told),
    )


def _fields(response: Response) -> dict[str, str]:
    """The answer's texts by lower-case name: the document writes both `Message` and `message`."""
    body = read_json(response)
    if isinstance(body, dict):
        return {name.lower(): value for name, value in body.items() if isinstance(value, str)}
    printed = _AS_PRINTED.fullmatch(response.text.removeprefix("\ufeff").strip())
    return {printed[1].lower(): printed[2].strip()} if printed else {}


def _refusal(said: _Said) -> Result:
    outcome, reason = CODES.get(said.code, (Outcome.REJECTED, Reason.REFUSED))
    return Result(
        outcome,
        reason,
        code=said.code or None,
        words=said.words or ("" if said.code else NO_REASON),
        error_code=said.code if said.code in CODES else None,
    )
