"""A burst of posts, from one address or from many: visitors go on, and what was promised is in the store."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator

import pytest

from tests.attack.crowd import Visits, burst, memory, open_files, visit
from tests.installation import Installation, Server, make
from tests.web.forms import SETTINGS, any_name

SETUP = {**SETTINGS, "DELIVERY": "off", "TRUSTED_PROXIES": "1", "POST_LIMIT": "60/minute"}


@pytest.fixture(scope="module")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    found = make(tmp_path_factory.mktemp("bursts"), environ=SETUP)
    found.form("any", any_name())
    yield found
    found.close()


@pytest.fixture(scope="module")
def server(installation: Installation) -> Iterator[Server]:
    with installation.gunicorn(workers=1) as running:
        yield running


def from_one(_number: int) -> str:
    return "203.0.113.9"


def from_many(number: int) -> str:
    return f"203.0.{number // 250}.{number % 250}"


@pytest.mark.parametrize(("address_of", "most"), [(from_one, 60), (from_many, 600)], ids=["one address", "many"])
def test_visitors_go_on_and_nothing_that_was_taken_is_lost(
    server: Server, installation: Installation, address_of: Callable[[int], str], most: int
) -> None:
    visits: list[Visits] = []
    visitor = threading.Thread(target=lambda: visits.append(visit(server.url, 8)))
    visitor.start()
    found = burst(server.url, 600, address_of, at_once=16)
    visitor.join()
    assert found.faults == []
    assert found.statuses.keys() <= {200, 429}
    assert most * 0.9 <= len(found.leads) <= most * 1.2  # a minute may end meanwhile
    assert visits[0].failed == []
    assert {*found.leads, *visits[0].leads} <= {each["lead"] for each in installation.leads()}
    assert installation.cli("leads", "balance").exit_code == 0


def test_a_burst_leaves_no_memory_and_no_file_handles_behind(server: Server) -> None:
    burst(server.url, 300, from_many)
    before = memory(server), open_files(server)
    burst(server.url, 300, from_many)
    assert memory(server) - before[0] < 15
    assert open_files(server) - before[1] < 40
