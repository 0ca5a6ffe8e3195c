"""The schema: made from nothing, brought up with leads in it, the same as the tables that the code speaks of."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import insert, select, text

from leadferry import models
from leadferry.store import SCHEMA, Store, upgrade
from tests.conftest import Install
from tests.installation import REPOSITORY
from tests.services.postgres import Postgres
from tests.systems.accounts import SECRETS, form

MIGRATIONS = REPOSITORY / "leadferry" / "migrations"


@pytest.fixture
def empty_url(request: pytest.FixtureRequest, tmp_path: Path, database_url: str | None) -> str:
    """A database with nothing in it."""
    if database_url is None:
        return f"sqlite:///{tmp_path / 'empty.db'}"
    server: Postgres = request.getfixturevalue("postgres")
    context = server.new_database()
    url = context.__enter__()
    request.addfinalizer(lambda: context.__exit__(None, None, None))
    return url


def differences(store: Store) -> list[object]:
    with store.engine.connect() as connection:
        return list(compare_metadata(MigrationContext.configure(connection), models.metadata))


def test_the_newest_migration_is_the_one_that_the_code_expects() -> None:
    config = Config()
    config.set_main_option("script_location", str(MIGRATIONS))
    assert ScriptDirectory.from_config(config).get_heads() == [SCHEMA]


def test_from_nothing_it_becomes_what_the_code_speaks_of(empty_url: str) -> None:
    store = Store(empty_url)
    upgrade(store)
    assert store.schema() == SCHEMA
    assert differences(store) == []
    store.engine.dispose()


def test_bringing_it_up_twice_changes_nothing_and_keeps_every_lead(install: Install) -> None:
    installation = install({"quote": form("webhook", "  wait: 0\n")}, **SECRETS, SANDBOX="http://127.0.0.1:9")
    answer = installation.client.post("/f/quote", json={"firstName": "Jane", "email": "jane@example.com"})
    upgrade(installation.store)
    assert installation.leads()[0]["lead"] == answer.get_json()["lead"]
    assert differences(installation.store) == []


def test_four_processes_that_start_on_a_new_file_at_once_all_start(tmp_path: Path) -> None:
    code = "from leadferry import config, store; print(store.open_store(config.load()).schema())"
    environ = {"PYTHONPATH": str(REPOSITORY), "PATH": "/usr/bin:/bin"}
    started = [
        subprocess.Popen(
            [sys.executable, "-c", code], cwd=tmp_path, env=environ, stdout=subprocess.PIPE, stderr=subprocess.PIPE
        )
        for _ in range(4)
    ]
    told = [process.communicate(timeout=60) for process in started]
    assert [out.decode().strip() for out, _ in told] == [SCHEMA] * 4, told


def test_a_server_with_an_old_schema_does_not_start_and_the_command_mends_it(
    empty_url: str, install: Install, database_url: str | None
) -> None:
    if database_url is None:
        return  # SQLite is brought up at the start
    installation = install({})
    installation.environ["DATABASE_URL"] = empty_url
    process = installation.flask("db", "upgrade")
    assert process.wait(60) == 0
    store = Store(empty_url)
    assert store.schema() == SCHEMA
    store.engine.dispose()


def test_the_code_runs_on_a_schema_that_has_more_than_it_knows(install: Install) -> None:
    """As it is while a newer release is being brought in: the column is there, the old process still runs."""
    installation: Installation = install(
        {"quote": form("webhook", "  wait: 0\n")}, **SECRETS, SANDBOX="http://127.0.0.1:9"
    )
    with installation.store.write() as connection:
        connection.execute(text("ALTER TABLE lead ADD COLUMN later TEXT"))
        connection.execute(text("ALTER TABLE delivery ADD COLUMN later TEXT"))
    answer = installation.client.post("/f/quote", json={"firstName": "Jane", "email": "jane@example.com"})
    assert answer.status_code == 200
    assert installation.lead(answer.get_json()["lead"])["state"] == "pending"


def test_a_row_that_refers_to_nothing_is_refused(install: Install) -> None:
    """Foreign keys are on, also in SQLite, where they are not by themselves."""
    store = install({}).store
    orphan = {
        "lead_id": 4711, "destination": "vendor", "account": "a", "vendor": "v", "state": "pending",
        "due_at": 0.0, "attempts": 0, "unsure": False,
    }  # fmt: skip
    with pytest.raises(Exception, match=r"(?i)foreign key"), store.write() as connection:
        connection.execute(insert(models.delivery).values(orphan))
    with store.read() as connection:
        assert connection.execute(select(models.delivery)).all() == []
