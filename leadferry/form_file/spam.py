"""Reads `spam`: what a form holds back beyond what every form does."""

from __future__ import annotations

import re

from leadferry.form_file.block import Block
from leadferry.form_file.placeholders import Placeholders, Surroundings
from leadferry.form_file.problems import quoted
from leadferry.forms import Spam
from leadferry.vendors.base import Secret, Template, Text


def read_spam(block: Block, around: Surroundings, form: str) -> Spam:
    inside = block.block("spam")
    if inside is None:
        return Spam()
    spam = Spam(
        honeypot=_honeypot(inside),
        suspects=inside.choice("suspects", ("hold", "deliver"), "hold"),
        words=tuple(dict.fromkeys(text.value for text in inside.texts("words"))),
        countries=_countries(inside),
        challenge=inside.choice("challenge", ("none", "altcha", "turnstile"), "none"),
        site_key=inside.text("site_key"),
        secret=_secret(inside, around, form),
        keep=inside.days("keep", Spam.keep),
    )
    _check_keys(inside, spam)
    inside.refuse_unknown("a spam block")
    return spam


def _honeypot(block: Block) -> str:
    name = block.text("honeypot")
    if not name or re.fullmatch(r"[A-Za-z][A-Za-z0-9_.\-]{0,99}", name, re.ASCII):
        return name
    block.problem("honeypot", f"{quoted(name)} is not a name", "write letters, digits, - and _ only, such as fax")
    return ""


def _countries(block: Block) -> tuple[str, ...]:
    found = []
    for text in block.texts("countries"):
        if re.fullmatch(r"[A-Za-z]{2}", text.value, re.ASCII):
            found.append(text.value.upper())
        else:
            what = f"{quoted(text.value)} is not a country's short name"
            block.problem("countries", what, "write its two letters, such as KP", line=text.line)
    return tuple(dict.fromkeys(found))


def _secret(block: Block, around: Surroundings, form: str) -> Text:
    text = block.text("secret")
    if not text or "${" in text:
        return Placeholders(block, around, f"{form}.spam").template("secret")
    what = "is a credential, and stands here for everybody to read"
    block.problem("secret", what, "write ${TURNSTILE_SECRET} here, and TURNSTILE_SECRET=… in .env", warning=True)
    return Template((Secret(f"{form}.spam.secret", text),))


def _check_keys(block: Block, spam: Spam) -> None:
    """Turnstile needs both of its keys, and nothing else has any; its judgement comes when the visitor has gone."""
    if spam.challenge == "turnstile" and spam.suspects == "deliver":
        block.problem("suspects", "does not go with Turnstile, which holds what it has not judged yet", "remove it")
    for key, value in (("site_key", spam.site_key), ("secret", spam.secret)):
        if spam.challenge == "turnstile" and not value:
            block.problem(key, "is missing", "write it as Cloudflare's dashboard shows it for your site")
        elif spam.challenge != "turnstile" and value:
            block.problem(key, "means nothing without `challenge: turnstile`", "remove it, or add the challenge")
