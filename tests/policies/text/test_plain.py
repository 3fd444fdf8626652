"""Plain text as it comes out of web pages: a sample in two languages, then one rule at a time."""

import pytest

from tests.policies.text import SAMPLES, codes, documents, plain

NUMBERS = ["1", "1.1", "1.1.1", "1.1.2", "1.2", "2", "2.1", "2.2", "3", "3.1", "3.2", "4", "4.1", "4.2", "5", "5.1", "5.2", "5.3", "5.4", "6", "7", "7.1", "8"]  # fmt: skip


@pytest.fixture(params=["en", "zh-CN"])
def page(request):
    return documents(SAMPLES / "web")[request.param]


def test_every_numbered_section_is_found_once_and_in_order(page):
    assert [s.number for s in page.sections if s.number] == NUMBERS


def test_an_appendix_without_a_number_is_a_section_with_the_same_anchor_in_every_language(page):
    last = page.sections[-1]

    assert (last.number, last.level, last.anchor) == ("", 1, "s-appendix")


def test_the_title_and_the_text_before_the_first_heading_are_kept_apart(page):
    assert page.title in {"Privacy notice of the Harbour Library", "港湾图书馆隐私声明"}
    assert [block.kind for block in page.preamble.blocks] == ["paragraph", "paragraph", "contents"]


def test_the_table_of_contents_links_to_the_sections(page):
    contents = page.preamble.blocks[-1]

    assert contents.items == 9
    assert 'href="#s-8"' in contents.html
    assert contents.links == 0


def test_lists_tables_and_links_survive(page):
    blocks = list(page.blocks())

    assert [b.items for b in blocks if b.kind == "list"] == [2, 3, 5, 3, 2]
    assert [b.items for b in blocks if b.kind == "table"] == [2]
    assert page.html.count("<li>\n<ul>") == 0
    assert 'href="mailto:desk@harbour.example"' in page.html
    assert 'href="https://harbour.example/contact"' in page.html


def test_empty_slots_and_empty_sections_are_named(page):
    assert codes(page).count("empty_slot") == 4
    assert [w.section for w in page.warnings if w.code == "empty_section"] == ["5.3"]


def test_a_clause_without_a_heading_keeps_its_words_and_gets_an_anchor(page):
    clause = next(s for s in page.sections if s.number == "7.1")

    assert clause.heading == ""
    assert clause.blocks[0].kind == "paragraph"
    assert '<p id="s-7-1"><strong>7.1' in page.html


def test_amounts_at_the_start_of_a_wrapped_line_are_no_sections():
    document = plain(
        "Notice\n\n1. Visitors\n\nOf all those who came to see the lighthouse that summer,\n2.5 million came by boat, which is\n3.5% more.\n"
    )

    assert [s.number for s in document.sections] == ["1"]


def test_a_list_that_starts_again_at_one_is_no_section():
    document = plain("Notice\n\n1. Data\n\nWe keep:\n\n1. your name;\n2. your berth.\n\n2. Rights\n\nNone.\n")

    assert [(s.number, s.heading) for s in document.sections] == [("1", "Data"), ("2", "Rights")]
    assert document.sections[0].blocks[1].items == 2


def test_a_list_item_with_the_number_of_the_next_section_stays_an_item():
    document = plain("Notice\n\n1. Data\n\nWe keep\n\n1. name\n2. berth\n3. day\n\n2. Rights\n\nNone.\n")

    assert [s.heading for s in document.sections] == ["Data", "Rights"]


def test_chinese_numerals_number_like_arabic_ones():
    text = "声明\n\n一、收集\n\n（一）目的\n\n说明文字。\n\n1. 注册账号\n\n我们收集手机号。\n\n（二）方式\n\n说明。\n\n二、共享\n\n不共享。\n"

    document = plain(text)

    assert [(s.number, s.level) for s in document.sections] == [
        ("1", 1), ("1.1", 2), ("1.1.1", 3), ("1.2", 2), ("2", 1),
    ]  # fmt: skip


def test_articles_go_on_counting_through_chapters():
    text = "规定\n\n第一章 总则\n\n第一条 目的\n\n为了规范。\n\n第二章 处理\n\n第二条 本网站按照下列规则处理个人信息。处理应当合法。\n"

    document = plain(text)

    assert [(s.number, s.level) for s in document.sections] == [("c1", 1), ("1", 2), ("c2", 1), ("2", 2)]
    assert document.sections[3].heading == ""


def test_english_articles_and_roman_numerals_are_read():
    document = plain("Terms\n\nArticle IV. Storage\n\nWe store.\n\nArticle V: Rights\n\nNone.\n")

    assert [(s.number, s.heading) for s in document.sections] == [("4", "Storage"), ("5", "Rights")]


def test_a_sentence_that_begins_with_a_section_reference_is_no_heading():
    document = plain(
        "Notice\n\n1. Data\n\nSection 10 of this notice says more.\n\n第三条规定的权利不受影响。\n"
    )

    assert [s.number for s in document.sections] == ["1"]


def test_short_lines_that_stand_alone_are_headings_when_nothing_is_numbered():
    document = plain("Notice\n\nWhat we keep\n\nYour name and berth.\n\nWhat we do with it\n\nWe read it.\n")

    assert [s.heading for s in document.sections] == ["What we keep", "What we do with it"]


def test_a_text_without_headings_is_kept_and_said_to_have_none():
    document = plain("We keep your name. We read it. Then we forget it.")

    assert document.preamble.text == "We keep your name. We read it. Then we forget it."
    assert "no_headings" in codes(document)


def test_a_pipe_table_with_a_rule_under_its_head_has_only_its_rows():
    document = plain("Notice\n\n1. Cookies\n\n| Name | Life |\n| --- | --- |\n| berth | 1 day |\n")

    assert document.sections[0].blocks[0].items == 1


def test_items_keep_the_number_at_which_a_list_goes_on():
    document = plain("Notice\n\n1. Data\n\n1) Name\n\nWe ask for it.\n\n2) Berth\n\nWe note it.\n")

    assert '<ol start="2">' in document.html


def test_roman_letters_and_circled_numbers_are_list_items():
    document = plain(
        "Notice\n\n1. Data\n\n(i) one\n(ii) two\n\nAnd:\n\n(h) eight\n(i) nine\n\nAnd:\n\n① 甲\n② 乙\n"
    )

    lists = [block.html for block in document.blocks() if block.kind == "list"]

    assert '<ol type="i">' in lists[0]
    assert '<ol start="8" type="a">' in lists[1]
    assert "<li>① 甲</li>" in lists[2]


def test_markup_in_plain_text_is_only_text():
    document = plain("Notice\n\n1. <b>Data</b>\n\n<script>alert(1)</script> & more\n")

    assert "<script>" not in document.html
    assert "&lt;script&gt;alert(1)&lt;/script&gt; &amp; more" in document.html


@pytest.mark.parametrize(
    ("text", "expected"),
    [
        ("1. A\n\nx\n\n2. B\n\nx\n\n2. C\n\nx\n", [("duplicate_number", "2")]),
        ("1. A\n\nx\n\n2. B\n\nx\n\n4. D\n\nx\n", [("number_gap", "4")]),
        ("1. A\n\nx\n\n3. B\n\nx\n\n2. C\n\nx\n", [("number_gap", "3"), ("number_out_of_order", "2")]),
        ("1. A\n\nx\n\n1.2 B\n\nx\n", [("number_gap", "1.2")]),
        ("1. A\n\nx\n\n1.1 B\n\nx\n\n2. C\n\nx\n\n2.1 D\n\nx\n", []),
    ],
)
def test_numbers_that_repeat_jump_or_go_back_are_named(text, expected):
    document = plain(f"Notice\n\n{text}")

    assert [(w.code, w.section) for w in document.warnings] == expected


def test_two_sections_with_one_number_have_two_anchors():
    document = plain("Notice\n\n1. A\n\nx\n\n2. B\n\nx\n\n2. C\n\nx\n")

    assert [s.anchor for s in document.sections] == ["s-1", "s-2", "s-2--2"]
