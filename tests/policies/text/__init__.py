"""Tests of reading policy texts."""

from pathlib import Path

from consent_server.policies.text import Document, parse, read_sources

SAMPLES = Path(__file__).parents[2] / "samples"


def documents(folder: Path) -> dict[str, Document]:
    """Return the documents of a folder by language."""
    return {s.language: parse(s.text, language=s.language, format=s.format) for s in read_sources([folder])}


def plain(text: str) -> Document:
    return parse(text, language="en", format="plain")


def markdown(text: str) -> Document:
    return parse(text, language="en", format="markdown")


def codes(document: Document) -> list[str]:
    return [warning.code for warning in document.warnings]
