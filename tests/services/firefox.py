"""Firefox for the tests, driven by its own Marionette protocol: Playwright drives only a Firefox of its own build.

The protocol: https://firefox-source-docs.mozilla.org/testing/marionette/Protocol.html
"""

from __future__ import annotations

import json
import os
import shutil
import socket
import subprocess
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

NAMES = ("firefox-esr", "firefox")

BLOCK_THIRD_PARTY_COOKIES = 1

PREFERENCES: dict[str, bool | int | str] = {
    "marionette.port": 0,  # any that is free; the profile then says which
    "network.cookie.cookieBehavior": BLOCK_THIRD_PARTY_COOKIES,
    "network.proxy.type": 0,
    # No test reaches beyond this machine.
    "app.normandy.enabled": False,
    "app.update.disabledForTesting": True,
    "browser.safebrowsing.update.enabled": False,
    "datareporting.policy.dataSubmissionEnabled": False,
    "extensions.update.enabled": False,
    "network.captive-portal-service.enabled": False,
    "network.connectivity-service.enabled": False,
    "services.settings.server": "data:,",
    "toolkit.telemetry.enabled": False,
}


class FirefoxError(Exception):
    """What Firefox answers when it cannot do what it was told."""


def installed() -> str | None:
    """The Firefox that FIREFOX names, else the system's."""
    return os.environ.get("FIREFOX") or next((path for name in NAMES if (path := shutil.which(name))), None)


class Firefox:
    """One tab. Commands are about the frame that was entered last; ``leave_frames`` is about the page."""

    def __init__(self, connection: socket.socket) -> None:
        self._connection = connection
        self._stream = connection.makefile("rb")
        self._receive()
        self._do("WebDriver:NewSession", capabilities={})

    def open(self, url: str) -> None:
        self.leave_frames()
        self._do("WebDriver:Navigate", url=url)

    @property
    def url(self) -> str:
        return str(self._do("WebDriver:GetCurrentURL")["value"])

    def leave_frames(self) -> None:
        self._do("WebDriver:SwitchToFrame", id=None)

    def enter_frame(self) -> None:
        """The first of the page, or of the frame that was entered last."""
        self._do("WebDriver:SwitchToFrame", element=self._find("iframe"))

    def has(self, selector: str) -> bool:
        return bool(self._do("WebDriver:FindElements", using="css selector", value=selector))

    def text(self) -> str:
        return str(self._do("WebDriver:GetElementText", id=self._find("body"))["value"])

    def type(self, selector: str, text: str) -> None:
        self._do("WebDriver:ElementSendKeys", id=self._find(selector), text=text)

    def click(self, selector: str) -> None:
        self._do("WebDriver:ElementClick", id=self._find(selector))

    def set_value(self, selector: str, value: str) -> None:
        script = "document.querySelector(arguments[0]).value = arguments[1]"
        self._do("WebDriver:ExecuteScript", script=script, args=[selector, value])

    def quit(self) -> None:
        self._do("Marionette:Quit", flags=["eForceQuit"])
        self._stream.close()

    def _find(self, selector: str) -> str:
        found = self._do("WebDriver:FindElement", using="css selector", value=selector)
        return str(next(iter(found["value"].values())))

    def _do(self, command: str, **parameters: Any) -> Any:
        message = json.dumps([0, 1, command, parameters]).encode()
        self._connection.sendall(b"%d:%b" % (len(message), message))
        _, _, error, result = self._receive()
        if error:
            raise FirefoxError(f"{command}: {error['message']}")
        return result

    def _receive(self) -> Any:
        length = b""
        while not length.endswith(b":"):
            length += self._stream.read(1)
        return json.loads(self._stream.read(int(length[:-1])))


@contextmanager
def firefox(path: str, *, scripts: bool = True) -> Iterator[Firefox]:
    """A headless Firefox with a profile of its own."""
    with tempfile.TemporaryDirectory(prefix="firefox-", ignore_cleanup_errors=True) as folder:
        profile = Path(folder)
        preferences = {**PREFERENCES, "javascript.enabled": scripts}
        lines = [f"user_pref({json.dumps(name)}, {json.dumps(value)});\n" for name, value in preferences.items()]
        (profile / "user.js").write_text("".join(lines), "utf-8")
        command = [path, "--headless", "--marionette", "--no-remote", "--profile", folder]
        with (profile / "log").open("wb") as log:
            process = subprocess.Popen(command, env={**os.environ, "HOME": folder}, stdout=log, stderr=log)
        try:
            with _connected(profile, process) as connection:
                driven = Firefox(connection)
                try:
                    yield driven
                finally:
                    driven.quit()
        finally:
            process.terminate()
            process.wait(20)


def _connected(profile: Path, process: subprocess.Popen[bytes], seconds: float = 30) -> socket.socket:
    until = time.monotonic() + seconds
    while time.monotonic() < until and process.poll() is None:
        try:
            port = int((profile / "MarionetteActivePort").read_text("utf-8"))
            return socket.create_connection(("127.0.0.1", port), timeout=30)
        except (OSError, ValueError):
            time.sleep(0.05)
    raise FirefoxError(f"Firefox did not start; it said:\n{(profile / 'log').read_text('utf-8', 'replace')[-2000:]}")
