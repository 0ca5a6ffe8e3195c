"""The transport over real sockets: small servers that do one thing wrong, and what is said of it.

The rule that everything here serves: FAILED only where no byte of the request can have been processed.
"""

from __future__ import annotations

import gzip
import logging
import os
import socket
import ssl
import struct
import threading
import time
import tracemalloc
import warnings
from collections.abc import Callable, Iterator
from concurrent.futures import ThreadPoolExecutor
from contextlib import contextmanager, suppress
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any

import pytest
import requests.adapters
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st

from leadferry import transport
from leadferry.transport import MAX_ANSWER, Transport, TransportError, is_public
from leadferry.vendors.base import Outcome, Reason, Request, Response, Secret, Template, join, read_retry_after
from tests.installation import wait_until

DEADLINE = 1.0
MARGIN = 5.0
"""Seconds that a busy machine may take on top of a deadline: less than any of the servers here would take."""

CERTIFICATE = Path(__file__).parent / "tls" / "localhost.pem"
OK = b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"
SECRET = "s3cret-of-the-account"
KEY = Template((Secret("KEY"),))

Script = Callable[[socket.socket], object]


@dataclass
class RawServer:
    """Runs a script for each connection in a thread of its own, and counts."""

    port: int
    connections: int = 0
    requests: list[bytes] = field(default_factory=list)
    gone: threading.Event = field(default_factory=threading.Event)

    def url(self, scheme: str = "http", host: str = "127.0.0.1") -> str:
        return f"{scheme}://{host}:{self.port}/leads"

    def take(self, connection: socket.socket) -> bytes:
        """One whole request; nothing at all where the client has gone."""
        found = bytearray()
        wanted = 1 << 30
        while len(found) < wanted:
            received = connection.recv(1 << 20)
            if not received:
                return b""
            found += received
            if wanted == 1 << 30 and b"\r\n\r\n" in found:
                wanted = _length(bytes(found))
        self.requests.append(bytes(found))
        return self.requests[-1]


def _length(start: bytes) -> int:
    """How long a request is in all, by its head."""
    head = start.partition(b"\r\n\r\n")[0]
    lengths = [int(line[15:]) for line in head.split(b"\r\n") if line.startswith(b"Content-Length:")]
    return len(head) + 4 + sum(lengths)


Serve = Callable[..., RawServer]


@pytest.fixture
def serve() -> Iterator[Serve]:
    """Starts a server: ``serve(lambda server, connection: …)``; ``tls=True`` with the tests' own certificate."""
    listeners: list[socket.socket] = []

    def start(script: Callable[[RawServer, socket.socket], object], *, tls: bool = False) -> RawServer:
        listener = socket.create_server(("127.0.0.1", 0))
        listeners.append(listener)
        server = RawServer(listener.getsockname()[1])
        threading.Thread(target=_accept, args=(listener, server, script, tls), daemon=True).start()
        return server

    yield start
    for each in listeners:
        with suppress(OSError):  # on some systems a listener has nothing to shut
            each.shutdown(socket.SHUT_RDWR)
        each.close()


def _accept(listener: socket.socket, server: RawServer, script: Callable[..., object], tls: bool) -> None:
    with suppress(OSError):  # the test is over
        while True:
            connection, _ = listener.accept()
            server.connections += 1
            threading.Thread(target=_talk, args=(connection, server, script, tls), daemon=True).start()


def _talk(connection: socket.socket, server: RawServer, script: Callable[..., object], tls: bool) -> None:
    with connection, suppress(OSError):  # the client hung up, as it should
        if tls:
            context = ssl.SSLContext(ssl.PROTOCOL_TLS_SERVER)
            context.load_cert_chain(CERTIFICATE)
            with context.wrap_socket(connection, server_side=True) as secured:
                script(server, secured)
        else:
            script(server, connection)
    server.gone.set()


def answering(*answers: bytes) -> Callable[[RawServer, socket.socket], None]:
    """The server's first request gets the first answer, and so on; with the last one it hangs up."""

    def script(server: RawServer, connection: socket.socket) -> None:
        while server.take(connection):
            number = len(server.requests)
            connection.sendall(answers[min(number, len(answers)) - 1])
            if number >= len(answers):
                return

    return script


def dripping(start: bytes, rest: bytes) -> Callable[[RawServer, socket.socket], None]:
    """The start at once, the rest a byte every 50 ms."""

    def script(server: RawServer, connection: socket.socket) -> None:
        server.take(connection)
        connection.sendall(start)
        for place in range(len(rest)):
            connection.sendall(rest[place : place + 1])
            time.sleep(0.05)

    return script


def silent(server: RawServer, connection: socket.socket) -> None:
    server.take(connection)
    connection.recv(1)


def reset(connection: socket.socket) -> None:
    """Closes with RST in place of FIN."""
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    connection.close()


LEAD = Request("", form=(("web_key", KEY), ("email", "jane@example.com")))


def send(url: str, seconds: float = 5.0, *, by: Transport | None = None, lead: Request = LEAD) -> Response:
    asked = Request(url, lead.headers, lead.form, lead.json, lead.sign, lead.message_id, lead.method)
    return (by or Transport(allow_private=True)).send(asked, lambda _name: SECRET, seconds)


def failure(url: str, seconds: float = 5.0, *, by: Transport | None = None, lead: Request = LEAD) -> TransportError:
    with pytest.raises(TransportError) as caught:
        send(url, seconds, by=by, lead=lead)
    assert SECRET not in f"{caught.value} {caught.value!r} {caught.value.words}"
    return caught.value


def judged(error: TransportError) -> tuple[Outcome, Reason]:
    return error.outcome, error.reason


@contextmanager
def within(seconds: float) -> Iterator[None]:
    started = time.monotonic()
    yield
    assert time.monotonic() - started < seconds


# --- nothing was sent ---


def test_a_refused_connection_failed() -> None:
    with socket.socket() as bound:
        bound.bind(("127.0.0.1", 0))  # held, so that nobody else listens there, but not listening
        error = failure(f"http://127.0.0.1:{bound.getsockname()[1]}/leads")
    assert judged(error) == (Outcome.FAILED, Reason.CONNECT)


def test_a_host_that_cannot_be_looked_up_failed() -> None:
    assert judged(failure("https://leads.example.invalid/v1")) == (Outcome.FAILED, Reason.DNS)


@pytest.mark.parametrize("url", ["", "leads.example.com", "ftp://127.0.0.1/x", "http://", "http://[", "http://a..b/"])
def test_an_address_that_is_none_is_misconfigured(url: str) -> None:
    assert judged(failure(url)) == (Outcome.MISCONFIGURED, Reason.NOT_FOUND)


@pytest.fixture
def full_port() -> Iterator[int]:
    """A port whose queue is full: the kernel drops what would be one connection more."""
    with socket.socket() as listener:
        listener.bind(("127.0.0.1", 0))
        listener.listen(0)
        waiting = [socket.socket() for _ in range(4)]
        for each in waiting:
            each.setblocking(False)
            each.connect_ex(listener.getsockname())
        yield listener.getsockname()[1]
        for each in waiting:
            each.close()


def test_a_host_that_takes_no_connection_in_time_failed(full_port: int) -> None:
    with within(DEADLINE + MARGIN):
        error = failure(f"http://127.0.0.1:{full_port}/", DEADLINE)
    assert judged(error) == (Outcome.FAILED, Reason.CONNECT)


def test_many_addresses_share_one_deadline(full_port: int, monkeypatch: pytest.MonkeyPatch) -> None:
    address = (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", full_port))
    monkeypatch.setattr(socket, "getaddrinfo", lambda *_args, **_options: [address] * 20)
    with within(DEADLINE + MARGIN):
        error = failure("http://vendor.example/", DEADLINE)
    assert judged(error) == (Outcome.FAILED, Reason.CONNECT)


def test_nothing_is_sent_after_a_look_up_that_took_all_the_time(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    server = serve(answering(OK))
    address = (socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", server.port))

    def slowly(*_args: Any, **_options: Any) -> list[Any]:
        time.sleep(0.3)
        return [address]

    monkeypatch.setattr(socket, "getaddrinfo", slowly)
    assert judged(failure("http://vendor.example/", 0.2)) == (Outcome.FAILED, Reason.CONNECT)
    assert server.requests == []


def test_no_secure_connection_to_a_plain_port_failed(serve: Serve) -> None:
    server = serve(lambda _server, connection: connection.sendall(b"HTTP/1.1 400 Bad Request\r\n\r\n"))
    assert judged(failure(server.url("https"))) == (Outcome.FAILED, Reason.TLS)


def test_a_certificate_that_nobody_trusts_failed(serve: Serve) -> None:
    server = serve(answering(OK), tls=True)
    assert judged(failure(server.url("https"))) == (Outcome.FAILED, Reason.TLS)
    assert server.requests == []


def test_a_handshake_that_never_ends_failed_in_time(serve: Serve) -> None:
    server = serve(dripping(b"", b"\x16\x03\x03\x40\x00" + b"\x02" * 1000))
    with within(2 * DEADLINE + MARGIN):
        error = failure(server.url("https"), DEADLINE)
    assert error.outcome is Outcome.FAILED


@pytest.mark.parametrize("token", ["tök\u2019n", "two\nlines", "\u200btoken", "tab\there"])
def test_a_setting_that_no_header_can_carry_is_misconfigured(token: str, serve: Serve) -> None:
    server = serve(answering(OK))
    lead = Request("", headers={"Authorization": join("Bearer ", token)}, json={})
    assert judged(failure(server.url(), lead=lead)) == (Outcome.MISCONFIGURED, Reason.INVALID)
    assert server.connections == 0


# --- no answer in time ---

SLOW_SERVERS: dict[str, Callable[[RawServer, socket.socket], None]] = {
    "nothing": silent,
    "the status line drips": dripping(b"", b"HTTP/1.1 200 OK\r\n" * 10),
    "a header drips": dripping(b"HTTP/1.1 200 OK\r\n", b"X-Long: " + b"x" * 1000),
    "headers drip": dripping(b"HTTP/1.1 200 OK\r\nContent-Length: 0\r\n", b"A: b\r\n" * 200),
    "endless 100 Continue": dripping(b"", b"HTTP/1.1 100 Continue\r\n\r\n" * 50),
    "the body drips": dripping(b"HTTP/1.1 200 OK\r\nContent-Length: 1000\r\n\r\n", b"x" * 1000),
    "chunks drip": dripping(b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", b"1\r\nx\r\n" * 200),
    "a body without a length drips": dripping(b"HTTP/1.1 200 OK\r\n\r\n", b"x" * 1000),
}


@pytest.mark.parametrize("script", SLOW_SERVERS.values(), ids=SLOW_SERVERS)
def test_an_answer_that_is_not_whole_in_time_is_unknown(
    script: Callable[[RawServer, socket.socket], None], serve: Serve
) -> None:
    server = serve(script)
    with within(DEADLINE + MARGIN):
        error = failure(server.url(), DEADLINE)
    assert judged(error) == (Outcome.UNKNOWN, Reason.TIMEOUT)


def test_the_deadline_cuts_a_secure_connection_too(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(requests.adapters, "DEFAULT_CA_BUNDLE_PATH", str(CERTIFICATE))
    server = serve(SLOW_SERVERS["headers drip"], tls=True)
    with within(DEADLINE + MARGIN):
        error = failure(server.url("https"), DEADLINE)
    assert judged(error) == (Outcome.UNKNOWN, Reason.TIMEOUT)


def test_a_host_that_does_not_read_what_it_is_sent_is_unknown(serve: Serve) -> None:
    deadline = 2.0  # to put twenty megabytes together counts too, and takes a while on a slow machine
    server = serve(lambda _server, connection: time.sleep(2 * deadline))
    lead = Request("", form=(("upload_file_contents", b"x" * 20_000_000),))
    with within(deadline + MARGIN):
        error = failure(server.url(), deadline, lead=lead)
    assert judged(error) == (Outcome.UNKNOWN, Reason.TIMEOUT)


def test_a_large_lead_may_take_longer_than_a_connection(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(transport, "CONNECT_SECONDS", 0.1)

    def script(server: RawServer, connection: socket.socket) -> None:
        time.sleep(0.3)
        server.take(connection)
        connection.sendall(OK)

    lead = Request("", form=(("upload_file_contents", b"x" * 20_000_000),))
    assert send(serve(script).url(), lead=lead).status == 200


def test_a_slow_answer_in_time_is_an_answer(serve: Serve) -> None:
    server = serve(dripping(b"HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n", b"yes"))
    assert send(server.url()).text == "yes"


# --- the connection breaks ---


def test_a_reset_before_the_request_was_read_is_unknown(serve: Serve) -> None:
    """The kernel had taken it: whether anybody read it, only the other side knows."""

    def script(_server: RawServer, connection: socket.socket) -> None:
        connection.recv(1, socket.MSG_PEEK)
        reset(connection)

    lead = Request("", form=(("notes", "x" * 1_000_000),))
    assert judged(failure(serve(script).url(), lead=lead)) == (Outcome.UNKNOWN, Reason.RESET)


def test_a_reset_after_the_request_was_read_is_unknown(serve: Serve) -> None:
    def script(server: RawServer, connection: socket.socket) -> None:
        server.take(connection)
        reset(connection)

    assert judged(failure(serve(script).url())) == (Outcome.UNKNOWN, Reason.RESET)


def test_an_end_without_an_answer_is_unknown(serve: Serve) -> None:
    server = serve(answering(b""))
    assert judged(failure(server.url())) == (Outcome.UNKNOWN, Reason.RESET)


def test_an_answer_that_comes_before_the_request_is_whole_is_read(serve: Serve) -> None:
    """A server may say 413 and hang up while a large body is still on its way."""

    def script(_server: RawServer, connection: socket.socket) -> None:
        connection.recv(1000)
        connection.sendall(b"HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\n\r\n")
        connection.shutdown(socket.SHUT_WR)
        while connection.recv(65536):
            pass

    lead = Request("", form=(("upload_file_contents", b"x" * 3_000_000),))
    assert send(serve(script).url(), lead=lead).status == 413


TRUNCATED = {
    "Content-Length": b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n" + b"x" * 50,
    "Content-Length, nothing of it": b"HTTP/1.1 200 OK\r\nContent-Length: 100\r\n\r\n",
    "chunked": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n20\r\nhalf a chunk",
    "chunked, no last chunk": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n",
    "chunked, no length": b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\nok\r\n0\r\n\r\n",
}


@pytest.mark.parametrize("answer", TRUNCATED.values(), ids=TRUNCATED)
def test_half_an_answer_is_unknown(answer: bytes, serve: Serve) -> None:
    assert judged(failure(serve(answering(answer)).url())) == (Outcome.UNKNOWN, Reason.TRUNCATED)


NOT_HTTP = {
    "another protocol": b"220 mail.example.com ESMTP\r\n",
    "no status": b"HTTP/1.1 abc OK\r\n\r\n",
    "an endless line": b"HTTP/1.1 200 OK\r\nX: " + b"x" * 70_000 + b"\r\n\r\n",
    "a thousand headers": b"HTTP/1.1 200 OK\r\n" + b"A: b\r\n" * 1000 + b"\r\n",
    "two lengths": b"HTTP/1.1 200 OK\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\nok",
    "gzip that is none": b"HTTP/1.1 200 OK\r\nContent-Encoding: gzip\r\nContent-Length: 4\r\n\r\nnope",
}


@pytest.mark.parametrize("answer", NOT_HTTP.values(), ids=NOT_HTTP)
def test_an_answer_that_is_no_http_is_unknown(answer: bytes, serve: Serve) -> None:
    assert judged(failure(serve(answering(answer)).url())) == (Outcome.UNKNOWN, Reason.NONSENSE)


@settings(max_examples=60, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.one_of(st.binary(max_size=200), st.binary(max_size=200).map(lambda rest: b"HTTP/1.1 200 OK\r\n" + rest)))
@example(b"HTTP/1.1 200 OK\r\nContent-Length: -5\r\n\r\nok")
@example(b"HTTP/1.1 302 Found\r\nLocation: http://[\r\n\r\n")
@example(b"HTTP/1.1 302 Found\r\nLocation: \xff\xfe\r\n\r\n")
def test_whatever_a_host_sends_it_is_an_answer_or_unknown(serve: Serve, answer: bytes) -> None:
    try:
        outcome = send(serve(answering(answer)).url()) and Outcome.UNKNOWN
    except TransportError as error:
        outcome = error.outcome
    assert outcome is Outcome.UNKNOWN


# --- how much of an answer is read ---


def body_of(size: int, head: bytes = b"HTTP/1.1 200 OK\r\n") -> bytes:
    return head + b"Content-Length: %d\r\n\r\n" % size + b" " * size


def test_an_answer_of_the_largest_size_is_read(serve: Serve) -> None:
    assert len(send(serve(answering(body_of(MAX_ANSWER))).url()).body) == MAX_ANSWER


@pytest.mark.parametrize("size", [MAX_ANSWER + 1, 5_000_000])
def test_a_larger_answer_is_cut_at_the_cap(size: int, serve: Serve) -> None:
    assert judged(failure(serve(answering(body_of(size))).url())) == (Outcome.UNKNOWN, Reason.TOO_LARGE)


def test_a_redirect_with_a_large_body_is_cut_at_the_cap(serve: Serve) -> None:
    server = serve(answering(body_of(5_000_000, b"HTTP/1.1 302 Found\r\nLocation: /elsewhere\r\n")))
    assert judged(failure(server.url())) == (Outcome.UNKNOWN, Reason.TOO_LARGE)


@pytest.mark.parametrize("status", [b"200 OK", b"302 Found\r\nLocation: /elsewhere"], ids=["200", "302"])
def test_a_small_answer_that_unpacks_into_a_huge_one_takes_little_memory(status: bytes, serve: Serve) -> None:
    packed = gzip.compress(b"\0" * 50_000_000)
    head = b"HTTP/1.1 %s\r\nContent-Encoding: gzip\r\nContent-Length: %d\r\n\r\n" % (status, len(packed))
    server = serve(answering(head + packed))
    tracemalloc.start()
    error = failure(server.url())
    _, peak = tracemalloc.get_traced_memory()
    tracemalloc.stop()
    assert judged(error) == (Outcome.UNKNOWN, Reason.TOO_LARGE)
    assert peak < 10_000_000


# --- what the answer may not make us do ---


@pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
def test_a_redirect_is_an_answer_and_not_followed(status: int, serve: Serve) -> None:
    elsewhere = serve(answering(OK))
    server = serve(
        answering(f"HTTP/1.1 {status} X\r\nLocation: {elsewhere.url()}\r\nContent-Length: 0\r\n\r\n".encode())
    )
    answer = send(server.url())
    assert (answer.status, answer.headers["location"]) == (status, elsewhere.url())
    assert elsewhere.connections == 0


def test_a_cookie_of_one_answer_does_not_go_with_the_next_lead(serve: Serve) -> None:
    server = serve(answering(OK[:-6] + b"\r\nSet-Cookie: session=1\r\n\r\nok", OK))
    by = Transport(allow_private=True)
    assert send(server.url(), by=by).headers["set-cookie"] == "session=1"
    send(server.url(), by=by)
    assert len(server.requests) == 2
    assert b"ookie" not in server.requests[1]


def test_no_proxy_of_the_environment_is_used(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    proxy, server = serve(answering(OK)), serve(answering(OK))
    monkeypatch.setenv("HTTP_PROXY", proxy.url())
    monkeypatch.setenv("http_proxy", proxy.url())
    send(server.url())
    assert (proxy.connections, len(server.requests)) == (0, 1)


def test_the_same_request_is_the_same_bytes(serve: Serve) -> None:
    server = serve(answering(OK, OK))
    by = Transport(allow_private=True)
    send(server.url(), by=by)
    send(server.url(), by=by)
    assert server.requests[0] == server.requests[1]
    assert server.requests[0].endswith(b"\r\n\r\nweb_key=s3cret-of-the-account&email=jane%40example.com")


# --- addresses that a vendor cannot have ---

LOOPBACK = [
    "127.0.0.1",
    "127.1",
    "127.255.255.254",
    "0x7f.1",
    "0177.0.0.1",
    "2130706433",
    "localhost",
    "LOCALHOST",
    "0.0.0.0",
    "0",
    "[::1]",
    "[::]",
    "[0:0:0:0:0:0:0:1]",
    "[::ffff:127.0.0.1]",
    "[::ffff:7f00:1]",
    "[::127.0.0.1]",
]
PRIVATE = [
    "169.254.169.254",
    "10.0.0.1",
    "10.255.255.255",
    "172.16.0.1",
    "192.168.1.1",
    "100.64.0.1",
    "198.18.0.1",
    "192.0.2.1",
    "224.0.0.1",
    "240.0.0.1",
    "255.255.255.255",
    "[fe80::1]",
    "[fc00::1]",
    "[fd12:3456::1]",
    "[fec0::1]",
    "[ff02::1]",
    "[64:ff9b::7f00:1]",
    "[64:ff9b:1::a00:1]",
    "[2002:7f00:1::]",
    "[2001:0:1::1]",
]


@pytest.mark.parametrize("host", LOOPBACK + PRIVATE)
def test_a_private_address_in_any_notation_is_blocked(host: str, serve: Serve) -> None:
    server = serve(answering(OK))
    error = failure(server.url(host=host), 1.0, by=Transport())
    assert judged(error) == (Outcome.MISCONFIGURED, Reason.BLOCKED_ADDRESS)
    assert server.connections == 0


@pytest.mark.parametrize("host", ["127.0.0.1", "127.1", "0x7f.1", "2130706433", "localhost"])
def test_private_addresses_may_be_allowed(host: str, serve: Serve) -> None:
    assert send(serve(answering(OK)).url(host=host)).status == 200


@pytest.mark.parametrize(
    "address", ["8.8.8.8", "93.184.215.14", "2606:2800:21f:cb07:6820:80da:af6b:8b2c", "::ffff:8.8.8.8"]
)
def test_a_public_address_is_one(address: str) -> None:
    assert is_public(address)


def test_what_is_no_address_is_not_public() -> None:
    assert not is_public("localhost")


Resolve = Callable[..., "Looked"]


@dataclass
class Looked:
    """What was looked up, and what was connected to."""

    hosts: list[str] = field(default_factory=list)
    connected: list[str] = field(default_factory=list)


@pytest.fixture
def resolve(monkeypatch: pytest.MonkeyPatch) -> Resolve:
    """A name service that gives these addresses, look-up by look-up; each connection ends at ``server`` in truth."""

    def installed(server: RawServer, *answers: list[str]) -> Looked:
        looked = Looked()
        connect = socket.socket.connect

        def look_up(host: str, port: int, *_args: Any, **_options: Any) -> list[Any]:
            addresses = answers[min(len(looked.hosts), len(answers) - 1)]
            looked.hosts.append(host)
            return [(socket.AF_INET, socket.SOCK_STREAM, 6, "", (address, port)) for address in addresses]

        def connected(self: socket.socket, address: Any) -> None:
            looked.connected.append(address[0])
            connect(self, ("127.0.0.1", server.port))

        monkeypatch.setattr(socket, "getaddrinfo", look_up)
        monkeypatch.setattr(socket.socket, "connect", connected)
        return looked

    return installed


def test_the_address_that_was_checked_is_the_one_that_is_used(serve: Serve, resolve: Resolve) -> None:
    looked = resolve(serve(answering(OK)), ["93.184.215.14"], ["127.0.0.1"])
    assert send("http://vendor.example/leads", by=Transport()).status == 200
    assert looked == Looked(["vendor.example"], ["93.184.215.14"])


def test_a_host_that_has_moved_to_a_private_address_is_blocked(serve: Serve, resolve: Resolve) -> None:
    looked = resolve(serve(answering(OK)), ["93.184.215.14"], ["127.0.0.1"])
    by = Transport()
    send("http://vendor.example/leads", by=by)
    wait_until(lambda: not _reusable(by))
    error = failure("http://vendor.example/leads", by=by)
    assert judged(error) == (Outcome.MISCONFIGURED, Reason.BLOCKED_ADDRESS)
    assert looked.connected == ["93.184.215.14"]


@pytest.mark.parametrize("addresses", [["10.0.0.1", "93.184.215.14"], ["93.184.215.14", "127.0.0.1"]])
def test_one_private_address_of_several_blocks_the_host(addresses: list[str], serve: Serve, resolve: Resolve) -> None:
    looked = resolve(serve(answering(OK)), addresses)
    error = failure("http://vendor.example/leads", by=Transport())
    assert judged(error) == (Outcome.MISCONFIGURED, Reason.BLOCKED_ADDRESS)
    assert looked.connected == []


def test_the_next_address_is_tried_where_one_takes_no_connection(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    server = serve(answering(OK))
    with socket.socket() as refusing:
        refusing.bind(("127.0.0.1", 0))
        ports = [refusing.getsockname()[1], server.port]
        addresses = [(socket.AF_INET, socket.SOCK_STREAM, 6, "", ("127.0.0.1", port)) for port in ports]
        monkeypatch.setattr(socket, "getaddrinfo", lambda *_args, **_options: addresses)
        assert send("http://vendor.example/leads").status == 200


# --- connections that are kept ---


def _reusable(by: Transport) -> bool:
    """Whether the pool of this thread would use its connection again."""
    (pool,) = vars(by._session().get_adapter("http://"))["poolmanager"].pools._container.values()
    return any(connection is not None and connection.is_connected for connection in pool.pool.queue)


def test_a_connection_is_used_for_leads_that_follow_at_once(serve: Serve) -> None:
    server = serve(answering(OK, OK, OK))
    by = Transport(allow_private=True)
    assert [send(server.url(), by=by).status for _ in range(3)] == [200, 200, 200]
    assert (server.connections, len(server.requests)) == (1, 3)


def test_a_connection_is_used_by_whichever_thread_comes_next(serve: Serve) -> None:
    server = serve(answering(OK, OK))
    by = Transport(allow_private=True)
    send(server.url(), by=by)
    with ThreadPoolExecutor(1) as pool:
        assert pool.submit(send, server.url(), by=by).result(10).status == 200
    assert (server.connections, len(server.requests)) == (1, 2)


def test_threads_that_send_at_once_have_a_connection_each(serve: Serve) -> None:
    both = threading.Barrier(2)

    def script(server: RawServer, connection: socket.socket) -> None:
        server.take(connection)
        both.wait(10)
        connection.sendall(OK)

    server = serve(script)
    by = Transport(allow_private=True)
    with ThreadPoolExecutor(2) as pool:
        sent = [pool.submit(send, server.url(), by=by) for _ in range(2)]
        assert [each.result(10).status for each in sent] == [200, 200]
    assert server.connections == 2


def test_a_forked_child_opens_a_connection_of_its_own(serve: Serve) -> None:
    server = serve(answering(OK, OK))
    by = Transport(allow_private=True)
    send(server.url(), by=by)
    child = os.fork()
    if child == 0:
        try:
            os._exit(0 if send(server.url(), by=by).status == 200 else 1)
        except BaseException:
            os._exit(2)
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert server.connections == 2


def test_an_idle_connection_that_the_server_closed_is_not_used(serve: Serve) -> None:
    server = serve(answering(OK))
    by = Transport(allow_private=True)
    send(server.url(), by=by)
    wait_until(lambda: not _reusable(by))
    assert send(server.url(), by=by).status == 200
    assert (server.connections, len(server.requests)) == (2, 2)


def test_a_connection_that_was_idle_for_long_is_not_used(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    """The server may close it just then, and the outcome would be unknown for nothing."""
    monkeypatch.setattr(transport, "REUSE_SECONDS", 0.0)
    server = serve(answering(OK, OK))
    by = Transport(allow_private=True)
    send(server.url(), by=by)
    send(server.url(), by=by)
    assert server.connections == 2


def test_a_request_that_meets_a_closing_connection_is_unknown_and_not_repeated(
    serve: Serve, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The server closes a kept connection as the next request is on its way: it may have read it, or not."""
    server = serve(answering(OK))
    by = Transport(allow_private=True)
    send(server.url(), by=by)
    server.gone.wait(5)
    monkeypatch.setattr(transport._GuardedConnection, "is_connected", True)  # as if it had closed a moment later
    assert judged(failure(server.url(), by=by)) == (Outcome.UNKNOWN, Reason.RESET)
    assert server.connections == 1


def test_a_second_request_that_is_read_and_not_answered_is_unknown_and_not_repeated(serve: Serve) -> None:
    server = serve(answering(OK, b""))
    by = Transport(allow_private=True)
    send(server.url(), by=by)
    assert judged(failure(server.url(), by=by)) == (Outcome.UNKNOWN, Reason.RESET)
    assert (server.connections, len(server.requests)) == (1, 2)


def test_a_connection_is_not_used_after_trouble(serve: Serve) -> None:
    server = serve(answering(body_of(5_000_000), OK))
    by = Transport(allow_private=True)
    failure(server.url(), by=by)
    send(server.url(), by=by)
    assert server.connections == 2


def test_a_secure_connection_is_used_again(serve: Serve, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(requests.adapters, "DEFAULT_CA_BUNDLE_PATH", str(CERTIFICATE))
    server = serve(answering(OK, OK), tls=True)
    by = Transport(allow_private=True)
    assert [send(server.url("https"), by=by).status for _ in range(2)] == [200, 200]
    assert server.connections == 1


# --- secrets, waiting times, processes ---


def test_no_secret_is_in_the_words_of_any_error(serve: Serve) -> None:
    lead = Request("", headers={"Authorization": join("Bearer ", KEY)}, json={"a": 1}, sign=KEY)
    servers = [serve(answering(b"")), serve(answering(TRUNCATED["chunked"])), serve(answering(b"secret? no HTTP\r\n"))]
    for server in servers:
        failure(f"{server.url()}/{SECRET}?key={SECRET}", lead=lead)  # which looks for it
        assert SECRET.encode() in server.requests[0]
    failure(f"{serve(lambda _server, connection: connection.sendall(OK)).url('https')}/{SECRET}", lead=lead)
    failure(f"http://{SECRET}.example.invalid/", lead=lead)
    failure(f"http://127.0.0.1/{SECRET}", lead=lead, by=Transport())
    failure(f"no address {SECRET}", lead=lead)


def test_no_address_with_a_secret_is_logged(serve: Serve, caplog: pytest.LogCaptureFixture) -> None:
    """urllib3 would write the whole address beside headers that it cannot parse, and at DEBUG always."""
    caplog.set_level(logging.DEBUG)
    server = serve(answering(b"HTTP/1.1 200 OK\r\nno header\r\nContent-Length: 2\r\n\r\nok"))
    with suppress(TransportError):
        send(f"{server.url()}/{SECRET}")
    assert SECRET.encode() in server.requests[0]
    assert SECRET not in caplog.text


def test_a_secret_is_in_the_bytes_and_nowhere_in_what_is_stored(serve: Serve) -> None:
    server = serve(answering(OK))
    send(server.url())
    assert SECRET.encode() in server.requests[0]
    assert SECRET not in str(LEAD.to_json())


def in_hours(hours: int) -> str:
    return format_datetime(datetime.now(UTC) + timedelta(hours=hours), usegmt=True)


@pytest.mark.parametrize(
    ("header", "low", "high"),
    [
        (lambda: "120", 120, 120),
        (lambda: in_hours(1), 3500, 3600),
        (lambda: in_hours(-1), 0, 0),
    ],
    ids=["seconds", "a date", "a date that is over"],
)
def test_a_waiting_time_is_read_in_both_its_forms(
    header: Callable[[], str], low: float, high: float, serve: Serve
) -> None:
    answer = f"HTTP/1.1 503 Busy\r\nRetry-After: {header()}\r\nContent-Length: 0\r\n\r\n".encode()
    seconds = read_retry_after(send(serve(answering(answer)).url()).headers["retry-after"])
    assert seconds is not None
    assert low <= seconds <= high


def test_a_forked_child_sends_on_connections_of_its_own_and_keeps_to_its_deadline(serve: Serve) -> None:
    server, slow = serve(answering(OK, OK)), serve(SLOW_SERVERS["headers drip"])
    by = Transport(allow_private=True)
    send(server.url(), by=by)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", DeprecationWarning)  # that threads do not survive a fork is the point
        child = os.fork()
    if not child:
        os._exit(_in_child(by, server.url(), slow.url()))
    assert os.waitstatus_to_exitcode(os.waitpid(child, 0)[1]) == 0
    assert server.connections == 2
    assert send(server.url(), by=by).status == 200


def _in_child(by: Transport, url: str, slow_url: str) -> int:
    started = time.monotonic()
    try:
        answer = send(url, by=by)
        send(slow_url, DEADLINE, by=by)
    except TransportError as error:
        in_time = time.monotonic() - started < DEADLINE + MARGIN
        return 0 if answer.status == 200 and error.reason is Reason.TIMEOUT and in_time else 1
    except BaseException:
        return 2
    return 3
