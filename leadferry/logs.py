"""Log lines as JSON, one a line, on standard error: what happened, to which lead, never what a visitor typed."""

from __future__ import annotations

import json
import logging
import re
import secrets
import sys
from contextvars import ContextVar
from datetime import UTC, datetime
from typing import Any

request_id: ContextVar[str | None] = ContextVar("request_id", default=None)

_OWN = frozenset(vars(logging.LogRecord("", 0, "", 0, "", (), None))) | {"message", "asctime", "taskName"}


def name_of_request(given: str) -> str:
    """The id that the request brings along, where that is one, or a new one; in every log line from here on."""
    name = given if re.fullmatch(r"[A-Za-z0-9\-]{8,64}", given) else secrets.token_hex(8)
    request_id.set(name)
    return name


class JsonFormatter(logging.Formatter):
    """Time, level, logger and message, then what the call gave as `extra`.

    Of an exception it keeps the type and where it was raised. Its text is left out: a vendor library may have put an
    address with a key in it there, or a value that somebody typed.
    """

    def format(self, record: logging.LogRecord) -> str:
        line: dict[str, Any] = {
            "at": datetime.fromtimestamp(record.created, UTC).isoformat(timespec="milliseconds"),
            "level": record.levelname.lower(),
            "logger": record.name,
            "message": record.getMessage(),
        }
        if request_id.get():
            line["request"] = request_id.get()
        line |= {name: value for name, value in vars(record).items() if name not in _OWN and value is not None}
        if record.exc_info and record.exc_info[0]:
            line["exception"] = record.exc_info[0].__name__
            line["where"] = _where(record.exc_info[2])
        return json.dumps(line, default=str)  # all ASCII: what a terminal would obey is escaped


def _where(traceback: Any) -> list[str]:
    """`file:line function` from the outermost call to the innermost."""
    found = []
    while traceback is not None:
        code = traceback.tb_frame.f_code
        found.append(f"{code.co_filename}:{traceback.tb_lineno} {code.co_name}")
        traceback = traceback.tb_next
    return found[-12:]


def set_up() -> None:
    """Our own loggers speak JSON; the server's keep their own form."""
    handler = logging.StreamHandler(sys.stderr)
    handler.setFormatter(JsonFormatter())
    logger = logging.getLogger("leadferry")
    logger.handlers = [handler]
    logger.setLevel(logging.INFO)
    logger.propagate = False
