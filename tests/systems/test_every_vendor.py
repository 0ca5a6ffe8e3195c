"""What holds for every vendor alike: troubles on the way, repeats, secrets, and one form for all."""

from __future__ import annotations

import re
import time
from collections.abc import Callable, Iterable
from pathlib import Path
from typing import Any

import pytest

from leadferry import delivery
from tests.conftest import Install
from tests.installation import SandboxServer, serve, wait_until
from tests.systems.accounts import HELD_WHEN_UNKNOWN, SECRETS, VENDORS, also, form, named, with_secrets
from tests.systems.running import Systems, Told, address, check

pytestmark = pytest.mark.one_database  # what vendors do is the same on each; what is kept is tested on both below


def elsewhere(vendor: str, url: str) -> str:
    """The vendor's form, sent to another address."""
    return re.sub(r"^  url: .*", f"  url: {url}", form(vendor), flags=re.M)


FORMS = named(
    {
        **{vendor: form(vendor) for vendor in VENDORS},
        **{f"{vendor}-refused": elsewhere(vendor, "http://127.0.0.1:1/") for vendor in VENDORS},
        **{f"{vendor}-nowhere": elsewhere(vendor, "${SANDBOX}/nowhere") for vendor in VENDORS},
        **{f"{vendor}-impatient": form(vendor, extra="  wait: 0.2\n") for vendor in VENDORS},
        **{f"{vendor}-never": form(vendor, extra="  wait: 0\n") for vendor in VENDORS},
        "two": form("webhook", form_keys=also("clienttether", "kartra")),
        "wrong-also": form(
            "webhook", form_keys=with_secrets(also("clienttether"), CLIENTTETHER_WEB_KEY="WRONG_WEB_KEY")
        ),
        "wrong-vendor": with_secrets(form("clienttether"), CLIENTTETHER_WEB_KEY="WRONG_WEB_KEY") + also("webhook"),
    }
)
ENVIRON = {"WRONG_WEB_KEY": "CT_BAD_KEY"}

every_vendor = pytest.mark.parametrize("vendor", VENDORS)

ACCEPTED_CODE = {"aicore": "0", "vcita": "201", "webhook": "200"}
UNKNOWN = "unknown"

TROUBLES = {
    # what the vendor does: the state, the reason, the code
    "slow": ("delivered", None, None),
    "drip": ("delivered", None, None),
    "down": ("pending", "down", "503"),
    "ratelimit": ("pending", "busy", "429"),
    "ratelimit+date": ("pending", "busy", "429"),
    "broken": (UNKNOWN, "nonsense", "500"),
    "garbage": (UNKNOWN, "nonsense", "200"),
    "garbage+json": (UNKNOWN, "nonsense", "200"),
    "garbage+bytes": (UNKNOWN, "nonsense", "200"),
    "empty": (UNKNOWN, "nonsense", "200"),
    "redirect": (UNKNOWN, "nonsense", "302"),
    "huge": (UNKNOWN, "too_large", None),
    "reset": (UNKNOWN, "reset", None),
    "truncate": (UNKNOWN, "truncated", None),
}


def expected(vendor: str, trouble: str) -> Told:
    state, reason, code = TROUBLES[trouble]
    any_2xx_is_success = vendor == "webhook" and code == "200"
    if state == "delivered" or any_2xx_is_success:
        return Told("ok", "delivered", None, ACCEPTED_CODE.get(vendor))
    if state == UNKNOWN:
        state = "held" if vendor in HELD_WHEN_UNKNOWN else "pending"
    return Told("ok", state, reason, code)


@every_vendor
@pytest.mark.parametrize("trouble", TROUBLES)
def test_trouble_on_the_way_is_no_error_for_the_visitor(systems: Systems, vendor: str, trouble: str) -> None:
    email = address(trouble)
    check(systems, vendor, email, expected(vendor, trouble))
    assert len(systems.received(vendor, email)) == 1


@every_vendor
@pytest.mark.parametrize("trouble", ["slow+30", "drip"])
def test_an_answer_that_takes_too_long_is_unknown(
    systems: Systems, vendor: str, trouble: str, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(delivery, "DEADLINE", 1.0)
    monkeypatch.setitem(systems.sandbox.app.config, "DRIP_SECONDS", 1.0)
    state = "held" if vendor in HELD_WHEN_UNKNOWN else "pending"
    started = time.monotonic()
    check(systems, vendor, address(trouble), Told("ok", state, "timeout", None, "did not answer in time"))
    assert time.monotonic() - started < 15


@every_vendor
@pytest.mark.parametrize(
    ("where", "reason", "code"),
    [("refused", "connect", None), ("nowhere", "not_found", "404")],
)
def test_a_vendor_that_is_not_there_leaves_the_lead_waiting(
    systems: Systems, vendor: str, where: str, reason: str, code: str | None
) -> None:
    check(systems, f"{vendor}-{where}", address(), Told("ok", "pending", reason, code))


@every_vendor
def test_a_visitor_waits_no_longer_than_the_form_says_and_the_try_goes_on(systems: Systems, vendor: str) -> None:
    email = address("slow+1")
    assert systems.post(f"{vendor}-impatient", email).status_code == 200
    assert systems.delivery(email)["state"] == "sending"
    wait_until(lambda: systems.delivery(email)["state"] == "delivered")


@every_vendor
def test_a_form_that_never_waits_leaves_the_lead_to_the_worker(systems: Systems, vendor: str) -> None:
    email = address("dup")
    assert systems.post(f"{vendor}-never", email).status_code == 200
    assert (systems.delivery(email)["state"], systems.received(vendor, email)) == ("pending", [])
    systems.resend("--email", email)
    assert systems.delivery(email)["history"][0]["trigger"] == "resend"


# --- sent again ---


@pytest.mark.both_databases
@every_vendor
def test_what_did_not_finish_stays_pending_and_can_be_resent(systems: Systems, vendor: str) -> None:
    email = address("flaky")
    assert systems.post(vendor, email, notes="Please call.").status_code == 200
    states = [systems.delivery(email)["state"]]
    for _ in range(2):
        systems.resend("--email", email)
        states.append(systems.delivery(email)["state"])
    assert states == ["pending", "pending", "delivered"]
    found = systems.delivery(email)
    assert [each["trigger"] for each in found["history"]] == ["visitor", "resend", "resend"]
    assert [each["number"] for each in found["history"]] == [1, 2, 3]
    tries = systems.received(vendor, email)
    assert len(tries) == 3
    assert len({each["raw"] for each in tries}) == 1


AFTER_A_TRY_THAT_ARRIVED = {
    # what the vendor makes of the repeat: the reason, and how many calls it got in all
    "clienttether": ("duplicate", 2),
    "aicore": (None, 2),  # a second lead, which is why a person decides
    "kartra": (None, 3),  # the create is refused, the edit is taken
    "leadconduit": ("duplicate", 2),
    "vcita": (None, 2),  # a second conversation
    "webhook": (None, 2),
}


@every_vendor
def test_a_lead_whose_first_try_was_unknown_is_delivered_by_a_resend(systems: Systems, vendor: str) -> None:
    email = address("reset+once")
    systems.post(vendor, email)
    assert systems.delivery(email)["state"] == ("held" if vendor in HELD_WHEN_UNKNOWN else "pending")
    systems.resend("--email", email)
    found = systems.delivery(email)
    reason, calls = AFTER_A_TRY_THAT_ARRIVED[vendor]
    assert (found["state"], found["reason"], found["error_code"], found["attempts"]) == ("delivered", reason, None, 2)
    assert len(systems.received(vendor, email)) == calls


@pytest.mark.both_databases
def test_leads_that_waited_for_a_right_key_are_resent_once_it_is_mended(
    install: Install, sandbox: SandboxServer, tmp_path: Path
) -> None:
    key = tmp_path / "web_key.txt"
    key.write_text("CT_BAD_KEY")
    text = with_secrets(form("clienttether"), CLIENTTETHER_WEB_KEY="KEY")
    installation = install({"mended": text}, SANDBOX=sandbox.url, ALLOW_PRIVATE_VENDORS="1", KEY_FILE=str(key))
    systems = Systems(installation, sandbox)
    first, second = address(), address()
    assert systems.post("mended", first).status_code == 403
    assert systems.post("mended", second).status_code == 200
    key.write_text("CT_RIGHT_KEY")
    systems.resend("--form", "mended", "--state", "pending")
    assert [systems.delivery(email)["state"] for email in (first, second)] == ["delivered", "delivered"]
    assert systems.post("mended", address("dup")).status_code == 409  # visitors wait for the vendor again


# --- one form, several vendors ---


def test_the_forms_differ_in_nothing_but_the_vendor_block() -> None:
    rest = {re.sub(rf"{vendor}", "*", form(vendor).split("vendor:")[0]) for vendor in VENDORS}
    assert len(rest) == 1


@every_vendor
def test_changing_the_vendor_block_alone_moves_a_form_to_another_vendor(systems: Systems, vendor: str) -> None:
    email = address()
    answers = {"phone": "(512) 789-1111", "notes": "Call & ask", "smsok": "on", "Favorite Chocolate": "dark"}
    told = Told("ok", "delivered", None, ACCEPTED_CODE.get(vendor))
    check(systems, vendor, email, told, **answers)
    (entry,) = systems.received(vendor, email)
    assert (entry["accepted"], entry["complaints"]) == (True, [])
    sent = str(entry["fields"])
    assert all(
        text in sent for text in ("Jane", "Doe", "5127891111", "Call & ask", "Favorite Chocolate", "dark", "web")
    )


@pytest.mark.both_databases
def test_further_destinations_get_the_lead_too(systems: Systems) -> None:
    email = address()
    assert systems.post("two", email).status_code == 200
    assert [systems.delivery(email, each)["state"] for each in ("vendor", "also-1", "also-2")] == [
        "delivered",
        "pending",
        "pending",
    ]
    systems.resend("--email", email)
    for vendor in ("webhook", "clienttether", "kartra"):
        assert len(systems.received(vendor, email)) == 1
    assert [systems.delivery(email, each)["state"] for each in ("vendor", "also-1", "also-2")] == ["delivered"] * 3


def test_further_destinations_never_decide_the_answer(systems: Systems) -> None:
    email = address()
    assert systems.post("wrong-also", email).status_code == 200
    systems.resend("--email", email)
    assert systems.delivery(email)["state"] == "delivered"
    assert systems.delivery(email, "also-1")["reason"] == "credentials"
    email = address()
    answer = systems.post("wrong-vendor", email)
    assert answer.json
    assert answer.json["error_code"] == "ct101"
    systems.resend("--email", email)
    assert systems.delivery(email)["state"] == "pending"
    assert systems.delivery(email, "also-1")["state"] == "delivered"
    (lead,) = systems.installation.leads("--email", email)
    assert lead["state"] == "pending"


# --- secrets ---


@every_vendor
def test_no_secret_is_shown_listed_or_logged(systems: Systems, vendor: str) -> None:
    emails = [address(behaviour) for behaviour in ("jane", "auth", "invalid", "garbage", "reset", "broken", "down")]
    for email in emails:
        systems.post(vendor, email)
        systems.resend("--email", email)
    shown = [systems.installation.cli("leads", "list", "--all", "--json").output, *systems.logged]
    for email in emails:
        (lead,) = systems.installation.leads("--email", email)
        shown.append(systems.installation.cli("leads", "show", lead["lead"], "--json").output)
        shown.append(systems.installation.cli("leads", "show", lead["lead"]).output)
    assert any(email in text for text in shown for email in emails)
    text = "\n".join(shown)
    assert [name for name, value in SECRETS.items() if value in text and name != "AICORE_LOGIN_ID"] == []
    assert '"demo"' not in text


def _echo(environ: dict[str, Any], start_response: Callable[..., Any]) -> Iterable[bytes]:
    """A vendor whose error page shows all that it was sent."""
    body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0))
    sent = [f"{name}={value}" for name, value in environ.items() if name.startswith(("HTTP_", "PATH_"))]
    page = "\n".join(sent).encode() + b"\n" + body
    start_response("500 Oops", [("Content-Length", str(len(page)))])
    return [page]


def test_a_secret_that_a_vendor_repeats_is_masked(install: Install) -> None:
    with serve(_echo) as url:  # type: ignore[arg-type]  # any WSGI application will do
        forms = named({vendor: form(vendor) for vendor in VENDORS})
        installation = install(forms, **SECRETS, SANDBOX=url, ALLOW_PRIVATE_VENDORS="1")
        for vendor in VENDORS:
            installation.client.post(f"/f/{vendor}", json={"name": "Jane Doe", "email": address()})
    for lead in installation.leads():
        shown = installation.cli("leads", "show", lead["lead"], "--json").output
        assert "***" in shown or lead["form"] == "webhook"  # which sends a signature in place of its secret
        secrets = {name: value for name, value in SECRETS.items() if name != "AICORE_LOGIN_ID"}
        assert [name for name, value in secrets.items() if value in shown] == []


# --- addresses ---


@every_vendor
def test_a_private_address_gets_nothing_unless_that_is_allowed(
    install: Install, sandbox: SandboxServer, vendor: str
) -> None:
    installation = install({vendor: form(vendor)}, **SECRETS, SANDBOX=sandbox.url)
    answer = installation.client.post(f"/f/{vendor}", json={"name": "Jane Doe", "email": address()})
    assert answer.status_code == 200
    (lead,) = installation.leads()
    (found,) = lead["deliveries"]
    assert (found["state"], found["reason"], found["error_code"]) == ("pending", "blocked_address", None)
    assert sandbox.inbox() == []


@pytest.mark.both_databases
def test_leads_add_up_whatever_the_vendors_did(systems: Systems) -> None:
    assert systems.installation.cli("leads", "balance").exit_code == 0
