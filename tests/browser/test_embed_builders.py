"""The snippet in pages made as site builders make them, each an imitation from what such pages look like in public."""

from __future__ import annotations

import pytest
from playwright.sync_api import Frame, expect

from tests.browser import embedding
from tests.browser.embedding import asked, built_document, fill_and_send, frame_that, snippet, thanked
from tests.browser.stage import Stage, Tab
from tests.installation import wait_until

pytestmark = pytest.mark.browser

BUILDERS = sorted(path.stem for path in embedding.BUILDERS.glob("*.html"))


@pytest.fixture(scope="module", autouse=True)
def forms(stage: Stage) -> None:
    embedding.publish_forms(stage)


def as_the_classic_editor_does(pasted: str) -> str:
    """WordPress's old editor makes paragraphs of what stands on a line of its own."""
    for tag in ("iframe", "script"):
        pasted = pasted.replace(f"<{tag}", f"<p><{tag}").replace(f"</{tag}>", f"</{tag}></p>")
    return pasted.replace("\n", "<br />\n")


def is_whole(frame: Frame) -> bool:
    """Nothing of the form has to be scrolled for inside its frame, and it has a column's width."""
    return bool(frame.evaluate("document.documentElement.scrollHeight <= innerHeight && innerWidth >= 280"))


@pytest.mark.parametrize(
    "window",
    [pytest.param((1280, 800), id="desktop", marks=pytest.mark.thorough), pytest.param((390, 844), id="phone")],
)
@pytest.mark.parametrize("builder", [*BUILDERS, "wordpress, classic"])
def test_the_form_is_whole_and_its_lead_arrives(stage: Stage, tab: Tab, builder: str, window: tuple[int, int]) -> None:
    name, _, classic = builder.partition(", ")
    email = f"{name}-{classic}-{window[0]}@example.com"
    pasted = snippet(stage, "leading")
    html = built_document(stage, name, as_the_classic_editor_does(pasted) if classic else pasted)
    tab.page.set_viewport_size({"width": window[0], "height": window[1]})
    embedding.open_page(stage, tab, f"{name}-page", html, "?gclid=Cj0KC")
    frame = frame_that(tab.page, asked)
    wait_until(lambda: is_whole(frame))
    scrollbar = "document.documentElement.scrollWidth - document.documentElement.clientWidth"
    assert tab.page.evaluate(scrollbar) <= 0
    fill_and_send(stage, frame, "leading", email)
    expect(tab.page).to_have_url(f"{stage.host.url}/thanks")
    received = stage.received(email)
    if name == "wix":  # its frame is told no more of the page around it than the site's address
        assert received["page_url"] == f"{stage.host.url}/"
    else:
        assert received["page_url"] == f"{stage.host.url}/{name}-page?gclid=Cj0KC"
        assert received["gclid"] == "Cj0KC"
    assert tab.complaints == []


@pytest.mark.parametrize("builder", BUILDERS)
def test_pasted_html_is_a_form_there_too(stage: Stage, tab: Tab, builder: str) -> None:
    email = f"{builder}-pasted@example.com"
    html = built_document(stage, builder, snippet(stage, "embedded", "html"))
    embedding.open_page(stage, tab, f"{builder}-pasted", html)
    fill_and_send(stage, frame_that(tab.page, asked), "embedded", email)
    expect(frame_that(tab.page, thanked).get_by_role("heading", name="Thank you")).to_be_visible()
    assert stage.lead(email)["state"] == "delivered"
