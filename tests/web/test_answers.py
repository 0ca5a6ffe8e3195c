"""The answer to a post: by who asks, what they asked for, and what became of the lead."""

from __future__ import annotations

from typing import Any

import pytest
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from leadferry import accepting
from leadferry.catalog import Catalog
from leadferry.vendors.clienttether import ClientTether
from leadferry.web.site import WAIT_SLOTS
from tests.conftest import Install
from tests.web.conftest import ScriptedVendor
from tests.web.forms import BROWSER, FRAMED, NOWHERE, OLD_BROWSER, OOPS, SCRIPT, SETTINGS, THANKS, VISITOR, quote, said

pytestmark = pytest.mark.one_database  # what is answered; what is kept is tested where leads are

OWN = "/f/quote"
PASTED = "/submit"

POSTED_THANKS = "https://shop.example.com:8443/danke?from=ad&id=7#top"
POSTED_OOPS = "https://shop.example.com:8443/hoppla?from=ad#top"
WITH_URLS = {"OnSuccessURL": POSTED_THANKS, "OnErrorURL": POSTED_OOPS}
AT_ONCE = {**WITH_URLS, "form_submit_redirect": "1"}

MISSING = "error_code=lf202&msg=Required+Field+Missing"
DUPLICATE = "error_code=ct103&msg=Duplicate+Client+creation+attempted"

BROWSERS = pytest.mark.parametrize("browser", [BROWSER, OLD_BROWSER, {"Sec-Fetch-Mode": "navigate"}])
EITHER_WAY = pytest.mark.parametrize("path", [OWN, PASTED])


@pytest.fixture
def client(install: Install, vendor: ScriptedVendor) -> FlaskClient:
    return install({"quote": quote(vendor.url)}, **SETTINGS).client


@pytest.fixture
def client_of_a_form_with_pages(install: Install, vendor: ScriptedVendor) -> FlaskClient:
    return install({"quote": quote(vendor.url, urls=True)}, **SETTINGS).client


def send(client: FlaskClient, path: str, who: dict[str, str], *more: dict[str, str]) -> TestResponse:
    data = {"web_key": "LF_quote_1", **VISITOR}
    for each in more:
        data |= each
    return client.post(path, data=data, headers=who)


def send_wrong(client: FlaskClient, path: str, who: dict[str, str], *more: dict[str, str]) -> TestResponse:
    return send(client, path, who, {"email": ""}, *more)


# --- a client that is no browser ---


@pytest.mark.both_databases
@EITHER_WAY
def test_a_script_without_urls_gets_success_and_the_reference(client: FlaskClient, path: str) -> None:
    answer = send(client, path, SCRIPT)
    assert answer.status_code == 200
    assert said(answer) == {"Message": "Success", "lead": said(answer)["lead"]}
    assert said(answer)["lead"].startswith("LF-")


@pytest.mark.parametrize("who", [{}, {"Accept": "*/*"}, {"Accept": "text/plain"}, {"Sec-Fetch-Mode": "cors"}])
def test_whoever_does_not_ask_for_html_gets_json(client: FlaskClient, who: dict[str, str]) -> None:
    assert said(send(client, OWN, who))["Message"] == "Success"


@EITHER_WAY
def test_a_script_without_urls_gets_the_error_in_full(client: FlaskClient, path: str) -> None:
    answer = send_wrong(client, path, SCRIPT)
    assert answer.status_code == 422
    assert said(answer) == {
        "Message": "Error",
        "error_code": "lf202",
        "msg": "Required Field Missing",
        "errors": [{"field": "email", "code": "lf202", "message": "Please fill in “E-mail”."}],
    }


@EITHER_WAY
def test_a_script_with_urls_gets_the_same_and_the_url(client: FlaskClient, path: str) -> None:
    good = send(client, path, SCRIPT, WITH_URLS)
    assert good.status_code == 200
    assert said(good) == {"Message": "Success", "lead": said(good)["lead"], "url": POSTED_THANKS}
    wrong = send_wrong(client, path, SCRIPT, WITH_URLS)
    assert wrong.status_code == 422
    assert said(wrong)["url"] == f"https://shop.example.com:8443/hoppla?from=ad&{MISSING}#top"
    assert said(wrong)["errors"][0]["field"] == "email"


@EITHER_WAY
def test_a_script_that_asks_for_the_redirect_gets_it(client: FlaskClient, path: str) -> None:
    good = send(client, path, SCRIPT, AT_ONCE)
    assert (good.status_code, good.location) == (303, POSTED_THANKS)
    wrong = send_wrong(client, path, SCRIPT, AT_ONCE)
    assert wrong.status_code == 303
    assert wrong.location == f"https://shop.example.com:8443/hoppla?from=ad&{MISSING}#top"


@pytest.mark.parametrize("flag", ["", "0", "yes", "true"])
def test_only_1_asks_for_the_redirect(client: FlaskClient, flag: str) -> None:
    assert send(client, OWN, SCRIPT, WITH_URLS, {"form_submit_redirect": flag}).status_code == 200


def test_a_script_that_asks_for_the_redirect_but_names_no_url_gets_json(client: FlaskClient) -> None:
    assert said(send(client, OWN, SCRIPT, {"form_submit_redirect": "1"}))["Message"] == "Success"
    assert said(send_wrong(client, OWN, SCRIPT, {"form_submit_redirect": "1"}))["error_code"] == "lf202"


def test_each_url_stands_alone(client: FlaskClient) -> None:
    assert "url" not in said(send_wrong(client, OWN, SCRIPT, {"OnSuccessURL": POSTED_THANKS}))
    assert "url" not in said(send(client, OWN, SCRIPT, {"OnErrorURL": POSTED_OOPS}))


def test_a_script_is_not_sent_to_the_pages_of_the_form(client_of_a_form_with_pages: FlaskClient) -> None:
    assert "url" not in said(send(client_of_a_form_with_pages, PASTED, SCRIPT))
    assert "url" not in said(send_wrong(client_of_a_form_with_pages, PASTED, SCRIPT))


# --- a browser that names urls ---


@BROWSERS
@EITHER_WAY
@pytest.mark.parametrize("urls", [WITH_URLS, AT_ONCE])
def test_a_browser_with_urls_is_sent_there(
    client: FlaskClient, browser: dict[str, str], path: str, urls: dict[str, str]
) -> None:
    good = send(client, path, browser, urls)
    assert (good.status_code, good.location) == (303, POSTED_THANKS)
    wrong = send_wrong(client, path, browser, urls)
    assert wrong.status_code == 303
    assert wrong.location == f"https://shop.example.com:8443/hoppla?from=ad&{MISSING}#top"


def test_a_refusal_of_the_vendor_goes_to_the_posted_url(client: FlaskClient, vendor: ScriptedVendor) -> None:
    vendor.refuses("ct103")
    answer = send(client, OWN, BROWSER, {"OnErrorURL": "www.example.com/oops"})
    assert (answer.status_code, answer.location) == (303, f"{OOPS}?{DUPLICATE}")


# --- a browser on our own page ---


@BROWSERS
def test_on_our_page_success_leads_to_our_thanks(client: FlaskClient, browser: dict[str, str]) -> None:
    answer = send(client, OWN, browser)
    assert (answer.status_code, answer.location) == (303, "/f/quote/thanks")
    assert client.get("/f/quote/thanks", headers=browser).status_code == 200


@BROWSERS
@EITHER_WAY
def test_success_leads_to_the_forms_own_page_if_it_has_one(
    client_of_a_form_with_pages: FlaskClient, browser: dict[str, str], path: str
) -> None:
    answer = send(client_of_a_form_with_pages, path, browser)
    assert (answer.status_code, answer.location) == (303, THANKS)


@BROWSERS
def test_on_our_page_an_error_shows_the_form_again(
    client_of_a_form_with_pages: FlaskClient, browser: dict[str, str]
) -> None:
    """The form's error page is for what cannot be corrected here."""
    answer = send_wrong(client_of_a_form_with_pages, OWN, browser, {"phone": "(512) 789-1111", "service": "Doors"})
    assert answer.status_code == 422
    assert answer.mimetype == "text/html"
    for typed in ('value="Jane"', 'value="Doe"', 'value="(512) 789-1111"', '<option selected value="Doors">'):
        assert typed in answer.text
    assert "There is a problem" in answer.text
    assert "Please fill in “E-mail”." in answer.text
    assert 'aria-invalid="true"' in answer.text


def test_what_was_typed_is_shown_as_text(client: FlaskClient) -> None:
    answer = send_wrong(client, OWN, BROWSER, {"firstName": "<script>alert(1)</script>"})
    assert "<script>alert(1)" not in answer.text
    assert "&lt;script&gt;alert(1)" in answer.text


@BROWSERS
def test_on_our_page_a_refusal_of_the_vendor_goes_to_the_forms_error_page(
    client_of_a_form_with_pages: FlaskClient, vendor: ScriptedVendor, browser: dict[str, str]
) -> None:
    vendor.refuses("ct103")
    answer = send(client_of_a_form_with_pages, OWN, browser)
    assert (answer.status_code, answer.location) == (303, f"{OOPS}?{DUPLICATE}")


def test_on_our_page_a_refusal_without_an_error_page_shows_the_form_again(
    client: FlaskClient, vendor: ScriptedVendor
) -> None:
    vendor.refuses("ct103")
    answer = send(client, OWN, BROWSER)
    assert answer.status_code == 422
    assert "We have your details already" in answer.text
    assert 'value="jane@example.com"' in answer.text


def test_what_no_page_can_hold_is_left_out_of_it(client: FlaskClient) -> None:
    typed = {**VISITOR, "email": "", "firstName": "Ja\ud800n\x00e", "utm_source": "\udfff"}
    answer = client.post(OWN, json=typed, headers=BROWSER)
    assert answer.status_code == 422
    assert 'value="Jane"' in answer.text


# --- a browser from a pasted form ---


@BROWSERS
def test_from_a_pasted_form_success_leads_to_our_thanks(client: FlaskClient, browser: dict[str, str]) -> None:
    answer = send(client, PASTED, browser)
    assert (answer.status_code, answer.location) == (303, "/f/quote/thanks")


@BROWSERS
def test_from_a_pasted_form_an_error_leads_to_the_forms_error_page(
    client_of_a_form_with_pages: FlaskClient, browser: dict[str, str]
) -> None:
    answer = send_wrong(client_of_a_form_with_pages, PASTED, browser)
    assert (answer.status_code, answer.location) == (303, f"{OOPS}?{MISSING}")


@BROWSERS
def test_from_a_pasted_form_an_error_is_told_in_plain_words(client: FlaskClient, browser: dict[str, str]) -> None:
    answer = send_wrong(client, PASTED, browser)
    assert answer.status_code == 422
    assert answer.mimetype == "text/html"
    assert "Please fill in “E-mail”." in answer.text
    assert "Back" in answer.text


def test_from_a_pasted_form_a_refusal_of_the_vendor_is_told_too(client: FlaskClient, vendor: ScriptedVendor) -> None:
    vendor.refuses("ct103")
    answer = send(client, PASTED, BROWSER)
    assert answer.status_code == 409
    assert "We have your details already" in answer.text


@BROWSERS
@pytest.mark.parametrize("key", [{}, {"web_key": "LF_nobodys"}])
def test_a_browser_with_a_wrong_web_key_gets_a_page(
    client: FlaskClient, browser: dict[str, str], key: dict[str, str]
) -> None:
    answer = client.post(PASTED, data=VISITOR | key, headers=browser)
    assert answer.status_code == 403
    assert answer.mimetype == "text/html"
    assert "ct101" in answer.text


# --- a browser in a frame ---


@EITHER_WAY
def test_in_a_frame_another_site_is_a_page_with_a_link(client: FlaskClient, path: str) -> None:
    answer = send(client, path, FRAMED, WITH_URLS)
    assert answer.status_code == 200
    assert answer.location is None
    shown = POSTED_THANKS.replace("&", "&amp;")
    assert f'href="{shown}" target="_top"' in answer.text
    assert f'data-url="{shown}"' in answer.text
    wrong = send_wrong(client, path, FRAMED, WITH_URLS)
    assert wrong.location is None
    assert "https://shop.example.com:8443/hoppla?from=ad&amp;error_code=lf202" in wrong.text


def test_in_a_frame_the_forms_own_page_is_a_page_with_a_link(client_of_a_form_with_pages: FlaskClient) -> None:
    answer = send(client_of_a_form_with_pages, OWN, FRAMED)
    assert answer.location is None
    assert f'href="{THANKS}" target="_top"' in answer.text


def test_in_a_frame_our_thanks_stay_in_the_frame(client: FlaskClient) -> None:
    answer = send(client, OWN, FRAMED)
    assert (answer.status_code, answer.location) == (303, "/f/quote/thanks")


def test_in_a_frame_an_error_shows_the_form_again(client: FlaskClient) -> None:
    assert send_wrong(client, OWN, FRAMED).status_code == 422


# --- the urls ---


NOT_ALLOWED = [
    "https://evil.example/thanks",
    "http://www.example.com/thanks",
    "https://www.example.com:444/thanks",
    "https://shop.example.com/thanks",
    "https://jane@www.example.com/thanks",
    "https://www.example.com@evil.example/",
    "https://www.example.com.evil.example/",
    "//evil.example/",
    "/thanks",
    "javascript:alert(1)//www.example.com",
    "https://www.example.com\\@evil.example/",
    "https://www.exam\tple.com/",
    "https://www.example.com/\r\nSet-Cookie: a=b",
    "https://www.example.com/\ud800",
    "https://www.example.com/\x00",
]


def send_json(client: FlaskClient, path: str, who: dict[str, str], **more: Any) -> TestResponse:
    return client.post(path, json={"web_key": "LF_quote_1", **VISITOR, **more}, headers=who)


@pytest.mark.parametrize("url", NOT_ALLOWED)
def test_an_address_elsewhere_counts_as_not_sent(client: FlaskClient, url: str) -> None:
    urls = {"OnSuccessURL": url, "OnErrorURL": url, "form_submit_redirect": "1"}
    good = send_json(client, PASTED, SCRIPT, **urls)
    assert good.status_code == 200
    assert "url" not in said(good)
    assert send_json(client, PASTED, BROWSER, **urls).location == "/f/quote/thanks"
    wrong = send_json(client, PASTED, SCRIPT, **urls, email="")
    assert wrong.status_code == 422
    assert "url" not in said(wrong)
    assert send_json(client, PASTED, BROWSER, **urls, email="").status_code == 422


def test_in_its_place_comes_the_forms_own(client_of_a_form_with_pages: FlaskClient) -> None:
    urls = {"OnSuccessURL": "https://evil.example/", "OnErrorURL": "https://evil.example/"}
    client = client_of_a_form_with_pages
    assert send(client, PASTED, BROWSER, urls).location == THANKS
    assert send_wrong(client, PASTED, BROWSER, urls).location == f"{OOPS}?{MISSING}"
    assert said(send(client, PASTED, SCRIPT, urls))["url"] == THANKS
    assert said(send_wrong(client, PASTED, SCRIPT, urls))["url"] == f"{OOPS}?{MISSING}"


@pytest.mark.both_databases
def test_an_address_that_was_ignored_is_kept_with_the_lead(install: Install) -> None:
    installation = install({"quote": quote(wait=0)}, **SETTINGS)
    urls = {"OnSuccessURL": "https://evil.example/\ud800\x00", "OnErrorURL": OOPS}
    reference = said(send_json(installation.client, PASTED, SCRIPT, **urls))["lead"]
    assert installation.lead(reference)["source"]["ignored_redirects"] == ["https://evil.example/"]


def test_an_address_of_the_forms_own_pages_is_allowed(client_of_a_form_with_pages: FlaskClient) -> None:
    answer = send(client_of_a_form_with_pages, PASTED, BROWSER, {"OnSuccessURL": "www.example.com/other"})
    assert answer.location == "https://www.example.com/other"


def test_nothing_that_was_typed_stands_in_a_redirect(client: FlaskClient, vendor: ScriptedVendor) -> None:
    typed = {"firstName": "Zebulon", "lastName": "Quux", "email": "zebulon@example.com", "service": "Nonsense"}
    wrong = send(client, PASTED, BROWSER, WITH_URLS, typed).location
    vendor.refuses("ct103", "Zebulon+Quux+zebulon@example.com")
    refused = send(client, PASTED, BROWSER, WITH_URLS, typed, {"service": "Doors"}).location
    good = send(client, PASTED, BROWSER, {**WITH_URLS, "phone": "5127891111"}, typed, {"service": ""}).location
    for location in (wrong, refused, good):
        assert not any(word in location for word in ("Zebulon", "Quux", "zebulon", "Nonsense", "5127891111"))


# --- each code ---


def code_of(answer: TestResponse) -> tuple[int, str, str]:
    return answer.status_code, said(answer)["error_code"], said(answer)["msg"]


@pytest.mark.parametrize("data", [VISITOR, {**VISITOR, "web_key": ""}, {**VISITOR, "web_key": "LF_QUOTE_1"}])
def test_ct101_for_a_web_key_that_is_missing_or_nobodys(client: FlaskClient, data: dict[str, str]) -> None:
    answer = client.post(PASTED, data=data)
    assert code_of(answer) == (403, "ct101", "Invalid Web_Key")
    assert said(answer)["errors"][0]["field"] == "web_key"


@pytest.mark.both_databases
def test_ct101_for_credentials_that_the_vendor_refuses(install: Install, vendor: ScriptedVendor) -> None:
    installation = install({"quote": quote(vendor.url)}, **SETTINGS)
    vendor.refuses("ct101")
    assert code_of(send(installation.client, OWN, SCRIPT)) == (403, "ct101", "Invalid Web_Key")
    (lead,) = installation.leads()
    assert lead["state"] == "pending"
    later = send(installation.client, OWN, SCRIPT, {"firstName": "Bo"})
    assert said(later)["Message"] == "Success"
    assert [each["state"] for each in installation.leads()] == ["pending", "pending"]


@pytest.mark.parametrize(
    "name",
    [{}, {"firstName": "Jane"}, {"lastName": "Doe"}, {"name": " "}, {"firstname": "Jane", "lastname": "Doe"}],
)
def test_ct102_where_the_name_rule_is_not_met(client: FlaskClient, name: dict[str, str]) -> None:
    answer = client.post(OWN, data={"email": "jane@example.com", **name})
    assert code_of(answer) == (422, "ct102", "Name Not Received")


def test_ct102_where_the_vendor_says_it(client: FlaskClient, vendor: ScriptedVendor) -> None:
    vendor.refuses("ct102")
    assert code_of(send(client, OWN, SCRIPT)) == (422, "ct102", "Name Not Received")


@pytest.mark.both_databases
def test_ct103_for_a_duplicate_at_the_vendor(client: FlaskClient, vendor: ScriptedVendor) -> None:
    vendor.refuses("ct103")
    assert code_of(send(client, OWN, SCRIPT)) == (409, "ct103", "Duplicate Client creation attempted")


@pytest.mark.parametrize("code", ["ct104", "ct105"])
def test_the_vendors_undefined_codes_are_passed_on(client: FlaskClient, vendor: ScriptedVendor, code: str) -> None:
    vendor.refuses(code.capitalize())
    answer = send(client, OWN, SCRIPT)
    assert (answer.status_code, said(answer)["error_code"]) == (422, code)


@pytest.mark.parametrize("wrong", [{"email": "jane@"}, {"phone": "12"}, {"service": "Roofs"}])
def test_lf201_for_a_value_that_does_not_fit(client: FlaskClient, wrong: dict[str, str]) -> None:
    answer = send(client, OWN, SCRIPT, wrong)
    assert code_of(answer) == (422, "lf201", "Invalid Field")
    assert [error["field"] for error in said(answer)["errors"]] == list(wrong)


def test_lf204_where_the_vendor_refuses_for_another_reason(client: FlaskClient, vendor: ScriptedVendor) -> None:
    vendor.says({"Message": "Error"})
    assert code_of(send(client, OWN, SCRIPT)) == (422, "lf204", "Rejected By Vendor")


def test_lf204_for_failure_and_error_at_leadconduit(install: Install, vendor: ScriptedVendor) -> None:
    form = f"""
fields: [{{name: email}}]
vendor: {{name: leadconduit, flow_id: {"5" * 24}, source_id: {"6" * 24}, url: "{vendor.url}", wait: 5}}
"""
    client = install({"quote": form}, **SETTINGS).client
    told: dict[tuple[str, str], str] = {}
    for outcome, reason in [("failure", "not interested"), ("error", "broken"), ("failure", "Duplicate lead")]:
        vendor.says({"outcome": outcome, "reason": reason, "lead": {"id": "6" * 24}, "price": 0})
        told[outcome, reason] = said(client.post(OWN, data={"email": f"a{len(told)}@example.com"}))["error_code"]
    assert list(told.values()) == ["lf204", "lf204", "ct103"]


@pytest.mark.both_databases
def test_lf501_where_the_lead_cannot_be_stored(install: Install) -> None:
    installation = install({"quote": quote(urls=True)}, **SETTINGS)
    client = installation.client
    with installation.store.write() as connection:
        connection.exec_driver_sql("ALTER TABLE lead RENAME TO lead_elsewhere")
    assert code_of(send(client, OWN, SCRIPT)) == (503, "lf501", "Try Again Later")
    again = send(client, OWN, BROWSER)
    assert again.status_code == 503
    assert 'value="jane@example.com"' in again.text
    assert send(client, PASTED, BROWSER).location == f"{OOPS}?error_code=lf501&msg=Try+Again+Later"


@pytest.mark.both_databases
@pytest.mark.parametrize("path", [OWN, PASTED])
def test_lf501_for_a_fault_of_ours(install: Install, monkeypatch: pytest.MonkeyPatch, path: str) -> None:
    client = install({"quote": quote()}, **SETTINGS).client

    def break_down(*_: Any, **__: Any) -> Any:
        raise RuntimeError("the secret of the house")

    monkeypatch.setattr(accepting, "accept", break_down)
    answer = send(client, path, SCRIPT)
    assert code_of(answer) == (503, "lf501", "Try Again Later")
    assert answer.headers["Access-Control-Allow-Origin"] == "*"
    page = send(client, path, BROWSER)
    assert (page.status_code, page.mimetype) == (503, "text/html")
    for text in (answer.text, page.text):
        assert "Traceback" not in text
        assert "secret of the house" not in text


def test_the_code_of_the_whole_is_the_lowest_of_its_errors(client: FlaskClient) -> None:
    answer = client.post(OWN, data={"firstName": "Jane", "phone": "12"})
    assert said(answer)["error_code"] == "ct102"
    assert {(error["field"], error["code"]) for error in said(answer)["errors"]} == {
        ("lastName", "ct102"),
        ("phone", "lf201"),
        ("email", "lf202"),
    }
    assert said(client.post(OWN, data={**VISITOR, "email": "", "phone": "12"}))["error_code"] == "lf201"


# --- what is no error for the visitor ---


@pytest.mark.parametrize(
    ("status", "body"),
    [
        ("500 Internal Server Error", b""),
        ("503 Service Unavailable", b""),
        ("429 Too Many Requests", b""),
        ("404 Not Found", b""),
        ("403 Forbidden", b""),
        ("200 OK", b"<html>a page</html>"),
        ("200 OK", b"\xff\x00"),
        ("302 Found", b""),
    ],
)
@pytest.mark.parametrize("who", [SCRIPT, BROWSER])
def test_what_goes_wrong_at_the_vendor_is_success(
    install: Install, vendor: ScriptedVendor, status: str, body: bytes, who: dict[str, str]
) -> None:
    installation = install({"quote": quote(vendor.url)}, **SETTINGS)
    vendor.says(body, status)
    assert send(installation.client, OWN, who).status_code == (200 if who is SCRIPT else 303)
    (lead,) = installation.leads()
    assert lead["state"] in {"pending", "held"}


@pytest.mark.both_databases
def test_a_vendor_that_is_not_there_is_success(install: Install) -> None:
    installation = install({"quote": quote(NOWHERE)}, **SETTINGS)
    assert said(send(installation.client, OWN, SCRIPT))["Message"] == "Success"
    assert installation.leads()[0]["state"] == "pending"


@pytest.mark.both_databases
def test_a_vendor_that_takes_too_long_is_success(install: Install, vendor: ScriptedVendor) -> None:
    installation = install({"quote": quote(vendor.url, wait=0.1)}, **SETTINGS)
    vendor.open.clear()
    assert said(send(installation.client, OWN, SCRIPT))["Message"] == "Success"
    assert installation.leads()[0]["state"] == "sending"


@pytest.mark.both_databases
def test_wait_0_never_waits(install: Install, vendor: ScriptedVendor) -> None:
    installation = install({"quote": quote(vendor.url, wait=0)}, **SETTINGS)
    assert said(send(installation.client, OWN, SCRIPT))["Message"] == "Success"
    assert vendor.posts == []
    assert installation.leads()[0]["state"] == "pending"


@pytest.mark.both_databases
def test_a_second_destination_never_decides_the_answer(install: Install, vendor: ScriptedVendor) -> None:
    more = f'also: [{{name: webhook, url: "{NOWHERE}"}}]'
    installation = install({"quote": quote(vendor.url, more=more)}, **SETTINGS)
    assert said(send(installation.client, OWN, SCRIPT))["Message"] == "Success"
    assert [each["destination"] for each in installation.leads()[0]["deliveries"]] == ["vendor", "also-1"]


@pytest.mark.both_databases
def test_a_fault_of_ours_after_the_lead_is_stored_is_success(
    install: Install, vendor: ScriptedVendor, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The lead is in the store: the answer must not make its visitor send it again."""
    installation = install({"quote": quote(vendor.url)}, **SETTINGS)

    def break_down(*_: Any) -> Any:
        raise RuntimeError

    with monkeypatch.context() as broken:
        broken.setattr(ClientTether, "parse_response", break_down)
        assert said(send(installation.client, OWN, SCRIPT))["Message"] == "Success"
    assert len(installation.leads()) == 1


@pytest.mark.both_databases
def test_a_try_that_breaks_off_after_the_lead_is_stored_is_success_and_costs_no_slot(
    install: Install, vendor: ScriptedVendor, monkeypatch: pytest.MonkeyPatch
) -> None:
    installation = install({"quote": quote(vendor.url)}, **SETTINGS)

    def fail(*_: Any) -> Any:
        raise RuntimeError

    with monkeypatch.context() as broken:
        broken.setattr(Catalog, "destination", fail)
        for number in range(WAIT_SLOTS + 1):
            assert said(send(installation.client, OWN, SCRIPT, {"firstName": f"J{number}"}))["Message"] == "Success"
    send(installation.client, OWN, SCRIPT)
    assert [post["firstName"] for post in vendor.posts] == ["Jane"]
