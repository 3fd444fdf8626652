"""`site`: make sites, show their tag and secrets, issue API keys, set purposes."""

from datetime import timedelta
from pathlib import Path

import click
import orjson
from flask import current_app

from consent_server import clock
from consent_server.banner import elements, tally
from consent_server.banner.options import options, set_options, warnings
from consent_server.cli.root import ACTOR, in_app, root
from consent_server.db import transaction
from consent_server.policies.published import site_view
from consent_server.purposes.schemas import PurposesSchema
from consent_server.purposes.service import replace_purposes
from consent_server.purposes.signals import waiting
from consent_server.schema import load
from consent_server.sites import service
from consent_server.sites.api_keys import issue_api_key
from consent_server.sites.models import Site
from consent_server.sites.scopes import SCOPES


@root.group()
def site() -> None:
    """Make and show sites."""


@site.command()
@click.argument("name")
@click.option(
    "--origin",
    "origins",
    multiple=True,
    required=True,
    help="Origin of its pages, like https://shop.example.",
)
@click.option(
    "--language", "languages", multiple=True, default=("en", "zh-CN"), help="BCP 47, the default first."
)
@click.option("--region-profile", default="opt_in", type=click.Choice(["opt_in", "opt_out"]))
@in_app
def create(name: str, origins: tuple[str, ...], languages: tuple[str, ...], region_profile: str) -> None:
    """Make a site and print its tag."""
    with transaction():
        made = service.create_site(
            name=name,
            origins=origins,
            languages=languages,
            region_profile=region_profile,
            now=clock.now(),
            actor=ACTOR,
        )
        _show(made)


@site.command(name="list")
@in_app
def list_sites() -> None:
    """List all sites."""
    for each in service.all_sites():
        click.echo(f"{each.key}  {each.name}  {', '.join(each.languages)}  {', '.join(each.origins)}")


@site.command()
@click.argument("site_key")
@in_app
def show(site_key: str) -> None:
    """Show a site's tag and its identity secret."""
    found = service.site_by_key(site_key)
    _show(found)
    if pinned := elements.pinned(site_view(found.key), api=_base(), now=clock.now()):
        click.echo(f"pinned to this build, with integrity:\n{pinned}")
    secret = current_app.extensions["keys"].identity_secret(found.key, found.identity_generation)
    click.echo(f"identity secret: {secret}")


@site.command()
@click.argument("site_key")
@click.option("--name", required=True, help="What the key is for.")
@click.option(
    "--scope",
    "scopes",
    multiple=True,
    required=True,
    type=click.Choice(SCOPES),
    help="What it may be used for.",
)
@click.option(
    "--days", type=click.IntRange(1, 3660), help="How long it is good for; until revoked by default."
)
@in_app
def api_key(site_key: str, name: str, scopes: tuple[str, ...], days: int | None) -> None:
    """Issue an API key for the site's own server; it is printed once."""
    with transaction():
        _, token = issue_api_key(
            service.site_by_key(site_key),
            name=name,
            scopes=scopes,
            life=None if days is None else timedelta(days=days),
            now=clock.now(),
            actor=ACTOR,
        )
    click.echo(token)


@site.command()
@click.argument("site_key")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path))
@in_app
def purposes(site_key: str, file: Path) -> None:
    """Replace a site's purposes by those in a JSON FILE; visitors see them with the next published version."""
    try:
        described = orjson.loads(file.read_bytes())
    except orjson.JSONDecodeError as error:
        raise click.ClickException(f"{file}: not valid JSON: {error}") from error
    checked = load(PurposesSchema(), described if isinstance(described, dict) else {"purposes": described})
    with transaction():
        kept = replace_purposes(
            service.site_by_key(site_key), checked["purposes"], now=clock.now(), actor=ACTOR
        )
        click.echo(f"{len(kept)} purposes: {', '.join(purpose.key for purpose in kept)}")


@site.command()
@click.argument("site_key")
@click.argument("file", type=click.Path(exists=True, dir_okay=False, path_type=Path), required=False)
@in_app
def banner(site_key: str, file: Path | None) -> None:
    """Set a site's look and its signals to vendors from a JSON FILE, or show them."""
    if file is not None:
        try:
            wanted = orjson.loads(file.read_bytes())
        except orjson.JSONDecodeError as error:
            raise click.ClickException(f"{file}: not valid JSON: {error}") from error
        with transaction():
            set_options(service.site_by_key(site_key), wanted, now=clock.now(), actor=ACTOR)
    chosen = options(service.site_by_key(site_key))
    for warning in warnings(chosen):
        click.echo(f"Warning: {warning}", err=True)
    current = site_view(site_key).current
    for vendor in waiting(chosen, current.purposes) if current else []:
        click.echo(f"{vendor}: other purposes grant its signals from the next published version on", err=True)
    click.echo(orjson.dumps(chosen, option=orjson.OPT_INDENT_2 | orjson.OPT_SORT_KEYS).decode())


@site.command()
@click.argument("site_key")
@in_app
def tags(site_key: str) -> None:
    """Show where a site's tag was asked for in the last 90 days, and which errors of its own were reported."""
    found = service.site_by_key(site_key)
    for seen in tally.sightings(found.id):
        where = seen.origin or "(the page was not told)"
        click.echo(
            f"{where}  last seen {clock.iso(seen.seen_at)}  {seen.requests} requests  build {seen.build.hex()[:16]}"
        )
    for error in tally.errors(found.id):
        click.echo(
            f"{error.day}  {error.kind}  {error.reports} reports  build {error.build.hex()[:16] or 'unknown'}"
        )


def _show(found: Site) -> None:
    click.echo(f"site {found.key}: {found.name}")
    click.echo(elements.evergreen(found.key, found.theme, api=_base()))


def _base() -> str:
    """Return the address under which browsers reach the server."""
    from consent_server.cli.root import settings

    chosen = settings()
    return chosen.public_url or f"http://{chosen.host}:{chosen.port}"
