"""Work that many threads have at once and that one transaction can do for all: whoever comes first does it.

Statements cost by their number more than by their rows. So who comes while others wait for the database is not a
transaction more but a row more: whoever leads takes along all who have come by the time it may write.
"""

from __future__ import annotations

import threading
import time
from collections import deque
from collections.abc import Callable, Sequence
from typing import Any, Generic, Protocol, TypeVar

from sqlalchemy import Connection

from leadferry.commits import Busy

MOST = 64

Item = TypeVar("Item")
Result = TypeVar("Result")
Work = Callable[[Connection, Sequence[Item], bool], Sequence[Result | None]]
"""What is to be done for all of them; None for one that has to be done alone, which the last argument tells.

Only alone the work may wait for other transactions: nobody else waits behind it then.
"""


class Transact(Protocol):
    def __call__(self, work: Callable[[Connection], Any], seconds: float) -> Any: ...


class _Part(Generic[Item, Result]):
    """Somebody's share. ``turn`` is set when it is done, is to be done alone, or leads."""

    def __init__(self, item: Item) -> None:
        self.item = item
        self.turn = threading.Event()
        self.leads = False
        self.result: Result | None = None
        self.error: BaseException | None = None


class Gathering(Generic[Item, Result]):
    """Those of one process who want the same done.

    ``transact`` does work in a transaction that is durable when it returns. ``is_everybodys`` says of an error that
    it is the database's: then nobody tries by themselves. Any other may be the fault of one of them.
    """

    def __init__(
        self, transact: Transact, work: Work[Item, Result], is_everybodys: Callable[[BaseException], bool]
    ) -> None:
        self._transact = transact
        self._work = work
        self._is_everybodys = is_everybodys
        self.start_anew()

    def start_anew(self) -> None:
        """Also in a forked child: the parent's threads are not there."""
        self._lock = threading.Lock()
        self._waiting: deque[_Part[Item, Result]] = deque()  # whoever leads is the first
        self._is_led = False

    def run(self, item: Item, seconds: float) -> Result:
        """Once this returns, it is done and durable.

        Args:
            seconds: how long to wait for others and for a turn to write.

        Raises:
            Busy: neither came.
            Exception: what ``transact`` and the work raise.
        """
        part: _Part[Item, Result] = _Part(item)
        until = time.monotonic() + seconds
        self._join(part, seconds)
        if part.leads:
            self._lead(part, max(0.0, until - time.monotonic()))
        if part.error is not None:
            raise part.error
        if part.result is None:
            return self._alone(item, max(0.0, until - time.monotonic()))
        return part.result

    def _join(self, part: _Part[Item, Result], seconds: float) -> None:
        with self._lock:
            self._waiting.append(part)
            part.leads = not self._is_led
            self._is_led = True
        if part.leads:
            return
        try:
            came = part.turn.wait(seconds)
        except BaseException:
            if not self._withdraw(part):
                part.turn.wait()
                if part.leads:
                    self._give_up(part)
            raise
        if not came and self._withdraw(part):
            raise Busy
        part.turn.wait()  # it came at the last moment, or somebody is at it

    def _withdraw(self, part: _Part[Item, Result]) -> bool:
        """Whether that was in time: it may lead by now, or be in somebody's hands."""
        with self._lock:
            if part.leads or part not in self._waiting:
                return False
            self._waiting.remove(part)
            return True

    def _lead(self, part: _Part[Item, Result], seconds: float) -> None:
        taken: list[_Part[Item, Result]] = []
        try:
            results = self._transact(lambda connection: self._do(connection, taken), seconds)
        except BaseException as error:
            if not taken:
                self._give_up(part)
                raise
            self._blame(taken, error)
            if isinstance(error, Exception):
                return
            raise
        for each, result in zip(taken, results, strict=True):
            each.result = result
            each.turn.set()

    def _do(self, connection: Connection, taken: list[_Part[Item, Result]]) -> Sequence[Result | None]:
        """For all who wait now: they are ``taken``."""
        with self._lock:
            taken += [self._waiting.popleft() for _ in range(min(MOST, len(self._waiting)))]
        try:
            return self._work(connection, [each.item for each in taken], False)
        finally:
            self._hand_on()  # who came meanwhile need not wait for the disk

    def _hand_on(self) -> None:
        with self._lock:
            self._is_led = bool(self._waiting)
            if self._is_led:
                self._waiting[0].leads = True
                self._waiting[0].turn.set()

    def _give_up(self, part: _Part[Item, Result]) -> None:
        with self._lock:
            self._waiting.remove(part)
        self._hand_on()

    def _blame(self, taken: Sequence[_Part[Item, Result]], error: BaseException) -> None:
        """Whoever was the only one, or all where it is the database's own; else each finds out alone."""
        is_all = len(taken) == 1 or self._is_everybodys(error)
        for each in taken:
            each.error = error if is_all else None
            each.turn.set()

    def _alone(self, item: Item, seconds: float) -> Result:
        (result,) = self._transact(lambda connection: self._work(connection, [item], True), seconds)
        assert result is not None, "nothing is in its way"
        found: Result = result
        return found
