"""Somebody at the console, as a browser would be: signed in, and with the token that every post needs."""

from __future__ import annotations

import re
from dataclasses import dataclass
from typing import Any

from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from leadferry import users
from tests.installation import Installation

PASSWORD = "three words together"


@dataclass
class Visitor:
    """``get`` and ``post`` of a client with the console's session; ``post`` fetches the token by itself."""

    client: FlaskClient
    name: str = ""

    def get(self, path: str, **more: Any) -> TestResponse:
        return self.client.get(path, **more)

    def post(self, path: str, data: dict[str, Any] | None = None, **more: Any) -> TestResponse:
        return self.client.post(path, data={"csrf_token": self.token(), **(data or {})}, **more)

    def token(self) -> str:
        """What any page of the console carries."""
        page = self.client.get("/console/account" if self.name else "/console/login").text
        found = re.search(r'name="csrf_token" value="([^"]+)"', page)
        assert found, page[:500]
        return found[1]


def stranger(installation: Installation) -> Visitor:
    return Visitor(installation.app.test_client())


def signed_in(installation: Installation, role: str = "operator", name: str | None = None) -> Visitor:
    """Somebody of this role, made if need be, in a session of their own."""
    name = name or f"Some {role}"
    user = users.find_by_name(installation.store, name) or _made(installation, name, role)
    visitor = Visitor(installation.app.test_client(), name)
    with visitor.client.session_transaction("/console/") as session:
        session.permanent = True
        session["_user_id"], session["_fresh"] = f"{user.id}.{user.epoch}", True
    return visitor


def _made(installation: Installation, name: str, role: str) -> users.User:
    return users.add(installation.store, name, role, PASSWORD)
