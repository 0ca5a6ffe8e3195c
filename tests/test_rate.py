"""How many posts an address may make: counted once for all threads and processes of a host."""

from __future__ import annotations

import math
import multiprocessing
import sys
import threading
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from leadferry.rate import RateLimit

MINUTE = 1_800_000_000.0  # a window begins here


@pytest.fixture
def path(tmp_path: Path) -> Path:
    return tmp_path / "var" / "post_limit"


def taken(limit: RateLimit, key: str, times: list[float]) -> int:
    return sum(limit.hit(key, now) == 0 for now in times)


def test_one_more_than_the_limit_is_refused(path: Path) -> None:
    limit = RateLimit(path, 5, 60)
    assert [limit.hit("a", MINUTE + second) == 0 for second in range(7)] == [True] * 5 + [False] * 2


def test_each_key_is_counted_by_itself(path: Path) -> None:
    limit = RateLimit(path, 1, 60)
    assert limit.hit("quote 192.0.2.1", MINUTE) == 0
    assert limit.hit("quote 192.0.2.1", MINUTE) > 0
    assert limit.hit("quote 192.0.2.2", MINUTE) == 0
    assert limit.hit("other 192.0.2.1", MINUTE) == 0


def test_a_new_window_does_not_begin_empty(path: Path) -> None:
    limit = RateLimit(path, 5, 60)
    assert taken(limit, "a", [MINUTE + 59] * 5) == 5
    assert taken(limit, "a", [MINUTE + 61] * 5) == 0
    assert taken(limit, "a", [MINUTE + 119.9] * 9) == 4
    assert taken(limit, "a", [MINUTE + 200] * 9) == 5


def test_what_was_refused_is_not_counted(path: Path) -> None:
    limit = RateLimit(path, 2, 60)
    taken(limit, "a", [MINUTE] * 500)
    assert limit.hit("a", MINUTE + 100) == 0


def test_a_long_silence_forgets(path: Path) -> None:
    limit = RateLimit(path, 1, 60)
    limit.hit("a", MINUTE)
    assert limit.hit("a", MINUTE + 3600) == 0


@given(st.integers(1, 20), st.lists(st.floats(0, 30), max_size=40))
@settings(deadline=None, max_examples=200)
def test_whoever_waits_as_long_as_told_is_let_in(
    tmp_path_factory: pytest.TempPathFactory, most: int, pauses: list[float]
) -> None:
    limit = RateLimit(tmp_path_factory.getbasetemp() / "waiting", most, 60)
    now, key = MINUTE, f"{most} {pauses}"
    for pause in pauses:
        now += pause
        wait = limit.hit(key, now)
        assert 0 <= wait <= 120
        if wait:
            now += math.floor(wait) + 1
            assert limit.hit(key, now) == 0


def test_restarted_processes_go_on_counting(path: Path) -> None:
    RateLimit(path, 1, 60).hit("a", MINUTE)
    assert RateLimit(path, 1, 60).hit("a", MINUTE) > 0


def test_threads_do_not_overlook_each_other(path: Path) -> None:
    limit = RateLimit(path, 1_000_000, 60)
    together = threading.Barrier(4)
    before = sys.getswitchinterval()
    sys.setswitchinterval(1e-6)
    try:
        with ThreadPoolExecutor(4) as pool:
            list(pool.map(lambda _: together.wait() < 4 and taken(limit, "a", [MINUTE] * 5000), range(4)))
    finally:
        sys.setswitchinterval(before)
    assert 20_000 + taken(RateLimit(path, 20_001, 60), "a", [MINUTE] * 5) == 20_001


def test_processes_do_not_overlook_each_other(path: Path) -> None:
    """Forked ones too, which share what was opened before."""
    limit = RateLimit(path, 1_000_000, 60)
    fork = multiprocessing.get_context("fork")
    workers = [fork.Process(target=taken, args=(limit, "a", [MINUTE] * 1000)) for _ in range(3)]
    for worker in workers:
        worker.start()
    for worker in workers:
        worker.join()
    assert 3000 + taken(RateLimit(path, 3001, 60), "a", [MINUTE] * 5) == 3001
