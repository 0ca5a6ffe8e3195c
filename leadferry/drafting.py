"""Changes to forms that are not live yet: one draft a form, saved by whoever saw the last of it, then published."""

from __future__ import annotations

import time
from dataclasses import dataclass, replace
from typing import Any

from sqlalchemy import Connection, Row, select, update

from leadferry.catalog import Catalog
from leadferry.form_file import Problem, version_of
from leadferry.languages import sentence
from leadferry.models import form_draft
from leadferry.store import PublishedForm, Store


@dataclass(frozen=True)
class Draft:
    """What a form may become. ``base_version`` is what it began with, None for a form that was never published.

    ``revision`` grows with each change and never begins anew; 0 is a draft that nobody has saved yet.
    """

    form: str
    content: str
    base_version: str | None
    revision: int
    updated_at: float = 0.0
    updated_by: str = ""

    @property
    def is_saved(self) -> bool:
        return self.revision > 0


class Conflict(Exception):
    """Somebody else was faster, and nothing was overwritten.

    ``theirs`` is the draft as it stands now, or None where they published or discarded it, ``by`` and ``at`` say who
    and when.
    """

    def __init__(self, by: str, at: float, theirs: Draft | None) -> None:
        super().__init__(f"changed by {by}")
        self.by = by
        self.at = at
        self.theirs = theirs


class Outdated(Exception):
    """The form was published since the draft began: publishing it now would take that back."""

    def __init__(self, newest: PublishedForm) -> None:
        super().__init__(f"published since as {newest.version}")
        self.newest = newest


class NotRight(Exception):
    """The draft has mistakes; it stays a draft."""

    def __init__(self, problems: list[Problem]) -> None:
        super().__init__("; ".join(str(problem) for problem in problems))
        self.problems = tuple(problems)


# --- drafts ---


def find(store: Store, form: str) -> Draft | None:
    """The draft that somebody has saved."""
    with store.read() as connection:
        row = _row(connection, form)
    return _draft(row) if row is not None and row.content is not None else None


def current(store: Store, catalog: Catalog, form: str) -> Draft | None:
    """The draft, or what is published as the beginning of one; None where there is no such form."""
    with store.read() as connection:
        row = _row(connection, form)
    if row is not None and row.content is not None:
        return _draft(row)
    newest = catalog.newest(form)
    revision = row.revision if row is not None else 0
    if newest is None:
        text = catalog.file_text(form)  # that of a file that was never right
        return Draft(form, text, None, revision) if text is not None else None
    content = newest.content or _last_content(store, form)
    return Draft(form, content, newest.version or None, revision, newest.at, newest.by or "")


def last_revision(store: Store, form: str) -> int:
    """Of a draft that was given up too: its number goes on."""
    with store.read() as connection:
        row = _row(connection, form)
    return int(row.revision) if row is not None else 0


def _last_content(store: Store, form: str) -> str:
    """Of an archived form, what it was before."""
    return next((each.content for each in store.publications(form) if not each.is_archived), "")


def waiting(store: Store) -> dict[str, Draft]:
    """All drafts, by form."""
    with store.read() as connection:
        rows = connection.execute(select(form_draft).where(form_draft.c.content.is_not(None))).all()
    return {row.form: _draft(row) for row in rows}


def save(store: Store, draft: Draft, by: str) -> Draft:
    """Stores the content as the next revision, if nobody has since the draft's own.

    Raises:
        Conflict: somebody has.
    """
    return _change(store, draft, by, draft.content)


def discard(store: Store, draft: Draft, by: str) -> None:
    """Gives the draft up; what is published stays.

    Raises:
        Conflict: it was changed since it was seen.
    """
    _change(store, draft, by, None)


def _change(store: Store, draft: Draft, by: str, content: str | None) -> Draft:
    with store.write() as connection:
        store.one_at_a_time(connection, f"draft {draft.form}")
        _require(connection, draft)
        return _put(store, connection, draft, by, content)


def _require(connection: Connection, draft: Draft) -> None:
    row = _row(connection, draft.form)
    if row is not None and row.revision != draft.revision:
        raise Conflict(row.updated_by, row.updated_at, _draft(row) if row.content is not None else None)
    if row is None and draft.revision:
        raise Conflict(sentence("somebody"), time.time(), None)


def _put(store: Store, connection: Connection, draft: Draft, by: str, content: str | None) -> Draft:
    now = time.time()
    after = {
        "content": content,
        "base_version": draft.base_version,
        "revision": draft.revision + 1,
        "updated_at": now,
        "updated_by": by,
    }
    connection.execute(store.insert_new(form_draft).values(form=draft.form, **after))
    connection.execute(update(form_draft).where(form_draft.c.form == draft.form).values(after))
    return replace(draft, content=content or "", revision=draft.revision + 1, updated_at=now, updated_by=by)


def _row(connection: Connection, form: str) -> Row[Any] | None:
    return connection.execute(select(form_draft).where(form_draft.c.form == form)).first()


def _draft(row: Row[Any]) -> Draft:
    return Draft(row.form, row.content, row.base_version, row.revision, row.updated_at, row.updated_by)


# --- publishing ---


@dataclass(frozen=True)
class Published:
    """``is_in_file``: the folder says the same now; else it cannot be written, or somebody works in the file."""

    version: str
    is_in_file: bool


def publish(store: Store, catalog: Catalog, draft: Draft, by: str) -> Published:
    """Makes the draft what every machine serves, and ends it.

    Raises:
        NotRight: it has mistakes.
        Conflict: somebody changed the draft since it was seen.
        Outdated: the form was published since the draft began. To replace that, save the draft with its version as
            ``base_version``.
    """
    _require_right(catalog, draft.form, draft.content)
    version = version_of(draft.content)
    with store.write() as connection:
        store.one_at_a_time(connection, "upgrade")  # no other publication comes between the look and this one
        store.one_at_a_time(connection, f"draft {draft.form}")
        _require(connection, draft)
        _require_base(store, connection, draft)
        store.publish_in(connection, draft.form, version, draft.content, "console", by)
        _put(store, connection, replace(draft, base_version=version), by, None)
    return Published(version, catalog.take_up(draft.form))


def _require_right(catalog: Catalog, form: str, content: str) -> None:
    mistakes = [problem for problem in catalog.check(form, content)[1] if not problem.warning]
    if mistakes:
        raise NotRight(mistakes)


def _require_base(store: Store, connection: Connection, draft: Draft) -> None:
    newest = store.newest_in(connection, draft.form)
    if newest is not None and (newest.version or None) != draft.base_version:
        raise Outdated(newest)


def restore(store: Store, catalog: Catalog, form: str, version: str, by: str) -> Published:
    """Publishes a content of the past once more. A draft that somebody has stays theirs.

    Raises:
        LookupError: the form never had it.
        NotRight: it cannot be served as things are now.
    """
    found = store.find_version(form, version)
    if found is None:
        raise LookupError(f"{form} has no version {version}")
    _require_right(catalog, form, found.content)
    store.publish(form, version, found.content, "console", by)
    return Published(version, catalog.take_up(form))


def archive(store: Store, catalog: Catalog, form: str, by: str) -> bool:
    """Takes a form off every machine; its versions and leads stay. Whether its file is gone here."""
    store.publish(form, "", "", "archive", by)
    return catalog.take_up(form)
