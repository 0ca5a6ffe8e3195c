"""The console at /console: where marketers change forms, and operators look after the leads."""

from __future__ import annotations

# Each module of views puts its own on the blueprint when it is imported.
from leadferry.web.console import entry, form_editor, forms, lead, leads, numbers, overview, pages, people, testing
from leadferry.web.console.base import console, open_console

__all__ = [
    "console",
    "entry",
    "form_editor",
    "forms",
    "lead",
    "leads",
    "numbers",
    "open_console",
    "overview",
    "pages",
    "people",
    "testing",
]
