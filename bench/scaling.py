"""`python -m bench.scaling [--quick]`: what a further machine adds on one PostgreSQL, and what a lead costs there.

The machines are network namespaces of this one (root is needed), each with a fixed share of a core where the kernel's
cgroups can be had: else both would only share the same two cores, and a second one could add nothing. PostgreSQL and
the visitors have what is left. It writes docs/scaling.md, all but what stands in bench/past_one_machine.md.
"""

from __future__ import annotations

import argparse
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from sqlalchemy import make_url

from bench.client import Kind
from bench.stage import QUOTE, Crowd, end_in_order, folder, posts
from leadferry.store import Store, upgrade
from tests.crash.hosts import SUBNET, THIS_HOST, Host, missing, two_hosts
from tests.installation import REPOSITORY, answers, make, wait_until
from tests.services.postgres import Address, Postgres, temporary_postgres

SHARE = 0.4
"""Of one core, that each machine has."""

PAGE = REPOSITORY / "docs" / "scaling.md"
WORDS = REPOSITORY / "bench" / "past_one_machine.md"
CGROUPS = Path("/sys/fs/cgroup/cpu")
SECONDS = 8.0
CLIENTS = 32
LONGEST = 300.0
"""Seconds that all of them may take."""

WAITING = 1_500


@dataclass
class Machine:
    """A web or worker machine with one process."""

    host: Host
    process: subprocess.Popen[bytes]
    url: str = ""

    def cpu(self) -> float:
        return sum(_cpu(pid) for pid in [self.process.pid, *_children(self.process.pid)])

    def stop(self) -> None:
        self.process.send_signal(signal.SIGTERM)
        self.process.wait(60)


class Site:
    """One PostgreSQL, the vendor, and the folder that each machine has its own copy of."""

    def __init__(self, root: Path, postgres: Postgres, vendor: str, hosts: Sequence[Host], limited: bool) -> None:
        self.root = root
        self.postgres = postgres
        self.vendor = vendor
        self.hosts = hosts
        self.limited = limited
        self.url = make_url(postgres.url).set(host=THIS_HOST, query={}).render_as_string()

    def _start(self, number: int, *command: str) -> Machine:
        host = self.hosts[number]
        ours = make(self.root / host.name, self.url, {"ALLOW_PRIVATE_VENDORS": "1", "DELIVERY": "off"})
        ours.form("quote", QUOTE.format(url=self.vendor, wait=0))
        environ = {**os.environ, "PYTHONPATH": str(REPOSITORY), "FLASK_APP": str(REPOSITORY / "app.py"), **ours.environ}
        enter = f"echo $$ > {CGROUPS}/{host.name}/tasks; " if self.limited else ""
        wrapped = host.command(["sh", "-c", f'{enter}exec "$@"', "sh", sys.executable, *command])
        with (self.root / "log").open("ab") as log:
            process = subprocess.Popen(
                wrapped, cwd=ours.root, env=environ, stdout=log, stderr=log, start_new_session=True
            )
        return Machine(host, process)

    @contextmanager
    def web(self, count: int) -> Iterator[list[Machine]]:
        found = []
        for number in range(count):
            bind = f"198.18.77.{number + 2}:8000"
            config = str(REPOSITORY / "gunicorn.conf.py")
            machine = self._start(number, "-m", "gunicorn", "-c", config, "-b", bind, "-w", "1", "app:app")
            machine.url = f"http://{bind}"
            found.append(machine)
        try:
            for each in found:
                wait_until(lambda each=each: answers(f"{each.url}/readyz"), 60)  # type: ignore[misc]
            yield found
        finally:
            for each in found:
                each.stop()

    @contextmanager
    def workers(self, count: int) -> Iterator[list[Machine]]:
        found = [self._start(number, "-m", "flask", "worker") for number in range(count)]
        try:
            yield found
        finally:
            for each in found:
                each.stop()

    def ask(self, question: str) -> Any:
        store = Store(self.postgres.url)
        with store.write() as connection:
            found = connection.exec_driver_sql(question)
            answer = found.scalar() if found.returns_rows else None
        store.engine.dispose()
        return answer

    def settled(self, since: float, at_least: int) -> int:
        """How many deliveries are, once there are so many. It looks seldom, on one connection: to look costs too."""
        store = Store(self.postgres.url)
        question = f"SELECT count(*) FROM delivery WHERE settled_at > {since}"

        def count() -> int:
            with store.read() as connection:
                return int(connection.exec_driver_sql(question).scalar() or 0)

        found = count()
        until = time.monotonic() + LONGEST
        while found < at_least:
            assert time.monotonic() < until, f"{found} deliveries in {LONGEST:.0f} s"
            time.sleep(0.25)
            found = count()
        store.engine.dispose()
        return found

    def database_cpu(self) -> float:
        process = self.postgres._process
        assert process
        return sum(_cpu(pid) for pid in [process.pid, *_children(process.pid)])


@dataclass(frozen=True)
class Found:
    """So many a second by all machines together. ``own`` and ``database`` are milliseconds of a core, for each."""

    rate: float
    own: float
    database: float


def visits_by(site: Site, count: int, kind: Kind, seconds: float) -> Found:
    with site.web(count) as machines:
        for each in machines:
            Crowd(each.url, [kind], 1).result()
        own, database = _used(machines), site.database_cpu()
        crowds = [Crowd(each.url, [kind], seconds) for each in machines]
        found = [each.result()[kind.name] for each in crowds]
        own, database = _used(machines) - own, site.database_cpu() - database
    done = sum(each.good for each in found)
    return _said(
        f"{count} web, {kind.name}s",
        Found(sum(each.rate for each in found), own / done * 1000, database / done * 1000),
    )


def deliveries_by(site: Site, count: int, waiting: int) -> Found:
    for statement in (
        "DELETE FROM attempt",
        "DELETE FROM account",
        f"DELETE FROM lead WHERE id NOT IN (SELECT id FROM lead ORDER BY id LIMIT {waiting})",
        "UPDATE delivery SET state = 'pending', due_at = 0, attempts = 0, settled_at = NULL",
    ):
        site.ask(statement)
    began = time.time()
    with site.workers(count) as machines:
        before, own, database = site.settled(began, 1), _used(machines), site.database_cpu()
        site.settled(began, waiting)
        own, database = _used(machines) - own, site.database_cpu() - database
    settled = f"FROM delivery WHERE settled_at > {began}"
    first, last = (float(site.ask(f"SELECT {which}(settled_at) {settled}")) for which in ("min", "max"))
    return _said(
        f"{count} worker, deliveries",
        Found(waiting / (last - first), own / (waiting - before) * 1000, database / (waiting - before) * 1000),
    )


def _said(what: str, found: Found) -> Found:
    print(
        f"{what}: {found.rate:,.0f} a second; of each {found.own:.2f} ms there, {found.database:.2f} ms of PostgreSQL",
        flush=True,
    )
    return found


def _used(machines: Sequence[Machine]) -> float:
    return sum(each.cpu() for each in machines)


def _cpu(pid: int) -> float:
    """Seconds of a process, and of its children that have ended."""
    try:
        fields = Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except FileNotFoundError:
        return 0.0
    return sum(map(int, fields[11:15])) / os.sysconf("SC_CLK_TCK")


def _children(pid: int) -> list[int]:
    try:
        return [int(each) for each in Path(f"/proc/{pid}/task/{pid}/children").read_text().split()]
    except FileNotFoundError:
        return []


@contextmanager
def _limits(hosts: Sequence[Host]) -> Iterator[bool]:
    """A share of a core for each host; whether that could be had."""
    made = []
    try:
        for host in hosts:
            group = CGROUPS / host.name
            group.mkdir()
            made.append(group)
            (group / "cpu.cfs_quota_us").write_text(str(round(SHARE * 100_000)))
        yield True
    except OSError:
        yield False
    finally:
        for group in made:
            group.rmdir()


@dataclass(frozen=True)
class Figures:
    """What docs/scaling.md is written from. ``kilobytes`` are those of a delivered lead with its indices."""

    limited: bool
    views: Found
    posts: Found
    posts_by_two: Found
    deliveries: Found
    deliveries_by_two: Found
    kilobytes: float


def measure(seconds: float, waiting: int) -> Figures:
    with ExitStack() as stack:
        hosts = stack.enter_context(two_hosts())
        limited = stack.enter_context(_limits(hosts))
        root = stack.enter_context(folder())
        postgres = stack.enter_context(temporary_postgres(Address(THIS_HOST, SUBNET)))
        site = Site(root, postgres, stack.enter_context(_vendor()), hosts, limited)
        store = Store(postgres.url)
        upgrade(store)
        store.engine.dispose()
        views = visits_by(site, 1, Kind("view", "/f/quote", connections=CLIENTS), seconds)
        one, two = (visits_by(site, count, posts(CLIENTS), seconds) for count in (1, 2))
        by_one, by_two = (deliveries_by(site, count, waiting) for count in (1, 2))
        kilobytes = _stored_size(site) / float(site.ask("SELECT count(*) FROM lead")) / 1024
        return Figures(limited, views, one, two, by_one, by_two, kilobytes)


def _stored_size(site: Site) -> float:
    """Bytes of all that is kept of the leads, without what was left of those that were deleted in between."""
    tables = ("lead", "delivery", "attempt", "lead_search")
    for table in tables:
        site.ask(f"CLUSTER {table} USING pk_{table}")
    return sum(float(site.ask(f"SELECT pg_total_relation_size('{table}')")) for table in tables)


# --- the page ---

VIEWS_PER_LEAD = 80 / 20
BUSY = 0.5
"""The share of a core that is planned for: the rest is for bursts, and for a machine that is away."""

CORE_MONTH = 20.0
"""Dollars that a rented core with its memory costs in a month, about; disks and traffic come on top."""

SECONDS_IN_MONTH = 30 * 86_400.0


def document(found: Figures) -> str:
    share = f"each with {SHARE:.0%} of a core" if found.limited else "which share this machine's cores"
    day = time.strftime("%Y-%m-%d")
    rows = "\n".join(_sum(found, leads) for leads in (1, 100, 10_000))
    return f"""# Past one machine

Written by `python -m bench.scaling`; what stands below the sums comes from `bench/past_one_machine.md`.

## Measured

Two machines, {share}: network namespaces of one host, with PostgreSQL and the visitors on what is left of its
{len(os.sched_getaffinity(0))} cores. Every figure is one run ({day}); differences under a tenth mean nothing.

| | a second | of each, there | of each, PostgreSQL |
|---|---|---|---|
{_line("form pages, one web machine", found.views)}
{_line("posts, one web machine", found.posts)}
{_line("posts, two web machines", found.posts_by_two)}
{_line("deliveries, one worker machine", found.deliveries)}
{_line("deliveries, two worker machines", found.deliveries_by_two)}

A second web machine takes {found.posts_by_two.rate / found.posts.rate:.2f} times the posts of one, a second worker
machine makes {found.deliveries_by_two.rate / found.deliveries.rate:.2f} times the deliveries. A lead takes
{found.kilobytes:.1f} KB of the database, indices and history included.

## The sums

A lead is {VIEWS_PER_LEAD:.0f} views, one post and one delivery. Cores are planned to be {BUSY:.0%} busy. A core with
its memory is counted as {CORE_MONTH:.0f} dollars a month, so the last column is what a million leads cost in processors
at that rate.

| leads a second | leads a month | web cores | worker cores | PostgreSQL cores | stored in 90 days | a million leads |
|---|---|---|---|---|---|---|
{rows}

{WORDS.read_text("utf-8").strip()}
"""


def _line(what: str, found: Found) -> str:
    return f"| {what} | {found.rate:,.0f} | {found.own:.2f} ms | {found.database:.2f} ms |"


def _sum(found: Figures, leads: int) -> str:
    web = leads * (VIEWS_PER_LEAD * found.views.own + found.posts.own) / 1000 / BUSY
    workers = leads * found.deliveries.own / 1000 / BUSY
    database = leads * (found.posts.database + found.deliveries.database) / 1000 / BUSY
    stored = leads * 90 * 86_400 * found.kilobytes / 1024 / 1024
    month = leads * SECONDS_IN_MONTH
    dollars = (web + workers + database) * CORE_MONTH / month * 1e6
    return (
        f"| {leads:,} | {month / 1e6:,.1f} million | {web:,.2f} | {workers:,.2f} | {database:,.2f} "
        f"| {stored:,.0f} GB | {dollars:,.2f} dollars |"
    )


def main() -> int:
    end_in_order()
    parser = argparse.ArgumentParser(prog="python -m bench.scaling", description=__doc__)
    parser.add_argument("--quick", action="store_true", help="short rounds; shows that it works, and writes nothing")
    quick = parser.parse_args().quick
    reason = missing()
    if reason:
        print(f"Two machines cannot be had here: {reason}")
        return 1
    found = document(measure(2.0, 200) if quick else measure(SECONDS, WAITING))
    if quick:
        print(found)
    else:
        PAGE.write_text(found, "utf-8")
        print(f"Written to {PAGE.relative_to(REPOSITORY)}.")
    return 0


@contextmanager
def _vendor() -> Iterator[str]:
    process = subprocess.Popen([sys.executable, "-m", "bench.vendor", "8777", "0", THIS_HOST], cwd=REPOSITORY)
    url = f"http://{THIS_HOST}:8777/"
    try:
        wait_until(lambda: answers(url), 20)
        yield url
    finally:
        process.terminate()
        process.wait()


if __name__ == "__main__":
    sys.exit(main())
