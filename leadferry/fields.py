"""What a field can be: the table of kinds, the table of reserved names, the table of campaign names."""

from __future__ import annotations

import math
import re
import unicodedata
from collections.abc import Callable, Mapping
from dataclasses import dataclass
from datetime import UTC, date, datetime
from urllib.parse import parse_qsl, urlsplit


class Invalid(ValueError):
    """A value that cannot be brought into its kind; ``message`` names a sentence of leadferry.messages."""

    def __init__(self, message: str, **values: str) -> None:
        super().__init__(message)
        self.message = message
        self.values = values


@dataclass(frozen=True)
class Kind:
    """One type of field: how its text is brought into form, and how a page asks for it.

    ``max_length`` is in code points, where the form file gives none. ``widget`` is what the page draws.
    """

    normalise: Callable[[str], str]
    widget: str = "input"
    input_type: str = "text"
    inputmode: str | None = None
    autocomplete: str | None = None
    max_length: int = 1000


def as_typed(text: str) -> str:
    return text


def in_western_digits(text: str) -> str:
    """`٥١٢` and `५१२` are 512; `٩٩٫٥` is 99.5."""
    return re.sub(r"\d", lambda digit: str(unicodedata.digit(digit[0])), text).translate({0x66B: ".", 0x66C: ","})


_PHONE_MARKS = re.compile(r"[\s().\-–/]")


def _north_american(text: str) -> str | None:
    """The ten digits of a number that is certainly North American: ten, or eleven that begin with 1.

    A French number has ten digits too, and like most numbers that are dialled within a country it begins with 0.
    """
    found = re.fullmatch(r"(?:\+1|1)?([1-9][0-9]{9})", _PHONE_MARKS.sub("", text), re.ASCII)
    return found[1] if found else None


_PHONE = re.compile(
    r"\+?(?:[\s().\-–/]*+[0-9]){6,15}[\s().\-–/]*+(?:(?:x|ext\.?)\s*+[0-9]{1,7}\s*+)?\(?[hwmc]?\)?", re.I
)


def phone(text: str) -> str:
    """Ten digits where that is certain; else as typed, if it can be a phone number anywhere (an extension, +44 …)."""
    ten = _north_american(text)
    if ten:
        return ten
    if _PHONE.fullmatch(text):
        return " ".join(text.split())
    raise Invalid("phone")


def phone10(text: str) -> str:
    ten = _north_american(text)
    if not ten:
        raise Invalid("phone10")
    return ten


def email(text: str) -> str:
    from email_validator import EmailNotValidError, validate_email  # noqa: PLC0415  # 20 ms that a start need not wait

    if len(text) > 320:  # no address is: 64 characters, @ and 255
        raise Invalid("email")
    try:
        found = validate_email(text, check_deliverability=False, globally_deliverable=False)
    except EmailNotValidError:
        raise Invalid("email") from None
    if "." not in found.domain:
        raise Invalid("email")
    return found.normalized


_DIGITS = r"(?:[0-9]{1,3}(?:,[0-9]{3})+|[0-9]+)(?:\.[0-9]+)?"  # commas, if any, in their places
_NUMBER = re.compile(rf"[-+]?\s*+[$€£]?\s*+(?:{_DIGITS}|\.[0-9]+)")


def number(text: str) -> str:
    """Digits, minus and point only: `$1,000` is 1000, `9,998.99` is 9998.99."""
    if not _NUMBER.fullmatch(text):
        raise Invalid("number")
    return re.sub(r"[^0-9.\-]", "", text)


def whole(text: str) -> str:
    try:
        plain = number(text)
    except Invalid:
        raise Invalid("whole") from None
    digits, _, fraction = plain.partition(".")
    if digits.startswith("-") or fraction.strip("0"):
        raise Invalid("whole")
    return digits.lstrip("0") or "0"


def integer(text: str) -> str:
    if not re.fullmatch(r"-?[0-9]{1,18}", text, re.ASCII):
        raise Invalid("whole")
    return text


_RANGE = re.compile(rf"({_DIGITS})\s*+(?:\+|(?:to|-|–)\s*+({_DIGITS}))?", re.I | re.ASCII)


def range_(text: str) -> str:
    """`1 to 10` and `1–10` become `1-10`; `10+` and `10` stay."""
    match = _RANGE.fullmatch(text)
    if not match:
        raise Invalid("range")
    low = match[1].replace(",", "")
    if match[2]:
        return f"{low}-{match[2].replace(',', '')}"
    return f"{low}+" if text.endswith("+") else low


_MONTHS = {
    name[:length]: index
    for index, name in enumerate(
        ("january february march april may june july august september october november december").split(),
        start=1,
    )
    for length in {3, len(name)}
} | {"sept": 9}


def _by_name(text: str) -> tuple[int, int, int] | None:
    """`Dec 25, 1995`, `25 December 1995`: the month stands in letters, so nothing is unclear."""
    words = re.findall(r"[a-z]+|[0-9]+", re.sub(r"(?<=[0-9])(st|nd|rd|th)\b", "", text.lower()))
    if len(words) != 3 or not re.fullmatch(r"[A-Za-z0-9.,\s\-]+", text):
        return None
    for month, day, year in ((words[0], words[1], words[2]), (words[1], words[0], words[2])):
        if month in _MONTHS and day.isdigit() and len(day) <= 2 and year.isdigit() and len(year) == 4:
            return int(year), _MONTHS[month], int(day)
    return None


def _by_number(text: str) -> tuple[int, int, int] | None:
    match = re.fullmatch(r"([0-9]{4})([-/.])([0-9]{1,2})\2([0-9]{1,2})", text, re.ASCII)
    if match:
        return int(match[1]), int(match[3]), int(match[4])
    match = re.fullmatch(r"([0-9]{1,2})([-/.])([0-9]{1,2})\2([0-9]{4})", text, re.ASCII)
    if not match:
        return None
    first, mark, second, year = int(match[1]), match[2], int(match[3]), int(match[4])
    if second > 12 or first == second:
        return year, first, second
    if mark == "." or first > 12:  # a point follows the day
        return year, second, first
    raise Invalid("date_unclear")


def iso_date(text: str) -> str:
    """YYYY-MM-DD where the text is certain; `03/04/2026` is not, and is refused rather than guessed."""
    found = _by_number(text) or _by_name(text)
    if not found:
        raise Invalid("date")
    try:
        return date(*found).isoformat()
    except ValueError:
        raise Invalid("date") from None


def dob(text: str) -> str:
    try:
        born = iso_date(text)
    except Invalid as error:
        raise Invalid("dob" if error.message == "date" else error.message) from None
    today = datetime.now(UTC).date()
    if not date(today.year - 130, 1, 1) <= date.fromisoformat(born) <= today:
        raise Invalid("dob")
    return born


def ssn(text: str) -> str:
    digits = re.sub(r"[\s\-]", "", text)
    if not re.fullmatch(r"[0-9]{9}", digits, re.ASCII):
        raise Invalid("ssn")
    return f"{digits[:3]}-{digits[3:5]}-{digits[5:]}"


_GENDERS = {"m": "M", "male": "M", "f": "F", "female": "F", "o": "O", "other": "O"}


def gender(text: str) -> str:
    if text.lower() not in _GENDERS:
        raise Invalid("gender")
    return _GENDERS[text.lower()]


def gender_mf(text: str) -> str:
    found = _GENDERS.get(text.lower())
    if found not in {"M", "F"}:
        raise Invalid("gender_mf")
    return found


_STATES = {
    # USPS and Canada Post abbreviations
    "alabama": "AL", "alaska": "AK", "arizona": "AZ", "arkansas": "AR", "california": "CA", "colorado": "CO",
    "connecticut": "CT", "delaware": "DE", "district of columbia": "DC", "washington dc": "DC", "florida": "FL",
    "georgia": "GA", "hawaii": "HI", "idaho": "ID", "illinois": "IL", "indiana": "IN", "iowa": "IA", "kansas": "KS",
    "kentucky": "KY", "louisiana": "LA", "maine": "ME", "maryland": "MD", "massachusetts": "MA", "michigan": "MI",
    "minnesota": "MN", "mississippi": "MS", "missouri": "MO", "montana": "MT", "nebraska": "NE", "nevada": "NV",
    "new hampshire": "NH", "new jersey": "NJ", "new mexico": "NM", "new york": "NY", "north carolina": "NC",
    "north dakota": "ND", "ohio": "OH", "oklahoma": "OK", "oregon": "OR", "pennsylvania": "PA", "rhode island": "RI",
    "south carolina": "SC", "south dakota": "SD", "tennessee": "TN", "texas": "TX", "utah": "UT", "vermont": "VT",
    "virginia": "VA", "washington": "WA", "west virginia": "WV", "wisconsin": "WI", "wyoming": "WY",
    "american samoa": "AS", "guam": "GU", "northern mariana islands": "MP", "puerto rico": "PR",
    "virgin islands": "VI", "us virgin islands": "VI", "armed forces americas": "AA", "armed forces europe": "AE",
    "armed forces pacific": "AP", "alberta": "AB", "british columbia": "BC", "manitoba": "MB", "new brunswick": "NB",
    "newfoundland and labrador": "NL", "newfoundland": "NL", "labrador": "NL", "northwest territories": "NT",
    "nova scotia": "NS", "nunavut": "NU", "ontario": "ON", "prince edward island": "PE", "quebec": "QC",
    "québec": "QC", "saskatchewan": "SK", "yukon": "YT",
}  # fmt: skip
_STATE_CODES = frozenset(_STATES.values())


def _state_code(text: str) -> str | None:
    plain = " ".join(text.replace(".", "").replace(",", " ").split())
    if plain.upper() in _STATE_CODES:
        return plain.upper()
    return _STATES.get(plain.lower())


def state(text: str) -> str:
    """`Texas` becomes TX; a region elsewhere in the world stays as typed."""
    return _state_code(text) or text


def state2(text: str) -> str:
    code = _state_code(text)
    if not code:
        raise Invalid("state2")
    return code


def _us_or_canada(text: str) -> str | None:
    plain = re.sub(r"[\s\-]", "", text).upper()
    if re.fullmatch(r"[0-9]{5}", plain, re.ASCII):
        return plain
    if re.fullmatch(r"[0-9]{9}", plain, re.ASCII):
        return f"{plain[:5]}-{plain[5:]}"
    if re.fullmatch(r"(?:[A-Z][0-9]){3}", plain, re.ASCII):
        return f"{plain[:3]} {plain[3:]}"
    return None


def postal_code(text: str) -> str:
    found = _us_or_canada(text)
    if found:
        return found
    if not re.fullmatch(r"[^\W_](?:[\w \-]{0,13}[^\W_])?", text):
        raise Invalid("postal_code")
    return text.upper() if text.isascii() else text


def zip_us_ca(text: str) -> str:
    """12345, 12345-1234, 12345-1234-12 or A1A 1A1."""
    found = _us_or_canada(text)
    if found:
        return found
    digits = re.sub(r"[\s\-]", "", text)
    if re.fullmatch(r"[0-9]{11}", digits, re.ASCII):
        return f"{digits[:5]}-{digits[5:9]}-{digits[9:]}"
    raise Invalid("zip_us_ca")


def url(text: str) -> str:
    """An http or https address; without a scheme it is taken as https."""
    whole_text = (
        text if re.match(r"[A-Za-z][A-Za-z0-9+.\-]*:", text) and not re.match(r"[^/]+:\d", text) else f"https://{text}"
    )
    try:
        parts = urlsplit(whole_text)
        host = parts.hostname or ""
        parts.port  # noqa: B018  # raises where the port is no port
    except ValueError:
        raise Invalid("url") from None
    if parts.scheme.lower() not in {"http", "https"} or "." not in host.strip(".") or re.search(r"\s", whole_text):
        raise Invalid("url")
    return whole_text


_YES = frozenset({"1", "on", "yes", "y", "true", "t"})
_NO = frozenset({"0", "off", "no", "n", "false", "f"})


def flag(text: str) -> str:
    """1 or 0, from what pages and people send for a ticked box."""
    if text.lower() in _YES:
        return "1"
    if text.lower() in _NO:
        return "0"
    raise Invalid("flag")


def profile_id(text: str) -> str:
    """The id alone: of `https://www.facebook.com/hall303/` that is hall303, of `@hall303` too."""
    found = _id_in_address(text) if "/" in text else text.removeprefix("@")
    if not re.fullmatch(r"[\w.\-]{1,100}", found):
        raise Invalid("profile_id")
    return found


_PROFILE_FOLDERS = frozenset({"in", "pub", "company", "school", "showcase", "people", "pages", "groups", "pg"})


def _id_in_address(text: str) -> str:
    """`/hall303`, `/in/hall303`, `/people/Bo-Hall/1000303` or `/profile.php?id=1000303`; of other pages nothing."""
    try:
        parts = urlsplit(text if "//" in text else f"//{text}")
    except ValueError:
        return ""
    folders = [each for each in parts.path.split("/") if each]
    if folders == ["profile.php"]:
        return dict(parse_qsl(parts.query)).get("id", "")
    if len(folders) == 1 or (len(folders) in {2, 3} and folders[0] in _PROFILE_FOLDERS):
        return folders[-1]
    return ""


KINDS: Mapping[str, Kind] = {
    "text": Kind(as_typed),
    "textarea": Kind(as_typed, widget="textarea", max_length=10_000),
    "email": Kind(email, input_type="email", inputmode="email", autocomplete="email", max_length=254),
    "phone": Kind(phone, input_type="tel", inputmode="tel", autocomplete="tel", max_length=40),
    "number": Kind(number, inputmode="decimal", max_length=40),
    "range": Kind(range_, max_length=60),
    "date": Kind(iso_date, input_type="date", max_length=40),
    "dob": Kind(dob, input_type="date", autocomplete="bday", max_length=40),
    "ssn": Kind(ssn, inputmode="numeric", autocomplete="off", max_length=20),
    "gender": Kind(gender, autocomplete="sex", max_length=20),
    "state": Kind(state, autocomplete="address-level1", max_length=100),
    "postal_code": Kind(postal_code, autocomplete="postal-code", max_length=20),
    "country": Kind(as_typed, autocomplete="country-name", max_length=100),
    "url": Kind(url, inputmode="url", autocomplete="url", max_length=2048),
    "select": Kind(as_typed, widget="select"),
    "radio": Kind(as_typed, widget="radio"),
    "checkboxes": Kind(as_typed, widget="checkboxes"),
    "checkbox": Kind(flag, widget="checkbox", max_length=10),
    "consent": Kind(flag, widget="checkbox", max_length=10),
    "hidden": Kind(as_typed, widget="hidden"),
    "file": Kind(as_typed, widget="file"),
    # below: not written as `type`, but implied by a reserved or a vendor's name
    "whole": Kind(whole, inputmode="numeric", max_length=20),
    "integer": Kind(integer, inputmode="numeric", max_length=20),
    "flag": Kind(flag, widget="checkbox", max_length=10),
    "phone10": Kind(phone10, input_type="tel", inputmode="tel", autocomplete="tel", max_length=40),
    "state2": Kind(state2, autocomplete="address-level1", max_length=100),
    "zip_us_ca": Kind(zip_us_ca, autocomplete="postal-code", max_length=20),
    "gender_mf": Kind(gender_mf, autocomplete="sex", max_length=20),
    "profile_id": Kind(profile_id, max_length=200),
}

TYPES: tuple[str, ...] = tuple(KINDS)[: tuple(KINDS).index("whole")]
"""What `type:` of a form file may say."""

IN_DIGITS = frozenset("phone phone10 number whole integer range date dob ssn postal_code zip_us_ca".split())
"""Kinds whose answers are written in digits, whichever keyboard they come from."""

CHOICES = frozenset({"select", "radio", "checkboxes"})
TICKS = frozenset({"checkbox", "consent", "flag"})

RESERVED: Mapping[str, str] = {
    # the names of a ClientTether form post, each with its kind
    "name": "text",
    "firstName": "text",
    "lastName": "text",
    "phone": "phone",
    "smsok": "flag",
    "second_phone": "phone",
    "email": "email",
    "address": "text",
    "city": "text",
    "state": "state",
    "zip": "postal_code",
    "compName": "text",
    "tag": "text",
    "job_title": "text",
    "deal_size": "whole",
    "deal_closed": "flag",
    "age": "whole",
    "gender": "gender",
    "facebook": "profile_id",
    "linkedin": "profile_id",
    "client_category": "text",
    "clients_date_last": "date",
    "clients_date_next": "date",
    "new_lead_notification": "text",
    "contact_type": "text",
    "assigned_user_id": "text",
    "notes": "textarea",
    "external_id": "text",
}

AUTOCOMPLETE: Mapping[str, str] = {
    "name": "name", "full_name": "name",
    "firstName": "given-name", "first_name": "given-name",
    "lastName": "family-name", "last_name": "family-name",
    "address": "street-address", "address_1": "address-line1", "address_2": "address-line2",
    "city": "address-level2", "state": "address-level1", "zip": "postal-code", "postal_code": "postal-code",
    "compName": "organization", "company": "organization",
    "job_title": "organization-title", "title": "organization-title",
    "country": "country-name", "second_phone": "off", "cell": "tel", "birth_date": "bday",
}  # fmt: skip
"""HTML autofill tokens by field name, where the kind alone does not say it."""

CONTROL_NAMES = frozenset({"web_key", "OnSuccessURL", "OnErrorURL", "form_submit_redirect"})
OWN_PREFIX = "_lf_"

CAMPAIGN: Mapping[str, int] = {
    # name: the most characters that are kept
    "page_url": 2048,
    "referrer": 2048,
    **dict.fromkeys(
        (
            "gclid", "gbraid", "wbraid", "gclsrc", "dclid", "fbclid", "msclkid", "ttclid", "twclid", "li_fat_id",
            "ScCid",
        ),
        512,
    ),
    **dict.fromkeys(("utm_source", "utm_medium", "utm_campaign", "utm_term", "utm_content", "utm_id"), 255),
}  # fmt: skip

EXPANSION_LIMIT = 100


def is_control(name: str) -> bool:
    return name in CONTROL_NAMES or name.startswith(OWN_PREFIX)


def in_limits(kind: str, text: str, minimum: str | None, maximum: str | None) -> None:
    """Holds a normalised value against `min` and `max`: dates by day, everything else as numbers.

    Raises:
        Invalid: it lies outside.
    """
    dates = kind in {"date", "dob"}
    try:
        value: float | str = text if dates else float(text)
    except ValueError:
        raise Invalid("number") from None
    if isinstance(value, float) and not math.isfinite(value):
        raise Invalid("number")
    low = _limit(minimum, dates)
    high = _limit(maximum, dates)
    if low is not None and value < low:  # type: ignore[operator]  # both are floats or both are ISO dates
        raise Invalid("earliest" if dates else "minimum", limit=minimum or "")
    if high is not None and value > high:  # type: ignore[operator]
        raise Invalid("latest" if dates else "maximum", limit=maximum or "")


def _limit(limit: str | None, dates: bool) -> float | str | None:
    if limit is None:
        return None
    return limit if dates else float(limit)
