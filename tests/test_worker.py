"""What waits is delivered, whatever vendors, clocks and the store do: real tries over real sockets."""

from __future__ import annotations

import threading
import time
from collections import defaultdict
from collections.abc import Callable, Iterator
from dataclasses import dataclass, field, replace
from types import SimpleNamespace
from typing import Any

import pytest
from flask import Flask, Response, request

from leadferry import delivery, outbox, worker
from leadferry.delivery import FAILURES_UNTIL_DOWN, LONGEST_RETRY_AFTER, Office, attempt, next_health
from leadferry.outbox import LEASE, Claim, Health, Turn
from leadferry.store import Store, StoreError, StoreRefusal
from leadferry.vendors import ADAPTERS
from leadferry.vendors.base import Outcome, Reason, Result
from leadferry.worker import Worker
from tests.conftest import Install
from tests.installation import Installation, serve, wait_until

FORM = """title: {name}
fields:
  - {{name: firstName, required: true}}
  - {{name: email}}
vendor: {{name: webhook, url: "{url}/{name}", wait: 0, on_unknown: {on_unknown}}}
"""
Answer = Callable[[], Any]


@dataclass
class Vendor:
    """Receivers by the form's name: what each answers next, whether its door is open, and the calls that it got."""

    url: str = ""
    answers: dict[str, Answer] = field(default_factory=lambda: defaultdict(lambda: lambda: ""))
    doors: dict[str, threading.Event] = field(default_factory=lambda: defaultdict(_opened))
    calls: dict[str, list[float]] = field(default_factory=lambda: defaultdict(list))
    inside: int = 0
    most_at_once: int = 0
    lock: threading.Lock = field(default_factory=threading.Lock)

    def take(self, name: str) -> Any:
        with self.lock:
            self.calls[name].append(time.monotonic())
            self.inside += 1
            self.most_at_once = max(self.most_at_once, self.inside)
        self.doors[name].wait(30)
        with self.lock:
            self.inside -= 1
        return self.answers[name]()

    def shut(self, *names: str) -> None:
        for name in names:
            self.doors[name].clear()


def _opened() -> threading.Event:
    door = threading.Event()
    door.set()
    return door


def says(status: int, **headers: str) -> Answer:
    return lambda: Response(status=status, headers=headers)


@pytest.fixture
def vendor() -> Iterator[Vendor]:
    vendor = Vendor()
    app = Flask("vendor")
    app.add_url_rule("/<name>", view_func=vendor.take, methods=["POST"])
    with serve(app) as url:
        vendor.url = url
        yield vendor
        for door in vendor.doors.values():
            door.set()


@dataclass
class Scene:
    """An installation without a server, its clock, and a worker that a test starts when it wants."""

    installation: Installation
    vendor: Vendor
    worker: Worker
    ahead: float = 0.0
    _number: int = 0

    @property
    def office(self) -> Office:
        return self.installation.site.office

    def post(self, form: str, count: int = 1) -> None:
        for _ in range(count):
            self._number += 1
            person = {"firstName": "Jane", "email": f"n{self._number}@example.com"}
            assert self.installation.client.post(f"/f/{form}", json=person).status_code == 200

    def states(self, form: str) -> list[str]:
        return sorted(lead["state"] for lead in self.installation.leads("--form", form))

    def delivered(self, form: str, count: int) -> bool:
        return self.states(form) == ["delivered"] * count

    def claim(self) -> Claim:
        (claim,) = outbox.claim_due(self.office.store, Turn(1), self.office.store.now())
        return claim

    def health(self, form: str) -> Health:
        return outbox.health(self.office.store, f"{form}/vendor")


@pytest.fixture
def scene(install: Install, vendor: Vendor, monkeypatch: pytest.MonkeyPatch) -> Iterator[Scene]:
    forms = {name: FORM.format(name=name, url=vendor.url, on_unknown="retry") for name in ("one", "two", "three")}
    forms["careful"] = FORM.format(name="careful", url=vendor.url, on_unknown="hold")
    installation = install(forms, ALLOW_PRIVATE_VENDORS="1", DELIVERY="off")
    scene = Scene(installation, vendor, Worker(installation.site.office, threads=2))
    true_answer = Store.ask_now

    def ask_now(store: Store, connection: Any) -> Callable[[], float]:
        answer = true_answer(store, connection)
        return lambda: answer() + scene.ahead

    monkeypatch.setattr(Store, "ask_now", ask_now)
    yield scene
    for door in vendor.doors.values():
        door.set()
    scene.worker.stop()


@pytest.fixture
def quickly(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(worker, "PAUSE_AFTER_TROUBLE", 0.02)
    monkeypatch.setattr(worker, "POLL_SECONDS", 0.02)


pytestmark = pytest.mark.usefixtures("quickly")


# --- the loop ---


def test_what_waits_is_delivered(scene: Scene) -> None:
    scene.post("one", 20)
    scene.worker.start()
    wait_until(lambda: scene.delivered("one", 20))
    assert len(scene.vendor.calls["one"]) == 20


def test_vendors_that_hang_never_delay_another(scene: Scene) -> None:
    scene.vendor.shut("one", "two")
    scene.post("one", 10)
    scene.post("two", 10)
    scene.worker.start()
    wait_until(lambda: scene.vendor.calls["one"] and scene.vendor.calls["two"])
    scene.post("three", 3)
    wait_until(lambda: scene.delivered("three", 3))
    assert not scene.states("one").count("delivered") + scene.states("two").count("delivered")


def test_stopping_finishes_what_is_under_way_and_begins_nothing(scene: Scene) -> None:
    scene.vendor.shut("one")
    scene.post("one", 20)
    scene.worker.start()
    wait_until(lambda: scene.vendor.calls["one"])
    stopping = threading.Thread(target=scene.worker.stop)
    stopping.start()
    stopping.join(0.2)
    assert stopping.is_alive()
    begun = len(scene.vendor.calls["one"])
    scene.vendor.doors["one"].set()
    stopping.join(10)
    assert not stopping.is_alive()
    assert scene.states("one") == ["delivered"] * begun + ["pending"] * (20 - begun)
    assert begun < 20


def test_the_loop_survives_a_store_that_is_gone_for_a_while(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    troubles = [StoreError("gone"), StoreError("gone"), RuntimeError("a fault of ours")]
    true_claim = outbox.claim_due

    def claim(*asked: Any) -> list[Claim]:
        if troubles:
            raise troubles.pop()
        return true_claim(*asked)

    monkeypatch.setattr(outbox, "claim_due", claim)
    scene.post("one")
    scene.worker.start()
    wait_until(lambda: scene.delivered("one", 1))
    assert not troubles


def test_what_is_done_beside_delivering_never_delays_it(scene: Scene) -> None:
    entered, leave = threading.Event(), threading.Event()

    def chore() -> None:
        entered.set()
        leave.wait(30)

    beside = Worker(scene.office, 2, on_turn=chore)
    beside.start()
    try:
        assert entered.wait(10)
        scene.post("one")
        wait_until(lambda: scene.delivered("one", 1))
    finally:
        leave.set()
        beside.stop()


# --- accounts that wait ---


def test_a_vendor_that_is_down_is_probed_and_not_hammered(scene: Scene) -> None:
    scene.vendor.answers["one"] = says(503)
    scene.post("one", 40)
    scene.worker.start()
    wait_until(lambda: scene.health("one").waiting == "down")
    wait_until(lambda: "sending" not in scene.states("one"))
    at_first = len(scene.vendor.calls["one"])
    assert at_first <= FAILURES_UNTIL_DOWN + 4, "as many as were under way"
    probe_at = scene.health("one").probe_at
    assert probe_at is not None
    assert probe_at - scene.office.store.now() <= 30
    scene.post("two", 5)
    wait_until(lambda: scene.delivered("two", 5))
    assert len(scene.vendor.calls["one"]) == at_first

    scene.ahead += 31
    wait_until(lambda: len(scene.vendor.calls["one"]) > at_first)
    wait_until(lambda: scene.health("one").probes == 1)
    assert len(scene.vendor.calls["one"]) == at_first + 1

    scene.vendor.answers["one"] = says(200)
    scene.ahead += 60
    wait_until(lambda: scene.delivered("one", 40))
    assert scene.health("one") == Health()


def test_a_wrong_key_pauses_the_account_after_one_answer_and_the_next_good_answer_resumes_it(scene: Scene) -> None:
    scene.vendor.answers["one"] = says(401)
    scene.post("one")
    scene.worker.start()
    wait_until(lambda: scene.health("one").waiting == "misconfigured")
    scene.post("one", 5)
    scene.post("two")
    wait_until(lambda: scene.delivered("two", 1))
    assert len(scene.vendor.calls["one"]) == 1
    assert scene.states("one") == ["pending"] * 6
    scene.vendor.answers["one"] = says(200)
    scene.ahead += 31
    wait_until(lambda: scene.delivered("one", 6))


def test_a_killed_probe_is_followed_by_another(scene: Scene) -> None:
    scene.post("one", 2)
    now = scene.office.store.now()
    waiting = Health(5, "down", since=now, probe_at=now)
    outbox.change_account(scene.office.store, "one/vendor", lambda _: waiting, now)
    (found,) = outbox.waiting(scene.office.store)
    assert len(outbox.claim_probe(scene.office.store, found, {}, now + 1)) == 1  # by a process that dies here
    scene.worker.start()
    scene.ahead += LEASE + 1
    wait_until(lambda: "delivered" in scene.states("one"))


ANY = Claim(1, 1, "LF-2", "quote", "v", 0.0, "vendor", "quote/vendor", "webhook", "t", 0, False, None)
DOWN = Result(Outcome.FAILED, Reason.DOWN, words="Service Unavailable")
KEY = Result(Outcome.MISCONFIGURED, Reason.CREDENTIALS, words="no")


def after(*results: Result, start: Health | None = None) -> Health:
    health = start or Health()
    for result in results:
        health = next_health(health, ANY, result, 1000.0)
    return health


@pytest.mark.parametrize(
    "result", [DOWN, Result(Outcome.UNKNOWN, Reason.TIMEOUT), Result(Outcome.UNKNOWN, Reason.RESET)]
)
def test_an_account_is_down_after_some_tries_in_a_row_without_an_answer(result: Result) -> None:
    almost = after(*[result] * (FAILURES_UNTIL_DOWN - 1))
    assert almost.waiting is None
    down = after(result, start=almost)
    assert (down.waiting, down.since, down.probe_at) == ("down", 1000.0, 1020.0)
    assert after(Result(Outcome.ACCEPTED), result, start=almost).waiting is None, "not in a row"
    assert after(Result(Outcome.REJECTED, Reason.INVALID), start=down) == Health(), "a refusal is an answer"


@pytest.mark.parametrize("reason", [Reason.INTERRUPTED, Reason.ADAPTER])
@pytest.mark.parametrize("outcome", [Outcome.UNKNOWN, Outcome.FAILED])
def test_our_own_trouble_says_nothing_of_the_vendor(outcome: Outcome, reason: Reason) -> None:
    assert after(*[Result(outcome, reason)] * 50) == Health()


def test_tries_that_come_in_after_the_account_began_to_wait_do_not_put_off_the_probe() -> None:
    assert after(*[DOWN] * 30).probe_at == after(*[DOWN] * FAILURES_UNTIL_DOWN).probe_at


def test_a_probe_that_fails_puts_off_the_next_one_up_to_half_an_hour() -> None:
    health, waits = after(*[DOWN] * FAILURES_UNTIL_DOWN), []
    for _ in range(10):
        health = next_health(health, replace(ANY, probe=True), DOWN, 0.0)
        waits.append(health.probe_at)
    assert waits[:3] == [40.0, 80.0, 160.0]
    assert waits[-1] == 1800.0


@pytest.mark.parametrize(("asked", "at"), [(5.0, 1020.0), (300.0, 1300.0), (1e9, 1000.0 + LONGEST_RETRY_AFTER)])
def test_a_waiting_account_is_left_alone_for_as_long_as_the_vendor_asked(asked: float, at: float) -> None:
    asking = replace(DOWN, retry_after=asked)
    assert after(*[asking] * FAILURES_UNTIL_DOWN).probe_at == at
    down = after(*[DOWN] * FAILURES_UNTIL_DOWN)
    assert after(asking, start=down).probe_at == at


def test_an_account_that_is_down_may_turn_out_to_be_misconfigured_but_not_the_reverse() -> None:
    down = after(*[DOWN] * FAILURES_UNTIL_DOWN)
    paused = after(KEY, start=down)
    assert (paused.waiting, paused.reason, paused.since) == ("misconfigured", "credentials", 1000.0)
    assert after(DOWN, start=paused).waiting == "misconfigured"
    assert after(DOWN, start=paused).reason == "credentials"


# --- limits ---


def test_a_vendors_calls_at_once_are_kept_to_by_visitors_and_workers_together(
    install: Install, scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ADAPTERS["webhook"], "concurrency", 3)
    scene.installation.form(
        "one", FORM.format(name="one", url=scene.vendor.url, on_unknown="retry").replace(": 0", ": 5")
    )
    scene.vendor.shut("one")
    visitors = [threading.Thread(target=scene.post, args=("one",)) for _ in range(6)]
    workers = [Worker(scene.office, 8) for _ in range(2)]
    for loop in workers:
        loop.start()
    for visitor in visitors:
        visitor.start()
    try:
        wait_until(lambda: len(scene.installation.leads()) == 6)
        wait_until(lambda: scene.vendor.inside == 3)
        scene.post("two", 5)
        scene.vendor.doors["one"].set()
        wait_until(lambda: scene.delivered("one", 6))
        wait_until(lambda: scene.delivered("two", 5))
    finally:
        for visitor in visitors:
            visitor.join()
        for loop in workers:
            loop.stop()
    assert scene.vendor.most_at_once == 3


def test_a_vendors_calls_a_second_are_kept_to_by_all_workers_together(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(ADAPTERS["webhook"], "calls_per_second", 20.0)
    scene.post("one", 30)
    workers = [Worker(scene.office, 8) for _ in range(2)]
    began = time.monotonic()
    for each in workers:
        each.start()
    wait_until(lambda: scene.delivered("one", 30), seconds=30)
    for each in workers:
        each.stop()
    assert len(scene.vendor.calls["one"]) == 30
    assert max(scene.vendor.calls["one"]) - began > 29 / 20


# --- clocks ---


@dataclass
class Hands:
    """A clock that a test moves."""

    monotonic: float = 100.0


@pytest.fixture
def hands(monkeypatch: pytest.MonkeyPatch) -> Hands:
    hands = Hands()
    monkeypatch.setattr(worker, "time", SimpleNamespace(monotonic=lambda: hands.monotonic))
    return hands


@pytest.mark.parametrize("jump", [3600.0, -3600.0])
def test_nobody_is_robbed_of_a_delivery_for_a_minute_after_the_clock_was_set(
    scene: Scene, hands: Hands, jump: float
) -> None:
    loop = Worker(scene.office, 4)
    hands.monotonic += LEASE  # it has been running for long
    assert loop.turn() == 0
    scene.vendor.shut("one")
    scene.post("one")
    assert loop.turn() == 1
    wait_until(lambda: scene.vendor.calls["one"])
    scene.ahead += jump
    for _ in range(5):
        hands.monotonic += LEASE / 6
        scene.ahead += LEASE / 6
        assert loop.turn() == 0
    scene.vendor.doors["one"].set()
    loop.stop()
    assert scene.delivered("one", 1)
    assert len(scene.vendor.calls["one"]) == 1


@pytest.mark.parametrize("jump", [0.0, 3600.0, -3600.0])
def test_what_a_lost_process_was_sending_goes_on_whatever_the_clock_did(
    scene: Scene, hands: Hands, jump: float
) -> None:
    scene.post("one")
    scene.claim()  # by a process that dies here
    loop = Worker(scene.office, 4)
    hands.monotonic += LEASE
    assert loop.turn() == 0
    scene.ahead += jump
    loop.turn()
    hands.monotonic += 2 * LEASE
    scene.ahead += 2 * LEASE
    loop.turn()
    wait_until(lambda: scene.installation.leads()[0]["deliveries"][0]["attempts"] == 1)
    scene.ahead += 10
    hands.monotonic += 10
    loop.turn()
    wait_until(lambda: scene.delivered("one", 1))
    loop.stop()


def test_a_process_that_has_just_started_takes_nothing_from_others_at_first(scene: Scene, hands: Hands) -> None:
    scene.post("one")
    scene.claim()  # by a process that may be alive
    scene.ahead += 3600
    loop = Worker(scene.office, 4)
    hands.monotonic += LEASE - 1
    assert loop.turn() == 0
    hands.monotonic += 1
    assert loop.turn() == 1
    loop.stop()


def test_what_was_due_is_not_late_for_a_clock_that_was_set_back(scene: Scene, hands: Hands) -> None:
    loop = Worker(scene.office, 4)
    loop.turn()
    scene.post("one")
    scene.ahead -= 3600
    assert loop.turn() == 1
    loop.stop()


# --- one try ---


def test_a_try_that_was_held_up_past_its_time_sends_nothing(scene: Scene) -> None:
    scene.post("one")
    late = replace(scene.claim(), taken_at=time.monotonic() - delivery.DEADLINE)
    result = attempt(scene.office, late, "worker")
    assert (result.outcome, result.reason) == (Outcome.FAILED, Reason.ADAPTER)
    assert scene.states("one") == ["pending"]
    assert not scene.vendor.calls["one"]


def test_a_lease_that_was_lost_before_anything_was_sent_sends_nothing_and_leaves_no_trace(scene: Scene) -> None:
    scene.post("one")
    lost = replace(scene.claim(), payload=None, token="another's")
    attempt(scene.office, lost, "worker")
    assert not scene.vendor.calls["one"]
    (found,) = scene.installation.leads()
    assert (found["state"], found["deliveries"][0]["attempts"]) == ("sending", 0)


def test_an_interrupted_try_is_never_a_fresh_start(scene: Scene) -> None:
    for form, state in (("one", "pending"), ("careful", "held")):
        scene.post(form)
        attempt(scene.office, replace(scene.claim(), interrupted=True), "worker")
        assert scene.states(form) == [state]
        assert not scene.vendor.calls[form]


def test_a_lead_that_is_interrupted_again_and_again_comes_to_an_end(scene: Scene) -> None:
    scene.post("one")
    for _ in range(100):
        scene.ahead += 100_000
        if scene.states("one") == ["dead"]:
            break
        attempt(scene.office, replace(scene.claim(), interrupted=True), "worker")
    assert scene.states("one") == ["dead"]


def test_a_duplicate_answer_after_our_own_unknown_means_delivered(scene: Scene) -> None:
    scene.vendor.answers["one"] = says(500)
    scene.post("one")
    attempt(scene.office, scene.claim(), "worker")
    assert scene.states("one") == ["pending"]
    scene.vendor.answers["one"] = says(409)
    scene.ahead += 60
    attempt(scene.office, scene.claim(), "worker")
    assert scene.states("one") == ["delivered"]


def test_what_the_vendor_said_outlives_a_store_that_is_gone_for_a_while(
    scene: Scene, monkeypatch: pytest.MonkeyPatch
) -> None:
    scene.post("one")
    claim, true_record, troubles = scene.claim(), outbox.record, [StoreError("gone")] * 2

    def record(*asked: Any, **more: Any) -> bool:
        if troubles:
            raise troubles.pop()
        return true_record(*asked, **more)

    monkeypatch.setattr(outbox, "record", record)
    attempt(scene.office, claim, "worker")
    assert scene.states("one") == ["delivered"]
    assert len(scene.vendor.calls["one"]) == 1


def test_what_the_store_will_never_take_is_not_asked_of_it_again(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    asked = []

    def record(*_: Any, **__: Any) -> bool:
        asked.append(1)
        raise StoreRefusal("never")

    monkeypatch.setattr(outbox, "record", record)
    scene.post("one")
    with pytest.raises(StoreRefusal):
        attempt(scene.office, scene.claim(), "worker")
    assert len(asked) == 1


def test_a_store_that_stays_away_makes_a_try_end_at_last(scene: Scene, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(delivery, "PATIENCE", 0.0)

    def record(*_: Any, **__: Any) -> bool:
        raise StoreError("gone")

    monkeypatch.setattr(outbox, "record", record)
    scene.post("one")
    with pytest.raises(StoreError):
        attempt(scene.office, scene.claim(), "worker")
    assert scene.states("one") == ["sending"], "found again when the lease has run out"


def test_a_repeat_sends_the_same_bytes_though_the_form_has_changed(scene: Scene) -> None:
    bodies: list[bytes] = []

    def note() -> Response:
        bodies.append(request.get_data())
        return Response(status=500)

    scene.vendor.answers["one"] = note
    scene.post("one")
    attempt(scene.office, scene.claim(), "worker")
    changed = FORM.format(name="one", url=scene.vendor.url, on_unknown="retry").replace(
        "name: email", "name: email, send_as: mail"
    )
    scene.installation.form("one", changed)
    scene.ahead += 60
    attempt(scene.office, scene.claim(), "worker")
    assert len(bodies) == 2
    assert bodies[0] == bodies[1]
