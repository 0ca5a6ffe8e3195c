"""The product with its waits divided by ten, as gunicorn and `flask` load it: a lease of six seconds instead of sixty.

No wait for the next try is longer than LONGEST. Nothing else differs. gunicorn's first process has loaded the modules
before this, so each constant is changed where it is looked up: a copy would stay as it was.
"""

from __future__ import annotations

from leadferry import config

config.share_metrics()

from leadferry import delivery, outbox  # noqa: E402

FACTOR = 10
LONGEST = 5.0

outbox.LEASE /= FACTOR
delivery.DEADLINE /= FACTOR
delivery.SCHEDULE = tuple(min(seconds / FACTOR, LONGEST) for seconds in delivery.SCHEDULE)  # type: ignore[assignment]
delivery.FIRST_PROBE /= FACTOR
delivery.LONGEST_PROBE = LONGEST

from app import app  # noqa: E402

__all__ = ["app"]
