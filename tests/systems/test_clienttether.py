"""ClientTether: the running product against the sandbox, over real sockets."""

from __future__ import annotations

import pytest

from tests.systems.accounts import FIELDS, KEPT, TYPED, form, named, with_secrets
from tests.systems.running import Systems, Told, address, check

pytestmark = pytest.mark.thorough_on_postgresql  # what a vendor does is the same on each

OURS = {
    "web_key": "***",
    "OnSuccessURL": "https://leadferry.invalid/ok",
    "OnErrorURL": "https://leadferry.invalid/error",
}
LOST_NAMES = ("income", "home", "home_value", "years", "children", "marital_status")

FORMS = named(
    {
        "clienttether": form("clienttether"),
        "mapped": form(
            "clienttether",
            extra="  fields: {" + ", ".join(f"{name}: ct_{name}" for name in LOST_NAMES) + "}\n",
            fields="".join(f"\n  - {{name: {name}, label: X}}" for name in ("firstName", "lastName", *LOST_NAMES)),
        ),
        "nameless": form(
            "clienttether",
            fields="\n  - {name: firstName, send_as: First, label: X}\n  - {name: lastName, send_as: Last, label: X}",
        ),
        "long": form(
            "clienttether", fields=FIELDS + "  - {name: story, label: Story, type: textarea, max_length: 500}\n"
        ),
        "kept": form("clienttether", form_keys="campaign: keep\n"),
        "retry": form("clienttether", extra="  on_unknown: retry\n"),
        "wrong-key": with_secrets(form("clienttether"), CLIENTTETHER_WEB_KEY="WRONG_WEB_KEY"),
    }
)
ENVIRON = {"WRONG_WEB_KEY": "CT_BAD_KEY"}


def test_every_reserved_name_reaches_the_wire_in_the_vendors_format(systems: Systems) -> None:
    email = address()
    check(systems, "clienttether", email, Told("ok", "delivered"), **TYPED)
    assert systems.fields("clienttether", email) == {**KEPT, **OURS, "email": email}


@pytest.mark.parametrize("code", ["78701", "78701-1234", "78701-1234-12", "A1A 1A1"])
def test_each_documented_form_of_a_postal_code_is_sent(systems: Systems, code: str) -> None:
    email = address()
    check(systems, "clienttether", email, Told("ok", "delivered"), zip=code.lower().replace(" ", ""))
    assert systems.fields("clienttether", email)["zip"] == code


def test_name_overrides_the_other_two(systems: Systems) -> None:
    email = address()
    check(systems, "clienttether", email, Told("ok", "delivered"), name="Mary Jo Smith")
    sent = systems.fields("clienttether", email)
    assert sent["name"] == "Mary Jo Smith"
    assert not {"firstName", "lastName"} & set(sent)


def test_the_post_is_an_urlencoded_form_with_nothing_in_the_address(systems: Systems) -> None:
    email = address()
    systems.post("clienttether", email)
    (entry,) = systems.received("clienttether", email)
    assert entry["content_type"] == "application/x-www-form-urlencoded"
    assert entry["path"] == "/clienttether/v1/external-api/external-form-lead"
    assert entry["method"] == "POST"


def test_expansion_names_become_custom_fields_of_plain_text(systems: Systems) -> None:
    email = address()
    answers = {"Favorite Chocolate": "<b>dark</b> & milk", "FirstName": "not the reserved one", "größe": "5 < 6"}
    systems.post("clienttether", email, **answers)
    (entry,) = systems.received("clienttether", email)
    assert entry["accepted"]
    assert entry["fields"]["Favorite Chocolate"] == "dark & milk"
    assert entry["fields"]["größe"] == "5 < 6"
    assert entry["fields"]["FirstName"] == "not the reserved one"
    assert entry["complaints"] == ["'FirstName' became a custom field: the reserved name is firstName"]


@pytest.mark.parametrize(
    ("typed", "sent"),
    [
        ("x" * 150, "x" * 100),
        ("x" * 99 + "👩‍👩‍👧‍👦", "x" * 99),
        ("x" * 93 + "👩‍👩‍👧‍👦", "x" * 93 + "👩‍👩‍👧‍👦"),
        ("x" * 99 + "e\u0301", "x" * 99 + "é"),
        ("x" * 99 + "\r\n" + "y" * 10, "x" * 99),
    ],
)
def test_expansion_values_are_cut_at_100_and_never_inside_a_character(systems: Systems, typed: str, sent: str) -> None:
    email = address()
    systems.post("clienttether", email, **{"Favorite Chocolate": typed})
    assert systems.fields("clienttether", email)["Favorite Chocolate"].rstrip() == sent


def test_a_longer_field_of_the_form_is_cut_there_too_and_the_lead_keeps_the_rest(systems: Systems) -> None:
    email, typed = address(), "x" * 99 + "👩‍👩‍👧‍👦 and more"
    systems.post("long", email, story=typed)
    assert systems.fields("clienttether", email)["story"] == "x" * 99
    (lead,) = systems.installation.leads("--email", email)
    kept = systems.installation.lead(lead["lead"])
    assert kept["values"]["story"] == typed
    assert kept["cleaned"] == [{"field": "story", "reason": "cut_for_vendor", "before": len(typed), "after": 99}]


def test_a_long_click_id_goes_whole_into_the_notes_and_a_short_one_by_its_name(systems: Systems) -> None:
    email = address()
    systems.post("clienttether", email, notes="Please call.", gclid="G" * 300, utm_source="news")
    sent = systems.fields("clienttether", email)
    assert sent["notes"] == f"Please call.\ngclid: {'G' * 300}"
    assert sent["utm_source"] == "news"
    assert "gclid" not in sent


def test_a_kept_campaign_is_not_sent(systems: Systems) -> None:
    email = address()
    systems.post("kept", email, gclid="G" * 300, utm_source="news")
    sent = systems.fields("clienttether", email)
    assert not {"gclid", "utm_source", "notes"} & set(sent)
    (lead,) = systems.installation.leads("--email", email)
    assert systems.installation.lead(lead["lead"])["values"]["gclid"] == "G" * 300


def test_names_that_the_document_has_lost_are_sent_as_the_form_file_says(systems: Systems) -> None:
    email = address()
    systems.post("mapped", email, **dict.fromkeys(LOST_NAMES, "7"))
    sent = systems.fields("clienttether", email)
    assert {name: sent.get(f"ct_{name}") for name in LOST_NAMES} == dict.fromkeys(LOST_NAMES, "7")
    assert not set(LOST_NAMES) & set(sent)


REFUSALS = {
    "auth": Told("ct101", "pending", "credentials", "ct101", "Invalid Web_Key"),
    "dup": Told("ct103", "rejected", "duplicate", "ct103", "Duplicate Client creation attempted"),
    "invalid": Told("ct104", "rejected", "refused", "ct104", "Invalid value"),
    "ct104": Told("ct104", "rejected", "refused", "ct104", "TBD"),
    "ct105": Told("ct105", "rejected", "refused", "ct105", "TBD"),
    # the other spellings of the same document
    "dup+lower": Told("ct103", "rejected", "duplicate", "ct103", "Duplicate Client creation attempted"),
    "dup+raw": Told("ct103", "rejected", "duplicate", "ct103", "Duplicate Client creation attempted"),
    "auth+typo+raw": Told("ct101", "pending", "credentials", "ct101", "Invalid Wed_Key"),
    "ct105+lower+raw": Told("ct105", "rejected", "refused", "ct105", "TBD"),
}


@pytest.mark.parametrize("behaviour", REFUSALS)
def test_a_documented_refusal_is_told_to_the_visitor_and_written_down(systems: Systems, behaviour: str) -> None:
    found = check(systems, "clienttether", address(behaviour), REFUSALS[behaviour])
    assert "leadferry.invalid/error" in found["history"][0]["calls"][0]["answer"]


@pytest.mark.parametrize("behaviour", ["jane+lower", "jane+raw", "jane+bare"])
def test_success_is_understood_in_each_spelling(systems: Systems, behaviour: str) -> None:
    check(systems, "clienttether", address(behaviour), Told("ok", "delivered"))


def test_a_name_that_the_vendor_did_not_receive_is_ct102(systems: Systems) -> None:
    check(systems, "nameless", address(), Told("ct102", "rejected", "name_missing", "ct102", "Name Not Received"))


def test_a_wrong_key_pauses_the_account_and_leads_that_follow_wait_with_the_answer_of_a_success(
    systems: Systems,
) -> None:
    check(systems, "wrong-key", address(), Told("ct101", "pending", "credentials", "ct101", "Invalid Web_Key"))
    email = address()
    assert systems.post("wrong-key", email).status_code == 200
    waiting = systems.delivery(email)
    assert (waiting["state"], waiting["attempts"], waiting["history"]) == ("pending", 0, [])
    assert systems.received("clienttether", email) == []


def test_a_duplicate_that_is_our_own_unknown_try_means_delivered(systems: Systems) -> None:
    email = address("reset+once")
    assert systems.post("retry", email).status_code == 200
    assert systems.delivery(email)["state"] == "pending"
    systems.resend("--email", email)
    found = systems.delivery(email)
    assert (found["state"], found["reason"], found["error_code"], found["attempts"]) == (
        "delivered",
        "duplicate",
        None,
        2,
    )
    first, second = systems.received("clienttether", email)
    assert first["raw"] == second["raw"]
