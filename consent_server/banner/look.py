"""How the banner looks: the colours that owners may set, the contrast that they must keep, the forms that a card may have.

Only forms other than the usual card in a corner weigh anything in the tag.
"""

from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import Any

from consent_server.banner.contrast import contrast, parse_colour

# What holds where the owner sets nothing, light and dark; the same as in widget/src/look.js.
COLOURS: Mapping[str, tuple[str, str]] = {
    "surface": ("#fff", "#1a212b"),
    "ink": ("#1b2430", "#edf1f6"),
    "soft": ("#566172", "#aab5c4"),
    "line": ("#ccc", "#444"),
    "accent": ("#1f4fd8", "#9db8ff"),
    "on-accent": ("#fff", "#0c1733"),
}
SCHEMES = ("", "dark-")
# WCAG 2.2 asks for 4.5 for text (1.4.3); several authorities look for more in a choice, so texts need 5 here. The
# surface of a button must stand out from the card by 3 (1.4.11).
TEXT, SURFACE = 5.0, 3.0
PAIRS = (
    ("ink", "surface", TEXT),
    ("soft", "surface", TEXT),
    ("on-accent", "accent", TEXT),
    ("accent", "surface", SURFACE),
)
UNREAD = "Write it as #rrggbb, rgb(), hsl() or a name, and opaque: its contrast has to be checked."
WEAK = "{front} on {back} has a contrast of {ratio:.2f}:1; at least {wanted:g}:1 is wanted."
# Tokens that are no custom properties: where the control that opens the preferences stands, and what a card is.
CHOICES: Mapping[str, tuple[str, ...]] = {
    "reopen": ("start", "end", "none"),
    "form": ("corner", "bottom", "dialog", "modal"),
}
CARD = "#csv-consent .csv-card"
DIALOG = (
    "@media(min-width:600px){"
    f"{CARD}{{inset:0;margin:auto;inline-size:min(480px,100% - 32px);block-size:fit-content}}"
    "}"
)
RULES: Mapping[str, str] = {
    "bottom": (
        f"{CARD}{{inset-inline:0;inset-block-end:0;inline-size:auto;max-block-size:100%;border-width:1px 0 0;border-radius:0;padding-block:8px 2px}}"
        "@media(min-width:800px){"
        f"{CARD}{{display:grid;grid-template-columns:1fr minmax(320px,auto);column-gap:40px;padding-block:12px 8px;padding-inline:max(16px,50% - 600px)}}"
        f"{CARD}>:is(h2,p,ul){{grid-column:1}}"
        f"{CARD}>div{{grid-area:1/2/span 2;align-self:end}}"
        f"{CARD}>div+div{{grid-area:3/2;align-self:start}}"
        "}"
    ),
    "dialog": DIALOG,
    "modal": DIALOG,
}


def styles(tokens: Mapping[str, str]) -> str:
    """Return the tokens as rules of a style sheet: custom properties, and what the form takes."""
    properties = "".join(f"--consent-{key}:{value};" for key, value in tokens.items() if key not in CHOICES)
    return (f":root{{{properties}}}" if properties else "") + RULES.get(tokens.get("form", ""), "")


def module(tokens: Mapping[str, str]) -> list[list[Any]]:
    """Return the module that makes a dialog of every card, as it stands in the wire form; none for other forms."""
    form = tokens.get("form")
    return [["dialog", {"modal": [form] if form == "modal" else []}]] if form in ("dialog", "modal") else []


def faults(tokens: Mapping[str, str]) -> dict[str, str]:
    """Return by token what is wrong with it, for owners to read: an unknown choice, a colour that hides a text."""
    return {fault.token: fault.text() for fault in found_faults(tokens)}


def found_faults(tokens: Mapping[str, str]) -> Iterator["Fault"]:
    """Yield what is wrong with the tokens of a look."""
    for name, value in tokens.items():
        if name in CHOICES and value not in CHOICES[name]:
            yield Fault(name, "choice")
    yield from _weak_pairs(tokens)


def _weak_pairs(tokens: Mapping[str, str]) -> Iterator["Fault"]:
    for index, scheme in enumerate(SCHEMES):
        colours = {name: tokens.get(scheme + name, usual[index]) for name, usual in COLOURS.items()}
        for front, back, wanted in PAIRS:
            mine = [name for name in (front, back) if scheme + name in tokens]
            unread = next((name for name in mine if parse_colour(colours[name]) is None), None)
            if unread:
                yield Fault(scheme + unread, "unread")
            elif mine and (ratio := _ratio(colours[front], colours[back])) < wanted:
                pair = f"{scheme}{front} {colours[front]}", f"{scheme}{back} {colours[back]}"
                # Cut, so that nothing that fails looks as if it passed.
                yield Fault(scheme + mine[0], "weak", *pair, ratio=int(ratio * 100) / 100, wanted=wanted)


@dataclass(frozen=True)
class Fault:
    """What is wrong with a token: a `choice` that there is not, a colour that is `unread`, a `weak` contrast."""

    token: str
    kind: str
    front: str = ""
    back: str = ""
    ratio: float = 0.0
    wanted: float = 0.0

    def text(self) -> str:
        """Return it as programs and the command line get it."""
        if self.kind == "choice":
            return f"One of: {', '.join(CHOICES[self.token])}."
        if self.kind == "unread":
            return UNREAD
        return WEAK.format(front=self.front, back=self.back, ratio=self.ratio, wanted=self.wanted)


def _ratio(front: str, back: str) -> float:
    """The contrast of two colours; 1, the lowest, where one of them cannot be read."""
    one, other = parse_colour(front), parse_colour(back)
    return contrast(one, other) if one and other else 1.0
