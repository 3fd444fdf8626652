"""Tests of redlines, proposals and summaries."""

from consent_server.policies.redline import VersionRedline, redline_versions
from consent_server.policies.text import Document, parse


def text(source: str, language: str = "en") -> Document:
    return parse(source, language=language, format="markdown")


def step(before: str, after: str, **others: tuple[str, str]) -> VersionRedline:
    """Return the step between two English texts; `zh=(before, after)` adds the Chinese."""
    old, new = {"en": text(before)}, {"en": text(after)}
    for first, second in others.values():
        old["zh-CN"], new["zh-CN"] = text(first, "zh-CN"), text(second, "zh-CN")
    return redline_versions(old, new)
