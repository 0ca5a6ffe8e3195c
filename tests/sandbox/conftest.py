from __future__ import annotations

import threading
from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from leadferry.sandbox import create_sandbox, make_sandbox_server
from tests.sandbox.leads import Inbox, Newest, Send, request_for


@pytest.fixture
def app() -> Flask:
    app = create_sandbox()
    app.config.update(PROPAGATE_EXCEPTIONS=True, SLOW_SECONDS=0.0, DRIP_SECONDS=0.0)
    return app


@pytest.fixture
def client(app: Flask) -> FlaskClient:
    return app.test_client()


@pytest.fixture
def post(client: FlaskClient) -> Send:
    return lambda vendor, email: client.post(**request_for(vendor, email))


@pytest.fixture
def inbox(client: FlaskClient) -> Inbox:
    def read(**filters: str) -> list[dict[str, Any]]:
        entries: list[dict[str, Any]] = client.get("/inbox", query_string=filters).get_json()
        return entries

    return read


@pytest.fixture
def newest(inbox: Inbox) -> Newest:
    return lambda: inbox(limit="1")[0]


@pytest.fixture
def address(app: Flask) -> Iterator[tuple[str, int]]:
    """Host and port of the sandbox behind the server that `flask sandbox` uses."""
    server = make_sandbox_server(0, app=app)
    thread = threading.Thread(target=server.serve_forever, args=(0.01,))
    thread.start()
    yield "127.0.0.1", server.port
    server.shutdown()
    thread.join()
    server.server_close()
