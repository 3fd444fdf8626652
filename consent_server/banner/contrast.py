"""Contrast of two colours as WCAG 2.2 defines it (relative luminance, "contrast ratio"). Pure."""

import colorsys
import re

Colour = tuple[float, float, float]  # red, green, blue, each from 0 to 1

HEX = re.compile(r"#(?:([0-9a-f]{3})f?|([0-9a-f]{6})(?:ff)?)")
NUMBER = r"(\d+(?:\.\d+)?|\.\d+)"
OPAQUE = r"(?:\s*[,/]\s*(?:1(?:\.0+)?|100%))?"
RGB = re.compile(rf"rgba?\(\s*{NUMBER}(%?)[\s,]+{NUMBER}\2[\s,]+{NUMBER}\2{OPAQUE}\s*\)")
HSL = re.compile(rf"hsla?\(\s*{NUMBER}(?:deg)?[\s,]+{NUMBER}%[\s,]+{NUMBER}%{OPAQUE}\s*\)")
# The sixteen names of CSS 1 and a few that owners use; all others are written as numbers.
NAMES = {
    "aqua": "#0ff", "black": "#000", "blue": "#00f", "crimson": "#dc143c", "fuchsia": "#f0f", "gold": "#ffd700",
    "gray": "#808080", "green": "#008000", "grey": "#808080", "indigo": "#4b0082", "lime": "#0f0", "maroon": "#800000",
    "navy": "#000080", "olive": "#808000", "orange": "#ffa500", "purple": "#800080", "red": "#f00", "silver": "#c0c0c0",
    "teal": "#008080", "tomato": "#ff6347", "white": "#fff", "yellow": "#ff0",
}  # fmt: skip


def parse_colour(text: str) -> Colour | None:
    """Return an opaque CSS colour, or None for what cannot be known here: variables, mixes, transparency."""
    text = text.strip().lower()
    text = NAMES.get(text, text)
    if found := HEX.fullmatch(text):
        digits = found[2] or "".join(digit * 2 for digit in found[1])
        red, green, blue = (int(digits[at : at + 2], 16) / 255 for at in (0, 2, 4))
        return red, green, blue
    if found := RGB.fullmatch(text):
        red, green, blue = (min(float(found[at]) / (100 if found[2] else 255), 1.0) for at in (1, 3, 4))
        return red, green, blue
    if found := HSL.fullmatch(text):
        hue, saturation, lightness = (float(found[at]) for at in (1, 2, 3))
        return colorsys.hls_to_rgb(hue % 360 / 360, min(lightness / 100, 1), min(saturation / 100, 1))
    return None


def contrast(one: Colour, other: Colour) -> float:
    """Return the contrast ratio, from 1 to 21; the order of the two does not matter."""
    darker, lighter = sorted((_luminance(one), _luminance(other)))
    return (lighter + 0.05) / (darker + 0.05)


def _luminance(colour: Colour) -> float:
    red, green, blue = (
        part / 12.92 if part <= 0.04045 else ((part + 0.055) / 1.055) ** 2.4 for part in colour
    )
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue
