"""How LeadConduit's default integration takes fields out of a body."""

from __future__ import annotations

import re
from typing import Any
from xml.etree import ElementTree

from leadferry.sandbox.encodings import FORM, MAX_DEPTH, check_depth, decode_json, decode_pairs
from leadferry.sandbox.exchange import JSON, Received

# Names that would touch the prototype of an object in the vendor's own language.
_DROPPED = frozenset({"__proto__", "constructor"})
_CERTIFICATE = "trustedform_cert_url"
_MAX_ITEMS = 1000


class Unreadable(Exception):
    """The request is answered by a line of plain text before any field is looked at."""

    def __init__(self, status: int, text: str, headers: tuple[tuple[str, str], ...] = ()) -> None:
        super().__init__(text)
        self.status = status
        self.headers = headers


def read_body(received: Received) -> Any:
    if received.media_type == FORM:
        return _read_form(received)
    return _read_json(received) if received.media_type == JSON else _read_xml(received)


def trustedform_renamed(fields: dict[str, Any]) -> dict[str, Any]:
    """xxTrustedFormCertUrl in any case under its new name, both if both are there; the ping URL is dropped."""
    renamed: dict[str, Any] = {}
    for name, value in fields.items():
        lower = name.lower()
        if lower in {"xxtrustedformpingurl", "trustedform_ping_url"}:
            continue
        key = _CERTIFICATE if lower == "xxtrustedformcerturl" else name
        renamed[key] = [renamed[key], value] if key in renamed else value
    return renamed


def _read_form(received: Received) -> dict[str, Any]:
    fields: dict[str, Any] = {}
    for name, value in decode_pairs(received.body).pairs:
        path = name.split(".")
        if not all(path) or len(path) > MAX_DEPTH:
            raise Unreadable(400, f"Unable to parse body -- cannot nest {name[:60]!a}.")
        if not _DROPPED.intersection(path):
            _put(fields, path, value)
    return {name: _with_arrays(value) for name, value in fields.items()}


def _put(fields: dict[str, Any], path: list[str], value: str) -> None:
    """Sets the value at its place; where a text stands on the way to it, the text stays."""
    node = fields
    for name in path[:-1]:
        child = node.setdefault(name, {})
        if not isinstance(child, dict):
            return
        node = child
    last = path[-1]
    before = node.get(last)
    if isinstance(before, list):
        before.append(value)
    else:
        node[last] = [before, value] if isinstance(before, str) else value


def _with_arrays(value: Any) -> Any:
    """Objects whose names are 0, 1, 2, … as arrays."""
    if not isinstance(value, dict):
        return value
    children = {name: _with_arrays(child) for name, child in value.items()}
    if len(children) <= _MAX_ITEMS and list(children) == [str(place) for place in range(len(children))]:
        return list(children.values())
    return children


def _read_json(received: Received) -> Any:
    try:
        return decode_json(received.text)
    except ValueError:
        pass
    try:  # the vendor's own second attempt
        return decode_json(re.sub("[\r\n\t]", "", received.text))
    except ValueError as problem:
        raise Unreadable(400, f"Unable to parse JSON -- {problem}") from None


def _read_xml(received: Received) -> Any:
    try:
        if "<!DOCTYPE" in received.text:
            raise ValueError("a document type is not allowed")
        value = _element(ElementTree.fromstring(received.text), MAX_DEPTH)  # noqa: S314 - no DOCTYPE, so no entities
        check_depth(value)
    except (ElementTree.ParseError, ValueError, LookupError) as problem:
        raise Unreadable(400, f"Body does not contain XML or XML is unparseable -- {problem}") from None
    return value if isinstance(value, dict) else {}


def _element(element: ElementTree.Element, levels: int) -> Any:
    """A text, or an object of attributes and children; children of one name are an array."""
    if not levels:
        raise ValueError("too many levels")
    if not len(element) and not element.attrib:
        return element.text or ""
    found: dict[str, Any] = dict(element.attrib)
    for child in element:
        value = _element(child, levels - 1)
        before = found.get(child.tag)
        if isinstance(before, list):
            before.append(value)
        else:
            found[child.tag] = value if before is None else [before, value]
    return found
