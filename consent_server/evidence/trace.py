"""Where a text comes from: the version, who wrote, classified, approved and published it, and what it changed."""

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

from sqlalchemy import or_, select

from consent_server.accounts.service import names_of
from consent_server.audit.models import AuditEvent
from consent_server.db import db
from consent_server.policies.in_step import documents_of
from consent_server.policies.models import Policy, PolicyVersion
from consent_server.policies.redline import SectionRedline, redline_versions
from consent_server.policies.trail import target_of


@dataclass(frozen=True)
class Trace:
    """One published version with its predecessor and what the audit log says of it, oldest first.

    `names` are those of the accounts by actor; `redlines` what changed, by language.
    """

    version: PolicyVersion
    before: PolicyVersion | None
    events: Sequence[AuditEvent]
    names: Mapping[str, str]

    @property
    def languages(self) -> list[str]:
        """The languages of the version's texts."""
        return [notice.language for notice in self.version.notices]

    def redlines(self) -> Mapping[str, Sequence[SectionRedline]]:
        """Return what changed since the version before, section by section."""
        if self.before is None:
            return {}
        old = documents_of(self.before.notices, self.languages)
        return redline_versions(old, documents_of(self.version.notices, self.languages)).redlines


def version_of(site_id: int, policy_key: str, number: str) -> PolicyVersion | None:
    """Return the published version of this number, or None."""
    major, _, minor = number.partition(".")
    if not (major.isdecimal() and minor.isdecimal() and len(number) < 14):
        return None
    return db.session.scalar(
        select(PolicyVersion)
        .join(Policy)
        .where(
            Policy.site_id == site_id,
            Policy.key == policy_key,
            PolicyVersion.major == int(major),
            PolicyVersion.minor == int(minor),
        )
    )


def trace(version: PolicyVersion) -> Trace:
    """Return where a published version comes from."""
    before = db.session.scalar(
        select(PolicyVersion)
        .where(
            PolicyVersion.policy_id == version.policy_id,
            PolicyVersion.state == "published",
            or_(
                PolicyVersion.major < version.major,
                (PolicyVersion.major == version.major) & (PolicyVersion.minor < version.minor),
            ),
        )
        .order_by(PolicyVersion.major.desc(), PolicyVersion.minor.desc())
        .limit(1)
    )
    events = db.session.scalars(
        select(AuditEvent)
        .where(
            AuditEvent.site_id == version.policy.site_id,
            AuditEvent.target == target_of(version),
        )
        .order_by(AuditEvent.id)
    ).all()
    return Trace(version, before, events, names_of(_actors(version, events)))


def _actors(version: PolicyVersion, events: Sequence[AuditEvent]) -> set[str]:
    people = {event.actor for event in events} | {version.published_by or ""}
    people |= {change.classified_by for change in version.changes}
    people |= {change.approved_by or "" for change in version.changes}
    return people | {waiver.waived_by for waiver in version.waivers}
