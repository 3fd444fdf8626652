"""Bring consent records up to date after an append: all records of a batch in three statements."""

import uuid
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from datetime import datetime
from typing import NamedTuple

from consent_server import clock
from consent_server.bulk import Answer, Line, Sql, uuid_of
from consent_server.columns import BIGINTS, BYTES, INSTANTS, INTEGER, TEXTS, UUIDS
from consent_server.consents.facts import ConsentState
from consent_server.consents.forms import First, Form, facts_of
from consent_server.consents.payload import Decision
from consent_server.consents.records import SUBJECT, VISITOR
from consent_server.consents.rules import derive_state
from consent_server.ledger.append import OpenLog
from consent_server.packing import pack_json, unpack_json

Holder = tuple[str, str]


class Appended(NamedTuple):
    """A decision that was appended to the log: its form, the instant at which it reached this server, its index."""

    decision: Decision
    form: Form
    at: datetime
    idx: int


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


def ask_known(line: Line, site_id: int, decisions: Sequence[Decision]) -> Answer[Known]:
    """Ask what is known of the visitors of these decisions; asked while the site's log is locked, it stays so."""
    states = line.ask(_STATES, site_id=site_id, holders=[each.visitor for each in decisions])
    linked = line.ask(_SUBJECTS, site_id=site_id, visitors=[each.visitor_id for each in decisions])

    def known() -> Known:
        subjects: dict[uuid.UUID, str] = {}
        found = {(VISITOR, holder): _state(state) for holder, state in states()}
        for visitor, subject, state in linked():
            subjects[uuid_of(visitor)] = subject
            if state is not None:
                found[SUBJECT, subject] = _state(state)
        return Known(found, subjects)

    return known


def apply(log: OpenLog, batch: Sequence[Appended], known: Known) -> dict[Holder, datetime]:
    """Derive and store the states of all visitors and subjects of a batch, in the order of the log.

    Return whose decision was about a superseded version, and when: their flags were computed against what these
    decisions have just replaced, and somebody must look again.

    Args:
        log: the site's log, which is locked.
        batch: what was appended.
        known: what was there before, read under the lock.
    """
    if not batch:
        return {}
    states: dict[Holder, ConsentState | First] = dict(known.states)
    last: dict[Holder, Appended] = {}
    stale: dict[Holder, datetime] = {}
    for each in batch:
        site = each.form.site
        is_stale = site.current is not None and each.form.version != site.current.number
        for holder in _holders(each.decision, known.subjects):
            states[holder] = _after(states.get(holder), each)
            last[holder] = each
            if is_stale:
                stale[holder] = each.at
    _put(log, states, last)
    return stale


def _after(before: ConsentState | First | None, decided: Appended) -> ConsentState | First:
    site = decided.form.site
    at, until = clock.to_ms(decided.at), clock.to_ms(decided.at + site.lifetime)
    if before is None:
        return First(decided.form, at, until)
    if isinstance(before, First):
        before = before.state()
    return derive_state(before, facts_of(decided.decision, at=at, until=until), site.facts)


def _put(
    log: OpenLog, states: Mapping[Holder, ConsentState | First], last: Mapping[Holder, Appended]
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
        state=[_packed(states[holder]) for holder in holders],
        idx=[each.idx for each in rows],
        language=[each.decision.language for each in rows],
        updated_at=[each.at for each in rows],
    )


def _packed(state: ConsentState | First) -> bytes:
    return state.packed() if isinstance(state, First) else pack_json(state.to_json())


def _holders(decision: Decision, subjects: Mapping[uuid.UUID, str]) -> list[Holder]:
    holders = [(VISITOR, decision.visitor)]
    if subjects and decision.visitor_id in subjects:
        holders.append((SUBJECT, subjects[decision.visitor_id]))
    return holders


def _state(stored: bytes) -> ConsentState:
    return ConsentState.from_json(unpack_json(stored))
