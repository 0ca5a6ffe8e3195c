"""The parts of a multipart/form-data body, read strictly: one that breaks off is none."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass

from werkzeug.http import parse_options_header
from werkzeug.sansio.multipart import Data, Epilogue, Field, File, MultipartDecoder


@dataclass(frozen=True)
class Part:
    """``filename`` is None where the part is no file; ``charset`` is what the part itself declares, or empty."""

    name: str
    content: bytes
    filename: str | None
    charset: str


def parts(raw: bytes, boundary: str) -> Iterator[Part]:
    """The parts in the order sent.

    Raises:
        ValueError: the body is damaged, or ends before its last boundary.
    """
    if not boundary:
        raise ValueError("no boundary")
    decoder = MultipartDecoder(boundary.encode("ascii"))
    decoder.receive_data(raw)
    decoder.receive_data(None)
    head: Field | File | None = None
    while not isinstance(event := decoder.next_event(), Epilogue):
        if isinstance(event, Field | File):
            head = event
        elif isinstance(event, Data) and not event.more_data and head:
            yield _part(head, event.data)


def _part(head: Field | File, content: bytes) -> Part:
    if not head.name:
        raise ValueError("a part without a name")
    declared = parse_options_header(head.headers.get("content-type"))[1].get("charset", "")
    return Part(head.name, content, head.filename if isinstance(head, File) else None, declared)
