"""What went wrong, in plain words, and what to do next: one sentence of each for every reason there is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from leadferry.vendors.base import Adapter, Destination, Reason, Secret, Template

WHAT: Mapping[Reason, str] = {
    Reason.DUPLICATE: "{vendor} has this lead already.",
    Reason.NAME_MISSING: "{vendor} wants a name and got none.",
    Reason.INVALID: "{vendor} did not accept a value.",
    Reason.REFUSED: "{vendor} refused the lead.",
    Reason.PARTIAL: "{vendor} took the lead, but did not do all that was to follow.",
    Reason.CREDENTIALS: "{vendor} refused the credentials.",
    Reason.SETTING_MISSING: "A setting of the form is missing.",
    Reason.NOT_FOUND: "{vendor} knows no such address.",
    Reason.DISABLED: "{vendor} has switched this source off.",
    Reason.FORBIDDEN: "{vendor} does not allow this account to send leads.",
    Reason.BLOCKED_ADDRESS: "The vendor's address is this machine or in a private network, which is not allowed.",
    Reason.DNS: "The host name of {vendor} cannot be found.",
    Reason.CONNECT: "{vendor} takes no connection.",
    Reason.TLS: "No secure connection to {vendor} can be made.",
    Reason.BUSY: "{vendor} asks to send more slowly.",
    Reason.DOWN: "{vendor} is down.",
    Reason.TIMEOUT: "{vendor} did not answer in time; it may have the lead or not.",
    Reason.RESET: "The connection to {vendor} broke; it may have the lead or not.",
    Reason.TRUNCATED: "The answer of {vendor} broke off; it may have the lead or not.",
    Reason.TOO_LARGE: "{vendor} answered with far too much; it may have the lead or not.",
    Reason.NONSENSE: "{vendor} answered something that cannot be understood; it may have the lead or not.",
    Reason.ADAPTER: "Leadferry itself failed at this lead.",
    Reason.SEALED: "What is kept sealed in this lead cannot be opened; nothing was sent to {vendor}.",
    Reason.INTERRUPTED: "Leadferry was stopped while sending; {vendor} may have the lead or not.",
}

_SEND_AGAIN = "then: flask leads resend --form {form}"
_WAIT = "Nothing to do: it is tried again by itself."
_LOOK = "Look in {vendor} for the lead; if it is not there: flask leads resend LEAD"

TODO: Mapping[Reason, str] = {
    Reason.DUPLICATE: "Nothing to do.",
    Reason.NAME_MISSING: "Make the name a required field of the form, " + _SEND_AGAIN,
    Reason.INVALID: "See what it says, mend the value or the form, " + _SEND_AGAIN,
    Reason.REFUSED: "See what it says; the lead stays in the list.",
    Reason.PARTIAL: "See what it says, and do the rest in {vendor} by hand.",
    Reason.CREDENTIALS: "Put the right ones in {secrets}, restart, " + _SEND_AGAIN,
    Reason.SETTING_MISSING: "Run: flask forms check; mend what it names, " + _SEND_AGAIN,
    Reason.NOT_FOUND: "Put the right address or ids in the form file, " + _SEND_AGAIN,
    Reason.DISABLED: "Switch it on in {vendor}, " + _SEND_AGAIN,
    Reason.FORBIDDEN: "Give the account the permission in {vendor}, " + _SEND_AGAIN,
    Reason.BLOCKED_ADDRESS: "Put the vendor's public address in the form file, " + _SEND_AGAIN,
    Reason.TIMEOUT: _LOOK,
    Reason.RESET: _LOOK,
    Reason.TRUNCATED: _LOOK,
    Reason.TOO_LARGE: _LOOK,
    Reason.NONSENSE: _LOOK,
    Reason.INTERRUPTED: _LOOK,
    Reason.SEALED: "Bring back the SENSITIVE_KEY that it was stored under, then: flask leads resend --state held",
    Reason.ADAPTER: "See the log, and report it; the lead is kept.",
}


# --- for many leads at once, where there are buttons ---

AGAIN, LOOK, NOTHING, FORM = "again", "look", "nothing", "form"
"""What there is to press: send them again, look at each, nothing, or open the form."""


@dataclass(frozen=True)
class Advice:
    """What became of some leads and what to do about it: each a sentence with places for ``{vendor}``, ``{leads}``
    (such as `12 leads`), ``{them}`` and ``{secrets}``.
    """

    happened: str
    todo: str
    button: str


_BY_ITSELF = "Nothing to do: it is tried again by itself."
_IN_DOUBT = "Look in {vendor} for {them}, and send again only what is not there."

ADVICE: Mapping[Reason, Advice] = {
    Reason.DUPLICATE: Advice("{vendor} refused {leads} as duplicates.", "Nothing to do: it has them already.", NOTHING),
    Reason.NAME_MISSING: Advice(
        "{vendor} wants a name, and {leads} came without.",
        "Make the name a required field of the form. Then put the names in, and send again.",
        LOOK,
    ),
    Reason.INVALID: Advice(
        "{vendor} did not accept a value of {leads}.", "See what it says, mend the value, and send again.", LOOK
    ),
    Reason.REFUSED: Advice("{vendor} refused {leads}.", "See what it says, and decide.", LOOK),
    Reason.PARTIAL: Advice(
        "{vendor} took {leads}, but did not do all that was to follow.",
        "See what it says, and do the rest in {vendor} by hand.",
        LOOK,
    ),
    Reason.CREDENTIALS: Advice(
        "{vendor} refused the key, and {leads} wait.",
        "Put the right one in {secrets}, restart, then send what waits.",
        AGAIN,
    ),
    Reason.SETTING_MISSING: Advice(
        "A setting of the form is missing, and {leads} wait.", "Set {secrets}, restart, then send what waits.", AGAIN
    ),
    Reason.NOT_FOUND: Advice(
        "{vendor} knows no such address, and {leads} wait.",
        "Put the right address or ids in the form, then send what waits.",
        AGAIN,
    ),
    Reason.DISABLED: Advice(
        "{vendor} has switched this source off, and {leads} wait.",
        "Switch it on in {vendor}, then send what waits.",
        AGAIN,
    ),
    Reason.FORBIDDEN: Advice(
        "{vendor} does not allow this account to send, and {leads} wait.",
        "Give the account the permission in {vendor}, then send what waits.",
        AGAIN,
    ),
    Reason.BLOCKED_ADDRESS: Advice(
        "The vendor's address is in a private network, and {leads} wait.",
        "Put the vendor's public address in the form, then send what waits.",
        AGAIN,
    ),
    Reason.DNS: Advice("The host name of {vendor} cannot be found, for {leads}.", _BY_ITSELF, AGAIN),
    Reason.CONNECT: Advice("{vendor} takes no connection, for {leads}.", _BY_ITSELF, AGAIN),
    Reason.TLS: Advice("No secure connection to {vendor} can be made, for {leads}.", _BY_ITSELF, AGAIN),
    Reason.BUSY: Advice("{vendor} asks to send more slowly, for {leads}.", _BY_ITSELF, NOTHING),
    Reason.DOWN: Advice("{vendor} is down, for {leads}.", _BY_ITSELF, AGAIN),
    Reason.TIMEOUT: Advice("{vendor} did not answer in time; it may have {leads} or not.", _IN_DOUBT, LOOK),
    Reason.RESET: Advice("The connection to {vendor} broke; it may have {leads} or not.", _IN_DOUBT, LOOK),
    Reason.TRUNCATED: Advice("The answer of {vendor} broke off; it may have {leads} or not.", _IN_DOUBT, LOOK),
    Reason.TOO_LARGE: Advice("{vendor} answered far too much; it may have {leads} or not.", _IN_DOUBT, LOOK),
    Reason.NONSENSE: Advice(
        "{vendor} answered something that cannot be understood; it may have {leads} or not.", _IN_DOUBT, LOOK
    ),
    Reason.SEALED: Advice(
        "The sealed answers of {leads} cannot be opened.",
        "Set SENSITIVE_KEY to the key that they were sealed with, restart, then send them.",
        AGAIN,
    ),
    Reason.ADAPTER: Advice(
        "Leadferry itself failed at {leads}.", "See the log, and report it. They are kept; send them again then.", AGAIN
    ),
    Reason.INTERRUPTED: Advice(
        "Leadferry was stopped while sending; {vendor} may have {leads} or not.", _IN_DOUBT, LOOK
    ),
}

GIVEN_UP = "It was tried for a day. Once {vendor} works again, send {them}."
HELD = "Look in {vendor} for {them}, and send again only what is not there."
UNHEARD_OF = Advice("{vendor} did not take {leads}.", "See what it says.", LOOK)


def advice(reason: str | None, state: str) -> Advice:
    """What to say of leads that stand so for this reason: a vendor that was down all day is another matter."""
    found = _reason(reason)
    said = ADVICE[found] if found else UNHEARD_OF
    if state == "dead":
        return replace(said, todo=GIVEN_UP, button=AGAIN)
    in_doubt = state == "held" and found is not Reason.SEALED
    return replace(said, todo=HELD, button=LOOK) if in_doubt else said


def count_of_leads(count: int) -> str:
    return "1 lead" if count == 1 else f"{count:,} leads"


def what_happened(reason: str | None, vendor: str) -> str:
    """One sentence; an unknown reason is said as it is."""
    found = _reason(reason)
    return WHAT[found].format(vendor=vendor) if found else (reason or "")


def what_to_do(reason: str | None, vendor: str, form: str, destination: Destination | None = None) -> str:
    found = _reason(reason)
    names = ", ".join(secret_names(destination)) if destination else ""
    template = TODO.get(found, _WAIT) if found else _WAIT
    return template.format(vendor=vendor, form=form, secrets=names or "the environment")


def _reason(text: str | None) -> Reason | None:
    try:
        return Reason(text) if text else None
    except ValueError:
        return None


def secret_names(destination: Destination) -> list[str]:
    """The environment names of a destination's credentials, in the order of its block."""
    return list(dict.fromkeys(_names(destination)))


def key_names(destination: Destination, adapter: Adapter) -> list[str]:
    """Those of its credentials' names that are secrets: what to look at first where a vendor refuses them."""
    secret = {setting.name for setting in adapter.settings if setting.secret}
    keys = replace(destination, url=None, settings={k: v for k, v in destination.settings.items() if k in secret})
    return secret_names(keys) or secret_names(destination)


def _names(destination: Destination) -> Iterator[str]:
    for value in (*destination.settings.values(), destination.url):
        if isinstance(value, Template):
            yield from (part.name for part in value.parts if isinstance(part, Secret))
