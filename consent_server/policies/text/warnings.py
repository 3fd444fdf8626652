"""What a reader of a policy's source should be told, though the text could be read."""

from dataclasses import asdict, dataclass
from typing import Any, Literal

Code = Literal[
    "bidi_control",
    "broken_anchor",
    "control_character",
    "duplicate_number",
    "empty_section",
    "empty_slot",
    "event_handler_removed",
    "image_removed",
    "invisible_character",
    "link_repaired",
    "no_headings",
    "no_title",
    "number_gap",
    "number_out_of_order",
    "raw_html_removed",
    "script_removed",
    "stray_markup",
    "unbalanced_quotes",
    "unsafe_link_removed",
]


@dataclass(frozen=True, slots=True)
class TextWarning:
    """One thing to look at in a source.

    `section` is the section's number, else its heading, else "" for the text before the first
    heading. `line` is the line in the canonical source, from 1; 0 when there is no single line.
    `detail` is the offending piece alone, so that a console can word the message in its language.
    """

    code: Code
    section: str
    message: str
    line: int = 0
    detail: str = ""

    def to_dict(self) -> dict[str, Any]:
        """Return the warning as JSON-ready data."""
        return asdict(self)


def excerpt(text: str, width: int = 60) -> str:
    """Return `text` on one line, cut at `width` characters."""
    line = " ".join(text.split())
    return line if len(line) <= width else line[: width - 1].rstrip() + "…"
