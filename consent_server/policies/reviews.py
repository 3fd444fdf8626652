"""Where a draft is on its way, who wrote it, and whether its approval still stands. Reads only."""

import hashlib
from typing import Any, Final

import orjson
from sqlalchemy import func, inspect, select

from consent_server.accounts.members import with_role
from consent_server.accounts.models import Account
from consent_server.accounts.roles import ACTIONS
from consent_server.accounts.service import actor_of
from consent_server.audit.models import AuditEvent
from consent_server.db import db
from consent_server.policies.drafting import newest_of
from consent_server.policies.models import PolicyVersion
from consent_server.policies.review_models import Review
from consent_server.policies.stages import Stage
from consent_server.policies.trail import target_of
from consent_server.purposes.service import freeze
from consent_server.sites.models import Site

# What is no part of the content: keys, and the second person's word on a single change.
_NOT_CONTENT: Final = {"id", "version_id", "approved_by"}
# What is done to a draft without writing any of it. Whatever else the audit log tells of it is taken for writing.
_NOT_WRITING: Final = ("policies.open_draft", "policies.approve_downgrade", "policies.keep_text")
_OWN: Final = "reviews."


def review_of(version: PolicyVersion) -> Review | None:
    """Return the review of a version, or None if nobody has asked for one."""
    return db.session.get(Review, version.id)


def stage_of(version: PolicyVersion) -> Stage:
    """Return where a version is on its way; an approval that does not fit the draft any more is none."""
    if version.state == "published":
        newest = newest_of(version.policy)
        return Stage.PUBLISHED if newest is None or newest.id == version.id else Stage.SUPERSEDED
    review = review_of(version)
    if review is None:
        return Stage.DRAFT
    if review.fingerprint is not None and review.fingerprint != fingerprint(version):
        return Stage.IN_REVIEW
    return Stage(review.stage)


def is_approved(draft: PolicyVersion) -> bool:
    """Tell whether the draft, as it is now, has been approved."""
    return stage_of(draft) in (Stage.APPROVED, Stage.SCHEDULED)


def needs_four_eyes(site: Site) -> bool:
    """Tell whether what this site publishes needs a second person: by its setting, else where there are two."""
    return site.four_eyes if site.four_eyes is not None else len(approvers(site)) > 1


def approvers(site: Site) -> list[Account]:
    """Return who may approve at this site."""
    return with_role(site.id, *ACTIONS["policies.approve"])


def free_approvers(draft: PolicyVersion) -> list[Account]:
    """Return who may approve this very draft: under four eyes nobody who wrote a part of it."""
    site = db.session.get_one(Site, draft.policy.site_id)
    writers = authors_of(draft) if needs_four_eyes(site) else frozenset()
    return [each for each in approvers(site) if actor_of(each) not in writers]


def authors_of(draft: PolicyVersion) -> frozenset[str]:
    """Return everybody who wrote a part of a draft, its purposes included, as the audit log names them."""
    events = db.session.execute(
        select(AuditEvent.actor, AuditEvent.action).where(
            AuditEvent.site_id == draft.policy.site_id, AuditEvent.target == target_of(draft)
        )
    )
    found = {actor for actor, action in events if action not in _NOT_WRITING and not action.startswith(_OWN)}
    return frozenset(found | _authors_of_purposes(draft))


def fingerprint(draft: PolicyVersion) -> bytes:
    """Return the SHA-256 of all that publishing would freeze; every column counts unless it is named above."""
    site = db.session.get_one(Site, draft.policy.site_id)
    facts = {
        "version": draft.id,
        "title": draft.policy.title,
        "languages": site.languages,
        "notices": [_content(each) for each in sorted(draft.notices, key=lambda n: n.language)],
        "changes": [_content(each) for each in sorted(draft.changes, key=lambda c: c.position)],
        "waivers": sorted((_content(each) for each in draft.waivers), key=orjson.dumps),
        "purposes": freeze(site) if site.policy_id == draft.policy_id else [],
    }
    return hashlib.sha256(orjson.dumps(facts, option=orjson.OPT_SORT_KEYS)).digest()


def _content(row: Any) -> dict[str, Any]:
    columns = inspect(row).mapper.column_attrs
    values = {each.key: getattr(row, each.key) for each in columns if each.key not in _NOT_CONTENT}
    return {key: value.hex() if isinstance(value, bytes) else value for key, value in values.items()}


def _authors_of_purposes(draft: PolicyVersion) -> set[str]:
    """Return who changed the purposes since the newest version froze them."""
    site = db.session.get_one(Site, draft.policy.site_id)
    if site.policy_id != draft.policy_id:
        return set()
    query = select(AuditEvent.actor).where(
        AuditEvent.site_id == site.id, AuditEvent.action == "purposes.replace"
    )
    newest = newest_of(draft.policy)
    if newest is not None:
        published = select(func.max(AuditEvent.id)).where(
            AuditEvent.site_id == site.id,
            AuditEvent.target == target_of(newest),
            AuditEvent.action.in_(("policies.publish", "policies.import")),
        )
        query = query.where(AuditEvent.id > published.scalar_subquery())
    return set(db.session.scalars(query))
