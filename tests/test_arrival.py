"""Where a request ends is found at its last byte, however its bytes come in."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from leadferry.arrival import LARGEST, LARGEST_HEAD, Arrival

GET = b"GET /f/any HTTP/1.1\r\nHost: x\r\n\r\n"


def with_length(body: bytes) -> bytes:
    return b"POST / HTTP/1.1\r\nContent-Type: a/b\r\ncontent-length: %d\r\nHost: x\r\n\r\n%b" % (len(body), body)


def in_chunks(pieces: list[bytes], trailer: bytes = b"") -> bytes:
    chunks = b"".join(b"%x;a=b\r\n%b\r\n" % (len(each), each) for each in pieces if each)
    return b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\nHost: x\r\n\r\n" + chunks + b"0\r\n" + trailer + b"\r\n"


BODIES = st.one_of(st.binary(max_size=60), st.sampled_from([b"0\r\n\r\n", b"\r\n\r\n", b"a=b\r\n\r\n0\r\n\r\n"]))
REQUESTS = st.one_of(
    st.just(GET),
    BODIES.map(with_length),
    st.lists(BODIES, max_size=4).map(in_chunks),
    st.lists(BODIES, max_size=2).map(lambda pieces: in_chunks(pieces, b"X-Sum: 1\r\nY: 2\r\n")),
)


@given(REQUESTS, st.lists(st.integers(1, 40), min_size=1))
@settings(deadline=None)
def test_a_request_is_whole_at_its_last_byte_and_not_before(request: bytes, steps: list[int]) -> None:
    arrival, at, number = Arrival(), 0, 0
    while at < len(request):
        assert not arrival.is_whole
        step = min(steps[number % len(steps)], len(request) - at)
        arrival.take(request[at : at + step])
        at, number = at + step, number + 1
    assert arrival.is_whole
    assert not arrival.is_cut
    assert b"".join(arrival.pieces()) == request


@given(st.binary(max_size=400), st.lists(st.integers(1, 40), min_size=1))
@settings(deadline=None)
def test_any_bytes_are_taken(data: bytes, steps: list[int]) -> None:
    arrival = Arrival()
    for at in range(0, len(data), steps[0]):
        arrival.take(data[at : at + steps[0]])
    assert len(b"".join(arrival.pieces())) >= len(data)


@pytest.mark.parametrize(
    "head",
    [
        b"\r\n\r\n",
        b"POST / HTTP/1.1\r\nContent-Length: -1\r\n\r\n",
        b"POST / HTTP/1.1\r\nContent-Length: 10\r\nContent-Length: 20\r\n\r\n",
        b"POST / HTTP/1.1\r\nContent-Length: 1,2\r\n\r\n",
        b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nnonsense\r\n",
        b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\n" + b"0" * 1100,
        b"POST / HTTP/1.1\r\nContent-Length: 99000000\r\n\r\n",
        b"GET / HTTP/1.1\r\nX: " + b"a" * LARGEST_HEAD,
    ],
)
def test_what_cannot_be_waited_for_is_handed_over_as_it_is(head: bytes) -> None:
    assert Arrival(head).is_whole


def test_of_a_body_without_a_length_no_more_is_waited_for_than_the_largest_that_is_taken() -> None:
    arrival = Arrival(b"POST / HTTP/1.1\r\nTransfer-Encoding: chunked\r\n\r\nfffffff\r\n")
    arrival.take(b"a" * (LARGEST - 100))
    assert not arrival.is_whole
    arrival.take(b"a" * 200)
    assert arrival.is_cut
    assert b"\r\nConnection: close\r\n" in next(arrival.pieces())


def test_who_asks_to_go_on_is_heard_and_the_question_is_answered_once() -> None:
    arrival = Arrival(with_length(b"a=b").replace(b"Host", b"Expect: 100-continue\r\nHost")[:-2])
    assert arrival.has_head
    assert arrival.expects_go_ahead
    arrival.take(b"=b")
    assert b"".join(arrival.pieces()) == with_length(b"a=b")
