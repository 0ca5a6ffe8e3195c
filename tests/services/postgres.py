"""A PostgreSQL server for the tests alone: its own data folder, reached by a socket in it, gone afterwards.

`python -m tests.services.postgres` says which PostgreSQL the tests would use, and fails where there is none.
"""

import os
import pwd
import shutil
import signal
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Literal, NamedTuple
from uuid import uuid4

import psycopg
from psycopg import sql
from sqlalchemy import URL, make_url

ROLE = "leadferry"
DATABASE = "leadferry"
START_LIMIT = 30.0
STOP_LIMIT = 30.0

StopMode = Literal["smart", "fast", "immediate", "kill"]
STOP_SIGNALS: dict[StopMode, signal.Signals] = {
    "smart": signal.SIGTERM,  # waits until every client has gone
    "fast": signal.SIGINT,  # ends the clients, then closes in order
    "immediate": signal.SIGQUIT,  # drops everything; the next start recovers from the log
    "kill": signal.SIGKILL,  # what a lost machine looks like
}


class Address(NamedTuple):
    """A network address of this host to listen on besides the socket, for whoever comes from the subnet."""

    host: str
    subnet: str


class PostgresMissingError(RuntimeError):
    """No PostgreSQL server programs on this machine."""


class PostgresServerError(RuntimeError):
    """The server did not start or stop; the message ends with its own last lines."""


class Account(NamedTuple):
    """Whom the server's processes belong to; PostgreSQL refuses to be root."""

    user: int
    group: int


class Postgres:
    """One server, durable as in production (fsync on) unless asked otherwise. It listens on no network address.

    One that is not durable outlives the death of everything but the machine, and of all that it is told it forgets
    nothing; it only saves itself the disk, and the tidying that comes at times of its own.
    """

    def __init__(
        self, programs: Path, folder: Path, account: Account, address: Address | None = None, *, durable: bool = True
    ) -> None:
        self._programs = programs
        self._folder = folder
        self._account = account
        self._address = address
        self._durable = durable
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def url(self) -> str:
        """The database `leadferry` as SQLAlchemy takes it. The same after every restart."""
        return self._url(DATABASE).render_as_string()

    def start(self) -> None:
        """Start, and return once it answers.

        A server that was killed may be refused a few times, until its last orphans have let go of the data folder.
        """
        deadline = time.monotonic() + START_LIMIT
        while not self._answers():
            if time.monotonic() > deadline:
                self.stop("kill")
                raise PostgresServerError(f"PostgreSQL did not answer in {START_LIMIT:.0f} s:\n{self._last_words()}")
            if self._process is None or self._process.poll() is not None:
                self._process = self._launch()
            time.sleep(0.05)

    def stop(self, mode: StopMode = "fast") -> None:
        """Stop, and return once the process has gone. A server that is not running is left alone."""
        if self._process is None:
            return
        self._process.send_signal(STOP_SIGNALS[mode])
        try:
            self._process.wait(STOP_LIMIT)
        except subprocess.TimeoutExpired:
            self._process.kill()
            self._process.wait()
            raise PostgresServerError(f"PostgreSQL did not stop ({mode}):\n{self._last_words()}") from None
        finally:
            self._process = None

    def restart(self, mode: StopMode = "fast") -> None:
        """Stop in the given way and start again: "immediate" and "kill" are crashes, with recovery after them."""
        self.stop(mode)
        self.start()

    @contextmanager
    def new_database(self, template: str | None = None) -> Iterator[str]:
        """Make a database that lives as long as the block, and yield its URL.

        `template` is the URL of a database to copy; nothing may be connected to it meanwhile. None: an empty one.
        """
        name = f"test_{uuid4().hex}"
        source = make_url(template).database if template else "template0"
        self._run(sql.SQL("CREATE DATABASE {} TEMPLATE {}").format(sql.Identifier(name), sql.Identifier(str(source))))
        try:
            yield self._url(name).render_as_string()
        finally:
            self._run(sql.SQL("DROP DATABASE {} WITH (FORCE)").format(sql.Identifier(name)))

    def create_cluster(self) -> None:
        """Make the data folder, with the role and the database in it, and start."""
        options = [f"--username={ROLE}", "--auth=trust", "--encoding=UTF8", "--locale=C.UTF-8", "--no-sync"]
        command: list[str | Path] = [self._programs / "initdb", f"--pgdata={self._data}", *options]
        with self._log.open("ab") as log:
            if self._spawn(command, log.fileno()).wait() != 0:
                raise PostgresServerError(f"initdb failed:\n{self._last_words()}")
        if self._address:
            with (self._data / "pg_hba.conf").open("a") as rules:
                rules.write(f"host all {ROLE} {self._address.subnet} trust\n")
        self.start()
        self._run(sql.SQL("CREATE DATABASE {}").format(sql.Identifier(DATABASE)))

    @property
    def _data(self) -> Path:
        return self._folder / "data"

    @property
    def _log(self) -> Path:
        return self._folder / "log"

    def _url(self, database: str) -> URL:
        return URL.create("postgresql+psycopg", username=ROLE, database=database, query={"host": str(self._folder)})

    def _launch(self) -> subprocess.Popen[bytes]:
        settings = {"listen_addresses": "", "unix_socket_directories": str(self._folder), "fsync": "on"}
        if self._address:
            settings["listen_addresses"] = self._address.host
        if not self._durable:
            settings |= {"fsync": "off", "full_page_writes": "off", "autovacuum": "off"}
        options = [part for name, value in settings.items() for part in ("-c", f"{name}={value}")]
        with self._log.open("ab") as log:
            return self._spawn([self._programs / "postgres", "-D", self._data, *options], log.fileno())

    def _spawn(self, command: list[str | Path], log: int) -> subprocess.Popen[bytes]:
        as_other = os.geteuid() != self._account.user
        return subprocess.Popen(
            command,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            cwd=self._folder,
            env={"PATH": os.defpath, "LC_ALL": "C.UTF-8"},
            user=self._account.user if as_other else None,
            group=self._account.group if as_other else None,
            extra_groups=[] if as_other else None,
            start_new_session=True,  # Ctrl-C in a terminal is for the tests, which then stop the server themselves
        )

    def _answers(self) -> bool:
        try:
            self._run(sql.SQL("SELECT 1"))
        except psycopg.OperationalError:
            return False
        return True

    def _run(self, statement: sql.SQL | sql.Composed) -> None:
        with psycopg.connect(host=str(self._folder), user=ROLE, dbname="postgres", autocommit=True) as connection:
            connection.execute(statement)

    def _last_words(self) -> str:
        return "\n".join(self._log.read_text(errors="replace").splitlines()[-15:])


@contextmanager
def temporary_postgres(address: Address | None = None, *, durable: bool = True) -> Iterator[Postgres]:
    """Start a server with the superuser and the empty database `leadferry`; remove it with all its data at the end."""
    programs = find_programs()
    account = server_account()
    folder = Path(tempfile.mkdtemp(prefix="leadferry-pg-"))
    os.chown(folder, *account)
    server = Postgres(programs, folder, account, address, durable=durable)
    try:
        server.create_cluster()
        yield server
    finally:
        server.stop("immediate")
        shutil.rmtree(folder, ignore_errors=True)  # a killed server's orphans may still be writing


def find_programs() -> Path:
    """Find the folder of PostgreSQL's newest server programs, where Debian has it or else on the path."""
    installed = sorted(
        Path("/usr/lib/postgresql").glob("*/bin"), key=lambda folder: int(folder.parent.name), reverse=True
    )
    on_path = [Path(folder) for folder in os.get_exec_path()]
    for folder in installed + on_path:
        if (folder / "initdb").exists() and (folder / "postgres").exists():
            return folder
    raise PostgresMissingError("PostgreSQL is missing: sudo apt-get install postgresql")


def server_account() -> Account:
    """Say whose the server is to be: our own, or as root that of `postgres`, or of `nobody` where there is none."""
    if os.geteuid() != 0:
        return Account(os.geteuid(), os.getegid())
    try:
        entry = pwd.getpwnam("postgres")
    except KeyError:
        entry = pwd.getpwnam("nobody")
    return Account(entry.pw_uid, entry.pw_gid)


if __name__ == "__main__":
    try:
        sys.stdout.write(f"PostgreSQL for the tests: {find_programs()}\n")
    except PostgresMissingError as missing:
        sys.exit(str(missing))
