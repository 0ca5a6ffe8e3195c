"""Visits and leads put together: how far visitors came, by form, page, campaign and day; and where they stopped."""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Collection, Iterable, Mapping
from dataclasses import dataclass, field

from leadferry.numbers import Counted, Funnel, Key, Period
from leadferry.visits import campaign_of, page_of


@dataclass
class Question:
    """What became of visitors at one question of a form."""

    touched: int = 0
    stopped: int = 0
    asked_again: int = 0


@dataclass
class Funnels:
    """``refused`` counts posts by error_code; ``questions`` are those of all forms that were asked for, by name."""

    total: Funnel = field(default_factory=Funnel)
    by_form: dict[str, Funnel] = field(default_factory=lambda: defaultdict(Funnel))
    by_page: dict[str, Funnel] = field(default_factory=lambda: defaultdict(Funnel))
    by_campaign: dict[str, Funnel] = field(default_factory=lambda: defaultdict(Funnel))
    by_day: dict[int, Funnel] = field(default_factory=lambda: defaultdict(Funnel))
    refused: Counter[str] = field(default_factory=Counter)
    questions: dict[str, Question] = field(default_factory=lambda: defaultdict(Question))

    def of(self, form: str, page: str, campaign: str, day: int) -> tuple[Funnel, ...]:
        return self.total, self.by_form[form], self.by_page[page], self.by_campaign[campaign], self.by_day[day]


def gather(
    when: Period, visits: Iterable[tuple[Key, int]], received: Iterable[Counted], measured: Collection[str] = ()
) -> Funnels:
    """``measured`` are the forms that tell how many visitors started: with nobody it is 0 there, elsewhere None."""
    found = Funnels()
    for day in when.days:
        found.by_day[day] = Funnel()
    for (day, form, page, campaign, what), count in visits:
        _add_visits(found, (day, form, page, campaign), what, count, form in measured)
    for each in received:
        campaign = campaign_of(_values(each))
        for funnel in found.of(each.form, page_of(each.address), campaign, each.day):
            funnel.add_leads(each.state, each.leads)
    if found.by_form.keys() - set(measured):  # of some forms it is not known, so neither of all together
        for funnel in (found.total, *found.by_page.values(), *found.by_campaign.values(), *found.by_day.values()):
            funnel.started = None
    return found


def _values(each: Counted) -> Mapping[str, str]:
    source, medium, name = each.utm
    return {"utm_source": source, "utm_medium": medium, "utm_campaign": name} | (
        {each.click: "1"} if each.click else {}
    )


def _add_visits(found: Funnels, where: tuple[int, str, str, str], what: str, count: int, is_measured: bool) -> None:
    day, form, page, campaign = where
    kind, _, name = what.partition(":")
    if kind == "refused":
        found.refused[name] += count
    elif kind == "touched":
        found.questions[name].touched += count
    elif kind == "stopped":
        found.questions[name].stopped += count
    elif kind == "asked again":
        found.questions[name].asked_again += count
    else:
        for funnel in found.of(form, page, campaign, day):
            funnel.add_visits(what, count)
            if is_measured:
                funnel.started = funnel.started or 0
