"""The snippet doctor's page: where the forms stand, what was found there, and how to mend it."""

from __future__ import annotations

import time
from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from flask import render_template, url_for

from leadferry import doctor, numbers
from leadferry.doctor import Finding, Noticed
from leadferry.forms import Form
from leadferry.languages import Sentence, sentence
from leadferry.numbers import DAY
from leadferry.web.console import words
from leadferry.web.console.base import console, requires
from leadferry.web.site import current_site
from leadferry.web.snippets import reserved

DAYS = 28
"""What was noticed earlier is forgotten here: the page may have been mended."""

MOST_SHOWN = 100


@dataclass(frozen=True)
class SeenPage:
    """One form on one page. ``seen`` and ``tried`` are counts of the last days; ``last`` is None without a post."""

    form: str
    page: str
    way: Sentence
    seen: int
    tried: int
    last: float | None
    findings: Sequence[Finding]
    around: str = ""  # the site around a builder's own frame

    @property
    def tone(self) -> str:
        tones = {each.kind.tone for each in self.findings}
        return next((tone for tone in ("bad", "warn", "info") if tone in tones), "good" if self.tried else "")


@console.get("/pages", endpoint="pages")
@requires("viewer")
def pages_page() -> str:
    pages = seen_pages()
    more = max(0, len(pages) - MOST_SHOWN)
    forms = [form for form in current_site().office.catalog.all().values() if isinstance(form, Form)]
    return render_template(
        "console/pages.html", pages=pages[:MOST_SHOWN], more=more, forms=forms, days=DAYS, link=words.place
    )


def seen_pages() -> list[SeenPage]:
    """Pages other than the forms' own, those with the worst findings first."""
    store = current_site().office.store
    noticed = _noticed(time.time() - DAYS * DAY)
    views = _views(numbers.period(store, DAYS))
    found = [
        _seen_page(form, page, noticed.get((form, page), []), views) for form, page in noticed.keys() | views.keys()
    ]
    worst = ("bad", "warn", "info", "good", "")
    return sorted(found, key=lambda each: (worst.index(each.tone), -each.tried, -each.seen, each.page))


def _noticed(since: float) -> dict[tuple[str, str], list[Noticed]]:
    found: dict[tuple[str, str], list[Noticed]] = {}
    for form, page, facts, sighting in numbers.sightings(current_site().office.store, since):
        found.setdefault((form, page), []).append(Noticed(doctor.read_facts(facts), sighting.count, sighting.last))
    return found


def _views(when: numbers.Period) -> dict[tuple[str, str], dict[str, int]]:
    """Views and tries of each form on each page that is not its own."""
    own = url_for("public.show", name="")
    found: dict[tuple[str, str], dict[str, int]] = {}
    for (_day, form, page, _campaign, what), count in numbers.visits(current_site().office.store, when):
        if what in {"seen", "tried"} and page and not page.endswith(f"{own}{form}"):
            counts = found.setdefault((form, page), {"seen": 0, "tried": 0})
            counts[what] += count
    return found


def _seen_page(
    form: str, page: str, noticed: Sequence[Noticed], views: Mapping[tuple[str, str], Mapping[str, int]]
) -> SeenPage:
    counts = views.get((form, page), {"seen": 0, "tried": 0})
    findings = doctor.findings(noticed, _heights(form))
    if counts["seen"] >= doctor.VIEWS_WITHOUT_TRY and not counts["tried"]:
        findings = [Finding(doctor.NO_TRIES, counts["seen"], counts["seen"], 0.0), *findings]
    way = doctor.way_of(noticed) if noticed else sentence("Not known yet")
    last = max((each.last for each in noticed), default=None)
    around = next((each.facts.top for each in noticed if each.facts.top), "")
    return SeenPage(form, page, way, counts["seen"], counts["tried"], last, findings, around)


def _heights(name: str) -> Mapping[str, int]:
    form = current_site().office.catalog.all().get(name)
    if not isinstance(form, Form):
        return {}
    return {"script": reserved(form).tallest, "iframe": reserved(form, at_first=False).tallest}
