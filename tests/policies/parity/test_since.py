"""Versions in order: which language changed alone, and until when."""

from consent_server.policies.parity import check, check_history
from tests.policies.parity import chinese, english

EN = ["We keep a log of ships.", "We keep it in a tower."]
ZH = ["我们保存船舶日志。", "我们将其存放在塔楼里。"]


def version(en, zh):
    return {
        "en": english("# T\n\n## 1. A\n\n" + "\n\n".join(en)),
        "zh-CN": chinese("# 题\n\n## 1. 甲\n\n" + "\n\n".join(zh)),
    }


def history(*states):
    return check_history([(str(at), version(en, zh)) for at, (en, zh) in enumerate(states)])


def alone(report):
    return [(f.rule, f.language) for f in report.findings if f.rule == "changed-alone"]


def test_a_translation_that_follows_is_out_of_step_first_and_in_step_then():
    changed = ["We keep a log of ships and of boats.", EN[1]]
    first, second, third = history((EN, ZH), (changed, ZH), (changed, ["我们保存船舶和小艇日志。", ZH[1]]))

    assert first.in_step
    assert alone(second) == [("changed-alone", "zh-CN")]
    assert "of boats" in second.findings[0].places[1].text
    assert third.in_step


def test_it_stays_out_of_step_until_the_translation_follows():
    changed = ["We keep a log of ships and of boats.", EN[1]]
    *_, third = history((EN, ZH), (changed, ZH), (changed, ZH))

    assert alone(third) == [("changed-alone", "zh-CN")]


def test_taking_the_change_back_brings_the_languages_in_step_again():
    changed = ["We keep a log of ships and of boats.", EN[1]]
    *_, third = history((EN, ZH), (changed, ZH), (EN, ZH))

    assert third.in_step


def test_a_paragraph_added_in_one_language_is_behind_in_the_other():
    _first, second = history((EN, ZH), ([*EN, "We never sell it to anybody."], ZH))

    assert alone(second) == [("changed-alone", "zh-CN")]
    assert [f.rule for f in second.findings] == ["changed-alone"], "told once"


def test_a_paragraph_removed_in_one_language_is_still_in_the_other():
    _first, second = history((EN, ZH), (EN[:1], ZH))

    assert alone(second) == [("changed-alone", "zh-CN")]
    assert "still in zh-CN" in second.findings[0].message


def test_punctuation_case_and_spaces_in_one_language_are_no_change():
    _first, second = history((EN, ZH), (EN, ["我们保存 船舶日志；", ZH[1]]))

    assert second.in_step


def test_who_goes_back_to_an_earlier_wording_is_behind():
    en, zh = ["We keep a log of ships and of boats.", EN[1]], ["我们保存船舶和小艇日志。", ZH[1]]
    *_, third = history((EN, ZH), (en, zh), (en, ZH))

    assert alone(third) == [("changed-alone", "zh-CN")]
    assert "went back" in third.findings[0].message


def test_who_was_behind_and_catches_up_may_mend_other_words_too():
    en = ["We keep a log of ships and of boats.", EN[1]]
    *_, third = history((EN, ZH), (en, ZH), (en, ["我们保存船舶和小艇日志。", "我们将其存放于塔楼。"]))

    assert third.in_step


def test_one_version_can_be_checked_against_the_one_before():
    before, after = version(EN, ZH), version(["We keep no log of ships.", EN[1]], ZH)

    report = check(after, previous=before)

    assert alone(report) == [("changed-alone", "zh-CN")]
    assert check(before, previous=before).in_step
