"""Agents that act for the visitor: a real one from the package registry, and the rule files that we offer."""

import json
from pathlib import Path
from typing import Any

import pytest
from playwright.sync_api import Page

from tests.widget.bundled import bundled
from tests.widget.conftest import OpenPage
from tests.widget.helpers import ACCEPT, CARD, granted, stored, wait_for_decisions
from tests.widget.stage import Stage

pytestmark = pytest.mark.browser

RULES = Path(__file__).resolve().parents[2] / "docs" / "agents"


def run_agent(page: Page, means: str, action: str = "optOut") -> list[dict[str, Any]]:
    """What the agent reports, until it is done."""
    page.wait_for_selector(CARD)
    page.evaluate(bundled("agent.js"))
    page.set_default_timeout(30_000)
    heard: list[dict[str, Any]] = page.evaluate(f"runAgent({means!r}, {action!r})")
    return heard


@pytest.mark.parametrize(
    ("means", "language"),
    [("rule", "en"), ("rule", "zh-CN"), ("heuristics", "en"), ("heuristics-zh", "zh-CN")],
)
def test_a_real_agent_opts_out(stage: Stage, open_page: OpenPage, means: str, language: str) -> None:
    page = open_page(stage.page(lang=language))

    heard = run_agent(page, means)

    name = "consent-server" if means == "rule" else "HEURISTIC-REJECT"
    outcomes = [each for each in heard if each["type"] in ("optOutResult", "autoconsentDone")]
    assert [each["cmp"] for each in outcomes] == [name, name]
    assert outcomes[0]["result"] is True
    assert wait_for_decisions(page, stage, 1)[0]["action"] == "reject_all"
    assert granted(page) == []
    assert page.locator(CARD).count() == 0


def test_an_agent_that_only_scripts_cannot_accept(stage: Stage, open_page: OpenPage) -> None:
    page = open_page(stage.page())

    run_agent(page, "rule", "optIn")
    page.click("#csv-preferences")
    page.evaluate("document.querySelectorAll('dialog input').forEach((each) => each.click())")
    page.evaluate(
        "[...document.querySelectorAll('dialog button')].forEach((each) => /accept/.test(each.id) && each.click())"
    )

    assert stored(page) is None
    assert granted(page) == []


def test_the_rule_for_the_extension_finds_shows_and_refuses(stage: Stage, open_page: OpenPage) -> None:
    (rule,) = json.loads((RULES / "consent-o-matic.json").read_text(encoding="utf-8")).values()
    methods = {method["name"]: method["action"] for method in rule["methods"]}
    selectors = [
        matcher["target"]["selector"]
        for detector in rule["detectors"]
        for kind in ("presentMatcher", "showingMatcher")
        for matcher in detector[kind]
    ]
    page = open_page(stage.page(lang="zh-CN"))
    page.wait_for_selector(ACCEPT)

    assert all(page.locator(selector).is_visible() for selector in selectors[1:])
    assert page.locator(selectors[0]).count() == 1
    assert page.locator(methods["HIDE_CMP"]["target"]["selector"]).count() == 1
    assert methods["DO_CONSENT"]["type"] == "click"
    page.evaluate(
        "(selector) => document.querySelector(selector).click()", methods["DO_CONSENT"]["target"]["selector"]
    )

    assert wait_for_decisions(page, stage, 1)[0]["action"] == "reject_all"
    assert not page.locator(selectors[1]).is_visible()
