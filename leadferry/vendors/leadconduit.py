"""LeadConduit by ActiveProspect, default integration: one urlencoded post with dotted names, one outcome in JSON.

Facts are from the page named below and, where it is silent, from ActiveProspect's published code on npm:
leadconduit-default 2.9.14 (what is answered when), leadconduit-types 4.23.2 (what each type takes) and
leadconduit-fields 1.4.1 (the standard fields).
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any, ClassVar

from leadferry.vendors.base import (
    Adapter,
    Destination,
    LeadData,
    Outcome,
    Reason,
    Request,
    Response,
    Result,
    Setting,
    Text,
    Value,
    as_text,
    by_status,
    join,
    nonsense,
    plain_words,
    read_json,
    read_retry_after,
)


def _names(kind: str, names: str) -> dict[str, str]:
    return dict.fromkeys(names.split(), kind)


# The standard fields; a flow takes a subset of them, and fields of its own besides. What a flow does not have is not
# captured, without an error. Partner sets (lendingtree.*, costco.* …) are nobody's to type into a form.
STANDARD_FIELDS = {
    **_names(
        "text",
        "first_name last_name title address_1 address_2 city county website time_to_contact ip_address reference "
        "leadid_id marital_status spouse.first_name spouse.last_name credit_rating residence_type education_level "
        "employment_status industry "
        "company company.address_1 company.city company.industry company.type "
        "loan.purpose loan.collateral "
        "mortgage.application.created_at mortgage.application.credit_rating mortgage.application.realtor.name "
        "mortgage.coborrower.first_name mortgage.coborrower.last_name mortgage.coborrower.address_1 "
        "mortgage.coborrower.city mortgage.loan.type mortgage.loan.purpose mortgage.loan.amortization "
        "mortgage.property.type mortgage.property.use mortgage.property.address mortgage.property.city "
        "mortgage.property.state mortgage.property.county mortgage.property.msa mortgage.refi.purpose "
        "mortgage.refi_purpose",
    ),
    **_names("textarea", "comments"),
    **_names("email", "email"),
    **_names("phone", "phone_1 phone_2 phone_3 mortgage.application.realtor.phone"),
    **_names("state", "state company.state mortgage.coborrower.state"),
    **_names(
        "postal_code",
        "postal_code company.postal_code mortgage.coborrower.postal_code mortgage.property.postal_code",
    ),
    **_names("country", "country"),
    **_names("dob", "dob spouse.dob mortgage.coborrower.dob"),
    **_names("gender", "gender"),
    **_names("ssn", "ssn"),
    **_names(
        "range",
        "age credit_score company.time_in_business company.monthly_sales company.monthly_charges "
        "company.accounts_receivable loan.timeframe_days mortgage.bankruptcy.discharged_months_ago "
        "mortgage.foreclosure.filed_months_ago",
    ),
    **_names(
        "number",
        "price months_at_job monthly_salary loan.amount "
        "mortgage.application.timeframe_days mortgage.application.monthly_debt_payment "
        "mortgage.application.late_payments mortgage.coborrower.monthly_salary mortgage.existing_property_value "
        "mortgage.first_mortgage_balance mortgage.first_mortgage_rate mortgage.loan.amount mortgage.loan.cash_out "
        "mortgage.loan.down_payment mortgage.loan.ltv mortgage.loan.term mortgage.new_property_value "
        "mortgage.property.price mortgage.property.purchase_year mortgage.refi.interest_rate "
        "mortgage.refi.loan_balance mortgage.refi.property_value mortgage.second_mortgage_balance",
    ),
    **_names(
        "flag",
        "mobile_opt_in loan.has_financing "
        "mortgage.application.bankruptcy mortgage.application.found_home mortgage.application.is_home_found "
        "mortgage.application.is_military mortgage.application.is_working_with_realtor "
        "mortgage.application.working_with_realtor mortgage.bankruptcy.was_declared mortgage.foreclosure.was_filed "
        "is_test",
    ),
    # What TrustedForm's script puts into a page. LeadConduit itself reads the second name as the first, and needs
    # the third for pings only.
    **_names("url", "trustedform_cert_url xxTrustedFormCertUrl xxTrustedFormPingUrl"),
    **_names("text", "xxTrustedFormToken"),
}

YES_NO = {"1": "yes", "0": "no"}  # as ActiveProspect writes booleans

DOWN = frozenset({502, 503, 504})  # "a transient condition, and you should retry … in a few seconds"
WRONG_REQUEST = frozenset({406, 415})  # Accept or Content-Type, which are the same for every lead


class LeadConduit(Adapter):
    name = "leadconduit"
    label = "LeadConduit"
    documentation = "https://community.activeprospect.com/posts/4100752-generic-post-instructions-for-leadconduit"
    checked = "2026-11-21"
    default_url = "https://app.leadconduit.com"
    # The two ids are all that stands between a stranger and the flow, and the address holds both: there is no other
    # authentication.
    settings = (Setting("flow_id", secret=True), Setting("source_id", secret=True), Setting("url", secret=True))
    credentials = (("flow_id", "source_id"), ("url",))
    names = STANDARD_FIELDS
    formats: ClassVar[Mapping[str, str]] = {"age": "range"}
    # "If a field has a value that cannot be interpreted as the expected type, no error will be given"
    if_invalid = "pass"
    # Every post makes a new event. Most flows refuse a duplicate, but by rules of their own, and some have none.
    on_unknown = "hold"
    concurrency = 6  # what ActiveProspect's own importer allows itself; no limit is documented

    def endpoint(self, destination: Destination) -> Text:
        if destination.url:
            return destination.url
        ids = destination.settings
        return join(self.default_url, "/flows/", ids["flow_id"], "/sources/", ids["source_id"], "/submit")

    def build_request(self, lead: LeadData, destination: Destination) -> Request:
        placed = self.place(lead, destination)
        answers = {wire: self._as_sent(wire, value) for wire, value in {**placed.own, **placed.custom}.items()}
        if lead.test:
            answers["is_test"] = "yes"
        return Request(
            self.endpoint(destination),
            headers={"Accept": "application/json"},  # alone: with another type beside it the answer may be XML
            form=tuple((wire, value) for wire, value in answers.items() if value),
        )

    def _as_sent(self, wire: str, value: Value) -> str:
        """Several choices go as one text: a repeated name would reach the flow as an array, which no type expects."""
        text = as_text(value)
        return YES_NO.get(text, text) if self.names.get(wire) == "flag" else text

    def parse_response(self, response: Response) -> Result:
        handled = 200 <= response.status < 300 or response.status == 303  # 303 where the address has a redir_url
        return (handled and _handled(response)) or _unhandled(response) or nonsense(response)

    def check(self, destination: Destination) -> Iterator[tuple[str, str]]:
        address = str(destination.url or "").partition("?")[0]
        if address.rstrip("/").endswith("/ping"):
            yield "url", "an address that ends in /ping asks for a bid and hands over no lead; write /submit"


def _handled(response: Response) -> Result | None:
    """The outcome in the body: the status of a handled lead is 201 whatever became of it."""
    answer = read_json(response)
    if not isinstance(answer, dict):
        return None
    outcome, reason = _text(answer.get("outcome")).lower(), _text(answer.get("reason"))
    lead = answer.get("lead")
    lead_id = _text(lead.get("id")) if isinstance(lead, dict) else ""
    if outcome == "success":
        return _success(response, lead_id)
    if outcome == "failure":
        why = Reason.DUPLICATE if "duplicat" in reason.lower() else Reason.REFUSED
        return Result(Outcome.REJECTED, why, lead_id or None, code=outcome, words=reason)
    if outcome == "error":
        # One page calls it an unexpected problem, another a malformed lead that is not to be sent again as it is.
        return Result(Outcome.REJECTED, Reason.INVALID, lead_id or None, code=outcome, words=reason)
    return None


def _success(response: Response, lead_id: str) -> Result | None:
    """A submission is answered with 201 and a lead id. A ping gets 200 and none: nothing was stored by it."""
    if not lead_id and response.status != 201:
        return None
    return Result(Outcome.ACCEPTED, vendor_lead_id=lead_id or None)


def _unhandled(response: Response) -> Result | None:
    status, words = str(response.status), _words(response)
    if response.status in DOWN:
        retry_after = read_retry_after(response.headers.get("retry-after"))
        return Result(Outcome.FAILED, Reason.DOWN, code=status, words=words, retry_after=retry_after)
    if response.status in WRONG_REQUEST or (response.status == 400 and "redir_url" in words):
        return Result(Outcome.MISCONFIGURED, Reason.INVALID, code=status, words=words)
    if response.status == 400:  # a body that cannot be parsed: names of this very lead that contradict each other
        return Result(Outcome.REJECTED, Reason.INVALID, code=status, words=words)
    if response.status == 403 and "disabled" in words.lower():  # {"message":"Source is disabled"}
        return Result(Outcome.MISCONFIGURED, Reason.DISABLED, code=status, words=words)
    return by_status(response)


def _words(response: Response) -> str:
    answer = read_json(response)
    return (_text(answer.get("message")) if isinstance(answer, dict) else "") or plain_words(response)


def _text(value: Any) -> str:
    return value.strip() if isinstance(value, str) else ""
