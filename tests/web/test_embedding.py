"""What other pages load and copy, and what a form's page carries of where its visit came from."""

from __future__ import annotations

from typing import Any

import pytest
from bs4 import BeautifulSoup, Tag
from flask.testing import FlaskClient
from ruamel.yaml import YAML

from leadferry.fields import RESERVED
from leadferry.html_import import VendorHint, import_forms
from tests.conftest import Install
from tests.web.forms import BROWSER, FRAMED, SETTINGS, quote

pytestmark = pytest.mark.one_database  # what stands on a page

KINDS = ("script", "iframe", "html")

QUESTIONS = """
  - {name: rooms, label: Rooms & halls, type: number, help: "<b>About</b> will do."}
  - {name: when, label: When?, type: radio, required: true, options: [Soon, {value: later, label: Much later}]}
  - {name: what, label: What?, type: checkboxes, options: [Sash, Frame], required: true}
  - {name: notes, label: Notes, placeholder: Anything}
  - {name: smsok, type: consent, label: You may text me., required: true}
  - {name: extra, label: Only then, required: true, show_if: {when: Soon}}
  - {name: tag, type: hidden, value: "web,quote"}
  - {name: promo, type: hidden}
"""


@pytest.fixture
def client(install: Install) -> FlaskClient:
    return install(
        {"quote": quote(fields=QUESTIONS), "keyless": quote().replace("web_key: LF_quote_1", "")}, **SETTINGS
    ).client


def snippet(client: FlaskClient, kind: str, form: str = "quote", **how: Any) -> str:
    answer = client.get(f"/f/{form}/snippet?kind={kind}", **how)
    assert (answer.status_code, answer.content_type) == (200, "text/plain; charset=utf-8")
    return answer.text


def soup(html: str) -> BeautifulSoup:
    return BeautifulSoup(html, "html.parser")


def one(html: str, selector: str) -> Tag:
    (found,) = soup(html).select(selector)
    return found


# --- the script ---


def test_the_script_may_be_kept_and_loaded_by_any_page_and_sets_no_cookie(client: FlaskClient) -> None:
    with client.get("/embed.js") as answer:
        assert answer.status_code == 200
        assert answer.mimetype == "text/javascript"
        assert answer.headers["Cross-Origin-Resource-Policy"] == "cross-origin"
        assert answer.headers["Cache-Control"] == "public, max-age=3600"
        assert "Set-Cookie" not in answer.headers
        tag = answer.headers["ETag"]
    with client.get("/embed.js", headers={"If-None-Match": tag}) as again:
        assert again.status_code == 304


# --- the snippets ---


def test_the_full_snippet_is_a_live_frame_a_link_and_the_script(client: FlaskClient) -> None:
    html = snippet(client, "script", base_url="https://forms.example.com/")
    box = one(html, "[data-leadferry=quote]")
    frame = one(html, "iframe")
    assert (frame["src"], frame["title"]) == ("https://forms.example.com/f/quote", "Get a free quote")
    assert int(str(frame["height"])) > 900  # where styles are forbidden
    assert "height:calc(" in frame["style"]
    assert one(html, "a")["href"] == frame["src"]
    script = one(html, "script")
    assert (script["src"], script["data-form"]) == ("https://forms.example.com/embed.js", "quote")
    assert "async" in script.attrs
    assert box["data-fields"] == "promo"
    assert {tag.parent.name for tag in soup(html).select("iframe, script")} == {"div"}


def test_the_frame_alone_needs_nothing_else(client: FlaskClient) -> None:
    found = soup(snippet(client, "iframe"))
    assert [tag.name for tag in found.find_all(True)] == ["iframe"]


def test_the_address_of_visitors_is_the_one_of_the_settings(install: Install) -> None:
    client = install({"quote": quote()}, **SETTINGS, PUBLIC_URL="https://ask.example.com").client
    for kind, address in zip(KINDS, ("/embed.js", "/f/quote", "/submit"), strict=True):
        assert f'"https://ask.example.com{address}"' in snippet(client, kind)


def test_the_pasted_form_asks_what_the_form_asks(client: FlaskClient) -> None:
    html = snippet(client, "html")
    form = one(html, "form")
    assert (form["action"], form["method"]) == ("http://localhost/submit", "post")
    assert not soup(html).select("script, style, link, [style], [onclick]")
    assert one(html, "[name=web_key]")["value"] == "LF_quote_1"
    assert one(html, "[name=tag]")["value"] == "web,quote"
    assert {tag["name"] for tag in soup(html).select("[required]")} == {
        "firstName",
        "lastName",
        "email",
        "when",
        "smsok",
    }
    assert one(html, "[name=email]")["type"] == "email"
    assert "Rooms & halls" in soup(html).text
    assert "About will do." in soup(html).text
    assert "Only if “When?” is answered with: Soon." in soup(html).text  # there it is always in sight


def test_the_pasted_form_is_read_back_as_the_form_that_it_was_made_of(client: FlaskClient) -> None:
    webhook = VendorHint("webhook", (), (), {"url": "${WEBHOOK_URL}"})
    (found,) = import_forms(snippet(client, "html"), "pasted.html", vendors=(webhook,), known=tuple(RESERVED))
    fields = {field["name"]: field for field in YAML(typ="safe").load(found.yaml)["fields"]}
    expected = [
        "firstName",
        "lastName",
        "email",
        "phone",
        "service",
        "rooms",
        "when",
        "what",
        "notes",
        "smsok",
        "extra",
    ]
    assert [name for name in fields if name in expected] == expected
    assert fields["when"]["options"] == ["Soon", {"value": "later", "label": "Much later"}]
    assert fields["when"]["required"] is True


def test_what_the_pasted_form_sends_is_a_lead(install: Install) -> None:
    installation = install({"quote": quote(wait=0, fields=QUESTIONS)}, **SETTINGS)
    html = snippet(installation.client, "html")
    data = {str(tag["name"]): str(tag.get("value", "")) for tag in soup(html).select("input[type=hidden]")}
    data |= {"firstName": "Jane", "lastName": "Doe", "email": "jane@example.com", "when": "later", "what": "Sash"}
    answer = installation.client.post("/submit", data={**data, "smsok": "1"}, headers=BROWSER)
    assert (answer.status_code, answer.location) == (303, "/f/quote/thanks")
    assert installation.leads()[0]["state"] == "pending"


def test_a_form_without_a_web_key_says_so_in_place_of_the_html(client: FlaskClient) -> None:
    answer = client.get("/f/keyless/snippet?kind=html")
    assert (answer.status_code, answer.mimetype) == (404, "text/plain")
    assert "web_key" in answer.text
    assert "forms/keyless.yaml" in answer.text
    assert "has no <code>web_key</code>" in client.get("/f/keyless/snippet").text


def test_all_ways_in_on_one_page(client: FlaskClient) -> None:
    answer = client.get("/f/quote/snippet", headers=BROWSER)
    shown = [tag.text.removeprefix("\n").strip() for tag in soup(answer.text).select("textarea[readonly]")]
    assert shown == [snippet(client, kind).strip() for kind in KINDS]
    assert answer.headers["X-Frame-Options"] == "DENY"
    assert "frame-ancestors 'none'" in answer.headers["Content-Security-Policy"]
    assert {tag["src"] for tag in soup(answer.text).select("script")} == {"/static/snippets.js"}
    labels = {tag["for"] for tag in soup(answer.text).select("label")}
    assert labels == {tag["id"] for tag in soup(answer.text).select("textarea")}


@pytest.mark.parametrize(
    ("address", "status"),
    [("/f/none/snippet", 404), ("/f/none/snippet?kind=script", 404), ("/f/quote/snippet?kind=popup", 404)],
)
def test_what_there_is_not_is_not_found(client: FlaskClient, address: str, status: int) -> None:
    assert client.get(address).status_code == status


def test_a_title_with_quotes_breaks_no_snippet(install: Install) -> None:
    text = quote().replace("title: Get a free quote", "title: 'Windows \" & <doors>'")
    client = install({"quote": text}, **SETTINGS).client
    assert one(snippet(client, "script"), "iframe")["title"] == 'Windows " & <doors>'


# --- frames ---


def test_a_framed_page_says_so_and_is_clear_unless_its_theme_fixes_colours(install: Install) -> None:
    dark = quote(more='theme: {background: "#111"}')
    client = install({"quote": quote(), "dark": dark.replace("LF_quote_1", "LF_dark")}, **SETTINGS).client

    def classes(form: str, headers: dict[str, str]) -> list[str]:
        return list(one(client.get(f"/f/{form}", headers=headers).text, "html").get("class") or [])

    assert classes("quote", FRAMED) == ["framed", "clear"]
    assert classes("dark", FRAMED) == ["framed"]
    assert "framed" not in classes("quote", BROWSER)


def test_a_form_that_anybody_may_frame_names_no_ancestors(install: Install) -> None:
    """For a sandboxed frame is an origin that not even * stands for."""
    closed = quote(more="framing: origins").replace("LF_quote_1", "LF_closed")
    client = install({"quote": quote(), "closed": closed}, **SETTINGS).client
    assert "frame-ancestors" not in client.get("/f/quote").headers["Content-Security-Policy"]
    policy = client.get("/f/closed").headers["Content-Security-Policy"]
    assert policy.endswith("frame-ancestors 'self' https://www.example.com https://shop.example.com:8443")


# --- where the visit came from ---


def carried(client: FlaskClient, query: str = "", headers: dict[str, str] | None = None) -> dict[str, str]:
    page = soup(client.get(f"/f/quote{query}", headers=headers or BROWSER).text)
    hidden = page.select("form input[type=hidden]:not([name=_lf_token], [name=tag])")
    return {str(tag["name"]): str(tag["value"]) for tag in hidden if tag["value"]}


PAGE = "https://shop.example.com/windows?utm_source=ad&utm_term=glass&promo=SPRING&session=1"


def test_a_hosted_page_carries_its_address_and_where_its_visitor_was(client: FlaskClient) -> None:
    assert carried(
        client, "?gclid=1&promo=MAY&tag=x&firstName=Eve", {**BROWSER, "Referer": "https://ads.example/"}
    ) == {
        "page_url": "http://localhost/f/quote?gclid=1&promo=MAY&tag=x&firstName=Eve",
        "referrer": "https://ads.example/",
        "gclid": "1",
        "promo": "MAY",
    }


def test_on_a_hosted_page_the_first_page_of_the_visit_wins(client: FlaskClient) -> None:
    from_our_page = {**BROWSER, "Referer": "http://localhost/f/other?utm_source=first"}
    assert carried(client, "?utm_source=second&gclid=1", from_our_page)["utm_source"] == "first"
    from_elsewhere = {**BROWSER, "Referer": "https://other.example/?utm_source=theirs"}
    assert carried(client, "?utm_source=second", from_elsewhere)["utm_source"] == "second"
    assert carried(client, "", from_elsewhere)["utm_source"] == "theirs"


def test_a_framed_page_carries_what_its_address_says_and_guesses_the_rest(client: FlaskClient) -> None:
    found = carried(client, "?utm_source=partner", {**FRAMED, "Referer": PAGE})
    assert found == {"utm_source": "partner", "utm_term": "glass", "promo": "SPRING", "page_url": PAGE}
    page = soup(client.get("/f/quote?utm_source=partner", headers={**FRAMED, "Referer": PAGE}).text)
    assert {tag["name"] for tag in page.select("[data-guess]")} == {"utm_term", "promo", "page_url"}


def test_a_framed_page_that_is_told_nothing_carries_nothing(client: FlaskClient) -> None:
    assert carried(client, headers=FRAMED) == {}
    assert carried(client, headers={**FRAMED, "Referer": "http://[broken"}) == {"page_url": "http://[broken"}


def test_a_page_that_is_shown_again_carries_what_was_posted(client: FlaskClient) -> None:
    posted = {"utm_source": "ad", "promo": "MAY", "page_url": PAGE, "email": "nobody"}
    answer = client.post("/f/quote?utm_source=other", data=posted, headers={**FRAMED, "Referer": PAGE})
    page = soup(answer.text)
    assert answer.status_code == 422
    assert {name: page.select_one(f"[name={name}]")["value"] for name in ("utm_source", "promo", "page_url")} == {  # type: ignore[index]
        "utm_source": "ad",
        "promo": "MAY",
        "page_url": PAGE,
    }
    assert not page.select("[data-guess]")
