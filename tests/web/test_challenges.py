"""Challenges: off by default, answered by browsers, never a reason to refuse, and nothing from outside unasked."""

from __future__ import annotations

import base64
import json
import threading
from collections.abc import Callable, Iterable, Iterator
from datetime import UTC, datetime, timedelta
from pathlib import Path
from typing import Any
from urllib.parse import parse_qs

import pytest
from altcha import v1 as altcha

from leadferry import turnstile
from leadferry.puzzles import LASTS, Puzzles
from leadferry.rate import RateLimit
from tests.conftest import Install
from tests.installation import Installation, serve, wait_until
from tests.web.conftest import ScriptedVendor
from tests.web.forms import SCRIPT, SETTINGS, VISITOR, quote, said

pytestmark = pytest.mark.thorough_on_postgresql  # what is asked is the same on each

ALTCHA = "spam: {challenge: altcha}\n"
TURNSTILE = "spam: {challenge: turnstile, site_key: 0x4AAA, secret: '${TURNSTILE_SECRET}'}\n"


def solved(puzzle: dict[str, Any]) -> str:
    """As a browser does it."""
    solution = altcha.solve_challenge(puzzle["challenge"], puzzle["salt"], puzzle["algorithm"], puzzle["maxNumber"])
    assert solution is not None
    return encoded({**{name: puzzle[name] for name in puzzle if name != "maxNumber"}, "number": solution.number})


def encoded(answer: object) -> str:
    return base64.b64encode(json.dumps(answer).encode()).decode()


def post(installation: Installation, name: str = "quote", **answers: str) -> str:
    answer = installation.client.post(f"/f/{name}", data={**VISITOR, **answers}, headers=SCRIPT)
    assert answer.status_code == 200, answer.text
    return str(said(answer)["lead"])


def held(installation: Installation, reference: str) -> list[str] | None:
    found = installation.lead(reference)["quarantine"]
    assert found is None or isinstance(found, list)
    return found


# Puzzles


@pytest.fixture
def puzzles(tmp_path: Path) -> Puzzles:
    return Puzzles("the key of these tests", RateLimit(tmp_path / "puzzles", 1, LASTS))


def test_a_solution_counts_once_and_for_its_form(puzzles: Puzzles) -> None:
    answer = solved(puzzles.make("quote"))
    assert puzzles.fault("other", answer) == "challenge_failed"
    assert puzzles.fault("quote", answer) is None
    assert puzzles.fault("quote", answer) == "challenge_failed"
    assert puzzles.fault("quote", f" {answer}\n") == "challenge_failed"
    assert puzzles.fault("quote", solved(puzzles.make("quote"))) is None


def test_an_old_or_forged_solution_does_not_count(puzzles: Puzzles, tmp_path: Path) -> None:
    old = solved(puzzles.make("quote", datetime.now(UTC) - timedelta(seconds=LASTS + 5)))
    forged = solved(Puzzles("another key", RateLimit(tmp_path / "x", 1, 60)).make("quote"))
    assert puzzles.fault("quote", old) == "challenge_failed"
    assert puzzles.fault("quote", forged) == "challenge_failed"
    puzzle = puzzles.make("quote")
    puzzle["salt"] = puzzle["salt"].replace("expires=", "expires=9")
    assert puzzles.fault("quote", encoded({**puzzle, "number": 1})) == "challenge_failed"


@pytest.mark.parametrize(
    "answer",
    [
        "x", "====", encoded([]), encoded({}), encoded(None), base64.b64encode(b"\xff").decode(),
        encoded({"algorithm": "SHA-256", "challenge": [], "number": "x", "salt": {}, "signature": 1}),
        encoded({"algorithm": [], "challenge": "", "number": 1, "salt": "", "signature": ""}),
        encoded({"algorithm": "MD5", "challenge": "a", "number": 1, "salt": "?expires=x", "signature": "b"}),
        encoded({"algorithm": "SHA-256", "challenge": "a", "number": True, "salt": "", "signature": "b"}),
        base64.b64encode(b"[" * 20_000).decode(),
    ],
)  # fmt: skip
def test_nonsense_is_no_solution_and_no_fault_of_ours(puzzles: Puzzles, answer: str) -> None:
    assert puzzles.fault("quote", answer) == "challenge_failed"


def test_no_solution_is_another_reason(puzzles: Puzzles) -> None:
    assert puzzles.fault("quote", None) == puzzles.fault("quote", "") == "challenge_missing"


# ALTCHA


@pytest.fixture
def worked(install: Install, vendor: ScriptedVendor) -> Installation:
    return install({"quote": quote(vendor.url, more=ALTCHA)}, **SETTINGS)


def puzzle_of(installation: Installation) -> dict[str, Any]:
    answer = installation.client.get("/f/quote/challenge")
    assert answer.headers["Cache-Control"] == "no-store"
    return said(answer)


def test_a_post_with_the_work_done_is_delivered(worked: Installation, vendor: ScriptedVendor) -> None:
    reference = post(worked, _lf_altcha=solved(puzzle_of(worked)))
    assert worked.lead(reference)["state"] == "delivered"
    assert "_lf_altcha" not in vendor.posts[0]


def test_a_post_without_it_is_held_and_not_refused(worked: Installation, vendor: ScriptedVendor) -> None:
    assert held(worked, post(worked)) == ["challenge_missing"]
    assert held(worked, post(worked, firstName="Bo", _lf_altcha="nonsense")) == ["challenge_failed"]
    assert vendor.posts == []


def test_a_solution_is_not_used_up_by_a_post_that_must_be_mended(worked: Installation) -> None:
    answer = solved(puzzle_of(worked))
    refused = worked.client.post("/f/quote", data={"firstName": "Jane", "_lf_altcha": answer}, headers=SCRIPT)
    assert refused.status_code == 422
    assert held(worked, post(worked, _lf_altcha=answer)) is None
    assert held(worked, post(worked, firstName="Bo", _lf_altcha=answer)) == ["challenge_failed"]


def test_script_and_puzzle_come_from_us(worked: Installation) -> None:
    answer = worked.client.get("/f/quote")
    assert 'data-challenge="/f/quote/challenge"' in answer.text
    assert 'src="/static/challenge.js"' in answer.text
    assert "https:" not in answer.headers["Content-Security-Policy"].partition("form-action")[0]
    with worked.client.get("/static/challenge.js") as script:
        assert "https://" not in script.text


def test_no_pasted_form_is_offered_that_could_not_answer(worked: Installation) -> None:
    answer = worked.client.get("/f/quote/snippet?kind=html")
    assert (answer.status_code, "challenge" in answer.text) == (404, True)
    assert "cannot answer this form’s challenge" in worked.client.get("/f/quote/snippet").text
    assert worked.client.get("/f/quote/snippet?kind=script").status_code == 200


def test_nothing_of_it_is_there_for_other_forms(install: Install) -> None:
    client = install({"quote": quote()}, **SETTINGS).client
    page = client.get("/f/quote")
    assert not any(word in page.text for word in ("challenge", "turnstile", "cloudflare"))
    assert "cloudflare" not in page.headers["Content-Security-Policy"]
    assert client.get("/f/quote/challenge").status_code == 404
    assert client.get("/f/nothing/challenge").status_code == 404


# Turnstile


class Verifier:
    """Cloudflare's side, saying what the test says. While ``open`` is cleared it lets callers wait."""

    def __init__(self) -> None:
        self.said: Any = {"success": True}
        self.asked: list[dict[str, list[str]]] = []
        self.open = threading.Event()
        self.open.set()

    def __call__(self, environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
        body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0)).decode()
        self.asked.append(parse_qs(body))
        assert self.open.wait(20)
        start_response("200 OK", [("Content-Type", "application/json")])
        return [json.dumps(self.said).encode()]


@pytest.fixture
def verifier(monkeypatch: pytest.MonkeyPatch) -> Iterator[Verifier]:
    found = Verifier()
    with serve(found) as url:  # type: ignore[arg-type]  # any WSGI application will do
        monkeypatch.setattr(turnstile, "VERIFY_URL", f"{url}/siteverify")
        yield found
        found.open.set()


@pytest.fixture
def judged(install: Install, vendor: ScriptedVendor, verifier: Verifier) -> Installation:
    return install({"quote": quote(vendor.url, more=TURNSTILE)}, TURNSTILE_SECRET="0x4SECRET", **SETTINGS)


def test_the_visitor_waits_for_no_judgement(judged: Installation, verifier: Verifier) -> None:
    verifier.open.clear()
    reference = post(judged, _lf_turnstile="token-1")
    assert held(judged, reference) == ["challenge_unknown"]
    verifier.open.set()
    judged.site.worker.start()
    wait_until(lambda: judged.lead(reference)["state"] == "delivered")
    lead = judged.lead(reference)
    assert (lead["quarantine"], "suspect" in lead["source"]) == (None, False)
    assert verifier.asked == [{"secret": ["0x4SECRET"], "response": ["token-1"]}]


def test_who_is_judged_a_machine_stays_held(judged: Installation, verifier: Verifier, vendor: ScriptedVendor) -> None:
    verifier.said = {"success": False, "error-codes": ["invalid-input-response"]}
    reference = post(judged, _lf_turnstile="token-2")
    wait_until(lambda: held(judged, reference) == ["challenge_failed"])
    assert vendor.posts == []


@pytest.mark.parametrize(
    "answer", [{"success": False, "error-codes": ["invalid-input-secret"]}, {"success": False}, [], "yes", {}]
)
def test_what_says_nothing_of_the_visitor_leaves_it_open(judged: Installation, verifier: Verifier, answer: Any) -> None:
    verifier.said = answer
    reference = post(judged, _lf_turnstile="token-3")
    wait_until(lambda: verifier.asked)
    judged.site.judgements.submit(lambda: None).result()
    assert held(judged, reference) == ["challenge_unknown"]


def test_a_judge_who_is_away_leaves_it_open(judged: Installation, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(turnstile, "VERIFY_URL", "http://127.0.0.1:9/siteverify")
    reference = post(judged, _lf_turnstile="token-4")
    judged.site.judgements.shutdown()
    assert held(judged, reference) == ["challenge_unknown"]


def test_without_a_token_nobody_is_asked(judged: Installation, verifier: Verifier) -> None:
    assert held(judged, post(judged)) == ["challenge_missing"]
    assert verifier.asked == []


def test_a_yes_takes_off_no_other_reason(judged: Installation, verifier: Verifier, vendor: ScriptedVendor) -> None:
    reference = post(judged, _lf_turnstile="token-5", _gotcha="x")
    wait_until(lambda: held(judged, reference) == ["honeypot"])
    assert vendor.posts == []


def test_the_page_asks_cloudflare_only_here(judged: Installation) -> None:
    answer = judged.client.get("/f/quote")
    assert 'src="https://challenges.cloudflare.com/turnstile/v0/api.js"' in answer.text
    assert 'data-sitekey="0x4AAA" data-response-field-name="_lf_turnstile"' in answer.text
    policy = answer.headers["Content-Security-Policy"]
    assert "script-src 'self' https://challenges.cloudflare.com;" in policy
    assert "frame-src https://challenges.cloudflare.com" in policy
    assert "0x4SECRET" not in answer.text
