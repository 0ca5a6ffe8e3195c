"""The way back from an error page into the form with what was typed, nothing of it stored or in an address."""

from __future__ import annotations

import time

import pytest
from bs4 import BeautifulSoup
from werkzeug.test import TestResponse

from leadferry.forms import Form
from leadferry.web.drafts import SECONDS, Drafts
from tests.conftest import Install
from tests.installation import Installation
from tests.web.forms import BROWSER, FRAMED, SCRIPT

pytestmark = pytest.mark.thorough_on_postgresql  # how a visitor comes back is the same on each

FORM = """
title: Ask us
web_key: LF_ask
fields:
  - {name: firstName, label: First name, required: true}
  - {name: email, label: E-mail}
  - {name: topics, type: checkboxes, options: [Windows, Doors, Roofs]}
  - {name: ssn, type: ssn}
  - {name: born, type: dob}
  - {name: smsok, type: consent, label: You may text me., required: true}
  - {name: tag, type: hidden, value: web}
on_success_url: https://www.example.com/thanks
vendor: {name: webhook, url: https://hooks.example.com/leads, wait: 0}
"""

TYPED = {
    "web_key": "LF_ask",
    "OnSuccessURL": "https://www.example.com/welcome",
    "firstName": "<b>Zoë</b> & co",
    "email": "nobody",
    "topics": ["Windows", "Roofs"],
    "ssn": "123-45-6789",
    "born": "1985-12-31",
    "smsok": "1",
    "Favorite Chocolate": "dark\nand bitter",
    "utm_source": "spring",
    "_gotcha": "",
}


@pytest.fixture
def site(install: Install) -> Installation:
    return install({"ask": FORM, "other": FORM.replace("LF_ask", "LF_other")})


def post(site: Installation, data: object, path: str = "/submit", headers: object = BROWSER) -> TestResponse:
    return site.client.post(path, data=data, headers=headers)


def draft_on(answer: TestResponse) -> str:
    (field,) = BeautifulSoup(answer.text, "html.parser").select("form[method=post][action='/f/ask'] [name=_lf_draft]")
    return str(field["value"])


def test_the_error_page_leads_back_into_the_form_with_all_that_was_typed(site: Installation) -> None:
    draft = draft_on(post(site, TYPED))
    answer = post(site, {"_lf_draft": draft}, "/f/ask")
    assert (answer.status_code, answer.headers["Cache-Control"]) == (200, "no-store")
    page = BeautifulSoup(answer.text, "html.parser")
    values = {str(each["name"]): each["value"] for each in page.select("form input[value]:not([type=checkbox])")}
    assert values["firstName"] == "<b>Zoë</b> & co"
    assert values["email"] == "nobody"
    assert values["Favorite Chocolate"] == "dark\nand bitter"  # the page does not ask it, and sends it all the same
    assert values["utm_source"] == "spring"
    assert values["OnSuccessURL"] == "https://www.example.com/welcome"
    assert [each["value"] for each in page.select("[name=topics][checked]")] == ["Windows", "Roofs"]
    assert [each.get_text() for each in page.select("[role=alert] a")] == [
        "E-mail: Enter an e-mail address, for example name@example.com."
    ]
    assert site.leads() == []


def test_a_promise_and_a_secret_are_given_anew(site: Installation) -> None:
    answer = post(site, {"_lf_draft": draft_on(post(site, TYPED))}, "/f/ask")
    page = BeautifulSoup(answer.text, "html.parser")
    assert [page.select_one(f"[name={name}]").get("value") for name in ("ssn", "born")] == ["", ""]  # type: ignore[union-attr]
    assert not page.select("[name=smsok][checked]")
    assert "6789" not in answer.text
    assert "LF_ask" not in answer.text


def test_what_comes_back_mended_is_a_lead_with_everything(site: Installation) -> None:
    mended = {"firstName": "Zoë", "email": "zoe@example.com", "smsok": "1", "Favorite Chocolate": "dark"}
    answer = post(site, {**mended, "OnSuccessURL": "https://www.example.com/welcome"}, "/f/ask")
    assert (answer.status_code, answer.location) == (303, "https://www.example.com/welcome")
    (lead,) = site.leads()
    assert site.lead(lead["lead"])["values"]["Favorite Chocolate"] == "dark"


def test_what_the_page_does_not_ask_survives_a_second_mistake(site: Installation) -> None:
    page = BeautifulSoup(post(site, {"email": "x", "Favorite Chocolate": "dark"}, "/f/ask").text, "html.parser")
    assert [each["value"] for each in page.select("[name='Favorite Chocolate'][type=hidden]")] == ["dark"]


def test_in_a_frame_the_page_that_leads_on_leads_back_too(site: Installation) -> None:
    data = {**TYPED, "OnErrorURL": "https://www.example.com/oops"}
    answer = post(site, data, headers=FRAMED)
    assert "https://www.example.com/oops?error_code=lf201" in answer.text
    assert draft_on(answer)
    assert "_lf_draft" not in post(site, {**TYPED, "email": ""}, headers=FRAMED).text  # nothing is wrong


@pytest.mark.parametrize(
    ("name", "seconds", "kept"),
    [("ask", 0.0, True), ("ask", SECONDS - 1.0, True), ("ask", SECONDS + 1.0, False), ("other", 0.0, False)],
)
def test_a_draft_is_for_one_form_and_half_an_hour(site: Installation, name: str, seconds: float, kept: bool) -> None:
    drafts, now = Drafts("key"), time.time()
    draft = drafts.make(form_of(site, "ask"), [("firstName", "Zoë")], now)
    assert draft
    assert drafts.read(form_of(site, name), draft, now + seconds) == [("firstName", "Zoë")] * kept
    assert Drafts("another key").read(form_of(site, "ask"), draft, now) == []


@pytest.mark.parametrize("draft", ["", "x", "é.ü", "W10.x", "a" * 5000])
def test_what_is_no_draft_of_ours_shows_the_form_as_it_is(site: Installation, draft: str) -> None:
    answer = post(site, {"_lf_draft": draft}, "/f/ask")
    assert answer.status_code == (422 if not draft else 200)  # an empty one is a post without answers
    assert site.leads() == []


def test_a_draft_among_answers_is_no_reason_to_lose_them(site: Installation) -> None:
    answers = {"firstName": "Zoë", "smsok": "1", "_lf_draft": "whatever"}
    assert post(site, answers, "/f/ask", SCRIPT).json["Message"] == "Success"  # type: ignore[index]


def test_what_is_too_much_for_one_value_is_left_to_the_browsers_back(site: Installation) -> None:
    letters = "".join(chr(0x4E00 + i * 7919 % 20_000) for i in range(18_000))
    answer = post(site, {**TYPED, "story": letters, "more": letters[::-1]})
    assert answer.status_code == 422
    assert "_lf_draft" not in answer.text
    assert "Back" in answer.text


def form_of(site: Installation, name: str) -> Form:
    found = site.site.office.catalog.get(name)
    assert isinstance(found, Form)
    return found
