"""Sixteen servers in processes of their own, each with its committer lane, that send themselves the same decisions.

Reads the order from standard input: site, number of processes, bodies. Every process sends every body once, in order,
and all of them begin a body at the same moment. Writes how often each answer was given: {receipt id: {answer: times}}.
"""

from __future__ import annotations

import json
import multiprocessing
import sys
from collections import Counter, defaultdict
from multiprocessing.synchronize import Barrier
from typing import Any

from flask import Flask

from consent_server.app import build
from consent_server.config import load_settings
from consent_server.consents.recording import start_lane
from tests.make import post

FORK = multiprocessing.get_context("fork")
NOT_NOW = 503


def main() -> None:
    order = json.load(sys.stdin)
    app = build(load_settings())  # it has no connection yet: each process opens its own
    barrier = FORK.Barrier(order["processes"])
    answers: Any = FORK.SimpleQueue()
    family = [
        FORK.Process(target=_send, args=(app, order["site"], order["bodies"], barrier, answers))
        for _ in range(order["processes"])
    ]
    for process in family:
        process.start()
    told: defaultdict[str, Counter[str]] = defaultdict(Counter)
    for _ in family:
        for receipt_id, answer in answers.get():
            told[receipt_id][answer] += 1
    for process in family:
        process.join()
    json.dump(told, sys.stdout)
    sys.exit(max(process.exitcode or 0 for process in family))


def _send(app: Flask, site: str, bodies: list[dict[str, Any]], barrier: Barrier, answers: Any) -> None:
    start_lane(app)
    client = app.test_client()
    found = []
    for body in bodies:
        barrier.wait(60)
        answer = post(client, site, body)
        while answer.status_code == NOT_NOW:  # as a browser does
            answer = post(client, site, body)
        found.append((body["receipt_id"], f"{answer.status_code} {answer.text}"))
    answers.put(found)


if __name__ == "__main__":
    main()
