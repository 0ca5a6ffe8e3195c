"""Says what is left out: forms that collect no lead, and inputs that are not meant for people or not for a CRM."""

from __future__ import annotations

import re
from collections.abc import Collection

from leadferry.fields import CAMPAIGN
from leadferry.html_import.labels import Labels
from leadferry.html_import.page import TICKS, Control, Form, attribute
from leadferry.submission import HONEYPOT

_CAPTCHA_NAME = re.compile(r"captcha|^cf-turnstile-response$", re.IGNORECASE)
_TRAP_NAME = re.compile(
    r"honey[-_]?pot|^_?(gotcha|honey|hp)$|^bot[-_]?(field|check)$|^wpforms\[hp\]$|^ak_hp_|^b_[0-9a-f]{10,}_[0-9a-f]+$",
    re.IGNORECASE,
)
_TRAP_TEXT = re.compile(
    r"leave (this|it|the)\b.{0,20}\b(empty|blank|unchanged|alone)|be left (unchanged|blank|empty)"
    r"|(do not|don['’]t) fill|if you(['’]re| are) (a )?human",
    re.IGNORECASE,
)
_DECOYS = frozenset(
    "website web url homepage fax nickname company_url email2 email_confirm confirm_email address2 phone2".split()
)
# Hidden inputs that site builders and web frameworks add for themselves. They mean nothing to a CRM.
_MACHINERY = re.compile(
    r"^(_wpcf7|_wpnonce|_wp_|gform_|is_submit_|state_\d+$|wpforms\[|__(viewstate|event|requestverification)"
    r"|csrf|authenticity_token$|utf8$|_token$|_method$|form[-_](build_id|token|id|name)$|(post|queried)_id$"
    r"|referer_title$|_(next|subject|captcha|template|replyto)$)",
    re.IGNORECASE,
)


def why_skipped(form: Form) -> str:
    shown = [control for control in form.controls if control.visible and control.kind not in TICKS]
    names = {control.name for control in shown}
    passwords = [control for control in shown if control.kind == "password"]
    if passwords and len(shown) - len(passwords) <= 2:
        return "it is a login"
    parent = form.tag.parent
    roles = {attribute(tag, "role").lower() for tag in (form.tag, parent) if tag is not None}
    by_get = attribute(form.tag, "method").lower() in {"", "get"}
    if "search" in roles or (by_get and len(shown) == 1 and names <= {"q", "s", "search", "query", "keywords"}):
        return "it is a search box"
    return ""


def why_left_out(control: Control, labels: Labels, *, known: Collection[str], takes_files: bool) -> str:
    """The reason as the notes name it, or an empty text for a control that becomes a field."""
    name, hidden = control.name, not control.visible
    if name == HONEYPOT:
        return "own trap"
    if control.kind == "password":
        return "password"
    if hidden and name in CAMPAIGN:
        return "campaign"
    if _CAPTCHA_NAME.search(name):
        return "captcha"
    if _is_trap(control, labels, known):
        return "trap"
    if hidden and _MACHINERY.search(name):
        return "machinery"
    if control.kind == "file" and not takes_files:
        return "file"
    return ""


def _is_trap(control: Control, labels: Labels, known: Collection[str]) -> bool:
    if _TRAP_NAME.search(control.name) or control.trap or _TRAP_TEXT.search(labels.said(control)):
        return True
    if not control.concealed or control.name in known:
        return False
    return control.name.lower() in _DECOYS or attribute(control.tag, "tabindex") == "-1"
