"""What our pages say by themselves is in the form's language, and the catalogues say all of it."""

from __future__ import annotations

import re
from collections import Counter
from html import unescape
from pathlib import Path

import pytest
from babel.messages.catalog import Catalog
from babel.messages.mofile import read_mo
from flask.testing import FlaskClient

from leadferry.catalog import check_folder
from leadferry.form_file import Surroundings
from leadferry.languages import CATALOGUES, is_spoken, languages, plural, sentence, translate
from leadferry.messages import SENTENCES, say
from leadferry.vendors import ADAPTERS
from tests.conftest import Install
from tests.installation import REPOSITORY
from tests.web.forms import BROWSER, FRAMED, SCRIPT, SETTINGS, quote, said
from tools import translations

pytestmark = pytest.mark.thorough_on_postgresql  # what stands on a page

TRANSLATED = tuple(each for each in languages() if each != "en")
SOURCE = translations.texts()
QUOTES = {"ar": "«»", "de": "„“", "es": "«»", "fr": "«»", "pt": "“”"}
ALL_QUOTES = "«»„“”‚‘\"'<>"

IN_ENGLISH = {"fault.html", "missing.html", "replay.html", "snippets.html", "unavailable.html"}
"""Pages for who runs the forms, and pages that belong to no form, or to one that cannot be read."""

TEMPLATES = REPOSITORY / "templates"
VISITORS = sorted(
    {*TEMPLATES.glob("*.html"), *TEMPLATES.glob("snippets/*.html")} - {TEMPLATES / each for each in IN_ENGLISH}
)

ARABIC = (REPOSITORY / "tests" / "forms" / "arabic.yaml").read_text("utf-8")
SPANISH = (REPOSITORY / "tests" / "forms" / "spanish.yaml").read_text("utf-8")


def catalogue(language: str) -> Catalog:
    return translations.read(CATALOGUES / language / "LC_MESSAGES" / "messages.po")


def strings(found: Catalog) -> dict[str, str]:
    return {str(message.id): str(message.string) for message in found if message.id}


def below_header(path: Path) -> str:
    """The header names the version of the tool."""
    return path.read_text("utf-8").partition("\n\n")[2]


def placeholders(text: str) -> list[str]:
    return sorted(re.findall(r"\{[^}]*\}", text))


def ours(language: str) -> set[str]:
    """The English texts that a page in this language must not show: those that read otherwise in it."""
    return {text for text in strings(SOURCE) if "{" not in text and translate(text, language) != text}


def visible(page: str) -> str:
    """A page's source as its reader gets it, what its script says included."""
    return re.sub(r"\\u([0-9a-f]{4})", lambda escaped: chr(int(escaped[1], 16)), unescape(page))


def client(install: Install, **forms: str) -> FlaskClient:
    return install(forms, **SETTINGS, SITE_TOKEN="x").app.test_client()


# --- the catalogues ---


def test_six_languages_are_spoken() -> None:
    assert languages() == ("en", "ar", "de", "es", "fr", "pt")


@pytest.mark.parametrize("language", TRANSLATED)
def test_a_catalogue_has_what_is_said_and_nothing_else(language: str) -> None:
    found = catalogue(language)
    assert set(strings(found)) == set(strings(SOURCE))
    assert not found.obsolete
    assert translations.untranslated(found) == []


@pytest.mark.parametrize("language", TRANSLATED)
def test_what_is_compiled_is_what_the_catalogue_says(language: str) -> None:
    with (CATALOGUES / language / "LC_MESSAGES" / "messages.mo").open("rb") as file:
        assert strings(read_mo(file)) == strings(catalogue(language))


@pytest.mark.parametrize("language", TRANSLATED)
def test_a_translation_has_the_placeholders_of_its_text(language: str) -> None:
    assert [
        text for text, found in strings(catalogue(language)).items() if placeholders(text) != placeholders(found)
    ] == []


@pytest.mark.parametrize("language", TRANSLATED)
def test_a_translation_uses_the_quotation_marks_of_its_language(language: str) -> None:
    for found in strings(catalogue(language)).values():
        marks = [each for each in found if each in ALL_QUOTES]
        opening, closing = QUOTES[language]
        assert marks == [opening, closing] * (len(marks) // 2), found
        assert "..." not in found
        assert found == found.strip()


def test_french_keeps_its_marks_on_the_line() -> None:
    for found in strings(catalogue("fr")).values():
        assert not re.search(r"[^\u00a0]:(?!//)|[^\u202f][?!;]|«[^\u00a0]|[^\u00a0]»", found), found


def test_an_arabic_text_holds_together_what_reads_from_left_to_right() -> None:
    """Digits with spaces or hyphens, and Latin words before a full stop, else come apart or change places."""
    for found in strings(catalogue("ar")).values():
        free = re.sub("[\u2066\u2068][^\u2069]*\u2069", "", found)
        assert Counter(found)["\u2069"] == Counter(found)["\u2066"] + Counter(found)["\u2068"]
        assert not re.search(r"[A-Za-z]|[0-9][ -][0-9]", re.sub(r"\{\w+\}", "", free)), found


def test_renewing_the_catalogues_changes_nothing(tmp_path: Path) -> None:
    """Whoever changes a text and forgets `make translations` is told here."""
    for language in TRANSLATED:
        committed = CATALOGUES / language / "LC_MESSAGES" / "messages.po"
        renewed = tmp_path / language / "LC_MESSAGES" / "messages.po"
        renewed.parent.mkdir(parents=True)
        renewed.write_bytes(committed.read_bytes())
        assert translations.renew(renewed, SOURCE) == []
        assert below_header(renewed) == below_header(committed)


@pytest.mark.parametrize("path", VISITORS, ids=lambda path: path.name)
def test_a_template_says_nothing_that_cannot_be_translated(path: Path) -> None:
    html = re.sub(r"\{#.*?#\}|\{%.*?%\}|\{\{.*?\}\}", "", path.read_text("utf-8"), flags=re.DOTALL)
    named = re.findall(r'(?:alt|aria-label|placeholder|title)="([^"]*)"', html)
    texts = re.sub(r"<[^>]*>", "\n", html)
    assert not re.findall(r"\w+", " ".join((texts, *named)))


def test_a_region_gets_the_texts_of_its_language_and_an_unknown_language_gets_english() -> None:
    assert say("send", "pt-BR") == say("send", "pt") == "Enviar"
    assert say("send", "PT") == "Enviar"
    assert say("send", "it") == say("send", "en-GB") == say("send") == "Send"
    assert (is_spoken("es-MX"), is_spoken("en-GB"), is_spoken("it")) == (True, True, False)


@pytest.mark.parametrize("language", TRANSLATED)
@pytest.mark.parametrize("name", SENTENCES)
def test_every_sentence_can_be_said_with_its_values(language: str, name: str) -> None:
    values = {"label": "L", "limit": "5", "number": "3"}
    assert "{" not in say(name, language, **values)


# --- pages and answers ---


@pytest.mark.parametrize("language", TRANSLATED)
def test_nothing_of_ours_is_in_english_on_a_page_in_another_language(install: Install, language: str) -> None:
    visitor = client(install, quote=quote(more=f"language: {language}"))
    pages = [
        visitor.get("/f/quote"),
        visitor.get("/f/quote/thanks"),
        visitor.post("/f/quote", data={"email": "x"}, headers=BROWSER),
        visitor.post("/submit", data={"web_key": "LF_quote_1", "email": "x"}, headers=BROWSER),
        visitor.post("/f/quote", data={"firstName": "x" * 70_000}, headers=BROWSER),
    ]
    assert [page.status_code for page in pages] == [200, 200, 422, 422, 413]
    for page in pages:
        text = visible(page.text)
        assert f'lang="{language}"' in text
        assert not [each for each in ours(language) if re.search(rf"(?<![\w-]){re.escape(each)}(?![\w-])", text)]


def test_a_form_says_in_its_language_what_its_file_leaves_unsaid(install: Install) -> None:
    page = client(install, form=SPANISH).get("/f/form").text
    assert '<button type="submit">Enviar</button>' in page
    assert '<option selected value="">Elija una opción</option>' in page
    assert 'Las preguntas marcadas con <span class="required">*</span> son obligatorias.' in page
    assert '<html lang="es-MX" dir="ltr"' in page


def test_steps_without_a_title_are_counted_in_the_forms_language(install: Install) -> None:
    steps = "steps: [{fields: [firstName, lastName, email]}, {fields: [phone, service]}]\nlanguage: de"
    assert "Schritt 2" in client(install, quote=quote(more=steps)).get("/f/quote").text


def test_errors_are_told_in_the_forms_language_and_named_in_english(install: Install) -> None:
    """`error_code`, `msg` and the names of fields are for machines: they are the same everywhere."""
    answer = client(install, form=SPANISH).post(
        "/f/form", data={"firstName": "Ana", "lastName": "Gil", "email": "ana@", "start": "2026-01-01"}, headers=SCRIPT
    )
    found = said(answer)
    assert (found["error_code"], found["msg"]) == ("lf201", "Invalid Field")
    assert {each["field"]: each["message"] for each in found["errors"]} == {
        "email": "Escriba una dirección de correo electrónico, por ejemplo nombre@example.com.",
        "start": "Escriba 2026-01-31 o una fecha posterior.",
        "service": "Elija una respuesta para «¿Qué necesita?».",
        "smsok": "Marque esta casilla para continuar.",
    }


def test_a_body_that_cannot_be_taken_is_refused_in_the_forms_language(install: Install) -> None:
    visitor = client(install, form=SPANISH)
    damaged = {"data": b"{", "content_type": "application/json", "headers": SCRIPT}
    assert [each["message"] for each in said(visitor.post("/f/form", **damaged))["errors"]] == [
        "Las respuestas llegaron dañadas o en un formato que no se entiende."
    ]
    # at /submit nobody knows yet whose form it is
    assert [each["message"] for each in said(visitor.post("/submit", **damaged))["errors"]] == [
        "The answers arrived damaged or in a format that is not understood."
    ]


def test_the_way_out_of_a_frame_is_shown_in_the_forms_language(install: Install) -> None:
    visitor = client(install, quote=quote(urls=True, more="language: fr"))
    page = visitor.post("/submit", data={"web_key": "LF_quote_1"}, headers=FRAMED).text
    assert "Continuer" in page
    assert "il mène à www.example.com." in page


def test_arabic_reads_from_right_to_left(install: Install) -> None:
    visitor = client(install, form=ARABIC)
    assert '<html lang="ar" dir="rtl"' in visitor.get("/f/form").text
    page = visitor.post("/f/form", data={"phone": "12"}, headers=BROWSER).text
    assert "<title>خطأ: \u2068احجز موعدًا مع مختص\u2069</title>" in page
    assert "أدخل رقم هاتف، مثل \u2066512\u00a0789\u00a01111\u2069." in page


def test_digits_of_an_arabic_keyboard_are_digits(install: Install) -> None:
    installation = install({"form": ARABIC}, **SETTINGS, SITE_TOKEN="x")
    answers = {
        "firstName": "منى",
        "lastName": "سالم ٢",
        "email": "mona@example.com",
        "day": "الأحد",
        "smsok": "1",
        "phone": "٥١٢ ٧٨٩ ١١١١",
        "rooms": "٣٫٥",
        "start": "٢٠٢٦-٠٢-٢٨",
    }
    reference = said(installation.client.post("/f/form", data=answers, headers=SCRIPT))["lead"]
    values = installation.lead(reference)["values"]
    assert (values["phone"], values["rooms"], values["start"]) == ("5127891111", "3.5", "2026-02-28")
    assert values["lastName"] == "سالم ٢"


def test_what_belongs_to_no_form_is_in_english(install: Install) -> None:
    visitor = client(install, form=SPANISH)
    for address in ("/f/none", "/nowhere", "/f/form/snippet"):
        page = visitor.get(address, headers=BROWSER).text
        assert '<html lang="en" dir="ltr">' in page
    assert "Copy one of these into the page" in visitor.get("/f/form/snippet").text


def test_a_snippet_speaks_the_language_of_its_form(install: Install) -> None:
    visitor = client(install, form=SPANISH)
    html = visitor.get("/f/form/snippet?kind=html").text
    assert "Deje este campo vacío" in html
    assert '<option value="">Elija una opción</option>' in html
    assert "Pida su presupuesto: abrir el formulario en su propia página" in visitor.get(
        "/f/form/snippet?kind=script"
    ).text  # fmt: skip


def test_a_title_is_no_html_in_any_sentence(install: Install) -> None:
    visitor = client(install, quote=quote(more="language: de").replace("Get a free quote", '"<b>A & B</b>"'))
    page = visitor.post("/f/quote", data={"email": "x"}, headers=BROWSER).text
    assert "<title>Fehler: &lt;b&gt;A &amp; B&lt;/b&gt;</title>" in page
    assert "<b>A" not in page


# --- the check of form files ---


@pytest.mark.parametrize(("language", "warned"), [("pt-BR", False), ("en-GB", False), ("ar", False), ("it", True)])
def test_a_language_without_texts_of_ours_is_warned_of(install: Install, language: str, warned: bool) -> None:
    installation = install({"quote": quote(more=f"language: {language}")}, **SETTINGS)
    checked = check_folder(installation.root / "forms", Surroundings(ADAPTERS, SETTINGS.get))
    problems = [str(each) for each in checked if each.key == "language" and each.warning]
    assert bool(problems) is warned
    if warned:
        assert "in English" in problems[0]
        assert "pt" in problems[0]


# --- what the core words for the console ---


def test_a_sentence_is_its_english_text_and_can_be_told_with_its_values() -> None:
    waits = plural("{count} lead of {form} waits.", "{count} leads of {form} wait.").of(form="<b>")
    assert waits.of(1) == "1 lead of <b> waits."
    assert waits.of(1200) == "1,200 leads of <b> wait."
    assert waits.of(2).with_texts(str.upper).told("it") == "2 leads of <B> wait."
    nested = sentence("{one}, and {other}").of(one=sentence("nothing"), other=waits.of(2))
    assert (nested, nested.told("it")) == ("nothing, and 2 leads of <b> wait.",) * 2
    assert sentence("A name such as ${NAME}.") == "A name such as ${NAME}."
    assert sentence("").told("it") == ""
