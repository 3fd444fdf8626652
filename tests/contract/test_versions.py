"""GET /v1/sites/<site_key>/policies/<policy_key>/versions[/<number>]: history and text; links never change."""

import hashlib

import pytest
from flask.testing import FlaskClient

from tests import make
from tests.contract.problems import problem


def test_the_history_is_listed_newest_first(client: FlaskClient) -> None:
    site = make.ready_site()
    make.published_version(site, change="wording", now=make.later(10))
    make.published_version(site, change="recipients", touched=["maps"], now=make.later(20))

    response = client.get(f"/v1/sites/{site.key}/policies/privacy/versions")

    assert response.status_code == 200
    assert response.headers["Access-Control-Allow-Origin"] == "*"
    versions = response.get_json()["versions"]
    assert [each["number"] for each in versions] == ["2.0", "1.1", "1.0"]
    assert versions[0]["changes"] == [
        {
            "type": "recipients", "class": "major_consent", "purposes": ["maps"],
            "summary": {"en": "recipients", "zh-CN": "recipients"},
        }
    ]  # fmt: skip
    assert versions[0]["published_at"] == "2026-03-22T09:30:00.000Z"
    assert versions[0]["languages"] == ["en", "zh-CN"]
    assert versions[0]["published_elsewhere"] is False


@pytest.mark.parametrize(("wanted", "language"), [("en", "en"), ("zh", "zh-CN"), ("fr", "en"), (None, "en")])
def test_a_version_has_its_text_in_each_language(
    client: FlaskClient, wanted: str | None, language: str
) -> None:
    site = make.ready_site()
    query = f"?lang={wanted}" if wanted else ""

    text = client.get(f"/v1/sites/{site.key}/policies/privacy/versions/1.0{query}").get_json()

    assert text["language"] == language
    assert text["title"] == {"en": "Privacy policy", "zh-CN": "隐私政策"}[language]
    assert text["text_sha256"] == hashlib.sha256(text["source"].encode()).hexdigest()
    assert "<h" in text["html"]
    assert [p["key"] for p in text["purposes"]] == ["essential", "analytics", "maps"]


def test_a_permanent_link_never_changes(client: FlaskClient) -> None:
    site = make.ready_site()
    links = [
        f"/v1/sites/{site.key}/policies/privacy/versions/1.0?lang=en",
        f"/v1/sites/{site.key}/policies/privacy/versions/1.0?lang=zh-CN",
        f"/p/{site.key}/privacy/1.0?lang=zh-CN",
    ]
    before = [client.get(link) for link in links]

    make.purposes(site, "analytics", "ads")
    make.published_version(site, change="purpose_added", touched=["ads"])
    make.published_version(site, change="typo")
    after = [client.get(link) for link in links]

    assert {response.status_code for response in before + after} == {200}
    assert [response.data for response in after[:2]] == [response.data for response in before[:2]]
    shown = "本店说明其用途"
    assert shown in before[2].text
    assert shown in after[2].text


def test_the_hash_covers_texts_purposes_and_changes(client: FlaskClient) -> None:
    one = make.ready_site("analytics")
    texts = {"en": make.text("en"), "zh-CN": make.text("zh-CN")}

    hashes = set()
    for touched in (["analytics"], []):
        make.published_version(one, change="recipients", touched=touched, texts=texts)
        texts = {"en": make.text("en", str(len(hashes))), "zh-CN": make.text("zh-CN", str(len(hashes)))}
        hashes.add(
            client.get(f"/v1/sites/{one.key}/policies/privacy/versions").get_json()["versions"][0]["sha256"]
        )

    assert len(hashes) == 2


@pytest.mark.parametrize(
    ("path", "slug"),
    [
        ("{site}/policies/privacy/versions/9.9", "unknown-policy-version"),
        ("{site}/policies/privacy/versions/latest", "unknown-policy-version"),
        ("{site}/policies/privacy/versions/1.00", "unknown-policy-version"),
        ("{site}/policies/cookies/versions", "unknown-policy"),
        ("{site}/policies/cookies/versions/1.0", "unknown-policy"),
        ("s_nowhere/policies/privacy/versions", "unknown-site"),
        ("s_nowhere/policies/privacy/versions/1.0", "unknown-site"),
    ],
)
def test_what_is_not_there(client: FlaskClient, path: str, slug: str) -> None:
    site = make.ready_site()

    problem(client.get("/v1/sites/" + path.format(site=site.key)), 404, slug)


def test_a_draft_is_not_public(client: FlaskClient) -> None:
    site = make.ready_site()
    make.draft(site, changes=[make.change()])

    history = client.get(f"/v1/sites/{site.key}/policies/privacy/versions").get_json()

    assert [each["number"] for each in history["versions"]] == ["1.0"]
    problem(client.get(f"/v1/sites/{site.key}/policies/privacy/versions/2.0"), 404, "unknown-policy-version")


def test_imported_versions_say_so_and_keep_their_dates(client: FlaskClient) -> None:
    site = make.site()
    make.imported_version(site, published_at=make.later(-100))
    make.imported_version(site, published_at=make.later(-50))

    versions = client.get(f"/v1/sites/{site.key}/policies/privacy/versions").get_json()["versions"]

    assert [each["published_elsewhere"] for each in versions] == [True, True]
    assert [each["number"] for each in versions] == ["2.0", "1.0"]
    assert versions[0]["published_at"].startswith("2026-01-11")


def test_scripts_in_a_policy_do_not_reach_a_visitor(client: FlaskClient) -> None:
    hostile = (
        "# Policy\n\n<script>alert(1)</script>\n\n<p onclick='x()'>text</p>\n\n[link](javascript:alert(1))\n"
    )
    site = make.site(languages=["en"])
    make.policy(site)
    make.purposes(site, "analytics")
    for language in site.languages:
        make.published_version(site, texts={language: hostile})

    html = client.get(f"/v1/sites/{site.key}/policies/privacy/versions/1.0").get_json()["html"]
    page = client.get(f"/p/{site.key}/privacy/1.0").text

    for shown in (html, page):
        assert "<script>alert" not in shown
        assert "onclick" not in shown
        assert "javascript:" not in shown
