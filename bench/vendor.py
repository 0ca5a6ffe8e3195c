"""A vendor that takes every lead after so many seconds: `python -m bench.vendor PORT SECONDS [ADDRESS]`."""

from __future__ import annotations

import asyncio
import sys

BODY = b'{"ok": true}'
ANSWER = b"HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: %d\r\n\r\n%s" % (len(BODY), BODY)


class Receiver(asyncio.Protocol):
    delay = 0.0

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self.transport = transport
        self.heard = b""

    def data_received(self, data: bytes) -> None:
        self.heard += data
        while True:
            head, found, rest = self.heard.partition(b"\r\n\r\n")
            if not found:
                return
            at = head.lower().find(b"content-length:")
            length = int(head[at + 15 :].split(b"\r\n", 1)[0]) if at >= 0 else 0
            if len(rest) < length:
                return
            self.heard = rest[length:]
            wait = 0.0 if head.startswith(b"GET") else self.delay  # a look whether it is there
            asyncio.get_running_loop().call_later(wait, self._answer)

    def _answer(self) -> None:
        if not self.transport.is_closing():
            self.transport.write(ANSWER)


async def serve(port: int, address: str = "127.0.0.1") -> None:
    server = await asyncio.get_running_loop().create_server(Receiver, address, port, backlog=2048)
    await server.serve_forever()


if __name__ == "__main__":
    Receiver.delay = float(sys.argv[2])
    asyncio.run(serve(int(sys.argv[1]), *sys.argv[3:4]))
