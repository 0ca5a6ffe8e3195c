"""The database: connections, transactions, the schema's version, and the versions of forms."""

from __future__ import annotations

import fcntl
import hashlib
import os
import threading
import time
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import Connection, Engine, create_engine, event, func, select, text, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import DatabaseError, DBAPIError
from sqlalchemy.pool import ConnectionPoolEntry

from leadferry.config import Settings, SettingsError
from leadferry.models import form_version, heartbeat

try:
    import pysqlite3 as sqlite_driver
except ImportError:  # no wheel for this machine: Python's own, and the writer gate keeps its rare WAL fault away
    import sqlite3 as sqlite_driver

SCHEMA = "0001"
"""The newest migration. A test holds it against leadferry/migrations."""

StoreError = DBAPIError
"""What a caller sees when the database cannot do what was asked: disk full, locked, gone."""


@dataclass(frozen=True)
class PublishedForm:
    """One version of a form as kept in the store. ``origin`` is ``file`` or ``console``."""

    number: int
    form: str
    version: str
    content: str
    origin: str


class Store:
    """The one database of an installation: SQLite (one host), or PostgreSQL."""

    def __init__(self, url: str) -> None:
        self.is_sqlite = url.startswith("sqlite")
        self.path = Path(url.removeprefix("sqlite:///")) if self.is_sqlite else None
        self.engine = self._sqlite_engine(url) if self.is_sqlite else self._postgresql_engine(url)
        self._gate = _WriterGate(self.path.with_name(f"{self.path.name}.lock")) if self.path else None
        os.register_at_fork(after_in_child=self._after_fork)

    def _sqlite_engine(self, url: str) -> Engine:
        # Debian 12's own SQLite can damage a WAL file under rare races (fixed in 3.51.3), so the wheel's newer one.
        engine = create_engine(url, module=sqlite_driver, pool_size=16, max_overflow=128)
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
        return engine

    def _postgresql_engine(self, url: str) -> Engine:
        return create_engine(url, pool_size=16, max_overflow=48, pool_pre_ping=True)

    def _after_fork(self) -> None:
        """A connection must not be shared by two processes."""
        self.engine.dispose(close=False)

    @contextmanager
    def read(self) -> Iterator[Connection]:
        with self.engine.connect() as connection:
            yield connection.execution_options(leadferry_read=True)

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """One transaction, committed when the block ends and durable when this returns."""
        if self._gate is None:
            with self.engine.begin() as connection:
                yield connection
        else:
            with self._gate.held(), self.engine.begin() as connection:
                yield connection

    def insert_new(self, table: Any) -> Any:
        """An INSERT that does nothing where a row with the same unique key stands already."""
        dialect_insert = sqlite.insert if self.is_sqlite else postgresql.insert
        return dialect_insert(table).on_conflict_do_nothing()

    def one_at_a_time(self, connection: Connection, what: str) -> None:
        """Holds off other transactions that name the same thing, to this one's end. SQLite has one writer anyway."""
        if not self.is_sqlite:
            key = int.from_bytes(hashlib.sha256(what.encode()).digest()[:8], "big", signed=True)
            connection.execute(text("SELECT pg_advisory_xact_lock(:key)"), {"key": key})

    def now(self) -> float:
        """The time by which deliveries are due: PostgreSQL's, which all machines share, or this host's."""
        if self.is_sqlite:
            return time.time()
        with self.read() as connection:
            return float(connection.execute(text("SELECT extract(epoch FROM clock_timestamp())")).scalar_one())

    # --- versions of forms ---

    def publish(self, form: str, version: str, content: str, origin: str) -> None:
        """Makes a content the newest of its form; a version already known changes nothing."""
        row = {"form": form, "version": version, "content": content, "origin": origin, "published_at": time.time()}
        with self.write() as connection:
            connection.execute(self.insert_new(form_version).values(row))

    def newest_versions(self) -> list[PublishedForm]:
        newest = select(func.max(form_version.c.id)).group_by(form_version.c.form)
        with self.read() as connection:
            rows = connection.execute(_versions().where(form_version.c.id.in_(newest))).all()
        return [PublishedForm(*row) for row in rows]

    def find_version(self, form: str, version: str) -> PublishedForm | None:
        wanted = _versions().where(form_version.c.form == form, form_version.c.version == version)
        with self.read() as connection:
            row = connection.execute(wanted).first()
        return PublishedForm(*row) if row else None

    def last_version_number(self) -> int:
        with self.read() as connection:
            return int(connection.execute(select(func.max(form_version.c.id))).scalar() or 0)

    # --- the schema ---

    def schema(self) -> str | None:
        try:
            with self.read() as connection:
                found = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
        except DatabaseError:
            return None
        return str(found) if found else None

    def can_write(self) -> bool:
        """Whether a lead could be stored now, found out by a real commit."""
        try:
            with self.write() as connection:
                connection.execute(self.insert_new(heartbeat).values(name="readyz", at=0.0))
                connection.execute(update(heartbeat).where(heartbeat.c.name == "readyz").values(at=time.time()))
        except StoreError:
            return False
        return True


def open_store(settings: Settings) -> Store:
    """The store, its schema up to date: SQLite's is brought up at once, PostgreSQL's by `flask db upgrade`.

    Raises:
        SettingsError: the database cannot be opened, or its schema is not this version's.
    """
    store = Store(settings.database_url)
    if store.is_sqlite and store.path:
        store.path.parent.mkdir(parents=True, exist_ok=True)
    if store.schema() == SCHEMA:
        return store
    if not store.is_sqlite:
        raise SettingsError(_schema_trouble(store))
    upgrade(store)
    return store


def _schema_trouble(store: Store) -> str:
    try:
        with store.read() as connection:
            connection.execute(text("SELECT 1"))
    except StoreError as error:
        return f"DATABASE_URL: the database does not answer ({str(error.orig).strip().splitlines()[0]})"
    return (
        f"DATABASE_URL: the schema is {store.schema() or 'missing'}, this version needs {SCHEMA}; run: flask db upgrade"
    )


def upgrade(store: Store) -> None:
    """Brings the schema up to date, one process at a time."""
    from alembic import command  # noqa: PLC0415  # 0.3 s that only an upgrade needs
    from alembic.config import Config  # noqa: PLC0415

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).with_name("migrations")))
    with _upgrade_lock(store), store.engine.connect() as connection:
        config.attributes["connection"] = connection
        command.upgrade(config, "head")


@contextmanager
def _upgrade_lock(store: Store) -> Iterator[None]:
    if store.path:
        with _file_lock(store.path.with_name(f"{store.path.name}.upgrade")):
            _use_wal(store.path)
            yield
    else:
        with store.engine.connect() as connection:
            connection.execute(text("SELECT pg_advisory_lock(770001)"))
            yield
            connection.execute(text("SELECT pg_advisory_unlock(770001)"))


def back_up(store: Store, target: Path) -> None:
    """Copies a SQLite database whole while others use it.

    Raises:
        SettingsError: it is not SQLite, or the target is there already.
    """
    if store.path is None:
        raise SettingsError("DATABASE_URL: this is PostgreSQL; use pg_dump")
    if target.exists():
        raise SettingsError(f"{target} is there already; a backup never replaces one")
    draft = target.with_name(f"{target.name}.part")
    source, copy = sqlite_driver.connect(store.path, timeout=15), sqlite_driver.connect(draft)
    try:
        source.backup(copy)
    finally:
        copy.close()
        source.close()
    draft.rename(target)


def _use_wal(path: Path) -> None:
    """Kept in the file itself, so set once, under the lock: two processes at it get `database is locked`."""
    connection = sqlite_driver.connect(path, timeout=15)
    connection.execute("PRAGMA journal_mode=WAL")
    connection.close()


def _prepare_sqlite(connection: Any, _record: ConnectionPoolEntry) -> None:
    connection.isolation_level = None  # BEGIN is ours, see _begin_sqlite
    for pragma in ("synchronous=FULL", "busy_timeout=15000", "foreign_keys=ON", "trusted_schema=OFF"):
        connection.execute(f"PRAGMA {pragma}")


def _begin_sqlite(connection: Connection) -> None:
    """IMMEDIATE waits for its turn; a deferred transaction that turns to writing fails at once instead."""
    reading = connection.get_execution_options().get("leadferry_read")
    connection.exec_driver_sql("BEGIN" if reading else "BEGIN IMMEDIATE")


class _WriterGate:
    """One writer at a time over all threads and processes of this host, in turn.

    SQLite's own busy handler is unfair: under load a writer can starve for seconds.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._lock = threading.Lock()
        os.register_at_fork(after_in_child=self._after_fork)

    def _after_fork(self) -> None:
        self._lock = threading.Lock()

    @contextmanager
    def held(self) -> Iterator[None]:
        with self._lock, _file_lock(self._path):
            yield


@contextmanager
def _file_lock(path: Path) -> Iterator[None]:
    path.parent.mkdir(parents=True, exist_ok=True)
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _versions() -> Any:
    columns = form_version.c
    return select(columns.id, columns.form, columns.version, columns.content, columns.origin)
