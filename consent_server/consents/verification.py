"""Check a receipt that somebody brings: what it says, and whether it is ours and untouched."""

import hashlib
from dataclasses import dataclass, field
from typing import Any

from consent_server.consents.payload import SCHEMA
from consent_server.db import db
from consent_server.keys import KeyRing
from consent_server.ledger import jws
from consent_server.ledger.leaf_rules import BANNER, KEY, VERSION
from consent_server.ledger.leaves import find_leaf
from consent_server.ledger.models import Receipt
from consent_server.ledger.names import log_of_origin
from consent_server.policies.published import UnknownSite, site_view


@dataclass
class Verdict:
    """`valid` is true only when every check is."""

    checks: list[dict[str, Any]] = field(default_factory=list)
    claims: dict[str, Any] | None = None

    @property
    def valid(self) -> bool:
        """Whether all checks passed."""
        return all(check["ok"] for check in self.checks)

    def note(self, check: str, ok: bool, detail: str) -> bool:
        """Add a check and return its outcome."""
        self.checks.append({"check": check, "ok": ok, "detail": detail})
        return ok

    def to_json(self) -> dict[str, Any]:
        """Return the answer's members."""
        return {"valid": self.valid, "checks": self.checks, "claims": self.claims}


def verify(text: str, *, ring: KeyRing) -> Verdict:
    """Return a verdict with reasons; a receipt that cannot even be read has one failed check."""
    verdict = Verdict()
    try:
        parsed = jws.parse(text.strip())
    except jws.BadReceipt as error:
        verdict.note("form", False, f"This is not a receipt: {error}.")
        return verdict
    verdict.note("form", True, "It has the form of a consent receipt.")
    key = jws.signer(ring, parsed)
    if not verdict.note(
        "signature",
        key is not None,
        "Signed by a key of this server." if key else "No key of this server signed these bytes.",
    ):
        return verdict
    verdict.claims = parsed.claims
    _in_log(verdict, parsed)
    if parsed.claims.get("schema") == SCHEMA:  # other leaves, such as erasures, name no version and no text
        _names_published(verdict, parsed.claims)
    return verdict


def _in_log(verdict: Verdict, parsed: jws.ParsedReceipt) -> None:
    log = log_of_origin(str(parsed.header.get("log")))
    idx = parsed.header.get("idx")
    row = db.session.get(Receipt, (log.site_id, log.epoch, idx)) if log and _is_index(idx) else None
    if row is None:
        verdict.note("log", False, "The log that it names has nothing at its index.")
        return
    same = row.entry == hashlib.sha256(parsed.payload).digest()
    erased = " Its content has been erased here since." if same and row.payload is None else ""
    verdict.note(
        "log",
        same,
        f"It stands in the log at index {row.idx}.{erased}"
        if same
        else "The log has another receipt at its index.",
    )
    if same and parsed.claims.get("schema") == SCHEMA:
        _told_before(verdict, parsed, row)


def _told_before(verdict: Verdict, parsed: jws.ParsedReceipt, row: Receipt) -> None:
    """Check that version and banner stood in the log first. A log from before it told of them proves nothing here."""

    def place(schema: str, named: object) -> int | None:
        leaf = find_leaf(row.site_id, str(parsed.header["log"]), (schema, str(named)))
        return leaf.idx if leaf is not None and leaf.idx < row.idx else None

    if place(KEY, parsed.header["kid"]) is None:
        return
    version = place(VERSION, parsed.claims.get("policy_sha256"))
    banner = place(BANNER, parsed.claims.get("banner_build"))
    told = version is not None and banner is not None
    verdict.note(
        "told",
        told,
        f"The log told of its policy version at index {version} and of its banner at index {banner}, before it."
        if told
        else "The log had not told of its policy version and its banner before it.",
    )


def _is_index(value: object) -> bool:
    # JSON has numbers that no database column holds.
    return isinstance(value, int) and not isinstance(value, bool) and 0 <= value < 2**63


def _names_published(verdict: Verdict, claims: dict[str, Any]) -> None:
    try:
        site = site_view(str(claims.get("site")))
        version = site.version(str(claims.get("policy_version")))
    except UnknownSite:
        version = None
    same = version is not None and version.sha256 == claims.get("policy_sha256")
    verdict.note(
        "version",
        same,
        f"It names policy version {claims.get('policy_version')} as published."
        if same
        else "The policy version that it names was not published so.",
    )
    notice = version.notices.get(str(claims.get("language")), {}) if version else {}
    shown = notice.get("sha256") == claims.get("text_sha256")
    verdict.note(
        "text",
        shown,
        f"It names the text that was published in {claims.get('language')}."
        if shown
        else "The text that it names was not published in that language.",
    )
