"""Where a visit comes from, as far as the request for a form's page tells: what the page carries in hidden fields."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache
from urllib.parse import parse_qsl, urlsplit

from flask import Request

from leadferry.fields import CAMPAIGN
from leadferry.forms import Form
from leadferry.submission import Pairs
from leadferry.web.frames import is_framed


@dataclass(frozen=True)
class Campaign:
    """``names`` is all that may be filled: the campaign's names, and the form's own hidden fields without a value.

    ``known`` is what is certain or posted; ``guessed`` gives way to what the framing page says of itself.
    """

    names: tuple[str, ...]
    known: Mapping[str, str] = field(default_factory=dict)
    guessed: Mapping[str, str] = field(default_factory=dict)

    @property
    def values(self) -> Mapping[str, str]:
        return {**self.guessed, **self.known}


@lru_cache(maxsize=512)
def names_of(form: Form) -> tuple[str, ...]:
    own = (each.name for each in form.fields if each.kind == "hidden" and not each.value)
    return (*(name for name in CAMPAIGN if name not in form.by_name), *own)


def posted(form: Form, pairs: Pairs) -> Campaign:
    """As the page that is shown again was sent: the first value of each name."""
    names = names_of(form)
    return Campaign(names, _picked(reversed(pairs), names))


def of_visit(form: Form, request: Request, address: str) -> Campaign:
    """As the request for a new page tells. ``address`` is the page's own.

    In a frame the Referer is the page around it; its whole address where the snippet asks the browser for that.
    """
    names = names_of(form)
    referrer = request.referrer or ""
    given = _picked(request.args.items(), names)
    said_before = _picked(_query(referrer), names)
    if is_framed(request):
        page = {"page_url": referrer} if referrer else {}
        return Campaign(names, given, _picked((said_before | page).items(), names))
    page = {"page_url": address} | ({"referrer": referrer} if referrer else {})
    is_of_this_site = _site(address) == _site(referrer)
    first = (said_before or given) if is_of_this_site else (given or said_before)
    return Campaign(names, _picked((page | first).items(), names))


def _picked(pairs: Iterable[tuple[str, str]], names: Iterable[str]) -> dict[str, str]:
    wanted = set(names)
    return {name: value for name, value in pairs if name in wanted and value.strip()}


def _site(address: str) -> str | None:
    """None where it is no address."""
    try:
        return urlsplit(address).netloc
    except ValueError:
        return None


def _query(address: str) -> list[tuple[str, str]]:
    try:
        return parse_qsl(urlsplit(address).query, max_num_fields=100)
    except ValueError:
        return []
