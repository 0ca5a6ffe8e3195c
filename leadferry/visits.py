"""What visitors did, counted without knowing any of them: in memory, and every few seconds added to the store.

Nothing is kept of a visitor: no cookie, no address, no query of the page's address. A count that cannot be stored is
no reason to fail at anything.
"""

from __future__ import annotations

import logging
import re
import threading
import time
from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from functools import lru_cache
from urllib.parse import urlsplit

from leadferry import numbers
from leadferry.numbers import CLICK_IDS, DAY, Key, Sighting
from leadferry.store import Store, StoreError

log = logging.getLogger("leadferry.visits")

FLUSH_SECONDS = 4.0
PAUSE_AFTER_TROUBLE = 60.0

MOST_NAMES = 200
"""Pages, and campaigns, that are told apart in a process for one form in one day; the rest counts as ``OTHER``."""

MOST_PAIRS = 1000
"""Pages together with their campaigns, likewise."""

MOST_ROWS = 20_000
"""Counts kept in memory while the store does not take them."""

OTHER = "(other)"
LONGEST_PAGE = 200
LONGEST_WORD = 60

_UTM = ("utm_source", "utm_medium", "utm_campaign")
_BOTS = re.compile(
    r"bot\b|bot/|crawl|spider|slurp|preview|monitor|headless|lighthouse|uptime|pingdom|facebookexternalhit|embedly"
    r"|scrap|curl|wget|python|okhttp|httpclient|java/|go-http|axios|node-fetch|libwww|archiver|validator|checker",
    re.IGNORECASE,
)


@lru_cache(maxsize=2048)
def is_bot(user_agent: str) -> bool:
    """Whether it says itself that it is no visitor."""
    return not user_agent or _BOTS.search(user_agent) is not None


@lru_cache(maxsize=4096)
def page_of(address: str) -> str:
    """Host and path of a page, without its query; empty where it is no page's address.

    A part of the path that could name a person is left out.
    """
    try:
        parts = urlsplit(address.strip()[:2048])
        host, port = parts.hostname, parts.port
    except ValueError:
        return ""
    if parts.scheme not in {"http", "https"} or not host:
        return ""
    shown_port = f":{port}" if port and port not in {80, 443} else ""
    path = "/".join(map(_impersonal, parts.path.split("/"))).rstrip("/")
    return _printable(f"{host}{shown_port}{path or '/'}")[:LONGEST_PAGE]


def _impersonal(segment: str) -> str:
    is_personal = "@" in segment or "%40" in segment or len(segment) > LONGEST_WORD or re.search(r"\d{9}", segment)
    return "…" if is_personal else segment


def campaign_of(values: Mapping[str, str]) -> str:
    """Source, medium and campaign in one line, else whose click it was; empty for a visit without a campaign."""
    words = [_word(values.get(name, "")) for name in _UTM]
    while words and not words[-1]:
        words.pop()
    if words:
        return " / ".join(word or "–" for word in words)
    return next((f"{label}, untagged" for name, label in CLICK_IDS.items() if values.get(name)), "")


@lru_cache(maxsize=4096)
def _word(text: str) -> str:
    return "…" if "@" in text else " ".join(_printable(text).split())[:LONGEST_WORD]


def _printable(text: str) -> str:
    return "".join(each for each in text if each.isprintable())


@dataclass(frozen=True)
class Place:
    """Where something happened: the page that the form stands on, and the campaign that led there."""

    page: str = ""
    campaign: str = ""


NOWHERE = Place()


class Visits:
    """The counts of this process. Every method may be called from any thread, takes microseconds and never raises,
    but for ``flush`` and ``close``, which wait for the store.
    """

    def __init__(self, store: Store, every: float = FLUSH_SECONDS) -> None:
        self._store = store
        self._every = every
        self._counts: Counter[Key] = Counter()
        self._sightings: dict[tuple[str, str, str], Sighting] = {}
        self._names: dict[tuple[str, str], set[str]] = {}
        self._day = 0
        self._is_ready = False
        self._lock = threading.Lock()
        self._stopping = threading.Event()
        self._thread: threading.Thread | None = None

    def count(self, form: str, what: str, place: Place = NOWHERE) -> None:
        with self._lock:
            self._turn_day()
            page = self._told_apart(form, "page", place.page)
            campaign = self._told_apart(form, "campaign", place.campaign)
            if self._told_apart(form, "both", f"{page}\n{campaign}", MOST_PAIRS) == OTHER:
                page = campaign = OTHER
            key = (self._day, form, page, campaign, what)
            if key in self._counts or len(self._counts) < MOST_ROWS:
                self._counts[key] += 1
            self._start()

    def saw(self, form: str, page: str, facts: str) -> None:
        """Notes what a form noticed about the page that it stands on."""
        now = time.time()
        with self._lock:
            self._turn_day()
            key = (form, self._told_apart(form, "sighted", page), self._told_apart(form, "facts", facts))
            found = self._sightings.get(key)
            self._sightings[key] = Sighting(found.first if found else now, now, found.count + 1 if found else 1)
            self._start()

    def flush(self) -> None:
        """Adds what was counted to the store; what that does not take now is kept for later.

        Raises:
            StoreError: it was not taken.
        """
        with self._lock:
            counts, self._counts = self._counts, Counter()
            sightings, self._sightings = self._sightings, {}
        if not counts and not sightings:
            return
        try:
            numbers.add(self._store, counts, sightings)
        except BaseException:
            self._take_back(counts, sightings)
            raise

    def close(self) -> None:
        """The last flush. What cannot be stored is forgotten."""
        self._stopping.set()
        if self._thread:
            self._thread.join()
        self._flush_quietly()

    # --- inside ---

    def _turn_day(self) -> None:
        day = int(time.time() // DAY)
        if day != self._day:
            self._day = day
            self._names.clear()

    def _told_apart(self, form: str, kind: str, name: str, most: int = MOST_NAMES) -> str:
        names = self._names.setdefault((form, kind), {""})
        if name not in names:
            if len(names) > most:
                return OTHER
            names.add(name)
        return name

    def _take_back(self, counts: Counter[Key], sightings: Mapping[tuple[str, str, str], Sighting]) -> None:
        with self._lock:
            if len(self._counts) + len(counts) <= MOST_ROWS:
                self._counts.update(counts)
            self._sightings = {**sightings, **self._sightings}

    def _start(self) -> None:
        """By the first count: the process that counts may be a fork of the one that was started."""
        if self._thread is None and not self._stopping.is_set():
            self._thread = threading.Thread(target=self._run, name="visits", daemon=True)
            self._thread.start()

    def _run(self) -> None:
        while not self._stopping.wait(self._every):
            if not self._flush_quietly():
                self._stopping.wait(PAUSE_AFTER_TROUBLE)

    def _flush_quietly(self) -> bool:
        try:
            self._is_ready = self._is_ready or numbers.is_ready(self._store)
            if self._is_ready:
                self.flush()
                return True
        except StoreError:
            log.info("visits are not counted: the store does not answer")
        except Exception:
            log.exception("visits are not counted")
        return False
