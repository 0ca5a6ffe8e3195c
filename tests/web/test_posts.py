"""A post becomes one lead: stored as it was meant, once, held if it looks like junk, and not without limit."""

from __future__ import annotations

import threading
import time
from concurrent.futures import ThreadPoolExecutor
from concurrent.futures import TimeoutError as FutureTimeoutError
from typing import Any

import pytest
import requests
from werkzeug.test import TestResponse

from leadferry import leads
from leadferry.tokens import PageTokens
from tests.conftest import Install
from tests.installation import Installation, wait_until
from tests.web.conftest import ScriptedVendor
from tests.web.forms import BROWSER, FRAMED, SCRIPT, SETTINGS, THANKS, VISITOR, any_name, quote, said

OWN = "/f/quote"


def reference(answer: TestResponse) -> str:
    assert answer.status_code == 200, answer.text
    return str(said(answer)["lead"])


def balance(installation: Installation) -> dict[str, Any]:
    found = leads.balance(installation.store)
    assert found["balanced"]
    return found


# --- what is stored and sent ---


def test_a_lead_is_stored_cleaned_and_sent(install: Install, vendor: ScriptedVendor) -> None:
    installation = install({"quote": quote(vendor.url)}, **SETTINGS)
    data = {
        **VISITOR,
        "web_key": "LF_quote_1",
        "OnSuccessURL": "https://www.example.com/x",
        "_lf_token": "x",
        "phone": "(512) 789-1111",
        "Favorite Chocolate": "<b>Dark</b>",
        "utm_source": "newsletter",
    }
    answer = installation.client.post("/submit", data=data, headers={**SCRIPT, "User-Agent": "Test/1"})
    lead = installation.lead(reference(answer))
    assert lead["values"] == {
        **VISITOR,
        "phone": "5127891111",
        "Favorite Chocolate": "Dark",
        "utm_source": "newsletter",
    }
    assert lead["cleaned"] == [{"field": "Favorite Chocolate", "reason": "html", "before": 11, "after": 4}]
    assert (lead["form"], lead["state"]) == ("quote", "delivered")
    assert lead["source"] == {"ip": "127.0.0.0", "user_agent": "Test/1", "path": "/submit"}
    (sent,) = vendor.posts
    assert sent["phone"] == "5127891111"
    assert sent["Favorite Chocolate"] == "Dark"
    assert sent["web_key"] == "CT_TEST2020"
    assert balance(installation)["delivered"] == 1


def test_a_post_goes_to_the_form_of_its_address_whatever_web_key_it_carries(install: Install) -> None:
    installation = install({"quote": quote(wait=0), "any": any_name()}, **SETTINGS)
    answer = installation.client.post("/f/any", data={"message": "hello", "web_key": "LF_quote_1"})
    assert installation.lead(reference(answer))["form"] == "any"
    answer = installation.client.post("/submit", data={"message": "hello", "web_key": "LF_any"})
    assert installation.lead(reference(answer))["form"] == "any"


def test_the_page_of_a_pasted_form_is_known_from_its_referer(install: Install) -> None:
    client = (installation := install({"quote": quote(wait=0)}, **SETTINGS)).client
    page = "https://www.example.com/windows?from=ad"
    for more, headers, expected in [
        ({}, {"Referer": page}, page),
        ({"page_url": "https://www.example.com/doors"}, {"Referer": page}, "https://www.example.com/doors"),
        ({}, {}, None),
        ({"city": "Austin"}, {"Referer": "https://forms.example.net/f/quote", "Sec-Fetch-Dest": "iframe"}, None),
    ]:
        answer = client.post(OWN, json={**VISITOR, "notes": str(expected), **more}, headers=headers)
        assert installation.lead(reference(answer))["values"].get("page_url") == expected


def test_a_consent_is_kept_with_the_words_that_were_shown(install: Install) -> None:
    field = "  - {name: smsok, type: consent, label: You may text me., required: false}"
    installation = install({"quote": quote(wait=0, fields=field)}, **SETTINGS)
    for given, ticked in [({"smsok": "1"}, True), ({"smsok": "0"}, False), ({}, False)]:
        answer = installation.client.post(OWN, data={**VISITOR, "notes": str(given), **given})
        lead = installation.lead(reference(answer))
        assert lead["consent"]["items"] == [{"field": "smsok", "text": "You may text me.", "ticked": ticked}]
        assert lead["consent"]["version"] == lead["version"]


def test_a_refused_post_leaves_nothing(install: Install, vendor: ScriptedVendor) -> None:
    installation = install({"quote": quote(vendor.url)}, **SETTINGS)
    assert installation.client.post(OWN, data={"email": "jane@example.com"}).status_code == 422
    assert installation.leads() == []
    assert vendor.posts == []


def test_a_form_with_mistakes_is_503_and_every_other_form_works(install: Install) -> None:
    client = install({"quote": quote(wait=0), "broken": "title: [", "any": any_name()}, **SETTINGS).client
    assert client.post("/f/broken", data=VISITOR, headers=SCRIPT).status_code == 503
    page = client.post("/f/broken", data=VISITOR, headers=BROWSER)
    assert (page.status_code, page.mimetype) == (503, "text/html")
    assert client.get("/f/broken").status_code == 503
    assert client.post("/f/any", data={"message": "hello"}).status_code == 200
    assert client.post(OWN, data=VISITOR).status_code == 200


# --- from any origin ---


@pytest.mark.parametrize("origin", ["https://anywhere.example", "null"])
@pytest.mark.parametrize("path", [OWN, "/submit"])
def test_any_origin_may_post_by_script(install: Install, origin: str, path: str) -> None:
    client = install({"quote": quote(wait=0)}, **SETTINGS).client
    asked = {
        "Origin": origin,
        "Access-Control-Request-Method": "POST",
        "Access-Control-Request-Headers": "content-type,x-anything",
    }
    may = client.options(path, headers=asked)
    assert may.status_code in {200, 204}
    assert may.headers["Access-Control-Allow-Origin"] in {"*", origin}
    assert "POST" in may.headers["Access-Control-Allow-Methods"]
    assert {"content-type", "x-anything"} <= set(may.headers["Access-Control-Allow-Headers"].lower().split(","))
    data = {**VISITOR, "web_key": "LF_quote_1"}
    for answer in (
        client.post(path, json=data, headers={"Origin": origin}),
        client.post(path, json={**data, "email": ""}, headers={"Origin": origin}),
        client.post("/submit", json={}, headers={"Origin": origin}),
        client.post("/f/nobody", json=data, headers={"Origin": origin}),
    ):
        assert answer.headers["Access-Control-Allow-Origin"] in {"*", origin}
        assert "Access-Control-Allow-Credentials" not in answer.headers


def test_a_script_may_read_when_to_come_again(install: Install) -> None:
    client = install({"quote": quote(wait=0)}, **SETTINGS).client
    answer = client.post(OWN, json=VISITOR, headers={"Origin": "https://anywhere.example"})
    assert "retry-after" in answer.headers["Access-Control-Expose-Headers"].lower()


# --- what looks like junk ---


def token(installation: Installation, age: float, form: str = "quote") -> str:
    return PageTokens(installation.environ["SECRET_KEY"]).make(form, now=time.time() - age)


@pytest.mark.parametrize("who", [SCRIPT, BROWSER, FRAMED])
@pytest.mark.parametrize("junk", [{"_gotcha": "buy pills"}, {"_lf_token": "young"}])
def test_junk_gets_the_answer_of_a_success_and_is_held(
    install: Install, vendor: ScriptedVendor, who: dict[str, str], junk: dict[str, str]
) -> None:
    installation = install(
        {"quote": quote(vendor.url, urls=True, more="also: [{name: webhook, url: 'http://x.example'}]")}, **SETTINGS
    )
    if "_lf_token" in junk:  # made in a minute: too young however long this machine takes to get to it
        junk = {"_lf_token": token(installation, age=-60)}
    urls = {"OnSuccessURL": "https://www.example.com/welcome"}
    junk_answer = installation.client.post(OWN, data={**VISITOR, **urls, **junk}, headers=who)
    good_answer = installation.client.post(OWN, data={**VISITOR, **urls, "firstName": "Bo"}, headers=who)
    assert (junk_answer.status_code, junk_answer.location) == (good_answer.status_code, good_answer.location)
    if who is SCRIPT:
        assert said(junk_answer).keys() == said(good_answer).keys()
    else:
        assert junk_answer.text == good_answer.text
    good, held = installation.leads()
    assert (held["state"], held["deliveries"]) == ("quarantined", [])
    assert good["state"] == "delivered"
    assert installation.lead(held["lead"])["values"] == VISITOR
    assert [post["firstName"] for post in vendor.posts] == ["Bo"]
    found = balance(installation)
    assert (found["received"], found["quarantined"], found["delivered"]) == (2, 1, 1)


def test_a_filled_honeypot_counts_wherever_it_stands(install: Install) -> None:
    installation = install({"quote": quote(wait=0)}, **SETTINGS)
    data = [*VISITOR.items(), ("_gotcha", "x"), ("_gotcha", "")]
    installation.client.post(
        OWN, data="&".join(f"{k}={v}" for k, v in data), content_type="application/x-www-form-urlencoded"
    )
    assert installation.leads()[0]["state"] == "quarantined"


def test_a_post_that_took_its_time_is_no_junk(install: Install) -> None:
    installation = install({"quote": quote(wait=0)}, **SETTINGS)
    for number, made in enumerate(
        [token(installation, 2.5), token(installation, 1e6), token(installation, 0, "other"), "forged", "\ud800", ""]
    ):
        answer = installation.client.post(
            OWN, json={**VISITOR, "notes": str(number), "_lf_token": made, "_gotcha": " "}
        )
        assert installation.lead(reference(answer))["state"] == "pending"


def test_junk_is_not_told_from_a_success_by_its_repetition(install: Install, vendor: ScriptedVendor) -> None:
    installation = install({"quote": quote(vendor.url)}, **SETTINGS)
    first = installation.client.post(OWN, data={**VISITOR, "_gotcha": "x"})
    again = installation.client.post(OWN, data={**VISITOR, "_gotcha": "x"})
    assert said(first) == said(again)
    assert len(installation.leads()) == 1


def test_junk_must_be_right_like_any_other_post(install: Install) -> None:
    client = install({"quote": quote(wait=0)}, **SETTINGS).client
    assert client.post(OWN, data={"email": "jane@example.com", "_gotcha": "x"}).status_code == 422


# --- the same again ---


@pytest.mark.parametrize("code", [None, "ct103", "ct104"])
def test_the_same_again_is_one_lead_with_the_first_ones_answer(
    install: Install, vendor: ScriptedVendor, code: str | None
) -> None:
    installation = install({"quote": quote(vendor.url)}, **SETTINGS)
    if code:
        vendor.refuses(code)
    first = installation.client.post(OWN, data=VISITOR)
    vendor.refuses("ct102")
    again = installation.client.post(OWN, data=VISITOR)
    assert (again.status_code, said(again)) == (first.status_code, said(first))
    assert len(vendor.posts) == 1
    assert balance(installation)["received"] == 1


def test_the_same_again_is_the_same_by_whichever_door(install: Install) -> None:
    installation = install({"quote": quote(wait=0)}, **SETTINGS)
    client = installation.client
    data = {**VISITOR, "phone": "(512) 789-1111", "web_key": "LF_quote_1"}
    answers = [
        client.post(OWN, data=data),
        client.post("/submit", data=data),
        client.post(OWN, json={**data, "_lf_token": "other"}),
        client.post(OWN, data={**data, "phone": "512.789.1111", "OnSuccessURL": THANKS}),
        client.post(OWN, data=data, headers={"User-Agent": "Other/1"}),
    ]
    assert len({reference(answer) for answer in answers}) == 1


def test_other_content_or_another_form_is_another_lead(install: Install) -> None:
    installation = install({"quote": quote(wait=0), "other": quote(wait=0).replace("LF_quote_1", "LF_2")}, **SETTINGS)
    for path, more in [(OWN, {}), (OWN, {"notes": "x"}), (OWN, {"utm_source": "x"}), ("/f/other", {})]:
        reference(installation.client.post(path, data=VISITOR | more))
    assert balance(installation)["received"] == 4


def test_after_ten_minutes_it_is_a_lead_of_its_own(install: Install) -> None:
    installation = install({"quote": quote(wait=0)}, **SETTINGS)
    first = reference(installation.client.post(OWN, data=VISITOR))

    def grow_older(seconds: float) -> None:
        with installation.store.write() as connection:
            connection.exec_driver_sql(f"UPDATE lead SET received_at = received_at - {seconds}")

    grow_older(590)
    assert reference(installation.client.post(OWN, data=VISITOR)) == first
    grow_older(15)
    assert reference(installation.client.post(OWN, data=VISITOR)) != first


def test_a_refused_post_may_be_corrected_at_once(install: Install) -> None:
    installation = install({"quote": quote(wait=0)}, **SETTINGS)
    assert installation.client.post(OWN, data={**VISITOR, "email": "jane@"}).status_code == 422
    assert installation.client.post(OWN, data=VISITOR).status_code == 200


@pytest.mark.parametrize("code", [None, "ct103"])
def test_the_same_again_waits_for_the_first_ones_answer(
    install: Install, vendor: ScriptedVendor, code: str | None
) -> None:
    installation = install({"quote": quote(vendor.url, wait=10)}, **SETTINGS)
    if code:
        vendor.refuses(code)
    vendor.open.clear()
    with ThreadPoolExecutor(2) as pool:
        first = pool.submit(installation.client.post, OWN, data=VISITOR)
        assert vendor.called.wait(10)
        second = pool.submit(installation.client.post, OWN, data=VISITOR)
        with pytest.raises(FutureTimeoutError):  # the first one has no answer yet
            second.result(0.2)
        vendor.open.set()
        answers = [first.result(10), second.result(10)]
    assert said(answers[0]) == said(answers[1])
    assert answers[0].status_code == (409 if code else 200)
    assert len(vendor.posts) == 1
    assert len(installation.leads()) == 1


def test_the_same_again_waits_no_longer_than_the_first_may(install: Install, vendor: ScriptedVendor) -> None:
    installation = install({"quote": quote(vendor.url, wait=0.2)}, **SETTINGS)
    vendor.open.clear()
    first = installation.client.post(OWN, data=VISITOR)
    again = installation.client.post(OWN, data=VISITOR)
    assert reference(first) == reference(again)


def test_twenty_at_the_same_instant_on_two_processes_are_one_lead(install: Install, vendor: ScriptedVendor) -> None:
    installation = install({"quote": quote(vendor.url, wait=10)}, **SETTINGS, DELIVERY="off")
    vendor.refuses("ct103")
    together = threading.Barrier(20)
    with installation.gunicorn() as server, ThreadPoolExecutor(20) as pool:

        def post(_: int) -> requests.Response:
            together.wait()
            return requests.post(f"{server.url}{OWN}", data=VISITOR, timeout=20)

        answers = list(pool.map(post, range(20)))
    assert {answer.status_code for answer in answers} == {409}
    assert {answer.json()["error_code"] for answer in answers} == {"ct103"}
    assert len(vendor.posts) == 1
    assert [lead["state"] for lead in installation.leads()] == ["rejected"]


# --- not without limit ---


def test_the_sixth_of_five_a_minute_is_refused_on_two_processes(install: Install) -> None:
    installation = install(
        {"any": any_name(), "more": any_name().replace("LF_any", "LF_more")},
        **SETTINGS,
        POST_LIMIT="5/minute",
        DELIVERY="off",
    )
    with installation.gunicorn() as server:

        def post(number: int, path: str = "/f/any", **headers: str) -> requests.Response:
            data = {"message": f"number {number}", "web_key": "LF_any"}
            return requests.post(f"{server.url}{path}", data=data, headers=headers, timeout=10, allow_redirects=False)

        assert [post(number).status_code for number in range(5)] == [200] * 5
        sixth = post(6)
        assert (sixth.status_code, sixth.json()["error_code"], sixth.json()["msg"]) == (
            429,
            "lf301",
            "Too Many Requests",
        )
        assert 0 < int(sixth.headers["Retry-After"]) <= 120
        for path in ("/f/any", "/submit"):
            page = post(7, path, Accept="text/html")
            assert (page.status_code, page.headers["Content-Type"]) == (429, "text/html; charset=utf-8")
            assert int(page.headers["Retry-After"]) > 0
            assert "number 7" in page.text or path == "/submit"
        assert post(8, **{"X-Forwarded-For": "203.0.113.9"}).status_code == 429
        assert post(9, "/f/more").status_code == 200
    assert len(installation.leads()) == 6


def test_behind_a_trusted_proxy_each_visitor_has_a_limit_of_their_own(install: Install) -> None:
    installation = install({"any": any_name()}, **SETTINGS, POST_LIMIT="1/minute", TRUSTED_PROXIES="1")
    client = installation.client

    def post(number: int, visitor: str) -> int:
        return client.post("/f/any", data={"message": str(number)}, headers={"X-Forwarded-For": visitor}).status_code

    assert [post(1, "203.0.113.9"), post(2, "203.0.113.10")] == [200, 200]
    assert [post(3, "203.0.113.9"), post(4, "198.51.100.1, 203.0.113.10")] == [429, 429]
    assert installation.lead(installation.leads()[0]["lead"])["source"]["ip"] == "203.0.113.0"


def test_too_many_posts_follow_the_table_of_answers_too(install: Install) -> None:
    client = install({"quote": quote(wait=0, urls=True)}, **SETTINGS, POST_LIMIT="1/minute").client
    client.post(OWN, data=VISITOR)
    told = "error_code=lf301&msg=Too+Many+Requests"
    assert client.post("/submit", data={"web_key": "LF_quote_1"}, headers=BROWSER).location.endswith(f"/oops?{told}")
    asked = {"OnErrorURL": "www.example.com/e", "form_submit_redirect": "1"}
    answer = client.post(OWN, data=asked)
    assert (answer.status_code, answer.location) == (303, f"https://www.example.com/e?{told}")
    assert "Retry-After" in answer.headers
    again = client.post(OWN, data=VISITOR, headers=BROWSER)
    assert (again.status_code, again.mimetype) == (429, "text/html")
    assert 'value="jane@example.com"' in again.text


def test_0_is_no_limit(install: Install) -> None:
    client = install({"any": any_name()}, **SETTINGS, POST_LIMIT="0").client
    assert {client.post("/f/any", data={"message": str(number)}).status_code for number in range(70)} == {200}


def test_the_default_is_60_a_minute(install: Install) -> None:
    installation = install({"any": any_name()}, **SETTINGS)
    del installation.environ["POST_LIMIT"]
    answers = [installation.client.post("/f/any", data={"message": str(number)}).status_code for number in range(61)]
    assert answers == [200] * 60 + [429]


def test_a_lead_is_durable_when_its_visitor_is_answered(install: Install) -> None:
    installation = install({"quote": quote(wait=0)}, **SETTINGS, DELIVERY="off")
    with installation.gunicorn() as server:
        answer = requests.post(f"{server.url}{OWN}", data=VISITOR, timeout=10)
        server.kill()
    wait_until(lambda: server.process.poll() is not None)
    assert installation.lead(answer.json()["lead"])["values"] == VISITOR
