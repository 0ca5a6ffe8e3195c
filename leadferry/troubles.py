"""What went wrong lately, put together by cause: what happened, what to do, and what there is to press."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from sqlalchemy import func, select

from leadferry import explain, outbox, reports, search
from leadferry.delivery import Office
from leadferry.explain import FORM, LOOK, NOTHING
from leadferry.forms import Form
from leadferry.languages import plural, sentence
from leadferry.models import delivery, lead
from leadferry.outbox import Waiting
from leadferry.store import Store
from leadferry.vendors.base import Destination

DAY = 86_400.0
DAYS = 7


@dataclass(frozen=True)
class Trouble:
    """Leads of one form that stand somewhere for one reason.

    ``happened`` and ``todo`` are sentences that can be told in other languages; ``says`` are the vendor's own words.
    ``tone`` is `bad` where a person must do something, `warn` where one should look, `info` where nothing is to be
    done. ``button`` is one of ``leadferry.explain``: `again`, `look`, `nothing` or `form`.
    """

    form: str
    account: str
    vendor: str
    state: str
    reason: str | None
    leads: int
    happened: str
    todo: str
    button: str
    tone: str
    says: str = ""


def find(office: Office, days: int = DAYS) -> list[Trouble]:
    """The worst first: what waits for a person, what one should look at, what is only to be known."""
    found = [*_broken(office), *_waiting(office), *_ended(office, days), *_junk(office, days)]
    return sorted(found, key=lambda each: (("bad", "warn", "info").index(each.tone), -each.leads))


def of_lead(office: Office, form: str, account: str, state: str, reason: str | None, words: str = "") -> Trouble:
    """The same for one lead, as its own page says it."""
    return _trouble(office, form, account, state, reason, 1, words)


def _trouble(
    office: Office, form: str, account: str, state: str, reason: str | None, count: int, words: str = ""
) -> Trouble:
    destination, vendor = _destination(office, account)
    said = explain.advice(reason, state)
    names = _listed(explain.key_names(destination, office.adapters[destination.adapter])) if destination else ""
    secrets = names or sentence("the form's settings")
    return Trouble(
        form=form,
        account=account,
        vendor=vendor,
        state=state,
        reason=reason,
        leads=count,
        happened=said.happened.of(count, vendor=vendor) if count > 1 else explain.what_happened(reason, vendor),
        todo=said.todo.of(count, vendor=vendor, secrets=secrets),
        button=said.button,
        tone={NOTHING: "info", LOOK: "warn"}.get(said.button, "bad"),
        says=words,
    )


def _listed(names: Sequence[str]) -> str:
    """Names of the environment."""
    if len(names) < 2:
        return "".join(names)
    return sentence("{several} and {last}").of(several=", ".join(names[:-1]), last=names[-1])


def _destination(office: Office, account: str) -> tuple[Destination | None, str]:
    name, _, wanted = account.partition("/")
    form = office.catalog.all().get(name)
    for each in form.destinations if isinstance(form, Form) else ():
        if each.name == wanted:
            return each, office.adapters[each.adapter].label
    return None, sentence("The vendor")


def _broken(office: Office) -> Iterator[Trouble]:
    """Forms that answer nobody."""
    for name, form in office.catalog.all().items():
        if not isinstance(form, Form):
            first = next((problem for problem in form.problems if not problem.warning), None)
            yield Trouble(
                form=name,
                account=name,
                vendor="",
                state="",
                reason=None,
                leads=0,
                happened=sentence("The form {form} cannot be served, and visitors see that it is not available.").of(
                    form=name
                ),
                todo=sentence("Mend what is wrong in it."),
                button=FORM,
                tone="bad",
                says=f"{first.key}: {first.message}" if first else "",
            )


def _waiting(office: Office) -> Iterator[Trouble]:
    """Accounts that no lead passes, and leads that have failed and are tried again."""
    paused: set[str] = set()
    for each in outbox.waiting(office.store):
        count = reports.waiting_leads(office.store, each.account)
        if count or each.waiting == "misconfigured":
            paused.add(each.account)
            yield _paused(office, each, count)
    for account, reason, count in _retrying(office.store):
        if account not in paused:
            found = _trouble(office, account.partition("/")[0], account, "pending", reason, count)
            yield found if found.tone == "info" else _as_info(found)


def _paused(office: Office, each: Waiting, count: int) -> Trouble:
    form = each.account.partition("/")[0]
    found = _trouble(office, form, each.account, "pending", each.reason, count, each.words or "")
    return found if each.waiting == "misconfigured" else _as_info(found)


def _as_info(found: Trouble) -> Trouble:
    """It goes on by itself; who cannot wait may press the button all the same."""
    return Trouble(
        **{**found.__dict__, "tone": "info", "todo": sentence("Nothing to do: it is tried again by itself.")}
    )


def _retrying(store: Store) -> list[tuple[str, str | None, int]]:
    query = (
        select(delivery.c.account, delivery.c.reason, func.count())
        .join(lead, lead.c.id == delivery.c.lead_id)
        .where(delivery.c.state == "pending", delivery.c.attempts > 0, lead.c.test.is_(False))
        .group_by(delivery.c.account, delivery.c.reason)
    )
    with store.read() as connection:
        return [(account, reason, int(count)) for account, reason, count in connection.execute(query)]


def _ended(office: Office, days: int) -> Iterator[Trouble]:
    for form, account, state, reason, count in _without_success(office.store, office.store.now() - days * DAY):
        if reason != "erased":
            yield _trouble(office, form, account, state, reason, count)


def _without_success(store: Store, since: float) -> list[Any]:
    """Counted along the index of states, from the first lead of that time on: the delivered ones are never read."""
    columns = (lead.c.form, delivery.c.account, delivery.c.state, delivery.c.reason)
    with store.read() as connection:
        query = (
            select(*columns, func.count())
            .join_from(delivery, lead, lead.c.id == delivery.c.lead_id)
            .where(delivery.c.state.in_(["rejected", "held", "dead"]))
            .where(delivery.c.lead_id >= search.first_since(connection, since))
            .where(lead.c.received_at >= since, lead.c.test.is_(False), lead.c.erased_at.is_(None))
            .group_by(*columns)
        )
        return list(connection.execute(query))


def _junk(office: Office, days: int) -> Iterator[Trouble]:
    since = office.store.now() - days * DAY
    held = (lead.c.quarantine.is_not(None), lead.c.received_at >= since, lead.c.test.is_(False))
    with office.store.read() as connection:
        first = search.first_since(connection, since)
        forms = Counter(connection.execute(select(lead.c.form).where(lead.c.id >= first, *held)).scalars())
    for form, count in forms.items():
        yield Trouble(
            form=form,
            account=form,
            vendor="",
            state="quarantined",
            reason=None,
            leads=count,
            happened=plural(
                "{count} lead of {form} looked like junk and went to no vendor.",
                "{count} leads of {form} looked like junk and went to no vendor.",
            ).of(count, form=form),
            todo=sentence("Look through them now and then, and release what is real."),
            button=LOOK,
            tone="info",
        )


def resendable(store: Store, account: str, states: tuple[str, ...], reason: str | None) -> list[int]:
    """The leads of a trouble whose button sends again."""
    query = select(delivery.c.lead_id).where(delivery.c.account == account, delivery.c.state.in_(states))
    if reason is not None:
        query = query.where(delivery.c.reason == reason)
    with store.read() as connection:
        return list(connection.execute(query.order_by(delivery.c.lead_id)).scalars())
