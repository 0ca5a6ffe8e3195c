"""Brings leadferry/translations/ in step with what code and templates say, and compiles it: `make translations`.

There are two domains: `messages`, what visitors read, and `console`, what the console says. New texts are added to each
catalogue without a translation and are listed; texts that are gone are removed.

A new language for visitors begins as an empty folder, leadferry/translations/<its short name>/. One for the console
begins as a copy of console.pot, leadferry/translations/<its short name>/LC_MESSAGES/console.po.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from datetime import UTC, datetime
from pathlib import Path
from typing import Any

from babel import Locale
from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract_from_dir
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po

from leadferry import form_templates
from leadferry.languages import CATALOGUES, CONSOLE, VISITORS
from leadferry.messages import SENTENCES
from leadferry.vendors import ADAPTERS
from leadferry.web.console.form_editor import setting_label

ROOT = Path(__file__).resolve().parents[1]

TEMPLATE = CATALOGUES / f"{CONSOLE}.pot"
"""What a translation of the console begins with."""

HEADER = "# What Leadferry says to visitors, in {language}. `make translations` keeps it in step with the code.\n#"
TEMPLATE_HEADER = """\
# What Leadferry's console says, to be translated. `make translations` keeps it in step with the code.
# For a new language copy it to <the language's short name>/LC_MESSAGES/console.po, translate that, and run it again.
# A word in braces is a place for a value, and stays as it is; {unseen}, {link} and {end} stand around words.
#"""

KEYWORDS: Mapping[str, Any] = {"_": None, "ngettext": (1, 2), "sentence": None, "plural": (1, 2)}
"""What marks a text of the console, in code and templates; see leadferry/languages.py and leadferry/web/console."""


def texts() -> Catalog:
    """Every text that a visitor may read, with the files that say it."""
    found = Catalog()
    _add(found, "templates", [("console/**.html", "ignore"), ("**.html", "jinja2.ext:babel_extract")], {"_": None})
    for name, text in SENTENCES.items():
        found.add(text, locations=[("leadferry/messages.py", 1)], auto_comments=[name])
    return found


def console_texts() -> Catalog:
    """Every text of the console: of its templates, of the code, and the names of what a form can be made of."""
    found = Catalog(
        project="Leadferry",
        version="1",
        msgid_bugs_address="the issues of the project",
        header_comment=TEMPLATE_HEADER,
        fuzzy=False,
    )
    _add(found, "templates/console", [("**.html", "jinja2.ext:babel_extract")], KEYWORDS)
    _add(found, "leadferry", [("**.py", "python")], KEYWORDS)
    for template in form_templates.templates():
        for text in template.sentences:
            found.add(str(text), locations=[(f"leadferry/form_templates/{template.name}.yaml", 1)])
    for adapter in ADAPTERS.values():
        for setting in adapter.settings:
            found.add(str(setting_label(setting)), locations=[("leadferry/vendors", 1)])
    return found


def _add(found: Catalog, folder: str, methods: Iterable[tuple[str, str]], keywords: Mapping[str, Any]) -> None:
    extracted = extract_from_dir(ROOT / folder, list(methods), keywords=keywords, comment_tags=("translators:",))
    for filename, line, text, comments, _ in sorted(extracted, key=lambda each: (each[0], each[1])):
        found.add(text, locations=[(f"{folder}/{filename}", line)], auto_comments=comments)


def read(path: Path) -> Catalog:
    """The catalogue of one language; an empty one where the file is still to be made."""
    language = path.parents[1].name
    if not path.exists():
        return _empty(language)
    with path.open("rb") as file:
        return read_po(file, locale=language, abort_invalid=True)


def _empty(language: str) -> Catalog:
    name = Locale.parse(language).english_name or language
    return Catalog(
        locale=language,
        header_comment=HEADER.format(language=name),
        project="Leadferry",
        version="1",
        msgid_bugs_address="the issues of the project",
        last_translator="Leadferry",
        language_team=name,
        revision_date=datetime.now(UTC),
        fuzzy=False,
    )


def paths(domain: str = VISITORS) -> list[Path]:
    """The catalogues that there are; those of the visitors for each empty folder too."""
    folders = [folder / "LC_MESSAGES" for folder in sorted(CATALOGUES.iterdir()) if folder.is_dir()]
    found = [folder / f"{domain}.po" for folder in folders]
    return [each for each in found if each.exists() or (domain == VISITORS and not _speaks_console(each.parent))]


def _speaks_console(folder: Path) -> bool:
    return (folder / f"{CONSOLE}.po").exists()


def untranslated(catalogue: Catalog) -> list[Message]:
    return [message for message in catalogue if message.id and (message.fuzzy or not _is_whole(message.string))]


def _is_whole(string: str | Iterable[str] | None) -> bool:
    return bool(string) if isinstance(string, str) or string is None else all(string)


def renew(path: Path, source: Catalog) -> list[Message]:
    """Updates and compiles one catalogue; what it has no translation of."""
    catalogue = read(path)
    catalogue.update(source, no_fuzzy_matching=True, update_creation_date=False)
    path.parent.mkdir(parents=True, exist_ok=True)
    write(path, catalogue)
    with path.with_suffix(".mo").open("wb") as file:
        write_mo(file, catalogue)
    return untranslated(catalogue)


def write(path: Path, catalogue: Catalog) -> None:
    with path.open("wb") as file:
        write_po(file, catalogue, width=120, ignore_obsolete=True, sort_by_file=True, include_lineno=False)


def renew_template(path: Path) -> None:
    """Written only where a text has changed: its header names the time."""
    source = console_texts()
    before = path.read_bytes() if path.exists() else b""
    write(path, source)
    if _below_header(before) == _below_header(path.read_bytes()):
        path.write_bytes(before)


def _below_header(text: bytes) -> bytes:
    return text.partition(b"\n\n")[2]


def main() -> None:
    for domain, source in ((VISITORS, texts()), (CONSOLE, console_texts())):
        for path in paths(domain):
            missing = renew(path, source)
            print(f"{path.relative_to(ROOT)}: {len(source)} texts, {len(missing)} without a translation")
            for message in missing:
                print(f"  {message.id}")
    renew_template(TEMPLATE)


if __name__ == "__main__":
    main()
