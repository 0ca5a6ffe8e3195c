"""Kartra's numbered results, and the error that carries one."""

from __future__ import annotations

from typing import Any

MESSAGES = {
    101: "Lead subscribed to list",
    103: "Tag added to lead",
    104: "Tag removed from lead",
    105: "Points added to lead",
    106: "Points removed from lead",
    107: "Lead added to sequence",
    112: "Lead subscribed to class",
    113: "Lead unsubscribed from class",
    201: "Connection not secure",
    202: "API key cannot be empty. Please get an API key first",
    203: "API key not valid. Please get an API key first",
    204: "API Account inactive",
    206: "email or lead id is required. Nothing done",
    207: "List cannot be empty",
    208: "List cannot be empty",
    209: "List does not exist",
    211: "Tag cannot be empty",
    212: "Tag does not exist",
    213: "Tag cannot be empty",
    214: "Tag does not exist",
    215: "Points cannot be empty",
    217: "Points cannot be empty",
    219: "Sequence does not exist",
    223: "'lead' not an array",
    224: "'actions' not an array",
    225: "Step cannot be empty",
    226: "Sequence cannot be empty",
    227: "Points is not a number",
    228: "Points is not a number",
    229: "Step has to be alphanumeric",
    230: "Step does not exist",
    231: "List does not exist",
    233: "API password not valid. Please get an API password first",
    234: "No lead found",
    236: "'get_lead' not an array",
    238: "App Id cannot be empty. Please get an App Id first",
    239: "App Id is not valid. The app does not exists or is inactive",
    240: "App Account inactive",
    242: "This API call was sent from an unauthorized IP",
    243: "No lead found",
    244: "Lead already exists",
    245: "Lead is deleted",
    254: "'cmd' is required",
    255: "Calendar cannot be empty",
    256: "Class cannot be empty",
    257: "Calendar does not exist",
    258: "Class does not exist",
    259: "No active/pending calendar subscription for this lead",
    260: "Invalid date format",
    261: "Date is in the past",
    262: "App does not have permission to execute this CMD",
    271: "Wrong custom field format",
}


class Refused(Exception):
    """An error of a documented type. `why` says what the sandbox minds where the type alone would not."""

    def __init__(self, kind: int, why: str = "") -> None:
        super().__init__(kind, why)
        self.kind = kind
        self.why = why

    def result(self) -> dict[str, Any]:
        message = MESSAGES[self.kind]
        return {"status": "Error", "message": f"{message}: {self.why}" if self.why else message, "type": str(self.kind)}


def done(kind: int, message: str = "") -> dict[str, Any]:
    return {"status": "Success", "message": message or MESSAGES[kind], "type": str(kind)}
