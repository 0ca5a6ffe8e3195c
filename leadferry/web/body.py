"""Reads the body of a post, whatever was sent, in bounded memory: names, texts and files, or a documented error."""

from __future__ import annotations

import json
import re
import time
from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from typing import Any, NoReturn
from urllib.parse import unquote_to_bytes

from flask import Request
from werkzeug.exceptions import ClientDisconnected, HTTPException, RequestEntityTooLarge

from leadferry.messages import say
from leadferry.vendors.base import File

MAX_BODY = 1024 * 1024
MAX_BODY_WITH_FILE = 12 * 1024 * 1024
MAX_FIELDS = 500
MAX_NAME = 200
MAX_VALUE = 64 * 1024

DRAIN_BYTES = 256 * 1024 * 1024
DRAIN_SECONDS = 5.0


class BodyError(Exception):
    """A body that cannot be taken; ``code`` is lf201 or lf203, ``field`` the name it concerns, if it is one."""

    def __init__(self, code: str, message: str, name: str | None = None) -> None:
        super().__init__(message)
        self.code = code
        self.message = say(message)
        self.field = name


@dataclass(frozen=True)
class Body:
    """What was posted: texts in the order sent, and files by name."""

    pairs: list[tuple[str, str]] = field(default_factory=list)
    files: Mapping[str, File] = field(default_factory=dict)


def read_body(request: Request, limit: int) -> Body:
    """The body of a post of at most ``limit`` bytes.

    Raises:
        BodyError: it is too large, damaged, or of a type that is not taken.
    """
    request.max_content_length = limit
    try:
        body = _read(request)
    except RequestEntityTooLarge:
        drain(request)
        raise BodyError("lf203", "too_large_body") from None
    except (ClientDisconnected, HTTPException, ValueError, OSError):
        raise BodyError("lf201", "bad_body") from None
    _check(body)
    return body


def _read(request: Request) -> Body:
    if request.mimetype == "application/json":
        return Body(_from_json(request.get_data(cache=False)))
    if request.mimetype == "multipart/form-data":
        return _from_multipart(request)
    if request.mimetype == "application/x-www-form-urlencoded":
        charset = request.mimetype_params.get("charset", "utf-8")
        return Body(_from_urlencoded(request.get_data(cache=False), charset))
    if request.get_data(cache=False):
        raise BodyError("lf201", "bad_body")
    return Body()


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
    except (OSError, ValueError):
        return


# --- application/x-www-form-urlencoded ---


def _from_urlencoded(raw: bytes, charset: str) -> list[tuple[str, str]]:
    parts = [part for part in raw.split(b"&", MAX_FIELDS + 1) if part]
    if len(parts) > MAX_FIELDS:
        raise BodyError("lf203", "too_large_count")
    split = [part.replace(b"+", b" ").partition(b"=") for part in parts]
    pairs = [(unquote_to_bytes(name), unquote_to_bytes(value)) for name, _, value in split]
    named = next((value for name, value in pairs if name == b"_charset_"), b"").decode("ascii", "ignore")
    return [_decoded(name, value, named or charset) for name, value in pairs if name != b"_charset_"]


def _decoded(name: bytes, value: bytes, charset: str) -> tuple[str, str]:
    """Text in the encoding that the page declared; UTF-8 where it declared none."""
    shown = name.decode("utf-8", "replace")
    try:
        return name.decode(charset), value.decode(charset)
    except (UnicodeDecodeError, LookupError):
        raise BodyError("lf201", "encoding", shown[:MAX_NAME]) from None


# --- multipart/form-data ---


def _from_multipart(request: Request) -> Body:
    request.max_form_parts = MAX_FIELDS + 50
    request.max_form_memory_size = MAX_BODY
    pairs = [(name, text) for name, texts in request.form.lists() for text in texts]
    for name, text in pairs:
        if "\ufffd" in name or "\ufffd" in text:  # what the parser puts in place of bytes that are not UTF-8
            raise BodyError("lf201", "encoding", name[:MAX_NAME])
    files = {}
    for name, upload in request.files.items():
        filename = base_name(upload.filename or "")
        content = upload.read()
        if filename or content:
            files[name] = File(filename or "file", content)
    return Body(pairs, files)


def base_name(filename: str) -> str:
    """The name without a path, of either kind of slash, and without control characters."""
    name = re.split(r"[\\/]", filename)[-1]
    return re.sub(r"[\x00-\x1f\x7f\ud800-\udfff]", "", name).strip()[:200]


# --- application/json ---


def _from_json(raw: bytes) -> list[tuple[str, str]]:
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


def _check(body: Body) -> None:
    if len(body.pairs) + len(body.files) > MAX_FIELDS:
        raise BodyError("lf203", "too_large_count")
    for name in [name for name, _ in body.pairs] + list(body.files):
        if len(name) > MAX_NAME:
            raise BodyError("lf203", "too_large_name", name[:MAX_NAME])
        if not name or re.search(r"[\x00-\x1f\x7f-\x9f\ud800-\udfff]", name):
            raise BodyError("lf201", "bad_body")
    for name, value in body.pairs:
        if len(value) > MAX_VALUE or len(value.encode("utf-8", "replace")) > MAX_VALUE:
            raise BodyError("lf203", "too_large_value", name)
