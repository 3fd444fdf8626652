"""What an owner switches on: checked, shown by the command, baked into the tag."""

import json
from pathlib import Path
from typing import Any

import brotli
import pytest
from click.testing import CliRunner
from flask import Flask
from flask.testing import FlaskClient

from consent_server.banner.options import look, set_options, signals
from consent_server.cli import database, sites  # noqa: F401 - they add their commands
from consent_server.cli.main import root
from consent_server.db import transaction
from consent_server.problems import InvalidInput
from tests import make

MARKETING = ["marketing"]


def run(*arguments: str) -> str:
    """What a command prints."""
    done = CliRunner().invoke(root, arguments, catch_exceptions=False)
    assert done.exit_code == 0
    return done.stdout


def test_the_usual_keys_of_purposes_grant_google_s_signals_and_only_those_that_exist() -> None:
    found = signals({"signals": {"google": {}}}, ["necessary", "analytics", "marketing"])["google"]

    assert found["signals"] == {
        "ad_storage": MARKETING,
        "ad_user_data": MARKETING,
        "ad_personalization": MARKETING,
        "analytics_storage": ["analytics"],
        "functionality_storage": [],
        "personalization_storage": [],
    }
    assert found["sets"] == [["ads_data_redaction", True]]


def test_an_owner_s_own_mapping_and_settings_come_first() -> None:
    chosen = {
        "purposes": {"analytics_storage": ["figures", "gone"]},
        "ads_data_redaction": False,
        "url_passthrough": True,
        "developer_id": "dZTA",
    }

    found = signals({"signals": {"google": chosen}}, ["figures", "marketing"])["google"]

    assert found["signals"]["analytics_storage"] == ["figures"]
    assert found["signals"]["ad_storage"] == MARKETING
    assert found["sets"] == [["url_passthrough", True], ["developer_id.dZTA", True]]


@pytest.mark.parametrize(
    "wrong",
    [
        {"signals": {"nobody": {}}},
        {"signals": {"google": {"url_passthrough": "yes"}}},
        {"signals": {"google": {"purposes": {"ad_storage": "marketing"}}}},
        {"theme": {"accent": "red;} body { display: none"}},
        {"theme": {"Accent": "red"}},
        {"theme": {"accent": 7}},
        {"styles": "x"},
        {"trackers": {"also": {"marketing": ["https://ads.example"]}}},
        [],
    ],
)
def test_what_makes_no_sense_is_refused(app: Flask, wrong: Any) -> None:
    site = make.site()

    with pytest.raises(InvalidInput), transaction():
        set_options(site, wrong, now=make.NOW, actor=make.STAFF)


def test_the_tag_follows_at_once(client: FlaskClient) -> None:
    site = make.ready_site()
    before = client.get(f"/w/{site.key}.js").text
    wanted = {"theme": {"accent": "#0a5"}, "signals": {"google": {}}}
    with transaction():
        set_options(site, wanted, now=make.NOW, actor=make.STAFF)
    make.view(site)

    after = client.get(f"/w/{site.key}.js").text

    assert '"ad_user_data":' not in before
    assert '"ad_user_data":' in after
    assert '"--consent-accent:#0a5;"' in after
    assert make.banner(client, site)["theme"] == look(site.theme) == {"accent": "#0a5"}


def test_the_guard_is_part_of_the_tag_only_where_it_is_switched_on(client: FlaskClient) -> None:
    site = make.ready_site("analytics")
    before = client.get(f"/w/{site.key}.js").data
    with transaction():
        set_options(site, {"trackers": {}}, now=make.NOW, actor=make.STAFF)
    make.view(site)

    after = client.get(f"/w/{site.key}.js").data

    assert b"hotjar.com" not in before
    assert b"hotjar.com" in after
    assert after.endswith(b");")
    assert len(brotli.compress(after, quality=11)) - len(brotli.compress(before, quality=11)) <= 2_560


def test_the_command_sets_and_shows_them(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("CONSENT_DATA_DIR", str(tmp_path / "data"))
    file = tmp_path / "banner.json"
    wanted = {"theme": {"reopen": "end"}, "signals": {"google": {}}}
    file.write_text(json.dumps(wanted), encoding="utf-8")
    run("init")
    made = run("site", "create", "A shop", "--origin", "https://shop.example")
    key = made.removeprefix("site ").partition(":")[0]

    done = run("site", "banner", key, str(file))

    assert json.loads(done) == json.loads(run("site", "banner", key)) == wanted
