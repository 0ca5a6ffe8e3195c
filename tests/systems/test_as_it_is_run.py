"""gunicorn with two processes, as the product is run, and the sandbox: real sockets on both sides."""

from __future__ import annotations

from collections.abc import Iterator

import pytest
import requests

from tests.installation import Server, wait_until
from tests.systems.accounts import SECRETS, VENDORS, also, form, named
from tests.systems.running import Systems, address

pytestmark = pytest.mark.thorough_on_postgresql  # processes killed on PostgreSQL are in tests/crash

FORMS = named(
    {**{vendor: form(vendor) for vendor in VENDORS}, "two": form("leadconduit", form_keys=also("webhook", "vcita"))}
)
THANKS, OOPS = "https://www.example.com/thanks", "https://www.example.com/oops"
FORMS["pasted"] = FORMS["clienttether"].replace("LF_clienttether", "LF_pasted") + "origins: [https://www.example.com]\n"


@pytest.fixture(scope="module")
def server(systems: Systems) -> Iterator[Server]:
    with systems.installation.gunicorn() as running:
        yield running


def post(server: Server, name: str, email: str) -> requests.Response:
    body = {"firstName": "Jane", "lastName": "Doe", "email": email, "phone": "(512) 789-1111"}
    return requests.post(f"{server.url}/f/{name}", json=body, timeout=20)


@pytest.mark.parametrize("vendor", VENDORS)
def test_a_lead_is_delivered_while_its_visitor_waits(systems: Systems, server: Server, vendor: str) -> None:
    email = address()
    answer = post(server, vendor, email)
    assert (answer.status_code, answer.json()["Message"]) == (200, "Success")
    found = systems.delivery(email)
    assert (found["state"], found["attempts"], found["history"][0]["trigger"]) == ("delivered", 1, "visitor")
    (entry,) = systems.received(vendor, email)
    assert (entry["accepted"], entry["complaints"]) == (True, [])
    assert "Jane" in str(entry["fields"])


@pytest.mark.parametrize(
    ("vendor", "behaviour", "status", "code"),
    [
        ("clienttether", "dup", 409, "ct103"),
        ("aicore", "invalid", 422, "lf204"),
        ("kartra", "deleted", 422, "lf204"),
        ("leadconduit", "dup", 409, "ct103"),
        ("vcita", "invalid", 422, "lf204"),
        ("webhook", "dup", 409, "ct103"),
    ],
)
def test_a_refusal_reaches_the_visitor(
    systems: Systems, server: Server, vendor: str, behaviour: str, status: int, code: str
) -> None:
    email = address(behaviour)
    answer = post(server, vendor, email)
    assert (answer.status_code, answer.json()["error_code"]) == (status, code)
    assert systems.delivery(email)["state"] == "rejected"


def test_further_destinations_are_served_by_the_same_processes(systems: Systems, server: Server) -> None:
    email = address()
    assert post(server, "two", email).status_code == 200
    wait_until(
        lambda: [systems.delivery(email, each)["state"] for each in ("vendor", "also-1", "also-2")] == ["delivered"] * 3
    )
    assert [len(systems.received(vendor, email)) for vendor in ("leadconduit", "webhook", "vcita")] == [1, 1, 1]


def test_a_lead_that_was_put_off_is_tried_again_by_itself(systems: Systems, server: Server) -> None:
    email = address("ratelimit")
    assert post(server, "kartra", email).status_code == 200
    wait_until(lambda: systems.delivery(email)["state"] == "delivered", seconds=15)
    assert [each["trigger"] for each in systems.delivery(email)["history"]] == ["visitor", "worker"]


@pytest.mark.parametrize(
    ("behaviour", "location"),
    [
        ("jane", THANKS),
        ("dup", f"{OOPS}?error_code=ct103&msg=Duplicate+Client+creation+attempted"),
    ],
)
def test_a_pasted_form_is_redirected(systems: Systems, server: Server, behaviour: str, location: str) -> None:
    body = {"web_key": "LF_pasted", "firstName": "Jane", "lastName": "Doe", "email": address(behaviour)}
    answer = requests.post(
        f"{server.url}/submit",
        data={**body, "OnSuccessURL": THANKS, "OnErrorURL": OOPS},
        headers={"Accept": "text/html"},
        allow_redirects=False,
        timeout=20,
    )
    assert (answer.status_code, answer.headers["Location"]) == (303, location)


def test_no_secret_is_in_what_the_processes_wrote(systems: Systems, server: Server) -> None:
    for vendor in VENDORS:
        post(server, vendor, address("garbage"))
    log = (systems.installation.root / "process.log").read_text("utf-8")
    assert '"outcome": "accepted"' in log
    assert [name for name, value in SECRETS.items() if value in log and name != "AICORE_LOGIN_ID"] == []
