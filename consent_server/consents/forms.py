"""What receipts have in common that differ only in who decided and when: most of their bytes, checked and packed once.

Nearly all decisions of a site say one of a few things ("accept all" of version 1.0 in English, from the banner). How a
receipt is written is said by `payload.build`, how it lies in the database by `packing.pack`, and what state follows by
`rules.derive_state`. A form is cut from what these made of a sample, and only puts ids and instants in; where a sample
cannot be cut, they are asked each time. Tests compare the two ways byte for byte.
"""

import re
import uuid
from collections.abc import Sequence
from datetime import UTC, datetime
from functools import lru_cache
from typing import NamedTuple

import orjson
from msgspec.structs import replace

from consent_server import clock, packing
from consent_server.consents import payload
from consent_server.consents.checks import version_of
from consent_server.consents.facts import ConsentState, DecisionFacts
from consent_server.consents.payload import Decision
from consent_server.consents.rules import derive_state
from consent_server.policies.published import SiteView

MOST_FORMS = (
    1_000  # of a site; then it begins anew, so that no visitor can fill the memory with unusual choices
)
# What a sample has where each receipt has its own; in the order in which canonical JSON names them.
DECIDED, EXPIRES, ISSUED = (datetime(2999, 1, 1, microsecond=ms * 1_000, tzinfo=UTC) for ms in (1, 2, 3))
AT, UNTIL = 10**12 + 1, 10**12 + 2
_INSTANTS = re.compile(rb'"(at|until)":(?:%d|%d)(?=[,}])' % (AT, UNTIL))


class Written(NamedTuple):
    """A payload, and how it lies in the database."""

    payload: bytes
    packed: bytes


class _Instant(NamedTuple):
    """An instant as text; and its digits as they are packed, empty for one that is packed in another way."""

    text: bytes
    digits: bytes


class _Template(NamedTuple):
    """Text and packed form of a payload, with a gap for each value that is a receipt's own."""

    text: bytes
    head: bytes
    digits: bytes


class Form:
    """All that decisions of one site have in common when they say the same; made for one that fits (`form_of`)."""

    def __init__(self, site: SiteView, decision: Decision) -> None:
        version = version_of(site, decision)
        self.site = site
        self.version = version.number
        self._sample = decision
        self._named = {
            "site": site.key,
            "policy": site.policy_key,
            "policy_sha256": version.sha256,
            "text_sha256": version.notices[decision.language]["sha256"],
        }
        self._template = self._cut()
        self._state: tuple[bytes, int] | None = None
        # The state that was written last: the decisions of a batch share their instants.
        self._newest = (0, 0, b"")

    def write(self, decision: Decision, *, at: datetime, nonce: bytes) -> Written:
        """Return what the log stores of a decision of this form that reached the server at an instant."""
        until = at + self.site.lifetime
        instants = [_written(until), _written(at)]
        if decision.decided_at is not None:
            instants.insert(0, _written(decision.decided_at))
        if self._template is None or not all(each.digits for each in instants):
            return self._plainly(decision, at, until, nonce)
        receipt, visitor = decision.receipt_id, decision.visitor_id
        ids = (nonce.hex().encode(), str(receipt).encode(), decision.visitor.encode())
        text = self._template.text % (*[each.text for each in instants], *ids)
        digits = self._template.digits % (
            *[each.digits for each in instants], nonce, receipt.bytes, visitor.bytes,
        )  # fmt: skip
        return Written(text, packing.sealed(self._template.head + digits))

    def state(self, at: int, until: int) -> ConsentState:
        """Return the state of a visitor whose first decision this was; instants in milliseconds."""
        return derive_state(None, facts_of(self._sample, at=at, until=until), self.site.facts)

    def packed_state(self, at: int, until: int) -> bytes:
        """Return the same as it lies in the database."""
        known_at, known_until, packed = self._newest
        if (known_at, known_until) == (at, until):
            return packed
        if self._state is None:
            sample = orjson.dumps(self.state(AT, UNTIL).to_json(), option=orjson.OPT_SORT_KEYS)
            text, gaps = _INSTANTS.subn(rb'"\1":%d', sample.replace(b"%", b"%%"))
            self._state = (text, gaps // 2)
        text, entries = self._state
        packed = packing.pack(text % ((at, until) * entries), packing.STATE)
        self._newest = (at, until, packed)
        return packed

    def _plainly(self, decision: Decision, at: datetime, until: datetime, nonce: bytes) -> Written:
        text = payload.build(decision, **self._named, issued_at=at, expires_at=until, nonce=nonce)
        return Written(text, packing.pack(text, packing.PAYLOAD))

    def _cut(self) -> _Template | None:
        """Return the template of this form, None where a sample does not show it."""
        receipt, visitor, nonce = uuid.uuid4(), uuid.uuid4(), uuid.uuid4().bytes
        decided = None if self._sample.decided_at is None else DECIDED
        sample = replace(self._sample, receipt_id=receipt, visitor_id=visitor, decided_at=decided)
        text = self._plainly(sample, ISSUED, EXPIRES, nonce).payload
        own = [clock.iso(each) for each in (decided, EXPIRES, ISSUED) if each is not None]
        own += [nonce.hex(), str(receipt), str(visitor)]
        gaps = [each.encode() for each in own]
        head, taken = packing.split(text, packing.PAYLOAD)
        places = [text.find(gap) for gap in gaps]
        if places != sorted(places) or any(text.count(gap) != 1 or taken.count(gap) != 1 for gap in gaps):
            return None
        digits = [b"%b" if each in gaps else _spared(packing.digits_of([each])) for each in taken]
        return _Template(_with_gaps(text, gaps), head, b"".join(digits))


class First(NamedTuple):
    """The state after a visitor's first decision, which need not be spelled out to be stored."""

    form: Form
    at: int
    until: int

    def state(self) -> ConsentState:
        """Return the state."""
        return self.form.state(self.at, self.until)

    def packed(self) -> bytes:
        """Return the state as it lies in the database."""
        return self.form.packed_state(self.at, self.until)


def form_of(site: SiteView, decision: Decision) -> Form:
    """Return the form of a decision.

    Raises:
        Problem: the decision does not fit what the site has published and shown (`checks.version_of`).
    """
    key = (
        decision.policy_version,
        decision.language,
        decision.action,
        decision.layer,
        tuple(decision.choices.items()),
        tuple(decision.asked),
        decision.banner_build,
        tuple(decision.signals.items()),
        decision.decided_at is None,
    )
    forms = site.forms
    found = forms.get(key)
    if found is None:
        found = Form(site, decision)
        if len(forms) >= MOST_FORMS:
            forms.clear()
        forms[key] = found
    return found


def facts_of(decision: Decision, *, at: int, until: int) -> DecisionFacts:
    """Return what the state depends on of a decision; instants in milliseconds."""
    return DecisionFacts(
        version=decision.policy_version,
        action=decision.action,
        choices=decision.choices,
        asked=frozenset(decision.asked),
        at=at,
        until=until,
    )


@lru_cache(maxsize=1_024)  # the decisions of a batch share their instants
def _written(instant: datetime) -> _Instant:
    text = clock.iso(instant).encode()
    return _Instant(text, packing.digits_of([text]) if packing.is_taken(text) else b"")


def _with_gaps(text: bytes, gaps: Sequence[bytes]) -> bytes:
    text = _spared(text)
    for gap in gaps:
        text = text.replace(gap, b"%b")
    return text


def _spared(text: bytes) -> bytes:
    return text.replace(b"%", b"%%")
