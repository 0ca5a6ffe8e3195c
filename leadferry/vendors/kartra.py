"""Kartra's inbound API: one call for one lead, with a chain of actions, in the brackets of PHP's http_build_query.

Facts are from documentation.kartra.com: "Connecting to the API", "Lead: Searching, Creating, Editing", the pages of
the actions, and "API limits".
"""

from __future__ import annotations

import json
import re
from collections.abc import Collection, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field, replace
from typing import Any, ClassVar, Literal

from leadferry.vendors.base import (
    Adapter,
    Destination,
    LeadData,
    Outcome,
    Pair,
    Placed,
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
from leadferry.vendors.names import SPLIT

TIME_ZONES = (
    "America/Los_Angeles", "America/Boise", "America/Chicago", "America/New_York", "Europe/London", "Europe/Brussels",
    "Etc/GMT+12", "Pacific/Midway", "Pacific/Honolulu", "America/Juneau", "America/Chihuahua", "America/Phoenix",
    "America/Regina", "America/Mexico_City", "America/Belize", "America/Indiana/Indianapolis", "America/Bogota",
    "America/Glace_Bay", "America/Caracas", "America/Santiago", "America/St_Johns", "America/Sao_Paulo",
    "America/Argentina/Buenos_Aires", "America/Nuuk", "Etc/GMT+2", "Atlantic/Azores", "Atlantic/Cape_Verde",
    "Africa/Casablanca", "Atlantic/Canary", "Europe/Belgrade", "Europe/Sarajevo", "Europe/Amsterdam",
    "Africa/Algiers", "Europe/Bucharest", "Africa/Cairo", "Europe/Helsinki", "Europe/Athens", "Asia/Jerusalem",
    "Africa/Harare", "Europe/Moscow", "Asia/Kuwait", "Africa/Nairobi", "Asia/Baghdad", "Asia/Tehran", "Asia/Dubai",
    "Asia/Baku", "Asia/Kabul", "Asia/Yekaterinburg", "Asia/Karachi", "Asia/Kolkata", "Asia/Kathmandu", "Asia/Dhaka",
    "Asia/Colombo", "Asia/Almaty", "Asia/Rangoon", "Asia/Bangkok", "Asia/Krasnoyarsk", "Asia/Shanghai",
    "Asia/Kuala_Lumpur", "Asia/Taipei", "Australia/Perth", "Asia/Irkutsk", "Asia/Seoul", "Asia/Tokyo", "Asia/Yakutsk",
    "Australia/Darwin", "Australia/Adelaide", "Australia/Sydney", "Australia/Brisbane", "Australia/Hobart",
    "Asia/Vladivostok", "Pacific/Guam", "Asia/Magadan", "Pacific/Fiji", "Pacific/Auckland", "Pacific/Tongatapu",
)  # fmt: skip
"""The 76 that `lead_preferred_time_zone` takes."""

TYPES: Mapping[str, tuple[Outcome, Reason]] = {
    # Errors of the call and of the lead by their type number: the messages are worded differently from page to page.
    "201": (Outcome.MISCONFIGURED, Reason.TLS),  # Connection not secure
    "202": (Outcome.MISCONFIGURED, Reason.CREDENTIALS),  # API key cannot be empty
    "203": (Outcome.MISCONFIGURED, Reason.CREDENTIALS),  # API key not valid
    "204": (Outcome.MISCONFIGURED, Reason.DISABLED),  # API Account inactive
    "206": (Outcome.REJECTED, Reason.INVALID),  # email or lead id is required
    "223": (Outcome.REJECTED, Reason.INVALID),  # 'lead' not an array
    "224": (Outcome.REJECTED, Reason.INVALID),  # 'actions' not an array
    "233": (Outcome.MISCONFIGURED, Reason.CREDENTIALS),  # API password not valid
    "238": (Outcome.MISCONFIGURED, Reason.CREDENTIALS),  # App Id cannot be empty
    "239": (Outcome.MISCONFIGURED, Reason.CREDENTIALS),  # App Id is not valid
    "240": (Outcome.MISCONFIGURED, Reason.DISABLED),  # App Account inactive
    "242": (Outcome.MISCONFIGURED, Reason.FORBIDDEN),  # sent from an unauthorized IP
    "243": (Outcome.REJECTED, Reason.REFUSED),  # No lead found
    "244": (Outcome.REJECTED, Reason.DUPLICATE),  # Lead already exists
    "245": (Outcome.REJECTED, Reason.REFUSED),  # Lead is deleted
    "254": (Outcome.REJECTED, Reason.INVALID),  # 'cmd' is required
    "262": (Outcome.MISCONFIGURED, Reason.FORBIDDEN),  # App does not have permission to execute this CMD
    "271": (Outcome.REJECTED, Reason.INVALID),  # Wrong custom field format
}

LATER_TYPES = frozenset(
    "207 208 209 211 212 213 214 215 217 219 220 225 226 227 228 229 230 231 255 256 257 258 259 260 261".split()
)
"""Errors that only an action after the lead can make: of tags, lists, points, sequences and calendars."""

ACTIONS: Mapping[str, tuple[str, ...]] = {
    # What each documented action cannot do without; others are sent as the form file has them.
    "assign_tag": ("tag_name",),
    "unassign_tag": ("tag_name",),
    "subscribe_lead_to_list": ("list_name",),
    "unsubscribe_lead_from_list": ("list_name",),
    "give_points_to_lead": ("points",),
    "remove_points_from_lead": ("points",),
    "subscribe_lead_to_sequence_at_step": ("sequence_name", "step"),
    "calendar_subscribe": ("calendar_name", "class_name", "starting_date", "starting_hour"),
    "calendar_cancel": ("calendar_name", "class_name"),
}

_COUNTED = frozenset({"give_points_to_lead", "remove_points_from_lead"})
_ON_THE_LEAD = frozenset({"create_lead", "edit_lead", "search_lead"})

_CREATE: Pair = ("actions[0][cmd]", "create_lead")
_EDIT: Pair = ("actions[0][cmd]", "edit_lead")

NOBODY = "leadferry-connection-test@example.com"


class Kartra(Adapter):
    name = "kartra"
    label = "Kartra"
    documentation = "https://documentation.kartra.com/"
    checked = "2026-11-21"
    default_url = "https://app.kartra.com/api"
    settings = (
        Setting("app_id", required=True, secret=True),
        Setting("api_key", required=True, secret=True),
        Setting("api_password", required=True, secret=True),
        Setting("on_duplicate", choices=("edit", "reject"), default="edit"),
        Setting("actions", kind="list"),
        Setting("custom_fields", kind="map"),
    )
    credentials = (("app_id", "api_key", "api_password"),)
    names: ClassVar[Mapping[str, str]] = {
        "email": "email",
        "phone": "phone",
        "phone_country_code": "text",
        "first_name": "text",
        "middle_name": "text",
        "last_name": "text",
        "last_name2": "text",
        "ip": "text",
        "address": "text",
        "zip": "postal_code",
        "city": "text",
        "state": "state",
        "country": "country",
        "company": "text",
        "lead_picture": "url",
        "website": "url",
        "facebook": "text",
        "twitter": "text",
        "linkedin": "text",
        "lead_preferred_time_zone": "text",
        "sales_tax_id": "text",
        "business_type": "whole",
        "assign_tag": "text",  # no parameter of the lead but an action; the place of our `tag`
    }
    options: ClassVar[Mapping[str, tuple[str, ...]]] = {"lead_preferred_time_zone": TIME_ZONES}
    elsewhere: ClassVar[frozenset[str]] = frozenset({"lead_preferred_time_zone"})
    required = (("email",),)
    on_unknown = "retry"  # no two leads of an account share an e-mail address: a repeat is answered with 244
    calls_per_second = 20.0

    def build_request(self, lead: LeadData, destination: Destination) -> Request:
        own, custom = _sorted_for_kartra(self.place(lead, destination))
        tags = own.pop("assign_tag", "")
        return self._call(
            destination,
            *((f"lead[{name}]", as_text(value)) for name, value in own.items() if as_text(value)),
            *_custom_pairs(custom, self._custom_fields(destination)),
            _CREATE,
            *_action_pairs([*_assigned(tags), *destination.settings.get("actions", ())]),
        )

    def next_request(self, request: Request, response: Response, destination: Destination) -> Request | None:
        """Kartra has no upsert. A create that meets 244 did nothing, its chain included: so the edit carries all."""
        may_edit = destination.settings.get("on_duplicate", "edit") == "edit"
        form = request.form or ()
        if not may_edit or _CREATE not in form or self.parse_response(response).reason is not Reason.DUPLICATE:
            return None
        return replace(request, form=tuple(_EDIT if pair == _CREATE else pair for pair in form))

    def parse_response(self, response: Response) -> Result:
        """HTTP 200 says nothing: Kartra answers its errors with it too. Only 429 is its own."""
        by_itself = by_status(response)
        if by_itself is not None:
            wait = max(1.0, by_itself.retry_after or 0.0) if response.status == 429 else by_itself.retry_after
            return replace(by_itself, retry_after=wait)
        answer = read_json(response)
        if not isinstance(answer, dict) or response.status >= 300:
            return nonsense(response)
        return _read(answer) or nonsense(response)

    def test_request(self, destination: Destination) -> Request:
        return self._call(destination, ("lead[email]", NOBODY), ("actions[0][cmd]", "search_lead"))

    def parse_test(self, response: Response) -> Result:
        """That nobody is found is the good answer; the document's own example of it has the number 244."""
        result = self.parse_response(response)
        if result.outcome is Outcome.REJECTED and result.code in {"243", "244", "245"}:
            return Result(Outcome.ACCEPTED, code=result.code, words="Kartra took the credentials and made no lead.")
        return result

    def fields_request(self, destination: Destination) -> Request:
        return self._call(destination, ("actions[0][cmd]", "retrieve_custom_fields"))

    def fields_missing(self, response: Response, names: Iterable[str], destination: Destination) -> list[str] | None:
        """Kartra takes a lead with an identifier that it does not have, and says nothing of what it left out."""
        known = _known_identifiers(read_json(response))
        if known is None:
            return None
        declared = self._custom_fields(destination)
        wires = {name: self.wire_name(name, destination) for name in names}
        custom = {name: wire for name, wire in wires.items() if wire not in self.names and wire != SPLIT}
        return [name for name, wire in custom.items() if _custom_field(wire, declared).identifier not in known]

    def choices(self, name: str, destination: Destination) -> Collection[str]:
        """A field whose option ids the form file lists takes these options, or the ids themselves."""
        field_ = self._custom_fields(destination).get(self.wire_name(name, destination))
        if field_ and field_.options:
            return (*field_.options, *field_.options.values())
        return super().choices(name, destination)

    def on_unknown_default(self, settings: Mapping[str, Any]) -> Literal["retry", "hold"]:
        """Points are added up: an edit after one's own unknown create would give them twice."""
        chain = settings.get("actions", ())
        counted = any(isinstance(action, dict) and str(action.get("cmd")) in _COUNTED for action in chain)
        return "hold" if counted else self.on_unknown

    def check(self, destination: Destination) -> Iterator[tuple[str, str]]:
        for number, action in enumerate(destination.settings.get("actions", ()), start=1):
            yield from (("actions", f"action {number}: {mistake}") for mistake in _mistakes_of_action(action))
        for name, declared in destination.settings.get("custom_fields", {}).items():
            wire = self.wire_name(name, destination)
            if wire in self.names or wire == SPLIT:
                mend = f"to send it as a custom field write fields: {{{name}: identifier}}"
                yield "custom_fields", f"{name!r} has a place of its own at Kartra; remove it here; {mend}"
            yield from (("custom_fields", f"{name!r} {mistake}") for mistake in _mistakes_of_custom_field(declared))

    def _call(self, destination: Destination, *pairs: Pair) -> Request:
        keys = ("app_id", "api_key", "api_password")
        login = tuple((key, destination.settings.get(key, "")) for key in keys)
        return Request(self.endpoint(destination), form=(*login, *pairs))

    def _custom_fields(self, destination: Destination) -> dict[str, _CustomField]:
        """What the form file declares, by the name under which an answer arrives here."""
        declared = destination.settings.get("custom_fields", {})
        return {self.wire_name(name, destination): _declared(name, entry) for name, entry in declared.items()}


# --- custom fields ---


@dataclass(frozen=True)
class _CustomField:
    """A custom field of the account. ``options`` maps our answers to Kartra's option ids."""

    identifier: str
    options: Mapping[str, str] = field(default_factory=dict)


def _declared(name: str, entry: Any) -> _CustomField:
    if isinstance(entry, Mapping):
        return _CustomField(str(entry.get("field") or name), entry.get("options") or {})
    return _CustomField(str(entry or name))


def _custom_field(wire: str, declared: Mapping[str, _CustomField]) -> _CustomField:
    return declared.get(wire) or _CustomField(wire)


def _sorted_for_kartra(placed: Placed) -> tuple[dict[str, Value], dict[str, Value]]:
    """What Kartra does with a time zone outside its list is not documented: it is not risked with the lead."""
    own, custom = dict(placed.own), dict(placed.custom)
    if own.get("lead_preferred_time_zone", TIME_ZONES[0]) not in TIME_ZONES:
        custom["lead_preferred_time_zone"] = own.pop("lead_preferred_time_zone")
    return own, custom


def _custom_pairs(custom: Mapping[str, Value], declared: Mapping[str, _CustomField]) -> Iterator[Pair]:
    answered = [(wire, value) for wire, value in custom.items() if as_text(value)]
    for number, (wire, value) in enumerate(answered):
        field_ = _custom_field(wire, declared)
        yield f"lead[custom_fields][{number}][field_identifier]", field_.identifier
        for index, text in _field_value(value, field_.options):
            yield f"lead[custom_fields][{number}][field_value]{index}", text


def _field_value(value: Value, options: Mapping[str, str]) -> list[tuple[str, str]]:
    """Text, an option's id, or for checkboxes an array of ids.

    An answer without an id goes as typed, so that Kartra says what is wrong (271) and nothing is lost unseen.
    """
    if isinstance(value, str):
        return [("", options.get(value, value))]
    ids = [options.get(each, each) for each in value if each]
    if options or all(each.isascii() and each.isdigit() for each in ids):
        return [(f"[{index}]", each) for index, each in enumerate(ids)]
    return [("", as_text(value))]


def _known_identifiers(answer: Any) -> set[str] | None:
    """Every identifier in an answer to retrieve_custom_fields, which is a list, or that list as JSON in a string."""
    known: set[str] = set()
    answered = False
    waiting = [answer]
    while waiting:
        part = waiting.pop()
        if isinstance(part, dict):
            answered = answered or "custom_fields" in part
            known |= {part["field_identifier"]} if isinstance(part.get("field_identifier"), str) else set()
            waiting += [_inner(part[key]) if key == "custom_fields" else part[key] for key in part]
        elif isinstance(part, list):
            waiting += part
    return known if answered or known else None


def _inner(value: Any) -> Any:
    try:
        return json.loads(value) if isinstance(value, str) else value
    except (ValueError, RecursionError):
        return None


def _mistakes_of_custom_field(entry: Any) -> Iterator[str]:
    if isinstance(entry, str):
        return
    if not isinstance(entry, dict) or not isinstance(entry.get("field"), str) or not set(entry) <= {"field", "options"}:
        yield "must be Kartra's identifier, or {field: identifier, options: {Red: 620}}"
        return
    options = entry.get("options", {})
    if not isinstance(options, dict) or not all(re.fullmatch(r"[0-9]+", str(id_)) for id_ in options.values()):
        yield "must map each option to Kartra's id for it, a number: options: {Red: 620}"


# --- the chain of actions ---


def _assigned(tags: Value) -> list[dict[str, str]]:
    """One action for each tag of a comma list. Kartra refuses a tag that the account does not have."""
    words = tags.split(",") if isinstance(tags, str) else [word for tag in tags for word in tag.split(",")]
    names = dict.fromkeys(word.strip() for word in words if word.strip())
    return [{"cmd": "assign_tag", "tag_name": name} for name in names]


def _action_pairs(chain: Sequence[Mapping[str, Any]]) -> Iterator[Pair]:
    """The lead's own command is action 0; the chain follows in its order."""
    for number, action in enumerate(chain, start=1):
        yield f"actions[{number}][cmd]", str(action.get("cmd", ""))
        for name, value in action.items():
            if name != "cmd":
                yield f"actions[{number}][{name}]", str(value)


def _mistakes_of_action(action: Any) -> Iterator[str]:
    if not isinstance(action, dict) or not all(isinstance(value, str | int) for value in action.values()):
        yield "must be a table of texts, such as {cmd: assign_tag, tag_name: web}"
        return
    cmd = str(action.get("cmd", ""))
    if not cmd:
        yield "has no cmd; write one, such as cmd: assign_tag"
    elif cmd in _ON_THE_LEAD:
        yield f"{cmd} stands at the head of every call already; remove it"
    missing = [name for name in ACTIONS.get(cmd, ()) if not action.get(name)]
    if missing:
        yield f"{cmd} needs {' and '.join(missing)}"
    if action.get("points") and not re.fullmatch(r"[0-9]+", str(action["points"])):
        yield f"points must be a whole number, not {action['points']!r}"


# --- the answer ---


@dataclass(frozen=True)
class _Said:
    """One part of an answer: of the call as a whole, of the lead's command, or of an action after it."""

    where: str
    status: str  # "success", "error", or something that Kartra does not document
    type: str
    message: str
    lead_id: str | None

    def __str__(self) -> str:
        number = f" (type {self.type})" if self.type else ""
        return f"{self.where}: {self.message or 'refused'}{number}"


def _read(answer: Mapping[str, Any]) -> Result | None:
    """The lead first, then what was to follow. None where Kartra says nothing of the lead."""
    call = _said("the call", answer)
    on_lead, later = _parts(answer)
    refused = next((part for part in on_lead if part.status == "error"), None)
    if refused:
        return _refusal(refused)
    undone = [part for part in later if part.status == "error"]
    if any(part.status == "success" for part in on_lead):
        return _accepted([call, *on_lead], undone or ([call] if call.status == "error" else []))
    if call.status == "success":
        return _accepted([call, *on_lead], undone)
    if call.status != "error":
        return None
    if undone or call.type in LATER_TYPES:  # the chain failed, and whether the lead was made before it is not said
        return Result(Outcome.UNKNOWN, Reason.NONSENSE, code=call.type or None, words=str((undone or [call])[0]))
    return _refusal(call)


def _parts(answer: Mapping[str, Any]) -> tuple[list[_Said], list[_Said]]:
    """What is said of the lead's command and of each later action, as the document nests it or flat."""
    actions = answer.get("actions")
    entries = list(actions.values()) if isinstance(actions, dict) else actions if isinstance(actions, list) else []
    on_lead: list[_Said] = []
    later: list[_Said] = []
    for number, entry in enumerate(entries):
        for cmd, part in _commands(entry):
            of_lead = cmd in _ON_THE_LEAD or (number == 0 and not cmd)
            (on_lead if of_lead else later).append(_said(f"actions[{number}] {cmd}".strip(), part))
    return on_lead, later


def _commands(entry: Any) -> Iterator[tuple[str, Mapping[str, Any]]]:
    if not isinstance(entry, dict):
        return
    if "status" in entry:
        yield _text(entry.get("cmd")), entry
    yield from ((cmd, part) for cmd, part in entry.items() if isinstance(part, dict))


def _said(where: str, part: Mapping[str, Any]) -> _Said:
    details = part.get("lead_details")
    lead_id = _text(details.get("id")) if isinstance(details, dict) else ""
    status, type_, message = (_text(part.get(key)) for key in ("status", "type", "message"))
    return _Said(where, status.casefold(), type_, message, lead_id or None)


def _text(value: Any) -> str:
    """Kartra writes ids and types as strings; numbers are understood too."""
    if isinstance(value, bool) or not isinstance(value, str | int):
        return ""
    return str(value).strip()


def _accepted(parts: Sequence[_Said], undone: Sequence[_Said]) -> Result:
    lead_id = next((part.lead_id for part in parts if part.lead_id), None)
    if not undone:
        return Result(Outcome.ACCEPTED, vendor_lead_id=lead_id)
    words = "; ".join(map(str, undone))
    return Result(Outcome.ACCEPTED, Reason.PARTIAL, lead_id, code=undone[0].type or None, words=words)


def _refusal(part: _Said) -> Result:
    """An undocumented number is a refusal like any other: a malformed e-mail address, for one, has none."""
    outcome, reason = TYPES.get(part.type, (Outcome.REJECTED, Reason.REFUSED))
    return Result(outcome, reason, code=part.type or None, words=part.message)
