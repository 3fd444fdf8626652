"""Attribute lists (`{: #cookies }` on a line of its own, `{#cookies}` after a heading) in Markdown.

Several site generators understand them. Only the identifier is of use to us; left alone, the list
would show as text.
"""

import re

from markdown_it import MarkdownIt
from markdown_it.rules_core import StateCore

_ON_LAST_LINE = re.compile(r"(?P<text>.*?)\\?(?:\n|^)[ \t]*\{:(?P<list>[^{}\n]*)\}[ \t]*", re.DOTALL)
_AFTER_HEADING = re.compile(r"(?P<text>.*?)[ \t]*\{:?(?P<list>[^{}\n]*#[^{}\n]*)\}[ \t]*", re.DOTALL)
_IDENTIFIER = re.compile(r"#([A-Za-z][\w\-]*)")


def attribute_lists(md: MarkdownIt) -> None:
    """Teach `md` to take attribute lists out of the text and to keep the identifier in `meta`."""
    md.core.ruler.before("inline", "attribute_lists", _take_out)


def _take_out(state: StateCore) -> None:
    for opening, token in zip(state.tokens, state.tokens[1:], strict=False):
        if token.type != "inline":
            continue
        pattern = _AFTER_HEADING if opening.type == "heading_open" else _ON_LAST_LINE
        match = pattern.fullmatch(token.content)
        if match is None:
            continue
        token.content = match["text"].rstrip()
        if identifier := _IDENTIFIER.search(match["list"]):
            opening.meta["anchor"] = identifier.group(1)
