"""`${NAME}` in a vendor block: what stands in the environment and not in the file."""

from __future__ import annotations

import re
from collections.abc import Callable, Mapping
from dataclasses import dataclass

from leadferry.config import KEPT_BACK
from leadferry.form_file.block import Block
from leadferry.vendors.base import Adapter, Secret, Template, Text, join

_NAME = re.compile(r"\$\{([A-Za-z_][A-Za-z0-9_]*)\}")


@dataclass(frozen=True)
class Surroundings:
    """What a form file is held against: the vendors there are, and the secrets that the environment has."""

    adapters: Mapping[str, Adapter]
    secret: Callable[[str], str | None]


class Placeholders:
    """Reads the texts of one destination's block. ``owner`` is `<form>.<destination>`."""

    def __init__(self, block: Block, around: Surroundings, owner: str) -> None:
        self._block = block
        self._around = around
        self._owner = owner

    def credential(self, key: str) -> Text:
        """Names stay names until the bytes are sent. What stands in the file itself is taken, masked and warned of."""
        text = self._block.text(key)
        if not text or "${" in text:
            return self.template(key)
        name = f"{self._block.text('name')}_{key}".upper()
        what = "is a credential, and stands here for everybody to read"
        self._block.problem(key, what, f"write ${{{name}}} here, and {name}=… in .env", warning=True)
        return Template((Secret(f"{self._owner}.{key}", text),))

    def template(self, key: str) -> Text:
        """The text with its names still in it."""
        parts = self._parts(key, self._block.text(key))
        return join(*(part if isinstance(part, str) else Template((part,)) for part in parts))

    def filled(self, key: str, text: str) -> str:
        """The text with the values in place of the names, for what is no secret."""
        parts = self._parts(key, text)
        return "".join(part if isinstance(part, str) else self._around.secret(part.name) or "" for part in parts)

    def _parts(self, key: str, text: str) -> list[str | Secret]:
        """The texts between the names, and the names, each of which must be set."""
        pieces = _NAME.split(text)  # texts at the even places, names at the odd ones
        if any("${" in piece for piece in pieces[::2]):
            mend = "write ${NAME}, with letters, digits and _ only between the brackets"
            self._block.problem(key, "has a `${` that begins no name", mend)
        for name in pieces[1::2]:
            self._check(key, name)
        return [Secret(piece) if number % 2 else piece for number, piece in enumerate(pieces) if piece]

    def _check(self, key: str, name: str) -> None:
        if name in KEPT_BACK:
            mend = "keep the vendor's own key under a name of its own"
            self._block.problem(key, f"${{{name}}} is a secret of this server and goes to no vendor", mend)
        elif not self._around.secret(name):
            self._block.findings.missing.add(name)
            self._block.problem(key, f"${{{name}}} is not set", f"put {name}=… in .env or in the environment")
