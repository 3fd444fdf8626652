"""Real policies, if a folder of them is at hand: CONSENT_TEST_CORPUS names it."""

import os
from pathlib import Path

import pytest

from consent_server.policies.parity import check, check_history
from consent_server.policies.text import parse, read_history, read_sources

CORPUS = os.environ.get("CONSENT_TEST_CORPUS", "")
pytestmark = pytest.mark.skipif(
    not CORPUS, reason="real policies are NOT tried: set CONSENT_TEST_CORPUS to a folder of them"
)

LACKING = [
    "1",
    "1.1.1",
    "1.2",
    "1.3",
    "2",
    "3.1",
    "5",
    "5.1",
    "5.3",
    "5.4",
    "5.5",
    "5.6",
    "5.7",
    "6",
    "7",
    "9",
    "10",
]
COMPLETE = ["1.1", "3", "4", "4.1", "4.2", "4.3", "5.2", "8", "8.1", "8.2", "8.3", "8.4"]
DATED = "mozilla-websites-privacy-notice"
# The English of the first date was followed by the Chinese of the second.
FOLLOWED = [
    ("2022-03-22", "2022-03-30-d3b0aaa8"),
    ("2022-05-03", "2022-05-17"),
    ("2022-11-09", "2022-11-17"),
    ("2022-12-13", "2022-12-21"),
    ("2023-10-27", "2023-11-01-0a06f42c"),
    ("2024-04-05", "2024-04-15-8e510915"),
    ("2025-11-05", "2025-11-27"),
]


def folder(name):
    path = Path(CORPUS) / name
    if not path.is_dir():
        pytest.skip(f"the corpus has no {name}")
    return path


def documents(sources):
    return {s.language: parse(s.text, language=s.language, format=s.format) for s in sources}


@pytest.fixture(scope="module")
def portal():
    return check(documents(read_sources([folder("srm-privacy-policy")]))).findings


@pytest.fixture(scope="module")
def dated():
    states = read_history(folder(DATED))
    return {r.name: r for r in check_history([(s.name, documents(s.sources)) for s in states])}


def test_every_section_that_lacks_chinese_text_is_found_and_no_complete_one(portal):
    lacking = {f.section for f in portal if f.language == "zh-CN" and f.rule.endswith(("-missing", "-empty"))}

    assert set(LACKING) <= lacking
    assert {f.section for f in portal} & set(COMPLETE) == set()


def test_the_missing_preamble_and_definitions_are_named(portal):
    assert {"preamble-missing", "definitions-missing"} <= {f.rule for f in portal if f.language == "zh-CN"}


def test_the_facts_that_only_one_language_has_are_named(portal):
    missing = {(f.subject, f.language) for f in portal if f.rule == "fact-missing"}

    assert {("age 14", "zh-CN"), ("age 18", "zh-CN"), ("postcode 518057", "en")} <= missing


def test_the_empty_contact_slots_are_named_in_both_languages(portal):
    slots = {(f.section, f.language) for f in portal if f.rule == "slot-empty"}

    assert {
        ("", "en"),
        ("5.3", "en"),
        ("5.3", "zh-CN"),
        ("5.4", "zh-CN"),
        ("10", "en"),
        ("10", "zh-CN"),
    } <= slots


def test_the_clause_that_was_copied_from_another_right_is_found(portal):
    assert {f.language for f in portal if f.rule == "right-misplaced" and f.section == "5.3"} == {
        "en",
        "zh-CN",
    }


@pytest.mark.parametrize(("first", "then"), FOLLOWED)
def test_a_translation_that_follows_is_out_of_step_first_and_in_step_then(dated, first, then):
    before, after = (next(r for name, r in dated.items() if name.startswith(date)) for date in (first, then))

    assert not before.in_step
    assert before.behind == ("zh-CN",)
    assert after.in_step, [f.message for f in after.findings]


def test_each_date_out_of_step_says_which_language_is_behind_and_where(dated):
    for report in dated.values():
        assert report.in_step == (report.behind == ())
        for finding in report.findings:
            assert finding.places[0].language == finding.language
            assert finding.places[1].text or finding.places[0].text
