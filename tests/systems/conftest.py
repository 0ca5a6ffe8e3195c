"""The running product beside the sandbox: one installation and one set of emulated vendors for each module."""

from __future__ import annotations

import logging
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager

import pytest

from leadferry import outbox
from leadferry.logs import JsonFormatter
from leadferry.sandbox import create_sandbox
from tests.installation import SandboxServer, make, serve
from tests.systems.accounts import SECRETS
from tests.systems.running import Systems


@pytest.fixture(scope="module")
def systems(
    request: pytest.FixtureRequest, database: str, tmp_path_factory: pytest.TempPathFactory
) -> Iterator[Systems]:
    """The forms are the module's FORMS, by name; ENVIRON adds to the settings."""
    with ExitStack() as stack:
        app = create_sandbox()
        app.config.update(SLOW_SECONDS=0.2, DRIP_SECONDS=0.002, RATE_LIMITS=False)
        url = stack.enter_context(serve(app))
        environ = {**SECRETS, "SANDBOX": url, "ALLOW_PRIVATE_VENDORS": "1", **getattr(request.module, "ENVIRON", {})}
        database_url = stack.enter_context(_database_of_its_own(request, database))
        installation = make(tmp_path_factory.mktemp("installation"), database_url, environ)
        for name, text in request.module.FORMS.items():
            installation.form(name, text)
        stack.callback(installation.close)
        systems = Systems(installation, SandboxServer(url, app))
        assert installation.cli("forms", "check").exit_code == 0
        with _recorded(systems.logged):
            yield systems


@pytest.fixture(autouse=True)
def _nothing_waits(request: pytest.FixtureRequest) -> None:
    """An account that one test has paused is open for the next."""
    if "systems" in request.fixturenames:
        store = request.getfixturevalue("systems").installation.store
        for waiting in outbox.waiting(store):
            outbox.resume(store, waiting.account, store.now())


@contextmanager
def _database_of_its_own(request: pytest.FixtureRequest, database: str) -> Iterator[str | None]:
    """For a whole module; None is SQLite's default file."""
    if database == "sqlite":
        yield None
        return
    template = request.getfixturevalue("template_url")
    with request.getfixturevalue("postgres").new_database(template=template) as url:
        yield url


@contextmanager
def _recorded(lines: list[str]) -> Iterator[None]:
    """Adds every line that is logged in this process to the list, as it would be written."""
    handler = _Lines(lines)
    loggers = [logging.getLogger(), logging.getLogger("leadferry")]  # the second does not tell the first
    for each in loggers:
        each.addHandler(handler)
    yield
    for each in loggers:
        each.removeHandler(handler)


class _Lines(logging.Handler):
    def __init__(self, lines: list[str]) -> None:
        super().__init__()
        self.setFormatter(JsonFormatter())
        self.lines = lines

    def emit(self, record: logging.LogRecord) -> None:
        if record.name != "werkzeug":  # the sandbox's server
            self.lines.append(self.format(record))
