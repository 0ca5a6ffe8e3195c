"""The numbers that people act on: how far visitors come, how fast leads arrive, what is refused and what is lost."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from flask import render_template, request

from leadferry import numbers, troubles
from leadferry.forms import Form
from leadferry.funnels import Funnels, Question, gather
from leadferry.languages import Sentence, plural, sentence
from leadferry.numbers import DAY, Damage, Funnel, Period, Timed
from leadferry.troubles import Trouble
from leadferry.web.console import words
from leadferry.web.console.base import console, requires
from leadferry.web.console.charts import Chart, Series, duration, per_cent
from leadferry.web.console.language import _, ngettext, told
from leadferry.web.site import current_site

PERIODS = (7, 28, 90)
MOST_ROWS = 25
SLOWEST = 5
ENDED = {"rejected", "held", "dead"}

REFUSED_POSTS: Mapping[str, Sentence] = {
    # what a visitor was told, for who looks after the form
    "ct101": sentence("The post named no form, or the vendor refused our credentials."),
    "ct102": sentence("No name was given."),
    "ct103": sentence("The vendor has this lead already."),
    "lf201": sentence("A value could not be accepted; a form’s own numbers show at which question."),
    "lf202": sentence("A required question was left empty."),
    "lf203": sentence("The post was too large."),
    "lf204": sentence("The vendor refused the lead."),
    "lf301": sentence("Too many posts came from one address."),
    "lf501": sentence("The lead could not be stored just then; the visitor was asked to try again."),
}


@dataclass(frozen=True)
class Speed:
    """Of one vendor's leads: how many, and by how many seconds half of them, and 95 %, had arrived."""

    vendor: str
    leads: int
    half: str
    most: str


@console.get("/numbers", endpoint="numbers")
@requires("viewer")
def numbers_page() -> str:
    store = current_site().office.store
    form = _chosen_form()
    days = request.args.get("days", type=int)
    asked = days if days in PERIODS else PERIODS[1]
    when = numbers.period(store, asked)
    name = form.name if form else None
    found = gather(when, numbers.visits(store, when, name), numbers.received(store, when, name), _measured(form))
    timed = numbers.timed(store, when.first * DAY, name)
    return render_template(
        "console/numbers.html",
        form=form,
        forms=sorted(_forms()),
        when=when,
        days=len(when.days),
        asked=asked,
        periods=PERIODS,
        found=found,
        has_any=bool(found.total.seen or found.total.stored or found.total.tried),
        steps=_steps(found.total),
        charts=_charts(found, when),
        tables=_tables(found, whole=form is None),
        questions=_questions(form, found) if form else [],
        refused=_refused_posts(found),
        speeds=_speeds(timed),
        slowest=sorted(timed, key=lambda each: -each.seconds)[:SLOWEST],
        troubles=_troubles(when, form),
        damages=_damages([form] if form else list(_forms().values())),
        link=words.place,
        per_cent=per_cent,
        duration=duration,
    )


def _forms() -> dict[str, Form]:
    return {name: form for name, form in current_site().office.catalog.all().items() if isinstance(form, Form)}


def _chosen_form() -> Form | None:
    return _forms().get(request.args.get("form", ""))


def _measured(form: Form | None) -> list[str]:
    """The forms in question that tell how many visitors started."""
    return [each.name for each in ([form] if form else _forms().values()) if each.measure == "progress"]


# --- the funnel ---


def _steps(funnel: Funnel) -> list[tuple[str, int | None, float, str]]:
    """Label, count, its share of the largest, and what it means."""
    most = max(funnel.seen, funnel.tried, funnel.stored, 1)
    stored = _("leads, {share} of the views", share=per_cent(funnel.rate)) if funnel.rate else _("leads")
    steps = (
        (_("Seen"), funnel.seen, _("pages with the form, opened by people")),
        (_("Started"), funnel.started, _("a question was touched")),
        (_("Tried"), funnel.tried, _("sent, with or without mistakes")),
        (_("Stored"), funnel.stored, stored),
        (_("Delivered"), funnel.delivered, _("the vendor has them")),
    )
    return [(label, count, (count or 0) / most, means) for label, count, means in steps]


def _charts(found: Funnels, when: Period) -> list[Chart]:
    days = list(when.days)
    each_day = [found.by_day[day] for day in days]
    total = found.total
    return [
        Chart(
            _("Leads and views by day"),
            _says(total, len(days)),
            days,
            [
                Series(_("Leads"), "bars", [each.stored for each in each_day]),
                Series(_("Views"), "line", [each.seen for each in each_day]),
            ],
        ),
        Chart(
            _("Conversion by day"),
            _("{share} of the views became a lead, over all these days.", share=per_cent(total.rate)),
            days,
            [Series(_("Conversion"), "rate", [each.rate for each in each_day])],
        ),
    ]


def _says(total: Funnel, days: int) -> str:
    leads = ngettext("{count} lead", "{count} leads", total.stored)
    views = ngettext("{count} view", "{count} views", total.seen)
    return ngettext(
        "{leads} and {views} in {count} day.", "{leads} and {views} in {count} days.", days, leads=leads, views=views
    )


def _tables(found: Funnels, *, whole: bool) -> list[tuple[str, str, str, list[tuple[str, Funnel]]]]:
    """Title, head of the first column, the name of what has none, and the rows with the most leads first."""
    return [
        *([(_("By form"), _("Form"), "–", _ranked(found.by_form))] if whole else []),
        (_("By page"), _("Page"), _("Not known"), _ranked(found.by_page)),
        (_("By campaign"), _("Campaign"), _("No campaign"), _ranked(found.by_campaign)),
    ]


def _ranked(funnels: Mapping[str, Funnel]) -> list[tuple[str, Funnel]]:
    rows = sorted(funnels.items(), key=lambda each: (-each[1].stored, -each[1].seen, each[0]))
    return rows[:MOST_ROWS]


def _questions(form: Form, found: Funnels) -> list[tuple[str, str, Question]]:
    """Name and label of each question in the page's order, with what became of visitors there."""
    shown = (each for each in form.fields if each.kind != "hidden")
    return [(each.name, each.label, found.questions.get(each.name, Question())) for each in shown]


def _refused_posts(found: Funnels) -> list[tuple[str, str, int]]:
    unheard_of = REFUSED_POSTS["lf204"]  # a code of the vendor's own
    return [(code, told(REFUSED_POSTS.get(code, unheard_of)), count) for code, count in found.refused.most_common()]


# --- leads ---


def _speeds(timed: Sequence[Timed]) -> list[Speed]:
    by_vendor: dict[str, list[float]] = {}
    for each in timed:
        by_vendor.setdefault(each.vendor, []).append(each.seconds)
    return [_speed(vendor, sorted(seconds)) for vendor, seconds in sorted(by_vendor.items())]


def _speed(vendor: str, seconds: Sequence[float]) -> Speed:
    half, most = (duration(numbers.percentile(seconds, share)) for share in (0.5, 0.95))
    return Speed(words.label_of(vendor), len(seconds), half, most)


def _troubles(when: Period, form: Form | None) -> list[Trouble]:
    """What did not arrive, by reason, the most leads first."""
    found = troubles.find(current_site().office, len(when.days))
    ended = (each for each in found if each.state in ENDED and (form is None or each.form == form.name))
    return sorted(ended, key=lambda each: -each.leads)[:MOST_ROWS]


def _damages(forms: Sequence[Form]) -> list[tuple[Damage, str, str]]:
    """Fields that cleaning changed often, each with a sentence and what to do."""
    store = current_site().office.store
    found = [(form, each) for form in forms for each in numbers.damaged(store, form.name)]
    ranked = sorted(found, key=lambda pair: -pair[1].hurt)
    return [(each, _what_was_done(each), _mend(form, each)) for form, each in ranked[:MOST_ROWS]]


WHAT_WAS_DONE: Mapping[str, Sentence] = {
    "cut": plural(
        "was cut, the longest from {longest} characters, in {hurt} of {count} lead",
        "was cut, the longest from {longest} characters, in {hurt} of {count} leads",
    ),
    "raw_cut": plural(
        "was cut, the longest from {longest} characters, in {hurt} of {count} lead",
        "was cut, the longest from {longest} characters, in {hurt} of {count} leads",
    ),
    "cut_for_vendor": plural(
        "was sent cut, the longest from {longest} characters, in {hurt} of {count} lead",
        "was sent cut, the longest from {longest} characters, in {hurt} of {count} leads",
    ),
    "html": plural(
        "had HTML in it, which was taken out, in {hurt} of {count} lead",
        "had HTML in it, which was taken out, in {hurt} of {count} leads",
    ),
    "control_characters": plural(
        "had control characters in it, which were taken out, in {hurt} of {count} lead",
        "had control characters in it, which were taken out, in {hurt} of {count} leads",
    ),
    "invalid": plural(
        "could not be read as what it should be, and was dropped, in {hurt} of {count} lead",
        "could not be read as what it should be, and was dropped, in {hurt} of {count} leads",
    ),
}
OTHERWISE = plural(
    "was changed ({reason}) in {hurt} of {count} lead", "was changed ({reason}) in {hurt} of {count} leads"
)


def _what_was_done(each: Damage) -> str:
    words = WHAT_WAS_DONE.get(each.reason, OTHERWISE)
    return str(told(words.of(each.leads, longest=f"{each.longest:,}", hurt=each.hurt, reason=each.reason)))


def _mend(form: Form, each: Damage) -> str:
    spec = form.by_name.get(each.field)
    if each.reason in {"cut", "raw_cut"}:
        if spec is None and not form.knows(each.field):
            return _("Declare it as a field of the form, with a max_length that is long enough.")
        if spec:
            return _("Raise its max_length, now {characters}.", characters=spec.max_length)
        return _("Nothing to do: no more fits at its vendor.")
    if each.reason == "cut_for_vendor":
        return _(
            "Send it under a name of the vendor’s own that takes more, with send_as; the leads here keep all of it."
        )
    if each.reason == "invalid":
        return _("Look at the question’s type and its words: visitors answer something else.")
    return _("Nothing to do, unless the page’s own script puts it there.")
