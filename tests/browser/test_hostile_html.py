"""What a form file's HTML could do is cut out of it, not only kept from running by the page's policy."""

from __future__ import annotations

import html

import pytest
from playwright.sync_api import Page

from leadferry.text import safe_html
from tests.browser.stage import Stage
from tests.web.forms import any_name

RUN = "window.ran=(window.ran||0)+1"
HOSTILE = [
    f"<script>{RUN}</script>",
    f"<ScRiPt src='data:text/javascript,{RUN}'></sCrIpT>",
    f"<scr<script>ipt>{RUN}</scr</script>ipt>",
    f"<img src=x onerror='{RUN}'>",
    f"<img src=x onerror={RUN}//",
    f'<IMG """><SCRIPT>{RUN}</SCRIPT>">',
    f"<svg onload='{RUN}'>",
    f"<svg><script>{RUN}</script></svg>",
    f"<svg><script>{html.escape(RUN)}&#10;</script>",
    f"<svg><animate onbegin='{RUN}' attributeName=x dur=1s>",
    f"<svg><a xlink:href='javascript:{RUN}'><text id=go x=20 y=20>x</text></a></svg>",
    f"<svg></p><style><a id=\"</style><img src=1 onerror='{RUN}'>\">",
    f"<math><mtext><table><mglyph><style><!--</style><img title=\"--&gt;&lt;img src=1 onerror='{RUN}'&gt;\">",
    f'<math><mi//xlink:href="data:x,<script>{RUN}</script>">',
    f"<noscript><p title=\"</noscript><img src=x onerror='{RUN}'>\">",
    f"<form><math><mtext></form><form><mglyph><style></math><img src onerror='{RUN}'>",
    f"<a href='javascript:{RUN}'>x</a>",
    f"<a href='  java\tscript:{RUN}'>x</a>",
    f"<a href='&#x6A;&#x61;vascript&colon;{RUN}'>x</a>",
    f"<a href='jav&NewLine;ascript&#58;{RUN}'>x</a>",
    f"<a href='data:text/html;base64,PHNjcmlwdD4='>x</a><a href='vbscript:{RUN}'>x</a>",
    f"<a href=https://www.example.com onclick='{RUN}' onmouseover='{RUN}' onfocus='{RUN}' autofocus tabindex=1>x</a>",
    f"<p style='background:url(javascript:{RUN});animation:x' onanimationstart='{RUN}'>x</p>",
    f"<style>@keyframes x{{}}</style><xss style='animation-name:x' onanimationend='{RUN}'></xss>",
    f"<iframe srcdoc='&lt;script&gt;parent.{RUN}&lt;/script&gt;'></iframe>",
    f"<iframe src='javascript:parent.{RUN}'></iframe><frameset onload='{RUN}'>",
    f"<object data='javascript:{RUN}'></object><embed src='javascript:{RUN}'>",
    f"<base href='javascript:{RUN}//'><meta http-equiv=refresh content='0;url=javascript:{RUN}'>",
    f"<form action='javascript:{RUN}'><button formaction='javascript:{RUN}' autofocus>x</button></form>",
    f"<input autofocus onfocus='{RUN}'><select autofocus onfocus='{RUN}'><textarea autofocus onfocus='{RUN}'>",
    f"<details open ontoggle='{RUN}'><video><source onerror='{RUN}'></video><audio src=x onerror='{RUN}'>",
    f"<body onload='{RUN}' onpageshow='{RUN}'><marquee onstart='{RUN}'>x</marquee>",
    f'<p title=\'"><img src=x onerror="{RUN}">\'>x</p>',
    f"<![CDATA[<img src=x onerror='{RUN}'>]]><!--><img src=x onerror='{RUN}'>-->",
    f"<!--[if gte IE 4]><script>{RUN}</script><![endif]--><?xml <img src=x onerror='{RUN}'>?>",
    f"<template><img src=x onerror='{RUN}'></template><slot onslotchange='{RUN}'></slot>",
    f"<link rel=stylesheet href='data:text/css,x'><link rel=import href='data:text/html,<script>{RUN}</script>'>",
    f"&lt;img src=x onerror='{RUN}'&gt;&amp;lt;script&amp;gt;{RUN}&amp;lt;/script&amp;gt;",
    "<p id=location name=cookie class=x><a id=ran name=ran href='https://www.example.com'>x</a><b{{7*7}}>",
    f"\x00<scr\x00ipt>{RUN}</script\x0b><img\x0csrc=x\x0conerror='{RUN}'><img/src=x/onerror='{RUN}'>",
]

NOWHERE = ":"
"""The protocol of a relative address on a page that has no address itself."""

ALLOWED = set("p br strong b em i u a ul ol li h2 h3 h4 small span hr blockquote".upper().split())
FOUND = """() => [...document.querySelectorAll('main *')].map(each =>
    [each.tagName, each.namespaceURI.endsWith('xhtml'), [...each.attributes].map(a => [a.name, a.value])])"""


@pytest.fixture
def blank(page: Page) -> Page:
    """A page without any policy: nothing but the cleaning stands between the markup and the browser."""
    page.goto("about:blank")
    return page


@pytest.mark.browser
def test_no_markup_runs_where_no_policy_stops_it(blank: Page) -> None:
    for raw in HOSTILE:
        blank.set_content(f"<!doctype html><main>{safe_html(raw)}</main>")
        assert set(blank.evaluate("[...document.links].map(each => each.protocol)")) <= {"https:", NOWHERE}, raw
        for tag, is_html, attributes in blank.evaluate(FOUND):
            assert is_html, raw
            assert tag in ALLOWED, raw
            assert {name for name, _ in attributes} <= {"href", "title", "target", "rel"}, raw
    assert blank.evaluate("window.ran") is None


@pytest.mark.browser
def test_nor_on_the_forms_own_page(stage: Stage, page: Page) -> None:
    written = "".join(HOSTILE).replace("\x00", "").replace("\x0b", " ").replace("\x0c", " ").replace("\t", " ")
    text = any_name(more="intro: |\n  " + written.replace("\n", " "))
    stage.installation.form("hostile", text.replace("LF_any", "LF_hostile"))
    page.goto(f"{stage.product}/f/hostile")
    assert page.locator("form").count() == 1
    assert page.evaluate("window.ran") is None
