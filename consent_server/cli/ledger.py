"""`ledger`: check the logs, look at their anchors, recover from a fork, test a running server."""

import time
from pathlib import Path

import click
import orjson
from flask import current_app

from consent_server import clock
from consent_server.cli.root import ACTOR, appending, in_app, root
from consent_server.consents.restoring import restore_state
from consent_server.db import db, transaction
from consent_server.ledger import anchors, boot, fsck, recovery
from consent_server.ledger.advice import ADVICE
from consent_server.ledger.findings import Report
from consent_server.ledger.hammer import Plan, run_hammer

EXISTING = click.Path(exists=True, dir_okay=False, path_type=Path)


@root.group()
def ledger() -> None:
    """Look after the logs of receipts."""


@ledger.command(name="fsck")
@click.argument("log", required=False)
@click.option("--json", "as_json", is_flag=True, help="One JSON object instead of text.")
@click.option("--quiet", is_flag=True, help="No progress on standard error.")
@in_app
def check(log: str | None, as_json: bool, quiet: bool) -> None:
    """Check every receipt, tile, checkpoint and anchor, or those of one LOG's site; exit status 1 if anything is wrong."""
    if log is not None:
        recovery.known(log)
    with fsck.snapshot(db.engine) as connection:
        report = fsck.check(
            connection,
            current_app.extensions["keys"],
            anchor_file=current_app.extensions["settings"].anchor_file,
            only=log,
            progress=(lambda *_: None) if quiet else _progress(),
        )
        fsck.check_file(connection, report)
    click.echo(orjson.dumps(report.to_json()).decode() if as_json else _text(report))
    raise SystemExit(0 if report.clean else 1)


@ledger.command(name="anchors")
@in_app
def show_anchors() -> None:
    """List how far each log is anchored and where, and test the newest head in the anchor file; status 1 on a fork."""
    for name, sink, size, at in anchors.acknowledged():
        click.echo(f"{name}  {sink}  {size}  {clock.iso(at)}")
    boot.gate(now=clock.now())
    forked = boot.forked_logs()
    for name in forked:
        click.echo(f"{name}: forked. {ADVICE['forked']}", err=True)
    raise SystemExit(1 if forked else 0)


@ledger.command()
@click.argument("log")
@click.confirmation_option(
    prompt="This closes the log for good and opens the next one. Is there no newer backup?"
)
@appending
def recover(log: str) -> None:
    """Seal a forked LOG and open the next one, which begins by citing the last anchored head."""
    found = current_app.extensions
    with transaction():
        fresh = recovery.recover(
            log, ring=found["keys"], anchors=found["settings"].anchor_file, actor=ACTOR, now=clock.now()
        )
        opened = fresh.name
    click.echo(f"{log} is sealed; {opened} is open")


@ledger.command()
@click.argument("files", type=EXISTING, nargs=-1, required=True)
@appending
def reimport(files: tuple[Path, ...]) -> None:
    """Take back receipts (JWS FILES) that their holders kept, after a recovery."""
    ring, now = current_app.extensions["keys"], clock.now()
    for path in files:
        with transaction():
            found = recovery.reimport(path.read_text(encoding="utf-8"), ring=ring, actor=ACTOR, now=now)
            if found.created:
                restore_state(found.claims, now=now)
        click.echo(f"{path}: {'stored' if found.created else 'is there already'}, index {found.idx}")


@ledger.command()
@click.argument("address")
@click.argument("site")
@click.option("--origin", required=True, help="An origin that the site allows, as a browser would send it.")
@click.option("--seconds", type=click.FloatRange(0.1, 86_400), default=10, show_default=True)
@click.option("--writers", type=click.IntRange(1, 256), default=4, show_default=True)
@click.option("--readers", type=click.IntRange(1, 256), default=2, show_default=True)
@click.option("--json", "as_json", is_flag=True, help="One JSON object instead of text.")
def hammer(
    address: str, site: str, origin: str, seconds: float, writers: int, readers: int, as_json: bool
) -> None:
    """Write to and verify SITE's log on the server at ADDRESS at once; exit status 1 on any broken promise.

    It stores real receipts, so use a site of its own; CONSENT_RATE_LIMITS=false lets it write at full speed.
    """
    result = run_hammer(Plan(address, site, origin, seconds, writers, readers))
    click.echo(orjson.dumps(result.to_json()).decode() if as_json else str(result))
    raise SystemExit(0 if result.kept else 1)


def _progress() -> fsck.Progress:
    """Return what tells of the progress once a second, and of every log's end."""
    told = [0.0]

    def tell(log: str, done: int, size: int) -> None:
        now = time.monotonic()
        if done >= size or now - told[0] >= 1:
            told[0] = now
            click.echo(f"{log}: {done:,} of {size:,}", err=True)

    return tell


def _text(report: Report) -> str:
    lines = [str(finding) for finding in report.findings]
    lines += [f"{log}: {where}: {count} more like these" for log, where, count in report.surplus()]
    looked = (
        f"{report.logs} logs, {report.leaves:,} leaves, {report.checkpoints:,} checkpoints, "
        f"{report.anchors:,} anchors"
    )
    verdict = "nothing is wrong" if report.clean else f"{len(report.findings)} findings"
    return "\n".join([*lines, f"{looked}: {verdict}"])
