"""What every vendor's adapter must do, whoever the vendor is. A vendor's test inherits it and supplies the facts."""

from __future__ import annotations

import copy
import json
import re
from collections.abc import Callable, Iterator
from dataclasses import replace
from datetime import UTC, date, datetime, timedelta
from email.utils import format_datetime
from pathlib import Path
from typing import Any
from urllib.parse import quote, urlencode

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from leadferry.fields import CAMPAIGN, KINDS, RESERVED
from leadferry.vendors.base import (
    Adapter,
    Destination,
    File,
    LeadData,
    Outcome,
    Reason,
    Request,
    Response,
    Result,
    Secret,
    Template,
    Value,
    fill,
    read_json,
)
from leadferry.vendors.names import PLACES, SPLIT

Answer = tuple[Response, Outcome, Reason | None]

DOCS = Path(__file__).parents[2] / "docs" / "vendors"

LEAD = LeadData(
    reference="LF7Q2M9XKD",
    form="quote",
    version="3f9a2c",
    received_at=datetime(2026, 11, 20, 9, 30, 15, 250000, tzinfo=UTC),
    values={
        "firstName": "Ada",
        "lastName": "Lovelace",
        "phone": "5127891111",
        "email": "ada@example.com",
        "address": "12 Oak Street",
        "city": "Austin",
        "state": "TX",
        "zip": "78701",
        "smsok": "1",
        "tag": "web,quote",
        "notes": "Call after five.\nThe bell is broken.",
        "Favorite Chocolate": "dark",
        "rooms": ["kitchen", "bath"],
    },
    campaign={"page_url": "https://www.example.com/quote?a=1", "gclid": "Cj0K", "utm_source": "news"},
    message_id="dlv_01JD5T",
)

ODD_VALUES: dict[str, Value] = {
    "emoji": "👩‍👩‍👧‍👦 ☕",
    "5,000 characters": "é" * 5000,
    "empty": "",
    "right to left": "שלום \u200fעולם",
    "lines": "one\ntwo\n",
    "markup": "<b>\"a\" & 'b'</b>",
    "form syntax": "a=1&b[0]=2;c=%20+",
    "secret syntax": "${SECRET_KEY}",
    "not a number": "NaN",
    "a huge number": "9" * 400,
    "a list": ["one", "two, three", ""],
    "an empty list": [],
}

ODD_NAMES = ("Favorite Chocolate", "a[b][0]", "a.b", "__proto__", "名前", "status", "x" * 200)

BROKEN_URL = "http://["  # urlsplit raises on it


class VendorContract:
    adapter: Adapter
    destination: Destination  # every secret a Template
    answers: tuple[Answer, ...]  # each answer that the vendor's document shows
    lead: LeadData = LEAD
    duplicate_answer: Response | None = None
    any_2xx_accepts = False  # the vendor has no other word for success
    secret_in_url = False  # the vendor has no other place for it
    not_sent: frozenset[str] = frozenset()  # names that the vendor's page says are left out

    def pytest_generate_tests(self, metafunc: pytest.Metafunc) -> None:
        if "answer" in metafunc.fixturenames:
            names = [f"{response.status}-{outcome}-{reason}" for response, outcome, reason in self.answers]
            metafunc.parametrize("answer", self.answers, ids=names)

    # Facts

    def test_the_facts_are_whole(self) -> None:
        assert re.fullmatch(r"[a-z]+", self.adapter.name)
        assert self.adapter.label
        assert self.adapter.documentation.startswith("https://")
        assert date.fromisoformat(self.adapter.checked)
        assert self.adapter.default_url is None or self.adapter.default_url.startswith("https://")
        assert self.adapter.on_unknown in {"retry", "hold"}

    def test_settings_are_declared_once_and_their_defaults_are_choices(self) -> None:
        names = [setting.name for setting in self.adapter.settings]
        assert len(names) == len(set(names))
        for setting in self.adapter.settings:
            if setting.choices and setting.default is not None:
                assert setting.default in setting.choices

    def test_credentials_are_settings(self) -> None:
        known = {setting.name for setting in self.adapter.settings} | {"url"}
        for alternative in self.adapter.credentials:
            assert set(alternative) <= known

    def test_the_vendors_names_have_known_kinds(self) -> None:
        assert set(self.adapter.names.values()) <= set(KINDS)
        assert set(self.adapter.formats.values()) <= set(KINDS)
        assert set(self.adapter.formats) <= set(RESERVED) | set(self.adapter.names)
        assert set(self.adapter.options) <= set(self.adapter.names)

    def test_every_place_of_a_reserved_name_is_a_name_of_the_vendor(self) -> None:
        places = {row[self.adapter.name] for row in PLACES.values() if self.adapter.name in row}
        assert places - {SPLIT} <= set(self.adapter.names)

    def test_mandatory_names_are_reserved_names(self) -> None:
        for alternative in self.adapter.required:
            assert set(alternative) <= set(RESERVED)

    def test_the_page_for_hosts_names_every_setting(self) -> None:
        page = (DOCS / f"{self.adapter.name}.md").read_text()
        for name in [setting.name for setting in self.adapter.settings] + ["on_unknown"]:
            assert re.search(rf"\b{name}\b", page), name

    def test_a_right_vendor_block_has_no_mistake(self) -> None:
        assert list(self.adapter.check(self.destination)) == []

    # The request

    def test_the_same_lead_makes_the_same_bytes(self) -> None:
        again = self.adapter.build_request(copy.deepcopy(self.lead), copy.deepcopy(self.destination))
        assert encoded(self.request()) == encoded(again)

    def test_building_a_request_leaves_the_lead_as_it_was(self) -> None:
        lead, destination = copy.deepcopy(self.lead), copy.deepcopy(self.destination)
        self.adapter.build_request(lead, destination)
        assert lead == self.lead
        assert destination == self.destination

    def test_a_stored_request_is_the_same_request(self) -> None:
        for request in self.requests():
            assert Request.from_json(json.loads(json.dumps(request.to_json()))) == request

    def test_every_answer_is_sent(self) -> None:
        """Each name carries a word of its own, which is found again in the request."""
        names = [name for name in (*RESERVED, "Favorite Chocolate", "a.b") if name not in {"firstName", "lastName"}]
        values: dict[str, Value] = {name: f"answer{number}x" for number, name in enumerate(names)}
        values["name"] = "answer0x answer0x"
        campaign = {name: f"https://campaign{number}.example/" for number, name in enumerate(CAMPAIGN)}
        sent = shown(self.adapter.build_request(replace(self.lead, values=values, campaign=campaign), self.destination))
        lost = {name for number, name in enumerate(names) if f"answer{number}x" not in sent}
        lost |= {name for number, name in enumerate(CAMPAIGN) if f"campaign{number}.example" not in sent}
        assert lost == self.not_sent

    @pytest.mark.parametrize("value", ODD_VALUES.values(), ids=ODD_VALUES)
    def test_odd_values_can_be_sent(self, value: Value) -> None:
        values = dict.fromkeys((*RESERVED, *self.adapter.names, *ODD_NAMES), value)
        text = value if isinstance(value, str) else "odd"
        files = {"plan": File(filename="plan ☕.pdf", content=b"%PDF\0\xff")} if self.adapter.takes_files else {}
        lead = replace(self.lead, values=values, campaign=dict.fromkeys(CAMPAIGN, text), files=files)
        for odd in (lead, replace(lead, values={}, campaign={}), replace(self.lead, values={"name": value})):
            request = self.adapter.build_request(odd, self.destination)
            assert_sendable(request)

    # Secrets

    def test_every_secret_of_the_destination_is_sent_and_shown_by_name_only(self) -> None:
        names = self.secrets()
        assert names, "the destination of this test holds no secret"
        request = self.request()
        assert secret_names(texts(request)) == names
        for text in (repr(request), str(request), json.dumps(request.to_json())):
            assert not any(value_of(name) in text for name in names)

    def test_no_secret_was_turned_into_text(self) -> None:
        """A Template formatted with an f-string would send its name in place of its value."""
        for request in self.requests():
            for text in plain_texts(request):
                assert not any(f"${{{name}}}" in text for name in self.secrets())

    def test_a_secret_stands_in_no_address(self) -> None:
        for request in self.requests():
            found = any(value_of(name) in fill(request.url, value_of) for name in self.secrets())
            assert self.secret_in_url or not found

    # The answer

    def test_a_documented_answer_is_read_as_documented(self, answer: Answer) -> None:
        response, outcome, reason = answer
        result = self.adapter.parse_response(response)
        assert (result.outcome, result.reason) == (outcome, reason)
        assert_storable(result)

    def test_a_duplicate_is_known_as_one(self) -> None:
        if self.duplicate_answer is not None:
            result = self.adapter.parse_response(self.duplicate_answer)
            assert (result.outcome, result.reason) == (Outcome.REJECTED, Reason.DUPLICATE)

    @pytest.mark.parametrize(
        "body",
        [b"", b"   ", b"<!doctype html><title>Welcome</title>", b"OK", b"null", b"[]", b"{}", b'{"a": "b', b"\xff\xfe"],
    )
    def test_what_cannot_be_understood_is_unknown(self, body: bytes) -> None:
        result = self.adapter.parse_response(Response(200, {"content-type": "text/html"}, body))
        assert result.outcome == (Outcome.ACCEPTED if self.any_2xx_accepts else Outcome.UNKNOWN)

    def test_a_success_cut_short_is_unknown(self) -> None:
        for response, outcome, _ in self.answers:
            if outcome is Outcome.ACCEPTED and response.body[:1] in (b"{", b"<"):
                cut = replace(response, body=response.body[: len(response.body) // 2])
                found = self.adapter.parse_response(cut).outcome
                assert found == (Outcome.ACCEPTED if self.any_2xx_accepts else Outcome.UNKNOWN)

    @pytest.mark.parametrize("status", [429, 503])
    def test_both_forms_of_retry_after_are_obeyed(self, status: int) -> None:
        seconds = self.adapter.parse_response(Response(status, {"retry-after": "90"}, b"later"))
        assert (seconds.outcome, seconds.retry_after) == (Outcome.FAILED, 90.0)
        when = format_datetime(datetime.now(UTC) + timedelta(minutes=10), usegmt=True)
        moment = self.adapter.parse_response(Response(status, {"retry-after": when}, b"later"))
        assert moment.outcome is Outcome.FAILED
        assert 500 < (moment.retry_after or 0) <= 600

    @pytest.mark.parametrize("status", [301, 302, 303, 307, 308])
    def test_a_redirect_elsewhere_is_no_acceptance(self, status: int) -> None:
        response = Response(status, {"location": "https://elsewhere.example/?ok=1"}, b"")
        assert self.adapter.parse_response(response).outcome is not Outcome.ACCEPTED

    @pytest.mark.parametrize("status", [401, 403, 404])
    def test_a_closed_door_is_a_matter_for_a_person(self, status: int) -> None:
        assert self.adapter.parse_response(Response(status, {}, b"no")).outcome is Outcome.MISCONFIGURED

    @pytest.mark.parametrize(
        "body",
        [
            b"[" * 100_000,
            b'{"a":' * 100_000,
            b'{"status":1' + b"0" * 5000 + b"}",
            b'{"status":NaN,"price":Infinity,"message":-Infinity}',
            b'{"status":"\\ud800","message":"\\u0000","uid":"\\ud800\\u0000","id":"\\ud800"}',
            b"status=0&" * 20_000,
            b"status_message[99999999999]=x&status=%FF%00",
        ],
        ids=lambda body: body[:12].decode(),
    )
    def test_hostile_bytes_do_not_raise(self, body: bytes) -> None:
        for status in (200, 201, 400, 422, 500):
            self.read(Response(status, {}, body))

    def test_any_part_of_an_answer_may_be_of_any_type(self) -> None:
        for response, _, _ in self.answers:
            for tree in warped(read_json(response)):
                self.read(replace(response, body=json.dumps(tree).encode()))

    @settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.differing_executors])
    @given(st.data())
    def test_no_answer_makes_it_raise(self, data: st.DataObject) -> None:
        body = data.draw(bodies([response.body for response, _, _ in self.answers]))
        self.read(Response(data.draw(STATUSES), data.draw(HEADERS), body))

    # What the tests above lean on

    def request(self) -> Request:
        return self.adapter.build_request(self.lead, self.destination)

    def requests(self) -> list[Request]:
        others = (self.adapter.test_request(self.destination), self.adapter.fields_request(self.destination))
        return [self.request(), *(request for request in others if request is not None)]

    def secrets(self) -> set[str]:
        """Names in the environment that the destination's settings refer to."""
        for setting in self.adapter.settings:
            given_value = self.destination.settings.get(setting.name)
            assert not setting.secret or given_value is None or isinstance(given_value, Template), setting.name
        return secret_names([*self.destination.settings.values(), self.destination.url])

    def read(self, response: Response) -> None:
        """Every function of the adapter that sees an answer sees this one."""
        assert_storable(self.adapter.parse_response(response))
        assert_storable(self.adapter.parse_test(response))
        following = self.adapter.next_request(self.request(), response, self.destination)
        if following is not None:
            assert_sendable(following)
        missing = self.adapter.fields_missing(response, ["notes", "Favorite Chocolate"], self.destination)
        assert missing is None or set(missing) <= {"notes", "Favorite Chocolate"}


def value_of(name: str) -> str:
    return f"value-of-{name}"


def encoded(request: Request) -> bytes:
    return json.dumps(request.to_json(), ensure_ascii=False, allow_nan=False).encode()


def shown(request: Request) -> str:
    """The request's content as a person would read it, whatever its encoding."""
    form = [value for pair in request.form or () for value in pair]
    return " ".join(map(str, [request.url, *request.headers.values(), *form, json.dumps(request.json)]))


def texts(request: Request) -> list[Any]:
    """Every place of the request that may hold a secret."""
    return [request.url, request.sign, *request.headers.values(), *(value for _, value in request.form or ())]


def secret_names(held: list[Any]) -> set[str]:
    parts = [part for text in held if isinstance(text, Template) for part in text.parts]
    return {part.name for part in parts if isinstance(part, Secret)}


def plain_texts(request: Request) -> Iterator[str]:
    """Every text of the request that no secret will be filled into."""
    for text in texts(request):
        yield from (part for part in (text.parts if isinstance(text, Template) else [text]) if isinstance(part, str))
    yield json.dumps(request.json)


def assert_sendable(request: Request) -> None:
    assert encoded(request)
    for value in request.headers.values():
        assert re.fullmatch(r"[^\r\n]*", fill(value, value_of)), "a header of two lines"
        assert fill(value, value_of).encode("latin-1")
    assert fill(request.url, value_of).encode("ascii")
    for name, pair_value in request.form or ():
        assert isinstance(name, str)
        assert isinstance(pair_value, (str, bytes, Template))
    urlencode([(name, v if isinstance(v, bytes) else fill(v, value_of)) for name, v in request.form or ()])


def assert_storable(result: Result) -> None:
    """What is kept of an answer is short, and text that a database takes."""
    assert isinstance(result.outcome, Outcome)
    assert result.reason is None or isinstance(result.reason, Reason)
    assert result.outcome is Outcome.ACCEPTED or result.reason is not None
    for text in (result.words, result.code, result.vendor_lead_id, result.error_code):
        if text is not None:
            assert isinstance(text, str)
            assert len(text) <= 300
            assert b"\0" not in text.encode()
    assert result.vendor_lead_id != ""
    assert result.retry_after is None or 0 <= result.retry_after < 10**12


ODD_PARTS: list[Any] = [
    None,
    True,
    0,
    -1.5,
    10**30,
    "",
    "x",
    "1",
    BROKEN_URL,
    [],
    [[]],
    [None],
    ["x"],
    {},
    {"x": 1},
    [{}],
]


def warped(tree: Any) -> Iterator[Any]:
    """The tree with one of its parts left out or of another type, each part in turn."""
    yield from ODD_PARTS
    if isinstance(tree, dict):
        for key, inner in tree.items():
            yield {other: value for other, value in tree.items() if other != key}
            yield from ({**tree, key: odd} for odd in warped(inner))
    if isinstance(tree, list):
        for place, inner in enumerate(tree):
            yield from ([*tree[:place], odd, *tree[place + 1 :]] for odd in warped(inner))


STATUSES = st.sampled_from([200, 201, 202, 204, 302, 303, 400, 401, 409, 422, 429, 500, 503]) | st.integers(0, 999)

TEXTS = st.text(st.characters(), max_size=20) | st.sampled_from([BROKEN_URL, "0", "1", "success", "OK", "Error", ""])

ODD_HEADERS = [BROKEN_URL, "1e9", "-1", "9" * 30, "Fri, 31 Dec 9999 23:59:59 -2300", "https://a.example/?msg=%FF"]

HEADERS = st.dictionaries(
    st.sampled_from(["retry-after", "location", "content-type"]), st.text(max_size=20) | st.sampled_from(ODD_HEADERS)
)


def bodies(documented: list[bytes]) -> st.SearchStrategy[bytes]:
    """Bytes, JSON and forms of any shape that use the words of the documented answers, and those answers damaged."""
    words = sorted(set(re.findall(r"[A-Za-z_]+", " ".join(body.decode("utf-8", "replace") for body in documented))))
    keys = st.sampled_from(words) | st.text(max_size=3) if words else st.text(max_size=3)
    return st.one_of(
        st.binary(max_size=200),
        json_like(keys).map(lambda tree: json.dumps(tree).encode()),
        st.lists(st.tuples(keys, TEXTS), max_size=8).map(as_form),
        damaged(documented),
    )


def json_like(keys: st.SearchStrategy[str]) -> st.SearchStrategy[Any]:
    leaves = st.none() | st.booleans() | st.integers() | st.floats() | TEXTS | keys
    grow: Callable[[st.SearchStrategy[Any]], st.SearchStrategy[Any]] = lambda inner: (  # noqa: E731
        st.lists(inner, max_size=4) | st.dictionaries(keys, inner, max_size=6)
    )
    return st.recursive(leaves, grow, max_leaves=20)


def as_form(pairs: list[tuple[str, str]]) -> bytes:
    return "&".join(f"{quote(name)}={quote(value, errors='replace')}" for name, value in pairs).encode()


def damaged(documented: list[bytes]) -> st.SearchStrategy[bytes]:
    cut = st.tuples(st.sampled_from(documented), st.integers(0, 400), st.integers(0, 400), st.binary(max_size=10))
    return cut.map(lambda made: made[0][: made[1]] + made[3] + made[0][made[2] :])
