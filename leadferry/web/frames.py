"""A form inside another page's frame."""

from __future__ import annotations

from flask import Request, request

from leadferry.forms import Form


def is_framed(asking: Request) -> bool:
    return asking.headers.get("Sec-Fetch-Dest") in {"iframe", "frame"}


def frame_classes(form: Form) -> str:
    """For the root element. ``clear``: the page around it shows through, as the theme fixes no colours of its own."""
    clear = not {"background", "text"} & set(form.theme)
    return " ".join(["framed"] * is_framed(request) + ["clear"] * clear)
