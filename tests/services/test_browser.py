from http.server import BaseHTTPRequestHandler, HTTPServer
from pathlib import Path
from threading import Thread

import pytest
from playwright.sync_api import Error

from tests.services.browser import BrowserMissingError, chromium

pytestmark = pytest.mark.browser


class Hello(BaseHTTPRequestHandler):
    def do_GET(self) -> None:
        self.send_response(200)
        self.end_headers()
        self.wfile.write(b"<title>hello</title>")

    def log_message(self, *_: object) -> None:
        pass


def test_the_browser_shows_pages_of_this_machine_and_none_from_elsewhere() -> None:
    with HTTPServer(("127.0.0.1", 0), Hello) as server, chromium() as browser:
        Thread(target=server.serve_forever, daemon=True).start()
        page = browser.new_page()
        for host in ("127.0.0.1", "localhost", "shop.localhost"):
            page.goto(f"http://{host}:{server.server_port}/")
            assert page.title() == "hello"
        with pytest.raises(Error, match="ERR_NAME_NOT_RESOLVED"):
            page.goto("http://192.0.2.1/")
        server.shutdown()


def test_the_browser_takes_a_picture() -> None:
    with chromium() as browser:
        page = browser.new_page(viewport={"width": 300, "height": 200})
        page.goto("data:text/html,<h1>Leadferry</h1>")
        assert page.screenshot().startswith(b"\x89PNG")


def test_a_browser_that_does_not_start_is_named(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    missing = tmp_path / "no-browser"
    monkeypatch.setenv("CHROMIUM", str(missing))
    with pytest.raises(BrowserMissingError, match=str(missing)), chromium():
        pass
