"""Addresses of known users, as a site's own server gives and erases them, and campaigns use them."""

import io
import uuid
from typing import Any

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select
from werkzeug.test import TestResponse

from consent_server.audit.models import AuditEvent
from consent_server.campaigns import addresses
from consent_server.campaigns.models import CampaignLetter, MailBounce, SubjectMail
from consent_server.config import load_settings
from consent_server.db import db, transaction
from consent_server.policies import published
from consent_server.retention.service import erase_subject, erase_visitor
from consent_server.sites.models import Site
from tests import make
from tests.console.conftest import Console
from tests.contract.problems import problem
from tests.contract.test_subjects import known_subject


def give(
    client: FlaskClient, site: Site, *given: dict[str, Any], scope: str = "addresses:write"
) -> TestResponse:
    key = make.api_key(site, scope)
    return client.post(
        f"/v1/sites/{site.key}/addresses",
        json={"addresses": given},
        headers={"Authorization": f"Bearer {key}"},
    )


def to(subject: str, email: str | None = "", **more: Any) -> dict[str, Any]:
    return {"subject": subject, "email": f"{subject}@mail.example" if email == "" else email} | more


def outcomes(answer: TestResponse) -> list[str]:
    assert answer.status_code == 200, answer.text
    return [each["outcome"] for each in answer.get_json()["outcomes"]]


def stored() -> dict[str, str]:
    db.session.expire_all()
    return {row.subject: row.language for row in db.session.scalars(select(SubjectMail))}


def test_addresses_are_stored_changed_and_erased_and_only_those_of_known_users(
    app: Flask, client: FlaskClient
) -> None:
    site = make.ready_site()
    for name in ("ann", "bo", "cy"):
        known_subject(client, site, name)
    with transaction():
        digest = addresses.digest_of("CY@mail.example", ring=app.extensions["keys"])
        db.session.add(MailBounce(site_id=site.id, digest=digest, subject="cy", status="5.1.1", at=make.NOW))

    first = give(client, site, to("ann", language="zh-CN"), to("bo"), to("stranger"), to("cy"))
    assert outcomes(first) == ["stored", "stored", "unknown", "bounced"]
    assert stored() == {"ann": "zh-CN", "bo": ""}
    assert all(b"mail.example" not in row.sealed for row in db.session.scalars(select(SubjectMail)))
    again = give(client, site, to("ann"), to("ann", language="en"), to("bo", None), to("stranger", None))
    assert outcomes(again) == ["stored", "stored", "erased", "erased"]
    assert stored() == {"ann": "en"}

    rows = db.session.scalars(select(AuditEvent).where(AuditEvent.action == "campaigns.addresses")).all()
    assert [(row.detail["stored"], row.detail["erased"]) for row in rows] == [(2, 0), (2, 2)]
    assert all(row.actor.startswith("api-key:") and "ann" not in str(row.detail) for row in rows)


@pytest.mark.parametrize(
    "given",
    [
        [],
        [to(f"u{number}") for number in range(101)],
        [to("ann", "ann")],
        [to("ann", "ann@mail.example, bo@mail.example")],
        [to("ann", "ann@mäil.example")],
        [to("")],
        [to("x" * 129)],
        [{"subject": "ann"}],
        [to("ann", more=1)],
        [to("ann", language="x y")],
    ],
)
def test_a_batch_that_makes_no_sense_is_refused_whole(client: FlaskClient, given: list[Any]) -> None:
    site = make.ready_site()

    problem(give(client, site, to("bo"), *given) if given else give(client, site), 422, "invalid-input")


def test_an_address_goes_with_its_user(app: Flask, client: FlaskClient) -> None:
    site, ring = make.ready_site(), app.extensions["keys"]
    known_subject(client, site, "ann")
    visitor = known_subject(client, site, "bo")
    give(client, site, to("ann"), to("bo"))

    with transaction():
        erase_subject(site, "ann", ring=ring, now=make.NOW, actor="command")
    assert stored().keys() == {"bo"}
    with transaction():
        erase_visitor(
            site, uuid.UUID(visitor), ring=ring, now=make.NOW, actor="command"
        )  # the last of Bo's browsers
    assert stored() == {}


def test_a_campaign_writes_to_those_whose_addresses_were_given(
    app: Flask, client: FlaskClient, monkeypatch: pytest.MonkeyPatch
) -> None:
    site = make.ready_site()
    known_subject(client, site, "ann")
    known_subject(client, site, "bo", **make.refusal(site))
    make.published_version(site, change="recipients", touched=["analytics"])
    console = Console(app.test_client())
    make.signed_in(console.client)
    path = f"/console/sites/{site.key}/campaigns"
    assert 'value="given"' not in console.get(path).text
    give(client, site, to("ann", language="zh-CN"), to("bo"))
    before = app.extensions["settings"]
    environ = {
        "CONSENT_DATABASE_URL": before.database_url.replace("+psycopg", ""),
        "CONSENT_DATA_DIR": str(before.data_dir),
        "CONSENT_KEYS_DIR": str(before.keys_dir),
        "CONSENT_PUBLIC_URL": "http://consent.example",
        "CONSENT_SMTP_URL": "smtp://127.0.0.1:9",
        "CONSENT_MAIL_FROM": "shop@mail.example",
    }
    monkeypatch.setitem(app.extensions, "settings", load_settings(environ))

    assert console.send(path, {"to": "list", "list": (io.BytesIO(b""), "x.csv")}).status_code == 422
    assert console.send(path, {"to": "nobody"}).status_code == 422
    assert console.send(path, {"to": "given"}).status_code == 303

    letter = db.session.scalars(select(CampaignLetter)).one()  # Bo refused; the version does not touch him
    assert (letter.subject, letter.language) == ("ann", "zh-CN")
    assert stored().keys() == {"ann", "bo"}

    def popups() -> list[str]:
        published.forget()
        told: list[str] = client.get(f"/v1/sites/{site.key}/banner").get_json()["popups"]
        return told

    assert popups() == []
    page = console.send(path, {"to": "nobody", "popup": "1"}).headers["Location"]
    assert popups() == ["2.0"]
    console.send(f"{page}/stop", page=page)
    assert popups() == []
