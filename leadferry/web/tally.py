"""What a request adds to the counts of visits, and to what is known of the pages that forms stand on."""

from __future__ import annotations

from collections.abc import Sequence
from urllib.parse import urlsplit

from flask import Request, request

from leadferry.doctor import Facts, read_facts
from leadferry.fields import CAMPAIGN
from leadferry.forms import Form
from leadferry.submission import FieldError, Pairs, control
from leadferry.visits import Place, campaign_of, is_bot, page_of
from leadferry.web.campaign import Campaign
from leadferry.web.frames import is_framed
from leadferry.web.site import Site, current_site

PAGE_FACTS = "_lf_page"
"""The control name under which static/form.js says what kind of page it stands on."""


def count_view(site: Site, form: Form, asking: Request, visit: Campaign) -> None:
    """A new page of a form was shown to somebody, as far as one can tell."""
    headers = asking.headers
    is_fetched_ahead = "prefetch" in headers.get("Sec-Purpose", headers.get("Purpose", ""))
    if asking.method != "GET" or is_fetched_ahead or is_bot(headers.get("User-Agent", "")):
        return
    values = visit.values
    site.visits.count(form.name, "seen", Place(page_of(values.get("page_url", "")), campaign_of(values)))


def count_post(form: Form, pairs: Pairs, code: str = "ok", errors: Sequence[FieldError] = ()) -> None:
    """A post was answered. ``errors`` count by the questions that the form asks."""
    visits = current_site().visits
    place = place_of(pairs)
    visits.count(form.name, "tried", place)
    if code != "ok":
        visits.count(form.name, f"refused:{code}")
    for name in {each.field for each in errors if each.field in form.by_name}:
        visits.count(form.name, f"asked again:{name}")
    facts = facts_of_post(pairs, place)
    if facts:
        visits.saw(form.name, place.page, facts.text)


def place_of(pairs: Pairs) -> Place:
    """Where a post comes from; a form that is pasted into a page tells that by its Referer alone."""
    values: dict[str, str] = {}
    for name, value in pairs:
        if name in CAMPAIGN and value.strip():
            values.setdefault(name, value)
    page = page_of(values.get("page_url", ""))
    if not page and not is_framed(request):
        page = page_of(request.headers.get("Referer", ""))
    return Place(page, campaign_of(values))


def facts_of_post(pairs: Pairs, place: Place) -> Facts | None:
    """None for what says nothing of a page: the form's own page, and programs."""
    said = control(pairs, PAGE_FACTS)
    if said:
        facts = read_facts(said)
        return _with_address(facts, pairs, place) if facts.depth else None
    if is_framed(request):
        opaque = "1" if request.headers.get("Origin") == "null" else "0"
        return _with_address(read_facts("", way="plain", opaque=opaque), pairs, place)
    if request.path == "/submit" and place.page:
        return read_facts("", way="pasted", depth="0")
    return None


def _with_address(facts: Facts, pairs: Pairs, place: Place) -> Facts:
    """In a builder's own frame the address is often no more than the site's name, or that of the builder's frame."""
    host = place.page.partition("/")[0].partition(":")[0]
    top = facts.top if facts.top != host else ""
    if not place.page:
        address = "none"
    elif facts.depth > 1 and (top or not _says_more(control(pairs, "page_url") or "")):
        address = "site"
    else:
        address = ""
    return Facts(**{**facts.__dict__, "top": top, "address": address})


def _says_more(address: str) -> bool:
    parts = urlsplit(address)
    return parts.path not in {"", "/"} or bool(parts.query)
