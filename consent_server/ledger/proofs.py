"""Proofs as files (c2sp.org/tlog-proof): the index, the inclusion proof, and the checkpoint that it leads to. Pure."""

import base64
import re
from collections.abc import Sequence
from dataclasses import dataclass

from consent_server.ledger.merkle import HASH_BYTES, leaf_hash, root_from_inclusion
from consent_server.ledger.notes import BadNote, Checkpoint, NoteKey, open_checkpoint

HEADER = "c2sp.org/tlog-proof@v1"
INDEX = re.compile(r"index (0|[1-9][0-9]{0,18})")
MAX_HASHES = 64


class BadProof(Exception):
    """The text is not a proof, or does not prove that the entry is in the log."""


@dataclass(frozen=True)
class LogProof:
    """A proof taken apart; `checkpoint` is the note as it was signed."""

    index: int
    hashes: tuple[bytes, ...]
    checkpoint: str


def render(index: int, hashes: Sequence[bytes], checkpoint: str) -> str:
    """Return a proof's text."""
    lines = [HEADER, f"index {index}", *(base64.b64encode(each).decode() for each in hashes)]
    return "\n".join(lines) + "\n\n" + checkpoint


def parse(text: str) -> LogProof:
    """Take a proof apart.

    Raises:
        BadProof: not of the form.
    """
    head, separator, checkpoint = text.partition("\n\n")
    lines = head.split("\n")
    if not separator or lines[0] != HEADER:
        raise BadProof(f"a proof begins with {HEADER}")
    rest = lines[2:] if len(lines) > 1 and lines[1].startswith("extra ") else lines[1:]
    found = INDEX.fullmatch(rest[0]) if rest else None
    if found is None or len(rest) > 1 + MAX_HASHES:
        raise BadProof("no index, or more hashes than any tree has")
    return LogProof(int(found[1]), tuple(_hash(line) for line in rest[1:]), checkpoint)


def verify(text: str, *, entry: bytes, keys: Sequence[NoteKey], origin: str) -> tuple[LogProof, Checkpoint]:
    """Return the proof and the checkpoint if they show that `entry` stands in the log.

    Raises:
        BadProof: they do not.
    """
    proof = parse(text)
    try:
        checkpoint = open_checkpoint(proof.checkpoint, keys, origin=origin)
    except BadNote as error:
        raise BadProof(f"the checkpoint does not count: {error}") from error
    root = root_from_inclusion(leaf_hash(entry), proof.index, checkpoint.size, proof.hashes)
    if root != checkpoint.root:
        raise BadProof("the hashes do not lead to the checkpoint's root")
    return proof, checkpoint


def _hash(line: str) -> bytes:
    try:
        data = base64.b64decode(line, validate=True)
    except ValueError as error:
        raise BadProof("a line is not base64") from error
    if len(data) != HASH_BYTES or base64.b64encode(data).decode() != line:
        raise BadProof("a line is not a SHA-256 hash in base64")
    return data
