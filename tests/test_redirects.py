"""Where visitors may be sent: only to hosts of the form's own, whichever way a browser reads the address."""

from __future__ import annotations

import ipaddress
import re
from urllib.parse import unquote

import idna
import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st

from leadferry.redirects import allowed, origin, web_address, with_error

ORIGINS = frozenset({"https://www.example.com", "https://shop.example.com:8443", "http://old.example.com"})


# --- how a browser reads an address: https://url.spec.whatwg.org/#concept-basic-url-parser, special schemes only ---

SPECIAL = {"http": 80, "https": 443, "ftp": 21, "ws": 80, "wss": 443}
FORBIDDEN = set("\x00\t\n\r #/:<>?@[\\]^|%\x7f") | {chr(code) for code in range(0x20)}


def browsers_origin(url: str) -> str | None:
    """`scheme://host[:port]` as a browser has it, or None: not an absolute web address, or one it refuses."""
    url = re.sub(r"[\t\n\r]", "", url.strip("".join(map(chr, range(0x21)))))
    match = re.match(r"([A-Za-z][A-Za-z0-9+.\-]*):", url)
    if not match or match[1].lower() not in {"http", "https"}:
        return None
    scheme, rest = match[1].lower(), url[match.end() :]
    if not re.match(r"[/\\]{2}", rest):
        return None  # on a page of the same scheme this is a relative address
    authority = re.split(r"[/\\?#]", rest.lstrip("/\\"), maxsplit=1)[0]
    written, port = split_port(authority.rpartition("@")[2])
    host = browsers_host(written)
    if host is None or port is None:
        return None
    return f"{scheme}://{host}" if port in {"", str(SPECIAL[scheme])} else f"{scheme}://{host}:{port}"


def split_port(text: str) -> tuple[str, str | None]:
    match = re.fullmatch(r"(\[[^\]]*\]|[^:]*)(?::(.*))?", text, re.DOTALL)
    if not match:
        return "", None
    port = match[2] or ""
    if not re.fullmatch("[0-9]*", port) or int(port or 0) > 65535:
        return match[1], None
    return match[1], str(int(port)) if port else ""


def browsers_host(host: str) -> str | None:
    if host.startswith("["):
        try:
            return f"[{ipaddress.IPv6Address(host[1:-1])}]"
        except ValueError:
            return None
    try:
        host = idna.encode(unquote(host, errors="strict"), uts46=True).decode()
    except (idna.IDNAError, UnicodeError):
        return None
    if not host or set(host) & FORBIDDEN:
        return None
    if re.fullmatch(r"[0-9]+|0[xX][0-9A-Fa-f]*", host.rstrip(".").rpartition(".")[2]):
        return None  # an IPv4 address in one of its many spellings; none of ours is one
    return host


@pytest.mark.parametrize(
    ("url", "read"),
    [
        ("https://WWW.example.com:443/x", "https://www.example.com"),
        ("https://a@b@www.example.com\\@evil.test", "https://www.example.com"),
        ("https:\\\\evil.test/", "https://evil.test"),
        ("ht\ntps://evil.test", "https://evil.test"),
        ("https://www%2eexample.com/", "https://www.example.com"),
        ("https://ｗｗｗ.example。com", "https://www.example.com"),
        ("javascript:alert(1)", None),
        ("//evil.test", None),
        ("https://exa mple.com", None),
        ("https://www.example.com:99999", None),
    ],
)
def test_the_reader_of_this_test_reads_as_a_browser(url: str, read: str | None) -> None:
    assert browsers_origin(url) == read


# --- what is allowed ---

GOOD = {
    "https://www.example.com": "https://www.example.com",
    "https://www.example.com/": "https://www.example.com/",
    "www.example.com/thanks": "https://www.example.com/thanks",
    "  https://www.example.com/thanks  ": "https://www.example.com/thanks",
    "HTTPS://WWW.EXAMPLE.COM/Thanks": "HTTPS://WWW.EXAMPLE.COM/Thanks",
    "https://www.example.com:443/a": "https://www.example.com:443/a",
    "www.example.com:443/a": "https://www.example.com:443/a",
    "https://www.example.com?x=1": "https://www.example.com?x=1",
    "https://www.example.com#top": "https://www.example.com#top",
    "https://www.example.com/a?b=c&d=e#f": "https://www.example.com/a?b=c&d=e#f",
    "https://www.example.com/a?to=https://evil.test/@x": "https://www.example.com/a?to=https://evil.test/@x",
    "https://www.example.com/a@b:c": "https://www.example.com/a@b:c",
    "https://www.example.com//evil.test": "https://www.example.com//evil.test",
    "https://www.example.com/%0d%0aX:y": "https://www.example.com/%0d%0aX:y",
    "https://www.example.com/größe?q=ü#ä": "https://www.example.com/gr%C3%B6%C3%9Fe?q=%C3%BC#%C3%A4",
    "https://shop.example.com:8443/danke": "https://shop.example.com:8443/danke",
    "shop.example.com:8443/danke": "https://shop.example.com:8443/danke",
    "http://old.example.com/x": "http://old.example.com/x",
    "http://old.example.com:80/x": "http://old.example.com:80/x",
}


@pytest.mark.parametrize(("posted", "sent"), GOOD.items())
def test_an_address_of_ours_is_kept_as_it_is(posted: str, sent: str) -> None:
    assert allowed(posted, ORIGINS) == sent
    assert browsers_origin(sent) in ORIGINS


NASTY = [
    "",
    " ",
    "/thanks",
    "thanks.html",
    "?ok=1",
    "#ok",
    "//www.evil.test",
    "///evil.test",
    "////evil.test",
    "/\\evil.test",
    "\\\\evil.test",
    "https:evil.test",
    "https:/evil.test",
    "https:///evil.test",
    "https:\\\\evil.test",
    "https:/\\evil.test",
    "https://evil.test",
    "https://evil.test/www.example.com",
    "https://evil.test?www.example.com",
    "https://evil.test#www.example.com",
    "https://evil.test\\www.example.com",
    "https://www.example.com.evil.test",
    "https://www.example.comevil.test",
    "https://evilwww.example.com",
    "https://example.com",
    "https://sub.www.example.com",
    "https://www.example.com@evil.test",
    "https://www.example.com:443@evil.test",
    "https://www.example.com%40evil.test",
    "https://www.example.com%2f@evil.test",
    "https://jane@www.example.com",
    "https://jane:secret@www.example.com",
    "https://@www.example.com",
    "https://:@www.example.com",
    "https://evil.test\\@www.example.com",
    "https://www.example.com\\@evil.test",
    "https://www.example.com\\.evil.test",
    "https://www.example.com;evil.test",
    "https://www.example.com,evil.test",
    "https://www.example.com:444",
    "https://www.example.com:80",
    "https://www.example.com:0",
    "https://www.example.com:99999",
    "https://www.example.com:-1",
    "https://www.example.com:443:443",
    "https://www.example.com:443.evil.test",
    "https://www.example.com:４４３",
    "http://www.example.com",
    "https://old.example.com",
    "http://www.example.com:443",
    "https://shop.example.com",
    "https://shop.example.com:443",
    "www.example.com@evil.test",
    "www.example.com:443@evil.test",
    "evil.test:443",
    "ftp://www.example.com",
    "ws://www.example.com",
    "javascript:alert(1)",
    "javascript://www.example.com/%0aalert(1)",
    "JaVaScRiPt:alert(1)",
    "java\nscript:alert(1)",
    "\x01javascript:alert(1)",
    "data:text/html,<script>alert(1)</script>",
    "vbscript:x",
    "file:///etc/passwd",
    "blob:https://www.example.com/1",
    "view-source:https://www.example.com",
    "mailto:jane@www.example.com",
    "https:www.example.com",
    "https://www.example.com\t.evil.test",
    "https://www.exam\nple.com",
    "ht\ttps://www.example.com",
    "https://www.example.com/\r\nSet-Cookie: a=b",
    "https://www.example.com /",
    "https://www.example.com\x00.evil.test",
    "https://www.example.com/\x00",
    "https://www.example.com/\x7f",
    "https://www.example.com/a b",
    "https://www.example.com/\u2028",
    "https://www.example.com/\ud800",
    "https://www.example.com。evil.test",
    "https://www。example。com",
    "https://ｗｗｗ.example.com",
    "https://www.example.com／evil.test",
    "https://www.example.com＠evil.test",
    "https://www.example.com℀.evil.test",
    "https://wwẃ.example.com",
    "https://xn--www-.example.com",
    "https://www%2eexample.com",
    "https://www.example.com%00",
    "https://www.example.com.",
    "https://www..example.com",
    "https://.www.example.com",
    "https://[www.example.com]",
    "https://[::1]",
    "https://[::1",
    "https://0x7f.1",
    "https://2130706433",
    "https://127.1",
    "https://",
    "https://?",
    "https://#",
    "https://:443",
    "https://www.example.com/" + "a" * 2000,
]


@pytest.mark.parametrize("posted", NASTY)
def test_any_other_address_is_not(posted: str) -> None:
    assert allowed(posted, ORIGINS) is None


def test_no_address_is_none() -> None:
    assert allowed(None, ORIGINS) is None


PIECES = [
    *("https:", "http:", "HTTPS:", "//", "/", "\\", "@", ":", "?", "#", ".", ";", ",", "%", "[", "]", "|", "^", "443"),
    *("www.example.com", "WWW.EXAMPLE.COM", "shop.example.com:8443", "old.example.com", "evil.test", ":80", "8443"),
    *("\t", "\n", "\r", "\x00", "\x7f", " ", "\u3000", "\u200b", "\u202e", "\ud800", "\ufeff"),
    *("%2e", "%2f", "%40", "%5c", "%00", "%0a", "xn--"),
    *("。", "．", "／", "＠", "：", "？", "＃", "℀", "ⅷ", "ß", "４４３"),
    *("javascript:", "data:", "0x7f.1", "[::1]", "127.0.0.1", "-", "a", "<", '"', "'", "`", "{", "~", "$"),
]
MARKS = st.lists(st.sampled_from([*"/\\@:?#.;,%[]&-_ \t\n\x00", "443", "%2e", "。", "＠", "／"]), max_size=3).map(
    "".join
)
HOSTS = st.sampled_from(["www.example.com", "shop.example.com:8443", "old.example.com", "evil.test", "a"])
ADDRESSES = st.one_of(
    st.tuples(st.sampled_from(["https://", "http://", ""]), HOSTS, MARKS, HOSTS, MARKS, HOSTS).map("".join),
    st.lists(st.sampled_from(PIECES), max_size=10).map("".join),
    st.lists(st.one_of(st.sampled_from(PIECES), st.characters()), max_size=8).map("".join),
    st.tuples(st.sampled_from(list(GOOD)), st.lists(st.sampled_from(PIECES), max_size=3).map("".join)).map("".join),
)


@given(ADDRESSES)
@settings(deadline=None, max_examples=300)
@example("https://www.example.com:443\\@evil.test")
def test_no_browser_is_ever_sent_elsewhere(posted: str) -> None:
    sent = allowed(posted, ORIGINS)
    if sent is None:
        return
    assert browsers_origin(sent) == origin(sent)
    assert browsers_origin(sent) in ORIGINS
    assert re.fullmatch(r"(?i)https?://[^/?#@\\]+([/?#][!-~]*)?", sent)
    assert browsers_origin(with_error(sent, "lf202", "Required Field Missing")) == origin(sent)


@given(ADDRESSES)
@settings(deadline=None, max_examples=300)
def test_an_address_that_is_taken_is_taken_again(posted: str) -> None:
    sent = web_address(posted)
    assert sent is None or web_address(sent) == sent


# --- origins, and what is added ---


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://www.example.com", "https://www.example.com"),
        ("HTTPS://WWW.Example.com:443/x", "https://www.example.com"),
        ("http://www.example.com:80", "http://www.example.com"),
        ("http://www.example.com:443", "http://www.example.com:443"),
        ("https://[::1]:8443/", "https://[::1]:8443"),
    ],
)
def test_an_origin_is_scheme_host_and_port(url: str, expected: str) -> None:
    assert origin(url) == expected


@pytest.mark.parametrize(
    ("url", "expected"),
    [
        ("https://a.example/", "https://a.example/?error_code=lf202&msg=Required+Field+Missing"),
        ("https://a.example/?x=1", "https://a.example/?x=1&error_code=lf202&msg=Required+Field+Missing"),
        ("https://a.example/?", "https://a.example/?error_code=lf202&msg=Required+Field+Missing"),
        ("https://a.example/?x=1&", "https://a.example/?x=1&error_code=lf202&msg=Required+Field+Missing"),
        ("https://a.example/#top?y", "https://a.example/?error_code=lf202&msg=Required+Field+Missing#top?y"),
        ("https://a.example/?x=1#top", "https://a.example/?x=1&error_code=lf202&msg=Required+Field+Missing#top"),
    ],
)
def test_an_error_is_added_to_what_the_address_has(url: str, expected: str) -> None:
    assert with_error(url, "lf202", "Required Field Missing") == expected
