"""The stateless token of a form page: which form, made when. No cookie, so it works in any frame."""

from __future__ import annotations

import json
import time
from dataclasses import dataclass, field
from functools import lru_cache

from itsdangerous import BadData, Signer, URLSafeSerializer
from itsdangerous.encoding import base64_encode

SALT = "leadferry-page"
MINIMUM_SECONDS = 2.0
"""A person needs longer than this from seeing a page to sending it."""


@dataclass(frozen=True)
class PageTokens:
    """Signs and reads page tokens. A token that is absent, old or forged never refuses a lead: it is a hint."""

    secret_key: str = field(repr=False)

    def make(self, form: str, now: float | None = None) -> str:
        made = round((time.time() if now is None else now) * 1000)
        return _signer(self.secret_key).sign(base64_encode(json.dumps([form, made]))).decode()

    def age(self, token: str, form: str, now: float | None = None) -> float | None:
        """Seconds since the page was made; None for a token that is not ours or another form's."""
        try:
            content = _serializer(self.secret_key).loads(token)
        except (BadData, UnicodeError):
            return None
        match content:
            case [str(name), int(made)] if name == form:
                return (time.time() if now is None else now) - made / 1000
        return None


@lru_cache(maxsize=8)
def _signer(secret_key: str) -> Signer:
    """The serializer's own. It would be made anew for each token, and try whether the few bytes can be compressed."""
    return _serializer(secret_key).make_signer(SALT)


@lru_cache(maxsize=8)
def _serializer(secret_key: str) -> URLSafeSerializer:
    return URLSafeSerializer(secret_key, salt=SALT)
