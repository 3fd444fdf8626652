"""Bring consent records up to date after an append: all records of a batch in three statements."""

from collections.abc import Iterable, Mapping, Sequence
from datetime import datetime
from functools import cache
from typing import Any

from sqlalchemy import Executable, Table, bindparam, select

from consent_server import clock
from consent_server.bulk import among, insert_rows, run
from consent_server.consents.facts import ConsentState, DecisionFacts
from consent_server.consents.models import ConsentRecord, SubjectLink
from consent_server.consents.payload import Decision
from consent_server.consents.records import SUBJECT, VISITOR, look_again
from consent_server.consents.rules import derive_state
from consent_server.db import is_sqlite
from consent_server.ledger.append import Stored
from consent_server.policies.published import SiteView

Holder = tuple[str, str]

_TABLE: Table = ConsentRecord.__table__  # type: ignore[assignment]  # declarative models have a Table
_KEY = ("site_id", "holder_kind", "holder")
_CONTENT = ("state", "epoch", "idx", "language", "updated_at")
# A decision answers whatever was flagged before.
_FLAGS: dict[str, Any] = {"flag": None, "flag_version_id": None, "flag_purposes": None, "flagged_at": None}


def apply(site: SiteView, epoch: int, batch: Sequence[tuple[Stored, Any]]) -> None:
    """Derive and store the states of all visitors and subjects of a batch, in the order of the log.

    Args:
        site: the site, whose log is locked.
        epoch: the log's epoch.
        batch: (stored receipt, submission) for each new receipt.
    """
    if not batch:
        return
    subjects = _subjects(site.id, {submission.decision.visitor_id for _, submission in batch})
    owners = [_holders(submission.decision, subjects) for _, submission in batch]
    states = _states(site.id, {holder for each in owners for holder in each})
    rows: dict[Holder, dict[str, Any]] = {}
    stale: dict[Holder, datetime] = {}
    for (stored, submission), holders in zip(batch, owners, strict=True):
        facts = facts_of_decision(submission.decision, at=submission.at, until=submission.at + site.lifetime)
        for holder in holders:
            state = states[holder] = derive_state(states.get(holder), facts, site.facts)
            rows[holder] = {
                **dict(zip(_KEY, (site.id, *holder), strict=True)),
                "state": state.to_json(),
                "epoch": epoch,
                "idx": stored.idx,
                "language": submission.decision.language,
                "updated_at": submission.at,
                **_FLAGS,
            }
            if site.current is not None and facts.version != site.current.number:
                stale[holder] = submission.at
    # In key order, as the sweep locks them: the two then never wait for each other in a circle.
    insert_rows(
        _TABLE, [rows[holder] for holder in sorted(rows)], conflict=_KEY, replace=(*_CONTENT, *_FLAGS)
    )
    if stale:
        # Their flags were computed against what these decisions have just replaced; look again soon.
        look_again(site.id, list(stale), now=max(stale.values()))


def facts_of_decision(decision: Decision, *, at: datetime, until: datetime) -> DecisionFacts:
    """Return what the state depends on of a decision that reached the server at this instant."""
    return DecisionFacts(
        version=decision.policy_version,
        action=decision.action,
        choices=decision.choices,
        asked=frozenset(decision.asked),
        at=clock.to_ms(at),
        until=clock.to_ms(until),
    )


def _subjects(site_id: int, visitors: Iterable[Any]) -> Mapping[Any, str]:
    rows = run(_links(is_sqlite()), {"site_id": site_id, "visitors": list(visitors)})
    return {row.visitor_id: row.subject for row in rows}


def _holders(decision: Decision, subjects: Mapping[Any, str]) -> list[Holder]:
    holders = [(VISITOR, str(decision.visitor_id))]
    if decision.visitor_id in subjects:
        holders.append((SUBJECT, subjects[decision.visitor_id]))
    return holders


def _states(site_id: int, holders: Iterable[Holder]) -> dict[Holder, ConsentState]:
    names = [holder for _, holder in holders]
    rows = run(_records(is_sqlite()), {"site_id": site_id, "holders": names})
    return {(row.holder_kind, row.holder): ConsentState.from_json(row.state) for row in rows}


@cache
def _links(on_sqlite: bool) -> Executable:
    return select(SubjectLink.visitor_id, SubjectLink.subject).where(
        SubjectLink.site_id == bindparam("site_id"),
        among(SubjectLink.visitor_id, "visitors", on_sqlite=on_sqlite),
    )


@cache
def _records(on_sqlite: bool) -> Executable:
    return select(ConsentRecord.holder_kind, ConsentRecord.holder, ConsentRecord.state).where(
        ConsentRecord.site_id == bindparam("site_id"),
        ConsentRecord.holder_kind.in_([VISITOR, SUBJECT]),
        among(ConsentRecord.holder, "holders", on_sqlite=on_sqlite),
    )
