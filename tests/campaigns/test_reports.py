"""What mail servers report of letters: read from messages and mailbox files, tied to the letter, and heeded."""

from datetime import timedelta

import pytest
from flask import Flask
from flask.testing import FlaskClient
from sqlalchemy import select

from consent_server.campaigns import addresses, bouncing, delivery, marks, service
from consent_server.campaigns.models import CampaignLetter, MailBounce
from consent_server.campaigns.reports import is_hard, messages_in, report_in
from consent_server.db import db, transaction
from consent_server.policies.published import site_view
from consent_server.retention.service import erase_subject
from consent_server.sites.models import Site
from tests import make
from tests.campaigns.reports import report

SENT = {"to": "bounces@mail.example", "of": "ann@mail.example", "message_id": "<x@mail.example>"}


@pytest.mark.parametrize(
    ("action", "status", "kind"),
    [
        ("failed", "5.1.1", "hard"),
        ("failed", "5.0.0", "hard"),
        ("Failed", "5.2.1", "hard"),
        ("failed", "5.2.2", "soft"),  # the mailbox is full
        ("failed", "5.7.1", "soft"),  # a filter has refused it
        ("failed", "5.1.8", "soft"),  # the sender's address is bad
        ("failed", "4.4.7", "soft"),  # tried for days
        ("failed", "none", "hard"),
        ("delayed", "4.4.1", "delayed"),
        ("relayed", "2.0.0", "fine"),
    ],
)
def test_a_report_says_whether_the_address_is_bad_or_only_this_letter_came_back(
    action: str, status: str, kind: str
) -> None:
    found = report_in(report(**SENT, action=action, status=status))

    assert found is not None
    assert found.kind == kind


def test_a_mailbox_file_holds_many_messages_and_a_piped_one_is_one() -> None:
    one, other = report(**SENT), report(**SENT, action="delayed")
    mailbox = (
        b"From MAILER-DAEMON Mon Mar  2 09:31:00 2026\n"
        + one
        + b"\nFrom x Mon Mar  2 09:32:00 2026\n"
        + other
    )

    found = [report_in(each) for each in messages_in(mailbox.splitlines(keepends=True))]

    assert [each.kind for each in found if each] == ["hard", "delayed"]
    assert len(list(messages_in(one.splitlines(keepends=True)))) == 1
    assert list(messages_in([])) == []


@pytest.mark.parametrize(
    "message",
    [
        b"",
        b"\xff\xfe\x00",
        b"Subject: I am on holiday\n\nFrom Monday on.\n",
        report(**SENT).replace(b"Action: failed\n", b""),
        report(**SENT)[:300],
    ],
)
def test_what_is_no_report_is_none(message: bytes) -> None:
    assert report_in(message) is None


def test_a_status_is_of_the_address_or_not() -> None:
    assert is_hard("5.1.10")
    assert not is_hard("")
    assert not is_hard("4.1.1")


@pytest.fixture
def shop(app: Flask, client: FlaskClient) -> Site:
    """Ann and Bo agreed to 1.0; 2.0 asks again; each has a letter that is out."""
    site = make.ready_site()
    for name in ("ann", "bo"):
        visitor = make.decide(client, site)["visitor_id"]
        make.identify(client, site, make.subject_token(site, name), visitor)
    make.published_version(site, change="recipients", touched=["analytics"])
    begin(app, site)
    with transaction():
        for letter in letters().values():
            delivery.hand_over(letter.id, now=make.NOW)
            delivery.close(letter.id, "sent", now=make.NOW)
    return site


def begin(app: Flask, site: Site) -> None:
    lines = [addresses.Line(name, f"{name}@mail.example", "en") for name in ("ann", "bo")]
    with transaction():
        view, wanted = site_view(site.key), service.Round(lines)
        service.start(view, wanted, ring=app.extensions["keys"], now=make.NOW, actor=make.STAFF)


def letters() -> dict[str, CampaignLetter]:
    """The newest letter of each user."""
    db.session.expire_all()
    return {
        row.subject: row for row in db.session.scalars(select(CampaignLetter).order_by(CampaignLetter.id))
    }


def take(app: Flask, subject: str, *, by: str = "envelope", status: str = "5.1.1", mark: str = "") -> str:
    ring = app.extensions["keys"]
    mark = mark or marks.mark_of(letters()[subject], ring=ring)
    to = marks.return_address(mark, SENT["to"]) if by == "envelope" else "shop@mail.example"
    known = SENT["message_id"] if by == "envelope" else marks.message_id(mark, "Shop <shop@mail.example>")
    action = "delayed" if status == "4.4.1" else "failed"
    found = report_in(
        report(
            to=to,
            of="forwarded@mail.example",
            message_id=known,
            action=action,
            status=status,
            headers_only=by == "headers",
        )
    )
    assert found is not None
    with transaction():
        return bouncing.take(found, ring=ring, now=make.NOW)


@pytest.mark.parametrize("by", ["envelope", "headers", "message"])
def test_a_hard_bounce_ends_the_letters_to_its_address_and_only_those(
    app: Flask, shop: Site, by: str
) -> None:
    assert take(app, "ann", by=by) == "hard"
    assert take(app, "ann", by=by) == "hard"  # a report may come twice

    assert letters()["ann"].state == "bounced"
    begin(app, shop)
    again = letters()
    assert (again["ann"].state, again["ann"].sealed) == ("barred", None)
    assert again["bo"].state == "waiting"


def test_a_soft_bounce_is_shown_and_the_next_letter_is_tried(app: Flask, shop: Site) -> None:
    assert take(app, "ann", status="4.4.1") == "delayed"
    assert (letters()["ann"].state, service.delayed(letters()["ann"].campaign_id)) == ("sent", 1)
    assert take(app, "ann", status="5.2.2") == "soft"
    assert (letters()["ann"].state, letters()["ann"].status) == ("returned", "5.2.2")

    begin(app, shop)
    assert letters()["ann"].state == "waiting"


def test_nobody_can_make_a_report_up(app: Flask, shop: Site) -> None:
    ann, ring = letters()["ann"], app.extensions["keys"]
    bo = marks.mark_of(letters()["bo"], ring=ring)

    assert take(app, "ann", mark=f"l{ann.id}-{'a' * 20}") == "foreign"
    assert take(app, "ann", mark=f"l{ann.id}-{bo.partition('-')[2]}") == "foreign"
    assert take(app, "ann", mark=f"l999-{bo.partition('-')[2]}") == "foreign"

    assert {each.state for each in letters().values()} == {"sent"}
    assert not db.session.scalars(select(MailBounce)).all()


def test_a_report_settles_a_letter_of_unknown_fate(app: Flask, shop: Site) -> None:
    begin(app, shop)
    with transaction():
        for letter in letters().values():
            delivery.hand_over(letter.id, now=make.NOW)
    campaign = letters()["ann"].campaign_id
    with transaction():
        delivery.sweep(campaign, now=make.NOW + timedelta(minutes=6))
    assert {each.state for each in letters().values()} == {"unknown"}

    take(app, "ann", status="4.4.1")
    take(app, "bo", status="5.7.1")

    assert (letters()["ann"].state, letters()["bo"].state) == ("sent", "returned")
    assert letters()["ann"].sealed is None


def test_erasing_a_user_forgets_that_their_address_bounced(app: Flask, shop: Site) -> None:
    take(app, "ann")
    with transaction():
        erase_subject(shop, "ann", ring=app.extensions["keys"], now=make.NOW, actor="command")

    assert not db.session.scalars(select(MailBounce)).all()
    assert "ann" not in letters()
