"""Serves the demo's page of a small business: page_server.py PORT APP_URL.

The files in page/ name the demo's usual addresses, as a real page would; here they are replaced by those in use.
"""

import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from pathlib import Path

PAGE = Path(__file__).resolve().parent / "page"
CONTENT_TYPES = {".html": "text/html; charset=utf-8", ".css": "text/css; charset=utf-8"}
USUAL_APP_URL = "http://127.0.0.1:8000"
USUAL_PAGE_URL = "http://127.0.0.1:8002"


def main(port: int, app_url: str) -> None:
    ThreadingHTTPServer(("127.0.0.1", port), handler_for(read_files(port, app_url))).serve_forever()


def read_files(port: int, app_url: str) -> dict[str, tuple[str, bytes]]:
    """Read every file of the page: path in the address → content type and content."""
    files = {}
    for path in PAGE.iterdir():
        text = path.read_text(encoding="utf-8")
        text = text.replace(USUAL_PAGE_URL, f"http://127.0.0.1:{port}").replace(USUAL_APP_URL, app_url)
        files[f"/{path.name}"] = (CONTENT_TYPES[path.suffix], text.encode())
    return files | {"/": files["/index.html"]}


def handler_for(files: dict[str, tuple[str, bytes]]) -> type[BaseHTTPRequestHandler]:
    class PageHandler(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            content_type, content = files.get(self.path.partition("?")[0], ("text/plain", b"Not found\n"))
            self.send_response(404 if content_type == "text/plain" else 200)
            self.send_header("Content-Type", content_type)
            self.send_header("Content-Length", str(len(content)))
            self.end_headers()
            self.wfile.write(content)

    return PageHandler


if __name__ == "__main__":
    main(int(sys.argv[1]), sys.argv[2])
