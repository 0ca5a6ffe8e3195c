"""The clock is set by an hour, forward and back, while visitors post and leads are being sent."""

from __future__ import annotations

from pathlib import Path

import pytest

from tests.conftest import Install
from tests.crash.fleet import FORM, DeliveryWorker, Vendor, Visitors, Web, running
from tests.crash.proof import hold_the_end, wait_for_the_end
from tests.installation import wait_until

HOUR = 3600


def set_clock(folder: Path, ahead: int) -> None:
    """At once, for every process."""
    draft = folder / "clock.new"
    draft.write_text(str(ahead))
    draft.replace(folder / "clock")


def post_some(visitors: Visitors) -> None:
    enough = len(visitors.thanked) + 25
    wait_until(lambda: len(visitors.thanked) >= enough, 30)


@pytest.mark.timeout(200)
@pytest.mark.thorough_on_postgresql
def test_no_lead_is_sent_twice_and_none_waits_for_ever_when_the_clock_is_set(install: Install) -> None:
    installation = install(ALLOW_PRIVATE_VENDORS="1")
    set_clock(installation.root, 0)
    vendor = Vendor(installation.root, "clock")
    for name, wait in (("at-once", 2), ("later", 0)):
        text = FORM.format(name=name, url=f"{vendor.url}/forgets", on_unknown="hold")
        installation.form(name, text.replace("wait: 2", f"wait: {wait}"))
    store = installation.store
    web, worker = Web(installation, "tests.crash.shifted:app"), DeliveryWorker(installation, "tests.crash.shifted:app")
    with running(vendor, web, worker):
        vendor.mood("slow")
        with Visitors(web.url, forms=("at-once", "later"), per_second=20, threads=20) as visitors:
            for ahead in (HOUR, 0, -HOUR, 0):
                post_some(visitors)
                set_clock(installation.root, ahead)
            post_some(visitors)
        wait_for_the_end(store, 30)
        assert (web.stop(), worker.stop()) == (0, 0)
        entries = vendor.ledger()["forgets"]
        found = hold_the_end(store, visitors.thanked, {"at-once": entries, "later": entries})
    assert set(visitors.answers) == {"200"}
    assert {each.state for each in found} == {"delivered"}
    assert {entry["calls"] for entry in entries.values()} == {1}
    said = (installation.root / "process.log").read_text()
    assert "the clock was set by +3600 s" in said
    assert "the clock was set by -3600 s" in said
