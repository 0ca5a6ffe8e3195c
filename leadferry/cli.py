"""The `flask` commands: what the person who hosts types."""

from __future__ import annotations

import gc
import json
import signal
import sys
import threading
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import replace
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click
from flask import Flask, current_app
from flask.cli import AppGroup, with_appcontext

from leadferry import leads, metrics, outbox, privacy, users
from leadferry.backup import back_up
from leadferry.catalog import check_folder
from leadferry.chores import chores
from leadferry.config import SettingsError
from leadferry.delivery import attempt, missing_fields, probe_account
from leadferry.fields import CAMPAIGN, RESERVED
from leadferry.form_file import Problem, Surroundings
from leadferry.form_templates import hints
from leadferry.forms import Form
from leadferry.handling import mend
from leadferry.html_import import import_forms
from leadferry.languages import Sentence, sentence
from leadferry.leads import Filter
from leadferry.spreadsheet import csv_lines, names_of
from leadferry.store import Store, StoreError, upgrade
from leadferry.users import UserError
from leadferry.vendors import ADAPTERS
from leadferry.web.replay import replay
from leadferry.web.site import Site
from leadferry.worker import Worker

ASK_ABOVE = 100
"""Leads that a person in a terminal is asked about before they are sent again."""


def register(app: Flask) -> None:
    for command in (forms_group, leads_group, vendors_group, users_group, db_group, worker, sandbox):
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
            page.read_bytes().decode("utf-8", "replace"), page.name, vendors=hints(ADAPTERS), known=tuple(RESERVED)
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
    found = leads.summaries(store, rows)
    if as_json:
        _print_json(found)
        return
    for row, each in zip(rows, found, strict=True):
        click.echo(_line(each, row.quarantine or ()))
    if not found:
        click.echo("No leads.", err=True)


def _line(lead: dict[str, Any], suspicions: Sequence[str] = ()) -> str:
    vendor = lead["deliveries"][0] if lead["deliveries"] else {}
    why = " ".join(str(part) for part in (vendor.get("error_code"), vendor.get("reason"), *suspicions) if part)
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
    _say_how_to_release([row.reference for row in rows if row.quarantine is not None])


def _mend(site: Site, rows: Sequence[Any], changes: Sequence[str]) -> None:
    """Puts new values into a lead, held against its form as a visitor's are."""
    if len(rows) != 1:
        _fail("--set goes with one lead.")
    row = rows[0]
    given = [(name, value) for name, _, value in (change.partition("=") for change in changes)]
    wrong = mend(site.office.store, site.office.catalog, row, given)
    if wrong:
        _fail("\n".join(f"{error.field or row.reference}: {error.message}" for error in wrong))


def _resend(site: Site, rows: Sequence[Any], *, show_progress: bool) -> list[dict[str, Any]]:
    store = site.office.store
    of_leads = outbox.of_leads(store, [row.id for row in rows])
    deliveries = [each for row in rows for each in of_leads.get(row.id, ())]
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
    return leads.summaries(store, leads.find(store, _by_id(rows, tried), None))


def _say_how_to_release(held: Sequence[str]) -> None:
    """What is held as junk is not sent again."""
    if held:
        which = held[0] if len(held) == 1 else "LEAD …"
        click.echo(f"{len(held)} held as junk; what is none is sent by: flask leads release {which}", err=True)


def _by_id(rows: Sequence[Any], tried: Sequence[int]) -> Filter:
    wanted = set(tried)
    return Filter(references=tuple(row.reference for row in rows if row.id in wanted) or ("",))


def _tally(found: Sequence[dict[str, Any]]) -> str:
    states: dict[str, int] = {}
    for each in found:
        states[each["state"]] = states.get(each["state"], 0) + 1
    return ", ".join(f"{count} {state}" for state, count in sorted(states.items())) or "nothing was waiting"


@leads_group.command("release")
@click.argument("references", nargs=-1)
@click.option("--form", help="Everything that is held of this form.")
@click.option("--json", "as_json", is_flag=True, help="For programs.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@with_appcontext
def leads_release(references: Sequence[str], form: str | None, as_json: bool, yes: bool) -> None:
    """Deliver leads that were held because they looked like junk: those named, or all of a form."""
    if not references and not form:
        _fail("Name leads, or a form with --form.")
    site = _site()
    rows = leads.find(site.office.store, Filter(tuple(references), form=form, state="quarantined"), None)
    missing = {each.upper() for each in references} - {row.reference for row in rows}
    if missing:
        _fail(f"{', '.join(sorted(missing))}: there is no held lead of this reference")
    if len(rows) > ASK_ABOVE and not yes and sys.stdin.isatty():
        click.confirm(f"Deliver {len(rows)} leads?", abort=True)
    released = [row for row in rows if _release(site, row)]
    found = _resend(site, released, show_progress=not as_json) if released else []
    if as_json:
        _print_json(found)
    else:
        click.echo(f"{len(released)} released: " + _tally(found))


def _release(site: Site, row: Any) -> bool:
    version = site.office.catalog.version(row.form, row.version)
    if version is None:
        click.echo(f"{row.reference}: the version of its form cannot be read, so it stays held", err=True)
        return False
    return leads.release(site.office.store, row.id, version)


@leads_group.command("consent")
@click.argument("reference")
@click.option("--html", type=click.Path(dir_okay=False, path_type=Path), help="Write the form as its visitor saw it.")
@with_appcontext
def leads_consent(reference: str, html: Path | None) -> None:
    """Show what a visitor was asked to agree to and whether they did, in the words and the form of that day."""
    store = _site().office.store
    row = next(iter(leads.find(store, Filter(references=(reference,)), 1)), None)
    if row is None:
        _fail(f"{reference}: there is no lead of this reference")
        return
    if html:
        page = replay(store, row)
        if page is None:
            _fail(f"{reference}: version {row.version} of its form cannot be read")
            return
        html.write_text(page, "utf-8")
    received_at = leads.iso(row.received_at)
    _print_json({"lead": row.reference, "received_at": received_at, "version": row.version, "consent": row.consent})


@leads_group.command("erase")
@click.option("--email", required=True, help="Everything of the person with this address.")
@click.option("--json", "as_json", is_flag=True, help="For programs.")
@click.option("--yes", is_flag=True, help="Do not ask.")
@with_appcontext
def leads_erase(email: str, as_json: bool, yes: bool) -> None:
    """Find a person everywhere, and erase what is personal; that there was a lead, when and where, stays."""
    store = _site().office.store
    places = privacy.find_person(store, email)
    ids = list(places)
    rows = leads.find(store, Filter(ids=tuple(ids)), None) if ids else []
    found = leads.summaries(store, rows)
    if found and not as_json:
        for row, each in zip(rows, found, strict=True):
            click.echo(f"{_line(each)}  in {', '.join(places[row.id])}")
    if found and not yes:
        click.confirm(f"Erase everything personal of {_count(len(found))}?", abort=True)
    erased = privacy.erase(store, ids)
    left = len(privacy.leads_of_person(store, email))
    if as_json:
        where = {row.reference: list(places[row.id]) for row in rows}
        _print_json({"erased": [each["lead"] for each in found], "found_in": where, "left": left})
    elif not found:
        click.echo("No lead holds this address.")
    else:
        click.echo(f"Erased {_count(erased)}. The whole store was read again: {_count(left)} left with this address.")


def _count(number: int) -> str:
    return "1 lead" if number == 1 else f"{number} leads"


@leads_group.command("export")
@_filters
@click.option("--output", "-o", type=click.File("w", encoding="utf-8", lazy=True), default="-", help="A file.")
@click.option("--json", "as_json", is_flag=True, help="An array of leads instead of CSV.")
@with_appcontext
def leads_export(output: Any, as_json: bool, **options: Any) -> None:
    """Write leads with all their answers, as CSV for a spreadsheet or as JSON.

    With --email it is the answer to an access request: every lead that holds the address anywhere and, as JSON,
    everything that is kept of each.
    """
    store, email = _site().office.store, options.pop("email")
    wanted = _filter(**options)
    if email:
        wanted = replace(wanted, ids=tuple(privacy.leads_of_person(store, email)) or (0,))
    written = leads.exported if not email else lambda row: leads.detail(store, row)
    found = (written(row) for row in leads.each(store, wanted))
    if as_json:
        _export_json(output, found)
    else:
        names = names_of(leads.exported(row) for row in leads.each(store, wanted))
        output.writelines(csv_lines(found, names))


def _export_json(output: Any, found: Iterable[dict[str, Any]]) -> None:
    mark = "["
    for each in found:
        output.write(f"{mark}\n{json.dumps(each, ensure_ascii=False)}")
        mark = ","
    output.write("[]\n" if mark == "[" else "\n]\n")


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


# --- the console's users ---

users_group = AppGroup("users", help="Who may use the console.")
_ROLES = click.Choice(users.ROLES)
_password_stdin = click.option("--password-stdin", is_flag=True, help="Read the password from standard input.")


def _users_store() -> Store:
    store = _site().office.store
    if not users.is_ready(store):
        _fail("The schema is of the version before; run: flask db upgrade")
    return store


def _new_password(from_stdin: bool) -> str:
    if from_stdin:
        return sys.stdin.readline().rstrip("\r\n")
    return str(click.prompt("Password", hide_input=True, confirmation_prompt=True))


def _change_user(change: Callable[[Store], object], action: Sentence, name: str, said: str) -> None:
    store = _users_store()
    try:
        change(store)
    except UserError as error:
        _fail(str(error))
    users.audit(store, "flask users", action, name)
    click.echo(said)


@users_group.command("add")
@click.argument("name")
@click.option("--role", type=_ROLES, required=True, help="What the user may do; each may do what those before it may.")
@_password_stdin
@with_appcontext
def users_add(name: str, role: str, password_stdin: bool) -> None:
    """Let somebody into the console."""
    password = _new_password(password_stdin)
    _change_user(
        lambda store: users.add(store, name, role, password), sentence("user added"), name, f"{name} may come in."
    )


@users_group.command("list")
@click.option("--json", "as_json", is_flag=True, help="For programs.")
@with_appcontext
def users_list(as_json: bool) -> None:
    """List the users."""
    found = users.everyone(_users_store())
    if as_json:
        _print_json(
            [
                {"name": each.name, "role": each.role, "active": each.active, "created_at": leads.iso(each.created_at)}
                for each in found
            ]
        )
        return
    for each in found:
        click.echo(f"{each.name}  {each.role}{'' if each.active else '  switched off'}")
    if not found:
        click.echo("No users. A link to make the first: flask users invite", err=True)


@users_group.command("role")
@click.argument("name")
@click.argument("role", type=_ROLES)
@with_appcontext
def users_role(name: str, role: str) -> None:
    """Change what a user may do."""
    _change_user(
        lambda store: users.set_role(store, name, role), sentence("user role set"), name, f"{name} is {role} now."
    )


@users_group.command("password")
@click.argument("name")
@_password_stdin
@with_appcontext
def users_password(name: str, password_stdin: bool) -> None:
    """Set a user's password; all sessions of the user end."""
    password = _new_password(password_stdin)
    said = f"{name} has a new password."
    _change_user(lambda store: users.set_password(store, name, password), sentence("password changed"), name, said)


@users_group.command("disable")
@click.argument("name")
@with_appcontext
def users_disable(name: str) -> None:
    """Keep a user out from now on; all sessions of the user end."""
    _change_user(lambda store: users.disable(store, name), sentence("user switched off"), name, f"{name} is out.")


@users_group.command("invite")
@click.option("--name", help="For whom; without it, for the first user of all.")
@click.option("--role", type=_ROLES, default="operator", show_default=True)
@with_appcontext
def users_invite(name: str | None, role: str) -> None:
    """Print a one-time link, valid for a day, with which a person chooses a password."""
    store = _users_store()
    if name is None and not users.needs_first(store):
        _fail("There are users already; say for whom: flask users invite --name NAME --role ROLE")
    click.echo(users.link(users.invite(store, role, name), _app().settings.public_url))


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
@click.option("--threads", default=16, show_default=True, help="Tries at the same time for one account.")
@with_appcontext
def worker(threads: int) -> None:
    """Deliver what waits, and nothing else; as many of these as wanted, on as many machines."""
    stopping = threading.Event()
    for number in (signal.SIGTERM, signal.SIGINT):
        signal.signal(number, lambda *_: stopping.set())
    site = _site()
    metrics.take_room()
    loop = Worker(site.office, threads, on_turn=chores(site.settings, site.office))
    gc.collect()
    gc.freeze()  # as in gunicorn.conf.py
    loop.start()
    click.echo(f"Delivering, {threads} tries at once for an account; Ctrl-C or SIGTERM lets them end first.", err=True)
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
