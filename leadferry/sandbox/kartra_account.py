"""The demo account at Kartra: what was made in it beforehand, and its leads."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

# The 76 zones of the document, by their first part.
_ZONES = {
    "America": (
        "Los_Angeles Boise Chicago New_York Juneau Chihuahua Phoenix Regina Mexico_City Belize "
        "Indiana/Indianapolis Bogota Glace_Bay Caracas Santiago St_Johns Sao_Paulo "
        "Argentina/Buenos_Aires Nuuk"
    ),
    "Europe": "London Brussels Belgrade Sarajevo Amsterdam Bucharest Helsinki Athens Moscow",
    "Etc": "GMT+12 GMT+2",
    "Pacific": "Midway Honolulu Guam Fiji Auckland Tongatapu",
    "Atlantic": "Azores Cape_Verde Canary",
    "Africa": "Casablanca Algiers Cairo Harare Nairobi",
    "Asia": (
        "Jerusalem Kuwait Baghdad Tehran Dubai Baku Kabul Yekaterinburg Karachi Kolkata Kathmandu "
        "Dhaka Colombo Almaty Rangoon Bangkok Krasnoyarsk Shanghai Kuala_Lumpur Taipei Irkutsk "
        "Seoul Tokyo Yakutsk Vladivostok Magadan"
    ),
    "Australia": "Perth Darwin Adelaide Sydney Brisbane Hobart",
}
TIME_ZONES = frozenset(f"{region}/{city}" for region, cities in _ZONES.items() for city in cities.split())

TAGS = frozenset({"web", "quote", "newsletter", "demo", "customer"})
LISTS = frozenset({"Newsletter", "Leads", "Customers"})
SEQUENCES: Mapping[str, frozenset[str]] = {"Welcome": frozenset("12345"), "Follow up": frozenset("123")}
CALENDARS: Mapping[str, frozenset[str]] = {"Consultations": frozenset({"Introduction", "Follow up"})}


@dataclass(frozen=True)
class CustomField:
    """`options`: the text of each option by its id, for the kinds that have options."""

    kind: str
    options: Mapping[str, str] = field(default_factory=dict)


CUSTOM_FIELDS: Mapping[str, CustomField] = {
    "text1": CustomField("input_field"),
    "textarea1": CustomField("text_area"),
    "dropdown1": CustomField("drop_down", {"610": "Windows", "611": "Doors", "612": "Both"}),
    "radio1": CustomField("radio_button", {"615": "Own", "616": "Rent"}),
    "checkbox1": CustomField("checkbox", {"620": "Red", "621": "Green", "622": "Blue"}),
    **dict.fromkeys(("service", "page_url", "gclid"), CustomField("input_field")),
    **dict.fromkeys(("utm_source", "utm_medium", "utm_campaign"), CustomField("input_field")),
}


@dataclass
class Lead:
    id: str
    fields: dict[str, str] = field(default_factory=dict)
    custom: dict[str, Any] = field(default_factory=dict)
    tags: set[str] = field(default_factory=set)
    lists: set[str] = field(default_factory=set)
    sequences: dict[str, str] = field(default_factory=dict)
    classes: set[tuple[str, str]] = field(default_factory=set)
    points: int = 0
    deleted: bool = False

    def details(self) -> dict[str, Any]:
        return {
            "id": self.id,
            **self.fields,
            "points": str(self.points),
            "tags": [{"tag_name": name} for name in sorted(self.tags)],
            "lists": [{"list_name": name} for name in sorted(self.lists)],
            "sequences": [{"sequence_name": name, "step": step} for name, step in sorted(self.sequences.items())],
            "custom_fields": [{"field_identifier": key, "field_value": value} for key, value in self.custom.items()],
        }
