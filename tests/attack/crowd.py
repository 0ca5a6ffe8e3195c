"""Attackers who hold on to as many connections as they can, and the visitors who must not notice."""

from __future__ import annotations

import selectors
import socket
import threading
import time
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Self

import requests

from tests.installation import Server

SILENT = b""
HALF_A_HEAD = b"POST /f/any HTTP/1.1\r\nHost: forms.example\r\nX-Slow: a"
HALF_A_BODY = (
    b"POST /f/any HTTP/1.1\r\nHost: forms.example\r\nContent-Type: application/x-www-form-urlencoded\r\n"
    b"Content-Length: 60000\r\n\r\nmessage=a"
)
HALF_A_CHUNK = (
    b"POST /f/any HTTP/1.1\r\nHost: forms.example\r\nContent-Type: application/x-www-form-urlencoded\r\n"
    b"Transfer-Encoding: chunked\r\n\r\nEA60\r\nmessage=a"
)
TOO_LARGE = (
    b"POST /f/any HTTP/1.1\r\nHost: forms.example\r\nContent-Type: application/x-www-form-urlencoded\r\n"
    b"Content-Length: 99000000\r\n\r\nmessage=a"
)
ANSWERED = b"GET /f/any HTTP/1.0\r\n\r\n"
"""A whole request whose answer is never read, on a connection that is never closed."""


class Crowd:
    """So many connections, each opened with the same bytes, fed a byte now and then, and opened anew when closed."""

    def __init__(self, url: str, size: int, opening: bytes, *, every: float = 1.0, drip: bytes = b"a") -> None:
        self._address = _address(url)
        self._size = size
        self._opening = opening
        self._every = every
        self._drip = drip
        self._members: set[socket.socket] = set()
        self._over = threading.Event()
        self._thread = threading.Thread(target=self._run, daemon=True)
        self.opened = 0

    def __enter__(self) -> Self:
        self._thread.start()
        return self

    def __exit__(self, *_: object) -> None:
        self._over.set()
        self._thread.join()
        for each in self._members:
            each.close()

    def _run(self) -> None:
        while not self._over.is_set():
            self._fill()
            self._feed()
            self._over.wait(self._every)

    def _fill(self) -> None:
        while len(self._members) < self._size and not self._over.is_set():
            member = socket.socket()
            member.setblocking(False)
            member.connect_ex(self._address)
            self._members.add(member)
            self.opened += 1
            _wait_writable(member)
            self._send(member, self._opening)

    def _feed(self) -> None:
        for each in list(self._members):
            try:
                if not each.recv(1) and self._opening != ANSWERED:
                    self._drop(each)
                    continue
            except BlockingIOError:
                pass
            except OSError:
                self._drop(each)
                continue
            if self._opening not in {SILENT, ANSWERED}:
                self._send(each, self._drip)

    def _send(self, member: socket.socket, what: bytes) -> None:
        try:
            member.send(what)
        except BlockingIOError:
            pass
        except OSError:
            self._drop(member)

    def _drop(self, member: socket.socket) -> None:
        self._members.discard(member)
        member.close()


def _address(url: str) -> tuple[str, int]:
    host, _, port = url.removeprefix("http://").partition(":")
    return host, int(port)


def _wait_writable(member: socket.socket) -> None:
    with selectors.DefaultSelector() as selector:
        selector.register(member, selectors.EVENT_WRITE)
        selector.select(2)


@dataclass
class Visits:
    """What visitors met: seconds of each page and post, references of the leads they were promised, and failures."""

    seconds: list[float] = field(default_factory=list)
    leads: list[str] = field(default_factory=list)
    failed: list[str] = field(default_factory=list)

    @property
    def worst(self) -> float:
        return max(self.seconds)

    @property
    def median(self) -> float:
        return sorted(self.seconds)[len(self.seconds) // 2]


def visit(url: str, count: int, *, form: str = "any", patience: float = 10, address: str = "198.51.100.7") -> Visits:
    """Visitors one after the other, each on a connection of their own: the page, then the post."""
    found = Visits()
    for number in range(count):
        began = time.monotonic()
        asked = {"Accept": "application/json", "X-Forwarded-For": address}
        said = {"message": f"visitor {number} at {began}"}
        try:
            page = requests.get(f"{url}/f/{form}", headers=asked, timeout=patience)
            found.seconds.append(time.monotonic() - began)
            post = requests.post(f"{url}/f/{form}", data=said, headers=asked, timeout=patience)
            found.seconds.append(time.monotonic() - began - found.seconds[-1])
        except requests.RequestException as error:
            found.seconds.append(time.monotonic() - began)
            found.failed.append(type(error).__name__)
            continue
        if page.status_code == post.status_code == 200:
            found.leads.append(post.json()["lead"])
        else:
            found.failed.append(f"{page.status_code} {post.status_code}")
    return found


# --- many posts at once ---


@dataclass
class Burst:
    """What became of many posts: how many got which status, and the references of those taken."""

    statuses: Counter[int] = field(default_factory=Counter)
    leads: list[str] = field(default_factory=list)
    faults: list[str] = field(default_factory=list)


def burst(url: str, posts: int, address_of: Callable[[int], str], *, at_once: int = 32) -> Burst:
    """So many different posts as fast as they go; ``address_of`` says from which address each seems to come."""
    found = Burst()
    numbers = iter(range(posts))
    lock = threading.Lock()

    def post_on() -> None:
        with requests.Session() as session:
            while True:
                with lock:
                    number = next(numbers, None)
                if number is None:
                    return
                _post(session, f"{url}/f/any", number, address_of(number), found, lock)

    threads = [threading.Thread(target=post_on) for _ in range(at_once)]
    for each in threads:
        each.start()
    for each in threads:
        each.join()
    return found


def _post(session: requests.Session, url: str, number: int, address: str, found: Burst, lock: threading.Lock) -> None:
    headers = {"Accept": "application/json", "X-Forwarded-For": address}
    try:
        answer = session.post(url, data={"message": f"post {number} of {id(found)}"}, headers=headers, timeout=30)
    except requests.RequestException as error:
        with lock:
            found.faults.append(type(error).__name__)
        return
    with lock:
        found.statuses[answer.status_code] += 1
        if answer.status_code == 200:
            found.leads.append(answer.json()["lead"])


# --- what a server uses ---


def workers(server: Server) -> list[str]:
    pid = server.process.pid
    return Path(f"/proc/{pid}/task/{pid}/children").read_text().split()


def open_files(server: Server) -> int:
    """File handles of its processes that take requests."""
    return sum(len(list(Path(f"/proc/{pid}/fd").iterdir())) for pid in workers(server))


def memory(server: Server) -> int:
    """MiB that its processes that take requests hold now."""
    return sum(_resident(pid) for pid in workers(server))


def _resident(pid: str) -> int:
    status = Path(f"/proc/{pid}/status").read_text()
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmRSS:")) // 1024
