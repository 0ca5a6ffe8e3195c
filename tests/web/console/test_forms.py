"""Forms in the console: changed in plain controls or as text, seen before they are live, and never overwritten."""

from __future__ import annotations

import re
from html import unescape
from pathlib import Path
from typing import Any

import pytest

from leadferry import accepting, drafting, users
from leadferry import catalog as catalog_module
from leadferry.forms import Form
from leadferry.leads import NewLead
from tests.conftest import Install
from tests.installation import Installation
from tests.web.console.visitor import Visitor, signed_in

pytestmark = pytest.mark.thorough_on_postgresql  # drafts and versions are tested where they are kept

FORM = """\
# Kept by Anna
title: Get a quote
fields:
  - {name: firstName, label: First name, required: true}  # asked first
  - {name: email, label: E-mail}
  - name: service
    label: What do you need?
    type: select
    options: [Windows, {value: both, label: Both}]
  - {name: rooms, type: number, show_if: {service: both}}
vendor: {name: webhook, url: "https://example.com/lead", wait: 0}
"""


@pytest.fixture(autouse=True)
def always_due(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(catalog_module, "SECONDS_BETWEEN_LOOKS", 0.0)


@pytest.fixture
def here(install: Install) -> Installation:
    return install({"quote": FORM}, DELIVERY="off")


@pytest.fixture
def anna(here: Installation) -> Visitor:
    return signed_in(here, "editor", "Anna")


def text_of(page: str) -> str:
    """The hidden text that a page was made of."""
    found = re.search(r"<textarea[^>]* name=\"text\"[^>]*>\n?(.*?)</textarea>", page, re.DOTALL)
    assert found, page[:1000]
    return unescape(found[1])


def seen(visitor: Visitor, name: str = "quote", tab: str = "change") -> dict[str, Any]:
    """What a page would post, its controls apart."""
    page = visitor.get(f"/console/forms/{name}/{tab}").text
    revision = re.search(r'name="revision" value="(\d+)"', page)
    base = re.search(r'name="base" value="([^"]*)"', page)
    assert revision
    assert base
    return {"revision": revision[1], "base": base[1], "text": text_of(page)}


def change(visitor: Visitor, name: str = "quote", **controls: str) -> Any:
    typed = {key.replace("__", ":"): value for key, value in controls.items()}
    return visitor.post(f"/console/forms/{name}/change", {**seen(visitor, name), **typed})


def draft(here: Installation, name: str = "quote") -> str:
    found = drafting.find(here.store, name)
    assert found is not None
    return found.content


def served(here: Installation, name: str = "quote") -> Form:
    found = here.site.office.catalog.get(name)
    assert isinstance(found, Form)
    return found


# --- the list ---


def test_the_list_says_how_each_form_stands(here: Installation, anna: Visitor) -> None:
    here.form("broken", "title: [")
    lead = NewLead(served(here), {"firstName": "Jane"})
    accepting.accept(here.store, lead, {})
    change(anna, key__title="Price")
    page = anna.get("/console/forms").text
    assert re.search(r"Get a quote.*?Live.*?Draft waiting.*?Anna.*?>1</td>.*?<polyline", page, re.DOTALL)
    assert re.search(r"broken.*?Broken.*?Line 1: file: has a comma", page, re.DOTALL)


def test_an_empty_list_says_what_to_do_first(install: Install) -> None:
    here = install()
    assert "Make the first form" in signed_in(here, "editor").get("/console/forms").text
    assert "Make the first form" not in signed_in(here, "viewer").get("/console/forms").text


# --- the controls ---


def test_a_control_changes_one_word_of_the_draft_and_nothing_that_is_served(here: Installation, anna: Visitor) -> None:
    page = anna.get("/console/forms/quote/change").text
    names = set(re.findall(r'name="([a-z]+:[^"]+)"', page))
    assert {"key:title", "field:0:label", "field:3:show_answer", "vendor:url", "theme:accent"} <= names
    answer = change(anna, key__title="Get a price", field__0__required="", field__2__options="Windows\nDoors")
    assert answer.status_code == 303
    assert draft(here) == (
        FORM.replace("Get a quote", "Get a price")
        .replace("First name, required: true", "First name")
        .replace("{value: both, label: Both}", "Doors")
    )
    assert served(here).title == "Get a quote"
    assert "Draft waiting" in anna.get("/console/forms/quote/change").text


def test_posting_the_page_as_it_is_changes_nothing(here: Installation, anna: Visitor) -> None:
    """As a browser does: every control with what it shows."""
    page = anna.get("/console/forms/quote/change").text
    inputs = dict(re.findall(r'<input[^>]*? value="([^"]*)"[^>]*? name="([a-z]+:[^"]+)"', page))
    controls = {name: unescape(value) for value, name in inputs.items()}
    assert len(controls) < len(re.findall(r'name="[a-z]+:', page))
    anna.post("/console/forms/quote/change", {**seen(anna), "do": "save"})
    assert drafting.find(here.store, "quote") is None


def test_buttons_add_move_and_remove_questions_and_steps(here: Installation, anna: Visitor) -> None:
    change(anna, do="add", new_kind="name:phone", new_label="Mobile")
    assert "  - {name: phone, label: Mobile}\n" in draft(here)
    change(anna, do="add", new_kind="radio", new_label="How soon?")
    assert "- {name: how_soon, label: How soon?, type: radio, options: [First answer, Second answer]}" in draft(here)
    change(anna, do="up:4")
    change(anna, do="remove:1")
    names = re.findall(r"name: (\w+)", draft(here))
    assert names[:5] == ["firstName", "service", "phone", "rooms", "how_soon"]
    change(anna, do="add_step")
    assert "steps:\n  - {title: First, fields: [firstName, service, phone]}\n" in draft(here)
    change(anna, field__0__step="1", step__1__title="You")
    assert "{title: You, fields: [firstName, rooms, how_soon]}" in draft(here)
    change(anna, do="remove_step:0")
    assert "steps" not in draft(here)
    assert "# Kept by Anna" in draft(here)
    assert "# asked first" in draft(here)


def test_a_renamed_question_takes_its_conditions_along(here: Installation, anna: Visitor) -> None:
    change(anna, field__2__name="need")
    assert "show_if: {need: both}" in draft(here)
    change(anna, field__3__show_field="email", field__3__show_answer="a@b.example | c@d.example")
    assert "show_if: {email: [a@b.example, c@d.example]}" in draft(here)
    change(anna, field__3__show_field="")
    assert "show_if" not in draft(here)


def test_another_vendor_brings_the_account_that_another_form_has(install: Install) -> None:
    other = FORM.replace(
        'name: webhook, url: "https://example.com/lead"', "name: vcita, token: '${T}', request_title: X"
    )
    here = install({"quote": FORM, "visit": other}, T="token")
    anna = signed_in(here, "editor")
    change(anna, vendor__name="vcita")
    assert "request_title: X" in draft(here)
    change(anna, vendor__name="kartra")
    assert "api_key: ${KARTRA_API_KEY}" in draft(here) or 'api_key: "${KARTRA_API_KEY}"' in draft(here)
    page = anna.get("/console/forms/quote/change").text
    assert "KARTRA_API_KEY} is not set" in page


def test_what_is_wrong_stands_at_its_control_in_the_words_of_the_check(here: Installation, anna: Visitor) -> None:
    change(anna, key__on_success_url="no address", field__1__name="firstName")
    page = unescape(anna.get("/console/forms/quote/change").text)
    assert re.search(r'id="trouble-key-on_success_url"[^>]*><p class="error">"no address" is not a web address', page)
    assert re.search(r'id="trouble-field-1-name"[^>]*><p class="error">"firstName" is the name of two fields', page)
    assert re.search(r'<input[^>]*id="c-field-1-name"[^>]*aria-invalid="true"', page)
    assert 'href="#c-field-1-name"' in page
    assert anna.get("/console/forms/quote/preview").text.count("No preview") == 2


def test_a_credential_in_the_file_is_shown_nowhere_and_stays(install: Install) -> None:
    here = install({"quote": FORM.replace("wait: 0", "secret: whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw")})
    anna = signed_in(here, "editor")
    change(anna, key__title="New", vendor__secret="")
    assert "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw" in draft(here)
    text = seen(anna, tab="yaml")["text"]
    anna.post("/console/forms/quote/yaml", {**seen(anna), "text": text.replace("title: New", "title: Newer")})
    assert "title: Newer" in draft(here)
    assert "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw" in draft(here)
    for path in ("", "/change", "/yaml", "/versions", "/publish?rehearsed=1"):
        assert "whsec_" not in anna.get(f"/console/forms/quote{path}").text
    change(anna, vendor__secret="${HOOK}")
    assert "secret: ${HOOK}" in draft(here).replace('"', "")


# --- the text ---


def test_the_text_and_the_controls_are_one_draft(here: Installation, anna: Visitor) -> None:
    text = FORM.replace("Get a quote", "Mine  # a new comment")
    anna.post("/console/forms/quote/yaml", {**seen(anna, tab="yaml"), "text": text.replace("\n", "\r\n")})
    assert draft(here) == text
    change(anna, key__title="Ours")
    assert "title: Ours  # a new comment" in draft(here)


def test_a_text_with_mistakes_is_kept_and_each_is_shown_with_its_line(here: Installation, anna: Visitor) -> None:
    anna.post("/console/forms/quote/yaml", {**seen(anna, tab="yaml"), "text": FORM.replace("fields:", "fields: [")})
    page = anna.get("/console/forms/quote/yaml").text
    assert 'data-line="4"' in page or 'data-line="3"' in page
    assert "there are no controls for it" in anna.get("/console/forms/quote/change").text
    assert anna.get("/console/forms/quote/publish").status_code == 200
    assert anna.post("/console/forms/quote/publish", {"revision": "1"}).status_code == 422
    assert served(here).title == "Get a quote"


# --- two people ---


def test_the_second_of_two_is_told_and_may_take_over_or_insist(here: Installation, anna: Visitor) -> None:
    bo = signed_in(here, "editor", "Bo")
    bos_page = seen(bo)
    change(anna, key__title="Anna's")
    told = bo.post("/console/forms/quote/change", {**bos_page, "key:title": "Bo's"})
    assert told.status_code == 409
    assert "Anna saved this draft" in told.text
    assert "Title: “Anna&#39;s” → “Bo&#39;s”" in told.text
    assert "Anna's" in draft(here)
    mine = {"text": text_of(told.text), "base": "", "revision": "1"}
    assert bo.post("/console/forms/quote/yaml", mine).status_code == 303
    assert "title: Bo's" in draft(here)


def test_a_publication_from_the_folder_is_not_taken_back_unseen(here: Installation, anna: Visitor) -> None:
    change(anna, key__title="Anna's")
    here.form("quote", FORM.replace("Get a quote", "The file's"))
    page = anna.get("/console/forms/quote/publish").text
    assert "after this draft began" in page
    assert anna.post("/console/forms/quote/publish", {"revision": "1"}).status_code == 409
    assert served(here).title == "The file's"
    replace = re.search(r'name="replace" value="(\w+)"', page)
    assert replace
    anna.post("/console/forms/quote/publish", {"revision": "1", "replace": replace[1]})
    assert served(here).title == "Anna's"


def test_what_somebody_changed_since_it_was_reviewed_is_not_published(here: Installation, anna: Visitor) -> None:
    change(anna, key__title="Reviewed")
    change(signed_in(here, "editor", "Bo"), key__title="Changed since")
    told = anna.post("/console/forms/quote/publish", {"revision": "1"})
    assert (told.status_code, "Bo saved this draft" in told.text) == (409, True)
    assert anna.post("/console/forms/quote/discard", {"revision": "1"}).status_code == 409
    assert served(here).title == "Get a quote"
    assert "Changed since" in draft(here)


# --- publishing, going back, putting away ---


def test_a_draft_is_reviewed_rehearsed_published_and_taken_back(here: Installation, anna: Visitor) -> None:
    accepting.accept(here.store, NewLead(served(here), {"firstName": "Jane"}), {})
    change(anna, field__1__required="yes")
    page = anna.get("/console/forms/quote/publish?rehearsed=1").text
    assert "Field E-mail (email) is now required" in page
    assert "1 of the last 1 lead would now be refused" in page
    assert "1 of the last 1 lead would" in anna.get("/console/forms/quote/rehearsal").text
    answer = anna.post("/console/forms/quote/publish", {"revision": "1"})
    assert answer.status_code == 303
    assert served(here).by_name["email"].required
    assert (here.root / "forms/quote.yaml").read_text() == FORM.replace(
        "label: E-mail}", "label: E-mail, required: true}"
    )
    old = re.findall(r"/versions/(\w+)/restore", anna.get("/console/forms/quote/versions").text)
    assert len(old) == 1
    compared = anna.get(f"/console/forms/quote/compare?from={old[0]}&to={served(here).version}").text
    assert "is now required" in compared
    anna.post(f"/console/forms/quote/versions/{old[0]}/restore")
    assert not served(here).by_name["email"].required
    assert (here.root / "forms/quote.yaml").read_text() == FORM
    deeds = [(each.user, each.action) for each in users.deeds(here.store, object_="quote")]
    assert deeds == [("Anna", "form version restored"), ("Anna", "form published"), ("Anna", "draft changed")]


def test_a_form_is_archived_and_brought_back(here: Installation, anna: Visitor) -> None:
    version = served(here).version
    assert anna.post("/console/forms/quote/archive").status_code == 303
    assert here.client.get("/f/quote").status_code == 404
    assert "Archived forms (1)" in anna.get("/console/forms").text
    anna.post(f"/console/forms/quote/versions/{version}/restore")
    assert here.client.get("/f/quote").status_code == 200


def test_a_draft_is_discarded(here: Installation, anna: Visitor) -> None:
    change(anna, key__title="Worse")
    anna.post("/console/forms/quote/discard", {"revision": "1"})
    assert drafting.find(here.store, "quote") is None


# --- a new form ---


@pytest.mark.parametrize("template", ["contact", "quote", "callback", "appointment", "newsletter", "steps"])
def test_a_template_with_another_forms_account_is_right_at_once(
    here: Installation, anna: Visitor, template: str
) -> None:
    made = anna.post(
        "/console/forms/new",
        {"name": "spring", "begin": "template", "template": template, "account": "form:quote"},
    )
    assert made.headers["Location"] == "/console/forms/spring/change"
    found, problems = here.site.office.catalog.check("spring", draft(here, "spring"))
    assert found is not None, problems
    assert not problems
    assert here.client.get("/f/spring").status_code == 404
    anna.post("/console/forms/spring/publish", {"revision": "1"})
    assert here.client.get("/f/spring").status_code == 200
    assert Path(here.root / "forms/spring.yaml").exists()


def test_a_form_is_made_from_pasted_html_and_its_notes_are_shown(here: Installation, anna: Visitor) -> None:
    html = "<form><label>Name <input name=firstName required></label><input name=email><input type=file name=cv></form>"
    posted = {"name": "pasted", "begin": "html", "html": html, "html_account": "form:quote"}
    anna.post("/console/forms/new", posted)
    text = draft(here, "pasted")
    assert "name: firstName" in text
    assert "# Left out cv" in text
    assert "https://example.com/lead" in text
    page = anna.get("/console/forms/pasted/change").text
    assert "takes no files" in page
    assert "change its action to /f/pasted" in page


def test_a_copy_leaves_the_web_key_to_the_first(install: Install) -> None:
    here = install({"quote": f"web_key: LF_1\n{FORM}"})
    anna = signed_in(here, "editor")
    anna.post("/console/forms/new", {"name": "second", "begin": "copy", "copy": "quote"})
    assert "LF_1" not in draft(here, "second")
    assert "# asked first" in draft(here, "second")


@pytest.mark.parametrize(
    ("posted", "words"),
    [
        ({"name": "quote", "begin": "template", "template": "contact"}, "There is a form of this name already."),
        ({"name": "Über uns", "begin": "template", "template": "contact"}, "Use a to z, 0 to 9"),
        ({"name": "new", "begin": "template", "template": "contact"}, "Use a to z, 0 to 9"),
        ({"name": "x", "begin": "template", "template": "nothing"}, "Choose a template."),
        ({"name": "x", "begin": "copy", "copy": "nothing"}, "Choose the form to copy."),
        ({"name": "x", "begin": "html", "html": "<p>no form</p>"}, "no form"),
    ],
)
def test_what_cannot_begin_a_form_is_said(
    here: Installation, anna: Visitor, posted: dict[str, str], words: str
) -> None:
    answer = anna.post("/console/forms/new", posted)
    assert (answer.status_code, words in unescape(answer.text)) == (422, True)


# --- the preview ---


def test_the_preview_shows_the_draft_and_posts_nowhere(here: Installation, anna: Visitor) -> None:
    change(anna, key__title="<b>Drafted</b>", theme__accent="#123456")
    preview = anna.get("/console/forms/quote/preview")
    assert "&lt;b&gt;Drafted" in preview.text
    assert 'action="/console/forms/quote/tried"' in preview.text
    assert '/f/quote" accept' not in preview.text
    policy = preview.headers["Content-Security-Policy"]
    assert "frame-ancestors 'self'" in policy
    assert "sha256-" in policy
    assert "frame-src 'self'" in anna.get("/console/forms/quote/change").headers["Content-Security-Policy"]
    tried = here.client.post("/console/forms/quote/tried", data={"firstName": "Jane"})
    assert tried.get_json()["errors"][0]["message"].startswith("This is a preview")
    page = here.client.post("/console/forms/quote/tried", headers={"Accept": "text/html"}).text
    assert "This is a preview" in page
    assert here.leads() == []


# --- who may ---


def test_a_viewer_looks_and_changes_nothing(here: Installation, anna: Visitor) -> None:
    change(anna, key__title="Drafted")
    viewer = signed_in(here, "viewer")
    version = served(here).version
    for path in ("", "/preview", "/versions", f"/compare?from={version}&to=draft", "/rehearsal"):
        assert viewer.get(f"/console/forms/quote{path}").status_code == 200
    for path in ("/change", "/yaml", "/publish"):
        assert viewer.get(f"/console/forms/quote{path}").status_code == 403
    for path in ("/change", "/yaml", "/publish", "/discard", "/archive", f"/versions/{version}/restore"):
        assert viewer.post(f"/console/forms/quote{path}", {"revision": "1", "text": "x"}).status_code == 403
    assert viewer.get("/console/forms/new").status_code == 403
    assert "/change" not in viewer.get("/console/forms").text


def test_a_post_without_its_token_is_refused(here: Installation, anna: Visitor) -> None:
    page = seen(anna)
    for path in ("change", "yaml", "publish", "discard", "archive"):
        assert anna.client.post(f"/console/forms/quote/{path}", data=page).status_code == 400
    assert drafting.find(here.store, "quote") is None


@pytest.mark.parametrize("path", ["", "/change", "/yaml", "/publish", "/versions", "/preview", "/compare?from=x&to=y"])
def test_there_is_no_page_of_a_form_that_is_not_there(here: Installation, anna: Visitor, path: str) -> None:
    assert anna.get(f"/console/forms/nothing{path}").status_code == 404


@pytest.mark.parametrize(
    "posted",
    [{}, {"revision": "x"}, {"do": "remove:99"}, {"do": "up:x"}, {"text": "x" * 200_000}, {"field:99:label": "x"}],
)
def test_a_post_that_no_page_makes_does_no_harm(here: Installation, anna: Visitor, posted: dict[str, str]) -> None:
    answer = anna.post("/console/forms/quote/change", {**seen(anna), **posted})
    assert answer.status_code in {303, 400}
    assert served(here).title == "Get a quote"


def test_markup_in_a_form_is_text_in_the_console(install: Install) -> None:
    evil = "<script>alert(1)</script>"
    text = FORM.replace("Get a quote", f"'{evil}'").replace("E-mail", f"'{evil}'").replace("Windows", f"'{evil}'")
    here = install({"quote": text})
    anna = signed_in(here, "editor")
    change(anna, key__intro=evil)
    pages = [
        "",
        "/quote",
        "/quote/change",
        "/quote/yaml",
        "/quote/publish",
        "/quote/versions",
        "/quote/preview",
        "/new",
    ]
    for path in pages:
        assert evil not in anna.get(f"/console/forms{path}").text, path
