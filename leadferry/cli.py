"""The `flask` commands: what the person who hosts types."""

from __future__ import annotations

import csv
import json
import signal
import sys
import threading
import time
from collections.abc import Iterable, Sequence
from datetime import UTC, datetime
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import click
from flask import Flask, current_app
from flask.cli import AppGroup, with_appcontext

from leadferry import leads, metrics, outbox, privacy
from leadferry.backup import back_up
from leadferry.catalog import check_folder
from leadferry.chores import chores
from leadferry.config import SettingsError
from leadferry.delivery import attempt, missing_fields, probe_account
from leadferry.fields import CAMPAIGN, RESERVED
from leadferry.form_file import Problem, Surroundings
from leadferry.forms import Form
from leadferry.html_import import VendorHint, import_forms
from leadferry.leads import Filter
from leadferry.store import StoreError, upgrade
from leadferry.submission import read
from leadferry.vendors import ADAPTERS
from leadferry.vendors.base import Adapter, as_text
from leadferry.web.site import Site
from leadferry.worker import Worker

ASK_ABOVE = 100
"""Leads that a person in a terminal is asked about before they are sent again."""


def register(app: Flask) -> None:
    for command in (forms_group, leads_group, vendors_group, db_group, worker, sandbox):
        app.cli.add_command(command)


def _app() -> Site:
    """For what needs no database, and for what brings the database about."""
    found: Site = current_app.extensions["leadferry"]
    return found


def _site() -> Site:
    """Ends the command with one line where the database cannot be used."""
    try:
        _app().office.store.require_schema()
    except SettingsError as error:
        _fail(f"leadferry: {error}")
    return _app()


def _print_json(found: Any) -> None:
    click.echo(json.dumps(found, indent=2, ensure_ascii=False))


def _fail(message: str) -> None:
    click.echo(message, err=True)
    sys.exit(1)


# --- forms ---

forms_group = AppGroup("forms", help="Form files.")


@forms_group.command("check")
@click.argument("path", required=False, type=click.Path(path_type=Path))
@with_appcontext
def forms_check(path: Path | None) -> None:
    """Validate form files; each problem is `file:line: key: what is wrong, and how to mend it`."""
    settings = _app().settings
    folder = path or settings.forms_dir
    if not folder.exists():
        _fail(f"{folder}: there is no such file or folder")
    problems = [
        _relative(problem, settings.root) for problem in check_folder(folder, Surroundings(ADAPTERS, settings.secret))
    ]
    for problem in problems:
        click.echo(str(problem))
    mistakes = [problem for problem in problems if not problem.warning]
    if mistakes:
        sys.exit(1)
    count = len(list(folder.glob("*.yaml"))) if folder.is_dir() else 1
    click.echo(f"{count} form file{'' if count == 1 else 's'} checked, no mistakes.", err=True)


def _relative(problem: Problem, root: Path) -> Problem:
    path = Path(problem.path)
    shown = path.relative_to(root) if path.is_relative_to(root) else path
    return Problem(str(shown), problem.line, problem.key, problem.message, problem.warning)


@forms_group.command("import")
@click.argument("page", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@click.option(
    "--into", type=click.Path(file_okay=False, path_type=Path), help="The folder to write to; default FORMS_DIR."
)
@click.option("--stdout", is_flag=True, help="Print the form files, write nothing.")
@with_appcontext
def forms_import(page: Path, into: Path | None, stdout: bool) -> None:
    """Write a form file from each HTML form of a page."""
    try:
        found = import_forms(
            page.read_bytes().decode("utf-8", "replace"), page.name, vendors=_hints(), known=tuple(RESERVED)
        )
    except ValueError as error:
        _fail(f"{page}: {error}")
        return
    if not found:
        _fail(f"{page}: no form that takes leads was found")
    folder = into or _app().settings.forms_dir
    for form in found:
        if stdout:
            click.echo(form.yaml)
        else:
            click.echo(f"wrote {_write_new(folder, form.name, form.yaml)}")
        for note in form.notes:
            click.echo(f"  {note}", err=True)


def _hints() -> list[VendorHint]:
    """How a page shows its vendor; one with an address of its own choice is the default, as it can be anybody's."""
    adapters = sorted(ADAPTERS.values(), key=lambda each: (each.default_url is not None, each.takes_files))
    return [_hint(each) for each in adapters]


def _hint(adapter: Adapter) -> VendorHint:
    keys = [each.name for each in adapter.settings if each.required]
    keys += [key for key in (adapter.credentials or ((),))[0] if key not in keys]
    if adapter.default_url is None and "url" not in keys:
        keys.insert(0, "url")
    host = urlsplit(adapter.default_url or "").hostname
    return VendorHint(
        name=adapter.name,
        hosts=(host,) if host else (),
        control_names=("web_key",) if "web_key" in keys else (),
        settings={key: f"${{{adapter.name}_{key}}}".upper() for key in keys},
        takes_files=adapter.takes_files,
    )


def _write_new(folder: Path, name: str, text: str) -> Path:
    """Never over an existing file."""
    folder.mkdir(parents=True, exist_ok=True)
    for number in range(1, 1000):
        path = folder / f"{name if number == 1 else f'{name}-{number}'}.yaml"
        try:
            with path.open("x", encoding="utf-8") as file:
                file.write(text)
        except FileExistsError:
            continue
        return path
    raise click.ClickException(f"{folder} has a thousand forms called {name}")


# --- leads ---

leads_group = AppGroup("leads", help="The leads in the store.")

_STATES = click.Choice([*outbox.STATES, "quarantined"])


def _filters(command: Any) -> Any:
    options: Sequence[Any] = (
        click.option("--form", help="Only this form."),
        click.option("--state", type=_STATES, help="Only leads in this state."),
        click.option("--vendor", help="Only leads for this vendor."),
        click.option("--email", help="Only leads with this e-mail address."),
        click.option("--since", help="Only leads received since then: 2025-12-31, 2025-12-31T18:00, or 24h, 7d ago."),
        click.option("--until", help="Only leads received before then."),
        click.option("--test/--no-test", default=None, help="Only test leads, or none of them."),
    )
    for option in reversed(options):
        command = option(command)
    return command


def _filter(references: Sequence[str] = (), **options: Any) -> Filter:
    return Filter(
        references=tuple(references),
        form=options.get("form"),
        state=options.get("state"),
        vendor=options.get("vendor"),
        email=options.get("email"),
        since=_moment(options.get("since")),
        until=_moment(options.get("until")),
        test=options.get("test"),
    )


def _moment(text: str | None) -> float | None:
    """Seconds since 1970 from a date, a time in UTC, or an age."""
    if not text:
        return None
    ages = {"m": 60, "h": 3600, "d": 86_400}
    if text[-1] in ages and text[:-1].isdigit():
        return time.time() - int(text[:-1]) * ages[text[-1]]
    try:
        found = datetime.fromisoformat(text)
    except ValueError:
        raise click.BadParameter(f"{text!r} is not a time; write 2025-12-31, 2025-12-31T18:00 or 24h") from None
    return (found if found.tzinfo else found.replace(tzinfo=UTC)).timestamp()


@leads_group.command("list")
@_filters
@click.option("--all", "everything", is_flag=True, help="All of them, not only the newest 50.")
@click.option("--json", "as_json", is_flag=True, help="For programs.")
@with_appcontext
def leads_list(everything: bool, as_json: bool, **options: Any) -> None:
    """List leads, newest first."""
    store = _site().office.store
    rows = leads.find(store, _filter(**options), None if everything else 50)
    found = [leads.summary(store, row) for row in rows]
    if as_json:
        _print_json(found)
        return
    for each in found:
        click.echo(_line(each))
    if not found:
        click.echo("No leads.", err=True)


def _line(lead: dict[str, Any]) -> str:
    vendor = lead["deliveries"][0] if lead["deliveries"] else {}
    why = " ".join(str(part) for part in (vendor.get("error_code"), vendor.get("reason")) if part)
    also = "".join(f"  {each['destination']}: {each['state']}" for each in lead["deliveries"][1:])
    return f"{lead['lead']}  {lead['received_at']}  {lead['form']:<16} {lead['state']:<11} {why}{also}".rstrip()


@leads_group.command("show")
@click.argument("reference")
@click.option("--json", "as_json", is_flag=True, help="For programs.")
@with_appcontext
def leads_show(reference: str, as_json: bool) -> None:
    """Show one lead: its values, and the ladder of attempts with what was sent and answered."""
    store = _site().office.store
    rows = leads.find(store, Filter(references=(reference,)), 1)
    if not rows:
        _fail(f"{reference}: there is no lead of this reference")
    found = leads.detail(store, rows[0])
    if as_json:
        _print_json(found)
    else:
        click.echo("\n".join(_page(found)))


def _page(lead: dict[str, Any]) -> Iterable[str]:
    yield f"{lead['lead']}  {lead['state']}  form {lead['form']} ({lead['version']})  received {lead['received_at']}"
    for name, value in lead["values"].items():
        yield f"  {name}: {value if isinstance(value, str) else ', '.join(value)}"
    for change in lead["cleaned"]:
        yield f"  cleaned {change['field']}: {change['reason']}, {change['before']} → {change['after']} characters"
    for delivery in lead["deliveries"]:
        where = f"{delivery['destination']} ({delivery['vendor']})"
        yield f"{where}: {delivery['state']} after {delivery['attempts']} attempts"
        for tried in delivery["history"]:
            yield from _rung(tried)
        if delivery["next_at"]:
            yield f"  next attempt {delivery['next_at']}"


def _rung(tried: dict[str, Any]) -> Iterable[str]:
    why = " ".join(part for part in (tried["reason"], tried["code"], tried["words"]) if part)
    what = f"{tried['trigger']}: {tried['outcome']} {why}"
    yield f"  {tried['number']}. {tried['at']} {what} ({tried['milliseconds']} ms)"
    for call in tried["calls"]:
        yield f"     sent {_shown_request(call['request'])}"
        yield f"     got  {call['status'] or 'no answer'} {(call['answer'] or '').strip()}".rstrip()


def _shown_request(request: dict[str, Any]) -> str:
    body = request.get("form", request.get("json"))
    return f"{request['method']} {_shown(request['url'])} {_shown_body(body)}"


def _shown_body(body: Any) -> str:
    if isinstance(body, list):
        return " ".join(f"{name}={_shown(value)}" for name, value in body)
    return json.dumps(body, ensure_ascii=False)


def _shown(value: Any) -> str:
    """A frozen text: secrets appear as their names."""
    if isinstance(value, list):
        return "".join(f"${{{part['secret']}}}" if isinstance(part, dict) else part for part in value)
    if isinstance(value, dict):
        return f"<{value['bytes']} bytes>"
    return str(value)


@leads_group.command("resend")
@click.argument("references", nargs=-1)
@_filters
@click.option("--set", "changes", multiple=True, metavar="NAME=VALUE", help="Mend a value of the one lead first.")
@click.option("--json", "as_json", is_flag=True, help="For programs.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@with_appcontext
def leads_resend(references: Sequence[str], changes: Sequence[str], as_json: bool, yes: bool, **options: Any) -> None:
    """Send leads again now: those named, or those that a filter finds. Delivered ones stay as they are."""
    if not references and not any(options.values()):
        _fail("Name leads or a filter, such as --form quote --state dead.")
    site = _site()
    rows = leads.find(site.office.store, _filter(references, **options), None)
    missing = {each.upper() for each in references} - {row.reference for row in rows}
    if missing:
        _fail(f"{', '.join(sorted(missing))}: there is no lead of this reference")
    if changes:
        _mend(site, rows, changes)
    if len(rows) > ASK_ABOVE and not yes and sys.stdin.isatty():
        click.confirm(f"Send {len(rows)} leads again?", abort=True)
    found = _resend(site, rows, show_progress=not as_json)
    if as_json:
        _print_json(found)
    else:
        click.echo(f"{len(found)} sent: " + _tally(found))


def _mend(site: Site, rows: Sequence[Any], changes: Sequence[str]) -> None:
    """Puts new values into a lead, held against its form as a visitor's are."""
    if len(rows) != 1:
        _fail("--set goes with one lead.")
    row = rows[0]
    form = site.office.catalog.version(row.form, row.version)
    if form is None:
        _fail(f"{row.reference}: the version of its form cannot be read, so the new values cannot be checked")
        return
    given = [change.partition("=") for change in changes]
    submission = read(form, [(name, value) for name, _, value in given])
    wrong = [error for error in submission.errors if error.field in {name for name, _, _ in given}]
    if wrong:
        _fail("\n".join(f"{error.field}: {error.message}" for error in wrong))
    values = {name: submission.values[name] for name, _, value in given if value and name in submission.values}
    leads.edit(site.office.store, row.id, values, [name for name, _, value in given if not value])


def _resend(site: Site, rows: Sequence[Any], *, show_progress: bool) -> list[dict[str, Any]]:
    store = site.office.store
    deliveries = [each for row in rows for each in outbox.of_lead(store, row.id)]
    open_ones = [each for each in deliveries if each.state not in {"delivered", "sending"}]
    outbox.reopen(store, [each.id for each in open_ones], time.time())
    for account in sorted({each.account for each in open_ones}):
        outbox.resume(store, account, time.time())
    tried = []
    with click.progressbar(open_ones, label="Sending", file=sys.stderr, hidden=not show_progress) as bar:
        for each in bar:
            for claim in outbox.claim_one(store, each.id, time.time()):
                attempt(site.office, claim, "resend")
                tried.append(each.lead_id)
    return [leads.summary(store, row) for row in leads.find(store, _by_id(rows, tried), None)]


def _by_id(rows: Sequence[Any], tried: Sequence[int]) -> Filter:
    wanted = set(tried)
    return Filter(references=tuple(row.reference for row in rows if row.id in wanted) or ("",))


def _tally(found: Sequence[dict[str, Any]]) -> str:
    states: dict[str, int] = {}
    for each in found:
        states[each["state"]] = states.get(each["state"], 0) + 1
    return ", ".join(f"{count} {state}" for state, count in sorted(states.items())) or "nothing was waiting"


@leads_group.command("erase")
@click.option("--email", required=True, help="Everything of the person with this address.")
@click.option("--json", "as_json", is_flag=True, help="For programs.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@with_appcontext
def leads_erase(email: str, as_json: bool, yes: bool) -> None:
    """Find a person everywhere, and erase what is personal; that there was a lead, when and where, stays."""
    store = _site().office.store
    ids = privacy.leads_of_person(store, email)
    found = [leads.summary(store, row) for row in leads.find(store, Filter(ids=tuple(ids)), None)] if ids else []
    if found and not as_json:
        click.echo("\n".join(_line(each) for each in found))
    if found and not yes:
        click.confirm(f"Erase everything personal of {_count(len(found))}?", abort=True)
    erased = privacy.erase(store, ids)
    left = len(privacy.leads_of_person(store, email))
    if as_json:
        _print_json({"erased": [each["lead"] for each in found], "left": left})
    elif not found:
        click.echo("No lead holds this address.")
    else:
        click.echo(f"Erased {_count(erased)}; {_count(left)} left with this address.")


def _count(number: int) -> str:
    return "1 lead" if number == 1 else f"{number} leads"


@leads_group.command("export")
@_filters
@click.option("--output", "-o", type=click.File("w", encoding="utf-8", lazy=True), default="-", help="A file.")
@click.option("--json", "as_json", is_flag=True, help="An array of leads instead of CSV.")
@with_appcontext
def leads_export(output: Any, as_json: bool, **options: Any) -> None:
    """Write leads with all their answers, as CSV for a spreadsheet or as JSON."""
    store, wanted = _site().office.store, _filter(**options)
    found = (leads.exported(row) for row in leads.each(store, wanted))
    if as_json:
        _export_json(output, found)
    else:
        names = list(dict.fromkeys(name for row in leads.each(store, wanted) for name in leads.exported(row)["values"]))
        _export_csv(output, found, names)


def _export_json(output: Any, found: Iterable[dict[str, Any]]) -> None:
    mark = "["
    for each in found:
        output.write(f"{mark}\n{json.dumps(each, ensure_ascii=False)}")
        mark = ","
    output.write("[]\n" if mark == "[" else "\n]\n")


def _export_csv(output: Any, found: Iterable[dict[str, Any]], names: Sequence[str]) -> None:
    table = csv.writer(output)
    own = ("lead", "form", "version", "received_at", "state")
    table.writerow([*own, *(for_spreadsheet(name) for name in names)])
    for each in found:
        values = (each["values"].get(name, "") for name in names)
        table.writerow([*(each[name] for name in own), *(for_spreadsheet(as_text(value)) for value in values)])


def for_spreadsheet(text: str) -> str:
    """A cell that begins like a formula gets an apostrophe before it, so that no spreadsheet runs it."""
    return f"'{text}" if text.startswith(("=", "+", "-", "@", "\t", "\r")) else text


@leads_group.command("balance")
@click.option("--json", "as_json", is_flag=True, help="For programs.")
@with_appcontext
def leads_balance(as_json: bool) -> None:
    """Add up where every lead stands; exit 1 where one is missing."""
    found = leads.balance(_site().office.store)
    if as_json:
        _print_json(found)
    else:
        parts = " + ".join(f"{found[state]} {state}" for state in (*outbox.STATES, "quarantined"))
        click.echo(f"received {found['received']} = {parts}: {'balanced' if found['balanced'] else 'NOT BALANCED'}")
    if not found["balanced"]:
        sys.exit(1)


# --- vendors ---

vendors_group = AppGroup("vendors", help="The accounts that forms send to.")


@vendors_group.command("test")
@click.argument("form")
@with_appcontext
def vendors_test(form: str) -> None:
    """Check the credentials and address of a form's vendors without creating a lead, where the vendor allows it."""
    office = _site().office
    found = office.catalog.get(form)
    if not isinstance(found, Form):
        problems = found.problems if found else ()
        _fail("\n".join(str(problem) for problem in problems) or f"{form}: there is no form of this name")
        return
    trouble = False
    for destination in found.destinations:
        fine, words = probe_account(office, destination)
        trouble = trouble or fine is False
        label = ADAPTERS[destination.adapter].label
        click.echo(f"{destination.name} ({label}): {words}")
        campaign = CAMPAIGN if found.campaign == "send" else ()
        missing = missing_fields(office, destination, [*found.by_name, *campaign]) if fine else []
        if missing:
            click.echo(f"  The account has no custom field for {', '.join(missing)}: {label} leaves these answers out.")
    if trouble:
        sys.exit(1)


# --- the rest ---

db_group = AppGroup("db", help="The database.")


@db_group.command("upgrade")
@with_appcontext
def db_upgrade() -> None:
    """Bring the schema up to date."""
    try:
        upgrade(_app().office.store)
    except StoreError as error:
        _fail(f"The database did not take it: {error}")
    click.echo("The schema is up to date.")


@db_group.command("backup")
@click.argument("target", type=click.Path(dir_okay=False, path_type=Path))
@with_appcontext
def db_backup(target: Path) -> None:
    """Copy a SQLite database whole, while everything runs."""
    try:
        back_up(_app().office.store, target)
    except SettingsError as error:
        _fail(str(error))
    click.echo(f"{target}: {target.stat().st_size:,} bytes")


@click.command("worker")
@click.option("--threads", default=16, show_default=True, help="Tries at the same time.")
@with_appcontext
def worker(threads: int) -> None:
    """Deliver what waits, and nothing else; as many of these as wanted, on as many machines."""
    stopping = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopping.set())
    site = _site()
    metrics.take_room()
    loop = Worker(site.office, threads, on_turn=chores(site.settings, site.office))
    loop.start()
    click.echo(f"Delivering with {threads} threads; Ctrl-C or SIGTERM stops after the tries under way.", err=True)
    while not stopping.wait(3600):
        pass
    loop.stop()


@click.command("sandbox")
@click.option("--port", default=8001, show_default=True)
@click.option("--host", default="127.0.0.1", show_default=True)
def sandbox(port: int, host: str) -> None:
    """Serve the emulated vendors, alone."""
    from leadferry.sandbox import serve  # noqa: PLC0415  # not needed by any other command

    click.echo(f"The emulated vendors are at http://{host}:{port}, what they received at http://{host}:{port}/inbox")
    serve(port, host)
