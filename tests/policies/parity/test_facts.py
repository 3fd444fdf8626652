"""Facts are read alike from either language."""

import pytest

from consent_server.policies.parity.fact_findings import differences
from consent_server.policies.parity.facts import facts_of

SAME = [
    ("within fifteen workdays", "在15个工作日内"),
    ("within 15 business days", "在十五个工作日内"),
    ("for 24 months", "为期两年"),
    ("within 48 hours", "在两天内"),
    ("half a year", "六个月"),
    ("under the age of 14", "不满十四周岁"),
    ("children under 14", "十四岁以下的儿童"),
    ("18 years old", "年满18周岁"),
    ("a fee of RMB 1,500", "费用1500元"),
    ("20 million dollars", "2000万美元"),
    ("three per cent", "百分之三"),
    ("3.5%", "3.5%"),
    ("on 1 March 2025", "于2025年3月1日"),
    ("on March 1st, 2025", "于二〇二五年三月一日"),
    ("in March 2025", "在2025年3月"),
    ("since 2013", "自2013年起"),
    ("see Section 10", "见第十条"),
    ("Articles 13 and 14", "第十三条和第14条"),
    ("under the Personal Information Protection Law", "根据《个人信息保护法》"),
    ("GDPR", "《通用数据保护条例》"),
    ("ISO/IEC 27001:2022", "ISO/IEC 27001:2022"),
    ("postcode 650032", "邮编：650032"),
    ("tel.: + 86 871 5550 0188", "电话：+86-871-5550-0188"),
    ("write to Desk@One.example", "请写信至desk@one.example"),
    ("https://one.example/en/privacy/", "https://one.example/zh-CN/privacy"),
    ("from 9:30 on", "自9:30起"),
    ("for five purposes", "出于五类目的"),
    ("one hundred and twenty days", "一百二十天"),
]
DIFFERENT = [
    ("within 15 working days", "在15天内", "duration"),
    ("within 15 days", "在16天内", "duration"),
    ("for ten years", "保存九年", "duration"),
    ("under 14 years of age", "不满十六周岁", "age"),
    ("RMB 500", "500美元", "money"),
    ("on 1 March 2025", "于2025年3月2日", "date"),
    ("Section 10", "第十一条", "reference"),
    ("desk@one.example", "desk@two.example", "email"),
    ("tel. +86 871 5550 0188", "电话：+86 871 5550 0189", "phone"),
    ("postcode 650032", "邮编：650033", "postcode"),
    ("https://one.example/a", "https://one.example/b", "link"),
    ("ISO/IEC 27001:2013", "ISO/IEC 27001:2022", "law"),
    ("five purposes", "六类目的", "number"),
]


def differ(english, chinese):
    return differences(facts_of(english, "en"), facts_of(chinese, "zh-CN"))


@pytest.mark.parametrize(("english", "chinese"), SAME)
def test_the_same_fact_is_the_same_in_both_languages(english, chinese):
    assert facts_of(english, "en"), "the English is read"
    assert facts_of(chinese, "zh-CN"), "the Chinese is read"
    assert differ(english, chinese) == []


@pytest.mark.parametrize(("english", "chinese", "kind"), DIFFERENT)
def test_facts_that_differ_are_put_side_by_side(english, chinese, kind):
    ((one, other),) = differ(english, chinese)

    assert one.kind == other.kind == kind


@pytest.mark.parametrize(
    ("english", "chinese"),
    [
        ("a third party, one of them", "第三方，其中之一"),
        ("once you agree", "一旦您同意"),
        ("both of you may take part", "双方均可参加"),
        ("each year", "每年"),
    ],
)
def test_a_way_of_speaking_is_no_fact(english, chinese):
    assert differ(english, chinese) == []


def test_a_fact_said_twice_in_one_language_is_not_missing_in_the_other():
    assert differ("under 14 years old; at 14 years old", "十四周岁") == []


def test_a_figure_exchanged_for_one_that_the_piece_also_has_is_found():
    assert len(differ("kept 6 months, then 13 months", "保存6个月，然后6个月")) == 1


def test_units_and_months_of_other_languages_are_read():
    facts = facts_of("innerhalb von 15 Tagen, am 3. März 2025", "de")

    assert [(fact.kind, fact.value) for fact in facts] == [("date", "2025-03-03"), ("duration", "360 hour")]
    assert differences(facts_of("15 days, 3 March 2025", "en"), facts) == []
