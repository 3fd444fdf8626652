"""The scripted history and the population of `population.py`, played through the services and HTTP on a database."""

from __future__ import annotations

import uuid
from collections.abc import Iterable, Iterator, Sequence
from dataclasses import dataclass, field
from datetime import datetime
from typing import Any

from flask import Flask
from sqlalchemy import select

from consent_server import clock
from consent_server.consents import service
from consent_server.consents.answers import Acknowledgement
from consent_server.consents.models import ConsentRecord
from consent_server.consents.payload import Decision
from consent_server.db import db, transaction
from consent_server.keys import KeyRing
from consent_server.policies import drafting, publishing
from consent_server.policies.changes import ChangeClass, ChangeType, proposed_class
from consent_server.sites.models import Site
from tests import make

from .oracle import expected_delta
from .population import VERSIONS

Json = dict[str, Any]
Flags = dict[str, tuple[str, list[str]]]
BATCH = 250


@dataclass
class Story:
    """A site on which the scripted versions are published one after the other, and who decided so far."""

    app: Flask
    site: Site
    published: int = 0
    build: str = "0" * 64
    decided: dict[str, list[Json]] = field(default_factory=dict)

    @classmethod
    def begin(cls, app: Flask) -> Story:
        """Make the site."""
        site = make.site(now=clock.from_ms(VERSIONS[0]["published_at"]))
        make.policy(site, now=clock.from_ms(VERSIONS[0]["published_at"]))
        return cls(app, site)

    @property
    def versions(self) -> list[Json]:
        """The scripted versions that are published."""
        return VERSIONS[: self.published]

    def publish(self) -> Json:
        """Publish the next scripted version with its typed changes, as two people do; the sweep is queued."""
        script = VERSIONS[self.published]
        at = clock.from_ms(script["published_at"])
        make.purposes(self.site, *script["purposes"], now=at)
        draft = make.draft(self.site, changes=[_with_reason(change) for change in script["changes"]], now=at)
        with transaction():
            for change in draft.changes:
                if ChangeClass(change.effect).rank < proposed_class(ChangeType(change.type)).rank:
                    drafting.approve_downgrade(draft, change.id, now=at, actor="account:2")
            assert publishing.publish_version(draft, now=at, actor=make.STAFF).number == script["number"]
        self.published += 1
        self.build = make.banner(self.app.test_client(), self.site)["banner_build"]
        return script

    def decide(self, decisions: Sequence[tuple[str, Json]]) -> None:
        """Store decisions in the order of time through the service that the API calls, many in one transaction."""
        ring: KeyRing = self.app.extensions["keys"]
        for chunk in _chunks(sorted(decisions, key=lambda each: each[1]["at"]), BATCH):
            with transaction():
                submissions = [
                    service.Submission(_decision(visitor, data, self.build), clock.from_ms(data["at"]))
                    for visitor, data in chunk
                ]
                for outcome in service.store(
                    make.view(self.site), lambda drawn=submissions: drawn, ring=ring
                ):
                    assert isinstance(outcome, Acknowledgement), outcome
            self.note(chunk)

    def note(self, decisions: Iterable[tuple[str, Json]]) -> None:
        """Remember decisions that were stored, for the oracle."""
        for visitor, data in decisions:
            self.decided.setdefault(visitor, []).append(data)

    def expected(self, now: datetime, visitors: Iterable[str] | None = None) -> Flags:
        """Whom the oracle asks or tells at this instant, of all who decided or of these."""
        found: Flags = {}
        for visitor in self.decided if visitors is None else visitors:
            delta = self.judged(visitor, now)
            if delta is not None:
                found[visitor] = ("ask" if delta["ask"] else "tell", delta["ask"])
        return found

    def judged(self, visitor: str, now: datetime) -> Json | None:
        """What the oracle says of one visitor."""
        life = {
            "versions": self.versions, "decisions": self.decided[visitor], "seen": None, "now": clock.to_ms(now),
            "profile": "opt_in", "signal": False,
        }  # fmt: skip
        return expected_delta(life)

    def flagged(self) -> Flags:
        """Whom the database has flagged."""
        db.session.rollback()
        rows = db.session.execute(
            select(ConsentRecord.holder, ConsentRecord.flag, ConsentRecord.flag_purposes).where(
                ConsentRecord.site_id == self.site.id, ConsentRecord.flag.is_not(None)
            )
        )
        found = {holder: (flag, purposes) for holder, flag, purposes in rows}
        db.session.rollback()
        return found


def between(visitors: Sequence[Json], start: int, end: int) -> list[tuple[str, Json]]:
    """The decisions that fall into a span of time."""
    return [
        (visitor["visitor_id"], decision)
        for visitor in visitors
        for decision in visitor["decisions"]
        if start <= decision["at"] < end
    ]


def body(visitor: str, decision: Json, build: str) -> Json:
    """A decision as its POST carries it."""
    names = ("receipt_id", "language", "action", "layer", "choices", "asked")
    return {name: decision[name] for name in names} | {
        "visitor_id": visitor,
        "policy_version": decision["version"],
        "banner_build": build,
    }


def _decision(visitor: str, data: Json, build: str) -> Decision:
    return Decision(
        receipt_id=uuid.UUID(data["receipt_id"]),
        visitor_id=uuid.UUID(visitor),
        policy_version=data["version"],
        language=data["language"],
        action=data["action"],
        layer=data["layer"],
        choices=data["choices"],
        asked=data["asked"],
        banner_build=build,
        decided_at=None,
        signals={},
    )


def _with_reason(change: Json) -> Json:
    downgraded = ChangeClass(change["class"]).rank < proposed_class(ChangeType(change["type"])).rank
    return change | ({"reason": "Looked at by two people."} if downgraded else {})


def _chunks(items: Sequence[Any], size: int) -> Iterator[Sequence[Any]]:
    for start in range(0, len(items), size):
        yield items[start : start + size]
