"""Chromium for the tests, driven by Playwright.

`python -m tests.services.browser` says which browser the tests would use, and fails where none starts.
"""

import os
import shutil
import sys
from collections.abc import Iterator
from contextlib import contextmanager

from playwright.sync_api import Browser, Error, Playwright, sync_playwright

# The first is the same browser without a window of its own, which opens and shows a page in a fifth of the time.
NAMES = ("chromium-headless-shell", "chromium", "chromium-browser", "google-chrome", "google-chrome-stable")

QUIET = (
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-dev-shm-usage",  # a container's /dev/shm is often too small
    "--disable-gpu",
    "--disable-quic",
    "--disable-sync",
    "--no-first-run",
    "--site-per-process",  # as with a window: a frame of another site has a process of its own
    # No test reaches beyond this machine, whatever a page asks for.
    "--host-resolver-rules=MAP * ~NOTFOUND, EXCLUDE 127.*, EXCLUDE localhost, EXCLUDE *.localhost, EXCLUDE [::1]",
)


class BrowserMissingError(RuntimeError):
    """No browser on this machine starts; the message tells what was tried."""


@contextmanager
def chromium() -> Iterator[Browser]:
    """Start a headless Chromium: the one that CHROMIUM names, else the system's, else Playwright's own."""
    with sync_playwright() as playwright:
        browser = _first_that_starts(playwright)
        try:
            yield browser
        finally:
            browser.close()


def _first_that_starts(playwright: Playwright) -> Browser:
    failures = []
    for path in _candidates():
        try:
            return playwright.chromium.launch(executable_path=path, args=_flags())
        except Error as error:
            failures.append(f"{path or 'Playwright’s own Chromium'}: {error.message.strip().splitlines()[0]}")
    raise BrowserMissingError(
        "No browser starts on this machine; browser tests need Chromium. Install it (on Debian: "
        "sudo apt-get install chromium), or name one that works: CHROMIUM=/path/to/chrome.\n" + "\n".join(failures)
    )


def _candidates() -> list[str | None]:
    if named := os.environ.get("CHROMIUM"):
        return [named]
    installed = [path for name in NAMES if (path := shutil.which(name))]
    return [*installed, None]


def _flags() -> list[str]:
    # Chromium's sandbox refuses to start as root.
    return [*QUIET, "--no-sandbox"] if os.geteuid() == 0 else [*QUIET]


if __name__ == "__main__":
    try:
        with chromium() as found:
            sys.stdout.write(f"Browser for the tests: {found.browser_type.name} {found.version}\n")
    except BrowserMissingError as missing:
        sys.exit(str(missing))
