"""`erase` and `ledger replay-erasures`: blank receipts, and blank them again after a restore."""

import uuid
from pathlib import Path

import click
from flask import current_app

from consent_server import clock
from consent_server.cli.ledger import ledger
from consent_server.cli.root import ACTOR, appending, in_app, root
from consent_server.cli.sites import site as site_group
from consent_server.db import transaction
from consent_server.retention import kept, replay, service
from consent_server.retention.sites import set_retention
from consent_server.sites.service import site_by_key

EXISTING = click.Path(exists=True, dir_okay=False, path_type=Path)


@root.command()
@click.argument("site_key")
@click.option("--visitor", type=click.UUID, help="The visitor id of one browser.")
@click.option("--subject", help="The site's own reference of a known user: all their browsers.")
@appending
def erase(site_key: str, visitor: uuid.UUID | None, subject: str | None) -> None:
    """Erase what is personal in the receipts of one visitor or subject of a site.

    Hash, place in the log and time stay; docs/erasure.md says why. Running it again does no harm.
    """
    if (visitor is None) == (subject is None):
        raise click.UsageError("name either --visitor or --subject")
    instant, ring = clock.now(), current_app.extensions["keys"]
    with transaction():
        site = site_by_key(site_key)
        if visitor is not None:
            done = service.erase_visitor(site, visitor, ring=ring, now=instant, actor=ACTOR)
        else:
            done = service.erase_subject(site, str(subject), ring=ring, now=instant, actor=ACTOR)
    click.echo(f"{done.receipts} receipts erased" if done.receipts else "nothing to erase: no receipt left")
    for epoch, idx in done.leaves:
        click.echo(f"erase leaf at index {idx} of epoch {epoch}")
    _keep()


@ledger.command(name="replay-erasures")
@click.argument("file", type=EXISTING)
@appending
def replay_erasures(file: Path) -> None:
    """Blank again whatever a restored backup brought back, from the FILE that CONSENT_ERASURE_FILE named.

    Exit status 1 when a line cannot be used.
    """
    with file.open("rb") as lines:
        report = replay.replay(lines, ring=current_app.extensions["keys"], now=clock.now(), actor=ACTOR)
    click.echo(
        f"{report.lines} erasures read: {report.blanked} receipts blanked again, {report.already} were blank, "
        f"{report.absent} are not in this database"
    )
    for text in report.refused:
        click.echo(f"refused: {text}", err=True)
    _keep()
    if not report.clean:
        raise SystemExit(1)


@site_group.command(name="retention")
@click.argument("site_key")
@click.argument("days", type=click.IntRange(1, 36_525))
@in_app
def retention(site_key: str, days: int) -> None:
    """Keep a site's receipts for DAYS days after their consent has expired."""
    with transaction():
        set_retention(site_by_key(site_key), days, now=clock.now(), actor=ACTOR)
    click.echo(f"receipts are erased {days} days after their consent has expired")


def _keep() -> None:
    """Write to the file of erasures before success is reported."""
    path = current_app.extensions["settings"].erasure_file
    if not path:
        return
    try:
        count = kept.keep(Path(path), ring=current_app.extensions["keys"], now=clock.now())
    except OSError as error:
        # The database has it and the server tries again every poll; but a restore before that would lose it.
        raise click.ClickException(f"erased, but not yet written to {path}: {error}") from error
    click.echo(f"{count} erasures written to {path}")
