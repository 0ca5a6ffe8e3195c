"""Those who send slowly, send nothing, read nothing or never hang up cost others nothing: gunicorn as it is run."""

from __future__ import annotations

import socket
from collections.abc import Iterator
from pathlib import Path

import pytest
import requests

from leadferry.arrival import Arrival
from leadferry.gunicorn_worker import BODY_SECONDS, HEAD_SECONDS, LEAST_RATE, SILENT_SECONDS, _Guest
from tests.attack.crowd import (
    ANSWERED,
    HALF_A_BODY,
    HALF_A_CHUNK,
    HALF_A_HEAD,
    SILENT,
    TOO_LARGE,
    Crowd,
    open_files,
    visit,
)
from tests.installation import Installation, Server, make, wait_until
from tests.web.forms import SETTINGS, any_name

MORE_THAN_THREADS = 200
GET = b"GET /healthz HTTP/1.1\r\nHost: x\r\n\r\n"


@pytest.fixture(scope="module")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    found = make(tmp_path_factory.mktemp("slow"), environ={**SETTINGS, "DELIVERY": "off"})
    found.form("any", any_name())
    yield found
    found.close()


@pytest.fixture(scope="module")
def server(installation: Installation) -> Iterator[Server]:
    with installation.gunicorn(workers=1) as running:
        visit(running.url, 2)
        yield running


@pytest.mark.parametrize(
    "opening",
    [SILENT, HALF_A_HEAD, HALF_A_BODY, HALF_A_CHUNK, TOO_LARGE, ANSWERED],
    ids=["silent", "half a head", "half a body", "half a chunk", "far too large", "never hang up"],
)
def test_visitors_do_not_notice_more_slow_connections_than_there_are_threads(
    server: Server, installation: Installation, opening: bytes
) -> None:
    with Crowd(server.url, MORE_THAN_THREADS, opening) as crowd:
        wait_until(lambda: crowd.opened >= MORE_THAN_THREADS)
        visits = visit(server.url, 3, patience=5)
    assert visits.failed == []
    assert visits.worst < 2
    assert all(installation.lead(reference) for reference in visits.leads)


def test_where_all_connections_are_taken_the_one_that_waited_longest_goes(
    tmp_path: Path, installation: Installation
) -> None:
    with (
        installation.gunicorn("--worker-connections", "60", workers=1) as server,
        Crowd(server.url, 100, HALF_A_BODY) as crowd,
    ):
        wait_until(lambda: crowd.opened >= 100)
        visits = visit(server.url, 5, patience=5)
        assert visits.failed == []
        assert open_files(server) < 200


def test_file_handles_are_given_back(server: Server) -> None:
    wait_until(lambda: visit(server.url, 1).failed == [])
    before = open_files(server)
    with Crowd(server.url, 50, HALF_A_HEAD) as crowd:
        wait_until(lambda: crowd.opened >= 50)
        wait_until(lambda: open_files(server) >= before + 40)
    wait_until(lambda: open_files(server) <= before + 5, seconds=20)


def test_requests_one_behind_the_other_are_answered_in_turn(server: Server) -> None:
    post = b"POST /f/any HTTP/1.1\r\nHost: x\r\nContent-Type: application/json\r\nContent-Length: 17\r\n\r\n"
    answered = talk(server, GET + post + b'{"message":"one"}' + GET.replace(b"Host", b"Connection: close\r\nHost"))
    assert answered.count(b"HTTP/1.1 200 OK") == 3
    assert answered.index(b"alive") < answered.index(b"Success") < answered.rindex(b"alive")


def test_who_asks_whether_to_go_on_is_told(server: Server) -> None:
    with connection(server) as sock:
        sock.sendall(
            b"POST /f/any HTTP/1.1\r\nHost: x\r\nExpect: 100-continue\r\nConnection: close\r\n"
            b"Content-Type: application/json\r\nContent-Length: 17\r\n\r\n"
        )
        assert sock.recv(1000) == b"HTTP/1.1 100 Continue\r\n\r\n"
        sock.sendall(b'{"message":"two"}')
        assert b"Success" in b"".join(iter(lambda: sock.recv(65_536), b""))


def test_what_follows_a_body_that_was_not_read_is_no_request(server: Server) -> None:
    """Or a body could carry a second request past whatever stands in front."""
    answered = talk(server, TOO_LARGE + GET * 5, half_closed=True)
    assert answered.count(b"HTTP/1.1 ") == 1
    assert b"\r\nConnection: close\r\n" in answered


def test_what_is_no_request_is_neither_logged_nor_echoed(server: Server, installation: Installation) -> None:
    """It may be what somebody typed, behind a head that forgot to say how long it is."""
    answered = talk(server, b"POST /f/any HTTP/1.1\r\nHost: x\r\n\r\nemail=jane.typed@example.com\r\n\r\n")
    assert b"400 Bad Request" in answered
    assert b"jane.typed" not in answered
    assert "jane.typed" not in (installation.root / "process.log").read_text("utf-8")


def test_a_slow_sender_has_so_long_and_no_longer() -> None:
    def until(received: bytes) -> float:
        return _Guest(None, Arrival(received), SILENT_SECONDS, began=0.0).until

    assert until(b"") == SILENT_SECONDS
    assert until(HALF_A_HEAD) == HEAD_SECONDS
    assert BODY_SECONDS < until(HALF_A_BODY) < BODY_SECONDS + 1
    assert until(HALF_A_BODY + b"a" * 50 * LEAST_RATE) > BODY_SECONDS + 50


def test_whoever_takes_longer_is_told_so_and_let_go(installation: Installation) -> None:
    with installation.gunicorn("-k", "tests.attack.hurried.HurriedWorker", workers=1) as server:
        for opening, last_words in ((SILENT, b""), (HALF_A_HEAD, b" 408 "), (HALF_A_BODY, b" 408 ")):
            with connection(server) as sock:
                sock.sendall(opening)
                assert last_words in b"".join(iter(lambda sock=sock: sock.recv(65_536), b""))  # type: ignore[misc]


def test_a_kept_connection_is_used_again(server: Server) -> None:
    with requests.Session() as session:
        ports = set()
        for _ in range(3):
            with session.get(f"{server.url}/healthz", timeout=5, stream=True) as answer:
                ports.add(answer.raw.connection.sock.getsockname()[1])
                assert answer.json() == {"alive": True}
    assert len(ports) == 1


def connection(server: Server) -> socket.socket:
    host, port = server.url.removeprefix("http://").split(":")
    return socket.create_connection((host, int(port)), timeout=10)


def talk(server: Server, words: bytes, *, half_closed: bool = False) -> bytes:
    with connection(server) as sock:
        sock.sendall(words)
        if half_closed:
            sock.shutdown(socket.SHUT_WR)
        return b"".join(iter(lambda: sock.recv(65_536), b""))
