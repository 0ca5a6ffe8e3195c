"""ClientTether, "Form POST 2020": one form post makes one client.

Source: https://support.clienttether.com/api-document/posting-to-clienttether-2020/
"""

from __future__ import annotations

import re
import threading
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any
from urllib.parse import quote, urlsplit, urlunsplit

from leadferry.sandbox.behaviour import Behaviour
from leadferry.sandbox.credentials import CLIENTTETHER_BAD_PREFIX
from leadferry.sandbox.encodings import read_form
from leadferry.sandbox.exchange import Answer, Reading, Received, Vendor, not_found
from leadferry.sandbox.shapes import EMAIL, TEXT, Rule, is_date, is_url, is_whole_number, matching, one_of, quoted

EXPANSION_LIMIT = 100

MESSAGES = {
    "ct101": "Invalid Web_Key",
    "ct102": "Name Not Received",
    "ct103": "Duplicate Client creation attempted",
    "Ct104": "TBD",
    "Ct105": "TBD",
}

STATES = frozenset(
    "AL AK AZ AR CA CO CT DE FL GA HI ID IL IN IA KS KY LA ME MD MA MI MN MS MO MT NE NV NH NJ NM NY NC ND OH OK OR "
    "PA RI SC SD TN TX UT VT VA WA WV WI WY DC AS GU MP PR VI AA AE AP "
    "AB BC MB NB NL NS NT NU ON PE QC SK YT".split()
)


PHONE = matching("[0-9]{10}", "exactly ten digits, no formatting")
FLAG = one_of("1", "0")
WHOLE = matching("[0-9]{1,15}", "a whole number")
DATE = Rule(is_date, "a date, YYYY-MM-DD")
URL = Rule(is_url, "an address with http:// or https://")
PROFILE = matching(r"[^\s/:]+", "a profile id alone, not a link")

RESERVED: Mapping[str, Rule] = {
    "web_key": TEXT,
    "name": TEXT,
    "firstName": TEXT,
    "lastName": TEXT,
    "phone": PHONE,
    "smsok": FLAG,
    "second_phone": PHONE,
    "email": EMAIL,
    "address": TEXT,
    "city": TEXT,
    "state": Rule(STATES.__contains__, "the two letters of a US state or a Canadian province"),
    "zip": matching(
        "[0-9]{5}(-[0-9]{4}(-[0-9]{2})?)?|[A-Za-z][0-9][A-Za-z] [0-9][A-Za-z][0-9]",
        "12345, 12345-1234, 12345-1234-12 or A1A 1A1",
    ),
    "compName": TEXT,
    "tag": TEXT,
    "job_title": TEXT,
    "deal_size": WHOLE,
    "deal_closed": FLAG,
    "age": matching("[0-9]{1,3}", "a whole number, not a birthday"),
    "gender": one_of("M", "F"),
    "facebook": PROFILE,
    "linkedin": PROFILE,
    "client_category": TEXT,
    "clients_date_last": DATE,
    "clients_date_next": DATE,
    "new_lead_notification": one_of("0", "1", "2"),
    "contact_type": one_of("1", "2", "3", "4", "5"),
    "assigned_user_id": TEXT,
    "notes": TEXT,
    "OnSuccessURL": URL,
    "OnErrorURL": URL,
    "external_id": Rule(is_whole_number, "an integer"),
    "form_submit_redirect": one_of("1"),
}

_LOWER_RESERVED = {name.lower(): name for name in RESERVED}
_WEB_KEY = re.compile(r"CT_[!-~]+")
_TAG = re.compile(r"<[A-Za-z/!?][^<>]*>")


class ClientTether(Vendor):
    """The settings CLIENTTETHER_CASING (title, lower or bare) and CLIENTTETHER_ERROR_KEY (error_Code or error_code)
    choose between the spellings that the document has side by side."""

    name = "clienttether"
    label = "ClientTether"
    lead_path = "v1/external-api/external-form-lead"

    def __init__(self, config: Mapping[str, Any]) -> None:
        super().__init__(config)
        self._emails: set[str] = set()
        self._lock = threading.Lock()

    def reset(self) -> None:
        with self._lock:
            self._emails.clear()

    def too_many(self) -> Answer:
        return Answer(429, '{"Message":"Error"}')

    def read(self, received: Received) -> Reading:
        if received.path not in {"", self.lead_path}:
            return Reading(received, refusal=not_found(received))
        if received.method != "POST":
            why = (f"the method must be POST, not {received.method}",)
            return Reading(
                received, refusal=Answer(405, '{"Message":"Error"}', headers=(("Allow", "POST"),)), complaints=why
            )
        form = read_form(received)
        fields, repeated = form.once()
        in_query = ["parameters belong in the body, not in the address"] if received.query else []
        return Reading(received, fields, fields.get("email", ""), (*form.complaints, *repeated, *in_query))

    def answer(self, reading: Reading, behaviour: Behaviour) -> Answer:
        fields: dict[str, str] = reading.fields
        complaints = tuple(_complaints(fields))
        code, message = self._refusal(reading, complaints, behaviour)
        spelling = self._spelling(behaviour)
        if code:
            return _error(fields, code, message, spelling, complaints)
        return _success(fields, spelling, _near_misses(fields))

    def _refusal(self, reading: Reading, complaints: tuple[str, ...], behaviour: Behaviour) -> tuple[str, str]:
        """The code and message in the order of the codes, or two empty texts. Remembers the e-mail if it is new."""
        fields = reading.fields
        faults = (*reading.complaints, *complaints)
        if not _is_good_key(fields.get("web_key", "")) or behaviour.name == "auth":
            return "ct101", MESSAGES["ct101"]
        if not _has_name(fields):
            return "ct102", MESSAGES["ct102"]
        if faults:
            return "Ct104", "; ".join(faults)
        if behaviour.name == "invalid":
            return "Ct104", "Invalid value"
        if behaviour.name in {"ct104", "ct105"}:
            code = behaviour.name.capitalize()
            return code, MESSAGES[code]
        if not self._is_new(reading.email, known=behaviour.name == "dup"):
            return "ct103", MESSAGES["ct103"]
        return "", ""

    def _is_new(self, email: str, known: bool) -> bool:
        key = email.lower()
        with self._lock:
            is_new = not known and key not in self._emails
            if key:
                self._emails.add(key)
        return is_new

    def _spelling(self, behaviour: Behaviour) -> Spelling:
        options = behaviour.options
        casing = self.config.get("CLIENTTETHER_CASING", "title")
        casing = "bare" if "bare" in options else "lower" if "lower" in options else casing
        error_key = "error_code" if "lower" in options else self.config.get("CLIENTTETHER_ERROR_KEY", "error_Code")
        return Spelling(casing, error_key, "raw" in options, "typo" in options)


@dataclass(frozen=True)
class Spelling:
    """Which of the document's spellings to use."""

    casing: str
    error_key: str
    raw_space: bool
    typo: bool

    def message(self, word: str) -> str:
        if self.casing == "bare":
            return f"{{message: {word}}}"
        return f'{{"message":"{word.lower()}"}}' if self.casing == "lower" else f'{{"Message":"{word}"}}'

    def query(self, code: str, message: str) -> str:
        message = "Invalid Wed_Key" if self.typo and code == "ct101" else message
        return f"{self.error_key}={code}&msg={quote(message[:500], safe=' ' if self.raw_space else '')}"


def _is_good_key(key: str) -> bool:
    return _WEB_KEY.fullmatch(key) is not None and not key.startswith(CLIENTTETHER_BAD_PREFIX)


def _has_name(fields: Mapping[str, str]) -> bool:
    def given(name: str) -> bool:
        return bool(fields.get(name, "").strip())

    return given("name") or (given("firstName") and given("lastName"))


def _complaints(fields: Mapping[str, str]) -> list[str]:
    found = []
    for name, value in fields.items():
        rule = RESERVED.get(name)
        found += rule.complaint(name, value) if rule else _expansion_complaints(name, value)
    return found


def _expansion_complaints(name: str, value: str) -> list[str]:
    found = []
    if len(value) > EXPANSION_LIMIT:
        found.append(f"{quoted(name)}: {len(value)} characters, the limit is {EXPANSION_LIMIT}")
    if _TAG.search(value):
        found.append(f"{quoted(name)} contains HTML")
    return found


def _near_misses(fields: Mapping[str, str]) -> tuple[str, ...]:
    """Names are case sensitive: `Email` is no mistake to the vendor, but makes a custom field."""
    return tuple(
        f"{quoted(name)} became a custom field: the reserved name is {_LOWER_RESERVED[name.lower()]}"
        for name in fields
        if name not in RESERVED and name.lower() in _LOWER_RESERVED
    )


def _success(fields: Mapping[str, str], spelling: Spelling, complaints: tuple[str, ...]) -> Answer:
    return _reply(fields, fields.get("OnSuccessURL", ""), spelling.message("Success"), True, complaints)


def _error(
    fields: Mapping[str, str], code: str, message: str, spelling: Spelling, complaints: tuple[str, ...]
) -> Answer:
    url = fields.get("OnErrorURL", "")
    if url and is_url(url):
        url = _with_query(url, spelling.query(code, message))
        return _reply(fields, url, "", False, complaints)
    return _reply(fields, "", spelling.message("Error"), False, complaints)


def _reply(fields: Mapping[str, str], url: str, message: str, accepted: bool, complaints: tuple[str, ...]) -> Answer:
    """One of the three modes: a message, an address in JSON, or a redirect that the server performs itself."""
    if not url:
        return Answer(200, message, accepted=accepted, complaints=complaints)
    if fields.get("form_submit_redirect") == "1":
        return Answer(302, "", headers=(("Location", url),), accepted=accepted, complaints=complaints)
    return Answer(200, f'{{ "url": "{_json_text(url)}" }}', accepted=accepted, complaints=complaints)


def _json_text(url: str) -> str:
    return url.replace("\\", "\\\\").replace('"', '\\"')


def _with_query(url: str, query: str) -> str:
    parts = urlsplit(url)
    return urlunsplit(parts._replace(query=f"{parts.query}&{query}" if parts.query else query))
