"""Make policies, open drafts and work on them. A draft is private until it is published."""

from collections.abc import Mapping, Sequence
from datetime import datetime
from http import HTTPStatus
from typing import Any

from sqlalchemy import select
from sqlalchemy.exc import IntegrityError
from sqlalchemy.orm.attributes import flag_modified
from sqlalchemy.orm.exc import StaleDataError

from consent_server.audit import service as audit
from consent_server.db import db, violated
from consent_server.policies import saved_texts, trail
from consent_server.policies.changes import ChangeClass, ChangeType, is_downgrade, proposed_class
from consent_server.policies.models import Change, Notice, Policy, PolicyVersion, SavedText
from consent_server.policies.review_models import Review
from consent_server.policies.text import SourceError, canonical
from consent_server.policies.text.canonical import sha256_of
from consent_server.problems import InvalidInput, NotFound, Problem
from consent_server.sites.models import Site
from consent_server.sites.service import site_by_key, touch


class UnknownPolicy(NotFound):
    slug = "unknown-policy"
    title = "The site has no policy with this key"


class PolicyExists(Problem):
    slug, status = "policy-exists", HTTPStatus.CONFLICT
    title = "The site already has a policy with this key"


class DraftChanged(Problem):
    """Two people edited one draft; the later save must not overwrite the earlier silently."""

    slug, status = "draft-changed", HTTPStatus.CONFLICT
    title = "Somebody else has saved this draft since you opened it"


class Immutable(Problem):
    slug, status = "version-is-published", HTTPStatus.CONFLICT
    title = "A published version never changes"


class DraftScheduled(Problem):
    slug, status = "draft-scheduled", HTTPStatus.CONFLICT
    title = "This draft waits for its date"


class DraftExists(Problem):
    slug, status = "draft-exists", HTTPStatus.CONFLICT
    title = "The policy has a draft already"


def create_policy(site: Site, *, key: str, title: Mapping[str, str], now: datetime, actor: str) -> Policy:
    """Make a policy; a site's first becomes the one that its banner asks about.

    Raises:
        PolicyExists: the key is taken.
    """
    policy = Policy(site_id=site.id, key=key, title=dict(title), created_at=now)
    db.session.add(policy)
    try:
        db.session.flush()
    except IntegrityError as error:
        if violated(error, "policy", "site_id", "key"):
            raise PolicyExists(
                "Choose another key, or import a version into the one that is there."
            ) from error
        raise
    if site.policy_id is None:
        site.policy_id = policy.id
        touch(site)
    audit.record(
        "policies.create", actor=actor, now=now, site_id=site.id, target=f"policy:{policy.id}", key=key
    )
    return policy


def policy_by_key(site: Site, key: str) -> Policy:
    """Return the site's policy of this key.

    Raises:
        UnknownPolicy: there is none.
    """
    policy = db.session.scalar(select(Policy).where(Policy.site_id == site.id, Policy.key == key))
    if policy is None:
        raise UnknownPolicy("The site's page in the console lists its policies.")
    return policy


def policies_of(site: Site) -> Sequence[Policy]:
    """Return the site's policies by key."""
    return db.session.scalars(select(Policy).where(Policy.site_id == site.id).order_by(Policy.key)).all()


def draft_of(policy: Policy) -> PolicyVersion | None:
    """Return the policy's draft, or None."""
    return db.session.scalar(
        select(PolicyVersion).where(PolicyVersion.policy_id == policy.id, PolicyVersion.state == "draft")
    )


def draft_at(site_key: str, policy_key: str) -> tuple[Site, Policy, PolicyVersion]:
    """Return the draft that a page is about, with what it belongs to.

    Raises:
        UnknownSite, UnknownPolicy: as their names say.
        NotFound: there is no draft now.
    """
    site = site_by_key(site_key)
    policy = policy_by_key(site, policy_key)
    draft = draft_of(policy)
    if draft is None:
        raise NotFound("There is no draft now; the policy's page opens one.")
    return site, policy, draft


def newest_of(policy: Policy) -> PolicyVersion | None:
    """Return the newest published version, the predecessor of a draft; None before the first."""
    return db.session.scalar(
        select(PolicyVersion)
        .where(PolicyVersion.policy_id == policy.id, PolicyVersion.state == "published")
        .order_by(PolicyVersion.major.desc(), PolicyVersion.minor.desc())
        .limit(1)
    )


def open_draft(policy: Policy, *, now: datetime, actor: str) -> PolicyVersion:
    """Return the policy's draft; a new one begins with the newest version's texts."""
    draft = draft_of(policy)
    if draft is not None:
        return draft
    draft = PolicyVersion(policy_id=policy.id, policy=policy, state="draft", created_at=now, updated_at=now)
    newest = newest_of(policy)
    if newest is not None:
        draft.notices = [
            Notice(language=n.language, format=n.format, source=text, sha256=bytes.fromhex(sha256_of(text)))
            for n in newest.notices
            for text in [n.template or n.source]
        ]
    db.session.add(draft)
    db.session.flush()
    for notice in draft.notices:
        saved_texts.record(draft, notice, kind="opened", now=now, actor=actor)
    trail.note(draft, "policies.open_draft", actor=actor, now=now)
    return draft


def restore(version: PolicyVersion, *, now: datetime, actor: str) -> PolicyVersion:
    """Open a draft with the texts of an older version: what is rolled back is published anew, as a new version.

    Raises:
        DraftExists: there is a draft, whose texts would be lost.
    """
    if draft_of(version.policy) is not None:
        raise DraftExists("Publish or discard it first; nothing of it is lost meanwhile.")
    draft = open_draft(version.policy, now=now, actor=actor)
    draft.notices.clear()
    db.session.flush()
    draft.notices = [
        Notice(language=n.language, format=n.format, source=n.source, sha256=n.sha256)
        for n in version.notices
    ]
    _store(draft, now)
    for notice in draft.notices:
        saved_texts.record(draft, notice, kind="saved", now=now, actor=actor)
    trail.note(draft, "policies.restore", actor=actor, now=now, number=version.number)
    return draft


def save_notice(
    draft: PolicyVersion,
    *,
    language: str,
    text_format: str,
    source: str,
    now: datetime,
    actor: str,
    revision: int | None = None,
    kind: str = "saved",
    brought_from: int | None = None,
) -> Notice:
    """Put a text in one language into a draft, in its canonical form, and into its history as `saved_texts.record` says.

    Raises:
        DraftChanged: `revision` is given and is not the draft's: somebody else saved meanwhile.
        Immutable: the version is published.
        InvalidInput: the text cannot be read (empty, NUL, too large).
    """
    require_editable(draft, revision)
    try:
        text = canonical(source, text_format="markdown" if text_format == "markdown" else "plain")
    except SourceError as error:
        raise InvalidInput(f"{language}: {error}", errors={language: [str(error)]}) from error
    notice = next((each for each in draft.notices if each.language == language), None)
    if notice is None:
        notice = Notice(language=language)
        draft.notices.append(notice)
    notice.format, notice.source, notice.sha256 = text_format, text, bytes.fromhex(sha256_of(text))
    _store(draft, now)
    saved_texts.record(draft, notice, kind=kind, now=now, actor=actor, brought_from=brought_from)
    trail.note(draft, "policies.save_notice", actor=actor, now=now, language=language, sha256=sha256_of(text))
    return notice


def bring_back(draft: PolicyVersion, text: SavedText, *, revision: int, now: datetime, actor: str) -> bool:
    """Save a text of the draft's history anew, as its newest; tell whether that changes what the draft says.

    Raises:
        DraftChanged, DraftScheduled, Immutable: as in `save_notice`.
    """
    require_editable(draft, revision)
    standing = next((each for each in draft.notices if each.language == text.language), None)
    if standing is not None and (standing.format, standing.sha256) == (text.format, text.sha256):
        return False
    save_notice(
        draft,
        language=text.language,
        text_format=text.format,
        source=text.source,
        now=now,
        actor=actor,
        kind="brought_back",
        brought_from=text.number,
    )
    trail.note(draft, "policies.bring_back", actor=actor, now=now, language=text.language, number=text.number)
    return True


def set_changes(
    draft: PolicyVersion,
    typed: Sequence[Mapping[str, Any]],
    *,
    now: datetime,
    actor: str,
    revision: int | None = None,
) -> None:
    """Replace the draft's typed changes.

    Args:
        draft: the draft.
        typed: objects with `type`, `purposes` (a list, or None for all), and optionally `class` (else what the type
            proposes), `renamed_from`, `summary` by language, `reason` for a downgrade.
        now: the instant of the action.
        actor: who classifies.
        revision: the draft's revision that the person saw.

    Raises:
        DraftChanged, Immutable: as in `save_notice`.
        InvalidInput: an unknown type or class, or an empty list of purposes.
    """
    require_editable(draft, revision)
    approved = {
        _identity(change): change.approved_by for change in draft.changes if change.classified_by == actor
    }
    draft.changes.clear()
    db.session.flush()
    for position, data in enumerate(typed):
        change = _change(position, data, actor)
        # An approval stands for exactly what was approved: the same type, class, purposes and reason.
        change.approved_by = approved.get(_identity(change))
        draft.changes.append(change)
    _store(draft, now)
    trail.note(
        draft, "policies.classify", actor=actor, now=now, types=[change.type for change in draft.changes]
    )


def approve_downgrade(draft: PolicyVersion, change_id: int, *, now: datetime, actor: str) -> Change:
    """Approve, as the second person, that a change counts as less than its type proposes.

    Raises:
        NotFound: the draft has no such change.
        InvalidInput: the approver classified it, or nothing needs approval.
    """
    require_editable(draft)
    change = next((each for each in draft.changes if each.id == change_id), None)
    if change is None:
        raise NotFound("The change is no longer part of the draft.")
    if change.classified_by == actor:
        raise InvalidInput("The second person must be another than who classified it.", errors={})
    if not is_downgrade(ChangeType(change.type), ChangeClass(change.effect)):
        raise InvalidInput("This change needs no approval.", errors={})
    change.approved_by = actor
    _store(draft, now)
    trail.note(
        draft, "policies.approve_downgrade", actor=actor, now=now, type=change.type, effect=change.effect
    )
    return change


def discard_draft(draft: PolicyVersion, *, now: datetime, actor: str) -> None:
    """Throw a draft away."""
    require_editable(draft)
    trail.note(draft, "policies.discard_draft", actor=actor, now=now)
    db.session.delete(draft)
    db.session.flush()


def flush_version(version: PolicyVersion) -> None:
    """Write a version that somebody else may be writing at the same moment.

    Raises:
        DraftChanged: they were first.
    """
    try:
        db.session.flush()
    except StaleDataError as error:
        raise DraftChanged("Open it again to see what is saved now.") from error


def _store(draft: PolicyVersion, now: datetime) -> None:
    draft.updated_at = now
    flag_modified(draft, "updated_at")  # two saves of one millisecond are still two revisions
    flush_version(draft)


def require_editable(draft: PolicyVersion, revision: int | None = None) -> None:
    """Refuse to change a version that is none to change now.

    Raises:
        Immutable: it is published.
        DraftScheduled: it waits for its date.
        DraftChanged: `revision` is given and is not the draft's.
    """
    if draft.state != "draft":
        raise Immutable("Open a new draft; a correction is a new version.")
    review = db.session.get(Review, draft.id)
    if review is not None and review.stage == "scheduled":
        raise DraftScheduled(
            "Withdraw it from its date first; then it can be changed, and must be approved again."
        )
    if revision is not None and revision != draft.revision:
        raise DraftChanged(
            "Your text is kept below; compare it with what is saved now.", revision=draft.revision
        )


def _change(position: int, data: Mapping[str, Any], actor: str) -> Change:
    try:
        kind = ChangeType(data["type"])
        effect = ChangeClass(data.get("class") or proposed_class(kind))
    except (KeyError, ValueError) as error:
        raise InvalidInput(f"Change {position + 1}: {error}", errors={"changes": [str(error)]}) from error
    purposes = data.get("purposes")
    if purposes is not None and not purposes:
        raise InvalidInput(
            f"Change {position + 1}: name the purposes that it touches, or none for all of them.",
            errors={"changes": ["purposes is an empty list"]},
        )
    return Change(
        position=position,
        type=kind.value,
        effect=effect.value,
        purposes=None if purposes is None else list(purposes),
        renamed_from=data.get("renamed_from"),
        summary=dict(data.get("summary") or {}),
        classified_by=actor,
        reason=str(data.get("reason") or ""),
    )


def _identity(change: Change) -> tuple[Any, ...]:
    return (change.type, change.effect, tuple(change.purposes or ("*",)), change.renamed_from, change.reason)
