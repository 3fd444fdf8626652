"""`policy`: import texts, show what was understood, publish."""

from datetime import UTC, datetime
from pathlib import Path
from typing import Any

import click
import orjson

from consent_server import clock
from consent_server.cli.root import ACTOR, appending, root
from consent_server.db import transaction
from consent_server.policies import drafting, history, publishing, waiving
from consent_server.policies.changes import ChangeType
from consent_server.policies.models import Policy
from consent_server.policies.text import (
    SourceError,
    SourceFile,
    import_report,
    parse,
    read_history,
    read_sources,
    render_report,
)
from consent_server.sites.models import Site
from consent_server.sites.service import site_by_key

EXISTING = click.Path(exists=True, path_type=Path)


@root.group()
def policy() -> None:
    """Import and publish policies."""


@policy.command(name="import")
@click.argument("site_key")
@click.argument("paths", nargs=-1, required=True, type=EXISTING)
@click.option("--policy", "policy_key", default="privacy", help="Key of the policy; it is made if need be.")
@click.option(
    "--published-elsewhere",
    "published_at",
    default=None,
    type=click.DateTime(["%Y-%m-%d"]),
    help="Store as published elsewhere on this date instead of as a draft.",
)
@click.option(
    "--history",
    "is_history",
    is_flag=True,
    help="PATHS is a folder of dated folders, each published elsewhere on its date.",
)
@click.option("--number", default=None, help="Version number of a version published elsewhere.")
@click.option(
    "--change",
    "change",
    default="unclassified",
    type=click.Choice([each.value for each in ChangeType]),
    help="What kind of change it was, if a person can say so.",
)
@appending
def import_texts(
    site_key: str,
    paths: tuple[Path, ...],
    policy_key: str,
    published_at: datetime | None,
    is_history: bool,
    number: str | None,
    change: str,
) -> None:
    """Read one text per language (Markdown or plain) from files or a folder into a draft version."""
    try:
        if is_history:
            _import_history(site_key, policy_key, paths, ChangeType(change))
        else:
            _import_one(site_key, policy_key, paths, published_at, number, ChangeType(change))
    except SourceError as error:
        raise click.ClickException(str(error)) from error


@policy.command()
@click.argument("site_key")
@click.option("--policy", "policy_key", default="privacy", help="Key of the policy.")
@click.option("--changes", "changes_file", type=EXISTING, help="JSON list of typed changes.")
@click.option(
    "--waive",
    "waivers",
    multiple=True,
    metavar="FINGERPRINT:REASON",
    help="Let a finding pass; `policy draft` shows the fingerprint of each.",
)
@click.option(
    "--by", "actor", default=ACTOR, help="Who publishes, for the audit log and the version's record."
)
@appending
def publish(
    site_key: str, policy_key: str, changes_file: Path | None, waivers: tuple[str, ...], actor: str
) -> None:
    """Publish the policy's draft with its typed changes; a major version flags whom it touches."""
    with transaction():
        instant = clock.now()
        found = drafting.policy_by_key(site_by_key(site_key), policy_key)
        draft = drafting.open_draft(found, now=instant, actor=actor)
        if changes_file:
            drafting.set_changes(draft, _changes(changes_file), now=instant, actor=actor)
        for waiver in waivers:
            fingerprint, _colon, reason = waiver.partition(":")
            waiving.waive(draft, fingerprint=fingerprint, reason=reason, now=instant, actor=actor)
        ready = publishing.readiness(draft)
        publishing.publish_version(draft, now=instant, actor=actor)
        click.echo(f"published {policy_key} {draft.number}, sha256 {(draft.sha256 or b'').hex()}")
        for each in ready.changes:
            touched = "all purposes" if each.purposes is None else ", ".join(each.purposes)
            click.echo(f"  {each.type.value} ({each.change_class.value}): {touched}")


def _import_one(
    site_key: str,
    policy_key: str,
    paths: tuple[Path, ...],
    published_at: datetime | None,
    number: str | None,
    change: ChangeType,
) -> None:
    sources = read_sources(list(paths))
    with transaction():
        site = site_by_key(site_key)
        found = _policy(site, policy_key, sources.files)
        _report(sources)
        if published_at is not None:
            version = history.import_published(
                found,
                site,
                texts={f.language: (f.format, f.text) for f in sources.files},
                published_at=published_at.replace(tzinfo=UTC),
                now=clock.now(),
                actor=ACTOR,
                number=number,
                change=change,
            )
            click.echo(
                f"stored {policy_key} {version.number}, published elsewhere on {published_at:%Y-%m-%d}"
            )
            return
        draft = drafting.open_draft(found, now=clock.now(), actor=ACTOR)
        for file in sources.files:
            drafting.save_notice(
                draft,
                language=file.language,
                text_format=file.format,
                source=file.text,
                now=clock.now(),
                actor=ACTOR,
            )
        ready = publishing.readiness(draft)
        click.echo(f"draft of {policy_key}; as it stands it would be version {ready.number}")
        for obstacle in ready.obstacles:
            click.echo(f"  not ready: {obstacle.detail}")


def _import_history(site_key: str, policy_key: str, paths: tuple[Path, ...], change: ChangeType) -> None:
    for folder in paths:
        for dated in read_history(folder):
            with transaction():
                site = site_by_key(site_key)
                found = _policy(site, policy_key, dated.sources.files)
                version = history.import_published(
                    found,
                    site,
                    texts={f.language: (f.format, f.text) for f in dated.sources.files},
                    published_at=datetime(dated.date.year, dated.date.month, dated.date.day, tzinfo=UTC),
                    now=clock.now(),
                    actor=ACTOR,
                    change=change,
                )
            click.echo(f"{dated.date}  {policy_key} {version.number}")
            _report(dated.sources)


def _policy(site: Site, key: str, files: Any) -> Policy:
    try:
        return drafting.policy_by_key(site, key)
    except drafting.UnknownPolicy:
        title = {f.language: parse(f.text, language=f.language, format=f.format).title for f in files}
        return drafting.create_policy(site, key=key, title=title, now=clock.now(), actor=ACTOR)


def _report(sources: Any) -> None:
    files: tuple[SourceFile, ...] = sources.files
    documents = [parse(f.text, language=f.language, format=f.format) for f in files]
    click.echo(render_report([import_report(document) for document in documents]))


def _changes(file: Path) -> list[dict[str, Any]]:
    try:
        found = orjson.loads(file.read_bytes())
    except orjson.JSONDecodeError as error:
        raise click.ClickException(f"{file}: not valid JSON: {error}") from error
    if not isinstance(found, list):
        raise click.ClickException(f"{file}: expected a list of changes")
    return found
