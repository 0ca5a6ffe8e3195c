"""The tables of delivery: what follows from an outcome, when the next try is due, what the visitor is told."""

from __future__ import annotations

from dataclasses import replace

import pytest

from leadferry.delivery import (
    FAILURES_UNTIL_DOWN,
    LONGEST_RETRY_AFTER,
    SCHEDULE,
    delay,
    error_code,
    masked,
    next_state,
    probe_delay,
    storable,
    visitors_answer,
)
from leadferry.outbox import Claim
from leadferry.vendors.base import Outcome, Reason, Result

NOW = 1_000_000.0
CLAIM = Claim(
    id=1,
    lead_id=1,
    reference="LF-2345678923",
    form="quote",
    version="3f9a2c",
    received_at=NOW,
    destination="vendor",
    account="quote/vendor",
    vendor="clienttether",
    token="t",
    attempts=0,
    unsure=False,
    payload=None,
)
ACCEPTED = Result(Outcome.ACCEPTED, vendor_lead_id="1001")
REJECTED = Result(Outcome.REJECTED, Reason.DUPLICATE)
FAILED = Result(Outcome.FAILED, Reason.DOWN)
UNKNOWN = Result(Outcome.UNKNOWN, Reason.TIMEOUT)
MISCONFIGURED = Result(Outcome.MISCONFIGURED, Reason.CREDENTIALS)


def middle() -> float:
    return 0.5


@pytest.mark.parametrize(
    ("result", "on_unknown", "state", "code"),
    [
        (ACCEPTED, "hold", "delivered", None),
        (ACCEPTED, "retry", "delivered", None),
        (REJECTED, "hold", "rejected", "ct103"),
        (REJECTED, "retry", "rejected", "ct103"),
        (FAILED, "hold", "pending", None),
        (FAILED, "retry", "pending", None),
        (UNKNOWN, "hold", "held", None),
        (UNKNOWN, "retry", "pending", None),
        (MISCONFIGURED, "hold", "pending", "ct101"),
        (MISCONFIGURED, "retry", "pending", "ct101"),
    ],
)
@pytest.mark.parametrize("unsure", [False, True])
def test_a_state_follows_from_each_outcome(
    result: Result, on_unknown: str, state: str, code: str | None, unsure: bool
) -> None:
    after = next_state(replace(CLAIM, unsure=unsure), result, on_unknown, NOW, middle)
    assert (after.state, after.error_code) == (state, code)
    assert after.reason == (result.reason.value if result.reason else None)
    assert after.vendor_lead_id == result.vendor_lead_id
    assert after.unsure == (unsure or result.outcome is Outcome.UNKNOWN)


@pytest.mark.parametrize("result", [FAILED, UNKNOWN])
def test_a_lead_is_dead_when_every_planned_try_was_made(result: Result) -> None:
    last = len(SCHEDULE)
    assert next_state(replace(CLAIM, attempts=last - 1), result, "retry", NOW, middle).state == "pending"
    assert next_state(replace(CLAIM, attempts=last), result, "retry", NOW, middle).state == "dead"


def test_a_misconfigured_account_never_makes_a_lead_dead() -> None:
    assert next_state(replace(CLAIM, attempts=1000), MISCONFIGURED, "retry", NOW, middle).state == "pending"


@pytest.mark.parametrize(("unsure", "kept"), [(False, False), (True, True)])
def test_a_request_is_made_anew_once_the_account_is_mended_unless_it_may_have_arrived(unsure: bool, kept: bool) -> None:
    after = next_state(replace(CLAIM, unsure=unsure), MISCONFIGURED, "retry", NOW, middle)
    assert (after.keep_payload, after.due_at) == (kept, NOW)


@pytest.mark.parametrize("result", [ACCEPTED, REJECTED, FAILED, UNKNOWN])
def test_any_other_outcome_keeps_the_request(result: Result) -> None:
    assert next_state(CLAIM, result, "retry", NOW, middle).keep_payload


def test_the_next_try_is_due_by_the_schedule() -> None:
    due = [next_state(replace(CLAIM, attempts=n), FAILED, "retry", NOW, middle).due_at for n in range(len(SCHEDULE))]
    assert due == [NOW + seconds for seconds in SCHEDULE]


def test_the_tries_spread_over_about_a_day_each_wait_longer_than_the_one_before() -> None:
    assert 20 * 3600 <= sum(SCHEDULE) <= 36 * 3600
    assert list(SCHEDULE) == sorted(set(SCHEDULE))


@pytest.mark.parametrize(("jitter", "seconds"), [(0.0, 16.0), (0.5, 20.0), (1.0, 24.0)])
def test_a_wait_varies_by_a_fifth(jitter: float, seconds: float) -> None:
    assert delay(1, None, lambda: jitter) == pytest.approx(seconds)


@pytest.mark.parametrize(
    ("asked", "seconds"),
    [(0.0, 5.0), (1.0, 5.0), (90.0, 90.0), (LONGEST_RETRY_AFTER, 21_600.0), (999_999.0, 21_600.0)],
)
def test_a_vendor_may_ask_for_more_time_up_to_six_hours(asked: float, seconds: float) -> None:
    assert delay(0, asked, middle) == seconds


def test_a_vendor_cannot_ask_for_less_time_than_is_planned() -> None:
    assert delay(len(SCHEDULE) - 1, 1.0, middle) == SCHEDULE[-1]


def test_an_account_is_probed_within_half_a_minute_at_first_and_half_an_hour_at_last() -> None:
    waits = [probe_delay(probes) for probes in range(-FAILURES_UNTIL_DOWN, 50)]
    assert 0 < waits[0] <= 30
    assert waits == sorted(waits)
    assert waits[-1] == 1800


@pytest.mark.parametrize(
    ("result", "code"),
    [
        (ACCEPTED, None),
        (Result(Outcome.ACCEPTED, Reason.PARTIAL), None),
        (FAILED, None),
        (UNKNOWN, None),
        (Result(Outcome.UNKNOWN, Reason.NONSENSE), None),
        (Result(Outcome.REJECTED, Reason.DUPLICATE), "ct103"),
        (Result(Outcome.REJECTED, Reason.NAME_MISSING), "ct102"),
        (Result(Outcome.REJECTED, Reason.INVALID), "lf204"),
        (Result(Outcome.REJECTED, Reason.REFUSED), "lf204"),
        (Result(Outcome.REJECTED), "lf204"),
        (Result(Outcome.REJECTED, Reason.REFUSED, error_code="ct104"), "ct104"),
        (Result(Outcome.REJECTED, Reason.REFUSED, error_code="ct105"), "ct105"),
        (Result(Outcome.MISCONFIGURED, Reason.CREDENTIALS), "ct101"),
        *((Result(Outcome.MISCONFIGURED, reason), None) for reason in Reason if reason is not Reason.CREDENTIALS),
    ],
)
def test_the_visitor_is_told_of_a_refusal_and_of_nothing_else(result: Result, code: str | None) -> None:
    assert error_code(result) == code
    assert visitors_answer(result) == (code or "ok")


def test_what_no_database_takes_is_not_stored() -> None:
    assert storable("a\x00b\ud800c") == "ab?c"


@pytest.mark.parametrize(
    "echoed",
    [
        "key sec/ret+key is wrong",
        "key sec%2Fret%2Bkey is wrong",
        '{"key": "sec/ret+key"}',
        "cut off in its middle: sec/ret+k",
    ],
)
def test_a_secret_that_a_vendor_echoes_is_masked(echoed: str) -> None:
    shown = masked(echoed, {"sec/ret+key"})
    assert "***" in shown
    assert "ret" not in shown
