"""The console in another language: nothing of ours is left in English, on no page, in no state."""

from __future__ import annotations

import ast
import re
import time
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from bs4 import BeautifulSoup
from flask import Flask, template_rendered
from jinja2 import Environment, nodes
from sqlalchemy import insert, text, update
from werkzeug.test import TestResponse

from leadferry import accepting, drafting, form_templates, languages, numbers, users
from leadferry import catalog as catalog_module
from leadferry.doctor import VIEWS_WITHOUT_TRY, read_facts
from leadferry.form_file import Problem
from leadferry.forms import Form
from leadferry.leads import NewLead
from leadferry.messages import SENTENCES
from leadferry.models import account, delivery
from leadferry.numbers import DAY, Sighting
from leadferry.store import StoreError
from leadferry.vendors import ADAPTERS
from leadferry.vendors.base import Reason
from leadferry.web.console import counting, overview
from leadferry.web.console import forms as console_forms
from leadferry.web.console.lead import CLEANING, SUSPICIONS
from leadferry.web.console.numbers import REFUSED_POSTS
from tests.conftest import Install
from tests.installation import REPOSITORY, Installation
from tests.web.conftest import ScriptedVendor
from tests.web.console.pseudo import LANGUAGE, read_by_people, speak_it, strangers, texts
from tests.web.console.visitor import PASSWORD, Visitor, signed_in, stranger
from tools import translations

pytestmark = pytest.mark.one_database  # what stands on a page; the console's queries are tested where the pages are

TEMPLATES = REPOSITORY / "templates" / "console"
PARTS = {"base", "forms_frame", "forms_parts", "leads_table", "numbers_parts", "parts", "troubles"}
"""Templates that other templates are made of."""

FORM = """
title: Запрос
web_key: zq1
intro: Коротко
fields:
  - {name: firstName, label: Имя, required: true}
  - {name: lastName, label: Фамилия}
  - {name: email, label: Почта, required: true}
  - {name: zq_kind, label: Что, type: select, options: [Окна, {value: "2", label: Двери}], required: true}
  - {name: zq_many, label: Ещё, type: checkboxes, options: [Окна, Двери]}
  - {name: zq_note, label: Слова, type: textarea, max_length: 40}
  - {name: zq_rooms, label: Комнаты, type: number, show_if: {zq_kind: "2"}}
  - {name: zq_both, label: Оба, show_if: {zq_kind: "2", zq_many: Окна}}
  - {name: smsok, type: consent, label: Можно писать, required: true}
  - {name: zq_tag, label: Метка, type: hidden, value: "1"}
steps:
  - {title: Раз, fields: [firstName, lastName, email]}
  - {title: Два, fields: [zq_kind, zq_many, zq_note, zq_rooms, zq_both, smsok]}
vendor: {name: clienttether, web_key: "${CT_KEY}", url: "${CT}"}
also: [{name: webhook, url: "https://example.com/x"}]
"""
SHORT = """
title: Коротко
measure: progress
fields: [{name: firstName, label: Имя}, {name: email, label: Почта}]
vendor: {name: webhook, url: "${CT}", wait: 0}
"""
FILES = """
title: Файлы
fields:
  - {name: firstName, label: Имя, required: true}
  - {name: email, label: Почта, required: true}
  - {name: zq_file, label: Файл, type: file}
vendor: {name: aicore, url: "https://example.com/x", login_id: "${CT_KEY}", login_password: "${CT_KEY}"}
"""
BROKEN = "title: Сломано\nvendor: {name: nobody}\n"
ANSWERS = {"firstName": "Бо", "lastName": "Смит", "email": "bo@example.com", "zq_kind": "2", "smsok": "1"}

DATA = (
    # what stands on pages and is no text of ours; whatever else this test writes is Cyrillic or digits
    "Leadferry",  # the product's name
    r"/f/[\w-]*|/submit|/console/forms/zq2/test",  # addresses of ours
    r"The address answers\. .* not checked\.",  # an adapter speaks for its vendor, and knows no languages
    "|".join(re.escape(each.label) for each in ADAPTERS.values()),  # names of products
    r"(?:^|(?<=\n))(?:url|name|wait|radius|measure|fields)(?=\n)",  # keys of form files, where a sentence names one
    r"“(?:webhook|progress)”|\b(?:insert|update)\b",  # and what may stand there
    r"LF-\w{10}",  # references
    r"\b[0-9a-f]{12}\b",  # versions
    r"\b(?:(?:fields\.)?zq\w*|firstName|lastName|email|smsok|compName|web_key)\b",  # names that form files give
    r"[\w.+-]+@example\.com|https?://[^\s<]*|\b(?:www\.|hooks\.)?example\.com[^\s<,]*",
    r"\b(?:CT_KEY|CT|SENSITIVE_KEY)\b",  # names in the environment
    r"\b(?:ct|lf)\d{3}\b",  # the protocol's codes
    r"flask (?:db|users)(?: [a-z]+)?",  # commands, and who acts on the command line
    r"<form|</form>|measure: progress|utm_campaign",  # to be written as it is
    r"#[0-9a-f]{6}\b|\b90d\b|Georgia, serif|\b(?:16|8)px\b|\b40rem\b|\b(?:en|ja)\b",  # examples and values of keys
)


def visitors_sentences() -> str:
    """What is wrong with an answer is told as the form tells its visitors: in its own language, here English."""
    return "|".join(
        re.sub(r"\\{\w+\\}", ".*?", re.escape(each)) for each in sorted(SENTENCES.values(), key=len, reverse=True)
    )


def problems(*found: Problem) -> list[str]:
    """What `flask forms check` says: technical, in English, and the same in a terminal and here."""
    return [rf"(?:\b{re.escape(each.key)}\b|{re.escape(each.message)})" for each in found]


class Walk:
    """Goes through pages in the pseudo-language, and keeps what it met that is in none."""

    def __init__(self, app: Flask) -> None:
        self.app = app
        self.found: dict[str, list[str]] = {}
        self.data = [visitors_sentences(), *DATA]
        self.endpoints: set[str] = set()
        self.templates: set[str] = set()
        app.before_request(self._note)
        template_rendered.connect(self._rendered, app)

    def know(self, patterns: Iterable[str]) -> None:
        """Data that pages may show from now on; the longest is looked for first."""
        self.data = [*sorted(patterns, key=len, reverse=True), *self.data]

    def _note(self) -> None:
        from flask import request

        if request.method == "GET":
            self.endpoints.add(str(request.endpoint))

    def _rendered(self, sender: Flask, template: Any, **more: Any) -> None:
        self.templates.add(str(template.name))

    def see(self, visitor: Visitor, path: str, status: int = 200, *, least: int = 3, **more: Any) -> TestResponse:
        return self._look(path, visitor.get(path, headers={"Accept-Language": LANGUAGE}, **more), status, least)

    def do(self, visitor: Visitor, path: str, data: dict[str, Any] | None = None, status: int = 200) -> TestResponse:
        """A post, and the page that follows it, with what it flashes."""
        answer = visitor.post(path, data, headers={"Accept-Language": LANGUAGE}, follow_redirects=True)
        return self._look(f"POST {path}", answer, status, 3)

    def _look(self, path: str, answer: TestResponse, status: int, least: int) -> TestResponse:
        if answer.status_code != status or (answer.text + answer.text.replace("\\u27e6", "⟦")).count("⟦") < least:
            self.found.setdefault(path, []).append(f"answers {answer.status_code} with too few words")
        if answer.is_json:
            told = {name: each for name, each in (answer.get_json() or {}).items() if name in {"words", "msg"}}
            page = "".join(f"<p>{each}</p>" for each in told.values())
        else:
            page = answer.text
        met = strangers(page, [re.compile(each) for each in self.data])
        if met:
            self.found.setdefault(path, []).extend(met)
        return answer


@pytest.fixture
def here(
    install: Install, vendor: ScriptedVendor, monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> Iterator[Installation]:
    monkeypatch.setattr(catalog_module, "SECONDS_BETWEEN_LOOKS", 0.0)
    monkeypatch.setattr(counting, "FRESH_SECONDS", 0.0)
    with pytest.MonkeyPatch.context() as patched:
        speak_it(patched, tmp_path / "translations")
        yield install({"zq1": FORM, "zq2": SHORT}, CT_KEY="CT_secret_of_it", CT=vendor.url, ALLOW_PRIVATE_VENDORS="1")
    for cached in (languages.languages, languages._catalogue):
        cached.cache_clear()


def served(here: Installation, name: str) -> Form:
    form = here.site.office.catalog.get(name)
    assert isinstance(form, Form)
    return form


def post(here: Installation, **values: str) -> str:
    """A visitor's lead, sent at once; its reference."""
    answer = here.client.post(
        "/f/zq1", data={**ANSWERS, **values}, headers={"Accept": "application/json", "User-Agent": "1/2"}
    )
    assert answer.status_code < 500, answer.text
    return str(here.leads()[0]["lead"])


def store_lead(here: Installation, state: str = "delivered", reason: str | None = None, **more: Any) -> str:
    form, after = served(here, more.pop("form", "zq2")), more.pop("after", None)
    values = {"firstName": "Бо", "email": "bo@example.com", **more.pop("values", {})}
    source = {"ip": "1.2.3.0", "user_agent": "1/2", "path": "/submit", "country": "1", "ignored_redirects": ["1"]}
    new = NewLead(form, values, source={**source, **more.pop("source", {})}, **more)
    accepted = accepting.accept(here.store, new, {}, repeats=False)
    with here.store.write() as connection:
        values = {"state": state, "reason": reason, "attempts": 1, "vendor_lead_id": "1"}
        if after is not None:
            values["settled_at"] = new.received_at + after
        connection.execute(update(delivery).where(delivery.c.lead_id == accepted.lead_id).values(values))
    return new.reference


def count(here: Installation, *counts: tuple[str, str, str, str, int]) -> None:
    day = int(time.time() // DAY)
    numbers.add(here.store, {(day, *each[:4]): each[4] for each in counts}, {})


def sighted(here: Installation, page: str, facts: str, posts: int = 10) -> None:
    seen = Sighting(time.time() - DAY, time.time(), posts)
    numbers.add(here.store, {}, {("zq1", page, read_facts(facts).text): seen})


def pause(here: Installation, name: str, waiting: str, reason: str) -> None:
    row = {"account": f"{name}/vendor", "waiting": waiting, "reason": reason, "words": "Нет", "since": 1.0}
    with here.store.write() as connection:
        connection.execute(insert(account).values({**row, "failures": 1, "probes": 0, "probe_at": 9e9}))


# --- the pages, area by area ---


def walk_the_door(walk: Walk, here: Installation, monkeypatch: pytest.MonkeyPatch) -> None:
    nobody = stranger(here)
    walk.see(nobody, "/console/login")
    first = users.invite(here.store)
    walk.see(nobody, f"/console/welcome/{first}")
    walk.do(nobody, f"/console/welcome/{first}", {"name": "/", "password": PASSWORD}, 422)
    walk.do(nobody, f"/console/welcome/{first}", {"name": "Я", "password": "1"}, 422)
    walk.do(nobody, "/console/login", {"name": "Никто", "password": "1"}, 422)
    walk.see(nobody, f"/console/welcome/{users.invite(here.store, 'viewer', 'Он')}")
    invited = f"/console/welcome/{users.invite(here.store, 'viewer', 'Она')}"
    walk.do(stranger(here), invited, {"password": PASSWORD})
    walk.see(nobody, "/console/welcome/none", 404)
    signed_in(here, name="Анна")
    walk.see(nobody, "/console/login")
    walk.see(nobody, "/console/", follow_redirects=True)
    walk.do(nobody, "/console/account/password", {}, 401)
    viewer = signed_in(here, "viewer", "Виктор")
    walk.see(viewer, "/console/users", 403)
    walk.see(viewer, "/console/nothing", 404)
    forged = viewer.client.post("/console/logout", headers={"Accept-Language": LANGUAGE})
    walk._look("a stale page", forged, 400, 3)
    with monkeypatch.context() as patched:
        patched.setattr(console_forms.drafting, "waiting", broken_store)
        walk.see(viewer, "/console/forms", 503, least=2)
    with monkeypatch.context() as patched:
        patched.setitem(here.app.config, "CONSOLE_READY", False)
        patched.setattr(users, "is_ready", lambda store: False)
        walk.see(viewer, "/console/forms", 503)


def walk_to_the_shut_door(walk: Walk, here: Installation) -> None:
    nobody = stranger(here)
    for _ in range(12):
        nobody.post("/console/login", {"name": "Никто", "password": "1"})
    walk.do(nobody, "/console/login", {"name": "Никто", "password": "1"}, 429)


def broken_store(*_: object) -> None:
    raise StoreError("nothing")


def walk_the_account(walk: Walk, here: Installation) -> None:
    anna = signed_in(here, "viewer", "Анна Вторая")
    walk.see(anna, "/console/account")
    walk.do(anna, "/console/account/password", {"password": "1", "new_password": "2"}, 422)
    walk.do(anna, "/console/account/password", {"password": PASSWORD, "new_password": "2"}, 422)
    walk.do(anna, "/console/account/password", {"password": PASSWORD, "new_password": PASSWORD + "1"})
    walk.do(anna, "/console/account/sign-out-everywhere")


def walk_the_people(walk: Walk, here: Installation) -> None:
    anna = signed_in(here, name="Анна")
    signed_in(here, "viewer", "Пётр")
    walk.see(anna, "/console/users")
    walk.do(anna, "/console/users", {"name": "", "role": "viewer"}, 422)
    walk.do(anna, "/console/users", {"name": "Пётр", "role": "viewer"}, 422)
    walk.do(anna, "/console/users", {"name": "Новый", "role": "viewer"})
    walk.do(anna, "/console/users/Пётр/password")
    walk.do(anna, "/console/users/Кто/password", status=404)
    for deed, data in (("role", {"role": "editor"}), ("disable", {}), ("enable", {}), ("sign-out", {})):
        walk.do(anna, f"/console/users/Пётр/{deed}", data)
    walk.do(anna, "/console/users/Пётр/disable")
    walk.do(anna, "/console/users/Пётр/role", {"role": "0"}, 422)
    walk.do(anna, "/console/users/Кто/disable", status=422)
    users.set_role(here.store, "Пётр", "viewer")
    for other in users.everyone(here.store):
        if other.name != "Анна":
            users.disable(here.store, other.name)
    walk.do(anna, "/console/users/Анна/disable", status=422)


def walk_the_empty(walk: Walk, here: Installation, install: Install) -> None:
    """Before there is anything: with forms, and without."""
    for one in (here, install()):
        for role, name in (("operator", "Анна"), ("viewer", "Пётр")):
            visitor = signed_in(one, role, name)
            for page in ("overview", "forms", "leads", "leads?tests=1", "leads?before=1", "numbers", "pages"):
                walk.see(visitor, f"/console/{page}")
            walk.see(visitor, "/console/leads?q=0")
        walk.see(signed_in(one, name="Анна"), "/console/audit")
        walk.see(signed_in(one, "editor", "Ева"), "/console/forms/new")


def walk_the_leads(walk: Walk, here: Installation, vendor: ScriptedVendor) -> dict[str, str]:
    """Leads in every state; the pages of all, of each, and what is done with them."""
    anna, viewer = signed_in(here, name="Анна"), signed_in(here, "viewer", "Пётр")
    store_lead(here)
    walk.see(viewer, "/console/overview")
    found = {"delivered": post(here, zq_note="<b>1</b>" + "1" * 60, zq_rooms="1", utm_campaign="1")}
    vendor.refuses("ct103", "Нет")
    found["refused"] = post(
        here, email="2@example.com", page_url="https://example.com/2", referrer="https://example.com/3"
    )
    vendor.says(b"0", "503 0")
    found["failed"] = post(here, email="3@example.com")
    vendor.says({"0": "0"}, "401 0")
    found["misconfigured"] = post(here, email="4@example.com")
    vendor.start_over()
    for state in ("pending", "sending", "rejected", "held", "dead"):
        found[state] = store_lead(here, state, "down")
    found["unheard of"] = store_lead(here, "rejected", "0")
    found["junk"] = store_lead(here, quarantine=list(SUSPICIONS), form="zq1")
    consent = {"items": [{"ticked": False, "text": "Да"}], "version": "1", "language": "en"}
    found["many"] = store_lead(here, form="zq1", values={"zq_many": ["Окна", "Двери"]}, consent=consent)
    found["suspect"] = store_lead(here, source={"suspect": ["links"]})
    found["test"] = store_lead(here, test=True)
    cleaned = [{"field": "firstName", "reason": each, "before": 5, "after": 1} for each in CLEANING]
    found["cleaned"] = store_lead(here, cleaned=cleaned, form="zq1")
    found["erased"] = store_lead(here)
    walk.do(anna, f"/console/leads/{found['erased']}/erase")
    walk.do(anna, f"/console/leads/{found['erased']}/erase", {"sure": "yes"})
    for visitor in (anna, viewer):
        for query in ("", "?tests=1", "?state=dead", "?state=held&form=zq2", "?state=quarantined", "?state=pending"):
            walk.see(visitor, f"/console/leads{query}")
        for reference in found.values():
            walk.see(visitor, f"/console/leads/{reference}")
    for reference in found.values():
        walk.see(anna, f"/console/leads/{reference}/edit")
        walk.see(anna, f"/console/leads/{reference}/progress", least=0)
    walk.do(anna, f"/console/leads/{found['cleaned']}/edit", {"a-email": "0"}, 422)
    walk.do(anna, f"/console/leads/{found['cleaned']}/edit", {"a-firstName": "Ян", "then": "resend"})
    walk.do(anna, f"/console/leads/{found['failed']}/resend")
    walk.do(anna, f"/console/leads/{found['junk']}/release")
    walk.do(anna, "/console/leads/resend", {"which": "all"})
    walk.do(anna, "/console/leads/resend", {})
    walk.do(anna, "/console/leads/release", {"which": "all"})
    walk.do(anna, "/console/leads/troubles", {"account": "zq2/vendor", "state": "dead", "reason": "down"})
    walk.see(anna, "/console/leads/batches/1")
    walk.see(anna, "/console/leads/batches/1/progress", least=1)
    anna.get("/console/leads.csv?state=dead&form=zq2")
    return found


def walk_the_troubles(walk: Walk, here: Installation, monkeypatch: pytest.MonkeyPatch) -> None:
    """Every reason, of one lead and of several; the overview while something waits and while all is well."""
    anna = signed_in(here, name="Анна")
    clean(here)
    walk.see(anna, "/console/overview")
    store_lead(here)
    walk.see(anna, "/console/overview")
    here.form("zq3", BROKEN)
    walk.know(problems(*here.site.office.catalog.check("zq3", BROKEN)[1]))
    for state in ("rejected", "held", "dead", "pending"):
        for times in (1, 2):
            clean(here)
            pause(here, "zq1", "misconfigured", "credentials")
            pause(here, "zq2", "down", "down")
            for reason in (*Reason, "0"):
                for _ in range(times):
                    store_lead(here, state, reason)
            walk.see(anna, "/console/overview")
            walk.see(anna, f"/console/leads?state={state}")
            walk.see(anna, "/console/numbers")
    clean(here)
    for _ in range(2):
        store_lead(here, form="zq1", quarantine=["links"])
    silent(here)
    walk.see(anna, "/console/overview")
    walk.see(anna, "/console/leads")
    walk.see(anna, "/console/leads?before=99999")
    walk.see(anna, "/console/forms/zq3")
    walk.see(anna, "/console/forms")
    with monkeypatch.context() as patched:
        patched.setattr(overview, "counted", lambda *_: None)
        walk.see(anna, "/console/overview")
    with here.store.write() as connection:
        connection.execute(text("DELETE FROM delivery"))
    walk.see(anna, "/console/overview")


def clean(here: Installation) -> None:
    with here.store.write() as connection:
        for table in ("account", "attempt", "delivery", "lead"):
            connection.execute(text(f"DELETE FROM {table}"))


def silent(here: Installation) -> None:
    for week in range(1, 4):
        for number in range(30):
            store_lead(here, received_at=time.time() - week * 7 * DAY + number * 300 - 9000)


def walk_the_numbers(walk: Walk, here: Installation) -> None:
    anna = signed_in(here, name="Анна")
    count(here, ("zq1", "", "", "seen", 9), ("zq2", "example.com/1", "1", "seen", 9), ("zq2", "", "", "started", 3))
    count(here, *(("zq1", "", "", f"refused:{code}", 2) for code in (*REFUSED_POSTS, "ct104")))
    count(here, ("zq1", "", "", "asked_again:email", 2), ("zq2", "", "", "touched:email", 2))
    clean(here)
    fields, reasons = ("firstName", "zq_note", "zq_unknown", "compName"), (*CLEANING, "0")
    changes = [{"field": each, "reason": why, "before": 5000, "after": 1} for each in fields for why in reasons]
    for seconds in (1, 20, 200, 8000, 300_000):
        store_lead(here, form="zq1", cleaned=changes, after=seconds)
    for reason in (*Reason, "0"):
        store_lead(here, "rejected", reason)
    for query in ("", "?days=7", "?form=zq1", "?form=zq2&days=90"):
        walk.see(anna, f"/console/numbers{query}")


def walk_the_pages(walk: Walk, here: Installation) -> None:
    anna = signed_in(here, name="Анна")
    for number, kind in enumerate(FACTS):
        sighted(here, f"example.com/{number}", kind, posts=1 + number)
    sighted(here, "", "depth=2 script=1 address=none")
    count(here, ("zq1", "example.com/none", "", "seen", VIEWS_WITHOUT_TRY))
    count(
        here,
        ("zq1", "example.com/seen", "", "seen", 1),
        *((("zq1", f"example.com/more{n}", "", "seen", 1)) for n in range(100)),
    )
    walk.see(anna, "/console/pages")
    walk.see(anna, "/console/overview")


FACTS = (
    "depth=1 script=1 stuck=1 snippet=script-1-500",
    "way=plain snippet=iframe-1-500 depth=1",
    "depth=1 script=0 snippet=script-1-500",
    "depth=1 script=1 snippet=script-1-500 address=site",
    "depth=1 script=1 opaque=1 snippet=script-1-500",
    "depth=1 script=1",
    "depth=1 script=1 snippet=script-1-9000",
    "depth=2 script=1 snippet=embed-1 top=www.example.com",
    "way=pasted",
)


def walk_the_forms(walk: Walk, here: Installation) -> None:
    anna, viewer = signed_in(here, name="Анна"), signed_in(here, "viewer", "Пётр")
    store_lead(here, form="zq1", values={**ANSWERS, "zq_note": "Да", "zq_tag": "1"})
    for tab in ("", "/change", "/yaml", "/publish", "/versions", "/test"):
        walk.see(anna, f"/console/forms/zq1{tab}")
        if tab in {"", "/versions"}:
            walk.see(viewer, f"/console/forms/zq1{tab}")
    walk.see(anna, "/console/forms/zq1/rehearsal", least=1)
    for changed in DRAFTS:
        save(here, "zq1", changed)
        walk.know(problems(*here.site.office.catalog.check("zq1", changed)[1]))
        walk.know(lines_of(changed, here))
        for tab in ("", "/change", "/yaml", "/publish", "/publish?rehearsed=1", "/rehearsal"):
            walk.see(anna, f"/console/forms/zq1{tab}", least=1)
        is_right = here.site.office.catalog.check("zq1", changed)[0] is not None
        if not is_right:  # else it is the form as its visitors see it
            walk.see(anna, "/console/forms/zq1/preview")
        walk.see(viewer, "/console/forms")
        walk.do(anna, "/console/forms/zq1/publish", {"revision": "99"}, 409 if is_right else 422)
    walk.see(anna, "/console/forms")


DRAFTS = (
    FORM.replace("type: number", "type: number, required: true").replace(
        "label: Фамилия", "label: Фамилия, send_as: zq_l"
    ),
    FORM.replace(
        "  - {name: zq_tag, label: Метка",
        "  - {name: zq_new, value: '2', label: Новое, type: hidden}\n  - {name: zq_tag, label: Метка",
    )
    .replace('value: "1"}', 'value: "5"}')
    .replace("  - {name: zq_note, label: Слова, type: textarea, max_length: 40}\n", "")
    .replace("zq_note, ", ""),
    FORM.replace('"${CT_KEY}"', "CT_0123456789").replace('url: "${CT}"', 'url: "${CT}", fields: {zq_rooms: zq_r}'),
    # what is wrong, what may be wrong, and what differs
    "title: [",
    FORM.replace("Имя, required: true", "Имя") + "web_key: 1\nzq_nonsense: 1\n",
    FORM.replace("language", "").replace("web_key: zq1", "web_key: zq1\nlanguage: ja"),
)


def lines_of(content: str, here: Installation) -> list[str]:
    """Lines of a draft that the editor shows beside what is wrong with them."""
    found, lines = here.site.office.catalog.check("zq1", content)[1], content.splitlines()
    return [re.escape(lines[each.line - 1].strip()).replace("CT_0123456789", ".*") for each in found]


def save(here: Installation, name: str, content: str, by: str = "Борис") -> None:
    now = drafting.current(here.store, here.site.office.catalog, name)
    assert now is not None
    drafting.save(here.store, replace(now, content=content), by)


BEFORE = """
title: Запрос
fields:
  - {name: zq_a, label: А}
  - {name: zq_b, label: Б, type: select, options: [1, 2, {value: "3", label: Три}]}
  - {name: zq_c, label: В, required: true, show_if: {zq_b: "1"}}
  - {name: zq_d, label: Г, help: Помощь, sensitive: true}
  - {name: zq_e, label: Д}
vendor: {name: webhook, url: "https://example.com/x", wait: 0}
theme: {radius: 8px}
"""
AFTER = """
title: Ответ
intro: Слово
fields:
  - {name: zq_e, label: Д}
  - {name: zq_a, label: А, required: true}
  - {name: zq_b, label: Б, type: select, options: [4, 2, {value: "3", label: Третье}]}
  - {name: zq_c, label: В, show_if: {zq_b: ["2", "3"], zq_a: "1"}}
  - {name: zq_f, label: Е, required: true}
  - {name: zq_g, label: Ж, max_length: 3}
vendor: {name: webhook, url: "https://example.com/y", wait: 0}
steps: [{title: Раз, fields: [zq_e, zq_a, zq_b, zq_c]}, {title: Два, fields: [zq_f, zq_g]}]
"""
LAST = (
    AFTER.replace("max_length: 3", "max_length: 4, help: Да")
    .replace("[4, 2,", "[2, 4,")
    .replace('show_if: {zq_b: ["2", "3"], zq_a: "1"}', "placeholder: Да")
    .replace("zq_b, zq_c]}, {title: Два, fields: [zq_f,", "zq_b]}, {title: Два, fields: [zq_c, zq_f,")
    .replace("{name: zq_e, label: Д}", "{name: zq_e, label: Д, sensitive: true}")
)


def walk_the_changes(walk: Walk, here: Installation) -> None:
    """Drafts that two people change, what is published, compared, taken back, and put away."""
    anna, other = signed_in(here, name="Анна"), signed_in(here, name="Олег")
    here.form("zq4", BEFORE)
    walk.see(anna, "/console/forms/zq4/publish")
    versions = [served(here, "zq4").version]
    for content in (AFTER, LAST, AFTER):
        save(here, "zq4", content)
        walk.see(anna, "/console/forms/zq4/compare?from=" + versions[-1] + "&to=draft")
        walk.see(anna, "/console/forms/zq4/publish")
        walk.do(anna, "/console/forms/zq4/publish", {"revision": str(revision(here, "zq4"))})
        versions.append(served(here, "zq4").version)
    walk.see(anna, f"/console/forms/zq4/compare?from={versions[0]}&to={versions[1]}")
    walk.see(anna, f"/console/forms/zq4/compare?from={versions[1]}&to={versions[1]}")
    save(here, "zq4", "# 1\n" + AFTER)
    walk.see(anna, "/console/forms/zq4/publish")
    walk.see(anna, "/console/forms/zq4/versions")
    walk.do(other, "/console/forms/zq4/yaml", {"revision": "0", "text": LAST}, 409)
    walk.do(other, "/console/forms/zq4/yaml", {"revision": str(revision(here, "zq4")), "base": "", "text": LAST})
    walk.do(other, "/console/forms/zq4/discard", {"revision": "0"}, 409)
    walk.do(other, f"/console/forms/zq4/versions/{versions[0]}/restore")
    walk.see(anna, "/console/forms/zq4/publish")
    walk.do(anna, "/console/forms/zq4/publish", {"revision": str(revision(here, "zq4"))}, 409)
    walk.do(anna, "/console/forms/zq4/publish", {"revision": str(revision(here, "zq4")), "replace": "0"}, 409)
    here.form("zq4", LAST)
    walk.see(anna, "/console/forms/zq4")
    walk.see(anna, "/console/forms/zq4/publish")
    walk.do(anna, "/console/forms/zq4/discard", {"revision": str(revision(here, "zq4"))})
    walk.do(other, "/console/forms/zq4/yaml", {"revision": "0", "text": AFTER}, 409)
    save(here, "zq4", BEFORE)
    walk.do(anna, "/console/forms/zq4/archive")
    for tab in ("", "/change", "/publish", "/versions"):
        walk.see(anna, f"/console/forms/zq4{tab}")
    walk.do(anna, "/console/forms/zq4/discard", {"revision": str(revision(here, "zq4"))})
    walk.see(anna, "/console/forms/zq4/publish")
    walk.see(anna, "/console/forms")


def revision(here: Installation, name: str) -> int:
    draft = drafting.current(here.store, here.site.office.catalog, name)
    assert draft is not None
    return draft.revision


HTML = """<h1>Форма</h1><form action="/1"><label>Имя <input name="zq_x"></label>
<label>Почта <input name="email" type="email"></label></form>"""


def walk_the_beginnings(walk: Walk, here: Installation) -> None:
    anna = signed_in(here, name="Анна")
    for data in (
        {"name": "1 2"},
        {"name": "zq1", "template": "contact", "account": "form:zq2"},
        {"name": "zq4", "template": "contact", "account": "form:zq2"},
        {"name": "zq5", "begin": "template"},
        {"name": "zq5", "begin": "copy"},
    ):
        walk.do(anna, "/console/forms/new", {"begin": "template", **data}, 422)
    walk.see(anna, "/console/forms/new?begin=copy&copy=zq1")
    walk.do(anna, "/console/forms/new", {"name": "zq5", "begin": "copy", "copy": "zq2"})
    for tab in ("", "/change", "/publish", "/versions"):
        walk.see(anna, f"/console/forms/zq5{tab}")
    walk.know(import_notes(here, HTML * 2))
    walk.do(anna, "/console/forms/new", {"name": "zq6", "begin": "html", "html": HTML * 2, "html_account": "form:zq2"})
    with pytest.raises(ValueError) as refused:
        form_templates.from_html("0", ADAPTERS)
    walk.know([re.escape(str(refused.value))])
    walk.do(anna, "/console/forms/new", {"name": "zq7", "begin": "html", "html": "0"}, 422)


def import_notes(here: Installation, html: str) -> list[str]:
    """What `flask forms import` notes: technical, in English, and the same in a terminal and here."""
    notes = [note for each in form_templates.from_html(html, ADAPTERS) for note in each.notes]
    return [re.escape(note).replace("form", r"\w+") for note in notes]


def vendors_words(html: str) -> list[str]:
    """What the emulated vendors answer: their words, never ours."""
    said = (each.get_text() for each in BeautifulSoup(html, "html.parser").select("p.soft"))
    return [
        re.escape(" ".join(each.split()).removeprefix("It says: ")) for each in said if each.startswith("It says: ")
    ]


def walk_the_tests(walk: Walk, here: Installation, vendor: ScriptedVendor) -> None:
    editor, anna = signed_in(here, "editor", "Ева"), signed_in(here, name="Анна")
    right = {f"a-{name}": value for name, value in ANSWERS.items()}
    walk.see(editor, "/console/forms/zq1/test")
    walk.see(anna, "/console/forms/zq2/test")
    here.form("zq8", FILES)
    walk.see(anna, "/console/forms/zq8/test")
    walk.see(anna, "/console/forms/zq8/change")
    walk.do(anna, "/console/forms/zq1/test", {"to": "sandbox"}, 422)
    for form, email in (("zq1", "bo"), ("zq1", "dup"), ("zq1", "down"), ("zq2", "bo")):
        answer = anna.post(f"/console/forms/{form}/test", {**right, "a-email": f"{email}@example.com", "to": "sandbox"})
        walk.know(vendors_words(answer.text))
        walk.do(anna, f"/console/forms/{form}/test", {**right, "a-email": f"{email}@example.com", "to": "sandbox"})
    vendor.start_over()
    walk.do(anna, "/console/forms/zq2/test", {**right, "to": "vendor"})
    walk.do(editor, "/console/forms/zq2/test", {**right, "to": "vendor"}, 403)
    for form in ("zq1", "zq2"):
        walk.do(anna, f"/console/forms/{form}/check")
    accept = {"Accept": "text/html", "Accept-Language": LANGUAGE}
    walk._look("what a preview posts", here.client.post("/console/forms/zq1/tried", headers=accept), 200, 2)
    accept["Accept"] = "application/json"
    walk._look("what its script posts", here.client.post("/console/forms/zq1/tried", headers=accept), 200, 1)


def test_nothing_of_the_console_is_left_in_english(
    here: Installation, install: Install, vendor: ScriptedVendor, monkeypatch: pytest.MonkeyPatch
) -> None:
    walk = Walk(here.app)
    walk_the_door(walk, here, monkeypatch)
    walk_the_account(walk, here)
    walk_the_empty(walk, here, install)
    walk_the_leads(walk, here, vendor)
    walk_the_pages(walk, here)
    walk_the_forms(walk, here)
    walk_the_changes(walk, here)
    walk_the_beginnings(walk, here)
    walk_the_tests(walk, here, vendor)
    walk_the_troubles(walk, here, monkeypatch)
    walk_the_numbers(walk, here)
    walk_the_people(walk, here)
    walk.see(signed_in(here, name="Анна"), "/console/audit")
    walk_to_the_shut_door(walk, here)
    views = {rule.endpoint for rule in here.app.url_map.iter_rules() if "GET" in (rule.methods or ())}
    assert {each for each in views if each.startswith("console.")} - walk.endpoints == set()
    assert {path.stem for path in TEMPLATES.glob("*.html")} - {Path(each).stem for each in walk.templates} == PARTS
    assert walk.found == {}


# --- which language, and what a translation may do ---


def test_the_console_speaks_what_its_reader_likes_best_of_what_there_is(here: Installation) -> None:
    nobody = stranger(here)
    for liked, spoken in (
        ("ar-EG,en;q=0.5", "ar"),
        ("fr,ar;q=0.4,en;q=0.2", "ar"),
        ("en-GB,ar;q=0.9", "en"),
        ("", "en"),
    ):
        page = nobody.get("/console/login", headers={"Accept-Language": liked}).text
        assert f'<html lang="{spoken}" dir="{"rtl" if spoken == "ar" else "ltr"}">' in page, liked


def test_the_visitors_keep_the_language_of_their_form(here: Installation) -> None:
    page = here.client.get("/f/zq2", headers={"Accept-Language": LANGUAGE}).text
    assert '<html lang="en" dir="ltr"' in page
    assert "⟦" not in page


def test_a_translation_and_its_values_are_never_taken_for_html(
    here: Installation, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("leadferry.web.console.language.translate", lambda text, *_: f"<i>{text}</i>")
    save(here, "zq2", SHORT + "# 1\n", by="<b>Ян</b>")
    page = signed_in(here, name="Анна").get("/console/forms/zq2").text
    assert "<i>" not in page
    assert "&lt;i&gt;Saved <time" in page
    assert "by &lt;b&gt;Ян&lt;/b&gt;" in page


def test_the_template_for_translators_is_in_step(tmp_path: Path) -> None:
    """Whoever changes a text and forgets `make translations` is told here."""
    renewed = tmp_path / "console.pot"
    translations.write(renewed, texts())
    below = [path.read_text("utf-8").partition("\n\n")[2] for path in (renewed, translations.TEMPLATE)]
    assert below[0] == below[1]


def test_a_language_is_added_with_one_file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """It begins as a copy of the template, and the visitors' texts are not asked for."""
    monkeypatch.setattr(translations, "CATALOGUES", tmp_path)
    folder = tmp_path / "it" / "LC_MESSAGES"
    folder.mkdir(parents=True)
    (folder / "console.po").write_bytes(translations.TEMPLATE.read_bytes())
    assert translations.paths() == []
    [path] = translations.paths(languages.CONSOLE)
    source = texts()
    assert len(translations.renew(path, source)) == len(source)
    assert "nplurals=2" in path.read_text("utf-8")
    assert path.with_suffix(".mo").exists()


def test_every_catalogue_of_the_console_is_whole() -> None:
    """There is none yet; the first one is held to this."""
    for path in translations.paths(languages.CONSOLE):
        found = translations.read(path)
        assert translations.untranslated(found) == [], path
        for message in found:
            texts, strings = ([each] if isinstance(each, str) else list(each) for each in (message.id, message.string))
            known = set(re.findall(r"\{[a-z_]+\}", " ".join(texts)))
            assert set(re.findall(r"\{[a-z_]+\}", " ".join(strings))) <= known, message.id


# --- that nothing else is said ---


@pytest.mark.parametrize("path", sorted(TEMPLATES.glob("*.html")), ids=lambda path: path.name)
def test_a_template_says_nothing_that_cannot_be_translated(path: Path) -> None:
    source = path.read_text("utf-8")
    html = re.sub(r"\{#.*?#\}|\{%.*?%\}|\{\{.*?\}\}", "", source, flags=re.DOTALL)
    html = re.sub(r'data-(?:chart|counts)=""', "", html)
    page = BeautifulSoup(html, "html.parser")
    said = [words for where, words in read_by_people(page) if re.search("[A-Za-z]", words)]
    assert [each for each in said if each not in SAID_AS_IT_IS] == []
    assert [each for each in jinja_words(source) if each not in SAID_AS_IT_IS] == []


SAID_AS_IT_IS = {
    "Leadferry",
    "· Leadferry",
    "/f/",
    "www.example.com/quote",
    "utm_campaign",
    *("narrow", "medium", "wide"),  # widths of a page: the content of a block for a class
    *("plain small", "plain danger", "plain small danger", " wrong", " here", " help-"),  # classes
    *("flask users invite", "flask db upgrade", "measure: progress", "</form>", "<form"),  # to be typed, or to be found
    'id="c-" name="" aria-describedby="trouble-" aria-invalid="true"',  # attributes that a macro writes
    *("dup@example.com", "down@example.com"),
}


def jinja_words(source: str) -> Iterator[str]:
    """Texts in a template's code that look like words for people, those apart that are translated."""
    tree = Environment(extensions=[]).parse(source)
    ours = {id(each) for call in tree.find_all(nodes.Call) if is_marked(call) for each in call.args[:2]}
    for each in tree.find_all(nodes.Const):
        if (
            isinstance(each.value, str)
            and id(each) not in ours
            and re.search(r"^[A-Z][a-z]|[a-z] [a-zA-Z]", each.value)
        ):
            yield each.value


def is_marked(call: nodes.Call) -> bool:
    return isinstance(call.node, nodes.Name) and call.node.name in {"_", "ngettext"}


@pytest.mark.parametrize("path", sorted((REPOSITORY / "static").glob("console*.js")), ids=lambda path: path.name)
def test_a_script_has_no_words_of_its_own(path: Path) -> None:
    code = re.sub(r"/\*.*?\*/|//[^\n]*", "", path.read_text("utf-8"), flags=re.DOTALL)
    literals = [each[1:-1] for each in re.findall(r'"[^"\n]*"|`[^`]*`', code)]
    wordy = [each for each in literals if re.search(r"^[A-Z][a-z]+(?: |$|\.)|^[a-z]+ [a-z ]+$|\} [a-z]+$", each)]
    assert [each for each in wordy if each not in {"use strict"}] == []


CODE = REPOSITORY / "leadferry" / "web" / "console"
MARKS = {"_", "ngettext", "sentence", "plural"}
FOR_NOBODY = re.compile(
    r"the store did not answer|a count could not be made"  # lines of the log
    r"|^(?:[A-Z][a-z]+-)+[A-Z][a-z]+$|^Accept$|^Lax$|^attachment; "  # headers
    r"|^Message$|^Error$"  # the protocol's
    r"|^View$|^Etc/"  # names in code
    r"|^sent again$|^the console, by "  # kept in the store; the page that shows it tells it anew
    r"|^<\w+"  # pieces of HTML
    r"|^Test|^12 Oak St$|^Austin$|^Lead$|^This is a test\.$"  # what a test lead is filled in with
)


@pytest.mark.parametrize(
    "path", sorted((REPOSITORY / "leadferry" / "web" / "console").glob("*.py")), ids=lambda p: p.name
)
def test_the_consoles_code_says_nothing_that_cannot_be_translated(path: Path) -> None:
    tree = ast.parse(path.read_text("utf-8"))
    skipped = {id(node) for call in ast.walk(tree) if is_mark(call) for node in ast.walk(call)}
    skipped |= {id(node.value) for node in ast.walk(tree) if isinstance(node, ast.Expr)}  # docstrings
    said = [
        node.value
        for node in ast.walk(tree)
        if isinstance(node, ast.Constant) and isinstance(node.value, str) and id(node) not in skipped
    ]
    wordy = [each for each in said if re.search(r"^[A-Z][a-z]+|[a-z],? [a-z]", each) and not FOR_NOBODY.search(each)]
    assert wordy == []


def is_mark(node: ast.AST) -> bool:
    return isinstance(node, ast.Call) and isinstance(node.func, ast.Name) and node.func.id in MARKS
