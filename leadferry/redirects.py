"""Where a visitor may be sent: which addresses are taken from a post or a form file, and how an error is added."""

from __future__ import annotations

import re
from collections.abc import Collection
from urllib.parse import quote, urlencode, urlsplit

MAX_LENGTH = 2000

_SCHEME = re.compile(r"[A-Za-z][A-Za-z0-9+.\-]*:(?![0-9]+(?:[/?#]|$))")
_HOST = re.compile(r"[A-Za-z0-9](?:[A-Za-z0-9.\-]*[A-Za-z0-9])?|\[[0-9A-Fa-f:.]+\]")
_DEFAULT_PORTS = {"http": 80, "https": 443}


def web_address(text: str) -> str | None:
    """The address in a form that every browser reads alike, or None.

    A missing scheme means https. Refused: other schemes, no host, a user name, and what browsers and servers read
    differently: backslashes, white space, control characters, unpaired surrogates, a host beyond ASCII, more than 2,000
    characters.
    """
    text = text.strip(" ")
    if not text or len(text) > MAX_LENGTH or re.search(r"[\\\s\x00-\x20\x7f\ud800-\udfff]", text):
        return None
    if not _SCHEME.match(text):
        text = f"https://{text}"
    if not re.match(r"https?://[^/?#]", text, re.IGNORECASE):
        return None
    try:
        parts = urlsplit(text)
        parts.port  # noqa: B018  # raises where the port is no port
    except ValueError:
        return None
    if "@" in parts.netloc or not _HOST.fullmatch(
        parts.netloc.rpartition(":")[0] if _has_port(parts.netloc) else parts.netloc
    ):
        return None
    return quote(text, safe="%/:?#[]@!$&'()*+,;=-._~|^`{}\"<>") if not text.isascii() else text


def _has_port(netloc: str) -> bool:
    return bool(re.search(r":[0-9]*$", netloc)) and not netloc.endswith("]")


def origin(url: str) -> str:
    """`scheme://host[:port]` in lower case without a default port, of an address that ``web_address`` returned."""
    parts = urlsplit(url)
    scheme = parts.scheme.lower()
    host = (parts.hostname or "").lower()
    host = f"[{host}]" if ":" in host else host
    port = parts.port
    return f"{scheme}://{host}" if port in {None, _DEFAULT_PORTS[scheme]} else f"{scheme}://{host}:{port}"


def allowed(text: str | None, origins: Collection[str]) -> str | None:
    """The posted address if it is one of ours to send visitors to, else None."""
    url = web_address(text) if text else None
    return url if url and origin(url) in origins else None


def with_error(url: str, error_code: str, msg: str) -> str:
    """Adds `error_code` and `msg`, keeping the address's own query and fragment."""
    base, hash_mark, fragment = url.partition("#")
    mark = "" if base.endswith(("?", "&")) else "&" if "?" in base else "?"
    return f"{base}{mark}{urlencode({'error_code': error_code, 'msg': msg})}{hash_mark}{fragment}"
