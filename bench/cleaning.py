"""What it costs to make plain text of one value, and how that grows with its length."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator

from bench.table import Row, Size, number
from leadferry.text import plain_text

PLAIN = "Dark chocolate, please"
LIMIT = 1_000


def of_a_value(size: Size) -> Iterator[Row]:
    loops = 20_000 if size.quick else 100_000
    cleaned = _microseconds(lambda: plain_text(PLAIN, LIMIT), loops)
    bare = _microseconds(lambda: PLAIN[:LIMIT], loops)
    yield Row(
        "Cleaning one plain value",
        f"{number(cleaned)} µs",
        f"{number(bare)} µs",
        f"+ {number(cleaned - bare)} µs",
        "≤ + 5 µs",
        cleaned - bare <= 5,
    )
    short, long = (_microseconds(lambda n=n: plain_text("<" * n, LIMIT), 5) for n in (10_000, 100_000))  # type: ignore[misc]
    yield Row(
        "Cleaning 100 KB of `<`",
        f"{number(long / 1000)} ms",
        f"{number(short / 1000)} ms for 10 KB",
        f"{long / short:.1f} ×",
        "≤ 12 × (linear)",
        long <= 12 * short,
    )


def _microseconds(work: Callable[[], object], loops: int) -> float:
    """The best of five: what is slower was disturbed."""
    best = float("inf")
    for _ in range(5):
        began = time.perf_counter()
        for _ in range(loops):
            work()
        best = min(best, (time.perf_counter() - began) / loops)
    return best * 1_000_000
