"""What the command line says of a site's tag."""

import re

import pytest
from click.testing import CliRunner

from consent_server.banner import tally
from consent_server.cli import sites  # noqa: F401 - adds its commands
from consent_server.cli.root import root
from consent_server.db import db
from tests import make
from tests.conftest import BuildApp, forget_all


def run(*arguments: str) -> str:
    """What a command prints."""
    done = CliRunner().invoke(root, arguments, catch_exceptions=False)
    assert done.exit_code == 0
    return done.stdout


def test_they_print_the_pinned_tag_that_the_server_answers_and_where_the_tag_was_seen(
    build_app: BuildApp, monkeypatch: pytest.MonkeyPatch
) -> None:
    app = build_app("sqlite", public_url="https://consent.example.org")
    settings = app.extensions["settings"]
    for name in ("database_url", "data_dir", "keys_dir", "public_url"):
        monkeypatch.setenv(f"CONSENT_{name.upper()}", str(getattr(settings, name)))
    forget_all()
    with app.app_context():
        key, silent = make.ready_site().key, make.site(name="Silent").key
        client = app.test_client()
        served = client.get(f"/w/{key}.js", headers={"Referer": f"{make.ORIGIN}/x"}).data
        counts = tally.tally_of(app)
        counts.failed(1, "module", "00" * 32)
        counts.store(now=make.NOW)
        db.session.remove()

    shown, told = run("site", "show", key), run("site", "tags", key)

    forget_all()
    pinned = re.search(
        r'<script src="https://consent\.example\.org(/w/[^"]+@[0-9a-f]{16}\.js)" integrity="sha256-', shown
    )
    assert pinned
    with app.app_context():
        assert client.get(pinned[1]).data == served
    assert "integrity" not in run("site", "show", silent)
    assert re.search(
        rf"^{make.ORIGIN}  last seen 2026-03-02T\S+  1 requests  build [0-9a-f]{{16}}$", told, re.M
    )
    assert "2026-03-02  module  1 reports  build unknown" in told
    forget_all()
