"""What a visitor's browser is given: every kind of question, what is wrong with an answer, and nothing unsafe."""

from __future__ import annotations

import gzip
import re
from base64 import b64encode
from dataclasses import replace
from hashlib import sha256
from typing import Any
from urllib.parse import quote_plus

import pytest
from bs4 import BeautifulSoup, Tag
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from leadferry.fields import TYPES
from leadferry.forms import Form
from leadferry.submission import HONEYPOT
from leadferry.web.theme import theme_css
from tests.conftest import Install
from tests.installation import REPOSITORY, Installation
from tests.web.conftest import ScriptedVendor
from tests.web.forms import BROWSER, FRAMED, SETTINGS, VISITOR, quote

pytestmark = pytest.mark.one_database  # what stands on a page

OPTIONS = "options: [One, Two, {value: '3', label: Three}]"

EVERY_KIND = """
title: Every kind
intro: <p>Hello <a href="https://example.com">there</a></p><script>alert(1)</script>
fields:
""" + "\n".join(
    f"  - {{name: the {kind}, label: The {kind}, type: {kind}, help: Help for {kind}"
    f"{', ' + OPTIONS if kind in {'select', 'radio', 'checkboxes'} else ''}}}"
    for kind in TYPES
)

AICORE = "\nvendor: {name: aicore, url: 'http://127.0.0.1:9/', sitecom_token: '${CT_KEY}', wait: 0}\n"
TO_A_WEBHOOK = "\nvendor: {name: webhook, url: 'http://127.0.0.1:9/', wait: 0}\n"

NASTY = """"'><script>alert(1)</script>&amp;"""


class Page:
    """A page as its visitor's browser reads it."""

    def __init__(self, answer: TestResponse) -> None:
        self.answer = answer
        self.soup = BeautifulSoup(answer.text, "html.parser")

    def all(self, selector: str) -> list[Tag]:
        return list(self.soup.select(selector))

    def one(self, selector: str) -> Tag:
        found = self.all(selector)
        assert len(found) == 1, f"{selector}: {found}"
        return found[0]

    def question(self, label: str) -> Tag:
        """The control, or the group of controls, that a label or a legend names."""
        for found in self.all("label, legend"):
            if " ".join(found.get_text().split()).removesuffix(" *") == label:
                return self.one(f"[id='{found['for']}']") if found.name == "label" else _parent(found)
        raise AssertionError(f"no question {label!r}")

    def controls(self) -> list[Tag]:
        return [each for each in self.all("input, select, textarea") if each.get("type") != "hidden"]

    @property
    def words(self) -> str:
        return " ".join(self.soup.get_text(" ").split())


def _parent(tag: Tag) -> Tag:
    assert tag.parent
    return tag.parent


def get(client: FlaskClient, form: str = "form", query: str = "") -> Page:
    return Page(client.get(f"/f/{form}{query}", headers=BROWSER))


def post(client: FlaskClient, data: dict[str, Any], form: str = "form") -> Page:
    return Page(client.post(f"/f/{form}", data=data, headers=BROWSER))


def site(install: Install, text: str) -> FlaskClient:
    return install({"form": text}, **SETTINGS).client


@pytest.fixture
def every_kind(install: Install) -> FlaskClient:
    return site(install, EVERY_KIND + AICORE)


# --- questions ---


@pytest.mark.parametrize(
    ("kind", "attributes"),
    {
        "text": {"type": "text", "maxlength": "1000", "autocomplete": None},
        "email": {"type": "email", "inputmode": "email", "autocomplete": "email", "maxlength": "254"},
        "phone": {"type": "tel", "inputmode": "tel", "autocomplete": "tel"},
        "number": {"type": "text", "inputmode": "decimal"},
        "range": {"type": "text"},
        "date": {"type": "date", "maxlength": None},
        "dob": {"type": "date", "autocomplete": "bday"},
        "ssn": {"type": "text", "inputmode": "numeric", "autocomplete": "off"},
        "gender": {"type": "text", "autocomplete": "sex"},
        "state": {"type": "text", "autocomplete": "address-level1"},
        "postal_code": {"type": "text", "autocomplete": "postal-code"},
        "country": {"type": "text", "autocomplete": "country-name"},
        "url": {"inputmode": "url", "autocomplete": "url"},
        "checkbox": {"type": "checkbox", "value": "1", "checked": None},
        "consent": {"type": "checkbox", "value": "1", "checked": None},
        "file": {"type": "file"},
    }.items(),
)
def test_each_kind_asks_a_browser_for_what_it_takes(
    every_kind: FlaskClient, kind: str, attributes: dict[str, str | None]
) -> None:
    control = get(every_kind).question(f"The {kind}")
    assert (control.name, control["name"]) == ("input", f"the {kind}")
    assert {name: control.get(name) for name in attributes} == attributes


def test_choices_and_long_texts_have_their_own_elements(every_kind: FlaskClient) -> None:
    page = get(every_kind)
    assert page.question("The textarea").name == "textarea"
    options = page.question("The select").select("option")
    assert [(each["value"], each.text) for each in options] == [
        ("", "Please choose"), ("One", "One"), ("Two", "Two"), ("3", "Three"),
    ]  # fmt: skip
    for kind, type_ in (("radio", "radio"), ("checkboxes", "checkbox")):
        group = page.question(f"The {kind}")
        assert group.name == "fieldset"
        assert [each["value"] for each in group.select(f"input[type={type_}]")] == ["One", "Two", "3"]
        assert page.question("Three") is not None
    assert not page.all("[name='the hidden']:not([type=hidden])")


def test_every_control_has_one_label_and_no_id_stands_twice(every_kind: FlaskClient) -> None:
    page = get(every_kind)
    ids = [each["id"] for each in page.all("[id]")]
    assert len(ids) == len(set(ids))
    for control in page.controls():
        assert len(page.all(f"label[for='{control['id']}']")) == 1, control
    assert {each["for"] for each in page.all("label")} <= set(ids)


def test_help_is_read_out_with_its_question(every_kind: FlaskClient) -> None:
    page = get(every_kind)
    for control in page.controls():
        if control["name"] != HONEYPOT:
            kind = str(control["name"]).removeprefix("the ")
            assert page.one(f"[id='{control['aria-describedby']}']").text.strip() == f"Help for {kind}"


def test_what_the_browser_may_insist_on_and_what_it_may_not(install: Install) -> None:
    page = get(
        site(
            install,
            """
title: Required
fields:
  - {name: a, label: Text, required: true}
  - {name: b, label: Optional}
  - {name: c, label: Radio, type: radio, required: true, options: [Yes, No]}
  - {name: d, label: Boxes, type: checkboxes, required: true, options: [One, Two]}
  - {name: e, label: Only then, required: true, show_if: {c: Yes}}
  - {name: f, label: Promise, type: consent, required: true}
"""
            + TO_A_WEBHOOK,
        )
    )
    assert "Questions marked * need an answer." in page.words
    marked = {each.get_text(" ", strip=True).split(" *")[0] for each in page.all("label, legend") if "*" in each.text}
    assert marked == {"Text", "Radio", "Boxes", "Only then", "Promise"}
    # Without a script a conditional question is always in sight, and `required` on a box asks for that very box.
    assert {each["name"] for each in page.all("[required]")} == {"a", "c", "f"}
    assert page.question("Radio")["aria-required"] == "true"
    hidden_words = {_parent(each).name: each.text.strip() for each in page.all("form .unseen") if each.name == "span"}
    assert hidden_words == {"legend": "(needs an answer)", "label": "(needs an answer)"}


def test_a_pattern_binds_the_browser_only_where_the_text_is_taken_as_typed(install: Install) -> None:
    fields = "  - {name: a, label: Code, pattern: '[A-Z]{3}'}\n  - {name: b, label: Call, type: phone, pattern: '5.*'}"
    page = get(site(install, f"title: P\nfields:\n{fields}{TO_A_WEBHOOK}"))
    assert page.question("Code")["pattern"] == "[A-Z]{3}"
    assert "pattern" not in page.question("Call").attrs  # (512) … begins with a bracket until it is put in order


def test_steps_are_sections_in_the_order_of_the_file(install: Install) -> None:
    text = """
title: Steps
fields: [{name: one}, {name: two}, {name: three}, {name: tag, type: hidden, value: x}]
steps:
  - {title: Last things first, fields: [three]}
  - {title: The rest, fields: [two, one]}
"""
    page = get(site(install, text + TO_A_WEBHOOK))
    sections = [
        (page.one(f"#{each['aria-labelledby']}").text, [str(control["name"]) for control in each.select("input")])
        for each in page.all("section")
    ]
    assert sections == [("Last things first", ["three"]), ("The rest", ["two", "one"])]
    assert page.one("[name=tag]")["value"] == "x"


def test_the_form_posts_to_its_own_address_with_its_token_and_where_the_visit_came_from(install: Install) -> None:
    page = get(install({"form": quote()}, **SETTINGS).client, query="?utm_source=spring&gclid=x%22y&firstName=Eve")
    form = page.one("form")
    assert (form["method"], form["action"], form["accept-charset"]) == ("post", "/f/form", ["utf-8"])
    assert "enctype" not in form.attrs
    assert page.one("[name=_lf_token]")["value"]
    assert page.one("[name=utm_source]")["value"] == "spring"
    assert page.one("[name=gclid]")["value"] == 'x"y'
    assert page.question("First name")["value"] == "Eve"


FILLABLE = """
title: Prefilled
fields:
  - {name: firstName, label: First name}
  - {name: Colour, label: Colour, value: red}
  - {name: pick, label: Pick, type: select, options: [One, Two]}
  - {name: ring, label: Ring, type: radio, options: [A, B]}
  - {name: many, label: Many, type: checkboxes, options: [X, Y, Z]}
  - {name: box, label: Box, type: checkbox}
  - {name: day, label: Day, type: date}
  - {name: short, label: Short, max_length: 3}
  - {name: notes, label: Notes}
  - {name: promise, label: Promise, type: consent}
  - {name: smsok, label: Text me}
  - {name: ssn, label: SSN, type: ssn}
  - {name: born, label: Born, type: dob}
  - {name: tag, type: hidden, value: web}
  - {name: promo, type: hidden}
"""


def test_an_address_answers_the_questions_that_it_may(install: Install) -> None:
    client = site(install, FILLABLE + TO_A_WEBHOOK)
    page = get(client, query="?firstName=Jane&pick=Two&ring=B&many=X&many=Z&many=Q&box=yes&day=12/31/2026&promo=spring")
    assert page.question("First name")["value"] == "Jane"
    assert page.one("option[selected]")["value"] == "Two"
    assert [each["value"] for each in page.all("fieldset [checked]")] == ["B", "X", "Z"]
    assert "checked" in page.question("Box").attrs
    assert (page.question("Day")["type"], page.question("Day")["value"]) == ("date", "2026-12-31")
    assert page.one("[name=promo]")["value"] == "spring"


def test_an_address_neither_promises_nor_changes_nor_tells_secrets(install: Install) -> None:
    client = site(install, FILLABLE + TO_A_WEBHOOK)
    query = "?promise=1&smsok=1&ssn=123456789&born=1985-12-31&tag=mine&Colour=blue&pick=Q&ring=Q&day=soon&short=abcdef"
    page = get(client, query=query + "&unknown=x&notes=" + quote_plus(NASTY))
    assert not page.all("[checked], option[selected]:not([value=''])")
    assert [page.question(label).get("value") for label in ("SSN", "Born", "Colour", "Short", "Day")] == [
        "", "", "red", "abc", "",
    ]  # fmt: skip
    assert page.one("[name=tag]")["value"] == "web"
    assert not page.all("[name=unknown]")
    assert "<script>" not in page.answer.text
    assert "<" not in page.question("Notes").text


def test_a_form_with_a_file_is_sent_in_parts(every_kind: FlaskClient) -> None:
    assert get(every_kind).one("form")["enctype"] == "multipart/form-data"


def test_the_trap_for_robots_is_out_of_the_way_of_people(every_kind: FlaskClient) -> None:
    trap = get(every_kind).one(f"[name={HONEYPOT}]")
    assert (trap["tabindex"], trap["autocomplete"], trap["type"]) == ("-1", "off", "text")
    assert _parent(trap)["aria-hidden"] == "true"
    assert "display" not in (REPOSITORY / "static" / "leadferry.css").read_text().partition(".unseen {")[2][:200]


# --- what is wrong ---


def test_the_summary_leads_to_each_question_in_the_order_of_the_page(install: Install) -> None:
    client = site(
        install,
        """
title: Wrong
fields:
  - {name: a, label: First, required: true}
  - {name: b, label: Second, type: email}
  - {name: c, label: Third, type: radio, required: true, options: [Yes, No]}
  - {name: d, label: Fourth, type: checkboxes, options: [Yes, No]}
  - {name: e, label: Fifth, type: consent, required: true}
"""
        + TO_A_WEBHOOK,
    )
    page = post(client, {"b": "nobody", "d": ["Yes", "Perhaps"]})
    assert page.answer.status_code == 422
    assert page.one("title").text == "Error: Wrong"
    summary = page.one("[role=alert]")
    assert "autofocus" in summary.attrs
    assert summary["tabindex"] == "-1"
    assert page.one(f"#{summary['aria-labelledby']}").text == "There is a problem"
    targets = [page.one(str(link["href"])) for link in summary.select("a")]
    assert [each["name"] for each in targets] == ["a", "b", "c", "d", "e"]
    assert [each.text for each in summary.select("a")][1].startswith("Second: Enter an e-mail address")
    assert all(each.name == "input" and each["type"] != "hidden" for each in targets)


def test_each_wrong_answer_says_why_to_those_who_cannot_see_where_it_stands(install: Install) -> None:
    fields = "[{name: a, type: email, help: Help}, {name: b, type: radio, required: true, options: [Y, N]}]"
    page = post(site(install, f"title: Wrong\nfields: {fields}{TO_A_WEBHOOK}"), {"a": "nobody"})
    email = page.one("[name=a]")
    error, help_ = (page.one(f"[id='{each}']") for each in str(email["aria-describedby"]).split())
    assert email["aria-invalid"] == "true"
    assert error.text.startswith("Enter an e-mail address")
    assert help_.text.strip() == "Help"
    group = page.one("fieldset")
    assert (group["role"], group["aria-invalid"]) == ("radiogroup", "true")
    described = {str(each["aria-describedby"]) for each in group.select("input")}
    assert [page.one(f"[id='{each}']").text for each in described] == ["Please choose an answer for “B”."]
    assert not group.select("input[aria-invalid]")  # a radio button has no such state


def test_nothing_that_was_typed_is_lost_or_taken_for_html(every_kind: FlaskClient) -> None:
    typed = {
        "the text": NASTY,
        "the textarea": f"two\nlines {NASTY}",
        "the email": "nobody",
        "the date": "03/04/2026",
        "the select": "3",
        "the radio": "Two",
        "the checkboxes": ["One", "3"],
        "the consent": "1",
        "utm_source": NASTY,
    }
    page = post(every_kind, typed)
    assert page.answer.status_code == 422
    assert "<script>" not in page.answer.text
    for kind in ("text", "email"):
        assert page.question(f"The {kind}")["value"] == typed[f"the {kind}"]
    assert page.question("The textarea").text.strip() == typed["the textarea"]
    date = page.question("The date")
    assert (date["type"], date["value"]) == ("text", "03/04/2026")  # a date picker would show it as empty
    assert page.one("option[selected]")["value"] == "3"
    assert [each["value"] for each in page.all("fieldset [checked]")] == ["Two", "One", "3"]
    assert "checked" in page.question("The consent").attrs
    assert "checked" not in page.question("The checkbox").attrs
    assert page.one("[name=utm_source]")["value"] == NASTY
    assert "choose it again" in page.words  # a file is the one thing that no browser keeps


def test_what_was_right_about_a_date_stays_in_its_picker(every_kind: FlaskClient) -> None:
    date = post(every_kind, {"the email": "nobody", "the date": "2026-12-31"}).question("The date")
    assert (date["type"], date["value"]) == ("date", "2026-12-31")


def test_a_page_shown_again_is_as_old_as_it_was(every_kind: FlaskClient) -> None:
    """Else who mends one tick within two seconds would be taken for a robot."""
    token = get(every_kind).one("[name=_lf_token]")["value"]
    again = post(every_kind, {"_lf_token": str(token), "the email": "nobody"})
    assert again.one("[name=_lf_token]")["value"] == token
    forged = post(every_kind, {"_lf_token": "made up", "the email": "nobody"})
    assert forged.one("[name=_lf_token]")["value"] not in {token, "made up", ""}


def test_an_error_that_no_question_of_the_page_has_is_said_all_the_same(install: Install) -> None:
    page = post(site(install, f"title: T\nexpansion: reject\nfields: [{{name: a}}]{TO_A_WEBHOOK}"), {"zzz": "1"})
    assert "This form does not take a field of this name." in page.one("[role=alert]").text
    assert not page.all("[role=alert] a")


@pytest.mark.parametrize(
    ("code", "words"),
    [
        ("ct103", "We have your details already"),
        ("ct104", "Your answers were not accepted"),
        ("ct101", "You need not send them again"),
    ],
)
def test_a_refusal_by_the_vendor_is_put_in_plain_words(
    install: Install, vendor: ScriptedVendor, code: str, words: str
) -> None:
    vendor.refuses(code)
    client = install({"form": quote(vendor.url)}, **SETTINGS).client
    page = post(client, VISITOR)
    assert words in page.one("[role=alert]").get_text()
    assert "Duplicate Client creation attempted" not in page.words
    assert page.question("First name")["value"] == "Jane"


# --- safe to open, wherever it stands ---


def policy(page: Page) -> dict[str, list[str]]:
    parts = (part.split() for part in page.answer.headers["Content-Security-Policy"].split(";"))
    return {name: values for name, *values in parts}


def test_no_page_runs_or_styles_anything_that_is_not_a_file_of_ours(every_kind: FlaskClient) -> None:
    pages = [
        get(every_kind),
        post(every_kind, {"the text": NASTY, "the email": NASTY}),
        Page(every_kind.get("/f/form/thanks", headers=BROWSER)),
        Page(every_kind.get("/f/none", headers=BROWSER)),
        Page(every_kind.post("/submit", data={"web_key": NASTY}, headers=BROWSER)),
    ]
    for page in pages:
        assert not page.all("style, iframe, object, [style]")
        assert {(each["src"], each.text) for each in page.all("script")} <= {("/static/form.js", "")}
        assert not [name for tag in page.all("*") for name in tag.attrs if name.startswith("on")]
        assert [each["href"] for each in page.all("link[rel=stylesheet]")] == ["/static/leadferry.css"]
        assert policy(page)["style-src"] == policy(page)["script-src"] == ["'self'"]
        assert "Set-Cookie" not in page.answer.headers


THEME = (
    'theme: {accent: "#0a7d5a", background: "#101418", radius: "0", font: "\'Gill Sans\', serif", max_width: 40rem}\n'
)


@pytest.fixture
def themed(install: Install) -> Installation:
    more = THEME + "on_success_url: https://www.example.com/thanks\n"
    return install({"form": quote(more=more)}, **SETTINGS)


def test_a_theme_is_the_only_style_on_the_page_and_let_in_by_its_hash(themed: Installation) -> None:
    client = themed.client
    pages = [
        get(client),
        post(client, {}),
        Page(client.get("/f/form/thanks", headers=BROWSER)),
        Page(client.post("/submit", data={"web_key": "LF_quote_1"}, headers=BROWSER)),
    ]
    for page in pages:
        style = page.one("style").text
        assert style == (
            ":root{--lf-accent:#0a7d5a;--lf-background:#101418;--lf-radius:0px;--lf-font:'Gill Sans', serif;"
            "--lf-max-width:40rem;color-scheme:dark}"
        )
        assert style in page.answer.text  # quotes stand for themselves there: an entity would change the hash
        digest = b64encode(sha256(style.encode()).digest()).decode()
        assert policy(page)["style-src"] == ["'self'", f"'sha256-{digest}'"]


def test_a_form_may_be_answered_with_a_redirect_to_its_own_addresses_only(themed: Installation) -> None:
    wanted = ["'self'", "https://shop.example.com:8443", "https://www.example.com"]
    assert policy(get(themed.client))["form-action"] == wanted
    assert policy(get(themed.client, "none"))["form-action"] == ["'self'"]


@pytest.mark.parametrize(
    ("theme", "scheme"),
    [
        ({"background": "#fff"}, "light"),
        ({"background": "#036"}, "dark"),
        ({"background": "#00336680"}, "dark"),
        ({"background": "ivory"}, "light"),
        ({"text": "#fff"}, "dark"),
        ({"text": "#222222"}, "light"),
        ({"text": "#fff", "background": "#eee"}, "light"),
        ({"accent": "#000"}, None),
        ({"background": "inherit"}, None),
    ],
)
def test_a_fixed_colour_fixes_the_scheme_that_it_belongs_to(
    themed: Installation, theme: dict[str, str], scheme: str | None
) -> None:
    css = theme_css(replace(form_of(themed), theme=theme))
    assert re.findall(r"color-scheme:(\w+)", css) == ([scheme] if scheme else [])


@pytest.mark.parametrize(
    "value", ["red;}body{display:none", "</style><script>", "url(x)\\", "'open", "inherit", "", "a@b", "red!important"]
)
def test_a_value_that_is_more_than_a_value_never_reaches_the_style(themed: Installation, value: str) -> None:
    assert theme_css(replace(form_of(themed), theme={"font": value, "unheard-of": "1px"})) == ""


def form_of(installation: Installation) -> Form:
    found = installation.site.office.catalog.get("form")
    assert isinstance(found, Form)
    return found


def test_a_language_that_runs_to_the_left_turns_the_page(install: Install) -> None:
    root = get(site(install, f"title: عرض سعر\nlanguage: ar\nfields: [{{name: a}}]{TO_A_WEBHOOK}")).one("html")
    assert (root["lang"], root["dir"]) == ("ar", "rtl")
    root = get(site(install, f"title: Devis\nlanguage: fr-CA\nfields: [{{name: a}}]{TO_A_WEBHOOK}")).one("html")
    assert (root["lang"], root["dir"]) == ("fr-CA", "ltr")


def test_a_marketers_html_is_shown_without_what_could_run(every_kind: FlaskClient) -> None:
    intro = get(every_kind).one(".intro")
    assert intro.select("a[href='https://example.com']")
    assert "alert" not in intro.text


# --- other pages ---


def test_a_pasted_forms_visitor_reads_what_is_wrong_and_how_to_get_back(install: Install) -> None:
    client = install({"form": quote()}, **SETTINGS).client
    typed = {"web_key": "LF_quote_1", "firstName": NASTY, "OnErrorURL": "https://evil.example/x", "phone": "1"}
    answer = client.post("/submit", data=typed, headers={**BROWSER, "Referer": "https://shop.example/form"})
    page = Page(answer)
    assert page.one("title").text.startswith("Error: ")
    assert "Mobile: Enter a ten-digit phone number" in page.words
    assert "Please fill in “Last name”." in page.words
    assert "Back button" in page.words
    assert not page.all("a")  # no posted address, and no guess at one, is offered as a link
    assert "evil.example" not in answer.text
    assert "alert(1)" not in answer.text


@pytest.mark.parametrize(
    "code", ["ct101", "ct102", "ct103", "ct104", "lf201", "lf202", "lf203", "lf204", "lf301", "lf501"]
)
def test_every_code_has_a_heading_and_a_sentence_of_its_own(themed: Installation, code: str) -> None:
    with themed.app.test_request_context("/submit"):
        codes = themed.app.jinja_env.get_template("codes.html").module
        heading, sentence = codes.heading(code), codes.sentence(code)  # type: ignore[attr-defined]
    assert heading[0].isupper()
    assert not heading.endswith(".")
    assert sentence.endswith(".")
    assert code not in heading + sentence


def test_in_a_frame_the_way_on_is_a_link_that_leaves_the_frame(themed: Installation) -> None:
    page = Page(themed.client.post("/f/form", data=VISITOR, headers=FRAMED))
    link = page.one("a")
    assert (link["href"], link["target"], link["rel"]) == ("https://www.example.com/thanks", "_top", ["noopener"])
    assert "www.example.com" in page.words
    script = page.one("script[data-url]")
    assert (script["src"], script["data-url"], script.text) == ("/static/top.js", link["href"], "")


def test_a_missing_and_a_broken_form_are_told_apart(install: Install) -> None:
    client = site(install, "title: Broken")
    assert "no page at this address" in get(client, "none").words
    broken = get(client)
    assert broken.answer.status_code == 503
    assert "being repaired" in broken.words
    assert "vendor" not in broken.words
    assert "did not work" in Page(client.put("/f/form", headers=BROWSER)).words


def test_the_stylesheet_is_small_and_asks_for_nothing_else(every_kind: FlaskClient) -> None:
    with every_kind.get("/static/leadferry.css") as answer:
        assert answer.mimetype == "text/css"
        assert len(gzip.compress(answer.data)) < 6 * 1024
        assert not re.findall(r"@import|url\((?!\"data:image/svg\+xml,)", answer.get_data(as_text=True))
    with every_kind.get("/static/top.js") as answer:
        assert answer.mimetype == "text/javascript"
