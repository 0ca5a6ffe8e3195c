"""Turns the forms of an existing HTML page into form files.

Names, types, options and limits are what the page says. Labels, titles and traps are often only what it shows: those
are guessed, and the file's comments and the notes name each guess that a person should look at.

A page goes through the modules in this order: `reading` makes a `page` of it, `placing` gives each control the text
around it, `labels` chooses among those texts, `omissions` says what is left out, `fields` drafts a field, `draft` a
form, and `writing` makes the file's text. `words` cleans text for all of them.
"""

from __future__ import annotations

from collections.abc import Collection, Sequence

from leadferry.html_import.draft import Draft, ImportedForm, VendorHint
from leadferry.html_import.omissions import why_skipped
from leadferry.html_import.page import MAX_FIELDS, MAX_FORMS, MAX_NAME, MAX_PAGE
from leadferry.html_import.reading import read_page

__all__ = ["MAX_FIELDS", "MAX_FORMS", "MAX_NAME", "MAX_PAGE", "ImportedForm", "VendorHint", "import_forms"]


def import_forms(
    html: str, source: str = "", *, vendors: Sequence[VendorHint], known: Collection[str] = ()
) -> list[ImportedForm]:
    """Makes a form file of each form on the page; search boxes and logins are skipped, as the notes say.

    ``source`` is the page's file name or address. The vendor is the one whose host the form posts to, else the first
    whose control names it has, else the first. ``known`` are the field names that imply their own type.
    Raises ValueError where the page is too long, cannot be parsed, or holds no form to import.
    """
    if not vendors:
        raise ValueError("import_forms needs at least one vendor to choose from")
    page = read_page(html)
    drafts: list[Draft] = []
    skipped: list[str] = []
    if len(page.forms) > MAX_FORMS:
        skipped.append(f"Skipped all forms of the page after the first {MAX_FORMS}.")
    for form in page.forms[:MAX_FORMS]:
        draft = Draft(form, page, source, vendors, frozenset(known))
        reason = why_skipped(form) or draft.fill()
        if reason:
            skipped.append(f"Skipped {form.described()}: {reason}.")
        else:
            drafts.append(draft)
    if not drafts:
        raise ValueError(" ".join(["there is no form to import on this page.", *skipped]))
    return _finish(drafts, skipped)


def _finish(drafts: list[Draft], skipped: list[str]) -> list[ImportedForm]:
    """Gives the forms of one page file names and web keys of their own."""
    names: set[str] = set()
    keys: set[str] = set()
    finished = []
    for draft in drafts:
        name = _unused(draft.stem(), names)
        finished.append(draft.finish(name, keys, skipped if draft is drafts[0] else []))
    return finished


def _unused(stem: str, taken: set[str]) -> str:
    name, number = stem, 2
    while name in taken:
        name, number = f"{stem}-{number}", number + 1
    taken.add(name)
    return name
