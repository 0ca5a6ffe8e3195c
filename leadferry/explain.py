"""What went wrong, in plain words, and what to do next: one sentence of each for every reason there is."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace

from leadferry.languages import Sentence, plural, sentence
from leadferry.vendors.base import Adapter, Destination, Reason, Secret, Template

WHAT: Mapping[Reason, Sentence] = {
    Reason.DUPLICATE: sentence("{vendor} has this lead already."),
    Reason.NAME_MISSING: sentence("{vendor} wants a name and got none."),
    Reason.INVALID: sentence("{vendor} did not accept a value."),
    Reason.REFUSED: sentence("{vendor} refused the lead."),
    Reason.PARTIAL: sentence("{vendor} took the lead, but did not do all that was to follow."),
    Reason.CREDENTIALS: sentence("{vendor} refused the credentials."),
    Reason.SETTING_MISSING: sentence("A setting of the form is missing."),
    Reason.NOT_FOUND: sentence("{vendor} knows no such address."),
    Reason.DISABLED: sentence("{vendor} has switched this source off."),
    Reason.FORBIDDEN: sentence("{vendor} does not allow this account to send leads."),
    Reason.BLOCKED_ADDRESS: sentence(
        "The vendor's address is this machine or in a private network, which is not allowed."
    ),
    Reason.DNS: sentence("The host name of {vendor} cannot be found."),
    Reason.CONNECT: sentence("{vendor} takes no connection."),
    Reason.TLS: sentence("No secure connection to {vendor} can be made."),
    Reason.BUSY: sentence("{vendor} asks to send more slowly."),
    Reason.DOWN: sentence("{vendor} is down."),
    Reason.TIMEOUT: sentence("{vendor} did not answer in time; it may have the lead or not."),
    Reason.RESET: sentence("The connection to {vendor} broke; it may have the lead or not."),
    Reason.TRUNCATED: sentence("The answer of {vendor} broke off; it may have the lead or not."),
    Reason.TOO_LARGE: sentence("{vendor} answered with far too much; it may have the lead or not."),
    Reason.NONSENSE: sentence("{vendor} answered something that cannot be understood; it may have the lead or not."),
    Reason.ADAPTER: sentence("Leadferry itself failed at this lead."),
    Reason.SEALED: sentence("What is kept sealed in this lead cannot be opened; nothing was sent to {vendor}."),
    Reason.INTERRUPTED: sentence("Leadferry was stopped while sending; {vendor} may have the lead or not."),
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
    """What became of some leads and what to do about it: each a sentence for so many leads (``{count}``), with places
    for ``{vendor}`` and ``{secrets}``. What became of one alone is in ``WHAT``; its form here is for languages that use
    it of 21 leads too.
    """

    happened: Sentence
    todo: Sentence
    button: str


_BY_ITSELF = sentence("Nothing to do: it is tried again by itself.")
_IN_DOUBT = plural(
    "Look in {vendor} for it, and send again only what is not there.",
    "Look in {vendor} for them, and send again only what is not there.",
)

ADVICE: Mapping[Reason, Advice] = {
    Reason.DUPLICATE: Advice(
        plural("{vendor} refused {count} lead as a duplicate.", "{vendor} refused {count} leads as duplicates."),
        sentence("Nothing to do: it has them already."),
        NOTHING,
    ),
    Reason.NAME_MISSING: Advice(
        plural(
            "{vendor} wants a name, and {count} lead came without.",
            "{vendor} wants a name, and {count} leads came without.",
        ),
        sentence("Make the name a required field of the form. Then put the names in, and send again."),
        LOOK,
    ),
    Reason.INVALID: Advice(
        plural("{vendor} did not accept a value of {count} lead.", "{vendor} did not accept a value of {count} leads."),
        sentence("See what it says, mend the value, and send again."),
        LOOK,
    ),
    Reason.REFUSED: Advice(
        plural("{vendor} refused {count} lead.", "{vendor} refused {count} leads."),
        sentence("See what it says, and decide."),
        LOOK,
    ),
    Reason.PARTIAL: Advice(
        plural(
            "{vendor} took {count} lead, but did not do all that was to follow.",
            "{vendor} took {count} leads, but did not do all that was to follow.",
        ),
        sentence("See what it says, and do the rest in {vendor} by hand."),
        LOOK,
    ),
    Reason.CREDENTIALS: Advice(
        plural(
            "{vendor} refused the key, and {count} lead waits.",
            "{vendor} refused the key, and {count} leads wait.",
        ),
        sentence("Put the right one in {secrets}, restart, then send what waits."),
        AGAIN,
    ),
    Reason.SETTING_MISSING: Advice(
        plural(
            "A setting of the form is missing, and {count} lead waits.",
            "A setting of the form is missing, and {count} leads wait.",
        ),
        sentence("Set {secrets}, restart, then send what waits."),
        AGAIN,
    ),
    Reason.NOT_FOUND: Advice(
        plural(
            "{vendor} knows no such address, and {count} lead waits.",
            "{vendor} knows no such address, and {count} leads wait.",
        ),
        sentence("Put the right address or ids in the form, then send what waits."),
        AGAIN,
    ),
    Reason.DISABLED: Advice(
        plural(
            "{vendor} has switched this source off, and {count} lead waits.",
            "{vendor} has switched this source off, and {count} leads wait.",
        ),
        sentence("Switch it on in {vendor}, then send what waits."),
        AGAIN,
    ),
    Reason.FORBIDDEN: Advice(
        plural(
            "{vendor} does not allow this account to send, and {count} lead waits.",
            "{vendor} does not allow this account to send, and {count} leads wait.",
        ),
        sentence("Give the account the permission in {vendor}, then send what waits."),
        AGAIN,
    ),
    Reason.BLOCKED_ADDRESS: Advice(
        plural(
            "The vendor's address is in a private network, and {count} lead waits.",
            "The vendor's address is in a private network, and {count} leads wait.",
        ),
        sentence("Put the vendor's public address in the form, then send what waits."),
        AGAIN,
    ),
    Reason.DNS: Advice(
        plural(
            "The host name of {vendor} cannot be found, for {count} lead.",
            "The host name of {vendor} cannot be found, for {count} leads.",
        ),
        _BY_ITSELF,
        AGAIN,
    ),
    Reason.CONNECT: Advice(
        plural("{vendor} takes no connection, for {count} lead.", "{vendor} takes no connection, for {count} leads."),
        _BY_ITSELF,
        AGAIN,
    ),
    Reason.TLS: Advice(
        plural(
            "No secure connection to {vendor} can be made, for {count} lead.",
            "No secure connection to {vendor} can be made, for {count} leads.",
        ),
        _BY_ITSELF,
        AGAIN,
    ),
    Reason.BUSY: Advice(
        plural(
            "{vendor} asks to send more slowly, for {count} lead.",
            "{vendor} asks to send more slowly, for {count} leads.",
        ),
        _BY_ITSELF,
        NOTHING,
    ),
    Reason.DOWN: Advice(
        plural("{vendor} is down, for {count} lead.", "{vendor} is down, for {count} leads."), _BY_ITSELF, AGAIN
    ),
    Reason.TIMEOUT: Advice(
        plural(
            "{vendor} did not answer in time; it may have {count} lead or not.",
            "{vendor} did not answer in time; it may have {count} leads or not.",
        ),
        _IN_DOUBT,
        LOOK,
    ),
    Reason.RESET: Advice(
        plural(
            "The connection to {vendor} broke; it may have {count} lead or not.",
            "The connection to {vendor} broke; it may have {count} leads or not.",
        ),
        _IN_DOUBT,
        LOOK,
    ),
    Reason.TRUNCATED: Advice(
        plural(
            "The answer of {vendor} broke off; it may have {count} lead or not.",
            "The answer of {vendor} broke off; it may have {count} leads or not.",
        ),
        _IN_DOUBT,
        LOOK,
    ),
    Reason.TOO_LARGE: Advice(
        plural(
            "{vendor} answered far too much; it may have {count} lead or not.",
            "{vendor} answered far too much; it may have {count} leads or not.",
        ),
        _IN_DOUBT,
        LOOK,
    ),
    Reason.NONSENSE: Advice(
        plural(
            "{vendor} answered something that cannot be understood; it may have {count} lead or not.",
            "{vendor} answered something that cannot be understood; it may have {count} leads or not.",
        ),
        _IN_DOUBT,
        LOOK,
    ),
    Reason.SEALED: Advice(
        plural(
            "The sealed answers of {count} lead cannot be opened.",
            "The sealed answers of {count} leads cannot be opened.",
        ),
        sentence("Set SENSITIVE_KEY to the key that they were sealed with, restart, then send them."),
        AGAIN,
    ),
    Reason.ADAPTER: Advice(
        plural("Leadferry itself failed at {count} lead.", "Leadferry itself failed at {count} leads."),
        sentence("See the log, and report it. They are kept; send them again then."),
        AGAIN,
    ),
    Reason.INTERRUPTED: Advice(
        plural(
            "Leadferry was stopped while sending; {vendor} may have {count} lead or not.",
            "Leadferry was stopped while sending; {vendor} may have {count} leads or not.",
        ),
        _IN_DOUBT,
        LOOK,
    ),
}

GIVEN_UP = plural(
    "It was tried for a day. Once {vendor} works again, send it.",
    "It was tried for a day. Once {vendor} works again, send them.",
)
UNHEARD_OF = Advice(
    plural("{vendor} did not take {count} lead.", "{vendor} did not take {count} leads."),
    sentence("See what it says."),
    LOOK,
)


def advice(reason: str | None, state: str) -> Advice:
    """What to say of leads that stand so for this reason: a vendor that was down all day is another matter."""
    found = _reason(reason)
    said = ADVICE[found] if found else UNHEARD_OF
    if state == "dead":
        return replace(said, todo=GIVEN_UP, button=AGAIN)
    in_doubt = state == "held" and found is not Reason.SEALED
    return replace(said, todo=_IN_DOUBT, button=LOOK) if in_doubt else said


def what_happened(reason: str | None, vendor: str) -> str:
    """One sentence, which can be told in other languages; an unknown reason is said as it is."""
    found = _reason(reason)
    return WHAT[found].of(vendor=vendor) if found else (reason or "")


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
