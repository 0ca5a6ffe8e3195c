"""How many posts an address may make: counted once for all processes of a host, or in Redis for several hosts."""

from __future__ import annotations

import fcntl
import hashlib
import mmap
import os
import struct
import threading
import time
from pathlib import Path

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
            return self._wait(count, before, elapsed)
        _SLOT.pack_into(self._slots, offset, number, this_window, count + 1, before, 0)
        return 0.0

    def _wait(self, count: int, before: int, elapsed: float) -> float:
        """Seconds until the estimate has fallen far enough for one more, in this window or in the next."""
        room = self.limit - 1
        if count <= room:
            return self.seconds * (1 - (room - count) / before - elapsed)
        return self.seconds * (2 - room / count - elapsed)
