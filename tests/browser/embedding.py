"""Pages that carry a form of ours: pasted in each way, into each kind of frame that builders put around it."""

from __future__ import annotations

from collections.abc import Callable
from html import escape
from pathlib import Path
from typing import Literal

import requests
from playwright.sync_api import Error, Frame, Locator, Page

from tests.browser.stage import Stage, Tab
from tests.installation import wait_until
from tests.systems import accounts

Way = Literal["script", "bare", "iframe", "html"]
WAYS: tuple[Way, ...] = ("script", "bare", "iframe", "html")

CLICKABLE = "a sandbox that lets a visitor's click move the page"

SHUT_IN = "allow-forms allow-scripts"

FRAMES = {
    # what is around the pasted code: None is the page itself, else the `sandbox` of a builder's frame, if it has one
    "the page itself": None,
    "a builder's frame": "",
    "a sandbox": f"{SHUT_IN} allow-same-origin",
    "a sandbox without same-origin": SHUT_IN,
    CLICKABLE: f"{SHUT_IN} allow-top-navigation-by-user-activation",
}

FIELDS = """
fields:
  - {name: firstName, label: First name, required: true}
  - {name: lastName, label: Last name, required: true}
  - {name: phone, label: Mobile}
  - {name: email, label: E-mail}
  - {name: promo, type: hidden}
"""

BUILDERS = Path(__file__).with_name("builders")


def publish_forms(stage: Stage) -> None:
    """`embedded` thanks on a page of ours, `leading` on the host's; a pasted form may be made of either."""
    vendor = f"vendor:{accounts.VENDORS['clienttether']}"
    own = f"on_success_url: {stage.host.url}/thanks\non_error_url: {stage.host.url}/oops\n"
    for name, more in {"embedded": "", "leading": own}.items():
        stage.installation.form(name, f"title: Ask us\nsubmit: Send\nweb_key: LF_{name}\n{FIELDS}{more}{vendor}")
        wait_until(lambda address=f"{stage.product}/f/{name}": requests.get(address, timeout=5).ok)


# --- pages ---


def snippet(stage: Stage, form: str, way: Way = "script") -> str:
    """What a marketer pastes."""
    if way == "bare":
        return f'<script async src="{stage.product}/embed.js" data-form="{form}"></script>'
    return requests.get(f"{stage.product}/f/{form}/snippet", params={"kind": way}, timeout=10).text


def document(pasted: str, head: str = "") -> str:
    return (
        f'<!doctype html><html lang="en"><head><meta charset="utf-8"><title>Our page</title>{head}'
        f'<meta name="viewport" content="width=device-width, initial-scale=1"></head><body>{pasted}</body></html>'
    )


def framed_document(stage: Stage, path: str, pasted: str, sandbox: str) -> str:
    """A page with a builder's frame, whose content is a page of another host."""
    shut_in = f' sandbox="{escape(sandbox)}"' if sandbox else ""
    inner = _on_another_host(stage, path, pasted)
    return document(
        f'<h1>Our page</h1><iframe title="Builder" width="100%" height="900" src="{inner}"{shut_in}></iframe>'
    )


def built_document(stage: Stage, builder: str, pasted: str) -> str:
    """As the builder's own pages are made."""
    template = (BUILDERS / f"{builder}.html").read_text("utf-8")
    inner = _on_another_host(stage, builder, pasted)
    return template.replace("{{ pasted }}", pasted).replace("{{ frame }}", inner)


def _on_another_host(stage: Stage, path: str, pasted: str) -> str:
    return stage.host.put(f"{path}/inner", document(pasted)).replace("localhost", "files.localhost")


def open_page(stage: Stage, tab: Tab, path: str, html: str, query: str = "") -> None:
    tab.page.goto(stage.host.put(path, html) + query)


# --- what a visitor finds there ---


def asked(frame: Frame) -> Locator:
    return frame.get_by_label("First name")


def thanked(frame: Frame) -> Locator:
    return frame.get_by_role("heading", name="Thank you")


def frame_that(page: Page, look: Callable[[Frame], Locator]) -> Frame:
    """The page itself, a frame of ours or one of a builder's: wherever that is found, as soon as it is."""
    wait_until(lambda: frames_that(page, look))
    return frames_that(page, look)[0]


def frames_that(page: Page, look: Callable[[Frame], Locator]) -> list[Frame]:
    return [each for each in page.frames if _count(look(each))]


def _count(found: Locator) -> int:
    try:
        return found.count()
    except Error:  # a frame that is being left for another page
        return 0


def fill_and_send(stage: Stage, frame: Frame, form: str, email: str, **typed: str) -> None:
    """Half a minute after the page was opened, as persons do."""
    if frame.locator("[name=_lf_token]").count():
        stage.age(frame, form, seconds=30)
    for label, text in {"First name": "Jane", "Last name": "Doe", "E-mail": email, **typed}.items():
        frame.get_by_label(label).fill(text)
    frame.get_by_role("button").click()
