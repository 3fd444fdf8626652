"""Import versions that were published elsewhere, each with its own date, as one policy with a version chain.

They are evidence of what stood where, so they are not checked for parity. Nobody has classified their differences
here: unless a person says otherwise each carries one `unclassified` change, which counts as major and touches every
purpose, and so gets a major number (an untyped change is not minor).
"""

import re
from collections.abc import Mapping, Sequence
from datetime import datetime
from http import HTTPStatus

from consent_server.db import db
from consent_server.policies import trail
from consent_server.policies.changes import ChangeType, next_number, proposed_class, version_order
from consent_server.policies.drafting import draft_of, newest_of, open_draft, save_notice, set_changes
from consent_server.policies.facts import Change
from consent_server.policies.models import Policy, PolicyVersion
from consent_server.policies.publishing import seal
from consent_server.problems import InvalidInput, Problem
from consent_server.sites.models import Site

__all__ = ["HistoryOutOfOrder", "VersionTaken", "import_published"]

NUMBER = re.compile(r"[1-9][0-9]{0,5}\.(0|[1-9][0-9]{0,5})")


class HistoryOutOfOrder(Problem):
    slug, status = "history-out-of-order", HTTPStatus.CONFLICT
    title = "A version of this date cannot follow the newest one"


class VersionTaken(Problem):
    slug, status = "version-taken", HTTPStatus.CONFLICT
    title = "The policy already has this version number"


def import_published(
    policy: Policy,
    site: Site,
    *,
    texts: Mapping[str, tuple[str, str]],
    published_at: datetime,
    now: datetime,
    actor: str,
    number: str | None = None,
    change: ChangeType = ChangeType.UNCLASSIFIED,
    summary: Mapping[str, str] | None = None,
    languages: Sequence[str] = (),
) -> PolicyVersion:
    """Store a version as published elsewhere on its own date.

    Args:
        policy: the policy that it belongs to.
        site: the policy's site.
        texts: language to (format, source).
        published_at: when it was published there; not before the newest version, not in the future.
        now: the instant of the import.
        actor: who imports.
        number: its number; by default what its change makes of the newest one's.
        change: what kind of change it was against the version before, if a person says so.
        summary: what changed, by language.
        languages: languages to take; all by default.

    Raises:
        HistoryOutOfOrder: the date is before the newest version's or in the future, or a draft is open.
        VersionTaken: the number exists or is not greater than the newest.
        InvalidInput: the number is not of the form `major.minor`.
    """
    newest = newest_of(policy)
    _fits(policy, newest, published_at, now)
    changes = (
        [] if newest is None else [Change(change, proposed_class(change), None, summary=dict(summary or {}))]
    )
    chosen = _number(number, newest, changes)
    draft = open_draft(policy, now=now, actor=actor)
    draft.notices.clear()
    db.session.flush()  # the old texts must be gone before the new ones take their languages
    for language, (text_format, source) in texts.items():
        if not languages or language in languages:
            save_notice(
                draft, language=language, text_format=text_format, source=source, now=now, actor=actor
            )
    if changes:
        set_changes(draft, [each.to_json() for each in changes], now=now, actor=actor)
    seal(
        draft,
        site,
        number=chosen,
        changes=changes,
        published_at=published_at,
        now=now,
        actor=actor,
        elsewhere=True,
    )
    digest = (draft.sha256 or b"").hex()
    trail.note(draft, "policies.import", actor=actor, now=now, number=chosen, sha256=digest)
    return draft


def _fits(policy: Policy, newest: PolicyVersion | None, published_at: datetime, now: datetime) -> None:
    if draft_of(policy) is not None:
        raise HistoryOutOfOrder("A draft is open; publish or discard it first.")
    if published_at > now:
        raise HistoryOutOfOrder("Its date lies in the future.")
    if newest is not None and newest.published_at is not None and published_at < newest.published_at:
        raise HistoryOutOfOrder(
            f"Version {newest.number} is of {newest.published_at:%Y-%m-%d}; import in order."
        )


def _number(wanted: str | None, newest: PolicyVersion | None, changes: Sequence[Change]) -> str:
    """Return the wanted number, else what the changes make of the newest one's."""
    if wanted is not None and not NUMBER.fullmatch(wanted):
        raise InvalidInput("A version number is written like 2.0.", errors={"number": [wanted]})
    before = newest.number if newest else None
    chosen = wanted or next_number(before, [each.change_class for each in changes])
    if before is not None and version_order(chosen) <= version_order(before):
        raise VersionTaken(f"The newest version is {before}; choose a greater number than {chosen}.")
    return chosen
