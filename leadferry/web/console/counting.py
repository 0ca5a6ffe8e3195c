"""Counts that many people look at: made anew only now and then, and the long ones while nobody waits."""

from __future__ import annotations

import logging
import threading
import time
from collections.abc import Callable
from typing import Any, cast

from flask import current_app

FRESH_SECONDS = 20.0
PATIENCE = 0.6
"""Seconds for which a page waits for a count that goes through the whole store."""

NO_HURRY = 60.0

log = logging.getLogger("leadferry.console")


class Count:
    """The last known value of a count. ``value`` is None until there is one."""

    def __init__(self, count: Callable[[], Any]) -> None:
        self._count = count
        self._made_at = 0.0
        self._thread: threading.Thread | None = None
        self._lock = threading.Lock()
        self.value: Any = None

    def get(self, patience: float) -> Any:
        """Counts anew where the last is old; the last one, where that takes longer than ``patience`` seconds."""
        with self._lock:
            if self._thread is None and time.monotonic() - self._made_at > FRESH_SECONDS:
                self._thread = threading.Thread(target=self._make, name="count", daemon=True)
                self._thread.start()
            thread = self._thread
        if thread:
            thread.join(patience)
        return self.value

    def _make(self) -> None:
        try:
            self.value = self._count()
        except Exception:
            log.exception("a count could not be made")
        with self._lock:
            self._made_at = time.monotonic()
            self._thread = None


def counted(name: str, count: Callable[[], Any], patience: float = PATIENCE) -> Any | None:
    """What was counted some seconds ago at most, or None where that is not known yet: then ask again in a moment."""
    kept = cast(dict[str, Count], current_app.extensions.setdefault("leadferry_counts", {}))
    return kept.setdefault(name, Count(count)).get(patience)


def fresh(name: str, count: Callable[[], Any]) -> Any:
    """What was counted some seconds ago at most; whoever comes first waits for it."""
    return counted(name, count, patience=NO_HURRY)
