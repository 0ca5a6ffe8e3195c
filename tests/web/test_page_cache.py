"""A new page is drawn once and then filled in: no visitor may see a difference."""

from __future__ import annotations

import re
from typing import Any

import pytest
from flask import Flask
from werkzeug.test import Client, EnvironBuilder

from leadferry.web import page_cache
from tests.conftest import Install
from tests.installation import Installation, wait_until
from tests.web.forms import BROWSER, FRAMED, SETTINGS, quote

pytestmark = pytest.mark.thorough_on_postgresql  # what stands on a page

HIDDEN = "  - {name: promo, type: hidden}\n  - {name: tag, type: hidden, value: web}\n"
NASTY = "\"'<script>&amp;&#39;é"

VISITS: dict[str, dict[str, Any]] = {
    "plain": {},
    "a campaign": {"query_string": {"utm_source": "x", "gclid": "123"}},
    "a campaign's nasty values": {"query_string": {"utm_source": NASTY, "utm_term": "\\g<1>\\1 %s {0}"}},
    "a campaign in another order": {"query_string": "gclid=1&utm_source=2&gclid=3"},
    "a hidden field of the form": {"query_string": {"promo": NASTY}},
    "a hidden field that has a value": {"query_string": {"tag": "mine"}},
    "an empty value": {"query_string": "gclid=&utm_source=+"},
    "from another page": {"headers": {"Referer": "https://www.example.com/p?utm_source=r&promo=<b>"}},
    "from a page of ours": {"headers": {"Referer": "http://localhost/f/other?gclid=7"}},
    "a nasty referrer": {"headers": {"Referer": f"https://www.example.com/{NASTY}"}},
    "framed": {"headers": {**FRAMED, "Referer": "https://www.example.com/p?gclid=9"}},
    "framed without a referrer": {"headers": FRAMED, "query_string": {"utm_id": "5"}},
    "another host": {"headers": {"Host": "leads.example.com:8443"}},
    "mounted below a path": {"base_url": "http://localhost/mounted"},
    "a name of no campaign": {"query_string": {"whatever": "1", "gclid": "2"}},
    "half a query": {"query_string": "%&=&gclid=%zz%ff"},
}


@pytest.fixture
def installation(install: Install) -> Installation:
    return install({"quote": quote(wait=0, fields=HIDDEN)}, **SETTINGS)


def asked(app: Any, visit: dict[str, Any]) -> tuple[str, dict[str, str], str]:
    """Status, headers and page, without what is each answer's own."""
    headers = {**BROWSER, **visit.get("headers", {})}
    environ = EnvironBuilder("/f/quote", **{**visit, "headers": headers}).get_environ()
    response = Client(app).open(environ)
    page = re.sub(r'(_lf_token"[^>]*value=")[^"]+', r"\1", response.text)
    return response.status, {k: v for k, v in response.headers if k not in {"X-Request-Id", "Content-Length"}}, page


@pytest.mark.parametrize("visit", VISITS.values(), ids=VISITS)
def test_a_page_filled_in_is_as_if_it_had_been_drawn(installation: Installation, visit: dict[str, Any]) -> None:
    def drawn(environ: Any, start_response: Any) -> Any:
        return Flask.wsgi_app(installation.app, environ, start_response)

    assert asked(installation.app, visit) == asked(drawn, visit)
    other = VISITS["a campaign's nasty values"] | {"headers": visit.get("headers", {})}
    asked(installation.app, other)
    assert asked(installation.app, visit) == asked(drawn, visit), "another visit's values are left in it"


def test_a_page_is_drawn_once_for_visits_of_one_kind(
    installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    installation.client.get("/f/quote?gclid=1", headers=BROWSER)
    monkeypatch.setattr(page_cache, "_cut", lambda *_: pytest.fail("drawn again"))
    for value in ("2", "3"):
        page = installation.client.get(f"/f/quote?gclid={value}", headers=BROWSER).text
        assert f'name="gclid" value="{value}"' in page


def test_each_visitor_gets_a_token_of_their_own(installation: Installation) -> None:
    found = set()

    def another() -> bool:
        page = installation.client.get("/f/quote", headers=BROWSER).text
        found.add(re.findall(r'_lf_token"[^>]*value="([^"]+)', page)[0])
        return len(found) > 1

    wait_until(another)
    for token in found:
        age = installation.site.tokens.age(token, "quote")
        assert age is not None
        assert age < 10


def test_the_answer_is_as_long_as_it_says_and_has_the_requests_name(installation: Installation) -> None:
    for query in ("", "gclid=1", "gclid=%C3%A9%C3%A9"):
        answer = installation.client.get(f"/f/quote?{query}", headers={"X-Request-Id": "given-by-a-proxy"})
        assert answer.content_length == len(answer.data)
        assert answer.headers["X-Request-Id"] == "given-by-a-proxy"


def test_a_new_version_is_shown_at_once(installation: Installation) -> None:
    assert "Get a free quote" in installation.client.get("/f/quote").text
    installation.form("quote", quote(wait=0, fields=HIDDEN).replace("Get a free quote", "Ask us"))
    assert "Ask us" in installation.client.get("/f/quote").text


def test_no_more_pages_are_kept_than_a_process_has_room_for(
    installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(page_cache, "KEPT", 3)
    for number in range(8):
        assert installation.client.get("/f/quote", headers={"Host": f"host{number}.example.com"}).status_code == 200
    assert len(installation.app.wsgi_app._kept._pages) == 3  # type: ignore[attr-defined]


def test_other_methods_and_forms_that_are_not_there_are_answered_as_ever(installation: Installation) -> None:
    assert installation.client.get("/f/nothing").status_code == 404
    head = installation.client.head("/f/quote")
    assert (head.status_code, head.data) == (200, b"")
    assert installation.client.delete("/f/quote").status_code == 405
