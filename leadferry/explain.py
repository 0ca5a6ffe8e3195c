"""What went wrong, in plain words, and what to do next: one sentence of each for every reason there is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

from leadferry.vendors.base import Destination, Reason, Secret, Template

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
    Reason.ADAPTER: "See the log, and report it; the lead is kept.",
}


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


def _names(destination: Destination) -> Iterator[str]:
    for value in (*destination.settings.values(), destination.url):
        if isinstance(value, Template):
            yield from (part.name for part in value.parts if isinstance(part, Secret))
