"""`campaign bounces`: take what mail servers report of letters, from the mail server itself or from a mailbox file."""

from collections import Counter
from typing import BinaryIO

import click
from flask import current_app
from sqlalchemy.exc import SQLAlchemyError

from consent_server import clock
from consent_server.campaigns import bouncing
from consent_server.campaigns.reports import messages_in, report_in
from consent_server.cli.root import in_app, root
from consent_server.db import transaction, unreachable

TRY_LATER = 75  # EX_TEMPFAIL of sysexits.h: the mail server keeps the message and pipes it again
KINDS = ("hard", "soft", "delayed", "fine", "foreign")


@root.group()
def campaign() -> None:
    """Look after letters to known users."""


@campaign.command()
@click.argument("file", type=click.File("rb"))
@in_app
def bounces(file: BinaryIO) -> None:
    """Take reports about letters from FILE, one message or a mailbox file; - is standard input, as a mail server pipes it.

    Addresses of hard bounces get no further letters. What is no report about a letter of this server is counted and left
    alone. Exit status 75 when the database is away.
    """
    found: Counter[str] = Counter()
    for message in messages_in(file):
        report = report_in(message)
        try:
            with transaction():
                ring = current_app.extensions["keys"]
                kind = bouncing.take(report, ring=ring, now=clock.now()) if report else "foreign"
        except SQLAlchemyError as error:
            if not unreachable(error):
                raise
            click.echo("consent-server: the database is away; try again", err=True)
            raise SystemExit(TRY_LATER) from error
        found[kind] += 1
    click.echo(", ".join(f"{kind}: {found[kind]}" for kind in KINDS))
