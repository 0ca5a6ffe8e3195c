"""What was sent to a vendor and what it answered, as a person reads it. Secrets appear by their names."""

from __future__ import annotations

import json
from collections.abc import Iterator, Mapping
from typing import Any

from leadferry.web.console.language import _, ngettext


def request_text(request: Mapping[str, Any]) -> str:
    """A stored request: the line with its address, the headers, an empty line, and the body."""
    return "\n".join((f"{request['method']} {_shown(request['url'])}", *_headers(request), "", _body(request)))


def answer_text(call: Mapping[str, Any]) -> str:
    """A stored answer; JSON is set out in lines."""
    if call["status"] is None:
        return _("No answer.")
    return f"HTTP {call['status']}\n\n{_set_out(call['answer'] or '')}".rstrip()


def _headers(request: Mapping[str, Any]) -> Iterator[str]:
    for name, value in request.get("headers", {}).items():
        yield f"{name}: {_shown(value)}"
    if request.get("message_id"):
        yield f"webhook-id: {request['message_id']}"


def _body(request: Mapping[str, Any]) -> str:
    if "form" in request:
        return "\n".join(f"{name} = {_shown(value)}" for name, value in request["form"])
    return json.dumps(request.get("json"), indent=2, ensure_ascii=False)


def _set_out(text: str) -> str:
    try:
        return json.dumps(json.loads(text), indent=2, ensure_ascii=False)
    except ValueError:
        return text


def _shown(value: Any) -> str:
    if isinstance(value, list):
        return "".join(f"${{{part['secret']}}}" if isinstance(part, dict) else str(part) for part in value)
    if isinstance(value, dict):
        return _file(value.get("bytes"))
    return str(value)


def _file(size: int | None) -> str:
    if size is None:
        return _("(a file of ? bytes)")
    return ngettext("(a file of {count} byte)", "(a file of {count} bytes)", size, count=size)
