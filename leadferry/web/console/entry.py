"""Getting in and out: the login, one-time links, one's own account."""

from __future__ import annotations

from typing import cast

from flask import Response, abort, flash, make_response, redirect, render_template, request, session, url_for
from flask_login import login_user, logout_user  # type: ignore[import-untyped]

from leadferry import users
from leadferry.languages import sentence
from leadferry.users import User, UserError
from leadferry.web.console.base import ANYBODY, SignedIn, console, door, note, own_path, places, requires, this_user
from leadferry.web.console.language import _, told
from leadferry.web.site import current_site

WRONG = sentence("That name and password do not go together.")


@console.get("/login")
@requires(ANYBODY)
def login() -> str:
    first = users.needs_first(current_site().office.store)
    return render_template("console/login.html", next=own_path(request.args.get("next")), first=first)


@console.post("/login")
@requires(ANYBODY)
def log_in() -> Response:
    name = request.form.get("name", "")
    if _too_many_tries(name):
        return _login_again(_("Too many tries. Wait ten minutes, then try again."), 429)
    user = users.log_in(current_site().office.store, name, request.form.get("password", ""))
    if user is None:
        return _login_again(told(WRONG), 422)
    _begin_session(user)
    return cast(Response, redirect(own_path(request.form.get("next")) or url_for("console.home"), 303))


def _too_many_tries(name: str) -> bool:
    tries = door().tries
    by_address = tries.hit(f"address {request.remote_addr}")
    return bool(tries.hit(f"name {' '.join(name.split()).casefold()}") or by_address)


def _login_again(error: str, status: int) -> Response:
    name, wanted = request.form.get("name", ""), own_path(request.form.get("next"))
    return make_response(render_template("console/login.html", error=error, name=name, next=wanted), status)


def _begin_session(user: User) -> None:
    """Nothing of the session before it is kept, so nobody can prepare one for somebody else."""
    session.clear()
    session.permanent = True
    login_user(SignedIn(user))


@console.post("/logout")
@requires(ANYBODY)
def log_out() -> Response:
    logout_user()
    session.clear()
    return cast(Response, redirect(url_for("console.login"), 303))


@console.get("/welcome/<token>")
@requires(ANYBODY)
def welcome(token: str) -> Response:
    found = users.invitation(current_site().office.store, token)
    if found is None:
        return make_response(render_template("console/link_gone.html"), 404)
    return make_response(render_template("console/welcome.html", invitation=found, link=token))


@console.post("/welcome/<token>")
@requires(ANYBODY)
def accept_welcome(token: str) -> Response:
    store = current_site().office.store
    found = users.invitation(store, token)
    if found is None:
        return make_response(render_template("console/link_gone.html"), 404)
    try:
        user = users.redeem(store, token, request.form.get("name", ""), request.form.get("password", ""))
    except UserError as error:
        page = render_template(
            "console/welcome.html",
            invitation=found,
            link=token,
            error=told(error.sentence),
            name=request.form.get("name", ""),
        )
        return make_response(page, 422)
    _begin_session(user)
    note(sentence("user welcomed"), user.name, {"role": user.role})
    return cast(Response, redirect(url_for("console.home"), 303))


@console.get("/account")
@requires("viewer")
def account() -> str:
    return render_template("console/account.html")


@console.post("/account/password")
@requires("viewer")
def change_password() -> Response:
    store, name = current_site().office.store, this_user().name
    if _too_many_tries(name) or users.log_in(store, name, request.form.get("password", "")) is None:
        return make_response(
            render_template("console/account.html", error=_("That is not your present password.")), 422
        )
    try:
        users.set_password(store, name, request.form.get("new_password", ""))
    except UserError as error:
        return make_response(render_template("console/account.html", error=told(error.sentence)), 422)
    note(sentence("password changed"), name)
    _begin_session(cast(User, users.find_by_name(store, name)))
    flash(_("Your password is changed. Everywhere else you are signed out."))
    return cast(Response, redirect(url_for("console.account"), 303))


@console.post("/account/sign-out-everywhere")
@requires("viewer")
def sign_out_everywhere() -> Response:
    users.sign_out_everywhere(current_site().office.store, this_user().name)
    note(sentence("signed out everywhere"), this_user().name)
    return log_out()  # type: ignore[no-any-return,unused-ignore]


@console.get("/")
@requires("viewer")
def home() -> Response:
    """To the first page of the menu."""
    return cast(Response, redirect(url_for(places()[0][0].endpoint), 303))


@console.get("/<path:place>")
@requires(ANYBODY)
def nowhere(place: str) -> Response:  # noqa: ARG001  # any other address
    """In the console's words, not in those that visitors get."""
    abort(404)
