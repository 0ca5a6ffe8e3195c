"""Starts the demo and prints its addresses: the emulated vendors, the microsite, and a page with a pasted form.

PORT, SANDBOX_PORT and PAGE_PORT choose other ports than 8000, 8001 and 8002. Ctrl-C or SIGTERM stops everything.
"""

import os
import re
import shutil
import signal
import socket
import subprocess
import sys
import time
import urllib.error
import urllib.request
from contextlib import ExitStack
from dataclasses import dataclass
from pathlib import Path

from ruamel.yaml import YAML
from ruamel.yaml.error import YAMLError

ROOT = Path(__file__).resolve().parent.parent
LOGS = ROOT / "var" / "demo"
HOST = "127.0.0.1"
USUAL_PAGE_PORT = 8002
START_LIMIT = 60.0
STOP_LIMIT = 10.0


class DemoError(Exception):
    """Why the demo cannot go on, as the person who started it should read it."""


@dataclass(frozen=True)
class Ports:
    app: int
    sandbox: int
    page: int

    @property
    def app_url(self) -> str:
        return f"http://{HOST}:{self.app}"

    @property
    def sandbox_url(self) -> str:
        return f"http://{HOST}:{self.sandbox}"

    @property
    def page_url(self) -> str:
        return f"http://{HOST}:{self.page}"


@dataclass(frozen=True)
class Service:
    """A process of the demo; it is up once `probe` answers 200."""

    name: str
    command: list[str]
    probe: str

    @property
    def log(self) -> Path:
        return LOGS / f"{self.name}.log"

    def last_words(self) -> str:
        lines = self.log.read_text(errors="replace").splitlines()[-20:]
        return "\n".join(f"    {line}" for line in lines) or "    (it printed nothing)"


@dataclass(frozen=True)
class Running:
    service: Service
    process: subprocess.Popen[bytes]


def main() -> int:
    sys.stdout.reconfigure(line_buffering=True)  # type: ignore[union-attr]  # in step with errors where it is no terminal
    for name in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(name, signal.default_int_handler)
    try:
        run_demo()
    except DemoError as error:
        print(error, file=sys.stderr)
        return 1
    except KeyboardInterrupt:
        print("\nThe demo has stopped.")
    return 0


def run_demo() -> None:
    ports = read_ports()
    ensure_settings()
    LOGS.mkdir(parents=True, exist_ok=True)
    with ExitStack() as stack:
        running: list[Running] = []
        stack.callback(stop_all, running)
        # One after the other: the first start makes the database and the secret key.
        for service in services(ports):
            running.append(Running(service, launch(service, ports)))
            wait_until_up(running[-1])
        print_addresses(ports)
        watch(running)


def read_ports() -> Ports:
    ports = Ports(free_port("PORT", 8000), free_port("SANDBOX_PORT", 8001), free_port("PAGE_PORT", USUAL_PAGE_PORT))
    if len({ports.app, ports.sandbox, ports.page}) < 3:
        raise DemoError("PORT, SANDBOX_PORT and PAGE_PORT must be three different ports.")
    return ports


def free_port(setting: str, default: int) -> int:
    text = os.environ.get(setting, str(default))
    if not (text.isascii() and text.isdigit() and 0 < int(text) < 65536):
        raise DemoError(f"{setting} must be a number from 1 to 65535, not {text!r}.")
    port = int(text)
    with socket.socket() as probe:
        probe.setsockopt(socket.SOL_SOCKET, socket.SO_REUSEADDR, 1)  # as the servers do, so that a restart may follow
        try:
            probe.bind((HOST, port))
        except PermissionError:
            raise DemoError(
                f"This user may not use port {port}. Choose one above 1023: make run {setting}=8080"
            ) from None
        except OSError:
            raise DemoError(
                f"Port {port} is in use by another program, perhaps a demo that is already running. "
                f"Stop that program, or choose another port: make run {setting}={port + 100}"
            ) from None
    return port


def ensure_settings() -> None:
    settings = ROOT / ".env"
    if not settings.exists():
        shutil.copyfile(ROOT / ".env.example", settings)
        print("Made .env, the settings, as a copy of .env.example.")


def services(ports: Ports) -> list[Service]:
    page_server = str(ROOT / "demo" / "page_server.py")
    return [
        Service(
            "sandbox", python("-m", "flask", "sandbox", "--port", str(ports.sandbox)), f"{ports.sandbox_url}/inbox"
        ),
        Service("app", python("-m", "gunicorn", "app:app", "-b", f"{HOST}:{ports.app}"), f"{ports.app_url}/healthz"),
        Service("page", python(page_server, str(ports.page), ports.app_url), f"{ports.page_url}/"),
    ]


def python(*arguments: str) -> list[str]:
    return [sys.executable, *arguments]


def launch(service: Service, ports: Ports) -> subprocess.Popen[bytes]:
    # What is set here goes before .env, so the demo's forms find the emulated vendors at the port in use.
    environment = os.environ | {"SANDBOX_URL": ports.sandbox_url, "PYTHONUNBUFFERED": "1"}
    with service.log.open("wb") as log:
        return subprocess.Popen(
            service.command,
            cwd=ROOT,
            env=environment,
            stdin=subprocess.DEVNULL,
            stdout=log,
            stderr=log,
            start_new_session=True,  # Ctrl-C is for this process, which then stops the others in order
        )


def wait_until_up(running: Running) -> None:
    service = running.service
    deadline = time.monotonic() + START_LIMIT
    while not answers(service.probe):
        if running.process.poll() is not None:
            raise DemoError(f"The {service.name} stopped while it started. It said:\n{service.last_words()}")
        if time.monotonic() > deadline:
            raise DemoError(
                f"The {service.name} did not answer at {service.probe} within {START_LIMIT:.0f} seconds. "
                f"It said:\n{service.last_words()}"
            )
        time.sleep(0.1)


def answers(url: str) -> bool:
    # A proxy that the environment names is for the world outside, not for this machine.
    direct = urllib.request.build_opener(urllib.request.ProxyHandler({}))
    try:
        with direct.open(url, timeout=5) as response:
            return bool(response.status == 200)
    except (urllib.error.URLError, OSError):
        return False


def print_addresses(ports: Ports) -> None:
    forms = [(f"{ports.app_url}/f/{path.stem}", vendor_of(path)) for path in sorted((ROOT / "forms").glob("*.yaml"))]
    lines = [
        *((address, f"a form; its leads go to {vendor}") for address, vendor in forms),
        (f"{ports.page_url}/", "a page of a small business, with a form pasted as plain HTML"),
        (f"{ports.sandbox_url}/inbox", "the leads as each vendor received them"),
        console_address(ports),
    ]
    width = max(len(address) for address, _ in lines)
    print("\nThe demo is running. Addresses to open:\n")
    for address, what in lines:
        print(f"  {address:<{width}}  {what}")
    if ports.page != USUAL_PAGE_PORT:
        print(f"\nThat page is not at its usual port: add {ports.page_url} to `origins` in forms/quote.yaml,")
        print("and a visitor who has sent its form comes back to it.")
    print(f"\nThe servers' own output is in {LOGS.relative_to(ROOT)}/. Ctrl-C stops the demo.")


def console_address(ports: Ports) -> tuple[str, str]:
    """The link that makes the console's first user, which the application prints while there is none."""
    log = (LOGS / "app.log").read_text(errors="replace")
    link = re.search(r"http\S+/console/welcome/\S+", log)
    if link:
        return link[0], "the console: this link, once, makes its first user"
    return f"{ports.app_url}/console/", "the console, for marketers and operators"


def vendor_of(form: Path) -> str:
    try:
        return str(YAML(typ="safe").load(form)["vendor"]["name"])
    except (YAMLError, KeyError, TypeError):
        return "nobody: the file has an error, see `flask forms check`"


def watch(running: list[Running]) -> None:
    while True:
        for one in running:
            if one.process.poll() is not None:
                raise DemoError(
                    f"The {one.service.name} has ended, so the demo stops. It said:\n{one.service.last_words()}"
                )
        time.sleep(0.5)


def stop_all(running: list[Running]) -> None:
    for name in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(name, signal.SIG_IGN)  # a second Ctrl-C must not leave servers behind
    for one in reversed(running):
        one.process.terminate()
    deadline = time.monotonic() + STOP_LIMIT
    for one in running:
        try:
            one.process.wait(max(0.0, deadline - time.monotonic()))
        except subprocess.TimeoutExpired:
            os.killpg(one.process.pid, signal.SIGKILL)
            one.process.wait()


if __name__ == "__main__":
    sys.exit(main())
