"""`demo`: everything at once, with a demo site, on this machine."""

import sys
from pathlib import Path

import click
import orjson

from consent_server.cli.root import root
from consent_server.demo.run import Addresses, CannotRun, run

GUIDE = """
The demo is running.

  Visitor's page    {site_url}        (Chinese; English: {site_url_en})
  Console           {console_url}
                    (signs you in once, within an hour)
  API docs          {docs_url}

What to try
  1. Open the visitor's page. The panel "{status}" shows that analytics, map and marketing are blocked.
     Press "{accept}" (Accept all) and watch them start. Press "{show}" for the signed receipt.
  2. Open the console with the link above and press "Sign in". Then: Lantern Books > Policies > Privacy policy of
     Lantern Books > Review and publish. The three typed changes of version 2.0 are there already; press the
     button at the foot of the page.
  3. Reload the visitor's page. It asks again, and only about what changed: the new recipient for analytics and
     the new purpose "recommendations". Until you answer, what you had accepted before stays on.
  4. Press "{sign_in}", then open the page in another browser (or a private window) and sign in there too:
     your choice is there already.
  5. "{change}" at the foot of any page takes it all back; the cookies go too.

Site key {site_key}, API key {api_key}
The data stays in {data_dir}; the next run goes on with it. Ctrl-C stops everything.
"""


@root.command()
@click.option(
    "--port",
    default=8000,
    type=click.IntRange(1, 65534),
    help="Port of the server; the demo site takes the next.",
)
@click.option(
    "--data-dir",
    default=Path(".data/demo"),
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder for keys and database; kept from run to run.",
)
@click.option(
    "--json", "as_json", is_flag=True, help="Print the addresses and keys as one JSON line once ready."
)
def demo(port: int, data_dir: Path, as_json: bool) -> None:
    """Start the server and a demo site with everything that is needed to try the main job."""

    def ready(addresses: Addresses) -> None:
        if as_json:
            click.echo(orjson.dumps(addresses.to_json()).decode())
        else:
            click.echo(_guide(addresses))
        sys.stdout.flush()

    try:
        run(data_dir.expanduser().absolute(), port, say=lambda line: click.echo(line, err=True), ready=ready)
    except CannotRun as error:
        click.echo(f"consent-server: {error}", err=True)
        sys.exit(2)
    click.echo("The demo has stopped.", err=True)


def _guide(addresses: Addresses) -> str:
    from consent_server.demo.words import WORDS

    words = WORDS["zh-CN"]
    return GUIDE.format(
        **addresses.to_json(),
        status=words["status_title"],
        accept="全部接受",
        show=words["receipt_show"],
        sign_in=words["sign_in"],
        change=words["change"],
    ).strip("\n")
