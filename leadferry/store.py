"""The database: connections, transactions, the schema's version, and the versions of forms."""

from __future__ import annotations

import fcntl
import hashlib
import logging
import math
import os
import threading
import time
from collections.abc import Callable, Iterable, Iterator, Sequence
from contextlib import AbstractContextManager, ExitStack, closing, contextmanager, nullcontext
from dataclasses import dataclass, replace
from functools import cached_property, lru_cache, partial
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import Connection, Engine, create_engine, event, func, insert, inspect, select, text, update
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.exc import DataError, DBAPIError, IntegrityError, InvalidatePoolError, ProgrammingError
from sqlalchemy.exc import TimeoutError as NoConnectionFree
from sqlalchemy.pool import ConnectionPoolEntry

from leadferry.commits import Busy, NotCommitted, SharedCommits
from leadferry.config import Settings, SettingsError
from leadferry.gathering import Gathering
from leadferry.models import form_publication, form_version, heartbeat, metadata
from leadferry.sealing import Sealer
from leadferry.statements import Statement, in_a_stream

try:
    import pysqlite3 as _sqlite
except ImportError:  # no wheel for this machine: Python's own, and the writer gate keeps its rare WAL fault away
    import sqlite3 as _sqlite

sqlite_driver: Any = _sqlite
T = TypeVar("T")
Item = TypeVar("Item")
log = logging.getLogger("leadferry.store")

SCHEMA = "0002"
"""The newest migration. A test holds it against leadferry/migrations."""

SCHEMA_BEFORE = "0001"
"""The version before takes and delivers leads too, so that machines can be renewed one by one before an upgrade."""

SECONDS_BETWEEN_LOOKS = 60.0
BUSY_SECONDS = 15
"""How long a writer waits for others before it gives up."""

KEPT = 16
"""Connections to PostgreSQL that a process keeps; more are opened for a moment only."""

IDLE_SECONDS = 1.0
"""After which a connection to PostgreSQL is looked at before it is used again."""

WRITERS = 12
"""Transactions of a process that write to PostgreSQL at once; the rest of the kept connections is for reading."""

_ON_CONNECT = (
    "SET idle_in_transaction_session_timeout = '15s'",  # a host that was cut off must not keep its locks
    "SET lock_timeout = '10s'",
)
_POSTGRESQL_NETWORK = {
    "connect_timeout": 5,
    "keepalives_idle": 10,
    "keepalives_interval": 5,
    "keepalives_count": 3,
    "tcp_user_timeout": 20_000,
}
"""A server that has silently gone is noticed within half a minute, not after the operating system's hours."""


_LOCK = Statement(text("SELECT pg_advisory_xact_lock(:key)"))
_TRY_LOCK = Statement(text("SELECT pg_try_advisory_xact_lock(:key)"))
_CLOCK = Statement(text("SELECT extract(epoch FROM clock_timestamp())"))
_NEW_PUBLICATION = Statement(insert(form_publication))


class StoreError(Exception):
    """The database cannot do what was asked: disk full, locked, gone, no connection free in time.

    Nothing was changed, as far as is known: where the connection broke at the very commit, nobody can know.
    """


class StoreRefusal(StoreError):
    """The database will never do what was asked: trying once more is no use."""


@dataclass(frozen=True)
class PublishedForm:
    """One publication of a form. ``origin`` is ``file``, ``console`` or ``archive``, whose content is empty.

    ``at`` is in seconds since 1970, ``by`` who published it in the console. ``in_console``: it was ever published
    there, so that it needs no file.
    """

    number: int
    form: str
    version: str
    content: str
    origin: str
    at: float = 0.0
    by: str | None = None
    in_console: bool = False

    @property
    def is_archived(self) -> bool:
        return not self.version


class Store:
    """The one database of an installation: SQLite (one host), or PostgreSQL."""

    def __init__(self, url: str, sensitive_key: Callable[[], str] | None = None) -> None:
        self._sensitive_key = sensitive_key
        self.is_sqlite = url.startswith("sqlite")
        self.path = Path(url.removeprefix("sqlite:///")) if self.is_sqlite else None
        self.engine = self._sqlite_engine(url) if self.is_sqlite else self._postgresql_engine(url)
        self._commits = SharedCommits(self._turn_to_write) if self.is_sqlite else None
        self._writers = threading.BoundedSemaphore(WRITERS)
        self._gatherings: dict[Callable[..., Any], Gathering[Any, Any]] = {}
        self._tables: dict[str, float | None] = {}  # None for those that are there, else when they were last missed
        os.register_at_fork(after_in_child=self._after_fork)

    def _sqlite_engine(self, url: str) -> Engine:
        # Debian 12's own SQLite can damage a WAL file under rare races (fixed in 3.51.3), so the wheel's newer one.
        # The one that was used last comes first: each keeps two megabytes of the file, and few are needed at once.
        engine = create_engine(url, module=sqlite_driver, pool_size=16, max_overflow=128, pool_use_lifo=True)
        event.listen(engine, "connect", _prepare_sqlite)
        event.listen(engine, "begin", _begin_sqlite)
        return engine

    def _postgresql_engine(self, url: str) -> Engine:
        engine = create_engine(url, connect_args=_POSTGRESQL_NETWORK, pool_size=KEPT, max_overflow=48, pool_timeout=10)
        event.listen(engine, "connect", _prepare_postgresql)
        event.listen(engine, "checkin", _note_use)
        event.listen(engine, "checkout", partial(_look_at_idle, engine.dialect.loaded_dbapi.Error))
        return engine

    def _after_fork(self) -> None:
        """A connection must not be shared by two processes."""
        self.engine.dispose(close=False)
        self._writers = threading.BoundedSemaphore(WRITERS)
        for gathering in self._gatherings.values():
            gathering.start_anew()
        if self._commits:
            self._commits.start_anew()

    @cached_property
    def sealer(self) -> Sealer:
        """What sensitive answers are sealed with. Raises StoreError: there is no key, and none can be kept."""
        try:
            return Sealer(self._sensitive_key() if self._sensitive_key else "")
        except SettingsError as error:
            raise StoreError(str(error)) from None

    @contextmanager
    def read(self) -> Iterator[Connection]:
        with _trouble_named(), self.engine.connect() as connection:
            yield connection.execution_options(leadferry_read=True)

    @contextmanager
    def write(self) -> Iterator[Connection]:
        """One transaction, committed when the block ends and durable when this returns."""
        transaction = self._commits.write(BUSY_SECONDS) if self._commits else self._one_of_several(Connection.begin)
        with _trouble_named(), transaction as connection:
            yield connection

    def transact(self, work: Callable[[Connection], T], seconds: float = BUSY_SECONDS) -> T:
        """As ``write``, for what many threads do at once: whoever has the turn does the work of all who wait.

        ``work`` may be done by another thread, so it only writes and reads, and waits for nothing. It does so by
        ``Statement`` alone, which PostgreSQL is sent as a stream. ``seconds``: how long to wait for others.
        """
        with _trouble_named():
            if self._commits:
                return self._commits.run(work, seconds)
            with self._one_of_several(in_a_stream, seconds) as connection:
                return work(connection)

    def transact_together(
        self, work: Callable[[Store, Connection, Sequence[Item], bool], Sequence[T | None]], item: Item
    ) -> T:
        """As ``transact``, for the same done by many threads: ``work`` gets what all of them want, and answers each.

        For one that has to wait ``work`` answers None, and is asked once more with it alone, as its last argument says.
        """
        gathering = self._gatherings.get(work)
        if gathering is None:
            made = Gathering(self.transact, partial(work, self), _is_everybodys)
            gathering = self._gatherings.setdefault(work, made)  # another thread may have been at it too
        with _trouble_named():
            found: T = gathering.run(item, BUSY_SECONDS)
            return found

    @contextmanager
    def _one_of_several(
        self, manner: Callable[[Connection], AbstractContextManager[Any]], seconds: float = BUSY_SECONDS
    ) -> Iterator[Connection]:
        """PostgreSQL lets commits share a sync by itself; more writers than kept connections would open new ones."""
        if not self._writers.acquire(timeout=seconds):
            raise Busy
        try:
            with self.engine.connect() as connection, manner(connection):
                yield connection
        finally:
            self._writers.release()

    @contextmanager
    def _turn_to_write(self) -> Iterator[Connection]:
        """SQLite's one transaction at a time, over all processes of this host, in turn.

        Its own busy handler is unfair: under load a writer can starve for seconds.
        """
        with self._gate(), self.engine.begin() as connection:
            yield connection

    @contextmanager
    def _gate(self) -> Iterator[None]:
        """The lock, and the place of who comes next: without that, whoever lets the lock go has taken it again before
        another process wakes up.
        """
        if self.path is None:
            yield
            return
        with ExitStack() as gate:
            with _file_lock(self.path.with_name(f"{self.path.name}.next")):
                gate.enter_context(_file_lock(self.path.with_name(f"{self.path.name}.lock")))
            yield

    def forget_log(self) -> None:
        """Takes what was overwritten out of SQLite's log too, unless somebody is just reading it."""
        if self.path:
            with _trouble_named(), closing(sqlite_driver.connect(self.path, timeout=1)) as connection:
                connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def insert_new(self, table: Any) -> Any:
        """An INSERT that does nothing where a row with the same unique key stands already."""
        return _insert_new(table, is_sqlite=self.is_sqlite)

    def inserting_new(self, table: Any) -> Statement:
        """The same, put together once; it returns the key of a row that is new."""
        return _inserting_new(table, is_sqlite=self.is_sqlite)

    def one_at_a_time(self, connection: Connection, what: str) -> None:
        """Holds off other transactions that name the same thing, to this one's end. SQLite has one writer anyway."""
        if not self.is_sqlite:
            _LOCK.run(connection, {"key": _lock_key(what)})

    def try_alone(self, connection: Connection, several: Sequence[str]) -> Callable[[], set[str]]:
        """As ``one_at_a_time`` for each of them, without waiting: gives those that others hold.

        The answer is there when what is returned is called; other statements may be sent until then.
        """
        if self.is_sqlite:
            return set
        answers = {what: _TRY_LOCK.ask(connection, {"key": _lock_key(what)}) for what in several}
        return lambda: {what for what, answer in answers.items() if not answer()[0][0]}

    def now(self) -> float:
        """The time by which deliveries are due: PostgreSQL's, which all machines share, or this host's."""
        with nullcontext() if self.is_sqlite else self.read() as connection:
            return self.ask_now(connection)()

    def ask_now(self, connection: Connection | None) -> Callable[[], float]:
        """The same within a transaction; the answer is there when what is returned is called."""
        if self.is_sqlite:
            return time.time
        assert connection is not None
        answer = _CLOCK.ask(connection, {})
        return lambda: float(answer()[0][0])

    # --- versions of forms ---

    def publish(self, form: str, version: str, content: str, origin: str, by: str | None = None) -> None:
        """Makes a content the newest of its form. From a file, one that was ever published changes nothing."""
        with self.write() as connection:
            self.publish_in(connection, form, version, content, origin, by)

    def publish_files(self, files: Iterable[tuple[str, str, str]]) -> None:
        """Form, version and content of each, in one transaction: a thousand of them take a moment on any disk."""
        with self.write() as connection:
            has_history = self._begin_to_publish(connection)
            for form, version, content in files:
                self._publish(connection, has_history, form, version, content, "file", None)

    def publish_in(
        self, connection: Connection, form: str, version: str, content: str, origin: str, by: str | None = None
    ) -> None:
        """The same within a transaction. An empty version archives the form."""
        has_history = self._begin_to_publish(connection)
        self._publish(connection, has_history, form, version, content, origin, by)

    def _begin_to_publish(self, connection: Connection) -> bool:
        """Whether publications have a table of their own; that stays so to the transaction's end."""
        self.one_at_a_time(connection, "upgrade")  # so numbers grow as publications come, and none slips by an upgrade
        return inspect(connection).has_table(form_publication.name)

    def _publish(
        self,
        connection: Connection,
        has_history: bool,
        form: str,
        version: str,
        content: str,
        origin: str,
        by: str | None,
    ) -> None:
        now = time.time()
        is_new = False
        if version:
            row = {"form": form, "version": version, "content": content, "origin": origin, "published_at": now}
            is_new = self.inserting_new(form_version).first(connection, row) is not None
        if has_history and (is_new or origin != "file"):
            row = {"form": form, "version": version, "origin": origin, "at": now, "by": by}
            _NEW_PUBLICATION.run(connection, row)

    def newest_versions(self) -> list[PublishedForm]:
        """What is served of each form, archived ones among them."""
        if not self.has_table(form_publication.name):
            return self._newest_before()
        columns = form_publication.c
        newest = select(func.max(columns.id)).group_by(columns.form)
        with self.read() as connection:
            in_console = set(connection.execute(select(columns.form).where(columns.origin == "console")).scalars())
            rows = connection.execute(_publications().where(columns.id.in_(newest))).all()
        return [replace(PublishedForm(*row), in_console=row.form in in_console) for row in rows]

    def _newest_before(self) -> list[PublishedForm]:
        """In the version before of the schema, where a content was published but once."""
        newest = select(func.max(form_version.c.id)).group_by(form_version.c.form)
        with self.read() as connection:
            rows = connection.execute(_versions().where(form_version.c.id.in_(newest))).all()
        return [replace(PublishedForm(*row), in_console=row.origin == "console") for row in rows]

    def publications(self, form: str, limit: int = 200) -> list[PublishedForm]:
        """All that a form ever was, the newest first."""
        with self.read() as connection:
            rows = connection.execute(_publications_of(form).limit(limit)).all()
        return [PublishedForm(*row) for row in rows]

    def newest_in(self, connection: Connection, form: str) -> PublishedForm | None:
        """What is served of a form, within a transaction."""
        row = connection.execute(_publications_of(form).limit(1)).first()
        return PublishedForm(*row) if row else None

    def find_version(self, form: str, version: str) -> PublishedForm | None:
        wanted = _versions().where(form_version.c.form == form, form_version.c.version == version)
        with self.read() as connection:
            row = connection.execute(wanted).first()
        return PublishedForm(*row) if row else None

    def last_version_number(self) -> int:
        """Grows with each publication."""
        table = form_publication if self.has_table(form_publication.name) else form_version
        with self.read() as connection:
            return int(connection.execute(select(func.max(table.c.id))).scalar() or 0)

    # --- the schema ---

    def has_table(self, name: str) -> bool:
        """Whether the schema has it; one that is missing in the version before is looked for once a minute."""
        looked_at = self._tables.get(name, -math.inf)
        if looked_at is not None and time.monotonic() - looked_at > SECONDS_BETWEEN_LOOKS:
            with self.read() as connection:  # not the engine's own: that would wait for its turn to write
                self._tables[name] = None if inspect(connection).has_table(name) else time.monotonic()
        return self._tables[name] is None

    def schema(self) -> str | None:
        """The migration that the database stands at; None where there is none, or no answer."""
        try:
            with self.read() as connection:
                found = connection.execute(text("SELECT version_num FROM alembic_version")).scalar()
        except StoreError:
            return None
        return str(found) if found else None

    def require_schema(self) -> None:
        """Raises SettingsError: the database does not answer, or its schema is not one that this version can use."""
        found = self.schema()
        if found == SCHEMA_BEFORE:
            log.warning("the schema is of the version before; when every machine is renewed, run: flask db upgrade")
        if found in {SCHEMA, SCHEMA_BEFORE}:
            return
        try:
            with self.read() as connection:
                connection.execute(text("SELECT 1"))
        except StoreError as error:
            raise SettingsError(f"DATABASE_URL: the database does not answer ({error})") from None
        found = found or "missing"
        raise SettingsError(f"DATABASE_URL: the schema is {found}, this version needs {SCHEMA}; run: flask db upgrade")

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
    """The store. SQLite's schema is brought up to date at once, PostgreSQL's by `flask db upgrade`.

    Raises:
        SettingsError: the SQLite file cannot be opened.
    """
    store = Store(settings.database_url, settings.sensitive_key)
    if store.path:
        try:
            store.path.parent.mkdir(parents=True, exist_ok=True)
            if store.schema() != SCHEMA or not _uses_wal(store):
                upgrade(store)
        except (StoreError, OSError) as error:
            raise SettingsError(f"DATABASE_URL: {store.path} cannot be used ({error})") from None
    return store


def upgrade(store: Store) -> None:
    """Brings the schema up to date, one process at a time, in one transaction.

    Raises:
        StoreError: it stands as it was; the database does not take it, or was made by a newer version.
    """
    with _trouble_named(), _upgrade_lock(store), store.engine.connect() as connection:
        if not store.is_sqlite:
            connection.execute(text("SET LOCAL lock_timeout = 0"))
            store.one_at_a_time(connection, "upgrade")
        if inspect(connection).get_table_names():
            _migrate(store, connection)
        else:
            _make_schema(connection)


def _make_schema(connection: Connection) -> None:
    """Where there is nothing yet: what the migrations would make, without the tenths of a second that they take."""
    metadata.create_all(connection)
    connection.execute(text(_ALEMBIC_TABLE))
    connection.execute(text("INSERT INTO alembic_version VALUES (:newest)"), {"newest": SCHEMA})
    connection.commit()


_ALEMBIC_TABLE = """
CREATE TABLE alembic_version (
    version_num VARCHAR(32) NOT NULL,
    CONSTRAINT alembic_version_pkc PRIMARY KEY (version_num)
)
"""


def _migrate(store: Store, connection: Connection) -> None:
    from alembic import command  # noqa: PLC0415  # 0.3 s that only a migration needs
    from alembic.config import Config  # noqa: PLC0415
    from alembic.util import CommandError  # noqa: PLC0415

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).with_name("migrations")))
    config.attributes["connection"] = connection
    try:
        command.upgrade(config, "head")
    except CommandError as error:
        raise StoreRefusal(f"its schema is {store.schema()}, which this version does not know") from error


def _insert_new(table: Any, *, is_sqlite: bool) -> Any:
    return (sqlite.insert if is_sqlite else postgresql.insert)(table).on_conflict_do_nothing()


@lru_cache
def _inserting_new(table: Any, *, is_sqlite: bool) -> Statement:
    return Statement(_insert_new(table, is_sqlite=is_sqlite).returning(*table.primary_key))


def _lock_key(what: str) -> int:
    return int.from_bytes(hashlib.sha256(what.encode()).digest()[:8], "big", signed=True)


def _is_everybodys(error: BaseException) -> bool:
    return isinstance(error, StoreError) and not isinstance(error, StoreRefusal)


@contextmanager
def _upgrade_lock(store: Store) -> Iterator[None]:
    if store.path:
        with _file_lock(store.path.with_name(f"{store.path.name}.upgrade")):
            _use_wal(store.path)
            yield
    else:
        yield  # the transaction's own lock does


def _uses_wal(store: Store) -> bool:
    with store.read() as connection:
        return connection.execute(text("PRAGMA journal_mode")).scalar() == "wal"


def _use_wal(path: Path) -> None:
    """Kept in the file itself, so set once, under the lock: two processes at it get `database is locked`."""
    with closing(sqlite_driver.connect(path, timeout=BUSY_SECONDS)) as connection:
        connection.execute("PRAGMA journal_mode=WAL")


def _prepare_sqlite(connection: Any, _record: ConnectionPoolEntry) -> None:
    connection.isolation_level = None  # BEGIN is ours, see _begin_sqlite
    pragmas = (
        "synchronous=FULL",
        f"busy_timeout={BUSY_SECONDS * 1000}",
        "foreign_keys=ON",
        "trusted_schema=OFF",
        "secure_delete=ON",  # what is erased is overwritten in the file too
    )
    for pragma in pragmas:
        connection.execute(f"PRAGMA {pragma}")


def _prepare_postgresql(connection: Any, _record: ConnectionPoolEntry) -> None:
    for statement in _ON_CONNECT:
        connection.execute(statement)
    connection.commit()


def _note_use(_connection: Any, record: ConnectionPoolEntry) -> None:
    record.info["used_at"] = time.monotonic()


def _look_at_idle(trouble: type[Exception], connection: Any, record: ConnectionPoolEntry, _checked_out: Any) -> None:
    """Whether a connection that nobody has used for a while is still one: the server may have been restarted.

    SQLAlchemy's own ping asks each time, which under load is a message more for every transaction.
    """
    if time.monotonic() - record.info.get("used_at", math.inf) < IDLE_SECONDS:
        return
    try:
        connection.autocommit = True  # or a transaction would begin
        connection.execute("")
        connection.autocommit = False
    except trouble:
        raise InvalidatePoolError from None


def _begin_sqlite(connection: Connection) -> None:
    """IMMEDIATE waits for its turn; a deferred transaction that turns to writing fails at once instead."""
    reading = connection.get_execution_options().get("leadferry_read")
    database: Any = connection.connection.dbapi_connection
    database.execute("BEGIN" if reading else "BEGIN IMMEDIATE")


@contextmanager
def _trouble_named() -> Iterator[None]:
    """Whatever way the database, its file or its connections fail: one exception for the callers."""
    try:
        yield
    except (DataError, IntegrityError, ProgrammingError) as error:
        raise StoreRefusal(_first_line(error.orig)) from error
    except DBAPIError as error:
        raise StoreError(_first_line(error.orig)) from error
    except NotCommitted as error:
        raise StoreError(_first_line(getattr(error.__cause__, "orig", error))) from error
    except Busy:
        raise StoreError("the database is busy") from None
    except (NoConnectionFree, OSError, sqlite_driver.Error) as error:
        raise StoreError(_first_line(error)) from error


def _first_line(error: object) -> str:
    return next(iter(str(error).strip().splitlines()), type(error).__name__)


@contextmanager
def _file_lock(path: Path) -> Iterator[None]:
    descriptor = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
    try:
        fcntl.flock(descriptor, fcntl.LOCK_EX)
        yield
    finally:
        os.close(descriptor)


def _versions() -> Any:
    columns = form_version.c
    return select(
        columns.id, columns.form, columns.version, columns.content, columns.origin, columns.published_at.label("at")
    )


def _publications() -> Any:
    columns, content = form_publication.c, func.coalesce(form_version.c.content, "").label("content")
    is_its = (form_version.c.form == columns.form) & (form_version.c.version == columns.version)
    return select(
        columns.id, columns.form, columns.version, content, columns.origin, columns.at, columns.by
    ).select_from(form_publication.outerjoin(form_version, is_its))


def _publications_of(form: str) -> Any:
    return _publications().where(form_publication.c.form == form).order_by(form_publication.c.id.desc())
