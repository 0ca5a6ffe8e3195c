"""A form as a WTForms class: what a page draws, and what Flask-WTF signs."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import replace
from functools import lru_cache
from typing import Any

from flask_wtf import FlaskForm
from flask_wtf.file import FileField
from markupsafe import Markup
from werkzeug.datastructures import MultiDict
from wtforms import (
    BooleanField,
    HiddenField,
    RadioField,
    SelectField,
    SelectMultipleField,
    StringField,
    TextAreaField,
)
from wtforms import Field as WtField
from wtforms.csrf.core import CSRF
from wtforms.fields.choices import SelectChoice  # type: ignore[attr-defined]  # newer than its stubs
from wtforms.widgets import CheckboxInput, ListWidget, TextInput

from leadferry.fields import KINDS
from leadferry.forms import Field, Form
from leadferry.messages import say
from leadferry.questions import portable
from leadferry.submission import FieldError
from leadferry.tokens import PageTokens

TOKEN_NAME = "_lf_token"  # noqa: S105  # a name, not a secret


class SignedToken(CSRF):
    """WTForms' token without a session: signed, bound to the form and to the time it was made.

    Nothing is refused for its sake. A post carries no authority that a forged one could borrow, and a missing or old
    token must not cost a lead; how old it is says something about whether a person sent it.
    """

    def setup_form(self, form: Any) -> Any:
        self.tokens: PageTokens = form.meta.tokens
        self.form_name: str = form.meta.form_name
        return super().setup_form(form)

    def generate_csrf_token(self, field: Any) -> str:
        """A page that is shown again keeps its first token: who mends one answer is not too fast for a person."""
        posted = field.data or ""
        return posted if self.tokens.age(posted, self.form_name) is not None else self.tokens.make(self.form_name)

    def validate_csrf_token(self, _form: Any, _field: Any) -> None:
        return None


class PageForm(FlaskForm):  # type: ignore[misc]  # Flask-WTF ships no types
    """The page's form; ``answers()`` are its fields in the order of the form file."""

    class Meta(FlaskForm.Meta):  # type: ignore[misc]
        """Flask-WTF's own, but for the token."""

        csrf = True
        csrf_class = SignedToken
        csrf_field_name = TOKEN_NAME

    def answers(self) -> list[WtField]:
        return [each for each in self if each.name != TOKEN_NAME]


def draw(
    form: Form,
    tokens: PageTokens,
    typed: Mapping[str, Sequence[str]] | None = None,
    errors: Sequence[FieldError] = (),
) -> PageForm:
    """A form ready for its template: filled with what was typed, or with the form's own values; errors in place."""
    given = MultiDict([(name, text) for name, texts in (typed or {}).items() for text in texts]) if typed else None
    page = _page_class(form)(formdata=given, meta={"tokens": tokens, "form_name": form.name})
    for field in page.answers():
        found = tuple(error.message for error in errors if error.field == field.name)
        if found:
            field.errors = found
        if found and not isinstance(field, RadioField):  # a radio button cannot be invalid by itself, its group can
            field.render_kw = {**(field.render_kw or {}), "aria-invalid": "true"}
        notes = {
            "error": found,
            "if": [name for name in form.by_name[field.name].show_if if form.by_name[name].kind != "hidden"],
            "help": field.description,
        }
        described = " ".join(f"{field.id}-{note}" for note, content in notes.items() if content)
        if described:
            field.render_kw = {**(field.render_kw or {}), "aria-describedby": described}
        _keep_typed_date(field)
    return page


def _keep_typed_date(field: WtField) -> None:
    """A date picker shows nothing but ISO dates: what was typed otherwise stays in sight as text."""
    if getattr(field.widget, "input_type", "") == "date" and not re.fullmatch(r"(\d{4}-\d\d-\d\d)?", field.data or ""):
        field.widget = TextInput()


@lru_cache(maxsize=512)
def _page_class(form: Form) -> type[PageForm]:
    """Built once for each version. Attributes are numbered: a field may be called `data` or `Favorite Chocolate`."""
    attributes = {f"field_{i:03}": _unbound(form, each, i) for i, each in enumerate(form.fields)}
    return type("PageForm", (PageForm,), attributes)


def _unbound(form: Form, spec: Field, index: int) -> Any:
    if KINDS[spec.kind].widget == "select" and not spec.placeholder:
        spec = replace(spec, placeholder=say("choose", form.language))
    options: dict[str, Any] = {
        "name": spec.name,
        "id": f"{form.name}-{index + 1}",
        "description": Markup(spec.help),  # noqa: S704  # reduced to a safe subset when the form was read
        "render_kw": _attributes(spec),
    }
    return _WIDGETS[KINDS[spec.kind].widget](spec, options)


def _attributes(spec: Field) -> dict[str, Any]:
    kind = KINDS[spec.kind]
    found: dict[str, Any] = {}
    if spec.required and not spec.show_if and kind.widget not in {"hidden", "checkboxes"}:
        found["required"] = True  # on a box of a group it would ask for that very box
    if kind.widget in {"input", "textarea"}:
        found |= {
            "maxlength": spec.max_length if kind.input_type != "date" else None,
            "placeholder": spec.placeholder or None,
            "inputmode": kind.inputmode,
            "pattern": portable(spec) if kind.widget == "input" else None,
            "min": spec.minimum if kind.input_type == "date" else None,
            "max": spec.maximum if kind.input_type == "date" else None,
        }
    if kind.widget not in {"hidden", "file", "radio", "checkboxes", "checkbox"}:
        found["autocomplete"] = spec.autocomplete
    if kind.widget == "textarea":
        found["rows"] = 4
    return {name: value for name, value in found.items() if value is not None}


def _input(spec: Field, options: dict[str, Any]) -> Any:
    widget = TextInput(KINDS[spec.kind].input_type)
    return StringField(spec.label, widget=widget, default=spec.value, **options)


def _textarea(spec: Field, options: dict[str, Any]) -> Any:
    return TextAreaField(spec.label, default=spec.value, **options)


def _select(spec: Field, options: dict[str, Any]) -> Any:
    choices = [SelectChoice("", spec.placeholder), *_choices(spec)]
    return SelectField(spec.label, choices=choices, default=spec.value or "", validate_choice=False, **options)


def _radio(spec: Field, options: dict[str, Any]) -> Any:
    return RadioField(spec.label, choices=_choices(spec), default=spec.value, validate_choice=False, **options)


def _checkboxes(spec: Field, options: dict[str, Any]) -> Any:
    return SelectMultipleField(
        spec.label,
        choices=_choices(spec),
        default=[spec.value] if spec.value else [],
        validate_choice=False,
        widget=ListWidget(prefix_label=False),
        option_widget=CheckboxInput(),
        **options,
    )


def _choices(spec: Field) -> list[SelectChoice]:
    return [SelectChoice(option.value, option.label) for option in spec.options]


def _checkbox(spec: Field, options: dict[str, Any]) -> Any:
    return BooleanField(spec.label, default=spec.value == "1", false_values=("", "0", "no", "off", "false"), **options)


def _hidden(spec: Field, options: dict[str, Any]) -> Any:
    return HiddenField(spec.label, default=spec.value or "", **options)


def _file(spec: Field, options: dict[str, Any]) -> Any:
    return FileField(spec.label, **options)


_WIDGETS = {
    "input": _input,
    "textarea": _textarea,
    "select": _select,
    "radio": _radio,
    "checkboxes": _checkboxes,
    "checkbox": _checkbox,
    "hidden": _hidden,
    "file": _file,
}
