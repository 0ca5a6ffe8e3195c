"""One browser and one stage for all tests of this folder: both take seconds to start."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from contextlib import ExitStack
from functools import cache

import pytest
from playwright.sync_api import Browser, BrowserContext, Page, expect

from tests.browser.stage import Stage, Tab, fresh_tab, new_context, stage
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


@pytest.fixture(scope="package")
def contexts(browser: Browser) -> Iterator[Callable[[bool], BrowserContext]]:
    """One with scripts and one without; our pages keep nothing in a browser but cookies."""
    with ExitStack() as stack:
        yield cache(lambda scripts: stack.enter_context(new_context(browser, scripts=scripts)))


@pytest.fixture
def scripts() -> bool:
    """Whether the visitor's browser runs scripts; a test may have it both ways."""
    return True


@pytest.fixture(name="tab")
def the_tab(contexts: Callable[[bool], BrowserContext], scripts: bool) -> Iterator[Tab]:
    with fresh_tab(contexts(scripts)) as found:
        yield found


@pytest.fixture
def page(tab: Tab) -> Page:
    return tab.page
