"""Kartra's inbound API: one lead a call, a chain of actions, HTTP 200 for everything but too many calls.

Source: https://documentation.kartra.com/
"""

from __future__ import annotations

import json
import threading
import time
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from leadferry.sandbox import credentials
from leadferry.sandbox.behaviour import Behaviour
from leadferry.sandbox.encodings import read_form
from leadferry.sandbox.exchange import TEXT, Answer, Reading, Received, Vendor, not_found
from leadferry.sandbox.kartra_account import (
    CUSTOM_FIELDS,
    LISTS,
    SEQUENCES,
    TAGS,
    TIME_ZONES,
    Lead,
)
from leadferry.sandbox.kartra_actions import ACTIONS, perform
from leadferry.sandbox.kartra_results import Refused
from leadferry.sandbox.php_brackets import as_json, as_list, nest
from leadferry.sandbox.shapes import is_email, is_ip, is_url, is_whole_number, quoted

CALLS_PER_SECOND = 20
FIRST_LEAD_ID = 1001

ENVELOPE = frozenset({"app_id", "api_key", "api_password", "lead", "actions", "get_lead"})
APPS = frozenset({credentials.KARTRA_APP_ID, credentials.KARTRA_TEST_APP, credentials.KARTRA_LIMITED_APP})
KEY_FIELDS = frozenset({"id", "email"})
LEAD_FIELDS = frozenset(
    "email phone phone_country_code first_name middle_name last_name last_name2 ip address zip city state country "
    "company lead_picture website facebook twitter linkedin lead_preferred_time_zone sales_tax_id business_type "
    "custom_fields".split()
)
PRIMARY: Mapping[str, frozenset[str]] = {
    "create_lead": LEAD_FIELDS,
    "edit_lead": LEAD_FIELDS | {"id", "new_email"},
    "search_lead": KEY_FIELDS,
}
CHECKS: Mapping[str, tuple[Callable[[str], bool], str]] = {
    "ip": (is_ip, "an IP address"),
    "lead_picture": (is_url, "the address of a picture"),
    "lead_preferred_time_zone": (TIME_ZONES.__contains__, "one of the 76 documented time zones"),
    "business_type": (is_whole_number, "a number"),
    "new_email": (is_email, "a well-formed e-mail address"),
}
# No document shows these answers; the names are taken from the commands.
RETRIEVALS: Mapping[str, dict[str, Any]] = {
    "retrieve_account_lists": {"account_lists": sorted(LISTS)},
    "retrieve_account_tags": {"account_tags": sorted(TAGS)},
    "retrieve_account_sequences": {"account_sequences": sorted(SEQUENCES)},
    "retrieve_custom_fields": {
        "custom_fields": [
            {
                "field_identifier": identifier,
                "field_type": known.kind,
                "field_value": [{"option_id": key, "option_value": text} for key, text in known.options.items()],
            }
            for identifier, known in CUSTOM_FIELDS.items()
        ]
    },
}
READING = frozenset({"search_lead", *RETRIEVALS})
# What a later action says where the e-mail asks for a chain that works in part.
PARTIAL_FAILURES = {"assign_tag": 212, "unassign_tag": 214, "subscribe_lead_to_list": 231}

Array = dict[str, Any]


@dataclass
class Call:
    """One request on its way through. `ignored`: identifiers of custom fields that the account does not have."""

    tree: Array
    email: str
    behaviour: Behaviour
    ignored: list[str] = field(default_factory=list)
    complaints: list[str] = field(default_factory=list)
    changed: bool = False

    @property
    def app(self) -> str:
        return _text(self.tree, "app_id")

    def complain(self, refused: Refused) -> None:
        if refused.why:
            self.complaints.append(refused.why)

    def stored_email(self, email: str) -> str:
        """An app in test mode keeps no real address: its domain becomes kartra.com."""
        return f"{email.rpartition('@')[0]}@kartra.com" if self.app == credentials.KARTRA_TEST_APP else email


class Kartra(Vendor):
    """The setting RATE_LIMITS=False lifts the limit of 20 calls a second for each app."""

    name = "kartra"
    label = "Kartra"
    lead_path = "api"

    def __init__(self, config: Mapping[str, Any]) -> None:
        super().__init__(config)
        self._lock = threading.Lock()
        self._leads: dict[str, Lead] = {}
        self._ids: dict[str, str] = {}
        self._allowance: dict[str, tuple[float, float]] = {}

    def reset(self) -> None:
        with self._lock:
            self._leads.clear()
            self._ids.clear()
            self._allowance.clear()

    def too_many(self) -> Answer:
        return Answer(429, "Too many requests", TEXT)

    def unavailable(self, attempt: int) -> Answer:  # noqa: ARG002 - Kartra documents this one transient failure
        return self.too_many()

    def read(self, received: Received) -> Reading:
        if received.path not in {"", "api", "api/"}:
            return Reading(received, refusal=not_found(received))
        form = read_form(received)
        tree, complaints = nest(form.pairs)
        complaints = [*form.complaints, *complaints]
        if received.method != "POST":
            complaints.append(f"the method must be POST, not {received.method}")
        if received.query:
            complaints.append("parameters belong in the body, not in the address")
        complaints += [f"{quoted(name)} is no parameter" for name in tree if name not in ENVELOPE]
        return Reading(received, as_json(tree), _text(tree.get("lead"), "email"), tuple(complaints), parsed=tree)

    def answer(self, reading: Reading, behaviour: Behaviour) -> Answer:
        call = Call(reading.parsed, reading.email, behaviour)
        if self._is_over_limit(call.app):
            return self.too_many()
        try:
            _check_credentials(call)
            if reading.complaints:
                return _reply(Refused(223, "; ".join(reading.complaints)).result(), call)
            with self._lock:
                self._seed(call)
                return _reply(self._perform(call), call)
        except Refused as refused:
            call.complain(refused)
            return _reply(refused.result(), call)

    def _is_over_limit(self, app: str) -> bool:
        if app not in APPS or not self.config.get("RATE_LIMITS", True):
            return False
        with self._lock:
            now = time.monotonic()
            left, then = self._allowance.get(app, (float(CALLS_PER_SECOND), now))
            left = min(CALLS_PER_SECOND, left + (now - then) * CALLS_PER_SECOND)
            self._allowance[app] = (left - 1 if left >= 1 else left, now)
            return left < 1

    def _seed(self, call: Call) -> None:
        if call.behaviour.name in {"dup", "deleted"}:
            email = call.stored_email(call.email)
            lead = self._by_email(email) or self._insert(email)
            lead.deleted = call.behaviour.name == "deleted"

    def _perform(self, call: Call) -> Array:
        if "get_lead" in call.tree:
            return self._get_lead(call)
        actions = _actions(call)
        names = [action["cmd"] for action in actions]
        if names[0] in RETRIEVALS:
            return {"status": "Success", **RETRIEVALS[names[0]]}
        data = _lead_data(call.tree, PRIMARY.get(names[0], KEY_FIELDS))
        if names[0] not in PRIMARY:
            lead = self._existing(call, data)
            return _after_nothing(self._run(lead, actions, call), call)
        lead, head = self._primary(names[0], data, call)
        return _after(names[0], head, self._run(lead, actions[1:], call), call)

    def _get_lead(self, call: Call) -> Array:
        wanted = call.tree["get_lead"]
        if not isinstance(wanted, dict):
            raise Refused(236)
        lead = self._find(call, _keys_of(wanted))
        if lead is None:
            raise Refused(234)
        return {"status": "Success", "lead_details": lead.details()}

    def _primary(self, name: str, data: Array, call: Call) -> tuple[Lead, Array]:
        if call.behaviour.name == "invalid" and name != "search_lead":
            raise Refused(271)
        lead = self._create(call, data) if name == "create_lead" else self._existing(call, data)
        if name == "edit_lead":
            self._rename(lead, call, data)
        if name != "search_lead":
            _fill(lead, data, call)
        return lead, {"status": "Success", "lead_details": {"id": lead.id}}

    def _create(self, call: Call, data: Array) -> Lead:
        email = call.stored_email(_email(data))
        if self._by_email(email):
            raise Refused(244)
        _custom_fields(data, call)  # a wrong one must not leave half a lead behind
        return self._insert(email)

    def _existing(self, call: Call, data: Array) -> Lead:
        lead = self._find(call, _keys_of(data))
        if lead is None:
            raise Refused(243)
        if lead.deleted:
            raise Refused(245)
        return lead

    def _rename(self, lead: Lead, call: Call, data: Array) -> None:
        _custom_fields(data, call)
        if not data.get("new_email"):
            return
        email = call.stored_email(data["new_email"])
        other = self._by_email(email)
        if other and other is not lead:
            raise Refused(244)
        del self._ids[lead.fields["email"].lower()]
        lead.fields["email"] = email
        self._ids[email.lower()] = lead.id

    def _run(self, lead: Lead, actions: list[Array], call: Call) -> list[tuple[str, Array]]:
        """The result of each action; one that fails does not keep the next from being tried."""
        results = []
        for action in actions:
            name = action["cmd"]
            try:
                if call.behaviour.name == "partial":
                    raise Refused(PARTIAL_FAILURES.get(name, 262))
                results.append((name, perform(name, lead, action)))
                call.changed = True
            except Refused as refused:
                call.complain(refused)
                results.append((name, refused.result()))
        return results

    def _find(self, call: Call, keys: tuple[str, str]) -> Lead | None:
        lead_id, email = keys
        return self._leads.get(lead_id) if lead_id else self._by_email(call.stored_email(email))

    def _by_email(self, email: str) -> Lead | None:
        return self._leads.get(self._ids.get(email.lower(), ""))

    def _insert(self, email: str) -> Lead:
        lead = Lead(str(FIRST_LEAD_ID + len(self._leads)), {"email": email})
        self._leads[lead.id] = lead
        self._ids[email.lower()] = lead.id
        return lead


def _check_credentials(call: Call) -> None:
    app, key = call.app, _text(call.tree, "api_key")
    if not app:
        raise Refused(238)
    if app not in APPS:
        raise Refused(credentials.KARTRA_BAD_APPS.get(app, 239))
    if not key:
        raise Refused(202)
    if key != credentials.KARTRA_API_KEY or call.behaviour.name == "auth":
        raise Refused(credentials.KARTRA_BAD_KEYS.get(key, 203))
    if _text(call.tree, "api_password") != credentials.KARTRA_API_PASSWORD:
        raise Refused(233)


def _actions(call: Call) -> list[Array]:
    actions = as_list(call.tree.get("actions"))
    if not actions or not all(isinstance(action, dict) for action in actions):
        raise Refused(224)
    names = [_text(action, "cmd") for action in actions]
    for place, name in enumerate(names):
        _check_command(name, place, call)
    if names[0] in RETRIEVALS and len(names) > 1:
        raise Refused(224, f"{names[0]} stands alone")
    return actions


def _check_command(name: str, place: int, call: Call) -> None:
    if not name:
        raise Refused(254)
    if name not in {*PRIMARY, *RETRIEVALS, *ACTIONS}:
        raise Refused(262, f"no such cmd: {quoted(name)}")
    if call.app == credentials.KARTRA_LIMITED_APP and name not in READING:
        raise Refused(262)
    if place and name not in ACTIONS:
        raise Refused(224, f"{name} must be actions[0]")


def _lead_data(tree: Array, allowed: frozenset[str]) -> Array:
    data = tree.get("lead", {})
    if not isinstance(data, dict):
        raise Refused(223)
    for name, value in data.items():
        if name not in allowed:
            raise Refused(223, f"lead[{name}] is no parameter of this command")
        if name != "custom_fields" and not isinstance(value, str):
            raise Refused(223, f"lead[{name}] must be a text")
        fits, shape = CHECKS.get(name, (None, ""))
        if fits and value and not fits(value):
            raise Refused(223, f"lead[{name}] must be {shape}, not {quoted(value)}")
    return data


def _keys_of(data: Array) -> tuple[str, str]:
    """The id and the e-mail that a lead is asked for by; the id goes before the e-mail."""
    lead_id = _text(data, "id")
    if lead_id and not is_whole_number(lead_id):
        raise Refused(206, f"lead id must be a number, not {quoted(lead_id)}")
    return lead_id, "" if lead_id else _email(data)


def _email(data: Array) -> str:
    email = _text(data, "email")
    if not email:
        raise Refused(206)
    if not is_email(email):
        raise Refused(206, f"not a well-formed e-mail address: {quoted(email)}")
    return email


def _fill(lead: Lead, data: Array, call: Call) -> None:
    kept = {name: value for name, value in data.items() if name not in {"id", "email", "new_email", "custom_fields"}}
    lead.fields.update(kept)
    lead.custom.update(_custom_fields(data, call))
    call.changed = True


def _custom_fields(data: Array, call: Call) -> Array:
    """The values by identifier; identifiers that the account does not have are put into `call.ignored`."""
    if "custom_fields" not in data:
        return {}
    entries = as_list(data["custom_fields"])
    if entries is None:
        raise Refused(271, "custom_fields is not a list that counts from 0")
    values: Array = {}
    for entry in entries:
        identifier, value = _custom_field(entry)
        if identifier in values:
            raise Refused(271, f"{quoted(identifier)} is given more than once")
        values[identifier] = value
    call.ignored[:] = [identifier for identifier in values if identifier not in CUSTOM_FIELDS]
    return {identifier: value for identifier, value in values.items() if identifier in CUSTOM_FIELDS}


def _custom_field(entry: Any) -> tuple[str, Any]:
    if not isinstance(entry, dict) or entry.keys() != {"field_identifier", "field_value"}:
        raise Refused(271, "an entry has field_identifier and field_value and nothing else")
    identifier = _text(entry, "field_identifier")
    if not identifier:
        raise Refused(271, "field_identifier is no text")
    known = CUSTOM_FIELDS.get(identifier)
    value = entry["field_value"]
    if known is None or value == "":
        return identifier, as_json(value)
    chosen = as_list(value) if known.kind == "checkbox" else [value]
    if chosen is None or not all(isinstance(item, str) for item in chosen):
        raise Refused(271, f"{identifier} is a {known.kind}: its value must be {_SHAPES[known.kind]}")
    if known.options and not all(item in known.options for item in chosen):
        raise Refused(271, f"{identifier} has the options {', '.join(known.options)}, not {quoted(as_json(value))}")
    return identifier, as_json(value)


_SHAPES = {
    "input_field": "a text",
    "text_area": "a text",
    "drop_down": "one option id",
    "radio_button": "one option id",
    "checkbox": "a list of option ids",
}


def _after_nothing(results: list[tuple[str, Array]], call: Call) -> Array:
    """The answer to later actions without create, edit or search: that of a single one stands at the top."""
    if len(results) == 1 and "nested" not in call.behaviour.options:
        return results[0][1]
    return {"status": "Success", "actions": _entries(results, call)}


def _after(name: str, head: Array, results: list[tuple[str, Array]], call: Call) -> Array:
    if name == "search_lead":
        found = {"status": "Success", "message": "Lead found", "lead_details": head["lead_details"]}
        return {**found, "actions": _entries(results, call)} if results else found
    return {"status": "Success", "actions": [{name: head}, *_entries(results, call)]}


def _entries(results: list[tuple[str, Array]], call: Call) -> list[Array]:
    if "flat" in call.behaviour.options:
        return [result for _, result in results]
    return [{name: result} for name, result in results]


def _reply(result: Array, call: Call) -> Answer:
    body = json.dumps(result, separators=(",", ":"))
    if "lower" in call.behaviour.options:
        body = body.replace('"status":"Success"', '"status":"success"').replace('"status":"Error"', '"status":"error"')
    accepted = call.changed and result["status"] == "Success"
    return Answer(200, body, accepted=accepted, complaints=tuple(call.complaints), ignored=tuple(call.ignored))


def _text(array: Any, name: str) -> str:
    value = array.get(name) if isinstance(array, dict) else None
    return value if isinstance(value, str) else ""
