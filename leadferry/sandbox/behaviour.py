"""The e-mail's local part chooses how a vendor behaves: the table, and what it says of one request."""

from __future__ import annotations

import re
import threading
from dataclasses import dataclass, field

PLAIN = "plain"


@dataclass(frozen=True)
class Trigger:
    """`tries`: how many requests with one e-mail it troubles; None: all. `vendors`: empty for all."""

    word: str
    does: str
    vendors: tuple[str, ...] = ()
    tries: int | None = None


TRIGGERS = (
    Trigger(
        "dup",
        "The lead is known already. ClientTether: ct103. Kartra: 244 for create_lead; edit_lead works. LeadConduit: "
        "outcome failure, reason duplicate. webhook: 409. aiCore: a second lead, or an update with match_update=1. "
        "vcita: one more conversation with the same client.",
    ),
    Trigger(
        "invalid",
        "A value is refused. ClientTether: Ct104. Kartra: 271. LeadConduit: failure. The others: 422 or status 3.",
    ),
    Trigger("auth", "The credentials are refused. LeadConduit, which has none: 403, the source is disabled."),
    Trigger("slow", "Answers rightly, 3 seconds late. slow+2.5@: 2.5 seconds late."),
    Trigger(
        "flaky",
        "The first two tries fail, the third is accepted. Kartra: 429. LeadConduit: 502, then 504. The others: 503.",
        tries=2,
    ),
    Trigger("down", "503, always."),
    Trigger("broken", "500, always."),
    Trigger("garbage", "200 with an HTML page. garbage+json@: broken JSON. garbage+bytes@: bytes that are no text."),
    Trigger("ratelimit", "429 with Retry-After: 1 for the first try. ratelimit+date@: Retry-After as a date.", tries=1),
    Trigger("reset", "The connection is closed without an answer; the lead was taken."),
    Trigger("truncate", "The answer breaks off before its Content-Length; the lead was taken."),
    Trigger("empty", "200 with an empty body."),
    Trigger("redirect", "302 to /inbox."),
    Trigger("drip", "The headers at once, then one byte of the body each 0.2 seconds."),
    Trigger("huge", "The right answer, followed by blanks up to 5 MB."),
    Trigger("ct104", "Ct104, which the vendor calls TBD.", ("clienttether",)),
    Trigger("ct105", "Ct105, which the vendor calls TBD.", ("clienttether",)),
    Trigger("messages", "Accepted, with status_message[0] and status_message[1].", ("aicore",)),
    Trigger("nomessage", "status=1 and no status_message.", ("aicore",)),
    Trigger("nostatus", "An answer without status, which means an error.", ("aicore",)),
    Trigger("prefix", "Accepted; the answer stands after https://yourwebsitedomain.com? with raw spaces.", ("aicore",)),
    Trigger("partial", "The first action works, each later one fails.", ("kartra",)),
    Trigger("deleted", "The lead is deleted: create_lead 244; edit_lead and search_lead 245.", ("kartra",)),
    Trigger("error", "201 with outcome error.", ("leadconduit",)),
    Trigger("filter", "201 with outcome failure and the reason of an acceptance rule.", ("leadconduit",)),
    Trigger("nobid", "A ping gets outcome failure, reason no bid.", ("leadconduit",)),
    Trigger("ok200", "Accepted with 200 in place of 201.", ("vcita",)),
    Trigger("gone", "410: the address is wanted no more.", ("webhook",)),
)

BY_WORD = {trigger.word: trigger for trigger in TRIGGERS}


@dataclass(frozen=True)
class Option:
    word: str
    does: str


OPTIONS = (
    Option("once", "the trouble comes with the first try only, as in reset+once@"),
    Option("lower", "ClientTether: message and success in lower case, error_code. Kartra: status in lower case"),
    Option("bare", "ClientTether: the appendix's {message: Success}, which is no JSON"),
    Option("raw", "ClientTether: a raw space in the query of the error URL"),
    Option("typo", "ClientTether: Invalid Wed_Key, as the vendor's own example has it"),
    Option("flat", "Kartra: the results of chained actions without the level of the command's name"),
    Option("nested", "Kartra: the result of a single later action within actions"),
    Option("17", "any other text, such as a number, changes nothing: dup+17@ is as dup@"),
)

_SECONDS = re.compile(r"[0-9]{1,3}(\.[0-9]{1,3})?")


@dataclass(frozen=True)
class Behaviour:
    """What to do with one request. `attempt` counts the requests with this e-mail at this vendor, from 1."""

    name: str = PLAIN
    options: frozenset[str] = frozenset()
    attempt: int = 1
    seconds: float | None = None


@dataclass
class Behaviours:
    """Chooses behaviours, and counts tries for those that end after some."""

    _tries: dict[tuple[str, str], int] = field(default_factory=dict)
    _lock: threading.Lock = field(default_factory=threading.Lock)

    def choose(self, vendor: str, email: str) -> Behaviour:
        word, *rest = email.partition("@")[0].lower().split("+")
        options = frozenset(rest)
        trigger = BY_WORD.get(word)
        if trigger is None or (trigger.vendors and vendor not in trigger.vendors):
            return Behaviour(options=options)
        attempt = self._count(vendor, email.lower())
        tries = 1 if "once" in options else trigger.tries
        name = trigger.word if tries is None or attempt <= tries else PLAIN
        return Behaviour(name, options, attempt, _seconds(rest))

    def clear(self) -> None:
        with self._lock:
            self._tries.clear()

    def _count(self, vendor: str, email: str) -> int:
        with self._lock:
            attempt = self._tries[vendor, email] = self._tries.get((vendor, email), 0) + 1
        return attempt


def _seconds(parts: list[str]) -> float | None:
    return next((float(part) for part in parts if _SECONDS.fullmatch(part)), None)
