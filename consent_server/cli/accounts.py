"""`account`: make staff accounts and sign-in links."""

from typing import TextIO

import click

from consent_server import clock
from consent_server.accounts import factors, leaving, service
from consent_server.accounts.members import grant
from consent_server.accounts.models import Account
from consent_server.accounts.roles import Role
from consent_server.cli.root import ACTOR, in_app, root
from consent_server.cli.root import settings as read_settings
from consent_server.db import transaction
from consent_server.sites.service import site_by_key


@root.group()
def account() -> None:
    """Make accounts of the console."""


@account.command()
@click.argument("email")
@click.option("--name", default="", help="The person's name; the address by default.")
@click.option("--language", default="en", type=click.Choice(["en", "zh-CN"]), help="Language of the console.")
@click.option(
    "--password-file", type=click.File(), help="Read the password from a file; without it a link is made."
)
@click.option(
    "--role",
    "roles",
    type=click.Choice(list(Role)),
    multiple=True,
    default=["owner"],
    show_default=True,
    help="What the person is; can be repeated.",
)
@click.option("--site", "site_key", default="", help="Key of the one site where; all sites by default.")
@in_app
def create(
    email: str,
    name: str,
    language: str,
    password_file: TextIO | None,
    roles: tuple[str, ...],
    site_key: str,
) -> None:
    """Make an account for EMAIL and print a one-time sign-in link, or set a password from a file."""
    password = password_file.read().strip() if password_file else None
    with transaction():
        site_id = site_by_key(site_key).id if site_key else None
        made = service.create_account(
            email=email, name=name, password=password, now=clock.now(), actor=ACTOR, language=language
        )
        for role in roles:
            grant(made, role=role, site_id=site_id, now=clock.now(), actor=ACTOR)
        token = None if password else service.make_sign_in_link(made, now=clock.now(), actor=ACTOR)
    click.echo(f"account {made.email}")
    if token:
        click.echo(link(token))


@account.command()
@click.argument("email")
@in_app
def reset(email: str) -> None:
    """Print a new one-time sign-in link for EMAIL; there the password can be set."""
    with transaction():
        token = service.make_sign_in_link(_account(email), now=clock.now(), actor=ACTOR)
    click.echo(link(token))


@account.command()
@click.argument("email")
@in_app
def remove_second_factor(email: str) -> None:
    """Remove app, passkeys and recovery codes of EMAIL, for somebody who has lost them all."""
    with transaction():
        factors.remove_all(_account(email), now=clock.now(), actor=ACTOR)
    click.echo(f"account {email} signs in without a second factor")


@account.command()
@click.argument("email")
@in_app
def disable(email: str) -> None:
    """Shut out EMAIL at once: sessions and links end; what the person has done stays under their name."""
    with transaction():
        leaving.disable(_account(email), now=clock.now(), actor=ACTOR)
    click.echo(f"account {email} is disabled")


@account.command()
@click.argument("email")
@in_app
def enable(email: str) -> None:
    """Let EMAIL in again, with the roles that they had."""
    with transaction():
        leaving.enable(_account(email), now=clock.now(), actor=ACTOR)
    click.echo(f"account {email} is enabled")


def _account(email: str) -> Account:
    found = service.account_by_email(email)
    if found is None:
        raise click.ClickException(f"there is no account {email}")
    return found


def link(token: str) -> str:
    """Return the address of a one-time sign-in link."""
    chosen = read_settings()
    base = chosen.public_url or f"http://{chosen.host}:{chosen.port}"
    return f"{base}/console/sign-in/{token}"
