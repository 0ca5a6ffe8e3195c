"""Reads `vendor` and the entries of `also`: where leads go, with which credentials and under which names."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import replace
from typing import Any

from leadferry.form_file.block import Block
from leadferry.form_file.placeholders import Placeholders, Surroundings
from leadferry.form_file.problems import listed, quoted
from leadferry.form_file.tree import Items, Table, Tree
from leadferry.form_file.tree import Text as Word
from leadferry.redirects import web_address
from leadferry.vendors.base import Adapter, Destination, Setting, Text

DEFAULT_WAIT = 8.0
LONGEST_WAIT = 25.0


def find_adapter(block: Block, around: Surroundings) -> Adapter | None:
    """The adapter that a vendor block names, or None and a problem."""
    name = block.text("name")
    if not name:
        block.problem("name", "is missing", f"write one of {listed(tuple(around.adapters))}")
    elif name not in around.adapters:
        block.wrong_word("name", f"{quoted(name)} is not a vendor", name, tuple(around.adapters))
    return around.adapters.get(name)


def _is_list_of_tables(value: Tree) -> bool:
    return isinstance(value, Items) and all(
        isinstance(each, Table) and all(isinstance(text, Word) for text in each.values.values())
        for each in value.values
    )


_SHAPES: Mapping[str, tuple[Callable[[Tree], bool], str]] = {
    "map": (lambda value: isinstance(value, Table), "write pairs, such as {one: this, other: that}"),
    "list": (_is_list_of_tables, "write a list of pairs, such as [{one: this, other: that}]"),
}


def _is_whole_address(text: str) -> bool:
    return text.lower().startswith(("http://", "https://")) and web_address(text) is not None


class VendorBlock:
    """One destination under reading. ``owner`` is `<form>.<destination>`, which names credentials in the file."""

    def __init__(self, block: Block, adapter: Adapter, around: Surroundings, owner: str) -> None:
        self.block = block
        self.adapter = adapter
        fields = block.table.values.get("fields")
        self.mapping = Block(fields, block.dotted("fields"), block.findings) if isinstance(fields, Table) else None
        self._placeholders = Placeholders(block, around, owner)

    def read(self, form: str, name: str) -> Destination:
        settings = self._settings()
        destination = Destination(
            form=form,
            name=name,
            adapter=self.adapter.name,
            settings=settings,
            fields={
                ours: theirs.value for ours, theirs in self.block.names("fields", "{our name: their name}").items()
            },
            url=self._url(),
            wait=self._wait(),
            on_unknown=self.block.choice("on_unknown", ("retry", "hold"), self.adapter.on_unknown_default(settings)),
        )
        self._ask_for_credentials()
        self.block.refuse_unknown(f"a {self.adapter.label} block")
        return destination

    # --- settings ---

    def _settings(self) -> dict[str, Any]:
        read = {setting.name: self._setting(setting) for setting in self.adapter.settings if setting.name != "url"}
        return {name: value for name, value in read.items() if value not in (None, "", {}, [])}

    def _setting(self, setting: Setting) -> Any:
        if setting.kind == "flag":
            return self.block.flag(setting.name, bool(setting.default))
        if setting.kind in {"map", "list"}:
            return self._plain_data(setting)
        if setting.secret:
            return self._placeholders.credential(setting.name)
        if setting.choices:
            return self.block.choice(setting.name, setting.choices, setting.default)
        return self._placeholders.filled(setting.name, self.block.text(setting.name, setting.default or ""))

    def _plain_data(self, setting: Setting) -> Any:
        value = self.block.value(setting.name)
        shape, mend = _SHAPES[setting.kind]
        if value is None or shape(value):
            return value and self._unwrapped(setting.name, value)
        self.block.problem(setting.name, "is not written as it must be", mend)
        return None

    def _unwrapped(self, key: str, value: Tree) -> Any:
        if isinstance(value, Table):
            return {name: self._unwrapped(key, each) for name, each in value.values.items()}
        if isinstance(value, Items):
            return [self._unwrapped(key, each) for each in value.values]
        return self._placeholders.filled(key, value.value)

    def _url(self) -> Text | None:
        text = self.block.text("url")
        if not text:
            return None
        problems = len(self.block.findings.problems)
        address = self._placeholders.filled("url", text)
        if len(self.block.findings.problems) == problems and not _is_whole_address(address):
            self.block.problem("url", "is not a web address", "write it whole, such as https://api.example.com/leads")
        is_credential = any(setting.name == "url" and setting.secret for setting in self.adapter.settings)
        return self._placeholders.credential("url") if is_credential else self._placeholders.template("url")

    def _wait(self) -> float:
        seconds = self.block.seconds("wait", DEFAULT_WAIT)
        if seconds > LONGEST_WAIT:
            what = f"visitors wait {LONGEST_WAIT:g} seconds at most, and {seconds:g} stand here"
            self.block.problem("wait", what, f"write {LONGEST_WAIT:g} or less", warning=True)
        return min(seconds, LONGEST_WAIT)

    def _ask_for_credentials(self) -> None:
        adapter, block = self.adapter, self.block
        missing = [setting.name for setting in adapter.settings if setting.required and setting.name not in block]
        if adapter.default_url is None and "url" not in block:
            missing.append("url")
        for key in missing:
            block.problem(key, "is missing", f"{adapter.label} needs it")
        ways = adapter.credentials
        if missing or not ways or any(all(key in block for key in way) for way in ways):
            return
        closest = max(ways, key=lambda way: sum(key in block for key in way))
        needs = ", or ".join(listed(way, "and") for way in ways)
        block.problem(next(key for key in closest if key not in block), "is missing", f"{adapter.label} needs {needs}")

    # --- the adapter's own checks ---

    def report(self, destination: Destination, sent_as: Mapping[str, Block]) -> bool:
        """Notes what the adapter finds wrong; whether that is nothing.

        ``sent_as`` has the block of each field that names its own place.
        """
        shown = replace(destination, url=self.block.text("url") or None)
        mistakes = list(self.adapter.check(shown))
        for key, message in mistakes:
            block, name = self.block, key
            if key == "fields":
                block, name = self._line_of_mapping(shown, message, sent_as)
            block.findings.add(block.line(name), block.dotted(name), message)
        return not mistakes

    def _line_of_mapping(
        self, destination: Destination, message: str, sent_as: Mapping[str, Block]
    ) -> tuple[Block, str]:
        """The one field's `send_as` that is to blame, else `fields`."""
        for name, block in sent_as.items():
            alone = replace(destination, fields={name: destination.fields[name]})
            if name in destination.fields and ("fields", message) in self.adapter.check(alone):
                return block, "send_as"
        return self.block, "fields"
