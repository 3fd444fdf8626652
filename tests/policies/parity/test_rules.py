"""Each rule of the check: what it finds, and what it leaves alone."""

import json

import pytest

from consent_server.policies.parity import RULES, BadWaiver, Waiver, check, read_waivers
from consent_server.policies.text import parse
from tests.policies.parity import chinese, english, found, rules

LONG_EN = "We keep the record of every journey that you book with us for as long as the law demands it. " * 3
LONG_ZH = "对于您向我们预订的每一次行程，我们都会按照法律规定的期限保存其记录。" * 3


def texts(en, zh):
    return {"en": english(en), "zh-CN": chinese(zh)}


def test_texts_in_step_have_no_finding():
    assert rules("We answer within 15 days.\n\n- one\n- two", "我们在15天内答复。\n\n- 甲\n- 乙") == []


def test_a_section_that_one_language_lacks_is_named_by_its_number():
    report = check(texts("# T\n\n## 1. A\n\nWords.\n\n## 2. B\n\nMore.", "# 题\n\n## 1. 甲\n\n文字。"))

    (finding,) = report.findings
    assert (finding.rule, finding.section, finding.language) == ("section-missing", "2", "zh-CN")
    assert not report.in_step
    assert report.behind == ("zh-CN",)


def test_no_two_findings_have_the_same_fingerprint_or_waiving_one_would_leave_none_to_waive():
    report = check(texts("The shop says what for.", "本店说明其用途（7c07d55a）。"))

    fingerprints = [finding.fingerprint for finding in report.findings]
    assert [finding.subject for finding in report.findings] == ["number 7", "number 55"]
    assert len(fingerprints) == len(set(fingerprints))


def test_a_heading_without_words_in_one_language_is_found_once():
    (finding,) = found("Words.\n\n- one\n- two", "")

    assert (finding.rule, finding.language) == ("section-empty", "zh-CN")


def test_the_paragraph_that_is_missing_is_the_one_that_is_shown():
    (finding,) = found(f"{LONG_EN}\n\nWe never sell any of it.", "我们绝不出售其中任何内容。")

    assert finding.rule == "paragraph-missing"
    assert finding.places[0].language == "zh-CN"
    assert finding.places[0].text == ""
    assert finding.places[1].text.startswith("We keep the record")


def test_a_part_missing_within_a_paragraph_is_found():
    assert rules(LONG_EN, "对于您向我们预订的行程，我们会按照法律规定保存其记录。") == ["paragraph-short"]


@pytest.mark.parametrize(
    ("en", "zh", "rule"),
    [
        ("- one\n- two\n- three", "- 甲\n- 乙", "list-length"),
        ("| a | b |\n|-|-|\n| c | d |\n| e | f |", "| 甲 | 乙 |\n|-|-|\n| 丙 | 丁 |", "table-length"),
        ("You can send an email to, and we answer.", "我们会答复您的来信。", "slot-empty"),
        ("We are here. Address: 1 Pine Road.", "我们在这里，松树路1号。", "address-missing"),
        ("You may have it deleted.", "您可以要求更正。", "right-differs"),
        ("You may tell us.", "您必须告知我们。", "duty-differs"),
        ("You must not tell them.", "您可以告知他们。", "duty-differs"),
        ("The service is run by One Person Ltd.", "本服务由Two Persons Ltd.运营。", "name-differs"),
        ("The cookie `a_b` is set.", "会设置`a_c`。", "name-differs"),
    ],
)
def test_a_difference_is_found_by_its_rule(en, zh, rule):
    assert rule in rules(en, zh)


@pytest.mark.parametrize(
    ("en", "zh"),
    [
        ("You may only come if you agree.", "您须经同意方可前来。"),
        ("Nobody here may look it up.", "这里谁都不得查看。"),
        ("You may correct or delete it.", "您可以更正或者删除该信息。"),
        ("The service is run by One Person Ltd.", "本服务由One Person Ltd.运营。"),
        ("Address: 1 Pine Road.", "地址：松树路1号。"),
    ],
)
def test_what_is_the_same_in_other_words_is_left_alone(en, zh):
    assert rules(en, zh) == []


def test_a_clause_copied_under_another_right_is_found_in_each_language():
    both = texts(
        "# T\n\n## 1. Delete your data\n\nWe answer your request for correction in 3 days.",
        "# 题\n\n## 1. 删除您的信息\n\n我们在3天内回复您的更正请求。",
    )

    assert [(f.rule, f.language) for f in check(both).findings] == [
        ("right-misplaced", "en"),
        ("right-misplaced", "zh-CN"),
    ]


DEFINED_EN = "- “Ship Log” means the book of a ship.\n\nThe Ship Log is open.\n\nA Ship Log is kept.\n\nEach Ship Log ends."
DEFINED_ZH = "- “航海日志”，是指船舶的记录簿。\n\n航海日志公开。\n\n保存航海日志。\n\n每份航海日志均有终结。"


def test_terms_that_are_used_as_defined_have_no_finding():
    assert rules(DEFINED_EN, DEFINED_ZH) == []


def test_a_term_renamed_in_its_definition_is_found():
    (finding,) = found(DEFINED_EN.replace("“Ship Log”", "“Deck Book”"), DEFINED_ZH)

    assert (finding.rule, finding.language, finding.subject) == ("term-unused", "en", "Deck Book")


def test_a_term_renamed_in_one_place_is_found_there():
    (finding,) = found(DEFINED_EN, DEFINED_ZH.replace("每份航海日志", "每份船长手记"))

    assert (finding.rule, finding.language) == ("term-differs", "zh-CN")
    assert "船长手记" in finding.places[0].text


def test_a_word_defined_in_one_language_only_is_undefined_in_the_other():
    en = "“Personal data” means what is known of you.\n\nWe keep personal data.\n\nWe guard personal data."
    zh = "本段不作定义。\n\n我们保存个人信息。\n\n我们保护个人信息。"

    assert ("term-undefined", "zh-CN") in [(f.rule, f.language) for f in found(en, zh)]


def test_the_same_definition_of_different_words_is_found():
    en = "“Personal data” means what is known of you."
    zh = "“敏感个人信息”，是指关于您的已知信息。"

    assert rules(en, zh) == ["definition-differs"]


def test_a_missing_preamble_title_and_appendix_of_definitions_are_named():
    en = "# T\n\nWords before.\n\n## 1. A\n\nWords.\n\n## Appendix: Definitions\n\n“Ship” means ship."
    found_rules = [f.rule for f in check(texts(en, "## 1. 甲\n\n文字。")).findings]

    assert sorted(found_rules) == ["definitions-missing", "preamble-missing", "title-missing"]


def test_sections_in_another_order_and_of_another_level_are_warned_of():
    en = "# T\n\n## 1. A\n\nWords.\n\n## 2. B\n\nMore.\n\n### 2.1 C\n\nMost."
    zh = "# 题\n\n## 2. 乙\n\n更多。\n\n## 2.1 丙\n\n最多。\n\n## 1. 甲\n\n文字。"
    report = check(texts(en, zh))

    assert "section-order" in {f.rule for f in report.findings}
    assert report.in_step, "warnings stand in nobody's way"


def test_a_language_that_should_be_there_is_missed():
    report = check({"en": english("# T\n\nWords.")}, languages=["zh-CN", "en"])

    assert [(f.rule, f.language) for f in report.findings] == [("language-missing", "zh-CN")]


def german(text):
    return parse(f"# T\n\n## 1. A\n\n{text}", language="de", format="markdown")


def test_other_pairs_of_languages_are_checked_too():
    en = english("# T\n\n## 1. A\n\nWe answer within 15 days.\n\n- one\n- two")
    report = check({"en": en, "de": german("Wir antworten innerhalb von 16 Tagen.\n\n- eins")})

    assert {f.rule for f in report.findings} == {"list-length", "fact-differs"}


def test_a_number_in_a_language_whose_words_are_not_known_is_only_warned_of():
    en = english("# T\n\n## 1. A\n\nWe answer within 15 days.")
    report = check({"en": en, "de": german("Wir antworten in fünfzehn Tagen.")})

    assert [(f.rule, f.severity) for f in report.findings] == [("fact-missing", "warning")]


def test_a_finding_says_where_what_and_why():
    (finding,) = found("We answer within 15 days.", "我们在16天内答复。")
    data = json.loads(json.dumps(finding.to_json()))

    assert data["rule"] == "fact-differs"
    assert data["section"] == "1"
    assert data["language"] == "zh-CN"
    assert data["severity"] == "error"
    assert "15 days" in data["message"]
    assert "16天" in data["message"]
    assert data["why"] == RULES["fact-differs"][1]
    assert [place["language"] for place in data["places"]] == ["zh-CN", "en"]
    assert [place["text"] for place in data["places"]] == ["我们在16天内答复。", "We answer within 15 days."]
    assert all(place["line"] == 5 and place["anchor"] == "s-1" for place in data["places"])


def test_a_waiver_lets_its_own_finding_pass_and_no_other():
    both = texts(
        "# T\n\n## 1. A\n\nIn 15 days or 3 weeks.\n\n## 2. B\n\nIn 2 hours.",
        "# 题\n\n## 1. 甲\n\n在16天或3周内。\n\n## 2. 乙\n\n在3小时内。",
    )
    waiver = Waiver(rule="fact-differs", section="1", by="desk", reason="The court said so")

    report = check(both, waivers=[waiver])

    assert [(f.section, f.waived_by, f.is_open) for f in report.findings] == [
        ("1", "desk", False),
        ("2", "", True),
    ]
    assert report.stale == ()


def test_a_waiver_that_waives_nothing_is_told():
    waiver = Waiver(rule="fact-differs", section="9", by="desk", reason="Old")

    assert check(texts("# T\n\nWords.", "# 题\n\n文字。"), waivers=[waiver]).stale == (waiver,)


@pytest.mark.parametrize(
    ("data", "words"),
    [
        ({}, "list"),
        ([[]], "no object"),
        ([{"rule": "fact-differs", "section": "1", "by": "desk"}], "reason"),
        ([{"rule": "fact-differs", "section": "1", "by": " ", "reason": "x"}], "`by`"),
        ([{"rule": "nonsense", "section": "1", "by": "desk", "reason": "x"}], "no rule"),
        ([{"rule": "fact-differs", "by": "desk", "reason": "x"}], "section"),
        ([{"rule": "fact-differs", "section": "1", "by": "desk", "reason": "x", "until": "y"}], "until"),
    ],
)
def test_a_waiver_without_rule_person_or_reason_is_refused(data, words):
    with pytest.raises(BadWaiver, match=words):
        read_waivers(data)


def test_a_waiver_survives_being_written_and_read():
    waiver = Waiver("fact-differs", "1", "desk", "said so", "zh-CN", "age 14 / 16")

    assert read_waivers([waiver.to_json()]) == [waiver]
