"""What the tests of erasure share: people who decide, and what is left of them."""

import uuid

import orjson
from flask import current_app
from flask.testing import FlaskClient
from sqlalchemy import select

from consent_server.consents.models import ConsentRecord, SubjectLink
from consent_server.db import db
from consent_server.jobs.models import Job
from consent_server.keys import KeyRing
from consent_server.ledger.leaf_rules import name_of
from consent_server.ledger.models import Receipt
from consent_server.retention.rules import EraseLeaf, parse_leaf
from consent_server.sites.models import Site
from tests import make


def ring() -> KeyRing:
    found: KeyRing = current_app.extensions["keys"]
    return found


def decide(client: FlaskClient, site: Site, visitor: uuid.UUID | None = None, **more: object) -> uuid.UUID:
    """Let a visitor decide and return the visitor's id."""
    who = visitor or uuid.uuid4()
    make.decide(client, site, visitor_id=str(who), **more)
    return who


def known(client: FlaskClient, site: Site, subject: str, **more: object) -> uuid.UUID:
    """Let a visitor decide who is known as a subject."""
    who = decide(client, site, **more)
    assert make.identify(client, site, make.subject_token(site, subject), str(who)).status_code == 200
    return who


def receipts(site: Site) -> list[Receipt]:
    """Return decisions and erase leaves of a site's log as the database has them now, not what it tells of."""
    rows = db.session.scalars(
        select(Receipt)
        .where(Receipt.site_id == site.id)
        .order_by(Receipt.epoch, Receipt.idx)
        .execution_options(populate_existing=True)
    )
    return [row for row in rows if row.payload is None or name_of(orjson.loads(row.payload)) is None]


def leaves(site: Site) -> list[EraseLeaf]:
    """Return a site's erase leaves in the order of the log."""
    found = [parse_leaf(row.payload) for row in receipts(site) if row.payload is not None]
    return [leaf for leaf in found if leaf is not None]


def holders(site: Site) -> set[tuple[str, str]]:
    """Return whose records there are."""
    rows = db.session.execute(
        select(ConsentRecord.holder_kind, ConsentRecord.holder).where(ConsentRecord.site_id == site.id)
    )
    return {(row.holder_kind, row.holder) for row in rows}


def everything_about(site: Site, *words: str) -> list[str]:
    """Return the words that still stand somewhere in the tables that hold people."""
    rows: list[object] = [
        [orjson.loads(row.payload) if row.payload else None, str(row.visitor_id)] for row in receipts(site)
    ]
    rows += [[record.holder] for record in db.session.scalars(select(ConsentRecord))]
    rows += [[str(link.visitor_id), link.subject] for link in db.session.scalars(select(SubjectLink))]
    rows += [job.arguments for job in db.session.scalars(select(Job))]
    text = orjson.dumps(rows).decode()
    return [word for word in words if word in text]
