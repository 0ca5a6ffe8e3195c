"""Kills web and worker at random moments while visitors post, and holds what must hold after every kill."""

from __future__ import annotations

import random
import time
from dataclasses import dataclass

from tests.crash.fleet import DeliveryWorker, Vendor, Visitors, Web, forms, running
from tests.crash.proof import Stored, hold_the_balance, hold_the_end, wait_for_the_end
from tests.installation import Installation

SETTLE_SECONDS = 120.0
"""In which every lead must have come to its end, once nothing is killed any more."""


@dataclass(frozen=True)
class Plan:
    """At least so many leads and kills; ``longest_pause`` is the most that passes between two kills, in seconds."""

    leads: int
    kills: int
    per_second: float
    longest_pause: float
    seed: str


@dataclass(frozen=True)
class Figures:
    leads: list[Stored]
    kills: int
    unthanked_posts: int
    repeated: int
    seconds: float

    def __str__(self) -> str:
        ends = {state: sum(each.state == state for each in self.leads) for state in ("delivered", "held", "dead")}
        waits = sorted(each.waited or 0.0 for each in self.leads)
        return (
            f"{len(self.leads)} leads, {self.kills} kills, in {self.seconds:.0f} s: 0 lost, 0 twice at the vendor, "
            f"{', '.join(f'{count} {state}' for state, count in ends.items())}; "
            f"{self.unthanked_posts} posts not answered with thanks, all of them tried again; "
            f"{self.repeated} calls were repeats that the vendor recognised; "
            f"waits until the end: median {waits[len(waits) // 2]:.2f} s, longest {waits[-1]:.1f} s"
        )


def run(installation: Installation, plan: Plan) -> Figures:
    """Everything that the title says. Raises AssertionError where something does not hold."""
    began = time.monotonic()
    vendor = Vendor(installation.root, plan.seed)
    for name, text in forms(vendor.url).items():
        installation.form(name, text)
    store = installation.store  # which makes the schema, before the others start
    web, worker = Web(installation), DeliveryWorker(installation)
    with running(vendor, web, worker):
        with Visitors(web.url, per_second=plan.per_second) as visitors:
            for number in range(plan.kills):
                _kill_one(web, worker, random.Random(f"{plan.seed} {number}"), plan.longest_pause)
                hold_the_balance(store, visitors.thanked)
            while len(visitors.thanked) < plan.leads:
                time.sleep(0.1)
        vendor.mood("fair")
        wait_for_the_end(store, SETTLE_SECONDS)
        assert (web.stop(), worker.stop()) == (0, 0)
        ledger = vendor.ledger()
        found = hold_the_end(store, visitors.thanked, ledger)
    posts = sum(visitors.answers.values()) - len(visitors.thanked)
    repeated = sum(lead["calls"] - lead["taken"] for lead in ledger["recognises"].values())
    return Figures(found, plan.kills, posts, repeated, time.monotonic() - began)


def _kill_one(web: Web, worker: DeliveryWorker, chance: random.Random, longest_pause: float) -> None:
    time.sleep(chance.uniform(0.0, longest_pause))
    what = chance.random()
    if what < 0.3:
        worker.kill()
        worker.start()
    elif what < 0.6:
        web.kill()
        web.start()
    elif web.kill_a_child(chance.random()):
        web.wait()
