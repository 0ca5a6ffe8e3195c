"""The only socket to the outside: a total deadline, a cap on the answer, no redirects, no private addresses."""

from __future__ import annotations

import ipaddress
import json
import logging
import math
import os
import socket
import ssl
import threading
import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from http.cookiejar import DefaultCookiePolicy
from typing import Any
from urllib.parse import quote, quote_plus

import requests
from requests.adapters import HTTPAdapter
from urllib3.connection import HTTPConnection, HTTPSConnection
from urllib3.connectionpool import HTTPConnectionPool, HTTPSConnectionPool
from urllib3.exceptions import NewConnectionError
from urllib3.response import HTTPResponse

import leadferry
from leadferry.languages import sentence
from leadferry.vendors.base import Outcome, Pair, Reason, Request, Response, fill
from leadferry.vendors.signing import sign_standard_webhook

MAX_ANSWER = 1024 * 1024
CONNECT_SECONDS = 5.0
REUSE_SECONDS = 1.5
"""How long after an answer its connection is used again.

A server may close an idle connection just as the next request is on its way, and nobody can tell then whether that was
processed. So it is used for leads that follow at once, and not for as long as servers wait: 2 seconds are the least of
common defaults.
"""

HOSTS_KEPT = 64
CONNECTIONS_KEPT = 64
"""To one host: as many as visitors of a process may wait for it."""

USER_AGENT = f"Leadferry/{leadferry.__version__}"

logging.getLogger("urllib3").setLevel(logging.CRITICAL)  # its lines hold whole addresses, some with a secret


class TransportError(Exception):
    """No answer came, or none that may be believed. ``outcome`` is FAILED only if no byte of the request left."""

    def __init__(self, outcome: Outcome, reason: Reason, words: str) -> None:
        super().__init__(words)
        self.outcome = outcome
        self.reason = reason
        self.words = words


class BlockedAddressError(OSError):
    """The host resolves to an address that a vendor cannot have."""


@dataclass
class _Call:
    """The request that this thread is in: when it must be over, and how far it came."""

    deadline: float
    allow_private: bool
    began: bool = False
    sock: socket.socket | None = None
    expired: bool = False


_current = threading.local()


class Transport:
    """Sends requests over kept-alive connections: to a host that was just called, whichever thread did."""

    def __init__(self, *, allow_private: bool = False) -> None:
        self._allow_private = allow_private
        self._start_anew()
        os.register_at_fork(after_in_child=self._start_anew)

    def _start_anew(self) -> None:
        """Also in a forked child, or both would read from one connection."""
        self._connections = _Adapter(pool_connections=HOSTS_KEPT, pool_maxsize=CONNECTIONS_KEPT)
        self._sessions = threading.local()

    def send(self, request: Request, secret: Callable[[str], str], seconds: float) -> Response:
        """The vendor's answer.

        Args:
            secret: gives the value of a secret by its name.
            seconds: for everything, from the look-up of the host to the last byte.

        Raises:
            TransportError: with what is known about whether the vendor processed the request.
        """
        call = _Call(time.monotonic() + seconds, self._allow_private)
        _current.call = call
        try:
            with _watchdog.watching(call):
                return self._exchange(request, secret, call)
        except (requests.RequestException, OSError, ValueError) as error:
            raise _judged(error, call) from None
        finally:
            _current.call = None

    def _exchange(self, request: Request, secret: Callable[[str], str], call: _Call) -> Response:
        remaining = max(0.05, call.deadline - time.monotonic())
        body, headers = _encode(request, secret)
        answer = self._session().request(
            request.method,
            fill(request.url, secret),
            data=body,
            headers=headers,
            allow_redirects=False,
            stream=True,
            timeout=(min(CONNECT_SECONDS, remaining), remaining),
        )
        with answer:
            content = _read(answer, call)
        return Response(answer.status_code, {k.lower(): v for k, v in answer.headers.items()}, content)

    def _session(self) -> requests.Session:
        """This thread's: a session is no two threads' at once, the connections are."""
        session: requests.Session | None = getattr(self._sessions, "session", None)
        if session is None:
            session = self._sessions.session = _Session(self._connections)
        return session


class _Session(requests.Session):
    """Remembers nothing from one lead to the next but the connection."""

    def __init__(self, connections: HTTPAdapter) -> None:
        super().__init__()
        self.trust_env = False  # no proxy, no .netrc: where a lead goes is decided by the form file alone
        self.cookies.set_policy(DefaultCookiePolicy(allowed_domains=[]))
        self.mount("https://", connections)
        self.mount("http://", connections)

    def get_redirect_target(self, resp: requests.Response) -> None:
        """None: of a redirect requests reads the whole body, without a cap, even if it is not to follow it."""


def _read(answer: requests.Response, call: _Call) -> bytes:
    found = bytearray()
    for chunk in answer.iter_content(16 * 1024):
        found += chunk
        if len(found) > MAX_ANSWER:
            raise TransportError(Outcome.UNKNOWN, Reason.TOO_LARGE, sentence("The answer is larger than 1 MiB."))
    if call.expired:  # where the watchdog cut it off it may look like an end
        raise TimeoutError
    return bytes(found)


# --- encoding ---


def _encode(request: Request, secret: Callable[[str], str]) -> tuple[bytes | None, dict[str, str]]:
    headers = {"User-Agent": USER_AGENT, "Accept-Encoding": "identity"} | {
        name: fill(value, secret) for name, value in request.headers.items()
    }
    if not all(value.isascii() and value.isprintable() for value in headers.values()):
        words = sentence("A setting that goes into a header holds a character that a header cannot carry.")
        raise TransportError(Outcome.MISCONFIGURED, Reason.INVALID, words)
    body = encode_body(request, secret)
    if request.form is not None:
        headers["Content-Type"] = "application/x-www-form-urlencoded"
    elif request.json is not None:
        headers["Content-Type"] = "application/json"
    if request.message_id:
        headers |= _signature(request, secret, body or b"")
    return body, headers


def encode_body(request: Request, secret: Callable[[str], str]) -> bytes | None:
    """The bytes of the body, the same for the same request."""
    if request.form is not None:
        return b"&".join(_pair(pair, secret) for pair in request.form)
    if request.json is not None:
        return json.dumps(request.json, ensure_ascii=False, separators=(",", ":")).encode()
    return None


def _pair(pair: Pair, secret: Callable[[str], str]) -> bytes:
    name, value = pair
    encoded = quote(value, safe="") if isinstance(value, bytes) else quote_plus(fill(value, secret))
    return f"{quote_plus(name)}={encoded}".encode()


def _signature(request: Request, secret: Callable[[str], str], body: bytes) -> dict[str, str]:
    """The Standard Webhooks headers: the id is the delivery's, the time this try's."""
    headers = {"webhook-id": request.message_id, "webhook-timestamp": str(int(time.time()))}
    if request.sign is not None:
        headers["webhook-signature"] = sign_standard_webhook(
            fill(request.sign, secret), request.message_id, int(headers["webhook-timestamp"]), body
        )
    return headers


# --- what an error means ---


def _judged(error: Exception, call: _Call) -> TransportError:
    """FAILED while no byte had left; UNKNOWN from then on."""
    cause = _root(error)
    if not call.began:
        return _not_sent(cause)
    if call.expired or isinstance(cause, TimeoutError):
        return TransportError(Outcome.UNKNOWN, Reason.TIMEOUT, sentence("The vendor did not answer in time."))
    if isinstance(error, requests.exceptions.ChunkedEncodingError):
        return TransportError(Outcome.UNKNOWN, Reason.TRUNCATED, sentence("The answer broke off in the middle."))
    if isinstance(cause, OSError):
        return TransportError(Outcome.UNKNOWN, Reason.RESET, sentence("The connection broke before an answer came."))
    return TransportError(Outcome.UNKNOWN, Reason.NONSENSE, sentence("The answer is not HTTP that can be read."))


def _not_sent(cause: BaseException) -> TransportError:
    if isinstance(cause, BlockedAddressError):
        words = sentence("The address belongs to this machine or a private network, which a vendor's cannot.")
        return TransportError(Outcome.MISCONFIGURED, Reason.BLOCKED_ADDRESS, words)
    if isinstance(cause, socket.gaierror):
        return TransportError(Outcome.FAILED, Reason.DNS, sentence("The vendor's host name could not be looked up."))
    if isinstance(cause, ssl.SSLError):
        return TransportError(Outcome.FAILED, Reason.TLS, f"No secure connection could be made ({cause.reason}).")
    if isinstance(cause, (requests.exceptions.InvalidURL, requests.exceptions.InvalidSchema, ValueError)):
        return TransportError(
            Outcome.MISCONFIGURED, Reason.NOT_FOUND, sentence("The vendor's address is not a web address.")
        )
    return TransportError(Outcome.FAILED, Reason.CONNECT, sentence("The vendor's host took no connection."))


def _root(error: BaseException) -> BaseException:
    """The innermost cause; requests and urllib3 wrap it in `reason`, `args` and `__cause__`."""
    for inner in (getattr(error, "reason", None), error.__cause__, error.__context__, *error.args):
        if isinstance(inner, BaseException) and inner is not error and not isinstance(inner, AttributeError):
            return _root(inner)
    return error


# --- connections ---


class _GuardedConnection(HTTPConnection):
    """Looks its host up once, refuses private addresses, and connects to the address that was looked at."""

    _answered_at = 0.0

    def _new_conn(self) -> socket.socket:
        call: _Call = _current.call
        try:
            return _connect(self._dns_host, self.port, call)
        except OSError as error:
            raise NewConnectionError(self, str(error)) from error

    def request(self, *args: Any, **kwargs: Any) -> None:
        call: _Call = _current.call
        if self.sock is None:
            self.connect()
        call.sock = self.sock
        if call.expired:  # before there was anything that the watchdog could cut
            raise TimeoutError
        self.timeout = max(0.05, call.deadline - time.monotonic())  # the pool left that of connecting
        call.began = True
        super().request(*args, **kwargs)

    @property
    def is_connected(self) -> bool:
        """What the pool asks before it uses a connection again."""
        return super().is_connected and time.monotonic() - self._answered_at < REUSE_SECONDS

    def getresponse(self) -> HTTPResponse:  # type: ignore[override]  # as urllib3's own
        response = super().getresponse()
        self._answered_at = time.monotonic()
        return response


class _GuardedHTTPSConnection(_GuardedConnection, HTTPSConnection):
    pass


class _Pool(HTTPConnectionPool):
    ConnectionCls = _GuardedConnection


class _SecurePool(HTTPSConnectionPool):
    ConnectionCls = _GuardedHTTPSConnection


class _Adapter(HTTPAdapter):
    def init_poolmanager(self, *args: Any, **kwargs: Any) -> None:
        super().init_poolmanager(*args, **kwargs)
        self.poolmanager.pool_classes_by_scheme = {"http": _Pool, "https": _SecurePool}


def _connect(host: str, port: int, call: _Call) -> socket.socket:
    addresses = socket.getaddrinfo(host.strip("[]"), port, type=socket.SOCK_STREAM)
    if not call.allow_private:
        for *_, address in addresses:
            if not is_public(str(address[0])):
                raise BlockedAddressError(address[0])
    return _first_that_answers(addresses, call.deadline)


def _first_that_answers(addresses: list[Any], deadline: float) -> socket.socket:
    last: OSError = TimeoutError("the deadline passed while the host was looked up")
    for family, kind, protocol, _, address in addresses:
        remaining = deadline - time.monotonic()
        if remaining <= 0:
            break
        sock = socket.socket(family, kind, protocol)
        try:
            sock.settimeout(min(CONNECT_SECONDS, remaining))
            sock.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
            sock.connect(address)
        except OSError as error:
            sock.close()
            last = error
        else:
            return sock
    raise last


_NEVER = tuple(  # what Python takes for global: shared services of a network, 6to4's relays, Azure's inside, examples
    ipaddress.ip_network(net) for net in ("192.0.0.0/24", "192.88.99.0/24", "168.63.129.16/32", "3fff::/20")
)
_TRANSLATING = tuple(ipaddress.ip_network(net) for net in ("64:ff9b::/96", "64:ff9b:1::/48", "2002::/16", "2001::/32"))


def is_public(address: str) -> bool:
    """Whether an address can be a vendor's: no loopback, private, link-local, shared, reserved or translated range."""
    try:
        found = ipaddress.ip_address(address.partition("%")[0])
    except ValueError:
        return False
    if isinstance(found, ipaddress.IPv6Address):
        if found.ipv4_mapped is not None:
            return is_public(str(found.ipv4_mapped))
        if any(found in net for net in _TRANSLATING):
            return False
        if found.is_site_local:
            return False
    if any(found in net for net in _NEVER):
        return False
    return found.is_global and not found.is_multicast and not found.is_reserved


class _Watchdog:
    """Cuts the socket of a call that is past its deadline.

    requests' own timeout is for each read: a vendor that drips a byte now and then would hold a thread for ever.
    """

    def __init__(self) -> None:
        self._start_anew()
        os.register_at_fork(after_in_child=self._start_anew)

    def _start_anew(self) -> None:
        """Also in a forked child: the parent's calls are not its to cut, and its lock may be held by nobody."""
        self._calls: dict[int, _Call] = {}
        self._looks_at = math.inf
        self._changed = threading.Condition()
        self._thread: threading.Thread | None = None

    @contextmanager
    def watching(self, call: _Call) -> Iterator[None]:
        with self._changed:
            self._calls[id(call)] = call
            if self._thread is None:
                self._thread = threading.Thread(target=self._run, name="transport-watchdog", daemon=True)
                self._thread.start()
            if call.deadline < self._looks_at:
                self._changed.notify()
        try:
            yield
        finally:
            with self._changed:
                self._calls.pop(id(call), None)

    def _run(self) -> None:
        with self._changed:
            while True:
                now = time.monotonic()
                for call in [each for each in self._calls.values() if each.deadline <= now]:
                    del self._calls[id(call)]
                    _cut(call)
                self._looks_at = min((call.deadline for call in self._calls.values()), default=now + 3600)
                self._changed.wait(max(0.01, self._looks_at - now))


def _cut(call: _Call) -> None:
    call.expired = True
    if call.sock is not None:
        with suppress(OSError):  # closed already
            socket.socket.shutdown(call.sock, socket.SHUT_RDWR)


_watchdog = _Watchdog()
