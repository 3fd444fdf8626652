"""The draft of what visitors are told: at most three bullets a language, each linked to its change."""

from dataclasses import replace

from consent_server.policies.changes import ChangeType
from tests.policies.redline import step

SECTIONS = ["How long", "Your rights", "Contact", "Who receives it", "Slips"]
BEFORE = [
    "We keep it for 6 months.",
    "We answer within 15 days.",
    "Write to a@one.example.",
    "Nobody.",
    "We recieve.",
]
AFTER = [
    "We keep it for 13 months.",
    "We answer within 30 days.",
    "Write to b@one.example.",
    "Our partners receive it.",
    "We receive.",
]


def policy(words):
    sections = (f"## {n}. {h}\n\n{w}" for n, (h, w) in enumerate(zip(SECTIONS, words, strict=True), 1))
    return "# T\n\n" + "\n\n".join(sections)


def test_there_are_at_most_three_and_the_weightiest_comes_first():
    found = step(policy(BEFORE), policy(AFTER))
    bullets = found.summary("en")

    assert len(found.suggestions) == 5
    assert [bullet.anchors for bullet in bullets] == [("s-4",), ("s-1",), ("s-2", "s-3")]
    assert "“6” is now “13” (section 1)" in bullets[1].text


def test_slips_of_the_pen_are_told_only_if_there_is_nothing_else():
    (bullet,) = step(policy(BEFORE), policy([*BEFORE[:4], AFTER[4]])).summary("en")

    assert bullet.anchors == ("s-5",)
    assert "slips of the pen" in bullet.text


def test_what_a_person_corrected_is_what_is_told():
    found = step(policy(BEFORE), policy([AFTER[0], *BEFORE[1:]]))
    corrected = [replace(found.suggestions[0], type=ChangeType.RIGHTS)]

    (bullet,) = found.summary("en", corrected)

    assert bullet.text.startswith("Your rights")


def test_chinese_bullets_quote_the_chinese_words_of_the_same_change():
    zh = ("# 题\n\n## 1. 多久\n\n保存六个月。", "# 题\n\n## 1. 多久\n\n保存十三个月。")
    en = ("# T\n\n## 1. How long\n\nKept for 6 months.", "# T\n\n## 1. How long\n\nKept for 13 months.")
    found = step(*en, zh=zh)

    (bullet,) = found.summary("zh-CN")

    assert bullet.text == "保存期限有变：“六”改为“十三”（第 1 条）。"
    assert bullet.anchors == ("s-1",)


def test_unnumbered_sections_are_linked_across_languages():
    zh = ("# 题\n\n## 多久\n\n保存六个月。", "# 题\n\n## 多久\n\n保存十三个月。")
    en = ("# T\n\n## How long\n\nKept for 6 months.", "# T\n\n## How long\n\nKept for 13 months.")
    found = step(*en, zh=zh)

    assert len(found.suggestions) == 1
    assert found.summary("zh-CN")[0].anchors == ("s-how-long",)
    assert "“六”" in found.summary("zh-CN")[0].text


def test_nothing_changed_is_nothing_told():
    assert step(policy(BEFORE), policy(BEFORE)).summary("en") == ()
