"""Pages that carry a form of ours: pasted in each way, into each kind of frame that builders and owners put around it."""

from __future__ import annotations

import re
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from html import escape
from pathlib import Path
from typing import Literal

import requests
from playwright.sync_api import Frame, Page, expect

from tests.browser.stage import Stage, Tab
from tests.installation import wait_until
from tests.systems import accounts

BUILDERS = Path(__file__).with_name("builders")

Way = Literal["script", "bare", "iframe", "html"]
WAYS: tuple[Way, ...] = ("script", "bare", "iframe", "html")

SHUT_IN = "allow-forms allow-scripts"

FRAMES = {
    # what is around the pasted code: None is the page itself, else the `sandbox` of a builder's frame, if it has one
    "the page itself": None,
    "a builder's frame": "",
    "a sandbox": f"{SHUT_IN} allow-same-origin",
    "a sandbox without same-origin": SHUT_IN,
    "a sandbox that lets a visitor's click move the page": f"{SHUT_IN} allow-top-navigation-by-user-activation",
}

FIELDS = """
fields:
  - {name: firstName, label: First name, required: true}
  - {name: lastName, label: Last name, required: true}
  - {name: phone, label: Mobile}
  - {name: email, label: E-mail}
  - {name: promo, type: hidden}
"""


def publish_forms(stage: Stage) -> None:
    """`embedded` has no pages of its own, `leading` has both on the host's site; a pasted form may be made of either."""
    vendor = f"vendor:{accounts.VENDORS['clienttether']}"
    own = f"on_success_url: {stage.host.url}/thanks\non_error_url: {stage.host.url}/oops\n"
    for name, more in {"embedded": "", "leading": own}.items():
        stage.installation.form(name, f"title: Ask us\nsubmit: Send\nweb_key: LF_{name}\n{FIELDS}{more}{vendor}")
    wait_until(lambda: requests.get(f"{stage.product}/f/leading", timeout=5).ok)


def snippet(stage: Stage, form: str, way: Way) -> str:
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
    """A page with a builder's frame, which is a page of another host of the builder's."""
    stage.host.put(f"{path}/inner", document(pasted))
    inner = f"{stage.host.url.replace('localhost', 'files.localhost')}/{path}/inner"
    shut_in = f' sandbox="{escape(sandbox)}"' if sandbox else ""
    return document(f'<h1>Our page</h1><iframe title="Builder" width="100%" height="1000" src="{inner}"{shut_in}></iframe>')


def built_document(stage: Stage, builder: str, pasted: str) -> str:
    template = (BUILDERS / f"{builder}.html").read_text("utf-8")
    stage.host.put(f"{builder}/inner", document(pasted))
    frame = f"{stage.host.url.replace('localhost', 'files.localhost')}/{builder}/inner"
    return template.replace("{{ pasted }}", pasted).replace("{{ frame }}", frame)


def open_page(stage: Stage, tab: Tab, path: str, html: str, query: str = "") -> None:
    tab.page.goto(stage.host.put(path, html) + query)


def frame_of_form(page: Page, label: str = "First name") -> Frame:
    """Wherever the form stands by now: in the page, in a frame of ours, or in one of a builder's frames."""
    found: list[Frame] = []

    def look() -> bool:
        found[:] = [each for each in page.frames if not each.is_detached() and each.get_by_label(label).count()]
        return bool(found)

    wait_until(look, 15)
    return found[0]


def frame_with_text(page: Page, text: str) -> Frame:
    found: list[Frame] = []

    def look() -> bool:
        found[:] = [each for each in page.frames if not each.is_detached() and each.get_by_text(text).count()]
        return bool(found)

    wait_until(look, 15)
    return found[0]


def fill_and_send(stage: Stage, frame: Frame, form: str, email: str, **typed: str) -> None:
    """Half a minute after the page was opened, as persons do."""
    if frame.locator("[name=_lf_token]").count():
        stage.age(frame, form, seconds=30)
    for label, text in {"First name": "Jane", "Last name": "Doe", "E-mail": email, **typed}.items():
        frame.get_by_label(label).fill(text)
    frame.get_by_role("button").click()
