"""The ways in are shut: redirects, injections, forged headers, packed bodies, hostile form files, frames."""

from __future__ import annotations

import csv
import gzip
import io
import json
import logging
import re
import socket
import time
import zlib
from collections.abc import Iterator
from typing import Any
from urllib.parse import urlsplit

import pytest
import requests
from flask import Flask
from werkzeug.test import TestResponse

from leadferry.alerts import Alert, Alerts
from leadferry.form_file import FormFileError, Surroundings, load
from leadferry.logs import JsonFormatter
from leadferry.spreadsheet import csv_lines, for_spreadsheet
from leadferry.transport import is_public
from leadferry.vendors import ADAPTERS
from tests.conftest import Install
from tests.installation import Installation, Server, make
from tests.test_redirects import NASTY, browsers_origin
from tests.web.forms import BROWSER, NOWHERE, OOPS, SCRIPT, SETTINGS, THANKS, VISITOR, any_name, quote

pytestmark = pytest.mark.thorough_on_postgresql  # what is refused is the same on each

EVIL = "evil.example"
OURS = {"https://www.example.com", "https://shop.example.com:8443"}


# --- redirects, at the address itself ---


@pytest.fixture(scope="module")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    found = make(tmp_path_factory.mktemp("ways"), environ={**SETTINGS, "DELIVERY": "off"})
    found.form("quote", quote(wait=0))
    found.form("own", quote(wait=0, urls=True).replace("LF_quote_1", "LF_own"))
    found.form("any", any_name())
    found.form("only", any_name(more="framing: origins\norigins: [https://www.example.com]").replace("LF_any", "LF_on"))
    yield found
    found.close()


@pytest.mark.parametrize("who", [SCRIPT, BROWSER], ids=["script", "browser"])
def test_no_posted_address_of_the_corpus_moves_a_visitor(installation: Installation, who: dict[str, str]) -> None:
    client = installation.client
    for address in NASTY:
        posted = {"OnSuccessURL": address, "OnErrorURL": address, "form_submit_redirect": "1"}
        body = json.dumps({**VISITOR, **posted, "web_key": "LF_quote_1", "notes": address})
        for answer in (
            client.post("/submit", data=body, headers=who, content_type="application/json"),
            client.post("/submit", data=body.replace("jane@", "no "), headers=who, content_type="application/json"),
        ):
            sent_to = answer.headers.get("Location") or (answer.get_json(silent=True) or {}).get("url")
            assert sent_to in {None, "/f/quote/thanks"} or browsers_origin(sent_to) in OURS, address


def test_in_its_place_comes_the_forms_own(installation: Installation) -> None:
    posted = {**VISITOR, "web_key": "LF_own", "OnSuccessURL": f"https://{EVIL}/", "OnErrorURL": f"//{EVIL}"}
    assert installation.client.post("/submit", data=posted, headers=BROWSER).headers["Location"] == THANKS
    wrong = installation.client.post("/submit", data={**posted, "email": "none"}, headers=BROWSER)
    assert wrong.headers["Location"] == f"{OOPS}?error_code=lf201&msg=Invalid+Field"


# --- addresses of vendors and of alerts ---

INSIDE = """
127.0.0.1 127.255.255.254 0.0.0.0 0.1.2.3 10.1.2.3 172.16.0.1 172.31.255.255 192.168.0.1 169.254.169.254 169.254.170.2
100.64.0.1 100.127.255.255 100.100.100.200 192.0.0.1 192.0.0.8 192.0.0.192 192.0.2.1 192.88.99.1 198.18.0.1 198.19.1.1
198.51.100.1 203.0.113.1 168.63.129.16 224.0.0.1 239.255.255.255 240.0.0.1 255.255.255.255
:: ::1 ::127.0.0.1 ::8.8.8.8 ::ffff:127.0.0.1 ::ffff:10.0.0.1 ::ffff:169.254.169.254 ::ffff:0:7f00:1 ::ffff:0:a00:1
64:ff9b::7f00:1 64:ff9b::a9fe:a9fe 64:ff9b::808:808 64:ff9b:1::1 2002:7f00:1:: 2002:a9fe:a9fe:: 2002:808:808::
2001::1 2001:0:1::1 2001:db8::1 2001:2::1 2001:10::1 3fff::1 100::1 5f00::1 fc00::1 fd00:ec2::254 fe80::1 fe80::1%lo
fec0::1 ff02::1 ff0e::1 4000::1
""".split()


@pytest.mark.parametrize("address", INSIDE)
def test_an_address_inside_a_network_is_no_vendors(address: str) -> None:
    assert not is_public(address)


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "2130706433", "0x7f000001", "017700000001", "[::ffff:7f00:1]", "１２７.1"]
)
def test_no_alert_goes_to_this_machine(install: Install, host: str, monkeypatch: pytest.MonkeyPatch) -> None:
    called: list[Any] = []
    monkeypatch.setattr(socket.socket, "connect", lambda _self, address: called.append(address))
    installation = install(ALERT_WEBHOOK_URL="http://vendor.example:9/alerts")
    object.__setattr__(installation.site.settings, "alert_webhook_url", f"http://{host}:9/alerts")
    Alerts(installation.site.settings, installation.site.office).report([Alert("a", "b", "c")])
    assert called == []


# --- injection ---


TOKEN = re.compile(r'(?<=name="_lf_token" type="hidden" value=")[\w.-]+')


def test_a_template_in_a_form_file_or_a_post_stays_text(install: Install) -> None:
    sums = [
        "{{7*7}}",
        "{% for x in [1] %}49{% endfor %}",
        "{{config}}",
        "${7*7}",
        "#{7*7}",
        "<%= 7*7 %>",
        "{{''.__class__}}",
    ]
    text = f"""
title: "{sums[0]} {sums[2]}"
intro: "<p>{sums[1]}</p>"
submit: "{sums[3]}"
web_key: LF_sum
fields:
  - {{name: message, label: "{sums[6]}", help: "{sums[0]}", placeholder: "{sums[1]}"}}
vendor: {{name: webhook, url: "{NOWHERE}", wait: 0}}
"""
    client = install({"sum": text}, **SETTINGS).client
    page = client.get("/f/sum").text
    assert "{{7*7}} {{config}}" in page
    assert "{% for x in [1] %}49{% endfor %}" in page
    assert "SECRET" not in page
    assert TOKEN.search(page)
    for path in ("/f/sum/snippet", "/f/sum/thanks", "/f/sum/snippet?kind=html", "/f/{{7*7}}", "/f/sum?message={{7*7}}"):
        said = TOKEN.sub("", client.get(path, headers=BROWSER).text)  # in which any digits may stand, by chance
        assert "49" not in said.replace("}49{", "")
    again = client.post("/f/sum", data={"message": "\n".join(sums), "_lf_x": "1", "a" * 201: "1"}, headers=BROWSER)
    assert "SECRET" not in again.text


BOMBS = {
    "billion laughs": "a: &a [x,x]\n" + "".join(f"k{n}: &k{n} [*a,*a]\n" for n in range(30)),
    "merge keys": "a: &a {x: 1}\nb: {<<: *a, <<: *a}\ntitle: x\n",
    "python object": "title: !!python/object/apply:os.system [id]\n",
    "python name": "title: !!python/name:os.system\n",
    "a tag handle": "%TAG ! tag:yaml.org,2002:python/\n---\ntitle: !object/apply:os.system [id]\n",
    "binary": "title: !!binary aGVsbG8=\n",
    "deep lists": "title: " + "[" * 60_000 + "]" * 60_000,
    "deep tables": "title: " + "{a: " * 30_000,
    "deep blocks": "\n".join(" " * n + "- - - -" for n in range(250)),
    "a huge scalar": "title: " + "x" * 2_000_000,
    "huge folded scalar": "title: >\n" + " x\n\n" * 40_000,
    "many documents": "---\n" * 30_000,
    "a huge number": "title: x\nretention: " + "9" * 100_000 + "d\n",
    "many anchors": "".join(f"k{n}: &a{n} x\n" for n in range(8_000)),
    "complex keys": "? " * 20_000 + "x\n",
    "quotes": 'title: "' + "\\" * 100_001,
}


@pytest.mark.parametrize("text", BOMBS.values(), ids=BOMBS)
def test_a_yaml_bomb_is_refused_at_once(text: str) -> None:
    began = time.process_time()
    assert read(text)
    assert time.process_time() - began < 2


def read(text: str) -> list[str]:
    """What is wrong with the file."""
    try:
        return [str(each) for each in load("bomb", text, "bomb.yaml", Surroundings(ADAPTERS, lambda _name: "x"))[1]]
    except FormFileError as error:
        return [str(each) for each in error.problems]


EXPLODING = [
    r"(a+)+$",
    r"(a|a?)+b",
    r"(.*)*=",
    r"^(([a-z])+.)+[A-Z]([a-z])+$",
    r"(a{1,100}){1,100}b",
    r"(?:a+b?){1000}c",
]
WRITTEN_OUT = ["(?:(?:(?:a{1000}){1000}){1000})", "(a{1000}){1000}", "((a{ 1000 }){100,}){10}", "a{1000000}"]


@pytest.mark.parametrize("pattern", EXPLODING)
def test_a_pattern_that_explodes_holds_a_post_up_for_a_moment_and_loses_no_lead(install: Install, pattern: str) -> None:
    fields = f"  - {{name: code, pattern: '{pattern}', max_length: 65000}}\n"
    client = install({"quote": quote(wait=0, fields=fields)}, **SETTINGS).client
    began = time.process_time()
    answer = client.post("/f/quote", data={**VISITOR, "code": "a" * 60_000 + "!"}, headers=SCRIPT)
    assert answer.status_code in {200, 422}
    assert time.process_time() - began < 1.5


@pytest.mark.parametrize("pattern", WRITTEN_OUT)
def test_a_pattern_that_explodes_when_it_is_compiled_is_refused(pattern: str) -> None:
    began = time.process_time()
    problems = read(any_name().replace("type: textarea", f"type: textarea, pattern: '{pattern}'"))
    assert any("repeats something more than 100,000 times" in each for each in problems)
    assert time.process_time() - began < 1


def test_an_honest_pattern_with_many_counts_is_taken() -> None:
    patterns = [
        r"[0-9a-f]{8}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{4}-[0-9a-f]{12}",
        r".{1,65000}",
        r"[a-z]{2,64}@[a-z]{2,255}",
    ]
    for pattern in patterns:
        assert not read(any_name().replace("type: textarea", f"type: textarea, pattern: '{pattern}'"))


FORMULAS = [
    "=1+1",
    "+1",
    "-1+cmd|' /C calc'!A0",
    "@SUM(A1)",
    "\t=1",
    "\r=1",
    "\n=1",
    "＝1",
    "＋1",
    "－1",
    "＠x",
    "a;=1",
    "a; @x",
]


@pytest.mark.parametrize("text", FORMULAS)
def test_no_cell_of_an_export_begins_a_formula_whatever_parts_the_cells(text: str) -> None:
    lead = {
        "lead": "1",
        "form": "f",
        "version": "v",
        "received_at": "t",
        "state": "s",
        "values": {"a": text, text: "b"},
    }
    written = "".join(csv_lines([lead], ["a", text]))
    cells = [cell for row in csv.reader(io.StringIO(written)) for cell in row]
    cells += [cell.strip(" ") for cell in re.split(r"[;]", for_spreadsheet(text))]
    assert not [cell for cell in cells if re.match(r"[=+\-@\t\r\n＝＋－＠]", cell)]


def test_no_line_of_the_log_carries_what_a_terminal_obeys() -> None:
    nasty = 'a\r\n{"level": "info"}\x1b[2J\x9b31m\u2028\u202e\x00'
    record = logging.makeLogRecord({"name": "leadferry.x", "msg": "fault %s", "args": (nasty,), "path": nasty})
    line = JsonFormatter().format(record)
    assert line.isascii()
    assert line.isprintable()
    assert json.loads(line)["path"] == nasty


# --- what a request says of itself ---


@pytest.mark.parametrize("path", ["/f/any", "/f/any/thanks", "/f/any/snippet", "/f/any/snippet?kind=script", "/f/none"])
def test_a_proxys_headers_from_somebody_else_mean_nothing(installation: Installation, path: str) -> None:
    forged = {
        "X-Forwarded-Host": EVIL,
        "X-Forwarded-Proto": "gopher",
        "X-Forwarded-Prefix": f"//{EVIL}",
        "X-Forwarded-Port": "81",
        "X-Forwarded-For": "6.6.6.6",
        "Forwarded": f"host={EVIL};for=6.6.6.6",
        "X-Original-URL": f"/{EVIL}",
        "X-Rewrite-URL": f"/{EVIL}",
        "X-HTTP-Method-Override": "DELETE",
    }
    answer = installation.client.get(path, headers={**BROWSER, **forged})
    assert EVIL not in answer.text
    assert EVIL not in str(answer.headers)
    assert "gopher" not in answer.text


@pytest.mark.parametrize("path", ["/f/any", "/f/any?x=1", "/f/any/thanks"])
@pytest.mark.parametrize(
    "referrer", ["http://[", "http://[::1", "//[", "http://x:y", "javascript:x", "\xff", ":" * 2000]
)
def test_a_referrer_that_is_no_address_is_no_fault(installation: Installation, path: str, referrer: str) -> None:
    assert installation.client.get(path, headers={**BROWSER, "Referer": referrer}).status_code == 200


def test_with_a_public_url_no_host_is_believed(install: Install) -> None:
    client = install({"any": any_name()}, **SETTINGS, PUBLIC_URL="https://forms.example.com").client
    for path in ("/f/any", "/f/any/snippet", "/f/any/snippet?kind=script", "/f/any/thanks"):
        page = client.get(path, headers={**BROWSER, "Host": EVIL}).text
        assert EVIL not in page
    posted = client.post("/f/any", data={"message": "host"}, headers={**BROWSER, "Host": EVIL})
    assert urlsplit(posted.headers["Location"]).netloc == ""


def test_one_requests_headers_are_in_nobody_elses_page(install: Install) -> None:
    """A page is drawn once and kept: also the one that was asked for through a proxy that let everything through."""
    settings = {**SETTINGS, "PUBLIC_URL": "https://forms.example.com", "TRUSTED_PROXIES": "1"}
    client = install({"any": any_name()}, **settings).client
    forged = {"X-Forwarded-Prefix": f"//{EVIL}", "X-Forwarded-Host": EVIL, "X-Forwarded-Proto": "gopher"}
    client.get("/f/any", headers={**BROWSER, **forged})
    page = client.get("/f/any", headers=BROWSER)
    assert 'action="/f/any"' in page.text
    assert EVIL not in f"{page.text}{page.headers}"
    posted = client.post("/f/any", data={"message": "prefix"}, headers={**BROWSER, **forged})
    assert urlsplit(posted.headers["Location"]).netloc == ""


@pytest.mark.parametrize(
    "path", ["/static//form.js", "//f//any", "/console", "///evil.example//f/any", "/f//any/thanks"]
)
def test_no_host_gets_into_the_redirect_of_a_path(installation: Installation, path: str) -> None:
    where = installation.client.get("/", headers={**BROWSER, "Host": EVIL}, environ_overrides={"PATH_INFO": path})
    assert EVIL not in where.headers.get("Location", "")
    assert re.match(r"/(?![/\\])", where.headers.get("Location", "/"))


@pytest.mark.parametrize(("proxies", "proxys_word"), [("0", ""), ("1", ", 203.0.113.7")])
def test_who_posts_cannot_choose_the_address_that_is_counted(install: Install, proxies: str, proxys_word: str) -> None:
    """Behind one proxy only what that one wrote counts, which is the last; without a proxy nothing of it does."""
    settings = {**SETTINGS, "TRUSTED_PROXIES": proxies, "POST_LIMIT": "3/hour", "DELIVERY": "off"}
    client = install({"any": any_name()}, **settings).client
    answers = [post_from(client, f"6.6.6.{number}{proxys_word}", number) for number in range(5)]
    assert [each.status_code for each in answers] == [200, 200, 200, 429, 429]
    assert answers[-1].get_json()["error_code"] == "lf301"


def post_from(client: Any, forwarded: str, number: int) -> TestResponse:
    headers = {**SCRIPT, "X-Forwarded-For": forwarded}
    found: TestResponse = client.post("/f/any", data={"message": f"number {number}"}, headers=headers)
    return found


def test_the_address_of_a_lead_is_not_the_visitors_to_choose(installation: Installation) -> None:
    answer = installation.client.post(
        "/f/any", data={"message": "from"}, headers={**SCRIPT, "X-Forwarded-For": "6.6.6.6"}
    )
    assert installation.lead(answer.get_json()["lead"])["source"]["ip"] == "127.0.0.0"


# --- packed bodies ---


@pytest.mark.parametrize("encoding", ["gzip", "GZIP", "deflate", "br", "zstd", "gzip, gzip", "x-gzip", "nonsense"])
def test_a_packed_body_is_never_unpacked(installation: Installation, encoding: str) -> None:
    plain = b"message=" + b"a" * 20_000_000
    packed = gzip.compress(plain, 1) if "gzip" in encoding.lower() else zlib.compress(plain, 1)
    before = len(installation.leads())
    for content_type in ("application/x-www-form-urlencoded", "application/json", "multipart/form-data; boundary=x"):
        headers = {**SCRIPT, "Content-Encoding": encoding}
        for body in (packed, b"message=plain+after+all"):
            answer = installation.client.post("/f/any", data=body, headers=headers, content_type=content_type)
            assert answer.get_json()["error_code"] in {"lf201", "lf203"}
    assert len(installation.leads()) == before


# --- headers and frames ---

FRAMABLE = {"public.show", "public.post", "public.submit", "public.thanks"}
STRICT = {
    "default-src": ["'none'"],
    "script-src": ["'self'"],
    "base-uri": ["'none'"],
    "img-src": ["'self'", "data:"],
    "font-src": ["'self'"],
    "connect-src": ["'self'"],
}


def every_address(app: Flask) -> Iterator[tuple[str, str, str]]:
    """Each route with each method it has, and some that it has not."""
    for rule in app.url_map.iter_rules():
        values = {name: {"name": "any", "filename": "form.js", "number": 1}.get(name, "x") for name in rule.arguments}
        path = str(rule.build(values)[1]) if rule.arguments else rule.rule  # type: ignore[index]
        for method in sorted({*(rule.methods or ()), "PUT", "DELETE", "TRACE"}):
            yield rule.endpoint, method, path


def test_every_answer_has_a_strict_policy_and_only_forms_may_be_framed(installation: Installation) -> None:
    client = installation.client
    addresses = [
        *every_address(installation.app),
        ("none", "GET", "/none"),
        ("none", "POST", "/"),
        ("none", "GET", "/f/"),
    ]
    assert len(addresses) > 60
    for endpoint, method, path in addresses:
        for who in (BROWSER, SCRIPT):
            with client.open(path, method=method, headers=who) as answer:
                answer.get_data()
            where = f"{method} {path}"
            assert answer.status_code < 500, where
            rules = policy_of(answer)
            for name, expected in STRICT.items():
                assert rules[name] == expected, where
            assert "unsafe" not in answer.headers["Content-Security-Policy"], where
            assert answer.headers["X-Content-Type-Options"] == "nosniff", where
            assert answer.headers["Referrer-Policy"] == "strict-origin-when-cross-origin", where
            if endpoint not in FRAMABLE:
                assert is_shut_to_strangers(answer, rules), where


def policy_of(answer: TestResponse) -> dict[str, list[str]]:
    parts = answer.headers["Content-Security-Policy"].split(";")
    return {words[0]: words[1:] for words in (part.split() for part in parts)}


def is_shut_to_strangers(answer: TestResponse, rules: dict[str, list[str]]) -> bool:
    """Our own pages may frame some of ours; a script's answer to a script is no page."""
    if not answer.content_type.startswith("text/html"):
        return True
    shut = (rules.get("frame-ancestors"), answer.headers.get("X-Frame-Options"))
    return shut in ((["'none'"], "DENY"), (["'self'"], "SAMEORIGIN"))


def test_a_form_that_is_not_there_cannot_be_framed(installation: Installation) -> None:
    answer = installation.client.get("/f/none", headers=BROWSER)
    assert policy_of(answer)["frame-ancestors"] == ["'none'"]
    assert answer.headers["X-Frame-Options"] == "DENY"


def test_a_form_for_some_sites_names_them_on_every_page_of_it(installation: Installation) -> None:
    client = installation.client
    for answer in (
        client.get("/f/only", headers=BROWSER),
        client.get("/f/only/thanks", headers=BROWSER),
        client.post("/f/only", data={"message": ""}, headers=BROWSER),
        client.post("/submit", data={"web_key": "LF_on"}, headers=BROWSER),
    ):
        assert policy_of(answer)["frame-ancestors"] == ["'self'", "https://www.example.com"]


# --- the server's own log and answers ---


@pytest.fixture(scope="module")
def server(installation: Installation) -> Iterator[Server]:
    with installation.gunicorn(workers=1) as running:
        yield running


def test_malformed_requests_forge_no_line_of_the_log_and_no_header(server: Server, installation: Installation) -> None:
    for raw in (
        b"GET /\x1b[2Jforged HTTP/1.1\r\nHost: x\r\n\r\n",
        b"\x1b]0;forged\x07 / HTTP/1.1\r\n\r\n",
        b"GET / HTTP/1.1\r\nHost: x\r\nX\x1b[31mforged: 1\r\n\r\n",
        b"GET / HTTP/9.9\nforged\r\n\r\n",
        b"GET /f/any HTTP/1.1\r\nHost: x\r\nX-Request-Id: forged\x0bline-here\r\n\r\n",
        b"GET /f/any HTTP/1.1\r\nHost: x\r\nAccess-Control-Request-Headers: a\rforged: 1\r\n\r\n",
        b"GET /f/any%0d%0aforged:%201 HTTP/1.1\r\nHost: x\r\n\r\n",
        b'GET /f/any?a=%0d%0aforged:%201 HTTP/1.1\r\nHost: a"><script>forged\r\n\r\n',
    ):
        host, port = server.url.removeprefix("http://").split(":")
        with socket.create_connection((host, int(port)), timeout=5) as sock:
            sock.sendall(raw)
            sock.shutdown(socket.SHUT_WR)
            answer = b"".join(iter(lambda sock=sock: sock.recv(65_536), b""))  # type: ignore[misc]
        head = answer.partition(b"\r\n\r\n")[0]
        assert b" 500 " not in head[:20]
        assert not re.search(rb"(?im)^forged", head)
        assert b"<script>forged" not in answer
    log = (installation.root / "process.log").read_bytes()
    assert not re.search(rb"[\x00-\x09\x0b-\x1f\x7f]", log)
    assert b"Traceback" not in log
    assert not re.search(rb"(?m)^forged", log)
    assert requests.get(f"{server.url}/healthz", timeout=5).ok
