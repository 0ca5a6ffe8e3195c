"""The shapes of values that more than one vendor names, read as narrowly as the documents allow."""

from __future__ import annotations

import ipaddress
import re
from collections.abc import Callable
from dataclasses import dataclass
from datetime import datetime

_EMAIL = re.compile(
    r"(?=.{3,254}\Z)[\w!#$%&'*+/=?^`{|}~-]+(\.[\w!#$%&'*+/=?^`{|}~-]+)*"
    r"@(?=.{3,253}\Z)[^\W_]([\w-]{0,61}[^\W_])?(\.[^\W_]([\w-]{0,61}[^\W_])?)+"
)
_URL = re.compile(r"https?://[A-Za-z0-9][A-Za-z0-9.-]*(:[0-9]{1,5})?([/?#][!-~]*)?")
_WHOLE = re.compile(r"-?[0-9]{1,18}")
_DECIMAL = re.compile(r"-?[0-9]{1,12}(\.[0-9]{1,12})?")
_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")


@dataclass(frozen=True)
class Rule:
    """The shape of a value, and how to say it."""

    fits: Callable[[str], bool]
    shape: str

    def complaint(self, name: str, value: str) -> list[str]:
        """What is wrong with the value, if anything. An empty value is as none."""
        return [] if not value or self.fits(value) else [f"{name} must be {self.shape}, not {quoted(value)}"]


def matching(pattern: str, shape: str) -> Rule:
    compiled = re.compile(pattern)
    return Rule(lambda value: compiled.fullmatch(value) is not None, shape)


def one_of(*words: str) -> Rule:
    return Rule(words.__contains__, " or ".join(words))


def is_email(value: str) -> bool:
    return _EMAIL.fullmatch(value) is not None


def is_url(value: str) -> bool:
    """An absolute http or https address of printable ASCII."""
    return _URL.fullmatch(value) is not None


def is_whole_number(value: str) -> bool:
    return _WHOLE.fullmatch(value) is not None


def is_decimal(value: str) -> bool:
    return _DECIMAL.fullmatch(value) is not None


def is_ip(value: str) -> bool:
    try:
        ipaddress.ip_address(value)
    except ValueError:
        return False
    return True


def is_date(value: str, shape: str = "%Y-%m-%d") -> bool:
    """A real day in exactly this shape: strptime alone would take 2025-1-1 as well."""
    try:
        return datetime.strptime(value, shape).strftime(shape) == value  # noqa: DTZ007 - only the shape is asked
    except ValueError:
        return False


def has_control_characters(value: str) -> bool:
    """Whether there is any besides tab and line ends."""
    return _CONTROL.search(value) is not None


TEXT = Rule(lambda _value: True, "text")
EMAIL = Rule(is_email, "a well-formed e-mail address")


def quoted(value: object) -> str:
    """The value for a complaint: printable, and short."""
    text = ascii(value) if isinstance(value, str) and not value.isprintable() else repr(value)
    return text if len(text) <= 60 else text[:57] + "…" + text[-1]
