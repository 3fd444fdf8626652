"""The form of a draft's texts: whole, or in parts section by section, and what the server makes of them."""

import re
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from consent_server import labels
from consent_server.policies import editing, merging
from consent_server.policies.in_step import by_follower, disagreements, waived
from consent_server.policies.models import PolicyVersion, Waiver
from consent_server.policies.parity import Finding
from consent_server.policies.text import Document, SourceError, decode, parse
from consent_server.policies.text.parts import GAP, join, split
from consent_server.policies.text.placeholders import fill
from consent_server.problems import InvalidInput
from consent_server.sites.models import Site

SUFFIXES = {"md": "markdown", "markdown": "markdown", "txt": "plain"}


@dataclass
class Text:
    """One language's text in the form, and what the server makes of it.

    `written` is the document as it is written, `document` with its placeholders filled; `base` tells the sections that the
    form began with.
    """

    language: str
    format: str
    source: str
    base: frozenset[str] = frozenset()
    written: Document | None = None
    document: Document | None = None
    error: str = ""
    findings: list[Finding] = field(default_factory=list)

    @property
    def parts(self) -> list[str]:
        """The text section by section; what cannot be read is one part."""
        try:
            return [part.source for part in split(_parse(self))]
        except SourceError:
            return [self.source] if self.source.strip() else []

    @property
    def terms(self) -> list[editing.Term]:
        """The words that the text defines."""
        return editing.terms_of(self.document) if self.document else []


def stored_texts(site: Site, draft: PolicyVersion) -> list[Text]:
    """Return the draft's texts, in every language of the site."""
    notices = {notice.language: notice for notice in draft.notices}
    return [
        Text(tag, notices[tag].format, notices[tag].source) if tag in notices else Text(tag, "markdown", "")
        for tag in site.languages
    ]


def read_form(site: Site, form: Mapping[str, str]) -> list[Text]:
    """Return the texts of a form, in every language of the site."""
    return [
        Text(
            tag,
            form.get(f"format-{tag}", "markdown"),
            form[f"source-{tag}"] if f"source-{tag}" in form else _joined(tag, form),
            frozenset(form.get(f"base-{tag}", "").split()),
        )
        for tag in site.languages
    ]


def merged_texts(
    site: Site, saved: Sequence[Text], mine: Sequence[Text], form: Mapping[str, str]
) -> list[Text] | None:
    """Return what a person has made of both texts, or None where they have not chosen yet."""
    found = []
    for theirs, ours in zip(saved, mine, strict=True):
        tag = ours.language
        steps = merging.merge(ours.base, ours.parts, theirs.parts)
        source = merging.merged(steps, _numbered(form, f"take-{tag}-"), _numbered(form, f"written-{tag}-"))
        if source is None:
            return None
        same = all(step.same for step in steps)
        found.append(Text(tag, ours.format, theirs.source if same else source))
    return found


def read_file(language: str, file: Any) -> tuple[str, str]:
    """Return format and source of an uploaded file.

    Raises:
        InvalidInput: it is no text that can be read.
    """
    suffix = file.filename.rpartition(".")[2].lower()
    if suffix not in SUFFIXES:
        raise InvalidInput(
            "Look at the marked fields.", errors={f"file-{language}": str(labels.SOURCE_ERROR["format"])}
        )
    try:
        return SUFFIXES[suffix], decode(file.read())
    except SourceError as error:
        words = str(labels.SOURCE_ERROR.get(error.code, error.message))
        raise InvalidInput("Look at the marked fields.", errors={f"file-{language}": words}) from error


def understand(
    site: Site,
    texts: Sequence[Text],
    before: PolicyVersion | None = None,
    waivers: Iterable[Waiver] = (),
) -> None:
    """Parse each text and find where it does not say what the first one says."""
    for each in texts:
        try:
            each.written = _parse(each)
            each.document = _parse(each, fill(each.source, site.profile))
        except SourceError as error:
            each.error = str(labels.SOURCE_ERROR.get(error.code, error.message))
    documents = {each.language: each.document for each in texts if each.document is not None}
    if texts[0].language in documents:
        found = by_follower(waived(disagreements(documents, before), waivers), texts[0].language)
        for each in texts[1:]:
            each.findings = found.get(each.language, [])


def _parse(text: Text, source: str | None = None) -> Document:
    chosen = text.source if source is None else source
    return parse(chosen, language=text.language, format=text.format)  # type: ignore[arg-type]  # another word is an error that is caught


def _joined(language: str, form: Mapping[str, str]) -> str:
    """Return a text from the fields of its sections, in the order of their numbers."""
    fields = sorted(_numbered(form, f"part-{language}-").items())
    gaps = editing.read_gaps(form.get(f"gaps-{language}", ""))
    return join([source for _order, source in fields], [gaps.get(order, GAP) for order, _source in fields])


def _numbered(form: Mapping[str, str], prefix: str) -> dict[int, str]:
    pattern = re.compile(rf"{re.escape(prefix)}([0-9]{{1,9}})")
    return {int(match[1]): value for name, value in form.items() if (match := pattern.fullmatch(name))}
