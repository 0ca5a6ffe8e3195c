"""The bare minimum of storing a post: the same rows by the database's own driver, and nothing else.

`python -m bench.writers URL CONNECTIONS SECONDS` writes to PostgreSQL from a process of its own, and prints how many.
"""

from __future__ import annotations

import json
import secrets
import subprocess
import sys
import threading
import time
from collections.abc import Callable, Sequence
from contextlib import closing
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import psycopg
from sqlalchemy import make_url

from leadferry.store import sqlite_driver
from tests.installation import REPOSITORY

TABLES = ("lead", "delivery", "lead_search")
"""Where a post leaves rows."""


@dataclass(frozen=True)
class Post:
    """The rows of one post that was stored, as the driver gives them: by table the columns and each row's values."""

    rows: dict[str, tuple[list[str], list[tuple[Any, ...]]]]

    @classmethod
    def newest(cls, query: Callable[[str], Any]) -> Post:
        number = query("SELECT max(id) FROM lead").fetchone()[0]
        rows = {}
        for table in TABLES:
            found = query(f"SELECT * FROM {table} WHERE {'id' if table == 'lead' else 'lead_id'} = {number}")
            columns = [each[0] for each in found.description]
            rows[table] = (columns, [tuple(map(_as_sent, row)) for row in found.fetchall()])
        return cls(rows)

    def statements(self, mark: str) -> list[tuple[str, list[str], list[tuple[Any, ...]]]]:
        found = []
        for table, (columns, rows) in self.rows.items():
            kept = [name for name in columns if name != "id"]
            marks = ", ".join([mark] * len(kept))
            places = [columns.index(name) for name in kept]
            text = f"INSERT INTO {table} ({', '.join(kept)}) VALUES ({marks})"
            found.append((text, kept, [tuple(row[place] for place in places) for row in rows]))
        return found


def _as_sent(value: Any) -> Any:
    return json.dumps(value) if isinstance(value, dict | list) else value


class Writer:
    """Stores posts one after the other over one connection."""

    def __init__(self, connection: Any, post: Post, mark: str, ending: str) -> None:
        self._connection = connection
        (lead, columns, rows), *self._others = post.statements(mark)
        self._lead = lead + ending
        self._reference = columns.index("reference")
        self._row = rows[0]

    def store(self) -> None:
        row = list(self._row)
        row[self._reference] = f"LF-{secrets.token_hex(5)}"
        number = self._connection.execute(self._lead, row).fetchone()[0]
        for text, columns, rows in self._others:
            place = columns.index("lead_id")
            for values in rows:
                self._connection.execute(text, (*values[:place], number, *values[place + 1 :]))


def sqlite_rate(path: Path, seconds: float, together: int) -> float:
    """Posts a second by one writer, so many in each transaction, each durable when it is committed."""
    with closing(sqlite_driver.connect(path, isolation_level=None, timeout=30)) as connection:
        connection.execute("PRAGMA synchronous=FULL")
        connection.execute("PRAGMA foreign_keys=ON")
        writer = Writer(connection, Post.newest(connection.execute), "?", " RETURNING id")
        count, began = 0, time.perf_counter()
        while time.perf_counter() - began < seconds:
            connection.execute("BEGIN IMMEDIATE")
            for _ in range(together):
                writer.store()
            connection.execute("COMMIT")
            count += together
        return count / (time.perf_counter() - began)


def postgresql_rate(url: str, connections: int, seconds: float, processes: int = 2) -> float:
    """Posts a second over so many connections, one transaction a post, from as many processes as the web side has."""
    share = str(connections // processes)
    command = [sys.executable, "-m", "bench.writers", url, share, str(seconds)]
    running = [subprocess.Popen(command, cwd=REPOSITORY, stdout=subprocess.PIPE, text=True) for _ in range(processes)]
    return sum(float(each.communicate()[0]) for each in running)


def _write(conninfo: str, connections: int, seconds: float) -> float:
    counts = [0] * connections
    ready = threading.Barrier(connections + 1)

    def write(place: int) -> None:
        with psycopg.connect(conninfo) as connection:
            writer = Writer(connection, Post.newest(connection.execute), "%s", " RETURNING id")
            connection.commit()
            ready.wait()
            until = time.perf_counter() + seconds
            while time.perf_counter() < until:
                writer.store()
                connection.commit()
                counts[place] += 1

    threads = [threading.Thread(target=write, args=(place,)) for place in range(connections)]
    for each in threads:
        each.start()
    ready.wait()
    for each in threads:
        each.join()
    return sum(counts) / seconds


def conninfo(url: str) -> str:
    parts = make_url(url)
    given: Sequence[tuple[str, Any]] = [
        ("user", parts.username),
        ("dbname", parts.database),
        ("host", parts.host or parts.query.get("host")),
        ("port", parts.port),
    ]
    return " ".join(f"{name}={value}" for name, value in given if value)


if __name__ == "__main__":
    print(_write(conninfo(sys.argv[1]), int(sys.argv[2]), float(sys.argv[3])))
