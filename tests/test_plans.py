"""The queries that are made all the time go along an index, whatever is stored: asked of the database itself."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from typing import Any

import pytest
from sqlalchemy import Connection, event, text

from leadferry import accepting, gathering, leads, outbox, privacy, search
from leadferry.forms import Form
from leadferry.leads import Filter, NewLead
from leadferry.outbox import Turn, Waiting
from leadferry.search import Wanted
from leadferry.statements import Statement
from leadferry.store import Store
from tests.conftest import Install
from tests.web.forms import any_name

BIG = ("lead", "delivery", "attempt", "lead_search", "lead_file")
"""Tables that grow with the leads."""


_made = Statement._for


@dataclass
class Planner:
    """What the database would do for each statement that is executed."""

    store: Store
    form: Form

    def of(self, work: Callable[[], object]) -> str:
        """The plans of all statements of some work, by whatever way they are executed."""
        seen: list[tuple[str, Any]] = []

        def note(_connection: Any, _cursor: Any, statement: str, given: Any, _context: Any, many: bool) -> None:
            seen.append((statement, given[0] if many else given))

        def note_made(statement: Statement, connection: Connection, values: Any) -> Any:
            made = _made(statement, connection, values)
            given = made.parameters(values)
            seen.append((made.text, tuple(given) if isinstance(given, list) else given))
            return made

        event.listen(self.store.engine, "before_cursor_execute", note)
        try:
            with pytest.MonkeyPatch.context() as patch:
                patch.setattr(Statement, "_for", note_made)
                work()
        finally:
            event.remove(self.store.engine, "before_cursor_execute", note)
        wanted = [each for each in seen if each[0].startswith(("SELECT", "UPDATE", "DELETE")) and "pg_" not in each[0]]
        assert wanted
        return "\n".join(line for statement, given in wanted for line in self._explained(statement, given))

    def _explained(self, statement: str, given: Any) -> Iterator[str]:
        with self.store.read() as connection:
            if self.store.is_sqlite:
                rows = [row[3] for row in connection.exec_driver_sql(f"EXPLAIN QUERY PLAN {statement}", given)]
                ends_soon = "ORDER BY" in statement and "LIMIT" in statement and "TEMP B-TREE" not in str(rows)
                yield from (row.replace("SCAN", "FIRST OF") if ends_soon else row for row in rows)
                return
            connection.execute(text("SET LOCAL enable_seqscan = off"))  # with so few rows it would never be wrong
            yield from (row[0] for row in connection.exec_driver_sql(f"EXPLAIN {statement}", given))

    def scanned(self, plan: str) -> list[str]:
        """Big tables that are read from the first row to the last."""
        words = ("SCAN {}", "Seq Scan on {}")
        lines = [f"{line} ".replace("\n", " ") for line in plan.splitlines()]
        return [
            f"{table}: {line.strip()}"
            for table in BIG
            for line in lines
            if any(f"{word.format(table)} " in line for word in words) and "USING" not in line
        ]


@pytest.fixture
def planner(install: Install) -> Planner:
    installation = install({"any": any_name()}, ALLOW_PRIVATE_VENDORS="1")
    form = installation.site.office.catalog.get("any")
    assert isinstance(form, Form)
    for number in range(3):
        accepting.accept(installation.store, NewLead(form, {"message": f"{number}", "email": "a@example.com"}), {})
    return Planner(installation.store, form)


WAITING = Waiting("any/vendor", "down", None, None, 0.0, 0, 0.0)


def post_together(planner: Planner) -> None:
    """As many as share a transaction at most."""
    several = [
        accepting._made_ready(planner.store, NewLead(planner.form, {"message": f"new {each}"}), {}, True, 99, True)
        for each in range(gathering.MOST)
    ]
    planner.store.transact(lambda connection: accepting._stored(planner.store, connection, several, False))


WORK: dict[str, Callable[[Planner], object]] = {
    "a post": lambda each: accepting.accept(
        each.store, NewLead(each.form, {"message": "new"}), {}, take=True, at_once=9
    ),
    "posts that come together": post_together,
    "a claim": lambda each: outbox.claim_due(each.store, Turn(2), time.time() + 1),
    "a claim of a vendor with a limit": lambda each: outbox.claim_due(
        each.store, Turn(2, limits={"webhook": 5}), time.time() + 1
    ),
    "a probe": lambda each: outbox.claim_probe(each.store, WAITING, {"webhook": 5}, time.time() + 1),
    "the newest leads": lambda each: leads.find(each.store, Filter()),
    "the lead table": lambda each: search.find(each.store, Wanted()),
    "the lead table of a form, further down": lambda each: search.find(each.store, Wanted(form="any"), before=3),
    "the lead table of a state": lambda each: search.find(each.store, Wanted(state="held")),
    "a lead by its reference": lambda each: search.find(each.store, Wanted(text="LF-2345")),
    "a lead by an e-mail address": lambda each: search.find(each.store, Wanted(text="a@example.com")),
    "an erasure": lambda each: privacy.erase(each.store, [1, 2]),
}


@pytest.mark.parametrize("work", WORK.values(), ids=WORK)
def test_no_table_of_leads_is_read_from_end_to_end(planner: Planner, work: Callable[[Planner], object]) -> None:
    plan = planner.of(lambda: work(planner))
    assert not planner.scanned(plan), plan


def test_a_claim_finds_the_first_in_line_without_sorting_those_that_wait(planner: Planner) -> None:
    """When a vendor is down a hundred thousand may wait."""
    plan = planner.of(lambda: outbox.claim_due(planner.store, Turn(2), time.time() + 1))
    assert "ix_delivery_open_by_state" in plan
    if planner.store.is_sqlite:
        assert plan.count("TEMP B-TREE") <= 1, plan  # of the few that were taken
