"""`policy draft`: what the server holds as a policy's draft, and everything that stands in the way of publishing it."""

import sys

import click
import orjson

from consent_server.cli.parity import finding_lines
from consent_server.cli.policies import policy
from consent_server.cli.root import in_app
from consent_server.policies import drafting, publishing
from consent_server.problems import NotFound
from consent_server.sites.service import site_by_key


@policy.command()
@click.argument("site_key")
@click.option("--policy", "policy_key", default="privacy", help="Key of the policy.")
@click.option("--json", "as_json", is_flag=True, help="Print it as JSON.")
@in_app
def draft(site_key: str, policy_key: str, as_json: bool) -> None:
    """Show what the draft would be published as, its findings, and what stands in the way.

    The exit status is 0 if it can be published as it is, 1 if something stands in the way.
    """
    version = drafting.draft_of(drafting.policy_by_key(site_by_key(site_key), policy_key))
    if version is None:
        raise NotFound("There is no draft now; `policy import` opens one.")
    ready = publishing.readiness(version)
    if as_json:
        data = {
            "number": ready.number,
            "changes": [change.to_json() for change in ready.changes],
            "findings": [finding.to_json() for finding in ready.findings],
            "obstacles": [obstacle.to_json() for obstacle in ready.obstacles],
        }
        click.echo(orjson.dumps(data, option=orjson.OPT_INDENT_2).decode())
    else:
        click.echo(f"draft of {policy_key}; as it stands it would be version {ready.number}")
        click.echo(
            "\n".join(
                [
                    *(
                        f"  not ready: {each.code} {each.language or each.subject}"
                        for each in ready.obstacles
                    ),
                    *(line for finding in ready.findings for line in finding_lines(finding)),
                ]
            )
        )
    sys.exit(1 if ready.obstacles else 0)
