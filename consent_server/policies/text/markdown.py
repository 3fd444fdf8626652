"""Markdown (CommonMark and tables) to a document."""

from collections.abc import Iterator
from html import escape

from markdown_it import MarkdownIt
from markdown_it.token import Token

from consent_server.policies.text.assemble import Heading, assemble, slug
from consent_server.policies.text.attributes import attribute_lists
from consent_server.policies.text.canonical import canonical, visible
from consent_server.policies.text.document import Block, BlockKind, Document
from consent_server.policies.text.errors import SourceError
from consent_server.policies.text.markup import take_out_unsafe
from consent_server.policies.text.numbering import Numbering, read_marker
from consent_server.policies.text.sanitise import clean, count_links, text_of
from consent_server.policies.text.warnings import TextWarning, excerpt

_MOST_BRACKETS = 10_000

_KINDS: dict[str, BlockKind] = {
    "bullet_list_open": "list",
    "ordered_list_open": "list",
    "table_open": "table",
    "blockquote_open": "quote",
    "fence": "code",
    "code_block": "code",
    "hr": "rule",
}


def parse_markdown(source: str, *, language: str) -> Document:
    """Return the document of a Markdown text.

    Raises:
        SourceError: the text is empty, too large, too tangled, or holds NUL or a lone surrogate.
    """
    text = canonical(source, text_format="markdown")
    _refuse_tangled(text)
    md = _parser()
    env: dict[str, object] = {}
    tokens = md.parse(visible(text), env)
    warnings = take_out_unsafe(tokens)
    groups = list(_groups(tokens))
    title_at = _title_at(groups)
    title = text_of(_inline(md, groups[title_at], env)) if title_at is not None else ""
    rest = [group for at, group in enumerate(groups) if at != title_at]
    base = min((_heading_level(g) for g in rest if g[0].type == "heading_open"), default=1)
    items = list(_items(md, rest, base, env, warnings))
    return assemble(
        language=language, text_format="markdown", title=title, items=items, text=text, warnings=warnings
    )


def _refuse_tangled(text: str) -> None:
    """Refuse a paragraph with more brackets than any honest one: the time to read them grows with the square."""
    for paragraph in text.split("\n\n"):
        if max(paragraph.count("["), paragraph.count("<")) > _MOST_BRACKETS:
            message = f"a paragraph with more than {_MOST_BRACKETS:,} brackets: “{excerpt(paragraph)}”"
            raise SourceError("tangled", message)


def _parser() -> MarkdownIt:
    # Deep nesting is cut off without a word at `maxNesting`, so the limit is far above honest texts.
    md = MarkdownIt("commonmark", {"html": True, "maxNesting": 60}).enable("table")
    # Links are judged in one place, with a warning; here a refused link would stay as raw brackets.
    md.validateLink = lambda url: True  # type: ignore[method-assign]
    attribute_lists(md)
    return md


def _groups(tokens: list[Token]) -> Iterator[list[Token]]:
    """Yield the tokens of each top-level block."""
    group: list[Token] = []
    for token in tokens:
        group.append(token)
        if token.level == 0 and token.nesting <= 0:
            yield group
            group = []


def _heading_level(group: list[Token]) -> int:
    return int(group[0].tag.removeprefix("h"))


def _title_at(groups: list[list[Token]]) -> int | None:
    """Return the index of the title: the first heading, if it is of level 1 and without a number."""
    for at, group in enumerate(groups):
        if group[0].type == "heading_open":
            is_title = _heading_level(group) == 1 and read_marker(group[1].content.strip()) is None
            return at if is_title else None
    return None


def _inline(md: MarkdownIt, group: list[Token], env: dict[str, object]) -> str:
    return clean(str(md.renderer.render([group[1]], md.options, env))).strip()


def _items(
    md: MarkdownIt,
    groups: list[list[Token]],
    base: int,
    env: dict[str, object],
    warnings: list[TextWarning],
) -> Iterator[Heading | Block]:
    numbering = Numbering()
    for group in groups:
        if group[0].type == "heading_open":
            yield _heading(md, group, base, env, numbering)
        elif (block := _block(md, group, env)) is not None:
            yield block


def _heading(
    md: MarkdownIt, group: list[Token], base: int, env: dict[str, object], numbering: Numbering
) -> Heading:
    html = _inline(md, group, env)
    level = _heading_level(group) - base + 1
    line = _line(group[0])
    anchor = str(group[0].meta.get("anchor", ""))
    found = read_marker(text_of(html).replace("\n", " "))
    if found is None or not html.startswith(escape(found.raw)):
        return Heading(text_of(html), html, level, anchor=anchor, line=line)
    number, _depth = numbering.place(found)
    rest = html.removeprefix(escape(found.raw))
    return Heading(found.rest, rest, level, number, found.raw, anchor=anchor, line=line)


def _block(md: MarkdownIt, group: list[Token], env: dict[str, object]) -> Block | None:
    opening = group[0]
    for token in group:
        if token.type == "th_open":
            token.attrs = {"scope": "col"}
    html = clean(str(md.renderer.render(group, md.options, env))).strip()
    kind = _KINDS.get(opening.type, "paragraph")
    if opening.type == "html_block":
        kind, html = _raw_kind(html)
    words = text_of(html)
    if not words and kind != "rule":
        return None
    if anchor := str(opening.meta.get("anchor", "")):
        html = html.replace("<p>", f'<p id="s-{slug(anchor)}">', 1)
    rows = html.count("<tr>") - ("<thead>" in html)
    items = rows if kind == "table" else html.count("<li>")
    return Block(kind, words, html, items=items, links=count_links(html), line=_line(opening))


def _raw_kind(html: str) -> tuple[BlockKind, str]:
    """Return what a cleaned piece of raw HTML is; bare words become a paragraph."""
    for mark, kind in (("<table", "table"), ("<ul", "list"), ("<ol", "list"), ("<p", "paragraph")):
        if mark in html:
            return kind, html  # type: ignore[return-value]
    return "paragraph", f"<p>{html}</p>"


def _line(token: Token) -> int:
    return token.map[0] + 1 if token.map else 0
