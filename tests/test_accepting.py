"""Leads that come at the same moment are stored in one transaction, each as if it had come alone."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import Connection, event, select, text

from leadferry import accepting, models, outbox
from leadferry.accepting import REPEAT_WINDOW
from leadferry.leads import Accepted, NewLead
from leadferry.outbox import Health
from leadferry.store import Store, StoreRefusal
from leadferry.vendors.base import File, Request
from tests.conftest import Install
from tests.installation import Installation, wait_until

FORM = """title: {name}
fields:
  - {{name: firstName, required: true}}
  - {{name: email}}
vendor: {{name: webhook, url: "http://127.0.0.1:9/", wait: 0}}
also: [{{name: webhook, url: "http://127.0.0.1:9/too", wait: 0}}]
"""
REQUEST = Request("https://vendor.example/leads", json={"first": "Jane"})


class Door:
    """An installation, and all who come to it at once."""

    def __init__(self, installation: Installation, monkeypatch: pytest.MonkeyPatch) -> None:
        self.store: Store = installation.store
        self.forms = {name: installation.site.office.catalog.get(name) for name in ("quote", "visit")}
        self._monkeypatch = monkeypatch
        self.alone(self.lead("first of all"))  # whatever is made once is made

    def lead(self, name: str, form: str = "quote", **more: Any) -> NewLead:
        return NewLead(form=self.forms[form], values={"firstName": name, "email": "jane@example.com"}, **more)  # type: ignore[arg-type]

    def alone(self, lead: NewLead, **more: Any) -> Accepted:
        return accepting.accept(self.store, lead, {"vendor": REQUEST}, **more)

    def at_once(self, leads: Sequence[NewLead], **more: Any) -> list[Accepted | BaseException]:
        """All in one transaction: the first begins when all are there."""
        (gathering,) = self.store._gatherings.values()
        transact = gathering._transact

        def once_all_are_there(work: Callable[[Connection], Any], seconds: float) -> Any:
            wait_until(lambda: len(gathering._waiting) == len(leads))
            self._monkeypatch.setattr(gathering, "_transact", transact)
            return transact(work, seconds)

        self._monkeypatch.setattr(gathering, "_transact", once_all_are_there)
        with ThreadPoolExecutor(len(leads)) as pool:
            asked = [pool.submit(self.alone, lead, **more) for lead in leads]
            return [each.exception() or each.result() for each in asked]

    def stored(self) -> list[str]:
        """Who is in the store, beside the first of all."""
        with self.store.read() as connection:
            names = connection.execute(select(models.lead.c.answers["firstName"].as_string())).scalars()
            return sorted(name for name in names if name != "first of all")


@pytest.fixture
def door(install: Install, monkeypatch: pytest.MonkeyPatch) -> Door:
    return Door(install({name: FORM.format(name=name) for name in ("quote", "visit")}), monkeypatch)


def references(found: Sequence[Accepted | BaseException]) -> list[str]:
    return [each.reference for each in found if isinstance(each, Accepted)]


def test_each_is_stored_with_all_that_is_its_own(door: Door) -> None:
    leads = [
        door.lead(
            f"visitor {number}",
            "visit" if number % 2 else "quote",
            files={"plan": File(f"{number}.txt", f"plan {number}".encode())} if number % 3 == 0 else {},
            campaign={"gclid": f"click {number}"},
        )
        for number in range(13)
    ]
    found = door.at_once(leads)
    assert references(found) == [lead.reference for lead in leads]
    with door.store.read() as connection:
        rows = {row.reference: row for row in connection.execute(select(models.lead))}
        files = {row.lead_id: row for row in connection.execute(select(models.lead_file))}
        terms = set(connection.execute(select(models.lead_search.c.lead_id, models.lead_search.c.term)).all())
    for number, (lead, accepted) in enumerate(zip(leads, found, strict=True)):
        assert isinstance(accepted, Accepted)
        row = rows[lead.reference]
        assert (row.id, row.form, row.answers, row.campaign, row.received_at) == (
            accepted.lead_id,
            lead.form.name,
            lead.values,
            lead.campaign,
            lead.received_at,
        )
        deliveries = outbox.of_lead(door.store, row.id)
        assert [(each.destination, each.state) for each in deliveries] == [("vendor", "pending"), ("also-1", "pending")]
        assert [each.payload for each in deliveries] == [REQUEST.to_json(), None]
        assert (row.id in files) == (number % 3 == 0)
        assert row.id not in files or files[row.id].content == f"plan {number}".encode()
        assert (row.id, f"n:{number}") in terms


def test_all_of_them_cost_one_commit(door: Door) -> None:
    commits: list[object] = []
    event.listen(door.store.engine, "commit", commits.append)
    door.at_once([door.lead(f"visitor {number}") for number in range(9)])
    assert len(commits) == 1
    assert len(door.stored()) == 9


def test_twins_are_one_lead(door: Door) -> None:
    found = door.at_once([door.lead("twin"), door.lead("other"), door.lead("twin"), door.lead("twin")])
    assert len(set(references(found))) == 2
    assert [each.repeated for each in found if isinstance(each, Accepted)].count(True) == 2
    assert door.stored() == ["other", "twin"]


def test_twins_of_two_forms_are_two_leads(door: Door) -> None:
    found = door.at_once([door.lead("twin"), door.lead("twin", "visit")])
    assert [each.repeated for each in found if isinstance(each, Accepted)] == [False, False]


def test_those_that_ask_for_no_comparison_are_all_stored(door: Door) -> None:
    door.at_once([door.lead("twin"), door.lead("twin")], repeats=False)
    assert door.stored() == ["twin", "twin"]


@pytest.mark.parametrize("count", [1, 3])
def test_an_earlier_one_is_found_for_those_that_repeat_it(door: Door, count: int) -> None:
    earlier = door.alone(door.lead("again"))
    found = door.at_once([door.lead("again"), *(door.lead(f"new {number}") for number in range(count))])
    assert found[0] == replace(earlier, repeated=True)
    assert len(door.stored()) == 1 + count


@pytest.mark.parametrize(
    ("earlier", "later", "repeats"),
    [
        ({}, {}, True),
        ({"test": True}, {"test": True}, True),
        ({"test": True}, {}, False),
        ({}, {"test": True}, False),
        ({"quarantine": ["honeypot"]}, {"quarantine": ["honeypot"]}, True),
        ({}, {"quarantine": ["honeypot"]}, True),
        ({"quarantine": ["honeypot"]}, {}, False),
    ],
)
def test_what_repeats_what(door: Door, earlier: dict[str, Any], later: dict[str, Any], repeats: bool) -> None:
    """A test is no visitor's repetition; and what is above suspicion is delivered, whatever was held before it."""
    door.alone(door.lead("again", **earlier))
    found = door.at_once([door.lead("new"), door.lead("again", **later)])
    assert [each.repeated for each in found if isinstance(each, Accepted)] == [False, repeats]


def test_after_ten_minutes_nothing_is_a_repetition(door: Door) -> None:
    first = door.lead("again")
    door.alone(first)
    at_last = replace(door.lead("again"), received_at=first.received_at + REPEAT_WINDOW - 0.001)
    assert door.alone(at_last).repeated
    late = replace(door.lead("again"), received_at=first.received_at + REPEAT_WINDOW)
    found = door.at_once([door.lead("new"), late])
    assert [each.repeated for each in found if isinstance(each, Accepted)] == [False, False]


def test_of_several_earlier_ones_the_newest_is_repeated(door: Door) -> None:
    door.alone(door.lead("again"))
    newest = door.alone(door.lead("again"), repeats=False)
    assert references(door.at_once([door.lead("new"), door.lead("again")]))[1] == newest.reference


def test_held_ones_have_no_delivery_and_the_others_beside_them_have(door: Door) -> None:
    held, sent = door.at_once([door.lead("junk", quarantine=["honeypot"]), door.lead("person")], take=True)
    assert isinstance(held, Accepted)
    assert isinstance(sent, Accepted)
    assert outbox.of_lead(door.store, held.lead_id) == []
    assert held.claim is None
    assert sent.claim is not None


def test_a_vendor_that_takes_few_calls_is_called_by_so_few_of_them(door: Door) -> None:
    taken = door.at_once([door.lead(f"visitor {number}") for number in range(5)], take=True, at_once=2)
    claims = [each.claim for each in taken if isinstance(each, Accepted) and each.claim]
    assert len(claims) == 2
    assert len({claim.token for claim in claims}) == 2
    for claim in claims:
        states = [row.state for row in outbox.of_lead(door.store, claim.lead_id) if row.id == claim.id]
        assert states == ["sending"]
    more = door.at_once([door.lead("late"), door.lead("later")], take=True, at_once=3)
    assert sum(each.claim is not None for each in more if isinstance(each, Accepted)) == 1


def test_nobody_calls_a_vendor_that_is_down(door: Door) -> None:
    outbox.change_account(door.store, "quote/vendor", lambda _: Health(1, "down", since=0.0, probe_at=0.0), 0.0)
    asleep, awake = door.at_once([door.lead("one"), door.lead("two", "visit")], take=True)
    assert [each.claim is not None for each in (asleep, awake) if isinstance(each, Accepted)] == [False, True]


def test_one_that_the_database_refuses_takes_no_other_along(door: Door) -> None:
    first = door.lead("first")
    door.alone(first)
    same_reference = replace(door.lead("impossible"), reference=first.reference)
    found = door.at_once([door.lead("before"), same_reference, door.lead("after")])
    assert isinstance(found[1], StoreRefusal)
    assert door.stored() == ["after", "before", "first"]


@pytest.mark.parametrize("beside", [0, 1])
def test_who_waits_for_another_process_holds_up_nobody(door: Door, beside: int) -> None:
    """Neither those who come with it nor those who come later. On SQLite there is one writer anyway."""
    if door.store.is_sqlite:
        pytest.skip("one writer at a time")
    twin = door.lead("twin")
    digest = accepting.content_hash(door.store, twin)
    other_process = Store(door.store.engine.url.render_as_string(hide_password=False))
    with ThreadPoolExecutor(1) as pool:
        with other_process.write() as connection:
            other_process.one_at_a_time(connection, digest)
            with_it = [door.lead(f"with it {number}") for number in range(beside)]
            all_of_them = pool.submit(door.at_once, [twin, *with_it])
            wait_until(lambda: locks_waited_for(door.store))
            door.alone(door.lead("later"))
            wait_until(lambda: len(door.stored()) == beside + 1)
            assert not all_of_them.done()
        assert len(references(all_of_them.result(20))) == beside + 1
    other_process.engine.dispose()
    assert "twin" in door.stored()


def locks_waited_for(store: Store) -> int:
    with store.read() as connection:
        return int(connection.execute(text("SELECT count(*) FROM pg_locks WHERE NOT granted")).scalar_one())
