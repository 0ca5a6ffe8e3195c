"""The first page: is every lead accounted for, what needs a person now, how the forms do."""

from __future__ import annotations

import time
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from typing import Any

from flask import render_template

from leadferry import leads, numbers, troubles
from leadferry.alerts import HISTORY_DAYS, silent_hours
from leadferry.catalog import Broken
from leadferry.forms import Form
from leadferry.troubles import Trouble
from leadferry.web.console import words
from leadferry.web.console.base import STATE_COUNTS, console, requires
from leadferry.web.console.charts import duration, per_cent, sparkline
from leadferry.web.console.counting import counted, fresh
from leadferry.web.console.language import _, listed, ngettext, told
from leadferry.web.console.pages import seen_pages
from leadferry.web.console.pieces import bold
from leadferry.web.site import current_site

WEEK_HOURS = 7 * 24


@dataclass(frozen=True)
class Need:
    """Something that needs a person. ``tone`` is bad, warn or info; ``trouble`` is what sending again may mend."""

    tone: str
    title: str
    text: str
    href: str | None = None
    action: str = ""
    trouble: Trouble | None = None


@dataclass(frozen=True)
class FormWeek:
    """One form at a glance: leads of the last seven days and of the seven before."""

    name: str
    title: str
    this_week: int
    last_week: int
    points: str
    by_day: Sequence[int]
    silent: int
    broken: bool


@console.get("/overview")
@requires("viewer")
def overview() -> str:
    store = current_site().office.store
    balance = counted("balance", lambda: leads.balance(store))
    forms = _forms(fresh("hours", lambda: numbers.by_hour(store, HISTORY_DAYS * 24)))
    return render_template(
        "console/overview.html",
        balance=balance,
        is_empty=balance is not None and not balance["received"],
        needs=_needs(balance, forms),
        forms=forms,
        figures=_figures(forms),
        counted_state=_counted_state,
        link=words.place,
    )


def _counted_state(state: str, count: int) -> str:
    """So many leads that stand so, the number set off."""
    words = STATE_COUNTS[state]
    return ngettext(words.one, words.many, count, count=bold(f"{count:,}"))


def _forms(hours: Mapping[str, Sequence[int]]) -> list[FormWeek]:
    """The ones with the most leads first."""
    found = current_site().office.catalog.all()
    weeks = [_form_week(name, form, hours.get(name, [0] * HISTORY_DAYS * 24)) for name, form in found.items()]
    return sorted(weeks, key=lambda each: (-each.this_week, -each.last_week, each.name))


def _form_week(name: str, form: Form | Broken, hours: Sequence[int]) -> FormWeek:
    by_day = [sum(hours[start : start + 24]) for start in range(len(hours) - WEEK_HOURS, len(hours), 24)]
    return FormWeek(
        name=name,
        title=form.title if isinstance(form, Form) else name,
        this_week=sum(hours[-WEEK_HOURS:]),
        last_week=sum(hours[-2 * WEEK_HOURS : -WEEK_HOURS]),
        points=sparkline(by_day),
        by_day=by_day,
        silent=silent_hours(hours),
        broken=isinstance(form, Broken),
    )


def _figures(forms: Sequence[FormWeek]) -> list[tuple[str, str, str]]:
    """Label, figure, and what it means."""
    store = current_site().office.store
    week = _week(numbers.period(store, 7))
    seconds = sorted(each.seconds for each in numbers.timed(store, time.time() - 7 * numbers.DAY))
    before = sum(each.last_week for each in forms)
    return [
        (
            _("Leads"),
            f"{sum(each.this_week for each in forms):,}",
            ngettext("{count} in the seven days before", "{count} in the seven days before", before),
        ),
        (_("Views"), f"{week.seen:,}", _("of the forms’ pages, by people")),
        (_("Conversion"), per_cent(week.rate), _("leads for each view")),
        (
            _("Seconds to the CRM"),
            duration(numbers.percentile(seconds, 0.5)) if seconds else "–",
            _("half of the leads are there by then"),
        ),
    ]


def _week(when: numbers.Period) -> numbers.Funnel:
    store, found = current_site().office.store, numbers.Funnel()
    for key, count in numbers.visits(store, when):
        found.add_visits(key[-1], count)
    for each in numbers.received(store, when):
        found.add_leads(each.state, each.leads)
    return found


# --- what needs a person ---


def _needs(balance: Mapping[str, Any] | None, forms: Sequence[FormWeek]) -> list[Need]:
    """The worst first."""
    found = [*_unbalanced(balance), *map(_need, troubles.find(current_site().office)), *_silent(forms), *_ill_pages()]
    return sorted(found, key=lambda each: ("bad", "warn", "info").index(each.tone))


def _unbalanced(balance: Mapping[str, Any] | None) -> Iterator[Need]:
    if balance and not balance["balanced"]:
        yield Need(
            "bad",
            _("Leads are missing from the balance."),
            _("What was received is not what stands in the states. Keep the database as it is, and report this."),
        )


def _need(trouble: Trouble) -> Need:
    happened, text = told(trouble.happened), told(trouble.todo)
    if trouble.says:
        text = _("{todo} It says: {words}", todo=text, words=_(trouble.says))
    if not trouble.state:
        return Need(trouble.tone, happened, text, words.place("forms"), _("To the forms"))
    href = words.place("leads", form=trouble.form, state=trouble.state)
    action = ngettext("See the lead", "See the {count} leads", trouble.leads)
    names_it = trouble.form in trouble.happened
    title = happened if names_it else _("{form}: {happened}", form=trouble.form, happened=happened)
    return Need(trouble.tone, title, text, href, action, trouble)


def _ill_pages() -> Iterator[Need]:
    found = [each.page or _("a page that is not known") for each in seen_pages() if each.tone == "bad"]
    if found:
        title = ngettext("{count} page needs mending.", "{count} pages need mending.", len(found))
        text = listed(found[:3])
        if len(found) > 3:
            text = ngettext("{pages} and {count} more", "{pages} and {count} more", len(found) - 3, pages=text)
        yield Need("warn", title, text, words.place("pages"), _("See what was found"))


def _silent(forms: Sequence[FormWeek]) -> Iterator[Need]:
    for each in forms:
        if each.silent:
            yield Need(
                "warn",
                ngettext(
                    "{form}: no lead for {count} hour.",
                    "{form}: no lead for {count} hours.",
                    each.silent,
                    form=each.name,
                ),
                _("At this time of the week it usually gets some. Open its page and send a test."),
                words.place("pages"),
                _("See its pages"),
            )
