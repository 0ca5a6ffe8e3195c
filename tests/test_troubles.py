"""What went wrong, in plain words: every reason says what happened and what to do, once for all leads it concerns."""

from __future__ import annotations

import pytest
from sqlalchemy import insert, update

from leadferry import accepting, explain, troubles
from leadferry.leads import NewLead
from leadferry.models import account, delivery
from leadferry.vendors.base import Reason
from tests.conftest import Install
from tests.installation import Installation

FORM = """
title: A form
fields: [{name: email}]
vendor: {name: kartra, app_id: "${KARTRA_APP_ID}", api_key: "${KARTRA_API_KEY}", api_password: "${KARTRA_API_PASSWORD}"}
"""


@pytest.fixture
def here(install: Install) -> Installation:
    return install({"webinar": FORM}, KARTRA_APP_ID="an app", KARTRA_API_KEY="a key", KARTRA_API_PASSWORD="a password")


def ended(here: Installation, count: int, state: str, reason: str | None, **more: object) -> None:
    form = here.site.office.catalog.get("webinar")
    for _ in range(count):
        accepted = accepting.accept(here.store, NewLead(form, {"email": "a@example.com"}), {}, repeats=False)  # type: ignore[arg-type]
        with here.store.write() as connection:
            values = {"state": state, "reason": reason, "attempts": 1, **more}
            connection.execute(update(delivery).where(delivery.c.lead_id == accepted.lead_id).values(values))


def pause(here: Installation, waiting: str, reason: str, words: str = "") -> None:
    row = {"account": "webinar/vendor", "waiting": waiting, "reason": reason, "words": words, "since": 1.0}
    with here.store.write() as connection:
        connection.execute(insert(account).values({**row, "failures": 1, "probes": 0, "probe_at": 9e9}))


@pytest.mark.thorough_on_postgresql  # what is said is the same on each; what it is said of is counted on both below
@pytest.mark.parametrize("reason", list(Reason))
@pytest.mark.parametrize("count", [1, 12])
def test_every_reason_says_what_happened_and_what_to_do(here: Installation, reason: Reason, count: int) -> None:
    assert reason in explain.ADVICE
    ended(here, count, "rejected", reason)
    (found,) = troubles.find(here.site.office)
    for sentence in (found.happened, found.todo):
        assert sentence.endswith(".")
        assert "{" not in sentence
        assert sentence[0].isupper()
    assert (found.leads, found.form, "12 leads" in found.happened) == (count, "webinar", count == 12)


def test_duplicates_are_nothing_to_do(here: Installation) -> None:
    ended(here, 12, "rejected", "duplicate")
    (found,) = troubles.find(here.site.office)
    assert found.happened == "Kartra refused 12 leads as duplicates."
    assert (found.todo, found.tone) == ("Nothing to do: it has them already.", "info")


def test_a_refused_key_names_where_it_stands_and_how_many_wait(here: Installation) -> None:
    ended(here, 14, "pending", "credentials")
    pause(here, "misconfigured", "credentials", "API key not valid")
    (found,) = troubles.find(here.site.office)
    assert found.happened == "Kartra refused the key, and 14 leads wait."
    where = "KARTRA_APP_ID, KARTRA_API_KEY and KARTRA_API_PASSWORD"
    assert found.todo == f"Put the right one in {where}, restart, then send what waits."
    assert (found.button, found.tone, found.says) == ("again", "bad", "API key not valid")


def test_what_goes_on_by_itself_asks_nothing_of_anybody(here: Installation) -> None:
    ended(here, 2, "pending", "down")
    pause(here, "down", "down")
    (found,) = troubles.find(here.site.office)
    assert (found.tone, found.todo) == ("info", "Nothing to do: it is tried again by itself.")


def test_what_was_given_up_is_to_be_sent_again_and_what_is_in_doubt_looked_for(here: Installation) -> None:
    ended(here, 2, "dead", "down")
    ended(here, 1, "held", "timeout")
    dead, held = troubles.find(here.site.office)
    assert (dead.button, dead.tone, dead.todo[-10:]) == ("again", "bad", "send them.")
    assert (held.button, held.tone) == ("look", "warn")
    assert held.todo == "Look in Kartra for it, and send again only what is not there."


def test_the_worst_comes_first_and_all_is_by_cause(here: Installation) -> None:
    here.form("broken", "title: x\n")
    ended(here, 3, "rejected", "duplicate")
    ended(here, 1, "rejected", "invalid")
    ended(here, 2, "dead", "connect")
    form = here.site.office.catalog.get("webinar")
    accepting.accept(here.store, NewLead(form, {"email": "b@example.com"}, quarantine=["honeypot"]), {})  # type: ignore[arg-type]
    found = [(each.form, each.state, each.reason, each.leads) for each in troubles.find(here.site.office)]
    assert found == [
        ("webinar", "dead", "connect", 2),
        ("broken", "", None, 0),
        ("webinar", "rejected", "invalid", 1),
        ("webinar", "rejected", "duplicate", 3),
        ("webinar", "quarantined", None, 1),
    ]


def test_what_is_resent_for_a_cause_is_what_stands_there_for_it(here: Installation) -> None:
    ended(here, 2, "dead", "down")
    ended(here, 1, "dead", "connect")
    ended(here, 1, "delivered", None)
    assert troubles.resendable(here.store, "webinar/vendor", ("dead",), "down") == [1, 2]
    assert troubles.resendable(here.store, "webinar/vendor", ("dead",), None) == [1, 2, 3]
    assert troubles.resendable(here.store, "other/vendor", ("dead",), None) == []


def test_a_reason_that_nobody_foresaw_is_said_as_it_is(here: Installation) -> None:
    ended(here, 2, "rejected", "something new")
    (found,) = troubles.find(here.site.office)
    assert found.happened == "Kartra did not take 2 leads."
