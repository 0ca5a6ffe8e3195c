"""What the browser tests play on: the product, the emulated vendors, a customer's own site, and a visitor's tab."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests
from flask import Flask, abort
from playwright.sync_api import Browser, BrowserContext, ConsoleMessage, Frame, FrameLocator, Page, Response

from leadferry.sandbox import create_sandbox
from leadferry.tokens import PageTokens
from tests.installation import Installation, SandboxServer, make, serve, wait_until
from tests.systems import accounts

both_ways = pytest.mark.parametrize("scripts", [True, False], ids=["with scripts", "without scripts"])

PASTED_KEY = "CT_0123456789abcdef"

QUOTE = """
title: Get a free quote
submit: Get my quote
fields:
  - {name: firstName, label: First name, required: true}
  - {name: lastName, label: Last name, required: true}
  - {name: phone, label: Mobile}
  - {name: email, label: E-mail}
  - {name: service, label: What do you need?, type: select, options: [Windows, Doors]}
  - {name: Favorite Chocolate, label: Favourite chocolate}
  - {name: smsok, type: consent, label: You may text me about my quote.}
  - {name: tag, type: hidden, value: "web,quote"}
theme: {accent: "#123456"}
"""

# Chrome reports every status from 400 on; these two are the answers to a lead that is not taken.
REFUSED = re.compile(r"Failed to load resource: the server responded with a status of (409|422) ")


@dataclass
class Host:
    """A customer's site. It is at localhost, so to a browser it is another site than the product at 127.0.0.1."""

    url: str
    pages: dict[str, str] = field(default_factory=dict)

    def put(self, path: str, html: str) -> str:
        """Publishes a page; its address."""
        self.pages[path] = html
        return f"{self.url}/{path}"


@contextmanager
def host_site() -> Iterator[Host]:
    host = Host("", {"thanks": "<h1>Thanks</h1>", "oops": "<h1>Oops</h1>", "favicon.ico": ""})
    app = Flask("host")

    @app.get("/<path:path>")
    def page(path: str) -> str:
        return host.pages[path] if path in host.pages else abort(404)

    with serve(app) as url:
        host.url = url.replace("127.0.0.1", "localhost")
        yield host


@dataclass(frozen=True)
class Stage:
    installation: Installation
    product: str
    host: Host
    sandbox: SandboxServer

    def publish(self, name: str, text: str) -> str:
        """Puts a form file into the folder; the address of its page, once it is served."""
        self.installation.form(name, text)
        address = f"{self.product}/f/{name}"
        wait_until(lambda: requests.get(address, timeout=5).ok)
        return address

    def lead(self, email: str) -> dict[str, Any]:
        """The one lead of a visitor, as `flask leads show` has it."""
        (found,) = self.installation.leads("--email", email)
        return self.installation.lead(found["lead"])

    def received(self, email: str) -> dict[str, Any]:
        """What the vendor was sent, in the vendor's own names, of the one lead that it took."""
        (entry,) = self.sandbox.inbox(email=email)
        assert (entry["accepted"], entry["complaints"]) == (True, [])
        fields: dict[str, Any] = entry["fields"]
        return fields

    @property
    def tokens(self) -> PageTokens:
        return PageTokens(self.installation.environ["SECRET_KEY"])

    def age(self, page: Page | Frame | FrameLocator, form: str, seconds: float) -> None:
        """Makes a form's page as old as if its visitor had looked at it for so long."""
        token = self.tokens.make(form, now=time.time() - seconds)
        page.locator("[name=_lf_token]").evaluate("(field, token) => { field.value = token }", token)


@contextmanager
def stage(root: Path) -> Iterator[Stage]:
    with host_site() as host, serve(app := create_sandbox()) as sandbox:
        installation = make(root, None, {**accounts.SECRETS, "SANDBOX": sandbox, "ALLOW_PRIVATE_VENDORS": "1"})
        for name, text in forms(host.url).items():
            installation.form(name, text)
        with installation.gunicorn(workers=1) as server:  # what it has published, it shows from then on
            yield Stage(installation, server.url, host, SandboxServer(sandbox, app))
        installation.close()


def forms(host: str) -> dict[str, str]:
    """`quote` thanks on a page of ours, `moved` on the host's; `closed` may not be framed; one form for each vendor."""
    quote = f"{QUOTE}vendor:{accounts.VENDORS['clienttether']}"
    return {
        "quote": quote,
        "moved": f"{quote}on_success_url: {host}/thanks\non_error_url: {host}/oops\n",
        "closed": f"{quote}framing: origins\n",
        "pasted": accounts.form("clienttether").replace("LF_clienttether", PASTED_KEY) + f"origins: [{host}]\n",
        **{vendor: accounts.form(vendor) for vendor in accounts.VENDORS},
    }


@dataclass
class Tab:
    """A visitor's tab, and what a browser's own tools would show of it."""

    page: Page
    complaints: list[str] = field(default_factory=list)
    cookies: list[str] = field(default_factory=list)
    hosts: set[str] = field(default_factory=set)

    @classmethod
    def of(cls, context: BrowserContext) -> Tab:
        tab = cls(context.new_page())
        tab.page.set_default_timeout(30_000)
        _keep_no_cookie_of_framed_sites(tab.page)
        tab.page.on("console", tab._listen)
        tab.page.on("pageerror", lambda error: tab.complaints.append(str(error)))
        tab.page.on("response", tab._look)
        tab.page.on("request", lambda request: tab.hosts.add(urlsplit(request.url).netloc))
        return tab

    def _listen(self, message: ConsoleMessage) -> None:
        if message.type in {"error", "warning"} and not REFUSED.match(message.text):
            self.complaints.append(message.text)

    def _look(self, response: Response) -> None:
        if "set-cookie" in response.headers:
            self.cookies.append(response.url)


def _keep_no_cookie_of_framed_sites(page: Page) -> None:
    """As a private window of the whole Chromium does by itself, and as more and more browsers do everywhere."""
    tools = page.context.new_cdp_session(page)
    tools.send("Network.enable")
    strictly = ("enableThirdPartyCookieRestriction", "disableThirdPartyCookieMetadata")
    tools.send("Network.setCookieControls", dict.fromkeys((*strictly, "disableThirdPartyCookieHeuristics"), True))


@contextmanager
def tab(browser: Browser, *, scripts: bool = True) -> Iterator[Tab]:
    context = new_context(browser, scripts=scripts)
    try:
        yield Tab.of(context)
    finally:
        context.close()


def new_context(browser: Browser, *, scripts: bool = True) -> BrowserContext:
    return browser.new_context(java_script_enabled=scripts, locale="en-US")


@contextmanager
def fresh_tab(context: BrowserContext) -> Iterator[Tab]:
    """As if the browser had never been anywhere, for two thirds of what a context of its own costs."""
    found = Tab.of(context)
    context.new_cdp_session(found.page).send("Network.clearBrowserCache")
    try:
        yield found
    finally:
        for page in context.pages:
            page.close()
        context.clear_cookies()
