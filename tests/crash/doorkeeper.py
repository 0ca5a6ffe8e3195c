"""A vendor in the test's own process that keeps every call waiting until its door is opened, and notes them all."""

from __future__ import annotations

import json
import threading
from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

LONGEST_WAIT = 60.0


@dataclass
class Doorkeeper:
    """``calls`` counts by webhook-id and ``emails`` by person, as they arrive; ``inside`` are not answered yet."""

    url: str
    door: threading.Event = field(default_factory=threading.Event)
    calls: Counter[str] = field(default_factory=Counter)
    emails: Counter[str] = field(default_factory=Counter)
    inside: Counter[str] = field(default_factory=Counter)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def let_in(self, message_id: str, email: str) -> None:
        with self._lock:
            self.calls[message_id] += 1
            self.emails[email] += 1
            self.inside[message_id] += 1
        self.door.wait(LONGEST_WAIT)

    def let_out(self, message_id: str) -> None:
        with self._lock:
            self.inside[message_id] -= 1


@contextmanager
def doorkeeper(address: str = "127.0.0.1") -> Iterator[Doorkeeper]:
    """The door is shut at first. A caller that has gone away meanwhile is still inside until the door opens."""
    server = _Server((address, 0), _Handler)
    server.vendor = vendor = Doorkeeper(f"http://{address}:{server.server_port}")
    thread = threading.Thread(target=server.serve_forever, kwargs={"poll_interval": 0.05}, daemon=True)
    thread.start()
    try:
        yield vendor
    finally:
        vendor.door.set()
        server.shutdown()
        server.server_close()
        thread.join()


class _Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 128
    vendor: Doorkeeper

    def handle_error(self, *_: Any) -> None:
        """A caller that was cut off is nothing to talk about."""


class _Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    server: _Server

    def do_POST(self) -> None:
        vendor, message_id = self.server.vendor, self.headers["webhook-id"]
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        vendor.let_in(message_id, body["fields"]["email"])
        vendor.let_out(message_id)
        self.send_response_only(200)
        self.send_header("Content-Length", "2")
        self.end_headers()
        self.wfile.write(b"{}")

    def log_message(self, *_: Any) -> None:
        pass
