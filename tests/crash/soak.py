"""`make soak`: two hundred kills over ten thousand leads.

Prints the figures, and fails where a lead was lost or sent twice.
"""

from __future__ import annotations

import argparse
import sys
import tempfile
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from leadferry.store import Store, upgrade
from tests.crash.kills import Plan, run
from tests.installation import make
from tests.services.postgres import temporary_postgres


@contextmanager
def database(name: str) -> Iterator[str | None]:
    if name == "sqlite":
        yield None
        return
    with temporary_postgres() as server:
        store = Store(server.url)
        upgrade(store)
        store.engine.dispose()
        yield server.url


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--database", choices=["sqlite", "postgresql"], default="sqlite")
    parser.add_argument("--leads", type=int, default=10_000)
    parser.add_argument("--kills", type=int, default=200)
    parser.add_argument("--seed", default="soak")
    asked = parser.parse_args()
    plan = Plan(asked.leads, asked.kills, per_second=25, longest_pause=1.5, seed=asked.seed)
    with tempfile.TemporaryDirectory(prefix="leadferry-soak-") as folder, database(asked.database) as url:
        installation = make(Path(folder), url, {"ALLOW_PRIVATE_VENDORS": "1"})
        figures = run(installation, plan)
        installation.close()
    sys.stdout.write(f"{asked.database}: {figures}\n")


if __name__ == "__main__":
    main()
