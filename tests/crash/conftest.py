from __future__ import annotations

from collections.abc import Iterator

import pytest

from tests.services.postgres import Postgres


@pytest.fixture(scope="module")
def shared_database_url(request: pytest.FixtureRequest, database: str) -> Iterator[str | None]:
    """One for all tests of a file. None is SQLite's file."""
    if database == "sqlite":
        yield None
        return
    server: Postgres = request.getfixturevalue("postgres")
    with server.new_database(template=request.getfixturevalue("template_url")) as url:
        yield url
