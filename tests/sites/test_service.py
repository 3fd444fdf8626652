"""Sites: origins, languages, keys, revisions."""

import pytest
from flask import Flask
from sqlalchemy import select

from consent_server.audit.models import AuditEvent
from consent_server.db import db, transaction
from consent_server.problems import InvalidInput, NotSignedIn
from consent_server.retention.sites import set_retention
from consent_server.sites import api_keys, service
from consent_server.sites.languages import choose_language
from consent_server.sites.models import ApiKey
from tests import make


@pytest.mark.parametrize(
    ("written", "origin"),
    [
        ("https://shop.example", "https://shop.example"), ("https://Shop.Example/", "https://shop.example"),
        ("https://shop.example:443", "https://shop.example"), ("http://shop.example:80", "http://shop.example"),
        ("https://shop.example:8443", "https://shop.example:8443"), (" http://127.0.0.1:9000 ", "http://127.0.0.1:9000"),
        ("http://[::1]:8000", "http://[::1]:8000"),
    ],
)  # fmt: skip
def test_an_origin_is_kept_as_browsers_send_it(written: str, origin: str) -> None:
    assert service.origin_of(written) == origin


@pytest.mark.parametrize(
    "written",
    [
        "", "shop.example", "ftp://shop.example", "https://", "https://shop.example/path", "https://shop.example?x",
        "https://user@shop.example", "https://shop.example:port", "https://shop.example:99999", "null", "*", "https://[::1",
    ],
)  # fmt: skip
def test_what_is_no_origin_is_refused(app: Flask, written: str) -> None:
    with pytest.raises(InvalidInput):
        make.site(origins=[written])


@pytest.mark.parametrize("languages", [[], [""], ["english"], ["zh_CN"], ["EN"], ["en", "zh-cn"], ["en\n"]])
def test_languages_are_tags(app: Flask, languages: list[str]) -> None:
    with pytest.raises(InvalidInput):
        make.site(languages=languages)


@pytest.mark.parametrize(
    ("wanted", "chosen"),
    [
        ("zh-CN", "zh-CN"),
        ("zh-TW", "zh-CN"),
        ("ZH", "zh-CN"),
        ("en_US", "en"),
        ("fr", "en"),
        ("", "en"),
        (None, "en"),
        ("-", "en"),
    ],
)
def test_a_visitor_gets_the_language_that_fits_best(wanted: str | None, chosen: str) -> None:
    assert choose_language(wanted, ("en", "zh-CN")) == chosen


def test_every_change_counts_the_revision_up(app: Flask) -> None:
    site = make.site()
    before = site.revision

    with transaction():
        service.update_site(site, now=make.NOW, actor=make.STAFF, theme={"accent": "#123456"})

    assert site.revision > before


def test_consents_do_not_outlive_their_receipts(app: Flask) -> None:
    site = make.site()
    with transaction():
        set_retention(site, 200, now=make.NOW, actor=make.STAFF)

    with pytest.raises(InvalidInput, match="would be erased"), transaction():
        service.update_site(site, now=make.NOW, actor=make.STAFF, consent_days=201)
    with transaction():
        service.update_site(site, now=make.NOW, actor=make.STAFF, consent_days=200)

    assert site.consent_days == 200


def test_a_language_in_which_visitors_gave_consent_stays_unless_somebody_knows_that_it_goes(
    app: Flask,
) -> None:
    site = make.ready_site()

    with pytest.raises(service.LanguageInUse), transaction():
        service.update_site(site, now=make.NOW, actor=make.STAFF, languages=["en"])
    with transaction():
        service.update_site(site, now=make.NOW, actor=make.STAFF, languages=["zh-CN", "de"], dropping=["en"])

    assert site.default_language == "zh-CN"


def test_an_api_key_is_kept_as_a_hash_and_opens_its_own_site_until_it_is_revoked(app: Flask) -> None:
    site, other = make.site(), make.site()
    token = make.api_key(site)
    row = db.session.scalars(select(ApiKey)).one()
    assert token.encode() not in row.digest

    assert api_keys.authenticate(site, token, now=make.NOW).id == row.id
    for wrong_site, wrong in [(other, token), (site, token + "x"), (site, ""), (site, "表")]:
        with pytest.raises(NotSignedIn):
            api_keys.authenticate(wrong_site, wrong, now=make.NOW)
    with transaction():
        api_keys.revoke_api_key(row, now=make.NOW, actor=make.STAFF)
    with pytest.raises(NotSignedIn):
        api_keys.authenticate(site, token, now=make.NOW)


def test_staff_actions_on_sites_are_in_the_audit_log_without_secrets(app: Flask) -> None:
    site = make.site()
    token = make.api_key(site)
    with transaction():
        service.rotate_identity_secret(site, now=make.NOW, actor="account:5")

    rows = db.session.scalars(select(AuditEvent).order_by(AuditEvent.id)).all()
    assert [row.action for row in rows] == [
        "sites.create",
        "sites.issue_api_key",
        "sites.rotate_identity_secret",
    ]
    assert token not in str([row.detail for row in rows])
