"""Whatever is sent to whichever address, the answer is one of the contract's, and the log holds no fault."""

from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.attack.crowd import memory
from tests.attack.fuzzing import faults, furnish, fuzz
from tests.installation import Installation, Server, make
from tests.web.forms import SETTINGS


@pytest.fixture(scope="module")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    found = make(tmp_path_factory.mktemp("fuzz"), environ={**SETTINGS, "DELIVERY": "off"})
    furnish(found)
    yield found
    found.close()


@pytest.fixture(scope="module")
def server(installation: Installation) -> Iterator[Server]:
    with installation.gunicorn(workers=1) as running:
        yield running


def test_every_answer_is_one_of_the_contract(server: Server, installation: Installation) -> None:
    fuzz(server.url, range(800))
    assert faults(installation) == []
    assert memory(server) < 400
    assert installation.cli("leads", "balance").exit_code == 0
