"""Check an exported log: every entry, every proof, the checkpoint's signature, and the root from the entries up. Pure.

It reads line by line and keeps the tree's right edge and the places of blank entries, nothing else.
"""

import base64
import hashlib
from collections.abc import Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

import orjson

from consent_server.keys import SigningKey
from consent_server.ledger import jws, merkle
from consent_server.ledger.leaf_rules import BANNER, ERASE, KEY, RECOVERY, VERSION, Told
from consent_server.ledger.notes import BadNote, Checkpoint, NoteKey, open_checkpoint

SCHEMA = "consent-log/1"
OTHERS = frozenset({ERASE, RECOVERY, KEY, VERSION, BANNER})


class BadLog(Exception):
    """The file is not a genuine export; the message says where and why."""


@dataclass(frozen=True)
class Keys:
    """Public keys of receipts by id, and of checkpoints."""

    receipts: Mapping[str, SigningKey]
    logs: Sequence[NoteKey]


@dataclass
class Checked:
    """What was found. `whole` is set when the file holds the log from its first entry to the checkpoint.

    `others` are leaves that are no decisions: keys, versions, banners, erasures, a recovery.
    """

    checkpoint: Checkpoint
    first: int
    end: int
    receipts: int = 0
    others: int = 0
    blank: int = 0
    whole: bool = False

    @property
    def seen(self) -> int:
        """How many entries were checked."""
        return self.receipts + self.others + self.blank


@dataclass
class _Run:
    """The state on the way through a file."""

    checked: Checked
    keys: Keys
    edge: merkle.Frontier = field(default_factory=merkle.Frontier)
    unnamed: set[int] = field(default_factory=set)  # blank entries that no erase leaf has named yet
    named: set[int] = field(default_factory=set)  # by later epochs
    told: Told = field(default_factory=Told)


def verify_log(lines: Iterable[bytes], keys: Keys) -> Checked:
    """Return what an exported log holds if all of it is genuine.

    Raises:
        BadLog: it is not.
    """
    checked: Checked | None = None
    for checked in check_log(lines, keys):  # noqa: B007 - the last one is the answer
        pass
    if checked is None:
        raise BadLog("the file holds no entries")
    return checked


def check_log(lines: Iterable[bytes], keys: Keys) -> Iterator[Checked]:
    """As `verify_log`, a step for each entry, so that the caller can show how far it is.

    Raises:
        BadLog: the file is not a genuine export.
    """
    run: _Run | None = None
    for number, raw in enumerate(lines):
        try:
            if run is None:
                run = _begin(_object(raw), keys)
            else:
                _entry(_object(raw), run)
                yield run.checked
        except (KeyError, TypeError, ValueError) as error:
            raise BadLog(f"line {number + 1}: malformed ({type(error).__name__}: {error})") from error
        except (BadLog, BadNote, jws.BadReceipt) as error:
            raise BadLog(f"line {number + 1}: {error}") from error
    if run is None:
        raise BadLog("the file is empty")
    _end(run)


def _begin(header: Mapping[str, Any], keys: Keys) -> _Run:
    if header["schema"] != SCHEMA:
        raise BadLog(f"not an export of the form {SCHEMA}")
    checkpoint = open_checkpoint(header["checkpoint"], keys.logs, origin=header["log"])
    first, end = _index(header["from"]), _index(header["to"])
    if not first < end <= checkpoint.size or header["size"] != checkpoint.size:
        raise BadLog("the range is not inside the signed tree")
    whole = first == 0 and end == checkpoint.size
    run = _Run(Checked(checkpoint, first, end, whole=whole), keys)
    for signed in header["erasures"]:
        claims = _signed(signed, keys).claims
        if claims.get("schema") == ERASE:
            run.named |= {_index(each) for each in claims["indexes"]}
    return run


def _entry(line: Mapping[str, Any], run: _Run) -> None:
    checked, index = run.checked, _index(line["index"])
    expected = checked.first + checked.seen
    if index != expected or index >= checked.end:
        raise BadLog(f"entry {index} stands where {expected} should")
    entry = _bytes(line["entry"])
    leaf = merkle.leaf_hash(entry)
    proof = [_bytes(each) for each in line["proof"]]
    if merkle.root_from_inclusion(leaf, index, checked.checkpoint.size, proof) != checked.checkpoint.root:
        raise BadLog(f"the proof of entry {index} does not lead to the signed root")
    if checked.whole:
        run.edge, _ = run.edge.extend([leaf])
    if line["payload"] is None:
        if line["receipt"] is not None:
            raise BadLog(f"entry {index} is blank and signed at once")
        checked.blank += 1
        run.unnamed.add(index)
    else:
        _receipt(line, index, entry, run)


def _receipt(line: Mapping[str, Any], index: int, entry: bytes, run: _Run) -> None:
    payload = line["payload"].encode()
    if hashlib.sha256(payload).digest() != entry:
        raise BadLog(f"the payload of entry {index} is not what the log committed to")
    parsed = _signed(line["receipt"], run.keys)
    if parsed.payload != payload:
        raise BadLog(f"the receipt of entry {index} signs another payload")
    if (parsed.header.get("log"), parsed.header.get("idx")) != (run.checked.checkpoint.origin, index):
        raise BadLog(f"the receipt of entry {index} names another place")
    if run.checked.first == 0:  # a later part of a log does not hold what was told before it
        for what in run.told.lacking(parsed.claims, str(parsed.header.get("kid"))):
            raise BadLog(f"entry {index}: {what}")
        run.told.take(parsed.claims)
    if parsed.claims.get("schema") in OTHERS:
        run.checked.others += 1
    else:
        run.checked.receipts += 1
    if parsed.claims.get("schema") == ERASE:
        run.unnamed -= {_index(each) for each in parsed.claims["indexes"]}


def _end(run: _Run) -> None:
    checked = run.checked
    there = checked.first + checked.seen
    if there != checked.end:
        raise BadLog(f"the file ends before entry {there}; it should hold all before {checked.end}")
    if checked.whole and run.edge.root() != checked.checkpoint.root:
        raise BadLog("the entries do not add up to the signed root")
    unexplained = sorted(run.unnamed - run.named)
    # The erase leaf of a blank entry may lie outside a mere range.
    if checked.whole and unexplained:
        raise BadLog(f"entry {unexplained[0]} is blank, and no erase leaf names it")


def _signed(text: str, keys: Keys) -> jws.ParsedReceipt:
    parsed = jws.parse(text)
    key = keys.receipts.get(str(parsed.header.get("kid")))
    if key is None or not key.verify(parsed.signing_input, parsed.signature):
        raise BadLog("no receipt key signed this")
    return parsed


def _object(raw: bytes) -> Mapping[str, Any]:
    data = orjson.loads(raw)
    if not isinstance(data, dict):
        raise BadLog("not a JSON object")
    return data


def _index(value: object) -> int:
    if not isinstance(value, int) or isinstance(value, bool) or not 0 <= value < 2**63:
        raise BadLog(f"{value!r} is not an index")
    return value


def _bytes(text: str) -> bytes:
    data = base64.b64decode(text, validate=True)
    if len(data) != merkle.HASH_BYTES or base64.b64encode(data).decode() != text:
        raise BadLog("a hash is not SHA-256 in canonical base64")
    return data
