"""Whatever is sent, the answer is one of the vendor's, never a fault of the sandbox."""

from __future__ import annotations

import json

import pytest
from flask.testing import FlaskClient
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tests.sandbox.leads import ACCEPT_JSON, AICORE, BEARER, CLIENTTETHER, KARTRA, SUBMIT, VCITA

PATHS = ("/clienttether", "/aicore", "/kartra", "/leadconduit", SUBMIT, "/vcita", "/webhook", "/webhook/signed/x")
TYPES = ("application/x-www-form-urlencoded", "application/json", "application/xml", "text/plain", "; charset", "")
PAGE = {"Accept": "text/html"}

KEYS = sorted(
    {
        *CLIENTTETHER,
        *AICORE,
        *KARTRA,
        *VCITA,
        "email",
        "phone",
        "notes",
        "OnErrorURL",
        "lead",
        "lead[email]",
        "lead[id]",
    }
    | {
        "lead[custom_fields][0][field_identifier]",
        "lead[custom_fields][0][field_value][]",
        "actions[0][cmd]",
        "actions",
    }
    | {"get_lead[id]", "a.b", "a.b.0", "request_data", "tags", "unique_id", "business_id", "external_id", "lead_id"}
)
VALUES = [
    "",
    "1",
    "create_lead",
    "edit_lead",
    "checkbox1",
    "insert",
    "update",
    "dup@x.org",
    "a@x.org",
    "CT_1",
    "lead_set",
]
text = st.text(max_size=20) | st.sampled_from(VALUES)
names = st.sampled_from(KEYS) | st.text(max_size=12)
json_values = st.recursive(
    st.none() | st.booleans() | st.floats() | st.integers() | text,
    lambda inner: st.lists(inner, max_size=3) | st.dictionaries(names, inner, max_size=3),
    max_leaves=8,
)
quick = settings(
    max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture, HealthCheck.too_slow]
)


def assert_all_is_well(client: FlaskClient) -> None:
    entries = client.get("/inbox", query_string={"limit": "5"})
    assert entries.status_code == 200
    json.loads(entries.data, parse_constant=pytest.fail)
    assert client.get("/inbox", query_string={"limit": "5"}, headers=PAGE).status_code == 200


@quick
@given(
    path=st.sampled_from(PATHS),
    body=st.binary(max_size=200),
    kind=st.sampled_from(TYPES),
    query=st.text(max_size=30),
    method=st.sampled_from(["GET", "POST", "PUT", "DELETE", "OPTIONS", "HEAD"]),
)
def test_no_bytes_are_too_odd(client: FlaskClient, path: str, body: bytes, kind: str, query: str, method: str) -> None:
    headers = {**BEARER, **ACCEPT_JSON}
    answer = client.open(path, method=method, data=body, content_type=kind, query_string=query, headers=headers)
    assert answer.status_code < 500
    assert_all_is_well(client)


@quick
@given(path=st.sampled_from(PATHS), fields=st.dictionaries(names, text, max_size=8))
def test_no_form_is_too_odd(client: FlaskClient, path: str, fields: dict[str, str]) -> None:
    account = {"/clienttether": CLIENTTETHER, "/aicore": AICORE, "/kartra": KARTRA}.get(path, {})
    assert client.post(path, data={**account, **fields}, headers=ACCEPT_JSON).status_code < 500
    assert_all_is_well(client)


@quick
@given(path=st.sampled_from(PATHS), body=json_values)
def test_no_json_is_too_odd(client: FlaskClient, path: str, body: object) -> None:
    if path == "/vcita" and isinstance(body, dict):
        body = {**VCITA, **body}
    assert client.post(path, json=body, headers={**BEARER, **ACCEPT_JSON}).status_code < 500
    assert_all_is_well(client)


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize(
    ("body", "kind"),
    [
        (b"[" * 50_000 + b"]" * 50_000, "application/json"),
        (b'{"a":' * 500 + b"1" + b"}" * 500, "application/json"),
        (b"1" * 100_000, "application/json"),
        (b'{"email": 1e999}', "application/json"),
        (b'{"email": "\\ud800@x.org", "\\udfff": "\\ud800"}', "application/json"),
        (b"<a>" * 20_000 + b"</a>" * 20_000, "application/xml"),
        ("<a>\u20ac</a>".encode("utf-16"), "application/xml"),
        (b'<?xml version="1.0" encoding="nonsense"?><a/>', "application/xml"),
        (b"&".join(b"a%d=1" % n for n in range(5000)), "application/x-www-form-urlencoded"),
        (b"a" + b"[b]" * 5000 + b"=1", "application/x-www-form-urlencoded"),
        (b"a" + b".b" * 5000 + b"=1", "application/x-www-form-urlencoded"),
        (b"a[99999999999999999999999][]=1&a[][]=2&a[=3&[]=4&a]=5", "application/x-www-form-urlencoded"),
        (b"email=%ed%a0%80%40x.org&%ff=%00", "application/x-www-form-urlencoded"),
    ],
)
def test_known_ways_to_break_a_reader_get_an_answer(client: FlaskClient, path: str, body: bytes, kind: str) -> None:
    answer = client.post(path, data=body, content_type=kind, headers={**BEARER, **ACCEPT_JSON})
    assert answer.status_code < 500
    assert_all_is_well(client)


def test_a_body_over_the_limit_is_413(client: FlaskClient) -> None:
    client.application.config["MAX_CONTENT_LENGTH"] = 1000
    assert client.post("/clienttether", data={"notes": "x" * 2000}).status_code == 413
