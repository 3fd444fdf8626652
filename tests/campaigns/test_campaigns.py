"""Letters about a version: to whom it touches, in both languages, once, through a real SMTP server, whatever happens."""

import html
import io
import re
import socket
from collections.abc import Iterator
from datetime import timedelta
from typing import Any

import pytest
from flask import Flask
from sqlalchemy import select

from consent_server import clock, mail
from consent_server.campaigns import delivery
from consent_server.campaigns.models import Campaign, CampaignLetter, MailRefusal
from consent_server.config import load_settings
from consent_server.db import db, transaction
from consent_server.retention.service import erase_subject
from consent_server.sites.models import Site
from tests import make
from tests.console.conftest import Console, audited, console, text_of
from tests.smtp import Inbox, inbox

assert console
assert inbox
LIST = "subject,email,language\nann,ann@mail.example,en\nbo,bo@mail.example,zh-CN\nstranger,x@mail.example,\ncy,cy@mail.example,\n"


@pytest.fixture
def settings(app: Flask, inbox: Inbox) -> Iterator[None]:
    """The application with a mail server and an address of its own."""
    before = app.extensions["settings"]
    app.extensions["settings"] = load_settings(
        {
            "CONSENT_DATABASE_URL": before.database_url.replace("+psycopg", ""),
            "CONSENT_DATA_DIR": str(before.data_dir),
            "CONSENT_KEYS_DIR": str(before.keys_dir),
            "CONSENT_PUBLIC_URL": "http://consent.example",
            "CONSENT_SMTP_URL": inbox.url,
            "CONSENT_MAIL_FROM": "Shop <shop@mail.example>",
            "CONSENT_MAIL_RATE": "2",
        }
    )
    yield
    app.extensions["settings"] = before


@pytest.fixture
def shop(app: Flask, console: Console, settings: None) -> Site:
    """Ann and Bo agreed to 1.0; Cy refused; then 2.0 asks about analytics again."""
    made = make.ready_site()
    for name in ("ann", "bo", "cy"):
        more = make.refusal(made) if name == "cy" else {}
        visitor = make.decide(console.client, made, **more)["visitor_id"]
        make.identify(console.client, made, make.subject_token(made, name), visitor)
    make.published_version(made, change="recipients", touched=["analytics"])
    return made


def begin(console: Console, shop: Site, text: str = LIST) -> Any:
    path = f"/console/sites/{shop.key}/campaigns"
    return console.send(
        path, {"list": (io.BytesIO(text.encode()), "users.csv")}, content_type="multipart/form-data"
    )


def states() -> dict[str, tuple[str, bool]]:
    """State of each letter, and whether its address is still there."""
    db.session.expire_all()
    rows = db.session.scalars(select(CampaignLetter))
    return {row.subject: (row.state, row.sealed is not None) for row in rows}


def later(set_clock: Any, minutes: float) -> None:
    instant = clock.now() + timedelta(minutes=minutes)
    set_clock(instant)


def test_whom_the_version_touches_gets_one_letter_in_both_languages(
    console: Console, shop: Site, inbox: Inbox
) -> None:
    answer = begin(console, shop)
    assert answer.status_code == 303
    assert states() == {
        "ann": ("waiting", True),
        "bo": ("waiting", True),
    }  # Cy refused it; nobody knows the stranger

    make.run_jobs()
    make.run_jobs()

    assert states() == {"ann": ("sent", False), "bo": ("sent", False)}
    ann, bo = inbox.messages
    assert (ann["To"], bo["To"]) == ("ann@mail.example", "bo@mail.example")
    assert ann["Subject"] == "Shop: please choose again"
    assert bo["Subject"] == "Shop：请重新选择"
    plain, html = (part.get_content() for part in ann.iter_parts())
    assert plain.index("To accept or to refuse") < plain.index("如需接受或拒绝")
    assert "- recipients" in plain
    assert f"http://consent.example/p/{shop.key}/privacy/2.0?lang=zh-CN" in html
    assert ann["List-Unsubscribe-Post"] == "List-Unsubscribe=One-Click"
    assert db.session.scalars(select(Campaign)).one().state == "done"
    shown = text_of(console.get(answer.headers["Location"]))
    assert "Users with an address 4" in shown
    assert "Sent 2" in shown
    assert audited("campaigns.start") == 1


def test_one_click_ends_the_mail_and_a_mere_look_does_not(console: Console, shop: Site, inbox: Inbox) -> None:
    begin(console, shop, LIST.splitlines()[0] + "\nann,ann@mail.example,en\n")
    make.run_jobs()
    link = re.search(r"<http://consent.example(.+)>", inbox.messages[0]["List-Unsubscribe"])
    assert link

    assert console.client.get(link[1]).status_code == 200
    assert not db.session.scalars(select(MailRefusal)).all()
    for _ in range(2):
        done = console.client.post(link[1], data={"List-Unsubscribe": "One-Click"})
        assert done.status_code == 200
    assert [row.subject for row in db.session.scalars(select(MailRefusal))] == ["ann"]
    assert console.client.post(link[1][:-3] + "xyz").status_code == 404
    assert "<h1>This link belongs to no letter</h1>" in console.client.get(link[1][:-3] + "xyz").text
    begin(console, shop)
    assert set(states()) == {"ann", "bo"}
    assert db.session.scalars(select(CampaignLetter.subject).order_by(CampaignLetter.id)).all() == [
        "ann",
        "bo",
    ]


def test_only_so_many_a_minute_and_a_bounce_is_noted(
    console: Console, shop: Site, inbox: Inbox, set_clock: Any
) -> None:
    for name in ("dee", "eve"):
        visitor = make.decide(console.client, shop, policy_version="1.0")["visitor_id"]
        make.identify(console.client, shop, make.subject_token(shop, name), visitor)
    inbox.refused["bo@mail.example"] = "550 no such user"
    begin(console, shop, LIST + "dee,dee@mail.example,\neve,eve@mail.example,\n")

    make.run_jobs()
    assert sorted(state for state, _ in states().values()) == ["bounced", "sent", "waiting", "waiting"]
    later(set_clock, 1.5)
    make.run_jobs()

    assert states()["bo"] == ("bounced", False)
    assert len(inbox.messages) == 3
    assert states()["eve"] == ("sent", False)


def test_a_server_that_stalls_or_is_away_loses_no_letter(
    app: Flask, console: Console, shop: Site, inbox: Inbox, set_clock: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mail, "TIMEOUT", 0.2)
    begin(console, shop)
    with socket.create_server(("127.0.0.1", 0)) as silent:  # takes the connection and says nothing
        mine = app.extensions["settings"]
        environment = {"smtp_url": f"smtp://127.0.0.1:{silent.getsockname()[1]}"}
        app.extensions["settings"] = type(mine)(**(vars(mine) | environment))
        make.run_jobs()
        app.extensions["settings"] = mine
    assert states() == {"ann": ("waiting", True), "bo": ("waiting", True)}

    later(set_clock, 10)
    make.run_jobs()

    assert states() == {"ann": ("sent", False), "bo": ("sent", False)}
    assert len(inbox.messages) == 2


def test_a_letter_that_was_claimed_and_not_begun_is_sent_by_another_worker(
    console: Console, shop: Site, inbox: Inbox, set_clock: Any
) -> None:
    begin(console, shop)
    campaign = db.session.scalars(select(Campaign.id)).one()
    with transaction():
        killed = delivery.claim(campaign, now=clock.now())  # taken, and never heard of again
        assert killed is not None
        assert killed.subject == "ann"

    make.run_jobs()
    assert states() == {"ann": ("waiting", True), "bo": ("sent", False)}
    later(set_clock, 6)
    make.run_jobs()

    assert states()["ann"] == ("sent", False)
    assert [each["To"] for each in inbox.messages] == ["bo@mail.example", "ann@mail.example"]


def test_a_letter_that_the_server_takes_in_silence_waits_for_a_person(
    console: Console, shop: Site, inbox: Inbox, set_clock: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mail, "LAST_TIMEOUT", 0.2)
    inbox.silent = {"ann@mail.example", "bo@mail.example"}
    page = begin(console, shop).headers["Location"]
    make.run_jobs()
    inbox.silent = set()
    later(set_clock, 60)
    make.run_jobs()

    assert states() == {"ann": ("unknown", True), "bo": ("unknown", True)}
    assert db.session.scalars(select(Campaign.state)).one() == "done"
    ann, bo = inbox.messages
    shown = html.unescape(console.get(page).text)
    assert ann["Message-ID"] in shown
    first, second = sorted(re.findall(r'name="letter" value="([0-9]+)"', shown), key=int)
    console.send(f"{page}/unknown", {"letter": [first, "x"], "do": "again"}, page=page)
    console.send(f"{page}/unknown", {"letter": [second, first], "do": "leave"}, page=page)
    console.send(f"{page}/unknown", {"letter": [second], "do": "again"}, page=page)
    make.run_jobs()

    assert states() == {"ann": ("sent", False), "bo": ("sent", False)}
    assert [each["Message-ID"] for each in inbox.messages] == [
        ann["Message-ID"], bo["Message-ID"], ann["Message-ID"]]  # fmt: skip
    assert audited("campaigns.decide") == 3


def test_the_address_of_a_letter_that_nobody_decides_about_is_forgotten(
    console: Console, shop: Site, inbox: Inbox, set_clock: Any, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(mail, "LAST_TIMEOUT", 0.2)
    inbox.silent = {"ann@mail.example", "bo@mail.example"}
    begin(console, shop)
    make.run_jobs()

    later(set_clock, 31 * 24 * 60)
    make.run_jobs()

    assert states() == {"ann": ("unknown", False), "bo": ("unknown", False)}


def test_who_answered_meanwhile_or_was_erased_gets_no_letter(
    app: Flask, console: Console, shop: Site, inbox: Inbox
) -> None:
    begin(console, shop)
    visitor = make.decide(console.client, shop)["visitor_id"]
    make.identify(console.client, shop, make.subject_token(shop, "ann"), visitor)
    with transaction():
        erase_subject(shop, "bo", ring=app.extensions["keys"], now=clock.now(), actor="command")
    assert "bo" not in states()

    make.run_jobs()
    assert states() == {"ann": ("needless", False)}

    assert not inbox.messages


def test_a_stopped_campaign_sends_nothing_and_forgets_its_addresses(
    console: Console,
    shop: Site,
    inbox: Inbox,
) -> None:
    page = begin(console, shop).headers["Location"]

    console.send(f"{page}/stop", page=page)
    make.run_jobs()

    assert states() == {"ann": ("stopped", False), "bo": ("stopped", False)}
    assert not inbox.messages
    assert audited("campaigns.stop") == 1
    assert console.get(f"{page}/answers.csv").data.decode("utf-8-sig").startswith("Day,Granted,Denied")


@pytest.mark.parametrize(
    "text", ["", "a,b\n1,2\n", "subject,email\nann,no address\n", "subject,email\n,a@b.example\n"]
)
def test_a_list_that_is_none_is_refused_and_nothing_is_kept(console: Console, shop: Site, text: str) -> None:
    answer = begin(console, shop, text)

    assert answer.status_code == 422
    assert 'id="f-list-error"' in answer.text
    assert not db.session.scalars(select(Campaign)).all()


def test_the_address_is_nowhere_in_the_database(console: Console, shop: Site) -> None:
    begin(console, shop)

    sealed = db.session.scalars(select(CampaignLetter.sealed)).all()
    assert all(each and b"mail.example" not in each for each in sealed)
