"""Visitors by the hundred, in a process of their own: as many connections as wanted, or so many requests a second.

`python -m bench.client` reads what to do as JSON from its standard input, and prints what came of it as JSON. It parses
no more of an answer than its status and its length, so that one core gives tens of thousands of requests a second:
`python -m bench` measures how many, beside a server that does nothing at all.
"""

from __future__ import annotations

import heapq
import itertools
import json
import resource
import selectors
import socket
import sys
import time
from collections import Counter, deque
from dataclasses import dataclass, field
from typing import Any
from urllib.parse import urlsplit

SLOW_PARTS = 10
GIVE_UP = 30.0
"""Seconds after which a request counts as lost."""


@dataclass
class Kind:
    """One sort of visitor.

    ``connections``: so many at once, each asks again when it was answered. Or ``rate``: so many requests a second,
    whether the server answers or not; what waits is counted from when it was due. ``once``: each connection asks once.
    ``slow``: seconds over which a body is sent, as by a telephone with a bad line.
    """

    name: str
    path: str
    body: str = ""
    connections: int = 0
    rate: float = 0.0
    slow: float = 0.0
    once: bool = False
    headers: str = "Accept: application/json\r\nContent-Type: application/x-www-form-urlencoded\r\n"

    def request(self, host: str, number: int) -> bytes:
        if not self.body:
            return f"GET {self.path} HTTP/1.1\r\nHost: {host}\r\nAccept: text/html\r\n\r\n".encode()
        body = self.body.replace("{n}", str(number)).encode()
        head = f"POST {self.path} HTTP/1.1\r\nHost: {host}\r\n{self.headers}Content-Length: {len(body)}\r\n\r\n"
        return head.encode() + body


@dataclass
class Result:
    """Of one kind. ``milliseconds`` are those of the answered requests; ``lost`` are those that never were."""

    asked: int = 0
    lost: int = 0
    statuses: Counter[str] = field(default_factory=Counter)
    milliseconds: list[float] = field(default_factory=list)
    references: list[str] = field(default_factory=list)


class Exchange:
    """One request on its way."""

    def __init__(self, kind: Kind, due: float, request: bytes, sock: socket.socket | None, is_new: bool) -> None:
        self.kind = kind
        self.due = due
        self.request = request
        self.sock = sock
        self.is_new = is_new
        self.sent = 0
        self.counted_from = due
        self.answer = b""
        self.length = -1


class Visitors:
    """An event loop of requests."""

    def __init__(self, url: str, kinds: list[Kind], seconds: float, first_number: int, keep: bool) -> None:
        parts = urlsplit(url)
        self.host = parts.netloc
        self.address = (parts.hostname or "", parts.port or 80)
        self.kinds = kinds
        self.seconds = seconds
        self.keep = keep
        self.numbers = itertools.count(first_number)
        self.results = {kind.name: Result() for kind in kinds}
        self.selector = selectors.DefaultSelector()
        self.idle: deque[socket.socket] = deque()
        self.later: list[tuple[float, int, Any]] = []
        self.order = itertools.count()
        self.open: set[Exchange] = set()

    def run(self) -> float:
        """Seconds that it took."""
        began = time.perf_counter()
        self.end = began + self.seconds
        for kind in self.kinds:
            if kind.rate:
                self.at(began + next(self.order) * 0.003, ("arrive", kind))
            for _ in range(kind.connections):
                self.start(kind, began)
        while (self.later or self.open) and time.perf_counter() < self.end + GIVE_UP:
            self.turn()
        for each in list(self.open):
            self.lose(each)
        return time.perf_counter() - began

    def turn(self) -> None:
        self.do_what_is_due(time.perf_counter())
        wait = max(0.0, self.later[0][0] - time.perf_counter()) if self.later else 1.0
        for key, mask in self.selector.select(min(wait, 1.0)):
            if mask & selectors.EVENT_READ:
                self.hear(key.data)
            elif mask & selectors.EVENT_WRITE:
                self.say(key.data)

    def at(self, moment: float, what: Any) -> None:
        heapq.heappush(self.later, (moment, next(self.order), what))

    def do_what_is_due(self, now: float) -> None:
        while self.later and self.later[0][0] <= now:
            moment, _, (what, about) = heapq.heappop(self.later)
            if what == "arrive":
                self.start(about, moment)
                if moment + 1 / about.rate < self.end:
                    self.at(moment + 1 / about.rate, ("arrive", about))
            elif about in self.open:
                self.say_a_part(about)

    def start(self, kind: Kind, due: float, sock: socket.socket | None = None) -> None:
        self.results[kind.name].asked += 1
        self.send(Exchange(kind, due, kind.request(self.host, next(self.numbers)), sock, False))

    def send(self, each: Exchange) -> None:
        if each.sock is None and self.idle:
            each.sock = self.idle.popleft()
            self.selector.unregister(each.sock)
        if each.sock is None:
            each.sock = socket.socket()
            each.sock.setblocking(False)
            each.sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            each.sock.connect_ex(self.address)
            each.is_new = True
        self.open.add(each)
        if each.is_new or each.kind.slow:
            self.selector.register(each.sock, selectors.EVENT_WRITE, each)
        else:
            self.selector.register(each.sock, selectors.EVENT_READ, each)
            self.say(each)

    def say(self, each: Exchange) -> None:
        assert each.sock
        if each.kind.slow:
            self.selector.modify(each.sock, selectors.EVENT_READ, each)
            self.say_a_part(each)
            return
        try:
            each.sent += each.sock.send(each.request[each.sent :])
        except OSError:
            self.broke(each)
            return
        if each.is_new:
            self.selector.modify(each.sock, selectors.EVENT_READ, each)

    def say_a_part(self, each: Exchange) -> None:
        assert each.sock
        part = -(-len(each.request) // SLOW_PARTS)
        try:
            each.sent += each.sock.send(each.request[each.sent : each.sent + part])
        except OSError:
            self.broke(each)
            return
        now = time.perf_counter()
        if each.sent < len(each.request):
            self.at(now + each.kind.slow / SLOW_PARTS, ("part", each))
        else:
            each.counted_from = now

    def hear(self, each: Exchange | None) -> None:
        if each is None:
            return self.forget_idle()
        assert each.sock
        try:
            heard = each.sock.recv(65536)
        except OSError:
            heard = b""
        if not heard:
            self.broke(each)
            return None
        each.answer += heard
        if each.length < 0:
            head, found, _ = each.answer.partition(b"\r\n\r\n")
            if not found:
                return None
            lower = head.lower()
            at = lower.find(b"content-length:")
            length = int(lower[at + 15 :].split(b"\r\n", 1)[0]) if at >= 0 else 0
            each.length = len(head) + 4 + length
        if len(each.answer) >= each.length:
            self.answered(each)
        return None

    def forget_idle(self) -> None:
        """The server closed connections that were not in use."""
        for sock in list(self.idle):
            try:
                gone = not sock.recv(1)
            except BlockingIOError:
                gone = False
            except OSError:
                gone = True
            if gone:
                self.idle.remove(sock)
                self.selector.unregister(sock)
                sock.close()

    def answered(self, each: Exchange) -> None:
        now = time.perf_counter()
        result = self.results[each.kind.name]
        result.milliseconds.append(round((now - each.counted_from) * 1000, 3))
        result.statuses[each.answer[9:12].decode()] += 1
        if self.keep and each.kind.body:
            result.references += _reference(each.answer)
        self.finish(each, closes=b"\r\nconnection: close" in each.answer[: each.length].lower()[:2000])
        if each.kind.connections and not each.kind.once and now < self.end:
            self.start(each.kind, now, None)

    def finish(self, each: Exchange, *, closes: bool) -> None:
        assert each.sock
        self.open.discard(each)
        self.selector.unregister(each.sock)
        if closes:
            each.sock.close()
        else:
            self.selector.register(each.sock, selectors.EVENT_READ, None)
            self.idle.append(each.sock)

    def broke(self, each: Exchange) -> None:
        """A kept connection may have been closed just before it was used: then the request was never taken."""
        self.finish(each, closes=True)
        if not each.is_new and not each.answer:
            self.send(Exchange(each.kind, each.due, each.request, None, True))
            return
        self.results[each.kind.name].lost += 1
        if each.kind.connections and not each.kind.once and time.perf_counter() < self.end:
            self.start(each.kind, time.perf_counter())

    def lose(self, each: Exchange) -> None:
        self.finish(each, closes=True)
        self.results[each.kind.name].lost += 1


def _reference(answer: bytes) -> list[str]:
    at = answer.find(b'"LF-')
    return [answer[at + 1 : at + 14].decode()] if at >= 0 else []


def main() -> None:
    task = json.load(sys.stdin)
    kinds = [Kind(**each) for each in task["kinds"]]
    visitors = Visitors(task["url"], kinds, task["seconds"], task["first_number"], task["keep"])
    used = resource.getrusage(resource.RUSAGE_SELF)
    seconds = visitors.run()
    after = resource.getrusage(resource.RUSAGE_SELF)
    found = {
        "seconds": seconds,
        "own_share": (after.ru_utime + after.ru_stime - used.ru_utime - used.ru_stime) / seconds,
        "results": {name: each.__dict__ for name, each in visitors.results.items()},
    }
    json.dump(found, sys.stdout)


if __name__ == "__main__":
    main()
