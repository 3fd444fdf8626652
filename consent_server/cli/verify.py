"""`verify`: check a receipt, alone or with its proof, an evidence archive, or a whole exported log, with our keys or those of a key file."""

import tempfile
import zipfile
from pathlib import Path
from typing import Any

import click
import orjson
from cryptography.hazmat.primitives.asymmetric.ed25519 import Ed25519PublicKey
from flask import current_app

from consent_server import verifier, verify_archive
from consent_server.cli.root import in_app, root
from consent_server.keys import SigningKey, thumbprint, unb64u
from consent_server.ledger.notes import BadNote, parse_vkey
from consent_server.ledger.published_keys import key_file
from consent_server.ledger.verify_log import BadLog, Keys, check_log

EXISTING = click.Path(exists=True, dir_okay=False, path_type=Path)
LINES_A_REPORT = 50_000


@root.command()
@click.argument("receipt", type=EXISTING, required=False)
@click.argument("proof", type=EXISTING, required=False)
@click.option(
    "--keys", "keys_path", type=EXISTING, help="Key file of another server; by default this one's own keys."
)
@click.option(
    "--log", "log_path", type=EXISTING, help="A log as `export log` wrote it, instead of a receipt."
)
def verify(receipt: Path | None, proof: Path | None, keys_path: Path | None, log_path: Path | None) -> None:
    """Check RECEIPT (a JWS) and, if given, the PROOF that it stands in the log; exit status 1 if not genuine.

    An evidence archive in the place of RECEIPT is checked as a whole: every file, every receipt, every proof.
    """
    if (receipt is None) == (log_path is None):
        raise click.UsageError("name either a receipt or, with --log, an exported log")
    with tempfile.TemporaryDirectory() as folder:
        path = keys_path or _own_keys(Path(folder))
        if log_path is not None:
            raise SystemExit(_verify_log(log_path, path))
        if zipfile.is_zipfile(str(receipt)) and proof is None:
            raise SystemExit(verify_archive.main(["--keys", str(path), str(receipt)]))
        arguments = ["--keys", str(path), str(receipt), *([str(proof)] if proof else [])]
        raise SystemExit(verifier.main(arguments))


@root.command(name="export-keys")
@in_app
def export_keys() -> None:
    """Print the key file that the stand-alone verifier needs."""
    click.echo(orjson.dumps(key_file(current_app.extensions["keys"]), option=orjson.OPT_INDENT_2).decode())


def _verify_log(path: Path, keys_path: Path) -> int:
    checked = None
    try:
        keys = _keys(orjson.loads(keys_path.read_bytes()))
        with path.open("rb") as lines:
            for number, checked in enumerate(check_log(lines, keys), 1):  # noqa: B007 - the last one is reported
                if number % LINES_A_REPORT == 0:
                    click.echo(f"{number:,} entries", err=True)
    except BadLog as error:
        click.echo(f"NOT GENUINE: {error}")
        return 1
    except (OSError, ValueError, KeyError, TypeError, BadNote) as error:
        click.echo(f"cannot read the keys or the log: {error}", err=True)
        return 2
    if checked is None:
        click.echo("NOT GENUINE: no entries")
        return 1
    what = "whole log" if checked.whole else f"entries {checked.first} to {checked.end - 1}"
    click.echo(
        f"genuine: {what} of {checked.checkpoint.origin}, {checked.checkpoint.size} entries signed for"
    )
    click.echo(f"  {checked.receipts} receipts, {checked.others} other leaves, {checked.blank} erased")
    return 0


def _keys(data: dict[str, Any]) -> Keys:
    receipts = {}
    for each in data["receipts"]["keys"]:
        public = Ed25519PublicKey.from_public_bytes(unb64u(each["x"]))
        receipts[thumbprint(public)] = SigningKey(thumbprint(public), public, None)
    return Keys(receipts, [parse_vkey(text) for text in data["logs"]])


@in_app
def _own_keys(folder: Path) -> Path:
    path = folder / "keys.json"
    path.write_bytes(orjson.dumps(key_file(current_app.extensions["keys"])))
    return path
