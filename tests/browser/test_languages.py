"""What a visitor reads in a language of their own is the same with scripts and without."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import expect

from tests.browser.stage import Tab, both_ways
from tests.installation import REPOSITORY, make, serve

pytestmark = pytest.mark.browser

SPANISH = (REPOSITORY / "tests" / "forms" / "spanish.yaml").read_text("utf-8")


@pytest.fixture(scope="module")
def product(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    installation = make(tmp_path_factory.mktemp("languages"), None, {"ALLOW_PRIVATE_VENDORS": "1"})
    installation.form("form", SPANISH)
    with serve(installation.app) as url:
        yield url
    installation.close()


@both_ways
def test_mistakes_are_told_and_thanks_are_said_in_spanish(product: str, tab: Tab, scripts: bool) -> None:
    page = tab.page
    page.goto(f"{product}/f/form")
    page.locator("form").evaluate("form => { form.noValidate = true }")
    page.get_by_label("Apellido").fill("Gil")
    page.get_by_label("Correo electrónico").fill("ana@")
    page.get_by_label("¿Cuántas habitaciones?").fill("99")
    page.get_by_role("button", name="Enviar").click()

    problem = page.get_by_role("alert", name="Hay un problema")
    expect(problem.get_by_role("listitem")).to_have_text(
        [
            "Complete «Nombre».",
            "Correo electrónico: Escriba una dirección de correo electrónico, por ejemplo nombre@example.com.",
            "Elija una respuesta para «¿Qué necesita?».",
            "¿Cuántas habitaciones? Escriba 20 o menos.",
            "Pueden enviarme mensajes de texto sobre mi presupuesto. Marque esta casilla para continuar.",
        ]
    )
    expect(page).to_have_title("Error: Pida su presupuesto")

    page.get_by_label("Nombre").fill("Ana")
    page.get_by_label("Correo electrónico").fill(f"ana-{scripts}@example.com")
    page.get_by_label("¿Qué necesita?").select_option(label="Ventanas")
    page.get_by_label("¿Cuántas habitaciones?").fill("3")
    page.get_by_label("Pueden enviarme").check()
    page.get_by_role("button", name="Enviar").click()
    expect(page.get_by_role("heading", name="Gracias")).to_be_visible()
    expect(page.get_by_text("Hemos recibido sus respuestas y nos pondremos en contacto con usted.")).to_be_visible()
