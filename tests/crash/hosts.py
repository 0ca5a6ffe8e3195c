"""Two hosts beside this one, on a network of their own that can be cut: network namespaces, joined by a bridge."""

from __future__ import annotations

import os
import shutil
import subprocess
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from dataclasses import dataclass

SUBNET = "198.18.77.0/24"
"""Set aside for tests of networks (RFC 2544), so nobody's."""

THIS_HOST = "198.18.77.1"


@dataclass(frozen=True)
class Host:
    name: str
    cable: str

    def command(self, command: list[str]) -> list[str]:
        return ["ip", "netns", "exec", self.name, *command]

    def unplug(self) -> None:
        _ip("link", "set", self.cable, "down")

    def plug_in(self) -> None:
        _ip("link", "set", self.cable, "up")


def missing() -> str | None:
    """Why there can be no hosts here; None where there can."""
    if os.geteuid() != 0:
        return "needs root, to make network namespaces"
    if shutil.which("ip") is None:
        return "needs the command `ip` (package iproute2)"
    probe = f"lf{os.getpid()}p"
    made = subprocess.run(["ip", "netns", "add", probe], capture_output=True, text=True, check=False)
    if made.returncode:
        return f"no network namespace can be made here: {made.stderr.strip()}"
    _ip("netns", "del", probe)
    return None


@contextmanager
def two_hosts() -> Iterator[tuple[Host, Host]]:
    """Both reach this host at ``THIS_HOST``. All of it is gone afterwards."""
    bridge = f"lf{os.getpid()}"
    with ExitStack() as undo:
        _ip("link", "add", bridge, "type", "bridge")
        undo.callback(_ip, "link", "del", bridge)
        _ip("address", "add", f"{THIS_HOST}/24", "dev", bridge)
        _ip("link", "set", bridge, "up")
        first, second = (_host(undo, bridge, number) for number in (2, 3))
        yield first, second


def _host(undo: ExitStack, bridge: str, number: int) -> Host:
    """Its cable is the end at the bridge; with the namespace both ends go."""
    host = Host(f"{bridge}-{number}", f"{bridge}v{number}")
    _ip("netns", "add", host.name)
    undo.callback(_ip, "netns", "del", host.name)
    _ip("link", "add", host.cable, "type", "veth", "peer", "name", "eth0", "netns", host.name)
    _ip("link", "set", host.cable, "master", bridge, "up")
    for settings in (("lo", "up"), ("eth0", "up")):
        _ip("-n", host.name, "link", "set", *settings)
    _ip("-n", host.name, "address", "add", f"198.18.77.{number}/24", "dev", "eth0")
    return host


def _ip(*words: str) -> None:
    subprocess.run(["ip", *words], check=True, capture_output=True)
