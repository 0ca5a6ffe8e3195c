"""Brings leadferry/translations/ in step with what code and templates say, and compiles it: `make translations`.

New texts are added to each catalogue without a translation and are listed; texts that are gone are removed. A new
language begins as an empty folder, leadferry/translations/<its short name>/.
"""

from __future__ import annotations

from datetime import UTC, datetime
from pathlib import Path

from babel import Locale
from babel.messages.catalog import Catalog, Message
from babel.messages.extract import extract_from_dir
from babel.messages.mofile import write_mo
from babel.messages.pofile import read_po, write_po

from leadferry.languages import CATALOGUES
from leadferry.messages import SENTENCES

ROOT = Path(__file__).resolve().parents[1]

HEADER = "# What Leadferry says to visitors, in {language}. `make translations` keeps it in step with the code.\n#"


def texts() -> Catalog:
    """Every text that a visitor may read, with the files that say it."""
    found = Catalog()
    templates = extract_from_dir(
        ROOT / "templates",
        [("**.html", "jinja2.ext:babel_extract")],
        keywords={"_": None},
        comment_tags=("translators:",),
    )
    for filename, line, text, comments, _ in templates:
        found.add(text, locations=[(f"templates/{filename}", line)], auto_comments=comments)
    for name, text in SENTENCES.items():
        found.add(text, locations=[("leadferry/messages.py", 1)], auto_comments=[name])
    return found


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


def paths() -> list[Path]:
    return [folder / "LC_MESSAGES" / "messages.po" for folder in sorted(CATALOGUES.iterdir()) if folder.is_dir()]


def untranslated(catalogue: Catalog) -> list[Message]:
    return [message for message in catalogue if message.id and (message.fuzzy or not message.string)]


def renew(path: Path, source: Catalog) -> list[Message]:
    """Updates and compiles one catalogue; what it has no translation of."""
    catalogue = read(path)
    catalogue.update(source, no_fuzzy_matching=True, update_creation_date=False)
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("wb") as file:
        write_po(file, catalogue, width=120, ignore_obsolete=True, sort_by_file=True, include_lineno=False)
    with path.with_suffix(".mo").open("wb") as file:
        write_mo(file, catalogue)
    return untranslated(catalogue)


def main() -> None:
    source = texts()
    for path in paths():
        missing = renew(path, source)
        print(f"{path.relative_to(ROOT)}: {len(source)} texts, {len(missing)} without a translation")
        for message in missing:
            print(f"  {message.id}")


if __name__ == "__main__":
    main()
