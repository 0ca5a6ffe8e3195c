"""What an e-mail asks for, at every vendor."""

from __future__ import annotations

import re
import time
from email.utils import parsedate_to_datetime
from pathlib import Path

import pytest
from flask import Flask

from leadferry.sandbox.behaviour import BY_WORD, OPTIONS, TRIGGERS, Behaviours
from tests.sandbox.leads import VENDORS, Inbox, Newest, Send

every_vendor = pytest.mark.parametrize("vendor", VENDORS)


@every_vendor
def test_any_other_email_is_accepted_without_a_complaint(post: Send, newest: Newest, vendor: str) -> None:
    assert post(vendor, "anna@example.com").status_code in {200, 201}
    assert newest()["accepted"]
    assert newest()["complaints"] == []
    assert (newest()["vendor"], newest()["behaviour"]) == (vendor, "plain")


@every_vendor
@pytest.mark.parametrize("word", ["dup", "invalid", "auth"])
def test_a_refusal_is_recorded_as_no_lead(post: Send, newest: Newest, vendor: str, word: str) -> None:
    plain = post(vendor, "anna@example.com").get_data()
    refused = post(vendor, f"{word}@example.com").get_data()
    if word == "dup" and vendor in {"aicore", "vcita"}:
        assert newest()["accepted"]
    else:
        assert not newest()["accepted"]
        assert refused != plain
    assert newest()["behaviour"] == word


@every_vendor
def test_flaky_fails_twice_for_each_email_and_is_then_accepted(post: Send, inbox: Inbox, vendor: str) -> None:
    statuses = [post(vendor, "flaky@example.com").status_code for _ in range(3)]
    assert statuses[:2] == {"kartra": [429, 429], "leadconduit": [502, 504]}.get(vendor, [503, 503])
    assert statuses[2] in {200, 201}
    assert [entry["accepted"] for entry in inbox()] == [True, False, False]
    assert post(vendor, "flaky+2@example.com").status_code == statuses[0]


@every_vendor
def test_down_and_broken_fail_always(post: Send, vendor: str) -> None:
    assert [post(vendor, "down@example.com").status_code for _ in range(4)] == [503] * 4
    assert [post(vendor, "broken@example.com").status_code for _ in range(4)] == [500] * 4


@every_vendor
def test_ratelimit_says_when_to_come_back_and_then_accepts(post: Send, vendor: str) -> None:
    first, second = post(vendor, "ratelimit@example.com"), post(vendor, "ratelimit@example.com")
    assert (first.status_code, first.headers["Retry-After"]) == (429, "1")
    assert second.status_code in {200, 201}
    before = time.time()
    dated = parsedate_to_datetime(post(vendor, "ratelimit+date@example.com").headers["Retry-After"]).timestamp()
    assert before < dated <= time.time() + 2


@every_vendor
def test_garbage_empty_and_redirect_come_instead_of_the_vendors_answer(post: Send, inbox: Inbox, vendor: str) -> None:
    page = post(vendor, "garbage@example.com")
    assert (page.status_code, page.mimetype) == (200, "text/html")
    assert page.data.startswith(b"<!DOCTYPE html>")
    assert post(vendor, "garbage+json@example.com").get_json(silent=True) is None
    assert b"\xff" in post(vendor, "garbage+bytes@example.com").data
    empty = post(vendor, "empty@example.com")
    assert (empty.status_code, empty.data) == (200, b"")
    redirect = post(vendor, "redirect@example.com")
    assert (redirect.status_code, redirect.headers["Location"]) == (302, "/inbox")
    assert not any(entry["accepted"] for entry in inbox())


@every_vendor
def test_huge_is_the_right_answer_and_five_megabytes(post: Send, newest: Newest, vendor: str) -> None:
    body = post(vendor, "huge@example.com").data
    assert len(body) == 5_000_000
    assert body.rstrip(b" ").decode() == newest()["answer"]["body"]
    assert newest()["accepted"]


@every_vendor
@pytest.mark.parametrize("word", ["reset", "truncate"])
def test_a_connection_is_broken_off_after_the_lead_was_taken(
    post: Send, newest: Newest, vendor: str, word: str
) -> None:
    with pytest.raises(ConnectionResetError):
        post(vendor, f"{word}@example.com").get_data()
    assert newest()["accepted"]


def test_after_a_reset_the_repeat_of_a_lead_is_a_duplicate(post: Send) -> None:
    for vendor, answer in (
        ("clienttether", b'{"Message":"Error"}'),
        ("kartra", b'"type":"244"'),
        ("leadconduit", b"dup"),
    ):
        with pytest.raises(ConnectionResetError):
            post(vendor, "reset+once@example.com")
        assert answer in post(vendor, "reset+once@example.com").data


@every_vendor
def test_once_ends_any_trouble_after_the_first_try(post: Send, vendor: str) -> None:
    assert post(vendor, "down+once@example.com").status_code == 503
    assert post(vendor, "down+once@example.com").status_code in {200, 201}


def test_slow_waits_as_long_as_the_setting_or_the_email_says(app: Flask, post: Send) -> None:
    def seconds(email: str) -> float:
        start = time.monotonic()
        assert post("clienttether", email).get_json() == {"Message": "Success"}
        return time.monotonic() - start

    app.config["SLOW_SECONDS"] = 0.05
    assert seconds("slow@example.com") >= 0.05
    assert seconds("slow+0.2@example.com") >= 0.2


@pytest.mark.parametrize(
    ("suffix", "seconds"), [("2.5", 2.5), ("x+7", 7.0), ("nan", None), ("1e9", None), ("-1", None)]
)
def test_only_plain_seconds_count_as_seconds(suffix: str, seconds: float | None) -> None:
    assert Behaviours().choose("vcita", f"slow+{suffix}@example.com").seconds == seconds


def test_drip_is_the_right_answer_a_byte_at_a_time(post: Send, newest: Newest) -> None:
    answer = post("vcita", "drip@example.com")
    assert [len(part) for part in answer.response if part] == [1] * int(answer.headers["Content-Length"])
    assert newest()["accepted"]


@pytest.mark.parametrize("email", ["dup+17@example.com", "DUP@example.com", "Dup+a+b@x.org", "dup"])
def test_a_suffix_and_the_case_change_nothing(email: str) -> None:
    assert Behaviours().choose("kartra", email).name == "dup"


@pytest.mark.parametrize("email", ["", "@", "dup.x@example.com", "xdup@example.com", "a+dup@example.com", "+dup@x.org"])
def test_another_local_part_is_plain(email: str) -> None:
    assert Behaviours().choose("kartra", email).name == "plain"


def test_a_trigger_of_one_vendor_means_nothing_at_another() -> None:
    behaviours = Behaviours()
    assert behaviours.choose("kartra", "partial@example.com").name == "partial"
    assert behaviours.choose("vcita", "partial@example.com").name == "plain"


def test_every_trigger_is_tried_by_a_test_and_every_word_is_there_once() -> None:
    tests = "".join(path.read_text() for path in Path(__file__).parent.glob("test_*.py"))
    untried = [word for word in BY_WORD if not re.search(rf'\b{word}(@|"|\+)', tests)]
    assert untried == []
    assert len(BY_WORD) == len(TRIGGERS)


def test_every_trigger_and_option_is_in_the_handbook() -> None:
    handbook = (Path(__file__).parents[2] / "docs" / "sandbox.md").read_text()
    missing = [trigger.word for trigger in TRIGGERS if f"`{trigger.word}@`" not in handbook]
    missing += [option.word for option in OPTIONS if f"`+{option.word}`" not in handbook]
    assert missing == []
