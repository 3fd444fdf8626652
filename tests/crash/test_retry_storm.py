"""Many processes send one receipt id at once, again and again: one leaf, one receipt, the same bytes for everybody."""

from __future__ import annotations

import json
import os
import subprocess
import sys
import uuid

import pytest

from . import promises
from .conftest import Shop

pytestmark = [pytest.mark.crash, pytest.mark.timeout(300)]
PROCESSES = 16
TIMES = 1_000  # that the one id is sent
RACES = 20  # more ids, each sent by all processes at the same moment, so that all of them find it new


def test_a_retry_storm_ends_in_one_leaf_and_one_receipt(shop: Shop) -> None:
    body = shop.template | {"receipt_id": str(uuid.uuid4()), "visitor_id": str(uuid.uuid4())}
    others = [body | {"receipt_id": str(uuid.uuid4())} for _ in range(RACES)]
    order = {
        "site": shop.key,
        "processes": PROCESSES,
        "bodies": [body] * (TIMES // PROCESSES + 1) + others,
    }

    done = subprocess.run(
        [sys.executable, "-m", "tests.crash.storm"],
        input=json.dumps(order), env=os.environ | shop.settings,
        capture_output=True, text=True, timeout=240, check=False,
    )  # fmt: skip

    assert done.returncode == 0, done.stderr[-4000:]
    answers: dict[str, dict[str, int]] = json.loads(done.stdout)
    assert sum(answers[body["receipt_id"]].values()) >= TIMES
    assert len(answers) == 1 + RACES
    created = {}
    for receipt_id, told in answers.items():
        statuses = sorted(each.partition(" ")[0] for each in told)
        bytes_ = {each.partition(" ")[2] for each in told}
        assert statuses == ["200", "201"], told
        assert len(bytes_) == 1
        assert next(count for each, count in told.items() if each.startswith("201")) == 1
        created[receipt_id] = bytes_.pop().encode()
    assert promises.broken(shop.app, shop.id, created, anchors=shop.anchors) == []
    assert promises.unasked(shop.app, shop.id, created) == []
