"""What was erased by any of the ways is no damage to fsck."""

from flask.testing import FlaskClient
from sqlalchemy import select

from consent_server.db import db, transaction
from consent_server.ledger import fsck
from consent_server.ledger.models import Log
from consent_server.retention import service, sweeping
from tests import make
from tests.conftest import SetClock
from tests.consents.exported import integrate
from tests.retention import people


def test_erasures_across_epochs_and_by_age_leave_a_sound_log(
    client: FlaskClient, set_clock: SetClock
) -> None:
    set_clock(make.NOW)
    site = make.ready_site()
    gone = people.known(client, site, "user-1")
    people.decide(client, site)
    with transaction():
        service.erase_subject(site, "user-1", ring=people.ring(), now=make.NOW, actor="command")
    people.decide(client, site, gone)
    set_clock(make.later(3000))
    people.decide(client, site)
    with transaction():
        sweeping.sweep_page(site, sweeping.start(site.id), ring=people.ring(), now=make.later(3000))
    integrate()

    report = fsck.check(db.session.connection(), people.ring())

    log = db.session.scalars(select(Log).where(Log.site_id == site.id)).one()
    blank = [row.payload is None for row in people.receipts(site)]
    assert blank == [True, True, False, True, False, False]
    assert [str(each) for each in report.findings if each.log == log.name] == []
    assert report.leaves >= len(blank)
