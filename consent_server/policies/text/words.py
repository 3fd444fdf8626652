"""Count the words of a text in any script."""

import re

# Han (with extensions and compatibility forms), kana, bopomofo: written without spaces, so each
# character counts as a word, as legal translators count them. Hangul is written with spaces.
CJK = "\u2e80-\u2fdf\u3005-\u3007\u3021-\u3029\u3040-\u30ff\u3105-\u312f\u31a0-\u31bf\u31f0-\u31ff\u3400-\u4dbf\u4e00-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"

_CJK_CHARACTER = re.compile(f"[{CJK}]")
_WORD = re.compile(r"[^\W_]+(?:['’.\-@/][^\W_]+)*")


def count_words(text: str) -> int:
    """Return the number of words: one per CJK character, one per run of other letters or digits.

    "don't", "third-party" and "2.1" are one word each; punctuation is none.
    """
    cjk = len(_CJK_CHARACTER.findall(text))
    return cjk + len(_WORD.findall(_CJK_CHARACTER.sub(" ", text)))


def is_mostly_cjk(text: str) -> bool:
    """Return whether more than a quarter of the visible characters are CJK."""
    visible = sum(1 for c in text if not c.isspace())
    return visible > 0 and len(_CJK_CHARACTER.findall(text)) * 4 > visible


def display_width(text: str) -> int:
    """Return the width in columns: a CJK character takes two."""
    return len(text) + len(_CJK_CHARACTER.findall(text))
