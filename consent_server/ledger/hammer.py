"""hammer: write to a running server and verify its log at the same time, as visitors and auditors would.

Writers decide and retry; readers fetch checkpoints, tiles and proofs. Promises that are checked: an acknowledged receipt
is signed and says what was sent; a retry brings the same bytes; no two receipts share an index; a checkpoint never goes
back and only adds to the one before; every acknowledged receipt is proved to stand in the log; at the end none is missing.
"""

import threading
import time
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey

from consent_server.keys import unb64u
from consent_server.ledger import merkle
from consent_server.ledger.hammer_client import Broken, Client, LogReader, NotNow
from consent_server.ledger.hammer_result import Result
from consent_server.ledger.hammer_roles import Keys, reader, writer

ENOUGH = 100  # violations after which nothing more is learned
SETTLE_SECONDS = 15  # for the last receipts to be integrated


@dataclass(frozen=True)
class Plan:
    """Where and how long."""

    address: str
    site: str
    origin: str
    seconds: float
    writers: int
    readers: int


def run_hammer(plan: Plan) -> Result:
    """Hammer a server and return what came of it."""
    result = Result()
    client = Client(plan.address)
    banner, keys = _prepare(client, plan)
    ended = threading.Event()
    started = time.monotonic()
    steps = [
        writer(Client(plan.address), plan.site, origin=plan.origin, banner=banner, keys=keys, result=result)
        for _ in range(plan.writers)
    ] + [reader(Client(plan.address), result) for _ in range(plan.readers)]
    threads = [threading.Thread(target=_until, args=(ended, result, step)) for step in steps]
    for thread in threads:
        thread.start()
    ended.wait(plan.seconds)
    ended.set()
    for thread in threads:
        thread.join()
    result.seconds = time.monotonic() - started
    _settle(client, result)
    client.close()
    return result


def _prepare(client: Client, plan: Plan) -> tuple[dict[str, Any], Keys]:
    banner = client.ask(f"/v1/sites/{plan.site}/banner")
    if banner.status != 200:
        raise Broken(f"the site's banner answers {banner.status}")
    jwks = client.ask("/.well-known/jwks.json").json()["keys"]
    keys = {key["kid"]: Ed25519PublicKey.from_public_bytes(unb64u(key["x"])) for key in jwks}
    return banner.json(), keys


def _until(ended: threading.Event, result: Result, step: Callable[[], None]) -> None:
    while not ended.is_set():
        if len(result.violations) >= ENOUGH:
            ended.set()
        try:
            step()
        except NotNow as error:
            result.count(f"busy ({error})")
            ended.wait(0.2)
        except Exception as error:
            # Besides the refusals of the checks: a member that is missing, a body that is no JSON.
            result.broken(f"{type(error).__name__}: {error}")


def _settle(client: Client, result: Result) -> None:
    """Wait until the checkpoints cover all that was acknowledged, then look for every one of them."""
    newest: dict[str, int] = {}
    for log, idx in result.acknowledged:
        newest[log] = max(idx, newest.get(log, 0))
    for origin, last in newest.items():
        try:
            _all_there(LogReader(client, origin), last, result)
        except Exception as error:
            result.broken(f"at the end: {type(error).__name__}: {error}")


def _all_there(log: LogReader, last: int, result: Result) -> None:
    deadline = time.monotonic() + SETTLE_SECONDS
    while (found := log.checkpoint()) is None or found.size <= last:
        if time.monotonic() > deadline:
            raise Broken(f"no checkpoint covers index {last} after {SETTLE_SECONDS} s")
        time.sleep(0.2)
    entries = log.entries(found.size)
    edge, _ = merkle.Frontier().extend(map(merkle.leaf_hash, entries))
    if (edge.size, edge.root()) != (found.size, found.root):
        raise Broken("the bundles of entries do not make up the signed tree")
    for (origin, idx), entry in result.acknowledged.items():
        if origin == log.origin and entries[idx] != entry:
            raise Broken(f"index {idx} holds another receipt than the acknowledged one")
    result.done["receipts found at the end"] += len(result.acknowledged)
