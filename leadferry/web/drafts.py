"""What a visitor typed, on its way from an error page back into the form: held by their own page and by nobody else.

The error page of a form that is pasted elsewhere cannot show that form again. It holds what was typed as a draft, in a
hidden field, and a button that posts it to the form's own page, which shows it with all that is wrong. So nothing is
stored here, nothing personal stands in an address, and it works without a script and without a database.
"""

from __future__ import annotations

import time
from dataclasses import dataclass

from itsdangerous import BadData, URLSafeSerializer

from leadferry.fields import is_control
from leadferry.forms import Form
from leadferry.questions import NEVER_KEPT
from leadferry.submission import FieldError, Pairs, honeypots, read
from leadferry.text import plain_lines
from leadferry.web.body import MAX_VALUE

DRAFT_NAME = "_lf_draft"
SALT = "leadferry-draft"
SECONDS = 1800
"""How long after the post it may be brought back: a page that is left open must not give answers away for ever."""

_KEPT_CONTROLS = frozenset({"OnSuccessURL"})


@dataclass(frozen=True)
class Drafts:
    """Signs drafts and reads them: each for one form, and for half an hour."""

    secret_key: str

    def make(self, form: Form, pairs: Pairs, now: float | None = None) -> str | None:
        """None where there is nothing to keep, or more than a post may carry in one value."""
        kept = [(name, plain_lines(value).text) for name, value in pairs if value and _may_be_kept(form, name)]
        draft = str(self._serializer().dumps([form.name, time.time() if now is None else now, kept]))
        return draft if kept and len(draft) <= MAX_VALUE else None

    def read(self, form: Form, draft: str, now: float | None = None) -> list[tuple[str, str]]:
        """What was typed; nothing where the draft is too old, another form's, or not ours."""
        try:
            content = self._serializer().loads(draft)
        except (BadData, UnicodeError):
            return []
        match content:
            case [form.name, float(made), list(kept)] if (time.time() if now is None else now) - made < SECONDS:
                return [(str(name), str(value)) for name, value in kept]
        return []

    def _serializer(self) -> URLSafeSerializer:
        return URLSafeSerializer(self.secret_key, salt=SALT)


def _may_be_kept(form: Form, name: str) -> bool:
    """Not a promise, which is to be given anew, nor a secret, a file, or what steers the post."""
    if name in _KEPT_CONTROLS:
        return True
    spec = form.by_name.get(name)
    kind = spec.kind if spec else form.formats.get(name)
    is_answer = not is_control(name) and name not in honeypots(form)
    return is_answer and kind not in NEVER_KEPT and spec not in form.consent_fields


def errors_of(form: Form, pairs: Pairs) -> list[FieldError]:
    """What is wrong with a draft, but for what it could not keep."""
    unkept = {each.name for each in form.fields if not _may_be_kept(form, each.name)}
    return [error for error in read(form, pairs).errors if error.field not in unkept] if pairs else []
