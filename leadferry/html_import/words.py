"""Text of a page, cleaned for its place: a label, a name, one line of a note."""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterable

LABEL_LENGTH = 100
"""Loose text longer than this is prose, not the label of the input that follows."""

_REQUIRED_WORD = r"(?:required|obligatorio|obligatoire|erforderlich|pflichtfeld)"
_REQUIRED_MARK = re.compile(rf"^\*+|\*+(?=\s*:?$)|[(\[]\s*{_REQUIRED_WORD}\s*[)\]]", re.IGNORECASE)


def collapse(text: str) -> str:
    """Each run of white space as one space. Cut after 5,000 characters, for no label or title needs more."""
    return " ".join(text[:5000].split())


def joined(pieces: Iterable[str]) -> str:
    return collapse("".join(pieces))


def printable(text: str) -> str:
    """Without the characters that YAML cannot hold and terminals obey; line ends, wide spaces and joiners stay."""
    return "".join(c for c in text if c.isprintable() or c in "\n\u200c\u200d" or unicodedata.category(c) == "Zs")


def one_line(text: str) -> str:
    """Printable, with each run of white space as one space."""
    return collapse(printable(text))


def exact_line(text: str) -> str:
    """Printable, in one line, with the spaces within it as they are: a name or a value to send."""
    return printable(text).replace("\n", "").strip()


def short(text: str) -> str:
    line = one_line(text)
    return line if len(line) <= 60 else f"{line[:59]}…"


def slug(text: str) -> str:
    plain = unicodedata.normalize("NFKD", text[:500]).encode("ascii", "ignore").decode().lower()
    return re.sub(r"[^a-z0-9]+", "-", plain).strip("-")[:50].strip("-")


def label_text(text: str) -> tuple[str, bool]:
    """A label without its colon and its mark of a required field, and whether it had that mark."""
    words = collapse(text)
    bare = _REQUIRED_MARK.sub(" ", words)
    return collapse(bare.strip(" \t:：*")), bare != words


def humanised(name: str) -> str:
    """`firstName`, `first_name`, `form[first-name]` and `first.name[]` all become `First name`."""
    inner = re.findall(r"\[([^\[\]]+)\]", name)
    words = re.sub(r"(?<=[a-z])(?=[A-Z])", " ", inner[-1] if inner else name)
    if not re.search(r"\s", name) and not words.isupper():
        words = words.lower()
    words = collapse(re.sub(r"[\W_]+", " ", words)) or "Field"
    return words[0].upper() + words[1:]
