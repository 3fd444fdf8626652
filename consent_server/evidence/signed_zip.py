"""A zip archive whose manifest names every file by its hash, with a detached signature over the manifest.

The signature is a JWS (RFC 7515, appendix F: detached content) by the key that signs receipts; its type says that what is
signed is a manifest, so neither can pass for the other. `verify_archive.py` checks it.
"""

import hashlib
from datetime import datetime
from types import TracebackType
from typing import Any, BinaryIO
from zipfile import ZIP_DEFLATED, ZipFile, ZipInfo

import orjson

from consent_server import clock
from consent_server.keys import SigningKey, b64u

SCHEMA = "consent-evidence/1"
TYPE = "consent-evidence+jws"
MANIFEST, SIGNATURE = "manifest.json", "manifest.jws"
PRETTY = orjson.OPT_INDENT_2 | orjson.OPT_APPEND_NEWLINE


class SignedZip:
    """Takes files one after another; leaving the `with` block writes the manifest and its signature."""

    def __init__(self, file: BinaryIO, *, key: SigningKey, now: datetime, about: dict[str, Any]) -> None:
        self._zip = ZipFile(file, "w", ZIP_DEFLATED, compresslevel=6)
        self._key, self._now, self._about = key, now, about
        self._files: list[dict[str, Any]] = []

    def __enter__(self) -> "SignedZip":
        return self

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        if kind is None:
            self._seal()
        self._zip.close()

    def add(self, path: str, body: bytes) -> None:
        """Write a file."""
        self._files.append({"path": path, "bytes": len(body), "sha256": hashlib.sha256(body).hexdigest()})
        self._write(path, body)

    def add_json(self, path: str, value: Any) -> None:
        """Write a file of JSON, to be read by people too."""
        self.add(path, orjson.dumps(value, option=PRETTY))

    def _seal(self) -> None:
        manifest = orjson.dumps(
            {"schema": SCHEMA, "created_at": clock.iso(self._now)} | self._about | {"files": self._files},
            option=PRETTY,
        )
        header = b64u(orjson.dumps({"alg": "Ed25519", "kid": self._key.kid, "typ": TYPE}))
        signature = self._key.sign(f"{header}.{b64u(manifest)}".encode())
        self._write(MANIFEST, manifest)
        self._write(SIGNATURE, f"{header}..{b64u(signature)}\n".encode())

    def _write(self, path: str, body: bytes) -> None:
        info = ZipInfo(path, self._now.timetuple()[:6])
        info.compress_type, info.external_attr = ZIP_DEFLATED, 0o644 << 16
        self._zip.writestr(info, body)
