"""Who may call what: a table of every address of the console, held against the application."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from flask import Flask
from werkzeug.routing import Rule

from leadferry import accepting, users
from leadferry.leads import NewLead
from leadferry.web.console.base import ANYBODY, required_role
from tests.conftest import Install
from tests.installation import Installation
from tests.web.console.visitor import Visitor, signed_in, stranger

pytestmark = pytest.mark.thorough_on_postgresql  # who may do what is the same on each

WHO_MAY = {
    # what is there before the login
    "login": ANYBODY,
    "log_in": ANYBODY,
    "log_out": ANYBODY,
    "welcome": ANYBODY,
    "accept_welcome": ANYBODY,
    "nowhere": ANYBODY,
    # looking, and one's own account
    "home": "viewer",
    "account": "viewer",
    "change_password": "viewer",
    "sign_out_everywhere": "viewer",
    "overview": "viewer",
    "numbers": "viewer",
    "pages": "viewer",
    "leads": "viewer",
    "leads_batch": "viewer",
    "leads_batch_progress": "viewer",
    "lead": "viewer",
    "lead_progress": "viewer",
    # forms
    "forms": "viewer",
    "form_show": "viewer",
    "form_preview": "viewer",
    "form_rehearsal": "viewer",
    "form_versions": "viewer",
    "form_compare": "viewer",
    "form_new": "editor",
    "form_new_post": "editor",
    "form_change": "editor",
    "form_change_post": "editor",
    "form_yaml": "editor",
    "form_yaml_post": "editor",
    "form_publish": "editor",
    "form_publish_post": "editor",
    "form_discard": "editor",
    "form_restore": "editor",
    "form_archive": "editor",
    "form_test": "editor",
    "form_test_send": "editor",  # to the sandbox; to the real vendor operators alone
    "form_check": "operator",
    # leads and people
    "leads_export": "operator",
    "leads_resend": "operator",
    "leads_release": "operator",
    "leads_trouble": "operator",
    "lead_resend": "operator",
    "lead_release": "operator",
    "lead_erase": "operator",
    "lead_edit": "operator",
    "lead_mend": "operator",
    "people": "operator",
    "people_invite": "operator",
    "people_role": "operator",
    "people_disable": "operator",
    "people_enable": "operator",
    "people_sign_out": "operator",
    "people_password": "operator",
    "audit": "operator",
}
"""Every view by the name of its function. A new one is added here with the role that it is meant for."""

QUOTE = "title: A quote\nfields: [{name: email}]\nvendor: {name: webhook, url: https://example.com}\n"


@pytest.fixture
def here(install: Install) -> Installation:
    made = install({"quote": QUOTE})
    form = made.site.office.catalog.get("quote")
    lead = NewLead(form=form, values={"email": "a@example.com"}, reference="LF-AAAAAAAAAA")  # type: ignore[arg-type]
    accepting.accept(made.store, lead, {})
    return made


def rules(app: Flask) -> list[Rule]:
    return [rule for rule in app.url_map.iter_rules() if rule.endpoint.startswith("console.")]


def address(here: Installation, rule: Rule) -> str:
    known = {"name": "quote", "form": "quote", "reference": "LF-AAAAAAAAAA", "number": 1, "token": "x"}
    values = {name: known.get(name, "1") for name in rule.arguments}
    with here.app.test_request_context():
        return str(here.app.url_map.bind("localhost").build(rule.endpoint, values))


def methods(rule: Rule) -> list[str]:
    return sorted((rule.methods or set()) - {"HEAD", "OPTIONS"})


def calls(here: Installation) -> Iterator[tuple[str, str, str]]:
    """Each address and method, with the role it takes."""
    for rule in rules(here.app):
        for method in methods(rule):
            yield method, address(here, rule), str(required_role(here.app, rule.endpoint))


def test_the_table_names_every_view_with_its_role(here: Installation) -> None:
    declared = {
        rule.endpoint.removeprefix("console."): required_role(here.app, rule.endpoint) for rule in rules(here.app)
    }
    assert declared == WHO_MAY


def test_what_else_is_below_the_console_takes_nothing(here: Installation) -> None:
    """Where a preview in its frame posts to: it is the same for everybody, and keeps nothing."""
    others = [rule for rule in here.app.url_map.iter_rules() if rule.rule.startswith("/console")]
    assert {rule.endpoint for rule in others if rule not in rules(here.app)} == {"form_tried"}
    answer = stranger(here).client.post("/console/forms/quote/tried", data={"email": "someone@example.com"})
    assert "someone" not in answer.text
    assert len(here.leads()) == 1


def call(visitor: Visitor, method: str, path: str) -> int:
    if method == "POST":
        return visitor.post(path).status_code
    return visitor.client.open(path, method=method).status_code


def test_a_stranger_is_sent_to_the_login_and_changes_nothing(here: Installation) -> None:
    visitor = stranger(here)
    for method, path, role in calls(here):
        if role != ANYBODY:
            assert call(visitor, method, path) == (303 if method == "GET" else 401), (method, path)
    assert users.deeds(here.store) == []


@pytest.mark.parametrize("role", ["viewer", "editor"])
def test_nobody_does_by_any_address_what_their_role_may_not(here: Installation, role: str) -> None:
    visitor = signed_in(here, role)
    above = users.ROLES[users.ROLES.index(role) + 1 :]
    for method, path, needed in calls(here):
        if needed in above:
            assert call(visitor, method, path) == 403, (method, path)
            for other in ("PUT", "PATCH", "DELETE"):
                assert visitor.client.open(path, method=other).status_code == 405, (other, path)
    assert users.deeds(here.store) == []


@pytest.mark.parametrize("role", users.ROLES)
def test_everybody_sees_what_their_role_may(here: Installation, role: str) -> None:
    visitor = signed_in(here, role)
    for method, path, needed in calls(here):
        if method == "GET" and needed in users.ROLES[: users.ROLES.index(role) + 1]:
            assert call(visitor, method, path) in {200, 303, 404}, path


def test_a_view_that_declares_no_role_answers_nobody(here: Installation, monkeypatch: pytest.MonkeyPatch) -> None:
    operator = signed_in(here)
    assert operator.get("/console/audit").status_code == 200
    monkeypatch.delattr(here.app.view_functions["console.audit"], "console_role")
    assert operator.get("/console/audit").status_code == 403


def test_no_post_goes_without_its_token(here: Installation) -> None:
    operator = signed_in(here)
    for method, path, _ in calls(here):
        if method == "POST":
            answer = operator.client.post(path)
            assert answer.status_code == 400, path
            assert "This page was too old" in answer.text, path
    assert users.deeds(here.store) == []


def test_every_answer_of_the_console_is_kept_out_of_caches_and_frames(here: Installation) -> None:
    operator = signed_in(here)
    for method, path, _ in calls(here):
        if method == "GET":
            headers = operator.get(path).headers
            assert headers["Cache-Control"] == "no-store", path
            assert headers["X-Frame-Options"] in {"DENY", "SAMEORIGIN"}, path
            assert "script-src 'self';" in headers["Content-Security-Policy"], path
