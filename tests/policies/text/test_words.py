"""Counting words."""

import pytest

from consent_server.policies.text.numbering import chinese_integer
from consent_server.policies.text.words import count_words


@pytest.mark.parametrize(
    ("text", "count"),
    [
        ("", 0),
        ("We don't sell third-party data.", 5),
        ("我们使用Cookie。", 5),
        ("版本 2.1 — 自 2026 年", 6),
        ("개인정보 처리방침", 2),
        ("クッキー", 4),
        ("… — ，。", 0),
    ],
)
def test_a_chinese_character_counts_one_and_so_does_a_latin_word(text, count):
    assert count_words(text) == count


@pytest.mark.parametrize(
    ("numeral", "value"),
    [("一", 1), ("十", 10), ("十二", 12), ("二十", 20), ("二十一", 21), ("一百零三", 103)],
)
def test_chinese_numerals_have_their_value(numeral, value):
    assert chinese_integer(numeral) == value
