"""Browsers on failing networks, a server that is killed meanwhile: each decision arrives once, in order, with its own time."""

from __future__ import annotations

import json
import subprocess
from collections import defaultdict
from pathlib import Path
from typing import Any

import orjson
import pytest
from sqlalchemy import select

from consent_server.assets import node_command
from consent_server.db import db
from consent_server.ledger.models import Receipt
from tests import make

from .conftest import Shop, StartServer
from .server import Server

pytestmark = [pytest.mark.crash, pytest.mark.timeout(600)]
SCHEDULES, SEED = 200, 7
KILLS = [60, 200, 380]  # after so many requests have been sent


def test_decisions_made_offline_or_while_the_server_is_killed_arrive_once(
    sqlite_shop: Shop, new_server: StartServer
) -> None:
    server = new_server(sqlite_shop)
    server.start()

    told = visited(sqlite_shop, server)

    stored = receipts(sqlite_shop)
    assert told["killed"] == len(KILLS)
    assert all(
        told["faults"][kind] > 20 for kind in ("none", "offline", "refused", "unheard", "hidden", "cut")
    )
    assert len(told["lives"]) == SCHEDULES
    assert [life["left"] for life in told["lives"]] == [0] * SCHEDULES
    for life in told["lives"]:
        assert stored[life["id"]] == [tuple(each) for each in life["decided"]]
    assert sum(map(len, stored.values())) == sum(len(life["decided"]) for life in told["lives"])


def visited(shop: Shop, server: Server) -> dict[str, Any]:
    """Let the visitors live, killing the server when they say so; what they decided and what they met."""
    orders = {
        "api": f"http://127.0.0.1:{server.port}",
        "origin": make.ORIGIN,
        "site": shop.key,
        "version": shop.template["policy_version"],
        "purposes": list(shop.template["choices"]),
        "build": shop.template["banner_build"],
        "seed": SEED,
        "schedules": SCHEDULES,
        "kills": KILLS,
    }
    script = Path(__file__).with_name("delivery.mjs")
    with subprocess.Popen(
        [node_command(), str(script)], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as visitors:
        assert visitors.stdin is not None
        assert visitors.stdout is not None
        visitors.stdin.write(json.dumps(orders) + "\n")
        visitors.stdin.flush()
        for line in visitors.stdout:
            if line != "kill\n":
                told: dict[str, Any] = json.loads(line)
                return told
            server.kill()
            server.start()
            visitors.stdin.write("up\n")
            visitors.stdin.flush()
    raise AssertionError("the visitors ended early")


def receipts(shop: Shop) -> dict[str, list[tuple[str, str]]]:
    """By visitor, the ids and times of what is stored, in the order of the log."""
    found: dict[str, list[tuple[str, str]]] = defaultdict(list)
    with shop.app.app_context():
        rows = db.session.scalars(
            select(Receipt).where(Receipt.visitor_id.is_not(None)).order_by(Receipt.idx)
        ).all()
        for row in rows:
            found[str(row.visitor_id)].append(
                (str(row.receipt_id), orjson.loads(row.payload or b"{}")["decided_at"])
            )
        db.session.remove()
    return found
