"""A Redis server for the tests alone: on a port of this machine only, keeping nothing, gone afterwards.

`python -m tests.services.redis` says which Redis the tests would use, and fails where there is none.
"""

from __future__ import annotations

import shutil
import socket
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager

PROGRAM = "redis-server"
START_LIMIT = 10.0


class RedisMissingError(RuntimeError):
    """No Redis server on this machine."""


class Redis:
    """One server. It comes back on the same port after every stop, empty."""

    def __init__(self, program: str, port: int) -> None:
        self.url = f"redis://127.0.0.1:{port}/0"
        self._command = [program, "--port", str(port), "--bind", "127.0.0.1", "--save", "", "--appendonly", "no"]
        self._port = port
        self._process: subprocess.Popen[bytes] | None = None

    def start(self) -> None:
        self._process = subprocess.Popen(self._command, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
        until = time.monotonic() + START_LIMIT
        while not self._answers():
            if self._process.poll() is not None or time.monotonic() > until:
                raise RuntimeError("the Redis server did not start")
            time.sleep(0.02)

    def stop(self) -> None:
        if self._process:
            self._process.terminate()
            self._process.wait(START_LIMIT)
            self._process = None

    def _answers(self) -> bool:
        try:
            with socket.create_connection(("127.0.0.1", self._port), timeout=1) as connection:
                connection.sendall(b"PING\r\n")
                return connection.recv(16).startswith(b"+PONG")
        except OSError:
            return False


def find_program() -> str:
    found = shutil.which(PROGRAM)
    if found is None:
        raise RedisMissingError("There is no redis-server on this machine; Debian and Ubuntu pack it as redis-server.")
    return found


@contextmanager
def temporary_redis() -> Iterator[Redis]:
    program = find_program()
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        server = Redis(program, free.getsockname()[1])
    server.start()
    try:
        yield server
    finally:
        server.stop()


def main() -> int:
    try:
        program = find_program()
    except RedisMissingError as error:
        sys.stderr.write(f"{error}\n")
        return 1
    sys.stdout.write(subprocess.run([program, "--version"], capture_output=True, text=True, check=True).stdout)
    return 0


if __name__ == "__main__":
    sys.exit(main())
