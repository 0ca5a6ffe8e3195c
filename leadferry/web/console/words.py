"""What several pages of the console say in the same way."""

from __future__ import annotations

from typing import Any

from flask import current_app, url_for

from leadferry.web.site import current_site


def place(endpoint: str, **values: Any) -> str | None:
    """The address of a page of the console, if this installation has it."""
    name = f"console.{endpoint}"
    return url_for(name, **values) if name in current_app.view_functions else None


def label_of(adapter: str) -> str:
    found = current_site().office.adapters.get(adapter)
    return found.label if found else adapter
