"""Forms of existing pages become form files that say what the page says."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from ruamel.yaml import YAML

from leadferry.fields import RESERVED
from leadferry.form_file import Surroundings, load
from leadferry.html_import import MAX_PAGE, ImportedForm, VendorHint, import_forms
from leadferry.submission import read
from leadferry.vendors import ADAPTERS

PAGES = Path(__file__).parent / "pages"

WEBHOOK = VendorHint("webhook", (), (), {"url": "${WEBHOOK_URL}"})
CLIENTTETHER = VendorHint(
    "clienttether",
    ("clienttether.com",),
    ("web_key", "firstName", "lastName"),
    {"web_key": "${CLIENTTETHER_WEB_KEY}"},
)
KARTRA = VendorHint(
    "kartra",
    ("app.kartra.com",),
    (),
    {"app_id": "${KARTRA_APP_ID}", "api_key": "${KARTRA_API_KEY}", "api_password": "${KARTRA_API_PASSWORD}"},
)
AICORE = VendorHint("aicore", ("apogeehost.com",), (), {"url": "${AICORE_URL}"}, takes_files=True)
HINTS = (WEBHOOK, CLIENTTETHER, KARTRA, AICORE)


def imported(html: str, source: str = "") -> list[ImportedForm]:
    return import_forms(html, source, vendors=HINTS, known=tuple(RESERVED))


def page(name: str) -> list[ImportedForm]:
    return imported((PAGES / f"{name}.html").read_text("utf-8"), f"{name}.html")


def parsed(form: ImportedForm) -> Any:
    return YAML(typ="safe").load(form.yaml)


def fields(form: ImportedForm) -> dict[str, dict[str, Any]]:
    found = {field["name"]: field for field in parsed(form)["fields"]}
    assert len(found) == len(parsed(form)["fields"])
    return found


def labels(form: ImportedForm) -> dict[str, str]:
    return {name: field.get("label", "") for name, field in fields(form).items()}


def only(inputs: str, form: str = '<form method="post">') -> ImportedForm:
    """The import of one form with these inputs."""
    (found,) = imported(f"{form}{inputs}</form>")
    return found


def field(inputs: str) -> dict[str, Any]:
    (found,) = fields(only(inputs)).values()
    return found


def note(form: ImportedForm, words: str) -> str:
    """The one note with these words."""
    (found,) = [sentence for sentence in form.notes if words in sentence]
    return found


# --- the file as a whole ---


def test_a_form_file_has_a_field_a_line() -> None:
    form = only(
        '<h2>Get a quote</h2> First name:<br><input name="firstName" required><br>'
        '<select name="service"><option value="">Please choose</option><option>Windows</option>'
        '<option value="both">Both: all</option></select>'
        '<label><input type="checkbox" name="smsok" value="1"> You may text me</label>'
        '<input type="hidden" name="tag" value="web,quote"><button>Get my quote</button>',
        '<form id="quote" method="post" action="https://api.clienttether.com/v1/lead">',
    )
    assert form.name == "quote"
    assert form.yaml == (
        "# Imported from the form “quote”. It posted to api.clienttether.com.\n"
        "# Labels, title and types were read off the page; what was guessed says so beside it.\n"
        "title: Get a quote\n"
        "submit: Get my quote\n"
        "fields:\n"
        "  - {name: firstName, label: First name, required: true}\n"
        "  - {name: service, label: Service, type: select, options: [Windows, {value: both, label: "
        '"Both: all"}], placeholder: Please choose} # label guessed from the name\n'
        "  - {name: smsok, label: You may text me, type: consent, required: false} # its label reads like consent\n"
        '  - {name: tag, type: hidden, value: "web,quote"}\n'
        "vendor:\n"
        "  name: clienttether\n"
        "  web_key: ${CLIENTTETHER_WEB_KEY}\n"
    )


@pytest.mark.parametrize("path", sorted(PAGES.glob("*.html")), ids=lambda path: path.stem)
def test_what_is_imported_passes_the_check_of_form_files(path: Path) -> None:
    around = Surroundings(ADAPTERS, lambda name: f"https://vendor.example/{name}")
    for form in imported(path.read_text("utf-8"), path.name):
        found, _ = load(form.name, form.yaml, form.name, around)
        assert {each.name for each in found.fields} == set(fields(form))


def test_the_example_of_the_vendor_survives_its_scraping() -> None:
    (form,) = page("vendor_example")
    assert labels(form) == {
        "firstName": "First name",
        "lastName": "Last name",
        "phone": "Phone",
        "email": "Email",
        "Favorite Chocolate": "Favorite Chocolate",
        "notes": "Notes",
    }
    assert all(set(each) == {"name", "label"} for each in fields(form).values())
    file = parsed(form)
    assert file["vendor"] == {"name": "clienttether", "web_key": "${CLIENTTETHER_WEB_KEY}"}
    assert file["web_key"] == "CT_0123456789abcdef"
    assert file["on_success_url"] == "https://www.example.com/thanks?from=web#top"
    assert file["on_error_url"] == "https://Forms.Example.com:8443/oops"
    assert file["origins"] == ["https://www.example.com", "https://forms.example.com:8443"]
    assert "phone, email, notes" in note(form, "guesses")
    assert "form_submit_redirect" in note(form, "steer the post")
    assert note(form, "Typographic quotes")


def test_the_web_key_is_shown_by_its_end_only() -> None:
    (form,) = page("vendor_example")
    assert "CT_0123456789abcdef" not in " ".join(form.notes)
    assert "which ends in cdef" in note(form, "CLIENTTETHER_WEB_KEY")
    short = only('<input name="a"><input type="hidden" name="web_key" value="CT_K1">')
    assert "CT_K1" not in note(short, "CLIENTTETHER_WEB_KEY")
    assert "_K1" not in note(short, "CLIENTTETHER_WEB_KEY")


def test_the_web_key_of_an_example_is_called_a_placeholder() -> None:
    assert note(only('<input name="a"><input type="hidden" name="web_key" value="CT_XXXXXX">'), "placeholder")


def test_credentials_in_the_page_stay_out_of_the_file() -> None:
    (newsletter, *_) = page("several_forms")
    assert "kk_1234567890wxyz" not in newsletter.yaml + " ".join(newsletter.notes)
    assert "which ends in wxyz" in note(newsletter, "KARTRA_API_KEY")
    assert note(newsletter, "Take api_key out of the page's form")


# --- where labels stand ---


def test_labels_may_follow_their_inputs() -> None:
    (form,) = page("label_after")
    assert labels(form) == {
        "email": "E-mail",
        "phone": "Mobile",
        "company": "Company",
        "nickname": "What may we call you?",
        "besttime": "Best time",
        "newsletter": "Send me the newsletter",
        "smsok": "You may text me about my request",
        "owner": "Own your home?",
    }
    assert fields(form)["phone"]["required"] is True
    assert fields(form)["besttime"]["options"] == [
        {"value": "am", "label": "Morning"},
        {"value": "pm", "label": "Afternoon"},
    ]
    assert fields(form)["owner"]["options"] == ["yes", "no"]


@pytest.mark.parametrize("last", ["", '<input type="file" name="doc">', '<input name="more">'])
def test_what_is_said_behind_boxes_is_theirs_whatever_ends_the_line(last: str) -> None:
    """Or a promise would stand beside the wrong words."""
    boxes = (
        '<input type="radio" name="own" value="Own"> Own <input type="radio" name="own" value="Rent"> Rent '
        '<input type="checkbox" name="smsok" value="1"> Text me '
    )
    found = fields(only(boxes + last))
    assert found["own"]["options"] == ["Own", "Rent"]
    assert found["smsok"] | {"help": ""} == {
        "name": "smsok",
        "label": "Text me",
        "type": "consent",
        "required": False,
        "help": "",
    }
    assert all(each["label"] != "Text me" for name, each in found.items() if name != "smsok")


def test_labels_may_stand_in_cells_of_a_table() -> None:
    (form,) = page("table_layout")
    assert labels(form) == {
        "name": "Your name",
        "city": "City",
        "state": "State",
        "house": "Kind of house",
        "callback": "Call me back",
        "notes": "What should we know?",
        "width1": "Width",
        "height1": "Height",
        "width2": "Width",
        "height2": "Height",
    }
    assert fields(form)["name"]["required"] is True
    assert parsed(form)["title"] == "Free estimate"
    assert parsed(form)["submit"] == "Send it"


@pytest.mark.parametrize(
    "inputs",
    [
        '<label for="a">Your job:</label> <p><input id="a" name="job"></p>',
        '<label>Your job: <input name="job"></label>',
        '<label for="job">Your job:</label><div>other</div><input name="job">',
        '<span id="l">Your job</span>, please<div><input name="job" aria-labelledby="l"></div>',
        '<div>prose</div><input name="job" aria-label="Your job">',
        'Your job:<br><input name="job">',
        '<p>Prose.</p>Your job: <input name="job"> (what you do)',
        '<div>Your job</div><div><div><input name="job"></div></div>',
        '<input name="job"> Your job<br>',
        '<dl><dt>Your job</dt><dd><input name="job"></dd></dl>',
        "<table><tr><td>Your job<td><input name=job></table>",
        "<table><tr><th>Your job</th></tr><tr><td><input name=job></td></tr></table>",
        "<table><tr><td><input name=job></td><td>Your job</td></tr></table>",
        "<table><tr><th>You<th>Us</tr><tr><th>Your job<th>Ours</tr><tr><td><input name=job><td></tr></table>",
        '<input name="job" title="Your job">',
        '<input name="job" placeholder="Your job">',
        'Your job<br><div style="display:none">Not a job!</div><span class="error">Missing!</span><input name="job">',
        '<p>* required fields</p><input name="job" placeholder="Your job">',
        f'<p>{"A long text is prose. " * 8}</p><input name="job" placeholder="Your job">',
        "Your job<br><script>var x = 'not a label';</script><!-- nor this --><input name=job>",
    ],
)
def test_the_label_is_found_in_many_places(inputs: str) -> None:
    assert field(inputs)["label"] == "Your job"
    assert "required" not in field(inputs)


@pytest.mark.parametrize(
    "inputs",
    [
        "Your job: *<br><input name=job>",
        "<label>* Your job <input name=job></label>",
        "<label>Your job (required) <input name=job></label>",
        "Your job: <input name=job> *<br>",
        "<label>Your job <small>(required)</small> <input name=job></label>",
        "Your job <input name=job required>",
        'Your job <input name=job aria-required="true">',
        '<input name=job placeholder="Your job*">',
    ],
)
def test_required_is_said_in_many_ways(inputs: str) -> None:
    assert field(inputs)["label"] == "Your job"
    assert field(inputs)["required"] is True


@pytest.mark.parametrize(
    ("name", "label"),
    [
        ("firstName", "First name"),
        ("second_phone", "Second phone"),
        ("form_fields[street]", "Street"),
        ("your-message", "Your message"),
        ("Favorite Chocolate", "Favorite Chocolate"),
        ("URL", "URL"),
    ],
)
def test_a_name_makes_a_label_where_nothing_else_does(name: str, label: str) -> None:
    form = only(f'<input name="{name}">')
    assert labels(form) == {name: label}
    assert "# label guessed from the name" in form.yaml


def test_text_within_a_label_is_of_no_other_input() -> None:
    form = only('<label>City<br><input name="city"> (town)</label><input name="zip" placeholder="Zip">')
    assert labels(form) == {"city": "City (town)", "zip": "Zip"}


def test_a_mark_belongs_to_its_own_label() -> None:
    form = only("<table><tr><td>City<td><input name=city><td>Zip *<td><input name=zip></table>")
    assert labels(form) == {"city": "City", "zip": "Zip"}
    assert "required" not in fields(form)["city"]
    assert fields(form)["zip"]["required"] is True


def test_a_colon_between_inputs_marks_nothing() -> None:
    form = only("Opening time<br><input name=hour> : <input name=minute>")
    assert labels(form) == {"hour": "Opening time", "minute": "Minute"}
    assert not any("required" in each for each in fields(form).values())


def test_help_belongs_to_the_input_that_it_follows() -> None:
    form = only(
        '<label for="a">A</label><input id="a" name="a"><small>About a</small>'
        '<label for="b">B</label><small class="help">About b</small><input id="b" name="b">'
        '<label>C <input name="c" aria-describedby="i"></label><p id="i">5 &lt; 6</p>'
    )
    assert {name: each["help"] for name, each in fields(form).items()} == {
        "a": "About a",
        "b": "About b",
        "c": "5 &lt; 6",
    }


# --- fields ---


@pytest.mark.parametrize(
    ("inputs", "expected"),
    [
        ('<input name="x" type="email">', {"type": "email"}),
        ('<input name="x" type="TEL">', {"type": "phone"}),
        ('<input name="x" autocomplete="tel">', {"type": "phone"}),
        ('<input name="x" type="number" min="1" max="9.5" value="2">', {"type": "number", "min": "1", "max": "9.5"}),
        ('<input name="x" type="date" min="2024-01-01" max="soon">', {"type": "date", "min": "2024-01-01"}),
        ('<input name="x" type="url" value="https://">', {"type": "url"}),
        ('<input name="x" type="color">', {}),
        ('<textarea name="x" maxlength="500">Once\nmore</textarea>', {"type": "textarea", "max_length": 500}),
        ('<input name="x" maxlength="8" pattern="[A-Z]{2}\\d+">', {"max_length": 8, "pattern": "[A-Z]{2}\\d+"}),
        ('<input name="x" maxlength="0" pattern="(">', {}),
        ('<input name="x" value="007">', {"value": "007"}),
        ('<input name="email" type="email">', {}),
        ('<input name="notes" value="no">', {"value": "no"}),
        ('<input name="phone" value="Enter your number">', {}),
        ('<input name="age" type="number" min="18">', {"type": "number", "min": "18"}),
        ('<input name="tag" type="checkbox" value="web">', {"type": "checkboxes", "options": ["web"]}),
    ],
)
def test_types_limits_and_values_are_those_of_the_page(inputs: str, expected: dict[str, Any]) -> None:
    found = field(inputs)
    assert {key: found.get(key) for key in expected} == expected
    assert {"type", "min", "max", "max_length", "pattern", "options"} & set(found) <= set(expected)


def test_a_value_that_its_type_refuses_is_left_out() -> None:
    form = only('<input name="phone" value="Enter your number">')
    assert "value" not in fields(form)["phone"]
    assert "phone" in note(form, "already stands")


def test_choices_keep_values_labels_and_defaults() -> None:
    (form,) = page("choices")
    found = fields(form)
    assert found["service"] == {
        "name": "service",
        "label": "What do you need?",
        "type": "select",
        "required": True,
        "options": [
            "Windows",
            {"value": "doors", "label": "Doors"},
            {"value": "both", "label": "Windows: both # kinds"},
        ],
        "value": "doors",
        "placeholder": "Please choose…",
    }
    assert found["answer"]["options"] == ["yes", "no", "null", "1"]
    assert 'options: ["yes", "no", "null", "1"]' in form.yaml  # texts to every reader of YAML
    assert found["colours"]["type"] == "checkboxes"
    assert found["colours"]["options"] == ["Red", {"value": "#00f", "label": "Blue"}, "Green"]
    assert "colours" in note(form, "ticked in advance")
    assert found["reach"] == {
        "name": "reach",
        "label": "How should we reach you?",
        "type": "radio",
        "required": True,
        "options": [{"value": "phone", "label": "By phone"}, {"value": "email", "label": "By e-mail"}],
    }
    assert found["rooms[]"]["label"] == "Which rooms?"
    assert found["rooms[]"]["value"] == "Kitchen"
    assert found["count"] == {"name": "count", "type": "hidden", "value": "007"}
    assert "type" not in found["make"]
    assert "make" in note(form, "script")
    assert found["code"]["help"] == "It is on your letter."


def test_what_cannot_be_taken_over_is_said() -> None:
    (form,) = page("choices")
    assert {"secret", "off"}.isdisjoint(fields(form))
    assert "secret" in note(form, "passwords")
    assert "off" in note(form, "disabled")
    assert "site" in note(form, "pattern")
    assert "ref" in note(form, "smallest length")
    assert "Twice" in note(form, "more than one input")


def test_a_file_is_asked_for_where_the_vendor_takes_it() -> None:
    inputs = '<input name="a"><input type="file" name="plan">'
    assert fields(only(inputs, '<form action="https://venus.apogeehost.com/x">'))["plan"]["type"] == "file"
    without = only(inputs, '<form action="https://app.kartra.com/x">')
    assert "plan" not in fields(without)
    assert "plan" in note(without, "takes no files")


def test_a_choice_that_nobody_can_make_is_none() -> None:
    found = field(
        "<select name=x><option disabled>Pick<option>A<option disabled>B<option>A<option value=''>none</select>"
    )
    assert found["options"] == ["A"]
    assert found["placeholder"] == "Pick"


def test_consent_may_stand_alone_under_the_name_of_a_group() -> None:
    found = field('<p>Please</p><label><input type="checkbox" name="ok[]" value="1"> I accept the terms</label>')
    assert found["type"] == "consent"
    assert found["label"] == "I accept the terms"


def test_consent_is_never_ticked_in_advance() -> None:
    form = only('<label><input type="checkbox" name="ok" checked> I agree to the <a href="/t">terms</a>.</label>')
    assert fields(form)["ok"] == {
        "name": "ok",
        "label": "I agree to the terms.",
        "type": "consent",
        "required": False,
    }
    assert "ok" in note(form, "no consent")


def test_names_are_kept_exactly_or_left_out() -> None:
    form = only(
        '<input name="Favorite Chocolate"><input name="favorite chocolate"><input name="a&#9;b"><input name="">'
        f'<input name="{"x" * 200}"><input name="{"y" * 201}"><input name="_lf_token"><input name="${{HOME}}">'
        '<input name="twice"><input name="twice">'
    )
    assert set(fields(form)) == {"Favorite Chocolate", "favorite chocolate", "x" * 200, "twice"}
    assert note(form, "yyyy")
    assert note(form, "_lf_token")
    assert note(form, "without a name")


def test_campaign_names_need_no_field() -> None:
    form = only('<input name="a"><input type="hidden" name="utm_source"><input type="hidden" name="gclid">')
    assert set(fields(form)) == {"a"}
    assert "utm_source, gclid" in note(form, "campaigns")


def test_a_post_of_the_old_page_is_not_refused() -> None:
    """What a browser sends from the page itself, choosing nothing or ticking everything, stays acceptable."""
    form = only(
        '<input name="name"><select name="heard"><option>Please choose</option><option>Radio</option></select>'
        '<input type="checkbox" name="urgent" value="It is urgent"> Urgent'
        '<br><input type="checkbox" name="ok" value="I do"> I agree to the terms'
        '<br><input type="hidden" name="news" value="0"><input type="checkbox" name="news" value="1"> News'
        '<br><input name="twice"><input name="twice">'
    )
    around = Surroundings(ADAPTERS, lambda name: f"https://vendor.example/{name}")
    served, _ = load(form.name, form.yaml, form.name, around)
    posted = [("name", "Bo Li"), ("heard", "Please choose"), ("urgent", "It is urgent"), ("ok", "I do")]
    result = read(served, [*posted, ("news", "0"), ("news", "1"), ("twice", "a"), ("twice", "b")])
    assert result.errors == []
    assert result.values == {
        "name": "Bo Li",
        "urgent": ["It is urgent"],
        "ok": "I do",
        "news": "1",
        "twice": "a, b",
    }
    assert "ok" in note(form, "should send 1")


# --- what is not meant for people ---


@pytest.mark.parametrize(
    "trap",
    [
        '<input name="_gotcha">',
        '<input name="bot-field">',
        '<input name="b_0123456789abcdef_0123456789" tabindex="-1">',
        '<div class="honeypot"><input name="middle"></div>',
        '<div style="position: absolute; left: -5000px"><input name="website"></div>',
        '<p style="display:none"><input name="zq" tabindex="-1"></p>',
        "<label>Leave this field empty <input name=extra></label>",
        "<style>.a .gone, b { display : none }</style><p class=gone><input name=fax></p>",
        '<textarea name="g-recaptcha-response"></textarea>',
        '<input type="hidden" name="h-captcha-response">',
        '<input type="hidden" name="cf-turnstile-response">',
        '<input name="captcha_code">',
        '<input type="password" name="pin">',
        '<input type="hidden" name="_wpnonce" value="1">',
    ],
)
def test_traps_captchas_passwords_and_machinery_are_left_out(trap: str) -> None:
    form = only(f'{trap}<input name="firstName"><input name="lastName"><input name="email">')
    assert set(fields(form)) == {"firstName", "lastName", "email"}
    assert [sentence for sentence in form.notes if sentence.startswith("Left out")]


@pytest.mark.parametrize(
    "html",
    [
        '<p style="display:none"><input name="storey"></p>',
        '<input name="website">',
        '<input name="fax" tabindex="-1">',
    ],
)
def test_real_inputs_are_no_traps(html: str) -> None:
    assert len(fields(only(html))) == 1


def test_a_closed_pop_up_hides_no_trap() -> None:
    (form,) = imported('<div style="display:none" class="hp"><form><input name="website" tabindex="-1"></form></div>')
    assert set(fields(form)) == {"website"}


# --- several forms ---


def test_each_form_of_a_page_is_a_file_but_for_searches_and_logins() -> None:
    forms = page("several_forms")
    assert [form.name for form in forms] == ["newsletter", "quote", "quote-2", "late"]
    assert [sentence for form in forms for sentence in form.notes if "Skipped" in sentence] == [
        "Skipped form 1: it is a search box.",
        "Skipped form 2: it is a search box.",
        "Skipped the form “signin”: it is a login.",
        "Skipped the form “empty”: there is nothing in it for a visitor to fill in.",
    ]
    newsletter, quote, _, late = forms
    assert parsed(newsletter)["title"] == "Stay in touch"
    assert parsed(newsletter)["vendor"]["name"] == "kartra"
    assert parsed(quote)["title"] == "Get a quote"
    assert parsed(quote)["submit"] == "Get my quote"
    assert parsed(quote)["on_success_url"] == "https://acme-roofing.example/thanks"
    assert labels(late) == {"heard": "How did you hear of us?", "story": "Your story"}


def test_a_page_of_a_hundred_forms_is_cut() -> None:
    forms = imported("<form><input name=a></form>" * 100)
    assert len({form.name for form in forms}) == 50
    assert note(forms[0], "after the first 50")


def test_two_forms_never_share_a_web_key() -> None:
    _, quote, second, _ = page("several_forms")
    assert parsed(quote)["web_key"] == "CT_SHARED_KEY_1"
    assert "web_key" not in parsed(second)
    assert note(second, "same web_key")


@pytest.mark.parametrize(
    ("html", "name"),
    [
        ('<form id="Get a Quote!">', "get-a-quote"),
        ('<form name="quote">', "quote"),
        ('<form id="gform_3"><h2>Über uns</h2>', "uber-uns"),
        ("<title>Contact | Acme</title><form>", "contact-acme"),
        ('<form id="gform_3">', "gform-3"),
        ('<form id="報価">', "form"),
    ],
)
def test_the_file_is_named_after_the_form(html: str, name: str) -> None:
    (form,) = imported(f'{html}<input name="a"></form>')
    assert form.name == name


# --- site builders ---


def test_a_contact_form_of_a_blog_plugin() -> None:
    (form,) = page("contact_form_7")
    found = fields(form)
    assert labels(form) == {
        "your-name": "Ihr Name",
        "your-email": "E-Mail",
        "leistung": "Leistung",
        "woher[]": "Woher kennen Sie uns?",
        "acceptance": "I accept the privacy policy.",
    }
    assert found["your-name"]["required"] is True
    assert found["your-email"]["required"] is True
    assert found["woher[]"]["options"] == ["Radio", "Freunde"]
    assert found["acceptance"]["type"] == "consent"
    assert parsed(form)["language"] == "de-DE"
    assert "captcha-170, the box of the captcha" in note(form, "captcha")
    assert "_wpcf7_unit_tag" in note(form, "machinery")
    assert note(form, "send_as")


def test_a_list_form_of_a_blog_plugin() -> None:
    (form,) = page("gravity_forms")
    assert labels(form) == {
        "input_1.3": "Name",
        "input_1.6": "Last",
        "input_2": "Phone",
        "input_4": "Material",
        "input_5.1": "Blinds",
        "input_5.2": "Shutters",
        "input_6": "Which storey?",
    }
    assert fields(form)["input_2"]["help"] == "Ten digits."
    assert "input_6" in note(form, "show_if")
    assert "input_7, website, xk2, bot-field" in note(form, "traps")
    assert parsed(form)["title"] == "Request a quote"


def test_a_snippet_from_a_site_builder() -> None:
    (form,) = page("builder_embed")
    assert labels(form) == {"name": "Full name", "email": "Your e-mail", "phone": "Mobile number", "tag": ""}
    assert form.name == "free-consultation"
    assert parsed(form)["submit"] == "Book now"
    assert not {"on_success_url", "on_error_url", "origins"} & set(parsed(form))
    assert note(form, "javascript:alert(1)")


# --- vendor, addresses ---


@pytest.mark.parametrize(
    ("html", "vendor"),
    [
        ('<form action="https://app.kartra.com/process/add_lead/x"><input name="firstName">', "kartra"),
        ('<form action="//API.clienttether.com/v1"><input name="a">', "clienttether"),
        ('<form action="https://notclienttether.com/"><input name="a">', "webhook"),
        ('<form action="/local"><input name="firstName">', "clienttether"),
        ('<form><input name="a"><input type="hidden" name="web_key" value="k">', "clienttether"),
        ('<form action="http://[bad/"><input name="a">', "webhook"),
    ],
)
def test_the_vendor_is_told_by_host_then_by_names_then_taken_as_the_first(html: str, vendor: str) -> None:
    (form,) = imported(html)
    assert parsed(form)["vendor"]["name"] == vendor


@pytest.mark.parametrize(
    ("posted", "taken"),
    [
        ("https://www.example.com/a?b=c#d", "https://www.example.com/a?b=c#d"),
        ("www.example.com/thanks.html", "https://www.example.com/thanks.html"),
        ("//www.example.com/", "https://www.example.com/"),
        ("localhost:8000/x", "https://localhost:8000/x"),
        ("/thanks", "https://site.example/thanks"),
        ("thanks.html", "https://site.example/pages/thanks.html"),
        ("javascript:alert(1)", None),
        ("ftp://example.com", None),
        ("https://user:pw@example.com/", None),
        ("http://exa mple.com", None),
        ("https://[::1", None),
        ("thanks", None),
        ("https://example.com/${SECRET_KEY}", None),
    ],
)
def test_redirects_become_whole_addresses(posted: str, taken: str | None) -> None:
    (form,) = imported(
        '<link rel="canonical" href="https://site.example/pages/quote"><form>'
        f'<input name="a"><input type="hidden" name="OnSuccessURL" value="{posted}">'
    )
    assert parsed(form).get("on_success_url") == taken
    assert bool(taken) != any("OnSuccessURL" in sentence for sentence in form.notes)
    assert "https://site.example" in parsed(form)["origins"]


def test_the_next_step_depends_on_the_web_key() -> None:
    keyed = only('<input name="a"><input type="hidden" name="web_key" value="CT_1">')
    assert "/submit" in note(keyed, "change its action")
    assert "/f/form " in note(only('<input name="a">', "<form>"), "change its action")
    assert 'method to "post"' in note(only('<input name="a">', "<form>"), "change its action")


# --- safety ---


HAZARDS = (
    "yes No null ~ 1 1.5 0x1F 2024-01-01 12:30 on {a [b] &a *a !a %a @a `a ' \" a'b \\n | > ? a,b a: … 🙂 = <<"
).split()


@pytest.mark.parametrize("text", [*HAZARDS, "a: b", "a #b", "- a", "a  b", "? a"])
def test_every_text_comes_back_as_the_same_text(text: str) -> None:
    escaped = text.replace("&", "&amp;").replace('"', "&quot;")
    found = field(f'<input name="n {escaped}" value="{escaped}" placeholder="{escaped} p">')
    assert found["name"] == f"n {text}"
    assert found["value"] == text
    choices = field(
        f'<select name="x"><option value="v">V</option><option value="{escaped}">{escaped}</option></select>'
    )
    assert [choice if isinstance(choice, str) else choice["value"] for choice in choices["options"]] == ["v", text]


def test_no_text_of_the_page_becomes_the_name_of_a_secret() -> None:
    (form,) = page("builder_embed")
    assert "${SECRET_KEY}" not in form.yaml
    assert fields(form)["tag"]["value"] == "wix, $ {SECRET_KEY}"
    assert note(form, "name of a secret")


def test_a_broken_page_is_read_as_far_as_it_goes() -> None:
    win, second = page("broken")
    assert labels(win) == {
        "name": "Name",
        "email": "Mail",
        "address": "Street",
        "zip": "Zip",
        "nested": "Nested",
        "colour": "Colour",
        "yes": "Are you sure? yes: #1",
        "emoji": "Wie geht’s? 🙂",
        "dup": "One",
        "dup2": "One",
    }
    assert fields(win)["name"]["value"] == 'O\'Neil "Bo" <b>'
    assert fields(win)["colour"]["options"] == ["Red", {"value": "b", "label": "Blue"}, "Green"]
    assert parsed(win)["title"] == "Win & save"
    assert parsed(win)["submit"] == "Send"
    assert set(fields(second)) == {"second"}


def test_an_input_says_with_form_where_it_belongs() -> None:
    first, second = imported(
        '<input name="early" form="b"><form id="a"><input name="x"><input name="y" form="b"></form>'
        '<form id="b"><input name="z"></form><input name="stray">'
    )
    assert set(fields(first)) == {"x"}
    assert set(fields(second)) == {"early", "y", "z"}


@pytest.mark.parametrize(
    ("html", "words"),
    [
        ("", "no form"),
        ("<p>Hello</p>", "no form"),
        ('<form><input name="q"></form>', "search box"),
        ("<form><input name=a></form><![broken", "cannot be parsed|can be parsed"),
        ("x" * (MAX_PAGE + 1), "2,000,000"),
    ],
)
def test_a_page_without_a_form_to_import_is_refused_with_the_reason(html: str, words: str) -> None:
    with pytest.raises(ValueError, match=words):
        imported(html)


@pytest.mark.parametrize("piece", ["<a ", "<!--", '<a b="', "</", "<?x", "<div>", "<small>", "<table><tr><td>"])
def test_a_page_that_never_ends_what_it_begins_is_read_in_time(piece: str) -> None:
    """Without care the first of these takes the parser minutes."""
    (form,) = imported("<form><input name=a><br>" + piece * (100_000 // len(piece)))
    assert set(fields(form)) == {"a"}


def test_a_huge_form_is_cut_at_what_a_post_may_hold() -> None:
    form = only("".join(f'<input name="n{i}">' for i in range(600)))
    assert len(fields(form)) == 500
    assert note(form, "at most 500 fields")


PIECES = st.sampled_from(
    (
        "<form|<form method=post>|</form>|<input name=|<input name='|'|\"|>|<|/>|<select name=x multiple>|<option>|"
        "<option value=|</select>|<textarea name=t>|<label for=x>|<label>|</label>|<table>|<tr>|<th colspan=99999>|"
        "<td>|</td>|<br>|*|(required)|:|type=radio |type=checkbox |type=hidden |type=file |type=number min=1e9 max=٣ |"
        "type=date |id=x |value=|yes|null|${X}|“|”|# |- |{|}|[|]|,|a|name=web_key |name=OnErrorURL |"
        "name=OnSuccessURL value=http://[::1]:99999/ |<base href='http://[x'>|<html lang=x>|<h2>|</h2>|<fieldset>|"
        "<legend>|<small>|<button>|checked |required |disabled |pattern='(' |pattern='a{99999999999}' |maxlength=٣ |"
        "style='display:none' |<style>.a{display:none}</style>|aria-labelledby=x |<![CDATA[|<!--|-->|<script>|"
        "</script>|&#0;|&#xD800;|\x00|\x85|\u2028|\ufeff|\ud800|\u200b|\xa0| |\n|\t|name[]|placeholder="
    ).split("|")
)
MARKUP = st.lists(st.one_of(PIECES, st.text(max_size=4)), max_size=60).map("".join)
FORMS = st.one_of(MARKUP, MARKUP.map(lambda text: f"<form method=post><input name=first>{text}"))


@settings(deadline=None, max_examples=150)
@given(html=FORMS, source=st.text(max_size=10))
def test_whatever_the_page_the_file_is_yaml_or_the_page_is_refused(html: str, source: str) -> None:
    try:
        forms = imported(html, source)
    except ValueError:
        return
    assert len({form.name for form in forms}) == len(forms)
    for form in forms:
        assert all(isinstance(each["label"], str) for each in fields(form).values() if each.get("type") != "hidden")
        assert "${X}" not in form.yaml
        "\n".join([form.yaml, *form.notes]).encode()
