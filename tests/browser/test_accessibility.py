"""Every state of a form's pages under axe's rules, WCAG 2.2 AA and the best practices; and what axe cannot tell."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass

import pytest
import requests
from playwright.sync_api import Browser, Frame, Page, expect

from leadferry.fields import TYPES
from tests.browser.axe import broken_rules
from tests.browser.embedding import document, frame_that, snippet
from tests.browser.stage import Stage
from tests.systems import accounts

pytestmark = pytest.mark.browser

OPTIONS = {"resultTypes": ["violations"], "rules": {"target-size": {"enabled": True}}}

CHOICES = {"select", "radio", "checkboxes"}


def every_type(*, required: bool, language: str = "en") -> str:
    fields = "\n".join(
        f"  - {{name: the {kind}, label: A {kind}, type: {kind}, help: Help for {kind}"
        f"{', options: [One, Two, Three]' if kind in CHOICES else ''}{', required: true' if required else ''}}}"
        for kind in TYPES
        if kind != "hidden"
    )
    return f"title: Everything\nlanguage: {language}\nfields:\n{fields}\nvendor:{accounts.VENDORS['aicore']}"


STEPS = f"""
title: Step by step
intro: <p>Some words, and <a href="https://example.com">a link</a>.</p>
fields:
  - {{name: kind, label: Which one?, type: radio, required: true, options: [One, Two]}}
  - {{name: why, label: Why this one?, required: true, show_if: {{kind: Two}}}}
  - {{name: firstName, label: First name, required: true}}
  - {{name: lastName, label: Last name, required: true}}
  - {{name: email, label: E-mail}}
steps: [{{title: First, fields: [kind, why]}}, {{title: Last, fields: [firstName, lastName, email]}}]
web_key: LF_axe_steps
on_success_url: https://www.example.com/thanks
vendor:{accounts.VENDORS["clienttether"]}"""


@pytest.fixture(scope="module", autouse=True)
def forms(stage: Stage) -> None:
    stage.publish("axe", every_type(required=False))
    stage.publish("axe-required", every_type(required=True))
    stage.publish("axe-arabic", every_type(required=True, language="ar"))
    stage.publish("axe-steps", STEPS)
    stage.installation.form("axe-broken", "title: Broken")


def violations(page: Page | Frame) -> list[tuple[str, list[str]]]:
    return [(each["id"], [node["html"][:200] for node in each["nodes"]]) for each in broken_rules(page, OPTIONS)]


@dataclass(frozen=True)
class Look:
    width: int = 1280
    height: int = 900
    dark: bool = False
    scale: int = 1

    @contextmanager
    def on(self, page: Page) -> Iterator[None]:
        """Of a page that is open: style sheets ask for nothing else, and no script of ours does."""
        size = {"width": self.width, "height": self.height}
        page.emulate_media(color_scheme="dark" if self.dark else "light")
        page.set_viewport_size({"width": self.width, "height": self.height})
        tools = page.context.new_cdp_session(page)
        if self.scale != 1:  # which Playwright can choose only for a new page
            tools.send("Emulation.setDeviceMetricsOverride", {**size, "deviceScaleFactor": self.scale, "mobile": False})
        assert page.evaluate(SEEN) == [self.width, self.height, self.dark, self.scale]
        yield
        tools.detach()  # which ends what it has set


SEEN = "[innerWidth, innerHeight, matchMedia('(prefers-color-scheme: dark)').matches, devicePixelRatio]"

LOOKS = {
    "light": Look(),
    "dark": Look(dark=True),
    "320 px": Look(320, 640),
    "400 %": Look(320, 256, scale=4),
}


@contextmanager
def opened(browser: Browser, look: Look) -> Iterator[Page]:
    context = browser.new_context(
        viewport={"width": look.width, "height": look.height},
        device_scale_factor=look.scale,
        color_scheme="dark" if look.dark else "light",
        reduced_motion="reduce",
    )
    try:
        page = context.new_page()
        page.set_default_timeout(30_000)
        yield page
    finally:
        context.close()


@pytest.fixture
def seen(browser: Browser) -> Iterator[Page]:
    with opened(browser, LOOKS["light"]) as page:
        yield page


@pytest.fixture(params=list(LOOKS))
def looked_at(browser: Browser, request: pytest.FixtureRequest) -> Iterator[Page]:
    """A page that has one look from the beginning."""
    with opened(browser, LOOKS[request.param]) as page:
        yield page


def overflow(page: Page) -> int:
    return int(page.evaluate("document.documentElement.scrollWidth - innerWidth"))


def right(page: Page) -> None:
    """In every look; the page ends as it was."""
    for name, look in reversed(LOOKS.items()):
        with look.on(page):
            assert (name, violations(page), max(overflow(page), 0)) == (name, [], 0)


def test_a_fault_is_seen(stage: Stage, seen: Page) -> None:
    """Else all the others would prove nothing."""
    seen.goto(f"{stage.product}/f/axe")
    seen.evaluate("document.querySelector('label').remove()")
    seen.evaluate("document.querySelector('h1').style.width = '2000px'")
    for look in LOOKS.values():
        with look.on(seen):
            assert "label" in dict(violations(seen))
            assert overflow(seen) > 0


@pytest.mark.thorough
@pytest.mark.parametrize("name", LOOKS)
def test_a_fault_that_only_one_look_has_is_seen_in_it(stage: Stage, seen: Page, name: str) -> None:
    """A text that is hardly to be read, or wider than the page, only where the look is put on as it was meant."""
    seen.goto(f"{stage.product}/f/axe")
    look = LOOKS[name]
    where = f"(width: {look.width}px) and (height: {look.height}px)"
    where += f" and (prefers-color-scheme: {'dark' if look.dark else 'light'})"
    rule = f"@media {where} {{ h1 {{ color: #777 !important; background: #888; width: 2000px }} }}"
    seen.evaluate("(rule) => document.styleSheets[0].insertRule(rule)", rule)
    for each, other in LOOKS.items():
        with other.on(seen):
            assert ("color-contrast" in dict(violations(seen)), overflow(seen) > 0) == (each == name, each == name)


# --- every state ---


@pytest.mark.parametrize("form", ["axe", pytest.param("axe-arabic", marks=pytest.mark.thorough)])
def test_every_type_of_question(stage: Stage, seen: Page, form: str) -> None:
    seen.goto(f"{stage.product}/f/{form}")
    right(seen)


@pytest.mark.parametrize("form", ["axe-required", pytest.param("axe-arabic", marks=pytest.mark.thorough)])
def test_every_type_of_question_with_an_error(stage: Stage, seen: Page, form: str) -> None:
    seen.goto(f"{stage.product}/f/{form}")
    seen.locator("button").click()
    expect(seen.get_by_role("alert")).to_be_focused()
    right(seen)
    tie_of_errors(seen)


def test_errors_on_the_servers_own_page(stage: Stage, seen: Page) -> None:
    seen.route("**/form.js", lambda route: route.abort())
    seen.goto(f"{stage.product}/f/axe-required")
    seen.locator("form").evaluate("(form) => { form.noValidate = true }")
    seen.locator("button").click()
    expect(seen.get_by_role("alert")).to_be_focused()
    right(seen)
    tie_of_errors(seen)


def tie_of_errors(page: Page) -> None:
    """Each line of the summary leads to an input, which is described by its error; a group is marked as one."""
    links = page.get_by_role("alert").get_by_role("link").all()
    assert len(links) == len(TYPES) - 1
    for link in links:
        control = page.locator(f"[id='{str(link.get_attribute('href'))[1:]}']")
        described = str(control.get_attribute("aria-describedby")).split()
        assert page.locator(f"[id='{described[0]}'].error").count() == 1
    for group in page.locator("fieldset").all():
        assert group.locator("legend").inner_text()
        assert group.locator("[name]:not([aria-describedby*=-error])").count() == 0
    assert page.locator("[role=radiogroup]").get_attribute("aria-invalid") == "true"


def test_each_step(stage: Stage, seen: Page) -> None:
    seen.goto(f"{stage.product}/f/axe-steps")
    right(seen)
    seen.get_by_role("button", name="Next").click()
    right(seen)
    seen.get_by_label("Two").check()
    expect(seen.get_by_label("Why this one?")).to_be_visible()
    right(seen)
    seen.get_by_label("Why this one?").fill("Because")
    seen.get_by_role("button", name="Next").click()
    expect(seen.get_by_role("heading", name="Last")).to_be_focused()
    right(seen)
    seen.get_by_role("button", name="Send").click()
    expect(seen.get_by_role("alert")).to_be_focused()
    right(seen)
    seen.get_by_label("First name").fill("Jane")
    seen.get_by_label("Last name").fill("Doe")
    seen.route("**/f/axe-steps", lambda route: None)  # it never comes back
    seen.get_by_role("button", name="Send").click()
    expect(seen.get_by_role("status")).to_have_text("Sending…")
    right(seen)


def test_steps_without_a_script(stage: Stage, seen: Page) -> None:
    seen.route("**/form.js", lambda route: route.abort())
    seen.goto(f"{stage.product}/f/axe-steps")
    right(seen)


Opening = Callable[[Stage, Page], object]

PASTED = '<form method="post" action="{}/submit"><input name="web_key" value="LF_axe_steps"><button>Go</button></form>'


def paste(stage: Stage, page: Page) -> None:
    page.goto(stage.host.put("axe-pasted", PASTED.format(stage.product)))
    page.get_by_role("button").click()


PAGES: dict[str, Opening] = {
    "thanks": lambda stage, page: page.goto(f"{stage.product}/f/axe-steps/thanks"),
    "thanks without a way on": lambda stage, page: page.goto(f"{stage.product}/f/axe/thanks"),
    "error page of a pasted form": paste,
    "missing": lambda stage, page: page.goto(f"{stage.product}/f/none"),
    "unavailable": lambda stage, page: page.goto(f"{stage.product}/f/axe-broken"),
    "snippets": lambda stage, page: page.goto(f"{stage.product}/f/axe-steps/snippet"),
}


@pytest.mark.parametrize("name", PAGES)
def test_every_other_page(stage: Stage, seen: Page, name: str) -> None:
    PAGES[name](stage, seen)
    expect(seen.get_by_role("heading", level=1)).to_be_visible()
    right(seen)


def test_in_a_frame(stage: Stage, looked_at: Page) -> None:
    looked_at.goto(
        stage.host.put("axe-framed", document(f"<main><h1>Ours</h1>{snippet(stage, 'axe-required')}</main>"))
    )
    frame = frame_that(looked_at, lambda each: each.locator("form"))
    frame.locator("button").click()
    expect(frame.get_by_role("alert")).to_be_focused()
    assert violations(frame) == []
    assert frame.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0


def test_the_thanks_of_a_frame_are_where_the_focus_is(stage: Stage, browser: Browser) -> None:
    with opened(browser, LOOKS["light"]) as page:
        page.goto(stage.host.put("axe-thanked", document(f"<main><h1>Ours</h1>{snippet(stage, 'axe')}</main>")))
        frame = frame_that(page, lambda each: each.locator("form"))
        stage.age(frame, "axe", seconds=60)
        frame.get_by_label("A text", exact=True).fill("Jane")
        frame.locator("button").click()
        expect(frame.get_by_role("heading", name="Thank you")).to_be_focused()
        assert violations(frame) == []


# --- what axe does not tell ---


SPACED = "* { line-height: 1.5 !important; letter-spacing: 0.12em !important; word-spacing: 0.16em !important }"


def test_text_may_be_spaced_as_a_reader_needs_it(stage: Stage, browser: Browser) -> None:
    """WCAG 1.4.12: nothing is cut off."""
    with opened(browser, LOOKS["320 px"]) as page:
        page.goto(f"{stage.product}/f/axe-steps")
        page.evaluate("(rule) => document.styleSheets[0].insertRule(rule)", SPACED)
        page.get_by_role("button", name="Next").click()
        assert overflow(page) <= 0
        cut = "[...document.querySelectorAll('main *')].filter((each) => each.scrollHeight > each.clientHeight + 2"
        cut += " && getComputedStyle(each).overflow !== 'visible' && !each.closest('.unseen, progress')).length"
        assert page.evaluate(cut) == 0


def test_the_language_and_the_title_say_what_the_page_is(stage: Stage) -> None:
    page = requests.get(f"{stage.product}/f/axe-arabic", timeout=10).text
    assert '<html lang="ar" dir="rtl"' in page
    assert "<title>Everything</title>" in page
