"""What a post, a page of the lead table, a search and a claim cost when a thousand leads are stored, and a million."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator
from contextlib import ExitStack, closing
from itertools import count
from pathlib import Path
from statistics import median

from bench.stage import folder, installation
from bench.table import Row, Size, number
from leadferry import accepting, outbox, search
from leadferry.forms import Form
from leadferry.leads import NewLead
from leadferry.search import Wanted
from leadferry.store import Store, sqlite_driver, upgrade

SIZES = (1_000, 100_000, 1_000_000)
OPEN = 4_000
"""Deliveries that wait, whatever the number of leads."""

_EACH = "WITH RECURSIVE each(n) AS (SELECT 1 UNION ALL SELECT n + 1 FROM each WHERE n < {leads}) INSERT INTO "
FILL = (
    """lead (id, reference, form, version, received_at, answers, campaign, cleaned, source, content_hash, test)
    SELECT n, printf('LF-%010d', n), CASE n % 3 WHEN 0 THEN 'other' ELSE 'quote' END, 'abc', {now} - ({leads} - n) * 60,
    printf('{{"firstName": "Jane", "lastName": "Doe%d", "email": "jane.%d@example.com", "phone": "5127891111"}}', n, n),
    '{{"utm_campaign": "spring", "gclid": "g"}}', '[]', '{{"ip": "127.0.0.0", "path": "/f/quote"}}',
    hex(randomblob(32)), 0 FROM each""",
    """delivery (id, lead_id, destination, account, vendor, state, due_at, attempts, unsure, settled_at)
    SELECT n, n, 'vendor', 'quote/vendor', 'webhook',
    CASE WHEN n > {leads} - {open} THEN 'pending' ELSE 'delivered' END, 0, 1, 0, {now} FROM each""",
    "lead_search SELECT printf('e:jane.%d@example.com', n), n FROM each ORDER BY 1",
    "lead_search SELECT printf('n:doe%d', n), n FROM each ORDER BY 1",
    "lead_search SELECT 'n:jane', n FROM each",
    "lead_search SELECT 'p:111198721', n FROM each",
    "lead_search SELECT 'c:spring', n FROM each",
)


class Filled:
    """A database with so many leads, and what is measured in it."""

    def __init__(self, path: Path, leads: int, form: Form) -> None:
        self.leads = leads
        self.form = form
        self.store = Store(f"sqlite:///{path}")
        upgrade(self.store)
        self._fill(path)
        self._numbers = count()

    def _fill(self, path: Path) -> None:
        with closing(sqlite_driver.connect(path, isolation_level=None)) as connection:
            connection.execute("PRAGMA synchronous=OFF")
            for statement in FILL:
                given = {"leads": self.leads, "now": time.time(), "open": min(OPEN, self.leads - 1)}
                connection.execute((_EACH + statement).format(**given))
            connection.execute("ANALYZE")
            connection.execute("PRAGMA wal_checkpoint(TRUNCATE)")

    def post(self) -> object:
        number = next(self._numbers)
        values = {"firstName": "Jane", "lastName": "Doe", "email": f"new.{number}@example.com", "phone": "5127891111"}
        return accepting.accept(self.store, NewLead(self.form, values, {"gclid": f"{number}"}), {})

    def page(self) -> object:
        return search.find(self.store, Wanted())

    def page_of_a_form(self) -> object:
        return search.find(self.store, Wanted(form="quote"), before=self.leads // 2)

    def look_up(self) -> object:
        found = search.find(self.store, Wanted(text=f"jane.{self.leads // 2}@example.com"))
        assert len(found) == 1
        return found

    def claim(self) -> object:
        found = outbox.claim_due(self.store, outbox.Turn(1), time.time())
        assert len(found) == 1
        return found


OPERATIONS: dict[str, Callable[[Filled], object]] = {
    "A post": Filled.post,
    "A page of the lead table": Filled.page,
    "A page of one form's leads, far down": Filled.page_of_a_form,
    "A search by e-mail address": Filled.look_up,
    "A claim": Filled.claim,
}


def of_each_operation(size: Size) -> Iterator[Row]:
    sizes = SIZES[:2] if size.quick else SIZES
    times = 100 if size.quick else 300
    with ExitStack() as stack:
        ours = stack.enter_context(installation())
        form = ours.site.office.catalog.get("quote")
        assert isinstance(form, Form)
        stack.callback(ours.close)
        place = stack.enter_context(folder())
        databases = [Filled(place / f"{leads}.db", leads, form) for leads in sizes]
        for what, operation in OPERATIONS.items():
            yield _row(what, operation, databases, times)
        for each in databases:
            each.store.engine.dispose()


def _row(what: str, operation: Callable[[Filled], object], databases: list[Filled], times: int) -> Row:
    waits: dict[int, list[float]] = {each.leads: [] for each in databases}
    for turn in range(times):
        for each in databases:  # in turn: what slows the machine slows them all
            began = time.perf_counter()
            operation(each)
            if turn >= times // 10:  # the first ones warm up
                waits[each.leads].append((time.perf_counter() - began) * 1000)
    few, *more = databases
    least = median(waits[few.leads])
    ratios = {each.leads: median(waits[each.leads]) / least for each in more}
    worst = max(ratios.values())
    return Row(
        f"{what}, with {more[-1].leads:,} leads",
        f"{number(median(waits[more[-1].leads]))} ms",
        f"{number(least)} ms with {few.leads:,}",
        f"{worst:.2f} ×",
        "≤ 1.2 ×",
        worst <= 1.2,
        ", ".join(f"{ratio:.2f} with {leads:,}" for leads, ratio in ratios.items()),
    )
