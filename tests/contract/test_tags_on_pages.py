"""Pinned tags, where tags are asked for, and what is reported of their errors."""

import base64
import hashlib
import re
from datetime import timedelta

import brotli
import pytest
from flask import Flask
from flask.testing import FlaskClient

from consent_server.banner import service as banner
from consent_server.banner import tally
from consent_server.banner.options import set_options
from consent_server.db import transaction
from consent_server.sites.service import update_site
from tests import make
from tests.contract.problems import problem

ELEMENT = re.compile(
    r'<script src="http://[^/]+(/w/[^"]+)" integrity="sha256-([^"]+)" crossorigin="anonymous"></script>'
)


@pytest.fixture
def counts(app: Flask) -> tally.Tally:
    """The application's counts, without what other tests have left."""
    found = tally.tally_of(app)
    found.forget()
    return found


def pinned(client: FlaskClient, key: str) -> tuple[str, str]:
    """Address and hash of the tag as it is served now."""
    body = client.get(f"/w/{key}.js").data
    found = ELEMENT.fullmatch(banner.pins.element(body, site_key=key, api="http://localhost"))
    assert found
    return found[1], found[2]


def test_a_pinned_tag_is_the_evergreen_ones_bytes_for_ever(client: FlaskClient) -> None:
    site = make.ready_site()
    before = client.get(f"/w/{site.key}.js").data
    address, integrity = pinned(client, site.key)

    with transaction():
        update_site(site, now=make.NOW, actor=make.STAFF, theme={"accent": "#0a5"})
    make.view(site)
    banner.forget()
    after = client.get(f"/w/{site.key}.js").data
    plain = client.get(address)
    small = client.get(address, headers={"Accept-Encoding": "br"})

    assert after != before
    assert plain.data == brotli.decompress(small.data) == before
    assert base64.b64encode(hashlib.sha256(plain.data).digest()).decode() == integrity
    assert plain.headers["Cache-Control"] == "public, max-age=31536000, immutable"
    assert plain.headers["Access-Control-Allow-Origin"] == "*"
    assert client.get(address, headers={"If-None-Match": plain.headers["ETag"]}).status_code == 304
    assert pinned(client, site.key)[0] != address


def test_a_hash_that_the_site_never_served_is_not_answered_with_another_tag(client: FlaskClient) -> None:
    site, other = make.ready_site(), make.ready_site(name="Other")
    address, _ = pinned(client, site.key)

    problem(client.get(f"/w/{site.key}@0000000000000000.js"), 404, "not-found")
    problem(client.get(address.replace(site.key, other.key)), 404, "not-found")
    problem(client.get(address.replace(site.key, "s_nowhere")), 404, "unknown-site")


def test_where_a_tag_is_asked_for_is_counted_by_the_sites_own_origins(
    client: FlaskClient, counts: tally.Tally
) -> None:
    site = make.ready_site()
    address = f"/w/{site.key}.js"
    for referrer in (
        f"{make.ORIGIN}/basket?who=anna",
        make.ORIGIN + "/",
        "https://elsewhere.example/x",
        None,
        "",
    ):
        client.get(address, headers={} if referrer is None else {"Referer": referrer})

    counts.store(now=make.NOW)
    client.get(address, headers={"Referer": make.ORIGIN})
    counts.store(now=make.NOW + timedelta(days=1))
    counts.store(now=make.NOW + timedelta(days=2))

    found = {each.origin: (each.requests, each.seen_at) for each in tally.sightings(site.id)}
    assert found == {make.ORIGIN: (3, make.NOW + timedelta(days=1)), "": (3, make.NOW)}
    builds = {each.build.hex() for each in tally.sightings(site.id)}
    assert builds == {make.banner(client, site)["banner_build"]}


def test_errors_are_counted_by_day_kind_and_build_and_forgotten_after_three_months(
    client: FlaskClient, counts: tally.Tally
) -> None:
    site = make.ready_site()
    build = make.banner(client, site)["banner_build"]
    address, headers = f"/v1/sites/{site.key}/errors", {"Origin": make.ORIGIN, "Content-Type": "text/plain"}

    for kind, named in (("script", build), ("script", build), ("start", "00" * 32)):
        response = client.post(address, json={"kind": kind, "build": named}, headers=headers)
        assert (response.status_code, response.data) == (204, b"")
    counts.store(now=make.NOW)
    counted = [(each.day, each.kind, each.reports, each.build.hex()) for each in tally.errors(site.id)]
    client.post(address, json={"kind": "policy", "build": build}, headers=headers)
    counts.store(now=make.NOW + timedelta(days=100))

    assert counted == [(make.NOW.date(), "script", 2, build), (make.NOW.date(), "start", 1, "")]
    assert [each.kind for each in tally.errors(site.id)] == ["policy"]


@pytest.mark.parametrize(
    "body",
    [
        {"kind": "mine", "build": "00" * 32},
        {"kind": "script"},
        {"kind": "script", "build": "00" * 32, "message": "x"},
    ],
)
def test_a_report_says_nothing_else(client: FlaskClient, body: dict[str, str]) -> None:
    site = make.ready_site()

    answer = client.post(f"/v1/sites/{site.key}/errors", json=body, headers={"Origin": make.ORIGIN})

    problem(answer, 422, "invalid-input")


def test_memory_is_bounded_whatever_is_reported(app: Flask, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(tally, "MOST", 3)
    site = make.ready_site()
    counts = tally.Tally()

    for number in range(9):
        counts.failed(site.id, "script", f"{number:064x}")
    counts.store(now=make.NOW)

    assert sum(each.reports for each in tally.errors(site.id)) == 3


def test_the_reporter_is_part_of_the_tag_only_where_it_is_switched_on(client: FlaskClient) -> None:
    site = make.ready_site()
    without = client.get(f"/w/{site.key}.js").text

    with transaction():
        set_options(site, {"report": {"percent": 25}}, now=make.NOW, actor=make.STAFF)
    make.view(site)
    tag = client.get(f"/w/{site.key}.js").text

    assert "/errors" not in without
    assert tag.endswith(f'"{make.banner(client, site)["banner_build"]}",25]);')
