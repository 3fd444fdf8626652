"""HTML that is safe to put on a page: an allow-list, applied last, whatever came before."""

import html
import re
from functools import lru_cache
from html.parser import HTMLParser

import nh3

SCHEMES = frozenset({"http", "https", "mailto", "tel"})
INLINE_TAGS = frozenset(
    {"a", "abbr", "b", "br", "code", "del", "em", "i", "ins", "s", "strong", "sub", "sup", "u"}
)
BLOCK_TAGS = frozenset(
    {"blockquote", "caption", "dd", "dl", "dt", "hr", "li", "ol", "p", "pre"}
    | {"table", "tbody", "td", "tfoot", "th", "thead", "tr", "ul"}
)
_TAGS = set(INLINE_TAGS | BLOCK_TAGS)
_ATTRIBUTES = {
    "a": {"href", "title"},
    "abbr": {"title"},
    "ol": {"start", "type"},
    "td": {"colspan", "rowspan"},
    "th": {"colspan", "rowspan", "scope"},
}
# The words inside these are not meant for a reader, so they go with their tags.
_WITH_CONTENT = {"script", "style", "template", "noscript"}
_SCHEME = re.compile(r"([a-z][a-z0-9+.\-]*):", re.IGNORECASE)
_PADDING = re.compile("[\x00-\x20\x7f\u200b\u2028\u2029\ufeff]+")
_LINK = re.compile(r"<a [^>]*href=")
_BREAKING = {"p", "li", "tr", "br", "pre", "blockquote", "dt", "dd", "caption", "hr"}


# Who writes has the whole text read again after each pause, and all its pieces but one are as they were.
_kept = lru_cache(maxsize=2048)


def safe_href(url: str) -> bool:
    """Return whether a link may stay: http, https, mailto, tel, or an anchor on the page.

    A relative address is refused too: the page it was written for is not the page it lands on.
    """
    # Browsers ignore such characters inside a scheme ("java\tscript:"), so they go first.
    address = _PADDING.sub("", html.unescape(url))
    if address.startswith("#"):
        return len(address) > 1
    scheme = _SCHEME.match(address)
    if scheme is None or scheme.group(1).lower() not in SCHEMES:
        return False
    return len(address) > len(scheme.group())


@_kept
def clean(markup: str) -> str:
    """Return `markup` with everything outside the allow-list taken out; its words stay."""
    return nh3.clean(
        markup,
        tags=_TAGS,
        attributes=_ATTRIBUTES,
        clean_content_tags=_WITH_CONTENT,
        url_schemes=set(SCHEMES),
        attribute_filter=lambda _tag, name, value: None if name == "href" and not safe_href(value) else value,
    )


class _Reader(HTMLParser):
    """Collects what a reader sees, one line per paragraph, item or row, cells parted by tabs."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.pieces: list[str] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        """Part the cells of a row; break the line before a block."""
        if tag in {"td", "th"}:
            self.pieces.append("\t")
        elif tag in _BREAKING:
            self.pieces.append("\n")

    def handle_endtag(self, tag: str) -> None:
        """Break the line after a block."""
        if tag in _BREAKING:
            self.pieces.append("\n")

    def handle_data(self, data: str) -> None:
        """Keep the words; a line end inside them is only a space."""
        self.pieces.append(re.sub(r"\s+", " ", data))


@_kept
def text_of(markup: str) -> str:
    """Return the words of clean `markup`, without tags."""
    reader = _Reader()
    reader.feed(markup)
    reader.close()
    lines = (line.strip(" \t") for line in "".join(reader.pieces).split("\n"))
    return "\n".join(re.sub(r" *\t *", "\t", re.sub(" {2,}", " ", line)) for line in lines if line)


def count_links(markup: str) -> int:
    """Return how many links clean `markup` holds; one whose address was refused is none."""
    return len(_LINK.findall(markup))
