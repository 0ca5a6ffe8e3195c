"""One PostgreSQL database for many tests, of which each finds it as if it were new."""

import time
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from typing import Any, Self

import psycopg
from psycopg import sql

from tests.services.postgres import Postgres

_FINGERPRINT = """
SELECT (SELECT array_agg((oid, xmin) ORDER BY oid) FROM pg_class WHERE relnamespace = 'public'::regnamespace)::text,
    (SELECT array_agg((attrelid, attnum, a.xmin) ORDER BY attrelid, attnum) FROM pg_attribute a
        JOIN pg_class c ON c.oid = attrelid WHERE relnamespace = 'public'::regnamespace)::text,
    (SELECT array_agg((oid, xmin) ORDER BY oid) FROM pg_constraint)::text,
    (SELECT array_agg((oid, xmin) ORDER BY oid) FROM pg_trigger)::text,
    (SELECT array_agg((oid, xmin) ORDER BY oid) FROM pg_proc WHERE pronamespace = 'public'::regnamespace)::text,
    (SELECT array_agg((setrole, s.xmin) ORDER BY setrole) FROM pg_db_role_setting s
        JOIN pg_database d ON d.oid = setdatabase WHERE datname = current_database())::text,
    (SELECT count(*) FROM pg_statistic JOIN pg_class c ON c.oid = starelid
        WHERE relnamespace = 'public'::regnamespace),
    (SELECT array_agg((version_num, xmin)) FROM alembic_version)::text
"""
"""What a change of the schema, of the database's settings or of the planner's figures changes, and leads do not."""

_OTHERS = "SELECT pid FROM pg_stat_activity WHERE datname = current_database() AND pid <> pg_backend_pid()"
_TABLES = "SELECT relname FROM pg_class WHERE relkind = 'r' AND relnamespace = 'public'::regnamespace"
_SEQUENCES = "SELECT setval(oid, 1, false) FROM pg_class WHERE relkind = 'S' AND relnamespace = 'public'::regnamespace"
_PAGES = "SELECT max(pg_relation_size(oid)) / 8192 FROM pg_class WHERE relnamespace = 'public'::regnamespace"

MOST_PAGES = 100
"""A table that a test left larger has a new one: how the planner goes about it should not depend on who came before."""


class ReusedDatabase:
    """A database for one test after the other. To empty one costs a tenth of making one.

    Each test finds it as the template is: one whose schema a test has changed, or whose tables it has blown up, is
    dropped, and the next test gets a new one.
    """

    def __init__(self, server: Postgres, template: str) -> None:
        self._server = server
        self._template = template
        self._life = ExitStack()
        self._url: str | None = None
        self._made: tuple[Any, ...] = ()

    def __enter__(self) -> Self:
        return self

    def __exit__(self, *_: object) -> None:
        self._drop()

    @contextmanager
    def empty(self) -> Iterator[str]:
        """Nobody else is connected to it, before and after."""
        if self._url is None:
            self._make()
        try:
            yield str(self._url)
        finally:
            if not self._is_emptied():
                self._drop()

    def _make(self) -> None:
        self._url = self._life.enter_context(self._server.new_database(template=self._template))
        with self._connected() as connection:
            self._made = self._fingerprint(connection)

    def _drop(self) -> None:
        self._life.close()
        self._url = None

    def _is_emptied(self) -> bool:
        try:
            with self._connected() as connection:
                _hang_up_others(connection)
                if self._fingerprint(connection) != self._made or _one(connection, _PAGES) > MOST_PAGES:
                    return False
                self._empty(connection)
                return True
        except psycopg.Error:  # whatever it is, a new one has it not
            return False

    def _fingerprint(self, connection: psycopg.Connection) -> tuple[Any, ...]:
        return tuple(connection.execute(_FINGERPRINT).fetchone() or ())

    def _empty(self, connection: psycopg.Connection) -> None:
        with connection.transaction():
            connection.execute("SET LOCAL session_replication_role = replica")  # no order, no checks
            for (table,) in connection.execute(_TABLES).fetchall():
                if table != "alembic_version":
                    connection.execute(sql.SQL("DELETE FROM {}").format(sql.Identifier(table)))
            connection.execute(_SEQUENCES)

    def _connected(self) -> psycopg.Connection:
        return psycopg.connect(str(self._url).replace("+psycopg", ""), autocommit=True)


def _hang_up_others(connection: psycopg.Connection) -> None:
    while others := connection.execute(_OTHERS).fetchall():
        for (pid,) in others:
            connection.execute("SELECT pg_terminate_backend(%s)", [pid])
        time.sleep(0.002)


def _one(connection: psycopg.Connection, query: str) -> Any:
    (found,) = connection.execute(query).fetchone() or (None,)
    return found
