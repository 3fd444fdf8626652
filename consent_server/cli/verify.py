"""`verify`: check a receipt, alone or with its proof, with the keys of this server or of a key file."""

import tempfile
from pathlib import Path

import click
import orjson
from flask import current_app

from consent_server import verifier
from consent_server.cli.main import in_app, root
from consent_server.ledger.published_keys import key_file

EXISTING = click.Path(exists=True, dir_okay=False, path_type=Path)


@root.command()
@click.argument("receipt", type=EXISTING)
@click.argument("proof", type=EXISTING, required=False)
@click.option(
    "--keys", "keys_path", type=EXISTING, help="Key file of another server; by default this one's own keys."
)
def verify(receipt: Path, proof: Path | None, keys_path: Path | None) -> None:
    """Check RECEIPT (a JWS) and, if given, the PROOF that it stands in the log; exit status 1 if not genuine."""
    with tempfile.TemporaryDirectory() as folder:
        path = keys_path or _own_keys(Path(folder))
        arguments = ["--keys", str(path), str(receipt), *([str(proof)] if proof else [])]
        raise SystemExit(verifier.main(arguments))


@root.command(name="export-keys")
@in_app
def export_keys() -> None:
    """Print the key file that the stand-alone verifier needs."""
    click.echo(orjson.dumps(key_file(current_app.extensions["keys"]), option=orjson.OPT_INDENT_2).decode())


@in_app
def _own_keys(folder: Path) -> Path:
    path = folder / "keys.json"
    path.write_bytes(orjson.dumps(key_file(current_app.extensions["keys"])))
    return path
