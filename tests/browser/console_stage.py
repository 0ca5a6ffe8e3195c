"""What the console's browser tests play on: an installation that delivers, and somebody in the console."""

from __future__ import annotations

from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import requests
from playwright.sync_api import Browser, Page

from leadferry import users
from leadferry.sandbox import create_sandbox
from tests.browser.axe import broken_rules
from tests.browser.stage import Tab
from tests.installation import Installation, make, serve
from tests.systems import accounts

PASSWORD = "three words together"


@dataclass(frozen=True)
class Office:
    """The product at ``url``, with the emulated vendors behind it; leads go out as they come in."""

    here: Installation
    url: str

    def post(self, form: str = "quote", **values: str) -> str:
        """A visitor's lead; its reference."""
        said = {"firstName": "Bo", "lastName": "Smith", "email": "bo@example.com", **values}
        requests.post(f"{self.url}/f/{form}", data=said, headers={"Accept": "application/json"}, timeout=20)
        return str(self.here.leads("--form", form)[0]["lead"])

    def state(self, reference: str) -> str:
        return str(self.here.lead(reference)["state"])


@contextmanager
def office(root: Path, **environ: str) -> Iterator[Office]:
    with serve(create_sandbox()) as sandbox:
        here = make(root, None, {**accounts.SECRETS, "SANDBOX": sandbox, "ALLOW_PRIVATE_VENDORS": "1", **environ})
        here.form("quote", accounts.form("clienttether").replace("title: clienttether", "title: Get a free quote"))
        here.form("visit", accounts.form("leadconduit"))
        with serve(here.app) as url:
            here.site.worker.start()
            yield Office(here, url)
        here.close()


def sign_in(page: Page, office: Office, role: str = "operator") -> None:
    name = f"Some {role}"
    if users.find_by_name(office.here.store, name) is None:
        users.add(office.here.store, name, role, PASSWORD)
    page.goto(f"{office.url}/console/login")
    page.get_by_label("Name").fill(name)
    page.get_by_label("Password").fill(PASSWORD)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url(lambda url: "/login" not in url)


@contextmanager
def desk(browser: Browser, scheme: str = "light", width: int = 1280) -> Iterator[Tab]:
    """A tab of somebody who works with the console."""
    context = browser.new_context(
        viewport={"width": width, "height": 900},
        color_scheme="dark" if scheme == "dark" else "light",
        locale="en-GB",
        timezone_id="Asia/Tokyo",
    )
    try:
        yield Tab.of(context)
    finally:
        context.close()


def violations(page: Page) -> list[str]:
    """What axe finds on a page: each rule with the elements that break it."""
    found = broken_rules(page, {"resultTypes": ["violations"]})
    return [f"{each['id']}: {node['target']} {node['html'][:120]}" for each in found for node in each["nodes"]]
