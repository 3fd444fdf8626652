#!/usr/bin/env python3
"""Verify an evidence archive without trusting, or reaching, the server that made it.

    python verify_archive.py --keys keys.json evidence.zip

Needs `verifier.py` beside it, which says what is checked of each receipt and what keys.json is. Of the whole it checks that
one of the receipt keys signed the manifest, that the archive holds the files that the manifest names, unchanged, and no
other, and that the versions, texts and banners in it are those that its receipts name.
Exit status: 0 everything checked is right, 1 something is not, 2 the keys cannot be read.
"""

import base64
import hashlib
import json
import sys
import zipfile
from pathlib import Path
from typing import Any

try:
    from consent_server.verifier import NotGenuine, decode, signed_by, verify_proof, verify_receipt
except ImportError:  # taken out of an archive, with no consent server installed
    from verifier import (  # type: ignore[no-redef, import-not-found]  # the same file, beside this one
        NotGenuine,
        decode,
        signed_by,
        verify_proof,
        verify_receipt,
    )


def verify_manifest(manifest: bytes, signature: str, keys: dict[str, Any]) -> dict[str, Any]:
    """Return the manifest of an archive that one of the receipt keys signed (RFC 7515, appendix F)."""
    head, middle, tail = (*signature.removesuffix("\n").split("."), "", "", "")[:3]
    try:
        header = json.loads(decode(head, urlsafe=True))
        facts: dict[str, Any] = json.loads(manifest)
    except ValueError as error:
        raise NotGenuine("the manifest or its signature cannot be read") from error
    if middle or header.get("alg") != "Ed25519" or header.get("typ") != "consent-evidence+jws":
        raise NotGenuine("not the signature of an evidence archive")
    encoded = base64.urlsafe_b64encode(manifest).rstrip(b"=").decode()
    known = [key for key in keys["receipts"]["keys"] if key.get("kid") == header.get("kid")]
    if not any(
        signed_by(decode(key["x"], urlsafe=True), f"{head}.{encoded}".encode(), decode(tail, urlsafe=True))
        for key in known
    ):
        raise NotGenuine("no receipt key signed the manifest")
    if facts.get("schema") != "consent-evidence/1":
        raise NotGenuine("not an evidence archive of a form that this verifier knows")
    return facts


def verify_archive(path: str, keys: dict[str, Any]) -> tuple[dict[str, Any], int, int]:
    """Return an archive's manifest, how many receipts it holds, and how many of them are proved to stand in the log."""
    with zipfile.ZipFile(path) as archive:
        names = [each.filename for each in archive.infolist()]
        if "manifest.json" not in names or "manifest.jws" not in names:
            raise NotGenuine("not an evidence archive: it has no signed manifest")
        manifest = verify_manifest(
            archive.read("manifest.json"), archive.read("manifest.jws").decode("ascii"), keys
        )
        wanted = {each["path"]: each for each in manifest["files"]}
        others = sorted({*names} ^ {*wanted, "manifest.json", "manifest.jws"})
        if others or len(names) != len(wanted) + 2:
            raise NotGenuine(f"files are missing, or not named by the manifest: {', '.join(others[:5])}")
        for name, each in wanted.items():
            _verify_file(archive, name, each)
        return manifest, *_verify_receipts(archive, {*wanted}, _held(archive, [*wanted]), keys)


def _verify_file(archive: zipfile.ZipFile, name: str, wanted: dict[str, Any]) -> None:
    digest, size = hashlib.sha256(), 0
    with archive.open(name) as file:
        while part := file.read(65_536):
            digest.update(part)
            size += len(part)
            if size > wanted["bytes"]:
                break
    if size != wanted["bytes"] or digest.hexdigest() != wanted["sha256"]:
        raise NotGenuine(f"{name} is not what was signed")


def _held(archive: zipfile.ZipFile, names: list[str]) -> dict[str, set[str]]:
    """Return the hashes of the versions, texts and banners in an archive, by what receipts call them."""
    held: dict[str, set[str]] = {"policy_sha256": set(), "text_sha256": set(), "banner_build": set()}
    for name in names:
        folder, _, file = name.rpartition("/")
        if folder.startswith("versions/") and file == "snapshot.json":
            held["policy_sha256"].add(hashlib.sha256(archive.read(name)).hexdigest())
        elif folder.startswith("versions/") and file.startswith("text."):
            held["text_sha256"].add(hashlib.sha256(archive.read(name)).hexdigest())
        elif folder.startswith("banners/") and file == "bundle.js":
            code = hashlib.sha256(archive.read(name)).digest()
            shown = code + archive.read(f"{folder}/configuration.json")
            held["banner_build"].add(hashlib.sha256(shown).hexdigest())
    return held


def _verify_receipts(
    archive: zipfile.ZipFile, names: set[str], held: dict[str, set[str]], keys: dict[str, Any]
) -> tuple[int, int]:
    decisions = proved = 0
    for name in names:
        if not name.endswith(".jws"):
            continue
        proof = f"{name.removesuffix('.jws')}.tlog-proof"
        try:
            header, claims, payload = verify_receipt(archive.read(name).decode("ascii"), keys)
            if proof in names:
                verify_proof(archive.read(proof).decode(), header, payload, keys)
            if claims.get("schema") == "consent-receipt/1":
                _verify_named(name, claims, held)
                decisions += 1
                proved += proof in names
        except NotGenuine as error:
            raise NotGenuine(f"{name}: {error}") from error
    return decisions, proved


def _verify_named(name: str, claims: dict[str, Any], held: dict[str, set[str]]) -> None:
    if name != f"receipts/{claims['receipt_id']}.jws":
        raise NotGenuine(f"it is receipt {claims['receipt_id']}")
    for kind, hashes in held.items():
        if claims[kind] not in hashes:
            raise NotGenuine(f"its {kind} is of nothing in the archive")


def main(arguments: list[str]) -> int:
    """Run the checks and say what was found."""
    if len(arguments) != 3 or arguments[0] != "--keys":
        sys.stderr.write((__doc__ or "").split("\n\n")[1] + "\n")
        return 2
    try:
        keys = json.loads(Path(arguments[1]).read_bytes())
    except (OSError, ValueError) as error:
        sys.stderr.write(f"cannot read: {error}\n")
        return 2
    try:
        manifest, decisions, proved = verify_archive(arguments[2], keys)
    except (OSError, NotGenuine, KeyError, TypeError, ValueError, zipfile.BadZipFile) as error:
        sys.stdout.write(f"NOT GENUINE: {error}\n")
        return 1
    sys.stdout.write(f"manifest    right: {len(manifest['files'])} files, each as it was signed\n")
    sys.stdout.write(f"receipts    right: {decisions}, {proved} of them proved to stand in the log\n")
    sys.stdout.write("texts       right: versions, texts and banners are those that the receipts name\n")
    for name in ("site", "created_at", "query"):
        sys.stdout.write(f"  {name}: {json.dumps(manifest.get(name), ensure_ascii=False)}\n")
    return 0


if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
