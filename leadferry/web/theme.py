"""A form's theme as CSS: the variables that static/leadferry.css reads."""

from __future__ import annotations

import colorsys
import re

from leadferry.forms import Form

KEYS = ("accent", "background", "text", "radius", "font", "spacing", "max_width")

# Within a rule's value none of these characters ends it, opens another rule or closes the style element.
_SAFE = re.compile(r"[\w#.,%\s/()'\-]+", re.ASCII)

_LIGHT = 0.179
"""The relative luminance at which black and white text stand out equally well."""

_DARK_NAMES = frozenset(
    "black blue blueviolet brown crimson darkblue darkgreen darkmagenta darkolivegreen darkorchid darkred "
    "darkslateblue darkslategray darkslategrey darkviolet dimgray dimgrey firebrick green indigo maroon mediumblue "
    "mediumvioletred midnightblue navy purple rebeccapurple royalblue saddlebrown sienna slateblue teal".split()
)
"""Those of CSS's named colours that are below it."""


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
    """Whether a colour is light or dark. One that cannot be told counts as light."""
    red, green, blue = (_linear(share) for share in _shares(colour))
    return "light" if 0.2126 * red + 0.7152 * green + 0.0722 * blue > _LIGHT else "dark"


def _shares(colour: str) -> tuple[float, float, float]:
    """Red, green and blue of a CSS colour, each from 0 to 1."""
    if re.fullmatch(r"#[0-9a-fA-F]{3,8}", colour):
        return _of_hex(colour[1:])
    function, _, arguments = colour.partition("(")
    numbers = re.findall(r"([0-9]*\.?[0-9]+)(%?)", arguments)
    if len(numbers) < 3:
        return (0, 0, 0) if colour in _DARK_NAMES else (1, 1, 1)
    (first, unit), (second, _), (third, _) = numbers[:3]
    if function.startswith("hsl"):
        return colorsys.hls_to_rgb(float(first) / 360 % 1, float(third) / 100, float(second) / 100)
    whole = 100 if unit else 255
    return float(first) / whole, float(second) / whole, float(third) / whole


def _of_hex(digits: str) -> tuple[float, float, float]:
    if len(digits) < 6:
        digits = "".join(digit * 2 for digit in digits[:3])
    red, green, blue = (int(digits[at : at + 2], 16) / 255 for at in (0, 2, 4))
    return red, green, blue


def _linear(share: float) -> float:
    """An sRGB channel as light, as WCAG 2 defines relative luminance."""
    return share / 12.92 if share <= 0.04045 else float(((share + 0.055) / 1.055) ** 2.4)
