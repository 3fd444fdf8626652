"""Erasure of a visitor or a subject: what goes, what stays, and that the log says so."""

import hashlib
import uuid

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from consent_server.audit.models import AuditEvent
from consent_server.db import db, transaction
from consent_server.ledger.append import LogClosed
from consent_server.ledger.models import Log
from consent_server.ledger.names import open_log
from consent_server.ledger.tasks import integrate_logs
from consent_server.retention import service
from consent_server.retention.rules import EraseLeaf
from consent_server.sites.models import Site
from tests import make
from tests.contract.problems import problem
from tests.retention import people


def erase_visitor(site: Site, visitor: uuid.UUID) -> service.Erased:
    with transaction():
        return service.erase_visitor(site, visitor, ring=people.ring(), now=make.later(1), actor="command")


def erase_subject(site: Site, subject: str) -> service.Erased:
    with transaction():
        return service.erase_subject(site, subject, ring=people.ring(), now=make.later(1), actor="command")


def test_a_visitors_receipts_are_blank_and_the_others_are_not(client: FlaskClient) -> None:
    site = make.ready_site()
    gone = people.decide(client, site)
    kept = people.decide(client, site)
    people.decide(client, site, gone, **make.refusal(site))
    before = people.receipts(site)
    facts = [(row.idx, row.receipt_id, row.issued_at, row.entry) for row in before]

    done = erase_visitor(site, gone)

    rows = people.receipts(site)
    assert done == service.Erased(2, ((1, make.first_index(site) + 3),))
    assert [(row.payload is None, row.visitor_id) for row in rows[:3]] == [
        (True, None),
        (False, kept),
        (True, None),
    ]
    assert [(row.idx, row.receipt_id, row.issued_at, row.entry) for row in rows[:3]] == facts
    assert people.everything_about(site, str(gone)) == []
    assert people.holders(site) == {("visitor", str(kept))}


def test_the_log_names_the_places_and_no_person(client: FlaskClient) -> None:
    site = make.ready_site()
    gone = people.decide(client, site)

    erase_visitor(site, gone)

    leaf = people.receipts(site)[-1]
    assert people.leaves(site) == [EraseLeaf(site.key, 1, (make.first_index(site),))]
    assert leaf.visitor_id is None
    assert leaf.payload is not None
    assert str(gone).encode() not in leaf.payload
    assert leaf.entry == hashlib.sha256(leaf.payload).digest()


def test_the_tree_still_grows_from_what_was_signed_before(client: FlaskClient) -> None:
    site = make.ready_site()
    gone = people.decide(client, site)
    db.session.commit()
    integrate_logs()
    before = client.get(f"/log/{site.key}/checkpoint").text.split("\n")

    erase_visitor(site, gone)
    integrate_logs()

    after = client.get(f"/log/{site.key}/checkpoint").text.split("\n")
    start = make.first_index(site)
    assert (before[1], after[1]) == (str(start + 1), str(start + 2))
    proof = client.get(f"/log/{site.key}/proof/{start}.tlog-proof")
    assert proof.status_code == 200


def test_erasing_again_finds_nothing_and_adds_no_leaf(client: FlaskClient) -> None:
    site = make.ready_site()
    gone = people.decide(client, site)
    erase_visitor(site, gone)

    again = erase_visitor(site, gone)

    assert again == service.Erased(0, ())
    assert len(people.leaves(site)) == 1
    assert erase_visitor(site, uuid.uuid4()) == service.Erased(0, ())
    assert erase_subject(site, "nobody") == service.Erased(0, ())


def test_a_retry_of_an_erased_receipt_is_told_so_and_a_new_decision_is_taken(client: FlaskClient) -> None:
    site = make.ready_site()
    body = make.body(client, site)
    make.post(client, site, body)
    erase_visitor(site, uuid.UUID(body["visitor_id"]))

    problem(make.post(client, site, body), 410, "receipt-erased")
    renewed = make.post(client, site, body | {"receipt_id": str(uuid.uuid4())})

    assert renewed.status_code == 201
    assert people.holders(site) == {("visitor", body["visitor_id"])}


def test_a_subject_goes_with_all_browsers(client: FlaskClient) -> None:
    site = make.ready_site()
    one, two = people.known(client, site, "user-1"), people.known(client, site, "user-1")
    other = people.known(client, site, "user-2")

    done = erase_subject(site, "user-1")

    assert done.receipts == 2
    assert people.everything_about(site, "user-1", str(one), str(two)) == []
    assert people.holders(site) == {("visitor", str(other)), ("subject", "user-2")}


def test_a_subject_keeps_what_the_other_browser_decided(client: FlaskClient) -> None:
    site = make.ready_site()
    stays = people.known(client, site, "user-1", **make.refusal(site))
    goes = people.known(client, site, "user-1")
    key = make.api_key(site)
    path = f"/v1/sites/{site.key}/subjects/user-1/consent"
    assert client.get(path, headers={"Authorization": f"Bearer {key}"}).get_json()["effective"]

    erase_visitor(site, goes)

    answer = client.get(path, headers={"Authorization": f"Bearer {key}"}).get_json()
    assert answer["effective"] == []
    assert answer["state"]["purposes"]["maps"]["choice"] == "denied"
    assert people.holders(site) == {("visitor", str(stays)), ("subject", "user-1")}


def test_another_sites_visitor_of_the_same_id_is_left_alone(client: FlaskClient) -> None:
    site, other = make.ready_site(), make.ready_site()
    same = people.decide(client, site)
    people.decide(client, other, same)

    erase_visitor(site, same)

    assert people.holders(other) == {("visitor", str(same))}
    assert people.receipts(other)[0].payload is not None


def test_the_audit_log_knows_that_and_not_who(client: FlaskClient) -> None:
    site = make.ready_site()
    gone = people.known(client, site, "user-1")

    erase_subject(site, "user-1")

    event = db.session.scalars(select(AuditEvent).where(AuditEvent.action == "retention.erase")).one()
    assert (event.actor, event.target) == ("command", site.key)
    assert event.detail == {"whose": "subject", "receipts": 1, "leaves": [f"1/{make.first_index(site) + 1}"]}
    assert str(gone) not in str(event.detail)


def test_a_person_with_more_receipts_than_a_leaf_names_gets_more_leaves(
    client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("consent_server.retention.rules.PLACES_A_LEAF", 2)
    site = make.ready_site()
    gone = people.decide(client, site)
    for _ in range(4):
        people.decide(client, site, gone)

    done = erase_visitor(site, gone)

    assert done.receipts == 5
    start = make.first_index(site)
    named = [tuple(index - start for index in leaf.indexes) for leaf in people.leaves(site)]
    assert named == [(0, 1), (2, 3), (4,)]


@pytest.mark.parametrize("state", ["sealed", "forked"])
def test_a_closed_log_refuses_and_nothing_is_blanked(client: FlaskClient, state: str) -> None:
    site = make.ready_site()
    gone = people.decide(client, site)
    with transaction():
        db.session.scalars(select(Log).where(Log.site_id == site.id)).one().state = state

    with pytest.raises(LogClosed):
        erase_visitor(site, gone)

    assert people.receipts(site)[0].payload is not None


def test_an_error_on_the_way_undoes_all_of_it(client: FlaskClient) -> None:
    site = make.ready_site()
    gone = people.decide(client, site)

    def fail_halfway() -> None:
        with transaction():
            service.erase_visitor(site, gone, ring=people.ring(), now=make.NOW, actor="command")
            raise ConnectionError

    with pytest.raises(ConnectionError):
        fail_halfway()

    assert people.receipts(site)[0].visitor_id == gone
    assert people.leaves(site) == []
    assert people.holders(site) == {("visitor", str(gone))}


def test_after_a_recovery_the_older_log_is_named_by_its_epoch(app: Flask, client: FlaskClient) -> None:
    site = make.ready_site()
    gone = people.decide(client, site)
    with transaction():
        old = db.session.scalars(select(Log).where(Log.site_id == site.id)).one()
        old.state = "sealed"
        open_log(site.id, host="localhost", name=f"{old.name}.2", epoch=2)
    people.decide(client, site, gone)

    done = erase_visitor(site, gone)

    size = db.session.get_one(Log, (site.id, 2)).size
    assert done == service.Erased(2, ((2, size - 2), (2, size - 1)))
    assert people.leaves(site) == [
        EraseLeaf(site.key, 1, (make.first_index(site),)),
        EraseLeaf(site.key, 2, (make.first_index(site, epoch=2),)),
    ]
    assert people.everything_about(site, str(gone)) == []
