"""Words of a plain text as HTML: escaped, with addresses made into links."""

import re
from html import escape
from itertools import pairwise

from consent_server.policies.text.words import CJK, display_width, is_mostly_cjk

_ADDRESS = re.compile(
    rf"(?P<url>https?://[^\s<>\"'“”‘’，。；、：！？（）《》{CJK}]+)"
    r"|(?P<mail>(?<![A-Za-z0-9._%+\-])[A-Za-z0-9][A-Za-z0-9._%+\-]{0,63}@(?:[A-Za-z0-9\-]{1,63}\.){1,8}[A-Za-z]{2,24})"
)
_TRAILING = ".,;:!?)]}"
_WRAPPED = 60
_ENDS = (".", "。", ";", "；", ":", "：", "!", "！", "?", "？")


def inline(text: str) -> str:
    """Return `text` as HTML: web and e-mail addresses become links, line ends become breaks."""
    pieces: list[str] = []
    end = 0
    for match in _ADDRESS.finditer(text):
        address = match.group().rstrip(_TRAILING)
        target = address if match["url"] else f"mailto:{address}"
        pieces.append(_escaped(text[end : match.start()]))
        pieces.append(f'<a href="{escape(target)}" rel="noopener noreferrer">{_escaped(address)}</a>')
        end = match.start() + len(address)
    pieces.append(_escaped(text[end:]))
    return "".join(pieces)


def join_lines(lines: list[str]) -> str:
    """Join the lines of a paragraph: a long line that ends without a stop was only wrapped."""
    text = lines[0]
    for before, line in pairwise(lines):
        if display_width(before) < _WRAPPED or before.endswith(_ENDS):
            text += "\n" + line
        elif is_mostly_cjk(before[-1]) and is_mostly_cjk(line[0]):
            text += line
        else:
            text += " " + line
    return text


def _escaped(text: str) -> str:
    return escape(text, quote=False).replace("\n", "<br>\n")
