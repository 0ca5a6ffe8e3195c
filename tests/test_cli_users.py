"""`flask users`: who may use the console, from the terminal; and the link that a start prints."""

from __future__ import annotations

import json
import re
from pathlib import Path

import pytest
import requests

from leadferry import users
from tests.conftest import REAL_HASHER, Install
from tests.installation import Installation, wait_until

pytestmark = pytest.mark.thorough_on_postgresql  # users are few rows

PASSWORD = "three words together"


def cli(here: Installation, *args: str, stdin: str = "") -> tuple[int, str]:
    found = here.app.test_cli_runner().invoke(args=["users", *args], input=stdin)
    return found.exit_code, found.output


def test_a_user_is_added_listed_changed_and_kept_out(install: Install) -> None:
    here = install()
    assert cli(here, "add", "Ada", "--role", "operator", "--password-stdin", stdin=f"{PASSWORD}\n")[0] == 0
    assert cli(here, "add", "Bo", "--role", "viewer", stdin=f"{PASSWORD}\n{PASSWORD}\n")[0] == 0
    assert users.log_in(here.store, "bo", PASSWORD)
    assert cli(here, "role", "Bo", "editor")[0] == 0
    found = json.loads(cli(here, "list", "--json")[1])
    assert [(each["name"], each["role"], each["active"]) for each in found] == [
        ("Ada", "operator", True),
        ("Bo", "editor", True),
    ]
    assert cli(here, "password", "Bo", "--password-stdin", stdin="another long one\n")[0] == 0
    assert users.log_in(here.store, "Bo", PASSWORD) is None
    assert cli(here, "disable", "Bo")[0] == 0
    assert users.log_in(here.store, "Bo", "another long one") is None
    assert "Bo  editor  switched off" in cli(here, "list")[1]


def test_what_cannot_be_done_is_said_in_one_line(install: Install) -> None:
    here = install()
    add = ("add", "Ada", "--role", "operator", "--password-stdin")
    assert cli(here, *add, stdin="short\n") == (1, "A password has 10 to 200 characters.\n")
    cli(here, *add, stdin=f"{PASSWORD}\n")
    assert cli(here, *add, stdin=f"{PASSWORD}\n") == (1, "There is a user called Ada already.\n")
    assert cli(here, "role", "Nobody", "viewer") == (1, "There is no user called Nobody.\n")
    assert cli(here, "disable", "Ada") == (1, "Ada is the only operator left; make another one first.\n")


def test_a_password_is_kept_as_argon2_and_shown_nowhere(install: Install, monkeypatch: pytest.MonkeyPatch) -> None:
    """With the product's own hasher, which makes guessing dear; the other tests have a cheap one."""
    monkeypatch.setattr(users, "_HASHER", REAL_HASHER)
    here = install()
    cli(here, "add", "Ada", "--role", "operator", "--password-stdin", stdin=f"{PASSWORD}\n")
    with here.store.read() as connection:
        (kept,) = connection.exec_driver_sql("SELECT password FROM console_user").scalars()
    assert kept.startswith("$argon2id$v=19$m=65536,t=3,p=4$")
    assert PASSWORD not in cli(here, "list", "--json")[1]


def test_an_invitation_without_a_name_is_for_the_first_user_only(install: Install) -> None:
    here = install(PUBLIC_URL="https://forms.example.com")
    assert re.fullmatch(r"https://forms\.example\.com/console/welcome/[\w-]{32}\n", cli(here, "invite")[1])
    users.add(here.store, "Ada", "operator", PASSWORD)
    assert cli(here, "invite")[0] == 1
    token = cli(here, "invite", "--name", "Bo", "--role", "viewer")[1].strip().rpartition("/")[2]
    assert users.invitation(here.store, token).role == "viewer"  # type: ignore[union-attr]


def log_of(here: Installation) -> str:
    return Path(here.root / "process.log").read_text("utf-8")


def test_a_start_prints_a_link_until_there_is_a_user(install: Install) -> None:
    here = install()
    with here.gunicorn(workers=1) as server:
        wait_until(lambda: "/console/welcome/" in log_of(here))
        (link,) = re.findall(r"http://127\.0\.0\.1:\d+/console/welcome/\S+", log_of(here))
        assert link.startswith(server.url)
        assert requests.get(link, timeout=10).status_code == 200
    users.add(here.store, "Ada", "operator", PASSWORD)
    with here.gunicorn(workers=1):
        assert len(re.findall("/console/welcome/", log_of(here))) == 1
