"""The emulated vendors: one WSGI app that takes leads as the vendors' documents say, and shows what it was sent.

It reads the documents for itself and shares no code with the rest of Leadferry, so that a misreading on one side is
found by the other. It is a test partner, not a copy of any vendor's service.
"""

from __future__ import annotations

from functools import partial

from flask import Flask
from werkzeug.serving import BaseWSGIServer, WSGIRequestHandler, make_server

from leadferry.sandbox.aicore import AiCore
from leadferry.sandbox.clienttether import ClientTether
from leadferry.sandbox.exchange import Vendor
from leadferry.sandbox.kartra import Kartra
from leadferry.sandbox.leadconduit import LeadConduit
from leadferry.sandbox.pages import add_pages
from leadferry.sandbox.reception import Reception
from leadferry.sandbox.vcita import Vcita
from leadferry.sandbox.webhook import Webhook

__all__ = ["create_sandbox", "make_sandbox_server", "serve"]

VENDORS: tuple[type[Vendor], ...] = (ClientTether, AiCore, Kartra, LeadConduit, Vcita, Webhook)
METHODS = ("GET", "HEAD", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "TRACE")
MAX_BODY_BYTES = 64 * 1024 * 1024


def create_sandbox() -> Flask:
    """A sandbox that remembers nothing yet. Its settings are in app.config: see docs/sandbox.md."""
    app = Flask(__name__, static_folder=None)
    app.url_map.merge_slashes = False
    app.config["MAX_CONTENT_LENGTH"] = MAX_BODY_BYTES
    reception = Reception({vendor.name: vendor(app.config) for vendor in VENDORS}, app.config)
    for name in reception.vendors:
        view = partial(reception.handle, name)
        for rule in (f"/{name}", f"/{name}/", f"/{name}/<path:path>"):
            app.add_url_rule(rule, name, view, methods=METHODS, provide_automatic_options=False)
    add_pages(app, reception)
    return app


def serve(port: int, host: str = "127.0.0.1") -> None:
    """Serves a new sandbox in threads until interrupted, without a line for each request."""
    make_sandbox_server(port, host).serve_forever()


def make_sandbox_server(port: int, host: str = "127.0.0.1", app: Flask | None = None) -> BaseWSGIServer:
    """The server of `serve`, already listening, so that port 0 can be asked for what it became."""
    return make_server(host, port, app or create_sandbox(), threaded=True, request_handler=_QuietHandler)


class _QuietHandler(WSGIRequestHandler):
    def log_request(self, code: int | str = "-", size: int | str = "-") -> None:
        """Says nothing."""
