"""demo/run.py with stand-ins for the microsite and the sandbox, so that what is tested is the runner."""

import os
import shutil
import signal
import socket
import subprocess
import sys
import urllib.request
from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parents[2]

STAND_INS = """
import click, os, sys
from flask import Flask
from werkzeug.serving import make_server

app = Flask(__name__)
print("stand-in is loaded")

@app.get("/healthz")
@app.get("/inbox")
def up():
    return {"sandbox": os.environ["SANDBOX_URL"]}

@app.get("/die")
def die():
    os._exit(3)

@app.cli.command("sandbox")
@click.option("--port", type=int)
def sandbox(port):
    make_server("127.0.0.1", port, app).serve_forever()
"""


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    shutil.copytree(ROOT / "demo", tmp_path / "demo")
    shutil.copy(ROOT / ".env.example", tmp_path)
    (tmp_path / "app.py").write_text(STAND_INS)
    (tmp_path / "forms").mkdir()
    (tmp_path / "forms" / "quote.yaml").write_text("vendor: {name: clienttether}")
    (tmp_path / "forms" / "broken.yaml").write_text("vendor: [")
    return tmp_path


@pytest.fixture
def ports() -> dict[str, str]:
    with ExitStack() as held:
        sockets = [held.enter_context(socket.socket()) for _ in range(3)]
        for one in sockets:
            one.bind(("127.0.0.1", 0))
        numbers = [str(one.getsockname()[1]) for one in sockets]
    return dict(zip(("PORT", "SANDBOX_PORT", "PAGE_PORT"), numbers, strict=True))


@contextmanager
def demo(folder: Path, ports: dict[str, str]) -> Iterator[subprocess.Popen[str]]:
    command = [sys.executable, "demo/run.py"]
    environment = os.environ | ports
    with subprocess.Popen(
        command, cwd=folder, env=environment, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True
    ) as process:
        try:
            yield process
        finally:
            process.terminate()


def read_until(process: subprocess.Popen[str], wanted: str) -> str:
    assert process.stdout
    read = ""
    for line in process.stdout:
        read += line
        if wanted in line:
            return read
    raise AssertionError(f"ended without {wanted!r}: {read} {process.stderr and process.stderr.read()}")


def get(port: str, path: str) -> str:
    with urllib.request.urlopen(f"http://127.0.0.1:{port}{path}", timeout=10) as response:
        return str(response.read().decode())


def is_free(port: str) -> bool:
    with socket.socket() as probe:
        return probe.connect_ex(("127.0.0.1", int(port))) != 0


def test_the_demo_prints_addresses_that_answer_and_stops_without_a_trace(folder: Path, ports: dict[str, str]) -> None:
    app, sandbox, page = ports.values()
    with demo(folder, ports) as process:
        printed = read_until(process, "Ctrl-C")
        assert f"http://127.0.0.1:{app}/f/quote   a form; its leads go to clienttether" in printed
        assert f"http://127.0.0.1:{app}/f/broken  a form; its leads go to nobody" in printed
        assert f"http://127.0.0.1:{sandbox}/inbox" in printed
        assert f"http://127.0.0.1:{page}/" in printed
        assert f"add http://127.0.0.1:{page} to `origins`" in printed
        assert f"http://127.0.0.1:{sandbox}" in get(app, "/healthz")
        pasted = get(page, "/")
        assert f'action="http://127.0.0.1:{app}/submit"' in pasted
        assert f'value="http://127.0.0.1:{page}/thanks.html"' in pasted
        process.send_signal(signal.SIGTERM)
        assert process.wait(20) == 0
    assert all(is_free(port) for port in ports.values())


def test_the_first_start_makes_the_settings_and_a_later_one_keeps_them(folder: Path, ports: dict[str, str]) -> None:
    with demo(folder, ports) as process:
        assert "Made .env" in read_until(process, "Ctrl-C")
    settings = folder / ".env"
    assert settings.read_text() == (folder / ".env.example").read_text()
    settings.write_text("MINE=1\n")
    with demo(folder, ports) as process:
        assert "Made .env" not in read_until(process, "Ctrl-C")
    assert settings.read_text() == "MINE=1\n"


def test_a_port_in_use_is_said_in_plain_words(folder: Path, ports: dict[str, str]) -> None:
    with socket.socket() as other:
        other.bind(("127.0.0.1", int(ports["SANDBOX_PORT"])))
        other.listen()
        with demo(folder, ports) as process:
            _, said = process.communicate(timeout=20)
    assert process.returncode == 1
    assert said.startswith(f"Port {ports['SANDBOX_PORT']} is in use by another program")
    assert "make run SANDBOX_PORT=" in said


@pytest.mark.parametrize("port", ["http", "0", "70000", ""])
def test_a_port_that_is_none_is_named(folder: Path, ports: dict[str, str], port: str) -> None:
    with demo(folder, ports | {"PAGE_PORT": port}) as process:
        _, said = process.communicate(timeout=20)
    assert process.returncode == 1
    assert said == f"PAGE_PORT must be a number from 1 to 65535, not {port!r}.\n"


def test_a_server_that_does_not_start_is_named_with_its_last_words(folder: Path, ports: dict[str, str]) -> None:
    broken = "if 'sandbox' not in sys.argv: raise RuntimeError('SECRET_KEY is too short')"
    (folder / "app.py").write_text(f"{STAND_INS}\n{broken}\n")
    with demo(folder, ports) as process:
        _, said = process.communicate(timeout=30)
    assert process.returncode == 1
    assert "The app stopped while it started" in said
    assert "SECRET_KEY is too short" in said
    assert all(is_free(port) for port in ports.values())


def test_when_one_server_ends_the_others_are_stopped(folder: Path, ports: dict[str, str]) -> None:
    with demo(folder, ports) as process:
        read_until(process, "Ctrl-C")
        with pytest.raises(OSError, match="closed"):
            get(ports["SANDBOX_PORT"], "/die")
        _, said = process.communicate(timeout=20)
    assert process.returncode == 1
    assert "The sandbox has ended, so the demo stops" in said
    assert all(is_free(port) for port in ports.values())
