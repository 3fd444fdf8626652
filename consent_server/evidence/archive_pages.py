"""The pages of an archive: they lead a person through it, in either language, from a folder and without a script."""

from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from pathlib import Path
from typing import TYPE_CHECKING, Any

import orjson
from flask import current_app, render_template
from flask_babel import force_locale

from consent_server.banner.configuration import phrase
from consent_server.evidence.query import WORDS, in_words
from consent_server.evidence.search import Filter
from consent_server.evidence.trace import Trace
from consent_server.i18n import LOCALES
from consent_server.policies.in_step import documents_of
from consent_server.sites.models import Site

if TYPE_CHECKING:
    from consent_server.evidence.archive import Row
    from consent_server.evidence.sources import Banner

SHEETS = ("tokens", "base", "parts", "evidence", "archive")
Page = tuple[str, bytes]


@dataclass(frozen=True)
class Facts:
    """What the first page says of the archive."""

    site: Site
    wanted: Filter
    who: str
    now: datetime
    count: int
    pages: int

    @property
    def query(self) -> dict[str, str]:
        """The question in words: what was asked for, by the name of the field in the page's language."""
        return {str(WORDS[name]): value for name, value in in_words(self.wanted).items()}


def receipts(site: Site, rows: Sequence["Row"], number: int) -> Iterator[Page]:
    """Yield one page of the index in each language."""
    yield from _each_language("receipts", f"receipts-{number}.html", site=site, rows=rows, number=number)


def overview(
    facts: Facts, versions: Sequence[Trace], banners: Sequence["Banner"], events: Sequence[dict[str, Any]]
) -> Iterator[Page]:
    """Yield the first page in each language, the pages of versions, banners and the audit log, and the style sheet."""
    values: dict[str, Any] = {"site": facts.site, "facts": facts, "versions": versions, "banners": banners}
    yield from _each_language("index", "index.html", **values)
    for each in versions:
        texts = documents_of(each.version.notices, each.languages)
        snapshot = orjson.loads(each.version.snapshot or "{}")
        name = f"version-{each.version.policy.key}-{each.version.number}.html"
        yield from _each_language(
            "version", name, site=facts.site, trace=each, texts=texts, snapshot=snapshot
        )
    for banner in banners:
        yield from _each_language(
            "banner", f"banner-{banner.sha256}.html", site=facts.site, banner=banner, phrase=phrase
        )
    yield from _each_language("audit", "audit.html", site=facts.site, events=events)
    yield "index.html", _render("start", "en", site=facts.site, path="")
    sheets = Path(current_app.static_folder or "") / "console"
    yield "style.css", b"\n".join((sheets / f"{name}.css").read_bytes() for name in SHEETS)


def _each_language(template: str, name: str, **values: Any) -> Iterator[Page]:
    for language in LOCALES:
        yield f"{language}/{name}", _render(template, language, path=name, **values)


def _render(template: str, language: str, **values: Any) -> bytes:
    with force_locale(LOCALES[language]):
        return render_template(f"archive/{template}.html", language=language, **values).encode()
