"""A vendor that answers what the test says, on a real socket, and forms that send to it."""

from __future__ import annotations

import json
import threading
from collections.abc import Callable, Iterable, Iterator
from typing import Any
from urllib.parse import parse_qsl

import pytest

from tests.installation import serve

Answer = tuple[str, bytes]


class ScriptedVendor:
    """Gives ``answer`` to every post, and keeps what it was sent. While ``open`` is cleared it lets callers wait."""

    def __init__(self) -> None:
        self.url = ""
        self.open = threading.Event()
        self.called = threading.Event()
        self.start_over()

    def start_over(self) -> None:
        self.answer: Answer = ("200 OK", b'{"Message":"Success"}')
        self.posts: list[dict[str, str]] = []
        self.open.set()
        self.called.clear()

    def says(self, body: Any, status: str = "200 OK") -> None:
        self.answer = (status, body if isinstance(body, bytes) else json.dumps(body).encode())

    def refuses(self, code: str, words: str = "as you were told") -> None:
        """As ClientTether refuses a post that names an OnErrorURL."""
        self.says({"url": f"https://leadferry.invalid/error?error_code={code}&msg={words}"})

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0)).decode()
        self.posts.append(dict(parse_qsl(body)))
        self.called.set()
        assert self.open.wait(20), "nobody let the callers in"
        status, answer = self.answer
        start_response(status, [("Content-Type", "application/json"), ("Content-Length", str(len(answer)))])
        return [answer]


@pytest.fixture(scope="session")
def vendor_server() -> Iterator[ScriptedVendor]:
    scripted = ScriptedVendor()
    with serve(scripted) as url:  # type: ignore[arg-type]  # any WSGI application will do
        scripted.url = url
        yield scripted


@pytest.fixture
def vendor(vendor_server: ScriptedVendor) -> Iterator[ScriptedVendor]:
    vendor_server.start_over()
    yield vendor_server
    vendor_server.open.set()
