"""What code says to a visitor, by name. Errors carry a name and its values; the page puts it in words.

What only a page says stands in its template.
"""

from __future__ import annotations

from collections.abc import Mapping

from leadferry.languages import SOURCE, translate

CODES: Mapping[str, tuple[str, int]] = {
    # error_code: (msg, HTTP status for a client that reads JSON)
    "ct101": ("Invalid Web_Key", 403),
    "ct102": ("Name Not Received", 422),
    "ct103": ("Duplicate Client creation attempted", 409),
    "lf201": ("Invalid Field", 422),
    "lf202": ("Required Field Missing", 422),
    "lf203": ("Submission Too Large", 413),
    "lf204": ("Rejected By Vendor", 422),
    "lf301": ("Too Many Requests", 429),
    "lf501": ("Try Again Later", 503),
}


def code_message(code: str) -> str:
    """The fixed `msg` of a code; a vendor's own undefined codes (ct104, ct105) say only who refused."""
    return CODES.get(code, CODES["lf204"])[0]


def code_status(code: str) -> int:
    return CODES.get(code, CODES["lf204"])[1]


SENTENCES: Mapping[str, str] = {
    # what a form says that its file leaves unsaid
    "send": "Send",
    "step": "Step {number}",
    "choose": "Please choose",
    # what is wrong with an answer, or with all
    "nothing": "Nothing was sent: there is not one answer.",
    "required": "Please fill in “{label}”.",
    "required_choice": "Please choose an answer for “{label}”.",
    "required_tick": "Please tick this box to go on.",
    "name_required": "Please tell us your name.",
    "phone": "Enter a phone number, for example 512 789 1111.",
    "phone10": "Enter a ten-digit phone number from the United States or Canada, for example 512 789 1111.",
    "email": "Enter an e-mail address, for example name@example.com.",
    "number": "Enter a number, for example 1200 or 99.50.",
    "whole": "Enter a whole number, for example 12.",
    "range": "Enter a number or a range, for example 1 to 10.",
    "date": "Enter a date as year-month-day, for example 2025-12-31.",
    "date_unclear": "Is that day or month first? Enter the date as year-month-day, for example 2025-12-31.",
    "dob": "Enter a date of birth in the past as year-month-day, for example 1985-12-31.",
    "ssn": "Enter the nine digits of a Social Security number.",
    "gender": "Enter M, F or O.",
    "gender_mf": "Enter M or F.",
    "state2": "Enter a state or province, for example TX or Texas.",
    "postal_code": "Enter a postal code, for example 78751.",
    "zip_us_ca": "Enter a ZIP or Canadian postal code, for example 78751 or A1A 1A1.",
    "url": "Enter a web address, for example https://www.example.com.",
    "flag": "Answer yes or no.",
    "profile_id": "Enter only the profile’s name, for example jane.doe.",
    "option": "Choose one of the answers offered.",
    "minimum": "Enter {limit} or more.",
    "maximum": "Enter {limit} or less.",
    "earliest": "Enter {limit} or a later date.",
    "latest": "Enter {limit} or an earlier date.",
    "pattern": "This does not have the form that is asked for.",
    "single": "This was sent more than once with different values.",
    "not_text": "This must be text, a number, or a list of texts.",
    "encoding": "This is not readable as UTF-8 text.",
    "not_expected": "This form does not take a field of this name.",
    "file": "Choose the file again: this was not a file.",
    "too_large_body": "All answers together are too large to send.",
    "too_large_count": "There are more than 500 fields.",
    "too_large_name": "The name of a field is longer than 200 characters.",
    "too_large_value": "This answer is too long.",
    "bad_body": "The answers arrived damaged or in a format that is not understood.",
    "unknown_web_key": "There is no form for this web_key.",
    "unknown_form": "There is no form at this address.",
}


def say(name: str, language: str = SOURCE, **values: str) -> str:
    """The sentence in a form's language, in English where there is none."""
    return translate(SENTENCES[name], language).format(**values)
