"""What embed.js and form.js say to each other and to the page around them, and what holds where one is missing."""

from __future__ import annotations

from typing import Any

import pytest
import requests
from playwright.sync_api import Frame, Page, Route, expect

from tests.browser import embedding
from tests.browser.embedding import asked, document, fill_and_send, frame_that, snippet, thanked
from tests.browser.stage import Stage, Tab
from tests.installation import wait_until

pytestmark = pytest.mark.browser

LISTEN = """
window.heard = [];
window.dataLayer = [];
addEventListener("message", ({ data }) => heard.push(data));
window.events = [];
for (const name of ["ready", "height", "submitted", "error", "redirect"])
  document.addEventListener(`leadferry:${name}`, ({ target, detail }) =>
    events.push([name, target.dataset.leadferry, detail.event]));
"""


@pytest.fixture(scope="module", autouse=True)
def forms(stage: Stage) -> None:
    embedding.publish_forms(stage)


def open_snippet(
    stage: Stage, tab: Tab, path: str, form: str = "embedded", *, pasted: str = "", head: str = "", query: str = ""
) -> Frame:
    """A page with the full snippet, or what else was pasted; the frame in which the form stands."""
    html = document(pasted or snippet(stage, form), head)
    embedding.open_page(stage, tab, path, html, query)
    return frame_that(tab.page, asked)


def connected(page: Page) -> None:
    """Until frame and page have met."""
    page.wait_for_function("document.querySelector('iframe').style.colorScheme !== ''")


def all_connected(page: Page, count: int) -> None:
    met = "[...document.querySelectorAll('iframe')].filter((each) => each.style.colorScheme)"
    page.wait_for_function(f"(count) => {met}.length === count", arg=count)


def send_again(frame: Frame) -> None:
    """By key: where the button is may still be changing, as the frame grows around what it was just told."""
    frame.get_by_role("button").press("Enter")


def posts(tab: Tab) -> list[str]:
    found: list[str] = []
    tab.page.on("request", lambda request: found.append(request.url) if request.method == "POST" else None)
    return found


# --- before Submit ---


@pytest.mark.parametrize("scripts", [True, False], ids=["with scripts", "without scripts"])
def test_nothing_but_the_forms_own_files_is_asked_for_before_submit(stage: Stage, tab: Tab, scripts: bool) -> None:
    asked_for: list[tuple[str, str]] = []
    tab.page.on("request", lambda request: asked_for.append((request.method, request.url)))
    frame = open_snippet(stage, tab, "log", query="?utm_source=spring")
    if scripts:
        connected(tab.page)
    frame.get_by_label("First name").fill("Jane")
    frame.get_by_label("E-mail").fill("log@example.com")
    frame.get_by_label("Last name").focus()
    own = {
        f"{stage.product}{path}" for path in ("/f/embedded", "/static/leadferry.css", "/embed.js", "/static/form.js")
    }
    assert {url for _, url in asked_for if url.startswith(stage.product)} == own if scripts else own - {
        f"{stage.product}/embed.js", f"{stage.product}/static/form.js"
    }  # fmt: skip
    assert {method for method, _ in asked_for} == {"GET"}
    assert {url.split("/")[2] for _, url in asked_for} == {stage.product.split("/")[2], stage.host.url.split("/")[2]}
    assert tab.cookies == []
    assert tab.page.evaluate("[localStorage.length, sessionStorage.length, document.cookie]") == [0, 0, ""]


# --- messages ---


def test_the_page_is_told_what_happens_and_never_what_was_typed(stage: Stage, tab: Tab) -> None:
    tab.page.add_init_script(LISTEN)
    frame = open_snippet(stage, tab, "told", "leading")
    tab.page.evaluate("document.addEventListener('leadferry:redirect', (event) => event.preventDefault())")
    connected(tab.page)
    fill_and_send(stage, frame, "leading", "told@example.com", Mobile="call me")
    expect(frame.get_by_role("alert", name="There is a problem")).to_be_visible()
    frame.get_by_label("Mobile").fill("")
    send_again(frame)
    expect(thanked(frame)).to_be_visible()
    tab.page.wait_for_function("heard.some(({ event }) => event === 'redirect')")
    lead = stage.lead("told@example.com")["lead"]
    heard: list[dict[str, Any]] = tab.page.evaluate("heard")
    more = {
        "ready": {},
        "height": {"height"},
        "submitted": {"lead"},
        "error": {"error_code"},
        "redirect": {"url"},
    }
    for message in heard:
        assert set(message) == {"source", "v", "event", "form", *more[message["event"]]}
        assert (message["source"], message["v"], message["form"]) == ("leadferry", 1, "leading")
    named = {message["event"]: message for message in heard}
    assert named["submitted"]["lead"] == lead
    assert named["error"]["error_code"] == "lf201"
    assert named["redirect"]["url"] == f"{stage.host.url}/thanks"
    assert all(isinstance(each["height"], int) for each in heard if each["event"] == "height")
    assert not [text for text in ("Jane", "told@", "call me") if text in str(heard)]
    events = tab.page.evaluate("events")
    assert {name for name, _, _ in events} == set(more)
    assert all((form, event) == ("leading", name) for name, form, event in events)
    assert tab.page.evaluate("dataLayer") == [
        {"event": "leadferry_error", "form": "leading", "error_code": "lf201"},
        {"event": "leadferry_submitted", "form": "leading", "lead": lead},
    ]
    assert tab.page.url.endswith("/told")  # the page itself stopped the redirect


def put_another_frame(page: Page, address: str) -> None:
    page.evaluate(
        "(src) => document.body.append(Object.assign(document.createElement('iframe'), { src }))",
        address,
    )
    page.wait_for_function("frames.length === 2")
    page.frames[-1].wait_for_load_state()


REDIRECT = "{source: 'leadferry', v: 1, form: 'embedded', event: 'redirect', url: location.origin + '/oops'}"
CAMPAIGN = "{source: 'leadferry', v: 1, form: 'embedded', event: 'campaign', values: {utm_source: 'forged'}}"


def test_the_page_hears_nobody_but_the_frame_and_only_while_it_shows_the_form(stage: Stage, tab: Tab) -> None:
    liar = stage.host.put("liar", f"<script>parent.postMessage({REDIRECT}, '*')</script>")
    open_snippet(stage, tab, "unheard")
    connected(tab.page)
    tab.page.evaluate(f"postMessage({REDIRECT}, '*')")
    put_another_frame(tab.page, f"{stage.product}/f/embedded")  # of ours, but not of a snippet
    tab.page.frames[-1].evaluate(f"parent.postMessage({REDIRECT}, '*')")
    frame = tab.page.frames[1]
    tab.page.evaluate("(src) => { document.querySelector('iframe').src = src }", liar)
    frame.wait_for_url(liar)
    tab.page.evaluate("new Promise((done) => setTimeout(done))")
    assert tab.page.url.endswith("/unheard")


def test_the_form_hears_nobody_but_the_page_around_it(stage: Stage, tab: Tab) -> None:
    tab.page.route("**/embed.js", lambda route: route.abort())
    liar = stage.host.put("sibling", f"<script>parent.frames[0].postMessage({CAMPAIGN}, '*')</script>")
    frame = open_snippet(stage, tab, "siblings")
    put_another_frame(tab.page, liar)
    fill_and_send(stage, frame, "embedded", "siblings@example.com")
    expect(thanked(frame)).to_be_visible()
    assert "utm_source" not in stage.received("siblings@example.com")


def test_only_web_addresses_are_gone_to(stage: Stage, tab: Tab) -> None:
    frame = open_snippet(stage, tab, "scheme")
    connected(tab.page)
    for url in ("javascript:document.title='owned'", "data:text/html,owned", "//x", ""):
        message = {"source": "leadferry", "v": 1, "form": "embedded", "event": "redirect", "url": url}
        frame.evaluate("(message) => parent.postMessage(message, '*')", message)
    fill_and_send(stage, frame, "embedded", "scheme@example.com")
    expect(thanked(frame)).to_be_visible()
    assert (tab.page.title(), tab.page.url.endswith("/scheme")) == ("Our page", True)


# --- height ---


def inner_scroll(frame: Frame) -> int:
    return int(frame.evaluate("document.documentElement.scrollHeight - innerHeight"))


def frame_height(page: Page) -> int:
    return int(page.evaluate("document.querySelector('iframe').clientHeight"))


@pytest.mark.parametrize("way", ["script", "bare"])
def test_the_frame_follows_its_forms_height(stage: Stage, tab: Tab, way: embedding.Way) -> None:
    path = f"height-{way}"
    frame = open_snippet(
        stage, tab, path, pasted=snippet(stage, "embedded", way) + "<p style='height:3000px'>Below</p>"
    )
    connected(tab.page)
    wait_until(lambda: inner_scroll(frame) <= 0)
    at_first = frame_height(tab.page)
    fill_and_send(stage, frame, "embedded", f"{path}@example.com", Mobile="call me")
    expect(frame.get_by_role("alert")).to_be_visible()
    wait_until(lambda: frame_height(tab.page) > at_first + 100 and inner_scroll(frame) <= 0)
    frame.get_by_label("Mobile").fill("")
    tab.page.evaluate("scrollTo(0, 1200)")
    frame.locator("button").dispatch_event("click")
    expect(thanked(frame)).to_be_visible()
    wait_until(lambda: frame_height(tab.page) < at_first / 2 and inner_scroll(frame) <= 0)
    expect(thanked(frame)).to_be_in_viewport()
    tab.page.set_viewport_size({"width": 320, "height": 600})
    wait_until(lambda: inner_scroll(frame) <= 0)


def test_a_page_whose_form_is_in_view_stays_where_it_is(stage: Stage, tab: Tab) -> None:
    pasted = f"<p style='height:200px'>Above</p>{snippet(stage, 'embedded')}<p style='height:3000px'>Below</p>"
    frame = open_snippet(stage, tab, "still", pasted=pasted)
    connected(tab.page)
    tab.page.evaluate("scrollTo(0, 100)")
    fill_and_send(stage, frame, "embedded", "still@example.com")
    expect(thanked(frame)).to_be_in_viewport()
    assert tab.page.evaluate("document.querySelector('iframe').getBoundingClientRect().top") >= 0


# --- where the visit came from ---


def test_what_the_first_page_of_the_visit_said_wins(stage: Stage, tab: Tab) -> None:
    stage.host.put("landing", document("<a href='/about'>About us</a>"))
    stage.host.put("about", document("<a href='/contact?utm_source=banner&promo=later'>Contact</a>"))
    stage.host.put("contact", document(snippet(stage, "embedded")))
    tab.page.goto(f"{stage.host.url}/landing?utm_source=ad&utm_medium=cpc&gclid=Cj0KC&promo=SPRING&session=secret")
    tab.page.get_by_role("link").click()
    tab.page.get_by_role("link").click()
    frame = frame_that(tab.page, asked)
    connected(tab.page)
    fill_and_send(stage, frame, "embedded", "first@example.com")
    expect(thanked(frame)).to_be_visible()
    received = stage.received("first@example.com")
    assert {name: received.get(name) for name in ("utm_source", "utm_medium", "gclid", "promo")} == {
        "utm_source": "ad",
        "utm_medium": "cpc",
        "gclid": "Cj0KC",
        "promo": "SPRING",
    }
    assert received["page_url"] == f"{stage.host.url}/contact?utm_source=banner&promo=later"
    assert received["referrer"] == f"{stage.host.url}/about"
    assert "session" not in received


@pytest.mark.parametrize("way", ["bare", "script", "iframe"])
def test_what_the_form_names_comes_from_the_pages_address(stage: Stage, tab: Tab, way: embedding.Way) -> None:
    frame = open_snippet(stage, tab, "promo", pasted=snippet(stage, "embedded", way), query="?promo=SPRING&tag=mine")
    if way != "iframe":
        connected(tab.page)
    fill_and_send(stage, frame, "embedded", f"promo-{way}@example.com")
    expect(thanked(frame)).to_be_visible()
    received = stage.received(f"promo-{way}@example.com")
    assert received["promo"] == "SPRING"
    assert "tag" not in received


@pytest.mark.parametrize("way", ["bare", "script"])
def test_the_pages_address_answers_questions_that_have_no_answer_yet(
    stage: Stage, tab: Tab, way: embedding.Way
) -> None:
    query = "?firstName=Jane&lastName=%3Cb%3EDoe%3C%2Fb%3E&session=secret&promo=SPRING"
    frame = open_snippet(stage, tab, "filled", pasted=snippet(stage, "embedded", way), query=query)
    connected(tab.page)
    expect(frame.get_by_label("First name")).to_have_value("Jane")
    expect(frame.get_by_label("Last name")).to_have_value("<b>Doe</b>")  # text, of which the server takes the words
    expect(frame.locator("[name=session]")).to_have_count(0)


@pytest.mark.parametrize("scripts", [True, False], ids=["with scripts", "without scripts"])
def test_what_the_frames_own_address_answers_stays(stage: Stage, tab: Tab, scripts: bool) -> None:
    pasted = snippet(stage, "embedded").replace('/f/embedded"', '/f/embedded?firstName=Eve"', 1)
    frame = open_snippet(stage, tab, "filled-frame", pasted=pasted, query="?firstName=Jane&lastName=Doe")
    if scripts:
        connected(tab.page)
        expect(frame.get_by_label("Last name")).to_have_value("Doe")
    expect(frame.get_by_label("First name")).to_have_value("Eve")


@pytest.mark.parametrize("scripts", [True, False], ids=["with scripts", "without scripts"])
def test_what_the_frames_own_address_says_was_put_there_on_purpose(stage: Stage, tab: Tab, scripts: bool) -> None:
    pasted = snippet(stage, "embedded").replace('/f/embedded"', '/f/embedded?utm_source=partner"', 1)
    frame = open_snippet(stage, tab, "partner", pasted=pasted, query="?utm_source=ad&utm_term=glass")
    if scripts:
        connected(tab.page)
    fill_and_send(stage, frame, "embedded", f"partner-{scripts}@example.com".lower())
    expect(frame_that(tab.page, thanked).get_by_role("heading")).to_be_visible()
    received = stage.received(f"partner-{scripts}@example.com".lower())
    assert (received["utm_source"], received["utm_term"]) == ("partner", "glass")


# --- answers in place ---


def test_what_is_wrong_is_said_in_place_and_nothing_typed_is_lost(stage: Stage, tab: Tab) -> None:
    frame = open_snippet(stage, tab, "wrong")
    connected(tab.page)
    frame.locator("form").evaluate("(form) => { form.noValidate = true; form.mark = 'the same' }")
    fill_and_send(stage, frame, "embedded", "wrong@example.com", Mobile="call me", **{"Last name": ""})
    problem = frame.get_by_role("alert", name="There is a problem")
    expect(problem).to_be_focused()
    expect(problem.get_by_role("link")).to_have_text(
        [
            "Please fill in “Last name”.",
            "Mobile: Enter a ten-digit phone number from the United States or Canada, for example 512 789 1111.",
        ]
    )
    last_name = frame.get_by_label("Last name")
    expect(last_name).to_have_attribute("aria-invalid", "true")
    expect(last_name).to_have_accessible_description("Please fill in “Last name”.")
    problem.get_by_role("link", name="Last name").click()
    expect(last_name).to_be_focused()
    assert frame.locator("form").evaluate("(form) => form.mark") == "the same"
    last_name.fill("Doe")
    send_again(frame)
    expect(problem.get_by_role("link")).to_have_count(1)
    expect(last_name).not_to_have_attribute("aria-invalid", "true")
    frame.get_by_label("Mobile").fill("512 789 1111")
    send_again(frame)
    expect(thanked(frame)).to_be_focused()
    assert stage.received("wrong@example.com")["phone"] == "5127891111"


def test_the_page_and_the_script_say_the_same(stage: Stage, tab: Tab) -> None:
    """The same post, once answered by the server's own page and once by the script."""
    told = []
    for scripts in ("form.js", "no form.js"):
        if scripts == "no form.js":
            tab.page.route("**/form.js", lambda route: route.abort())
        tab.page.goto(f"{stage.product}/f/embedded")
        tab.page.locator("form").evaluate("(form) => { form.noValidate = true }")
        tab.page.get_by_label("Mobile").fill("call me")
        tab.page.get_by_role("button").click()
        expect(tab.page.get_by_role("alert")).to_be_visible()
        told.append((tab.page.title(), tab.page.locator("main").aria_snapshot()))
    assert told[0] == told[1]


def test_a_refusal_of_the_vendor_is_said_and_leads_to_the_forms_error_page(stage: Stage, tab: Tab) -> None:
    frame = open_snippet(stage, tab, "refused")
    fill_and_send(stage, frame, "embedded", "dup+1@example.com")
    expect(frame.get_by_role("alert")).to_contain_text("We have your details already.")
    frame = open_snippet(stage, tab, "refused", "leading")
    fill_and_send(stage, frame, "leading", "dup+2@example.com")
    expect(tab.page).to_have_url(f"{stage.host.url}/oops?error_code=ct103&msg=Duplicate+Client+creation+attempted")


def test_a_double_click_is_one_post_and_one_lead(stage: Stage, tab: Tab) -> None:
    sent = posts(tab)
    frame = open_snippet(stage, tab, "double")
    stage.age(frame, "embedded", seconds=30)
    for label, text in {"First name": "Jane", "Last name": "Doe", "E-mail": "double@example.com"}.items():
        frame.get_by_label(label).fill(text)
    frame.get_by_role("button").dblclick()
    expect(thanked(frame)).to_be_visible()
    assert len(sent) == 1
    assert stage.lead("double@example.com")["state"] == "delivered"


def test_without_a_network_the_answers_stay_and_can_be_sent_later(stage: Stage, tab: Tab) -> None:
    frame = open_snippet(stage, tab, "offline")
    tab.page.context.set_offline(True)
    fill_and_send(stage, frame, "embedded", "offline@example.com")
    expect(frame.get_by_role("alert")).to_contain_text("Your answers could not be sent.")
    expect(frame.get_by_label("E-mail")).to_have_value("offline@example.com")
    tab.page.context.set_offline(False)
    send_again(frame)
    expect(thanked(frame)).to_be_visible()
    assert stage.lead("offline@example.com")["state"] == "delivered"


def test_where_no_fetch_gets_through_a_plain_post_may(stage: Stage, tab: Tab) -> None:
    def no_fetch(route: Route) -> None:
        if route.request.resource_type == "fetch":
            route.abort()
        else:
            route.continue_()

    tab.page.route("**/f/embedded", no_fetch)
    frame = open_snippet(stage, tab, "unfetched")
    fill_and_send(stage, frame, "embedded", "unfetched@example.com")
    expect(frame.get_by_role("alert")).to_contain_text("Your answers could not be sent.")
    send_again(frame)
    expect(thanked(frame)).to_be_visible()
    assert stage.lead("unfetched@example.com")["state"] == "delivered"


def test_a_sandbox_that_forbids_forms_loses_no_lead(stage: Stage, tab: Tab) -> None:
    pasted = snippet(stage, "embedded", "iframe").replace("<iframe ", '<iframe sandbox="allow-scripts" ')
    frame = open_snippet(stage, tab, "no-forms", pasted=pasted)
    fill_and_send(stage, frame, "embedded", "no-forms@example.com")
    expect(thanked(frame)).to_be_visible()
    assert stage.lead("no-forms@example.com")["state"] == "delivered"


def test_a_link_that_a_sandbox_keeps_from_the_top_opens_in_the_frame(stage: Stage, tab: Tab) -> None:
    pasted = snippet(stage, "leading", "iframe").replace("<iframe ", '<iframe sandbox="allow-scripts allow-forms" ')
    frame = open_snippet(stage, tab, "dead-link", pasted=pasted)
    fill_and_send(stage, frame, "leading", "dead-link@example.com")
    frame.get_by_role("link", name="Go on").click()
    frame.wait_for_url(f"{stage.host.url}/thanks")


# --- where something is missing ---


def csp(policy: str) -> str:
    return f'<meta http-equiv="Content-Security-Policy" content="{policy}">'


@pytest.mark.parametrize("why", ["404", "blocked", "policy"])
def test_without_its_script_the_snippet_is_a_form_all_the_same(stage: Stage, tab: Tab, why: str) -> None:
    pasted, head = snippet(stage, "embedded"), ""
    if why == "404":
        pasted = pasted.replace("/embed.js", "/gone.js")
    if why == "blocked":
        tab.page.route("**/embed.js", lambda route: route.abort())
    if why == "policy":
        head = csp(f"script-src 'none'; style-src 'none'; frame-src {stage.product}")
    frame = open_snippet(stage, tab, f"scriptless-{why}", pasted=pasted, head=head)
    assert inner_scroll(frame) <= 0
    fill_and_send(stage, frame, "embedded", f"scriptless-{why}@example.com")
    expect(thanked(frame)).to_be_visible()
    assert stage.lead(f"scriptless-{why}@example.com")["state"] == "delivered"


def test_under_a_policy_that_lets_in_only_our_host_all_of_it_works(stage: Stage, tab: Tab) -> None:
    head = csp(f"default-src 'none'; script-src {stage.product}; frame-src {stage.product}")
    frame = open_snippet(stage, tab, "strict", head=head)
    connected(tab.page)
    wait_until(lambda: inner_scroll(frame) <= 0)
    width = "document.querySelector('iframe').clientWidth / document.body.clientWidth"
    assert tab.page.evaluate(width) == 1
    fill_and_send(stage, frame, "embedded", "strict@example.com")
    expect(thanked(frame)).to_be_visible()
    wait_until(lambda: frame_height(tab.page) < 400)


@pytest.mark.parametrize("scripts", [True, False], ids=["with scripts", "without scripts"])
def test_where_frames_are_forbidden_there_is_the_link(stage: Stage, tab: Tab, scripts: bool) -> None:
    head = csp("frame-src 'none'")
    tab.page.goto(stage.host.put("frameless", document(snippet(stage, "embedded"), head)))
    tab.page.get_by_role("link", name="open the form in its own page").click()
    expect(tab.page).to_have_url(f"{stage.product}/f/embedded")


def test_with_all_in_place_the_link_is_out_of_sight(stage: Stage, tab: Tab) -> None:
    open_snippet(stage, tab, "linkless")
    connected(tab.page)
    expect(tab.page.get_by_role("link", name="open the form in its own page")).to_have_count(0)


def test_a_bare_script_offers_the_link_where_its_frame_stays_silent(stage: Stage, tab: Tab) -> None:
    tab.page.clock.install()
    head = csp("frame-src 'none'")
    pasted = snippet(stage, "embedded", "bare").replace("data-form", 'data-title="Ask us" data-form')
    tab.page.goto(stage.host.put("silent", document(pasted, head)))
    expect(tab.page.locator("iframe")).to_have_count(1)
    tab.page.clock.run_for(7000)
    expect(tab.page.get_by_role("link", name="Ask us")).to_have_attribute("href", f"{stage.product}/f/embedded")


# --- any number, anywhere ---


def test_several_forms_on_a_page_are_one_script(stage: Stage, tab: Tab) -> None:
    loads: list[str] = []
    tab.page.on("request", lambda request: loads.append(request.url) if request.url.endswith("/embed.js") else None)
    pasted = "<hr>".join(
        [
            snippet(stage, "embedded", "bare"),
            snippet(stage, "leading"),
            snippet(stage, "embedded"),
            snippet(stage, "leading", "bare"),
        ]
    )
    open_snippet(stage, tab, "several", pasted=pasted)
    all_connected(tab.page, 4)
    order = "[...document.querySelectorAll('[data-leadferry]')].map((each) => each.dataset.leadferry)"
    assert tab.page.evaluate(order) == ["embedded", "leading", "embedded", "leading"]
    assert len(loads) == 1
    frame = tab.page.frames[-2]
    name = frame.url.rpartition("/")[2]
    fill_and_send(stage, frame, name, "several@example.com")
    wait_until(lambda: stage.installation.leads("--email", "several@example.com"))


def test_a_script_in_the_head_puts_its_form_at_the_end_of_the_page(stage: Stage, tab: Tab) -> None:
    embedding.open_page(stage, tab, "head", document("<p>First</p>", head=snippet(stage, "embedded", "bare")))
    frame_that(tab.page, asked)
    assert tab.page.evaluate("document.body.lastElementChild.dataset.leadferry") == "embedded"


@pytest.mark.parametrize("way", ["script", "bare"])
def test_a_builder_may_put_it_into_the_page_later(stage: Stage, tab: Tab, way: embedding.Way) -> None:
    """As jQuery's html() does: the markup first, then each script once more, as a new element."""
    late = """(markup) => {
      const place = document.body.appendChild(document.createElement("div"));
      place.innerHTML = markup;
      for (const old of place.querySelectorAll("script")) {
        const script = document.createElement("script");
        for (const { name, value } of old.attributes) script.setAttribute(name, value);
        old.replaceWith(script);
      }
    }"""
    tab.page.goto(stage.host.put("late", document("<p>Loading …</p>")))
    for count in (1, 2):
        tab.page.evaluate(late, snippet(stage, "embedded", way))
        all_connected(tab.page, count)
        expect(tab.page.locator("iframe")).to_have_count(count)


def test_a_script_that_an_optimiser_moved_still_knows_its_form(stage: Stage, tab: Tab) -> None:
    markup, script, end = snippet(stage, "embedded").partition("  <script")
    tab_script, _, rest = (script + end).partition("</script>")
    open_snippet(stage, tab, "moved", pasted=f"{markup}{rest}<footer>End</footer>{tab_script}</script>")
    connected(tab.page)
    expect(tab.page.locator("iframe")).to_have_count(1)


def test_a_script_that_an_optimiser_put_among_others_still_finds_the_frames(stage: Stage, tab: Tab) -> None:
    ours = requests.get(f"{stage.product}/embed.js", timeout=10).text
    markup = snippet(stage, "embedded").replace(f'async src="{stage.product}/embed.js"', "")
    open_snippet(stage, tab, "bundled", pasted=f"{markup}<script>{ours}</script>")
    connected(tab.page)


@pytest.mark.parametrize("colours", ["color: #eee; background: #111", "color: #222; background: #fff"])
def test_on_a_dark_page_the_form_is_dark(stage: Stage, tab: Tab, colours: str) -> None:
    frame = open_snippet(stage, tab, "colours", head=f"<style>body {{ {colours} }}</style>")
    connected(tab.page)
    scheme = "dark" if "#eee" in colours else "light"
    frame.wait_for_function("(scheme) => getComputedStyle(document.documentElement).colorScheme === scheme", arg=scheme)
    assert frame.evaluate("getComputedStyle(document.body).backgroundColor") == "rgba(0, 0, 0, 0)"
