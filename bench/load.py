"""`python -m bench.load [--seconds 300] [--database sqlite|postgresql]`: a campaign's visitors at a rate that rises.

Visitors come at a fixed rate whether the server keeps up or not, and their wait counts from when they came: 80 % look
at the form, 15 % send it, 5 % send it over a line so slow that it takes seconds. The rate is raised until the 99th
percentile of any of them passes a second; then the highest that was not too much is held for as long as asked. At the
end every lead that a visitor was thanked for is looked for in the store.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from pathlib import Path

from sqlalchemy import select

from bench.client import Kind
from bench.stage import POST, Crowd, Visit, end_in_order, installation, vendor
from leadferry.leads import balance
from leadferry.models import lead
from leadferry.store import Store, upgrade
from tests.installation import Installation, Server, wait_until
from tests.services.postgres import temporary_postgres

LIMIT = 1000.0
"""Milliseconds that the 99th percentile may take."""

STEP_SECONDS = 10.0
VENDOR_SECONDS = 0.1
SLOW_PHONE = 4.0
FIRST, FACTOR = 100.0, 1.5
FINE_STEPS = 3


def mix(rate: float) -> list[Kind]:
    return [
        Kind("view", "/f/quote", rate=rate * 0.80),
        Kind("post", "/f/quote", body=POST, rate=rate * 0.15),
        Kind("slow phone", "/f/quote", body=POST, rate=rate * 0.05, slow=SLOW_PHONE),
    ]


@dataclass
class Step:
    """What came of one rate. ``busy`` is the share of all cores that was at work."""

    rate: float
    visits: dict[str, Visit]
    busy: float

    @property
    def holds(self) -> bool:
        return self.failed == 0 and all(each.quantile(0.99) <= LIMIT for each in self.visits.values())

    @property
    def failed(self) -> int:
        return sum(each.asked - each.good for each in self.visits.values())

    def __str__(self) -> str:
        waits = ", ".join(f"{name} p99 {each.quantile(0.99):,.0f} ms" for name, each in self.visits.items())
        return f"{self.rate:7,.0f} a second: {waits}; {self.failed} not served; cores {self.busy:.0%} busy"


@dataclass
class Campaign:
    """A run against one server; ``thanked`` are the references of all leads that visitors were thanked for."""

    server: Server
    thanked: set[str] = field(default_factory=set)

    def step(self, rate: float, seconds: float = STEP_SECONDS) -> Step:
        before = _processor_times()
        visits = Crowd(self.server.url, mix(rate), seconds, keep=True).result()
        idle, total = (after - was for after, was in zip(_processor_times(), before, strict=True))
        self.thanked.update(reference for each in visits.values() for reference in each.references)
        found = Step(rate, visits, 1 - idle / total)
        print(f"  {found}", flush=True)
        return found

    def twice(self, rate: float) -> Step:
        """Once more where it was too much: something else on the machine may have been."""
        found = self.step(rate)
        if found.holds:
            return found
        self._rest()
        return self.step(rate)

    def highest(self) -> tuple[float, Step]:
        """The highest rate that was not too much, and the first that was."""
        rate = FIRST
        held, broke = 0.0, self.twice(rate)
        while broke.holds:
            held, rate = rate, rate * FACTOR
            broke = self.twice(rate)
        low, high = held, rate
        for _ in range(FINE_STEPS):
            self._rest()
            middle = self.twice((low + high) / 2)
            if middle.holds:
                low = middle.rate
            else:
                high, broke = middle.rate, middle
        return low, broke

    def hold(self, rate: float, seconds: float) -> Step:
        """A tenth less at each try, until one is held to the end."""
        self._rest()
        found = self.step(rate, seconds)
        while not found.holds and rate > 1:
            rate *= 0.9
            self._rest()
            found = self.step(rate, seconds)
        return found

    def _rest(self) -> None:
        """What piled up behind too high a rate is worked off first."""
        wait_until(lambda: Crowd(self.server.url, mix(20), 1).result()["view"].quantile(0.99) < LIMIT / 10, 120)


def run(database: str, seconds: float) -> bool:
    """Whether no lead was lost."""
    print(f"{database}: the rate rises, {STEP_SECONDS:.0f} s each")
    with _prepared(database) as (ours, server):
        campaign = Campaign(server)
        rate, broke = campaign.highest()
        print(f"  gave way at {broke.rate:,.0f} a second: {_first_to_give_way(broke)}")
        held = campaign.hold(rate, seconds)
        print(f"  held for {seconds:.0f} s: {held.rate:,.0f} visitors a second, {held.rate * 0.2:,.0f} leads a second")
        return _none_is_lost(ours, campaign.thanked)


@contextmanager
def _prepared(database: str) -> Iterator[tuple[Installation, Server]]:
    with vendor(VENDOR_SECONDS) as receiver:
        if database == "sqlite":
            with installation(receiver, wait=8) as ours, ours.gunicorn() as server:
                yield ours, server
            return
        with temporary_postgres() as postgres:
            store = Store(postgres.url)
            upgrade(store)
            store.engine.dispose()
            with installation(receiver, wait=8, database_url=postgres.url) as ours, ours.gunicorn() as server:
                yield ours, server


def _first_to_give_way(step: Step) -> str:
    worst = max(step.visits, key=lambda name: step.visits[name].quantile(0.99))
    if step.busy > 0.9:
        return f"the processor ({step.busy:.0%} busy); {worst} waits longest"
    return f"{worst}, with the cores {step.busy:.0%} busy and {step.failed} not served"


def _none_is_lost(ours: Installation, thanked: set[str]) -> bool:
    url = ours.environ.get("DATABASE_URL", f"sqlite:///{ours.root / 'var' / 'leadferry.db'}")
    store = Store(url)
    wait_until(lambda: balance(store)["sending"] == 0, 120)
    with store.read() as connection:
        stored = set(connection.execute(select(lead.c.reference)).scalars())
    found = balance(store)
    store.engine.dispose()
    lost = thanked - stored
    print(f"  {len(thanked):,} visitors were thanked, {found['received']:,} leads are stored, {len(lost)} were lost")
    print(
        f"  balanced: {found['balanced']} ({found['delivered']:,} delivered, {found['pending']:,} waiting)", flush=True
    )
    return not lost and bool(found["balanced"])


def _processor_times() -> tuple[float, float]:
    """Of all cores since the machine's start: idle, and all."""
    times = [float(each) for each in Path("/proc/stat").read_text().split("\n", 1)[0].split()[1:9]]
    return times[3] + times[4], sum(times)


def main() -> int:
    end_in_order()
    parser = argparse.ArgumentParser(prog="python -m bench.load", description=__doc__)
    parser.add_argument("--seconds", type=float, default=300.0, help="for which the highest rate is held")
    parser.add_argument("--database", choices=["sqlite", "postgresql"], help="one alone; both if not given")
    options = parser.parse_args()
    began = time.time()
    databases = [options.database] if options.database else ["sqlite", "postgresql"]
    whole = [run(database, options.seconds) for database in databases]
    print(f"{(time.time() - began) / 60:.1f} minutes.")
    return 0 if all(whole) else 1


if __name__ == "__main__":
    sys.exit(main())
