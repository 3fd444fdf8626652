"""Let findings of the parity check pass, one by one: who, why, and for exactly which text."""

from datetime import datetime
from http import HTTPStatus
from typing import Any

from consent_server.db import db
from consent_server.policies import trail
from consent_server.policies.drafting import newest_of, require_editable
from consent_server.policies.in_step import disagreements, documents_of, waived
from consent_server.policies.models import PolicyVersion, Waiver
from consent_server.policies.parity import Finding
from consent_server.problems import InvalidInput, NotFound, Problem
from consent_server.sites.models import Site


class FindingGone(Problem):
    """The text has changed meanwhile, or the finding was never one of this draft."""

    slug, status = "finding-gone", HTTPStatus.CONFLICT
    title = "The draft has no such finding now"


def findings_of(draft: PolicyVersion, site: Site, before: PolicyVersion | None) -> tuple[Finding, ...]:
    """Return in what a draft's languages do not say the same, those findings that are waived marked so.

    Args:
        draft: the draft.
        site: its site, whose default language is what the others are compared with.
        before: the newest published version, to tell what changed in one language only.
    """
    texts = documents_of(draft.notices, site.languages, site.profile)
    found = disagreements(texts, before, site.languages)
    if site.default_language not in texts:
        found = tuple(finding for finding in found if finding.rule == "language-missing")
    return waived(found, draft.waivers)


def fallen(draft: PolicyVersion, findings: tuple[Finding, ...]) -> list[Waiver]:
    """Return the waivers that let nothing pass any more: the text that they were given for has changed."""
    there = {finding.fingerprint for finding in findings}
    return [waiver for waiver in draft.waivers if waiver.fingerprint not in there]


def waive(draft: PolicyVersion, *, fingerprint: str, reason: str, now: datetime, actor: str) -> Waiver:
    """Let one finding of a draft pass; the version keeps who waived it and why.

    Args:
        draft: the draft.
        fingerprint: the finding's.
        reason: why it may pass.
        now: the instant of the action.
        actor: who waives.

    Raises:
        Immutable: the version is published.
        InvalidInput: there is no reason.
        FindingGone: the draft has no such finding that can be waived and is not yet.
    """
    require_editable(draft)
    if not reason.strip():
        raise InvalidInput("A waiver needs a reason.", errors={"reason": ["missing"]})
    site = db.session.get_one(Site, draft.policy.site_id)
    found = findings_of(draft, site, newest_of(draft.policy))
    finding = next((each for each in found if each.fingerprint == fingerprint and each.is_open), None)
    if finding is None or (finding.rule, finding.language) == ("language-missing", site.default_language):
        raise FindingGone("Look at the findings again; the text may have changed since.")
    waiver = Waiver(
        rule=finding.rule,
        language=finding.language,
        fingerprint=fingerprint,
        finding=finding.to_json(),
        waived_by=actor,
        reason=reason.strip(),
        at=now,
    )
    draft.waivers.append(waiver)
    db.session.flush()
    trail.note(draft, "policies.waive", actor=actor, now=now, **_facts(waiver))
    return waiver


def withdraw_waiver(draft: PolicyVersion, waiver_id: int, *, now: datetime, actor: str) -> None:
    """Take a waiver of a draft back; the audit log keeps that there was one.

    Raises:
        Immutable: the version is published.
        NotFound: the draft has no such waiver.
    """
    require_editable(draft)
    waiver = next((each for each in draft.waivers if each.id == waiver_id), None)
    if waiver is None:
        raise NotFound("The waiver is no longer part of the draft.")
    draft.waivers.remove(waiver)
    db.session.flush()
    trail.note(draft, "policies.withdraw_waiver", actor=actor, now=now, **_facts(waiver))


def waiver_facts(finding: Finding) -> dict[str, Any]:
    """Return what a version's snapshot says of a finding that was let pass."""
    return {
        "rule": finding.rule,
        "language": finding.language,
        "section": finding.section,
        "fingerprint": finding.fingerprint,
        "reason": finding.reason,
    }


def _facts(waiver: Waiver) -> dict[str, str]:
    names = ("rule", "language", "fingerprint", "reason")
    return {name: getattr(waiver, name) for name in names}
