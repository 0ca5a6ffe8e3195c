"""Fixtures that every test may use, and how the suite is run.

`--database=postgresql` runs what keeps leads on a server of its own, `--database=both` on SQLite as well.
"""

from __future__ import annotations

import gc
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

import pytest
from argon2 import PasswordHasher
from hypothesis import settings
from xdist.scheduler import LoadFileScheduling

from leadferry import users
from leadferry.sandbox import create_sandbox
from leadferry.store import Store, upgrade
from tests.installation import Installation, SandboxServer, make, serve
from tests.services.postgres import Postgres, temporary_postgres
from tests.services.reused import ReusedDatabase

Install = Callable[..., Installation]

# The same examples in every run, and none that fails for being slow: what a run says depends on the code alone.
settings.register_profile("suite", derandomize=True, deadline=None, max_examples=60)
settings.load_profile("suite")

HERE = Path(__file__).parent

REAL_HASHER = users._HASHER


POSTGRESQL = "on postgresql"
"""By which the name of a test says that it is one on PostgreSQL, where it is on both."""

SLOW_FIRST = ("browser", "crash", "attack", "systems", "demo", "services", "web", "")
"""Folders: whoever runs the whole suite side by side must not find the longest files at the end, with nobody to share.
"""


def pytest_addoption(parser: pytest.Parser) -> None:
    parser.addoption("--database", choices=["sqlite", "postgresql", "both"], default="sqlite")


def pytest_generate_tests(metafunc: pytest.Metafunc) -> None:
    """On both databases, what keeps leads is run on the one and on the other."""
    if metafunc.config.getoption("--database") == "both" and _depends_on_database(metafunc.definition):
        is_seldom = metafunc.definition.get_closest_marker("thorough_on_postgresql")
        on_postgresql = pytest.param("postgresql", marks=pytest.mark.thorough if is_seldom else ())
        ids = ["on sqlite", POSTGRESQL]
        metafunc.parametrize("database", ["sqlite", on_postgresql], indirect=True, scope="session", ids=ids)


def pytest_collection_modifyitems(config: pytest.Config, items: list[pytest.Item]) -> None:
    """On PostgreSQL alone only what keeps leads is run; the rest would only be the same once more."""
    if config.getoption("--database") == "postgresql":
        kept = [item for item in items if _depends_on_database(item)]
        config.hook.pytest_deselected(items=[item for item in items if item not in kept])
        items[:] = kept
    items.sort(key=lambda item: SLOW_FIRST.index(_folder(item)))


def pytest_collection_finish() -> None:
    """What is loaded now stays to the end: it need not be looked through for garbage again and again."""
    gc.collect()
    gc.freeze()


def _depends_on_database(item: pytest.Item) -> bool:
    """A whole file may be run on one database, but for those of its tests that are to be run on both."""
    is_on_one = item.get_closest_marker("one_database") and not item.get_closest_marker("both_databases")
    return "database" in getattr(item, "fixturenames", ()) and not is_on_one


class FilesOnDatabases(LoadFileScheduling):  # type: ignore[misc]
    """Who runs the suite beside others takes a file at a time, on one database: what it starts, it starts once."""

    def _split_scope(self, nodeid: str) -> str:
        return f"{super()._split_scope(nodeid)} {POSTGRESQL if POSTGRESQL in nodeid else ''}"


def pytest_xdist_make_scheduler(config: pytest.Config, log: Any) -> LoadFileScheduling:
    return FilesOnDatabases(config, log)


def _folder(item: pytest.Item) -> str:
    folder = item.path.relative_to(HERE).parts[0]
    return folder if folder in SLOW_FIRST else ""


@pytest.fixture(scope="session")
def database(request: pytest.FixtureRequest) -> str:
    """Which one keeps the leads: sqlite or postgresql."""
    asked = str(request.config.getoption("--database"))
    return str(getattr(request, "param", "sqlite" if asked == "both" else asked))


@pytest.fixture(scope="session", autouse=True)
def _cheap_passwords() -> Iterator[None]:
    """A tenth of a second and 64 MB for each password is for attackers. The real hasher has a test of its own."""
    users._HASHER = PasswordHasher(time_cost=1, memory_cost=8, parallelism=1)
    yield
    users._HASHER = REAL_HASHER


@pytest.fixture(scope="session")
def postgres() -> Iterator[Postgres]:
    """No test of those that share it takes its power away; those that do start a durable one of their own."""
    with temporary_postgres(durable=False) as server:
        yield server


@pytest.fixture(scope="session")
def template_url(postgres: Postgres) -> Iterator[str]:
    """A database with our schema, to be copied for each test."""
    with postgres.new_database() as url:
        store = Store(url)
        upgrade(store)
        store.engine.dispose()
        yield url


@pytest.fixture(scope="session")
def reused_database(postgres: Postgres, template_url: str) -> Iterator[ReusedDatabase]:
    with ReusedDatabase(postgres, template_url) as found:
        yield found


@pytest.fixture
def database_url(request: pytest.FixtureRequest, database: str) -> Iterator[str | None]:
    """Where the test's installation keeps its leads: None is SQLite's default file."""
    if database == "sqlite":
        yield None
        return
    reused: ReusedDatabase = request.getfixturevalue("reused_database")
    with reused.empty() as url:
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
