"""How a form looks: readable, large enough to hit, mirrored where its language is, and still for who wants it still."""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any, cast

import pytest
from playwright.sync_api import Browser, Page

from leadferry.colours import NAMED, luminance
from tests.browser.stage import tab
from tests.installation import REPOSITORY, make, serve

pytestmark = pytest.mark.browser

ARABIC = (REPOSITORY / "tests" / "forms" / "arabic.yaml").read_text("utf-8")
SPANISH = (REPOSITORY / "tests" / "forms" / "spanish.yaml").read_text("utf-8")

THEMES = {
    "plain": "{}",
    "yellow": '{accent: "#ffd400"}',
    "white": '{accent: "#ffffff"}',
    "black": '{accent: "#000000"}',
    "grey": '{accent: "#808080"}',
    "wine on ink": '{accent: "#7a1f3d", background: "#101418"}',
    "lime on paper": '{accent: "#32ff00", background: "#fffdf5", text: "#22201c"}',
    "faint": '{text: "#5f6361", background: "#ffffff"}',
    "named": "{accent: gold, background: navy}",
    "counted": '{accent: "hsl(280 60% 50%)", background: "rgb(20, 20, 24)", text: "rgb(95% 95% 95%)"}',
}

FORMS = {
    "arabic": ARABIC,
    "spanish": SPANISH,
    "german": SPANISH.replace("es-MX", "de").replace("LF_spanish", "LF_german"),
    **{
        name.replace(" ", "-"): f"{SPANISH.replace('LF_spanish', f'LF_{number}')}theme: {theme}\n"
        for number, (name, theme) in enumerate(THEMES.items())
    },
}

HEIGHTS = "(found) => found.map((each) => each.getBoundingClientRect().height)"

# Of what is typed in, chosen or pressed: its name, whether it is a box to tick, its letters, its width and height.
SIZES = """
() => [...document.querySelectorAll("input:not([type=hidden]), select, textarea, button")]
  .filter((each) => each.offsetWidth && !each.closest(".unseen"))
  .map((each) => {
    const { width, height } = each.getBoundingClientRect();
    const isBox = ["radio", "checkbox"].includes(each.type);
    return [each.name || each.type, isBox, parseFloat(getComputedStyle(each).fontSize), width, height];
  })
"""

BOXES = """
() => [...document.querySelectorAll("h1, button, legend, label, input, select, textarea, .option *, .problem, li")]
  .filter((each) => each.offsetWidth && !each.closest(".unseen"))
  .map((each) => {
    const { left, right, top } = each.getBoundingClientRect();
    return { what: each.outerHTML.slice(0, 80), left, right, top };
  })
"""

# Resolves a colour of CSS, mixed ones too, and paints it over what is behind.
CONTRAST = """
([selector, property]) => {
  const painter = document.createElement("canvas").getContext("2d", { willReadFrequently: true });
  const element = document.querySelector(selector);
  const backgrounds = [];
  for (let each = property === "border" ? element.parentElement : element; each; each = each.parentElement) {
    backgrounds.unshift(getComputedStyle(each).backgroundColor);
  }
  const paint = (colours) => {
    for (const colour of colours) {
      painter.fillStyle = colour;
      painter.fillRect(0, 0, 1, 1);
    }
    return [...painter.getImageData(0, 0, 1, 1).data].slice(0, 3);
  };
  const luminance = (colour) => {
    const [r, g, b] = colour.map((each) => (each /= 255) <= 0.04045 ? each / 12.92 : ((each + 0.055) / 1.055) ** 2.4);
    return 0.2126 * r + 0.7152 * g + 0.0722 * b;
  };
  const style = getComputedStyle(element);
  const behind = luminance(paint(backgrounds));
  const before = luminance(paint([...backgrounds, property === "border" ? style.borderTopColor : style.color]));
  return (Math.max(behind, before) + 0.05) / (Math.min(behind, before) + 0.05);
}
"""


@pytest.fixture(scope="module")
def product(tmp_path_factory: pytest.TempPathFactory) -> Iterator[str]:
    installation = make(tmp_path_factory.mktemp("looks"), None, {"SITE_TOKEN": "x", "ALLOW_PRIVATE_VENDORS": "1"})
    for name, text in FORMS.items():
        installation.form(name, text)
    with serve(installation.app) as url:
        yield url
    installation.close()


def post_what_is_wrong(page: Page) -> None:
    """Sends the form as it is; the page then shows every kind of mistake."""
    page.locator("form").evaluate("form => { form.noValidate = true }")
    page.locator("[name=email]").fill("x@")
    page.locator("[name=rooms]").fill("99")
    page.locator("button[type=submit]").click()
    page.locator("#problem").wait_for()


@pytest.mark.parametrize("form", ["arabic", "spanish"])
def test_what_is_typed_in_is_at_least_16_pixels_and_what_is_hit_at_least_24(
    product: str, page: Page, form: str
) -> None:
    page.set_viewport_size({"width": 390, "height": 800})
    page.goto(f"{product}/f/{form}")
    sizes = page.evaluate(SIZES)
    assert len(sizes) >= 9
    for name, is_box, font, width, height in sizes:
        assert is_box or (font >= 16 and height >= 44), name
        assert min(width, height) >= 24, name
    assert [height for height in page.locator(".option").evaluate_all(HEIGHTS) if height < 44] == []
    post_what_is_wrong(page)
    links = page.locator("#problem a").evaluate_all(HEIGHTS)
    assert len(links) >= 5
    assert min(links) >= 24


@pytest.mark.parametrize("form", ["arabic", "spanish", "german"])
def test_nothing_is_wider_than_the_narrowest_screen(product: str, page: Page, form: str) -> None:
    """320 pixels: an old phone, and a window of 1280 at 400 %."""
    page.set_viewport_size({"width": 320, "height": 640})
    page.goto(f"{product}/f/{form}")
    overflow = "() => document.documentElement.scrollWidth - innerWidth"
    assert page.evaluate(overflow) <= 0
    post_what_is_wrong(page)
    assert page.evaluate(overflow) <= 0
    page.goto(f"{product}/f/{form}/thanks")
    assert page.evaluate(overflow) <= 0


@pytest.mark.parametrize("width", [390, 1280])
def test_a_page_from_right_to_left_is_the_mirror_of_the_same_page_from_left_to_right(
    product: str, page: Page, width: int
) -> None:
    page.set_viewport_size({"width": width, "height": 800})
    page.goto(f"{product}/f/arabic")
    post_what_is_wrong(page)
    mirrored = page.evaluate(BOXES)
    inside = page.evaluate("() => document.documentElement.clientWidth")
    page.evaluate("() => { document.documentElement.dir = 'ltr' }")
    assert len(mirrored) > 40
    for right, left in zip(mirrored, page.evaluate(BOXES), strict=True):
        assert right["what"] == left["what"]
        assert abs(inside - right["right"] - left["left"]) <= 1, right["what"]
        assert abs(right["top"] - left["top"]) <= 1, right["what"]


def test_addresses_and_numbers_read_from_left_to_right_in_an_arabic_form(product: str, page: Page) -> None:
    page.goto(f"{product}/f/arabic")

    def style(name: str, key: str) -> Any:
        return page.locator(f"[name={name}]").evaluate("(each, key) => getComputedStyle(each)[key]", key)

    for name in ("email", "phone", "site", "rooms"):
        assert (style(name, "direction"), style(name, "textAlign")) == ("ltr", "end"), name
    assert (style("firstName", "direction"), style("firstName", "unicodeBidi")) == ("rtl", "plaintext")
    page.locator("[name=phone]").fill("٥١٢ ٧٨٩ ١١١١")
    post_what_is_wrong(page)
    assert page.locator("#problem a[href='#arabic-4']").count() == 0  # the phone number is one, in any digits
    assert style("service", "backgroundPositionX") == "14px"  # the arrow, at the left edge


@pytest.mark.parametrize(("motion", "seconds"), [("no-preference", "0.15s"), ("reduce", "0s")])
def test_nothing_moves_for_a_visitor_who_wants_less_motion(
    product: str, browser: Browser, motion: str, seconds: str
) -> None:
    with tab(browser) as found:
        found.page.emulate_media(reduced_motion=cast(Any, motion))
        found.page.goto(f"{product}/f/arabic")
        moving = found.page.evaluate(
            """() => [...new Set([...document.querySelectorAll("*")].flatMap((each) => {
              const { transitionDuration, animationName } = getComputedStyle(each);
              return animationName === "none" ? [transitionDuration] : [animationName];
            }))]"""
        )
    assert set(moving) == {"0s", seconds}


FIRST_TRIED = ("plain", "white", "wine on ink")


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(
    "theme", [pytest.param(each, marks=() if each in FIRST_TRIED else pytest.mark.thorough) for each in THEMES]
)
def test_texts_and_edges_stand_out_in_every_theme(product: str, page: Page, theme: str, scheme: str) -> None:
    """WCAG 2.2: 4.5 to 1 for text, 3 to 1 for the edges of what is used."""
    page.emulate_media(color_scheme=cast(Any, scheme))
    page.goto(f"{product}/f/{theme.replace(' ', '-')}")
    post_what_is_wrong(page)
    texts = (
        "h1",
        ".note",
        ".required",
        ".field > label",
        ".field .error",
        ".problem a",
        "[name=email]",
        "button[type=submit]",
    )
    found = {selector: page.evaluate(CONTRAST, [selector, "color"]) for selector in texts}
    assert {selector: ratio for selector, ratio in found.items() if ratio < 4.5} == {}
    edges = ("[name=phone]", "[name=email]", "select", ".problem", "button[type=submit]")
    found = {selector: page.evaluate(CONTRAST, [selector, "border"]) for selector in edges}
    assert {selector: ratio for selector, ratio in found.items() if ratio < 3} == {}


def test_a_colour_is_as_light_to_us_as_the_browser_paints_it(page: Page) -> None:
    ours = [
        "#fff",
        "#123",
        "#dddddd",
        "rgb(120, 110, 100)",
        "rgb(60% 50% 55%)",
        "hsl(60 100% 30%)",
        "hsl(700deg, 50%, 50%)",
    ]
    colours = [*NAMED, *ours]
    painted = page.evaluate(
        """(colours) => colours.map((colour) => {
          const painter = document.createElement("canvas").getContext("2d");
          painter.fillStyle = "#010203";
          painter.fillStyle = colour;
          if (painter.fillStyle === "#010203") return null;
          painter.fillRect(0, 0, 1, 1);
          const [r, g, b] = [...painter.getImageData(0, 0, 1, 1).data]
            .map((each) => (each /= 255) <= 0.04045 ? each / 12.92 : ((each + 0.055) / 1.055) ** 2.4);
          return 0.2126 * r + 0.7152 * g + 0.0722 * b;
        })""",
        colours,
    )
    assert len(NAMED) == 148  # CSS Color 4
    assert [luminance(colour) for colour in colours] == pytest.approx(painted, abs=0.005)
