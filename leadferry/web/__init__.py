"""The web side: one Flask application, made from Settings."""

from __future__ import annotations

from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import cast
from urllib.parse import urlsplit

from flask import Flask, Response, jsonify, make_response, render_template, request
from flask.json.provider import DefaultJSONProvider
from werkzeug.exceptions import HTTPException
from werkzeug.middleware.proxy_fix import ProxyFix
from werkzeug.routing import RequestRedirect

from leadferry import junk, logs, metrics
from leadferry.catalog import Catalog
from leadferry.chores import chores
from leadferry.config import Settings
from leadferry.delivery import Office
from leadferry.puzzles import LASTS, Puzzles
from leadferry.rate import Counter, counter
from leadferry.store import open_store
from leadferry.tokens import PageTokens
from leadferry.transport import Transport
from leadferry.vendors import ADAPTERS
from leadferry.visits import Visits
from leadferry.web.answers import Client, error_answer
from leadferry.web.console import open_console
from leadferry.web.embed import embed
from leadferry.web.page_cache import NewPages
from leadferry.web.page_language import spoken
from leadferry.web.progress import progress
from leadferry.web.public import public
from leadferry.web.security import add_headers
from leadferry.web.site import Site, WaitSlots
from leadferry.worker import Worker

HERE = Path(__file__).resolve().parents[2]

JUDGEMENTS_AT_ONCE = 4
"""Questions to Turnstile that a process has under way."""


def create_app(settings: Settings) -> Flask:
    """The application.

    Raises:
        SettingsError: a setting is wrong.
    """
    app = Flask("leadferry", template_folder=str(HERE / "templates"), static_folder=str(HERE / "static"))
    app.config["SECRET_KEY"] = settings.secret_key
    app.extensions["leadferry"] = make_site(settings)
    cast(DefaultJSONProvider, app.json).sort_keys = False
    app.jinja_env.trim_blocks = True
    app.jinja_env.lstrip_blocks = True
    app.jinja_env.globals["_"] = spoken
    app.wsgi_app = NewPages(app.wsgi_app, app.extensions["leadferry"])  # type: ignore[method-assign]
    proxies = settings.trusted_proxies
    if proxies:  # but no prefix: most proxies let a visitor's own X-Forwarded-Prefix through
        app.wsgi_app = ProxyFix(app.wsgi_app, proxies, proxies, proxies, proxies, x_prefix=0)  # type: ignore[method-assign]
    logs.set_up()
    _name_requests(app)
    add_headers(app)
    app.register_blueprint(public)
    app.register_blueprint(embed)
    app.register_blueprint(progress)
    if settings.console:
        open_console(app)
    _add_health(app)
    _add_metrics(app)
    _add_errors(app)
    return app


def make_site(settings: Settings) -> Site:
    office = make_office(settings)
    limit = settings.post_limit
    return Site(
        settings=settings,
        office=office,
        tokens=PageTokens(settings.secret_key),
        slots=WaitSlots(office),
        worker=Worker(office, on_turn=chores(settings, office)),
        visits=Visits(office.store),
        repeats=_counter(settings, "repeats", *junk.REPEATS),
        puzzles=Puzzles(settings.secret_key, _counter(settings, "puzzles", 1, LASTS)),
        judgements=ThreadPoolExecutor(JUDGEMENTS_AT_ONCE, thread_name_prefix="judgement"),
        post_limit=_counter(settings, "post_limit", *limit) if limit else None,
    )


def _counter(settings: Settings, name: str, limit: int, seconds: int) -> Counter:
    return counter(settings.ratelimit_storage_uri, settings.root / "var" / name, limit, seconds)


def make_office(settings: Settings) -> Office:
    store = open_store(settings)
    return Office(
        store=store,
        catalog=Catalog(settings, store, ADAPTERS),
        transport=Transport(allow_private=settings.allow_private_vendors),
        adapters=ADAPTERS,
    )


def _name_requests(app: Flask) -> None:
    """An id for each request, in every log line of it and in its answer."""

    @app.before_request
    def name_it() -> None:
        logs.name_of_request(request.headers.get("X-Request-Id", ""))

    @app.after_request
    def say_it(response: Response) -> Response:
        response.headers["X-Request-Id"] = logs.request_id.get() or ""
        return response


def _add_health(app: Flask) -> None:
    @app.get("/healthz")
    def healthz() -> Response:
        return jsonify({"alive": True})

    @app.get("/readyz")
    def readyz() -> Response:
        site: Site = app.extensions["leadferry"]
        ready = site.office.store.can_write()
        return make_response(jsonify({"ready": ready}), 200 if ready else 503)


def _add_metrics(app: Flask) -> None:
    @app.get("/metrics")
    def metrics_page() -> Response:
        site: Site = app.extensions["leadferry"]
        return Response(metrics.page(site.office.store), content_type="text/plain; version=0.0.4; charset=utf-8")


def _add_errors(app: Flask) -> None:
    @app.errorhandler(HTTPException)
    def http_error(error: HTTPException) -> Response:
        """404, 405 and the like, in the form that the client reads."""
        status = error.code or 500
        if error.response is not None:
            return make_response(error.response)
        client = Client.of(request)
        if not client.browser:
            response = make_response(jsonify({"Message": "Error", "msg": error.name, "errors": []}), status)
        else:
            response = make_response(render_template("missing.html" if status == 404 else "fault.html"), status)
        for name, value in error.get_headers():
            if name.lower() not in {"content-type", "content-length"}:
                response.headers[name] = value
        return response

    @app.after_request
    def name_no_host(response: Response) -> Response:
        """The router's own redirects, of a slash too many or too few, go to whatever host the request names."""
        if isinstance(request.routing_exception, RequestRedirect):
            parts = urlsplit(request.routing_exception.new_url)
            response.headers["Location"] = f"/{parts.path.lstrip('/')}{'?' if parts.query else ''}{parts.query}"
            response.set_data(b"")
        return response

    @app.errorhandler(Exception)
    def fault(_error: Exception) -> Response:
        """A fault of ours: nothing was stored, so the visitor must be told to try again."""
        app.logger.exception("fault", extra={"path": request.path})
        return error_answer(Client.of(request), "lf501")
