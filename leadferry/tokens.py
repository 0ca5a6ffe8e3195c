"""The stateless token of a form page: which form, made when. No cookie, so it works in any frame."""

from __future__ import annotations

import time
from dataclasses import dataclass, field
from functools import lru_cache

from itsdangerous import BadData, URLSafeSerializer

SALT = "leadferry-page"
MINIMUM_SECONDS = 2.0
"""A person needs longer than this from seeing a page to sending it."""


@dataclass(frozen=True)
class PageTokens:
    """Signs and reads page tokens. A token that is absent, old or forged never refuses a lead: it is a hint."""

    secret_key: str = field(repr=False)

    def make(self, form: str, now: float | None = None) -> str:
        made = round((time.time() if now is None else now) * 1000)
        return str(_serializer(self.secret_key).dumps([form, made]))

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
def _serializer(secret_key: str) -> URLSafeSerializer:
    return URLSafeSerializer(secret_key, salt=SALT)
