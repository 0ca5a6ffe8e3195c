"""A form with proof of work: the visitor notices nothing, and whoever has no script is held, not refused."""

from __future__ import annotations

import pytest
from playwright.sync_api import Frame, Page, expect

from tests.browser.stage import Stage, Tab, both_ways
from tests.systems.accounts import VENDORS

pytestmark = pytest.mark.browser


def publish(stage: Stage) -> str:
    fields = "  - {name: firstName, label: First name}\n  - {name: lastName}\n  - {name: email, label: E-mail}\n"
    vendor = VENDORS["clienttether"].replace("${SANDBOX}", stage.sandbox.url)
    return stage.publish("worked", f"fields:\n{fields}vendor:{vendor}spam: {{challenge: altcha}}\n")


def send(stage: Stage, page: Page | Frame, email: str) -> None:
    stage.age(page, "worked", seconds=60)  # type: ignore[arg-type]
    page.get_by_label("First name").fill("Jane")
    page.get_by_label("Last name").fill("Doe")
    page.get_by_label("E-mail").fill(email)
    page.get_by_role("button").click()


@both_ways
def test_the_browser_does_the_work_unasked(stage: Stage, tab: Tab, scripts: bool) -> None:
    page, email = tab.page, f"worked-{scripts}@example.com".lower()
    page.goto(publish(stage))
    send(stage, page, email)
    expect(page.get_by_role("heading")).to_have_text("Thank you")
    assert tab.hosts == {stage.product.removeprefix("http://")}
    lead = stage.lead(email)
    assert lead["quarantine"] == (None if scripts else ["challenge_missing"])


def test_it_works_in_a_frame_that_may_do_next_to_nothing(stage: Stage, page: Page) -> None:
    """There a script has no origin of its own."""
    address = publish(stage)
    page.goto(stage.host.put("worked", f'<iframe sandbox="allow-scripts allow-forms" src="{address}"></iframe>'))
    frame = page.frames[1]
    send(stage, frame, "worked-framed@example.com")
    expect(frame.get_by_role("heading")).to_have_text("Thank you")
    assert stage.lead("worked-framed@example.com")["quarantine"] is None
