"""Everything about the receipts of a question in one signed archive, which a regulator can read and check alone.

Receipts with their proofs, the texts and banners that they name, who approved them and what they changed, the audit log,
and pages in both languages of the console that lead through it. `docs/evidence.md` has the contents, file by file.
"""

import io
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from itertools import islice
from pathlib import Path
from typing import Any, BinaryIO

import orjson
from sqlalchemy import select

from consent_server import clock, spreadsheets
from consent_server.audit import service as audit
from consent_server.consents.search import subjects_of
from consent_server.db import db
from consent_server.evidence import archive_pages
from consent_server.evidence.facets import is_decision
from consent_server.evidence.proving import Prover
from consent_server.evidence.query import in_words
from consent_server.evidence.search import Filter, all_receipts
from consent_server.evidence.signed_zip import SignedZip
from consent_server.evidence.sources import Sources, audit_rows
from consent_server.keys import KeyRing
from consent_server.ledger.models import Log, Receipt
from consent_server.ledger.published_keys import key_file
from consent_server.problems import Problem
from consent_server.sites.models import Site

PAGE_ROWS = 500  # receipts a page of the index
BATCH = 250
PACKAGE = Path(__file__).resolve().parents[1]
COLUMNS = (
    "receipt_id",
    "issued_at",
    "log_index",
    "epoch",
    "action",
    "policy",
    "policy_version",
    "language",
    "granted",
    "denied",
    "visitor_id",
    "subject",
    "sha256",
)


class TooMuchEvidence(Problem):
    slug, status = "too-much-evidence", HTTPStatus.UNPROCESSABLE_ENTITY
    title = "This is more than one archive made here may hold"


@dataclass(frozen=True)
class Order:
    """What an archive is to hold, and who asked for it. `limit` None means all of it."""

    site: Site
    wanted: Filter
    who: str
    now: datetime
    limit: int | None = None


@dataclass(frozen=True)
class Row:
    """One receipt as the index shows it; of an erased one `claims` is None."""

    receipt: Receipt
    claims: dict[str, Any] | None
    subject: str | None
    proved: bool

    def cells(self) -> list[Any]:
        """Return the row of the table for machines."""
        receipt, claims = self.receipt, self.claims or {}
        choices = claims.get("choices", {})
        said = [" ".join(k for k, v in choices.items() if v == choice) for choice in ("granted", "denied")]
        place = [receipt.receipt_id, clock.iso(receipt.issued_at), receipt.idx, receipt.epoch]
        names = [claims.get(name, "") for name in ("action", "policy", "policy_version", "language")]
        return [
            *place,
            *names,
            *said,
            claims.get("visitor_id", ""),
            self.subject or "",
            receipt.entry.hex(),
        ]


def write(file: BinaryIO, order: Order, *, ring: KeyRing) -> int:
    """Write the archive and return how many receipts it holds.

    Raises:
        TooMuchEvidence: more receipts fit than the order's limit.
    """
    site = order.site
    logs = db.session.scalars(select(Log).where(Log.site_id == site.id).order_by(Log.epoch)).all()
    about = {"site": site.key, "logs": [log.origin for log in logs], "query": in_words(order.wanted)}
    with SignedZip(file, key=ring.receipt_key, now=order.now, about=about) as archive:
        sources = Sources(site)
        table, pages = _Table(), _Pages(archive, site)
        prover = Prover(site.id, {log.epoch: log.origin for log in logs}, ring=ring)
        found = all_receipts(site.id, order.wanted)
        count = 0
        while part := list(islice(found, BATCH)):
            count += len(part)
            if order.limit is not None and count > order.limit:
                raise TooMuchEvidence(
                    "Ask for less, or write the archive on the server with `consent-server export evidence`.",
                    limit=order.limit,
                )
            for row in _rows(site.id, part, archive, prover):
                table.add(row)
                pages.add(row)
                sources.note(row.claims)
        archive.add("receipts.csv", table.body())
        pages.finish()
        sources.write(archive, prover)
        _write_rest(archive, order, count, pages.number, sources, ring)
    return count


def note(order: Order, count: int, *, actor: str) -> None:
    """Note in the audit log who took what away; which persons were looked for is left out."""
    kinds = in_words(order.wanted)
    open_ones = {
        name: value for name, value in kinds.items() if name not in ("visitor", "subject", "receipt")
    }
    audit.record(
        "evidence.export",
        actor=actor,
        now=order.now,
        site_id=order.site.id,
        target=order.site.key,
        receipts=count,
        about=sorted(kinds.keys() - open_ones.keys()),
        query=open_ones,
    )


def _rows(site_id: int, part: list[Receipt], archive: SignedZip, prover: Prover) -> list[Row]:
    """Write the receipts' own files and return what the index shows of them."""
    subjects = subjects_of(site_id, part)
    rows = []
    for receipt in part:
        claims = orjson.loads(receipt.payload) if receipt.payload else None
        proof = None
        if receipt.payload is not None:
            proof = prover.write(archive, f"receipts/{receipt.receipt_id}", receipt)
        subject = subjects.get(receipt.visitor_id) if receipt.visitor_id else None
        shown = claims if claims and is_decision(claims) else None
        rows.append(Row(receipt, shown, subject, proof is not None))
    return rows


def _write_rest(
    archive: SignedZip, order: Order, count: int, pages: int, sources: Sources, ring: KeyRing
) -> None:
    site = order.site
    rows = audit_rows(site.id)
    archive.add_json("audit.json", rows)
    archive.add_json("query.json", {"asked_by": order.who, "query": in_words(order.wanted)})
    archive.add_json("keys.json", key_file(ring))
    for name in ("verifier.py", "verify_archive.py"):
        archive.add(name, (PACKAGE / name).read_bytes())
    facts = archive_pages.Facts(site, order.wanted, order.who, order.now, count, pages)
    for path, body in archive_pages.overview(facts, sources.versions, sources.banners, rows):
        archive.add(path, body)


class _Table:
    """The receipts as comma-separated values."""

    def __init__(self) -> None:
        self._text = io.StringIO(newline="")
        spreadsheets.write(self._text, [COLUMNS])

    def add(self, row: Row) -> None:
        spreadsheets.write(self._text, [[str(cell) for cell in row.cells()]])

    def body(self) -> bytes:
        return self._text.getvalue().encode(spreadsheets.ENCODING)


class _Pages:
    """The receipts as pages, so many rows each."""

    def __init__(self, archive: SignedZip, site: Site) -> None:
        self._archive, self._site = archive, site
        self._rows: list[Row] = []
        self.number = 0

    def add(self, row: Row) -> None:
        self._rows.append(row)
        if len(self._rows) == PAGE_ROWS:
            self.finish()

    def finish(self) -> None:
        if not self._rows:
            return
        self.number += 1
        for path, body in archive_pages.receipts(self._site, self._rows, self.number):
            self._archive.add(path, body)
        self._rows = []
