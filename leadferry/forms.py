"""What a form is, once its file was read and found right."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import Literal

from leadferry.fields import CAMPAIGN, CHOICES, TICKS
from leadferry.languages import direction_of
from leadferry.redirects import origin
from leadferry.vendors.base import Destination, Text, Value


@dataclass(frozen=True)
class Option:
    value: str
    label: str


@dataclass(frozen=True)
class Field:
    """One field. ``kind`` is a key of leadferry.fields.KINDS; ``show_if`` maps names to the answers that show it."""

    name: str
    kind: str
    label: str
    help: str = ""
    placeholder: str = ""
    required: bool = False
    value: str | None = None
    max_length: int = 1000
    options: tuple[Option, ...] = ()
    pattern: str | None = None
    minimum: str | None = None
    maximum: str | None = None
    show_if: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    send_as: str | None = None
    if_invalid: Literal["ask", "drop", "pass"] = "ask"
    autocomplete: str | None = None
    sensitive: bool = False

    @property
    def takes_several(self) -> bool:
        return self.kind == "checkboxes"

    @property
    def is_choice(self) -> bool:
        return self.kind in CHOICES

    @property
    def is_tick(self) -> bool:
        return self.kind in TICKS


@dataclass(frozen=True)
class Step:
    title: str
    fields: tuple[str, ...]


@dataclass(frozen=True)
class Spam:
    """How a form tells junk from leads, beyond what holds for all of them.

    ``countries`` are two capital letters each, ``keep`` days. ``site_key`` and ``secret`` are those of Turnstile.
    """

    honeypot: str = ""
    suspects: Literal["hold", "deliver"] = "hold"
    words: tuple[str, ...] = ()
    countries: tuple[str, ...] = ()
    challenge: Literal["none", "altcha", "turnstile"] = "none"
    site_key: str = ""
    secret: Text = ""
    keep: int = 30


@dataclass(frozen=True, eq=False)
class Form:
    """One published version of a form, itself and no other's equal.

    ``retention`` is in days; ``theme`` holds CSS values by name.
    """

    name: str
    version: str
    title: str
    fields: tuple[Field, ...]
    vendor: Destination
    also: tuple[Destination, ...] = ()
    intro: str = ""
    submit: str = "Send"
    language: str = "en"
    web_key: str | None = None
    steps: tuple[Step, ...] = ()
    on_success_url: str | None = None
    on_error_url: str | None = None
    origins: tuple[str, ...] = ()
    framing: Literal["anywhere", "origins"] = "anywhere"
    expansion: Literal["accept", "reject"] = "accept"
    campaign: Literal["send", "keep"] = "send"
    theme: Mapping[str, str] = field(default_factory=dict)
    measure: Literal["posts", "progress"] = "posts"
    retention: int = 90
    spam: Spam = Spam()
    trustedform: bool = False
    mandatory: tuple[tuple[str, ...], ...] = ()  # the vendor's: one alternative must be answered
    formats: Mapping[str, str] = field(default_factory=dict)  # name known without a field -> kind
    offers: Mapping[str, tuple[str, ...]] = field(default_factory=dict)  # name -> the only answers the vendor takes
    default_if_invalid: Literal["ask", "pass"] = "ask"

    @cached_property
    def by_name(self) -> Mapping[str, Field]:
        return {each.name: each for each in self.fields}

    @property
    def destinations(self) -> tuple[Destination, ...]:
        return (self.vendor, *self.also)

    @cached_property
    def redirect_origins(self) -> frozenset[str]:
        """Where a posted redirect may point."""
        own = (url for url in (self.on_success_url, self.on_error_url) if url)
        return frozenset(self.origins) | {origin(url) for url in own}

    @property
    def direction(self) -> Literal["ltr", "rtl"]:
        return direction_of(self.language)

    @property
    def has_file(self) -> bool:
        return any(each.kind == "file" for each in self.fields)

    @property
    def consent_fields(self) -> tuple[Field, ...]:
        """Fields whose label is a promise: declared as consent, or the reserved permission to text."""
        return tuple(each for each in self.fields if each.kind == "consent" or each.name == "smsok")

    def is_sensitive(self, name: str) -> bool:
        """Whether the answer is kept sealed: a Social Security number's always, another's where its field says so."""
        spec = self.by_name.get(name)
        if spec is not None and (spec.sensitive or spec.kind == "ssn"):
            return True
        return "ssn" in {self.formats.get(name), name.lower()}

    def knows(self, name: str) -> bool:
        """Declared, the chosen vendor's own, or one of the campaign's."""
        return name in self.by_name or name in self.formats or name in CAMPAIGN


def is_shown(each: Field, values: Mapping[str, Value], fields: Mapping[str, Field], seen: Sequence[str] = ()) -> bool:
    """Whether ``show_if`` holds, through a chain of conditions: a field that depends on a hidden one is hidden."""
    for name, wanted in each.show_if.items():
        other = fields.get(name)
        if other is None or name in seen or not is_shown(other, values, fields, (*seen, each.name)):
            return False
        answer = values.get(name, "")
        given = answer if isinstance(answer, list) else [answer]
        if not any(value in wanted for value in given):
            return False
    return True
