"""Forms: the list, one form, a new one, its versions, and what makes a draft live."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, cast

from flask import Response, abort, flash, make_response, redirect, render_template, request, url_for

from leadferry import drafting, form_templates, numbers
from leadferry.alerts import HISTORY_DAYS
from leadferry.catalog import Broken
from leadferry.comparison import compare, masked
from leadferry.controls import blank_account
from leadferry.drafting import Conflict, Draft, NotRight, Outdated
from leadferry.folder import is_form_name
from leadferry.form_file import Problem
from leadferry.form_file.editing import CannotEdit, as_data
from leadferry.forms import Form
from leadferry.languages import Sentence, sentence
from leadferry.rehearsal import rehearse
from leadferry.store import PublishedForm
from leadferry.web.console.base import console, note, requires, show_frames_of_own, this_user
from leadferry.web.console.charts import sparkline
from leadferry.web.console.counting import fresh
from leadferry.web.console.language import _, ngettext
from leadferry.web.site import current_site

WEEK = 7
DRAFT = "draft"
"""Stands for the draft where a version is asked for."""

LONGEST_NOTES = 1500
"""Characters of what is told of an import."""


# how a form stands, in words, and the tone of its mark
ARCHIVED = (sentence("Archived"), "plain")
UNPUBLISHED = (sentence("Not published yet"), "info")
DRAFTED = (sentence("Draft waiting"), "info")
BROKEN = (sentence("Broken"), "bad")
LIVE = (sentence("Live"), "good")


@dataclass(frozen=True)
class Desk:
    """One form as it lies before somebody: what is live, what is drafted, and what is wrong with that.

    ``drawn`` is the draft as a form, None while it has mistakes.
    """

    name: str
    live: Form | Broken | None
    newest: PublishedForm | None
    draft: Draft
    drawn: Form | None
    problems: tuple[Problem, ...]

    @property
    def mistakes(self) -> list[Problem]:
        return [each for each in self.problems if not each.warning]

    @property
    def warnings(self) -> list[Problem]:
        return [each for each in self.problems if each.warning]

    @property
    def title(self) -> str:
        for form in (self.drawn, self.live):
            if isinstance(form, Form):
                return form.title
        return self.name

    @property
    def text(self) -> str:
        """The draft's, with a mark for each credential that stands in it."""
        return masked(self.draft.content, current_site().office.adapters)

    @property
    def is_archived(self) -> bool:
        return self.newest is not None and self.newest.is_archived

    @property
    def has_changes(self) -> bool:
        """Whether publishing the draft would change what is served."""
        return self.newest is None or self.draft.content != self.newest.content

    @property
    def is_broken(self) -> bool:
        return isinstance(self.live, Broken)

    @property
    def is_live(self) -> bool:
        """Whether visitors are served it."""
        return isinstance(self.live, Form) and not self.is_archived

    @property
    def state(self) -> tuple[Sentence, str]:
        """In words, and the tone of its mark."""
        if self.is_archived:
            return ARCHIVED
        if self.live is None:
            return UNPUBLISHED
        return BROKEN if self.is_broken else LIVE


def desk(name: str, draft: Draft | None = None) -> Desk:
    """Answers 404 where there is no such form."""
    office = current_site().office
    live = office.catalog.get(name) if is_form_name(name) else None
    found = draft or (drafting.current(office.store, office.catalog, name) if is_form_name(name) else None)
    if found is None:
        abort(404)
    drawn, problems = office.catalog.check(name, found.content)
    return Desk(name, live, office.catalog.newest(name), found, drawn, tuple(problems))


def person() -> str:
    return this_user().name


# --- the list ---


@dataclass(frozen=True)
class Row:
    """A line of the list."""

    name: str
    title: str
    states: tuple[tuple[Sentence, str], ...]
    problem: str
    draft: Draft | None
    week: int
    by_day: Sequence[int]
    points: str


@console.get("/forms")
@requires("viewer")
def forms() -> str:
    office = current_site().office
    hours = fresh("hours", lambda: numbers.by_hour(office.store, HISTORY_DAYS * 24))
    drafts = drafting.waiting(office.store)
    live = office.catalog.all()
    rows = [_row(name, live.get(name), drafts.get(name), hours.get(name, ())) for name in live.keys() | drafts.keys()]
    archived = [each for each in office.store.newest_versions() if each.is_archived and each.form not in drafts]
    return render_template(
        "console/forms.html",
        rows=sorted(rows, key=lambda row: (-row.week, row.name)),
        archived=sorted(each.form for each in archived),
    )


def _row(name: str, live: Form | Broken | None, draft: Draft | None, hours: Sequence[int]) -> Row:
    by_day = [sum(hours[start : start + 24]) for start in range(len(hours) - WEEK * 24, len(hours), 24)] or [0] * WEEK
    states = []
    if isinstance(live, Broken):
        states.append(BROKEN)
    elif live is not None:
        states.append(LIVE)
    if draft:
        states.append(DRAFTED if live else UNPUBLISHED)
    return Row(
        name=name,
        title=live.title if isinstance(live, Form) else (draft and _title_of(draft)) or name,
        states=tuple(states),
        problem=_in_words(live.problems[0]) if isinstance(live, Broken) else "",
        draft=draft,
        week=sum(by_day),
        by_day=by_day,
        points=sparkline(by_day),
    )


def _title_of(draft: Draft) -> str:
    try:
        title = as_data(draft.content).get("title")
    except CannotEdit:
        return ""
    return title if isinstance(title, str) else ""


def _in_words(problem: Problem) -> str:
    return _("Line {line}: {key}: {problem}", line=problem.line, key=problem.key, problem=problem.message)


# --- one form ---


@console.get("/forms/<name>")
@requires("viewer")
def form_show(name: str) -> str:
    show_frames_of_own()
    found = desk(name)
    history = current_site().office.store.publications(name, limit=5)
    adapters = current_site().office.adapters
    return render_template(
        "console/forms_show.html",
        desk=found,
        history=history,
        vendor_label=lambda name: adapters[name].label,
        tab="show",
    )


# --- a new one ---


@console.get("/forms/new")
@requires("editor")
def form_new() -> str:
    return _new_page()


def _new_page(**more: Any) -> str:
    return render_template(
        "console/forms_new.html",
        templates=form_templates.templates(),
        forms=_copyable(),
        accounts=_account_choices(),
        typed={"begin": request.args.get("begin", "template"), "copy": request.args.get("copy", ""), **request.form},
        **more,
    )


def _copyable() -> list[tuple[str, str]]:
    live = current_site().office.catalog.all()
    return [
        (name, _("{title} ({name})", title=form.title, name=name))
        for name, form in live.items()
        if isinstance(form, Form)
    ]


def account_at(vendor: str) -> Mapping[str, Any] | None:
    """The vendor block of a live form that sends there already."""
    live = current_site().office.catalog.all().values()
    return next((_block(form) for form in live if isinstance(form, Form) and form.vendor.adapter == vendor), None)


def _block(form: Form) -> Mapping[str, Any]:
    stored = current_site().office.store.find_version(form.name, form.version)
    block = as_data(stored.content).get("vendor") if stored else None
    return block if isinstance(block, dict) else {"name": form.vendor.adapter}


def _account_choices() -> list[tuple[str, str]]:
    office = current_site().office
    live = [form for form in office.catalog.all().values() if isinstance(form, Form)]
    same = [
        (f"form:{each.name}", _("As “{form}” does: {vendor}", form=each.name, vendor=_label(each))) for each in live
    ]
    return [
        *same,
        *(
            (f"vendor:{name}", _("{vendor}, a new account", vendor=each.label))
            for name, each in office.adapters.items()
        ),
    ]


def _label(form: Form) -> str:
    return current_site().office.adapters[form.vendor.adapter].label


def _account(choice: str) -> Mapping[str, Any]:
    kind, _colon, name = choice.partition(":")
    office = current_site().office
    form = office.catalog.get(name) if kind == "form" else None
    if isinstance(form, Form):
        return {key: value for key, value in _block(form).items() if key != "fields"}
    return blank_account(office.adapters.get(name) or next(iter(office.adapters.values())))


@console.post("/forms/new")
@requires("editor")
def form_new_post() -> Response:
    name = request.form.get("name", "").strip().lower()
    problem = _problem_with_name(name)
    try:
        text, notes = _beginning(request.form.get("begin", "template"))
    except ValueError as error:
        return make_response(_new_page(error=str(error), errors={}), 422)
    if problem:
        return make_response(_new_page(error="", errors={"name": problem}), 422)
    office = current_site().office
    drafting.save(office.store, Draft(name, text, None, drafting.last_revision(office.store, name)), person())
    note(sentence("form drafted"), name, {"from": request.form.get("begin", "template")})
    _flash_some(notes)
    return cast(Response, redirect(url_for("console.form_change", name=name), 303))


def _flash_some(notes: Sequence[str]) -> None:
    """They travel in a cookie, which holds four kilobytes; all of them stand in the draft's comments too."""
    room = LONGEST_NOTES
    for each in notes:
        room -= len(each)
        if room < 0:
            flash(_("There is more to know: see the comments under YAML."))
            return
        flash(each)


def _problem_with_name(name: str) -> str:
    office = current_site().office
    if not is_form_name(name) or name == "new":
        return _("Use a to z, 0 to 9, - and _ only, as in spring-quote.")
    if office.catalog.get(name) is not None or drafting.find(office.store, name):
        return _("There is a form of this name already.")
    if office.catalog.newest(name):
        return _("An archived form has this name. Bring it back from its versions, or choose another name.")
    return ""


def _beginning(how: str) -> tuple[str, Sequence[str]]:
    office = current_site().office
    if how == "html":
        return _from_html(request.form.get("html", ""), request.form.get("html_account", ""))
    if how == "copy":
        newest = office.catalog.newest(request.form.get("copy", ""))
        if newest is None or newest.is_archived:
            raise ValueError(_("Choose the form to copy."))
        return form_templates.copied(newest.content), ()
    template = next((each for each in form_templates.templates() if each.name == request.form.get("template")), None)
    if template is None:
        raise ValueError(_("Choose a template."))
    return form_templates.with_account(template.text, _account(request.form.get("account", ""))), ()


def _from_html(html: str, account: str) -> tuple[str, Sequence[str]]:
    (found, *others) = form_templates.from_html(html, current_site().office.adapters)
    name = request.form.get("name", "").strip().lower()
    notes = [each.replace(f"/f/{found.name}", f"/f/{name}") for each in found.notes]
    if others:
        notes.insert(0, _forms_found(len(others) + 1))
    text = "".join(f"# {each}\n" for each in notes) + found.yaml
    return form_templates.with_account(text, _account(account)) if account else text, notes


def _forms_found(count: int) -> str:
    return ngettext(
        "The HTML has {count} form; this is the first.", "The HTML has {count} forms; this is the first.", count
    )


# --- publishing ---


@console.get("/forms/<name>/publish")
@requires("editor")
def form_publish(name: str) -> str:
    return _publish_page(desk(name), rehearsed="rehearsed" in request.args)


def _publish_page(found: Desk, *, rehearsed: bool = False, outdated: PublishedForm | None = None) -> str:
    office = current_site().office
    before = found.newest.content if found.newest else ""
    since = found.newest and (found.newest.version or None) != found.draft.base_version
    return render_template(
        "console/forms_publish.html",
        desk=found,
        tab="publish",
        comparison=compare(before, found.draft.content, office.adapters),
        rehearsal=_rehearsal(found) if rehearsed else None,
        can_rehearse=isinstance(found.live, Form) and found.drawn is not None,
        outdated=outdated or (found.newest if since else None),
    )


def _rehearsal(found: Desk) -> Any:
    if not isinstance(found.live, Form) or found.drawn is None:
        return None
    office = current_site().office
    return rehearse(office.store, office.adapters, found.live, found.drawn)


@console.get("/forms/<name>/rehearsal")
@requires("viewer")
def form_rehearsal(name: str) -> str:
    """A part of the page of publishing, fetched by its script."""
    return render_template("console/forms_rehearsal.html", rehearsal=_rehearsal(desk(name)))


@console.post("/forms/<name>/publish")
@requires("editor")
def form_publish_post(name: str) -> Response:
    office = current_site().office
    found = desk(name)
    draft = replace(found.draft, revision=_revision())
    if request.form.get("replace") and found.newest:
        draft = replace(draft, base_version=found.newest.version or None)
        if request.form["replace"] != found.newest.version:
            return make_response(_publish_page(found, outdated=found.newest), 409)
    try:
        published = drafting.publish(office.store, office.catalog, draft, person())
    except NotRight:
        return make_response(_publish_page(found), 422)
    except Outdated as error:
        return make_response(_publish_page(found, outdated=error.newest), 409)
    except Conflict as error:
        return conflict(found, error, mine=None)
    note(sentence("form published"), name, {"version": published.version})
    _say_published(published)
    return cast(Response, redirect(url_for("console.form_show", name=name), 303))


def _revision() -> int:
    text = request.form.get("revision", "")
    return int(text) if text.isdecimal() and len(text) < 10 else -1


def _say_published(published: drafting.Published) -> None:
    flash(_("Published. Every machine serves it within a second or two."))
    if not published.is_in_file:
        flash(
            _(
                "Its file in the folder of forms still says something else: the folder cannot be written, or somebody "
                "is working in the file."
            )
        )


def conflict(found: Desk, error: Conflict, mine: str | None) -> Response:
    """Told to the second of two; nothing was overwritten."""
    theirs = error.theirs.content if error.theirs else found.newest.content if found.newest else ""
    adapters = current_site().office.adapters
    page = render_template(
        "console/forms_conflict.html",
        desk=found,
        conflict=error,
        mine=masked(mine, adapters) if mine is not None else None,
        comparison=compare(theirs, mine, adapters) if mine is not None else None,
        now=drafting.current(current_site().office.store, current_site().office.catalog, found.name),
        tab="",
    )
    return make_response(page, 409)


@console.post("/forms/<name>/discard")
@requires("editor")
def form_discard(name: str) -> Response:
    office = current_site().office
    found = desk(name)
    if not found.draft.is_saved:
        return cast(Response, redirect(url_for("console.form_show", name=name), 303))
    try:
        drafting.discard(office.store, replace(found.draft, revision=_revision()), person())
    except Conflict as error:
        return conflict(found, error, mine=None)
    note(sentence("draft discarded"), name)
    flash(_("The draft is gone. What was published stays."))
    there = url_for("console.form_show", name=name) if found.newest else url_for("console.forms")
    return cast(Response, redirect(there, 303))


# --- versions ---


@console.get("/forms/<name>/versions")
@requires("viewer")
def form_versions(name: str) -> str:
    found = desk(name)
    history = current_site().office.store.publications(name)
    return render_template("console/forms_versions.html", desk=found, history=history, tab="versions")


@console.get("/forms/<name>/compare")
@requires("viewer")
def form_compare(name: str) -> str:
    found = desk(name)
    before, after = (_content(found, request.args.get(key, "")) for key in ("from", "to"))
    return render_template(
        "console/forms_compare.html",
        desk=found,
        before=request.args.get("from", ""),
        after=request.args.get("to", ""),
        name_of=lambda version: _("draft") if version == DRAFT else version,
        comparison=compare(before, after, current_site().office.adapters),
        tab="versions",
    )


def _content(found: Desk, version: str) -> str:
    """Of a version, or of the draft."""
    if version == DRAFT:
        return found.draft.content
    stored = current_site().office.store.find_version(found.name, version)
    if stored is None:
        abort(404)
    return stored.content


@console.post("/forms/<name>/versions/<version>/restore")
@requires("editor")
def form_restore(name: str, version: str) -> Response:
    office = current_site().office
    desk(name)
    try:
        published = drafting.restore(office.store, office.catalog, name, version, person())
    except LookupError:
        abort(404)
    except NotRight as error:
        flash(_("This version cannot be served any more. {problem}", problem=_in_words(error.problems[0])))
        return cast(Response, redirect(url_for("console.form_versions", name=name), 303))
    note(sentence("form version restored"), name, {"version": version})
    _say_published(published)
    return cast(Response, redirect(url_for("console.form_show", name=name), 303))


@console.post("/forms/<name>/archive")
@requires("editor")
def form_archive(name: str) -> Response:
    office = current_site().office
    desk(name)
    gone = drafting.archive(office.store, office.catalog, name, person())
    note(sentence("form archived"), name)
    flash(_("“{form}” is served no more. Its leads and its versions stay; bring it back from its versions.", form=name))
    if not gone:
        flash(_("Its file still stands in the folder of forms; a change to the file brings the form back."))
    return cast(Response, redirect(url_for("console.forms"), 303))
