"""The users of the console, and the list of what everybody changed."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any, cast

from flask import Response, flash, make_response, redirect, render_template, request, url_for

from leadferry import users
from leadferry.languages import Sentence, sentence
from leadferry.store import Store
from leadferry.users import ROLE_LABELS, ROLES, UserError
from leadferry.web.console.base import STATE_LABELS, console, note, requires
from leadferry.web.console.language import _, told
from leadferry.web.console.leads import BATCH
from leadferry.web.site import current_site

PER_PAGE = 50

DETAILS: Mapping[str, Sentence] = {
    # what is noted beside a change, by its name in the store
    "role": sentence("role"),
    "fields": sentence("fields"),
    "leads": sentence("leads"),
    "lead": sentence("lead"),
    "version": sentence("version"),
    "revision": sentence("revision"),
    "from": sentence("from"),
    "form": sentence("form"),
    "state": sentence("state"),
    "vendor": sentence("vendor"),
    "page": sentence("page"),
    "campaign": sentence("campaign"),
    "since": sentence("since"),
    "until": sentence("until"),
    "tests": sentence("tests"),
}
VALUES: Mapping[str, Mapping[str, Sentence]] = {
    "role": ROLE_LABELS,
    "state": STATE_LABELS,
    "from": {"template": sentence("template"), "html": sentence("html"), "copy": sentence("copy")},
}


@console.get("/users")
@requires("operator")
def people() -> str:
    return _people()


def _people(**more: str) -> str:
    return render_template(
        "console/people.html",
        people=users.everyone(current_site().office.store),
        roles=ROLES,
        role_choices=[(role, told(ROLE_LABELS[role])) for role in ROLES],
        **more,
    )


@console.post("/users")
@requires("operator")
def people_invite() -> Response:
    """Shows a link with which the new user chooses a password: nobody but them ever knows it."""
    name, role = " ".join(request.form.get("name", "").split()), request.form.get("role", "")
    store = current_site().office.store
    if not users.is_name(name) or role not in ROLES:
        return make_response(_people(error=_("Write a name, and choose what the person may do."), name=name), 422)
    if users.find_by_name(store, name):
        return make_response(_people(error=_("There is a user called {name} already.", name=name), name=name), 422)
    token = users.invite(store, role, name)
    note(sentence("user invited"), name, {"role": role})
    return make_response(_people(link=_link(token), invited=name))


@console.post("/users/<name>/role")
@requires("operator")
def people_role(name: str) -> Response:
    role = request.form.get("role", "")
    done = sentence("{name}: role set.")
    return _done(lambda store: users.set_role(store, name, role), sentence("user role set"), done, name, {"role": role})


@console.post("/users/<name>/disable")
@requires("operator")
def people_disable(name: str) -> Response:
    return _done(
        lambda store: users.disable(store, name), sentence("user switched off"), sentence("{name}: switched off."), name
    )


@console.post("/users/<name>/enable")
@requires("operator")
def people_enable(name: str) -> Response:
    return _done(
        lambda store: users.enable(store, name), sentence("user switched on"), sentence("{name}: switched on."), name
    )


@console.post("/users/<name>/sign-out")
@requires("operator")
def people_sign_out(name: str) -> Response:
    return _done(
        lambda store: users.sign_out_everywhere(store, name),
        sentence("user signed out everywhere"),
        sentence("{name}: signed out everywhere."),
        name,
    )


@console.post("/users/<name>/password")
@requires("operator")
def people_password(name: str) -> Response:
    """Shows a link with which the user chooses a new password."""
    store = current_site().office.store
    found = users.find_by_name(store, name)
    if found is None:
        return make_response(_people(error=_("There is no user called {name}.", name=name)), 404)
    token = users.invite(store, found.role, found.name)
    note(sentence("password link made"), found.name)
    return make_response(_people(link=_link(token), invited=found.name))


def _done(
    change: Callable[[Store], None],
    action: Sentence,
    done: Sentence,
    name: str,
    details: Mapping[str, str] | None = None,
) -> Response:
    try:
        change(current_site().office.store)
    except UserError as error:
        return make_response(_people(error=told(error.sentence)), 422)
    note(action, name, details)
    flash(told(done.of(name=name)))
    return cast(Response, redirect(url_for("console.people"), 303))


def _link(token: str) -> str:
    return users.link(token, current_site().public_url())


@console.get("/audit")
@requires("operator")
def audit() -> str:
    before = request.args.get("before", type=int)
    found = users.deeds(current_site().office.store, PER_PAGE + 1, before)
    older = found[PER_PAGE - 1].id if len(found) > PER_PAGE else None
    return render_template(
        "console/audit.html",
        deeds=found[:PER_PAGE],
        older=older,
        before=before,
        batch_of=_batch_of,
        detail=_detail,
    )


def _batch_of(object_: str) -> int | None:
    """The number of a batch of leads, if the object is one."""
    number = object_.removeprefix(BATCH)
    return int(number) if number != object_ and number.isdecimal() else None


def _detail(name: str, value: Any) -> str:
    return _("{name}: {value}", name=told(DETAILS.get(name, name)), value=_value(name, value))


def _value(name: str, value: Any) -> str:
    if isinstance(value, list):
        return ", ".join(str(each) for each in value)
    return str(told(VALUES.get(name, {}).get(str(value), value)))
