"""After a full run through every vendor with marked secrets: not one of them is found anywhere it could be read."""

from __future__ import annotations

import base64
import json
import logging
import re
from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import quote

import pytest
from sqlalchemy import text, update

from leadferry import models
from leadferry.alerts import Alerts
from leadferry.forms import Form
from leadferry.logs import JsonFormatter
from tests.conftest import Install
from tests.installation import Installation, serve
from tests.systems.accounts import FIELDS, SECRETS, VENDORS
from tests.web.forms import BROWSER, FRAMED, SCRIPT

pytestmark = pytest.mark.thorough_on_postgresql  # what may stand nowhere is the same on each

SSN, BORN = "078-05-1120", "1974-03-27"
ENVIRON = {name: f"mArKeD-{number}-{name.lower()}/+x" for number, name in enumerate(SECRETS)}
ENVIRON |= {
    "WEBHOOK_SECRET": "whsec_" + base64.b64encode(b"mArKeD-webhook-secret-of-32-byte").decode(),
    "LEADCONDUIT_FLOW_ID": "mArKeD5f1e0d2c3b4a596877",
    "LEADCONDUIT_SOURCE_ID": "mArKeD5ec12e75ec12e75ec1",
    "TURNSTILE_SECRET": "mArKeD-turnstile-secret",
}
LITERAL = {name: value.replace("mArKeD", "wRiTtEn") for name, value in ENVIRON.items()}
LITERAL["WEBHOOK_SECRET"] = "whsec_" + base64.b64encode(b"wRiTtEn-webhook-secret-of-32-byt").decode()
OWN = {
    "SECRET_KEY": "mArKeD key that signs the tokens",
    "SENSITIVE_KEY": "mArKeD key that seals the answers",
    "SMTP_URL": "smtp://alerts:mArKeD-mail@127.0.0.1:9",
    "ALERT_EMAIL": "host@example.com",
}
PERSON = {"firstName": "Jane", "lastName": "Doe", "ssn": SSN, "dob": BORN, "smsok": "1"}
KINDS = f"{FIELDS}  - {{name: ssn, type: ssn}}\n  - {{name: dob, type: dob, sensitive: true}}\n"


class Echo:
    """A vendor that says back all that it was sent, headers and address included: the worst that one could do."""

    def __init__(self) -> None:
        self.heard: list[str] = []

    def __call__(self, environ: dict[str, Any], start_response: Any) -> Iterable[bytes]:
        body = environ["wsgi.input"].read(int(environ.get("CONTENT_LENGTH") or 0)).decode("utf-8", "replace")
        headers = {name: value for name, value in environ.items() if name.startswith("HTTP_")}
        self.heard.append(f"{environ['PATH_INFO']}?{environ['QUERY_STRING']} {headers} {body}")
        words = f"You said {self.heard[-1]}"
        said = {
            "Message": "Error",
            "msg": words,
            "message": words,
            "error": words,
            "outcome": "failure",
            "reason": words,
        }
        answer = json.dumps(
            {**said, "status": "Error", "type": "999", "url": f"https://leadferry.invalid/error?msg={words}"}
        )
        status = "422 No" if environ["PATH_INFO"].endswith("refuse") else "200 OK"
        start_response(status, [("Content-Type", "application/json"), ("Content-Length", str(len(answer)))])
        return [answer.encode()]


@pytest.fixture(scope="module")
def echo() -> Iterator[tuple[Echo, str]]:
    vendor = Echo()
    with serve(vendor) as url:  # type: ignore[arg-type]  # any WSGI application will do
        yield vendor, url


def file(vendor: str, url: str, literals: dict[str, str] | None = None, keys: str = "") -> str:
    block = VENDORS[vendor].replace("${SANDBOX}", url)
    for name, value in (literals or {}).items():
        block = block.replace(f"${{{name}}}", value)
    return f"title: {vendor}\nfields:{KINDS}\nvendor:{block}  wait: 5\n{keys}"


def forms(url: str) -> dict[str, str]:
    """Each vendor with secrets from the environment, with secrets in the file itself, and behind a closed port."""
    found: dict[str, str] = {}
    for vendor in VENDORS:
        found[vendor] = file(vendor, url)
        found[f"{vendor}-literal"] = file(vendor, url, LITERAL)
        found[f"{vendor}-gone"] = file(
            vendor, "http://127.0.0.1:9", keys="on_error_url: https://www.example.com/oops\n"
        )
    turnstile = "spam: {challenge: turnstile, site_key: 0x4, secret: '${TURNSTILE_SECRET}'}\n"
    return found | {"judged": file("webhook", "http://127.0.0.1:9", keys=turnstile)}


class Places:
    """Everything that was said, by where it was said."""

    def __init__(self) -> None:
        self.said: list[tuple[str, str]] = []

    def add(self, place: str, *texts: object) -> None:
        self.said.extend((place, str(each)) for each in texts)

    def holding(self, words: Iterable[str]) -> set[str]:
        wanted = list(words)
        return {place for place, said in self.said if any(word in said for word in wanted)}


def spellings(value: str) -> set[str]:
    plain = value.removeprefix("whsec_")
    return {value, quote(value, safe=""), json.dumps(value)[1:-1], plain, base64.b64encode(value.encode()).decode()}


def visit(installation: Installation, places: Places) -> None:
    client = installation.client
    for name in forms(""):
        for path in (f"/f/{name}", f"/f/{name}/thanks", f"/f/{name}/snippet", f"/f/{name}/snippet?kind=html"):
            places.add("page", client.get(path).text)
        for number, headers in enumerate((SCRIPT, BROWSER, FRAMED)):
            person = {**PERSON, "email": f"{name}{number}@example.com"}
            answer = client.post(f"/f/{name}", data=person, headers=headers)
            places.add("answer", answer.text, answer.headers)
    for path in ("/healthz", "/readyz", "/metrics", "/nothing", "/console/"):
        places.add("page", client.get(path, follow_redirects=True).text)


def command(installation: Installation, places: Places) -> None:
    references = [each["lead"] for each in installation.leads()]
    assert len(references) == 3 * len(forms(""))
    lines = [["forms", "check"], ["leads", "list", "--all"], ["leads", "list", "--json"], ["leads", "balance"]]
    lines += [
        ["leads", "export"],
        ["leads", "export", "--json"],
        ["leads", "export", "--email", "kartra0@example.com", "--json"],
    ]
    lines += [["leads", "resend", *references[:4], "--json"], ["leads", "resend", "--state", "held"]]
    lines += [["leads", "show", each, *kind] for each in references for kind in ((), ("--json",))]
    lines += [["leads", "consent", references[0], "--html", str(installation.root / "seen.html")]]
    lines += [["vendors", "test", name] for name in forms("")]
    for line in lines:
        places.add(f"flask {' '.join(line[:2])}", installation.cli(*line).output)
    places.add("replay", (installation.root / "seen.html").read_text())


def look_inside(installation: Installation, places: Places) -> None:
    site = installation.site
    places.add("repr", repr(site.settings), repr(site), repr(site.office), repr(installation.store.sealer))
    for form in site.office.catalog.all().values():
        assert isinstance(form, Form), form
        places.add("repr", repr(form), repr(form.destinations), repr(form.spam), str(form.vendor.settings))
    with installation.store.read() as connection:
        for table in models.metadata.sorted_tables:
            if table.name != "form_version":  # keeps the files as they are, with what was written into them
                places.add("store", *connection.execute(text(f'SELECT * FROM "{table.name}"')))


def alert(installation: Installation, places: Places) -> None:
    with installation.store.write() as connection:
        connection.execute(update(models.account).values(waiting="misconfigured", reason="credentials", since=1.0))
    alerts = Alerts(installation.site.settings, installation.site.office)
    found = alerts.find()
    assert len(found) > 5
    places.add("alert", *found)
    alerts.report(found)


def files_of(store_path: Path | None) -> bytes:
    files = store_path.parent.glob(f"{store_path.name}*") if store_path else ()
    return b"".join(file.read_bytes() for file in files)


def test_no_secret_and_no_sensitive_answer_is_found_anywhere(
    install: Install, echo: tuple[Echo, str], caplog: pytest.LogCaptureFixture
) -> None:
    vendor, url = echo
    caplog.set_level(logging.DEBUG)
    environ = {**ENVIRON, **OWN, "ALERT_WEBHOOK_URL": f"{url}/mArKeD-hook", "ALLOW_PRIVATE_VENDORS": "1"}
    installation = install(forms(url), **environ)
    places = Places()
    visit(installation, places)
    command(installation, places)
    look_inside(installation, places)
    heard = " ".join(vendor.heard)
    alert(installation, places)
    for record in (each for each in caplog.records if each.name != "werkzeug"):  # the vendor's own server
        places.add("log", record.getMessage(), JsonFormatter().format(record))

    for number in ENVIRON:
        if number != "TURNSTILE_SECRET" and "whsec" not in ENVIRON[number]:
            assert spellings(ENVIRON[number]) & {word for word in spellings(ENVIRON[number]) if word in heard}, number
    assert BORN in heard, "the vendors were sent what the visitors typed"

    markers = {word for value in (*ENVIRON.values(), *LITERAL.values(), *OWN.values()) for word in spellings(value)}
    markers -= {OWN["ALERT_EMAIL"], *spellings(OWN["ALERT_EMAIL"])}
    assert places.holding(markers | {"mArKeD", "wRiTtEn"}) == set()
    own_page = re.compile(rf'name="(?:ssn|dob)"[^>]*value="(?:{SSN}|{BORN})"')  # the visitor's, who is asked to mend it
    places.said = [(place, own_page.sub("", said)) for place, said in places.said]
    assert places.holding((SSN, SSN.replace("-", ""), BORN, BORN.replace("-", ""))) == set()
    stored = files_of(installation.store.path)
    for marker in (*ENVIRON.values(), *OWN.values(), "mArKeD", SSN, SSN.replace("-", ""), BORN):
        assert marker == OWN["ALERT_EMAIL"] or marker.encode() not in stored, marker
