"""The pages that show a form."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

from flask import render_template, request
from wtforms import Field as WtField
from wtforms import RadioField, SelectMultipleField

from leadferry.fields import KINDS, Invalid, is_control
from leadferry.form_class import PageForm, draw
from leadferry.forms import Field, Form
from leadferry.messages import code_message
from leadferry.questions import known, may_be_filled
from leadferry.submission import HONEYPOT, FieldError, Pairs, honeypots
from leadferry.text import plain_text
from leadferry.tokens import PageTokens
from leadferry.web.campaign import Campaign, of_visit, posted
from leadferry.web.site import current_site


def form_page(
    form: Form,
    pairs: Pairs = (),
    errors: Sequence[FieldError] = (),
    *,
    visit: Campaign | None = None,
    tokens: PageTokens | None = None,
    action: str | None = None,
) -> str:
    """The form as a page: new, or again with what was typed and what is wrong.

    ``visit`` and ``tokens`` take the place of what the request says of the visit, and of the site's own tokens;
    ``action`` that of the address where leads are taken.
    """
    typed: dict[str, list[str]] = {}
    for name, value in pairs:
        typed.setdefault(name, []).append(value)
    page = draw(form, tokens or current_site().tokens, typed or None, errors)
    campaign = visit or _campaign(form, pairs)
    _fill_hidden(form, page, campaign)
    if not pairs:
        _fill_from_address(form, page)
    sections = _sections(form, page)
    ids = {field.name: _first_input(field) for _, fields in sections for field in fields}
    return render_template(
        "form.html",
        form=form,
        fields=page,
        sections=sections,
        refusal=_refusal(errors),
        errors=_in_page_order(errors, ids),
        campaign=campaign,
        questions=known(form),
        conditions=conditions(form),
        unasked=_unasked(form, pairs, campaign),
        honeypot=form.spam.honeypot or HONEYPOT,
        action=action,
    )


def _sections(form: Form, page: PageForm) -> list[tuple[str, list[WtField]]]:
    """What the page asks, under the titles of its steps; a form without steps is one section without a title."""
    asked = {field.name: field for field in page.answers() if form.by_name[field.name].kind != "hidden"}
    if not form.steps:
        return [("", list(asked.values()))]
    return [(step.title, [asked[name] for name in step.fields if name in asked]) for step in form.steps]


def conditions(form: Form) -> dict[str, list[tuple[Field, tuple[str, ...]]]]:
    """By the field's name: the questions that it depends on, each with the answers, as the page words them."""
    return {
        each.name: [
            (other, tuple(_worded(other, answer) for answer in answers))
            for other, answers in ((form.by_name[name], answers) for name, answers in each.show_if.items())
            if other.kind != "hidden"
        ]
        for each in form.fields
        if each.show_if
    }


def _worded(question: Field, answer: str) -> str:
    return next((option.label for option in question.options if option.value == answer), answer)


def _first_input(field: WtField) -> str:
    """The id that a link to the question leads to: in a group, that of its first answer."""
    return f"{field.id}-0" if isinstance(field, RadioField | SelectMultipleField) else field.id


def _in_page_order(errors: Sequence[FieldError], ids: Mapping[str, str]) -> list[tuple[FieldError, str | None]]:
    """Each error with the id of its question, if the page asks it; what is wrong with the whole comes last."""
    places = {name: place for place, name in enumerate(ids)}
    ordered = sorted(errors, key=lambda each: places.get(each.field or "", len(places)))
    return [(each, ids.get(each.field or "")) for each in ordered]


def _refusal(errors: Sequence[FieldError]) -> str | None:
    """The code of an error that says no more than its code does: the page puts it in words."""
    return next((each.code for each in errors if each.message == code_message(each.code)), None)


def _campaign(form: Form, pairs: Pairs) -> Campaign:
    return posted(form, pairs) if pairs else this_visit(form)


def this_visit(form: Form) -> Campaign:
    """Where the visitor who asks for a new page comes from."""
    query = request.query_string.decode("ascii", "replace")
    return of_visit(form, request, f"{current_site().public_url()}{request.path}{'?' if query else ''}{query}")


def _unasked(form: Form, pairs: Pairs, campaign: Campaign) -> list[tuple[str, str]]:
    """What came along and the page does not ask: answers of a pasted form, and where it sends its visitor then."""
    shown = {*form.by_name, *campaign.names, *honeypots(form)}
    taken = [(name, value) for name, value in pairs if form.expansion == "accept" or form.knows(name)]
    answers = [(name, value) for name, value in taken if name not in shown and not is_control(name)]
    return answers + [(name, value) for name, value in pairs if name == "OnSuccessURL"]


def _fill_hidden(form: Form, page: PageForm, campaign: Campaign) -> None:
    """The form's own hidden fields without a value may be named in the page's address, as campaign names may."""
    for field in page.answers():
        if field.name in campaign.values and form.by_name[field.name].kind == "hidden":
            field.data = campaign.values[field.name]
            if field.name not in campaign.known:
                field.render_kw = {"data-guess": True}


def _fill_from_address(form: Form, page: PageForm) -> None:
    """`?firstName=Jane` answers a question that has no answer yet, where an address may."""
    for field in page.answers():
        spec = form.by_name[field.name]
        texts = [plain_text(text, spec.max_length).text for text in request.args.getlist(field.name)]
        if any(texts) and not spec.value and may_be_filled(form, spec):
            field.data = _as_data(spec, texts)


def _as_data(spec: Field, texts: Sequence[str]) -> str | bool | list[str]:
    """As WTForms keeps an answer of this kind; empty where a page could not show it."""
    if spec.takes_several:
        return list(texts)
    if not spec.is_tick and KINDS[spec.kind].input_type != "date":
        return texts[0]
    try:
        normal = KINDS[spec.kind].normalise(texts[0])
    except Invalid:
        normal = ""
    return normal == "1" if spec.is_tick else normal
