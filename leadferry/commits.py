"""Commits that the threads of a process share: who writes at the same time goes to the disk together.

A commit waits for the disk, and SQLite has one writer at a time. So the one whose turn it is does not commit while
others wait: it does their work too, in order, in the same transaction, and commits for all. Whoever comes while that
goes on makes up the next transaction. One that is alone commits at once. Work that comes as a block of code can only be
done by its own thread: that is given the open transaction, and goes on from there.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from typing import Any, TypeVar

from sqlalchemy import Connection

MOST_PARTS = 256
LONGEST = 0.05
"""Seconds after which nothing more is taken into an open transaction: other processes wait for it."""

T = TypeVar("T")
Work = Callable[[Connection], T]


class Busy(Exception):
    """The others did not come to an end in time; nothing was changed."""


class NotCommitted(Exception):
    """The transaction that this was a part of could not be committed; nothing of it was, as far as is known."""


class _Batch:
    """One transaction, and the parts that were written in it, one after the other."""

    def __init__(self, transaction: Callable[[], AbstractContextManager[Connection]]) -> None:
        self._stack = ExitStack()
        self.connection = self._stack.enter_context(transaction())
        self._database: Any = self.connection.connection.dbapi_connection
        self._began = time.monotonic()
        self._parts = 0
        self._done: list[_Ticket] = []
        self._ended = threading.Event()
        self._error: BaseException | None = None

    def takes_more(self) -> bool:
        return self._is_open() and self._parts < MOST_PARTS and time.monotonic() - self._began < LONGEST

    @contextmanager
    def part(self) -> Iterator[Connection]:
        """What is written in the block; nothing of it remains where the block fails."""
        self._parts += 1
        self._database.execute("SAVEPOINT part")
        try:
            yield self.connection
        except BaseException:
            if self._is_open():
                self._database.execute("ROLLBACK TO part")
            raise
        finally:
            if self._is_open():
                self._database.execute("RELEASE part")

    def do(self, ticket: _Ticket) -> None:
        """Somebody's work; what it raises is kept for them."""
        assert ticket.work is not None
        ticket.batch = self
        self._done.append(ticket)
        try:
            with self.part() as connection:
                ticket.result = ticket.work(connection)
        except BaseException as error:
            ticket.error = error

    def end(self) -> None:
        """Commits, and lets those who wrote in it know."""
        try:
            with self._stack:
                if not self._is_open():
                    raise NotCommitted("another part of it failed, and took all along")
        except BaseException as error:
            self._error = error
        finally:
            self._ended.set()
            for ticket in self._done:
                ticket.turn.set()

    def wait(self) -> None:
        self._ended.wait()
        if self._error is not None:
            raise NotCommitted(str(self._error)) from self._error

    def _is_open(self) -> bool:
        """A full disk, for one, makes SQLite itself give up the whole transaction."""
        return bool(self._database.in_transaction)


class _Ticket:
    """Somebody who waits: for a turn, or until whoever has it has done their ``work``.

    ``batch`` is the open transaction that came with the turn, if any, or the one in which the work was done.
    """

    def __init__(self, work: Work[Any] | None = None) -> None:
        self.work = work
        self.turn = threading.Event()
        self.batch: _Batch | None = None
        self.result: Any = None
        self.error: BaseException | None = None

    @property
    def is_done(self) -> bool:
        return self.batch is not None and self.work is not None


class SharedCommits:
    """The turns of a process's writers. ``transaction`` begins one that is durable when its block has ended."""

    def __init__(self, transaction: Callable[[], AbstractContextManager[Connection]]) -> None:
        self._transaction = transaction
        self.start_anew()

    def start_anew(self) -> None:
        """Also in a forked child: the parent's writers are not there."""
        self._lock = threading.Lock()
        self._waiting: deque[_Ticket] = deque()
        self._taken = False

    def run(self, work: Work[T], seconds: float) -> T:
        """Does the work as a part of a transaction, in this thread or another. Once this returns it is committed.

        Args:
            seconds: how long to wait for a turn.

        Raises:
            Busy: the turn did not come.
            NotCommitted: the work was done, but to no effect.
        """
        ticket = _Ticket(work)
        self._take_turn(ticket, seconds)
        if not ticket.is_done:
            batch = self._batch(ticket)
            batch.do(ticket)
            self._pass_on(batch)
        if ticket.error is not None:
            raise ticket.error
        assert ticket.batch is not None
        ticket.batch.wait()
        result: T = ticket.result
        return result

    @contextmanager
    def write(self, seconds: float) -> Iterator[Connection]:
        """As ``run``, for the work that its block does."""
        ticket = _Ticket()
        self._take_turn(ticket, seconds)
        batch = self._batch(ticket)
        try:
            with batch.part() as connection:
                yield connection
        finally:
            self._pass_on(batch)
        batch.wait()

    def _take_turn(self, ticket: _Ticket, seconds: float) -> None:
        """Returns when it is this one's turn, or when another has done the work."""
        with self._lock:
            if not self._taken:
                self._taken = True
                return
            self._waiting.append(ticket)
        try:
            if not ticket.turn.wait(seconds):
                raise Busy
        except BaseException as error:
            if self._withdraw(ticket):
                raise
            ticket.turn.wait()  # it came at the last moment, or somebody is at the work
            if isinstance(error, Busy):
                return
            self._decline(ticket)
            raise

    def _withdraw(self, ticket: _Ticket) -> bool:
        """Whether that was in time: at the last moment the turn may have come after all."""
        with self._lock:
            if ticket not in self._waiting:
                return False
            self._waiting.remove(ticket)
            return True

    def _decline(self, ticket: _Ticket) -> None:
        """A turn that came too late to be used goes to the next."""
        if ticket.batch is None:
            self._end_turn()
        elif not ticket.is_done:
            self._pass_on(ticket.batch)

    def _batch(self, ticket: _Ticket) -> _Batch:
        if ticket.batch is not None:
            return ticket.batch
        try:
            return _Batch(self._transaction)
        except BaseException:
            self._end_turn()
            raise

    def _pass_on(self, batch: _Batch) -> None:
        """Does what others wait for, or gives the open transaction to the next; then what is in it goes to the disk."""
        while ticket := self._next_for(batch):
            if ticket.work is None:
                ticket.batch = batch
                ticket.turn.set()
                return
            batch.do(ticket)
        batch.end()
        self._end_turn()

    def _next_for(self, batch: _Batch) -> _Ticket | None:
        with self._lock:
            return self._waiting.popleft() if self._waiting and batch.takes_more() else None

    def _end_turn(self) -> None:
        with self._lock:
            if self._waiting:
                self._waiting.popleft().turn.set()
            else:
                self._taken = False
