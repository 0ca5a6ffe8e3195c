"""`python -m bench.scaling`: what a further web or worker machine adds on one PostgreSQL, and what a lead costs there.

The machines are network namespaces of this one (root is needed), each with a fixed share of a core where the kernel's
cgroups can be had: else both would only share the same two cores, and a second one could add nothing. PostgreSQL and
the visitors have what is left. The figures go into docs/scaling.md by hand.
"""

from __future__ import annotations

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

from bench.stage import QUOTE, Crowd, folder, posts
from leadferry.store import Store, upgrade
from sqlalchemy import make_url
from tests.crash.hosts import SUBNET, THIS_HOST, Host, missing, two_hosts
from tests.installation import REPOSITORY, answers, make, wait_until
from tests.services.postgres import Address, Postgres, temporary_postgres

SHARE = 0.4
"""Of one core, that each machine has."""

CGROUPS = Path("/sys/fs/cgroup/cpu")
SECONDS = 8.0
CLIENTS = 32
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
    """One PostgreSQL, and the folder that each machine has its own copy of."""

    def __init__(self, root: Path, postgres: Postgres, hosts: Sequence[Host], limited: bool) -> None:
        self.root = root
        self.postgres = postgres
        self.hosts = hosts
        self.limited = limited
        self.url = make_url(postgres.url).set(host=THIS_HOST, query={}).render_as_string()

    def _start(self, number: int, vendor: str, delivery: str, *command: str) -> Machine:
        host = self.hosts[number]
        ours = make(self.root / host.name, self.url, {"ALLOW_PRIVATE_VENDORS": "1", "DELIVERY": delivery})
        ours.form("quote", QUOTE.format(url=vendor, wait=0))
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
            machine = self._start(
                number, "http://127.0.0.1:9/", "off", "-m", "gunicorn", "-c", config, "-b", bind, "-w", "1", "app:app"
            )
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
    def workers(self, count: int, vendor: str) -> Iterator[list[Machine]]:
        found = [self._start(number, vendor, "off", "-m", "flask", "worker") for number in range(count)]
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

    def database_cpu(self) -> float:
        process = self.postgres._process
        assert process
        return sum(_cpu(pid) for pid in [process.pid, *_children(process.pid)])


def posts_by(site: Site, count: int) -> float:
    """A second, and prints what each cost."""
    with site.web(count) as machines:
        for each in machines:
            Crowd(each.url, [posts(4)], 1).result()
        web, database = sum(each.cpu() for each in machines), site.database_cpu()
        crowds = [Crowd(each.url, [posts(CLIENTS)], SECONDS) for each in machines]
        found = [each.result()["post"] for each in crowds]
        done = sum(each.good for each in found)
        web, database = sum(each.cpu() for each in machines) - web, site.database_cpu() - database
    rate = sum(each.rate for each in found)
    _say(f"{count} web", rate, "posts", web / done, database / done)
    return rate


def deliveries_by(site: Site, count: int, vendor: str) -> float:
    site.ask("DELETE FROM attempt")
    site.ask(
        "UPDATE delivery SET state = 'pending', due_at = 0, attempts = 0, payload = NULL, settled_at = NULL"  # noqa: S608
        f" WHERE id IN (SELECT id FROM delivery ORDER BY id LIMIT {WAITING})"
    )
    began, database = time.time(), site.database_cpu()
    with site.workers(count, vendor) as machines:
        wait_until(lambda: site.ask(f"SELECT count(*) FROM delivery WHERE settled_at > {began}") >= WAITING, 180)  # noqa: S608
        web, database = sum(each.cpu() for each in machines), site.database_cpu() - database
    first, last = (
        float(site.ask(f"SELECT {which}(settled_at) FROM delivery WHERE settled_at > {began}"))  # noqa: S608
        for which in ("min", "max")
    )
    rate = WAITING / (last - first)
    _say(f"{count} worker", rate, "deliveries", web / WAITING, database / WAITING)
    return rate


def _say(who: str, rate: float, what: str, own: float, database: float) -> None:
    print(
        f"{who} machine(s): {rate:,.0f} {what} a second; of each: {own * 1000:.2f} ms of their processor, "
        f"{database * 1000:.2f} ms of PostgreSQL's",
        flush=True,
    )


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


def main() -> int:
    reason = missing()
    if reason:
        print(f"Two machines cannot be had here: {reason}")
        return 1
    with ExitStack() as stack:
        hosts = stack.enter_context(two_hosts())
        limited = stack.enter_context(_limits(hosts))
        print(f"Each machine has {SHARE:.0%} of a core." if limited else "No cgroups: both share the same cores.")
        root = stack.enter_context(folder())
        postgres = stack.enter_context(temporary_postgres(Address(THIS_HOST, SUBNET)))
        site = Site(root, postgres, hosts, limited)
        store = Store(postgres.url)
        upgrade(store)
        store.engine.dispose()
        one, two = posts_by(site, 1), posts_by(site, 2)
        print(f"A second web machine: {two / one:.2f} times the posts")
        receiver = stack.enter_context(_vendor())
        one, two = deliveries_by(site, 1, receiver), deliveries_by(site, 2, receiver)
        print(f"A second worker machine: {two / one:.2f} times the deliveries")
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
