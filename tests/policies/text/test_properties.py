"""What holds for every text, by property."""

import re

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from consent_server.policies.text import (
    SourceError,
    canonical,
    changed_sections,
    outline_differences,
    parse,
    text_sha256,
)
from consent_server.policies.text.canonical import visible
from tests.policies.text.test_hostile import Tags

FORMATS = ("markdown", "plain")
PIECES = st.sampled_from(
    [
        "# Title", "## 1. Data", "### 1.1 More", "1. One", "2. Two", "1.1 Sub", "一、总则", "（一）目的", "第一条 甲",
        "附录：乙", "Appendix: C", "1) item", "- item", "• item", "  - inner", "a. letter", "i. roman", "a\tb", "| a | b |",
        "| --- | --- |", "Words go on here, and on.", "文字，继续。", "[x](javascript:y)", "[x](#1)", "<script>", "</script>",
        "<b onclick=x>", "<!--", "-->", "{: #id }", "![i](x)", "", "", "> quote", "```", "    code", "e-mail: .", "**b**",
    ]
)  # fmt: skip
LINES = st.lists(st.one_of(PIECES, st.text(max_size=12)), max_size=30).map("\n".join)
TEXTS = st.one_of(LINES, st.text(max_size=200))

in_both_formats = pytest.mark.parametrize("text_format", FORMATS)


def read(text, text_format):
    try:
        return parse(text, language="en", format=text_format)
    except SourceError:
        return None


@in_both_formats
@settings(deadline=None, max_examples=150)
@given(text=TEXTS)
def test_making_canonical_text_canonical_changes_nothing(text_format, text):
    try:
        once = canonical(text, text_format=text_format)
    except SourceError:
        return

    assert canonical(once, text_format=text_format) == once
    assert "\r" not in once
    assert once.endswith("\n")


@in_both_formats
@settings(deadline=None, max_examples=300)
@given(text=TEXTS)
def test_every_text_is_read_or_refused_and_nothing_active_is_left(text_format, text):
    document = read(text, text_format)
    if document is None:
        return

    for tag, attributes in Tags(document.html).tags:
        assert tag not in {"script", "style", "iframe", "img", "svg", "form"}
        assert not any(name.startswith("on") for name in attributes)
        assert "javascript" not in attributes.get("href", "")
    anchors = [section.anchor for section in document.sections]
    assert len(anchors) == len(set(anchors))
    assert document.words >= 0
    assert len(text_sha256(document)) == 64


@in_both_formats
@settings(deadline=None, max_examples=200)
@given(text=LINES)
def test_the_same_text_reads_the_same_and_differs_in_nothing_from_itself(text_format, text):
    document = read(text, text_format)
    if document is None:
        return

    assert read(document.text, text_format) == document
    assert outline_differences(document, document) == []
    assert changed_sections(document, document) == []


@settings(deadline=None, max_examples=200)
@given(
    words=st.lists(st.from_regex(r"[a-z]{5,9}", fullmatch=True), min_size=1, max_size=12),
    pieces=st.lists(PIECES, max_size=10),
)
def test_no_word_of_a_plain_text_is_lost(words, pieces):
    lines = [line for pair in zip(words, [*pieces, *[""] * len(words)], strict=False) for line in pair]

    document = read("\n".join(lines), "plain")

    assert document is not None
    shown = re.findall(r"[a-z]{5,9}", document.plain_text)
    assert [word for word in words if word not in shown] == []


@in_both_formats
@settings(deadline=None, max_examples=100)
@given(text=st.text(max_size=60))
def test_hidden_characters_never_reach_the_page(text_format, text):
    document = read(f"Notice\n\n{text}\n", text_format)

    if document is not None:
        assert visible(document.html) == document.html
