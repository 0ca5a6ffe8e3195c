"""Kills a process at one line of the way of a lead: for each line a child of its own, then what is left is delivered.

`python -m tests.crash.kill_points FLOW`, in the folder of an installation, prints for each line what came of its
lead, as JSON. It is a process of its own because it forks: nothing else may run in it.
"""

from __future__ import annotations

import ast
import gc
import inspect
import json
import os
import signal
import sys
import textwrap
import threading
from collections.abc import Callable, Iterable, Iterator
from dataclasses import asdict, dataclass
from types import CodeType, FrameType
from typing import Any

from sqlalchemy import select, update

from leadferry import accepting, config, leads, outbox, transport, worker
from leadferry import delivery as trying
from leadferry.gathering import Gathering
from leadferry.leads import Filter, NewLead
from leadferry.models import delivery, lead
from leadferry.outbox import NextState, Tried
from leadferry.web import create_app, site
from leadferry.web.public import _accept_and_wait, _answer
from leadferry.web.site import Site

Functions = tuple[Callable[..., Any], ...]

STORING: Functions = (accepting._stored, accepting._stored_anew, accepting._insert_leads, outbox.add)

FLOWS: dict[str, Functions] = {
    "accept": (
        accepting.accept,
        Gathering.run,
        Gathering._lead,
        Gathering._do,
        *STORING,
    ),
    "answer": (_accept_and_wait, _answer, site.WaitSlots.run),
    "send": (
        trying.attempt,
        trying._try,
        trying._frozen,
        trying._Conversation.hold,
        trying._Conversation._call,
        transport.Transport.send,
        transport.Transport._exchange,
        transport._read,
    ),
    "record": (
        trying._settle,
        outbox.record,
        outbox._record,
        outbox._add_attempt,
        outbox._change_account,
    ),
    "claim": (
        worker.Worker.turn,
        worker.Worker._due,
        worker.Worker._start,
        outbox.claim_due,
        outbox._claim,
        outbox._take,
    ),
}
IN_STORE = ("accept", "record", "claim")
"""What the other flows do is the same on every database."""

FORMS = {
    "accept": ("waiting-recognises",),
    "answer": ("waiting-recognises",),
    "send": ("waiting-recognises", "waiting-forgets"),
    "record": ("waiting-recognises", "waiting-forgets"),
    "claim": ("later-recognises",),
}
"""Of the first ones a visitor waits for the vendor, and all happens in one process; of the last a worker takes it."""

LONG = 1_000_000.0
"""Seconds, longer than any wait."""


@dataclass(frozen=True)
class Point:
    """Where a process dies: before this line of this function is executed."""

    function: str
    line: int

    def __str__(self) -> str:
        return f"{self.function}:{self.line}"


@dataclass(frozen=True)
class Outcome:
    """What came of the lead. ``at_death`` and ``at_last`` are its states, None where it was not stored."""

    point: str
    form: str
    email: str
    killed: bool
    thanked: bool
    at_death: str | None
    at_last: str | None
    tries: list[str]


def code_of(function: Callable[..., Any]) -> CodeType:
    return getattr(function, "__wrapped__", function).__code__


def points(flow: str) -> list[Point]:
    return points_of(FLOWS[flow])


def points_of(functions: Iterable[Callable[..., Any]]) -> list[Point]:
    """The line of every statement, but for one that comes right after a line that calls nothing: whoever dies there
    has done no more than who died a line before.
    """
    found = []
    for function in functions:
        executable = {line for _, _, line in code_of(function).co_lines() if line}
        source, first = inspect.getsourcelines(function)
        (definition,) = ast.parse(textwrap.dedent("".join(source))).body
        assert isinstance(definition, ast.FunctionDef)
        lines = {statement.lineno + first - 1 for statement in _after_work(definition.body)}
        found += [Point(function.__qualname__, line) for line in sorted(executable & lines)]
    return found


def _after_work(block: list[ast.stmt], working: bool = True) -> Iterator[ast.stmt]:
    """The statements before which something may have happened since the statement before them; ``working`` says it of
    the first.
    """
    for statement in block:
        if working:
            yield statement
        inner = [getattr(statement, name, []) for name in ("body", "orelse", "finalbody")]
        if isinstance(statement, ast.If):
            for each in inner:
                yield from _after_work(each, _works(statement.test))
        elif any(inner):
            inner += [handler.body for handler in getattr(statement, "handlers", [])]
            for each in inner:
                yield from _after_work(each)
        working = bool(any(inner)) or _works(statement)


def _works(node: ast.AST) -> bool:
    return any(isinstance(each, ast.Call | ast.Yield) for each in ast.walk(node))


def die_at(point: Point, flow: str) -> None:
    """From now on, in every thread."""
    (code,) = [code_of(each) for each in FLOWS[flow] if each.__qualname__ == point.function]

    def trace(frame: FrameType, event: str, _arg: Any) -> Any:
        if frame.f_code is not code:
            return None
        if event == "line" and frame.f_lineno == point.line:
            os.kill(os.getpid(), signal.SIGKILL)
        return trace

    threading.settrace(trace)
    sys.settrace(trace)


def in_a_child(work: Callable[[], bool]) -> tuple[bool, bool]:
    """Whether the child was killed, and what its work returned."""
    child = os.fork()
    if child == 0:
        try:
            os._exit(10 if work() else 11)
        except BaseException:
            sys.excepthook(*sys.exc_info())
            os._exit(1)
    _, status = os.waitpid(child, 0)
    if os.WIFSIGNALED(status) and os.WTERMSIG(status) == signal.SIGKILL:
        return True, False
    assert os.WEXITSTATUS(status) in {10, 11}, "the child broke off by itself"
    return False, os.WEXITSTATUS(status) == 10


def write_nothing_beside(site: Site) -> None:
    """From now on no thread but this one writes: a child that is made while another holds SQLite's turn to write
    inherits the turn, and waits for itself for ever.
    """
    site.visits.close()


class Laboratory:
    """One installation, in which a lead is posted and delivered once for each point."""

    def __init__(self, flow: str) -> None:
        self.flow = flow
        self.app = create_app(config.load())
        self.site: Site = self.app.extensions["leadferry"]
        self.store = self.site.office.store
        self._load_everything()
        write_nothing_beside(self.site)
        gc.collect()
        gc.freeze()  # or each child copies it all only to look through it

    def _load_everything(self) -> None:
        """Before it forks, or each child would: modules, forms, and the texts of statements."""
        self.post(FORMS[self.flow][0], "refused@example.com", "")
        form = self.site.office.catalog.get(FORMS[self.flow][0])
        first, second = (NewLead(form, {"email": f"{name}@example.com"}) for name in ("first", "second"))  # type: ignore[arg-type]
        taken = accepting.accept(self.store, first, {}, take=True, repeats=False).claim
        assert taken
        accepting.accept(self.store, second, {}, repeats=False)
        now = self.store.now()
        for claim in [taken, *outbox.claim_due(self.store, outbox.Turn(1), now)]:
            tried = Tried(now, "worker", "accepted", None, None, "", 0)
            outbox.record(self.store, claim, tried, NextState("delivered"), now=now)

    def post(self, form: str, email: str, first_name: str = "Jane") -> bool:
        answer = self.app.test_client().post(f"/f/{form}", json={"firstName": first_name, "email": email})
        return answer.status_code == 200

    def turn(self) -> bool:
        loop = worker.Worker(self.site.office, threads=1)
        loop.turn()
        loop.stop()
        return True

    def try_out(self, point: Point, form: str) -> tuple[bool, bool, str]:
        """Whether the process was killed, whether the visitor was thanked, and the visitor's address."""
        email = f"{point.function}-{point.line}-{form}@example.com".lower()
        if self.flow == "claim":
            in_a_child(lambda: self.post(form, email))

        def run() -> bool:
            die_at(point, self.flow)
            return self.turn() if self.flow == "claim" else self.post(form, email)

        killed, finished = in_a_child(run)
        return killed, self.flow == "claim" or finished, email

    def state(self, email: str) -> str | None:
        rows = leads.find(self.store, Filter(email=email), None)
        assert len(rows) <= 1
        return rows[0].state if rows else None

    def put_aside(self, email: str) -> None:
        """The next child must not meet this lead."""
        mine = select(lead.c.id).where(lead.c.answers["email"].as_string() == email)
        waiting = delivery.c.lead_id.in_(mine) & (delivery.c.state == "pending")
        with self.store.write() as connection:
            connection.execute(update(delivery).where(waiting).values(due_at=delivery.c.due_at + LONG))
        self.store.engine.dispose()  # no connection may be open when the next child is made

    def deliver_the_rest(self) -> None:
        """As a worker does once every lease and every wait is over."""
        for _ in range(30):
            claims = outbox.claim_due(self.store, outbox.Turn(1000), self.store.now() + 2 * LONG)
            for claim in claims:
                trying.attempt(self.site.office, claim, "worker")
            if not claims:
                return
        raise AssertionError("leads were tried again and again")

    def tries(self, email: str) -> list[str]:
        (row,) = leads.find(self.store, Filter(email=email), None) or (None,)
        found = leads.detail(self.store, row)["deliveries"] if row else []
        return [f"{tried['outcome']} {tried['reason']}" for each in found for tried in each["history"]]


def outcomes(flow: str) -> Iterator[Outcome]:
    laboratory = Laboratory(flow)
    deaths = []
    for point in points(flow):
        for form in FORMS[flow]:
            killed, thanked, email = laboratory.try_out(point, form)
            deaths.append((point, form, email, killed, thanked, laboratory.state(email)))
            laboratory.put_aside(email)
    laboratory.deliver_the_rest()
    for point, form, email, killed, thanked, at_death in deaths:
        at_last = laboratory.state(email)
        yield Outcome(str(point), form, email, killed, thanked, at_death, at_last, laboratory.tries(email))


if __name__ == "__main__":
    json.dump([asdict(each) for each in outcomes(sys.argv[1])], sys.stdout)
