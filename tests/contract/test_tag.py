"""GET /w/<site_key>.js and the second module."""

import gzip
import hashlib

import brotli
import pytest
from flask.testing import FlaskClient

from consent_server import assets
from consent_server.banner import builds
from consent_server.db import transaction
from consent_server.sites.service import update_site
from tests import make
from tests.contract.problems import problem


def tag(client: FlaskClient, key: str, **headers: str):  # type: ignore[no-untyped-def]
    return client.get(
        f"/w/{key}.js", headers={name.replace("_", "-"): value for name, value in headers.items()}
    )


def test_the_tag_is_public_cacheable_javascript(client: FlaskClient) -> None:
    site = make.ready_site()

    response = tag(client, site.key)

    assert response.status_code == 200
    assert response.content_type == "text/javascript; charset=utf-8"
    assert response.headers["Cache-Control"] == "public, max-age=300"
    assert response.headers["Access-Control-Allow-Origin"] == "*"
    assert response.headers["Cross-Origin-Resource-Policy"] == "cross-origin"
    assert response.headers["X-Content-Type-Options"] == "nosniff"
    assert "Accept-Encoding" in response.headers["Vary"]
    assert "Set-Cookie" not in response.headers
    assert response.headers["ETag"]


def test_every_encoding_holds_the_same_script(client: FlaskClient) -> None:
    site = make.ready_site()

    plain = tag(client, site.key)
    packed = tag(client, site.key, Accept_Encoding="gzip")
    smallest = tag(client, site.key, Accept_Encoding="gzip, deflate, br")

    assert "Content-Encoding" not in plain.headers
    assert packed.headers["Content-Encoding"] == "gzip"
    assert smallest.headers["Content-Encoding"] == "br"
    assert gzip.decompress(packed.data) == brotli.decompress(smallest.data) == plain.data
    assert len({plain.headers["ETag"], packed.headers["ETag"], smallest.headers["ETag"]}) == 3


@pytest.mark.parametrize(
    ("accepted", "encoding"),
    [
        ("identity", None),
        ("br;q=0, gzip", "gzip"),
        ("br;q=0.5, gzip;q=0.9", "gzip"),
        ("zstd", None),
        ("", None),
    ],
)
def test_the_browser_chooses_the_encoding(client: FlaskClient, accepted: str, encoding: str | None) -> None:
    response = tag(client, make.ready_site().key, Accept_Encoding=accepted)

    assert response.headers.get("Content-Encoding") == encoding


@pytest.mark.parametrize("encoding", ["identity", "gzip", "br"])
def test_an_unchanged_tag_is_not_sent_again(client: FlaskClient, encoding: str) -> None:
    site = make.ready_site()
    etag = tag(client, site.key, Accept_Encoding=encoding).headers["ETag"]

    again = tag(client, site.key, Accept_Encoding=encoding, If_None_Match=etag)

    assert again.status_code == 304
    assert again.data == b""
    assert again.headers["ETag"] == etag
    assert again.headers["Cache-Control"] == "public, max-age=300"


def test_a_new_version_and_a_changed_site_make_a_new_tag(
    client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = make.ready_site()
    etags = [tag(client, site.key).headers["ETag"]]
    make.published_version(site, change="recipients")
    make.view(site)  # as another process would after the cache's seconds
    etags.append(tag(client, site.key).headers["ETag"])
    with transaction():
        update_site(site, now=make.NOW, actor=make.STAFF, theme={"accent": "#0a5"})
    make.view(site)
    etags.append(tag(client, site.key, If_None_Match=etags[-1]).headers["ETag"])

    assert len(set(etags)) == 3


def test_the_tag_names_the_build_that_the_api_names(client: FlaskClient) -> None:
    site = make.ready_site()

    script = tag(client, site.key).text

    assert f'"{make.banner(client, site)["banner_build"]}"' in script


def test_texts_cannot_end_the_script_element(client: FlaskClient) -> None:
    site = make.ready_site(name="</script><script>alert(1)</script>")
    hostile = make.purpose("evil")
    hostile["texts"]["en"]["name"] = "</script><script>alert(1)</script>\u2028"
    make.purposes(site, described=[hostile])
    make.published_version(site, change="purpose_added", touched=["evil"])
    make.view(site)

    script = tag(client, site.key).text

    assert "</script" not in script
    assert "\u2028" not in script


def test_modules_are_immutable_under_their_hash(client: FlaskClient) -> None:
    site = make.ready_site()
    address = f"/w/preferences-{assets.module_bundles()[0]}.js"
    assert f'"{assets.module_bundles()[0]}"' in tag(client, site.key).text

    response = client.get(address, headers={"Accept-Encoding": "br"})

    assert response.status_code == 200
    assert "immutable" in response.headers["Cache-Control"]
    assert response.headers["Access-Control-Allow-Origin"] == "*"
    assert brotli.decompress(response.data) == assets.module_source("preferences")
    assert (
        client.get(address, headers={"If-None-Match": client.get(address).headers["ETag"]}).status_code == 304
    )


def test_an_outdated_module_is_not_answered_with_another(client: FlaskClient) -> None:
    problem(client.get("/w/preferences-0000000000000000.js"), 404, "not-found")
    problem(client.get(f"/w/nothing-{assets.module_bundles()[0]}.js"), 404, "not-found")


def test_the_modules_of_an_older_build_are_still_served(client: FlaskClient) -> None:
    site = make.ready_site()
    older = b'{"preferences":"export default () => 1;"}'
    with transaction():
        builds.keep_build(site.id, "ab" * 32, bundle=b"core", modules=older, configuration="{}", now=make.NOW)

    response = client.get(f"/w/preferences-{hashlib.sha256(older).hexdigest()[:16]}.js")

    assert response.text == "export default () => 1;"


def test_a_tag_of_no_site(client: FlaskClient) -> None:
    problem(tag(client, "s_nowhere"), 404, "unknown-site")


def test_a_site_that_has_published_nothing_has_no_tag_yet(client: FlaskClient) -> None:
    site = make.site()

    problem(tag(client, site.key), 409, "nothing-published")
    problem(client.get(f"/v1/sites/{site.key}/banner"), 409, "nothing-published")


def test_head_is_get_without_a_body(client: FlaskClient) -> None:
    site = make.ready_site()

    response = client.head(f"/w/{site.key}.js")

    assert (response.status_code, response.data) == (200, b"")
    assert response.headers["ETag"] == tag(client, site.key).headers["ETag"]
