"""Fixtures that every test may use. `--database=postgresql` runs the suite on a server of its own."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from pathlib import Path

import pytest

from leadferry.sandbox import create_sandbox
from leadferry.store import Store, upgrade
from tests.installation import Installation, SandboxServer, make, serve
from tests.services.postgres import Postgres, temporary_postgres

Install = Callable[..., Installation]


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--database", choices=["sqlite", "postgresql"], default="sqlite")


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """On PostgreSQL only what keeps leads is run; the rest would only be the same once more."""
    if config.getoption("--database") == "postgresql":
        kept = [item for item in items if {"database_url", "systems"} & set(getattr(item, "fixturenames", ()))]
        config.hook.pytest_deselected(items=[item for item in items if item not in kept])
        items[:] = kept


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    with temporary_postgres() as server:
        yield server


@pytest.fixture(scope="session")
def template_url(postgres: Postgres) -> Iterator[str]:
    """A database with our schema, to be copied for each test."""
    with postgres.new_database() as url:
        store = Store(url)
        upgrade(store)
        store.engine.dispose()
        yield url


@pytest.fixture
def database_url(request: pytest.FixtureRequest) -> Iterator[str | None]:
    """Where the test's installation keeps its leads: None is SQLite's default file."""
    if request.config.getoption("--database") == "sqlite":
        yield None
        return
    server: Postgres = request.getfixturevalue("postgres")
    with server.new_database(template=request.getfixturevalue("template_url")) as url:
        yield url


@pytest.fixture
def install(tmp_path: Path, database_url: str | None) -> Iterator[Install]:
    """Makes an installation: ``install({"quote": "title: …"}, CT_KEY="…")``."""
    made: list[Installation] = []

    def installed(forms: dict[str, str] | None = None, **environ: str) -> Installation:
        installation = make(tmp_path / f"installation-{len(made)}", database_url, environ)
        for name, text in (forms or {}).items():
            installation.form(name, text)
        made.append(installation)
        return installation

    yield installed
    for each in made:
        each.close()


@pytest.fixture
def sandbox() -> Iterator[SandboxServer]:
    app = create_sandbox()
    with serve(app) as url:
        yield SandboxServer(url, app)
