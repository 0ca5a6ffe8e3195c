"""An installation of Leadferry for one test: its own folder, forms, database, and if wanted a real server."""

from __future__ import annotations

import json
import os
import signal
import socket
import subprocess
import sys
import tempfile
import threading
import time
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from dataclasses import dataclass, field
from functools import lru_cache
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import requests
from click.testing import Result
from flask import Flask
from flask.testing import FlaskClient
from jinja2 import BytecodeCache
from jinja2.bccache import Bucket
from sqlalchemy import Engine
from sqlalchemy.util import LRUCache
from werkzeug.routing import Rule
from werkzeug.serving import make_server

from leadferry import cli, config
from leadferry.store import Store, open_store
from leadferry.web import create_app
from leadferry.web.site import Site

REPOSITORY = Path(__file__).resolve().parents[1]


class _Compiled(BytecodeCache):
    """The templates, compiled once for a thousand applications."""

    def __init__(self) -> None:
        self._found: dict[str, bytes] = {}

    def load_bytecode(self, bucket: Bucket) -> None:
        if bucket.key in self._found:
            bucket.bytecode_from_string(self._found[bucket.key])

    def dump_bytecode(self, bucket: Bucket) -> None:
        self._found[bucket.key] = bucket.bytecode_to_string()


_TEMPLATES = _Compiled()


def _compile_addresses_once() -> None:
    """What makes an address of a rule depends on the rule alone, and takes most of the time to make an application."""
    compiled: dict[tuple[Any, ...], Any] = {}
    compile_builder = Rule._compile_builder

    def remembered(rule: Rule, append_unknown: bool = True) -> Any:
        if rule.defaults:
            return compile_builder(rule, append_unknown)
        key = (*rule._trace, append_unknown)
        if key not in compiled:
            compiled[key] = compile_builder(rule, append_unknown)
        return compiled[key]

    Rule._compile_builder = remembered  # type: ignore[assignment, method-assign]


def _parse_addresses_once() -> None:
    """As above: what a rule's text is made of. Only what a converter keeps of its own map differs, and none asks it."""
    parsed: dict[tuple[Any, ...], Any] = {}
    parse_rule = Rule._parse_rule

    def remembered(rule: Rule, text: str) -> Any:
        key = (text, *sorted(rule.map.converters.items()))
        if key not in parsed:
            fresh = Rule(rule.rule)
            fresh.map, fresh._trace, fresh._converters = rule.map, [], {}
            parsed[key] = (tuple(parse_rule(fresh, text)), fresh._trace, fresh._converters)
        parts, trace, converters = parsed[key]
        rule._trace.extend(trace)
        rule._converters.update(converters)
        rule.arguments.update(converters)
        return parts

    Rule._parse_rule = remembered  # type: ignore[assignment, method-assign]


_compile_addresses_once()
_parse_addresses_once()


class _Statements(LRUCache[Any, Any]):
    """SQL, compiled once for all stores on one kind of database: a store that is a test's own would begin with none."""

    def get(self, key: tuple[Any, ...], default: Any = None) -> Any:
        return super().get(_by_kind(key), default)

    def __getitem__(self, key: tuple[Any, ...]) -> Any:
        return super().__getitem__(_by_kind(key))

    def __setitem__(self, key: tuple[Any, ...], compiled: Any) -> None:
        super().__setitem__(_by_kind(key), compiled)


def _by_kind(key: tuple[Any, ...]) -> tuple[Any, ...]:
    dialect, *statement = key
    return (dialect.name, *statement)


def _compile_statements_once() -> None:
    statements = _Statements(1000)
    make_engine = Engine.__init__

    def made(engine: Engine, *args: Any, **more: Any) -> None:
        make_engine(engine, *args, **more)
        engine._compiled_cache = statements

    Engine.__init__ = made  # type: ignore[assignment, method-assign]


_compile_statements_once()


@dataclass
class Installation:
    """Settings and forms in a folder of its own; the application is made when it is first asked for."""

    root: Path
    environ: dict[str, str]
    _app: Flask | None = field(default=None, repr=False)

    def form(self, name: str, text: str) -> Path:
        """Whole at once: a process that looks just now must not find half of it."""
        path = self.root / "forms" / f"{name}.yaml"
        new = self.root / f"{name}.new"
        new.write_text(text, "utf-8")
        return new.replace(path)

    @property
    def app(self) -> Flask:
        if self._app is None:
            self._app = create_app(config.load(self.environ, self.root))
            self._app.jinja_env.bytecode_cache = _TEMPLATES
            cli.register(self._app)
        return self._app

    @property
    def client(self) -> FlaskClient:
        return self.app.test_client()

    @property
    def site(self) -> Site:
        found: Site = self.app.extensions["leadferry"]
        return found

    @property
    def store(self) -> Store:
        return self.site.office.store

    def cli(self, *args: str) -> Result:
        return self.app.test_cli_runner().invoke(args=list(args))

    def leads(self, *args: str) -> list[dict[str, Any]]:
        """`flask leads list --json`, newest first."""
        found = json.loads(self.cli("leads", "list", "--all", "--json", *args).stdout)
        assert isinstance(found, list)
        return found

    def lead(self, reference: str) -> dict[str, Any]:
        """`flask leads show --json`."""
        found = json.loads(self.cli("leads", "show", reference, "--json").stdout)
        assert isinstance(found, dict)
        return found

    def close(self) -> None:
        if self._app is not None:
            self.site.close()

    @contextmanager
    def gunicorn(self, *args: str, workers: int = 2) -> Iterator[Server]:
        """The product as it is run: real processes, a real socket."""
        port = free_port()
        command = [sys.executable, "-m", "gunicorn", "-b", f"127.0.0.1:{port}", "-w", str(workers), *args, "app:app"]
        server = Server(f"http://127.0.0.1:{port}", self._spawn(command))
        try:
            wait_until(lambda: answers(f"{server.url}/healthz") or server.process.poll() is not None, seconds=60)
            assert server.process.poll() is None, "gunicorn ended at once"
            yield server
        finally:
            server.stop()

    def flask(self, *args: str) -> subprocess.Popen[bytes]:
        """A `flask` command as a process of its own."""
        return self._spawn([sys.executable, "-m", "flask", *args])

    def _spawn(self, command: list[str]) -> subprocess.Popen[bytes]:
        environ = {**os.environ, "PYTHONPATH": str(REPOSITORY), "FLASK_APP": str(REPOSITORY / "app.py"), **self.environ}
        if "gunicorn" in command:
            command[3:3] = ["-c", str(REPOSITORY / "gunicorn.conf.py")]
        with (self.root / "process.log").open("ab") as log:
            return subprocess.Popen(command, cwd=self.root, env=environ, stdout=log, stderr=log, start_new_session=True)


@dataclass
class Server:
    url: str
    process: subprocess.Popen[bytes]

    def stop(self, how: signal.Signals = signal.SIGTERM) -> None:
        if self.process.poll() is None:
            self.process.send_signal(how)
        try:
            self.process.wait(45)
        except subprocess.TimeoutExpired:
            self.kill()

    def kill(self) -> None:
        """SIGKILL to the master and its workers, as a crash of the machine would."""
        os.killpg(self.process.pid, signal.SIGKILL)
        self.process.wait()


@dataclass(frozen=True)
class SandboxServer:
    """The emulated vendors on a real socket."""

    url: str
    app: Flask

    def inbox(self, **filters: str) -> list[dict[str, Any]]:
        answer = requests.get(f"{self.url}/inbox", params=filters, headers={"Accept": "application/json"}, timeout=30)
        found = answer.json()
        assert isinstance(found, list)
        return found


@contextmanager
def serve(app: Flask) -> Iterator[str]:
    """A WSGI application on a real socket in this process; yields its address."""
    server = make_server("127.0.0.1", 0, app, threaded=True)
    server.daemon_threads = True  # type: ignore[attr-defined]
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        server.server_close()
        thread.join()


def make(root: Path, database_url: str | None = None, environ: Mapping[str, str] | None = None) -> Installation:
    """Its SQLite file stands there as the first start leaves it: what that start does has tests of its own."""
    (root / "forms").mkdir(parents=True, exist_ok=True)
    if not database_url and not (root / "var").exists():
        (root / "var").mkdir()
        (root / "var" / "leadferry.db").write_bytes(_new_database())
    found = {"SECRET_KEY": "a key for the tests, long enough", "POST_LIMIT": "0", **(environ or {})}
    if database_url:
        found["DATABASE_URL"] = database_url
    return Installation(root, found)


@lru_cache
def _new_database() -> bytes:
    """SQLite's file right after the first start. To copy it costs a hundredth of making it."""
    with tempfile.TemporaryDirectory() as folder:
        store = open_store(config.load({"SECRET_KEY": "a key for the tests, long enough"}, Path(folder)))
        store.forget_log()
        store.engine.dispose()
        return (Path(folder) / "var" / "leadferry.db").read_bytes()


def free_port() -> int:
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        return int(found.getsockname()[1])


def answers(url: str) -> bool:
    """Whoever does not listen yet is asked for no more than that: to send a request takes longer than to connect."""
    address = urlsplit(url)
    try:
        socket.create_connection((str(address.hostname), address.port or 80), timeout=20).close()
        return requests.get(url, timeout=20).ok
    except (OSError, requests.RequestException):
        return False


def wait_until(condition: Callable[[], object], seconds: float = 30.0) -> None:
    """Looks until it holds; a test that waits for nothing longer than it must.

    To look takes no more than half of the time, so that what is waited for gets on.
    """
    looked = time.monotonic()
    until = looked + seconds
    while not condition():
        now = time.monotonic()
        assert now < until, f"still not so after {seconds} s"
        time.sleep(min(max(0.02, now - looked), 0.2))
        looked = time.monotonic()
