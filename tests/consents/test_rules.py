"""State and effect of decisions by the shared vectors, the same as the widget's."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from consent_server.consents.facts import ConsentState, DecisionFacts
from consent_server.consents.rules import derive_state, effective
from consent_server.policies.facts import VersionFacts

VECTORS = json.loads((Path(__file__).parents[1] / "vectors" / "state.json").read_text("utf-8"))


def of_rule(rule: str) -> list[dict[str, Any]]:
    return [case for case in VECTORS["cases"] if case["rule"] == rule]


def state_in(data: dict[str, Any] | None) -> ConsentState | None:
    return ConsentState.from_json(data) if data else None


def versions_of(case: dict[str, Any]) -> list[VersionFacts]:
    return [VersionFacts.from_json(version) for version in VECTORS["histories"][case["history"]]]


@pytest.mark.parametrize("case", of_rule("derive_state"), ids=lambda case: case["name"])
def test_a_decision_gives_the_state_of_the_vector(case: dict[str, Any]) -> None:
    decision = DecisionFacts.from_json(case["decision"])

    state = derive_state(state_in(case["previous"]), decision, versions_of(case))

    assert state.to_json() == case["expect"]


@pytest.mark.parametrize("case", of_rule("effective"), ids=lambda case: case["name"])
def test_what_is_on_is_what_the_vector_says(case: dict[str, Any]) -> None:
    on = effective(
        state_in(case["state"]),
        versions_of(case),
        case["now"],
        case.get("profile", "opt_in"),
        signal=case.get("signal", False),
    )

    assert list(on) == case["expect"]
