"""What is wrong with a form file, in words for the person who wrote it."""

from __future__ import annotations

import difflib
from collections.abc import Collection
from dataclasses import dataclass, field

MOST_PROBLEMS = 100
"""More are not looked for in one file: nobody mends a hundred mistakes without looking again."""

_SHOWN = 60
_LISTED = 25


@dataclass(frozen=True, order=True)
class Problem:
    """One mistake, or one warning: where, which key, and in ``message`` what is wrong and how to mend it."""

    path: str
    line: int
    key: str
    message: str
    warning: bool = False

    def __str__(self) -> str:
        return f"{self.path}:{self.line}: {self.key}: {'warning: ' if self.warning else ''}{self.message}"


class FormFileError(Exception):
    """A form file that cannot be served.

    ``problems`` holds its mistakes and ``warnings`` the rest, both in the order of their lines. ``missing`` names what
    the file wants from the environment and does not find there: with these it may be right. ``web_key`` is the form's,
    as far as that could be read.
    """

    def __init__(self, findings: Findings, web_key: str | None) -> None:
        super().__init__("; ".join(str(problem) for problem in findings.mistakes()))
        self.problems = findings.mistakes()
        self.warnings = findings.warnings()
        self.missing = frozenset(findings.missing)
        self.web_key = web_key


@dataclass
class Findings:
    """The problems of one file, as they are found."""

    path: str
    problems: list[Problem] = field(default_factory=list)
    missing: set[str] = field(default_factory=set)

    def is_full(self, *, warning: bool = False) -> bool:
        """Whether more would not be noted. Warnings are counted apart: they must not crowd out a mistake."""
        return sum(problem.warning is warning for problem in self.problems) >= MOST_PROBLEMS

    def add(self, line: int, key: str, message: str, *, warning: bool = False) -> None:
        problem = Problem(self.path, line, _on_one_line(key) or "file", _shown(message), warning)
        if not self.is_full(warning=warning) and problem not in self.problems:
            self.problems.append(problem)

    def mistakes(self) -> list[Problem]:
        return sorted(problem for problem in self.problems if not problem.warning)

    def warnings(self) -> list[Problem]:
        return sorted(problem for problem in self.problems if problem.warning)


def quoted(text: str) -> str:
    """What somebody wrote, short and on one line."""
    return f'"{_on_one_line(text)}"'


def _on_one_line(text: str) -> str:
    line = _shown(text[: _SHOWN + 1])
    return line if len(line) <= _SHOWN else f"{line[:_SHOWN]}…"


def _shown(text: str) -> str:
    """Nothing that a terminal obeys, and no line that the file would add to what we say."""
    return "".join(character if character.isprintable() else " " for character in text)


def listed(words: Collection[str], last: str = "or") -> str:
    """`a, b or c`."""
    *most, final = words
    return f"{', '.join(most)} {last} {final}" if most else final


def choose(word: str, choices: Collection[str]) -> str:
    """The mend of a word that is none of the choices: the nearest of them, or all."""
    by_lower_case = {choice.lower(): choice for choice in choices}
    close = difflib.get_close_matches(word[:_SHOWN].lower(), by_lower_case, n=1, cutoff=0.6)
    if close:
        return f"did you mean {by_lower_case[close[0]]}?"
    if len(choices) > _LISTED:
        return f"write one of the {len(choices)} that it takes, such as {listed(list(choices)[:3])}"
    return f"write {listed(choices)}" if choices else "remove it"
