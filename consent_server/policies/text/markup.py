"""What is taken out of Markdown on the way to safe HTML, and the warnings that say so."""

import re
from html.parser import HTMLParser

from markdown_it.token import Token

from consent_server.policies.text.sanitise import BLOCK_TAGS, INLINE_TAGS, safe_href
from consent_server.policies.text.warnings import Code, TextWarning, excerpt

_ACTIVE = frozenset(
    {"script", "iframe", "object", "embed", "applet", "svg", "math", "base", "meta", "link", "style"}
)
_MAIL_ADDRESS = re.compile(r"[\w.+\-]+@[\w\-]+(?:\.[\w\-]+)+")
_KNOWN = INLINE_TAGS | BLOCK_TAGS


class _RawHtml(HTMLParser):
    """Notes what in a piece of raw HTML will not survive."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.found: list[tuple[Code, str]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Note the tag if it is not allowed, and each attribute that is not harmless."""
        if tag == "img":
            self.found.append(("image_removed", dict(attrs).get("alt") or ""))
        elif tag in _ACTIVE:
            self.found.append(("script_removed", f"<{tag}>"))
        elif tag not in _KNOWN:
            self.found.append(("raw_html_removed", f"<{tag}>"))
        for name, value in attrs:
            if name.startswith("on"):
                self.found.append(("event_handler_removed", f"{name} on <{tag}>"))
            elif tag == "a" and name == "href" and not safe_href(value or ""):
                self.found.append(_link(value or ""))

    def handle_comment(self, data: str) -> None:
        """Note the comment: its author may have believed it would be read."""
        self.found.append(("raw_html_removed", f"<!-- {excerpt(data, 30)} -->"))


def _link(url: str) -> tuple[Code, str]:
    return ("unsafe_link_removed", excerpt(url)) if url.strip() else ("empty_slot", "")


_WORDS: dict[str, str] = {
    "script_removed": "active content was removed: {}",
    "event_handler_removed": "an event handler was removed: {}",
    "raw_html_removed": "raw HTML was removed (its words were kept, if it has any): {}",
    "image_removed": "an image was removed: {}",
    "unsafe_link_removed": "a link was removed, its words were kept: {}",
    "link_repaired": "a link to a bare e-mail address was given its mailto: {}",
    "empty_slot": "a link has no address{}",
}


def take_out_unsafe(tokens: list[Token]) -> list[TextWarning]:
    """Drop images and unsafe links from `tokens` (in place) and return warnings, raw HTML included.

    Raw HTML stays in the tokens: the allow-list cleans it when the block is complete, since a tag
    and its end may be two tokens.
    """
    warnings: list[TextWarning] = []
    line = 1
    for token in tokens:
        if token.map:
            line = token.map[0] + 1
        found = _raw(token.content) if token.type == "html_block" else []
        for child in token.children or []:
            found += _child(child)
        _drop_orphans(token)
        for code, detail in found:
            message = _WORDS[code].format(detail or ("" if code == "empty_slot" else "(without text)"))
            warnings.append(TextWarning(code, "", message, line=line, detail=detail))
    return warnings


def _raw(markup: str) -> list[tuple[Code, str]]:
    reader = _RawHtml()
    reader.feed(markup)
    reader.close()
    return reader.found


def _child(child: Token) -> list[tuple[Code, str]]:
    if child.type == "html_inline":
        return _raw(child.content)
    if child.type == "image":
        child.hidden = True
        return [("image_removed", excerpt(child.content))]
    if child.type == "link_open" and not safe_href(url := str(child.attrGet("href") or "")):
        if _MAIL_ADDRESS.fullmatch(url):
            child.attrSet("href", f"mailto:{url}")
            return [("link_repaired", url)]
        child.hidden = True
        return [_link(url)]
    return []


def _drop_orphans(token: Token) -> None:
    """Remove the hidden children, and with a hidden link's opening its end."""
    if not token.children:
        return
    kept: list[Token] = []
    hidden_links: list[bool] = []
    for child in token.children:
        if child.type == "link_open":
            hidden_links.append(child.hidden)
        gone = hidden_links.pop() if child.type == "link_close" else child.hidden
        if not gone:
            kept.append(child)
    token.children = kept
