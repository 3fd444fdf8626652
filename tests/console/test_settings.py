"""A site's settings: what takes something away is asked about, looks keep their contrast, the tag is tested on a page."""

import re
import threading
from collections.abc import Iterator
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any

import pytest
from flask import Flask

from consent_server.banner.options import options, set_options
from consent_server.db import db, transaction
from consent_server.sites.models import Site
from tests import make
from tests.conftest import BuildApp, close_app, forget_all
from tests.console.conftest import Console, audited, text_of
from tests.console.test_sites import NEW

FORM = NEW | {
    "origins": make.ORIGIN,
    "languages": "en\nzh-CN",
    "consent_days": "180",
    "retention_days": "1826",
}


def general(site: Site) -> str:
    return f"/console/sites/{site.key}/settings"


def fresh(site: Site) -> Site:
    db.session.expire_all()
    return site


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"languages": "zh-CN"}, "No longer offered: English."),
        ({"origins": "https://new.example"}, "Pages of https://shop.example can no longer store choices."),
        ({"region_profile": "opt_out"}, "Optional purposes run before a choice."),
        ({"retention_days": "400"}, "erased within a day"),
    ],
)
def test_what_takes_something_away_is_saved_once_it_is_confirmed(
    console: Console, shop: Site, changes: dict[str, str], says: str
) -> None:
    path = general(shop)

    asked = console.send(path, FORM | changes)
    sure = re.search(r'name="sure" value="(\w+)"', asked.text)
    assert sure
    other = console.send(path, FORM | {"languages": "zh-CN", "retention_days": "300", "sure": sure[1]})
    before = audited("sites.update")
    done = console.send(path, FORM | changes | {"sure": sure[1]})

    assert asked.status_code == 200
    assert says in text_of(asked)
    assert "Nothing has been saved yet" in text_of(other)
    assert before == 0
    assert done.status_code == 303
    assert audited("sites.update") == 1


def test_a_language_that_goes_leaves_its_history(console: Console, visitor: Console, shop: Site) -> None:
    asked = console.send(general(shop), FORM | {"languages": "zh-CN"})
    sure = re.search(r'name="sure" value="(\w+)"', asked.text)
    assert sure
    console.send(general(shop), FORM | {"languages": "zh-CN", "sure": sure[1]})

    assert fresh(shop).languages == ["zh-CN"]
    forget_all()
    banner = visitor.client.get(f"/v1/sites/{shop.key}/banner?lang=en").get_json()
    text = visitor.get(f"/p/{shop.key}/privacy/1.0?lang=en")
    assert (banner["language"], banner["languages"]) == ("zh-CN", ["zh-CN"])
    assert "What we collect" in text.text
    assert (
        f"/console/sites/{shop.key}/policies/privacy/versions/1.0"
        in console.get(f"/console/sites/{shop.key}/policies/privacy").text
    )
    assert console.get(f"/console/sites/{shop.key}/policies/privacy/versions/1.0").status_code == 200


@pytest.mark.parametrize(
    ("changes", "says"),
    [
        ({"languages": "de\nen\nzh-CN"}, "The first language must be one in which the policy is published."),
        ({"retention_days": "179"}, "Not less than a choice is remembered: 180 days."),
        ({"retention_days": "0"}, "Write a whole number from 1 to 36525."),
        ({"retention_days": "x"}, "Write a whole number from 1 to 36525."),
    ],
)
def test_settings_that_cannot_be(console: Console, shop: Site, changes: dict[str, str], says: str) -> None:
    answer = console.send(general(shop), FORM | changes)

    assert answer.status_code == 422
    assert says in text_of(answer)


def test_keeping_for_longer_asks_nothing(console: Console, shop: Site) -> None:
    assert (
        console.send(general(shop), FORM | {"retention_days": "3650", "consent_days": "200"}).status_code
        == 303
    )
    assert (fresh(shop).retention_days, shop.consent_days) == (3650, 200)


def test_a_look_with_contrast_is_saved_and_shown_and_one_without_is_refused(
    console: Console, shop: Site
) -> None:
    path = f"{general(shop)}/look"
    with transaction():
        set_options(shop, {"signals": {"matomo": {}}}, now=make.NOW, actor=make.STAFF)

    weak = console.send(path, {"accent": "#9db8ff"})
    tried = console.get(f"{path}/check?accent=%239db8ff&ink=x").get_json()
    saved = console.send(path, {"accent": "#0a6b4f", "form": "bottom", "radius": "4px"})

    assert weak.status_code == 422
    assert "accent #9db8ff on surface #fff has a contrast of" in text_of(weak)
    assert 'value="#9db8ff"' in weak.text
    assert set(tried) == {"accent", "ink"}
    assert saved.status_code == 303
    kept = options(fresh(shop))
    assert kept["theme"] == {"accent": "#0a6b4f", "form": "bottom", "radius": "4px"}
    assert kept["signals"] == {"matomo": {}}
    css = console.get(f"{path}.css")
    assert css.mimetype == "text/css"
    assert "--look-accent:#0a6b4f" in css.text


def test_no_value_of_a_look_leaves_its_property(console: Console, shop: Site) -> None:
    for value in ("4px;}body{display:none", "4px}", "<style>"):
        assert console.send(f"{general(shop)}/look", {"radius": value}).status_code == 422
    assert options(fresh(shop))["theme"] == {}


def test_signals_and_trackers_are_switched_and_what_a_file_set_stays(console: Console, shop: Site) -> None:
    path = f"{general(shop)}/signals"
    with transaction():
        google = {"purposes": {"analytics_storage": ["analytics"]}, "url_passthrough": True}
        of_a_file = {"report": {"percent": 5}, "cookie": {"path": "/consent-cookie"}, "sisters": True}
        wanted = {"theme": {"radius": "2px"}, "signals": {"google": google}, **of_a_file}
        set_options(shop, wanted, now=make.NOW, actor=make.STAFF)
    form = {"google": "on", "google.advanced": "on", "meta": "on", "trackers": "on",
            "also": "analytics: stats.partner.example\nads.example", "except": "hotjar.com"}  # fmt: skip

    page = console.get(path).text
    saved = console.send(path, form)
    wrong = console.send(path, form | {"also": "not a host"})
    kept = options(fresh(shop))

    assert re.search(r'name="google.url_passthrough" value="on" checked', page)
    assert saved.status_code == 303
    assert wrong.status_code == 422
    assert kept["theme"] == {"radius": "2px"}
    assert kept["signals"]["google"]["purposes"] == {"analytics_storage": ["analytics"]}
    assert (kept["signals"]["google"]["advanced"], kept["signals"]["google"]["url_passthrough"]) == (
        True,
        False,
    )
    assert kept["signals"]["meta"] == {}
    assert kept["trackers"]["also"] == {"analytics": ["stats.partner.example"], "marketing": ["ads.example"]}
    assert {name: kept[name] for name in of_a_file} == of_a_file
    console.send(path, {})
    assert "trackers" not in options(fresh(shop))


def test_a_mapping_that_waits_for_the_next_version_is_told(console: Console, shop: Site) -> None:
    path = f"{general(shop)}/signals"
    with transaction():
        set_options(
            shop,
            {"signals": {"meta": {"purposes": {"consent": ["analytics"]}}}},
            now=make.NOW,
            actor=make.STAFF,
        )
    make.published_version(shop, change="wording")
    before = console.get(path).text
    with transaction():
        set_options(
            shop, {"signals": {"meta": {"purposes": {"consent": []}}}}, now=make.NOW, actor=make.STAFF
        )

    after = console.get(path).text

    assert "From the next published version on" not in before
    assert (
        "From the next published version on, other purposes than now grant the signals to Meta pixel."
        in after
    )


def test_the_controllers_profile_is_kept_and_checked(console: Console, shop: Site) -> None:
    path = f"{general(shop)}/profile"

    saved = console.send(path, {"controller": "Shop Ltd", "storage_locations": "DE\nCN", "email": ""})
    wrong = console.send(path, {"email": "nobody", "jurisdiction": "Mars"})

    assert saved.status_code == 303
    assert fresh(shop).profile == {"controller": "Shop Ltd", "storage_locations": ["DE", "CN"]}
    assert wrong.status_code == 422
    assert 'id="f-email-error"' in wrong.text
    assert 'id="f-jurisdiction-error"' in wrong.text


@pytest.fixture
def page_with() -> Iterator[Any]:
    """Serves one page of a shop; what is in it is set by the test."""
    pages: dict[str, tuple[str, bytes]] = {}

    class Pages(BaseHTTPRequestHandler):
        def do_GET(self) -> None:
            kind, body = pages.get(self.path, ("text/plain", b""))
            self.send_response(200 if body else 404)
            self.send_header("Content-Type", kind)
            self.end_headers()
            self.wfile.write(body)

        def log_message(self, *_: object) -> None:
            return None

    server = ThreadingHTTPServer(("127.0.0.1", 0), Pages)
    thread = threading.Thread(target=server.serve_forever)
    thread.start()
    yield f"http://127.0.0.1:{server.server_port}", pages
    server.shutdown()
    thread.join()
    server.server_close()


def test_the_tag_is_tested_on_a_page_that_embeds_it(build_app: BuildApp, page_with: Any) -> None:
    origin, pages = page_with
    app: Flask = build_app("sqlite", fetch_private="true")
    with app.app_context():
        console, site = Console(app.test_client()), make.ready_site(origins=(origin,))
        make.signed_in(console.client)
        path = f"{general(site)}/tag"
        tag = f"/w/{site.key}.js"
        pages["/"] = ("text/html", f'<head><script src="http://localhost{tag}"></script>'.encode())
        pages["/late"] = (
            "text/html",
            f'<head><script src="a.js"></script><script async src="{tag}"></script>'.encode(),
        )
        pages[f"/consent{tag}"] = ("text/javascript", console.client.get(tag).data)
        pages[f"/old{tag}"] = ("text/javascript", b"something else")

        good = text_of(console.send(path, {"address": f"{origin}/"}))
        late = text_of(console.send(path, {"address": f"{origin}/late"}))
        foreign = console.send(path, {"address": "http://another.example/"})
        own = text_of(console.send(f"{path}/first-party", {"own": f"{origin}/consent"}, page=path))
        old = text_of(console.send(f"{path}/first-party", {"own": f"{origin}/old/"}, page=path))

        assert good.count("Yes:") == 6
        assert "No:" not in good
        assert "No: It stands first in the head" in late
        assert "Look at this: It loads before the rest" in late
        assert foreign.status_code == 422
        assert "Only pages of the site's own origins are fetched." in text_of(foreign)
        assert "Yes: It is this site's tag" in own
        assert "No: It is this site's tag" in old
        db.session.remove()
    close_app(app)


def test_no_private_address_is_tested_unless_the_setting_allows_it(console: Console, app: Flask) -> None:
    site = make.ready_site(origins=("http://127.0.0.1:9",))

    answer = console.send(f"{general(site)}/tag", {"address": "http://127.0.0.1:9/"})

    assert answer.status_code == 422
    assert "not of the public internet" in text_of(answer)
