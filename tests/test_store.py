"""The database: transactions that are whole or nothing, writers that take turns, and trouble that has one name."""

from __future__ import annotations

import fcntl
import signal
import subprocess
import sys
import threading
import time
from collections.abc import Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import closing, contextmanager
from pathlib import Path

import pytest
from sqlalchemy import Connection, create_engine, func, insert, select, text, update

from leadferry import config
from leadferry import store as stores
from leadferry.backup import back_up
from leadferry.config import SettingsError
from leadferry.models import heartbeat, pace
from leadferry.statements import Insert, Statement, _in_powers
from leadferry.store import SCHEMA, Store, StoreError, StoreRefusal, open_store, sqlite_driver
from tests.installation import REPOSITORY, make, wait_until

SECONDS = 0.3
"""What stands for the fifteen seconds that a writer waits."""


INSERT = Statement(insert(pace))
COUNT = Statement(select(func.count()).select_from(pace))


@pytest.fixture
def store(tmp_path: Path, database_url: str | None) -> Iterator[Store]:
    found = opened(tmp_path, database_url)
    yield found
    found.engine.dispose()


def opened(folder: Path, database_url: str | None = None) -> Store:
    installation = make(folder, database_url)
    return open_store(config.load(installation.environ, folder))


@pytest.fixture
def file(store: Store) -> Path:
    """SQLite's."""
    if store.path is None:
        pytest.skip("about SQLite's file")
    return store.path


def put(store: Store, vendor: str, next_at: float = 0.0) -> None:
    with store.write() as connection:
        connection.execute(insert(pace).values(vendor=vendor, next_at=next_at))


def vendors(store: Store) -> list[str]:
    with store.read() as connection:
        return list(connection.execute(select(pace.c.vendor).order_by(pace.c.vendor)).scalars())


# --- transactions ---


def test_a_transaction_is_whole_or_nothing(store: Store) -> None:
    def break_off() -> None:
        with store.write() as connection:
            connection.execute(insert(pace).values(vendor="half", next_at=0.0))
            raise KeyError

    with pytest.raises(KeyError):
        break_off()
    assert vendors(store) == []


def test_where_a_statement_fails_whose_answer_nobody_asked_for_nothing_remains(store: Store) -> None:
    def twice(connection: Connection) -> None:
        for vendor in ("before", "same", "same"):
            INSERT.run(connection, {"vendor": vendor, "next_at": 0.0})

    with pytest.raises(StoreRefusal):
        store.transact(twice)
    assert vendors(store) == []
    store.transact(lambda connection: INSERT.run(connection, {"vendor": "after", "next_at": 0.0}))
    assert vendors(store) == ["after"]


def test_an_error_is_that_of_the_statement_that_failed_whatever_was_sent_behind_it(store: Store) -> None:
    """What is refused is told from a database that cannot: only the first is no use trying once more."""

    def work(connection: Connection) -> None:
        answers = [INSERT.ask(connection, {"vendor": vendor, "next_at": 0.0}) for vendor in ("same", "same", "behind")]
        for answer in answers:
            answer()

    with pytest.raises(StoreRefusal):
        store.transact(work)
    assert vendors(store) == []


@pytest.mark.parametrize("count", [0, 1, 2, 3, 31, 32, 33, 100])
def test_any_number_of_rows_is_inserted(store: Store, count: int) -> None:
    many = Insert(pace, pace.c.vendor)
    rows = [{"vendor": f"vendor {number:03}", "next_at": number / 7} for number in range(count)]
    found = store.transact(lambda connection: many.rows(connection, rows))
    assert sorted(found) == [(row["vendor"],) for row in rows]
    with store.read() as connection:
        kept = connection.execute(select(pace.c.vendor, pace.c.next_at).order_by(pace.c.vendor)).all()
    assert kept == [(row["vendor"], row["next_at"]) for row in rows]


def test_a_few_texts_serve_any_number_of_rows() -> None:
    rows = [{"vendor": f"{number}"} for number in range(300)]
    parts = [_in_powers(rows[:count], Insert.MOST) for count in range(300)]
    assert {len(part) for each in parts for part in each} == {1, 2, 4, 8, 16, 32}


def test_answers_may_be_asked_for_later(store: Store) -> None:
    def work(connection: Connection) -> tuple[list[object], list[object]]:
        before = COUNT.ask(connection, {})
        INSERT.run(connection, {"vendor": "one", "next_at": 0.0})
        after = COUNT.ask(connection, {})
        return [*before()], [*after()]

    assert store.transact(work) == ([(0,)], [(1,)])


def test_no_update_of_many_threads_is_lost(store: Store) -> None:
    put(store, "counted")

    def count(_: int) -> None:
        with store.write() as connection:
            store.one_at_a_time(connection, "counting")
            before = connection.execute(select(pace.c.next_at)).scalar_one()
            connection.execute(update(pace).values(next_at=before + 1))

    with ThreadPoolExecutor(12) as pool:
        list(pool.map(count, range(200)))
    with store.read() as connection:
        assert connection.execute(select(pace.c.next_at)).scalar_one() == 200


def test_a_reader_waits_for_no_writer(store: Store) -> None:
    put(store, "old")
    with store.write() as connection:
        connection.execute(insert(pace).values(vendor="new", next_at=0.0))
        assert vendors(store) == ["old"]
    assert vendors(store) == ["new", "old"]


def test_a_row_that_is_there_already_is_not_inserted_anew(store: Store) -> None:
    put(store, "once", 1.0)
    with store.write() as connection:
        connection.execute(store.insert_new(pace).values(vendor="once", next_at=2.0))
        assert connection.execute(select(pace.c.next_at)).scalars().all() == [1.0]


def test_the_time_is_the_databases_where_machines_share_one(store: Store, monkeypatch: pytest.MonkeyPatch) -> None:
    now = time.time()
    assert abs(store.now() - now) < 5
    monkeypatch.setattr(time, "time", lambda: now - 3600)
    assert abs(store.now() - (now - 3600 if store.is_sqlite else now)) < 5


# --- trouble ---


def test_what_the_database_will_never_take_is_told_apart_and_names_no_value(store: Store) -> None:
    put(store, "once")
    with pytest.raises(StoreRefusal) as caught:
        put(store, "once")
    assert "once" not in str(caught.value)
    assert "\n" not in str(caught.value)
    with pytest.raises(StoreError), store.read() as connection:
        connection.execute(text("SELECT nothing FROM nowhere"))
    put(store, "goes on")


def test_no_connection_free_in_time_is_trouble_of_the_store(store: Store) -> None:
    store.engine.dispose()
    store.engine = create_engine(
        store.engine.url, module=store.engine.dialect.dbapi, pool_size=1, max_overflow=0, pool_timeout=SECONDS
    )
    with store.read() as connection:
        connection.execute(text("SELECT 1"))
        with pytest.raises(StoreError):
            vendors(store)


def test_a_store_that_cannot_be_written_is_not_ready(store: Store) -> None:
    assert store.can_write()
    heartbeat.drop(store.engine)
    assert not store.can_write()


def test_a_connection_that_broke_while_nobody_used_it_is_replaced(
    store: Store, monkeypatch: pytest.MonkeyPatch
) -> None:
    if store.is_sqlite:
        pytest.skip("about PostgreSQL's connections")
    put(store, "before")
    others = "SELECT pg_terminate_backend(pid) FROM pg_stat_activity WHERE pid <> pg_backend_pid()"
    outside = create_engine(store.engine.url)
    with outside.connect() as connection:
        connection.execute(text(f"{others} AND datname = current_database()"))
    outside.dispose()
    monkeypatch.setattr(stores, "IDLE_SECONDS", 0.0)
    put(store, "after")
    assert vendors(store) == ["after", "before"]


def test_the_network_may_not_keep_a_lock_for_ever(store: Store) -> None:
    if store.is_sqlite:
        pytest.skip("about PostgreSQL's connections")
    with store.read() as connection:
        shown = [
            connection.execute(text(f"SHOW {name}")).scalar_one()
            for name in ("idle_in_transaction_session_timeout", "lock_timeout")
        ]
    assert shown == ["15s", "10s"]


# --- SQLite: one writer ---


@pytest.fixture
def impatient(monkeypatch: pytest.MonkeyPatch, file: Path) -> Iterator[Store]:
    """One whose writers wait for a moment only."""
    monkeypatch.setattr(stores, "BUSY_SECONDS", SECONDS)
    found = Store(f"sqlite:///{file}")
    yield found
    found.engine.dispose()


@contextmanager
def locked_by_another_program(file: Path) -> Iterator[None]:
    with closing(sqlite_driver.connect(file, isolation_level=None)) as connection:
        connection.execute("BEGIN IMMEDIATE")
        yield


def test_a_lock_of_another_program_is_waited_for(store: Store, file: Path) -> None:
    with ThreadPoolExecutor(1) as pool:
        with locked_by_another_program(file):
            waiting = pool.submit(put, store, "patient")
            assert vendors(store) == [], "reading goes on"
            with pytest.raises(TimeoutError):
                waiting.result(SECONDS)
        waiting.result(10)
    assert vendors(store) == ["patient"]


def test_a_lock_that_lasts_is_trouble_of_the_store_for_all_writers_in_about_the_same_time(
    impatient: Store, file: Path
) -> None:
    def failed(number: int) -> float:
        began = time.monotonic()
        with pytest.raises(StoreError):
            put(impatient, f"{number}")
        return time.monotonic() - began

    with locked_by_another_program(file), ThreadPoolExecutor(60) as pool:
        waits = list(pool.map(failed, range(60)))
    assert max(waits) < 30 * SECONDS, "each waited for all the others"
    put(impatient, "goes on")


def test_the_turn_of_a_writer_that_was_killed_passes_on(store: Store, file: Path) -> None:
    writer = "\n".join(
        [
            "import sys, time",
            "from leadferry.store import Store",
            "with Store(sys.argv[1]).write() as connection:",
            "    connection.exec_driver_sql(\"INSERT INTO pace VALUES ('killed', 0)\")",
            "    print('writing', flush=True)",
            "    time.sleep(60)",
        ]
    )
    command = [sys.executable, "-c", writer, f"sqlite:///{file}"]
    with subprocess.Popen(command, cwd=REPOSITORY, stdout=subprocess.PIPE, text=True) as process:
        assert process.stdout
        assert process.stdout.readline() == "writing\n"
        with ThreadPoolExecutor(1) as pool:
            waiting = pool.submit(put, store, "next")
            with pytest.raises(TimeoutError):
                waiting.result(SECONDS)
            process.send_signal(signal.SIGKILL)
            waiting.result(10)
    assert vendors(store) == ["next"]


def test_whoever_lets_the_lock_go_takes_it_after_another_process_that_waits(store: Store, file: Path) -> None:
    other = Store(f"sqlite:///{file}")
    with ThreadPoolExecutor(1) as pool:
        with store.write() as connection:
            waiting = pool.submit(put, other, "second")
            wait_until(lambda: is_locked(file.with_name(f"{file.name}.next")))
            connection.execute(insert(pace).values(vendor="first", next_at=0.0))
        put(store, "third")
        waiting.result()
    with store.read() as connection:
        written = connection.execute(text("SELECT vendor FROM pace ORDER BY rowid")).scalars().all()
    other.engine.dispose()
    assert written == ["first", "second", "third"]


def is_locked(path: Path) -> bool:
    with path.open("w") as opened_file:
        try:
            fcntl.flock(opened_file, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            return True
    return False


def test_writers_take_turns_under_load(store: Store, file: Path) -> None:
    """SQLite's own waiting lets a writer starve for seconds."""
    stop, waits = threading.Event(), []

    def write_without_pause(thread: int) -> None:
        number = 0
        while not stop.is_set():
            number += 1
            began = time.monotonic()
            put(store, f"{thread} {number}")
            waits.append(time.monotonic() - began)

    with ThreadPoolExecutor(6) as pool:
        running = [pool.submit(write_without_pause, thread) for thread in range(6)]
        wait_until(lambda: len(waits) > 600, 60)
        stop.set()
        for each in running:
            each.result()
    assert len(vendors(store)) == len(waits)
    waits.sort()
    assert waits[len(waits) * 99 // 100] < max(1.0, 20 * waits[len(waits) // 2])  # the second is for a slow disk


# --- opening ---


def test_a_file_that_was_put_back_from_a_backup_is_made_fit_again(store: Store, file: Path) -> None:
    put(store, "kept")
    folder = file.parent / "elsewhere"
    (folder / "var").mkdir(parents=True)
    back_up(store, folder / "var" / "leadferry.db")
    with closing(sqlite_driver.connect(folder / "var" / "leadferry.db")) as connection:
        assert connection.execute("PRAGMA journal_mode=DELETE").fetchone() == ("delete",)
    again = opened(folder)
    with again.read() as reading:
        assert reading.execute(text("PRAGMA journal_mode")).scalar() == "wal"
    assert vendors(again) == ["kept"]
    again.engine.dispose()


def test_a_commit_is_on_the_disk_when_it_returns(store: Store, file: Path) -> None:
    with store.read() as connection:
        shown = [connection.execute(text(f"PRAGMA {name}")).scalar() for name in ("journal_mode", "synchronous")]
    assert shown == ["wal", 2]


@pytest.mark.parametrize("content", [None, b"no database at all, but long enough to be looked at as one" * 9])
def test_a_file_that_is_no_database_stops_the_start_in_plain_words(tmp_path: Path, content: bytes | None) -> None:
    path = tmp_path / "var" / "leadferry.db"
    path.parent.mkdir()
    if content is None:
        path.mkdir()
    else:
        path.write_bytes(content)
    with pytest.raises(SettingsError, match=r"^DATABASE_URL: .*leadferry\.db"):
        opened(tmp_path)


def test_a_server_that_does_not_answer_is_named(tmp_path: Path) -> None:
    store = Store("postgresql+psycopg://nobody@127.0.0.1:9/nothing")
    with pytest.raises(SettingsError, match=r"^DATABASE_URL: the database does not answer") as caught:
        store.require_schema()
    assert "\n" not in str(caught.value)


def test_an_open_store_is_up_to_date(store: Store) -> None:
    store.require_schema()
    assert store.schema() == SCHEMA


# --- versions of forms ---


def test_the_newest_content_of_each_form_is_served_and_old_ones_are_found(store: Store) -> None:
    for version, content in (("v1", "one"), ("v2", "two"), ("v1", "one")):
        store.publish("quote", version, content, "file")
    store.publish("visit", "v9", "nine", "console")
    newest = {each.form: (each.version, each.content, each.origin) for each in store.newest_versions()}
    assert newest == {"quote": ("v2", "two", "file"), "visit": ("v9", "nine", "console")}
    old = store.find_version("quote", "v1")
    assert old is not None
    assert old.content == "one"
    assert store.find_version("quote", "v3") is None
    assert store.last_version_number() == max(each.number for each in store.newest_versions())
