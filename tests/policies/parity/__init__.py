"""Tests of the parity check."""

from pathlib import Path

from consent_server.policies.parity import Finding, check
from consent_server.policies.text import Document, parse

SAMPLE = Path(__file__).parents[2] / "samples" / "parity"


def english(text: str) -> Document:
    return parse(text, language="en", format="markdown")


def chinese(text: str) -> Document:
    return parse(text, language="zh-CN", format="markdown")


def found(en: str, zh: str) -> list[Finding]:
    """Return what the check finds in a pair of texts, each under one numbered heading."""
    texts = {"en": english(f"# T\n\n## 1. A\n\n{en}"), "zh-CN": chinese(f"# 题\n\n## 1. 甲\n\n{zh}")}
    return list(check(texts).findings)


def rules(en: str, zh: str) -> list[str]:
    return [finding.rule for finding in found(en, zh)]
