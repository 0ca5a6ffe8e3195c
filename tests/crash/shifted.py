"""The product with its waits divided by ten and a clock that a test sets: by the seconds in the file `clock`."""

from __future__ import annotations

import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

from leadferry.store import Store

_true_time, _true_ask = time.time, Store.ask_now
_file = Path("clock").absolute()


def _ahead() -> float:
    return float(_file.read_text())


time.time = lambda: _true_time() + _ahead()


def _ask_now(self: Store, connection: Any) -> Callable[[], float]:
    """PostgreSQL's clock is another than ours: it is set together with it."""
    answer = _true_ask(self, connection)
    return answer if self.is_sqlite else lambda: answer() + _ahead()


Store.ask_now = _ask_now  # type: ignore[method-assign]

from tests.crash.hurried import app  # noqa: E402

__all__ = ["app"]
