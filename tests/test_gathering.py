"""Who wants the same of the database at the same time has it done in one transaction; each gets an answer."""

from __future__ import annotations

import threading
from collections.abc import Callable, Iterator, Sequence
from concurrent.futures import Future, ThreadPoolExecutor
from typing import Any

import pytest
from sqlalchemy import Connection

from leadferry import gathering
from leadferry.commits import Busy
from leadferry.gathering import Gathering
from tests.installation import wait_until

SOON = 0.2
LONG = 20.0
CONNECTION: Any = object()


class DatabaseGone(Exception):
    pass


class Database:
    """Transactions of one piece of work each, which the test lets begin and lets through to the disk."""

    def __init__(self) -> None:
        self.may_begin = threading.Event()
        self.may_commit = threading.Event()
        self.may_commit.set()
        self.asked = 0
        self.begun: list[list[str]] = []
        self.committed: list[list[str]] = []
        self.breaks: BaseException | None = None
        self.gathering: Gathering[str, str] = Gathering(
            self.transact, self.answer, lambda error: isinstance(error, DatabaseGone)
        )

    def transact(self, work: Callable[[Connection], Any], seconds: float) -> Any:
        self.asked += 1
        if not self.may_begin.wait(seconds):
            raise Busy
        found = work(CONNECTION)
        done = self.begun[-1]
        assert self.may_commit.wait(LONG)
        error, self.breaks = self.breaks, None
        if error:
            raise error
        self.committed.append(done)
        return found

    def answer(self, _connection: Connection, items: Sequence[str], _alone: bool) -> list[str | None]:
        """A twin has to wait; what is `bad` spoils all."""
        self.begun.append(list(items))
        if "bad" in items:
            raise ValueError("bad")
        if "gone" in items:
            raise DatabaseGone
        return [None if item in items[:place] else item.upper() for place, item in enumerate(items)]


@pytest.fixture
def sole() -> Database:
    return Database()


@pytest.fixture
def pool() -> Iterator[ThreadPoolExecutor]:
    with ThreadPoolExecutor(100) as found:
        yield found


@pytest.fixture
def come(sole: Database, pool: ThreadPoolExecutor) -> Callable[..., list[Future[str]]]:
    """All come, one after the other, while the first waits to begin."""

    def come(*items: str, seconds: float = LONG) -> list[Future[str]]:
        found = []
        for item in items:
            before = len(sole.gathering._waiting)
            found.append(pool.submit(sole.gathering.run, item, seconds))
            wait_until(lambda: len(sole.gathering._waiting) > before)  # noqa: B023  # called at once
        return found

    return come


Come = Callable[..., list[Future[str]]]


def test_one_alone_waits_for_nobody(sole: Database) -> None:
    sole.may_begin.set()
    assert sole.gathering.run("a", LONG) == "A"
    assert sole.gathering.run("b", LONG) == "B"
    assert sole.committed == [["a"], ["b"]]


def test_all_who_have_come_are_done_at_once_and_each_has_their_own_answer(sole: Database, come: Come) -> None:
    found = come("a", "b", "c")
    sole.may_begin.set()
    assert [each.result(LONG) for each in found] == ["A", "B", "C"]
    assert sole.committed == [["a", "b", "c"]]


def test_nobody_hears_before_the_commit(sole: Database, come: Come) -> None:
    sole.may_commit.clear()
    found = come("a", "b")
    sole.may_begin.set()
    wait_until(lambda: sole.begun == [["a", "b"]])
    assert not any(each.done() for each in found)
    sole.may_commit.set()
    assert [each.result(LONG) for each in found] == ["A", "B"]


def test_who_comes_while_one_commit_is_under_way_makes_up_the_next(sole: Database, come: Come) -> None:
    sole.may_commit.clear()
    first = come("a")
    sole.may_begin.set()
    wait_until(lambda: sole.begun == [["a"]])
    sole.may_begin.clear()
    second = come("b", "c")
    wait_until(lambda: sole.asked == 2)  # it need not wait for the first one's disk
    sole.may_begin.set()
    wait_until(lambda: sole.begun == [["a"], ["b", "c"]])
    sole.may_commit.set()
    assert [each.result(LONG) for each in first + second] == ["A", "B", "C"]


def test_no_more_at_once_than_most(sole: Database, come: Come, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(gathering, "MOST", 2)
    found = come("a", "b", "c", "d", "e")
    sole.may_begin.set()
    assert [each.result(LONG) for each in found] == ["A", "B", "C", "D", "E"]
    assert sorted(sole.committed) == [["a", "b"], ["c", "d"], ["e"]]


def test_one_that_may_not_be_done_with_the_others_is_done_alone_afterwards(sole: Database, come: Come) -> None:
    found = come("a", "twin", "twin")
    sole.may_begin.set()
    assert [each.result(LONG) for each in found] == ["A", "TWIN", "TWIN"]
    assert sole.committed == [["a", "twin", "twin"], ["twin"]]


def test_what_is_wrong_with_one_is_that_ones_error_alone(sole: Database, come: Come) -> None:
    good, bad, fine = come("good", "bad", "fine")
    sole.may_begin.set()
    assert [good.result(LONG), fine.result(LONG)] == ["GOOD", "FINE"]
    with pytest.raises(ValueError, match="bad"):
        bad.result(LONG)
    assert sorted(sole.committed) == [["fine"], ["good"]]


def test_what_is_wrong_with_the_database_is_everybodys_and_nobody_tries_again(sole: Database, come: Come) -> None:
    found = come("a", "gone", "b")
    sole.may_begin.set()
    for each in found:
        with pytest.raises(DatabaseGone):
            each.result(LONG)
    assert sole.begun == [["a", "gone", "b"]]
    assert sole.gathering.run("next", LONG) == "NEXT", "and the next one is not held up"


def test_a_commit_that_fails_is_everybodys(sole: Database, come: Come) -> None:
    sole.breaks = DatabaseGone("at the very commit")
    found = come("a", "b")
    sole.may_begin.set()
    for each in found:
        with pytest.raises(DatabaseGone, match="at the very commit"):
            each.result(LONG)
    assert sole.committed == []


def test_whoever_leads_and_gets_no_turn_hands_on(sole: Database, come: Come) -> None:
    (hasty,) = come("hasty", seconds=SOON)
    (patient,) = come("patient")
    with pytest.raises(Busy):
        hasty.result(LONG)
    sole.may_begin.set()
    assert patient.result(LONG) == "PATIENT"
    assert sole.committed == [["patient"]]


def test_nobody_waits_longer_than_asked_and_who_has_gone_is_not_done(sole: Database, come: Come) -> None:
    (leading,) = come("leading")
    (hasty,) = come("hasty", seconds=SOON)
    with pytest.raises(Busy):
        hasty.result(LONG)
    sole.may_begin.set()
    assert leading.result(LONG) == "LEADING"
    assert sole.begun == [["leading"]]


def test_who_comes_to_lead_at_the_very_moment_of_giving_up_leads(sole: Database) -> None:
    """Or nobody would, and all who come later would wait for nobody."""
    part = gathering._Part[str, str]("late")
    part.leads = True
    sole.gathering._waiting.append(part)
    assert not sole.gathering._withdraw(part)


def test_who_is_taken_along_waits_for_the_end_however_hasty(sole: Database, come: Come) -> None:
    """It is written already: to say that it was not would be a lead twice, or a visitor who is not thanked."""
    sole.may_commit.clear()
    (leading,) = come("leading")
    (hasty,) = come("hasty", seconds=SOON)
    sole.may_begin.set()
    wait_until(lambda: sole.begun == [["leading", "hasty"]])
    with pytest.raises(TimeoutError):
        hasty.result(2 * SOON)
    sole.may_commit.set()
    assert hasty.result(LONG) == "HASTY"
    assert leading.result(LONG) == "LEADING"


def test_a_process_that_is_told_to_end_takes_no_others_along(sole: Database, come: Come) -> None:
    sole.breaks = SystemExit(1)
    leading, other = come("leading", "other")
    sole.may_begin.set()
    with pytest.raises(SystemExit):
        leading.result(LONG)
    assert other.result(LONG) == "OTHER"
    assert sole.committed == [["other"]]


def test_many_at_the_same_time(sole: Database, pool: ThreadPoolExecutor) -> None:
    sole.may_begin.set()
    items = [f"item-{number}" for number in range(1000)]
    assert list(pool.map(lambda item: sole.gathering.run(item, LONG), items)) == [item.upper() for item in items]
    assert sorted(item for items in sole.committed for item in items) == sorted(items)
