"""What the delivery loop does beside delivering, each by one process of all at its own pace."""

from __future__ import annotations

import logging
import time
from collections.abc import Callable

from leadferry import numbers, reports, search
from leadferry.alerts import Alerts
from leadferry.config import Settings
from leadferry.delivery import Office
from leadferry.privacy import Retention
from leadferry.store import Store

log = logging.getLogger("leadferry.chores")


class Chore:
    """Something to be done every so many seconds, whichever process comes first."""

    def __init__(self, store: Store, name: str, every: float, do: Callable[[], object]) -> None:
        self._store = store
        self._name = name
        self._every = every
        self._do = do
        self._next_look = 0.0

    def look(self) -> None:
        """Called often; does it when it is due and nobody else has. Never raises."""
        if time.monotonic() < self._next_look:
            return
        self._next_look = time.monotonic() + self._every
        try:
            if reports.take_turn(self._store, self._name, self._every):
                self._do()
        except Exception:
            log.exception("a chore could not be done", extra={"chore": self._name})


def chores(settings: Settings, office: Office) -> Callable[[], None]:
    """Everything that is to be looked at now and then, as one call for the delivery loop."""
    alerts = Alerts(settings, office)
    retention = Retention(office.store, office.catalog)
    all_of_them = (
        Chore(office.store, "alerts", 30.0, lambda: alerts.report(alerts.find())),
        Chore(office.store, "retention", 3600.0, retention.erase_old),
        Chore(office.store, "old counts", 86_400.0, lambda: numbers.forget_old(office.store)),
        Chore(office.store, "lead search", 5.0, lambda: search.fill(office.store)),
    )

    def look() -> None:
        for chore in all_of_them:
            chore.look()

    return look
