"""What other people's pages load and copy: the script that puts a form on a page, and the snippets that name it."""

from __future__ import annotations

from flask import Blueprint, Response, g, make_response, render_template, request, send_from_directory
from flask import current_app as app

from leadferry.forms import Form
from leadferry.web.public import found_form
from leadferry.web.site import current_site
from leadferry.web.snippets import KINDS_OF_SNIPPET

embed = Blueprint("embed", __name__)

SCRIPT_SECONDS = 3600
"""How long a page may keep the script before it asks whether there is a newer one."""

WAYS = (
    (
        "script",
        "Frame and script",
        "The best for most pages. The page reserves the form’s height before it loads, the frame follows its height "
        "from then on, and the lead carries the campaign that brought the visitor. Where scripts do not run, the form "
        "works all the same.",
    ),
    (
        "iframe",
        "Frame alone",
        "For pages that take no script. The height stays as it is written here, and the campaign is what the page’s "
        "own address says.",
    ),
    (
        "html",
        "Plain HTML",
        "A form of the page itself, in the page’s own looks: nothing is loaded from here, and only its answers are "
        "sent here. It changes only when it is pasted anew.",
    ),
)


@embed.get("/embed.js")
def script() -> Response:
    folder = app.static_folder or ""
    response = send_from_directory(folder, "embed.js", mimetype="text/javascript", max_age=SCRIPT_SECONDS)
    response.headers["Cross-Origin-Resource-Policy"] = "cross-origin"
    response.headers["Access-Control-Allow-Origin"] = "*"
    return response


@embed.get("/f/<name>/snippet")
def snippet(name: str) -> Response:
    """All ways in as a page; one of them as plain text with ``?kind=``."""
    form = found_form(name)
    if not isinstance(form, Form):
        return form
    g.framable = None  # the page is for who runs the form, not for its visitors
    base = current_site().public_url()
    kind = request.args.get("kind")
    if kind is None:
        ways = [(kind, title, words, KINDS_OF_SNIPPET[kind](form, base)) for kind, title, words in WAYS]
        return make_response(render_template("snippets.html", form=form, ways=ways))
    if kind not in KINDS_OF_SNIPPET:
        return _plain(f"There is no kind {kind!r}: write one of {', '.join(KINDS_OF_SNIPPET)}.\n", 404)
    text = KINDS_OF_SNIPPET[kind](form, base)
    if text is None and form.web_key:
        return _plain("A pasted form cannot answer this form's challenge: take the script or the frame.\n", 404)
    if text is None:
        return _plain(f"This form has no web_key: write one into forms/{name}.yaml, then ask again.\n", 404)
    return _plain(text)


def _plain(text: str, status: int = 200) -> Response:
    return Response(text, status, content_type="text/plain; charset=utf-8")
