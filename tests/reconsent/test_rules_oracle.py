"""The rule against an independently written oracle, over thousands of random lives."""

from __future__ import annotations

from hypothesis import given, settings

from consent_server.reconsent.rules import needs_reconsent

from .lives import Json, facts_of, lives, seeded, state_of
from .oracle import expected_delta
from .population import NOW, VERSIONS, population

MIX = 10_000


def by_rule(life: Json) -> Json | None:
    delta = needs_reconsent(state_of(life), facts_of(life), life["now"], life["profile"])
    return delta.to_json() if delta else None


@settings(max_examples=300, deadline=None)
@given(lives())
def test_the_rule_and_the_oracle_agree(life: Json) -> None:
    assert by_rule(life) == expected_delta(life)


def test_the_rule_and_the_oracle_agree_on_thousands_of_lives() -> None:
    for life in seeded(seed=2, number=MIX):
        assert by_rule(life) == expected_delta(life), life


def test_the_generated_lives_hold_every_outcome() -> None:
    deltas = [expected_delta(life) for life in seeded(seed=2, number=1000)]

    assert {delta["reason"] if delta else None for delta in deltas} == {
        "never", "expired", "changed", "added", "notice", None,
    }  # fmt: skip


def test_the_rule_and_the_oracle_agree_on_the_population_after_every_version() -> None:
    """Each of the 20 changes is published to the visitors who had decided by then."""
    visitors = list(population(count=250))
    for published in range(1, len(VERSIONS) + 1):
        versions = VERSIONS[:published]
        now = versions[-1]["published_at"] + 1
        for visitor in visitors:
            life = {**visitor, "versions": versions, "now": now}
            life["decisions"] = [d for d in visitor["decisions"] if d["at"] < now]

            assert by_rule(life) == expected_delta(life)


def test_the_population_is_the_same_in_every_run_and_touched_in_every_way() -> None:
    once, again = list(population(count=1000)), list(population(count=1000))
    deltas = [expected_delta({**v, "versions": VERSIONS, "now": NOW}) for v in once]

    assert once == again
    assert len(VERSIONS) == 21
    assert {delta["reason"] if delta else None for delta in deltas} == {
        "never", "expired", "changed", "added", "notice", None,
    }  # fmt: skip
