"""Several machines count together in Redis, and each by itself while it is away: no lead is refused for its sake."""

from __future__ import annotations

import logging
import socket
import threading
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

from leadferry.rate import RateLimit, SharedRateLimit, counter
from tests.conftest import Install
from tests.services.redis import Redis, RedisMissingError, temporary_redis
from tests.web.forms import SCRIPT

MINUTE = 1_800_000_000.0  # a window begins here


@pytest.fixture(scope="module")
def server() -> Iterator[Redis]:
    try:
        with temporary_redis() as found:
            yield found
    except RedisMissingError as error:
        pytest.skip(str(error))


@pytest.fixture
def redis(server: Redis) -> Redis:
    """Empty, and running."""
    server.stop()
    server.start()
    return server


def machine(folder: Path, url: str, limit: int = 5, seconds: int = 60) -> SharedRateLimit:
    return SharedRateLimit(url, "posts", RateLimit(folder / "posts", limit, seconds))


def test_the_uri_chooses_where_it_is_counted(tmp_path: Path, redis: Redis) -> None:
    assert isinstance(counter("memory://", tmp_path / "a", 1, 60), RateLimit)
    assert isinstance(counter(redis.url, tmp_path / "a", 1, 60), SharedRateLimit)


def test_two_machines_count_together(tmp_path: Path, redis: Redis) -> None:
    one, other = machine(tmp_path / "one", redis.url), machine(tmp_path / "other", redis.url)
    taken = [each.hit("a", MINUTE) == 0 for each in (one, other, one, other, one, other, one)]
    assert taken == [True] * 5 + [False] * 2
    assert other.hit("b", MINUTE) == 0


def test_it_counts_as_a_host_alone_does(tmp_path: Path, redis: Redis) -> None:
    """To the second that somebody has to wait."""
    shared, alone = machine(tmp_path / "one", redis.url), RateLimit(tmp_path / "alone", 5, 60)
    for moment in (0, 1, 2, 30, 59, 60, 61, 70, 90, 110, 119, 121, 122, 123, 300, 301):
        assert shared.hit("a", MINUTE + moment) == pytest.approx(alone.hit("a", MINUTE + moment), abs=1e-3), moment


def test_the_clock_is_that_of_redis(tmp_path: Path, redis: Redis) -> None:
    shared = machine(tmp_path, redis.url, limit=1, seconds=3600)
    assert shared.hit("a") == 0
    assert 0 < shared.hit("a") <= 7200


def test_threads_do_not_overlook_each_other(tmp_path: Path, redis: Redis) -> None:
    machines = [machine(tmp_path / str(number), redis.url, limit=100) for number in range(2)]
    taken: list[bool] = []

    def post(each: SharedRateLimit) -> None:
        taken.extend(each.hit("a", MINUTE) == 0 for _ in range(40))

    threads = [threading.Thread(target=post, args=(each,)) for each in (*machines, *machines)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert (len(taken), sum(taken)) == (160, 100)


def test_a_redis_that_is_away_refuses_nobody_and_is_said_once(
    tmp_path: Path, redis: Redis, caplog: pytest.LogCaptureFixture
) -> None:
    shared = machine(tmp_path, redis.url)
    shared.hit("a", MINUTE)
    redis.stop()
    with caplog.at_level(logging.WARNING):
        taken = [shared.hit("a", MINUTE) == 0 for _ in range(7)]
        shared._asked_again_at = 0.0
        assert shared.hit("b", MINUTE) == 0
    assert taken == [True] * 5 + [False] * 2, "the host's own count holds"
    assert [each.message for each in caplog.records] == ["Redis does not answer; this host counts for itself"]
    redis.start()
    shared._asked_again_at = 0.0
    assert [shared.hit("a", MINUTE) == 0 for _ in range(6)] == [True] * 5 + [False]


def test_a_redis_that_hangs_costs_a_quarter_of_a_second_and_that_seldom(tmp_path: Path) -> None:
    with socket.create_server(("127.0.0.1", 0)) as silent:
        shared = machine(tmp_path, f"redis://127.0.0.1:{silent.getsockname()[1]}/0", limit=100)
        began = time.monotonic()
        assert [shared.hit("a") for _ in range(50)] == [0.0] * 50
        assert time.monotonic() - began < 10, "each of the fifty waited"


def test_an_installation_counts_its_posts_in_redis(install: Install, redis: Redis) -> None:
    text = "fields: [{name: a}]\nvendor: {name: webhook, url: 'http://127.0.0.1:9/', wait: 0}\n"
    settings = {"RATELIMIT_STORAGE_URI": redis.url, "POST_LIMIT": "3/minute"}
    machines = [install({"quote": text}, **settings) for _ in range(2)]
    statuses = [
        machines[number % 2].client.post("/f/quote", data={"a": str(number)}, headers=SCRIPT).status_code
        for number in range(5)
    ]
    assert statuses == [200, 200, 200, 429, 429]
