"""How light a colour is, and what a theme may do with it."""

from __future__ import annotations

import re

import pytest

from leadferry.catalog import check_folder
from leadferry.colours import contrast, is_light, luminance, page_colours
from leadferry.form_file import Surroundings
from leadferry.vendors import ADAPTERS
from tests.conftest import Install
from tests.installation import REPOSITORY
from tests.web.forms import SETTINGS, quote

pytestmark = pytest.mark.one_database  # what stands on a page


@pytest.mark.parametrize(
    ("one", "other", "ratio"),
    [
        ("white", "#000", 21),
        ("#777", "#ffffff", 4.48),
        ("rgb(0 0 0)", "rgb(100% 100% 100%)", 21),
        ("hsl(0, 100%, 50%)", "#fff", 4.0),
        ("#FFF", "#fff", 1),
        ("white", "currentcolor", None),
        ("facade", "black", None),
    ],
)
def test_contrast_is_that_of_wcag(one: str, other: str, ratio: float | None) -> None:
    for found in (contrast(one, other), contrast(other, one)):
        assert found == (ratio if ratio is None else pytest.approx(ratio, abs=0.01))


@pytest.mark.parametrize("colour", ["", "transparent", "rgb(none)", "rgb(1.2.3)", "#12", "#ggg", "rgb(1,2"])
def test_what_cannot_be_told_counts_as_light(colour: str) -> None:
    assert luminance(colour) is None
    assert is_light(colour)


def test_a_page_without_colours_of_its_own_has_those_of_the_stylesheet() -> None:
    css = (REPOSITORY / "static" / "leadferry.css").read_text("utf-8")
    colours = {
        name: re.findall(r"#\w+", css.split(f"--lf-{name}: light-dark(")[1].split(")")[0])
        for name in ("text", "background")
    }
    light, dark = zip(colours["text"], colours["background"], strict=True)
    assert (page_colours({"background": "white"})[0], page_colours({"text": "black"})[1]) == light
    assert (page_colours({"background": "navy"})[0], page_colours({"text": "white"})[1]) == dark
    assert page_colours({}) == light


@pytest.mark.parametrize(
    ("theme", "warned"),
    [
        ('{text: "#999", background: white}', ["theme.text: lets the text stand out from the background by 2.8 to 1"]),
        ('{background: "#777"}', ["theme.background: lets the text stand out from the background by 3.5 to 1"]),
        ('{text: "#555", background: white, accent: "#eee"}', []),
        ("{background: navy}", []),
        ("{text: inherit, background: transparent}", []),
    ],
)
def test_a_theme_that_nobody_can_read_is_warned_of(install: Install, theme: str, warned: list[str]) -> None:
    installation = install({"quote": quote(more=f"theme: {theme}")}, **SETTINGS)
    problems = check_folder(installation.root / "forms", Surroundings(ADAPTERS, SETTINGS.get))
    found = [f"{each.key}: {each.message}".split(";")[0] for each in problems if each.key.startswith("theme")]
    assert found == warned
    assert all(each.warning for each in problems)
