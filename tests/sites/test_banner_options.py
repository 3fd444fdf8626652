"""What an owner switches on: checked, shown by the command, baked into the tag."""

import json
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import brotli
import pytest
from click.testing import CliRunner
from flask import Flask
from flask.testing import FlaskClient

from consent_server.banner.look import COLOURS, faults, module, styles
from consent_server.banner.options import OptionsSchema, look, set_options, signals
from consent_server.cli import database, sites  # noqa: F401 - they add their commands
from consent_server.cli.root import root
from consent_server.db import transaction
from consent_server.policies.models import PolicyVersion
from consent_server.problems import InvalidInput
from consent_server.purposes.signals import VENDORS, waiting
from consent_server.schema import load
from tests import make

MARKETING = ["marketing"]


def keyed(*keys: str) -> list[dict[str, Any]]:
    """Purposes of a version that has fixed no signals."""
    return [{"key": key} for key in keys]


def run(*arguments: str) -> str:
    """What a command prints."""
    done = CliRunner().invoke(root, arguments, catch_exceptions=False)
    assert done.exit_code == 0
    return done.stdout


def test_the_usual_keys_of_purposes_grant_google_s_signals_and_only_those_that_exist() -> None:
    found = signals({"signals": {"google": {}}}, keyed("necessary", "analytics", "marketing"))["google"]

    assert found["signals"] == {
        "ad_storage": MARKETING,
        "ad_user_data": MARKETING,
        "ad_personalization": MARKETING,
        "analytics_storage": ["analytics"],
        "functionality_storage": [],
        "personalization_storage": [],
    }
    assert found["commands"] == [["set", "ads_data_redaction", True]]


def test_an_owner_s_own_mapping_and_settings_come_first() -> None:
    chosen = {
        "purposes": {"analytics_storage": ["figures", "gone"]},
        "ads_data_redaction": False,
        "url_passthrough": True,
        "developer_id": "dZTA",
    }

    found = signals({"signals": {"google": chosen}}, keyed("figures", "marketing"))["google"]

    assert found["signals"]["analytics_storage"] == ["figures"]
    assert found["signals"]["ad_storage"] == MARKETING
    assert found["commands"] == [["set", "url_passthrough", True], ["set", "developer_id.dZTA", True]]


@pytest.mark.parametrize(
    "wrong",
    [
        {"signals": {"nobody": {}}},
        {"signals": {"google": {"url_passthrough": "yes"}}},
        {"signals": {"google": {"purposes": {"ad_storage": "marketing"}}}},
        {"theme": {"accent": "red;} body { display: none"}},
        {"theme": {"Accent": "red"}},
        {"theme": {"accent": 7}},
        {"theme": {"form": "popup"}},
        {"theme": {"reopen": "middle"}},
        {"signals": {"google": {"regions": [{"region": ["EU"]}]}}},
        {"signals": {"google": {"regions": [{"region": ["UK-ENG"]}]}}},
        {"signals": {"google": {"regions": [{"region": ["DE"], "granted": ["everything"]}]}}},
        {"styles": "x"},
        {"trackers": {"also": {"marketing": ["https://ads.example"]}}},
        [],
    ],
)
def test_what_makes_no_sense_is_refused(app: Flask, wrong: Any) -> None:
    site = make.site()

    with pytest.raises(InvalidInput), transaction():
        set_options(site, wrong, now=make.NOW, actor=make.STAFF)


@pytest.mark.parametrize(
    ("theme", "said"),
    [
        (
            {"accent": "#0a5"},
            {"accent": ["on-accent #fff on accent #0a5 has a contrast of 3.05:1; at least 5:1 is wanted."]},
        ),
        (
            {"dark-surface": "white", "dark-ink": "#000", "dark-soft": "rgb(120, 120, 120)"},
            {
                "dark-accent": None,
                "dark-soft": [
                    "dark-soft rgb(120, 120, 120) on dark-surface white has a contrast of 4.41:1; at least 5:1 is wanted."
                ],
                "dark-surface": [
                    "dark-accent #9db8ff on dark-surface white has a contrast of 1.95:1; at least 3:1 is wanted."
                ],
            },
        ),
        (
            {"ink": "var(--brand)", "on-accent": "rgba(0, 0, 0, 0.5)"},
            {
                "ink": [
                    "Write it as #rrggbb, rgb(), hsl() or a name, and opaque: its contrast has to be checked."
                ],
                "on-accent": [
                    "Write it as #rrggbb, rgb(), hsl() or a name, and opaque: its contrast has to be checked."
                ],
            },
        ),
        (
            {
                "accent": "hsl(158deg 83% 23%)",
                "on-accent": "hsl(0, 0%, 100%)",
                "line": "var(--grey)",
                "font": "serif",
            },
            {},
        ),
        ({"form": "bottom", "reopen": "end", "radius": "0"}, {}),
    ],
)
def test_colours_that_hide_a_text_or_a_button_are_refused_with_their_ratio(
    theme: dict[str, str], said: dict[str, list[str] | None]
) -> None:
    try:
        load(OptionsSchema(), {"theme": theme})
        errors = {}
    except InvalidInput as refused:
        errors = refused.extra["errors"]["theme"]

    assert errors == {name: texts for name, texts in said.items() if texts}


def test_the_colours_that_hold_without_an_owner_s_are_those_of_the_widget_and_can_be_read() -> None:
    source = (Path(__file__).resolve().parents[2] / "widget" / "src" / "look.js").read_text(encoding="utf-8")
    shipped = re.findall(r"([\w-]+)(#\w+)(#\w+)", re.search(r'"(surface#[^"]*)"', source)[1])

    assert {name: (light, dark) for name, light, dark in shipped} == dict(COLOURS)
    for scheme, index in (("", 0), ("dark-", 1)):
        assert faults({scheme + name: colours[index] for name, colours in COLOURS.items()}) == {}


def test_a_form_other_than_the_corner_is_part_of_the_tag_only_where_it_is_chosen() -> None:
    assert styles({}) == ""
    assert module({"form": "corner"}) == module({"form": "bottom"}) == []
    assert module({"form": "dialog"}) == [["dialog", {"modal": []}]]
    assert module({"form": "modal"}) == [["dialog", {"modal": ["modal"]}]]
    assert "border-radius:0" in styles({"form": "bottom"})
    assert styles({"form": "dialog"}) == styles({"form": "modal"})


def test_a_region_s_default_comes_after_the_one_for_everywhere_and_names_all_keys() -> None:
    chosen = {"regions": [{"region": ["US", "US-CA"], "granted": ["analytics_storage"]}]}

    commands = signals({"signals": {"google": chosen}}, keyed("analytics"))["google"]["commands"]

    state = dict.fromkeys(VENDORS["google"], "denied") | {
        "analytics_storage": "granted",
        "security_storage": "granted",
    }
    assert commands == [
        ["consent", "default", state | {"region": ["US", "US-CA"], "wait_for_update": 500}],
        ["set", "ads_data_redaction", True],
    ]


def test_the_tag_follows_at_once(client: FlaskClient) -> None:
    site = make.ready_site()
    before = client.get(f"/w/{site.key}.js").text
    wanted = {"theme": {"accent": "#0a6b4f"}, "signals": {"google": {}}}
    with transaction():
        set_options(site, wanted, now=make.NOW, actor=make.STAFF)
    make.view(site)

    after = client.get(f"/w/{site.key}.js").text

    assert '"ad_user_data":' not in before
    assert '"ad_user_data":' in after
    assert '":root{--consent-accent:#0a6b4f;}"' in after
    assert make.banner(client, site)["theme"] == look(site.theme) == {"accent": "#0a6b4f"}


def test_a_version_fixes_which_purposes_grant_a_signal(client: FlaskClient) -> None:
    site = make.site()
    make.purposes(site, "statistics", "marketing")
    usual = {"signals": {"google": {"purposes": {"analytics_storage": ["statistics"]}}}}
    with transaction():
        set_options(site, usual, now=make.NOW, actor=make.STAFF)
    first = make.published_version(site)
    other = {"signals": {"google": {"purposes": {"analytics_storage": ["marketing"]}}, "meta": {}}}
    with transaction():
        set_options(site, other, now=make.NOW, actor=make.STAFF)

    def purposes_of(version: PolicyVersion) -> Sequence[Mapping[str, Any]]:
        current = make.view(site).current
        assert current is not None
        assert current.number == version.number
        return current.purposes

    def granting(version: PolicyVersion) -> dict[str, Any]:
        return signals(site.theme, purposes_of(version))

    # The old mapping holds for its version, whose hash it is part of; a vendor that it does not know is told already.
    assert granting(first)["google"]["signals"]["analytics_storage"] == ["statistics"]
    assert granting(first)["meta"]["signals"] == {"consent": ["marketing"]}
    assert waiting(site.theme, purposes_of(first)) == ["google"]
    assert b'"analytics_storage":["statistics"]' in client.get(f"/w/{site.key}.js").data
    frozen = client.get(f"/v1/sites/{site.key}/policies/privacy/versions/1.0").json
    assert frozen is not None
    assert [each["signals"] for each in frozen["purposes"] if each["key"] == "statistics"] == [
        {"google": ["analytics_storage"]}
    ]

    second = make.published_version(site, change="wording", now=make.later(1))

    assert granting(second)["google"]["signals"]["analytics_storage"] == ["marketing"]
    assert second.sha256 != first.sha256
    assert waiting(site.theme, purposes_of(second)) == []


def test_a_mapping_that_names_the_same_purposes_in_another_order_waits_for_nothing() -> None:
    theme = {"signals": {"meta": {"purposes": {"consent": ["marketing", "analytics"]}}}}
    frozen = [{"key": key, "signals": {"meta": ["consent"]}} for key in ("analytics", "marketing")]

    assert waiting(theme, frozen) == []


def test_a_version_from_before_signals_were_fixed_goes_by_the_settings() -> None:
    theme = {"signals": {"matomo": {"cookies_only": True}}}
    older = [{"key": "analytics", "signals": {"matomo": ["consent"]}}]

    assert signals(theme, keyed("analytics"))["matomo"]["signals"] == {"cookie_consent": ["analytics"]}
    assert signals(theme, older)["matomo"]["signals"] == {"cookie_consent": ["analytics"]}


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
    file.write_text('{"signals": {"google": {"advanced": true, "url_passthrough": true}}}', encoding="utf-8")
    warned = CliRunner().invoke(root, ["site", "banner", key, str(file)], catch_exceptions=False).stderr
    assert "Warning: advanced mode lets Google's tags send requests before a choice" in warned
    assert "Warning: url_passthrough puts identifiers into the addresses" in warned
