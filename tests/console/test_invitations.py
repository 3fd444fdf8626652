"""Inviting somebody by e-mail: the mail, the link, the account with its role; once, and not for ever."""

import re
from datetime import timedelta

import pytest
from flask import Flask

from consent_server import clock
from consent_server.accounts import invitations, members
from consent_server.accounts.service import account_by_email
from consent_server.db import db
from consent_server.sites.models import Site
from tests import make
from tests.conftest import BuildApp, SetClock, close_app
from tests.console.conftest import Console, audited, text_of
from tests.smtp import Inbox

CHOSEN = {"name": "Mei", "password": "another long password", "again": "another long password"}


def invite(console: Console, site: Site, **changes: str) -> str:
    """Invite somebody and return the path of the link, or the empty text."""
    page = f"/console/sites/{site.key}/people"
    form = {"invited": "mei@example.org", "role": "author", "language": "zh-CN"} | changes
    found = re.search(r"http://localhost(/console/invitation/[\w.-]+)", console.send(f"{page}/invitations", form, page=page).text)  # fmt: skip
    return found[1] if found else ""


def test_an_invited_person_chooses_a_password_and_has_the_role_there(
    app: Flask, console: Console, visitor: Console, shop: Site
) -> None:
    other = make.site(name="Other")
    link = invite(console, shop)

    seen = visitor.get(link)
    answer = visitor.send(link, CHOSEN)

    assert "mei@example.org" in seen.text
    assert "<dd>lin@example.org</dd>" in seen.text  # who invites, by name
    assert answer.location == "/console"
    account = account_by_email("mei@example.org")
    assert account is not None
    assert (account.name, account.language) == ("Mei", "zh-CN")
    assert [each.role for each in members.memberships_of(account.id, shop.id)] == ["author"]
    assert visitor.get(f"/console/sites/{shop.key}/policies").status_code == 200
    assert visitor.get(f"/console/sites/{other.key}/policies").status_code == 403
    assert audited("accounts.invite") == audited("accounts.accept_invitation") == 1


def test_a_link_is_good_once(console: Console, visitor: Console, shop: Site) -> None:
    link = invite(console, shop)
    visitor.send(link, CHOSEN)

    assert visitor.get(link).status_code == 410
    assert link not in console.get(f"/console/sites/{shop.key}/people").text


def test_a_link_ends_after_seven_days(
    console: Console, visitor: Console, shop: Site, set_clock: SetClock
) -> None:
    link = invite(console, shop)
    start = clock.now()

    set_clock(start + timedelta(days=6, hours=23))
    assert visitor.get(link).status_code == 200
    set_clock(start + timedelta(days=7, seconds=1))

    assert visitor.get(link).status_code == 410


def test_a_withdrawn_link_and_a_forged_one_open_nothing(
    console: Console, visitor: Console, shop: Site
) -> None:
    link = invite(console, shop)
    people = f"/console/sites/{shop.key}/people"
    withdraw = re.search(rf"{people}/invitations/\d+/withdraw", console.get(people).text)
    assert withdraw

    console.send(withdraw[0], page=people)

    for path in (
        link,
        link[:-1] + ("A" if link[-1] != "A" else "B"),
        "/console/invitation/x",
        "/console/invitation/表",
    ):
        assert visitor.get(path).status_code == 410
    assert audited("accounts.withdraw_invitation") == 1


@pytest.mark.parametrize(
    ("changes", "status", "says"),
    [
        ({"password": "short", "again": "short"}, 422, "At least 12"),
        ({"again": "another"}, 422, "The two passwords differ."),
    ],
)
def test_a_password_that_will_not_do_leaves_the_invitation_open(
    console: Console, visitor: Console, shop: Site, changes: dict[str, str], status: int, says: str
) -> None:
    link = invite(console, shop)

    answer = visitor.send(link, CHOSEN | changes)

    assert answer.status_code == status
    assert says in text_of(answer)
    assert visitor.send(link, CHOSEN).status_code == 303


@pytest.mark.parametrize(
    "changes", [{"invited": "not an address"}, {"invited": "lin@example.org"}, {"role": "king"}]
)
def test_who_cannot_be_invited(console: Console, shop: Site, changes: dict[str, str]) -> None:
    assert invite(console, shop, **changes) == ""
    assert audited("accounts.invite") == 0


def test_the_link_is_mailed_in_the_persons_language(build_app: BuildApp, inbox: Inbox) -> None:
    app = build_app(
        "sqlite", smtp_url=inbox.url, mail_from="consent@example.org", public_url="http://localhost"
    )
    with app.app_context():
        console, site = Console(app.test_client()), make.site()
        make.signed_in(console.client)
        inbox.refused["gone@example.org"] = "550 no such person"
        link = invite(console, site)
        invite(console, site, invited="gone@example.org")

        make.run_jobs()

        [message] = inbox.messages
        body = message.get_content()
        assert message["To"] == "mei@example.org"
        assert message["Subject"] == "邀请您使用同意管理控制台"
        mailed = re.search(r"http://localhost(/console/invitation/[\w.-]+)", body)
        assert mailed
        # Signed anew when it was mailed; both lead to the one invitation.
        assert app.test_client().get(mailed[1]).status_code == 200
        assert app.test_client().get(link).status_code == 200
        page = text_of(console.get(f"/console/sites/{site.key}/people"))
        assert "mei@example.org Author" in page
        assert "Mailed" in page
        assert "Mail refused" in page
        db.session.remove()
    close_app(app)


def test_the_database_holds_no_link(console: Console, shop: Site) -> None:
    link = invite(console, shop)

    [row] = invitations.open_at(shop.id, now=clock.now())

    assert link.rpartition("/")[2] not in str(vars(row))
