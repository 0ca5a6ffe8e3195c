"""The product with its waits divided by ten and a clock that a test sets: by the seconds in the file `clock`."""

from __future__ import annotations

import time
from pathlib import Path

from leadferry.store import Store

_true_time, _true_now = time.time, Store.now
_file = Path("clock").absolute()


def _ahead() -> float:
    return float(_file.read_text())


time.time = lambda: _true_time() + _ahead()
# PostgreSQL's clock is another than ours: it is set together with it.
Store.now = lambda self, *asked: _true_now(self, *asked) + (0.0 if self.is_sqlite else _ahead())  # type: ignore[method-assign]

from tests.crash.hurried import app  # noqa: E402

__all__ = ["app"]
