"""`make audit` fails for a known vulnerability, and never takes silence for safety."""

from __future__ import annotations

import json

import pytest

from tools import audit

SAFE = {"name": "flask", "version": "3.1", "vulns": []}
UNKNOWN = {"name": "flask", "skip_reason": "Dependency not found on PyPI"}
BROKEN = {
    "name": "flask",
    "version": "1.0",
    "vulns": [{"id": "PYSEC-1", "fix_versions": ["1.1"]}, {"id": "X", "fix_versions": []}],
}


def said(*packages: object) -> str:
    return json.dumps({"dependencies": packages, "fixes": []})


def run(monkeypatch: pytest.MonkeyPatch, answers: dict[str, str]) -> int:
    monkeypatch.setattr(audit, "ask", lambda service: answers.get(service, ""))
    return audit.main()


def test_a_known_vulnerability_fails_and_is_named(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch, {"pypi": said(SAFE, BROKEN)}) == 1
    out = capsys.readouterr().out
    assert "flask 1.0: PYSEC-1; mended in 1.1" in out
    assert "flask 1.0: X; mended in no version yet" in out


def test_what_nobody_knows_is_not_called_safe(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch, {"pypi": said(UNKNOWN), "osv": "Traceback"}) == 0
    assert capsys.readouterr().out.startswith("Not audited")


def test_the_second_service_is_asked_where_the_first_knows_nothing(
    monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    assert run(monkeypatch, {"pypi": said(UNKNOWN), "osv": said(SAFE, UNKNOWN)}) == 0
    assert capsys.readouterr().out == "1 packages audited by osv, 1 unknown to it, 0 known vulnerabilities.\n"
