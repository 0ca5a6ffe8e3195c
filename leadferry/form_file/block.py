"""A table of a form file under reading: gives each key its type and notes what is wrong with it."""

from __future__ import annotations

import re
from collections.abc import Sequence
from typing import TypeVar

from leadferry.form_file.problems import Findings, choose, listed, quoted
from leadferry.form_file.tree import Items, Table, Text, Tree
from leadferry.redirects import web_address

Choice = TypeVar("Choice", bound=str)

MOST_ENTRIES = 500
"""Of any list or table; a post with more fields is refused."""

_YES = frozenset({"true", "yes", "on", "1"})
_NO = frozenset({"false", "no", "off", "0"})


class Block:
    """Every method that reads a key answers with the key's default where the value is missing or wrong.

    ``where`` is the dotted path of the table, empty for the file itself.
    """

    def __init__(self, table: Table, where: str, findings: Findings) -> None:
        self.table = table
        self.where = where
        self.findings = findings
        self.asked: list[str] = []

    def __contains__(self, key: str) -> bool:
        """Whether the key has a value; that of `key:` with nothing behind it counts as none."""
        value = self.table.values.get(key)
        return value is not None and not (isinstance(value, Text) and not value.value.strip())

    def problem(self, key: str, what: str, mend: str, *, line: int | None = None, warning: bool = False) -> None:
        self.findings.add(line or self.line(key), self.dotted(key), f"{what}; {mend}", warning=warning)

    def wrong_word(
        self,
        key: str,
        what: str,
        word: str,
        choices: Sequence[str],
        *,
        line: int | None = None,
        warning: bool = False,
    ) -> None:
        """A problem whose mend is the nearest of the words that can stand there, or all of them."""
        if not self.findings.is_full(warning=warning):  # the nearest word takes a while to find
            self.problem(key, what, choose(word, choices), line=line, warning=warning)

    def line(self, key: str) -> int:
        return self.table.lines.get(key, self.table.line)

    def dotted(self, key: str) -> str:
        return f"{self.where}.{key}" if self.where else key

    def value(self, key: str) -> Tree | None:
        """What stands there, whatever its shape; None for nothing."""
        if key not in self.asked:
            self.asked.append(key)
        return self.table.values[key] if key in self else None

    # --- texts ---

    def text(self, key: str, default: str = "") -> str:
        value = self.value(key)
        if value is None:
            return default
        if isinstance(value, Text):
            return value.value.strip()
        shape = "list" if isinstance(value, Items) else "table"
        self.problem(key, f"must be a text, but is a {shape}", "put it in quotes if it has [ ] { or } in it")
        return default

    def optional(self, key: str) -> str | None:
        return self.text(key) or None

    def flag(self, key: str, default: bool = False) -> bool:
        word = self.text(key).lower()
        if word in _YES | _NO:
            return word in _YES
        if isinstance(self.table.values.get(key), Text):
            self.problem(key, "is neither yes nor no", "write true or false")
        return default

    def choice(self, key: str, choices: Sequence[Choice], default: Choice) -> Choice:
        word = self.text(key, default)
        for choice in choices:
            if choice == word:
                return choice
        self.wrong_word(key, f"{quoted(word)} is not known here", word, choices)
        return default

    def whole(self, key: str, default: int, least: int, most: int) -> int:
        number = self.text(key)
        if not number:
            return default
        if re.fullmatch(r"[0-9]{1,9}", number, re.ASCII) and least <= int(number) <= most:
            return int(number)
        what = f"{quoted(number)} is not a whole number from {least} to {most}"
        self.problem(key, what, f"write a number such as {default}")
        return default

    def seconds(self, key: str, default: float) -> float:
        number = self.text(key)
        if not number or re.fullmatch(r"[0-9]{1,4}(?:\.[0-9]{1,3})?", number, re.ASCII):
            return float(number or default)
        self.problem(key, f"{quoted(number)} is not a number of seconds", f"write a number such as {default:g}")
        return default

    def days(self, key: str, default: int) -> int:
        text = self.text(key, f"{default}d")
        found = re.fullmatch(r"([1-9][0-9]{0,4})\s*d(?:ays?)?", text, re.ASCII)
        if found:
            return int(found[1])
        self.problem(key, f"{quoted(text)} is not a number of days", f"write it as {default}d")
        return default

    def address(self, key: str) -> str | None:
        """A web address."""
        text = self.text(key)
        found = web_address(text) if text else None
        if text and found is None:
            what = f"{quoted(text)} is not a web address"
            self.problem(key, what, "write it whole, such as https://www.example.com/thanks")
        return found

    # --- lists and tables ---

    def texts(self, key: str) -> list[Text]:
        value = self.value(key)
        if value is None:
            return []
        if isinstance(value, Items) and all(isinstance(each, Text) and each.value.strip() for each in value.values):
            return [Text(each.line, each.value.strip()) for each in value.values if isinstance(each, Text)]
        self.problem(key, "must be a list of texts", f"write `{key}: [one, two]`")
        return []

    def names(self, key: str, example: str) -> dict[str, Text]:
        """A table of texts."""
        table = self.value(key)
        if table is None:
            return {}
        if not isinstance(table, Table):
            self.problem(key, "must be pairs of a name and a text", f"write `{key}: {example}`")
            return {}
        if len(table.values) > MOST_ENTRIES:
            self.problem(key, f"has more than {MOST_ENTRIES} entries", "remove some")
            return {}
        inside = Block(table, self.dotted(key), self.findings)
        found = {name: Text(line, inside.text(name)) for name, line in table.lines.items()}
        for name, text in found.items():
            if isinstance(table.values[name], Text) and not text.value:
                inside.problem(name, "has no value", "write one; put it in quotes if it begins with #")
        return {name: text for name, text in found.items() if text.value}

    def block(self, key: str) -> Block | None:
        value = self.value(key)
        if value is None:
            return None
        if isinstance(value, Table):
            return Block(value, self.dotted(key), self.findings)
        self.problem(key, "must have keys of its own", "write them below it, one in a line, and indented")
        return None

    def blocks(self, key: str, example: str) -> list[Block]:
        """A list of tables."""
        value = self.value(key)
        if value is None:
            return []
        if not isinstance(value, Items):
            self.problem(key, "must be a list", "begin each entry below it with `- `")
            return []
        if len(value.values) > MOST_ENTRIES:
            self.problem(key, f"has more than {MOST_ENTRIES} entries", "remove some")
        found = []
        for number, each in enumerate(value.values[:MOST_ENTRIES], start=1):
            where = f"{self.dotted(key)}[{number}]"
            if isinstance(each, Table):
                found.append(Block(each, where, self.findings))
            else:
                self.findings.add(each.line, where, f"must have keys of its own; write it as {example}")
        return found

    def refuse_unknown(self, what: str) -> None:
        """Every key must have been asked for by now; ``what`` names what this is a table of."""
        for key in self.table.values:
            if key in self.asked or self.findings.is_full():
                continue
            mend = choose(key, self.asked)
            if mend.startswith("write"):
                mend = f"the keys are {listed(self.asked, 'and')}"
            self.problem(key, f"is not a key of {what}", mend)
