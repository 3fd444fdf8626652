"""The batch call of relays and imports: every decision has an outcome of its own."""

import uuid

from flask.testing import FlaskClient

from tests import make


def send(client: FlaskClient, site: object, decisions: list[object], key: str) -> object:
    url = f"/v1/sites/{site.key}/decisions/batch"  # type: ignore[attr-defined]
    return client.post(url, json={"decisions": decisions}, headers={"Authorization": f"Bearer {key}"})


def test_each_decision_of_a_batch_has_an_outcome_of_its_own(client: FlaskClient) -> None:
    site = make.ready_site("analytics", "maps")
    key = make.api_key(site)
    good = [make.body(client, site) for _ in range(3)]
    bad = {**make.body(client, site), "policy_version": "9.0"}
    broken = {"receipt_id": "x"}
    conflict = {**good[0], "layer": "preferences"}

    answer = send(client, site, [good[0], bad, good[1], broken, good[0], conflict, good[2]], key)

    assert answer.status_code == 200  # type: ignore[attr-defined]
    outcomes = answer.get_json()["outcomes"]  # type: ignore[attr-defined]
    assert [each["status"] for each in outcomes] == [201, 422, 201, 422, 200, 409, 201]
    start = make.first_index(site)
    assert [o["receipt"]["log_index"] - start for o in outcomes if o["status"] == 201] == [0, 1, 2]
    assert outcomes[4]["receipt"] == outcomes[0]["receipt"]
    assert outcomes[1]["problem"]["type"].endswith("unknown-version")


def test_a_batch_repeated_gives_the_same_receipts(client: FlaskClient) -> None:
    site = make.ready_site("analytics")
    key = make.api_key(site)
    decisions = [make.body(client, site) for _ in range(5)]

    first, second = send(client, site, decisions, key), send(client, site, decisions, key)

    receipts = [[o["receipt"] for o in a.get_json()["outcomes"]] for a in (first, second)]  # type: ignore[attr-defined]
    assert receipts[0] == receipts[1]
    assert {o["status"] for o in second.get_json()["outcomes"]} == {200}  # type: ignore[attr-defined]


def test_two_decisions_of_one_visitor_in_a_batch_count_in_order(client: FlaskClient) -> None:
    site = make.ready_site("analytics")
    key = make.api_key(site)
    visitor = str(uuid.uuid4())
    make.identify(client, site, make.subject_token(site), visitor)
    yes = make.body(client, site, visitor_id=visitor)
    no = make.body(client, site, visitor_id=visitor, **make.refusal(site))

    send(client, site, [yes, no], key)

    url = f"/v1/sites/{site.key}/subjects/user-1/consent"
    assert client.get(url, headers={"Authorization": f"Bearer {key}"}).get_json()["effective"] == []


def test_a_batch_needs_the_sites_own_key_and_at_most_a_hundred_decisions(client: FlaskClient) -> None:
    site, other = make.ready_site("analytics"), make.ready_site("analytics")
    one = make.body(client, site)

    assert send(client, site, [one], make.api_key(other)).status_code == 401  # type: ignore[attr-defined]
    assert send(client, site, [one] * 101, make.api_key(site)).status_code == 422  # type: ignore[attr-defined]
    assert send(client, site, [], make.api_key(site)).status_code == 422  # type: ignore[attr-defined]
    assert send(client, site, [one] * 100, make.api_key(site)).status_code == 200  # type: ignore[attr-defined]
