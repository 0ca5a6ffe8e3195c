"""What a chart of the console shows: the same numbers as the table below it."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from datetime import UTC, date, datetime
from typing import Any

from leadferry.numbers import DAY
from leadferry.web.console.days import day_with_weekday
from leadferry.web.console.language import _, ngettext

Value = float | int | None


@dataclass(frozen=True)
class Series:
    """``kind``: bars, line or rate; a rate is a share of 1, drawn on an axis of its own in per cent."""

    label: str
    kind: str
    values: Sequence[Value]


@dataclass(frozen=True)
class Chart:
    """Numbers by day; ``says`` is the chart in a sentence, for who does not see it."""

    title: str
    says: str
    days: Sequence[int]
    series: Sequence[Series]

    @property
    def data(self) -> dict[str, Any]:
        """For static/console-charts.js."""
        return {
            "days": [int(day * DAY) for day in self.days],
            "series": [{"label": each.label, "kind": each.kind, "values": list(each.values)} for each in self.series],
        }

    @property
    def rows(self) -> list[tuple[str, list[tuple[str, Value]]]]:
        """For the table: each day in words with its values and their kinds, the latest first."""
        kinds = [each.kind for each in self.series]
        values = zip(*(each.values for each in self.series), strict=True)
        found = [
            (day_with_weekday(day_of(day)), list(zip(kinds, row, strict=True)))
            for day, row in zip(self.days, values, strict=True)
        ]
        return found[::-1]


def day_of(day: int) -> date:
    return datetime.fromtimestamp(day * DAY, UTC).date()


def sparkline(values: Sequence[int], width: int = 96, height: int = 28) -> str:
    """The points of an SVG polyline: the highest value touches the top."""
    most = max([*values, 1])
    step = width / max(1, len(values) - 1)
    room = height - 4
    return " ".join(f"{number * step:.1f},{2 + room * (1 - value / most):.1f}" for number, value in enumerate(values))


def duration(seconds: float) -> str:
    """Short, for a person: 0.4 s, 12 s, 3 min, 2 h, 3 days."""
    if seconds < 99.5:
        return _("{number} s", number=f"{seconds:.1f}" if seconds < 9.95 else f"{seconds:.0f}")
    if seconds < 5970:
        return _("{number} min", number=f"{seconds / 60:.0f}")
    if seconds < 172_000:
        return _("{number} h", number=f"{seconds / 3600:.0f}")
    return ngettext("{count} day", "{count} days", round(seconds / DAY))


def per_cent(share: float | None) -> str:
    if share is None:
        return "–"
    return _("{number} %", number=f"{share * 100:.1f}" if share < 0.0995 else f"{share * 100:.0f}")
