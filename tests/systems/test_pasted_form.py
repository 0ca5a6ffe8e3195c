"""ClientTether's own example form, pasted into a page: only its action was changed to our /submit."""

from __future__ import annotations

import pytest
from werkzeug.test import TestResponse

from tests.systems.accounts import VENDORS, form, named
from tests.systems.running import Systems, address

pytestmark = pytest.mark.thorough_on_postgresql  # what comes in is the same on each

BROWSER = {
    "Accept": "text/html,application/xhtml+xml,application/xml;q=0.9,*/*;q=0.8",
    "Sec-Fetch-Mode": "navigate",
    "Sec-Fetch-Dest": "document",
    "Origin": "https://www.example.com",
    "Referer": "https://www.example.com/contact",
}
ORIGINS = 'origins: [https://www.example.com, "https://forms.example.com:8443"]\n'
THANKS, OOPS = "https://www.example.com/thanks?from=web#top", "https://forms.example.com:8443/oops"

FORMS = named(
    {
        **{vendor: form(vendor, form_keys=ORIGINS) for vendor in VENDORS},
        "own": form("clienttether", form_keys=f"on_success_url: {THANKS}\non_error_url: {OOPS}\n"),
        "bare": form("clienttether"),
    }
)


def submit(systems: Systems, name: str, email: str, **more: str) -> TestResponse:
    """The example's inputs, as a browser sends them."""
    body = {
        "firstName": "Jane",
        "lastName": "Doe",
        "phone": "(512) 789-1111",
        "email": email,
        "Favorite Chocolate": "dark & bitter",
        "notes": "Line one\r\nLine two",
        "web_key": f"LF_{name}",
        **more,
    }
    return systems.installation.client.post("/submit", data=body, headers=BROWSER)


URLS = {"OnSuccessURL": "www.example.com/thanks?from=web#top", "OnErrorURL": "https://Forms.Example.com:8443/oops"}


@pytest.mark.parametrize("redirect", [{}, {"form_submit_redirect": "1"}], ids=["plain", "form_submit_redirect"])
@pytest.mark.parametrize("vendor", VENDORS)
def test_success_leads_to_the_pages_success_url_whatever_the_vendor(
    systems: Systems, vendor: str, redirect: dict[str, str]
) -> None:
    email = address()
    answer = submit(systems, vendor, email, **URLS, **redirect)
    assert (answer.status_code, answer.headers["Location"]) == (303, THANKS)
    (entry,) = systems.received(vendor, email)
    assert (entry["accepted"], entry["complaints"]) == (True, [])
    assert "dark & bitter" in str(entry["fields"])
    assert "example.com/thanks" not in str(entry["fields"])


def test_the_vendor_gets_the_lead_under_its_own_key_and_the_campaigns_page(systems: Systems) -> None:
    email = address()
    submit(systems, "clienttether", email, **URLS)
    assert systems.fields("clienttether", email) == {
        "web_key": "***",
        "firstName": "Jane",
        "lastName": "Doe",
        "phone": "5127891111",
        "email": email,
        "Favorite Chocolate": "dark & bitter",
        "notes": "Line one\nLine two",
        "tag": "web",
        "page_url": "https://www.example.com/contact",
        "OnSuccessURL": "https://leadferry.invalid/ok",
        "OnErrorURL": "https://leadferry.invalid/error",
    }


@pytest.mark.parametrize(
    ("behaviour", "query"),
    [
        ("dup", "error_code=ct103&msg=Duplicate+Client+creation+attempted"),
        ("auth", "error_code=ct101&msg=Invalid+Web_Key"),
        ("invalid", "error_code=ct104&msg=Rejected+By+Vendor"),
        ("ct105", "error_code=ct105&msg=Rejected+By+Vendor"),
    ],
)
def test_a_refusal_leads_to_the_pages_error_url_with_the_code(systems: Systems, behaviour: str, query: str) -> None:
    answer = submit(systems, "clienttether", address(behaviour), **URLS)
    assert (answer.status_code, answer.headers["Location"]) == (303, f"{OOPS}?{query}")


@pytest.mark.parametrize("behaviour", ["down", "reset", "garbage", "redirect"])
def test_trouble_with_the_vendor_leads_to_the_success_url(systems: Systems, behaviour: str) -> None:
    answer = submit(systems, "clienttether", address(behaviour), **URLS)
    assert (answer.status_code, answer.headers["Location"]) == (303, THANKS)


def test_a_form_without_addresses_uses_those_of_the_form_file(systems: Systems) -> None:
    assert submit(systems, "own", address()).headers["Location"] == THANKS
    assert submit(systems, "own", address("dup")).headers["Location"].startswith(f"{OOPS}?error_code=ct103&msg=")


def test_addresses_elsewhere_are_ignored(systems: Systems) -> None:
    answer = submit(systems, "bare", address(), **URLS)
    assert (answer.status_code, answer.headers["Location"]) == (303, "/f/bare/thanks")


def test_an_unknown_key_is_ct101_and_nothing_is_stored(systems: Systems) -> None:
    email = address()
    answer = submit(systems, "nobody", email)
    assert answer.status_code == 403
    assert "ct101" in answer.text
    assert systems.installation.leads("--email", email) == []
