"""The re-consent rule by the shared vectors; widget/tests/vectors.test.js reads the same file."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from consent_server.consents.facts import ConsentState
from consent_server.policies.facts import VersionFacts
from consent_server.reconsent.rules import needs_reconsent

VECTORS = json.loads((Path(__file__).parents[1] / "vectors" / "reconsent.json").read_text("utf-8"))


def test_there_are_enough_vectors_and_each_has_its_own_name() -> None:
    names = [case["name"] for case in VECTORS["cases"]]

    assert len(names) >= 60
    assert len(set(names)) == len(names)


@pytest.mark.parametrize("case", VECTORS["cases"], ids=lambda case: case["name"])
def test_the_rule_answers_the_vector(case: dict[str, Any]) -> None:
    state = ConsentState.from_json(case["state"]) if case["state"] else None
    versions = [VersionFacts.from_json(version) for version in VECTORS["histories"][case["history"]]]

    delta = needs_reconsent(state, versions, case["now"], case.get("profile", "opt_in"))

    assert (delta.to_json() if delta else None) == case["expect"]


@pytest.mark.parametrize("history", VECTORS["histories"].values(), ids=VECTORS["histories"].keys())
def test_versions_survive_their_json_form(history: list[dict[str, Any]]) -> None:
    assert [VersionFacts.from_json(version).to_json() for version in history] == history
