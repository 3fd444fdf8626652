"""How well the check finds single slips: 500 seeded edits of a complete bilingual sample, each in one language."""

from collections import Counter
from collections.abc import Iterator

import pytest

from consent_server.policies.parity import compare
from tests.policies.parity import SAMPLE, chinese, english
from tests.policies.parity.mutants import Mutant, mutants

pytestmark = pytest.mark.timeout(600)
SEED, COUNT = 20250601, 500
READ = {"en": english, "zh-CN": chinese}
TEXTS = {language: (SAMPLE / f"{language}.md").read_text(encoding="utf-8") for language in READ}
# The appendix has no number, and each language names it in its own words.
SAME = {"定义": "Definitions"}


def test_the_sample_has_no_finding():
    documents = {language: READ[language](text) for language, text in TEXTS.items()}

    assert len(documents["en"].sections) >= 25
    assert compare(documents["en"], documents["zh-CN"]) == []
    assert compare(documents["zh-CN"], documents["en"]) == []


def test_the_mutants_are_the_same_each_time_and_all_differ():
    first, again = mutants(TEXTS, COUNT, SEED), mutants(TEXTS, COUNT, SEED)

    assert first == again
    assert len({(m.language, m.texts[m.language]) for m in first}) == len(first) == COUNT
    assert all(m.texts != TEXTS for m in first)


def test_every_kind_of_slip_is_tried_in_both_languages():
    kinds = Counter((mutant.kind, mutant.language) for mutant in mutants(TEXTS, COUNT, SEED))

    for kind in (
        "paragraph dropped",
        "number changed",
        "list item removed",
        "term renamed",
        "section emptied",
        "date shifted",
    ):
        assert kinds[kind, "en"] >= 10, kind
        assert kinds[kind, "zh-CN"] >= 10, kind


def test_at_least_98_of_100_slips_are_found_and_95_of_100_findings_point_at_one():
    outcomes = list(_outcomes())

    missed = [mutant.what for places, mutant in outcomes if not any(places)]
    assert 1 - len(missed) / COUNT >= 0.98, missed
    right = sum(sum(places) for places, _mutant in outcomes)
    assert right / sum(len(places) for places, _mutant in outcomes) >= 0.95
    tried = Counter(mutant.kind for _places, mutant in outcomes)
    hits = Counter(mutant.kind for places, mutant in outcomes if any(places))
    assert {kind: hits[kind] / count for kind, count in tried.items() if hits[kind] / count < 0.95} == {}


def _outcomes() -> Iterator[tuple[list[bool], Mutant]]:
    """Yield for each mutant its findings, whether each points to where the edit is."""
    whole = {language: READ[language](text) for language, text in TEXTS.items()}
    for mutant in mutants(TEXTS, COUNT, SEED):
        edited = READ[mutant.language](mutant.texts[mutant.language])
        documents = whole | {mutant.language: edited}
        place = SAME.get(mutant.section, mutant.section)
        found = compare(documents["en"], documents["zh-CN"])
        yield [SAME.get(finding.section, finding.section) == place for finding in found], mutant
