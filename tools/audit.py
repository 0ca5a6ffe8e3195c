"""Whether a package that we pin has a known vulnerability: `python -m tools.audit`.

Fails only where one is known. An index that cannot be reached, or that knows nothing of vulnerabilities as most mirrors
do, is said so: pip-audit itself calls that "no known vulnerabilities".
"""

from __future__ import annotations

import json
import subprocess
import sys
from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from typing import Any

PINNED = ("requirements.txt", "requirements-dev.txt")
SERVICES = ("pypi", "osv")
SECONDS = 120


@dataclass(frozen=True)
class Found:
    """What a service said: packages that it knew, packages that it did not, and a line for each vulnerability."""

    audited: int
    unknown: int
    vulnerabilities: tuple[str, ...]


def main() -> int:
    for service in SERVICES:
        found = read(ask(service))
        if found and found.audited:
            return report(found, service)
    print(f"Not audited: neither {' nor '.join(SERVICES)} could be asked about vulnerabilities from here.")
    return 0


def ask(service: str) -> str:
    """pip-audit's own words; empty where it has none."""
    files = [word for name in PINNED for word in ("-r", name)]
    command = [sys.executable, "-m", "pip_audit", "--disable-pip", "--require-hashes", "-s", service, *files]
    try:
        done = subprocess.run(
            [*command, "--progress-spinner", "off", "-f", "json"],
            capture_output=True,
            text=True,
            timeout=SECONDS,
            check=False,
        )
    except subprocess.TimeoutExpired:
        return ""
    return done.stdout


def read(said: str) -> Found | None:
    try:
        packages: Sequence[dict[str, Any]] = json.loads(said)["dependencies"]
    except (ValueError, KeyError, TypeError):
        return None
    audited = [each for each in packages if "skip_reason" not in each]
    return Found(len(audited), len(packages) - len(audited), tuple(lines(audited)))


def lines(packages: Iterable[dict[str, Any]]) -> Iterable[str]:
    for package in packages:
        for each in package["vulns"]:
            mend = ", ".join(each["fix_versions"]) or "no version yet"
            yield f"{package['name']} {package['version']}: {each['id']}; mended in {mend}"


def report(found: Found, service: str) -> int:
    unknown = f", {found.unknown} unknown to it" if found.unknown else ""
    print(
        f"{found.audited} packages audited by {service}{unknown}, {len(found.vulnerabilities)} known vulnerabilities."
    )
    for line in found.vulnerabilities:
        print(f"  {line}")
    return 1 if found.vulnerabilities else 0


if __name__ == "__main__":
    sys.exit(main())
