"""Reads the body of a post, whatever was sent, in bounded memory: names, texts and files, or a documented error."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from itertools import islice
from typing import Any, NoReturn
from urllib.parse import unquote_to_bytes

import webencodings
from flask import Request
from werkzeug.exceptions import ClientDisconnected, HTTPException, RequestEntityTooLarge

from leadferry.languages import SOURCE
from leadferry.messages import say
from leadferry.submission import FieldError
from leadferry.vendors.base import File
from leadferry.web.multipart import Part, parts

Pairs = list[tuple[str, str]]

CHARSET_NAME = "_charset_"
"""A hidden field of this name is filled by the browser with the encoding of its page: it is no answer."""

MAX_BODY = 1024 * 1024
MAX_BODY_WITH_FILE = 12 * 1024 * 1024
MAX_FIELDS = 500
MAX_NAME = 200
MAX_VALUE = 64 * 1024

DRAIN_BYTES = 256 * 1024 * 1024
DRAIN_SECONDS = 5.0


class BodyError(Exception):
    """A body that cannot be taken; ``code`` is lf201 or lf203, ``field`` the name it concerns, if it is one.

    ``kept`` is what was typed, as far as it can be shown again.
    """

    def __init__(self, code: str, sentence: str, name: str | None = None, kept: Pairs | None = None) -> None:
        super().__init__(sentence)
        self.code = code
        self.sentence = sentence
        self.field = name
        self.kept = kept or []

    def told(self, language: str = SOURCE) -> FieldError:
        return FieldError(self.field, self.code, say(self.sentence, language))


@dataclass(frozen=True)
class Body:
    """What was posted: texts in the order sent, files by name, and how many bytes it all was."""

    pairs: list[tuple[str, str]] = field(default_factory=list)
    files: Mapping[str, File] = field(default_factory=dict)
    size: int = 0


def read_body(request: Request, limit: int) -> Body:
    """The body of a post of at most ``limit`` bytes.

    Raises:
        BodyError: it is too large, damaged, or of a type that is not taken.
    """
    try:
        raw = _whole(request, limit)
        pairs, files = _read(request, raw)
    except RequestEntityTooLarge:
        drain(request)
        raise BodyError("lf203", "too_large_body") from None
    except (HTTPException, ValueError):
        raise BodyError("lf201", "bad_body") from None
    _check(pairs, files)
    return Body([pair for pair in pairs if pair[0] != CHARSET_NAME], files, len(raw))


def _whole(request: Request, limit: int) -> bytes:
    """All bytes, or an HTTPException: what was cut off could pass for a shorter body.

    Werkzeug ends a body of unknown length at the limit and says nothing, so one byte more is asked for.
    """
    request.max_content_length = limit + 1
    try:
        raw = request.get_data(cache=False)
    except HTTPException:
        raise
    except Exception as error:  # each server has its own for a body that breaks off
        raise ClientDisconnected from error
    if len(raw) > limit:
        raise RequestEntityTooLarge
    if len(raw) < (request.content_length or 0):
        raise ClientDisconnected
    return raw


def _read(request: Request, raw: bytes) -> tuple[Pairs, dict[str, File]]:
    if request.headers.get("Content-Encoding", "").strip().lower() not in {"", "identity"}:
        raise BodyError("lf201", "bad_body")  # nothing is ever unpacked: a small post could become a huge one
    charset = request.mimetype_params.get("charset", "")
    if request.mimetype == "application/json":
        return _from_json(raw), {}
    if request.mimetype == "multipart/form-data":
        return _from_multipart(raw, request.mimetype_params.get("boundary", ""), charset)
    if request.mimetype == "application/x-www-form-urlencoded":
        return _from_urlencoded(raw, charset), {}
    if raw:
        raise BodyError("lf201", "bad_body")
    return [], {}


def drain(request: Request) -> None:
    """Reads and forgets what is left of a body that is too large.

    A server that closes while the client still sends makes most clients miss the answer.
    """
    stream = request.environ["wsgi.input"]
    left = min(request.content_length or DRAIN_BYTES, DRAIN_BYTES)
    until = time.monotonic() + DRAIN_SECONDS
    try:
        while left > 0 and time.monotonic() < until:
            chunk = stream.read(min(left, 64 * 1024))
            if not chunk:
                return
            left -= len(chunk)
    except Exception:  # the answer is known already, and each server has errors of its own
        return


# --- application/x-www-form-urlencoded ---


def _from_urlencoded(raw: bytes, charset: str) -> Pairs:
    pieces = re.sub(rb"&+", b"&", raw).strip(b"&").split(b"&", MAX_FIELDS)
    if len(pieces) > MAX_FIELDS:
        raise BodyError("lf203", "too_large_count")
    split = [piece.replace(b"+", b" ").partition(b"=") for piece in pieces if piece]
    pairs = [(unquote_to_bytes(name), unquote_to_bytes(value)) for name, _, value in split]
    named = next((value for name, value in pairs if name == CHARSET_NAME.encode()), b"").decode("ascii", "ignore")
    return [_decoded(name, value, named or charset) for name, value in pairs]


def _decoded(name: bytes, value: bytes, charset: str) -> tuple[str, str]:
    """Text in the encoding that the page declared; UTF-8 where it declared none."""
    shown = name.decode("utf-8", "replace")
    return _text_of(name, charset, shown), _text_of(value, charset, shown)


def _text_of(raw: bytes, charset: str, name: str) -> str:
    """Labels mean what they mean to browsers, to whom `iso-8859-1` is windows-1252, and no other codec is reached."""
    encoding = webencodings.lookup(charset or "utf-8")
    try:
        if encoding is None:
            raise UnicodeError
        return encoding.codec_info.decode(raw, "strict")[0]
    except UnicodeError:
        raise BodyError("lf201", "encoding", name[:MAX_NAME]) from None


# --- multipart/form-data ---


def _from_multipart(raw: bytes, boundary: str, charset: str) -> tuple[Pairs, dict[str, File]]:
    found = list(islice(parts(raw, boundary), MAX_FIELDS + 1)) if raw else []
    if len(found) > MAX_FIELDS:
        raise BodyError("lf203", "too_large_count")
    named = next((part.content for part in found if part.name == CHARSET_NAME), b"").decode("ascii", "ignore")
    pairs = [
        (part.name, _text_of(part.content, part.charset or named or charset, part.name))
        for part in found
        if part.filename is None
    ]
    return pairs, {name: file for name, file in map(_uploaded, found) if file}


def _uploaded(part: Part) -> tuple[str, File | None]:
    """A field for a file in which none was chosen is sent as a file with neither name nor content."""
    filename = base_name(part.filename or "")
    if part.filename is None or not (filename or part.content):
        return part.name, None
    return part.name, File(filename or "file", part.content)


def base_name(filename: str) -> str:
    """The name without a path, of either kind of slash, and without control characters."""
    name = re.split(r"[\\/]", filename)[-1]
    return re.sub(r"[\x00-\x1f\x7f\ud800-\udfff]", "", name).strip()[:200]


# --- application/json ---


def _from_json(raw: bytes) -> Pairs:
    try:
        text = raw.decode("utf-8-sig")
    except UnicodeDecodeError:
        raise BodyError("lf201", "encoding") from None
    if not text.strip():
        return []
    try:
        found = json.loads(
            text, object_pairs_hook=_Object, parse_int=str, parse_float=str, parse_constant=_refuse_constant
        )
    except (ValueError, RecursionError):
        raise BodyError("lf201", "bad_body") from None
    if not isinstance(found, _Object):
        raise BodyError("lf201", "bad_body")
    return [pair for name, value in found.pairs for pair in _texts(name, value)]


class _Object:
    """A JSON object with its repeated names, which a dict would swallow."""

    def __init__(self, pairs: list[tuple[str, Any]]) -> None:
        self.pairs = pairs


def _refuse_constant(name: str) -> NoReturn:
    raise ValueError(name)


def _texts(name: str, value: Any) -> Iterable[tuple[str, str]]:
    if isinstance(value, list):
        return [(name, _text(name, each)) for each in value if each is not None]
    return [] if value is None else [(name, _text(name, value))]


def _text(name: str, value: Any) -> str:
    if isinstance(value, bool):
        return "true" if value else "false"
    if isinstance(value, str):
        return value
    raise BodyError("lf201", "not_text", name[:MAX_NAME])


# --- limits ---


def _check(pairs: Pairs, files: Mapping[str, File]) -> None:
    if len(pairs) + len(files) > MAX_FIELDS:
        raise BodyError("lf203", "too_large_count")
    for name in [name for name, _ in pairs] + list(files):
        if len(name) > MAX_NAME:
            raise BodyError("lf203", "too_large_name", name[:MAX_NAME])
        if not name or re.search(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]", name):
            raise BodyError("lf201", "bad_body")
    for name, value in pairs:
        if len(value) > MAX_VALUE or len(value.encode("utf-8", "replace")) > MAX_VALUE:
            raise BodyError("lf203", "too_large_value", name, [(name, text[:MAX_VALUE]) for name, text in pairs])
