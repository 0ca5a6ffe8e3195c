"""Over real sockets: what a client sees of answers that are spoiled on their way."""

from __future__ import annotations

import json
import socket
import time
from collections import Counter
from concurrent.futures import ThreadPoolExecutor
from urllib.parse import urlencode

import pytest
import requests
from flask import Flask

from tests.sandbox.leads import ACCEPT_JSON, CLIENTTETHER, SUBMIT

Address = tuple[str, int]


def raw_post(address: Address, email: str, path: str = "/clienttether") -> socket.socket:
    """The socket after a form was sent, before anything is read from it."""
    body = urlencode({**CLIENTTETHER, "email": email})
    head = f"POST {path} HTTP/1.1\r\nHost: sandbox\r\nContent-Type: application/x-www-form-urlencoded\r\n"
    connection = socket.create_connection(address, timeout=10)
    connection.sendall(f"{head}Content-Length: {len(body)}\r\n\r\n{body}".encode())
    return connection


def read_all(connection: socket.socket) -> bytes:
    with connection:
        return b"".join(iter(lambda: connection.recv(65536), b""))


def url(address: Address, path: str) -> str:
    return f"http://{address[0]}:{address[1]}{path}"


def newest(address: Address) -> dict[str, object]:
    entry: dict[str, object] = requests.get(url(address, "/inbox?limit=1"), timeout=10).json()[0]
    return entry


def test_reset_closes_the_connection_without_a_byte_after_taking_the_lead(address: Address) -> None:
    assert read_all(raw_post(address, "reset@example.com")) == b""
    assert newest(address)["accepted"]
    with pytest.raises(requests.ConnectionError):
        requests.post(url(address, "/clienttether"), {**CLIENTTETHER, "email": "reset@example.org"}, timeout=10)


def test_truncate_ends_before_its_content_length(address: Address) -> None:
    head, _, body = read_all(raw_post(address, "truncate@example.com")).partition(b"\r\n\r\n")
    assert b"200 OK" in head
    assert b"Content-Length: 21" in head
    assert body == b'{"Message"'
    assert newest(address)["accepted"]
    with pytest.raises((requests.ConnectionError, requests.exceptions.ChunkedEncodingError)):
        requests.post(url(address, "/clienttether"), {**CLIENTTETHER, "email": "truncate@example.org"}, timeout=10)


def test_drip_sends_the_headers_at_once_and_then_single_bytes(app: Flask, address: Address) -> None:
    app.config["DRIP_SECONDS"] = 0.02
    connection = raw_post(address, "drip@example.com")
    head = b""
    while not head.endswith(b"\r\n\r\n"):
        head += connection.recv(1)
    headers_came = time.monotonic()
    body = read_all(connection)
    assert body == b'{"Message":"Success"}'
    assert time.monotonic() - headers_came >= 0.02 * (len(body) - 2)


def test_huge_and_slow_arrive_whole(app: Flask, address: Address) -> None:
    app.config["SLOW_SECONDS"] = 0.05
    for email in ("huge@example.com", "slow@example.com"):
        answer = requests.post(url(address, "/clienttether"), {**CLIENTTETHER, "email": email}, timeout=10)
        assert answer.json() == {"Message": "Success"}


def test_a_post_with_neither_length_nor_chunks_has_no_body(address: Address) -> None:
    with socket.create_connection(address, timeout=10) as connection:
        connection.sendall(f"POST {SUBMIT}?a=1 HTTP/1.1\r\nHost: x\r\nAccept: application/json\r\n\r\n".encode())
        connection.shutdown(socket.SHUT_WR)
        answer = read_all(connection)
    assert b" 201 " in answer
    assert newest(address)["fields"] == {"a": "1"}


def test_a_chunked_body_is_read(address: Address) -> None:
    headers = {**ACCEPT_JSON, "Content-Type": "application/json"}
    answer = requests.post(url(address, SUBMIT), data=iter([b'{"a"', b': "1"}']), headers=headers, timeout=10)
    assert answer.status_code == 201
    assert newest(address)["fields"] == {"a": "1"}


def test_of_many_equal_leads_at_once_exactly_one_is_new(address: Address) -> None:
    def send(_number: int) -> str:
        connection = raw_post(address, "anna@example.com")
        return str(json.loads(read_all(connection).partition(b"\r\n\r\n")[2])["Message"])

    with ThreadPoolExecutor(8) as pool:
        assert Counter(pool.map(send, range(40))) == {"Success": 1, "Error": 39}


def test_a_slow_lead_keeps_no_other_waiting(address: Address) -> None:
    waiting = raw_post(address, "slow+20@example.com")
    start = time.monotonic()
    assert b"Success" in read_all(raw_post(address, "anna@example.com"))
    assert time.monotonic() - start < 15
    waiting.close()


def test_the_server_says_nothing_of_requests(address: Address, capfd: pytest.CaptureFixture[str]) -> None:
    for email in ("a@example.com", "reset@example.com", "truncate@example.com"):
        read_all(raw_post(address, email))
    assert capfd.readouterr() == ("", "")
