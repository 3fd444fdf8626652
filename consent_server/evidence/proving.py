"""Sign receipts and prove their places for many at once: neighbours share most of what a proof needs."""

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Protocol

from consent_server.consents.answers import StoredReceipt
from consent_server.consents.export.log import reader
from consent_server.evidence.signed_zip import SignedZip
from consent_server.keys import KeyRing
from consent_server.ledger import jws, merkle, proofs
from consent_server.ledger.integrate import LogName, newest_checkpoint


class Entry(StoredReceipt, Protocol):
    """An entry of a log that has not been erased."""

    @property
    def epoch(self) -> int: ...


@dataclass(frozen=True)
class _Signed:
    """A log's newest checkpoint, and what reads its tree."""

    size: int
    note: str
    read: merkle.Read


class Prover:
    """Writes entries of one site's logs with their proofs, each against its log's newest checkpoint."""

    def __init__(self, site_id: int, origins: Mapping[int, str], *, ring: KeyRing) -> None:
        self.site_id, self.origins, self._ring = site_id, origins, ring
        self._signed = {epoch: self._checkpoint(epoch) for epoch in origins}

    def write(self, archive: SignedZip, path: str, entry: Entry) -> str | None:
        """Write `<path>.jws` and `<path>.tlog-proof`; return the proof, None while no checkpoint covers the entry."""
        payload = entry.payload or b""
        origin = self.origins[entry.epoch]
        signed = jws.sign(payload, key=self._ring.receipt_keys[entry.kid], log=origin, idx=entry.idx)
        archive.add(f"{path}.jws", f"{signed}\n".encode())
        proof = self._proof(entry)
        if proof is not None:
            archive.add(f"{path}.tlog-proof", proof.encode())
        return proof

    def _proof(self, entry: Entry) -> str | None:
        signed = self._signed[entry.epoch]
        if signed is None or entry.idx >= signed.size:
            return None
        hashes = merkle.proof(merkle.inclusion_path(entry.idx, signed.size), signed.read)
        return proofs.render(entry.idx, hashes, signed.note)

    def _checkpoint(self, epoch: int) -> _Signed | None:
        log = LogName(self.site_id, epoch)
        newest = newest_checkpoint(log)
        return _Signed(newest.size, newest.note, reader(log, newest.size)) if newest else None
