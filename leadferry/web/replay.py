"""An old lead's form as its visitor saw it, as one page to keep: what was asked, promised and answered."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

from flask import current_app, g, render_template
from markupsafe import Markup

from leadferry.form_file import Surroundings, read_again
from leadferry.forms import Form
from leadferry.leads import iso
from leadferry.sealing import shown
from leadferry.store import Store
from leadferry.vendors import ADAPTERS
from leadferry.vendors.base import Value
from leadferry.web.pages import form_page

_MAIN = re.compile(r"<main\b[^>]*>(.*)</main>", re.DOTALL)


def seen_form(store: Store, row: Any) -> Form | None:
    """The version that a lead names, whether or not today's environment has the secrets that it names."""
    found = store.find_version(row.form, row.version)
    return read_again(row.form, found.content, Surroundings(ADAPTERS, lambda name: name)) if found else None


def replay(store: Store, row: Any) -> str | None:
    """The page of a lead's row, whole in itself and inert. None where the version cannot be read any more."""
    form = seen_form(store, row)
    if form is None:
        return None
    with current_app.test_request_context(f"/f/{form.name}"):
        g.framable = form
        page = form_page(form, list(_pairs(shown(row.answers))))
        main = _MAIN.search(page)
        return render_template(
            "replay.html",
            form=form,
            lead=row,
            received_at=iso(row.received_at),
            consent=row.consent or {},
            page=Markup(main[1]) if main else "",  # noqa: S704  # our own template's, escaped there
            style=Markup(_style()),  # noqa: S704  # our own file
        )


def _pairs(answers: Mapping[str, Value]) -> Iterator[tuple[str, str]]:
    for name, value in answers.items():
        for text in [value] if isinstance(value, str) else value:
            yield name, text


def _style() -> str:
    return (Path(current_app.static_folder or "") / "leadferry.css").read_text("utf-8")
