"""An HTTP/1 request on its way in, as bytes: whether it has arrived whole."""

from __future__ import annotations

import re
from collections.abc import Iterator

LARGEST_HEAD = 64 * 1024
LARGEST = 12 * 1024 * 1024 + 256 * 1024
"""Bytes of a request that are waited for: the largest body that a form takes, and its head. What declares or sends
more is handed over as it is, to be refused by its length."""

_HEAD_END = b"\r\n\r\n"
_LENGTH = re.compile(rb"\r\ncontent-length[ \t]*:[ \t]*([0-9]{1,18})[ \t]*(?=\r\n)", re.IGNORECASE)
_CHUNKED = re.compile(rb"\r\ntransfer-encoding[ \t]*:[^\r\n]*\bchunked[ \t]*(?=\r\n)", re.IGNORECASE)
_EXPECT = re.compile(rb"\r\nexpect[ \t]*:[ \t]*100-continue[ \t]*(?=\r\n)", re.IGNORECASE)
_CHUNK_SIZE = re.compile(rb"([0-9A-Fa-f]{1,8})[ \t]*(?:;[^\r\n]{0,1000})?\r\n")
_LONGEST_CHUNK_LINE = 1024
_PIECE = 64 * 1024


class Arrival:
    """The bytes so far. It only finds the end: whoever reads the request judges it, and gets no byte but these.

    So a head that cannot be understood counts as whole. ``is_cut``: something that belongs to it was not waited for,
    and nothing that follows on its connection can be told from it.
    """

    def __init__(self, received: bytes = b"") -> None:
        self._received = bytearray()
        self._body_at = 0
        self._end: int | None = None
        self._chunk_at: int | None = None
        self.is_whole = False
        self.is_cut = False
        self.expects_go_ahead = False
        self.take(received)

    def __len__(self) -> int:
        return len(self._received)

    @property
    def has_head(self) -> bool:
        return self._body_at > 0

    @property
    def only_asks(self) -> bool:
        """A page is asked for, and nothing is to be stored."""
        return self._received.startswith((b"GET ", b"HEAD "))

    def take(self, data: bytes) -> None:
        seen = max(0, len(self._received) - len(_HEAD_END))
        self._received += data
        if not self.has_head:
            self._find_head(seen)
        if self.has_head and not self.is_whole:
            self._find_end()

    def cut_off(self) -> None:
        """No more will come."""
        self.is_whole = self.is_cut = True

    def pieces(self) -> Iterator[bytes]:
        """The bytes as they are to be read: a client that asked whether to go on was answered already."""
        head = _EXPECT.sub(b"", bytes(self._received[: self._body_at]), count=1)
        if self.is_cut:
            head = head.replace(b"\r\n", b"\r\nConnection: close\r\n", 1)
        if head:
            yield head
        for at in range(self._body_at, len(self._received), _PIECE):
            yield bytes(self._received[at : at + _PIECE])

    def _find_head(self, seen: int) -> None:
        at = self._received.find(_HEAD_END, seen)
        if at < 0:
            if len(self._received) > LARGEST_HEAD:
                self.cut_off()
            return
        self._body_at = at + len(_HEAD_END)
        head = bytes(self._received[: self._body_at])
        lengths = _LENGTH.findall(head)
        if _CHUNKED.search(head):
            self._chunk_at = self._body_at
        else:
            self._end = self._body_at + (int(lengths[0]) if len(lengths) == 1 else 0)
        self.expects_go_ahead = _EXPECT.search(head) is not None

    def _find_end(self) -> None:
        if self._chunk_at is not None:
            self._walk_chunks()
        if self._end is not None and len(self._received) >= self._end:
            self.is_whole = True
        elif (self._end or len(self._received)) > self._body_at + LARGEST:
            self.cut_off()

    def _walk_chunks(self) -> None:
        """On to the last chunk that has begun; what is no chunk ends the walk."""
        while self._chunk_at is not None and self._end is None:
            size = _CHUNK_SIZE.match(self._received, self._chunk_at)
            if size is None:
                if self._received.find(b"\r\n", self._chunk_at) >= 0 or self._is_beyond_a_line():
                    self.cut_off()
                return
            if int(size[1], 16) == 0:
                self._find_trailer_end(size.end())
                return
            following = size.end() + int(size[1], 16) + 2
            if following > len(self._received):
                return
            self._chunk_at = following

    def _is_beyond_a_line(self) -> bool:
        return self._chunk_at is not None and len(self._received) - self._chunk_at > _LONGEST_CHUNK_LINE

    def _find_trailer_end(self, at: int) -> None:
        """An empty line ends the body, behind trailers if there are any."""
        found = at - 2 if self._received.startswith(b"\r\n", at) else self._received.find(_HEAD_END, at)
        if found >= 0:
            self._end = found + len(_HEAD_END)
        elif len(self._received) - at > LARGEST_HEAD:
            self.cut_off()
