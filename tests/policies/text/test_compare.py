"""Languages in step, and sections from version to version."""

import pytest

from consent_server.policies.text import changed_sections, outline_differences, parse
from tests.policies.text import SAMPLES, documents, markdown


def chinese(text):
    return parse(text, language="zh-CN", format="markdown")


@pytest.mark.parametrize("folder", ["bilingual", "web"])
def test_a_faithful_translation_is_in_step(folder):
    both = documents(SAMPLES / folder)

    assert outline_differences(both["en"], both["zh-CN"]) == []


def test_a_section_that_one_language_lacks_is_named_with_that_language():
    differences = outline_differences(
        markdown("# T\n\n## 1. A\n\nx\n\n## 2. B\n\ny\n"),
        chinese("# 题\n\n## 1. 甲\n\n文\n\n## 附录：丙\n\n文\n"),
    )

    assert [(d.kind, d.language, d.section) for d in differences] == [
        ("missing", "zh-CN", "2"),
        ("missing", "en", "丙"),
    ]
    assert all(d.blocking for d in differences)


def test_text_before_the_first_heading_counts():
    differences = outline_differences(
        markdown("# T\n\nHello.\n\n## 1. A\n\nx\n"), chinese("# 题\n\n## 1. 甲\n\n文\n")
    )

    assert [(d.kind, d.language) for d in differences] == [("missing", "zh-CN")]


def test_a_level_that_differs_is_named():
    differences = outline_differences(
        markdown("# T\n\n## 1. A\n\nx\n\n### 1.1 B\n\ny\n"),
        chinese("# 题\n\n## 1. 甲\n\n文\n\n## 1.1 乙\n\n文\n"),
    )

    assert [(d.kind, d.section) for d in differences] == [("level", "1.1")]


def test_a_section_with_nothing_under_it_in_one_language_is_named():
    differences = outline_differences(markdown("# T\n\n## 1. A\n\nx\n"), chinese("# 题\n\n## 1. 甲\n"))

    assert [(d.kind, d.language, d.section) for d in differences] == [("empty", "zh-CN", "1")]


def test_another_order_is_named_once():
    differences = outline_differences(
        markdown("# T\n\n## 1. A\n\nx\n\n## 2. B\n\ny\n\n## 3. C\n\nz\n"),
        chinese("# 题\n\n## 2. 乙\n\n文\n\n## 1. 甲\n\n文\n\n## 3. 丙\n\n文\n"),
    )

    assert [d.kind for d in differences] == ["order"]


def test_lists_and_paragraphs_that_differ_are_told_and_do_not_block():
    differences = outline_differences(
        markdown("# T\n\n## 1. A\n\nx\n\n- a\n- b\n"), chinese("# 题\n\n## 1. 甲\n\n文\n\n文\n\n- 一\n")
    )

    assert [(d.kind, d.blocking) for d in differences] == [("lists", False), ("paragraphs", False)]


OLD = "# T\n\nHello.\n\n## 1. A\n\none\n\n## 2. B\n\ntwo\n\n## 3. C\n\nthree\n"


def kinds(new, old=OLD):
    return [(c.kind, c.heading) for c in changed_sections(markdown(old), markdown(new))]


def test_the_same_text_has_no_changes():
    assert kinds(OLD) == []


def test_words_that_change_are_found_in_their_section():
    assert kinds(OLD.replace("two", "two and a half")) == [("changed", "2. B")]


def test_the_preamble_can_change():
    assert (
        changed_sections(markdown(OLD), markdown(OLD.replace("Hello", "Good day")))[0].anchor == "s-preamble"
    )


def test_a_link_that_leads_elsewhere_is_a_change():
    old, new = (f"# T\n\n## 1. A\n\n[x](https://{host}.example)\n" for host in ("a", "b"))

    assert kinds(new, old) == [("changed", "1. A")]


def test_a_new_section_moves_those_that_it_renumbers():
    new = "# T\n\nHello.\n\n## 1. A\n\none\n\n## 2. New\n\nnew\n\n## 3. B\n\ntwo\n\n## 4. C\n\nthree\n"

    assert kinds(new) == [("added", "2. New"), ("moved", "3. B"), ("moved", "4. C")]


def test_a_section_that_goes_is_removed():
    assert kinds("# T\n\nHello.\n\n## 1. A\n\none\n\n## 2. B\n\ntwo\n") == [("removed", "3. C")]


def test_a_new_heading_over_the_same_words_is_a_change_and_not_a_new_section():
    assert kinds(OLD.replace("## 2. B\n\ntwo", "## 2. Better\n\ntwo")) == [("changed", "2. Better")]


def test_unnumbered_sections_that_trade_places_are_moved():
    old = "# T\n\n## A\n\none\n\n## B\n\ntwo\n"

    assert len(kinds("# T\n\n## B\n\ntwo\n\n## A\n\none\n", old)) == 1
    assert kinds("# T\n\n## B\n\ntwo\n\n## A\n\none\n", old)[0][0] == "moved"
