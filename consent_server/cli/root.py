"""The root command and what all commands share: settings from the environment, problems as one line and exit 2."""

import sys
from collections.abc import Callable
from functools import wraps
from importlib import import_module
from typing import Any

import click
from flask import current_app
from sqlalchemy.exc import OperationalError

from consent_server import __version__
from consent_server.app import build
from consent_server.config import BadSetting, Settings, load_settings
from consent_server.db import db
from consent_server.distribution import CannotDistribute
from consent_server.keys import KeyProblem
from consent_server.ledger import boot
from consent_server.ledger.advice import ADVICE
from consent_server.ledger.anchor_file import BadAnchor
from consent_server.ledger.boot import UnsafeDatabase
from consent_server.problems import Problem

# Measuring and showing bring much that no other command needs.
LATE = {"bench": "consent_server.cli.bench", "demo": "consent_server.cli.demo"}
ACTOR = "command"  # how the audit log names whoever has a shell on the server


class Commands(click.Group):
    """The commands; the late ones are loaded when they are asked for."""

    def list_commands(self, ctx: click.Context) -> list[str]:
        """Return the names of all."""
        return sorted({*super().list_commands(ctx), *LATE})

    def get_command(self, ctx: click.Context, cmd_name: str) -> click.Command | None:
        """Return a command by its name."""
        if cmd_name in LATE:
            import_module(LATE[cmd_name])
        return super().get_command(ctx, cmd_name)


@click.group(cls=Commands, context_settings={"help_option_names": ["-h", "--help"]})
@click.version_option(__version__)
def root() -> None:
    """Consent-management platform: one tag, two languages, signed receipts, re-consent for what changed."""


def in_app(command: Callable[..., Any]) -> Callable[..., Any]:
    """Run a command inside the application's context, and leave no connection behind."""

    @wraps(command)
    def run(*args: Any, **kwargs: Any) -> Any:
        with build(load_settings()).app_context():
            try:
                return command(*args, **kwargs)
            finally:
                db.session.remove()
                db.engine.dispose()

    return run


def appending(command: Callable[..., Any]) -> Callable[..., Any]:
    """As `in_app`, for commands that append to logs: as in a web process, the gate comes before the first append."""

    @in_app
    @wraps(command)
    def run(*args: Any, **kwargs: Any) -> Any:
        for name in boot.check(current_app):
            click.echo(f"{name}: forked. {ADVICE['forked']}", err=True)
        return command(*args, **kwargs)

    return run


def settings() -> Settings:
    """Return the settings of the environment."""
    return load_settings()


def run() -> None:
    """Run the command line; what the user can mend is one line on standard error and exit status 2."""
    from consent_server.cli import (  # noqa: F401 - they add their commands
        accounts,
        campaigns,
        database,
        drafts,
        erase,
        export,
        ledger,
        parity,
        policies,
        server,
        sites,
        verify,
    )

    try:
        root(standalone_mode=True)
    except (BadSetting, KeyProblem, UnsafeDatabase, BadAnchor, CannotDistribute) as error:
        _stop(str(error))
    except Problem as problem:
        _stop(f"{problem.title}. {problem.detail}", problem.extra)
    except OperationalError as error:
        _stop(
            f"cannot use the database: {error.orig}; is CONSENT_DATABASE_URL right, and did you run `init`?"
        )


def _stop(text: str, extra: dict[str, Any] | None = None) -> None:
    click.echo(f"consent-server: {text}", err=True)
    for name, value in (extra or {}).items():
        click.echo(f"  {name}: {value}", err=True)
    sys.exit(2)
