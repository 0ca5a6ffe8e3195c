"""A vendor in a process of its own that delays, resets, truncates, lies and recovers, and remembers what it got.

`python -m tests.crash.vendor ADDRESS PORT SEED`. Below /recognises it takes a repeated webhook-id for the same lead;
below /forgets every call that it processes is one more lead. What it does with a call is drawn from the seed, the id
and the number of the call, so that a run can be repeated.

GET /ledger tells what it remembers. POST /mood?fair makes it answer well from then on, ?slow well but late, ?foul as it
began.
"""

from __future__ import annotations

import json
import random
import socket
import struct
import sys
import threading
import time
from collections.abc import Callable
from dataclasses import asdict, dataclass, field
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

OUTAGE_EVERY = 20.0
OUTAGE_SECONDS = 3.0
PATIENT_UNTIL = 4
"""From which call of one id on it answers well, unless it is down for all."""


@dataclass
class Lead:
    """What the vendor knows of one webhook-id. ``taken``: how many leads it made of the calls."""

    email: str
    calls: int = 0
    taken: int = 0
    lied: bool = False


@dataclass
class Ledger:
    """The vendor's memory, by the path's first part and the webhook-id."""

    leads: dict[str, dict[str, Lead]] = field(default_factory=lambda: {"recognises": {}, "forgets": {}})
    lock: threading.Lock = field(default_factory=threading.Lock)

    def call(self, kind: str, message_id: str, email: str) -> tuple[Lead, int]:
        with self.lock:
            lead = self.leads[kind].setdefault(message_id, Lead(email))
            lead.calls += 1
            return lead, lead.calls

    def take(self, kind: str, lead: Lead, *, lie: bool = False) -> bool:
        """Whether this call made a lead."""
        with self.lock:
            lead.lied = lead.lied or lie
            is_new = kind == "forgets" or lead.taken == 0
            lead.taken += is_new
            return is_new

    def to_json(self) -> bytes:
        with self.lock:
            found = {kind: {name: asdict(lead) for name, lead in leads.items()} for kind, leads in self.leads.items()}
        return json.dumps(found).encode()


class Vendor(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    disable_nagle_algorithm = True  # or each body waits 40 ms for the client to have acknowledged the head
    ledger: Ledger
    seed: str
    temper: str
    began: float

    def do_POST(self) -> None:
        kind = self.path.split("/")[1].partition("?")[0]
        body = self.rfile.read(int(self.headers.get("Content-Length", 0)))
        if kind == "mood":
            type(self).temper = self.path.partition("?")[2]
            self.answer(200)
            return
        message_id = self.headers["webhook-id"]
        self.kind = kind
        self.lead, number = self.ledger.call(kind, message_id, json.loads(body)["fields"]["email"])
        self.chance = random.Random(f"{self.seed} {message_id} {number}")
        if self.is_down():
            self.answer(503)
        elif self.temper == "slow":
            self.accept_slowly()
        elif self.temper == "fair" or number >= PATIENT_UNTIL:
            self.accept()
        else:
            self.chance.choices(list(FAULTS), list(FAULTS.values()))[0](self)

    def do_GET(self) -> None:
        self.answer(200, self.ledger.to_json())

    def is_down(self) -> bool:
        return self.temper == "foul" and (time.monotonic() - self.began) % OUTAGE_EVERY > OUTAGE_EVERY - OUTAGE_SECONDS

    # --- what it may do with a call ---

    def accept(self) -> None:
        is_new = self.ledger.take(self.kind, self.lead)
        duplicate = not is_new and not self.lead.lied and self.chance.random() < 0.3
        self.answer(409 if duplicate else 200)

    def accept_slowly(self) -> None:
        time.sleep(self.chance.uniform(0.05, 1.0))
        self.accept()

    def take_and_hang(self) -> None:
        self.ledger.take(self.kind, self.lead)
        time.sleep(4)
        self.answer(200)

    def take_and_reset(self) -> None:
        self.ledger.take(self.kind, self.lead)
        self.reset()

    def take_and_break_off(self) -> None:
        self.ledger.take(self.kind, self.lead)
        self.answer(200, b'{"id": "1', promised=400)

    def take_and_answer_500(self) -> None:
        self.ledger.take(self.kind, self.lead)
        self.answer(500)

    def take_and_deny_it(self) -> None:
        """A lie that only a vendor can get away with that recognises the repeat."""
        if self.kind == "recognises":
            self.ledger.take(self.kind, self.lead, lie=True)
        self.answer(503)

    def reset(self) -> None:
        self.connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.close_connection = True

    def be_busy(self) -> None:
        self.answer(429, headers={"Retry-After": "1"})

    def answer(
        self, status: int, body: bytes = b"{}", promised: int | None = None, headers: dict[str, str] | None = None
    ) -> None:
        self.send_response_only(status)
        for name, value in {**(headers or {}), "Content-Length": str(promised or len(body))}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(body)
        self.close_connection = self.close_connection or promised is not None

    def log_message(self, *_: Any) -> None:
        pass


FAULTS: dict[Callable[[Vendor], None], int] = {
    Vendor.accept: 74,
    Vendor.accept_slowly: 9,
    Vendor.take_and_hang: 1,
    Vendor.take_and_reset: 3,
    Vendor.take_and_break_off: 3,
    Vendor.take_and_answer_500: 2,
    Vendor.take_and_deny_it: 2,
    Vendor.reset: 2,
    Vendor.be_busy: 4,
}


class Server(ThreadingHTTPServer):
    daemon_threads = True
    request_queue_size = 256

    def handle_error(self, *_: Any) -> None:
        """A client that was killed is nothing to talk about."""


def main(address: str, port: int, seed: str) -> None:
    Vendor.ledger, Vendor.seed, Vendor.temper, Vendor.began = Ledger(), seed, "foul", time.monotonic()
    Server((address, port), Vendor).serve_forever()


if __name__ == "__main__":
    main(sys.argv[1], int(sys.argv[2]), sys.argv[3])
