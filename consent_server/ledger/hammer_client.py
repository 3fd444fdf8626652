"""What hammer says to a server, over one connection for each thread, and how it reads a log. No database, no Flask."""

import http.client
import json
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any
from urllib.parse import urlsplit

from consent_server.ledger import merkle, tiles
from consent_server.ledger.notes import Checkpoint, NoteKey, open_checkpoint, parse_vkey

PATIENCE_SECONDS = 30


class Broken(Exception):
    """The server broke a promise; the text says which."""


class NotNow(Exception):
    """The server is busy, limits, or cannot be reached; nothing follows from it."""


@dataclass(frozen=True)
class Answer:
    """A status and a body."""

    status: int
    body: bytes

    def json(self) -> Any:
        """Return the parsed body."""
        return json.loads(self.body)


class Client:
    """One connection, kept alive; a lost one is opened again."""

    def __init__(self, address: str) -> None:
        parts = urlsplit(address)
        make: Callable[..., http.client.HTTPConnection]
        make = http.client.HTTPSConnection if parts.scheme == "https" else http.client.HTTPConnection
        self._prefix = parts.path.rstrip("/")
        self._connection = make(parts.hostname or "", parts.port, timeout=PATIENCE_SECONDS)

    def ask(self, path: str, *, body: Any = None, origin: str = "") -> Answer:
        """Send a GET, or a POST of JSON, and return the answer.

        Raises:
            NotNow: 429, 503, or no answer at all; a POST may or may not have been stored.
        """
        method, data = ("GET", None) if body is None else ("POST", json.dumps(body))
        headers = {"Content-Type": "text/plain;charset=UTF-8", "Origin": origin} if origin else {}
        try:
            self._connection.request(method, self._prefix + path, body=data, headers=headers)
            response = self._connection.getresponse()
            content = response.read()
        except (OSError, http.client.HTTPException) as error:
            self._connection.close()
            raise NotNow(type(error).__name__) from error
        if response.status in (429, 503):
            raise NotNow(str(response.status))
        return Answer(response.status, content)

    def close(self) -> None:
        """Close the connection."""
        self._connection.close()


class LogReader:
    """Reads one log as C2SP serves it and believes only what its checkpoints sign."""

    def __init__(self, client: Client, origin: str) -> None:
        self._client = client
        self.origin = origin
        self._base = f"/log/{origin.rpartition('/')[2]}"
        answer = client.ask(f"{self._base}/keys")
        self.keys: list[NoteKey] = [parse_vkey(line) for line in answer.body.decode().splitlines()]
        self._full: dict[tuple[int, int], list[bytes]] = {}

    def checkpoint(self) -> Checkpoint | None:
        """Return the newest checkpoint, its signature checked; None while the log has none."""
        answer = self._client.ask(f"{self._base}/checkpoint")
        if answer.status == 404:
            return None
        return open_checkpoint(answer.body.decode(), self.keys, origin=self.origin)

    def proof(self, index: int) -> str | None:
        """Return an entry's proof as text; None while no checkpoint covers it."""
        answer = self._client.ask(f"{self._base}/proof/{index}.tlog-proof")
        return answer.body.decode() if answer.status == 200 else None

    def consistency(self, old: int, new: int) -> list[bytes]:
        """Return the proof that the tree of `new` only added to that of `old`, from tiles."""
        return merkle.proof(merkle.consistency_path(old, new), self._reader(new))

    def inclusion(self, index: int, size: int) -> list[bytes]:
        """Return the proof that an entry stands in the tree of `size`, from tiles."""
        return merkle.proof(merkle.inclusion_path(index, size), self._reader(size))

    def entries(self, size: int) -> list[bytes]:
        """Return all entries of a tree of this size, from bundles."""
        found: list[bytes] = []
        for n in range(-(-size // tiles.WIDTH)):
            width = tiles.partial_width(0, n, size)
            body = self._get(tiles.TileAddress(None, n, width))
            while body:
                length = int.from_bytes(body[:2], "big")
                found.append(body[2 : 2 + length])
                body = body[2 + length :]
        return found

    def _reader(self, size: int) -> merkle.Read:
        partial: dict[tuple[int, int], list[bytes]] = {}

        def tile(level: int, n: int) -> list[bytes]:
            width = tiles.partial_width(level, n, size)
            kept = self._full if width == tiles.WIDTH else partial
            if (level, n) not in kept:
                kept[level, n] = tiles.split(self._get(tiles.TileAddress(level, n, width)))
            return kept[level, n]

        return tiles.reader(tile)

    def _get(self, address: tiles.TileAddress) -> bytes:
        answer = self._client.ask(f"{self._base}/{address.path()}")
        if answer.status != 200:
            raise Broken(f"{address.path()} answers {answer.status}, although a checkpoint covers it")
        return answer.body
