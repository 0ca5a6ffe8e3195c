"""Visits are counted without a visitor's knowing or cost, and what the store tells of leads is right and bounded."""

from __future__ import annotations

import time
from collections import Counter
from typing import Any

import pytest
from sqlalchemy import text

from leadferry import accepting, models, numbers, visits
from leadferry.doctor import SNIPPET, Noticed, findings, read_facts
from leadferry.funnels import gather
from leadferry.leads import NewLead
from leadferry.numbers import DAY, Funnel, Period, Sighting
from leadferry.store import Store, StoreError
from leadferry.visits import OTHER, Place, Visits, campaign_of, is_bot, page_of
from tests.conftest import Install
from tests.installation import Installation, wait_until

CHROME = {"User-Agent": "Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/147.0.0.0 Safari/537.36"}
FORM = """
title: A form
fields: [{name: firstName, required: true}, {name: email}]
vendor: {name: webhook, url: "https://hooks.example.com/x", wait: 0}
"""


@pytest.fixture
def installation(install: Install) -> Installation:
    return install({"quote": FORM, "measured": FORM + "measure: progress\n"})


def counted(installation: Installation) -> dict[str, int]:
    """What was counted, whatever the page and campaign."""
    installation.site.visits.flush()
    found: Counter[str] = Counter()
    for (_, form, _, _, what), count in numbers.visits(installation.store, today(installation)):
        found[f"{form} {what}"] += count
    return dict(found)


def today(installation: Installation) -> Period:
    return numbers.period(installation.store, 1)


def accept(installation: Installation, **more: Any) -> int:
    form = installation.site.office.catalog.get("quote")
    values = more.pop("values", {"firstName": str(time.monotonic())})
    lead = NewLead(form=form, values=values, **more)  # type: ignore[arg-type]
    return accepting.accept(installation.store, lead, {"vendor": None}).lead_id


def settle(store: Store, lead_id: int, state: str, after: float = 0.0, reason: str | None = None) -> None:
    statement = (
        "UPDATE delivery SET state = :state, reason = :reason, settled_at = "
        "(SELECT received_at FROM lead WHERE id = :lead) + :after WHERE lead_id = :lead"
    )
    with store.write() as connection:
        connection.execute(text(statement), {"state": state, "reason": reason, "after": after, "lead": lead_id})


# --- names ---


@pytest.mark.parametrize(
    ("address", "page"),
    [
        ("https://www.example.com/quote?utm_source=x#top", "www.example.com/quote"),
        ("https://WWW.Example.com", "www.example.com/"),
        ("https://www.example.com:443/a/b/", "www.example.com/a/b"),
        ("http://127.0.0.1:8000/f/quote", "127.0.0.1:8000/f/quote"),
        ("https://jane:secret@example.com/a", "example.com/a"),
        ("https://example.com/hello/jane@example.com/x", "example.com/hello/…/x"),
        ("https://example.com/hello/jane%40example.com", "example.com/hello/…"),
        ("https://example.com/call/15127891111", "example.com/call/…"),
        ("https://example.com/\x00a\ud800b", "example.com/ab"),
        ("javascript:alert(1)", ""),
        ("https://[broken", ""),
        ("https://example.com:99999/", ""),
        ("", ""),
    ],
)
def test_a_page_is_host_and_path_without_what_could_name_a_person(address: str, page: str) -> None:
    assert page_of(address) == page


def test_a_campaign_is_one_line() -> None:
    assert (
        campaign_of({"utm_source": "google", "utm_medium": "cpc", "utm_campaign": "spring"}) == "google / cpc / spring"
    )
    assert campaign_of({"utm_source": "google", "utm_campaign": " spring \n sale "}) == "google / – / spring sale"
    assert campaign_of({"utm_source": "newsletter"}) == "newsletter"
    assert campaign_of({"fbclid": "1"}) == "Facebook or Instagram, untagged"
    assert campaign_of({"utm_source": "mail", "utm_campaign": "jane@example.com"}) == "mail / – / …"
    assert campaign_of({}) == ""


@pytest.mark.parametrize(
    "agent", ["", "Googlebot/2.1", "Mozilla/5.0 (compatible; bingbot/2.0)", "curl/8.5", "UptimeRobot"]
)
def test_programs_are_known_by_their_own_word(agent: str) -> None:
    assert is_bot(agent)
    assert not is_bot(CHROME["User-Agent"])


# --- counting ---


def test_page_views_posts_and_refusals_are_counted(installation: Installation) -> None:
    client = installation.client
    for _ in range(3):
        client.get("/f/quote?utm_source=mail", headers=CHROME)
    client.get("/f/quote?unknown=1", headers=CHROME)
    client.post("/f/quote", data={"email": "nobody"}, headers=CHROME)
    client.post("/f/quote", data={"firstName": "Jane"}, headers=CHROME)
    assert counted(installation) == {
        "quote seen": 4,
        "quote tried": 2,
        "quote refused:lf201": 1,
        "quote asked again:firstName": 1,
        "quote asked again:email": 1,
    }
    pages = {(key[2], key[3]) for key, _ in numbers.visits(installation.store, today(installation), "quote")}
    assert ("localhost/f/quote", "mail") in pages


def test_what_no_visitor_sees_is_not_counted(installation: Installation) -> None:
    client = installation.client
    client.head("/f/quote", headers=CHROME)
    client.get("/f/quote", headers={"User-Agent": "Googlebot/2.1"})
    client.get("/f/quote", headers={**CHROME, "Sec-Purpose": "prefetch;prerender"})
    client.get("/f/missing", headers=CHROME)
    assert counted(installation) == {}


def test_counting_sets_no_cookie_and_keeps_no_query(installation: Installation) -> None:
    response = installation.client.get(
        "/f/quote?utm_source=mail",
        headers={**CHROME, "Sec-Fetch-Dest": "iframe", "Referer": "https://shop.example.com/p?email=jane@example.com"},
    )
    assert "Set-Cookie" not in response.headers
    installation.site.visits.flush()
    with installation.store.read() as connection:
        rows = [tuple(row) for row in connection.execute(models.visit_count.select())]
    assert [row[2:] for row in rows] == [("shop.example.com/p", "mail", "seen", 1)]


def test_counts_of_several_processes_add_up(installation: Installation) -> None:
    for _ in range(2):
        process = Visits(installation.store)
        process.count("quote", "seen", Place("a.example.com/", "mail"))
        process.count("quote", "seen", Place("a.example.com/", "mail"))
        process.close()
    assert counted(installation) == {"quote seen": 4}


def test_counts_reach_the_store_by_themselves(installation: Installation) -> None:
    process = Visits(installation.store, every=0.05)
    process.count("quote", "seen")
    wait_until(lambda: numbers.visits(installation.store, today(installation)))
    process.close()


def test_however_many_pages_there_are_the_counts_stay_few(installation: Installation) -> None:
    process = Visits(installation.store)
    for number in range(3 * visits.MOST_NAMES):
        process.count("quote", "seen", Place(f"example.com/{number}", f"campaign {number}"))
        process.saw("quote", f"example.com/{number}", f"depth=1 top=x{number}")
    process.close()
    rows = numbers.visits(installation.store, today(installation))
    assert len(rows) == visits.MOST_NAMES + 1
    assert sum(count for _, count in rows) == 3 * visits.MOST_NAMES
    assert any(key[2:4] == (OTHER, OTHER) for key, _ in rows)
    assert len(numbers.sightings(installation.store, 0)) == visits.MOST_NAMES + 1


def test_pages_times_campaigns_stay_few_too(installation: Installation) -> None:
    process = Visits(installation.store)
    for number in range(visits.MOST_PAIRS + 500):
        process.count("quote", "seen", Place(f"example.com/{number % 50}", f"campaign {number // 50}"))
    process.close()
    rows = numbers.visits(installation.store, today(installation))
    assert len(rows) == visits.MOST_PAIRS + 1
    assert sum(count for _, count in rows) == visits.MOST_PAIRS + 500


def test_a_store_that_is_gone_costs_no_count_and_no_visitor(
    installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    def gone(*_: Any) -> None:
        raise StoreError("the disk is full")

    with monkeypatch.context() as while_it_is_gone:
        while_it_is_gone.setattr(numbers, "add", gone)
        assert installation.client.get("/f/quote", headers=CHROME).status_code == 200
        with pytest.raises(StoreError):
            installation.site.visits.flush()
        assert installation.client.get("/f/quote", headers=CHROME).status_code == 200
    assert counted(installation) == {"quote seen": 2}


def test_a_schema_without_the_tables_is_left_alone(installation: Installation) -> None:
    with installation.store.write() as connection:
        connection.execute(text("DROP TABLE visit_count"))
    process = Visits(installation.store)
    process.count("quote", "seen")
    process.close()
    assert not numbers.is_ready(installation.store)


def test_a_count_costs_microseconds(installation: Installation) -> None:
    process = Visits(installation.store)
    place = Place("www.example.com/", "google / cpc / spring")
    began = time.process_time()
    for _ in range(10_000):
        process.count("quote", "seen", place)
    each = (time.process_time() - began) / 10_000
    process.close()
    assert each < 100e-6  # some 2 on an idle machine


def test_old_counts_are_forgotten(installation: Installation) -> None:
    store = installation.store
    old = int(time.time() // DAY) - numbers.KEPT_DAYS - 1
    numbers.add(store, {(old, "quote", "", "", "seen"): 1}, {("quote", "p", "depth=1"): Sighting(1.0, 2.0, 1)})
    numbers.forget_old(store)
    assert numbers.visits(store, Period(0, old + 1)) == []
    assert numbers.sightings(store, 0) == []


# --- how far visitors come ---


def progress(installation: Installation, form: str, **data: Any) -> int:
    return installation.client.post(f"/f/{form}/progress", data=data, headers=CHROME).status_code


def test_where_people_stop_is_counted_where_the_form_asks_for_it(installation: Installation) -> None:
    assert progress(installation, "measured", touched=["firstName", "email", "made up"], last="email", sent="0") == 204
    assert progress(installation, "measured", touched=["firstName"], last="firstName", sent="1") == 204
    assert progress(installation, "measured", touched=["made up"], last="made up") == 204
    assert progress(installation, "quote", touched=["firstName"], last="firstName") == 204
    assert counted(installation) == {
        "measured started": 2,
        "measured touched:firstName": 2,
        "measured touched:email": 1,
        "measured stopped:email": 1,
    }


def test_reports_are_bounded_in_size_and_number(install: Install) -> None:
    installation = install({"measured": FORM + "measure: progress\n"}, POST_LIMIT="2/minute")
    client = installation.client
    assert client.post("/f/measured/progress", data={"touched": "x" * 20_000}).status_code == 413
    assert [progress(installation, "measured", touched="email") for _ in range(3)] == [204, 204, 429]
    assert client.post("/f/measured", json={"firstName": "Jane"}).status_code == 200, "leads have their own limit"
    assert client.post("/f/missing/progress", data={}).status_code == 404


def test_a_form_loads_the_measuring_script_only_if_it_measures(installation: Installation) -> None:
    assert "progress.js" in installation.client.get("/f/measured").text
    assert "progress.js" not in installation.client.get("/f/quote").text


# --- leads ---


def test_leads_are_counted_by_page_campaign_and_state(installation: Installation) -> None:
    page = {"page_url": "https://www.example.com/a?utm_source=mail&x=1", "utm_source": "mail"}
    ids = [accept(installation, campaign=page) for _ in range(3)]
    settle(installation.store, ids[0], "delivered")
    accept(installation, campaign={"gclid": "1"})
    accept(installation, quarantine=["honeypot"])
    accept(installation, test=True)
    found = numbers.received(installation.store, today(installation))
    assert {(each.address, each.utm[0], each.click, each.state, each.leads) for each in found} == {
        ("https://www.example.com/a", "mail", "", "delivered", 1),
        ("https://www.example.com/a", "mail", "", "pending", 2),
        ("", "", "gclid", "pending", 1),
        ("", "", "", "quarantined", 1),
    }
    funnel = Funnel(seen=8)
    for each in found:
        funnel.add_leads(each.state, each.leads)
    assert (funnel.stored, funnel.delivered, funnel.quarantined, funnel.rate) == (4, 1, 1, 0.5)
    assert numbers.received(installation.store, today(installation), "measured") == []


def test_a_rate_is_told_only_where_the_views_are_known() -> None:
    assert Funnel(seen=4, stored=1).rate == 0.25
    assert Funnel(seen=0, stored=3).rate is None
    assert Funnel(seen=2, stored=3).rate is None, "a form pasted as HTML is seen without our knowing"


def test_who_started_is_known_of_all_only_where_every_form_measures_it() -> None:
    seen = [((1, form, "p", "", "seen"), 5) for form in ("quote", "measured")]
    started = [((1, "measured", "p", "", "started"), 3)]
    mixed = gather(Period(1, 1), [*seen, *started], [], ["measured"])
    assert (mixed.total.started, mixed.by_page["p"].started, mixed.by_form["measured"].started) == (None, None, 3)
    alone = gather(Period(1, 1), [seen[1]], [], ["measured"])
    assert (alone.total.started, alone.by_page["p"].started) == (0, 0)


def test_more_leads_than_are_counted_shorten_the_period(
    installation: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    now = time.time()
    for days in (0, 1, 2, 3):
        accept(installation, received_at=now - days * DAY)
    assert not numbers.period(installation.store, 28).is_short
    monkeypatch.setattr(numbers, "MOST_LEADS", 2)
    short = numbers.period(installation.store, 28)
    assert (short.is_short, list(short.days)) == (True, [int(now // DAY) - 1, int(now // DAY)])


def test_seconds_to_the_vendor_are_those_of_delivered_leads(installation: Installation) -> None:
    for seconds in (1.0, 2.0, 3.0, 90.0):
        settle(installation.store, accept(installation), "delivered", seconds)
    settle(installation.store, accept(installation), "rejected", 500.0)
    settle(installation.store, accept(installation, test=True), "delivered", 500.0)
    found = numbers.timed(installation.store, time.time() - DAY)
    seconds_ = sorted(round(each.seconds, 3) for each in found)
    assert seconds_ == [1.0, 2.0, 3.0, 90.0]
    assert (numbers.percentile(seconds_, 0.5), numbers.percentile(seconds_, 0.95)) == (2.0, 90.0)
    assert numbers.percentile([7.0], 0.95) == 7.0


def test_refusals_are_grouped_by_reason(installation: Installation) -> None:
    for reason in ("duplicate", "duplicate", "invalid"):
        settle(installation.store, accept(installation), "rejected", 1.0, reason)
    settle(installation.store, accept(installation), "delivered", 1.0)
    found = numbers.refused(installation.store, time.time() - DAY)
    assert [(each.form, each.vendor, each.state, each.reason, each.leads) for each in found] == [
        ("quote", "webhook", "rejected", "duplicate", 2),
        ("quote", "webhook", "rejected", "invalid", 1),
    ]


def test_a_field_that_is_cut_often_is_named_with_how_often(installation: Installation) -> None:
    cut = {"field": "landing_url", "reason": "cut", "before": 240, "after": 100}
    html = {"field": "notes", "reason": "html", "before": 9, "after": 3}
    for number in range(10):
        values = {"firstName": str(number), "landing_url": "x", "notes": "y"}
        accept(installation, values=values, cleaned=[cut] * (number < 8) + [html] * (number < 1))
    accept(installation, values={"firstName": "without it"})
    [found] = numbers.damaged(installation.store, "quote")
    assert (found.field, found.reason, found.hurt, found.leads, found.longest) == ("landing_url", "cut", 8, 10, 240)


def test_leads_by_the_hour_are_of_each_form(installation: Installation) -> None:
    now = time.time()
    accept(installation, received_at=now - 60)
    accept(installation, received_at=now - 90)
    accept(installation, received_at=now - 5 * 3600)
    accept(installation, received_at=now - 60, test=True)
    assert numbers.by_hour(installation.store, 6) == {"quote": [1, 0, 0, 0, 0, 2]}


# --- the snippet doctor ---

HEIGHT = 600


def kinds(*facts: str) -> list[str]:
    noticed = [Noticed(read_facts(each), 1, float(number)) for number, each in enumerate(facts)]
    return [found.kind.name for found in findings(noticed, {"script": HEIGHT})]


GOOD = f"depth=1 script=1 opaque=0 snippet=script-{SNIPPET}-{HEIGHT}"


@pytest.mark.parametrize(
    ("facts", "expected"),
    [
        (GOOD, []),
        (f"{GOOD} stuck=1", ["stuck"]),
        (GOOD.replace("script=1", "script=0"), ["script blocked"]),
        (GOOD.replace("script=1 opaque=0", "script=0 opaque=0").replace("script-1", "iframe-1"), []),
        (GOOD.replace("depth=1", "depth=2"), ["nested"]),
        (f"{GOOD} address=site".replace("depth=1", "depth=2"), ["query missing", "nested"]),
        (GOOD.replace("opaque=0", "opaque=1"), ["opaque"]),
        ("depth=1 script=1 opaque=0", ["old"]),
        (GOOD.replace(str(HEIGHT), "400"), ["height"]),
        ("way=plain depth=1", ["no scripts"]),
        ("way=pasted depth=0", []),
        (f"depth=1 script=1 snippet=embed-{SNIPPET}", []),
    ],
)
def test_each_finding_has_its_facts(facts: str, expected: list[str]) -> None:
    assert kinds(facts) == expected


def test_one_visitor_who_blocks_scripts_is_not_the_pages_fault() -> None:
    blocked = GOOD.replace("script=1", "script=0")
    assert kinds(GOOD, GOOD, blocked) == []
    assert kinds(GOOD, blocked, blocked) == ["script blocked"]


def test_a_page_that_was_mended_is_well_again_after_two_days() -> None:
    blocked = Noticed(read_facts(GOOD.replace("script=1", "script=0")), 100, 0.0)
    soon, later = (Noticed(read_facts(GOOD), 1, days * DAY) for days in (1, 3))
    assert [each.kind.name for each in findings([blocked, soon], {})] == ["script blocked"]
    assert findings([blocked, later], {}) == []


def test_facts_are_written_as_they_are_read_and_nothing_else_is_taken() -> None:
    facts = read_facts(f"{GOOD} stuck=1 top=www.example.com address=site")
    assert read_facts(facts.text) == facts
    assert read_facts("depth=99 script=yes way=<b> top=<script> snippet=x evil=1").text == read_facts("").text
    assert len(read_facts(f"{'x' * 5000} depth=1").text) < 100


def seen_on(installation: Installation) -> list[tuple[str, str]]:
    installation.site.visits.flush()
    return [(page, facts) for _, page, facts, _ in numbers.sightings(installation.store, 0)]


def test_a_post_carries_what_the_form_noticed_and_no_answer_of_it_is_kept(installation: Installation) -> None:
    page = "https://shop.example.com/landing?x=1"
    data = {"firstName": "Jane", "page_url": page, "_lf_page": GOOD}
    assert installation.client.post("/f/quote", data=data, headers=CHROME).status_code in {200, 303}
    assert seen_on(installation) == [("shop.example.com/landing", read_facts(GOOD).text)]
    assert "_lf_page" not in installation.lead(installation.leads()[0]["lead"])["values"]


def test_a_builders_frame_that_knows_only_the_sites_name_is_told_apart(installation: Installation) -> None:
    nested = GOOD.replace("depth=1", "depth=2")
    sent = [
        ("https://shop.example.com/landing", nested),
        ("https://shop.example.com/", nested),
        ("https://box.builder.example/html/1", f"{nested} top=shop.example.com"),
        ("", nested),
    ]
    for number, (page, facts) in enumerate(sent):
        data = {"firstName": f"Jane {number}", "page_url": page, "_lf_page": facts}
        installation.client.post("/f/quote", data=data, headers=CHROME)
    addresses = {page: read_facts(facts).address for page, facts in seen_on(installation)}
    assert addresses == {
        "shop.example.com/landing": "",
        "shop.example.com/": "site",
        "box.builder.example/html/1": "site",
        "": "none",
    }


def test_frames_without_scripts_and_pasted_forms_are_noticed_too(install: Install) -> None:
    installation = install({"quote": f"web_key: LF_1\n{FORM}"})
    framed = {**CHROME, "Sec-Fetch-Dest": "iframe", "Accept": "text/html", "Origin": "null"}
    data = {"firstName": "Jane", "page_url": "https://a.example.com/x"}
    installation.client.post("/f/quote", data=data, headers=framed)
    pasted = {**CHROME, "Referer": "https://b.example.com/y"}
    installation.client.post("/submit", data={"web_key": "LF_1", "firstName": "Bo"}, headers=pasted)
    found = {page: read_facts(facts) for page, facts in seen_on(installation)}
    assert (found["a.example.com/x"].way, found["a.example.com/x"].opaque) == ("plain", True)
    assert found["b.example.com/y"].way == "pasted"


def test_programs_and_the_forms_own_page_say_nothing_of_a_page(installation: Installation) -> None:
    installation.client.post("/f/quote", json={"firstName": "Jane"})
    installation.client.post("/f/quote", data={"firstName": "Bo", "_lf_page": "depth=0 script=0"}, headers=CHROME)
    assert seen_on(installation) == []


def test_a_page_that_cannot_be_left_is_reported_after_the_lead(installation: Installation) -> None:
    data = {"_lf_page": f"{GOOD} stuck=1", "page_url": "https://a.example.com/x"}
    assert progress(installation, "quote", **data) == 204
    assert progress(installation, "quote", _lf_page=GOOD) == 204
    assert [read_facts(facts).stuck for _, facts in seen_on(installation)] == [True]
