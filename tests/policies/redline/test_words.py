"""Word by word, and character by character where words have no spaces."""

from itertools import pairwise

from hypothesis import given, settings
from hypothesis import strategies as st

from consent_server.policies.redline import redline
from consent_server.policies.redline.words import tokens


def marked(before, after):
    marks = {"same": "{}", "removed": "[-{}-]", "added": "[+{}+]"}
    return "".join(marks[piece.kind].format(piece.text) for piece in redline(before, after))


def test_english_is_compared_word_by_word():
    assert (
        marked("We keep it for 6 months.", "We keep it for 13 months.")
        == "We keep it for [-6-][+13+] months."
    )


def test_chinese_is_compared_character_by_character():
    assert marked("我们保存六个月。", "我们保存十三个月。") == "我们保存[-六-][+十三+]个月。"


def test_changes_parted_by_a_single_word_are_shown_as_one():
    assert (
        marked("read the old text and go", "write an old book and go")
        == "[-read the old text-][+write an old book+] and go"
    )


def test_a_character_is_never_parted_from_what_is_drawn_on_it():
    family, accent = "👩\u200d👩\u200d👧", "e\u0301"

    assert tokens(f"{family}{accent}字") == [family, accent, "字"]


def test_equal_texts_have_one_piece_that_stayed():
    assert [(p.kind, p.text) for p in redline("一样。", "一样。")] == [("same", "一样。")]
    assert redline("", "") == ()


def test_texts_too_large_to_compare_are_shown_one_after_the_other():
    before, after = "a b " * 3000, "c d " * 3000

    assert [p.kind for p in redline(f"x {before}y", f"x {after}y")] == ["same", "removed", "added", "same"]


WORDS = st.text(st.sampled_from("ab 不收集。,\n7é"), max_size=40)


@settings(max_examples=150, deadline=None)
@given(WORDS, WORDS)
def test_the_pieces_are_both_texts(before, after):
    pieces = redline(before, after)

    assert "".join(p.text for p in pieces if p.kind != "added") == before
    assert "".join(p.text for p in pieces if p.kind != "removed") == after
    assert all(one.kind != other.kind for one, other in pairwise(pieces))
