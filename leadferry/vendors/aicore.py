"""Apogee INVENT's aiCore: the command `lead_set`, one urlencoded post, answered in urlencoded pairs.

Facts are from the "API Service Documentation" that every aiCore site serves at /service (`?show=lead_set`,
`?stopic=authentication`).
"""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from typing import Any, ClassVar, Literal
from urllib.parse import parse_qsl, urlsplit

from leadferry.vendors.base import (
    Adapter,
    Destination,
    LeadData,
    Outcome,
    Pair,
    Reason,
    Request,
    Response,
    Result,
    Setting,
    Value,
    as_text,
    by_status,
    nonsense,
    one_line,
)

_MATCHES = ("match_update", "match_name_and_address", "match_name_and_phone")

_STEERING = frozenset({"mode", *_MATCHES, "upload_file_name", "upload_file_contents"})
"""Parameters of the call, with everything that begins with `ai_`: never a visitor's to fill."""

_YES_NO = {"1": "Yes", "0": "No"}


class AiCore(Adapter):
    name = "aicore"
    label = "Apogee aiCore"
    documentation = "https://www.usedcarswarren.com/service?show=lead_set"
    checked = "2026-11-21"
    default_url = None  # every customer's site has its own
    settings = (
        Setting("login_id", secret=True),
        Setting("login_password", secret=True),
        Setting("sitecom_token", secret=True),
        Setting("mode", choices=("insert", "update"), default="insert"),
        *(Setting(match, kind="flag", default=False) for match in _MATCHES),
    )
    credentials = (("login_id", "login_password"), ("sitecom_token",))
    names: ClassVar[Mapping[str, str]] = {
        "lead_id": "text",
        "external_id": "text",
        "full_name": "text",
        "first_name": "text",
        "last_name": "text",
        "company": "text",
        "address": "text",
        "address_2": "text",
        "city": "text",
        "state": "state",
        "zip": "postal_code",  # "Integer" in the document, which would lose a leading zero
        "country": "country",
        "lat": "number",
        "lng": "number",
        "phone": "phone",
        "cell": "phone",
        "ok_to_text": "flag",
        "fax": "phone",
        "skype": "text",
        "ip": "text",
        "followup_date": "text",
        "besttime": "text",
        "status": "whole",
        "priority": "text",
        "custom_status": "text",
        "gmt_offset": "integer",
        "email": "email",
        "admin_notes": "textarea",
        "govt_id": "text",  # "Integer" in the document, whose example is 100-10-1000
        "source": "text",
        "sub_id": "text",
        "sub_id2": "text",
        "birth_date": "dob",
        "note": "textarea",
        "notes": "textarea",
        "tags": "text",
        "ownerID": "text",
        "pool": "text",
    }
    takes_files = True
    on_unknown = "hold"  # aiCore has no answer for a duplicate: a second insert makes a second lead

    def build_request(self, lead: LeadData, destination: Destination) -> Request:
        settings = destination.settings
        mode = settings.get("mode", "insert")
        sent, kept_back = self._sorted(lead, destination, mode)
        answers = {name: _as_sent(name, value) for name, value in sent.items() if as_text(value)}
        note = "\n".join(filter(None, [answers.pop("note", ""), *kept_back]))
        return self._call(
            "lead_set",
            destination,
            ("mode", mode),
            *((match, "1") for match in _MATCHES if settings.get(match)),
            *answers.items(),
            *([("note", note)] if note else []),
            *_first_file(lead),
        )

    def parse_response(self, response: Response) -> Result:
        by_itself = by_status(response)
        if by_itself is not None:
            return by_itself
        said = _pairs(response.text)
        status = _status(said)
        if status is None or (status == 0 and response.status >= 300):
            return nonsense(response)
        words = _words(said)
        if status == 0:
            lead_id = re.match(r"\d+", said.get("lead_id", "").strip(), re.ASCII)
            return Result(Outcome.ACCEPTED, vendor_lead_id=lead_id and lead_id[0], code="0", words=words)
        outcome, reason = _why_refused(words)
        return Result(outcome, reason, code=str(status), words=words)

    def test_request(self, destination: Destination) -> Request:
        return self._call("ping", destination)

    def parse_test(self, response: Response) -> Result:
        """What `ping` answers is not public: nothing is read into an answer without a status."""
        result = self.parse_response(response)
        if result.outcome is Outcome.UNKNOWN and 200 <= response.status < 300:
            words = f"The address answers, but not with a status; it does not say if the login is right: {result.words}"
            return Result(Outcome.UNKNOWN, Reason.NONSENSE, code=result.code, words=words)
        return result

    def on_unknown_default(self, settings: Mapping[str, Any]) -> Literal["retry", "hold"]:
        """A repeat meets the same lead only where aiCore looks for one."""
        finds_it = settings.get("mode") == "update" or settings.get("match_update")
        return "retry" if finds_it else "hold"

    def check(self, destination: Destination) -> Iterator[tuple[str, str]]:
        for name, wire in destination.fields.items():
            if _steers(wire):
                yield "fields", f"{name!r} cannot be sent as {wire}, which steers the call; choose another name"
            if wire == "lead_id" and destination.settings.get("mode") != "update":
                yield "fields", f"{name!r} as lead_id names a lead to update; write mode: update"
        if destination.settings.get("mode") == "update":
            for match in (match for match in _MATCHES if destination.settings.get(match)):
                yield match, "looks for a lead to update in mode insert only; remove it, or write mode: insert"

    def _call(self, command: str, destination: Destination, *pairs: Pair) -> Request:
        settings = destination.settings
        login: tuple[Pair, ...] = (
            ("ai_login_id", settings.get("login_id", "")),
            ("ai_login_password", settings.get("login_password", "")),
        )
        if settings.get("sitecom_token"):
            login = (("ai_sitecom_token", settings["sitecom_token"]),)
        return Request(self.endpoint(destination), form=(("ai_command", command), *login, *pairs))

    def _sorted(self, lead: LeadData, destination: Destination, mode: str) -> tuple[dict[str, Value], list[str]]:
        """What goes by name, and lines for the note: answers under names that steer the call, and further files."""
        placed = self.place(lead, destination)
        sent = {**placed.own, **placed.custom}
        host = _host(as_text(placed.custom.get("page_url", "")))
        if host and not as_text(sent.get("source", "")):
            del sent["page_url"]
            sent["source"] = host
        steering = {name for name in sent if _steers(name) or (name == "lead_id" and mode != "update")}
        lines = [f"{name}: {as_text(sent.pop(name))}" for name in list(sent) if name in steering]
        return sent, [*lines, *(f"{name}: {file.filename} (not sent)" for name, file in list(lead.files.items())[1:])]


def _steers(name: str) -> bool:
    """As a server written in PHP would read the name: it takes `ai.command`, `ai command` and `mode[x]` for these."""
    plain = re.sub(r"[^a-z0-9]", "_", name.strip().partition("[")[0].lower())
    return plain.startswith("ai_") or plain in _STEERING


def _host(page_url: str) -> str:
    try:
        return urlsplit(page_url).hostname or ""
    except ValueError:
        return ""


def _as_sent(name: str, value: Value) -> str:
    if name == "tags" and not isinstance(value, str):
        return ",".join(value)
    text = as_text(value)
    if name == "ok_to_text":
        return _YES_NO.get(text, text)
    if name == "followup_date" and re.fullmatch(r"\d{4}-\d{2}-\d{2}", text, re.ASCII):
        return f"{text} 00:00:00"  # aiCore documents a DateTime
    return _as_notes(text) if name == "notes" else text


def _as_notes(text: str) -> str:
    """`notes` is a JSON list; what is none yet becomes its one entry, with the status of the document's example."""
    return text if _is_list_of_notes(text) else json.dumps([{"Status": "Message", "Notes": text}])


def _is_list_of_notes(text: str) -> bool:
    try:
        notes = json.loads(text)
    except (ValueError, RecursionError):
        return False
    return isinstance(notes, list) and bool(notes) and all(_is_note(note) for note in notes)


def _is_note(note: Any) -> bool:
    return isinstance(note, dict) and {"Status", "Notes"} <= set(note)


def _first_file(lead: LeadData) -> tuple[Pair, ...]:
    """A call has room for one file."""
    for file in lead.files.values():
        return ("upload_file_name", file.filename), ("upload_file_contents", file.content)
    return ()


# --- the answer ---

_PRINTED = re.compile(
    r"(?:https?://[^\s?&=<>]*)?\?"
)  # the document prints an answer behind "https://yourwebsitedomain.com?"
_BEGINS_AS_PAIRS = re.compile(r"[\w\[\]%]+=", re.ASCII)


def _pairs(text: str) -> dict[str, str]:
    """The answer's pairs, the last of a name; none where it does not begin as pairs do, as a page of HTML does not."""
    text = text.removeprefix("\ufeff").strip()
    printed = _PRINTED.match(text)
    text = text[printed.end() :] if printed else text
    return dict(parse_qsl(text)) if _BEGINS_AS_PAIRS.match(text) else {}


def _status(said: Mapping[str, str]) -> int | None:
    """The API's result: 0 is success, anything else an error. Not to be confused with a lead's `status`."""
    text = said.get("status", "").strip()
    return int(text) if re.fullmatch(r"-?\d{1,18}", text, re.ASCII) else None


def _words(said: Mapping[str, str]) -> str:
    """One `status_message`, or several as `status_message[0]`, `status_message[1]`."""
    messages = (text for name, text in said.items() if re.fullmatch(r"status_message(\[\w*\])?", name))
    return one_line("; ".join(messages))


_WHY_REFUSED: tuple[tuple[re.Pattern[str], tuple[Outcome, Reason]], ...] = (
    # There is no table of error codes. Only what a message begins with counts, so that a visitor's word, which it may
    # repeat further on, does not pause the account.
    (
        re.compile(
            r"(?:invalid|incorrect|wrong|bad|missing|unknown|expired) (?:ai_|api |user )?"
            r"(?:login|password|credentials?|(?:sitecom_)?token|username)\b"
            r"|(?:login|password|credentials?|(?:sitecom_)?token|authentication)(?: id| password)? "
            r"(?:is |are |was |has )?(?:invalid|incorrect|wrong|bad|missing|required|expired|failed|failure|error)\b",
            re.IGNORECASE,
        ),
        (Outcome.MISCONFIGURED, Reason.CREDENTIALS),
    ),
    (
        re.compile(
            r"(?:permission|access) denied\b|insufficient permissions?\b|unauthori[sz]ed\b|"
            r"(?:you are |user is )?not authori[sz]ed\b|(?:you|user) (?:do|does) not have (?:permission|access)\b",
            re.IGNORECASE,
        ),
        (Outcome.MISCONFIGURED, Reason.FORBIDDEN),
    ),
)


def _why_refused(words: str) -> tuple[Outcome, Reason]:
    said = re.sub(r"^(?:error|failure|failed)\b[\s:.-]*", "", words, flags=re.IGNORECASE)
    return next((why for begins, why in _WHY_REFUSED if begins.match(said)), (Outcome.REJECTED, Reason.REFUSED))
