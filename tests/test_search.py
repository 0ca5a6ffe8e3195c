"""Finding leads: by what they say, by where they stand, and quickly however many there are."""

from __future__ import annotations

import time
from typing import Any

import pytest
from sqlalchemy import text, update

from leadferry import accepting, leads, privacy, search
from leadferry.leads import NewLead
from leadferry.models import delivery, lead
from leadferry.search import Wanted, find
from tests.conftest import Install
from tests.installation import Installation

FORM = "title: A form\nfields: [{name: email}]\nvendor: {name: webhook, url: https://example.com}\n"


@pytest.fixture
def here(install: Install) -> Installation:
    return install({"quote": FORM, "other": FORM})


def store_lead(here: Installation, values: dict[str, Any], form: str = "quote", **more: Any) -> str:
    found = here.site.office.catalog.get(form)
    new = NewLead(form=found, values=values, **more)  # type: ignore[arg-type]
    accepting.accept(here.store, new, {}, repeats=False)
    return new.reference


def found(here: Installation, text: str = "", **wanted: Any) -> list[str]:
    return [row.reference for row in find(here.store, Wanted(text, **wanted))]


BO = {
    "firstName": "José",
    "lastName": "Núñez-Smith",
    "email": "Bo@Example.com",
    "phone": "5127891111",
    "other": ["x@example.org", "y"],
}


@pytest.mark.parametrize(
    "typed",
    [
        "bo@example.com",
        "BO@",
        "x@example.org",
        "(512) 789-1111",
        "+1 512 789 1111",
        "1111",
        "jose",
        "JOSÉ smi",
        "nunez",
        "  Smith José ",
    ],
)
def test_a_lead_is_found_by_what_it_says(here: Installation, typed: str) -> None:
    wanted = store_lead(here, BO)
    store_lead(here, {"name": "Ann Jones", "email": "ann@example.com", "phone": "2025550123"})
    assert found(here, typed) == [wanted]


@pytest.mark.parametrize("typed", ["someone@example.com", "5129999", "josef", "jose jones", "j", "%", "LF-2222"])
def test_and_not_by_anything_else(here: Installation, typed: str) -> None:
    store_lead(here, BO)
    assert found(here, typed) == []


def test_a_lead_is_found_by_its_reference_and_by_the_beginning_of_it(here: Installation) -> None:
    wanted, _ = store_lead(here, BO), store_lead(here, BO)
    assert found(here, wanted.lower()) == [wanted]
    assert wanted in found(here, wanted[:8])


def test_each_filter_finds_its_own_and_all_hold_together(here: Installation) -> None:
    campaign = {"page_url": "https://WWW.example.com/roofs/?utm_source=x#top", "utm_campaign": "Spring"}
    first = store_lead(here, BO, campaign=campaign, received_at=1000.0)
    second = store_lead(here, BO, form="other", received_at=2000.0)
    junk = store_lead(here, BO, quarantine=["honeypot"], received_at=3000.0)
    test = store_lead(here, BO, test=True, received_at=4000.0)
    with here.store.write() as connection:
        connection.execute(update(delivery).where(delivery.c.lead_id == 2).values(state="dead"))
    assert found(here) == [junk, second, first]
    assert found(here, form="other") == [second]
    assert found(here, state="dead") == [second]
    assert found(here, state="quarantined") == [junk]
    assert found(here, state="pending", vendor="webhook") == [first]
    assert found(here, vendor="elsewhere") == []
    assert found(here, page="http://www.example.com/roofs") == [first]
    assert found(here, campaign="spring") == [first]
    assert found(here, campaign="spring", page="www.example.com/roofs", state="pending") == [first]
    assert found(here, campaign="spring", state="dead") == []
    assert found(here, since=2000.0) == [junk, second]
    assert found(here, until=2000.0) == [first]
    assert found(here, tests=True) == [test]
    assert found(here, "jose", since=1500.0, form="other", state="dead") == [second]


def test_pages_follow_each_other_without_a_gap(here: Installation) -> None:
    wanted = [store_lead(here, {"name": f"Name {number}"}) for number in range(7)][::-1]
    rows = find(here.store, Wanted(), 3)
    rows += find(here.store, Wanted(), 3, rows[-1].id)
    assert [row.reference for row in rows] == wanted[:6]
    assert [row.reference for row in search.each(here.store, Wanted("name"), page=2)] == wanted


def test_what_was_mended_is_found_by_what_it_says_now(here: Installation) -> None:
    wanted = store_lead(here, BO)
    leads.edit(here.store, 1, {"email": "new@example.com"}, ["phone"])
    assert found(here, "new@example.com") == [wanted]
    assert found(here, "bo@example.com") == found(here, "5127891111") == []


def test_who_is_erased_is_found_no_more_and_leaves_no_words_behind(here: Installation) -> None:
    store_lead(here, BO)
    privacy.erase(here.store, [1])
    with here.store.read() as connection:
        assert connection.execute(text("SELECT count(*) FROM lead_search")).scalar() == 0
    with here.store.write() as connection:
        connection.execute(update(lead).values(received_at=0.0))
    assert search.fill(here.store) == 1
    with here.store.read() as connection:
        assert connection.execute(text("SELECT count(*) FROM lead_search")).scalar() == 0


def test_who_is_erased_while_older_leads_are_filled_in_is_left_out(
    here: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    store_lead(here, BO, received_at=1000.0)
    privacy.erase(here.store, [1])
    monkeypatch.setattr(search, "terms", lambda *_: {"n:what was read before"})
    assert search.fill(here.store) == 1
    with here.store.read() as connection:
        assert connection.execute(text("SELECT count(*) FROM lead_search")).scalar() == 0


def test_older_leads_are_filled_in_where_it_stopped_and_young_ones_are_left(
    here: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(search, "BATCH", 2)
    old = [store_lead(here, {"name": f"Old {number}"}, received_at=1000.0) for number in range(5)][::-1]
    store_lead(here, {"name": "Young"}, received_at=time.time())
    with here.store.write() as connection:
        connection.execute(text("DELETE FROM lead_search"))
    assert search.fill(here.store, seconds=0.0) == 0
    assert (found(here, "old"), search._fill_batch(here.store)) == ([], 2)
    assert found(here, "old") == old[-2:]
    assert search.fill(here.store, seconds=60.0) == 3
    assert (found(here, "old"), found(here, "young")) == (old, [])


def test_without_its_table_leads_are_taken_mended_and_erased(here: Installation) -> None:
    with here.store.write() as connection:
        connection.execute(text("DROP TABLE lead_search"))
    store_lead(here, BO)
    leads.edit(here.store, 1, {"email": "new@example.com"}, [])
    assert search.fill(here.store) == 0
    assert privacy.erase(here.store, [1]) == 1


EVERY_WAY = [
    Wanted(),
    Wanted(form="quote"),
    Wanted(state="dead"),
    Wanted(state="rejected", form="quote", vendor="webhook"),
    Wanted(state="quarantined"),
    Wanted(vendor="webhook"),
    Wanted(page="www.example.com/p"),
    Wanted(campaign="spring", page="www.example.com/p"),
    Wanted(campaign="spring", state="dead"),
    Wanted(since=1000.0, until=2000.0, state="held"),
    Wanted(tests=True),
]


@pytest.mark.parametrize("wanted", EVERY_WAY)
@pytest.mark.parametrize("before", [None, 10])
def test_no_filter_makes_the_database_sort_all_that_match(here: Installation, wanted: Wanted, before: int) -> None:
    """Each goes along an index in the order of the ids, so that 50 leads cost the same among a million."""
    if not here.store.is_sqlite:
        pytest.skip("its plan depends on how many rows there are")
    with here.store.read() as connection:
        query = search._query(connection, wanted, before).limit(50)
        plan = connection.execute(text("EXPLAIN QUERY PLAN " + as_sql(here, query))).all()
    assert not [row for row in plan if "ORDER BY" in row[3]], plan


def as_sql(here: Installation, query: Any) -> str:
    return str(query.compile(here.store.engine, compile_kwargs={"literal_binds": True}))
