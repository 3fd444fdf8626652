"""The widget's rules, run by node: on the shared vectors, and against Python on generated lives."""

from __future__ import annotations

import json
import re
import subprocess
from pathlib import Path

from hypothesis import Phase, given, settings

from consent_server.consents.rules import effective
from consent_server.reconsent.rules import needs_reconsent

from .lives import Json, facts_of, lives, seeded, state_of
from .node import node

ROOT = Path(__file__).parents[2]


def test_the_widget_answers_the_shared_vectors() -> None:
    run = subprocess.run(
        [node(), "--test", "--test-reporter=tap", "widget/tests/vectors.test.js"],
        cwd=ROOT,
        capture_output=True,
        text=True,
        timeout=60,
        check=False,
    )

    assert run.returncode == 0, run.stdout + run.stderr
    passed = re.search(r"^# pass (\d+)$", run.stdout, re.MULTILINE)
    assert passed
    assert int(passed[1]) >= 85


def test_the_widget_and_the_server_agree_on_generated_lives() -> None:
    batch = [*generated(300), *seeded(seed=3, number=4000)]

    run = subprocess.run(
        [node(), Path(__file__).with_name("answer.mjs")],
        input=json.dumps(batch),
        capture_output=True,
        text=True,
        timeout=120,
        check=True,
    )

    answers = json.loads(run.stdout)
    assert len(answers) == len(batch) >= 2000
    for life, answer in zip(batch, answers, strict=True):
        assert answer == in_python(life), life


def generated(number: int) -> list[Json]:
    """Lives that hypothesis chooses, gathered so that node starts once."""
    batch: list[Json] = []

    @settings(max_examples=number, deadline=None, database=None, phases=[Phase.generate])
    @given(lives())
    def collect(life: Json) -> None:
        batch.append(life)

    collect()
    return batch


def in_python(life: Json) -> Json:
    versions, state = facts_of(life), state_of(life)
    delta = needs_reconsent(state, versions, life["now"], life["profile"])
    on = effective(state, versions, life["now"], life["profile"], signal=life["signal"])
    return {
        "state": state.to_json() if state else None,
        "delta": delta.to_json() if delta else None,
        "on": list(on),
    }
