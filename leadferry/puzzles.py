"""Proof of work by the ALTCHA protocol (https://altcha.org, version 1): a second of the visitor's browser for a post.

Everything comes from this server. What was given out is kept nowhere: a puzzle is signed, and says itself for which
form it is and until when it holds.
"""

from __future__ import annotations

import base64
import hmac
import json
from dataclasses import dataclass, field
from datetime import UTC, datetime, timedelta
from typing import Any

from altcha import v1 as altcha

from leadferry.rate import Counter

ANSWER_NAME = "_lf_altcha"
HARDEST = 50_000
"""Hashes at most: about a second of a telephone's time."""

LASTS = 3600
"""Seconds for which an answer counts, and in which it counts once."""


@dataclass(frozen=True)
class Puzzles:
    """``used`` counts each answer; its limit is one in ``LASTS`` seconds."""

    secret_key: str = field(repr=False)
    used: Counter

    def make(self, form: str, now: datetime | None = None) -> dict[str, Any]:
        expires = (now or datetime.now(UTC)) + timedelta(seconds=LASTS)
        options = altcha.ChallengeOptions(
            max_number=HARDEST, hmac_key=self._key(), expires=expires, params={"form": form}
        )
        return dict(altcha.create_challenge(options).to_dict())

    def fault(self, form: str, answer: str | None) -> str | None:
        """Why an answer does not count, or None where it does. It is used up by this."""
        if not answer:
            return "challenge_missing"
        solution = _read(answer)
        if solution is None or not altcha.verify_solution(solution, self._key())[0]:
            return "challenge_failed"
        is_of_form = altcha.extract_params(solution).get("form") == [form]  # signed with the rest
        return None if is_of_form and self.used.hit(solution["challenge"]) == 0 else "challenge_failed"

    def _key(self) -> str:
        return hmac.digest(self.secret_key.encode(), b"leadferry puzzles", "sha256").hex()


_TYPES = {"algorithm": str, "challenge": str, "number": int, "salt": str, "signature": str}


def _read(answer: str) -> Any:
    """A solution with every part of the type that the library takes for granted; None where it is none."""
    try:
        found = json.loads(base64.b64decode(answer))
    except (ValueError, RecursionError):
        return None
    is_whole = isinstance(found, dict) and all(type(found.get(name)) is kind for name, kind in _TYPES.items())
    return found if is_whole else None
