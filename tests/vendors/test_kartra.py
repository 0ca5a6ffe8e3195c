from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from leadferry.vendors.base import Destination, LeadData, Outcome, Reason, Request, Response, Secret, Template
from leadferry.vendors.kartra import TIME_ZONES, Kartra
from tests.vendors.contract import LEAD, VendorContract

KEYS = {
    "app_id": Template((Secret("KARTRA_APP_ID"),)),
    "api_key": Template((Secret("KARTRA_API_KEY"),)),
    "api_password": Template((Secret("KARTRA_API_PASSWORD"),)),
}
KARTRA = Kartra()


def destination(fields: dict[str, str] | None = None, **settings: Any) -> Destination:
    return Destination("quote", "vendor", "kartra", {**KEYS, **settings}, fields or {})


def lead(**values: Any) -> LeadData:
    return replace(LEAD, values={"email": "ada@example.com", **values}, campaign={})


def pairs(request: Request | None) -> list[tuple[str, Any]]:
    assert request is not None
    assert request.form is not None
    return [(name, value) for name, value in request.form if name not in KEYS]


def sent(of: LeadData, to: Destination | None = None) -> list[tuple[str, Any]]:
    return pairs(KARTRA.build_request(of, to or destination()))


def custom(of: LeadData, to: Destination | None = None) -> list[tuple[str, Any]]:
    start = "lead[custom_fields]"
    return [(name.removeprefix(start), value) for name, value in sent(of, to) if name.startswith(start)]


def says(answer: Any, status: int = 200) -> Response:
    return Response(status, {"content-type": "application/json"}, json.dumps(answer).encode())


def error(number: str | int, message: str = "No", **more: Any) -> dict[str, Any]:
    return {"status": "Error", "message": message, "type": number, **more}


CREATED = {"create_lead": {"status": "Success", "lead_details": {"id": "1234"}}}
EDITED = {"edit_lead": {"status": "Success", "lead_details": {"id": "1234"}}}
NO_SUCH_TAG = error("212", "Tag does not exist")
EXISTS = says(error("244", "Lead already exists"))

COLORS = {"field": "color_1", "options": {"Red": "620", "Blue": "621"}}

CREDENTIALS = (Outcome.MISCONFIGURED, Reason.CREDENTIALS)
PARTIAL = (Outcome.ACCEPTED, Reason.PARTIAL)
INVALID = (Outcome.REJECTED, Reason.INVALID)
UNKNOWN = (Outcome.UNKNOWN, Reason.NONSENSE)


def success(*actions: Any, **more: Any) -> Response:
    return says({"status": "Success", "actions": list(actions), **more})


class TestKartra(VendorContract):
    adapter = KARTRA
    destination = destination(
        actions=[{"cmd": "subscribe_lead_to_list", "list_name": "News"}],
        custom_fields={"rooms": {"field": "rooms", "options": {"kitchen": "620"}}, "Favorite Chocolate": "choc"},
    )
    duplicate_answer = EXISTS
    answers = (
        # as documented
        (success(CREATED), Outcome.ACCEPTED, None),
        (success(EDITED), Outcome.ACCEPTED, None),
        (says({"status": "Success", "message": "Lead found", "lead_details": {"id": "39260"}}), Outcome.ACCEPTED, None),
        (EXISTS, Outcome.REJECTED, Reason.DUPLICATE),
        (says(error("201")), Outcome.MISCONFIGURED, Reason.TLS),
        *((says(error(number)), *CREDENTIALS) for number in ("202", "203", "233", "238", "239")),
        *((says(error(number)), Outcome.MISCONFIGURED, Reason.DISABLED) for number in ("204", "240")),
        *((says(error(number)), Outcome.MISCONFIGURED, Reason.FORBIDDEN) for number in ("242", "262")),
        *((says(error(number)), *INVALID) for number in ("206", "223", "224", "254", "271")),
        *((says(error(number)), Outcome.REJECTED, Reason.REFUSED) for number in ("243", "245")),
        (Response(429, {}, b"Too many requests"), Outcome.FAILED, Reason.BUSY),
        # casing, number types, flat and nested results, lists that PHP wrote as objects
        (says({"status": "success", "actions": [CREATED]}), Outcome.ACCEPTED, None),
        (says(error(244)), Outcome.REJECTED, Reason.DUPLICATE),
        (says({"status": "ERROR", "message": "No", "type": "203"}), *CREDENTIALS),
        (says({"status": "Success"}), Outcome.ACCEPTED, None),
        (success({"status": "Success", "lead_details": {"id": 1234}}), Outcome.ACCEPTED, None),
        (says({"status": "Success", "actions": {"0": CREATED, "2": {"assign_tag": NO_SUCH_TAG}}}), *PARTIAL),
        (success(error("244")), Outcome.REJECTED, Reason.DUPLICATE),
        (success({"create_lead": error("244")}), Outcome.REJECTED, Reason.DUPLICATE),
        (success({"status": "Success", "create_lead": error("244")}), Outcome.REJECTED, Reason.DUPLICATE),
        (says({"status": "Error", "actions": [{"create_lead": error("271")}]}), *INVALID),
        # the lead is in, what was to follow is not
        (success(CREATED, {"assign_tag": NO_SUCH_TAG}), *PARTIAL),
        (success(CREATED, NO_SUCH_TAG), *PARTIAL),
        (says({"status": "Error", "actions": [CREATED, {"assign_tag": NO_SUCH_TAG}]}), *PARTIAL),
        (says(error("212", "Tag does not exist", actions=[CREATED])), *PARTIAL),
        (success(CREATED, {"assign_tag": error("262")}), *PARTIAL),
        (success({"assign_tag": NO_SUCH_TAG}), *PARTIAL),
        (says({"actions": [CREATED]}), Outcome.ACCEPTED, None),
        # the chain failed, and of the lead nothing is said
        (says(NO_SUCH_TAG), *UNKNOWN),
        (says({"status": "Error", "actions": [{"assign_tag": NO_SUCH_TAG}]}), *UNKNOWN),
        (says({"actions": [{"assign_tag": {"status": "Success"}}]}), *UNKNOWN),
        # beyond the document
        (says(error("999")), Outcome.REJECTED, Reason.REFUSED),
        (says({"status": "Error", "message": "Email is not valid"}), Outcome.REJECTED, Reason.REFUSED),
        (says({"status": "Success"}, 400), *UNKNOWN),
        (says({"status": "Success"}, 500), *UNKNOWN),
    )


class TestTheRequest:
    def test_is_a_form_post_with_three_keys_and_the_lead_in_brackets(self) -> None:
        request = KARTRA.build_request(
            lead(firstName="Ada", lastName="Lovelace", phone="5127891111", zip="78701", compName="Acme"), destination()
        )
        assert (request.method, request.url) == ("POST", "https://app.kartra.com/api")
        assert (request.form or ())[:3] == tuple(KEYS.items())
        assert pairs(request) == [
            ("lead[email]", "ada@example.com"),
            ("lead[first_name]", "Ada"),
            ("lead[last_name]", "Lovelace"),
            ("lead[phone]", "5127891111"),
            ("lead[zip]", "78701"),
            ("lead[company]", "Acme"),
            ("actions[0][cmd]", "create_lead"),
        ]

    def test_a_whole_name_is_split(self) -> None:
        form = dict(sent(lead(name="Mary Jo Smith")))
        assert (form["lead[first_name]"], form["lead[last_name]"]) == ("Mary Jo", "Smith")

    def test_tags_then_the_forms_own_chain_follow_the_lead(self) -> None:
        chain = [{"cmd": "subscribe_lead_to_list", "list_name": "News"}, {"points": "5", "cmd": "give_points_to_lead"}]
        assert sent(lead(tag="web, quote,,web"), destination(actions=chain))[1:] == [
            ("actions[0][cmd]", "create_lead"),
            ("actions[1][cmd]", "assign_tag"),
            ("actions[1][tag_name]", "web"),
            ("actions[2][cmd]", "assign_tag"),
            ("actions[2][tag_name]", "quote"),
            ("actions[3][cmd]", "subscribe_lead_to_list"),
            ("actions[3][list_name]", "News"),
            ("actions[4][cmd]", "give_points_to_lead"),
            ("actions[4][points]", "5"),
        ]

    def test_several_ticked_tags_are_several_actions(self) -> None:
        form = sent(lead(tag=["web", "quote, west"]))
        assert [value for name, value in form if name.endswith("[tag_name]")] == ["web", "quote", "west"]

    def test_an_undeclared_name_is_its_own_identifier(self) -> None:
        assert custom(replace(lead(notes="Hello", empty=""), campaign={"utm_source": "news"})) == [
            ("[0][field_identifier]", "notes"),
            ("[0][field_value]", "Hello"),
            ("[1][field_identifier]", "utm_source"),
            ("[1][field_value]", "news"),
        ]

    @pytest.mark.parametrize(
        ("declared", "typed", "values"),
        [
            ("color_1", "Red", [("", "Red")]),
            ("color_1", ["Red", "Blue"], [("", "Red, Blue")]),
            ("color_1", ["620", "621"], [("[0]", "620"), ("[1]", "621")]),
            (COLORS, "Red", [("", "620")]),
            (COLORS, ["Red"], [("[0]", "620")]),
            (COLORS, ["Blue", "Red"], [("[0]", "621"), ("[1]", "620")]),
            (COLORS, "Mauve", [("", "Mauve")]),
            (COLORS, ["Mauve", "Red"], [("[0]", "Mauve"), ("[1]", "620")]),
        ],
    )
    def test_a_custom_field_takes_text_an_option_id_or_an_array_of_ids(
        self, declared: Any, typed: Any, values: list[tuple[str, str]]
    ) -> None:
        assert custom(lead(color=typed), destination(custom_fields={"color": declared})) == [
            ("[0][field_identifier]", "color_1"),
            *((f"[0][field_value]{index}", value) for index, value in values),
        ]

    def test_a_name_that_the_form_maps_keeps_its_options(self) -> None:
        to = destination({"color": "shade"}, custom_fields={"color": {"field": "shade", "options": {"Red": "620"}}})
        assert custom(lead(color="Red"), to) == [("[0][field_identifier]", "shade"), ("[0][field_value]", "620")]

    def test_a_listed_time_zone_is_the_leads_own(self) -> None:
        assert len(set(TIME_ZONES)) == 76
        assert ("lead[lead_preferred_time_zone]", "Asia/Kolkata") in sent(lead(lead_preferred_time_zone="Asia/Kolkata"))

    def test_an_unlisted_time_zone_is_not_risked_with_the_lead(self) -> None:
        form = sent(lead(lead_preferred_time_zone="Asia/Calcutta"))
        assert form[1:3] == [
            ("lead[custom_fields][0][field_identifier]", "lead_preferred_time_zone"),
            ("lead[custom_fields][0][field_value]", "Asia/Calcutta"),
        ]


class TestADuplicate:
    def test_is_edited_with_the_same_lead_and_the_whole_chain(self) -> None:
        to = destination(on_duplicate="edit", actions=[{"cmd": "assign_tag", "tag_name": "web"}])
        request = KARTRA.build_request(LEAD, to)
        again = KARTRA.next_request(request, EXISTS, to)
        assert again is not None
        assert (again.url, again.method) == (request.url, request.method)
        assert [b for a, b in zip(request.form or (), again.form or (), strict=True) if a != b] == [
            ("actions[0][cmd]", "edit_lead")
        ]

    def test_is_edited_unless_the_form_says_otherwise(self) -> None:
        request = KARTRA.build_request(LEAD, destination())
        assert KARTRA.next_request(request, EXISTS, destination()) is not None
        assert KARTRA.next_request(request, EXISTS, destination(on_duplicate="reject")) is None

    def test_is_edited_once(self) -> None:
        request = KARTRA.next_request(KARTRA.build_request(LEAD, destination()), EXISTS, destination())
        assert request is not None
        assert KARTRA.next_request(request, EXISTS, destination()) is None

    @pytest.mark.parametrize("answer", [success(CREATED), says(error("271")), Response(429), says(NO_SUCH_TAG)])
    def test_is_the_only_reason_for_a_second_call(self, answer: Response) -> None:
        assert KARTRA.next_request(KARTRA.build_request(LEAD, destination()), answer, destination()) is None


class TestTheAnswer:
    @pytest.mark.parametrize(
        "answer",
        [
            success(CREATED),
            success({"status": "Success", "lead_details": {"id": 1234}}),
            success(lead_details={"id": "1234"}),
        ],
    )
    def test_gives_the_id_of_the_lead(self, answer: Response) -> None:
        assert KARTRA.parse_response(answer).vendor_lead_id == "1234"

    def test_a_partial_success_names_each_action_that_was_not_done(self) -> None:
        tagged = {"assign_tag": {"status": "Success", "type": "103"}}
        result = KARTRA.parse_response(success(CREATED, {"assign_tag": NO_SUCH_TAG}, tagged, error(231)))
        assert result.vendor_lead_id == "1234"
        assert result.code == "212"
        assert result.words == "actions[1] assign_tag: Tag does not exist (type 212); actions[3]: No (type 231)"

    def test_keeps_the_vendors_number_and_words(self) -> None:
        result = KARTRA.parse_response(EXISTS)
        assert (result.code, result.words) == ("244", "Lead already exists")

    def test_too_many_calls_wait_for_a_second_at_least(self) -> None:
        assert KARTRA.parse_response(Response(429)).retry_after == 1.0
        assert KARTRA.parse_response(Response(429, {"retry-after": "30"})).retry_after == 30.0


class TestWithoutALead:
    def test_the_test_searches_for_nobody(self) -> None:
        request = KARTRA.test_request(destination())
        assert [value for _, value in pairs(request)] == ["leadferry-connection-test@example.com", "search_lead"]

    @pytest.mark.parametrize("number", ["243", "244", "245"])
    def test_that_nobody_is_found_shows_that_the_credentials_are_good(self, number: str) -> None:
        assert KARTRA.parse_test(says(error(number))).outcome is Outcome.ACCEPTED

    def test_refused_credentials_fail_the_test(self) -> None:
        result = KARTRA.parse_test(says(error("203")))
        assert (result.outcome, result.reason) == CREDENTIALS

    @pytest.mark.parametrize(
        "answer",
        [
            {"custom_fields": [{"field_identifier": "shade"}]},
            {"custom_fields": json.dumps([{"field_identifier": "shade"}])},
            {"actions": [{"retrieve_custom_fields": {"custom_fields": [{"field_identifier": "shade"}]}}]},
        ],
    )
    def test_custom_fields_that_the_account_lacks_are_named(self, answer: Any) -> None:
        to = destination(custom_fields={"color": "shade", "size": "size_1"})
        names = ("email", "name", "firstName", "tag", "color", "size", "notes", "utm_source")
        assert KARTRA.fields_missing(says(answer), names, to) == ["size", "notes", "utm_source"]

    @pytest.mark.parametrize("body", [b"", b"[]", b"<p>", b'{"status":"Error","type":"203"}', b"[" * 100_000])
    def test_an_answer_without_a_list_tells_nothing(self, body: bytes) -> None:
        assert KARTRA.fields_missing(Response(200, {}, body), ["notes"], destination()) is None

    def test_an_account_without_custom_fields_lacks_them_all(self) -> None:
        assert KARTRA.fields_missing(says({"custom_fields": "[]"}), ["notes"], destination()) == ["notes"]


class TestTheVendorBlock:
    def test_options_with_ids_are_the_choices_of_their_field(self) -> None:
        to = destination(custom_fields={"color": {"field": "shade", "options": {"Red": "620"}}, "size": "size_1"})
        assert KARTRA.choices("color", to) == ("Red", "620")
        assert KARTRA.choices("lead_preferred_time_zone", to) == TIME_ZONES
        assert not KARTRA.choices("size", to)

    def test_points_are_not_given_twice_unasked(self) -> None:
        assert KARTRA.on_unknown_default({}) == "retry"
        assert KARTRA.on_unknown_default({"actions": [{"cmd": "assign_tag", "tag_name": "web"}]}) == "retry"
        assert KARTRA.on_unknown_default({"actions": [{"cmd": "give_points_to_lead", "points": "5"}]}) == "hold"

    @pytest.mark.parametrize(
        ("action", "words"),
        [
            ("assign_tag", "must be a table"),
            ({"cmd": "assign_tag", "tag_name": ["web"]}, "must be a table"),
            ({"tag_name": "web"}, "has no cmd"),
            ({"cmd": "create_lead"}, "remove it"),
            ({"cmd": "assign_tag", "tag": "web"}, "needs tag_name"),
            ({"cmd": "give_points_to_lead", "points": "many"}, "must be a whole number"),
        ],
    )
    def test_mistakes_in_the_chain_are_named(self, action: Any, words: str) -> None:
        ((key, message),) = KARTRA.check(destination(actions=[action]))
        assert key == "actions"
        assert message.startswith("action 1: ")
        assert words in message

    @pytest.mark.parametrize(
        ("name", "entry", "words"),
        [
            ("phone", "phone_1", "a place of its own"),
            ("name", "whole_name", "a place of its own"),
            ("color", ["shade"], "identifier"),
            ("color", {"options": {"Red": "620"}}, "identifier"),
            ("color", {"field": "shade", "option": {"Red": "620"}}, "identifier"),
            ("color", {"field": "shade", "options": ["Red"]}, "a number"),
            ("color", {"field": "shade", "options": {"Red": "red"}}, "a number"),
        ],
    )
    def test_mistakes_in_custom_fields_are_named(self, name: str, entry: Any, words: str) -> None:
        ((key, message),) = KARTRA.check(destination(custom_fields={name: entry}))
        assert key == "custom_fields"
        assert repr(name) in message
        assert words in message
