"""Getting in: the first user, the login, sessions and their end, and who may see what."""

from __future__ import annotations

from pathlib import Path

import pytest

from leadferry import config, users
from leadferry.config import SettingsError
from tests.conftest import Install
from tests.installation import make
from tests.web.console.visitor import PASSWORD, Visitor, signed_in, stranger

pytestmark = pytest.mark.thorough_on_postgresql  # how somebody comes in is the same on each


def log_in(visitor: Visitor, name: str, password: str = PASSWORD, **more: str) -> int:
    answer = visitor.post("/console/login", {"name": name, "password": password, **more})
    return answer.status_code


def test_the_first_user_is_made_with_the_one_time_link_and_nobody_else_is(install: Install) -> None:
    here = install()
    link = f"/console/welcome/{users.invite(here.store)}"
    second = f"/console/welcome/{users.invite(here.store)}"
    first = stranger(here)
    assert first.post(link, {"name": "Ada", "password": PASSWORD}).headers["Location"] == "/console/"
    assert first.get("/console/users").status_code == 200
    assert [(each.name, each.role) for each in users.everyone(here.store)] == [("Ada", "operator")]
    for used in (link, second):
        assert stranger(here).get(used).status_code == 404
        assert stranger(here).post(used, {"name": "Eve", "password": PASSWORD}).status_code == 404


def test_a_password_that_is_too_short_leaves_the_link_good(install: Install) -> None:
    here = install()
    link = f"/console/welcome/{users.invite(here.store)}"
    refused = stranger(here).post(link, {"name": "Ada", "password": "short"})
    assert (refused.status_code, "10 to 200 characters" in refused.text) == (422, True)
    assert stranger(here).post(link, {"name": "Ada", "password": PASSWORD}).status_code == 303


def test_the_right_password_opens_and_a_wrong_one_says_no_more_than_an_unknown_name(install: Install) -> None:
    here = install()
    users.add(here.store, "Ada", "viewer", PASSWORD)
    assert log_in(stranger(here), " ada ") == 303
    wrong = stranger(here).post("/console/login", {"name": "Ada", "password": "not the one"})
    unknown = stranger(here).post("/console/login", {"name": "Bob", "password": "not the one"})
    assert wrong.status_code == unknown.status_code == 422
    assert "That name and password do not go together." in wrong.text
    assert "That name and password do not go together." in unknown.text


def test_after_ten_tries_by_name_nobody_gets_in_for_a_while(install: Install) -> None:
    here = install(TRUSTED_PROXIES="1")
    users.add(here.store, "Ada", "viewer", PASSWORD)
    for number in range(10):
        visitor = stranger(here)
        visitor.client.environ_base["HTTP_X_FORWARDED_FOR"] = f"192.0.2.{number}"
        assert log_in(visitor, "Ada", "wrong one") == 422
    other = stranger(here)
    other.client.environ_base["HTTP_X_FORWARDED_FOR"] = "198.51.100.1"
    assert log_in(other, "Ada") == 429
    assert log_in(other, "Bob") == 422


def test_after_ten_tries_from_an_address_no_name_gets_in_from_there(install: Install) -> None:
    here = install()
    users.add(here.store, "Ada", "viewer", PASSWORD)
    for number in range(10):
        log_in(stranger(here), f"name {number}", "x" * 12)
    assert log_in(stranger(here), "Ada") == 429


def test_the_login_goes_on_to_where_one_wanted_but_only_in_the_console(install: Install) -> None:
    here = install()
    users.add(here.store, "Ada", "viewer", PASSWORD)
    asked = stranger(here).get("/console/account?x=1")
    assert asked.headers["Location"] == "/console/login?next=/console/account?x%3D1"
    visitor = stranger(here)
    answer = visitor.post("/console/login", {"name": "Ada", "password": PASSWORD, "next": "/console/account?x=1"})
    assert answer.headers["Location"] == "/console/account?x=1"


@pytest.mark.parametrize(
    "elsewhere",
    [
        "https://evil.example/",
        "//evil.example/console/",
        "/\\evil.example",
        "/console/\\..\\x",
        "javascript:alert(1)",
        "/f/quote",
        "/console/\n/x",
    ],
)
def test_the_login_goes_nowhere_else(install: Install, elsewhere: str) -> None:
    here = install()
    users.add(here.store, "Ada", "viewer", PASSWORD)
    answer = stranger(here).post("/console/login", {"name": "Ada", "password": PASSWORD, "next": elsewhere})
    assert answer.headers["Location"] == "/console/"
    assert elsewhere not in stranger(here).get("/console/login", query_string={"next": elsewhere}).text


def test_signing_out_everywhere_ends_every_session(install: Install) -> None:
    here = install()
    phone, desk = signed_in(here, "viewer"), signed_in(here, "viewer")
    other = signed_in(here, "editor")
    assert phone.post("/console/account/sign-out-everywhere").status_code == 303
    assert [each.get("/console/account").status_code for each in (phone, desk, other)] == [303, 303, 200]


def test_a_new_password_ends_the_other_sessions_and_needs_the_old_one(install: Install) -> None:
    here = install()
    phone, desk = signed_in(here, "viewer"), signed_in(here, "viewer")
    new = {"password": "not it", "new_password": "a new one that is long"}
    assert desk.post("/console/account/password", new).status_code == 422
    assert desk.post("/console/account/password", {**new, "password": PASSWORD}).status_code == 303
    assert (desk.get("/console/account").status_code, phone.get("/console/account").status_code) == (200, 303)
    assert log_in(stranger(here), "Some viewer", "a new one that is long") == 303


def test_a_user_that_is_switched_off_is_out_at_once(install: Install) -> None:
    here = install()
    operator, viewer = signed_in(here), signed_in(here, "viewer")
    assert operator.post("/console/users/Some viewer/disable").status_code == 303
    assert viewer.get("/console/account").status_code == 303
    assert log_in(stranger(here), "Some viewer") == 422


def test_a_session_begun_before_the_login_is_not_kept(install: Install) -> None:
    """So that nobody can set a session for somebody else and then use it beside them."""
    here = install()
    users.add(here.store, "Ada", "viewer", PASSWORD)
    visitor = stranger(here)
    token = visitor.token()
    with visitor.client.session_transaction("/console/") as session:
        session["planted"] = "yes"
    visitor.client.post("/console/login", data={"csrf_token": token, "name": "Ada", "password": PASSWORD})
    with visitor.client.session_transaction("/console/") as session:
        assert set(session) >= {"_user_id"}
        assert "planted" not in session
        assert "csrf_token" not in session
    visitor.name = "Ada"
    assert visitor.client.post("/console/logout", data={"csrf_token": token}).status_code == 400


def test_a_post_without_its_token_changes_nothing_and_says_so_on_a_page(install: Install) -> None:
    here = install()
    operator = signed_in(here)
    signed_in(here, "viewer")
    answer = operator.client.post("/console/users/Some viewer/disable")
    assert (answer.status_code, "This page was too old" in answer.text) == (400, True)
    assert users.find_by_name(here.store, "Some viewer").active  # type: ignore[union-attr]


def test_the_session_is_kept_to_the_console_and_from_scripts(install: Install) -> None:
    here = install(PUBLIC_URL="https://forms.example.com")
    users.add(here.store, "Ada", "viewer", PASSWORD)
    visitor = stranger(here)
    answer = visitor.client.post(
        "/console/login", data={"csrf_token": visitor.token(), "name": "Ada", "password": PASSWORD}
    )
    cookie = answer.headers["Set-Cookie"]
    assert all(part in cookie for part in ("Path=/console/", "HttpOnly", "SameSite=Lax", "Secure"))
    assert answer.headers["Cache-Control"] == "no-store"


QUOTE = "title: A quote\nfields: [{name: email}]\nvendor: {name: webhook, url: https://example.com}\n"


def test_no_public_page_sets_a_cookie_or_reads_one(install: Install) -> None:
    here = install({"quote": QUOTE})
    visitor = signed_in(here)
    for path in ("/f/quote", "/f/quote/thanks", "/f/quote/snippet", "/healthz", "/f/none"):
        answer = visitor.get(path)
        assert "Set-Cookie" not in answer.headers, path
        assert "Cookie" not in answer.headers.get("Vary", ""), path
    assert "Set-Cookie" not in visitor.client.post("/f/quote", data={"email": "a@example.com"}).headers


def test_the_last_operator_cannot_be_lost(install: Install) -> None:
    here = install()
    operator = signed_in(here)
    for path, data in (("disable", {}), ("role", {"role": "viewer"})):
        answer = operator.post(f"/console/users/Some operator/{path}", data)
        assert (answer.status_code, "the only operator left" in answer.text) == (422, True)
    signed_in(here, "operator", "Second")
    assert operator.post("/console/users/Some operator/role", {"role": "viewer"}).status_code == 303


def test_somebody_is_let_in_by_a_link_and_chooses_the_password(install: Install) -> None:
    here = install()
    page = signed_in(here).post("/console/users", {"name": "Bo", "role": "editor"}).text
    link = page.partition('value="http://localhost')[2].partition('"')[0]
    assert stranger(here).post(link, {"name": "Eve", "password": PASSWORD}).status_code == 303
    assert users.find_by_name(here.store, "Bo").role == "editor"  # type: ignore[union-attr]
    assert log_in(stranger(here), "Bo") == 303
    assert [(deed.user, deed.action) for deed in users.deeds(here.store)] == [
        ("Bo", "user welcomed"),
        ("Some operator", "user invited"),
    ]


def test_the_console_can_be_switched_off(install: Install) -> None:
    here = install({"quote": QUOTE}, CONSOLE="off")
    assert here.client.get("/console/login").status_code == 404
    assert here.client.get("/f/quote").status_code == 200


def test_without_its_tables_the_console_says_so_and_leads_are_taken(tmp_path: Path) -> None:
    here = make(tmp_path, None)
    here.form("quote", QUOTE.replace("webhook, ", "webhook, wait: 0, "))
    with here.store.write() as connection:
        for table in ("console_token", "console_user", "audit", "lead_search"):
            connection.exec_driver_sql(f"DROP TABLE {table}")
    answer = here.client.get("/console/login")
    assert (answer.status_code, "flask db upgrade" in answer.text) == (503, True)
    here.close()


@pytest.mark.parametrize("name", ["", "a/b", "..", "x" * 81, "a\u202eb"])
def test_a_name_is_one_that_fits_an_address_and_can_be_read(install: Install, name: str) -> None:
    here = install()
    assert signed_in(here).post("/console/users", {"name": name, "role": "viewer"}).status_code == 422
    with pytest.raises(users.UserError):
        users.add(here.store, name, "viewer", PASSWORD)


def test_the_setting_that_switches_it_off_has_two_words(tmp_path: Path) -> None:
    with pytest.raises(SettingsError, match="CONSOLE: 'no' is neither on nor off"):
        config.load({"CONSOLE": "no"}, tmp_path)


def test_where_the_store_does_not_answer_the_console_says_so_and_nothing_else(install: Install) -> None:
    here = install()
    operator = signed_in(here)
    assert operator.get("/console/account").status_code == 200
    with here.store.write() as connection:
        connection.exec_driver_sql("ALTER TABLE audit RENAME TO elsewhere")
    answer = operator.get("/console/audit")
    assert (answer.status_code, "The database does not answer" in answer.text) == (503, True)
