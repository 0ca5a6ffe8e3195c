"""A row of the table: what was measured, beside its floor, against its aim."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass, field
from statistics import median


@dataclass(frozen=True)
class Size:
    """How long and how much to measure."""

    rounds: int
    seconds: float
    quick: bool


@dataclass(frozen=True)
class Row:
    """``ours`` and ``floor`` are medians in the row's own unit; ``spread`` is the ratio's least and greatest."""

    what: str
    ours: str
    floor: str
    found: str
    aim: str
    met: bool | None
    spread: str = ""
    notes: tuple[str, ...] = ()

    @property
    def mark(self) -> str:
        if self.met is None:
            return "measured" if self.ours else "skipped"
        return "met" if self.met else "missed"


def skipped(what: str, why: str) -> Row:
    return Row(what, "", "", "", "", None, notes=(f"Skipped: {why}.",))


@dataclass
class Rounds:
    """Ours and the floor, measured in turn: whatever slows the machine for a moment slows both."""

    ours: list[float] = field(default_factory=list)
    floor: list[float] = field(default_factory=list)

    @classmethod
    def of(cls, number: int, ours: Callable[[], float], floor: Callable[[], float]) -> Rounds:
        found = cls()
        for turn in range(number):
            for measure, into in ((ours, found.ours), (floor, found.floor))[:: 1 if turn % 2 else -1]:
                into.append(measure())
        return found

    @property
    def ratios(self) -> list[float]:
        return [ours / floor for ours, floor in zip(self.ours, self.floor, strict=True)]

    def row(
        self, what: str, unit: str, *, at_least: float = 0.0, at_most: float = 0.0, notes: Sequence[str] = ()
    ) -> Row:
        """A row whose aim is a ratio."""
        ratio = median(self.ratios)
        return Row(
            what,
            f"{number(median(self.ours))} {unit}",
            f"{number(median(self.floor))} {unit}",
            f"{ratio:.2f} ×",
            f"≥ {at_least:g} ×" if at_least else f"≤ {at_most:g} ×",
            ratio >= at_least if at_least else ratio <= at_most,
            f"{min(self.ratios):.2f} to {max(self.ratios):.2f}",
            tuple(notes),
        )


def number(value: float) -> str:
    """Three digits that count."""
    if value >= 1000:
        return f"{round(value, -1 if value < 10_000 else -2):,.0f}"
    return f"{value:.0f}" if value >= 100 else f"{value:.1f}" if value >= 10 else f"{value:.2f}"


def table(rows: Sequence[Row]) -> str:
    """As Markdown."""
    lines = ["| what | Leadferry | the floor | found | spread | aim | |", "|---|---|---|---|---|---|---|"]
    lines += [
        f"| {row.what} | {row.ours} | {row.floor} | {row.found} | {row.spread} | {row.aim} | {row.mark} |"
        for row in rows
    ]
    return "\n".join(lines)
