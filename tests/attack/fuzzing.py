"""Requests that nobody should send, and what may be answered to them."""

from __future__ import annotations

import json
import re
import socket
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from random import Random
from urllib.parse import quote_plus

from leadferry.fields import CAMPAIGN, RESERVED
from tests.installation import Installation
from tests.web.forms import NOWHERE, any_name, quote

STATUS = {  # the contract's table; a form that is not there is 404 with the code of an unknown key
    "ct101": {403, 404},
    "ct102": {422},
    "ct103": {409},
    "lf201": {422},
    "lf202": {422},
    "lf203": {413},
    "lf204": {422},
    "lf301": {429},
    "lf501": {503},
}

WITH_FILE = f"""
web_key: LF_file
fields:
  - {{name: message}}
  - {{name: day, type: date, min: 2020-01-01}}
  - {{name: code, pattern: '(a+)+b'}}
  - {{name: plan, type: file}}
vendor: {{name: aicore, url: "{NOWHERE}", sitecom_token: "${{CT_KEY}}", wait: 0}}
"""


def furnish(installation: Installation) -> None:
    """Forms of every kind, one of them broken."""
    installation.form("any", any_name(more="measure: progress"))
    installation.form("quote", quote(wait=0, urls=True))
    installation.form("plan", WITH_FILE)
    installation.form("strict", any_name(more="expansion: reject").replace("LF_any", "LF_strict"))
    installation.form("broken", "title: [")


# --- requests ---
# fmt: off

FORMS = ["any", "quote", "plan", "strict"] * 3 + ["broken", "none", "%2e%2e", "..", "a" * 300, "%00", "é", "%ff"]
PATHS = [
    *(f"/f/{name}{rest}" for name in FORMS for rest in [*[""] * 5, "/thanks", "/snippet", "/progress", "/challenge"]),
    *("/f/any/snippet?kind=html", "/f/any/snippet?kind=%00", "/f/any?firstName=%ff&utm_source=%0d%0a"),
    *("/f/any?" + "a&" * 900, "/f/any?utm_source=<script>&gclid=x"),
    *("/submit", "/submit?web_key=LF_any", "/embed.js", "/healthz", "/readyz", "/metrics", "/static/form.js"),
    *("/static/../leadferry/config.py", "/static/%2e%2e/app.py", "/static/", "/static//etc/passwd", "/static/%00"),
    *("/", "//", "///evil.example", "/\\evil.example", "*", "http://evil.example/f/any", "/console/", "/console/login"),
    *("/console/leads.csv", "/console/welcome/x", "/" + "x" * 3000, "/?" + "x" * 9000, "/f/any;a=b", "f/any"),
]
METHODS = ["GET"] * 6 + ["POST"] * 16 + ["HEAD", "OPTIONS", "PUT", "DELETE", "PATCH", "TRACE", "CONNECT", "get", ""]
VERSIONS = ["HTTP/1.1"] * 25 + ["HTTP/1.0"] * 3 + ["HTTP/0.9", "HTTP/2.0", "HTTP/1.", ""]
NAMES = [
    *RESERVED, *list(CAMPAIGN)[:6], "message", "day", "code", "plan", *["web_key", "email", "lastName"] * 4, "_gotcha",
    "OnSuccessURL", "OnErrorURL",
    "form_submit_redirect", "_lf_t", "_lf_token", "_charset_", "", "a" * 201, "__proto__", "x[y][]", "\x00", "touched",
]
VALUES = [
    "", " ", "LF_any", "LF_quote_1", "LF_file", "jane@example.com", "Jane", "5127891111", "2025-02-30", "9" * 400,
    "1e999",
    "<script>alert(1)</script>", "&lt;b&gt;" * 50, "{{7*7}}", "=1+1", "a" * 70_000, "a" * 60 + "!", "\x00", "\ud800",
    "\u202e",
    "e\u0301" * 300, "👩‍👩‍👧‍👦" * 40, "%", "%zz", "\r\nSet-Cookie: a=b", "https://www.example.com/a", "//evil.example",
    "utf-7", "-0",
    "NaN", "true", "0000-00-00", "../../etc/passwd", "';drop table lead;--", "<![CDATA[", "&#x41;" * 900, "<" * 3000,
]
HEADERS = {
    "Host": ["evil.example", "a b", "[::1", "x:99999", "<script>", "x, y", "é"],
    "Accept": ["text/html", "application/json", "*/*", ",;q=x", "text/html;q=0"],
    "Sec-Fetch-Mode": ["navigate", "cors"],
    "Sec-Fetch-Dest": ["iframe", "document", "empty"],
    "Content-Encoding": ["gzip", "identity", "br"],
    "Cookie": ["a=b", ";;;", "session=eyJ.x.y", "\xff"],
    "Authorization": ["Basic x", "Bearer " + "x" * 500],
    "Origin": ["null", "https://evil.example"],
    "Referer": ["https://shop.example/?utm_source=a", "http://[", "javascript:x", "\xff\xfe", "x" * 4000],
    "User-Agent": ["", "x" * 5000, "\xe9"],
    "X-Forwarded-For": ["1.2.3.4", ",,,", "x" * 300],
    "X-Forwarded-Host": ["evil.example", "a b"],
    "X-Request-Id": ["abcdefgh-1", "\x1b[2J", "x" * 100],
    "Range": ["bytes=0-1", "bytes=9-1,0-", "x"],
    "If-Modified-Since": ["yesterday", "Thu, 01 Jan 1970 00:00:00 GMT"],
    "If-None-Match": ['"x"', "*"],
    "Connection": ["close", "keep-alive", "Upgrade, HTTP2-Settings", "x"],
    "Access-Control-Request-Headers": ["x", "a, b", "\xff"],
    "Expect": ["100-continue"],
}
WRONG_HEADERS = {
    "Expect": ["200-ok"],
    "Upgrade": ["h2c", "websocket"],
    "HTTP2-Settings": ["AAMAAABkAAQ"],
    "Transfer-Encoding": ["identity", "gzip", "chunked, chunked"],
    "Content-Length": ["-1", "1", "99999999999999999999", "1, 1", "+5"],
    "Bad Name": ["x"],
    "X" * 9000: ["x"],
    "X-Long": ["x" * 9000],
}
FRAMINGS = ["right"] * 14 + ["chunked"] * 4 + ["long", "short", "none"]
CONTENT_TYPES = [
    "application/x-www-form-urlencoded", "application/json", "multipart/form-data; boundary=b", "multipart/form-data",
    "text/plain", "", "application/x-www-form-urlencoded; charset=utf-16", "application/json; charset=zip", ";;;",
]


# fmt: on


def _urlencoded(pairs: list[tuple[str, str]]) -> bytes:
    return "&".join(f"{quote_plus(n, errors='replace')}={quote_plus(v, errors='replace')}" for n, v in pairs).encode()


def _json(pairs: list[tuple[str, str]]) -> bytes:
    return json.dumps(dict(pairs)).encode()


def _multipart(pairs: list[tuple[str, str]]) -> bytes:
    parts = (
        f'--b\r\nContent-Disposition: form-data; name="{name}"{"; filename=x" * (name == "plan")}\r\n\r\n{value}\r\n'
        for name, value in pairs
    )
    return ("".join(parts) + "--b--\r\n").encode("utf-8", "replace")


ODD_BODIES = [b"", b"[" * 50_000, b'{"a":' * 5_000, b"&" * 9_000, b"a=b&" * 600, b"--b\r\n", b"\x1f\x8b\x08\x00"]


def _body(chance: Random) -> tuple[str, bytes]:
    """A content type and a body, which mostly fit each other."""
    pairs = [(chance.choice(NAMES), chance.choice(VALUES)) for _ in range(chance.randint(0, 8))]
    if chance.random() < 0.1:
        return chance.choice(CONTENT_TYPES), chance.choice([*ODD_BODIES, chance.randbytes(chance.randint(1, 300))])
    kind, written = chance.choice(list(zip(CONTENT_TYPES, (_urlencoded, _json, _multipart), strict=False)))
    return kind if chance.random() < 0.9 else chance.choice(CONTENT_TYPES), written(pairs)


def _chunked(body: bytes, cut: int) -> bytes:
    pieces = [body[at : at + cut] for at in range(0, len(body), cut)]
    return b"".join(b"%x\r\n%b\r\n" % (len(piece), piece) for piece in pieces) + b"0\r\n\r\n"


def one_request(chance: Random) -> bytes:
    """One request as bytes, right in most parts and wrong in some."""
    method, path, version = chance.choice(METHODS), chance.choice(PATHS), chance.choice(VERSIONS)
    kind, body = _body(chance) if method == "POST" or chance.random() < 0.1 else ("", b"")
    headers = _headers(chance)
    headers += [("Content-Type", kind)] if kind else []
    framing = chance.choice(FRAMINGS)
    if framing == "chunked":
        headers.append(("Transfer-Encoding", "chunked"))
        body = _chunked(body, chance.randint(1000, 100_000))
    elif body and framing != "none":
        headers.append(("Content-Length", str(max(0, len(body) + {"long": 7, "short": -3}.get(framing, 0)))))
    head = f"{method} {path} {version}\r\n" + "".join(f"{name}: {value}\r\n" for name, value in headers) + "\r\n"
    return head.encode("latin-1", "replace") + body


def _headers(chance: Random) -> list[tuple[str, str]]:
    table = WRONG_HEADERS if chance.random() < 0.05 else HEADERS
    found = [(name, chance.choice(table[name])) for name in chance.sample(list(table), chance.randint(0, 4))]
    hosts = chance.choice([1] * 20 + [0, 2])
    return found if "Host" in dict(found) else [("Host", "x")] * hosts + found


def requests_of(number: int) -> bytes:
    """What connection ``number`` sends, the same each time: up to three requests, now and then none at all."""
    chance = Random(number)
    if chance.random() < 0.03:
        return chance.randbytes(chance.randint(0, 300))
    return b"".join(one_request(chance) for _ in range(chance.choice([1, 1, 1, 2, 3])))


# --- answers ---


@dataclass(frozen=True)
class Said:
    status: int
    headers: dict[str, str]
    body: bytes


def ask(url: str, request: bytes) -> list[Said]:
    """All answers to what is sent on one connection, which is half closed then."""
    host, port = url.removeprefix("http://").split(":")
    with socket.create_connection((host, int(port)), timeout=20) as sock:
        try:
            sock.sendall(request)
            sock.shutdown(socket.SHUT_WR)
            answered = b"".join(iter(lambda: sock.recv(65_536), b""))
        except (ConnectionResetError, BrokenPipeError):
            return []
    return list(_answers(answered))


def _answers(answered: bytes) -> Iterator[Said]:
    while answered:
        head, _, answered = answered.partition(b"\r\n\r\n")
        first, *lines = head.decode("latin-1").split("\r\n")
        status = re.fullmatch(r"HTTP/1\.[01] ([0-9]{3}) [A-Za-z -]*", first)
        assert status, first
        headers = {name.lower(): value for name, _, value in (line.partition(": ") for line in lines)}
        length = 0 if status[1] in {"100", "204", "304"} else int(headers.get("content-length", len(answered)))
        if answered[:7] == b"HTTP/1." and length:  # a HEAD's answer says how long that of GET would be
            length = 0
        body, answered = answered[:length], answered[length:]
        yield Said(int(status[1]), headers, body)


def judge(request: bytes, said: Said) -> None:
    """What may be answered: nothing of ours beside the contract, and of the server's own only refusals."""
    where = (request[:300], said.status, said.body[:300])
    assert b"Traceback" not in said.body, where
    assert is_ours(said.headers.get("location", "/")), where
    if "x-request-id" not in said.headers:  # the server's own
        assert said.status in {100, 400, 403, 408, 414, 417, 431, 501, 505}, where
        return
    if said.status == 503:
        assert b"broken" in request or b"lf501" not in said.body, where
        return
    assert said.status < 500, where
    if said.status >= 400 and said.body and said.headers["content-type"].startswith("application/json"):
        _judge_error(json.loads(said.body), said.status, where)


def is_ours(location: str) -> bool:
    """A visitor stays here, or goes where a form's file says."""
    return re.match(r"/(?![/\\])|https://www\.example\.com/", location) is not None


def _judge_error(told: dict[str, object], status: int, where: object) -> None:
    assert {"Message", "msg", "errors"} <= told.keys() <= {"Message", "error_code", "msg", "errors", "url"}, where
    assert told["Message"] == "Error", where
    assert isinstance(told["errors"], list), where
    for each in told["errors"]:
        assert each.keys() == {"field", "code", "message"}, where
    if "error_code" in told:
        assert status in STATUS[str(told["error_code"])], where
    else:
        assert status in {400, 404, 405, 413, 416, 429}, where


def fuzz(url: str, numbers: Iterable[int]) -> int:
    """Sends what these connections send and judges each answer; returns how many answers there were."""
    count = 0
    for number in numbers:
        request = requests_of(number)
        for said in ask(url, request):
            judge(request, said)
            count += 1
    return count


def faults(installation: Installation) -> list[str]:
    """Lines of the server's log that tell of a fault of ours."""
    lines = (installation.root / "process.log").read_text("utf-8", "replace").splitlines()
    return [line for line in lines if "Traceback" in line or '"level": "error"' in line or "[ERROR]" in line]
