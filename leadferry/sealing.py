"""Answers that nobody may read at rest, such as a Social Security number: sealed with a key of their own.

In the store a sealed value is ``{"sealed": "<Fernet token>"}``; once the vendors have it, ``{"sealed": null}``.
"""

from __future__ import annotations

import base64
import hashlib
import hmac
import json
import re
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import cached_property
from typing import TYPE_CHECKING, Any

from leadferry.vendors.base import Request, Value

if TYPE_CHECKING:
    from cryptography.fernet import Fernet

MASK = "***"
GONE: Mapping[str, None] = {"sealed": None}
"""What stands in place of a sealed answer that was handed over."""

_DIGITS_THAT_TELL = 6


class Unsealable(Exception):
    """It was sealed with another key, or is damaged."""


@dataclass(frozen=True)
class Sealer:
    """Seals with a key that is made of ``key``, a text of any length."""

    key: str = field(repr=False)

    @cached_property
    def _fernet(self) -> Fernet:
        from cryptography.fernet import Fernet  # noqa: PLC0415  # 7 MB that only forms with sensitive answers need

        return Fernet(base64.urlsafe_b64encode(self._derived("seal")))

    def _derived(self, purpose: str) -> bytes:
        assert self.key, "a store that was opened without a key seals nothing"
        return hmac.digest(self.key.encode(), f"leadferry {purpose}".encode(), "sha256")

    def seal(self, content: Any) -> dict[str, Any]:
        return {"sealed": self._fernet.encrypt(json.dumps(content).encode()).decode()}

    def unseal(self, sealed: Mapping[str, Any]) -> Any:
        """Raises Unsealable."""
        from cryptography.fernet import InvalidToken  # noqa: PLC0415  # as above

        try:
            return json.loads(self._fernet.decrypt(str(sealed["sealed"]).encode()))
        except (InvalidToken, ValueError):
            raise Unsealable from None

    def fingerprint(self, value: Value) -> str:
        """The same for the same value, and nothing that could be tried out without the key."""
        return hmac.new(self._derived("compare"), json.dumps(value).encode(), hashlib.sha256).hexdigest()

    # --- answers ---

    def sealed(self, values: Mapping[str, Value], names: Iterable[str]) -> dict[str, Any]:
        """The answers, those of these names sealed."""
        secret = set(names)
        return {name: self.seal(value) if name in secret else value for name, value in values.items()}

    def opened(self, answers: Mapping[str, Any]) -> dict[str, Value]:
        """The answers as they were given, without those that are gone. Raises Unsealable."""
        found = ((name, value) for name, value in answers.items() if value != GONE)
        return {name: self.unseal(value) if is_sealed(value) else value for name, value in found}

    # --- requests ---

    def frozen(self, request: Request, sensitive: Iterable[str]) -> dict[str, Any]:
        """A request for the store, sealed as a whole, with the texts that must not be read in it."""
        return self.seal({"request": request.to_json(), "sensitive": sorted(sensitive)})

    def thawed(self, payload: Mapping[str, Any]) -> tuple[Request, frozenset[str]]:
        """A sealed request from the store, and the sensitive texts in it. Raises Unsealable."""
        content = self.unseal(payload)
        return Request.from_json(content["request"]), frozenset(content["sensitive"])


def is_sealed(value: Any) -> bool:
    return isinstance(value, Mapping) and value.keys() == GONE.keys()


def sealed_names(answers: Mapping[str, Any]) -> frozenset[str]:
    return frozenset(name for name, value in answers.items() if is_sealed(value))


def shown(answers: Mapping[str, Any]) -> dict[str, Value]:
    """A stored lead's answers for people and programs to see."""
    return {name: MASK if is_sealed(value) else value for name, value in answers.items()}


def forgotten(answers: Mapping[str, Any]) -> dict[str, Any]:
    return {name: dict(GONE) if is_sealed(value) else value for name, value in answers.items()}


def texts_of(values: Mapping[str, Value], names: Iterable[str]) -> frozenset[str]:
    """The sensitive texts of a lead, also as a vendor may write a number: in digits alone."""
    answers = [values[name] for name in names if name in values]
    texts = {text for answer in answers for text in ([answer] if isinstance(answer, str) else answer) if text}
    digits = {re.sub(r"\D", "", text) for text in texts}
    return frozenset(texts | {each for each in digits if len(each) >= _DIGITS_THAT_TELL})
