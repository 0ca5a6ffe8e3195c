"""A copy of a SQLite database, whole, while others use it."""

from __future__ import annotations

from pathlib import Path

from leadferry.config import SettingsError
from leadferry.store import Store, sqlite_driver


def back_up(store: Store, target: Path) -> None:
    """Copies the database to a new file; the name appears only when the copy is complete.

    Raises:
        SettingsError: it is not SQLite, or the target is there already.
    """
    if store.path is None:
        raise SettingsError("DATABASE_URL: this is PostgreSQL; use pg_dump")
    if target.exists():
        raise SettingsError(f"{target} is there already; a backup never replaces one")
    draft = target.with_name(f"{target.name}.part")
    source, copy = sqlite_driver.connect(store.path, timeout=15), sqlite_driver.connect(draft)
    try:
        source.backup(copy)
    finally:
        copy.close()
        source.close()
    draft.rename(target)
