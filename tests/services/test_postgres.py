from collections.abc import Iterator
from pathlib import Path

import pytest
from sqlalchemy import create_engine, make_url, text
from sqlalchemy.exc import OperationalError
from sqlalchemy.pool import NullPool

from tests.services.postgres import Postgres, PostgresMissingError, StopMode, find_programs, temporary_postgres


@pytest.fixture(scope="module")
def server() -> Iterator[Postgres]:
    with temporary_postgres() as postgres:
        yield postgres


def query(url: str, statement: str) -> object:
    engine = create_engine(url, poolclass=NullPool)
    with engine.begin() as connection:
        result = connection.execute(text(statement))
        return result.scalar() if result.returns_rows else None


def test_the_server_is_durable_and_listens_on_no_network_address(server: Postgres) -> None:
    shown = [query(server.url, f"SHOW {name}") for name in ("fsync", "synchronous_commit", "listen_addresses")]
    assert shown == ["on", "on", ""]
    assert query(server.url, "SELECT current_user || ' ' || current_database()") == "leadferry leadferry"


@pytest.mark.parametrize("mode", ["fast", "immediate", "kill"])
def test_what_was_committed_is_there_after_a_restart(server: Postgres, mode: StopMode) -> None:
    with server.new_database() as url:
        query(url, "CREATE TABLE kept AS SELECT 7 AS number")
        server.restart(mode)
        assert query(url, "SELECT number FROM kept") == 7


def test_a_stopped_server_answers_again_once_started(server: Postgres) -> None:
    server.stop()
    with pytest.raises(OperationalError):
        query(server.url, "SELECT 1")
    server.start()
    assert query(server.url, "SELECT 1") == 1


def test_a_new_database_is_a_copy_that_leaves_its_template_alone(server: Postgres) -> None:
    with server.new_database() as template:
        query(template, "CREATE TABLE leads (id integer)")
        with server.new_database(template) as copy:
            query(copy, "INSERT INTO leads VALUES (1)")
            assert query(copy, "SELECT count(*) FROM leads") == 1
        assert query(template, "SELECT count(*) FROM leads") == 0


def test_the_data_is_gone_when_the_server_is() -> None:
    with temporary_postgres() as postgres:
        folder = Path(str(make_url(postgres.url).query["host"]))
        assert (folder / "data").exists()
    assert not folder.exists()


def test_a_machine_without_postgresql_is_told_what_to_install(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(Path, "glob", lambda *_: iter(()))
    monkeypatch.setenv("PATH", "/nonexistent")
    with pytest.raises(PostgresMissingError, match="apt-get install postgresql"):
        find_programs()
