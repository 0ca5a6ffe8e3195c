"""Commits that the threads of a process share: who writes at the same time goes to the disk together.

A commit waits for the disk, and SQLite has one writer at a time. So the one whose turn it is does not commit while
others wait: it passes the open transaction on to the next, in order, and the last one commits for all. Whoever comes
while that goes on makes up the next transaction. One that is alone commits at once.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager, ExitStack, contextmanager
from typing import Any

from sqlalchemy import Connection

MOST_PARTS = 256
LONGEST = 0.05
"""Seconds after which an open transaction is passed on no more: other processes wait for it."""


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

    def wait(self) -> None:
        self._ended.wait()
        if self._error is not None:
            raise NotCommitted(str(self._error)) from self._error

    def _is_open(self) -> bool:
        """A full disk, for one, makes SQLite itself give up the whole transaction."""
        return bool(self._database.in_transaction)


class _Ticket:
    """Somebody who waits for a turn; ``batch`` is the open transaction that came with it, if any."""

    def __init__(self) -> None:
        self.turn = threading.Event()
        self.batch: _Batch | None = None


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

    @contextmanager
    def write(self, seconds: float) -> Iterator[Connection]:
        """A part of a transaction. Once this returns it is committed, alone or with others.

        Args:
            seconds: how long to wait for a turn.

        Raises:
            Busy: the turn did not come.
            NotCommitted: the block was executed, but to no effect.
        """
        batch = self._batch(self._take_turn(seconds))
        try:
            with batch.part() as connection:
                yield connection
        finally:
            self._pass_on(batch)
        batch.wait()

    def _take_turn(self, seconds: float) -> _Ticket:
        ticket = _Ticket()
        with self._lock:
            if not self._taken:
                self._taken = True
                return ticket
            self._waiting.append(ticket)
        try:
            if not ticket.turn.wait(seconds):
                raise Busy
        except BaseException:
            if self._withdraw(ticket):
                raise
            if ticket.batch is None:
                self._end_turn()
            else:
                self._pass_on(ticket.batch)
            raise
        return ticket

    def _withdraw(self, ticket: _Ticket) -> bool:
        """Whether that was in time: at the last moment the turn may have come after all."""
        with self._lock:
            if ticket.turn.is_set():
                return False
            self._waiting.remove(ticket)
            return True

    def _batch(self, ticket: _Ticket) -> _Batch:
        if ticket.batch is not None:
            return ticket.batch
        try:
            return _Batch(self._transaction)
        except BaseException:
            self._end_turn()
            raise

    def _pass_on(self, batch: _Batch) -> None:
        """The open transaction to the next who waits, or what is in it to the disk."""
        with self._lock:
            if self._waiting and batch.takes_more():
                ticket = self._waiting.popleft()
                ticket.batch = batch
                ticket.turn.set()
                return
        batch.end()
        self._end_turn()

    def _end_turn(self) -> None:
        with self._lock:
            if self._waiting:
                self._waiting.popleft().turn.set()
            else:
                self._taken = False
