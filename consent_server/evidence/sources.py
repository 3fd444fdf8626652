"""What the receipts of an archive refer to: versions with their texts, banners, and the audit log."""

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import orjson
from sqlalchemy import select

from consent_server import clock
from consent_server.accounts.service import names_of
from consent_server.audit.models import AuditEvent
from consent_server.banner.models import BannerBuild, WidgetBundle
from consent_server.db import db
from consent_server.evidence.proving import Prover
from consent_server.evidence.signed_zip import SignedZip
from consent_server.evidence.trace import Trace, trace, version_of
from consent_server.ledger.leaf_rules import BANNER, VERSION, Name
from consent_server.ledger.leaves import find_leaf
from consent_server.policies.in_step import documents_of
from consent_server.sites.models import Site

SUFFIX = {"markdown": "md", "plain": "txt"}


@dataclass(frozen=True)
class Banner:
    """A banner that was shown: its hash, its code, and its configuration as text."""

    sha256: str
    bundle: str
    configuration: str

    @property
    def languages(self) -> Mapping[str, Mapping[str, Any]]:
        """The banner's words by language."""
        packs: dict[str, dict[str, Any]] = orjson.loads(self.configuration)["languages"]
        return packs


class Sources:
    """Collects what receipts name, and writes it once."""

    def __init__(self, site: Site) -> None:
        self._site = site
        self._versions: set[tuple[str, str]] = set()
        self._banners: set[str] = set()
        self.versions: list[Trace] = []
        self.banners: list[Banner] = []

    def note(self, claims: Mapping[str, Any] | None) -> None:
        """Take down what a receipt names."""
        if claims is not None:
            self._versions.add((claims["policy"], claims["policy_version"]))
            self._banners.add(claims["banner_build"])

    def write(self, archive: SignedZip, prover: Prover) -> None:
        """Write the files of everything that was named."""
        for policy, number in sorted(self._versions):
            version = version_of(self._site.id, policy, number)
            if version is not None:
                self.versions.append(trace(version))
                _write_version(archive, prover, self.versions[-1])
        for name in sorted(self._banners):
            banner = _banner(self._site.id, name)
            if banner is not None:
                self.banners.append(banner)
                _write_banner(archive, prover, banner)


def folder_of(found: Trace) -> str:
    """Return the folder of a version's files."""
    return f"versions/{found.version.policy.key}-{found.version.number}"


def _write_version(archive: SignedZip, prover: Prover, found: Trace) -> None:
    version, folder = found.version, folder_of(found)
    snapshot = (version.snapshot or "").encode()
    archive.add(f"{folder}/snapshot.json", snapshot)
    texts = documents_of(version.notices, found.languages)
    for notice in version.notices:
        # The canonical text: the bytes whose hash the receipts name.
        path = f"{folder}/text.{notice.language}.{SUFFIX[notice.format]}"
        archive.add(path, texts[notice.language].text.encode())
    _write_leaves(archive, prover, f"{folder}/told", (VERSION, hashlib.sha256(snapshot).hexdigest()))


def _write_banner(archive: SignedZip, prover: Prover, banner: Banner) -> None:
    folder = f"banners/{banner.sha256}"
    archive.add(f"{folder}/bundle.js", banner.bundle.encode())
    archive.add(f"{folder}/configuration.json", banner.configuration.encode())
    _write_leaves(archive, prover, f"{folder}/told", (BANNER, banner.sha256))


def _write_leaves(archive: SignedZip, prover: Prover, path: str, name: Name) -> None:
    """Write with what entry each log told of something: it stood there before the first receipt that names it."""
    for epoch, origin in prover.origins.items():
        leaf = find_leaf(prover.site_id, origin, name)
        if leaf is not None and leaf.payload is not None:
            prover.write(archive, f"{path}-{epoch}", leaf)


def _banner(site_id: int, name: str) -> Banner | None:
    build = db.session.get(BannerBuild, (site_id, bytes.fromhex(name)))
    bundle = db.session.get(WidgetBundle, build.bundle) if build else None
    return Banner(name, bundle.body, build.configuration) if build and bundle else None


def audit_rows(site_id: int) -> list[dict[str, Any]]:
    """Return a site's audit log, oldest first, with the names of those who acted."""
    events: Sequence[AuditEvent] = db.session.scalars(
        select(AuditEvent).where(AuditEvent.site_id == site_id).order_by(AuditEvent.id)
    ).all()
    names = names_of({event.actor for event in events})
    return [
        {
            "id": event.id,
            "at": clock.iso(event.at),
            "actor": event.actor,
            "name": names.get(event.actor, ""),
            "action": event.action,
            "target": event.target,
            "detail": event.detail,
        }
        for event in events
    ]
