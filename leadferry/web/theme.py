"""A form's theme as CSS: the variables that static/leadferry.css reads."""

from __future__ import annotations

import re

from leadferry.forms import Form

KEYS = ("accent", "background", "text", "radius", "font", "spacing", "max_width")

# Within a rule's value none of these characters ends it, opens another rule or closes the style element.
_SAFE = re.compile(r"[\w#.,%\s/()'\-]+", re.ASCII)

_LIGHT = 0.179
"""The relative luminance at which black and white text stand out equally well."""


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
        rules.append(f"color-scheme:{_scheme(theme['background'])}")
    elif "text" in theme:
        rules.append(f"color-scheme:{'light' if _scheme(theme['text']) == 'dark' else 'dark'}")
    return f":root{{{';'.join(rules)}}}" if rules else ""


def _is_value(text: str) -> bool:
    """`inherit` leaves the stylesheet's own: there is nothing above the root to inherit from."""
    return text != "inherit" and bool(_SAFE.fullmatch(text)) and text.count("'") % 2 == 0


def _scheme(colour: str) -> str:
    """Whether a colour is light or dark. One that is not written in hex counts as light."""
    digits = colour.removeprefix("#")
    if not re.fullmatch(r"[0-9a-fA-F]{3,8}", digits) or digits == colour:
        return "light"
    if len(digits) < 6:
        digits = "".join(digit * 2 for digit in digits[:3])
    red, green, blue = (_linear(int(digits[at : at + 2], 16) / 255) for at in (0, 2, 4))
    return "light" if 0.2126 * red + 0.7152 * green + 0.0722 * blue > _LIGHT else "dark"


def _linear(share: float) -> float:
    """An sRGB channel as light, as WCAG 2 defines relative luminance."""
    return share / 12.92 if share <= 0.04045 else float(((share + 0.055) / 1.055) ** 2.4)
