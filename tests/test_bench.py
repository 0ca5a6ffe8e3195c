"""The bench measures what it says: its visitors count every request, and its table says what was met."""

from __future__ import annotations

import time
from collections.abc import Iterator

import pytest

from bench.client import Kind
from bench.stage import Visit, vendor, visit
from bench.table import Rounds, number, skipped, table


@pytest.fixture(scope="module")
def receiver() -> Iterator[str]:
    with vendor(0.05) as url:
        yield url


def posted(url: str, **how: object) -> Visit:
    kind = Kind("post", "/leads", body="number={n}", **how)  # type: ignore[arg-type]
    return visit(url, kind, seconds=0.5)["post"]


def test_connections_ask_again_when_they_were_answered(receiver: str) -> None:
    found = posted(receiver, connections=4)
    assert found.lost == 0
    assert found.good == found.asked
    assert 4 <= found.good <= 4 * (0.5 / 0.05 + 1)
    assert 50 <= found.quantile(0.5) < 1000


def test_a_burst_asks_once(receiver: str) -> None:
    assert posted(receiver, connections=30, once=True).good == 30


def test_a_rate_is_kept_to_whether_the_server_answers_or_not(receiver: str) -> None:
    found = posted(receiver, rate=40)
    assert found.asked == found.good
    assert 18 <= found.asked <= 21


def test_what_is_sent_slowly_arrives_whole(receiver: str) -> None:
    began = time.monotonic()
    found = posted(receiver, rate=4, slow=0.5)
    assert found.good == found.asked == 2
    assert time.monotonic() - began >= 0.5


def test_a_server_that_is_not_there_loses_every_request() -> None:
    found = visit("http://127.0.0.1:9", Kind("page", "/", rate=10), seconds=0.5)["page"]
    assert found.lost == found.asked > 0
    assert found.quantile(0.99) == 30_000.0


def test_a_row_is_met_by_the_median_of_the_rounds() -> None:
    rounds = Rounds([90.0, 10.0, 95.0], [100.0, 100.0, 100.0])
    row = rounds.row("Pages", "a second", at_least=0.9)
    assert (row.mark, row.found, row.spread) == ("met", "0.90 ×", "0.10 to 0.95")
    assert rounds.row("Waits", "ms", at_most=0.5).mark == "missed"
    assert "| Pages | 90 a second | 100 a second | 0.90 × |" in table([row]).replace("90.0", "90")
    assert skipped("Posts", "there is no gcc").mark == "skipped"


@pytest.mark.parametrize(
    ("value", "shown"), [(0.1234, "0.12"), (12.34, "12.3"), (123.4, "123"), (1234.5, "1,230"), (123_456.0, "123,500")]
)
def test_numbers_have_three_digits_that_count(value: float, shown: str) -> None:
    assert number(value) == shown
