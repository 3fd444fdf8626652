"""Visitors who do not give up: each repeats a decision, at whichever server answers, until it is acknowledged."""

from __future__ import annotations

import contextlib
import http.client
import json
import threading
import time
import uuid
from collections.abc import Sequence
from dataclasses import dataclass, field
from email.message import Message
from itertools import cycle
from random import Random
from typing import Any

from .server import PATIENCE, Server

ORIGIN = "https://shop.example"
AGAIN = 0.05  # of the acknowledged decisions are sent once more, as a browser does that saw no answer
GONE = (OSError, http.client.HTTPException)

Answer = tuple[int, Message, bytes]


class Caller:
    """One visitor's connections to the servers, kept open between decisions."""

    def __init__(self, servers: Sequence[Server], site: str) -> None:
        self._servers = cycle(servers)
        self._path = f"/v1/sites/{site}/decisions"
        self._connection: http.client.HTTPConnection | None = None

    def post(self, body: dict[str, Any]) -> Answer:
        """Post once; after an error the next call goes to the next server."""
        if self._connection is None:
            self._connection = http.client.HTTPConnection("127.0.0.1", next(self._servers).port, timeout=20)
        headers = {"Content-Type": "text/plain", "Origin": ORIGIN}
        try:
            self._connection.request("POST", self._path, json.dumps(body), headers)
            response = self._connection.getresponse()
            return response.status, response.headers, response.read()
        except GONE:
            self.close()
            raise

    def close(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None


@dataclass
class Visitors:
    """Threads that decide without pause. What they were promised is in `acknowledged`."""

    servers: Sequence[Server]
    site: str
    template: dict[str, Any]
    acknowledged: dict[str, bytes] = field(default_factory=dict)
    strange: list[str] = field(default_factory=list)
    refused: list[Answer] = field(default_factory=list)  # answers that said "not now"
    repeated: int = 0
    _stopping: threading.Event = field(default_factory=threading.Event)
    _abandoned: threading.Event = field(default_factory=threading.Event)
    _threads: list[threading.Thread] = field(default_factory=list)

    def begin(self, number: int) -> None:
        self._threads = [
            threading.Thread(target=self._decide_for_ever, args=(Random(seed),), daemon=True)
            for seed in range(number)
        ]
        for thread in self._threads:
            thread.start()

    def end(self) -> None:
        """Stop when what is under way has been acknowledged; a server must be up."""
        self._stopping.set()
        for thread in self._threads:
            thread.join(timeout=PATIENCE)
            assert not thread.is_alive()

    def abandon(self) -> None:
        """Stop as soon as what was sent has been answered or broken off."""
        self._abandoned.set()
        self.end()

    def wait_for(self, more: int, *, seconds: float = PATIENCE) -> None:
        """Wait until so many more decisions have been acknowledged."""
        enough = len(self.acknowledged) + more
        deadline = time.monotonic() + seconds
        while len(self.acknowledged) < enough:
            said = "\n".join(server.said() for server in self.servers)
            assert time.monotonic() < deadline, f"nothing is acknowledged any more: {self.strange}\n{said}"
            time.sleep(0.01)

    def body(self, receipt_id: str) -> dict[str, Any]:
        """The body of a receipt id, the same whenever it is sent; there are few visitors, with many decisions each."""
        visitor = uuid.UUID(int=uuid.UUID(receipt_id).int % 97, version=4)
        return self.template | {"receipt_id": receipt_id, "visitor_id": str(visitor)}

    def _decide_for_ever(self, random: Random) -> None:
        caller = Caller(self.servers, self.site)
        while not self._stopping.is_set():
            body = self.body(str(uuid.uuid4()))
            answer = self._until_acknowledged(caller, body)
            if answer is not None and random.random() < AGAIN:
                again = self._until_acknowledged(caller, body)
                if again not in (None, answer):
                    self.strange.append(f"another answer to a retry: {again!r}")
        caller.close()

    def _until_acknowledged(self, caller: Caller, body: dict[str, Any]) -> bytes | None:
        for attempt in range(10_000):
            if self._abandoned.is_set():
                return None
            with contextlib.suppress(*GONE):
                answer = caller.post(body)
                if answer[0] in (200, 201):
                    self.repeated += attempt > 0
                    self.acknowledged.setdefault(body["receipt_id"], answer[2])
                    return answer[2]
                if answer[0] != 503:
                    self.strange.append(f"{answer[0]}: {answer[2][:300]!r}")
                    return None
                self.refused.append(answer)
                caller.close()
            time.sleep(0.02)
        return None
