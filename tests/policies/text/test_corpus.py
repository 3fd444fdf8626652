"""Real policies, if a folder of them is at hand: CONSENT_TEST_CORPUS names it.

The folder holds one folder per policy: with one file per language, or with dated folders of such.
"""

import os
from pathlib import Path

import pytest

from consent_server.policies.text import parse, read_history, read_sources

CORPUS = os.environ.get("CONSENT_TEST_CORPUS", "")
pytestmark = pytest.mark.skipif(
    not CORPUS, reason="real policies are NOT tried: set CONSENT_TEST_CORPUS to a folder of them"
)

SUPPLIER_PORTAL = ["1", "1.1", "1.1.1", "1.2", "1.3", "2", "3", "3.1", "4", "4.1", "4.2", "4.3", "5", "5.1", "5.2", "5.3", "5.4", "5.5", "5.6", "5.7", "6", "7", "8", "8.1", "8.2", "8.3", "8.4", "9", "10"]  # fmt: skip


def policies():
    return [path for path in sorted(Path(CORPUS).iterdir()) if path.is_dir()]


def states(folder):
    dated = any(path.is_dir() for path in folder.iterdir())
    return [state.sources for state in read_history(folder)] if dated else [read_sources([folder])]


def everything():
    for folder in policies():
        for sources in states(folder):
            for source in sources:
                yield source, parse(source.text, language=source.language, format=source.format)


def test_every_file_is_read_with_its_words():
    for source, document in everything():
        assert document.words > 500, source.path
        assert document.sections, source.path
        assert "{:" not in document.html, source.path


def test_the_numbered_sections_of_the_supplier_portal_are_found_in_both_languages():
    folder = Path(CORPUS) / "srm-privacy-policy"
    if not folder.is_dir():
        pytest.skip("the corpus has no srm-privacy-policy")

    for source in read_sources([folder]):
        document = parse(source.text, language=source.language, format=source.format)
        assert [s.number for s in document.sections if s.number] == SUPPLIER_PORTAL
        assert [s.anchor for s in document.sections if not s.number] == ["s-appendix"] * (
            source.language == "en"
        )


def test_no_link_list_or_heading_of_a_markdown_policy_is_lost():
    for source, document in everything():
        if source.format != "markdown":
            continue
        assert sum(block.links for block in document.blocks()) == source.text.count("]("), source.path
        assert sum(block.items for block in document.blocks()) == sum(
            line.lstrip().startswith("* ") for line in source.text.splitlines()
        ), source.path
        headings = sum(line.startswith("#") for line in source.text.splitlines())
        assert len(document.sections) + bool(document.title) == headings, source.path
