"""The product with its waits divided by ten, as gunicorn and `flask` load it: a lease of six seconds instead of sixty.

No wait for the next try is longer than LONGEST. Nothing else differs. The constants are changed before the modules that
copy them are imported.
"""

from __future__ import annotations

from leadferry import config, outbox

config.share_metrics()

FACTOR = 10
LONGEST = 5.0

outbox.LEASE /= FACTOR

from leadferry import delivery  # noqa: E402

delivery.DEADLINE /= FACTOR
delivery.SCHEDULE = tuple(min(seconds / FACTOR, LONGEST) for seconds in delivery.SCHEDULE)  # type: ignore[assignment]
delivery.FIRST_PROBE /= FACTOR
delivery.LONGEST_PROBE = LONGEST

from app import app  # noqa: E402

__all__ = ["app"]
