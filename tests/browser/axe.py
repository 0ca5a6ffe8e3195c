"""axe, which looks through a page for what keeps somebody out."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from axe_playwright_python.sync_playwright import Axe
from playwright.sync_api import Frame, Page


def broken_rules(page: Page | Frame, options: Mapping[str, Any]) -> list[dict[str, Any]]:
    """Each rule that is broken, with the elements that break it. A page is given axe once: half a megabyte."""
    if not page.evaluate("Boolean(window.axe)"):
        page.evaluate(Axe().axe_script)
    found: list[dict[str, Any]] = page.evaluate(
        "async (options) => (await axe.run(document, options)).violations", dict(options)
    )
    return found
