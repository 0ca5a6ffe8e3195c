"""`make soak`: the long version of test_kills, on SQLite: ten thousand leads and two hundred kills.

`python -m tests.crash.soak [LEADS KILLS]`
"""

from __future__ import annotations

import sys
import tempfile
from pathlib import Path

from tests.crash.kills import Plan, run
from tests.installation import make


def main(leads: int = 10_000, kills: int = 200) -> None:
    plan = Plan(leads=leads, kills=kills, per_second=40, longest_pause=1.5, seed="soak", settle_seconds=900)
    with tempfile.TemporaryDirectory(prefix="leadferry-soak-") as folder:
        installation = make(Path(folder), None, {"ALLOW_PRIVATE_VENDORS": "1"})
        try:
            sys.stdout.write(f"{run(installation, plan)}\n")
        finally:
            installation.close()


if __name__ == "__main__":
    main(*map(int, sys.argv[1:3]))
