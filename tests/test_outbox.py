"""Who may try which delivery when, and what becomes of it: on the real databases, with the clock in the test's hand."""

from __future__ import annotations

import threading
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from typing import Any

import pytest
from sqlalchemy import select, update
from sqlalchemy.exc import StatementError

from leadferry import accepting, models, outbox, privacy
from leadferry.leads import Accepted, NewLead
from leadferry.outbox import LEASE, Claim, Health, NextState, Tried, Turn
from leadferry.store import Store
from leadferry.vendors.base import Request
from tests.conftest import Install
from tests.installation import Installation

FORM = """title: {name}
fields:
  - {{name: firstName, required: true}}
  - {{name: email}}
vendor: {{name: webhook, url: "http://127.0.0.1:9/", wait: 0}}
"""
EVERYTHING = Turn(1000)
REQUEST = Request("https://vendor.example/leads", json={"first": "Jane"})
DELIVERED = NextState("delivered")
HELD = NextState("held", unsure=True)


class Desk:
    """An installation with two forms, and the moment that its clock shows."""

    def __init__(self, installation: Installation) -> None:
        self.installation = installation
        self.store: Store = installation.store
        self.now = self.store.now()
        self._number = 0

    def accept(self, form: str = "quote", take: bool = False, at_once: int | None = None) -> Accepted:
        self._number += 1
        found = self.installation.site.office.catalog.get(form)
        lead = NewLead(form=found, values={"firstName": "Jane", "email": f"n{self._number}@example.com"})  # type: ignore[arg-type]
        return accepting.accept(self.store, lead, {"vendor": REQUEST}, take=take, at_once=at_once)

    def later(self, seconds: float) -> float:
        self.now += seconds
        return self.now

    def claim(self, turn: Turn = EVERYTHING) -> list[Claim]:
        return outbox.claim_due(self.store, turn, self.later(0.001))

    def record(self, claim: Claim, after: NextState, outcome: str = "accepted") -> bool:
        tried = Tried(self.now, "worker", outcome, None, "200", "words", 12, [{"request": {"json": "Jane"}}])
        return outbox.record(self.store, claim, tried, after, now=self.now)

    def wait_for(self, account: str, **health: object) -> None:
        """Makes the account wait."""
        waiting = replace(Health(1, "down", since=self.now, probe_at=self.now), **health)  # type: ignore[arg-type]
        outbox.change_account(self.store, account, lambda _: waiting, self.now)

    def only_row(self, accepted: Accepted) -> Any:
        (row,) = outbox.of_lead(self.store, accepted.lead_id)
        return row


@pytest.fixture
def desk(install: Install, monkeypatch: pytest.MonkeyPatch) -> Desk:
    desk = Desk(install({name: FORM.format(name=name) for name in ("quote", "visit")}))
    monkeypatch.setattr(desk.store, "ask_now", lambda _connection: lambda: desk.now)
    return desk


# --- claiming ---


def test_of_more_than_fit_the_longest_due_is_claimed(desk: Desk) -> None:
    first, second, third = (desk.accept() for _ in range(3))
    with desk.store.write() as connection:
        for accepted, due_at in ((first, 30.0), (second, 10.0), (third, 20.0)):
            mine = models.delivery.c.lead_id == accepted.lead_id
            connection.execute(update(models.delivery).where(mine).values(due_at=due_at))
    claimed = [claim.lead_id for _ in range(3) for claim in desk.claim(Turn(1))]
    assert claimed == [second.lead_id, third.lead_id, first.lead_id]


def test_what_is_due_is_claimed_once_and_oldest_first(desk: Desk) -> None:
    first, second = desk.accept(), (desk.later(1), desk.accept())[1]
    claims = desk.claim()
    assert [claim.lead_id for claim in claims] == [first.lead_id, second.lead_id]
    assert not any(claim.interrupted or claim.unsure or claim.attempts for claim in claims)
    assert desk.only_row(first).due_at == desk.now + LEASE
    assert desk.claim() == []


def test_nothing_is_claimed_before_it_is_due(desk: Desk) -> None:
    accepted = desk.accept()
    (claim,) = desk.claim()
    desk.record(claim, NextState("pending", due_at=desk.now + 20), "failed")
    desk.later(19)
    assert desk.claim() == []
    desk.later(1)
    (again,) = desk.claim()
    assert (again.lead_id, again.attempts) == (accepted.lead_id, 1)


def test_a_claim_takes_no_more_than_it_was_asked_for(desk: Desk) -> None:
    for _ in range(5):
        desk.accept()
    assert [len(desk.claim(Turn(2))) for _ in range(4)] == [2, 2, 1, 0]


def test_claimers_at_the_same_moment_never_share_a_delivery(desk: Desk) -> None:
    for _ in range(60):
        desk.accept()
    now, together = desk.later(1), threading.Barrier(8)

    def claim_all() -> list[int]:
        together.wait()
        found: list[int] = []
        for _ in range(20):
            found += [claim.id for claim in outbox.claim_due(desk.store, Turn(3), now)]
        return found

    with ThreadPoolExecutor(8) as pool:
        claimed = [number for future in [pool.submit(claim_all) for _ in range(8)] for number in future.result()]
    assert len(claimed) == len(set(claimed)) == 60


def test_a_visitors_lease_is_as_long_as_everybodys(desk: Desk, monkeypatch: pytest.MonkeyPatch) -> None:
    """A longer one would look to the others as if the clock had jumped, and they would take the delivery."""
    monkeypatch.setattr(outbox, "LEASE", 6.0)
    accepted = desk.accept(take=True)
    assert desk.claim() == []
    desk.later(7.0)
    (claim,) = desk.claim()
    assert (claim.lead_id, claim.interrupted) == (accepted.lead_id, True)


def test_a_lease_that_ran_out_is_an_interruption_and_no_fresh_start(desk: Desk) -> None:
    accepted = desk.accept(take=True)
    desk.later(LEASE - 1)
    assert desk.claim() == []
    desk.later(1)
    (claim,) = desk.claim()
    assert (claim.lead_id, claim.interrupted) == (accepted.lead_id, True)
    assert accepted.claim
    assert claim.token != accepted.claim.token


def test_nothing_is_taken_from_its_holder_while_the_clock_is_in_doubt(desk: Desk) -> None:
    desk.accept(take=True)
    desk.later(3600)
    pending = desk.accept()
    assert [claim.lead_id for claim in desk.claim(replace(EVERYTHING, steal=False))] == [pending.lead_id]


def test_a_lease_that_ends_in_the_far_future_is_of_a_clock_that_was_set_back(desk: Desk) -> None:
    desk.accept(take=True)
    desk.later(-3600)
    (claim,) = desk.claim()
    assert claim.interrupted


def test_a_lost_delivery_is_found_again_though_its_account_waits_or_its_vendor_takes_no_more_calls(desk: Desk) -> None:
    for _ in range(6):
        desk.accept(take=True)
    desk.wait_for("quote/vendor")
    desk.later(LEASE)
    claims = desk.claim(Turn(1000, limits={"webhook": 6}))
    assert [claim.interrupted for claim in claims] == [True] * 6


def test_a_vendor_with_a_limit_gets_no_more_calls_at_once_than_that_from_all_together(desk: Desk) -> None:
    turn = Turn(1000, limits={"webhook": 6})
    for form in ("quote", "visit") * 5:
        desk.accept(form)
    first, *others = desk.claim(turn)
    assert len(others) == 5
    assert desk.claim(turn) == []
    assert desk.accept(take=True, at_once=6).claim is None, "a visitor's try counts as well"
    desk.record(first, DELIVERED)
    assert len(desk.claim(turn)) == 1
    desk.record(others[0], DELIVERED)
    assert desk.accept(take=True, at_once=6).claim is not None


def test_accounts_that_wait_and_those_that_have_their_share_are_passed_over(desk: Desk) -> None:
    desk.accept("quote")
    desk.accept("visit")
    assert desk.claim(replace(EVERYTHING, busy=["quote/vendor", "visit/vendor"])) == []
    desk.wait_for("quote/vendor")
    assert [claim.account for claim in desk.claim()] == ["visit/vendor"]


def test_a_person_takes_a_delivery_before_it_is_due_but_not_from_its_holder(desk: Desk) -> None:
    accepted = desk.accept()
    (claim,) = desk.claim()
    assert outbox.claim_one(desk.store, claim.id, desk.now) == []
    desk.record(claim, NextState("pending", due_at=desk.now + 3600), "failed")
    (again,) = outbox.claim_one(desk.store, claim.id, desk.now)
    assert again.lead_id == accepted.lead_id


# --- probes ---


def test_one_delivery_of_a_waiting_account_is_tried_by_one_process_of_all(desk: Desk) -> None:
    for _ in range(3):
        desk.accept()
    desk.wait_for("quote/vendor")
    (waiting,) = outbox.waiting(desk.store)
    (claim,) = outbox.claim_probe(desk.store, waiting, {}, desk.later(0.001))
    assert claim.probe
    assert outbox.claim_probe(desk.store, waiting, {}, desk.now) == [], "another process saw the same"
    assert outbox.waiting(desk.store)[0].probe_at == desk.now + LEASE, "if this one is killed"


def test_an_account_without_a_lead_that_is_due_keeps_its_probe_for_the_next_lead(desk: Desk) -> None:
    desk.wait_for("quote/vendor")
    (waiting,) = outbox.waiting(desk.store)
    assert outbox.claim_probe(desk.store, waiting, {}, desk.later(5)) == []
    desk.accept()
    assert len(outbox.claim_probe(desk.store, outbox.waiting(desk.store)[0], {}, desk.later(0.001))) == 1


def test_a_probe_keeps_to_the_vendors_limit(desk: Desk) -> None:
    desk.accept(take=True)
    desk.accept()
    desk.wait_for("quote/vendor")
    (waiting,) = outbox.waiting(desk.store)
    assert outbox.claim_probe(desk.store, waiting, {"webhook": 1}, desk.later(0.001)) == []


def test_the_leads_of_an_account_that_works_again_are_due_at_once(desk: Desk) -> None:
    accepted = desk.accept()
    (claim,) = desk.claim()
    desk.wait_for("quote/vendor")
    desk.record(claim, NextState("pending", due_at=desk.now + 3600), "failed")
    assert outbox.resume(desk.store, "quote/vendor", desk.now) is True
    assert outbox.waiting(desk.store) == []
    assert [claim.lead_id for claim in desk.claim()] == [accepted.lead_id]
    assert outbox.resume(desk.store, "quote/vendor", desk.now) is False


def test_no_failure_of_many_at_the_same_moment_is_missed(desk: Desk) -> None:
    def fail(_: int) -> None:
        outbox.change_account(
            desk.store, "quote/vendor", lambda health: replace(health, failures=health.failures + 1), 0
        )

    with ThreadPoolExecutor(8) as pool:
        list(pool.map(fail, range(40)))
    assert outbox.health(desk.store, "quote/vendor").failures == 40


# --- recording ---


def test_a_holder_whose_lease_was_lost_adds_to_the_history_and_changes_nothing(desk: Desk) -> None:
    accepted = desk.accept()
    (late,) = desk.claim()
    desk.later(LEASE)
    (claim,) = desk.claim()
    assert desk.record(claim, HELD, "unknown") is True
    assert desk.record(late, DELIVERED) is False
    row = desk.only_row(accepted)
    assert (row.state, row.attempts, row.unsure) == ("held", 2, True)
    assert [(tried.number, tried.outcome) for tried in outbox.history(desk.store, row.id)] == [
        (1, "unknown"),
        (2, "accepted"),
    ]


def test_a_holder_whose_lease_was_lost_cannot_change_what_another_is_just_sending(desk: Desk) -> None:
    accepted = desk.accept()
    (late,) = desk.claim()
    desk.later(LEASE)
    (claim,) = desk.claim()
    assert desk.record(late, NextState("pending", due_at=0.0)) is False
    assert outbox.freeze(desk.store, late, REQUEST) is False
    assert desk.only_row(accepted).token == claim.token
    assert desk.claim() == []


def test_what_the_vendor_said_the_state_and_the_account_are_written_together_or_not_at_all(desk: Desk) -> None:
    accepted = desk.accept()
    (claim,) = desk.claim()

    def broken(_: Health) -> Health:
        raise RuntimeError

    with pytest.raises(RuntimeError):
        outbox.record(desk.store, claim, Tried(0, "worker", "accepted", None, None, "", 1), DELIVERED, broken, now=0)
    row = desk.only_row(accepted)
    assert (row.state, row.attempts, outbox.history(desk.store, row.id)) == ("sending", 0, [])


def test_tries_that_found_the_account_misconfigured_do_not_count_for_the_schedule(desk: Desk) -> None:
    desk.accept()
    outcomes = ["misconfigured"] * 20 + ["failed", "unknown"]
    for outcome in outcomes:
        (claim,) = desk.claim()
        desk.record(claim, NextState("pending", due_at=desk.now), outcome)
    (claim,) = desk.claim()
    assert claim.attempts == 2


def test_nothing_personal_is_kept_of_a_try_whose_lead_was_erased_meanwhile(desk: Desk) -> None:
    accepted = desk.accept()
    (claim,) = desk.claim()
    privacy.erase(desk.store, [accepted.lead_id])
    assert desk.record(claim, DELIVERED) is False
    (tried,) = outbox.history(desk.store, claim.id)
    assert (tried.outcome, tried.code, tried.words, tried.calls) == ("accepted", None, None, [])
    assert desk.only_row(accepted).state == "rejected"


# --- clocks and turns ---


def test_what_was_due_is_due_still_when_the_clock_was_set_back(desk: Desk) -> None:
    desk.accept()
    desk.wait_for("visit/vendor")
    desk.later(1)
    desk.later(-3600)
    assert desk.claim() == []
    outbox.after_clock_was_set_back(desk.store, desk.now, 3600)
    assert len(desk.claim()) == 1
    assert outbox.waiting(desk.store)[0].probe_at <= desk.now


def test_calls_take_turns_so_that_all_processes_together_keep_the_pace(desk: Desk) -> None:
    turns = [outbox.next_turn(desk.store, "kartra", 20.0, desk.now) for _ in range(5)]
    assert [round(turn - desk.now, 3) for turn in turns] == [0.0, 0.05, 0.1, 0.15, 0.2]
    assert outbox.next_turn(desk.store, "kartra", 20.0, desk.later(10)) == desk.now, "what was not used is not saved"
    assert outbox.next_turn(desk.store, "kartra", 20.0, desk.later(-3600)) == desk.now + LEASE, "the clock was set back"


# --- people ---


@pytest.mark.parametrize(("after", "kept"), [(HELD, True), (NextState("rejected"), False), (NextState("dead"), False)])
def test_a_person_sends_again_the_same_bytes_only_where_they_may_have_arrived(
    desk: Desk, after: NextState, kept: bool
) -> None:
    desk.accept()
    (claim,) = desk.claim()
    desk.record(claim, after, "unknown")
    assert outbox.reopen(desk.store, [claim.id], desk.now) == 1
    (again,) = desk.claim()
    assert (again.payload is not None) is kept
    assert again.unsure is kept


def test_what_is_delivered_or_being_sent_is_not_sent_again_by_a_person(desk: Desk) -> None:
    desk.accept()
    (claim,) = desk.claim()
    assert outbox.reopen(desk.store, [claim.id], desk.now) == 0
    desk.record(claim, DELIVERED)
    assert outbox.reopen(desk.store, [claim.id], desk.now) == 0


def test_the_claim_of_a_lead_that_was_just_stored_is_that_of_its_visitor(desk: Desk) -> None:
    accepted = desk.accept(take=True)
    claim = accepted.claim
    assert claim is not None
    assert (claim.reference, claim.interrupted, claim.payload) == (accepted.reference, False, REQUEST.to_json())
    assert desk.record(claim, DELIVERED) is True


def test_a_repetition_stores_nothing_and_gives_no_lease(desk: Desk) -> None:
    form = desk.installation.site.office.catalog.get("quote")
    same: Callable[[], NewLead] = lambda: NewLead(form=form, values={"firstName": "Jo"})  # type: ignore[arg-type]  # noqa: E731
    with ThreadPoolExecutor(6) as pool:
        found = list(pool.map(lambda _: accepting.accept(desk.store, same(), {}, take=True), range(6)))
    assert len({each.lead_id for each in found}) == 1
    assert [each.repeated for each in found].count(False) == 1
    assert [each.claim is not None for each in found] == [not each.repeated for each in found]


def test_a_lead_is_stored_with_its_deliveries_or_not_at_all(desk: Desk) -> None:
    form = desk.installation.site.office.catalog.get("quote")
    lead = NewLead(form=form, values={"firstName": "Jo"})  # type: ignore[arg-type]
    broken = Request("https://vendor.example", json=object())
    with pytest.raises((TypeError, StatementError)):
        accepting.accept(desk.store, lead, {"vendor": broken})
    with desk.store.read() as connection:
        assert connection.execute(select(models.lead.c.id)).all() == []
