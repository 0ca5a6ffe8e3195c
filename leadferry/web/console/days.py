"""Days as the console writes them, with the names of months and weekdays in the reader's language."""

from __future__ import annotations

from datetime import date

from leadferry.languages import sentence
from leadferry.web.console.language import _, told

MONTHS = (
    sentence("Jan"),
    sentence("Feb"),
    sentence("Mar"),
    sentence("Apr"),
    sentence("May"),
    sentence("Jun"),
    sentence("Jul"),
    sentence("Aug"),
    sentence("Sep"),
    sentence("Oct"),
    sentence("Nov"),
    sentence("Dec"),
)
WEEKDAYS = (
    sentence("Mon"),
    sentence("Tue"),
    sentence("Wed"),
    sentence("Thu"),
    sentence("Fri"),
    sentence("Sat"),
    sentence("Sun"),
)


def day_with_year(day: date) -> str:
    return _("{day} {month} {year}", day=day.day, month=_month(day), year=day.year)


def day_with_weekday(day: date) -> str:
    return _("{weekday} {day} {month}", weekday=told(WEEKDAYS[day.weekday()]), day=day.day, month=_month(day))


def _month(day: date) -> str:
    return str(told(MONTHS[day.month - 1]))
