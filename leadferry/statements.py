"""Statements of the hot path: put together once for each database, and executed by its own driver.

What SQLAlchemy does anew at each execution costs more than what SQLite does. It still writes the SQL, for either
database, and it still names the errors.
"""

from __future__ import annotations

import json
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import closing, contextmanager, suppress
from typing import Any

from sqlalchemy import Column, Connection, Table, bindparam, insert
from sqlalchemy.exc import DBAPIError

Row = tuple[Any, ...]
Values = Mapping[str, Any]


class Statement:
    """One INSERT, UPDATE or SELECT. It gives rows as the driver does: JSON columns are not read."""

    def __init__(self, statement: Any) -> None:
        self._statement = statement
        self._made: dict[tuple[str, ...], _Made] = {}

    def rows(self, connection: Connection, values: Values) -> list[Row]:
        return self.ask(connection, values)()

    def ask(self, connection: Connection, values: Values) -> Callable[[], list[Row]]:
        """As ``rows``, which are there when what is returned is called; other statements may be sent until then.

        SQLite's are fetched at once: it answers without a wait, and an open cursor would be in a rollback's way.
        """
        made = self._for(connection, values)
        with _errors_named(connection, made.text):
            cursor = connection.connection.cursor()
            cursor.execute(made.text, made.parameters(values))
            if connection.dialect.name == "sqlite":
                with closing(cursor):
                    found = list(cursor.fetchall())
                return lambda: found

        def answer() -> list[Row]:
            with _errors_named(connection, made.text), closing(cursor):
                return list(cursor.fetchall())

        return answer

    def first(self, connection: Connection, values: Values) -> Row | None:
        return next(iter(self.rows(connection, values)), None)

    def scalar(self, connection: Connection, values: Values) -> Any:
        """The first column of the one row that there is."""
        ((found, *_),) = self.rows(connection, values)
        return found

    def run(self, connection: Connection, *values: Values) -> None:
        """For each of ``values``, which all have the same keys; what it returns is not asked for."""
        made = self._for(connection, values[0])
        with _errors_named(connection, made.text), closing(connection.connection.cursor()) as cursor:
            if len(values) == 1:
                cursor.execute(made.text, made.parameters(values[0]))
            else:
                cursor.executemany(made.text, [made.parameters(each) for each in values])

    def _for(self, connection: Connection, values: Values) -> _Made:
        key = (connection.dialect.name, *values)
        made = self._made.get(key)
        if made is None:
            made = self._made[key] = _Made(self._statement, connection.dialect, values)
        return made


class Insert:
    """INSERT of any number of rows, as many as possible at once: several cost little more than one."""

    MOST = 32

    def __init__(self, table: Table, *returning: Column[Any]) -> None:
        self._table = table
        self._returning = returning
        self._made: dict[tuple[str, ...], Statement] = {}

    def rows(self, connection: Connection, rows: Sequence[Values]) -> list[Row]:
        """All have the same columns. What is returned of them comes in no certain order."""
        answers = [self._of(part).ask(connection, _numbered(part)) for part in _in_powers(rows, self.MOST)]
        return [row for answer in answers for row in answer()]

    def run(self, connection: Connection, rows: Sequence[Values]) -> None:
        for part in _in_powers(rows, self.MOST):
            self._of(part).run(connection, _numbered(part))

    def _of(self, rows: Sequence[Values]) -> Statement:
        key = (str(len(rows)), *rows[0])
        if key not in self._made:
            columns = [self._table.c[name] for name in rows[0]]
            values = [
                {column.name: bindparam(f"{column.name}_{place}", type_=column.type) for column in columns}
                for place in range(len(rows))
            ]
            made = insert(self._table).values(values)
            self._made[key] = Statement(made.returning(*self._returning) if self._returning else made)
        return self._made[key]


def _in_powers(rows: Sequence[Values], most: int) -> Iterator[Sequence[Values]]:
    """Parts whose lengths are powers of two, so that a few texts serve any number."""
    start = 0
    while start < len(rows):
        length = min(most, 1 << ((len(rows) - start).bit_length() - 1))
        yield rows[start : start + length]
        start += length


def _numbered(rows: Sequence[Values]) -> dict[str, Any]:
    return {f"{name}_{place}": value for place, row in enumerate(rows) for name, value in row.items()}


def read_json(found: Any) -> Any:
    """A value of a JSON column as the driver gave it: PostgreSQL's has read it, SQLite's gives the text."""
    return json.loads(found) if isinstance(found, str) else found


class _Made:
    """The SQL for one database, and how its parameters are written."""

    def __init__(self, statement: Any, dialect: Any, values: Values) -> None:
        compiled = statement.compile(dialect=dialect, column_keys=list(values))
        assert not compiled.post_compile_params, "a list of unknown length has no fixed text"
        self.text = str(compiled)
        self._names: Sequence[str] | None = compiled.positiontup if compiled.positional else None
        writers = {name: _writer(bind.type, dialect) for name, bind in compiled.binds.items()}
        self._writers = {name: write for name, write in writers.items() if write and name in values}
        fixed = {name: value for name, value in compiled.params.items() if name not in values}
        self._fixed = {name: _written(value, writers[name]) for name, value in fixed.items()}

    def parameters(self, values: Values) -> Any:
        found = {**self._fixed, **values}
        for name, write in self._writers.items():
            found[name] = write(found[name])
        return found if self._names is None else [found[name] for name in self._names]


def _writer(kind: Any, dialect: Any) -> Callable[[Any], Any] | None:
    found: Callable[[Any], Any] | None = kind.dialect_impl(dialect).bind_processor(dialect)
    return found


def _written(value: Any, write: Callable[[Any], Any] | None) -> Any:
    return write(value) if write else value


@contextmanager
def in_a_stream(connection: Connection) -> Iterator[None]:
    """A transaction of which PostgreSQL is sent each statement without a wait for its answer, until rows are asked for.

    Statements only: what SQLAlchemy executes wants its answer at once. An error may come at a later statement, or at
    the block's end.
    """
    database: Any = connection.connection.dbapi_connection
    with _errors_named(connection, ""), database.pipeline() as pipeline, connection.begin():
        try:
            yield
        except BaseException:
            # or the rollback would raise what came of the statements that were sent behind the one that failed
            with suppress(connection.dialect.loaded_dbapi.Error):
                pipeline.sync()
            raise


@contextmanager
def _errors_named(connection: Connection, text: str) -> Iterator[None]:
    """The driver's errors are named as by SQLAlchemy, and a connection that broke is not used again."""
    dialect = connection.dialect
    driver: Any = dialect.dbapi
    try:
        yield
    except driver.Error as error:
        is_gone = dialect.is_disconnect(error, connection.connection.dbapi_connection, None)
        if is_gone:
            connection.invalidate(error)
        raise DBAPIError.instance(
            text, None, error, driver.Error, hide_parameters=True, connection_invalidated=is_gone, dialect=dialect
        ) from error
