"""Reads a form file and finds every mistake in it, each with its line, its key and the mend."""

from __future__ import annotations

import hashlib

from leadferry.form_file.block import Block
from leadferry.form_file.form import read_form
from leadferry.form_file.placeholders import Surroundings
from leadferry.form_file.plain import plain_tree
from leadferry.form_file.problems import Findings, FormFileError, Problem
from leadferry.form_file.tree import read_tree
from leadferry.forms import Form

__all__ = ["FormFileError", "Problem", "Surroundings", "load", "read_again", "version_of"]


def version_of(text: str) -> str:
    """The name of a content: twelve hex digits of its SHA-256, whatever the line ends."""
    return hashlib.sha256(text.replace("\r\n", "\n").encode("utf-8", "surrogatepass")).hexdigest()[:12]


def read_again(name: str, text: str, around: Surroundings) -> Form | None:
    """The form of a text that was right once, as far as it can be read today: to look at, not to send by."""
    findings = Findings(f"{name}.yaml")
    tree = read_tree(text.removeprefix("\ufeff"), findings)
    return read_form(name, version_of(text), Block(tree, "", findings), around) if tree else None


def load(name: str, text: str, path: str, around: Surroundings) -> tuple[Form, list[Problem]]:
    """The form of a file's text, and warnings.

    Raises:
        FormFileError: the file has mistakes.
    """
    findings = Findings(path)
    text_alone = text.removeprefix("\ufeff")
    tree = plain_tree(text_alone) or read_tree(text_alone, findings)
    form = read_form(name, version_of(text), Block(tree, "", findings), around) if tree else None
    if form is None or findings.mistakes():
        raise FormFileError(findings, form.web_key if form else None)
    return form, findings.warnings()
