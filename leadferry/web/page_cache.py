"""A form's new page: drawn once for each version and kind of visit, and from then on only filled in.

It is answered before Flask, whose own share of a request is larger than that of everything here. Whatever is out of
the ordinary goes on to the application.
"""

from __future__ import annotations

import re
import secrets
import threading
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import Any

from flask import Request
from markupsafe import escape
from werkzeug.sansio.utils import get_current_url

from leadferry.form_class import TOKEN_NAME
from leadferry.forms import Form
from leadferry.logs import name_of_request
from leadferry.tokens import PageTokens
from leadferry.web.campaign import Campaign, names_of, of_visit
from leadferry.web.frames import is_framed
from leadferry.web.site import Site
from leadferry.web.tally import count_view

KEPT = 512
"""Pages that a process keeps, the ones used last: some 8 KB each."""

BLANKS = "leadferry.blanks"
"""In the environment of a request that is to be answered by a page with blanks: its ``Blanks``."""

_MARK = f"lf{secrets.token_hex(12)}"  # nobody can have it in a form
_BLANK = re.compile(f"{_MARK}_([0-9a-f]+)_")
_PATH = re.compile(r"/f/([^/]+)")
_OWN_HEADERS = {"x-request-id", "content-length"}
GIVEN_NAME = "HTTP_X_REQUEST_ID"

Environ = dict[str, Any]
Application = Callable[[Environ, Any], Iterable[bytes]]


@dataclass(frozen=True)
class Blanks:
    """What a page with blanks is drawn with, in place of what its request says."""

    visit: Campaign
    tokens: PageTokens


@dataclass(frozen=True)
class _Look:
    """All that a page shows and its headers say, but for what is filled in. ``known`` and ``guessed`` as a visit's."""

    form: Form
    root: str
    framed: bool
    known: tuple[str, ...]
    guessed: tuple[str, ...]


@dataclass(frozen=True)
class _Drawn:
    """An answer cut at its blanks: the bytes before each, its name, and the bytes after the last."""

    headers: list[tuple[str, str]]
    pieces: Sequence[tuple[bytes, str]]
    end: bytes

    def filled(self, values: Mapping[str, str]) -> bytes:
        found: list[bytes] = []
        for before, name in self.pieces:
            found += (before, escape(values[name]).encode())
        return b"".join((*found, self.end))


class NewPages:
    """WSGI middleware for `GET /f/<form>`, where the address says nothing but the campaign."""

    def __init__(self, application: Application, site: Site) -> None:
        self._application = application
        self._site = site
        self._kept = _Kept()

    def __call__(self, environ: Environ, start_response: Any) -> Iterable[bytes]:
        form = self._asked(environ)
        request = Request(environ)
        if form is None or (environ.get("QUERY_STRING") and not request.args.keys() <= _names(form)):
            return self._application(environ, start_response)
        root = self._site.settings.public_url or _root(environ["wsgi.url_scheme"], request.host, request.root_path)
        visit = of_visit(form, request, _address(root, environ))
        look = _Look(form, root, is_framed(request), tuple(visit.known), tuple(visit.guessed))
        drawn = self._kept.get(look) or self._draw(look, environ)
        if drawn is None:
            return self._application(environ, start_response)
        page = drawn.filled({**visit.values, TOKEN_NAME: self._site.tokens.make(form.name)})
        own = [("Content-Length", str(len(page))), ("X-Request-Id", name_of_request(environ.get(GIVEN_NAME, "")))]
        count_view(self._site, form, request, visit)
        start_response("200 OK", drawn.headers + own)
        return [page]

    def _asked(self, environ: Environ) -> Form | None:
        path = _PATH.fullmatch(environ["PATH_INFO"]) if environ["REQUEST_METHOD"] == "GET" else None
        form = self._site.office.catalog.get(path[1]) if path else None
        return form if isinstance(form, Form) else None

    def _draw(self, look: _Look, environ: Environ) -> _Drawn | None:
        """By the application itself, so with all its headers; None where that has no page to show."""
        visit = Campaign(names_of(look.form), _blanks(look.known), _blanks(look.guessed))
        answered: list[Any] = []
        asked = {**environ, BLANKS: Blanks(visit, _BlankTokens(""))}
        body = b"".join(self._application(asked, lambda *answer: answered.extend(answer)))
        status, headers, *_ = answered
        if not status.startswith("200 "):
            return None
        drawn = _cut([(name, value) for name, value in headers if name.lower() not in _OWN_HEADERS], body.decode())
        self._kept.put(look, drawn)
        return drawn


class _Kept:
    """The pages that were used last."""

    def __init__(self) -> None:
        self._pages: OrderedDict[_Look, _Drawn] = OrderedDict()
        self._lock = threading.Lock()

    def get(self, look: _Look) -> _Drawn | None:
        with self._lock:
            found = self._pages.get(look)
            if found:
                self._pages.move_to_end(look)
            return found

    def put(self, look: _Look, drawn: _Drawn) -> None:
        with self._lock:
            self._pages[look] = drawn
            if len(self._pages) > KEPT:
                self._pages.popitem(last=False)


def _cut(headers: list[tuple[str, str]], text: str) -> _Drawn:
    *pieces, end = _BLANK.split(text)
    names = [bytes.fromhex(each).decode() for each in pieces[1::2]]
    return _Drawn(
        headers, [(before.encode(), name) for before, name in zip(pieces[::2], names, strict=True)], end.encode()
    )


class _BlankTokens(PageTokens):
    def make(self, form: str, now: float | None = None) -> str:  # noqa: ARG002
        return _blank(TOKEN_NAME)


def _blank(name: str) -> str:
    return f"{_MARK}_{name.encode().hex()}_"


def _blanks(names: Iterable[str]) -> dict[str, str]:
    return {name: _blank(name) for name in names}


@lru_cache(maxsize=512)
def _names(form: Form) -> frozenset[str]:
    return frozenset(names_of(form))


@lru_cache(maxsize=64)
def _root(scheme: str, host: str, path: str) -> str:
    return get_current_url(scheme, host, path).rstrip("/")


def _address(root: str, environ: Environ) -> str:
    query = environ.get("QUERY_STRING", "").encode("latin-1").decode("ascii", "replace")
    return f"{root}{environ['PATH_INFO']}{'?' if query else ''}{query}"
