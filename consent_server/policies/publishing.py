"""Publish a draft: check it, number it, freeze it, and set the re-consent sweep going."""

import hashlib
from collections.abc import Iterator, Sequence
from dataclasses import dataclass
from datetime import datetime
from http import HTTPStatus
from typing import Any

import orjson

from consent_server import clock
from consent_server.db import db
from consent_server.jobs import service as jobs
from consent_server.ledger import leaves
from consent_server.ledger.append import lock_log
from consent_server.policies import proposing, rules, saved_texts, trail
from consent_server.policies.changes import next_number
from consent_server.policies.drafting import Immutable, flush_version, newest_of
from consent_server.policies.facts import Change as ChangeFacts
from consent_server.policies.in_step import by_follower
from consent_server.policies.models import Notice, PolicyVersion
from consent_server.policies.parity import Finding
from consent_server.policies.reviews import is_approved, needs_four_eyes
from consent_server.policies.rules import Obstacle
from consent_server.policies.text import parse
from consent_server.policies.text.canonical import canonical, sha256_of
from consent_server.policies.text.placeholders import fill, has_placeholders
from consent_server.policies.waiving import findings_of, waiver_facts
from consent_server.problems import Problem
from consent_server.purposes.service import freeze
from consent_server.sites.models import Site
from consent_server.sites.service import touch

SWEEP = "reconsent.sweep"
NOT_APPROVED = "not-approved"


class NotReady(Problem):
    """`obstacles` lists every reason; publishing changes nothing until all are gone."""

    slug, status = "version-not-ready", HTTPStatus.UNPROCESSABLE_ENTITY
    title = "The draft cannot be published yet"


@dataclass(frozen=True)
class Readiness:
    """What publishing would do. `changes` are the typed ones and those detected in the purposes."""

    number: str
    changes: tuple[ChangeFacts, ...]
    detected: tuple[ChangeFacts, ...]
    typed: tuple[ChangeFacts, ...]
    obstacles: tuple[Obstacle, ...]
    findings: tuple[Finding, ...]  # of the parity check, those that are waived marked so


def readiness(draft: PolicyVersion) -> Readiness:
    """Return what a draft would be published as, and everything that stands in the way."""
    site = db.session.get_one(Site, draft.policy.site_id)
    before = newest_of(draft.policy)
    purposes = _purposes(draft, site)
    typed, detected = _changes(draft, before, purposes)
    changes = (*typed, *detected)
    findings = findings_of(draft, site, before)
    return Readiness(
        number=_number(before, changes),
        changes=changes,
        detected=tuple(detected),
        typed=tuple(typed),
        obstacles=(*_obstacles(draft, site, before, typed, purposes, findings), *_unapproved(draft, site)),
        findings=findings,
    )


def number_of(draft: PolicyVersion) -> str:
    """Return the number that a draft would be published under, whatever stands in its way."""
    site = db.session.get_one(Site, draft.policy.site_id)
    before = newest_of(draft.policy)
    typed, detected = _changes(draft, before, _purposes(draft, site))
    return _number(before, (*typed, *detected))


def require_ready(draft: PolicyVersion, *, but: str = "") -> Readiness:
    """Return what a draft would be published as.

    Raises:
        NotReady: with every obstacle, except those of the code `but`.
    """
    ready = readiness(draft)
    obstacles = [obstacle for obstacle in ready.obstacles if obstacle.code != but]
    if obstacles:
        raise NotReady(
            " ".join(obstacle.detail for obstacle in obstacles),
            obstacles=[obstacle.to_json() for obstacle in obstacles],
        )
    return ready


def publish_version(draft: PolicyVersion, *, now: datetime, actor: str) -> PolicyVersion:
    """Publish a draft: from here on it never changes, and its hash covers texts, purposes and changes together.

    Raises:
        Immutable: it is published already.
        DraftChanged: somebody else saved or published it at the same moment.
        NotReady: with every obstacle.
    """
    if draft.state != "draft":
        raise Immutable("Open a new draft; a correction is a new version.")
    ready = require_ready(draft)
    site = db.session.get_one(Site, draft.policy.site_id)
    _fill_in(draft, site)
    seal(
        draft,
        site,
        number=ready.number,
        changes=ready.changes,
        published_at=now,
        now=now,
        actor=actor,
        findings=ready.findings,
    )
    digest = (draft.sha256 or b"").hex()
    trail.note(draft, "policies.publish", actor=actor, now=now, number=draft.number, sha256=digest)
    return draft


def seal(
    draft: PolicyVersion,
    site: Site,
    *,
    number: str,
    changes: Sequence[ChangeFacts],
    published_at: datetime,
    now: datetime,
    actor: str,
    findings: Sequence[Finding] = (),
    elsewhere: bool = False,
) -> None:
    """Freeze a draft under its number, tell the log, and set going whatever follows from a version that visitors see."""
    # A decision under way commits first, so that the sweep sees it; a later one sees this version.
    log = lock_log(site.id)
    db.session.flush()  # the parts first: after the flip the database refuses them
    predecessor = newest_of(draft.policy)
    snapshot = {
        "policy": draft.policy.key,
        "site": site.key,
        "number": number,
        "published_at": clock.iso(published_at),
        "published_elsewhere": elsewhere,
        "predecessor": predecessor.sha256.hex() if predecessor and predecessor.sha256 else None,
        "notices": {n.language: _notice_facts(n) for n in draft.notices},
        "purposes": _purposes(draft, site),
        "changes": [change.to_json() for change in changes],
        "waivers": [waiver_facts(finding) for finding in findings if finding.waived_by],
    }
    text = orjson.dumps(snapshot, option=orjson.OPT_SORT_KEYS)
    draft.snapshot, draft.sha256 = text.decode(), hashlib.sha256(text).digest()
    draft.major, draft.minor = (int(part) for part in number.split("."))
    draft.state, draft.published_at, draft.published_by = "published", published_at, actor
    draft.elsewhere = elsewhere
    flush_version(draft)
    saved_texts.forget(draft)
    leaves.tell(log, now=now, anew=True)
    touch(site)
    if site.policy_id == draft.policy_id:
        arguments = {"site_id": site.id, "version_id": draft.id}
        jobs.enqueue(SWEEP, arguments, now=now, dedup=f"{SWEEP}:{draft.id}", site_id=site.id)


def _unapproved(draft: PolicyVersion, site: Site) -> Iterator[Obstacle]:
    """Yield an obstacle where a second person must approve the draft as it is, and nobody has."""
    if needs_four_eyes(site) and not is_approved(draft):
        yield Obstacle(
            "not-approved", "A second person, who wrote no part of it, must approve the draft as it is."
        )


def _obstacles(
    draft: PolicyVersion,
    site: Site,
    before: PolicyVersion | None,
    typed: Sequence[ChangeFacts],
    purposes: Sequence[dict[str, Any]],
    findings: Sequence[Finding],
) -> Iterator[Obstacle]:
    yield from rules.language_obstacles(site.languages, by_follower(findings, site.default_language))
    yield from rules.text_obstacles(purposes, site.languages)
    if before is None:
        return
    old = {notice.language: notice.sha256 for notice in before.notices}
    new = {notice.language: _filled_sha256(notice, site) for notice in draft.notices}
    if old == new and _frozen(before) == list(purposes):
        yield Obstacle("nothing-changed", f"Texts and purposes are those of version {before.number}.")
    yield from rules.rename_obstacles(typed, _frozen(before), purposes)
    approvals = [(c.reason, c.classified_by, c.approved_by or "") for c in draft.changes]
    yield from rules.change_obstacles(typed, text_changed=old != new, approvals=approvals)
    if typed:
        found = proposing.answered(proposing.redline_of(draft, site, before).suggestions, typed)
        yield from rules.proposal_obstacles(each.suggestion for each in found if each.is_open)
    yield from rules.summary_obstacles(typed, site.languages)


def _changes(
    draft: PolicyVersion, before: PolicyVersion | None, purposes: Sequence[dict[str, Any]]
) -> tuple[list[ChangeFacts], Sequence[ChangeFacts]]:
    """Return a draft's changes as they are typed, and those of the purposes that nobody typed.

    The latter go out with the class that their type proposes: the strict one.
    """
    typed = [_facts(change) for change in draft.changes]
    if before is None:
        return typed, []
    return typed, rules.uncovered(rules.detect_changes(_frozen(before), purposes), typed)


def _number(before: PolicyVersion | None, changes: Sequence[ChangeFacts]) -> str:
    return next_number(before.number if before else None, [change.change_class for change in changes])


def _filled_sha256(notice: Notice, site: Site) -> bytes:
    return bytes.fromhex(sha256_of(canonical(fill(notice.source, site.profile), text_format=_format(notice))))


def _fill_in(draft: PolicyVersion, site: Site) -> None:
    """Put what the site's profile says where the texts have placeholders: visitors agree to words, not to blanks."""
    for notice in draft.notices:
        if has_placeholders(notice.source):
            notice.template = notice.source
            notice.source = canonical(fill(notice.source, site.profile), text_format=_format(notice))
            notice.sha256 = bytes.fromhex(sha256_of(notice.source))


def _format(notice: Notice) -> Any:
    return notice.format


def _notice_facts(notice: Notice) -> dict[str, str]:
    document = parse(notice.source, language=notice.language, format=_format(notice))
    return {"sha256": notice.sha256.hex(), "format": notice.format, "title": document.title}


def _purposes(draft: PolicyVersion, site: Site) -> list[dict[str, Any]]:
    # Only the policy that the banner asks about carries purposes; a site's other documents are texts.
    return freeze(site) if site.policy_id == draft.policy_id else []


def _frozen(version: PolicyVersion) -> list[dict[str, Any]]:
    purposes: list[dict[str, Any]] = orjson.loads(version.snapshot or "{}").get("purposes", [])
    return purposes


def _facts(change: Any) -> ChangeFacts:
    return ChangeFacts.from_json(
        {
            "type": change.type,
            "class": change.effect,
            "purposes": change.purposes,
            "renamed_from": change.renamed_from,
            "summary": change.summary,
        }
    )
