"""Delivers what waits: claims what is due and tries it, in as many processes on as many machines as wanted."""

from __future__ import annotations

import logging
import threading
import time
from collections import Counter
from collections.abc import Callable, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial

from leadferry import outbox
from leadferry.delivery import Office, attempt
from leadferry.outbox import Claim, Turn
from leadferry.store import StoreError
from leadferry.vendors.base import Result

log = logging.getLogger("leadferry.worker")

POLL_SECONDS = 0.5
GATHER_SECONDS = 0.005
"""Pause after each look for what is due: tries that end meanwhile are followed by one claim of several."""

PAUSE_AFTER_TROUBLE = 2.0
CLOCK_SLACK = 5.0
"""Seconds by which wall clock and monotonic clock may part before it counts as a jump."""


class Worker:
    """A loop that claims, and the threads that try. ``start`` and ``stop`` may be called once each.

    ``threads``: tries at the same time for one account. There are as many again for others, and an account may take
    more only while as many are free: vendors that hang never take the last ones. ``on_turn`` is called now and then, in
    a thread of its own, for what is to be done beside delivering.
    """

    def __init__(self, office: Office, threads: int = 8, on_turn: Callable[[], None] = lambda: None) -> None:
        self._office = office
        self._threads = 2 * threads
        self._on_turn = on_turn
        self._limits = {name: adapter.concurrency for name, adapter in office.adapters.items() if adapter.concurrency}
        self._pool = ThreadPoolExecutor(self._threads, thread_name_prefix="delivery")
        self._running: Counter[str] = Counter()
        self._lock = threading.Lock()
        self._wake = threading.Event()
        self._stopping = threading.Event()
        self._loops = [
            threading.Thread(target=self._deliver, name="delivery-loop", daemon=True),
            threading.Thread(target=self._do_the_rest, name="delivery-rest", daemon=True),
        ]
        self._next_probes = 0.0
        self._clock = _Clock()

    def start(self) -> None:
        for loop in self._loops:
            loop.start()

    def stop(self) -> None:
        """Claims nothing more, waits for what is under way."""
        self._stopping.set()
        self._wake.set()
        for loop in self._loops:
            if loop.is_alive():
                loop.join()
        self._pool.shutdown()

    def nudge(self) -> None:
        """Something was stored that is due now."""
        self._wake.set()

    def _deliver(self) -> None:
        while not self._stopping.is_set():
            try:
                taken = self.turn()
            except StoreError as error:
                log.warning("the store does not answer; trying again", extra={"words": str(error)})
                taken = 0
                self._stopping.wait(PAUSE_AFTER_TROUBLE)
            except Exception:
                log.exception("fault in the delivery loop; going on")
                taken = 0
                self._stopping.wait(PAUSE_AFTER_TROUBLE)
            if not taken:
                self._wake.wait(POLL_SECONDS)
                self._wake.clear()
            self._stopping.wait(GATHER_SECONDS)

    def _do_the_rest(self) -> None:
        while not self._stopping.wait(POLL_SECONDS):
            self._on_turn()

    def turn(self) -> int:
        """Claims what fits, and starts it. Returns how many."""
        store = self._office.store
        self._office.catalog.all()  # looks for changed forms; in a process without a web side nobody else asks
        now = store.now()
        set_by = self._clock.set_by(now)
        if set_by < 0:
            outbox.after_clock_was_set_back(store, now, CLOCK_SLACK - set_by)
        return self._start(self._probes(now)) + self._start(self._due(now))

    def _probes(self, now: float) -> list[Claim]:
        """One try for each waiting account whose time has come, taken by one process of all. Looks now and then."""
        if time.monotonic() < self._next_probes:
            return []
        self._next_probes = time.monotonic() + POLL_SECONDS
        store = self._office.store
        found: list[Claim] = []
        free, _ = self._room()
        for waiting in outbox.waiting(store):
            if waiting.probe_at <= now and len(found) < (free + 1) // 2:
                found += outbox.claim_probe(store, waiting, self._limits, now)
        return found

    def _due(self, now: float) -> list[Claim]:
        free, busy = self._room()
        if free <= 0:
            return []
        turn = Turn(max(1, free // 2), busy, self._limits, steal=self._clock.can_be_trusted())
        return outbox.claim_due(self._office.store, turn, now)

    def _room(self) -> tuple[int, list[str]]:
        """How many threads are free, and the accounts that may take none of them."""
        with self._lock:
            free = self._threads - self._running.total()
            return free, [account for account, count in self._running.items() if count >= free]

    def _start(self, claims: Sequence[Claim]) -> int:
        for claim in claims:
            with self._lock:
                self._running[claim.account] += 1
            future = self._pool.submit(attempt, self._office, claim, "worker")
            future.add_done_callback(partial(self._ended, claim))
        return len(claims)

    def _ended(self, claim: Claim, done: Future[Result]) -> None:
        with self._lock:
            self._running[claim.account] -= 1
            if not self._running[claim.account]:
                del self._running[claim.account]
        error = done.exception()
        if error is not None:  # the row keeps its lease, and is found again when that runs out
            log.error("an attempt broke off", extra={"lead": claim.reference}, exc_info=error)
        self._wake.set()


class _Clock:
    """Notices when the time by which leases run is set forward or back.

    Leases then only seem to have run out: their holders may still be sending. A process that has just started cannot
    know whether that happened the moment before. So neither takes a delivery from its holder for a minute.
    """

    def __init__(self) -> None:
        self._offset: float | None = None
        self._distrusted_until = time.monotonic() + outbox.LEASE

    def set_by(self, now: float) -> float:
        """Seconds by which the clock was set since the last call, less than nothing if it was set back."""
        offset = now - time.monotonic()
        before, self._offset = self._offset, offset
        if before is None or abs(offset - before) <= CLOCK_SLACK:
            return 0.0
        log.warning("the clock was set by %+.0f s", offset - before)
        self._distrusted_until = time.monotonic() + outbox.LEASE
        return offset - before

    def can_be_trusted(self) -> bool:
        return time.monotonic() >= self._distrusted_until
