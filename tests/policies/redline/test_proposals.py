"""What kind of change a difference seems to be, and the words that led to it."""

import json
from pathlib import Path

import pytest

import consent_server.demo
from consent_server.policies.changes import ChangeClass, ChangeType, proposed_class
from consent_server.policies.redline import redline_versions
from consent_server.policies.text import parse, read_sources
from tests.policies.redline import step

TEXTS = Path(consent_server.demo.__file__).parent / "texts"
HEAD = "# T\n\n## 1. {heading}\n\n{words}"
ZH_HEAD = "# 题\n\n## 1. {heading}\n\n{words}"

PROPOSED = [
    ("What we do", "We count visits.", "We count visits and use them to show advertising.", "purpose_changed"),
    ("What we do", "- We count visits.", "- We count visits.\n- We profile you for marketing.", "purpose_added"),
    ("What we collect", "We collect your name.", "We collect your name and your location.", "data_type"),
    ("Health", "We ask for your name.", "We ask for your name and your medical record.", "sensitive_data"),
    ("Who receives it", "Nobody sees it.", "Our advertising partners receive it, too.", "recipients"),
    ("Mail", "We use Redwing to send mail.", "We use Bluewing to send mail.", "recipients"),
    ("Where it is", "It stays here.", "It stays here, or goes to a server abroad.", "cross_border"),
    ("Why we may", "We rely on your consent.", "We rely on our legitimate interests.", "legal_basis"),
    ("Who we are", "We run the shop.", "We run the shop since the merger with another firm.", "ownership"),
    ("Risks", "We look at risks.", "An impact assessment showed a high risk.", "impact_assessment"),
    ("How long", "We keep it for 6 months.", "We keep it for 13 months.", "retention"),
    ("Your rights", "We answer within 15 days.", "We answer within 30 days.", "rights"),
    ("Your rights", "You may ask for a copy.", "You may ask for a copy and withdraw consent.", "rights"),
    ("Contact", "Write to a@one.example.", "Write to b@one.example.", "contact"),
    ("Cookies", "| n | k |\n|-|-|\n| `a` | 1 day |", "| n | k |\n|-|-|\n| `a` | 1 day |\n| `b` | 1 day |", "cookie_added"),
    ("Cookies", "| n | k |\n|-|-|\n| `a` | 1 day |\n| `b` | 1 day |", "| n | k |\n|-|-|\n| `a` | 1 day |", "cookie_removed"),
    ("Links", "See [it](https://one.example/a).", "See [it](https://one.example/b).", "link"),
    ("Slips", "We recieve nothing.", "We receive nothing.", "typo"),
    ("Slips", "We keep nothing", "We keep nothing.", "typo"),
    ("Words", "The lamp is bright.", "The lamp is clear.", "wording"),
]  # fmt: skip
ZH_PROPOSED = [
    ("我们做什么", "我们统计访问量。", "我们统计访问量，并用于展示广告。", "purpose_changed"),
    ("我们收集什么", "我们收集您的姓名。", "我们收集您的姓名和位置。", "data_type"),
    ("谁会收到", "无人收到。", "我们的合作方也会收到。", "recipients"),
    ("存储地点", "信息存储在本国。", "信息存储在本国，或者提供至境外。", "cross_border"),
    ("保存多久", "我们保存六个月。", "我们保存十三个月。", "retention"),
    ("您的权利", "我们在15天内答复。", "我们在30天内答复。", "rights"),
    ("联系方式", "电话：010-55500100。", "电话：010-55500200。", "contact"),
    ("风险", "我们评估风险。", "影响评估表明存在高风险。", "impact_assessment"),
    ("儿童", "不满十四周岁须经同意。", "不满十六周岁须经同意。", "sensitive_data"),
    ("笔误", "我们不保存", "我们不保存。", "typo"),
]


@pytest.mark.parametrize(("heading", "before", "after", "kind"), PROPOSED)
def test_english_words_lead_to_a_type(heading, before, after, kind):
    found = step(HEAD.format(heading=heading, words=before), HEAD.format(heading=heading, words=after))

    assert [s.type.value for s in found.suggestions] == [kind]
    assert found.suggestions[0].change_class is proposed_class(ChangeType(kind))


@pytest.mark.parametrize(("heading", "before", "after", "kind"), ZH_PROPOSED)
def test_chinese_words_lead_to_a_type(heading, before, after, kind):
    old, new = (
        {"zh-CN": parse(ZH_HEAD.format(heading=heading, words=words), language="zh-CN", format="markdown")}
        for words in (before, after)
    )

    assert [s.type.value for s in redline_versions(old, new).suggestions] == [kind]


def test_a_difference_that_no_rule_understands_is_left_to_a_person_and_not_called_minor():
    found = step(
        HEAD.format(heading="Opening", words="The gate is open on all days of the week."),
        HEAD.format(
            heading="Opening", words="You must be tall to pass the gate, which is made of iron and oak."
        ),
    )

    assert [(s.type, s.change_class) for s in found.suggestions] == [(None, ChangeClass.MAJOR_CONSENT)]


def test_a_not_that_comes_is_no_slip_of_the_pen():
    found = step(
        HEAD.format(heading="Tower", words="We do climb it."),
        HEAD.format(heading="Tower", words="We do not climb it."),
    )

    assert [s.type for s in found.suggestions] == [None]


def test_both_languages_of_a_section_make_one_proposal_with_the_words_of_each():
    (suggestion,) = step(
        HEAD.format(heading="How long", words="We keep it for 6 months."),
        HEAD.format(heading="How long", words="We keep it for 13 months."),
        zh=(
            ZH_HEAD.format(heading="多久", words="保存6个月。"),
            ZH_HEAD.format(heading="多久", words="保存13个月。"),
        ),
    ).suggestions

    assert suggestion.type is ChangeType.RETENTION
    assert suggestion.words["en"] == ("13 months", "6 months")
    assert suggestion.words["zh-CN"] == ("13个月", "6个月")


def test_what_changed_in_a_translation_only_is_a_translation():
    same = HEAD.format(heading="How long", words="We keep it for 6 months.")
    zh = [ZH_HEAD.format(heading="多久", words=words) for words in ("保存7个月。", "保存6个月。")]

    assert [s.type for s in step(same, same, zh=(zh[0], zh[1])).suggestions] == [ChangeType.TRANSLATION]


def test_a_section_that_only_moved_is_wording():
    one, two = "## 1. Ships\n\nEach ship is told.", "## 2. Towers\n\nNo tower is high."
    before = f"# T\n\n{one}\n\n{two}"
    after = "# T\n\n## 1. Towers\n\nNo tower is high.\n\n## 2. Ships\n\nEach ship is told."

    assert {s.type for s in step(before, after).suggestions} == {ChangeType.WORDING}


def test_the_demo_step_proposes_what_a_person_typed_and_the_purposes_it_touches():
    def documents(version):
        files = read_sources([TEXTS / version])
        return {f.language: parse(f.text, language=f.language, format=f.format) for f in files}

    purposes = {
        purpose["key"]: {language: words["name"] for language, words in purpose["texts"].items()}
        for purpose in json.loads((TEXTS / "purposes-v2.json").read_text(encoding="utf-8"))
    }
    found = redline_versions(documents("v1"), documents("v2"), purposes).suggestions
    proposed = {(s.type.value, key) for s in found if s.type for key in s.purposes or ("",)}

    for typed in json.loads((TEXTS / "v2" / "changes.json").read_text(encoding="utf-8")):
        for key in typed["purposes"] or ("recommendations",):
            assert (typed["type"], key) in proposed


def test_a_proposal_is_json_ready():
    found = step(
        HEAD.format(heading="How long", words="We keep it for 6 months."),
        HEAD.format(heading="How long", words="We keep it for 13 months."),
    )
    data = json.loads(json.dumps(found.to_json()))

    assert data["suggestions"][0]["type"] == "retention"
    assert data["suggestions"][0]["anchor"] == data["summary"]["en"][0]["anchors"][0] == "s-1"
    assert data["redlines"]["en"][0]["changes"][0]["pieces"][1] == {"kind": "removed", "text": "6"}
