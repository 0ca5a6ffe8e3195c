"""Writers of one process that come at the same time share a commit, and nothing else."""

from __future__ import annotations

import itertools
import threading
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path

import pytest
from sqlalchemy import Connection, event, text

from leadferry import commits
from leadferry.commits import Busy
from leadferry.models import pace
from leadferry.store import Store, StoreError, StoreRefusal, upgrade
from tests.installation import wait_until

SOON = 0.2


class Disk:
    """The store's commits, which the test lets through."""

    def __init__(self, store: Store) -> None:
        self.commits = 0
        self.open = threading.Event()
        self.open.set()
        self.reached = threading.Event()
        self.breaks = False
        event.listen(store.engine, "commit", self._commit)

    def _commit(self, _connection: object) -> None:
        self.reached.set()
        assert self.open.wait(20), "nobody let it through"
        if self.breaks:
            raise OSError("the disk is gone")
        self.commits += 1


@pytest.fixture(autouse=True)
def _time(monkeypatch: pytest.MonkeyPatch) -> None:
    """To share a commit is a question of who comes before its end, not of how fast this machine is."""
    monkeypatch.setattr(commits, "LONGEST", 60.0)


@pytest.fixture(params=["work", "block", "mixed"])
def store(tmp_path: Path, request: pytest.FixtureRequest) -> Iterator[Store]:
    """Whose writers hand over their work, or do it themselves in a block, or some this and some that."""
    found = Store(f"sqlite:///{tmp_path / 'leadferry.db'}")
    found.how = request.param  # type: ignore[attr-defined]
    upgrade(found)
    yield found
    found.engine.dispose()


@pytest.fixture
def disk(store: Store) -> Disk:
    return Disk(store)


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(40) as found:
        yield found


def in_a_block(store: Store, work: Callable[[Connection], None]) -> None:
    with store.write() as connection:
        work(connection)


def put(store: Store, name: str) -> None:
    write(store, lambda connection: insert(store, connection, name))


def put_and_fail(store: Store, name: str) -> None:
    def work(connection: Connection) -> None:
        insert(store, connection, name)
        raise RuntimeError(name)

    write(store, work)


def insert(store: Store, connection: Connection, name: str) -> None:
    connection.execute(store.insert_new(pace).values(vendor=name, next_at=0.0))


def give_up_the_transaction(store: Store) -> None:
    """As SQLite does by itself when, for one, the disk is full."""

    def work(connection: Connection) -> None:
        connection.exec_driver_sql("ROLLBACK")
        raise StoreError("the disk is full")

    write(store, work)


HOW = {"work": Store.transact, "block": in_a_block}
turns = itertools.count()


def write(store: Store, work: Callable[[Connection], None]) -> None:
    """As the test says; where it is mixed, by turns."""
    how = store.how  # type: ignore[attr-defined]
    HOW[how if how != "mixed" else ("work", "block")[next(turns) % 2]](store, work)


def names(store: Store) -> set[str]:
    with store.read() as connection:
        return {row[0] for row in connection.execute(text("SELECT vendor FROM pace"))}


def waiting(store: Store) -> int:
    assert store._commits
    return len(store._commits._waiting)


def all_at_once(store: Store, disk: Disk, pool: ThreadPoolExecutor, *writers: object) -> list[Future[None]]:
    """They come while another one's commit is going on."""
    disk.open.clear()
    disk.reached.clear()
    first = pool.submit(put, store, "first")
    assert disk.reached.wait(10)
    found = []
    for number, writer in enumerate(writers):
        found.append(pool.submit(writer))  # type: ignore[arg-type]
        wait_until(lambda number=number: waiting(store) == number + 1)
    disk.open.set()
    first.result(10)
    return found


def test_who_comes_while_another_commits_shares_the_next_commit(
    store: Store, disk: Disk, pool: ThreadPoolExecutor
) -> None:
    for each in all_at_once(store, disk, pool, *(lambda n=n: put(store, f"{n}") for n in range(30))):
        each.result(10)
    assert names(store) == {"first", *(f"{n}" for n in range(30))}
    assert disk.commits == 2


def test_one_that_is_alone_commits_at_once(store: Store, disk: Disk) -> None:
    for number in range(3):
        put(store, f"{number}")
        assert disk.commits == number + 1


def test_nobody_is_told_before_the_commit_is_done(store: Store, disk: Disk, pool: ThreadPoolExecutor) -> None:
    disk.open.clear()
    writers = [pool.submit(put, store, f"{number}") for number in range(5)]
    with pytest.raises(TimeoutError):
        writers[0].result(SOON)
    assert not any(each.done() for each in writers)
    assert names(store) == set()
    disk.open.set()
    for each in writers:
        each.result(10)


def test_an_error_of_one_is_its_own(store: Store, disk: Disk, pool: ThreadPoolExecutor) -> None:
    first, bad, refused, last, worst = all_at_once(
        store,
        disk,
        pool,
        lambda: put(store, "good"),
        lambda: put_and_fail(store, "bad"),
        lambda: put(store, None),  # type: ignore[arg-type]
        lambda: put(store, "good too"),
        lambda: put_and_fail(store, "bad, and the one that commits"),
    )
    first.result(10)
    last.result(10)
    assert isinstance(bad.exception(10), RuntimeError)
    assert isinstance(refused.exception(10), StoreRefusal)
    assert isinstance(worst.exception(10), RuntimeError)
    assert names(store) == {"first", "good", "good too"}
    assert disk.commits == 2


def test_a_commit_that_fails_is_every_writers_trouble(store: Store, disk: Disk, pool: ThreadPoolExecutor) -> None:
    def break_the_disk() -> None:
        write(store, lambda _: setattr(disk, "breaks", True))

    writers = all_at_once(store, disk, pool, lambda: put(store, "before"), break_the_disk, lambda: put(store, "after"))
    for each in writers:
        assert isinstance(each.exception(10), StoreError)
        assert str(each.exception()) == "the disk is gone"
    assert names(store) == {"first"}
    disk.breaks = False
    put(store, "later")
    assert names(store) == {"first", "later"}


def test_a_transaction_that_is_lost_on_the_way_is_told_to_all_who_wrote_in_it(
    store: Store, disk: Disk, pool: ThreadPoolExecutor
) -> None:
    before, culprit, after = all_at_once(
        store,
        disk,
        pool,
        lambda: put(store, "before"),
        lambda: give_up_the_transaction(store),
        lambda: put(store, "after"),
    )
    assert isinstance(before.exception(10), StoreError), "it was thanked, and is lost"
    assert str(culprit.exception(10)) == "the disk is full"
    after.result(10)
    assert names(store) == {"first", "after"}


def test_writers_see_what_those_before_them_in_the_same_commit_wrote(
    store: Store, disk: Disk, pool: ThreadPoolExecutor
) -> None:
    """Or the same lead, sent twice at the same moment, would be two."""

    def look(connection: Connection) -> None:
        assert connection.execute(text("SELECT vendor FROM pace WHERE vendor = 'mine'")).first()

    for each in all_at_once(store, disk, pool, lambda: put(store, "mine"), lambda: write(store, look)):
        each.result(10)


def test_who_gives_up_waiting_leaves_the_turn_to_the_others(store: Store, disk: Disk, pool: ThreadPoolExecutor) -> None:
    assert store._commits
    disk.open.clear()
    first = pool.submit(put, store, "first")
    assert disk.reached.wait(10)
    hurried = pool.submit(store._commits.run, lambda connection: insert(store, connection, "hurried"), SOON)
    assert isinstance(hurried.exception(10), Busy)
    patient = pool.submit(put, store, "patient")
    disk.open.set()
    first.result(10)
    patient.result(10)
    assert names(store) == {"first", "patient"}
