"""One browser and one stage for all tests of this folder: both take seconds to start."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
from playwright.sync_api import Browser, Page, expect

from tests.browser.stage import Stage, Tab, stage, tab
from tests.services.browser import chromium

expect.set_options(timeout=30_000)  # a machine that is busy with other things is no reason to fail


# Not for the session: Playwright takes one browser at a time in a thread, and other folders start their own.
@pytest.fixture(scope="package")
def browser() -> Iterator[Browser]:
    with chromium() as found:
        yield found


@pytest.fixture(scope="package", name="stage")
def the_stage(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Stage]:
    with stage(tmp_path_factory.mktemp("stage")) as found:
        yield found


@pytest.fixture
def scripts() -> bool:
    """Whether the visitor's browser runs scripts; a test may have it both ways."""
    return True


@pytest.fixture(name="tab")
def the_tab(browser: Browser, scripts: bool) -> Iterator[Tab]:
    with tab(browser, scripts=scripts) as found:
        yield found


@pytest.fixture
def page(tab: Tab) -> Page:
    return tab.page
