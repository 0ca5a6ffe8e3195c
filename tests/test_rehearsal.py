"""The last real leads run through a draft: what would fail, what is lost, what the vendor would get instead."""

from __future__ import annotations

import time

import pytest

from leadferry import accepting, models
from leadferry.forms import Form
from leadferry.leads import NewLead
from leadferry.rehearsal import MASK, MOST_LEADS, Rehearsal, rehearse
from leadferry.submission import read
from leadferry.vendors import ADAPTERS
from tests.conftest import Install
from tests.installation import Installation

pytestmark = pytest.mark.thorough_on_postgresql  # what a rehearsal finds is the same on each

FORM = """\
title: Quote
fields:
  - {name: firstName, required: true}
  - {name: phone, label: Mobile}
  - {name: email, label: E-mail}
  - {name: rooms, type: number}
  - {name: topics, type: checkboxes, options: [Roof, Wall]}
  - {name: ssn, type: ssn}
  - {name: tag, type: hidden, value: web}
vendor: {name: webhook, url: "https://example.com/lead", secret: "whsec_MfKQ9r8GKYqrTwjUPD8ILPZIo2LaLaSw", wait: 0}
"""
JANE = {"firstName": "Jane", "email": "jane@example.com", "rooms": "3"}


@pytest.fixture
def installation(install: Install) -> Installation:
    return install({"quote": FORM}, DELIVERY="off")


def served(installation: Installation) -> Form:
    form = installation.site.office.catalog.get("quote")
    assert isinstance(form, Form)
    return form


def draft(installation: Installation, *changes: tuple[str, str]) -> Form:
    text = FORM
    for old, new in changes:
        assert old in text
        text = text.replace(old, new)
    form, problems = installation.site.office.catalog.check("quote", text)
    assert form is not None, problems
    return form


def lead(installation: Installation, answers: dict[str, str], **more: bool | tuple[str, ...]) -> str:
    form = served(installation)
    found = read(form, [(name, part) for name, value in answers.items() for part in value.split("|")])
    assert not found.errors
    new = NewLead(form, found.values, found.campaign, received_at=time.time(), **more)  # type: ignore[arg-type]
    return accepting.accept(installation.store, new, {}, repeats=False).reference


def rehearsed(installation: Installation, *changes: tuple[str, str]) -> Rehearsal:
    return rehearse(installation.store, ADAPTERS, served(installation), draft(installation, *changes))


def found(rehearsal: Rehearsal) -> list[tuple[str, str, int]]:
    return [(each.kind, each.place, each.count) for each in rehearsal.findings]


def test_a_change_of_words_changes_nothing_for_leads(installation: Installation) -> None:
    lead(installation, {**JANE, "topics": "Roof|Wall", "utm_source": "spring", "Favorite Chocolate": "dark"})
    assert rehearsed(installation, ("title: Quote", "title: Price"), ("Mobile", "Phone")) == Rehearsal(1, 0, 0)


def test_leads_that_would_now_be_refused_are_named_with_the_reason(installation: Installation) -> None:
    lead(installation, JANE)
    reference = lead(installation, {**JANE, "phone": "512 789 1111", "rooms": "9"})
    result = rehearsed(installation, ("label: Mobile", "label: Mobile, required: true"), ("number", "number, max: 5"))
    assert (result.leads, result.failing, result.changed) == (2, 2, 0)
    assert found(result) == [("fails", "phone", 1), ("fails", "rooms", 1)]
    rooms = result.findings[1].examples[0]
    assert (rooms.lead, rooms.before) == (reference, "9")
    assert "5" in rooms.words


def test_a_field_that_is_no_longer_asked_is_lost_and_the_vendor_does_not_get_it(installation: Installation) -> None:
    lead(installation, JANE)
    result = rehearsed(installation, ("  - {name: rooms, type: number}\n", ""))
    assert found(result) == [("lost", "rooms", 1), ("sent", "fields.rooms", 1)]
    sent = result.findings[1].examples[0]
    assert (sent.before, sent.after) == ("3", None)


def test_the_pages_own_hidden_values_come_from_the_draft(installation: Installation) -> None:
    lead(installation, JANE)
    result = rehearsed(installation, ("value: web}", "value: spring}"))
    assert [(each.place, each.examples[0].before, each.examples[0].after) for each in result.findings] == [
        ("fields.tag", "web", "spring")
    ]
    assert result.changed == 1


def test_another_name_at_the_vendor_is_shown_as_one_place_less_and_one_more(installation: Installation) -> None:
    lead(installation, JANE)
    result = rehearsed(installation, ("label: E-mail", "label: E-mail, send_as: mail"))
    assert found(result) == [("sent", "fields.email", 1), ("sent", "fields.mail", 1)]


def test_another_vendor_shows_its_address_and_no_credential(installation: Installation) -> None:
    lead(installation, JANE)
    old, new = FORM[FORM.index("vendor:") :], "vendor: {name: vcita, token: s3cretToken, request_title: New}\n"
    result = rehearsed(installation, (old, new))
    places = {each.place: each for each in result.findings}
    assert "vcita" in places["address"].words
    assert "s3cretToken" not in repr(result)


def test_a_sensitive_answer_is_never_shown(installation: Installation) -> None:
    lead(installation, {**JANE, "ssn": "123-45-6789"})
    result = rehearsed(installation, ("type: ssn", "type: ssn, send_as: number"))
    assert result.changed == 1
    assert MASK in repr(result)
    assert "6789" not in repr(result)


def test_only_the_last_real_leads_are_tried(installation: Installation) -> None:
    lead(installation, {**JANE, "firstName": "Too old"})
    for number in range(MOST_LEADS):
        lead(installation, {**JANE, "rooms": str(number)})
    lead(installation, {**JANE, "firstName": "A test"}, test=True)
    lead(installation, {**JANE, "firstName": "Junk"}, quarantine=("honeypot",))
    told: list[tuple[int, int]] = []
    result = rehearse(
        installation.store,
        ADAPTERS,
        served(installation),
        draft(installation, ("label: Mobile", "label: Mobile, required: true")),
        lambda done, all_: told.append((done, all_)),
    )
    assert (result.leads, result.failing) == (MOST_LEADS, MOST_LEADS)
    assert told[-1] == (MOST_LEADS, MOST_LEADS)
    names = {example.lead for each in result.findings for example in each.examples}
    assert len(names) == 3


def test_nothing_is_sent_and_nothing_is_stored(installation: Installation) -> None:
    lead(installation, JANE)
    tables = (models.lead, models.delivery, models.attempt)

    def rows() -> list[list[object]]:
        with installation.store.read() as connection:
            return [list(connection.execute(table.select())) for table in tables]

    before = rows()
    rehearsed(installation, ("value: web}", "value: spring}"))
    assert rows() == before
