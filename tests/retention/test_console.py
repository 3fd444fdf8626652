"""The console around erasure: erased receipts and erase leaves have their pages."""

from flask.testing import FlaskClient

from consent_server.db import transaction
from consent_server.ledger import jws
from consent_server.retention import service
from tests import make
from tests.retention import people


def test_every_entry_of_a_log_with_an_erasure_can_be_looked_at(client: FlaskClient) -> None:
    site = make.ready_site()
    gone, stays = people.decide(client, site), people.decide(client, site)
    with transaction():
        service.erase_visitor(site, gone, ring=people.ring(), now=make.NOW, actor="command")
    make.signed_in(client)
    rows = people.receipts(site)
    base = f"/console/sites/{site.key}/receipts"

    listed = client.get(base)
    pages = [client.get(f"{base}/{row.receipt_id}") for row in rows]
    leaf = client.get(f"{base}/{rows[-1].receipt_id}.jws")
    erased = client.get(f"{base}/{rows[0].receipt_id}.jws")

    assert [listed.status_code, *(each.status_code for each in pages)] == [200] * 4
    assert str(rows[-1].receipt_id) not in listed.text
    assert str(stays) in pages[1].text
    assert f"{rows[1].receipt_id}.pdf" in pages[1].text
    assert "consent-erase/1" in pages[2].text
    assert jws.parse(leaf.text.strip()).claims["indexes"] == [make.first_index(site)]
    assert erased.status_code == 410
    verdict = client.post("/v1/receipts/verify", json={"receipt": leaf.text.strip()}).get_json()
    assert verdict["valid"], verdict
