"""What every answer of the public side says to browsers about what it may do, and where it may be framed."""

from __future__ import annotations

from base64 import b64encode
from functools import lru_cache
from hashlib import sha256

from flask import Flask, Response, g

from leadferry.forms import Form
from leadferry.web.frames import frame_classes
from leadferry.web.theme import theme_css

TRUSTEDFORM = ("https://api.trustedform.com", "https://cdn.trustedform.com")
"""What its maker asks a page's policy to allow; it is allowed only where the form asks for the script."""

TURNSTILE = "https://challenges.cloudflare.com"


def add_headers(app: Flask) -> None:
    """A strict policy for every answer; only a form and what follows it may be framed, as its file says."""
    app.add_template_global(theme_css)
    app.add_template_global(frame_classes)

    @app.after_request
    def secure(response: Response) -> Response:
        form, anywhere = g.get("framable"), g.get("answers_a_pasted_form", False)
        headers = response.headers
        headers["Content-Security-Policy"] = policy(form, anywhere=anywhere)
        if form is None and not anywhere:
            headers["X-Frame-Options"] = "DENY"
        if g.get("frames_own_pages"):
            headers["Content-Security-Policy"] += "; frame-src 'self'"
        if g.get("framed_by_own_pages"):
            headers["Content-Security-Policy"] = _framed_by_own(headers["Content-Security-Policy"])
            headers["X-Frame-Options"] = "SAMEORIGIN"
        headers["X-Content-Type-Options"] = "nosniff"
        headers["Referrer-Policy"] = "strict-origin-when-cross-origin"
        headers["Permissions-Policy"] = "camera=(), geolocation=(), microphone=(), payment=()"
        return response


@lru_cache(maxsize=1024)
def policy(form: Form | None, *, anywhere: bool = False) -> str:
    """The Content-Security-Policy of a form's pages, or of a page that belongs to no form.

    ``anywhere``: it answers a form that is pasted into a page, perhaps in a frame, though no form of ours was found.
    """
    framing = "" if anywhere and form is None else ancestors(form)
    certifiers = "".join(f" {host}" for host in TRUSTEDFORM) if form and form.trustedform else ""
    challenger = f" {TURNSTILE}" if form and form.spam.challenge == "turnstile" else ""
    frames = f"; frame-src{challenger}" if challenger else ""
    return (
        f"default-src 'none'; script-src 'self'{certifiers}{challenger}; style-src {styles(form)}; "
        f"img-src 'self' data:{certifiers}; font-src 'self'; connect-src 'self'{certifiers}; base-uri 'none'; "
        f"form-action {targets(form)}{frames}{framing}"
    )


def _framed_by_own(found: str) -> str:
    """A policy for a page that only our own pages may frame: the console's preview of a form."""
    parts = [part for part in found.split("; ") if not part.startswith("frame-ancestors")]
    return "; ".join((*parts, "frame-ancestors 'self'"))


def styles(form: Form | None) -> str:
    """The stylesheet, and the theme by the hash of its text: no other style on the page is applied."""
    theme = theme_css(form) if form else ""
    if not theme:
        return "'self'"
    return f"'self' 'sha256-{b64encode(sha256(theme.encode()).digest()).decode()}'"


def targets(form: Form | None) -> str:
    """Where a form may post, which for Chrome is also where its answer may redirect."""
    return " ".join(("'self'", *sorted(form.redirect_origins if form else ())))


def ancestors(form: Form | None) -> str:
    """Who may frame the page. For anybody it is left out: `*` does not match a sandboxed frame."""
    if form is None:
        return "; frame-ancestors 'none'"
    if form.framing == "anywhere":
        return ""
    return "; frame-ancestors " + " ".join(("'self'", *form.origins))
