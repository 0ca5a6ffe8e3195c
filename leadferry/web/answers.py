"""What a post is answered with: JSON, a redirect or a page, by who asks and what they asked for."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from flask import Request, Response, jsonify, make_response, redirect, render_template, url_for

from leadferry import redirects
from leadferry.forms import Form
from leadferry.messages import code_message, code_status
from leadferry.metrics import POSTS
from leadferry.submission import FieldError, Pairs, control
from leadferry.text import plain_lines
from leadferry.web.drafts import Drafts
from leadferry.web.frames import is_framed
from leadferry.web.pages import form_page
from leadferry.web.site import current_site
from leadferry.web.tally import count_post


@dataclass(frozen=True)
class Client:
    """Who asks. A browser names text/html in Accept or says that it navigates; every other client gets JSON."""

    browser: bool
    framed: bool

    @classmethod
    def of(cls, request: Request) -> Client:
        browser = "text/html" in request.headers.get("Accept", "").lower()
        navigates = request.headers.get("Sec-Fetch-Mode") == "navigate"
        return cls(browser or navigates, is_framed(request))


@dataclass(frozen=True)
class Wishes:
    """Where the post wants its visitor sent, as far as that is allowed; ``ignored`` are the addresses that are not."""

    success_url: str | None = None
    error_url: str | None = None
    redirect: bool = False
    ignored: tuple[str, ...] = ()


def wishes_of(form: Form, pairs: Pairs) -> Wishes:
    """An address that may not be used counts as not sent, and the form's own, if any, takes its place."""
    success, success_ignored = _wish(form, control(pairs, "OnSuccessURL"), form.on_success_url)
    error, error_ignored = _wish(form, control(pairs, "OnErrorURL"), form.on_error_url)
    ignored = tuple(url for url in (success_ignored, error_ignored) if url)
    return Wishes(success, error, control(pairs, "form_submit_redirect") == "1", ignored)


def _wish(form: Form, posted: str | None, own: str | None) -> tuple[str | None, str | None]:
    if posted is None:
        return None, None
    url = redirects.allowed(posted, form.redirect_origins)
    return (url, None) if url else (own, plain_lines(posted).text[: redirects.MAX_LENGTH])


@dataclass(frozen=True)
class Answers:
    """The answers to one post. ``own_page`` is a post to /f/<form>, so the form itself can be shown again."""

    client: Client
    form: Form
    wishes: Wishes
    pairs: Pairs
    own_page: bool

    def success(self, reference: str) -> Response:
        POSTS.labels(self.form.name, "ok").inc()
        count_post(self.form, self.pairs)
        url = self.wishes.success_url
        if url and (self.wishes.redirect or self.client.browser):
            return self._send_to(url)
        if self.client.browser:
            own = self.form.on_success_url
            return self._send_to(own) if own else _see_other(url_for("public.thanks", name=self.form.name))
        body = {"Message": "Success", "lead": reference}
        return jsonify(body | {"url": url} if url else body)

    def failure(self, errors: Sequence[FieldError], code: str, *, vendor: bool = False) -> Response:
        """``vendor``: the vendor refused, so there is nothing on the page that could be corrected."""
        POSTS.labels(self.form.name, code).inc()
        count_post(self.form, self.pairs, code, errors)
        url = self.wishes.error_url
        if url and (self.wishes.redirect or self.client.browser):
            return self._send_to(redirects.with_error(url, code, code_message(code)), code)
        if self.client.browser:
            return self._failure_page(errors, code, vendor)
        return error_json(code, errors, url and redirects.with_error(url, code, code_message(code)))

    def _failure_page(self, errors: Sequence[FieldError], code: str, vendor: bool) -> Response:
        own = self.form.on_error_url
        if own and (vendor or not self.own_page):
            return self._send_to(redirects.with_error(own, code, code_message(code)), code)
        if self.own_page:
            typed = [(name, plain_lines(value).text) for name, value in self.pairs]
            page = form_page(self.form, typed, errors or [FieldError(None, code, code_message(code))])
            return make_response(page, _page_status(code))
        return error_page(code, errors, self.form, back=True, draft=self._draft(code))

    def _draft(self, code: str | None) -> str | None:
        """What was typed, for the way back into the form, where anything can be mended there."""
        if code is None or code in {"ct101", "ct103", "lf203"}:
            return None
        return Drafts(current_site().settings.secret_key).make(self.form, self.pairs)

    def _send_to(self, url: str, code: str | None = None) -> Response:
        """A frame must not take another site's page inside it: it moves the top page, or shows the link."""
        if self.client.framed:
            draft = self._draft(code)
            page = render_template("framed_redirect.html", form=self.form, url=url, code=code, draft=draft)
            return make_response(page)
        return _see_other(url)


def _page_status(code: str) -> int:
    return code_status(code) if code in {"lf203", "lf301", "lf501"} else 422


def _see_other(url: str) -> Response:
    response = make_response(redirect(url, 303))
    response.headers["Cache-Control"] = "no-store"
    return response


def error_json(code: str, errors: Sequence[FieldError] = (), url: str | None = None) -> Response:
    body = {
        "Message": "Error",
        "error_code": code,
        "msg": code_message(code),
        "errors": [{"field": each.field, "code": each.code, "message": each.message} for each in errors],
    }
    if url:
        body["url"] = url
    return make_response(jsonify(body), code_status(code))


def error_page(
    code: str,
    errors: Sequence[FieldError] = (),
    form: Form | None = None,
    *,
    back: bool = False,
    draft: str | None = None,
) -> Response:
    """A page for a visitor who came from elsewhere: what is wrong, and the way back to what they typed."""
    page = render_template(
        "error.html", code=code, message=code_message(code), errors=errors, form=form, back=back, draft=draft
    )
    return make_response(page, code_status(code))


def error_answer(client: Client, code: str, errors: Sequence[FieldError] = ()) -> Response:
    """An error where no form is known."""
    return error_page(code, errors, back=True) if client.browser else error_json(code, errors)
