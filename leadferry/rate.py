"""How many posts an address may make: counted once for all processes of a host, or in Redis for several hosts."""

from __future__ import annotations

import fcntl
import hashlib
import logging
import mmap
import os
import struct
import threading
import time
from pathlib import Path
from typing import Any, Protocol

log = logging.getLogger("leadferry.rate")

_SLOT = struct.Struct("<QIIII")  # key, window, count in it, count in the window before, spare
_SLOTS = 16_384


class RateLimit:
    """At most ``limit`` events in any ``seconds``, by the sliding-window estimate: two counts a key, no list.

    The counts stand in a small file that the processes of a host map into memory. Keys share a slot only by the
    accident of a hash, and the newer key takes it: a limit may then be too generous for a moment, never too strict.
    """

    def __init__(self, path: Path, limit: int, seconds: int) -> None:
        self.limit = limit
        self.seconds = seconds
        path.parent.mkdir(parents=True, exist_ok=True)
        self._file = os.open(path, os.O_RDWR | os.O_CREAT, 0o600)
        # All its room at once: a mapped page for which a full disk has none left would be the end of the process.
        os.posix_fallocate(self._file, 0, _SLOT.size * _SLOTS)
        self._slots = mmap.mmap(self._file, _SLOT.size * _SLOTS)
        self._lock = threading.Lock()

    def hit(self, key: str, now: float | None = None) -> float:
        """Counts one event. Returns 0.0, or the seconds to wait where it is one too many (and is not counted)."""
        now = time.time() if now is None else now
        digest = hashlib.blake2b(key.encode("utf-8", "replace"), digest_size=8).digest()
        number = int.from_bytes(digest, "little")
        with self._lock:  # the file's lock is the process's, so it does not keep its threads apart
            fcntl.lockf(self._file, fcntl.LOCK_EX)
            try:
                return self._count(number, now)
            finally:
                fcntl.lockf(self._file, fcntl.LOCK_UN)

    def _count(self, number: int, now: float) -> float:
        offset = (number % _SLOTS) * _SLOT.size
        key, window, count, before, _ = _SLOT.unpack_from(self._slots, offset)
        this_window = int(now // self.seconds)
        if key != number or this_window - window > 1 or this_window < window:
            count, before = 0, 0
        elif this_window - window == 1:
            count, before = 0, count
        elapsed = (now % self.seconds) / self.seconds
        if count + before * (1 - elapsed) + 1 > self.limit:
            return _wait(self.limit, self.seconds, count, before, elapsed)
        _SLOT.pack_into(self._slots, offset, number, this_window, count + 1, before, 0)
        return 0.0


def _wait(limit: int, seconds: int, count: int, before: int, elapsed: float) -> float:
    """Seconds until the estimate has fallen far enough for one more, in this window or in the next."""
    room = limit - 1
    if count <= room:
        return seconds * (1 - (room - count) / before - elapsed)
    return seconds * (2 - room / count - elapsed)


class Counter(Protocol):
    """Counts events by key, and says when there are too many."""

    def hit(self, key: str, now: float | None = None) -> float:
        """Counts one event. Returns 0.0, or the seconds to wait where it is one too many (and is not counted)."""


_SCRIPT = """
local limit, seconds = tonumber(ARGV[1]), tonumber(ARGV[2])
local clock = redis.call('TIME')
local now = tonumber(ARGV[3]) or (tonumber(clock[1]) + tonumber(clock[2]) / 1000000)
local this = math.floor(now / seconds)
local kept = redis.call('HMGET', KEYS[1], 'window', 'count', 'before')
local window, count, before = tonumber(kept[1]), tonumber(kept[2]) or 0, tonumber(kept[3]) or 0
if not window or this - window > 1 or this < window then
  count, before = 0, 0
elseif this - window == 1 then
  count, before = 0, count
end
local elapsed = now / seconds - this
if count + before * (1 - elapsed) + 1 > limit then
  return {0, count, before, tostring(elapsed)}
end
redis.call('HSET', KEYS[1], 'window', this, 'count', count + 1, 'before', before)
redis.call('EXPIRE', KEYS[1], seconds * 2)
return {1, 0, 0, '0'}
"""
SILENCE = 5.0
"""Seconds for which a Redis that failed is not asked, so that posts do not wait for it one after another."""

PATIENCE = 0.25


class SharedRateLimit:
    """The same estimate, counted in Redis for all machines; while Redis is away each host counts for itself."""

    def __init__(self, uri: str, name: str, local: RateLimit) -> None:
        self._name = name
        self._local = local
        self._asked_again_at = 0.0
        self._is_away = False
        from redis import Redis, RedisError  # noqa: PLC0415  # a tenth of a second that only several machines need
        from redis.backoff import NoBackoff  # noqa: PLC0415
        from redis.retry import Retry  # noqa: PLC0415

        self._trouble = RedisError
        client = Redis.from_url(
            uri, socket_timeout=PATIENCE, socket_connect_timeout=PATIENCE, retry=Retry(NoBackoff(), 0)
        )
        self._script = client.register_script(_SCRIPT)

    def hit(self, key: str, now: float | None = None) -> float:
        if time.monotonic() >= self._asked_again_at:
            try:
                return self._hit(key, now)
            except self._trouble as error:
                self._note(error)
        return self._local.hit(key, now)

    def _hit(self, key: str, now: float | None) -> float:
        limit, seconds = self._local.limit, self._local.seconds
        digest = hashlib.blake2b(key.encode("utf-8", "replace"), digest_size=16).hexdigest()
        asked: Any = [limit, seconds, "" if now is None else repr(now)]
        taken, count, before, elapsed = self._script(keys=[f"leadferry:{self._name}:{digest}"], args=asked)
        if self._is_away:
            self._is_away = False
            log.warning("Redis counts again")
        return 0.0 if taken else _wait(limit, seconds, count, before, float(elapsed))

    def _note(self, error: Exception) -> None:
        self._asked_again_at = time.monotonic() + SILENCE
        if not self._is_away:
            self._is_away = True
            log.warning("Redis does not answer; this host counts for itself", extra={"reason": type(error).__name__})


def counter(uri: str, path: Path, limit: int, seconds: int) -> Counter:
    """Counts in the file at ``path``, or in Redis where ``uri`` names one."""
    local = RateLimit(path, limit, seconds)
    return local if uri == "memory://" else SharedRateLimit(uri, path.name, local)
