"""What an embedded form costs the page around it: bytes, requests, and how far the page moves when the form comes."""

from __future__ import annotations

import gzip
import re
import shutil
import threading
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
import requests
from dotenv import dotenv_values
from playwright.sync_api import Browser, Page

from leadferry.forms import Form
from leadferry.web.height import framed_height
from tests.browser.embedding import document, frame_that
from tests.browser.stage import Host, Tab, host_site, tab
from tests.installation import REPOSITORY, Installation, make, serve, wait_until

pytestmark = pytest.mark.browser

FORMS = sorted(path.stem for path in (REPOSITORY / "forms").glob("*.yaml"))
WIDTHS = (1280, 768, 390)

MEASURE = """
let sum = 0;
const add = (entries) => entries.forEach(({ value }) => (sum += value));
const observer = new PerformanceObserver((list) => add(list.getEntries()));
observer.observe({ type: "layout-shift", buffered: true });
window.shift = () => (add(observer.takeRecords()), sum);
"""


@pytest.fixture(scope="module")
def demo(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """The demo's own forms."""
    root = tmp_path_factory.mktemp("demo")
    environ = {name: value for name, value in dotenv_values(REPOSITORY / ".env.example").items() if value}
    installation = make(root, None, {**environ, "SANDBOX_URL": "http://127.0.0.1:9", "ALLOW_PRIVATE_VENDORS": "1"})
    for path in (REPOSITORY / "forms").glob("*.yaml"):
        shutil.copy(path, root / "forms")
    yield installation
    installation.close()


@pytest.fixture(scope="module")
def product(demo: Installation) -> Iterator[str]:
    with serve(demo.app) as url:
        yield url


@dataclass(frozen=True)
class Distant:
    """The same from so far away that nothing of the form comes before ``gate`` is opened."""

    url: str
    gate: threading.Event


@pytest.fixture(scope="module")
def distant(demo: Installation) -> Iterator[Distant]:
    gate = threading.Event()

    def late(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        gate.wait(10)
        return demo.app(environ, start_response)

    with serve(late) as url:  # type: ignore[arg-type]  # any WSGI application will do
        yield Distant(url, gate)


@pytest.fixture(scope="module")
def host() -> Iterator[Host]:
    with host_site() as found:
        yield found


@pytest.fixture(scope="module")
def visitor(browser: Browser) -> Iterator[Tab]:
    with tab(browser) as opened:
        opened.page.add_init_script(MEASURE)
        yield opened


def form_of(demo: Installation, name: str) -> Form:
    form = demo.site.office.catalog.get(name)
    assert isinstance(form, Form)
    return form


def packed(content: bytes) -> int:
    return len(gzip.compress(content))


# --- bytes ---


def test_the_script_is_at_most_three_kilobytes(product: str) -> None:
    assert packed(requests.get(f"{product}/embed.js", timeout=10).content) <= 3_000


@pytest.mark.parametrize("name", FORMS)
def test_a_framed_form_is_at_most_fifteen_kilobytes_in_all(product: str, name: str) -> None:
    page = requests.get(f"{product}/f/{name}", headers={"Sec-Fetch-Dest": "iframe"}, timeout=10)
    files = re.findall(r'(?:href|src)="(/static/[^"]+)"', page.text)
    assert files == ["/static/leadferry.css", "/static/form.js"]
    parts = [page.content, *(requests.get(product + file, timeout=10).content for file in files)]
    assert sum(map(packed, parts)) <= 15_000


# --- height ---


@pytest.mark.parametrize(
    "name", [pytest.param(each, marks=() if each in {"mortgage", "quote"} else pytest.mark.thorough) for each in FORMS]
)
def test_the_estimate_is_the_height_in_a_browser_or_a_line_more(
    demo: Installation, product: str, host: Host, visitor: Tab, name: str
) -> None:
    page, form = visitor.page, form_of(demo, name)
    page.set_viewport_size({"width": 1400, "height": 900})
    page.goto(host.put("estimate", f'<iframe src="{product}/f/{name}" style="border:0"></iframe>'))
    frame = frame_that(page, lambda each: each.locator("form"))
    for width in (280, 312, 344, 390, 430, 500, 575, 576, 704, 768, 1280):
        page.locator("iframe").evaluate("(frame, width) => { frame.style.width = `${width}px` }", width)
        wait_until(lambda width=width: frame.evaluate("innerWidth") == width)
        real = frame.evaluate("document.documentElement.getBoundingClientRect().height")
        assert 0 <= framed_height(form, width) - real <= 60, (width, real)


@pytest.mark.parametrize("width", [312, 390, 704])
def test_a_frame_that_stays_as_it_is_holds_every_step(
    demo: Installation, product: str, host: Host, visitor: Tab, width: int
) -> None:
    page, form = visitor.page, form_of(demo, "mortgage")
    page.set_viewport_size({"width": 1400, "height": 900})
    page.goto(host.put("steps", f'<iframe src="{product}/f/mortgage" width="{width}" style="border:0"></iframe>'))
    frame = frame_that(page, lambda each: each.locator("form"))
    heights = []
    for answers in (
        {"Condominium": "", "State": "Texas", "ZIP code": "78751"},
        {"Purchase": "", "Price or value": "350,000"},
        {"First name": "Jo"},
    ):
        for label, text in answers.items():
            question = frame.get_by_label(label)
            question.fill(text) if text else question.check()
        heights.append(frame.evaluate("document.documentElement.getBoundingClientRect().height"))
        if len(heights) < 3:
            frame.get_by_role("button", name="Next").click()
    assert 0 <= framed_height(form, width, at_first=False) - max(heights) <= 60, heights


def shift_of(page: Page, host: Host, distant: Distant, pasted: str, width: int) -> float:
    """The layout shift of a page that its visitor sees before the form comes, with more below the form."""
    page.set_viewport_size({"width": width, "height": 844 if width == 390 else 800})
    below = "<p>What stands below the form.</p>" * 30
    distant.gate.clear()
    page.goto(host.put("shift", document(f"<h1>Our page</h1>{pasted}{below}")), wait_until="commit")
    page.wait_for_function("performance.getEntriesByName('first-contentful-paint').length")
    distant.gate.set()
    page.wait_for_function("document.querySelector('iframe')?.style.colorScheme")
    page.wait_for_function("/^[0-9]+px$/.test(document.querySelector('iframe').style.height)")  # as the form told it
    frame = frame_that(page, lambda each: each.locator("form"))
    wait_until(lambda: frame.evaluate("document.documentElement.scrollHeight <= innerHeight"))
    page.evaluate("new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(done)))")
    return float(page.evaluate("shift()"))


@pytest.mark.parametrize(
    "width", [pytest.param(each, marks=() if each == WIDTHS[-1] else pytest.mark.thorough) for each in WIDTHS]
)
@pytest.mark.parametrize("name", FORMS)
def test_the_page_around_the_form_does_not_move(
    distant: Distant, product: str, host: Host, visitor: Tab, name: str, width: int
) -> None:
    pasted = requests.get(f"{product}/f/{name}/snippet?kind=script", timeout=10).text.replace(product, distant.url)
    assert shift_of(visitor.page, host, distant, pasted, width) <= 0.01


@pytest.mark.parametrize("width", WIDTHS)
def test_a_page_that_reserves_nothing_is_seen_to_move(distant: Distant, host: Host, visitor: Tab, width: int) -> None:
    """Else the test above would prove nothing: here the frame comes when all below it has been seen."""
    uncached = f"{distant.url}/embed.js?{width}"
    pasted = f'<script async src="{uncached}" data-form="quote"></script>'
    assert shift_of(visitor.page, host, distant, pasted, width) > 0.1
