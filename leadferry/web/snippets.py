"""The ways to put a form on a page: what a marketer copies and pastes."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from functools import lru_cache

from flask import render_template

from leadferry import doctor
from leadferry.fields import KINDS
from leadferry.forms import Form
from leadferry.submission import HONEYPOT
from leadferry.web.campaign import names_of
from leadferry.web.height import framed_height
from leadferry.web.page_language import drawn_in
from leadferry.web.pages import conditions

WIDTHS = (280, 312, 344, 376, 420, 480, 576, 704)
"""Widths of a page's column, in pixels, at which the reserved height may change; a column of a phone's is below 420."""

PAGE_EDGES = 32
"""What a page usually leaves free beside its column on a phone, left and right together."""

_NOT_WORTH_A_STEP = 24


@dataclass(frozen=True)
class Height:
    """A reserved height: ``widest`` in the widest column, and how much more below each width."""

    widest: int
    steps: tuple[tuple[int, int], ...]

    def css(self, width: str, edges: int = 0) -> str:
        """The height as CSS, where ``width`` is 100 % of the column's width, or of the window's."""
        more = (f" + clamp(0px,({at + edges}px - {width})*999,{extra}px)" for at, extra in self.steps)
        return f"calc({self.widest}px{''.join(more)})"

    @property
    def tallest(self) -> int:
        return self.widest + sum(extra for _, extra in self.steps)


@dataclass(frozen=True)
class _Content:
    """A form, which another of the same name and content is equal to."""

    name: str
    version: str
    form: Form = field(compare=False)


def reserved(form: Form, *, at_first: bool = True) -> Height:
    """A narrower column never gets less than a wider one; a step of less than a line is merged with the next."""
    return _reserved(_Content(form.name, form.version, form), at_first)


@lru_cache(maxsize=512)
def _reserved(content: _Content, at_first: bool) -> Height:
    form = content.form
    height = widest = framed_height(form, WIDTHS[-1], at_first=at_first)
    steps: list[tuple[int, int]] = []
    for narrower, width in zip(WIDTHS[-2::-1], WIDTHS[:0:-1], strict=True):
        needed = framed_height(form, narrower, at_first=at_first)
        extra = needed - height
        if extra <= 0:
            continue
        if extra < _NOT_WORTH_A_STEP and not steps:
            widest, height = widest + extra, needed
        elif extra < _NOT_WORTH_A_STEP:
            at, before = steps.pop()
            steps.append((at, before + extra))
            height = needed
        else:
            steps.append((width, extra))
            height = needed
    return Height(widest, tuple(steps))


def script(form: Form, base: str) -> str:
    """A frame that works by itself, a link for where frames do not, and the script that improves both."""
    own = ",".join(name for name in names_of(form) if name in form.by_name)
    return _drawn("script", form, base, height=reserved(form), version=doctor.SNIPPET, own=own)


def iframe(form: Form, base: str) -> str:
    return _drawn("iframe", form, base, height=reserved(form, at_first=False), version=doctor.SNIPPET, edges=PAGE_EDGES)


def html(form: Form, base: str) -> str | None:
    """A form to be pasted; None where the form file has no web_key, which such a form must send, or a challenge, which
    it could not answer.
    """
    if not form.web_key or form.spam.challenge != "none":
        return None
    return _drawn("html", form, base, kinds=KINDS, conditions=conditions(form), honeypot=form.spam.honeypot or HONEYPOT)


KINDS_OF_SNIPPET: Mapping[str, Callable[[Form, str], str | None]] = {"script": script, "iframe": iframe, "html": html}


def _drawn(kind: str, form: Form, base: str, **values: object) -> str:
    with drawn_in(form.language):
        return render_template(f"snippets/{kind}.html", form=form, base=base, **values).strip() + "\n"
