"""Kartra's later actions: what is done to a lead once it is found or made.

The command that unsubscribes from a sequence is left out: its name on the wire is nowhere to be read.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta, timezone
from typing import Any

from leadferry.sandbox.kartra_account import CALENDARS, LISTS, SEQUENCES, TAGS, Lead
from leadferry.sandbox.kartra_results import Refused, done
from leadferry.sandbox.shapes import is_date, is_whole_number, quoted

# Kartra's clock. A fixed offset spares the sandbox a time zone database; an hour of summer time does not matter here.
EASTERN = timezone(timedelta(hours=-5))

Result = dict[str, Any]


@dataclass(frozen=True)
class Action:
    """A command, and the names that it takes besides cmd."""

    parameters: frozenset[str]
    run: Callable[[Lead, Mapping[str, str]], Result]


def perform(name: str, lead: Lead, given: Mapping[str, Any]) -> Result:
    """Does it, or raises Refused."""
    action = ACTIONS[name]
    texts = {key: value for key, value in given.items() if key != "cmd"}
    result = action.run(lead, {key: value for key, value in texts.items() if isinstance(value, str)})
    odd = [key for key, value in texts.items() if key not in action.parameters or not isinstance(value, str)]
    if odd:
        raise Refused(224, f"{name} takes no {', '.join(map(quoted, odd))}")
    return result


def _assign_tag(lead: Lead, given: Mapping[str, str]) -> Result:
    lead.tags.add(_existing(given.get("tag_name", ""), TAGS, 211, 212))
    return done(103)


def _unassign_tag(lead: Lead, given: Mapping[str, str]) -> Result:
    lead.tags.discard(_existing(given.get("tag_name", ""), TAGS, 213, 214))
    return done(104)


def _subscribe_to_list(lead: Lead, given: Mapping[str, str]) -> Result:
    lead.lists.add(_existing(given.get("list_name", ""), LISTS, 207, 231))
    return done(101)


def _unsubscribe_from_list(lead: Lead, given: Mapping[str, str]) -> Result:
    lead.lists.discard(_existing(given.get("list_name", ""), LISTS, 208, 209))
    return done(101, "Lead unsubscribed from list")  # the number is 101 in the document too


def _give_points(lead: Lead, given: Mapping[str, str]) -> Result:
    points = _points(given, 215, 227)
    if not is_whole_number(given.get("expiration", "0")):
        raise Refused(227, "expiration is not a number of days")
    lead.points += points
    return done(105)


def _remove_points(lead: Lead, given: Mapping[str, str]) -> Result:
    lead.points -= _points(given, 217, 228)
    return done(106)


def _subscribe_to_sequence(lead: Lead, given: Mapping[str, str]) -> Result:
    name = _existing(given.get("sequence_name", ""), SEQUENCES, 226, 219)
    step = given.get("step", "")
    if not step:
        raise Refused(225)
    if not (step.isascii() and step.isalnum()):
        raise Refused(229)
    lead.sequences[name] = _existing(step, SEQUENCES[name], 225, 230)
    return done(107)


def _subscribe_to_class(lead: Lead, given: Mapping[str, str]) -> Result:
    chosen = _class(given)
    day, hour = given.get("starting_date"), given.get("starting_hour")
    if day is not None or hour is not None:
        _check_moment(f"{day} {hour}")
    lead.classes.add(chosen)
    return done(112)


def _cancel_class(lead: Lead, given: Mapping[str, str]) -> Result:
    chosen = _class(given)
    if chosen not in lead.classes:
        raise Refused(259)
    lead.classes.remove(chosen)
    return done(113)


def _existing(name: str, known: Mapping[str, Any] | frozenset[str], empty: int, missing: int) -> str:
    if not name:
        raise Refused(empty)
    if name not in known:
        raise Refused(missing)
    return name


def _points(given: Mapping[str, str], empty: int, no_number: int) -> int:
    points = given.get("points", "")
    if not points:
        raise Refused(empty)
    if not is_whole_number(points):
        raise Refused(no_number)
    return int(points)


def _class(given: Mapping[str, str]) -> tuple[str, str]:
    calendar = given.get("calendar_name", "")
    if not calendar:
        raise Refused(255)
    if not given.get("class_name"):
        raise Refused(256)
    if calendar not in CALENDARS:
        raise Refused(257)
    return calendar, _existing(given["class_name"], CALENDARS[calendar], 256, 258)


def _check_moment(moment: str) -> None:
    if not is_date(moment, "%d %b %Y %H:%M"):
        raise Refused(260)
    if datetime.strptime(moment, "%d %b %Y %H:%M").replace(tzinfo=EASTERN) < datetime.now(UTC):
        raise Refused(261)


def _action(run: Callable[[Lead, Mapping[str, str]], Result], *parameters: str) -> Action:
    return Action(frozenset(parameters), run)


ACTIONS: Mapping[str, Action] = {
    "assign_tag": _action(_assign_tag, "tag_name"),
    "unassign_tag": _action(_unassign_tag, "tag_name"),
    "subscribe_lead_to_list": _action(_subscribe_to_list, "list_name"),
    "unsubscribe_lead_from_list": _action(_unsubscribe_from_list, "list_name"),
    "give_points_to_lead": _action(_give_points, "points", "expiration"),
    "remove_points_from_lead": _action(_remove_points, "points"),
    "subscribe_lead_to_sequence_at_step": _action(_subscribe_to_sequence, "sequence_name", "step"),
    "calendar_subscribe": _action(_subscribe_to_class, "calendar_name", "class_name", "starting_date", "starting_hour"),
    "calendar_cancel": _action(_cancel_class, "calendar_name", "class_name"),
}
