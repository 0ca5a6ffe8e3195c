"""What every answer of the public side says to browsers about what it may do, and where it may be framed."""

from __future__ import annotations

from flask import Flask, Response, g

from leadferry.forms import Form


def add_headers(app: Flask) -> None:
    """A strict policy for every answer; only a form and what follows it may be framed, as its file says."""

    @app.after_request
    def secure(response: Response) -> Response:
        form = g.get("framable")
        headers = response.headers
        headers["Content-Security-Policy"] = (
            "default-src 'none'; script-src 'self'; style-src 'self'; img-src 'self' data:; font-src 'self'; "
            f"connect-src 'self'; base-uri 'none'; form-action 'self'; frame-ancestors {ancestors(form)}"
        )
        if form is None:
            headers["X-Frame-Options"] = "DENY"
        headers["X-Content-Type-Options"] = "nosniff"
        headers["Referrer-Policy"] = "strict-origin-when-cross-origin"
        headers["Permissions-Policy"] = "camera=(), geolocation=(), microphone=(), payment=()"
        return response


def ancestors(form: Form | None) -> str:
    if form is None:
        return "'none'"
    return "*" if form.framing == "anywhere" else " ".join(("'self'", *form.origins))
