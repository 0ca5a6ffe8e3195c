"""The running product beside the sandbox, as a test sees them."""

from __future__ import annotations

import itertools
from dataclasses import dataclass, field
from typing import Any

from werkzeug.test import TestResponse

from tests.installation import Installation, SandboxServer

_numbers = itertools.count(1)


@dataclass
class Systems:
    """An installation whose vendors are the sandbox's, on real sockets."""

    installation: Installation
    sandbox: SandboxServer
    logged: list[str] = field(default_factory=list)

    def post(self, form: str, email: str, **answers: Any) -> TestResponse:
        """A lead by script, as JSON; Jane's unless the answers say another name."""
        body = {"firstName": "Jane", "lastName": "Doe", "email": email, **answers}
        return self.installation.client.post(f"/f/{form}", json=body)

    def delivery(self, email: str, destination: str = "vendor") -> dict[str, Any]:
        """Where the newest lead with this address stands, with the history of its tries."""
        (newest, *_) = self.installation.leads("--email", email)
        deliveries = self.installation.lead(newest["lead"])["deliveries"]
        (found,) = [each for each in deliveries if each["destination"] == destination]
        assert isinstance(found, dict)
        return found

    def received(self, vendor: str, email: str) -> list[dict[str, Any]]:
        """What the vendor got for an address, oldest first."""
        return self.sandbox.inbox(vendor=vendor, email=email)[::-1]

    def fields(self, vendor: str, email: str) -> dict[str, Any]:
        """The one request that the vendor got for an address, in which it found nothing to complain of."""
        (entry,) = self.received(vendor, email)
        assert entry["complaints"] == []
        found = entry["fields"]
        assert isinstance(found, dict)
        return found

    def resend(self, *args: str) -> None:
        result = self.installation.cli("leads", "resend", *args)
        assert result.exit_code == 0, result.output


@dataclass(frozen=True)
class Told:
    """What a visitor is told by one try, where the lead stands then, and what the vendor said."""

    answer: str
    state: str
    reason: str | None = None
    code: str | None = None
    words: str = ""


STATUS = {"ok": 200, "ct101": 403, "ct102": 422, "ct103": 409, "ct104": 422, "ct105": 422, "lf204": 422}
"""The HTTP status that a client of JSON gets with each code."""


def check(systems: Systems, form: str, email: str, told: Told, **answers: Any) -> dict[str, Any]:
    """Posts a lead, and holds the answer and the delivery against what is expected. Returns the delivery."""
    answer = systems.post(form, email, **answers)
    found = systems.delivery(email)
    body = answer.json
    assert body
    assert (answer.status_code, body.get("error_code", "ok")) == (STATUS[told.answer], told.answer)
    assert body["Message"] == ("Success" if told.answer == "ok" else "Error")
    assert (found["state"], found["reason"], found["attempts"]) == (told.state, told.reason, 1)
    assert found["error_code"] == (None if told.answer == "ok" else told.answer)
    assert (found["next_at"] is not None) == (told.state == "pending")
    (rung,) = found["history"]
    assert (rung["trigger"], rung["code"]) == ("visitor", told.code)
    assert told.words in rung["words"]
    return found


def address(behaviour: str = "jane") -> str:
    """An e-mail address that no other lead has; what stands before the @ chooses the sandbox's behaviour."""
    return f"{behaviour}+n{next(_numbers)}@example.com"
