"""What must hold: no thanked lead is missing, each ends in a known state, none is twice at a vendor."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

from sqlalchemy import func, select

from leadferry import leads
from leadferry.models import delivery, lead
from leadferry.store import Store
from tests.installation import wait_until


@dataclass(frozen=True)
class Stored:
    """One lead as the store has it. ``waited``: seconds from the post to its end."""

    reference: str
    form: str
    email: str
    state: str
    attempts: int
    waited: float | None


def everything(store: Store) -> list[Stored]:
    columns = (lead.c.reference, lead.c.form, lead.c.answers, delivery.c.state, delivery.c.attempts)
    query = select(*columns, delivery.c.settled_at - lead.c.received_at).join(delivery, delivery.c.lead_id == lead.c.id)
    with store.read() as connection:
        return [
            Stored(reference, form, answers["email"], state, attempts, waited)
            for reference, form, answers, state, attempts, waited in connection.execute(query)
        ]


def hold_the_balance(store: Store, thanked: Mapping[str, str]) -> None:
    """Adds up, and has everybody who was thanked. ``thanked`` may grow meanwhile."""
    before = set(dict(thanked).values())
    found = leads.balance(store)
    assert found["balanced"], found
    with store.read() as connection:
        stored = set(connection.execute(select(lead.c.reference)).scalars())
    assert not before - stored, "thanked and not stored"


def wait_for_the_end(store: Store, seconds: float) -> None:
    """Until no lead is on its way any more."""
    open_ones = select(func.count()).where(delivery.c.state.in_(["pending", "sending"]))

    def all_settled() -> bool:
        with store.read() as connection:
            return connection.execute(open_ones).scalar_one() == 0

    wait_until(all_settled, seconds)


def hold_the_end(store: Store, thanked: Mapping[str, str], ledger: Mapping[str, Mapping[str, Any]]) -> list[Stored]:
    """Every lead that was thanked against the store and the vendor's own memory."""
    hold_the_balance(store, thanked)
    found = everything(store)
    of_person = {each.email: each for each in found}
    assert len(of_person) == len(found), "one post made two leads"
    assert {email: of_person[email].reference for email in thanked} == dict(thanked)
    assert {each.state for each in found} <= {"delivered", "held", "dead"}, Counter(each.state for each in found)
    for each in found:
        at_vendor = [entry for entry in ledger[each.form].values() if entry["email"] == each.email]
        taken = sum(entry["taken"] for entry in at_vendor)
        assert len(at_vendor) <= 1, f"{each}: sent under more than one id"
        assert taken <= 1, f"{each}: twice at the vendor"
        assert taken == 1 or each.state != "delivered", f"{each}: called delivered, and the vendor does not have it"
    return found
