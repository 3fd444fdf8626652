"""The tag from memory: the same answer as the view's, and only while it is certain."""

from collections.abc import Iterator
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from werkzeug.test import TestResponse

from consent_server.banner import api
from consent_server.db import transaction
from consent_server.sites.service import update_site
from tests import make


@pytest.fixture
def made(monkeypatch: pytest.MonkeyPatch) -> Iterator[list[str]]:
    """The tags that the view was asked for, in order."""
    asked: list[str] = []
    view = api.site_view

    def noted(key: str, **options: Any) -> Any:
        asked.append(key)
        return view(key, **options)

    monkeypatch.setattr(api, "site_view", noted)
    return asked


def facts(response: TestResponse) -> tuple[int, bytes, list[tuple[str, str]]]:
    # The date is the web server's to add.
    return response.status_code, response.data, sorted(each for each in response.headers if each[0] != "Date")


@pytest.mark.parametrize("accepted", ["br", "gzip, deflate, br;q=0.5", "identity", None])
def test_the_short_way_and_the_view_answer_alike(
    client: FlaskClient, made: list[str], accepted: str | None
) -> None:
    address = f"/w/{make.ready_site().key}.js"
    headers = {} if accepted is None else {"Accept-Encoding": accepted}

    by_view = client.get(address, headers=headers)
    from_memory = client.get(address, headers=headers)

    assert len(made) == 1
    assert facts(from_memory) == facts(by_view)
    held = headers | {"If-None-Match": by_view.headers["ETag"]}
    unchanged = client.get(address, headers=held)
    assert len(made) == 1
    by_view = client.get(address, headers=held | {"If-None-Match": f"W/{held['If-None-Match']}"})
    assert len(made) == 2
    assert facts(unchanged) == facts(by_view)
    assert unchanged.status_code == 304


def test_a_tag_that_the_browser_does_not_hold_is_sent(client: FlaskClient, made: list[str]) -> None:
    address = f"/w/{make.ready_site().key}.js"
    whole = client.get(address)

    again = client.get(address, headers={"If-None-Match": '"of another build"'})

    assert len(made) == 1
    assert facts(again) == facts(whole)


def test_what_is_not_certain_goes_to_the_view(client: FlaskClient, app: Flask, made: list[str]) -> None:
    site = make.ready_site()
    address = f"/w/{site.key}.js"
    before = client.get(address).headers["ETag"]

    with transaction():
        update_site(site, now=make.NOW, actor=make.STAFF, theme={"accent": "#0a5"})
    make.view(site)  # as after the cache's seconds
    after = client.get(address).headers["ETag"]
    elsewhere = client.get(address, headers={"Host": "tags.example"})

    assert made == [site.key] * 3
    assert before != after
    assert b"http://tags.example" in elsewhere.data
    assert client.post(address).status_code == 405
    assert client.get("/w/s_nowhere.js").status_code == 404
