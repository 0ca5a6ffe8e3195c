"""gunicorn's threaded worker, made proof against those who send slowly, send nothing, or never hang up.

gunicorn gives a connection a thread from its first byte on and reads with patience without end: as many slow senders as
there are threads keep everybody else out. And it waits in its only loop, up to two seconds each, for whoever was
answered to hang up. Here the loop itself gathers each request, and a thread gets it only once it is whole; threads
never read from a socket. What a slow client costs is a socket and the bytes it sent.

Posts wait for the database, and while it is slow as many wait as come. They do not get all threads: a page needs one
for a millisecond.
"""

from __future__ import annotations

import errno
import resource
import selectors
import socket
import struct
import time
from collections import deque
from concurrent.futures import Future
from contextlib import suppress
from dataclasses import dataclass
from functools import partial
from math import ceil
from typing import Any

from gunicorn.http import get_parser
from gunicorn.http.errors import (
    ExpectationFailed,
    LimitRequestHeaders,
    LimitRequestLine,
    ParseException,
    UnsupportedTransferCoding,
)
from gunicorn.util import write_error
from gunicorn.workers.gthread import STOP_KEEPALIVE_LINGER, TConn, ThreadWorker

from leadferry.arrival import Arrival

SILENT_SECONDS = 10.0
"""How long a new connection may be silent: browsers open some that they use a little later."""

HEAD_SECONDS = 10.0
BODY_SECONDS = 30.0
LEAST_RATE = 8 * 1024
"""Bytes a second that a body must come in with, on average, once it has taken ``BODY_SECONDS``."""

LEAVE_SECONDS = 5.0
"""How long whoever was answered may take to hang up, and may send what nobody waits for any more."""

MOST_HELD = 64 * 1024 * 1024
"""Bytes of unfinished requests that a process holds; beyond that the one that has been coming longest goes."""

ANSWER_ROOM = 1024 * 1024
"""Bytes of an answer that the kernel is asked to hold, so that a slow reader holds no thread."""

SEND_SECONDS = 20
MOST_CONNECTIONS = 4000
OTHER_FILES = 512
"""File handles that a process keeps for the database, vendors and files."""

THREADS_FOR_PAGES = 1 / 8
"""Of all threads, those that posts leave free; one at least, where there are two."""

_CHUNK = 256 * 1024
_TOO_LATE = b"HTTP/1.1 408 Request Timeout\r\nConnection: close\r\nContent-Length: 0\r\n\r\n"
_GO_AHEAD = b"HTTP/1.1 100 Continue\r\n\r\n"
_REFUSALS = {
    LimitRequestLine: (414, "URI Too Long"),
    LimitRequestHeaders: (431, "Request Header Fields Too Large"),
    ExpectationFailed: (417, "Expectation Failed"),
    UnsupportedTransferCoding: (501, "Not Implemented"),
}
_NO_FILES = {errno.EMFILE, errno.ENFILE, errno.ENOBUFS, errno.ENOMEM}
_GONE_AGAIN = {errno.EAGAIN, errno.ECONNABORTED, errno.EWOULDBLOCK, errno.EPROTO}


def room_for_connections() -> int:
    """How many connections a process may have, by the file handles that it may have."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    wanted = MOST_CONNECTIONS + OTHER_FILES
    if 0 <= soft < wanted:  # -1: as many as it likes
        with suppress(OSError, ValueError):
            resource.setrlimit(resource.RLIMIT_NOFILE, (wanted if hard < 0 else min(wanted, hard), hard))
        soft, _ = resource.getrlimit(resource.RLIMIT_NOFILE)
    return MOST_CONNECTIONS if soft < 0 else max(64, min(MOST_CONNECTIONS, soft - OTHER_FILES))


@dataclass(eq=False)
class _Guest:
    """A connection that the loop attends to: a request comes in on it, or it is being seen out."""

    conn: Any
    arrival: Arrival
    silent_seconds: float
    began: float
    is_leaving: bool = False

    @property
    def is_silent(self) -> bool:
        return not self.is_leaving and not len(self.arrival)

    @property
    def until(self) -> float:
        if self.is_leaving:
            return self.began + LEAVE_SECONDS
        if self.is_silent:
            return self.began + self.silent_seconds
        if not self.arrival.has_head:
            return self.began + HEAD_SECONDS
        return self.began + BODY_SECONDS + len(self.arrival) / LEAST_RATE


class WholeRequestWorker(ThreadWorker):  # type: ignore[misc]  # gunicorn ships no types
    """For plain HTTP. Where gunicorn speaks TLS, the PROXY protocol or uwsgi itself, its own ways remain."""

    def __init__(self, *args: Any, **settings: Any) -> None:
        super().__init__(*args, **settings)
        self._guests: dict[_Guest, None] = {}  # whoever has waited longest comes first
        self._held = 0
        self._next_look = 0.0
        self._end_silence = float("inf")
        self._room_for_posts = max(1, self.cfg.threads - ceil(self.cfg.threads * THREADS_FOR_PAGES))
        self._posts_at_work = 0
        self._posts_waiting: deque[Any] = deque()

    # --- in ---

    def accept(self, listener: socket.socket) -> None:
        if self.cfg.is_ssl or self.cfg.proxy_protocol not in {False, "off"} or self.cfg.protocol != "http":
            super().accept(listener)
            return
        try:
            sock, address = listener.accept()
        except OSError as error:
            self._not_accepted(error)
            return
        self.nr_conns += 1
        with suppress(OSError):
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDBUF, ANSWER_ROOM)
            sock.setsockopt(socket.SOL_SOCKET, socket.SO_SNDTIMEO, struct.pack("ll", SEND_SECONDS, 0))
        conn = TConn(self.cfg, sock, address, listener.getsockname())
        conn.initialized = True  # its parser is made when a request is whole
        self._attend(_Guest(conn, Arrival(), SILENT_SECONDS, time.monotonic()))
        if self.nr_conns >= self.worker_connections:
            self._let_one_go()

    def _not_accepted(self, error: OSError) -> None:
        if error.errno in _NO_FILES:
            self._let_one_go()
        elif error.errno not in _GONE_AGAIN:
            raise error

    def _attend(self, guest: _Guest) -> None:
        self._guests[guest] = None
        self._held += len(guest.arrival)
        self.poller.register(guest.conn.sock, selectors.EVENT_READ, partial(self._heard, guest))

    def _heard(self, guest: _Guest, _sock: Any) -> None:
        try:
            data = guest.conn.sock.recv(_CHUNK)
        except BlockingIOError:
            return
        except OSError:
            self._part(guest)
            return
        if guest.is_leaving:
            if not data:
                self._part(guest)
        elif data:
            self._take(guest, data)
        elif guest.arrival.has_head:  # it is answered that its body broke off
            guest.arrival.cut_off()
            self._hand_over(guest)
        else:
            self._part(guest)

    def _take(self, guest: _Guest, data: bytes) -> None:
        arrival = guest.arrival
        was_silent, had_head = guest.is_silent, arrival.has_head
        arrival.take(data)
        self._held += len(data)
        if arrival.is_whole:
            self._hand_over(guest)
            return
        if was_silent or had_head != arrival.has_head:
            guest.began = time.monotonic()
        if arrival.expects_go_ahead and not had_head and arrival.has_head:
            _say(guest.conn.sock, _GO_AHEAD)
        if self._held > MOST_HELD:
            self._let_one_go(holding=True)

    def _hand_over(self, guest: _Guest) -> None:
        self._forget(guest)
        guest.conn.parser = get_parser(self.cfg, guest.arrival.pieces(), guest.conn.client)
        guest.conn.is_cut = guest.arrival.is_cut
        guest.conn.is_post = not guest.arrival.only_asks
        if guest.conn.is_post:
            self._posts_waiting.append(guest.conn)
            self._let_posts_in()
        else:
            self.enqueue_req(guest.conn)

    def _let_posts_in(self) -> None:
        while self._posts_waiting and self._posts_at_work < self._room_for_posts:
            self._posts_at_work += 1
            self.enqueue_req(self._posts_waiting.popleft())

    def handle_error(self, req: Any, client: Any, addr: Any, exc: BaseException) -> None:
        """Says nothing of what was sent, neither in the log nor in the answer: it may be what a visitor typed."""
        if not isinstance(exc, ParseException):
            super().handle_error(req, client, addr, exc)
            return
        self.log.warning("A request that is none: %s", type(exc).__name__)
        with suppress(OSError):
            write_error(client, *_REFUSALS.get(type(exc), (400, "Bad Request")), "")

    # --- out ---

    def finish_request(self, conn: Any, fs: Future[Any]) -> None:
        """In the loop, when a thread is done with a request."""
        if not hasattr(conn, "is_cut"):
            super().finish_request(conn, fs)
            return
        if conn.is_post:
            self._posts_at_work -= 1
            self._let_posts_in()
        try:
            goes_on = bool(not fs.cancelled() and fs.result()) and not conn.is_cut
            conn.sock.setblocking(False)
        except Exception:
            self._hang_up(conn)
            return
        if goes_on:
            self._wait_for_next(conn)
        else:
            self._see_out(conn)

    def _wait_for_next(self, conn: Any) -> None:
        """What came along behind the request is the beginning of the next."""
        source = conn.parser.unreader
        behind = source.take_buffered() + b"".join(source.iter or ())
        conn.parser = None
        guest = _Guest(conn, Arrival(behind), self.cfg.keepalive, time.monotonic())
        self._attend(guest)
        if guest.arrival.is_whole:
            self._hand_over(guest)

    def _see_out(self, conn: Any) -> None:
        """Says goodbye and waits for the other side, or the last bytes of the answer might be lost."""
        try:
            conn.sock.shutdown(socket.SHUT_WR)
        except OSError:
            self._hang_up(conn)
            return
        self._attend(_Guest(conn, Arrival(), 0, time.monotonic(), is_leaving=True))

    def murder_pending(self) -> None:
        """gunicorn calls it each time round, and while it stops: whoever is too slow goes."""
        super().murder_pending()
        now = time.monotonic()
        if now < self._next_look:
            return
        self._next_look = now + 0.5
        if not self.alive:
            self._end_silence = min(self._end_silence, now + STOP_KEEPALIVE_LINGER)
        for guest in list(self._guests):
            if guest.until < now or (guest.is_silent and self._end_silence < now):
                self._give_up(guest)

    def _let_one_go(self, *, holding: bool = False) -> None:
        longest = next((guest for guest in self._guests if len(guest.arrival) or not holding), None)
        if longest is not None:
            self._give_up(longest)

    def _give_up(self, guest: _Guest) -> None:
        if len(guest.arrival):
            _say(guest.conn.sock, _TOO_LATE)
        self._part(guest)

    def _part(self, guest: _Guest) -> None:
        self._forget(guest)
        self._hang_up(guest.conn)

    def _forget(self, guest: _Guest) -> None:
        self.poller.unregister(guest.conn.sock)
        del self._guests[guest]
        self._held -= len(guest.arrival)

    def _hang_up(self, conn: Any) -> None:
        self.nr_conns -= 1
        conn.close()


def _say(sock: socket.socket, words: bytes) -> None:
    """A few bytes, which a socket has room for unless nobody reads it."""
    with suppress(OSError):
        sock.send(words)
