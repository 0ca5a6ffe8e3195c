from __future__ import annotations

import json
from dataclasses import replace
from typing import Any

import pytest

from leadferry.vendors.aicore import AiCore
from leadferry.vendors.base import Destination, File, LeadData, Outcome, Reason, Response, Secret, Template
from tests.vendors.contract import LEAD, VendorContract

LOGIN = {
    "login_id": Template((Secret("AICORE_LOGIN_ID"),)),
    "login_password": Template((Secret("AICORE_LOGIN_PASSWORD"),)),
}
TOKEN = Template((Secret("AICORE_TOKEN"),))
URL = "https://www.dealer.example/service"
AICORE = AiCore()


def destination(fields: dict[str, str] | None = None, **settings: Any) -> Destination:
    return Destination("quote", "vendor", "aicore", {**LOGIN, **settings}, fields or {}, url=URL, on_unknown="hold")


def lead(**values: Any) -> LeadData:
    return replace(LEAD, values=values, campaign={})


def sent(of: LeadData, to: Destination | None = None) -> dict[str, Any]:
    form = AICORE.build_request(of, to or destination()).form or ()
    names = [name for name, _ in form]
    assert len(names) == len(set(names))
    return {name: value for name, value in form if not name.startswith("ai_")}


def says(body: str, status: int = 200) -> Response:
    return Response(status, {"content-type": "text/html"}, body.encode())


CREATED = "status=0&status_message=Lead+Creation+Successful&lead_id=1001"
CREDENTIALS = (Outcome.MISCONFIGURED, Reason.CREDENTIALS)
FORBIDDEN = (Outcome.MISCONFIGURED, Reason.FORBIDDEN)
REFUSED = (Outcome.REJECTED, Reason.REFUSED)
UNKNOWN = (Outcome.UNKNOWN, Reason.NONSENSE)


def refuses(message: str) -> Response:
    return says(f"status=5&status_message={message}")


class TestAiCore(VendorContract):
    adapter = AICORE
    destination = destination()
    answers = (
        (says(CREATED), Outcome.ACCEPTED, None),
        (says(f"https://yourwebsitedomain.com?{CREATED}"), Outcome.ACCEPTED, None),
        (says(f"\ufeff ?{CREATED}\n"), Outcome.ACCEPTED, None),
        (says("status=0&status_message=Lead%20Update%20Successful&lead_id=1001"), Outcome.ACCEPTED, None),
        (says("status=0"), Outcome.ACCEPTED, None),
        (says("status=1&status_message=Unknown+custom_status"), *REFUSED),
        (says("status=-3"), *REFUSED),
        (says("status=0&status=2"), *REFUSED),
        (says("status=&status_message=Lead+Creation+Successful"), *UNKNOWN),
        (says("status=OK&lead_id=1001"), *UNKNOWN),
        (says("status_message=Lead+Creation+Successful&lead_id=1001"), *UNKNOWN),
        (says('<html><a href="?x=1&status=0&lead_id=1001">Inventory</a></html>'), *UNKNOWN),
        (says("Fatal error: memory exhausted ?status=0&lead_id=1001"), *UNKNOWN),
        (says(CREATED, 400), *UNKNOWN),
        (says(CREATED, 500), *UNKNOWN),
        # there is no table of codes: what a message begins with tells a refused login
        (refuses("Invalid login"), *CREDENTIALS),
        (refuses("Error: Invalid ai_sitecom_token"), *CREDENTIALS),
        (refuses("Login failed for acme"), *CREDENTIALS),
        (refuses("Authentication required"), *CREDENTIALS),
        (refuses("Permission denied"), *FORBIDDEN),
        (refuses("You do not have permission to use lead_set"), *FORBIDDEN),
        (refuses("Unknown custom_status: login failed"), *REFUSED),
        (refuses("lead_id or external_id is required"), *REFUSED),
    )


class TestTheRequest:
    def test_is_a_form_post_of_lead_set_to_the_customers_own_address(self) -> None:
        request = AICORE.build_request(lead(firstName="Ada", phone="5127891111"), destination())
        assert (request.method, request.url) == ("POST", URL)
        assert request.form == (
            ("ai_command", "lead_set"),
            ("ai_login_id", LOGIN["login_id"]),
            ("ai_login_password", LOGIN["login_password"]),
            ("mode", "insert"),
            ("first_name", "Ada"),
            ("phone", "5127891111"),
        )

    def test_a_token_takes_the_place_of_the_login(self) -> None:
        form = AICORE.build_request(LEAD, destination(sitecom_token=TOKEN)).form or ()
        assert [pair for pair in form if pair[0].startswith("ai_")] == [
            ("ai_command", "lead_set"),
            ("ai_sitecom_token", TOKEN),
        ]

    def test_reserved_names_go_to_the_documents_names(self) -> None:
        values = {
            "name": "Ada Lovelace",
            "second_phone": "5127892222",
            "zip": "01001",
            "compName": "Acme",
            "assigned_user_id": "12",
            "external_id": "ABC1",
            "Favorite Chocolate": "dark",
            "rooms": ["kitchen", "bath"],
        }
        assert sent(lead(**values)) == {
            "mode": "insert",
            "full_name": "Ada Lovelace",
            "cell": "5127892222",
            "zip": "01001",
            "company": "Acme",
            "ownerID": "12",
            "external_id": "ABC1",
            "Favorite Chocolate": "dark",
            "rooms": "kitchen, bath",
        }

    @pytest.mark.parametrize(
        ("values", "name", "value"),
        [
            ({"smsok": "1"}, "ok_to_text", "Yes"),
            ({"smsok": "0"}, "ok_to_text", "No"),
            ({"smsok": "maybe"}, "ok_to_text", "maybe"),
            ({"tag": "web,quote"}, "tags", "web,quote"),
            ({"tag": ["web", "quote"]}, "tags", "web,quote"),
            ({"followup_date": "2026-12-01"}, "followup_date", "2026-12-01 00:00:00"),
            ({"followup_date": "2026-12-01 12:30:00"}, "followup_date", "2026-12-01 12:30:00"),
            ({"notes": "Call me"}, "note", "Call me"),
        ],
    )
    def test_values_take_the_documents_form(self, values: dict[str, Any], name: str, value: str) -> None:
        assert sent(lead(**values)) == {"mode": "insert", name: value}

    @pytest.mark.parametrize("text", ["Call me", "[]", "{}", '[{"Status":"Message"}]', '[1, "x"]', "[" * 100_000])
    def test_text_becomes_the_one_entry_of_notes(self, text: str) -> None:
        notes = sent(lead(story=text), destination({"story": "notes"}))["notes"]
        assert json.loads(notes) == [{"Status": "Message", "Notes": text}]

    def test_a_list_of_notes_goes_as_it_is(self) -> None:
        text = '[{"Status":"Message","Notes":"test"}, {"Status":"Email","Notes":"a@example.com"}]'
        assert sent(lead(story=text), destination({"story": "notes"}))["notes"] == text

    def test_matching_is_sent_where_it_is_on(self) -> None:
        to = destination(match_update=True, match_name_and_address=False, match_name_and_phone=True)
        assert sent(lead(), to) == {"mode": "insert", "match_update": "1", "match_name_and_phone": "1"}

    def test_an_update_names_its_lead(self) -> None:
        assert sent(lead(lead_id="77"), destination(mode="update")) == {"mode": "update", "lead_id": "77"}

    @pytest.mark.parametrize(
        "name",
        ["mode", "Mode", "mode[]", "ai_command", "ai.command", " ai command", "ai_token", "match_update",
         "upload_file_contents", "lead_id"],
    )  # fmt: skip
    def test_an_answer_cannot_steer_the_call_but_is_kept_in_the_note(self, name: str) -> None:
        form = sent(lead(notes="Hello", **{name: "delete"}))
        assert form == {"mode": "insert", "note": f"Hello\n{name}: delete"}


class TestTheCampaign:
    PAGE = "https://www.Example.com:8443/quote?a=1"

    def test_the_pages_host_is_the_source_and_the_others_are_custom_fields(self) -> None:
        of = replace(lead(), campaign={"page_url": self.PAGE, "gclid": "Cj0K"})
        assert sent(of) == {"mode": "insert", "source": "www.example.com", "gclid": "Cj0K"}

    def test_a_source_that_the_form_answers_stays(self) -> None:
        of = replace(lead(source="radio"), campaign={"page_url": self.PAGE})
        assert sent(of) == {"mode": "insert", "source": "radio", "page_url": self.PAGE}

    def test_the_form_may_map_the_page_elsewhere(self) -> None:
        of = replace(lead(), campaign={"page_url": self.PAGE})
        assert sent(of, destination({"page_url": "landing"})) == {"mode": "insert", "landing": self.PAGE}

    @pytest.mark.parametrize("page", ["quote", "http://["])
    def test_a_page_without_a_host_is_a_custom_field(self, page: str) -> None:
        assert sent(replace(lead(), campaign={"page_url": page})) == {"mode": "insert", "page_url": page}


class TestFiles:
    def test_the_first_goes_with_the_lead_and_the_others_are_named_in_the_note(self) -> None:
        files = {"plan": File("plan.pdf", b"%PDF\0\xff"), "photo": File("house.jpg", b"\xff\xd8")}
        assert sent(replace(lead(notes="See the plan."), files=files)) == {
            "mode": "insert",
            "note": "See the plan.\nphoto: house.jpg (not sent)",
            "upload_file_name": "plan.pdf",
            "upload_file_contents": b"%PDF\0\xff",
        }


class TestTheAnswer:
    def test_gives_the_id_and_the_message(self) -> None:
        result = AICORE.parse_response(says(CREATED))
        assert (result.vendor_lead_id, result.code, result.words) == ("1001", "0", "Lead Creation Successful")

    def test_several_messages_are_joined(self) -> None:
        result = AICORE.parse_response(says("status=7&status_message[0]=One&status_message%5B1%5D=Two+more"))
        assert (result.code, result.words) == ("7", "One; Two more")

    @pytest.mark.parametrize("lead_id", ["", "none", "&"])
    def test_a_success_without_a_number_has_no_id(self, lead_id: str) -> None:
        result = AICORE.parse_response(says(f"status=0&lead_id={lead_id}"))
        assert (result.outcome, result.vendor_lead_id) == (Outcome.ACCEPTED, None)


class TestWithoutALead:
    def test_the_test_is_a_ping_with_the_login(self) -> None:
        request = AICORE.test_request(destination())
        assert [name for name, _ in request.form or ()] == ["ai_command", "ai_login_id", "ai_login_password"]
        assert (request.form or ())[0] == ("ai_command", "ping")

    @pytest.mark.parametrize(
        ("answer", "outcome"),
        [
            (says("status=0&status_message=pong"), Outcome.ACCEPTED),
            (refuses("Invalid login"), Outcome.MISCONFIGURED),
            (refuses("Unknown command"), Outcome.REJECTED),
            (says("pong"), Outcome.UNKNOWN),
            (says("", 503), Outcome.FAILED),
        ],
    )
    def test_only_a_status_tells(self, answer: Response, outcome: Outcome) -> None:
        assert AICORE.parse_test(answer).outcome is outcome

    def test_an_answer_without_a_status_is_said_to_prove_nothing(self) -> None:
        assert "does not say" in AICORE.parse_test(says("pong")).words


class TestTheVendorBlock:
    @pytest.mark.parametrize(
        ("settings", "policy"),
        [
            ({}, "hold"),
            ({"mode": "insert", "match_name_and_phone": True}, "hold"),
            ({"match_update": True}, "retry"),
            ({"mode": "update"}, "retry"),
        ],
    )
    def test_a_repeat_is_made_unasked_only_where_it_finds_the_same_lead(
        self, settings: dict[str, Any], policy: str
    ) -> None:
        assert AICORE.on_unknown_default(settings) == policy

    @pytest.mark.parametrize(
        ("wrong", "key"),
        [
            (destination({"way": "mode"}), "fields"),
            (destination({"way": "ai_command"}), "fields"),
            (destination({"way": "lead_id"}), "fields"),
            (destination(mode="update", match_update=True), "match_update"),
        ],
    )
    def test_mistakes_are_named(self, wrong: Destination, key: str) -> None:
        assert [found for found, _ in AICORE.check(wrong)] == [key]
