"""Packed rows: what migration 0007 makes of rows that are there, in both directions, on both engines."""

import hashlib
import uuid
from datetime import UTC, datetime
from typing import Any

import pytest
from sqlalchemy import Engine, insert, select, text
from sqlalchemy.exc import DBAPIError

from consent_server import migrate
from consent_server.consents.models import ConsentRecord
from consent_server.ledger.models import Receipt
from tests.db.test_migrations import empty

__all__ = ["empty"]

AT = datetime(2026, 3, 1, 8, tzinfo=UTC)
STATE = {"version": "1.0", "purposes": {"maps": {"at": 1, "by": "custom", "choice": "granted", "until": 2}}}
PLAIN_STATE = (
    '{"purposes":{"maps":{"at":1,"by":"custom","choice":"granted","until":2}},"version":"1.0","ü":"é"}'
)


def payload(number: int) -> bytes:
    return f'{{"nonce":"{number:032x}","policy_version":"1.0"}}'.encode()


def receipt(number: int, **more: Any) -> dict[str, Any]:
    entry = hashlib.sha256(payload(number)).digest()
    common = {"site_id": 1, "epoch": 1, "idx": number, "receipt_id": uuid.UUID(int=number), "kid": "k"}
    return common | {"issued_at": AT, "entry": entry, "payload": payload(number)} | more


def record(holder: str) -> dict[str, Any]:
    values = {"site_id": 1, "holder_kind": "visitor", "holder": holder, "state": STATE | {"ü": "é"}}
    return values | {"epoch": 1, "idx": 0, "language": "en", "updated_at": AT}


def stored(engine: Engine) -> tuple[list[Any], list[Any]]:
    with engine.connect() as connection:
        payloads = connection.scalars(text("SELECT payload FROM receipt ORDER BY idx")).all()
        states = connection.scalars(text("SELECT state FROM consent_record ORDER BY holder")).all()
    return [None if each is None else bytes(each) for each in payloads], list(states)


def test_the_way_back_unpacks_rows_and_the_way_up_leaves_them_readable(empty: Engine) -> None:
    migrate.upgrade(empty)
    with empty.begin() as connection:
        connection.execute(insert(Receipt), [receipt(n, visitor_id=uuid.uuid4()) for n in range(2_100)])
        connection.execute(insert(Receipt), [receipt(2_100, payload=None, visitor_id=None)])
        connection.execute(insert(ConsentRecord), [record(f"{n}") for n in range(3)])
    payloads, states = stored(empty)
    assert not any(each.startswith(b"{") for each in payloads[:-1] + [bytes(state) for state in states])

    migrate.downgrade(empty, "0006")

    assert stored(empty) == ([payload(n) for n in range(2_100)] + [None], [PLAIN_STATE] * 3)
    with pytest.raises(DBAPIError, match="never changes"), empty.begin() as connection:
        connection.execute(text("UPDATE receipt SET kid = 'other' WHERE idx = 7"))

    migrate.upgrade(empty)

    assert stored(empty)[0][:2] == [payload(0), payload(1)]
    assert [bytes(each) for each in stored(empty)[1]] == [PLAIN_STATE.encode()] * 3
    with empty.connect() as connection:
        assert connection.scalar(select(Receipt.payload).where(Receipt.idx == 5)) == payload(5)
        assert connection.scalars(select(ConsentRecord.state)).all() == [STATE | {"ü": "é"}] * 3


@pytest.mark.parametrize("column", ["flag", "holder_kind"])
def test_what_a_record_may_not_hold_is_still_refused(empty: Engine, column: str) -> None:
    migrate.upgrade(empty)

    with pytest.raises(DBAPIError, match=column), empty.begin() as connection:
        connection.execute(insert(ConsentRecord), [record("1") | {column: "no"}])
