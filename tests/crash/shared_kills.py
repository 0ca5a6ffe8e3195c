"""Kills a process at one line of a commit that several visitors' leads share: for each line a child of its own.

`python -m tests.crash.shared_kills`, in the folder of an installation, prints for each line who was thanked before the
process died, and whose leads are in the store afterwards, as JSON. It is a process of its own because it forks.
"""

from __future__ import annotations

import gc
import itertools
import json
import os
import signal
import sys
import threading
from collections.abc import Callable, Iterator
from contextlib import AbstractContextManager
from dataclasses import asdict, dataclass
from types import FrameType
from typing import Any

from flask import Flask
from sqlalchemy import Connection, select

from leadferry import commits, config
from leadferry.models import lead
from leadferry.store import Store
from leadferry.web import create_app
from tests.crash.kill_points import Point, code_of, in_a_child, points_of, write_nothing_beside

VISITORS = 6
FORM = "later"
TIMES = (1, VISITORS // 2 + 1)
"""A process dies when it comes to the line for the so many-th time: at the first lead, or with others' in hand."""

SHARED: tuple[Callable[..., Any], ...] = (
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
)


@dataclass(frozen=True)
class Outcome:
    """What came of the visitors of one child, by their addresses."""

    point: str
    time: int
    killed: bool
    thanked: list[str]
    stored: list[str]


def die_at(point: Point, time: int) -> None:
    (code,) = [code_of(each) for each in SHARED if each.__qualname__ == point.function]
    times = itertools.count(1)

    def trace(frame: FrameType, event: str, _arg: Any) -> Any:
        if frame.f_code is not code:
            return None
        if event == "line" and frame.f_lineno == point.line and next(times) == time:
            os.kill(os.getpid(), signal.SIGKILL)
        return trace

    threading.settrace(trace)


def share(shared: commits.SharedCommits) -> None:
    """The first to write begins only when the others wait for their turn, so that all are in one transaction."""
    begin = shared._transaction

    def once_all_are_there() -> AbstractContextManager[Connection]:
        while len(shared._waiting) < VISITORS - 1:
            pass
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


def outcomes() -> Iterator[Outcome]:
    app = create_app(config.load())
    store: Store = app.extensions["leadferry"].office.store
    app.test_client().post(f"/f/{FORM}", json={"email": "nobody@example.com"})  # everything is loaded before it forks
    write_nothing_beside(app.extensions["leadferry"])
    gc.collect()
    gc.freeze()  # or each child copies it all only to look through it
    for point, time in itertools.product(points_of(SHARED), TIMES):
        addresses = [f"{point.function}-{point.line}-{time}-{number}@example.com".lower() for number in range(VISITORS)]
        store.engine.dispose()  # no connection may be open when the child is made
        heard, told = os.pipe()
        killed, _ = in_a_child(lambda: _doomed(app, store, point, time, addresses, told))  # noqa: B023  # called at once
        os.close(told)
        with os.fdopen(heard) as lines:
            thanked = lines.read().split()
        yield Outcome(str(point), time, killed, thanked, sorted(set(addresses) & _stored(store)))


def _doomed(app: Flask, store: Store, point: Point, time: int, addresses: list[str], told: int) -> bool:
    assert store._commits
    share(store._commits)
    die_at(point, time)
    return visit(app, addresses, told)


def _stored(store: Store) -> set[str]:
    with store.read() as connection:
        return set(connection.execute(select(lead.c.answers["email"].as_string())).scalars())


if __name__ == "__main__":
    json.dump([asdict(each) for each in outcomes()], sys.stdout)
