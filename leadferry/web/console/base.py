"""What every page of the console stands on: who may see it, its session, its tokens against forged posts."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, datetime, timedelta
from typing import Any, TypeVar, cast

from flask import (
    Blueprint,
    Flask,
    Request,
    Response,
    current_app,
    g,
    make_response,
    redirect,
    render_template,
    request,
    url_for,
)
from flask.sessions import SecureCookieSession, SecureCookieSessionInterface
from flask_login import LoginManager, UserMixin, current_user  # type: ignore[import-untyped]
from flask_wtf.csrf import CSRFError, CSRFProtect
from werkzeug.exceptions import HTTPException

from leadferry import users
from leadferry.languages import Sentence, plural, sentence
from leadferry.rate import Counter, counter
from leadferry.store import Store, StoreError
from leadferry.users import User
from leadferry.web.console.days import day_with_year
from leadferry.web.console.language import _, speak
from leadferry.web.console.pieces import offer_pieces
from leadferry.web.site import current_site

console = Blueprint("console", __name__, url_prefix="/console")
csrf = CSRFProtect()

IDLE_HOURS = 12
"""A session that is not used for so long ends."""

LOGIN_TRIES = (10, 600)
"""Tries to log in, and the seconds they count for: by address and by name."""

ANYBODY = "anybody"
"""What is there before the login; every other view names one of ``users.ROLES``."""

View = TypeVar("View", bound=Callable[..., Any])


def requires(role: str) -> Callable[[View], View]:
    """Declares who may call a view: stands right below its route. A view that declares nothing answers nobody."""
    assert role in {*users.ROLES, ANYBODY}

    def declare(view: View) -> View:
        view.console_role = role  # type: ignore[attr-defined]
        return view

    return declare


def required_role(app: Flask, endpoint: str | None) -> str | None:
    return getattr(app.view_functions.get(endpoint or ""), "console_role", None)


# --- who is here ---


class SignedIn(UserMixin):  # type: ignore[misc]  # Flask-Login ships no types
    """A user in a session, which names the user's epoch: once that has gone on, the session is over."""

    def __init__(self, user: User) -> None:
        self.user = user

    def get_id(self) -> str:
        return f"{self.user.id}.{self.user.epoch}"


def this_user() -> User:
    """Whoever is logged in; only in views that require a role."""
    return cast(User, current_user.user)


def may(role: str) -> bool:
    """Whether whoever is here may do what this role may; for templates too."""
    return bool(current_user.is_authenticated) and this_user().may(role)


def note(action: Sentence, object_: str = "", details: Mapping[str, Any] | None = None) -> None:
    """Puts what the user just did on the audit list."""
    users.audit(current_site().office.store, this_user().name, action, object_, details)


def _load_user(session_id: str) -> SignedIn | None:
    number, _, epoch = session_id.partition(".")
    if not (number.isdecimal() and epoch.isdecimal()):
        return None
    user = users.find(current_site().office.store, int(number))
    return SignedIn(user) if user and user.active and user.epoch == int(epoch) else None


class ConsoleSessions(SecureCookieSessionInterface):
    """The session is the console's alone: elsewhere it is never read, so no page of a visitor can set the cookie."""

    def open_session(self, app: Flask, request: Request) -> SecureCookieSession | None:
        if not request.path.startswith("/console/"):
            return self.session_class()
        return super().open_session(app, request)

    def save_session(self, app: Flask, session: Any, response: Response) -> None:
        if request.path.startswith("/console/"):
            super().save_session(app, session, response)

    def get_cookie_secure(self, app: Flask) -> bool:
        return current_site().public_url().startswith("https://") or super().get_cookie_secure(app)


# --- the door ---


@console.before_request
def admit() -> Response | None:
    """Lets in whoever may, and refuses everybody else; a post needs a token of this session too."""
    role = required_role(current_app, request.endpoint)
    store = current_site().office.store
    if not _tables_are_there(store):
        return make_response(render_template("console/not_ready.html"), 503)
    if role != ANYBODY and not current_user.is_authenticated:
        return _to_login()
    if role is None or (role != ANYBODY and not this_user().may(role)):
        return refusal()
    csrf.protect()
    return None


def _tables_are_there(store: Store) -> bool:
    """Looked up until they are: they never go again."""
    if not current_app.config.get("CONSOLE_READY"):
        current_app.config["CONSOLE_READY"] = users.is_ready(store)
    return bool(current_app.config["CONSOLE_READY"])


def _to_login() -> Response:
    if request.method != "GET" or "text/html" not in request.headers.get("Accept", "text/html"):
        return make_response(render_template("console/signed_out.html"), 401)
    wanted = request.full_path.rstrip("?")
    return cast(Response, redirect(url_for("console.login", next=wanted), 303))


def refusal() -> Response:
    return make_response(render_template("console/refused.html"), 403)


def own_path(text: str | None) -> str | None:
    """A place in the console to go on to after the login; nothing else is followed."""
    if text and text.startswith("/console/") and "\\" not in text and all(" " < each <= "~" for each in text):
        return text
    return None


@console.errorhandler(CSRFError)
def token_is_wrong(_error: CSRFError) -> Response:
    return make_response(render_template("console/stale.html"), 400)


@console.errorhandler(404)
def nothing_here(_error: HTTPException) -> Response:
    return make_response(render_template("console/missing.html"), 404)


@console.errorhandler(StoreError)
def store_is_gone(error: StoreError) -> Response:
    current_app.logger.error("the store did not answer the console", extra={"reason": str(error)})
    return make_response(render_template("console/store_gone.html"), 503)


@console.after_request
def keep_out_of_caches(response: Response) -> Response:
    response.headers["Cache-Control"] = "no-store"
    return response


# --- what templates use ---


@dataclass(frozen=True)
class Place:
    """An entry of the console's menu. It is shown where its view exists and the user may see it."""

    label: Sentence
    endpoint: str
    others: tuple[str, ...] = ()  # beginnings of the names of further views that belong to it


PLACES = (
    Place(sentence("Overview"), "console.overview"),
    Place(sentence("Forms"), "console.forms", ("form",)),
    Place(sentence("Leads"), "console.leads", ("lead",)),
    Place(sentence("Numbers"), "console.numbers", ("number",)),
    Place(sentence("Pages"), "console.pages", ("page",)),
    Place(sentence("Users"), "console.people", ("person",)),
    Place(sentence("Audit"), "console.audit"),
)


def places() -> list[tuple[Place, bool]]:
    """The menu for this user, each entry with whether the page is there."""
    here = (request.endpoint or "").partition(".")[2]
    shown = [each for each in PLACES if may(required_role(current_app, each.endpoint) or "nobody")]
    return [(each, f"console.{here}" == each.endpoint or here.startswith(each.others or ("\0",))) for each in shown]


STATE_LABELS: Mapping[str, Sentence] = {
    "delivered": sentence("Delivered"),
    "pending": sentence("Waiting"),
    "sending": sentence("Sending"),
    "rejected": sentence("Refused"),
    "held": sentence("Held"),
    "dead": sentence("Given up"),
    "quarantined": sentence("Quarantined"),
}

STATE_COUNTS: Mapping[str, Sentence] = {
    "delivered": plural("{count} delivered", "{count} delivered"),
    "pending": plural("{count} waiting", "{count} waiting"),
    "sending": plural("{count} sending", "{count} sending"),
    "rejected": plural("{count} refused", "{count} refused"),
    "held": plural("{count} held", "{count} held"),
    "dead": plural("{count} given up", "{count} given up"),
    "quarantined": plural("{count} quarantined", "{count} quarantined"),
}


def moment(seconds: float | None) -> dict[str, str] | None:
    """A time for the macro of that name: for machines, and for a browser without scripts in UTC."""
    if seconds is None:
        return None
    at = datetime.fromtimestamp(seconds, UTC)
    return {
        "iso": at.isoformat(timespec="seconds").replace("+00:00", "Z"),
        "text": _("{day}, {time} UTC", day=day_with_year(at), time=f"{at:%H:%M}"),
    }


def attributes(given: Mapping[str, Any]) -> dict[str, Any]:
    """A macro's keywords as attributes of its element: true ones by their name alone, false ones not at all."""
    return {
        name.replace("_", "-"): "" if value is True else value
        for name, value in given.items()
        if value is not None and value is not False
    }


@dataclass(frozen=True)
class Door:
    """What the login needs beside the users."""

    tries: Counter


def door() -> Door:
    return cast(Door, current_app.extensions["leadferry_console"])


def show_frames_of_own() -> None:
    """This page may hold frames with pages of the console; call it in the view that shows them."""
    g.frames_own_pages = True


def be_framed_by_own() -> None:
    """This page may be framed by pages of the console; call it in the view that makes it."""
    g.framed_by_own_pages = True


def open_console(app: Flask) -> None:
    """Puts the console into the application."""
    site = app.extensions["leadferry"]
    app.config.update(
        SESSION_COOKIE_NAME="leadferry_console",
        SESSION_COOKIE_PATH="/console/",
        SESSION_COOKIE_HTTPONLY=True,
        SESSION_COOKIE_SAMESITE="Lax",
        PERMANENT_SESSION_LIFETIME=timedelta(hours=IDLE_HOURS),
        WTF_CSRF_CHECK_DEFAULT=False,  # the console alone asks for the token, in admit()
        WTF_CSRF_TIME_LIMIT=None,  # it lasts as long as the session
    )
    app.session_interface = ConsoleSessions()
    csrf.init_app(app)
    login = LoginManager()
    login.session_protection = None  # a phone's address changes; the cookie is signed and dated
    login.user_loader(_load_user)
    login.init_app(app, add_context_processor=False)
    app.extensions["leadferry_console"] = Door(
        counter(site.settings.ratelimit_storage_uri, site.settings.root / "var" / "login_limit", *LOGIN_TRIES)
    )
    speak(app)
    offer_pieces(app)
    app.add_template_global(moment)
    app.add_template_filter(attributes)
    app.jinja_env.globals.update(STATE_LABELS=STATE_LABELS, STATE_COUNTS=STATE_COUNTS, ROLE_LABELS=users.ROLE_LABELS)
    app.register_blueprint(console)


@console.context_processor
def for_templates() -> dict[str, Any]:
    return {
        "places": places,
        "may": may,
        "user": this_user() if current_user.is_authenticated else None,
    }
