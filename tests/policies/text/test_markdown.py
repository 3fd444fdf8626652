"""Markdown: structure, links, attribute lists."""

import pytest

from tests.policies.text import SAMPLES, codes, documents, markdown


@pytest.fixture(params=["en", "zh-CN"])
def notice(request):
    return documents(SAMPLES / "bilingual")[request.param]


def test_headings_are_sections_numbered_alike_in_both_languages(notice):
    assert [(s.number, s.level, s.anchor) for s in notice.sections] == [
        ("1", 1, "s-1"),
        ("1.1", 2, "s-1-1"),
        ("2", 1, "s-2"),
        ("", 1, "s-appendix-a"),
    ]
    assert codes(notice) == []


def test_lists_tables_quotes_and_links_survive(notice):
    kinds = [block.kind for block in notice.blocks()]

    assert kinds == ["paragraph", "paragraph", "list", "table", "paragraph", "quote"]
    assert [b.items for b in notice.blocks()] == [0, 0, 4, 2, 0, 0]
    assert sum(b.links for b in notice.blocks()) == 4
    for href in (
        "https://lighthouse.example/log",
        "#s-2",
        "mailto:keeper@lighthouse.example",
        "tel:+100200300",
    ):
        assert f'href="{href}"' in notice.html


def test_a_table_has_scoped_heads_and_scrolls_in_a_box_that_is_named(notice):
    assert '<th scope="col">' in notice.html
    assert '<div class="table-scroll" role="group" tabindex="0" aria-labelledby="s-1-1">' in notice.html


def test_the_title_is_no_section_and_not_in_the_html(notice):
    assert notice.title in {"Lighthouse notice", "灯塔声明"}
    assert "<h1" not in notice.html
    assert notice.html.count("<h2") == 3


def test_without_a_first_level_heading_there_is_no_title():
    document = markdown("## One\n\nx\n\n### Two\n\ny\n")

    assert document.title == ""
    assert [s.level for s in document.sections] == [1, 2]
    assert codes(document) == ["no_title"]


def test_an_attribute_list_gives_an_anchor_and_does_not_show():
    document = markdown(
        '# T\n\nMay 2025\n{: datetime="2025-05-01" }\n\n## One {#first}\n\nWords.\n{: #data-tools }\n\n[see](#data-tools), [first](#first)\n'
    )

    assert "{" not in document.html
    assert '<h2 id="s-first">One</h2>' in document.html
    assert '<p id="s-data-tools">Words.</p>' in document.html
    assert 'href="#s-data-tools"' in document.html
    assert codes(document) == []


def test_a_link_to_no_anchor_is_named():
    document = markdown("# T\n\n## 1. One\n\n[gone](#nowhere)\n")

    assert [(w.code, w.detail) for w in document.warnings] == [("broken_anchor", "nowhere")]


def test_a_link_to_a_bare_mail_address_is_repaired():
    document = markdown("# T\n\n## One\n\n[us](us@lighthouse.example)\n")

    assert 'href="mailto:us@lighthouse.example"' in document.html
    assert codes(document) == ["link_repaired"]


def test_two_spaces_at_a_line_end_break_the_line():
    assert "one<br>" in markdown("# T\n\n## A\n\none  \ntwo\n").html


def test_deep_nesting_keeps_its_words():
    document = markdown("# T\n\n## A\n\n" + "> " * 40 + "deep\n")

    assert "deep" in document.plain_text


def test_markup_that_was_not_understood_is_named():
    document = markdown("# T\n\n## A\n\n这是**“重点”**部分。\n")

    assert codes(document) == ["stray_markup"]


def test_unnumbered_headings_alike_have_different_anchors():
    document = markdown("# T\n\n## Note\n\nx\n\n## Note\n\ny\n")

    assert [s.anchor for s in document.sections] == ["s-note", "s-note--2"]
