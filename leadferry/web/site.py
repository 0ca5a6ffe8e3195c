"""What every request needs, made once: settings, store, forms, vendors, and the threads that wait for vendors."""

from __future__ import annotations

import threading
from concurrent.futures import Future, ThreadPoolExecutor
from concurrent.futures import TimeoutError as FutureTimeoutError
from contextvars import copy_context
from dataclasses import dataclass
from typing import cast

from flask import current_app, request

from leadferry.config import Settings
from leadferry.delivery import Office, attempt, visitors_answer
from leadferry.outbox import Claim
from leadferry.puzzles import Puzzles
from leadferry.rate import Counter
from leadferry.tokens import PageTokens
from leadferry.vendors.base import Result
from leadferry.visits import Visits
from leadferry.worker import Worker

WAIT_SLOTS = 64
"""Visitors of one process that may wait for a vendor at the same time; half of its threads stay free for pages."""


class WaitSlots:
    """Attempts that visitors wait for. An attempt goes on when its visitor's patience is over."""

    def __init__(self, office: Office, slots: int = WAIT_SLOTS) -> None:
        self._office = office
        self._free = threading.BoundedSemaphore(slots)
        self._pool = ThreadPoolExecutor(slots, thread_name_prefix="attempt")

    def take(self) -> bool:
        """Whether a slot was free; it is given back by ``run`` or ``give_back``."""
        return self._free.acquire(blocking=False)

    def give_back(self) -> None:
        self._free.release()

    def run(self, claim: Claim, seconds: float) -> str | None:
        """Tries now and waits so long for the outcome: "ok" or an error_code, or None if it is not known in time."""
        future = self._pool.submit(
            copy_context().run, attempt, self._office, claim, "visitor"
        )  # the log names the request
        future.add_done_callback(self._done)
        try:
            return visitors_answer(future.result(timeout=seconds))
        except FutureTimeoutError:
            return None

    def close(self) -> None:
        """Waits for the attempts that are under way."""
        self._pool.shutdown()

    def _done(self, _future: Future[Result]) -> None:
        self._free.release()


@dataclass(frozen=True)
class Site:
    settings: Settings
    office: Office
    tokens: PageTokens
    slots: WaitSlots
    worker: Worker
    repeats: Counter
    puzzles: Puzzles
    judgements: ThreadPoolExecutor
    visits: Visits
    post_limit: Counter | None = None

    def close(self) -> None:
        """Waits for what is under way; the site takes nothing more."""
        self.worker.stop()
        self.slots.close()
        self.judgements.shutdown()
        self.visits.close()
        self.office.store.engine.dispose()

    def public_url(self) -> str:
        """The address that visitors use, without a slash at its end."""
        return self.settings.public_url or request.url_root.rstrip("/")


def current_site() -> Site:
    return cast(Site, current_app.extensions["leadferry"])
