"""Writes docs/vendors/fields.md from the table that adapters use: `python -m tools.vendor_fields`."""

from __future__ import annotations

from pathlib import Path

from leadferry.fields import RESERVED
from leadferry.vendors import ADAPTERS
from leadferry.vendors.names import PLACES, SPLIT

PAGE = Path(__file__).parents[1] / "docs" / "vendors" / "fields.md"

HEAD = """\
# Where each reserved name goes

Reserved names are those of a ClientTether form post, and mean the same in every form. ClientTether takes them as they
are, a webhook takes them in `fields`; elsewhere this table holds. Made by `python -m tools.vendor_fields`: change
`leadferry/vendors/names.py`, not this page.

"""

FOOT = """
"split": taken apart at the last space, and sent as `firstName` and `lastName` are. Where `name` is answered, it
overrides those two.

"–": no place of its own. The answer goes as every other name does that the vendor does not know: to aiCore and
LeadConduit under the name itself, to Kartra as a custom field with that identifier, to vcita in `request_data`.

A field's `send_as` and the vendor block's `fields` override all of this.

Formats differ too (`smsok` is Yes or No, yes or no, true or false): see each vendor's page.
"""


def page() -> str:
    vendors = [adapter for adapter in ADAPTERS.values() if any(adapter.name in row for row in PLACES.values())]
    rows = [["reserved name", *(adapter.label for adapter in vendors)], ["---"] * (len(vendors) + 1)]
    for name in RESERVED:
        places = PLACES.get(name, {})
        rows.append([f"`{name}`", *(shown(places.get(adapter.name)) for adapter in vendors)])
    return HEAD + "".join(f"| {' | '.join(row)} |\n" for row in rows) + FOOT


def shown(place: str | None) -> str:
    if place is None:
        return "–"
    return place if place == SPLIT else f"`{place}`"


if __name__ == "__main__":
    PAGE.write_text(page())
