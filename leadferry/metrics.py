"""What Prometheus reads at /metrics. Counts of all processes of a host together, through files that they share."""

from __future__ import annotations

import os
from collections.abc import Iterable
from pathlib import Path

from prometheus_client import CollectorRegistry, Counter, Histogram, generate_latest
from prometheus_client.core import GaugeMetricFamily, Metric
from prometheus_client.multiprocess import MultiProcessCollector

from leadferry import outbox, reports
from leadferry.config import count_in_memory, metrics_folder
from leadferry.store import Store

ROOM = 1024 * 1024
"""Bytes of a process's file: some thousand counts."""

ATTEMPTS = Counter("leadferry_attempts", "Tries at deliveries.", ["vendor", "outcome"])
POSTS = Counter("leadferry_posts", "Posts answered; answer is ok or an error_code.", ["form", "answer"])
SUBMIT_TO_ACCEPTED = Histogram(
    "leadferry_submit_to_accepted_seconds",
    "From a visitor's post to the vendor's word that it has the lead.",
    ["vendor"],
    buckets=(0.1, 0.25, 0.5, 1, 2.5, 5, 10, 30, 60, 300, 900, 3600, 14_400, 86_400),
)


def clean_folder(folder: Path) -> None:
    """Removes the files of processes that are gone, when a server starts; living ones keep counting."""
    folder.mkdir(parents=True, exist_ok=True)
    for path in folder.glob("*.db"):
        process = path.stem.rpartition("_")[2]
        if not process.isdigit() or not Path(f"/proc/{process}").exists():
            path.unlink(missing_ok=True)


def take_room() -> None:
    """Gives the files in which this process will count all their room at once, before it counts.

    They are mapped into memory: a page for which a full disk has no room left would be the end of the process.
    """
    folder = metrics_folder()
    if folder is None:
        return
    try:
        for kind in ("counter", "histogram"):
            with (folder / f"{kind}_{os.getpid()}.db").open("ab") as file:
                os.posix_fallocate(file.fileno(), 0, ROOM)
    except OSError:
        count_in_memory()


class _StoreCollector:
    """What the store knows at this moment: the same whichever process is asked."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def collect(self) -> Iterable[Metric]:
        leads = GaugeMetricFamily("leadferry_leads", "Leads by where they stand.", labels=["state"])
        for state, count in reports.leads_by_state(self._store).items():
            leads.add_metric([state], count)
        yield leads
        oldest = reports.oldest_waiting(self._store)
        age = max(0.0, self._store.now() - oldest) if oldest is not None else 0.0
        yield GaugeMetricFamily("leadferry_oldest_waiting_seconds", "Age of the oldest lead that waits.", age)
        waiting = GaugeMetricFamily(
            "leadferry_account_waiting",
            "Accounts whose leads wait: down or misconfigured.",
            labels=["account", "waiting"],
        )
        for each in outbox.waiting(self._store):
            waiting.add_metric([each.account, each.waiting], 1)
        yield waiting


def page(store: Store) -> bytes:
    """The metrics in Prometheus' text format."""
    registry = CollectorRegistry()
    if metrics_folder():
        MultiProcessCollector(registry)  # type: ignore[no-untyped-call]
    else:
        for each in (ATTEMPTS, POSTS, SUBMIT_TO_ACCEPTED):
            registry.register(each)
    registry.register(_StoreCollector(store))
    return generate_latest(registry)
