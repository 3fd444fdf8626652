"""The canonical text and its hash."""

import hashlib

import pytest

from consent_server.policies.text import MAX_BYTES, SourceError, canonical, parse, text_sha256
from tests.policies.text import markdown, plain


def test_the_hash_is_that_of_the_canonical_bytes():
    document = plain("\ufeffNotice \r\n\r\n1. Data\t\r\nWords.\r\n\r\n")

    assert document.text == "Notice\n\n1. Data\nWords.\n"
    assert text_sha256(document) == hashlib.sha256(document.text.encode()).hexdigest()


def test_composed_and_decomposed_letters_hash_alike():
    assert text_sha256(plain("Caf\u00e9\n\nx")) == text_sha256(plain("Cafe\u0301\n\nx"))


def test_a_hard_line_break_stays_in_markdown_and_not_in_plain_text():
    assert canonical("a    \nb  \n\n", text_format="markdown") == "a  \nb\n"
    assert canonical("a    \nb  \n\n", text_format="plain") == "a\nb\n"


@pytest.mark.parametrize("text", ["", "  \n\t\n", "\ufeff", "\u200b\n"])
def test_an_empty_text_is_refused(text):
    with pytest.raises(SourceError) as refused:
        plain(text)

    assert refused.value.code == "empty"


def test_a_nul_is_refused_with_its_line():
    with pytest.raises(SourceError, match="line 2") as refused:
        markdown("a\nb\0c")

    assert refused.value.code == "nul"


def test_half_a_surrogate_pair_is_refused():
    with pytest.raises(SourceError) as refused:
        markdown("a \ud800")

    assert refused.value.code == "surrogate"


def test_the_size_is_limited_in_bytes():
    assert plain("x" * (MAX_BYTES - 10))

    with pytest.raises(SourceError, match="2 MiB") as refused:
        plain("语" * (MAX_BYTES // 3 + 1))

    assert refused.value.code == "too-large"


def test_a_tangle_of_brackets_is_refused():
    with pytest.raises(SourceError) as refused:
        markdown("![" * 10_001)

    assert refused.value.code == "tangled"


def test_an_unknown_format_is_refused():
    with pytest.raises(SourceError, match="docx"):
        parse("x", language="en", format="docx")
