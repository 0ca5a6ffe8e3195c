"""Bodies good and bad: read in full or refused with a documented code, quickly, in bounded memory, never by halves."""

from __future__ import annotations

import io
import json
import socket
import time
from collections.abc import Callable, Iterator
from contextlib import closing
from http.client import HTTPConnection
from itertools import islice
from pathlib import Path
from typing import Any
from urllib.parse import quote_plus, urlencode, urlsplit

import pytest
import requests
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from werkzeug.test import TestResponse

from leadferry.tokens import PageTokens
from tests.conftest import Install
from tests.installation import Installation, Server, make
from tests.web.forms import BROWSER, NOWHERE, OOPS, SCRIPT, SETTINGS, any_name, quote, said

FORM = "application/x-www-form-urlencoded"
JSON = "application/json"
MULTIPART = "multipart/form-data; boundary=cut"
MIB = 1024 * 1024

WITH_FILE = f"""
web_key: LF_file
fields:
  - {{name: message}}
  - {{name: plan, type: file}}
vendor: {{name: aicore, url: "{NOWHERE}", sitecom_token: "${{CT_KEY}}", wait: 0}}
"""


@pytest.fixture(scope="module")
def installation(tmp_path_factory: pytest.TempPathFactory) -> Iterator[Installation]:
    """One for all tests here, which count its leads; a form that asks for nothing would take the least scrap."""
    found = make(tmp_path_factory.mktemp("bodies"), environ={**SETTINGS, "DELIVERY": "off"})
    found.form("any", any_name())
    found.form("strict", any_name().replace("LF_any", "LF_strict") + "expansion: reject")
    found.form("plan", WITH_FILE)
    yield found
    found.close()


@pytest.fixture(scope="module")
def client(installation: Installation) -> FlaskClient:
    return installation.client


@pytest.fixture
def count(installation: Installation) -> Callable[[], int]:
    def leads() -> int:
        with installation.store.read() as connection:
            return int(connection.exec_driver_sql("SELECT count(*) FROM lead").scalar_one())

    return leads


@pytest.fixture(scope="module")
def server(installation: Installation) -> Iterator[Server]:
    with installation.gunicorn() as found:
        yield found


def parts(*fields: tuple[str, str | bytes], end: str = "--cut--\r\n") -> bytes:
    """A multipart body; each field is the rest of its Content-Disposition, and its content."""
    found = b""
    for disposition, content in fields:
        raw = content if isinstance(content, bytes) else content.encode()
        found += f"--cut\r\nContent-Disposition: form-data{disposition}\r\n\r\n".encode() + raw + b"\r\n"
    return found + end.encode()


def many(number: int) -> dict[str, str]:
    return {f"n{i}": "x" for i in range(number)}


BAD: dict[str, tuple[str | None, bytes, str]] = {
    # what it is: (content type, body, error_code)
    "plain text": ("text/plain", b"message=hello", "lf201"),
    "XML": ("application/xml", b"<message>hello</message>", "lf201"),
    "JSON under another name": ("application/x-json", b'{"message":"hello"}', "lf201"),
    "no type": (None, b"message=hello", "lf201"),
    "a type that is none": ("%%%", b"message=hello", "lf201"),
    "JSON cut off": (JSON, b'{"message":"hel', "lf201"),
    "JSON and more": (JSON, b'{"message":"hello"}}', "lf201"),
    "JSON that is a list": (JSON, b'["message"]', "lf201"),
    "JSON that is a list of pairs": (JSON, b'[["message","hello"]]', "lf201"),
    "JSON that is a text": (JSON, b'"message"', "lf201"),
    "JSON that is a number": (JSON, b"42", "lf201"),
    "JSON that is null": (JSON, b"null", "lf201"),
    "JSON with an object inside": (JSON, b'{"message":{"text":"hello"}}', "lf201"),
    "JSON with an object in a list": (JSON, b'{"message":[{"text":"hello"}]}', "lf201"),
    "JSON with a list in a list": (JSON, b'{"message":[["hello"]]}', "lf201"),
    "JSON nested without end": (JSON, b"[" * 500_000, "lf201"),
    "JSON objects nested without end": (JSON, b'{"a":' * 200_000, "lf201"),
    "JSON that is no number": (JSON, b'{"message":NaN}', "lf201"),
    "JSON that is not UTF-8": (JSON, b'{"message":"\xff"}', "lf201"),
    "JSON in UTF-16": (JSON, '{"message":"hello"}'.encode("utf-16"), "lf201"),
    "JSON with one key twice": (JSON, b'{"message":"a","message":"b"}', "lf201"),
    "JSON without a name": (JSON, b'{"":"hello"}', "lf201"),
    "JSON with half a character for a name": (JSON, b'{"\\ud800":"hello"}', "lf201"),
    "JSON with NUL in a name": (JSON, b'{"a\\u0000":"hello"}', "lf201"),
    "JSON with 501 fields": (JSON, json.dumps(many(501)).encode(), "lf203"),
    "JSON with 501 values": (JSON, json.dumps({"a": ["x"] * 501}).encode(), "lf203"),
    "JSON with a name too long": (JSON, json.dumps({"n" * 201: "x"}).encode(), "lf203"),
    "JSON with a value too long": (JSON, json.dumps({"message": "x" * 65_537}).encode(), "lf203"),
    "a value that is not UTF-8": (FORM, b"message=%ff", "lf201"),
    "a value of raw bytes that are not UTF-8": (FORM, b"message=\xe9", "lf201"),
    "a value with half a character": (FORM, b"message=%ed%a0%80", "lf201"),
    "a name that is not UTF-8": (FORM, b"%ff=hello", "lf201"),
    "NUL in a name": (FORM, b"a%00b=hello", "lf201"),
    "no name": (FORM, b"=hello", "lf201"),
    "one name, two values": (FORM, b"message=a&message=b", "lf201"),
    "501 fields": (FORM, urlencode(many(501)).encode(), "lf203"),
    "10,000 fields": (FORM, urlencode(many(10_000)).encode(), "lf203"),
    "a name too long": (FORM, b"n" * 201 + b"=x", "lf203"),
    "a value too long": (FORM, b"message=" + b"x" * 65_537, "lf203"),
    "a value too long in bytes": (FORM, ("message=" + "ü" * 32_769).encode(), "lf203"),
    "a body too large": (FORM, b"x=" + b"&" * MIB, "lf203"),
    "an encoding nobody knows": (f"{FORM}; charset=klingon", b"message=hello", "lf201"),
    "no boundary": ("multipart/form-data", parts(('; name="message"', "hello")), "lf201"),
    "a boundary beyond ASCII": ("multipart/form-data; boundary=gr\xfc\xdf", b"--", "lf201"),
    "no parts": (MULTIPART, b"message=hello", "lf201"),
    "parts cut off before the last boundary": (MULTIPART, parts(('; name="message"', "hello"), end=""), "lf201"),
    "parts cut off in the boundary": (MULTIPART, parts(('; name="message"', "hello"), end="--cu"), "lf201"),
    "parts cut off in a value": (MULTIPART, parts(('; name="message"', "hello"), end="")[:-5], "lf201"),
    "parts cut off in a heading": (MULTIPART, b"--cut\r\nContent-Dispo", "lf201"),
    "a part without a heading": (MULTIPART, b"--cut\r\n\r\nhello\r\n--cut--\r\n", "lf201"),
    "a part without a name": (MULTIPART, parts(("", "hello")), "lf201"),
    "a part with an empty name": (MULTIPART, parts(('; name=""', "hello")), "lf201"),
    "a part that is not UTF-8": (MULTIPART, parts(('; name="message"', b"\xff")), "lf201"),
    "a heading that is not UTF-8": (
        MULTIPART,
        b'--cut\r\nContent-Disposition: form-data; name="\xff"\r\n\r\n',
        "lf201",
    ),
    "NUL in a part's name": (MULTIPART, parts(('; name="a\x00b"', "hello")), "lf201"),
    "501 parts": (MULTIPART, parts(*((f'; name="{name}"', "x") for name in many(501))), "lf203"),
    "10,000 parts": (MULTIPART, parts(*((f'; name="{name}"', "x") for name in many(10_000))), "lf203"),
    "a part too long": (MULTIPART, parts(('; name="message"', "x" * 65_537)), "lf203"),
    "a file that nobody asked for": (MULTIPART, parts(('; name="f"; filename="f.txt"', "hello")), "lf201"),
    "nothing": (None, b"", "lf202"),
    "an empty form": (FORM, b"", "lf202"),
    "a form of ampersands": (FORM, b"&&&", "lf202"),
    "empty JSON": (JSON, b"", "lf202"),
    "an empty JSON object": (JSON, b"{}", "lf202"),
    "empty multipart": (MULTIPART, b"", "lf202"),
    "multipart without parts": (MULTIPART, b"--cut--\r\n", "lf202"),
    "a name that the form forbids": (FORM, b"message=x&colour=blue", "lf201"),
}


@pytest.mark.parametrize("what", BAD)
def test_a_bad_body_is_refused_with_its_code_and_leaves_nothing_behind(
    client: FlaskClient, count: Callable[[], int], what: str
) -> None:
    content_type, body, code = BAD[what]
    path = "/f/strict" if what.endswith("forbids") else "/f/any"
    before, began = count(), time.process_time()
    answer = client.post(path, data=body, content_type=content_type, headers=SCRIPT)
    page = client.post(path, data=body, content_type=content_type, headers=BROWSER)
    assert time.process_time() - began < 4
    assert said(answer)["error_code"] == code
    assert answer.status_code == {"lf201": 422, "lf202": 422, "lf203": 413}[code]
    assert page.status_code == answer.status_code
    assert page.mimetype == "text/html"
    assert "Traceback" not in page.text
    assert count() == before


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        (FORM, b"message=%ff"),
        (FORM, b"x=" + b"&" * 12 * MIB),
        (JSON, b"{"),
        (MULTIPART, b"--cut"),
        ("text/plain", b"x"),
    ],
)
def test_without_a_body_there_is_no_web_key_but_the_body_is_what_is_wrong(
    client: FlaskClient, content_type: str, body: bytes
) -> None:
    answer = client.post("/submit", data=body, content_type=content_type)
    assert said(answer)["error_code"] in {"lf201", "lf203"}


@pytest.mark.parametrize("path", ["/f/nobody", "/f/", "/f/any/more", "/f/%ff", "/f/..%2f..%2fetc"])
def test_an_unknown_form_is_404(client: FlaskClient, count: Callable[[], int], path: str) -> None:
    before = count()
    answer = client.post(path, data={"message": "hello"}, headers=SCRIPT)
    assert answer.status_code == 404
    assert said(answer)["Message"] == "Error"
    page = client.post(path, data={"message": "hello"}, headers=BROWSER)
    assert (page.status_code, page.mimetype) == (404, "text/html")
    assert count() == before


def test_an_unknown_form_has_the_code_of_an_unknown_key(client: FlaskClient) -> None:
    assert said(client.post("/f/nobody", data={"message": "hello"}))["error_code"] == "ct101"


# --- what is just small enough ---


def kept(installation: Installation, answer: TestResponse) -> dict[str, Any]:
    assert answer.status_code == 200, answer.text
    values = installation.lead(said(answer)["lead"])["values"]
    assert isinstance(values, dict)
    return values


def test_500_fields_are_taken(installation: Installation, client: FlaskClient) -> None:
    fields = {f"k{i}": "x" for i in range(499)} | {"web_key": "LF_any"}
    assert len(kept(installation, client.post("/submit", data=fields))) == 499
    assert len(kept(installation, client.post("/submit", json=fields))) == 499
    assert len(kept(installation, client.post("/submit", data=fields, content_type=MULTIPART[:19]))) == 499


def test_a_name_of_200_characters_is_taken(installation: Installation, client: FlaskClient) -> None:
    assert kept(installation, client.post("/f/any", data={"ü" * 200: "x"})) == {"ü" * 200: "x"}


def test_a_value_of_64_kib_is_taken_and_cut_to_its_limit(installation: Installation, client: FlaskClient) -> None:
    assert kept(installation, client.post("/f/any", data={"message": "y" * 65_536})) == {"message": "y" * 10_000}


def test_beside_a_value_that_is_too_large_nothing_typed_is_lost(install: Install) -> None:
    client = install({"quote": quote()}, **SETTINGS).client
    typed = {"firstName": "Jane", "notes": "x" * 70_000}
    page = client.post("/f/quote", data=typed, headers=BROWSER)
    assert page.status_code == 413
    assert 'value="Jane"' in page.text
    posted = {**typed, "web_key": "LF_quote_1", "OnErrorURL": OOPS}
    moved = client.post("/submit", data=posted, headers=BROWSER)
    assert moved.headers["Location"] == f"{OOPS}?error_code=lf203&msg=Submission+Too+Large"


def test_a_body_of_1_mib_is_taken_and_one_byte_more_is_not(client: FlaskClient) -> None:
    body = b"message=z" + b"&" * (MIB - 9)
    assert client.post("/f/any", data=body, content_type=FORM).status_code == 200
    assert client.post("/f/any", data=body + b"&", content_type=FORM).status_code == 413


def with_file(web_key: str, content: bytes, **fields: str) -> bytes:
    texts = [(f'; name="{name}"', text) for name, text in {"web_key": web_key, **fields}.items()]
    return parts(*texts, ('; name="plan"; filename="C:/plans/my plan.pdf"', content))


def test_empty_pairs_are_no_fields(installation: Installation, client: FlaskClient) -> None:
    body = "a=1" + "&" * 600 + "message=hello&"
    answer = client.post("/f/any", data=body, content_type=FORM)
    assert kept(installation, answer) == {"a": "1", "message": "hello"}


def test_a_form_with_a_file_takes_12_mib(installation: Installation, client: FlaskClient) -> None:
    plan = b"%PDF" + bytes(11 * MIB)
    for path in ("/f/plan", "/submit"):
        answer = client.post(path, data=with_file("LF_file", plan, message=path), content_type=MULTIPART)
        assert kept(installation, answer) == {"message": path}
    with installation.store.read() as connection:
        rows = connection.exec_driver_sql("SELECT field, filename, content FROM lead_file").all()
    assert [tuple(row) for row in rows] == [("plan", "my plan.pdf", plan)] * 2
    too_large = with_file("LF_file", bytes(12 * MIB))
    assert client.post("/f/plan", data=too_large, content_type=MULTIPART).status_code == 413


def test_a_form_without_a_file_takes_1_mib_wherever_it_is_posted(client: FlaskClient) -> None:
    answer = client.post("/submit", data=with_file("LF_any", bytes(2 * MIB)), content_type=MULTIPART)
    assert (answer.status_code, said(answer)["error_code"]) == (413, "lf203")


def test_a_file_field_left_empty_is_no_file(installation: Installation, client: FlaskClient) -> None:
    data = {"message": "no plan", "plan": (io.BytesIO(b""), "")}
    assert kept(installation, client.post("/f/plan", data=data)) == {"message": "no plan"}


# --- encodings ---


@pytest.mark.parametrize(
    ("content_type", "body"),
    [
        (FORM, "message=" + quote_plus("Zoë “€”")),
        (f"{FORM}; charset=UTF-8", "message=" + quote_plus("Zoë “€”")),
        (f"{FORM}; charset=windows-1252", "message=Zo%EB+%93%80%94"),
        (f"{FORM}; charset=ISO-8859-1", "message=Zo%EB+%93%80%94"),
        (FORM, "_charset_=windows-1252&message=Zo%EB+%93%80%94"),
        (f"{FORM}; charset=utf-8", "message=Zo%EB+%93%80%94&_charset_=windows-1252"),
        (MULTIPART, parts(('; name="message"', "Zoë “€”"))),
        (MULTIPART, parts(('; name="_charset_"', "windows-1252"), ('; name="message"', b"Zo\xeb \x93\x80\x94"))),
        (MULTIPART + "; charset=windows-1252", parts(('; name="message"', b"Zo\xeb \x93\x80\x94"))),
        (MULTIPART, parts(('; name="message"\r\nContent-Type: text/plain; charset=cp1252', b"Zo\xeb \x93\x80\x94"))),
        (JSON, '{"message":"Zoë “€”","_charset_":"UTF-8"}'),
        (JSON, '\ufeff{"message":"Zo\\u00eb \\u201c\\u20ac\\u201d"}'),
        (f"{JSON}; charset=utf-8", '{"message":"Zoë “€”"}'),
    ],
)
def test_text_is_read_in_the_encoding_that_is_declared(
    installation: Installation, client: FlaskClient, content_type: str, body: str | bytes
) -> None:
    answer = client.post("/f/any", data=body, content_type=content_type)
    assert kept(installation, answer) == {"message": "Zoë “€”"}


@pytest.mark.parametrize("codec", ["utf-7", "punycode", "idna", "unicode_escape", "rot13", "base64", "zip", "a\x00b"])
def test_what_pages_are_not_written_in_is_no_encoding(client: FlaskClient, codec: str) -> None:
    for body in (f"_charset_={quote_plus(codec)}&message=hello", f"message=hello&_charset_={quote_plus(codec)}"):
        answer = client.post("/f/any", data=body, content_type=FORM)
        assert (answer.status_code, said(answer)["error_code"]) == (422, "lf201")


@pytest.mark.parametrize(
    ("content_type", "body"),
    [(FORM, "message=he%00l%01lo%7f&nul=%00"), (JSON, '{"message":"he\\u0000l\\ud800lo","nul":"\\u0000"}')],
)
def test_control_characters_go_from_values(
    installation: Installation, client: FlaskClient, content_type: str, body: str
) -> None:
    assert kept(installation, client.post("/f/any", data=body, content_type=content_type)) == {"message": "hello"}


def test_json_values_are_texts_whatever_json_calls_them(installation: Installation, client: FlaskClient) -> None:
    body = (
        '{"a":1,"b":1.50,"c":true,"d":false,"e":null,"f":[1,"x",null,true],"g":10000000000000000000000,"h":[],"i":""}'
    )
    assert kept(installation, client.post("/f/any", data=body, content_type=JSON)) == {
        "a": "1",
        "b": "1.50",
        "c": "true",
        "d": "false",
        "f": "1, x, true",
        "g": "10000000000000000000000",
    }


# --- any post at all ---

NAMES = st.one_of(
    st.sampled_from(
        "message name firstName lastName phone email smsok zip state notes tag page_url utm_source gclid web_key "
        "OnSuccessURL OnErrorURL form_submit_redirect _lf_token _lf_x _gotcha colour".split()
    ),
    st.text(max_size=8),
)
VALUES = st.one_of(
    st.sampled_from(["", "1", "0", "yes", "jane@example.com", "(512) 789-1111", "Texas", "https://www.example.com/"]),
    st.sampled_from([PageTokens(SETTINGS["CT_KEY"]).make("any"), "<b>", "&lt;b&gt;", "\x00", "x" * 300, "a\r\nb"]),
    st.text(max_size=40),
)
PAIRS = st.lists(st.tuples(NAMES, VALUES), max_size=8)
ONE_BY_ONE = settings(deadline=None, max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])


@given(pairs=PAIRS, path=st.sampled_from(["/f/any", "/f/strict", "/submit"]), who=st.sampled_from([SCRIPT, BROWSER]))
@ONE_BY_ONE
def test_no_post_is_a_fault_or_more_than_one_lead(
    client: FlaskClient, count: Callable[[], int], pairs: list[tuple[str, str]], path: str, who: dict[str, str]
) -> None:
    before = count()
    pairs = [*pairs, ("web_key", "LF_any")]
    answer = client.post(path, data=urlencode(pairs, errors="surrogatepass"), content_type=FORM, headers=who)
    assert answer.status_code in {200, 303, 403, 413, 422}
    stored = count() - before
    assert stored in {0, 1}
    assert stored == 0 or answer.status_code in {200, 303}


@given(raw=st.binary(max_size=200), content_type=st.sampled_from([FORM, JSON, MULTIPART, "text/plain", ""]))
@ONE_BY_ONE
def test_no_bytes_are_a_fault(client: FlaskClient, raw: bytes, content_type: str) -> None:
    body = b"--cut\r\nContent-Disposition: form-data; " + raw if content_type == MULTIPART else raw
    assert client.post("/f/any", data=body, content_type=content_type).status_code in {200, 413, 422}


@given(st.lists(st.tuples(NAMES, VALUES), max_size=8))
@ONE_BY_ONE
def test_json_and_form_of_the_same_answers_store_the_same(
    client: FlaskClient, count: Callable[[], int], pairs: list[tuple[str, str]]
) -> None:
    """The second of the two is a repetition of the first only if every value came out alike."""
    table: dict[str, list[str]] = {}
    for name, value in pairs:
        table.setdefault(name, []).append(value)
    form = client.post("/f/any", data=urlencode(pairs), content_type=FORM)
    after_first = count()
    body = json.dumps({name: each if each[1:] else each[0] for name, each in table.items()})
    answer = client.post("/f/any", data=body, content_type=JSON)
    assert (form.status_code, form.location, form.get_json()) == (
        answer.status_code,
        answer.location,
        answer.get_json(),
    )
    assert count() == after_first


def test_multipart_of_the_same_answers_stores_the_same(client: FlaskClient) -> None:
    answers = {"message": "one\r\ntwo", "Favorite Chocolate": "Dark & <b>bitter</b>", "phone": "(512) 789-1111"}
    posts = [
        client.post("/f/any", data=answers),
        client.post("/f/any", data=answers, content_type="multipart/form-data"),
        client.post("/f/any", json=answers),
    ]
    assert len({said(each)["lead"] for each in posts}) == 1


# --- on real sockets ---


def peak(server: Server) -> int:
    """The most memory that any worker ever held, in MiB."""
    children = Path(f"/proc/{server.process.pid}/task/{server.process.pid}/children").read_text().split()
    return max(_peak_of(pid) for pid in children)


def _peak_of(pid: str) -> int:
    status = Path(f"/proc/{pid}/status").read_text()
    return next(int(line.split()[1]) for line in status.splitlines() if line.startswith("VmHWM:")) // 1024


@pytest.fixture
def large(tmp_path: Path) -> Path:
    path = tmp_path / "large"
    with path.open("wb") as file:
        file.truncate(100_000_000)
    return path


def send_with_requests(url: str, path: Path, headers: dict[str, str]) -> tuple[int, dict[str, Any]]:
    with path.open("rb") as body:
        answer = requests.post(url, data=body, headers=headers, timeout=20)
    return answer.status_code, answer.json()


def send_all_before_reading(url: str, path: Path, headers: dict[str, str]) -> tuple[int, dict[str, Any]]:
    """As most clients do: a connection that is closed before they have sent all is an error to them, not an answer."""
    where = urlsplit(url)
    with closing(HTTPConnection(where.netloc, timeout=20)) as connection, path.open("rb") as body:
        connection.request("POST", where.path, body, {**headers, "Content-Length": str(path.stat().st_size)})
        answer = connection.getresponse()
        return answer.status, json.load(answer)


def test_100_mb_are_refused_with_an_answer_that_arrives_in_bounded_memory(
    server: Server, large: Path, count: Callable[[], int]
) -> None:
    before = count(), peak(server)
    for path, content_type, connection, status in [
        ("/f/any", FORM, "keep-alive", 413),
        ("/f/plan", MULTIPART, "close", 413),  # as many proxies send it; and then nobody but us reads the rest
        ("/submit", JSON, "close", 413),
        ("/f/any", "text/plain", "close", 413),
        ("/f/nobody", FORM, "close", 404),
    ]:
        headers = {"Content-Type": content_type, "Connection": connection, "Accept": "application/json"}
        for send in (send_all_before_reading, send_with_requests):
            found, told = send(f"{server.url}{path}", large, headers)
            assert (found, told["error_code"]) == (status, "lf203" if status == 413 else "ct101")
    assert count() == before[0]
    assert peak(server) - before[1] < 40


def chunks(size: int) -> Iterator[bytes]:
    yield b"web_key=LF_any&message=chunked"
    yield from islice(iter(lambda: b"&" * 65_536, None), size // 65_536)


def test_a_body_without_a_length_is_taken_or_refused_like_any_other(server: Server, installation: Installation) -> None:
    taken = requests.post(f"{server.url}/f/any", data=chunks(0), headers={"Content-Type": FORM}, timeout=20)
    assert installation.lead(taken.json()["lead"])["values"] == {"message": "chunked"}
    before = peak(server)
    for path, size in [("/f/any", 2 * MIB), ("/f/any", 100 * MIB), ("/submit", 2 * MIB), ("/submit", 100 * MIB)]:
        refused = requests.post(f"{server.url}{path}", data=chunks(size), headers={"Content-Type": FORM}, timeout=20)
        assert (refused.status_code, refused.json()["error_code"]) == (413, "lf203")
    assert peak(server) - before < 60  # either process may have gathered the 12 MiB of a form with a file, and read it


def raw_post(server: Server, head: str, body: bytes, *, stay: bool = True) -> bytes:
    """What the server says to a post that ends where ``body`` ends. Without ``stay`` nobody listens any more."""
    where = urlsplit(server.url)
    with socket.create_connection((where.hostname, where.port), timeout=10) as connection:
        connection.sendall(f"POST /f/any HTTP/1.1\r\nHost: x\r\nContent-Type: {FORM}\r\n{head}\r\n\r\n".encode() + body)
        if not stay:
            return b""
        connection.shutdown(socket.SHUT_WR)
        return b"".join(iter(lambda: connection.recv(65_536), b""))


def test_a_body_cut_off_in_the_middle_is_refused_and_not_stored(server: Server, count: Callable[[], int]) -> None:
    before = count()
    answer = raw_post(server, "Content-Length: 1000", b"message=I would like to sell my ho")
    assert b" 422 " in answer.split(b"\r\n")[0]
    assert b'"lf201"' in answer
    for head, body in [
        ("Transfer-Encoding: chunked", b"1f\r\nmessage=I would like to sell my\r\n"),
        ("Transfer-Encoding: chunked", b"ff\r\nmessage=I would like to sell my"),
        ("Transfer-Encoding: chunked", b"zz\r\nmessage=I would like to sell my"),
        ("Content-Length: 1000", b""),
        ("Content-Length: -1", b"message=hello"),
    ]:
        answer = raw_post(server, head, body)
        assert answer.split(b" ")[1:2] in ([b"422"], [b"400"], [])
        assert b"Traceback" not in answer
        raw_post(server, head, body, stay=False)
    assert requests.get(f"{server.url}/healthz", timeout=10).ok
    assert count() == before


def test_10_000_fields_are_refused_over_a_socket(server: Server, count: Callable[[], int]) -> None:
    before = count()
    for post in ({"data": many(10_000)}, {"json": many(10_000)}, {"files": dict.fromkeys(many(10_000), (None, "x"))}):
        answer = requests.post(f"{server.url}/f/any", timeout=20, **post)
        assert (answer.status_code, answer.json()["error_code"]) == (413, "lf203")
    assert count() == before


def test_no_bad_body_is_a_fault_in_the_log(server: Server, installation: Installation) -> None:
    for content_type, body, _ in BAD.values():
        headers = {"Content-Type": content_type.encode("latin-1")} if content_type else {}
        answer = requests.post(f"{server.url}/f/strict", data=body, headers=headers, timeout=20)
        assert 400 <= answer.status_code < 500
    log = (installation.root / "process.log").read_text("utf-8", "replace")
    assert "Traceback" not in log
    assert '"level": "error"' not in log
