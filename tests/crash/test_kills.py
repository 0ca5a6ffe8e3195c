"""The short version of `make soak`."""

from __future__ import annotations

import pytest

from tests.conftest import Install
from tests.crash.kills import Plan, run


@pytest.mark.timeout(300)
@pytest.mark.thorough_on_postgresql
def test_no_kill_loses_a_lead_or_sends_it_twice(install: Install) -> None:
    installation = install(ALLOW_PRIVATE_VENDORS="1")
    plan = Plan(leads=300, kills=8, per_second=25, longest_pause=1.0, seed="short")
    figures = run(installation, plan)
    assert len(figures.leads) >= plan.leads
    assert {each.state for each in figures.leads} >= {"delivered", "held"}
    assert figures.repeated, "no kill and no fault of the vendor made a try uncertain, so nothing was shown"
