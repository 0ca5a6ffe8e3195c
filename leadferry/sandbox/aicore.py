"""Apogee INVENT aiCore, command lead_set, and ping and validate_user, which try credentials without a lead.

Source: the page /service?show=lead_set of any site that runs aiCore. The document has no table of error codes; the
numbers here are this sandbox's own.
"""

from __future__ import annotations

import re
import threading
from collections.abc import Mapping
from typing import Any
from urllib.parse import urlencode

from leadferry.sandbox.behaviour import Behaviour
from leadferry.sandbox.credentials import AICORE_LOGIN, AICORE_SITECOM_TOKEN
from leadferry.sandbox.encodings import decode_json, read_form
from leadferry.sandbox.exchange import Answer, Reading, Received, Vendor, not_found
from leadferry.sandbox.shapes import (
    EMAIL,
    TEXT,
    Rule,
    is_date,
    is_decimal,
    is_ip,
    is_whole_number,
    matching,
    one_of,
    quoted,
)

# No document names the type of the answer: a server that is left to itself calls it this.
ANSWER_TYPE = "text/html; charset=UTF-8"
FIRST_LEAD_ID = 1001
CUSTOM_STATUSES = frozenset({"New", "Contacted", "Quoted", "Sold", "Lost"})

BAD_CREDENTIALS, UNKNOWN_COMMAND, BAD_VALUE, NO_SUCH_LEAD, TOO_MANY = 1, 2, 3, -1, 4


def _is_note_list(value: str) -> bool:
    try:
        notes = decode_json(value)
    except ValueError:
        return False
    return isinstance(notes, list) and bool(notes) and all(_is_note(note) for note in notes)


def _is_note(note: Any) -> bool:
    return (
        isinstance(note, dict)
        and note.keys() == {"Status", "Notes"}
        and all(isinstance(text, str) and text for text in note.values())
    )


def _is_birth_date(value: str) -> bool:
    return is_date(value) or is_date(f"2000-{value}")


def _is_moment(value: str) -> bool:
    return is_date(value, "%Y-%m-%d %H:%M:%S")


def _is_base_name(value: str) -> bool:
    return re.search(r"[/\\\n]", value) is None and value not in {".", ".."}


def _is_custom_status(value: str) -> bool:
    return is_whole_number(value) or value in CUSTOM_STATUSES


INTEGER = Rule(is_whole_number, "an integer")
DECIMAL = Rule(is_decimal, "a decimal number")
FLAG = one_of("1", "0")

PARAMETERS: Mapping[str, Rule] = {
    "mode": one_of("insert", "update"),
    **dict.fromkeys("lead_id external_id full_name first_name last_name company".split(), TEXT),
    **dict.fromkeys("address address_2 city state country phone cell fax skype besttime priority".split(), TEXT),
    **dict.fromkeys("admin_notes govt_id source sub_id sub_id2 note tags ownerID pool".split(), TEXT),
    # The document says Integer; a Canadian code or a leading zero could then not be sent at all.
    "zip": matching("[0-9A-Za-z][0-9A-Za-z -]{2,9}", "a postal code"),
    "lat": DECIMAL,
    "lng": DECIMAL,
    "ok_to_text": one_of("Yes", "No"),
    "ip": Rule(is_ip, "an IP address"),
    "followup_date": Rule(_is_moment, "a moment, YYYY-MM-DD hh:mm:ss"),
    "status": INTEGER,
    "custom_status": Rule(_is_custom_status, "a number, or a text of the custom_status table"),
    "gmt_offset": INTEGER,
    "email": EMAIL,
    "birth_date": Rule(_is_birth_date, "YYYY-MM-DD or MM-DD"),
    "notes": Rule(_is_note_list, "a JSON list of objects, each with a text for Status and for Notes and nothing else"),
    "upload_file_name": Rule(_is_base_name, "a base name without a path"),
    "upload_file_contents": TEXT,
    "match_update": FLAG,
    "match_name_and_address": FLAG,
    "match_name_and_phone": FLAG,
}

ENVELOPE = frozenset({"ai_command", "ai_login_id", "ai_login_password", "ai_sitecom_token"})
_LOWER_NAMES = {name.lower(): name for name in (*PARAMETERS, *ENVELOPE)}
_ADDRESS = re.compile(r"|service|aicore/backbone/service|~[^/]+/service")

Lead = dict[str, str]
Key = tuple[str, ...]


class AiCore(Vendor):
    name = "aicore"
    label = "Apogee aiCore"
    lead_path = "service"

    def __init__(self, config: Mapping[str, Any]) -> None:
        super().__init__(config)
        self._leads = LeadTable()
        self._lock = threading.Lock()

    def reset(self) -> None:
        with self._lock:
            self._leads = LeadTable()

    def too_many(self) -> Answer:
        return _reply(429, {"status": TOO_MANY, "status_message": "Too many requests"})

    def read(self, received: Received) -> Reading:
        if not _ADDRESS.fullmatch(received.path):
            return Reading(received, refusal=not_found(received))
        form = read_form(received, binary="upload_file_contents")
        fields, repeated = form.once()
        complaints = [*form.complaints, *repeated]
        if received.method != "POST":
            complaints.append(f"the method must be POST, not {received.method}")
        if received.query:
            complaints.append("parameters belong in the body, not in the address")
        if "Authorization" in received.headers:
            complaints.append("advanced authentication (the Authorization header) is not emulated")
        return Reading(received, fields, fields.get("email", ""), tuple(complaints))

    def answer(self, reading: Reading, behaviour: Behaviour) -> Answer:
        fields: Lead = reading.fields
        if not _is_known(fields) or behaviour.name == "auth":
            return _error(BAD_CREDENTIALS, "Authentication failed")
        command = fields.get("ai_command")
        if command in {"ping", "validate_user"}:
            return _reply(200, {"status": 0, "status_message": f"{command} successful"})
        if command != "lead_set":
            return _error(UNKNOWN_COMMAND, f"Unknown command: {quoted(command or '')}")
        complaints = (*reading.complaints, *_complaints(fields))
        if complaints:
            return _error(BAD_VALUE, *complaints, complaints=complaints)
        return self._lead_set(fields, behaviour)

    def _lead_set(self, fields: Lead, behaviour: Behaviour) -> Answer:
        if behaviour.name == "invalid":
            return _error(BAD_VALUE, "Invalid value: email", "Lead not saved")
        if behaviour.name == "nomessage":
            return _reply(200, {"status": 1})
        if behaviour.name == "nostatus":
            return _reply(200, {"status_message": "Lead not saved"})
        with self._lock:
            if behaviour.name == "dup":
                self._leads.ensure(fields)
            lead_id, is_new = self._leads.save(fields)
        if lead_id is None:
            return _error(NO_SUCH_LEAD, "Lead not found")
        return _saved(lead_id, is_new, behaviour, _near_misses(fields))


class LeadTable:
    """The leads by number, and by everything that one can be found by."""

    def __init__(self) -> None:
        self._leads: dict[int, Lead] = {}
        self._index: dict[Key, int] = {}

    def save(self, fields: Lead) -> tuple[int | None, bool]:
        """The lead's number, None if there is none to update, and whether it is new."""
        if fields["mode"] == "update":
            found = self._named(fields)
        else:
            found = self._matched(fields) if fields.get("match_update") == "1" else None
            if found is None:
                return self._insert(fields), True
        if found is not None:
            self._update(found, fields)
        return found, False

    def ensure(self, fields: Lead) -> None:
        """Puts a lead with this e-mail into the table, unless there is one."""
        known: Lead = {name: fields[name] for name in ("email", "external_id", "full_name") if name in fields}
        if not _keys(known) & self._index.keys():
            self._insert(known)

    def _named(self, fields: Lead) -> int | None:
        wanted = fields.get("lead_id", "")
        if wanted:
            return int(wanted) if is_whole_number(wanted) and int(wanted) in self._leads else None
        return self._index.get(("external_id", fields["external_id"]))

    def _matched(self, fields: Lead) -> int | None:
        kinds = {"email"}
        kinds |= {"address"} if fields.get("match_name_and_address") == "1" else set()
        kinds |= {"phone"} if fields.get("match_name_and_phone") == "1" else set()
        found = {self._index[key] for key in _keys(fields) & self._index.keys() if key[0] in kinds}
        return min(found, default=None)

    def _insert(self, fields: Lead) -> int:
        lead_id = FIRST_LEAD_ID + len(self._leads)
        self._leads[lead_id] = {}
        self._update(lead_id, fields)
        return lead_id

    def _update(self, lead_id: int, fields: Lead) -> None:
        lead = self._leads[lead_id]
        for key in _keys(lead):
            if self._index.get(key) == lead_id:
                del self._index[key]
        note = "\n".join(filter(None, (lead.get("note"), fields.get("note"))))
        lead.update({name: value for name, value in fields.items() if name not in ENVELOPE}, note=note)
        for key in _keys(lead):
            self._index.setdefault(key, lead_id)


def _keys(lead: Lead) -> set[Key]:
    """What a lead can be found by.

    No document says what match_update=1 alone goes by: nothing but the e-mail identifies a lead here.
    """
    name = (lead.get("full_name") or f"{lead.get('first_name', '')} {lead.get('last_name', '')}").strip().casefold()
    keys: set[Key] = {("email", lead.get("email", "").casefold()), ("external_id", lead.get("external_id", ""))}
    if name:
        keys.add(("address", lead.get("address", "").casefold(), name))
        keys |= {("phone", re.sub("[^0-9]", "", lead.get(kind, "")), name) for kind in ("phone", "cell")}
    return {key for key in keys if key[1]}


def _is_known(fields: Lead) -> bool:
    login = (fields.get("ai_login_id"), fields.get("ai_login_password"))
    token = fields.get("ai_sitecom_token")
    if token is None:
        return login == AICORE_LOGIN
    return token == AICORE_SITECOM_TOKEN and login in {(None, None), AICORE_LOGIN}


def _complaints(fields: Lead) -> list[str]:
    found = [text for name in fields if name in PARAMETERS for text in PARAMETERS[name].complaint(name, fields[name])]
    mode = fields.get("mode", "")
    if not mode:
        found.append("mode is required")
    if mode == "update" and not (fields.get("lead_id") or fields.get("external_id")):
        found.append("mode update needs lead_id or external_id")
    if mode == "update" and fields.get("match_update") == "1":
        found.append("match_update goes with mode insert")
    if ("upload_file_name" in fields) != ("upload_file_contents" in fields):
        found.append("upload_file_name and upload_file_contents go together")
    if "ai_sitecom_token" in fields and "ai_login_id" in fields:
        found.append("ai_sitecom_token stands in place of ai_login_id and ai_login_password")
    return found


def _near_misses(fields: Lead) -> tuple[str, ...]:
    """Names are taken as they are written; one that differs in case only is another custom field."""
    return tuple(
        f"{quoted(name)} was taken for a custom field: the document's name is {_LOWER_NAMES[name.lower()]}"
        for name in fields
        if name.lower() in _LOWER_NAMES and _LOWER_NAMES[name.lower()] != name
    )


def _saved(lead_id: int, is_new: bool, behaviour: Behaviour, complaints: tuple[str, ...]) -> Answer:
    message = "Lead Creation Successful" if is_new else "Lead Update Successful"
    if behaviour.name == "messages":
        pairs = {"status": 0, "status_message[0]": message, "status_message[1]": "Matching done", "lead_id": lead_id}
        return _reply(200, pairs, accepted=True, complaints=complaints)
    if behaviour.name == "prefix":
        body = f"https://yourwebsitedomain.com?status=0&status_message={message}&lead_id={lead_id}"
        return Answer(200, body, ANSWER_TYPE, accepted=True, complaints=complaints)
    pairs = {"status": 0, "status_message": message, "lead_id": lead_id}
    return _reply(200, pairs, accepted=True, complaints=complaints)


def _error(status: int, *messages: str, complaints: tuple[str, ...] = ()) -> Answer:
    if len(messages) == 1:
        return _reply(200, {"status": status, "status_message": messages[0]}, complaints=complaints)
    numbered = {f"status_message[{n}]": message for n, message in enumerate(messages)}
    return _reply(200, {"status": status, **numbered}, complaints=complaints)


def _reply(
    http_status: int, pairs: Mapping[str, object], *, accepted: bool = False, complaints: tuple[str, ...] = ()
) -> Answer:
    return Answer(http_status, urlencode(pairs), ANSWER_TYPE, accepted=accepted, complaints=complaints)
