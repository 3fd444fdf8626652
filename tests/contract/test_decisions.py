"""POST /v1/sites/<site_key>/decisions, row by row of the contract."""

from datetime import datetime, timedelta

from flask.testing import FlaskClient

from tests import make


def test_a_decision_is_answered_with_its_receipt(client: FlaskClient) -> None:
    site = make.ready_site()
    body = make.body(client, site)

    response = make.post(client, site, body)

    assert response.status_code == 201
    assert response.content_type == "application/json"
    answer = response.get_json()
    assert answer.keys() == {
        "receipt_id",
        "visitor_id",
        "issued_at",
        "expires_at",
        "choices",
        "log_index",
        "receipt",
    }
    assert answer["receipt_id"] == body["receipt_id"]
    assert answer["visitor_id"] == body["visitor_id"]
    assert answer["choices"] == body["choices"]
    assert answer["log_index"] == 0
    lasts = datetime.fromisoformat(answer["expires_at"]) - datetime.fromisoformat(answer["issued_at"])
    assert lasts == timedelta(days=180)


def test_a_retry_returns_the_first_receipt_byte_for_byte(client: FlaskClient) -> None:
    site = make.ready_site()
    body = make.body(client, site, signals={"gpc": False}, decided_at="2026-03-02T10:00:00.123+08:00")

    first = make.post(client, site, body)
    again = [make.post(client, site, body) for _ in range(3)]

    assert first.status_code == 201
    assert {response.status_code for response in again} == {200}
    assert {response.data for response in again} == {first.data}
