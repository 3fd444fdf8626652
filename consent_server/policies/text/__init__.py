"""Policy texts: Markdown or plain text in, structure, safe HTML, hash and warnings out.

Pure: no database, no request. `parse` is the way in; `read_sources` and `read_history` read files.
"""

from functools import lru_cache

from consent_server.policies.text.canonical import MAX_BYTES, Format, canonical
from consent_server.policies.text.compare import (
    OutlineDifference,
    SectionChange,
    changed_sections,
    outline_differences,
)
from consent_server.policies.text.document import Block, Document, OutlineEntry, Section, text_sha256
from consent_server.policies.text.errors import SourceError
from consent_server.policies.text.files import (
    DatedSources,
    SourceFile,
    Sources,
    decode,
    read_history,
    read_sources,
)
from consent_server.policies.text.languages import language_tag
from consent_server.policies.text.markdown import parse_markdown
from consent_server.policies.text.plain import parse_plain
from consent_server.policies.text.report import (
    ImportReport,
    import_report,
    language_differences,
    render_report,
)
from consent_server.policies.text.warnings import TextWarning

__all__ = [
    "MAX_BYTES",
    "Block",
    "DatedSources",
    "Document",
    "Format",
    "ImportReport",
    "OutlineDifference",
    "OutlineEntry",
    "Section",
    "SectionChange",
    "SourceError",
    "SourceFile",
    "Sources",
    "TextWarning",
    "canonical",
    "changed_sections",
    "decode",
    "import_report",
    "language_differences",
    "language_tag",
    "outline_differences",
    "parse",
    "read_history",
    "read_sources",
    "render_report",
    "text_sha256",
]


def parse(source_text: str, *, language: str, format: Format) -> Document:
    """Return the structure of a policy text.

    The same text gives the same document. `language` is a BCP 47 tag and is kept as it is;
    `format` is "markdown" or "plain".

    Raises:
        SourceError: the text is empty, too large (`MAX_BYTES`), holds NUL or a lone surrogate, or
            the format is unknown.
    """
    if len(source_text) <= _KEPT:
        return _parsed(source_text, language, format)
    return _parse(source_text, language, format)


def _parse(source_text: str, language: str, format: Format) -> Document:
    if format == "markdown":
        return parse_markdown(source_text, language=language)
    if format == "plain":
        return parse_plain(source_text, language=language)
    raise SourceError("format", f"unknown format {format!r}; expected markdown or plain")


# A draft's page, its check and its publication read the same few texts again and again; the largest are not kept.
_KEPT = 300_000
_parsed = lru_cache(maxsize=12)(_parse)
