"""Leads as CSV for a spreadsheet, however many, a line at a time."""

from __future__ import annotations

import csv
import re
from collections.abc import Iterable, Iterator, Mapping, Sequence
from typing import Any

from leadferry.vendors.base import as_text

_FORMULA = re.compile(r"(?:^|; *)(?=[=+\-@\t\r\n＝＋－＠])")

OWN = ("lead", "form", "version", "received_at", "state")


class _Line:
    """What csv writes to: keeps the last line."""

    def __init__(self) -> None:
        self.text = ""

    def write(self, text: str) -> None:
        self.text = text


def csv_lines(found: Iterable[Mapping[str, Any]], names: Sequence[str]) -> Iterator[str]:
    """Leads as ``leads.exported`` makes them: a header, then a line each; ``names`` are the columns of their values."""
    line = _Line()
    table = csv.writer(line)
    table.writerow([*OWN, *(for_spreadsheet(name) for name in names)])
    yield line.text
    for each in found:
        values = (each["values"].get(name, "") for name in names)
        table.writerow([*(each[name] for name in OWN), *(for_spreadsheet(as_text(value)) for value in values)])
        yield line.text


def names_of(found: Iterable[Mapping[str, Any]]) -> list[str]:
    """The columns that these leads need."""
    return list(dict.fromkeys(name for each in found for name in each["values"]))


def for_spreadsheet(text: str) -> str:
    """What begins like a formula gets an apostrophe before it, so that no spreadsheet runs it.

    Also behind a semicolon, which parts the cells in many countries, and of full width, as in Japan.
    """
    return _FORMULA.sub(r"\g<0>'", text)
