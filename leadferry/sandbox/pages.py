"""What a person sees of the sandbox: the index, the inbox, and a plain line for everything that went wrong."""

from __future__ import annotations

import json

from flask import Flask, Response, redirect, render_template, request, url_for
from werkzeug.exceptions import HTTPException
from werkzeug.wrappers import Response as BaseResponse

from leadferry.sandbox.behaviour import OPTIONS, TRIGGERS
from leadferry.sandbox.credentials import CREDENTIALS
from leadferry.sandbox.exchange import JSON, TEXT
from leadferry.sandbox.reception import Reception

PAGE_LIMIT = 100
PAGE_HEADERS = {
    "Content-Security-Policy": "default-src 'none'; style-src 'unsafe-inline'; form-action 'self'; base-uri 'none'",
    "X-Content-Type-Options": "nosniff",
    "Cache-Control": "no-store",
}


def add_pages(app: Flask, reception: Reception) -> None:
    def show_index() -> BaseResponse:
        return _page(
            "index.html", vendors=reception.vendors, triggers=TRIGGERS, options=OPTIONS, credentials=CREDENTIALS
        )

    def show_inbox() -> BaseResponse:
        vendor, email, limit = (request.args.get(name, "") for name in ("vendor", "email", "limit"))
        if limit and not (limit.isascii() and limit.isdecimal() and len(limit) < 10):
            return Response("limit must be a whole number", 400, content_type=TEXT)
        as_page = _asks_for_page()
        most = int(limit) if limit else PAGE_LIMIT if as_page else None
        entries = reception.inbox.entries(vendor, email, most)
        if as_page:
            return _page("inbox.html", entries=entries, vendors=reception.vendors, vendor=vendor, email=email)
        return _json([entry.as_json() for entry in entries])

    def clear_inbox() -> BaseResponse:
        cleared = reception.clear()
        return redirect(url_for("show_inbox"), 303) if _asks_for_page() else _json({"cleared": cleared})

    app.add_url_rule("/", view_func=show_index)
    app.add_url_rule("/inbox", view_func=show_inbox)
    app.add_url_rule("/inbox", "delete_inbox", clear_inbox, methods=["DELETE"])
    app.add_url_rule("/inbox/clear", view_func=clear_inbox, methods=["POST"])
    app.register_error_handler(HTTPException, _plain_line)


def _asks_for_page() -> bool:
    accept = request.headers.get("Accept", "")
    return "text/html" in accept and "application/json" not in accept


def _page(template: str, **context: object) -> Response:
    return Response(render_template(template, **context), headers=PAGE_HEADERS, content_type="text/html; charset=utf-8")


def _json(value: object) -> Response:
    return Response(json.dumps(value), content_type=JSON)


def _plain_line(problem: HTTPException) -> Response:
    return Response(f"{problem.code} {problem.name}\n", problem.code, content_type=TEXT)
