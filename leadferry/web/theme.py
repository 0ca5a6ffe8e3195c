"""A form's theme as CSS: the variables that static/leadferry.css reads."""

from __future__ import annotations

import re

from leadferry.colours import contrast, is_light, page_colours
from leadferry.forms import Form

KEYS = ("accent", "background", "text", "radius", "font", "spacing", "max_width")

# Within a rule's value none of these characters ends it, opens another rule or closes the style element.
_SAFE = re.compile(r"[\w#.,%\s/()'\-]+", re.ASCII)

_SOFTENED = 10.0
"""The contrast of text and background from which on a mixture of the two can be read too."""


def theme_css(form: Form) -> str:
    """One rule for the root element; empty where the form leaves everything as it is.

    A fixed background or text colour fixes the colour scheme too, so that what the theme does not name, and the
    browser's own parts of a field, suit it on a device set to dark.
    """
    theme = {key: form.theme[key] for key in KEYS if _is_value(form.theme.get(key, ""))}
    if theme.get("radius") == "0":
        theme["radius"] = "0px"  # the stylesheet calculates with it, which takes a length
    rules = [f"--lf-{key.replace('_', '-')}:{value}" for key, value in theme.items()]
    if "background" in theme:
        rules.append(f"color-scheme:{'light' if is_light(theme['background']) else 'dark'}")
    elif "text" in theme:
        rules.append(f"color-scheme:{'dark' if is_light(theme['text']) else 'light'}")
    if (contrast(*page_colours(theme)) or _SOFTENED) < _SOFTENED:
        rules += ["--soft:var(--lf-text)", "--edge:var(--lf-text)"]
    return f":root{{{';'.join(rules)}}}" if rules else ""


def _is_value(text: str) -> bool:
    """`inherit` leaves the stylesheet's own: there is nothing above the root to inherit from."""
    return text != "inherit" and bool(_SAFE.fullmatch(text)) and text.count("'") % 2 == 0
