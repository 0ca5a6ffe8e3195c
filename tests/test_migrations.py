"""The schema: migrations make what models say, from nothing and from every released version with data in it."""

from __future__ import annotations

import os
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from sqlalchemy import inspect, text

from leadferry import leads, models, outbox, store
from leadferry.leads import Filter
from leadferry.store import SCHEMA, SCHEMA_BEFORE, Store, upgrade
from tests.installation import REPOSITORY, SandboxServer, make, wait_until
from tests.services.postgres import Postgres

CONFIG = Config()
CONFIG.set_main_option("script_location", str(Path(store.__file__).with_name("migrations")))
SCRIPTS = ScriptDirectory.from_config(CONFIG)
RELEASES = Path(__file__).with_name("releases")
BY_WEBHOOK = """
title: A form
fields: [{{name: email}}]
vendor: {{name: webhook, url: "{url}", wait: {wait}}}
"""
REVISIONS = [revision.revision for revision in SCRIPTS.walk_revisions()]


@pytest.fixture
def empty_urls(request: pytest.FixtureRequest, database_url: str | None, tmp_path: Path) -> Iterator[list[str]]:
    """Two databases with nothing in them."""
    if database_url is None:
        yield [f"sqlite:///{tmp_path / name}.db" for name in ("one", "two")]
        return
    server: Postgres = request.getfixturevalue("postgres")
    with server.new_database() as one, server.new_database() as two:
        yield [one, two]


@pytest.fixture
def stores(empty_urls: list[str]) -> Iterator[list[Store]]:
    found = [Store(url) for url in empty_urls]
    yield found
    for each in found:
        each.engine.dispose()


def described(store: Store) -> dict[str, Any]:
    """Everything about the tables that the database tells."""
    found = inspect(store.engine)
    return {
        table: {
            "columns": [{**each, "type": str(each["type"])} for each in found.get_columns(table)],
            "key": found.get_pk_constraint(table),
            "foreign": found.get_foreign_keys(table),
            "unique": sorted(found.get_unique_constraints(table), key=str),
            "indexes": sorted((_plain(each) for each in found.get_indexes(table)), key=str),
        }
        for table in found.get_table_names()
    }


def _plain(index: Any) -> dict[str, Any]:
    options = {name: str(value) for name, value in index.get("dialect_options", {}).items()}
    return {**index, "dialect_options": options}


def migrate(store: Store, revision: str) -> None:
    """From nothing, step by step."""
    with store.engine.connect() as connection:
        CONFIG.attributes["connection"] = connection
        command.upgrade(CONFIG, revision)


def load(store: Store, revision: str) -> None:
    """A database as that release left it."""
    migrate(store, revision)
    statements = (RELEASES / f"{revision}.sql").read_text("utf-8").split(";\n")
    with store.write() as connection:
        for statement in filter(str.strip, statements):
            connection.exec_driver_sql(statement)


def test_the_version_that_the_product_asks_for_is_the_newest_migration() -> None:
    assert SCRIPTS.get_heads() == [SCHEMA]


def test_migrations_make_exactly_what_the_models_say(stores: list[Store]) -> None:
    migrated, created = stores
    migrate(migrated, SCHEMA)
    upgrade(created)
    assert described(migrated) == described(created)
    assert (migrated.schema(), created.schema()) == (SCHEMA, SCHEMA)
    with migrated.read() as connection:
        context = MigrationContext.configure(connection, opts={"compare_type": True})
        assert compare_metadata(context, models.metadata) == []


@pytest.mark.parametrize("revision", REVISIONS)
def test_a_released_version_comes_up_to_date_with_everything_that_is_in_it(stores: list[Store], revision: str) -> None:
    old, _ = stores
    load(old, revision)
    upgrade(old)
    assert old.schema() == SCHEMA
    counted = dict.fromkeys((*outbox.STATES, "quarantined"), 1) | {"rejected": 2}
    found = leads.balance(old)
    assert found["balanced"]
    assert {state: found[state] for state in counted} == counted
    assert (found["received"], found["also"]["delivered"]) == (8, 1)
    (row,) = leads.find(old, Filter(references=("LF-DELIVERED2",)))
    detail = leads.detail(old, row)
    assert detail["values"] == {"firstName": "Zoë 👩‍👧", "tag": ["web", "quote"], "gclid": "x"}
    assert (detail["consent"], detail["received_at"]) == ({"language": "en", "items": []}, "2026-11-18T11:06:41.500Z")
    assert detail["deliveries"][0]["history"][0]["calls"][0]["status"] == 200


@pytest.mark.parametrize("revision", REVISIONS)
def test_what_a_released_version_left_unfinished_goes_on(stores: list[Store], revision: str) -> None:
    old, _ = stores
    load(old, revision)
    upgrade(old)
    claims = outbox.claim_due(old, outbox.Turn(100), old.now())
    assert [(claim.reference, claim.interrupted) for claim in claims] == [("LF-SENDING222", True)]
    outbox.resume(old, "quote/vendor", old.now())
    claims = outbox.claim_due(old, outbox.Turn(100), old.now())
    assert [(claim.reference, claim.attempts) for claim in claims] == [("LF-PENDING222", 1)]
    assert old.find_version("quote", "4b1de2f0a9c3") is not None


def test_an_upgrade_that_breaks_off_leaves_the_database_as_it_was(
    stores: list[Store], monkeypatch: pytest.MonkeyPatch
) -> None:
    old, new = stores
    migrate(old, SCHEMA_BEFORE)
    before = described(old)
    for here, last_step in (
        (old, "alembic.runtime.migration.HeadMaintainer.update_to_step"),
        (new, "leadferry.store._ALEMBIC_TABLE"),
    ):
        monkeypatch.setattr(last_step, _break_off)
        with pytest.raises(Exception):  # noqa: B017  # whatever it is that ends it
            upgrade(here)
        monkeypatch.undo()
    assert described(old) == before
    assert described(new) == {}
    for here in stores:
        upgrade(here)
        assert here.schema() == SCHEMA


def _break_off(*_: Any) -> None:
    raise RuntimeError("the process ends here")


def test_processes_that_start_together_on_nothing_make_one_schema(
    tmp_path: Path, database_url: str | None, empty_urls: list[str]
) -> None:
    """SQLite comes about by starting, PostgreSQL by the command."""
    installation = make(tmp_path / "installation", empty_urls[0])
    words = ["leads", "balance"] if database_url is None else ["db", "upgrade"]
    started = [installation.flask(*words) for _ in range(3)]
    assert [each.wait(60) for each in started] == [0, 0, 0]
    assert Store(empty_urls[0]).schema() == SCHEMA


def test_the_product_says_what_to_type_where_the_schema_is_missing(
    tmp_path: Path, database_url: str | None, empty_urls: list[str]
) -> None:
    if database_url is None:
        pytest.skip("SQLite's schema is brought up to date at every start")
    installation = make(tmp_path / "installation", empty_urls[0])
    words = f"leadferry: DATABASE_URL: the schema is missing, this version needs {SCHEMA}; run: flask db upgrade\n"
    result = installation.cli("leads", "balance")
    assert (result.exit_code, result.stderr) == (1, words)
    environ = {**os.environ, "PYTHONPATH": str(REPOSITORY), **installation.environ}
    server = [sys.executable, "-m", "gunicorn", "-c", str(REPOSITORY / "gunicorn.conf.py"), "-b", "127.0.0.1:0"]
    done = subprocess.run(
        [*server, "app:app"], cwd=tmp_path, env=environ, capture_output=True, text=True, timeout=60, check=False
    )
    assert done.returncode != 0
    assert words in done.stderr
    assert "Traceback" not in done.stderr

    assert installation.cli("forms", "check").exit_code == 0, "this needs no database"
    assert installation.cli("db", "upgrade").exit_code == 0
    assert installation.cli("leads", "balance").exit_code == 0
    installation.close()


def test_leads_are_taken_and_delivered_on_the_schema_of_the_version_before(
    tmp_path: Path, database_url: str | None, empty_urls: list[str], sandbox: SandboxServer
) -> None:
    """On a machine that was renewed before the database was. SQLite never stands so: its start upgrades it."""
    if database_url is None:
        pytest.skip("SQLite's schema is brought up to date at every start")
    old = Store(empty_urls[0])
    load(old, SCHEMA_BEFORE)
    installation = make(tmp_path / "installation", empty_urls[0], {"ALLOW_PRIVATE_VENDORS": "1"})
    for name, wait in (("at-once", 8), ("later", 0)):
        installation.form(name, BY_WEBHOOK.format(url=f"{sandbox.url}/webhook", wait=wait))
    installation.site.worker.start()
    for name in ("at-once", "later"):
        answer = installation.client.post(f"/f/{name}", json={"email": "jane@example.com"})
        assert answer.get_json()["Message"] == "Success"
        wait_until(lambda name=name: installation.leads("--form", name)[0]["state"] == "delivered")  # type: ignore[misc]
    assert old.schema() == SCHEMA_BEFORE
    installation.close()
    old.engine.dispose()


def test_a_schema_of_another_version_is_not_used(
    tmp_path: Path, database_url: str | None, empty_urls: list[str]
) -> None:
    newer = Store(empty_urls[0])
    upgrade(newer)
    with newer.write() as connection:
        connection.execute(text("UPDATE alembic_version SET version_num = '9999'"))
    newer.engine.dispose()
    installation = make(tmp_path / "installation", empty_urls[0])
    process = installation.flask("leads", "balance")
    assert process.wait(60) != 0
    said = (installation.root / "process.log").read_text()
    assert "DATABASE_URL" in said
    assert "9999" in said
    assert "Traceback" not in said
