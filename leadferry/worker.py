"""Delivers what waits: claims what is due and tries it, in as many processes on as many machines as wanted."""

from __future__ import annotations

import logging
import threading
import time
from collections import Counter
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor

from leadferry import outbox
from leadferry.delivery import Office, attempt
from leadferry.outbox import LEASE, Claim, Turn
from leadferry.store import StoreError
from leadferry.vendors.base import Result

log = logging.getLogger("leadferry.worker")

POLL_SECONDS = 0.5
PAUSE_AFTER_TROUBLE = 2.0
CLOCK_SLACK = 5.0
"""Seconds by which wall clock and monotonic clock may part before it counts as a jump."""


class Worker:
    """A loop that claims, and the threads that try. ``start`` and ``stop`` may be called once each.

    One account may have half of the threads: a vendor that hangs never holds up the others.
    """

    def __init__(self, office: Office, threads: int = 16, on_turn: Callable[[], None] = lambda: None) -> None:
        self._office = office
        self._threads = threads
        self._on_turn = on_turn
        self._share = max(1, threads // 2)
        self._limits = {name: adapter.concurrency for name, adapter in office.adapters.items() if adapter.concurrency}
        self._pool = ThreadPoolExecutor(threads, thread_name_prefix="delivery")
        self._running: Counter[str] = Counter()
        self._lock = threading.Lock()
        self._wake = threading.Event()
        self._stopping = threading.Event()
        self._loop = threading.Thread(target=self._run, name="delivery-loop", daemon=True)
        self._clock = _Clock()

    def start(self) -> None:
        self._loop.start()

    def stop(self) -> None:
        """Claims nothing more, waits for what is under way."""
        self._stopping.set()
        self._wake.set()
        if self._loop.is_alive():
            self._loop.join()
        self._pool.shutdown()

    def nudge(self) -> None:
        """Something was stored that is due now."""
        self._wake.set()

    def _run(self) -> None:
        while not self._stopping.is_set():
            try:
                taken = self.turn()
            except StoreError:
                log.warning("the store does not answer; trying again")
                taken = 0
                self._stopping.wait(PAUSE_AFTER_TROUBLE)
            except Exception:
                log.exception("fault in the delivery loop; going on")
                taken = 0
                self._stopping.wait(PAUSE_AFTER_TROUBLE)
            self._on_turn()
            if not taken:
                self._wake.wait(POLL_SECONDS)
                self._wake.clear()

    def turn(self) -> int:
        """Claims what fits, and starts it. Returns how many."""
        store = self._office.store
        now = store.now()
        if self._clock.jumped_back(now):
            outbox.shorten_leases(store, now)
        with self._lock:
            free = self._threads - self._running.total()
            busy = [account for account, count in self._running.items() if count >= self._share]
        if free <= 0 or not outbox.anything_due(store, now):
            return 0
        turn = Turn(min(free, max(1, self._threads // 4)), busy, self._limits, steal=self._clock.can_be_trusted())
        claims = outbox.claim_due(store, turn, now) + self._probes(now)
        for claim in claims:
            self._start(claim)
        return len(claims)

    def _probes(self, now: float) -> list[Claim]:
        """One try for each waiting account whose time has come, taken by one process of all."""
        store = self._office.store
        return [
            claim
            for waiting in outbox.waiting(store)
            if waiting.probe_at <= now and outbox.take_probe(store, waiting, now)
            for claim in outbox.claim_probe(store, waiting.account, now)
        ]

    def _start(self, claim: Claim) -> None:
        with self._lock:
            self._running[claim.account] += 1
        future = self._pool.submit(attempt, self._office, claim, "worker")
        future.add_done_callback(lambda done: self._ended(claim, done))

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
    """Notices when the time by which leases run is set forward or back."""

    def __init__(self) -> None:
        self._offset: float | None = None
        self._distrusted_until = 0.0

    def jumped_back(self, now: float) -> bool:
        offset = now - time.monotonic()
        before, self._offset = self._offset, offset
        if before is None or abs(offset - before) <= CLOCK_SLACK:
            return False
        log.warning("the clock was set by %+.0f s", offset - before)
        if offset > before:  # leases only seem to have run out: their holders may still be sending
            self._distrusted_until = time.monotonic() + LEASE
        return offset < before

    def can_be_trusted(self) -> bool:
        return time.monotonic() >= self._distrusted_until
