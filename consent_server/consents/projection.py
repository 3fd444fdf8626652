"""Bring consent records up to date after an append: all records of a batch in three statements."""

import uuid
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import Protocol

from consent_server import clock
from consent_server.bulk import Answer, Sql, uuid_of
from consent_server.columns import BIGINTS, BYTES, INSTANTS, INTEGER, TEXTS, UUIDS
from consent_server.consents.facts import ConsentState, DecisionFacts
from consent_server.consents.payload import Decision
from consent_server.consents.records import SUBJECT, VISITOR
from consent_server.consents.rules import derive_state
from consent_server.ledger.append import OpenLog, Stored
from consent_server.packing import pack_json, unpack_json
from consent_server.policies.published import SiteView

Holder = tuple[str, str]


class Submitted(Protocol):
    """A decision with the instant at which it reached this server."""

    @property
    def decision(self) -> Decision: ...
    @property
    def at(self) -> datetime: ...


@dataclass(frozen=True, slots=True)
class Known:
    """What is known of a batch's visitors: their states, and the subjects that they belong to with theirs."""

    states: Mapping[Holder, ConsentState]
    subjects: Mapping[uuid.UUID, str]


_STATES = Sql(
    "SELECT holder, state FROM consent_record"
    " WHERE site_id = :site_id AND holder_kind = 'visitor' AND holder = ANY(:holders)",
    site_id=INTEGER,
    holders=TEXTS,
)
_SUBJECTS = Sql(
    "SELECT link.visitor_id, link.subject, record.state FROM subject_link AS link LEFT JOIN consent_record AS record"
    " ON record.site_id = link.site_id AND record.holder_kind = 'subject' AND record.holder = link.subject"
    " WHERE link.site_id = :site_id AND link.visitor_id = ANY(:visitors)",
    site_id=INTEGER,
    visitors=UUIDS,
)
# A decision answers whatever was flagged before.
_PUT = Sql.insert(
    "consent_record",
    then="ON CONFLICT (site_id, holder_kind, holder) DO UPDATE SET state = excluded.state, epoch = excluded.epoch,"
    " idx = excluded.idx, language = excluded.language, updated_at = excluded.updated_at,"
    " flag = NULL, flag_version_id = NULL, flag_purposes = NULL, flagged_at = NULL",
    site_id=INTEGER,
    holder_kind=TEXTS,
    holder=TEXTS,
    state=BYTES,
    epoch=INTEGER,
    idx=BIGINTS,
    language=TEXTS,
    updated_at=INSTANTS,
)


def ask_known(log: OpenLog, visitors: Collection[uuid.UUID]) -> Answer[Known]:
    """Ask what is known of these visitors of the site whose log is locked."""
    ids = list(visitors)
    states = log.line.ask(_STATES, site_id=log.site_id, holders=[str(each) for each in ids])
    linked = log.line.ask(_SUBJECTS, site_id=log.site_id, visitors=ids)

    def known() -> Known:
        subjects: dict[uuid.UUID, str] = {}
        found = {(VISITOR, holder): _state(state) for holder, state in states()}
        for visitor, subject, state in linked():
            subjects[uuid_of(visitor)] = subject
            if state is not None:
                found[SUBJECT, subject] = _state(state)
        return Known(found, subjects)

    return known


def apply(
    site: SiteView, log: OpenLog, batch: Sequence[tuple[Stored, Submitted]], known: Known
) -> dict[Holder, datetime]:
    """Derive and store the states of all visitors and subjects of a batch, in the order of the log.

    Return whose decision was about a superseded version, and when: their flags were computed against what these
    decisions have just replaced, and somebody must look again.

    Args:
        site: the site.
        log: its log, which is locked.
        batch: stored receipt and submission of each new receipt.
        known: what was there before, read under the lock.
    """
    if not batch:
        return {}
    states = dict(known.states)
    last: dict[Holder, tuple[Stored, Submitted]] = {}
    stale: dict[Holder, datetime] = {}
    for stored, submission in batch:
        facts = facts_of_decision(submission.decision, at=submission.at, until=submission.at + site.lifetime)
        for holder in _holders(submission.decision, known.subjects):
            states[holder] = derive_state(states.get(holder), facts, site.facts)
            last[holder] = (stored, submission)
            if site.current is not None and facts.version != site.current.number:
                stale[holder] = submission.at
    _put(log, states, last)
    return stale


def _put(
    log: OpenLog,
    states: Mapping[Holder, ConsentState],
    last: Mapping[Holder, tuple[Stored, Submitted]],
) -> None:
    # In key order, as the sweep locks them: the two then never wait for each other in a circle.
    holders = sorted(last)
    rows = [last[holder] for holder in holders]
    log.line.tell_many(
        _PUT,
        site_id=log.site_id,
        epoch=log.epoch,
        holder_kind=[kind for kind, _ in holders],
        holder=[name for _, name in holders],
        state=[pack_json(states[holder].to_json()) for holder in holders],
        idx=[stored.idx for stored, _ in rows],
        language=[submission.decision.language for _, submission in rows],
        updated_at=[submission.at for _, submission in rows],
    )


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


def _holders(decision: Decision, subjects: Mapping[uuid.UUID, str]) -> list[Holder]:
    holders = [(VISITOR, decision.visitor)]
    if subjects and decision.visitor_id in subjects:
        holders.append((SUBJECT, subjects[decision.visitor_id]))
    return holders


def _state(stored: bytes) -> ConsentState:
    return ConsentState.from_json(unpack_json(stored))
