from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient

from leadferry.sandbox.kartra_account import TIME_ZONES
from tests.sandbox.leads import KARTRA, Newest

Call = Callable[..., Any]

URL = "/kartra/api"
CREATE = {"actions[0][cmd]": "create_lead"}


@pytest.fixture
def call(client: FlaskClient) -> Call:
    def call(*parts: dict[str, str], **lead: str) -> Any:
        data = {**KARTRA, **{f"lead[{name}]": value for name, value in lead.items()}}
        for part in parts:
            data |= part
        return client.post(URL, data=data).get_json()

    return call


@pytest.fixture
def anna(call: Call) -> str:
    """The id of a lead that exists."""
    return str(call(CREATE, email="anna@example.com")["actions"][0]["create_lead"]["lead_details"]["id"])


def command(cmd: str, place: int = 0, /, **parameters: str) -> dict[str, str]:
    named = {f"actions[{place}][{name}]": value for name, value in parameters.items()}
    return {f"actions[{place}][cmd]": cmd, **named}


def custom(identifier: str, value: str | list[str], place: int = 0) -> dict[str, str]:
    key = f"lead[custom_fields][{place}]"
    values = (
        {f"{key}[field_value]": value}
        if isinstance(value, str)
        else {f"{key}[field_value][{n}]": v for n, v in enumerate(value)}
    )
    return {f"{key}[field_identifier]": identifier, **values}


def error(kind: int, answer: Any) -> str:
    assert (answer["status"], answer["type"]) == ("Error", str(kind)), answer
    return str(answer["message"])


@pytest.mark.parametrize("path", ["/kartra", "/kartra/", "/kartra/api", "/kartra/api/"])
def test_a_lead_is_made_at_the_vendors_path_and_at_the_base_path(client: FlaskClient, path: str) -> None:
    answer = client.post(path, data={**KARTRA, **CREATE, "lead[email]": "a@example.com"})
    assert answer.status_code == 200
    assert answer.get_json() == {
        "status": "Success",
        "actions": [{"create_lead": {"status": "Success", "lead_details": {"id": "1001"}}}],
    }


def test_an_email_that_exists_is_244_until_it_is_edited(call: Call, anna: str) -> None:
    assert error(244, call(CREATE, email="Anna@example.com")) == "Lead already exists"
    edited = call(command("edit_lead"), email="anna@example.com", city="Austin")
    assert edited["actions"] == [{"edit_lead": {"status": "Success", "lead_details": {"id": anna}}}]
    error(244, call(CREATE, email="dup@example.com"))
    assert call(command("edit_lead"), email="dup@example.com")["status"] == "Success"


def test_search_finds_by_email_and_by_id_and_the_id_goes_first(call: Call, anna: str) -> None:
    found = {"status": "Success", "message": "Lead found", "lead_details": {"id": anna}}
    assert call(command("search_lead"), email="anna@example.com") == found
    assert call(command("search_lead"), id=anna, email="other@example.com") == found
    assert error(243, call(command("search_lead"), id="999", email="anna@example.com")) == "No lead found"


def test_get_lead_returns_the_whole_lead(call: Call) -> None:
    call(CREATE, command("assign_tag", 1, tag_name="web"), custom("text1", "hi"), email="a@example.com", city="Austin")
    lead = call({"get_lead[email]": "a@example.com"})["lead_details"]
    assert (lead["city"], lead["tags"]) == ("Austin", [{"tag_name": "web"}])
    assert lead["custom_fields"] == [{"field_identifier": "text1", "field_value": "hi"}]
    assert call({"get_lead[id]": lead["id"]})["lead_details"] == lead
    error(234, call({"get_lead[email]": "none@example.com"}))
    error(236, call({"get_lead": "a@example.com"}))


def test_a_new_email_must_be_free(call: Call, anna: str) -> None:
    call(CREATE, email="bob@example.com")
    error(244, call(command("edit_lead"), email="anna@example.com", new_email="bob@example.com"))
    assert call(command("edit_lead"), id=anna, new_email="ann@example.com")["status"] == "Success"
    error(243, call(command("search_lead"), email="anna@example.com"))
    assert call(command("search_lead"), email="ann@example.com")["lead_details"]["id"] == anna


def test_a_deleted_lead_is_245_and_its_email_is_taken(call: Call) -> None:
    error(244, call(CREATE, email="deleted@example.com"))
    assert error(245, call(command("edit_lead"), email="deleted@example.com")) == "Lead is deleted"
    error(245, call(command("search_lead"), email="deleted@example.com"))


def test_chained_actions_are_nested_by_command(call: Call) -> None:
    answer = call(
        CREATE,
        command("assign_tag", 1, tag_name="web"),
        command("subscribe_lead_to_list", 2, list_name="Leads"),
        email="a@example.com",
    )
    assert answer["actions"][1:] == [
        {"assign_tag": {"status": "Success", "message": "Tag added to lead", "type": "103"}},
        {"subscribe_lead_to_list": {"status": "Success", "message": "Lead subscribed to list", "type": "101"}},
    ]


def test_a_later_action_can_fail_while_the_lead_is_made(call: Call, newest: Newest) -> None:
    answer = call(
        CREATE,
        command("assign_tag", 1, tag_name="nope"),
        command("assign_tag", 2, tag_name="web"),
        email="a@example.com",
    )
    assert answer["status"] == "Success"
    error(212, answer["actions"][1]["assign_tag"])
    assert answer["actions"][2]["assign_tag"]["status"] == "Success"
    partial = call(CREATE, command("assign_tag", 1, tag_name="web"), email="partial@example.com")
    assert partial["actions"][0]["create_lead"]["status"] == "Success"
    error(212, partial["actions"][1]["assign_tag"])
    assert newest()["accepted"]


def test_when_create_fails_later_actions_do_not_run(call: Call, anna: str) -> None:
    error(244, call(CREATE, command("assign_tag", 1, tag_name="web"), email="anna@example.com"))
    assert call({"get_lead[id]": anna})["lead_details"]["tags"] == []


def test_a_single_later_action_answers_flat_and_either_shape_can_be_had(call: Call) -> None:
    web = command("assign_tag", tag_name="web")
    flat = {"status": "Success", "message": "Tag added to lead", "type": "103"}
    call(CREATE, email="a@example.com")
    call(CREATE, email="a+nested@example.com")
    assert call(web, email="a@example.com") == flat
    assert call(web, email="a+nested@example.com") == {"status": "Success", "actions": [{"assign_tag": flat}]}
    chain = call(CREATE, command("assign_tag", 1, tag_name="web"), email="b+flat@example.com")
    assert chain["actions"][1] == flat


def test_the_casing_of_status_can_be_had_in_lower_case(client: FlaskClient) -> None:
    answer = client.post(URL, data={**KARTRA, **CREATE, "lead[email]": "a+lower@example.com"}).get_json()
    assert (answer["status"], answer["actions"][0]["create_lead"]["status"]) == ("success", "success")


ACTIONS = [
    ("assign_tag", {"tag_name": "web"}, 103),
    ("unassign_tag", {"tag_name": "web"}, 104),
    ("subscribe_lead_to_list", {"list_name": "Leads"}, 101),
    ("unsubscribe_lead_from_list", {"list_name": "Leads"}, 101),
    ("give_points_to_lead", {"points": "5", "expiration": "30"}, 105),
    ("remove_points_from_lead", {"points": "5"}, 106),
    ("subscribe_lead_to_sequence_at_step", {"sequence_name": "Welcome", "step": "2"}, 107),
    ("calendar_subscribe", {"calendar_name": "Consultations", "class_name": "Introduction"}, 112),
    (
        "calendar_subscribe",
        {
            "calendar_name": "Consultations",
            "class_name": "Introduction",
            "starting_date": "16 Jan 2099",
            "starting_hour": "15:00",
        },
        112,
    ),
]
ACTION_ERRORS = [
    ("assign_tag", {}, 211),
    ("assign_tag", {"tag": "web"}, 211),
    ("assign_tag", {"tag_name": "Web"}, 212),
    ("unassign_tag", {}, 213),
    ("unassign_tag", {"tag_name": "nope"}, 214),
    ("subscribe_lead_to_list", {}, 207),
    ("subscribe_lead_to_list", {"list_name": "nope"}, 231),
    ("unsubscribe_lead_from_list", {}, 208),
    ("unsubscribe_lead_from_list", {"list_name": "nope"}, 209),
    ("give_points_to_lead", {}, 215),
    ("give_points_to_lead", {"points": "many"}, 227),
    ("remove_points_from_lead", {}, 217),
    ("remove_points_from_lead", {"points": "1.5"}, 228),
    ("subscribe_lead_to_sequence_at_step", {"step": "1"}, 226),
    ("subscribe_lead_to_sequence_at_step", {"sequence_name": "Welcome"}, 225),
    ("subscribe_lead_to_sequence_at_step", {"sequence_name": "nope", "step": "1"}, 219),
    ("subscribe_lead_to_sequence_at_step", {"sequence_name": "Welcome", "step": "1-2"}, 229),
    ("subscribe_lead_to_sequence_at_step", {"sequence_name": "Welcome", "step": "99"}, 230),
    ("calendar_subscribe", {}, 255),
    ("calendar_subscribe", {"calendar_name": "Consultations"}, 256),
    ("calendar_subscribe", {"calendar_name": "nope", "class_name": "Introduction"}, 257),
    ("calendar_subscribe", {"calendar_name": "Consultations", "class_name": "nope"}, 258),
    ("calendar_cancel", {"calendar_name": "Consultations", "class_name": "Introduction"}, 259),
    (
        "calendar_subscribe",
        {
            "calendar_name": "Consultations",
            "class_name": "Introduction",
            "starting_date": "2099-01-16",
            "starting_hour": "15:00",
        },
        260,
    ),
    (
        "calendar_subscribe",
        {
            "calendar_name": "Consultations",
            "class_name": "Introduction",
            "starting_date": "16 Jan 2019",
            "starting_hour": "15:00",
        },
        261,
    ),
    ("assign_tag", {"tag_name": "web", "list_name": "Leads"}, 224),
]


@pytest.mark.parametrize(("cmd", "parameters", "kind"), ACTIONS)
def test_each_later_action_works(call: Call, anna: str, cmd: str, parameters: dict[str, str], kind: Any) -> None:
    answer = call(command(cmd, **parameters), id=anna)
    assert (answer["status"], answer["type"]) == ("Success", str(kind))


@pytest.mark.parametrize(("cmd", "parameters", "kind"), ACTION_ERRORS)
def test_each_documented_error_of_a_later_action_is_there(
    call: Call, anna: str, cmd: str, parameters: dict[str, str], kind: Any
) -> None:
    error(kind, call(command(cmd, **parameters), id=anna))


def test_a_class_can_be_cancelled_once(call: Call, anna: str) -> None:
    chosen = {"calendar_name": "Consultations", "class_name": "Introduction"}
    call(command("calendar_subscribe", **chosen), id=anna)
    assert call(command("calendar_cancel", **chosen), id=anna)["type"] == "113"
    error(259, call(command("calendar_cancel", **chosen), id=anna))


CREDENTIALS = [
    ({"app_id": ""}, 238),
    ({"app_id": "nope"}, 239),
    ({"app_id": "demo-app-insecure"}, 201),
    ({"app_id": "demo-app-inactive"}, 240),
    ({"app_id": "demo-app-elsewhere"}, 242),
    ({"app_id": "demo-app-limited"}, 262),
    ({"api_key": ""}, 202),
    ({"api_key": "nope"}, 203),
    ({"api_key": "demo-key-inactive"}, 204),
    ({"api_password": "nope"}, 233),
    ({"api_password": ""}, 233),
    ({"lead[email]": "auth@example.com"}, 203),
]


@pytest.mark.parametrize(("fields", "kind"), CREDENTIALS)
def test_bad_credentials_have_their_own_types(call: Call, fields: Any, kind: Any) -> None:
    error(kind, call(CREATE, {"lead[email]": "a@example.com"}, fields))


@pytest.mark.parametrize(
    ("parts", "kind"),
    [
        ({}, 206),
        ({"lead": "x"}, 223),
        ({"lead[email]": "not an address"}, 206),
        ({"lead[id]": "1", "lead[email]": "a@example.com"}, 223),
        ({"lead[email]": "a@example.com", "lead[new_email]": "b@example.com"}, 223),
        ({"lead[email]": "a@example.com", "lead[Phone]": "1"}, 223),
        ({"lead[email]": "a@example.com", "lead[phone][0]": "1"}, 223),
        ({"lead[email]": "a@example.com", "lead[lead_preferred_time_zone]": "Europe/Paris"}, 223),
        ({"lead[email]": "a@example.com", "lead[ip]": "here"}, 223),
        ({"lead[email]": "a@example.com", "lead[business_type]": "Ltd"}, 223),
        ({"lead[email]": "a@example.com", "surprise": "1"}, 223),
        ({"lead[email]": "a@example.com", "lead[city": "x"}, 223),
        ({"lead[email]": "a@example.com", "lead[email][x]": "x"}, 223),
        ({"lead[email]": "a@example.com", "lead.city": "x"}, 223),
    ],
)
def test_a_malformed_lead_is_refused(call: Call, parts: dict[str, str], kind: Any) -> None:
    error(kind, call(CREATE, parts))


@pytest.mark.parametrize(
    ("actions", "kind"),
    [
        ({}, 224),
        ({"actions": "create_lead"}, 224),
        ({"actions[0]": "create_lead"}, 224),
        ({"actions[1][cmd]": "create_lead"}, 224),
        ({"actions[0][cmd]": ""}, 254),
        ({"actions[0][tag_name]": "web"}, 254),
        ({"actions[0][cmd]": "make_lead"}, 262),
        (command("assign_tag", tag_name="web") | command("create_lead", 1), 224),
        (command("create_lead") | command("edit_lead", 1), 224),
        (command("retrieve_account_tags") | command("assign_tag", 1, tag_name="web"), 224),
    ],
)
def test_malformed_actions_are_refused(call: Call, actions: dict[str, str], kind: Any) -> None:
    error(kind, call(actions, email="a@example.com"))


def test_all_76_time_zones_are_taken_and_no_other(call: Call) -> None:
    assert len(TIME_ZONES) == 76
    assert {"America/Argentina/Buenos_Aires", "Etc/GMT+12", "America/Nuuk", "Pacific/Tongatapu"} <= TIME_ZONES
    assert call(CREATE, email="a@example.com", lead_preferred_time_zone="America/New_York")["status"] == "Success"


@pytest.mark.parametrize(
    "part",
    [
        custom("text1", "hello"),
        custom("textarea1", "two\nlines"),
        custom("dropdown1", "612"),
        custom("radio1", "615"),
        custom("checkbox1", ["620", "622"]),
        custom("checkbox1", ""),
        custom("dropdown1", ""),
        custom("text1", "a") | custom("dropdown1", "610", 1),
    ],
)
def test_a_custom_field_in_the_shape_of_its_kind_is_taken(call: Call, newest: Newest, part: dict[str, str]) -> None:
    assert call(CREATE, part, email="a@example.com")["status"] == "Success"
    assert newest()["ignored"] == []


@pytest.mark.parametrize(
    "part",
    [
        custom("text1", ["a"]),
        custom("dropdown1", "Both"),
        custom("dropdown1", ["612"]),
        custom("dropdown1", "999"),
        custom("radio1", "Own"),
        custom("checkbox1", "620"),
        custom("checkbox1", ["620", "Red"]),
        custom("text1", "a") | custom("text1", "b", 1),
        custom("text1", "a", 1),
        {"lead[custom_fields]": "text1"},
        {"lead[custom_fields][text1]": "a"},
        {"lead[custom_fields][0][field_identifier]": "text1"},
        custom("text1", "a") | {"lead[custom_fields][0][field_name]": "x"},
        {"lead[email]": "invalid@example.com"},
    ],
)
def test_a_custom_field_in_another_shape_is_271_and_leaves_no_lead(call: Call, part: dict[str, str]) -> None:
    error(271, call(CREATE, {"lead[email]": "a@example.com"}, part))
    error(243, call(command("search_lead"), email="a@example.com"))


def test_an_identifier_that_the_account_does_not_have_is_ignored_and_listed(call: Call, newest: Newest) -> None:
    assert call(CREATE, custom("Favorite Chocolate", "dark"), email="a@example.com")["status"] == "Success"
    assert newest()["ignored"] == ["Favorite Chocolate"]
    assert call({"get_lead[email]": "a@example.com"})["lead_details"]["custom_fields"] == []


def test_what_the_account_holds_can_be_asked_for_without_a_lead(call: Call) -> None:
    fields = call(command("retrieve_custom_fields"))["custom_fields"]
    checkbox = next(field for field in fields if field["field_identifier"] == "checkbox1")
    assert checkbox["field_type"] == "checkbox"
    assert {"option_id": "620", "option_value": "Red"} in checkbox["field_value"]
    assert "web" in call(command("retrieve_account_tags"))["account_tags"]
    assert "Leads" in call(command("retrieve_account_lists"))["account_lists"]
    assert "Welcome" in call(command("retrieve_account_sequences"))["account_sequences"]
    assert call({"app_id": "demo-app-limited"}, command("retrieve_account_tags"))["status"] == "Success"


def test_an_app_in_test_mode_gives_every_lead_the_domain_kartra_com(call: Call) -> None:
    test_app = {"app_id": "demo-app-test"}
    call(CREATE, test_app, email="john@example.com")
    assert call({"get_lead[email]": "john@kartra.com"})["lead_details"]["email"] == "john@kartra.com"
    error(244, call(CREATE, test_app, email="john@example.org"))


def test_more_than_twenty_calls_a_second_are_429_unless_the_limit_is_lifted(app: Flask, client: FlaskClient) -> None:
    search = {**KARTRA, "lead[email]": "a@example.com", "actions[0][cmd]": "search_lead"}

    def statuses() -> set[int]:
        return {client.post(URL, data=search).status_code for _ in range(60)}

    assert statuses() == {200, 429}
    refused = next(answer for answer in iter(lambda: client.post(URL, data=search), None) if answer.status_code == 429)
    assert (refused.data, "Retry-After" in refused.headers) == (b"Too many requests", False)
    app.config["RATE_LIMITS"] = False
    assert statuses() == {200}


def test_requests_that_are_no_form_post_carry_no_app_id(client: FlaskClient, newest: Newest) -> None:
    form = {**KARTRA, **CREATE, "lead[email]": "a@example.com"}
    error(238, client.post(URL, json=form).get_json())
    assert "Content-Type" in newest()["complaints"][0]
    error(238, client.get(URL, query_string=form).get_json())
    error(223, client.post(URL + "?x=1", data=form).get_json())
    assert client.post("/kartra/other", data=form).status_code == 404
