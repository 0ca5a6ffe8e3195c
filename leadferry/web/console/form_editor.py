"""The editor of a form: plain controls and YAML over one text, and the live preview beside them."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace
from typing import Any, cast

from flask import Response, abort, g, jsonify, make_response, redirect, render_template, request, url_for
from flask.blueprints import BlueprintSetupState

from leadferry import controls, drafting
from leadferry.comparison import unmasked
from leadferry.drafting import Conflict, Draft
from leadferry.fields import RESERVED, TYPES
from leadferry.form_file import Problem
from leadferry.form_file.editing import CannotEdit, as_data
from leadferry.form_file.form import THEME
from leadferry.form_file.tree import MAX_CHARACTERS
from leadferry.languages import Sentence, languages, sentence
from leadferry.vendors.base import Setting
from leadferry.web.answers import Client
from leadferry.web.console.base import be_framed_by_own, console, note, requires, show_frames_of_own
from leadferry.web.console.forms import Desk, account_at, conflict, desk, person
from leadferry.web.console.language import _, told
from leadferry.web.pages import form_page
from leadferry.web.site import current_site

KIND_LABELS: Mapping[str, Sentence] = {
    "text": sentence("Short text"),
    "textarea": sentence("Long text"),
    "email": sentence("E-mail"),
    "phone": sentence("Phone"),
    "number": sentence("Number"),
    "range": sentence("Range, such as 1 to 10"),
    "date": sentence("Date"),
    "dob": sentence("Date of birth"),
    "ssn": sentence("Social security number"),
    "gender": sentence("Gender"),
    "state": sentence("State"),
    "postal_code": sentence("Postal code"),
    "country": sentence("Country"),
    "url": sentence("Web address"),
    "select": sentence("One answer, from a list"),
    "radio": sentence("One answer, all in sight"),
    "checkboxes": sentence("Several answers"),
    "checkbox": sentence("A box to tick"),
    "consent": sentence("Consent, kept as shown"),
    "hidden": sentence("Hidden"),
    "file": sentence("File"),
}
NEW_FIELDS = (
    ("name:firstName", sentence("First name")),
    ("name:lastName", sentence("Last name")),
    ("name:email", sentence("E-mail")),
    ("name:phone", sentence("Phone")),
    ("name:address", sentence("Address")),
    ("name:city", sentence("City")),
    ("name:state", sentence("State")),
    ("name:zip", sentence("ZIP code")),
    ("name:compName", sentence("Company")),
    ("name:notes", sentence("Notes")),
)
LANGUAGE_LABELS: Mapping[str, Sentence] = {
    "en": sentence("English, written out"),
    "es": sentence("Spanish"),
    "fr": sentence("French"),
    "de": sentence("German"),
    "pt": sentence("Portuguese"),
    "ar": sentence("Arabic"),
}
THEME_LABELS: Mapping[str, Sentence] = {
    "accent": sentence("Accent"),
    "background": sentence("Background"),
    "text": sentence("Text"),
    "radius": sentence("Radius"),
    "font": sentence("Font"),
    "spacing": sentence("Spacing"),
    "max_width": sentence("Max width"),
}
PREVIEW_WORDS = sentence("This is a preview: nothing was sent, and nothing is kept.")


@dataclass(frozen=True)
class Card:
    """One question in the editor."""

    number: int
    name: str
    label: str
    kind: str
    kind_label: Sentence
    required: bool
    condition: str


# --- the controls ---


@console.get("/forms/<name>/change")
@requires("editor")
def form_change(name: str) -> str:
    return _change_page(desk(name))


def _change_page(found: Desk) -> str:
    show_frames_of_own()
    adapters = current_site().office.adapters
    try:
        data = as_data(found.draft.content)
    except CannotEdit:
        return render_template("console/forms_unreadable.html", desk=found, lines=lines_of(found), tab="change")
    block = data.get("vendor") if isinstance(data.get("vendor"), dict) else {}
    values = controls.shown(data, adapters)
    cards = [_card(i, each, found) for i, each in enumerate(controls.fields_of(data))]
    troubles = troubles_of(found.problems, values)
    return render_template(
        "console/forms_change.html",
        desk=found,
        tab="change",
        values=values,
        troubles=troubles,
        elsewhere=[each for each in found.problems if control_of(each, values) is None],
        place=lambda each: control_of(each, values),
        cards=cards,
        other_fields=lambda card: [(each.name, each.label) for each in cards if each.name != card.name],
        steps=controls.steps_of(data),
        step_choices=[
            (str(i), _("{number}. {title}", number=i + 1, title=_title(each)))
            for i, each in enumerate(controls.steps_of(data))
        ],
        kinds=[(kind, KIND_LABELS.get(kind, kind)) for kind in TYPES],
        new_kinds=[*NEW_FIELDS, *((kind, KIND_LABELS.get(kind, kind)) for kind in TYPES)],
        complex={i for i, each in enumerate(controls.fields_of(data)) if not controls.is_simple_condition(each)},
        vendors=[(name, each.label) for name, each in adapters.items()],
        settings=controls.settings_of(block or {}, adapters),
        kept_in_file=_kept_in_file(block or {}),
        pair=lambda words: [(word, word) for word in words],
        themes={key: theme[1].strip('"') for key, theme in THEME.items()},
        theme_labels=THEME_LABELS,
        setting_label=lambda setting: told(setting_label(setting)),
        languages=[(each, LANGUAGE_LABELS.get(each, each)) for each in languages()],
        open_card=request.args.get("open", ""),
    )


def _card(number: int, each: Mapping[str, Any], found: Desk) -> Card:
    name = each.get("name") if isinstance(each.get("name"), str) else ""
    spec = found.drawn.by_name.get(str(name)) if found.drawn else None
    written = each.get("type") if isinstance(each.get("type"), str) else ""
    kind = spec.kind if spec else str(written or RESERVED.get(str(name), "text"))
    label = each.get("label") if isinstance(each.get("label"), str) else ""
    shows = each.get("show_if")
    return Card(
        number=number,
        name=str(name),
        label=str(label or (spec.label if spec else name)),
        kind=kind,
        kind_label=KIND_LABELS.get(kind) or KIND_LABELS.get(RESERVED.get(str(name), ""), KIND_LABELS["text"]),
        required=str(each.get("required", "")).lower() in {"true", "yes", "on", "1"},
        condition=_("only if {questions} …", questions=", ".join(shows)) if isinstance(shows, dict) and shows else "",
    )


def setting_label(setting: Setting) -> Sentence:
    """The name of a vendor's key; `make translations` knows those of every vendor."""
    return Sentence(setting.name.replace("_", " ").capitalize())


def _title(step: Mapping[str, Any]) -> str:
    title = step.get("title")
    return title if isinstance(title, str) else ""


def _kept_in_file(block: Mapping[str, Any]) -> list[Setting]:
    """Credentials that stand in the file itself, and settings that no control holds."""
    adapter = current_site().office.adapters.get(str(block.get("name")))
    return [
        each
        for each in (adapter.settings if adapter else ())
        if each.name in block
        and (each.kind in {"map", "list"} or (each.secret and "${" not in str(block.get(each.name))))
    ]


def control_of(problem: Problem, values: Mapping[str, str]) -> str | None:
    control = controls.control_of(problem.key)
    if control in values:
        return control
    whole = re.match(r"field:\d+", control)
    return f"{whole[0]}:name" if whole and f"{whole[0]}:name" in values else None


def troubles_of(problems: tuple[Problem, ...], values: Mapping[str, str]) -> dict[str, list[Problem]]:
    """By control."""
    found: dict[str, list[Problem]] = {}
    for each in problems:
        control = control_of(each, values)
        if control:
            found.setdefault(control, []).append(each)
    return found


@console.post("/forms/<name>/change")
@requires("editor")
def form_change_post(name: str) -> Response:
    """All controls at once, then what the button asks for. Without scripts each button is a post of its own."""
    adapters = current_site().office.adapters
    before = _posted_draft(name)
    typed = {key: values[-1] for key, values in request.form.lists() if ":" in key}
    try:
        text = controls.applied(before.content, typed, adapters, account_at)
        text, place = _pressed(text, request.form.get("do", "save"))
    except CannotEdit:
        return _to(name, "change")
    except (IndexError, ValueError):
        abort(400)
    return _saved(replace(before, content=text), "change", place)


def _posted_draft(name: str) -> Draft:
    """The draft as the page that posts has seen it."""
    revision, text = request.form.get("revision", ""), request.form.get("text", "")
    if not revision.isdecimal() or len(revision) > 9 or len(text) > MAX_CHARACTERS:
        abort(400)
    found = desk(name)
    whole = unmasked(text.replace("\r\n", "\n"), found.draft.content, current_site().office.adapters)
    return Draft(name, whole, request.form.get("base") or None, int(revision))


def _pressed(text: str, button: str) -> tuple[str, str]:
    """The text after a button's change, and the question to show next."""
    what, _colon, rest = button.partition(":")
    number = int(rest) if rest.isdecimal() else 0
    if what == "add":
        text, place = controls.with_new_field(
            text, request.form.get("new_kind", "text"), " ".join(request.form.get("new_label", "").split())[:200]
        )
        return text, str(place)
    if what == "remove":
        return controls.without_field(text, number), ""
    if what in {"up", "down"}:
        text, place = controls.with_field_moved(text, number, -1 if what == "up" else 1)
        return text, str(place)
    if what == "add_step":
        return controls.with_new_step(text), ""
    if what == "remove_step":
        return controls.without_step(text, number), ""
    return text, ""


def _saved(draft: Draft, tab: str, place: str = "") -> Response:
    """Saves what differs from what was seen; a page that changed nothing makes no draft."""
    office = current_site().office
    now = drafting.current(office.store, office.catalog, draft.form)
    if now is not None and (now.revision, now.content, now.base_version) == (
        draft.revision,
        draft.content,
        draft.base_version,
    ):
        return _to(draft.form, tab, place)
    others = drafting.find(office.store, draft.form)
    try:
        drafting.save(office.store, draft, person())
    except Conflict as error:
        if error.theirs is not None and error.theirs.content == draft.content:
            return _to(draft.form, tab, place)
        return conflict(desk(draft.form), error, mine=draft.content)
    if others is None or others.updated_by != person():  # not at each letter that somebody types
        note(sentence("draft changed"), draft.form, {"revision": draft.revision + 1})
    return _to(draft.form, tab, place)


def _to(name: str, tab: str, place: str = "") -> Response:
    there = url_for(f"console.form_{tab}", name=name)
    return cast(Response, redirect(f"{there}?open={place}#field-{place}" if place else there, 303))


# --- the text ---


@console.get("/forms/<name>/yaml")
@requires("editor")
def form_yaml(name: str) -> str:
    show_frames_of_own()
    found = desk(name)
    return render_template("console/forms_yaml.html", desk=found, lines=lines_of(found), tab="yaml")


def lines_of(found: Desk) -> list[tuple[Problem, str]]:
    """Each problem with the line that it stands at."""
    lines = found.text.split("\n")
    return [(each, lines[each.line - 1] if each.line <= len(lines) else "") for each in found.problems]


@console.post("/forms/<name>/yaml")
@requires("editor")
def form_yaml_post(name: str) -> Response:
    """Any text may be a draft, one with mistakes too."""
    before = _posted_draft(name)
    return _saved(before, "yaml")


# --- the preview ---


@console.get("/forms/<name>/preview")
@requires("viewer")
def form_preview(name: str) -> Response:
    """The draft as visitors would see it, in a frame of the editor."""
    be_framed_by_own()
    found = desk(name)
    if found.drawn is None:
        return make_response(render_template("console/forms_no_preview.html", desk=found))
    g.framable = form = replace(found.drawn, framing="origins", origins=(), measure="posts")  # nobody's visit
    return make_response(form_page(form, action=url_for("form_tried", name=name)))


def tried(name: str) -> Response:  # noqa: ARG001  # one answer for all
    """Where a preview posts to: takes nothing, keeps nothing, and is the same for everybody."""
    be_framed_by_own()
    if Client.of(request).browser:
        return make_response(render_template("console/forms_tried.html", words=PREVIEW_WORDS))
    words = told(PREVIEW_WORDS)
    error = {"field": None, "code": "preview", "message": words}
    answer = jsonify({"Message": "Error", "error_code": "preview", "msg": words, "errors": [error]})
    answer.headers["Access-Control-Allow-Origin"] = "*"  # the preview's sandbox makes it an origin of its own
    return answer


@console.record
def _add_tried(state: BlueprintSetupState) -> None:
    """Outside the console's door: a form's page sends neither session nor token along, and this needs neither."""
    state.app.add_url_rule("/console/forms/<name>/tried", "form_tried", tried, methods=["POST"])
