"""`export`: a receipt in any form, an evidence archive, or a log with proofs; `site profile`: what the forms must state of the controller."""

import os
import sys
import time
import uuid
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import BinaryIO

import click
import orjson
from flask import current_app

from consent_server import clock
from consent_server.cli.root import ACTOR, in_app, root, settings
from consent_server.cli.sites import site as site_group
from consent_server.consents.export import log as log_export
from consent_server.consents.export.forms import FORMS
from consent_server.consents.export.forms import export as export_receipt
from consent_server.db import transaction
from consent_server.evidence import archive
from consent_server.evidence.query import read as read_query
from consent_server.ledger.integrate import TreeRefused
from consent_server.retention.leaves import later_leaves
from consent_server.sites.profile import set_profile
from consent_server.sites.service import site_by_key

NEW_FILE = click.Path(dir_okay=False, writable=True, path_type=Path)
EXISTING = click.Path(exists=True, dir_okay=False, path_type=Path)
SECONDS_A_REPORT = 1.0


@root.group()
def export() -> None:
    """Take receipts and logs away."""


@export.command()
@click.argument("site_key")
@click.argument("receipt_id", type=click.UUID)
@click.option("--format", "form", type=click.Choice(FORMS), default="jws", show_default=True)
@click.option("--lang", help="Language of the PDF's own words: en or zh-CN; by default the receipt's.")
@click.option("--out", type=NEW_FILE, help="File to write; by default standard output.")
@in_app
def receipt(site_key: str, receipt_id: uuid.UUID, form: str, lang: str | None, out: Path | None) -> None:
    """Write a receipt as JWS, JSON, JSON-LD (ISO/IEC TS 27560), Kantara JSON, or a page of PDF."""
    chosen = settings()
    address = chosen.public_url or f"http://{chosen.host}:{chosen.port}"
    made = export_receipt(
        site_key, receipt_id, form, ring=current_app.extensions["keys"], address=address, language=lang
    )
    with _target(out) as file:
        file.write(made.body)


@export.command()
@click.argument("site_key")
@click.option("--receipt", "receipt", metavar="ID", help="A receipt's id.")
@click.option("--visitor", metavar="ID", help="A visitor's id.")
@click.option("--subject", help="A known user, as the site's own server calls them.")
@click.option("--version", help="A policy version, like 2.0.")
@click.option("--language", help="A language, like zh-CN.")
@click.option("--purpose", help="A purpose's key.")
@click.option("--choice", type=click.Choice(["granted", "denied"]))
@click.option("--action", help="How it was decided, like accept_all or withdraw.")
@click.option("--from", metavar="DATE", help="First day, UTC.")
@click.option("--to", metavar="DATE", help="Last day, UTC.")
@click.option("--out", type=NEW_FILE, required=True, help="File to write.")
@in_app
def evidence(site_key: str, out: Path, **asked: str | None) -> None:
    """Write a signed archive of the receipts that fit, with proofs, texts, banners, redlines and the audit log."""
    query = read_query({name: value for name, value in asked.items() if value})
    if query.errors:
        raise click.UsageError("; ".join(f"--{name}: {why}" for name, why in query.errors.items()))
    instant = clock.now()
    order = archive.Order(site_by_key(site_key), query.wanted, who=ACTOR, now=instant)
    with _target(out) as file:
        count = archive.write(file, order, ring=current_app.extensions["keys"])
    with transaction():
        archive.note(order, count, actor=ACTOR)
    click.echo(f"{count} receipts")


@export.command()
@click.argument("site_key")
@click.option("--from", "first", type=click.IntRange(0), default=0, help="First index; 0 by default.")
@click.option(
    "--to", "end", type=click.IntRange(1), help="Index before which to end; the checkpoint's size by default."
)
@click.option("--epoch", type=click.IntRange(1), help="An older log of the site, sealed by a recovery.")
@click.option("--out", type=NEW_FILE, help="File to write; by default standard output.")
@in_app
def log(site_key: str, first: int, end: int | None, epoch: int | None, out: Path | None) -> None:
    """Write a site's log as newline-delimited JSON with proofs, in constant memory; progress on standard error."""
    ring = current_app.extensions["keys"]
    wanted = log_export.log_range(site_key, epoch=epoch, first=first, end=end)
    erasures = later_leaves(wanted.log.site_id, wanted.log.epoch, ring=ring)
    try:
        with _target(out) as file:
            file.write(log_export.header(wanted, erasures=erasures))
            for line in progress(log_export.entries(wanted, ring=ring), wanted.end - wanted.first):
                file.write(line)
    except TreeRefused as error:
        raise click.ClickException(f"{error}; run `consent-server ledger fsck`") from error


@site_group.command()
@click.argument("site_key")
@click.argument("file", type=EXISTING, required=False)
@in_app
def profile(site_key: str, file: Path | None) -> None:
    """Set a site's profile from a JSON FILE, or show it; exports state controller, contact and places from it."""
    if file is not None:
        try:
            described = orjson.loads(file.read_bytes())
        except orjson.JSONDecodeError as error:
            raise click.ClickException(f"{file}: not valid JSON: {error}") from error
        with transaction():
            set_profile(site_by_key(site_key), described, now=clock.now(), actor=ACTOR)
    options = orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS
    click.echo(orjson.dumps(site_by_key(site_key).profile, option=options).decode())


def progress(lines: Iterator[bytes], total: int) -> Iterator[bytes]:
    """Pass lines on and say once a second how many there were."""
    began = reported = time.monotonic()
    done = 0
    for done, line in enumerate(lines, 1):
        yield line
        instant = time.monotonic()
        if instant - reported >= SECONDS_A_REPORT or done == total:
            reported = instant
            rate = done / max(instant - began, 1e-9)
            click.echo(f"{done:,} of {total:,} ({done * 100 // total} %), {rate:,.0f} a second", err=True)


@contextmanager
def _target(out: Path | None) -> Iterator[BinaryIO]:
    """Open standard output, or a file that gets its name only when it is complete and on the disk."""
    if out is None:
        yield sys.stdout.buffer
        sys.stdout.buffer.flush()
        return
    partial = out.with_name(out.name + ".partial")
    with partial.open("wb") as file:
        yield file
        file.flush()
        os.fsync(file.fileno())
    partial.replace(out)
