"""Kills a process at one line of a commit that several visitors' leads share: for each line a child of its own.

`python -m tests.crash.shared_kills MANNER`, in the folder of an installation, prints for each line who was thanked
before the process died, and whose leads are in the store afterwards, as JSON. It is a process of its own because it
forks.
"""

from __future__ import annotations

import gc
import itertools
import json
import os
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass
from types import FrameType
from typing import Any

from flask import Flask
from sqlalchemy import Connection, select

from leadferry import commits, config
from leadferry.gathering import Gathering
from leadferry.models import lead
from leadferry.store import Store
from leadferry.web import create_app
from tests.crash.kill_points import STORING, Functions, Point, code_of, in_a_child, points_of, write_nothing_beside

VISITORS = 6
FORM = "later"
TIMES = (1, VISITORS // 2 + 1)
"""A process dies when it comes to the line for the so many-th time: at the first lead, or with others' in hand."""

MANNERS: dict[str, Functions] = {
    "gathering": (
        Gathering.run,
        Gathering._join,
        Gathering._hand_on,
    ),
    "gathered": (
        Gathering._lead,
        Gathering._do,
        *STORING,
        Store.transact,
        Store._one_of_several,
    ),
    "in parts": (
        commits.SharedCommits.run,
        commits.SharedCommits._take_turn,
        commits.SharedCommits._pass_on,
        commits.SharedCommits._next_for,
        commits.SharedCommits._end_turn,
        commits._Batch.do,
        commits._Batch.part,
        commits._Batch.end,
        commits._Batch.wait,
        Store._turn_to_write,
    ),
}
"""One gathers all, and does the work of all at once; or each has a part of its own in SQLite's transaction, as other
work has.
"""


@dataclass(frozen=True)
class Outcome:
    """What came of the visitors of one child, by their addresses."""

    point: str
    time: int
    killed: bool
    thanked: list[str]
    stored: list[str]


def die_at(point: Point, nth: int) -> None:
    functions = {each for several in MANNERS.values() for each in several}
    (code,) = [code_of(each) for each in functions if each.__qualname__ == point.function]
    times = itertools.count(1)

    def trace(frame: FrameType, event: str, _arg: Any) -> Any:
        if frame.f_code is not code:
            return None
        if event == "line" and frame.f_lineno == point.line and next(times) == nth:
            os.kill(os.getpid(), signal.SIGKILL)
        return trace

    threading.settrace(trace)


def gather(store: Store) -> None:
    """The first to come begins only when all are there, and does the work of all."""
    transact = store.transact

    def once_all_are_there(work: Callable[[Connection], Any], seconds: float) -> Any:
        (gathering,) = store._gatherings.values()
        while len(gathering._waiting) < VISITORS:
            time.sleep(0.0005)
        return transact(work, seconds)

    store.transact = once_all_are_there  # type: ignore[assignment,method-assign]


def part(store: Store) -> None:
    """Each comes with work of their own; the first begins only when the others wait for their turn."""

    def alone(work: Callable[[Store, Connection, list[Any], bool], list[Any]], item: Any) -> Any:
        return store.transact(lambda connection: work(store, connection, [item], True)[0])

    store.transact_together = alone  # type: ignore[assignment,method-assign]
    shared = store._commits
    assert shared
    begin = shared._transaction

    def once_all_are_there() -> AbstractContextManager[Connection]:
        while len(shared._waiting) < VISITORS - 1:
            time.sleep(0.0005)
        return begin()

    shared._transaction = once_all_are_there
    commits.LONGEST = 60.0


def visit(app: Flask, addresses: list[str], told: int) -> bool:
    """All post at the same moment; who is thanked tells."""

    def post(email: str) -> None:
        answer = app.test_client().post(f"/f/{FORM}", json={"firstName": "Jane", "email": email})
        if answer.status_code == 200:
            os.write(told, f"{email}\n".encode())

    threads = [threading.Thread(target=post, args=(email,)) for email in addresses]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    return True


def outcomes(manner: str) -> Iterator[Outcome]:
    app = create_app(config.load())
    store: Store = app.extensions["leadferry"].office.store
    app.test_client().post(f"/f/{FORM}", json={"email": "nobody@example.com"})
    write_nothing_beside(app.extensions["leadferry"])
    if manner == "in parts":
        part(store)
    else:
        gather(store)
    with open(os.devnull, "wb") as nobody:  # noqa: PTH123  # for its number
        visit(app, [f"{number}@example.com" for number in range(VISITORS)], nobody.fileno())  # now everything is loaded
    gc.collect()
    gc.freeze()  # or each child copies it all only to look through it
    for point, nth in itertools.product(points_of(MANNERS[manner]), TIMES):
        addresses = [f"{point.function}-{point.line}-{nth}-{number}@example.com".lower() for number in range(VISITORS)]
        store.engine.dispose()  # no connection may be open when the child is made
        heard, told = os.pipe()
        killed, _ = in_a_child(lambda: _doomed(app, point, nth, addresses, told))  # noqa: B023  # called at once
        os.close(told)
        with os.fdopen(heard) as lines:
            thanked = lines.read().split()
        yield Outcome(str(point), nth, killed, thanked, sorted(set(addresses) & _stored(store)))


def _doomed(app: Flask, point: Point, nth: int, addresses: list[str], told: int) -> bool:
    die_at(point, nth)
    return visit(app, addresses, told)


def _stored(store: Store) -> set[str]:
    with store.read() as connection:
        return set(connection.execute(select(lead.c.answers["email"].as_string())).scalars())


if __name__ == "__main__":
    json.dump([asdict(each) for each in outcomes(sys.argv[1])], sys.stdout)
