"""The console at /console: where marketers change forms, and operators look after the leads."""

from __future__ import annotations

# Each module of views puts its own on the blueprint when it is imported.
from leadferry.web.console import entry, lead, leads, numbers, overview, pages, people
from leadferry.web.console.base import console, open_console

__all__ = ["console", "entry", "lead", "leads", "numbers", "open_console", "overview", "pages", "people"]
